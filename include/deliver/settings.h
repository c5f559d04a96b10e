/* The channels of an organisation: one row each, whatever the kind; fields of other kinds stay NULL. */
#ifndef DELIVER_SETTINGS_H
#define DELIVER_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

enum channel_kind { CHANNEL_SLACK_WEBHOOK, CHANNEL_EMAIL, CHANNEL_WEBHOOK, CHANNEL_FILE, CHANNEL_TEAMS,
	CHANNEL_GOOGLE_CHAT, CHANNEL_DISCORD, CHANNEL_SLACK_API, CHANNEL_MATTERMOST,
	CHANNEL_STDOUT, N_CHANNEL_KINDS };
extern const char *const channel_kind_names[]; /* "slack_webhook" and the like, as in outbox.kind; ends with NULL */

/* What of channel_settings a kind takes, beside what all take. */
struct channel_key {
	const char *name;
	bool is_needed;
	bool is_secret; /* only as a reference: credential:NAME, file:PATH, env:NAME */
};
const struct channel_key *channel_keys(int kind); /* ends with name NULL */

/* Whom a message is for: whoever listens at the sink, the owner by e-mail address, or a name of its own in a folder. */
enum channel_to { TO_SINK, TO_OWNER, TO_FILE };
enum channel_to channel_to(int kind);
enum channel_tls { TLS_STARTTLS, TLS_IMPLICIT, TLS_NONE_LOOPBACK };
enum on_ambiguous { AMBIGUOUS_RESEND, AMBIGUOUS_HOLD };

struct channel_settings {
	const char *name;
	int kind;              /* enum channel_kind */
	const char *url;       /* secret reference (slack_webhook) or URL or secret reference (webhook);
	                        * slack_api: NULL is Slack's own */
	const char *secret;    /* webhook: reference to whsec_...; a second one during rotation */
	const char *old_secret;
	const char *host;      /* email */
	int64_t port;
	int tls;               /* enum channel_tls */
	const char *user, *password; /* password: secret reference */
	const char *from;      /* "Retention desk <retaind@acme.example>" */
	const char *reply_to;
	const char *unsubscribe_url; /* https; NULL: mailto only */
	const char *token;     /* slack_api: reference to xoxb-... */
	const char *channel;   /* slack_api: C024BE91L; NULL: a direct message to each owner */
	const char *folder;    /* file */
	int on_ambiguous;      /* enum on_ambiguous */
	double per_second;     /* messages; 0: the kind's default */
	bool allows_http_loopback, allows_private;
	const char *ca_file;
};

#endif
