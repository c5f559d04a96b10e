/* What a channel is: one row of the table, one function that sends and says what became of it. */
#ifndef CHANNEL_H
#define CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/http.h"
#include "deliver/deliver.h"

struct channel_job {
	const struct channel_settings *channel;
	const struct outbox_message *message;
	deliver_secret_fn *secret;
	int64_t now;
	struct http *http; /* NULL: a new one by the channel's settings */
};

/* Plain data without pointers: it crosses a pipe. */
struct verdict {
	enum delivery_outcome outcome;
	int status;
	bool disables_sink;  /* nothing will get through until a person has acted */
	bool holds_sink;     /* everything to this sink waits, not just this message */
	int64_t wait_s;      /* as the other side asked for; -1: by the schedule */
	int64_t min_wait_s;  /* the schedule's, but no sooner */
	int weight;          /* as how many messages it counts for the sink's rate; 0: as one */
	char detail[256];
	char provider_ref[128];
	char address[64];     /* what the recipient is called there, to be remembered; "": nothing new */
	bool forgets_address; /* what was remembered is no longer true */
};

typedef void channel_send_fn(const struct channel_job *job, struct arena *a, struct verdict *out);

/* A text for people in the shape of the kind: fills the message's body, and what else of it is not NOTICE's default
 * (JSON to the sink). */
/* Bytes of a notice as it is sent, and of its text: all of it may be signs that are sent as five. */
enum { MAX_NOTICE = 16 << 10, NOTICE_TEXT = 3000 };
struct notice {
	const char *subject, *text, *key;
	int64_t now;
};
typedef int channel_notice_fn(struct arena *a, const struct channel_settings *c, const struct notice *n,
                              struct buf *body, struct outbox_message *out, struct err *err);

/* Each kind is a file with one of these. */
struct channel_type {
	const struct channel_key *keys; /* ends with name NULL */
	double per_second; /* unless the channel says; 0: no limit */
	enum channel_to to;
	bool is_repeatable; /* what comes twice counts once, or the other side is asked first: in doubt sent again */
	channel_send_fn *send;
	channel_notice_fn *notice;
};

extern const struct channel_type slack_webhook_channel, email_channel, webhook_channel, file_channel, teams_channel,
	google_chat_channel, discord_channel, slack_api_channel, mattermost_channel, stdout_channel;
extern const struct channel_type *const channel_types[]; /* by enum channel_kind */

/* A verdict with a cleaned, cut detail; wait_s -1. */
struct verdict verdict_of(enum delivery_outcome outcome, int status, const char *detail);
/* An exchange that failed: ambiguous when the request had left, else to be tried again. */
struct verdict verdict_of_failure(bool was_sent, const struct err *err);
/* Posts to the channel's URL, which is one or a reference to one. */
int channel_post(const struct channel_job *job, struct arena *a, const char *url, const struct http_header *headers,
                 size_t n_headers, const void *body, size_t body_len, struct http_response *out, bool *out_was_sent,
                 struct err *err) MUST_USE;
/* With the limits and permissions of the channel's settings. */
struct http *channel_http(const struct channel_settings *c, size_t max_body_bytes);
int channel_url(const struct channel_job *job, struct arena *a, const char **out, struct err *err) MUST_USE;
/* The body that is to go this time. */
const void *channel_body(const struct outbox_message *m, size_t *out_len);

/* Something that a person should know, in the shape of the channel; by mail to reply_to, else to from itself. A text of
 * more than NOTICE_TEXT bytes is cut: a long one must not keep the person from knowing. */
int notice_message(struct arena *a, const struct channel_settings *c, const char *subject, const char *text,
                   int64_t now, struct outbox_message *out, struct err *err) MUST_USE;

/* How long to wait after so many attempts: 0 before the first, then 5 s, 30 s, 2 m, 5 m, 15 m, 30 m, 1 h, 2 h, 4 h, 4 h
 * and so on, within +-20 %, the same for the same key and attempt. */
int64_t retry_delay_ms(int n_attempts, const char *delivery_key);

/* What Slack's answer means. */
struct verdict slack_verdict(const struct http_response *r, struct arena *a, int64_t now);

/* Standard Webhooks: "v1,..." for each secret, separated by a blank. ERR_CONFIG when a secret is none. */
int webhook_signature(struct arena *a, const char *const *secrets, size_t n, const char *id, int64_t timestamp,
                      const void *body, size_t len, const char **out, struct err *err) MUST_USE;

/* What forbids to send a message as it is (a bare CR or LF, a NUL, a line over 998 bytes, no header), or NULL. */
const char *email_flaw(const char *message, size_t len);
/* What an SMTP exchange means: the last reply code (0 none), and whether the whole message had been handed over. */
enum smtp_end { SMTP_DONE, SMTP_REFUSED, SMTP_LOGIN_REFUSED, SMTP_NOT_SECURE, SMTP_BROKEN };
struct verdict smtp_verdict(enum smtp_end end, int code, bool was_handed_over, const char *detail);

#endif
