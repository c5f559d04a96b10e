/* The channels of an organisation: one row each, whatever the kind; fields of other kinds stay NULL. */
#ifndef DELIVER_SETTINGS_H
#define DELIVER_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

enum channel_kind { CHANNEL_SLACK_WEBHOOK, CHANNEL_EMAIL, CHANNEL_WEBHOOK, CHANNEL_FILE };
enum channel_tls { TLS_STARTTLS, TLS_IMPLICIT, TLS_NONE_LOOPBACK };
enum on_ambiguous { AMBIGUOUS_RESEND, AMBIGUOUS_HOLD };

struct channel_settings {
	const char *name;
	int kind;              /* enum channel_kind */
	const char *url;       /* secret reference (slack_webhook) or URL or secret reference (webhook) */
	const char *secret;    /* webhook: reference to whsec_...; a second one during rotation */
	const char *old_secret;
	const char *host;      /* email */
	int64_t port;
	int tls;               /* enum channel_tls */
	const char *user, *password; /* password: secret reference */
	const char *from;      /* "Retention desk <retaind@acme.example>" */
	const char *reply_to;
	const char *unsubscribe_url; /* https; NULL: mailto only */
	const char *folder;    /* file */
	int on_ambiguous;      /* enum on_ambiguous */
	double per_second;     /* messages; 0: the kind's default */
	bool allows_http_loopback, allows_private;
	const char *ca_file;
};

#endif
