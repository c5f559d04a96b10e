/* The `channels:` of an organisation: where digests go. */
#include <string.h>

#include "config/secret.h"
#include "load.h"

static const char *const kinds[] = {
	[CHANNEL_SLACK_WEBHOOK] = "slack_webhook", [CHANNEL_EMAIL] = "email", [CHANNEL_WEBHOOK] = "webhook",
	[CHANNEL_FILE] = "file", [CHANNEL_FILE + 1] = NULL
};
static const char *const tls_names[] = {
	[TLS_STARTTLS] = "starttls", [TLS_IMPLICIT] = "implicit", [TLS_NONE_LOOPBACK] = "none_loopback",
	[TLS_NONE_LOOPBACK + 1] = NULL
};
static const char *const ambiguous_names[] = {
	[AMBIGUOUS_RESEND] = "resend", [AMBIGUOUS_HOLD] = "hold", [AMBIGUOUS_HOLD + 1] = NULL
};
static const int64_t default_ports[] = { [TLS_STARTTLS] = 587, [TLS_IMPLICIT] = 465, [TLS_NONE_LOOPBACK] = 25 };

static const struct yaml_field fields[] = {
	{ .key = "kind", .kind = YAML_ENUM, .offset = offsetof(struct channel_settings, kind), .is_required = true,
	  .extra = kinds },
	{ .key = "url", .kind = YAML_TEXT, .offset = offsetof(struct channel_settings, url) },
	{ .key = "secret", .kind = YAML_TEXT, .offset = offsetof(struct channel_settings, secret) },
	{ .key = "old_secret", .kind = YAML_TEXT, .offset = offsetof(struct channel_settings, old_secret) },
	{ .key = "host", .kind = YAML_TEXT, .offset = offsetof(struct channel_settings, host) },
	{ .key = "port", .kind = YAML_INT, .offset = offsetof(struct channel_settings, port), .min = 1, .max = 65535 },
	{ .key = "tls", .kind = YAML_ENUM, .offset = offsetof(struct channel_settings, tls), .extra = tls_names },
	{ .key = "user", .kind = YAML_TEXT, .offset = offsetof(struct channel_settings, user) },
	{ .key = "password", .kind = YAML_TEXT, .offset = offsetof(struct channel_settings, password) },
	{ .key = "from", .kind = YAML_TEXT, .offset = offsetof(struct channel_settings, from) },
	{ .key = "reply_to", .kind = YAML_TEXT, .offset = offsetof(struct channel_settings, reply_to) },
	{ .key = "unsubscribe_url", .kind = YAML_TEXT, .offset = offsetof(struct channel_settings, unsubscribe_url) },
	{ .key = "folder", .kind = YAML_TEXT, .offset = offsetof(struct channel_settings, folder) },
	{ .key = "on_ambiguous", .kind = YAML_ENUM, .offset = offsetof(struct channel_settings, on_ambiguous),
	  .extra = ambiguous_names },
	{ .key = "per_second", .kind = YAML_REAL, .offset = offsetof(struct channel_settings, per_second), .min = 0.01,
	  .max = 100 },
	{ .key = "allows_http_loopback", .kind = YAML_BOOL,
	  .offset = offsetof(struct channel_settings, allows_http_loopback) },
	{ .key = "allows_private", .kind = YAML_BOOL, .offset = offsetof(struct channel_settings, allows_private) },
	{ .key = "ca_file", .kind = YAML_TEXT, .offset = offsetof(struct channel_settings, ca_file) },
};

enum {
	SLACK = 1 << CHANNEL_SLACK_WEBHOOK,
	EMAIL = 1 << CHANNEL_EMAIL,
	WEBHOOK = 1 << CHANNEL_WEBHOOK,
	FOLDER = 1 << CHANNEL_FILE
};

/* Which kinds have a key, and which of them need it. A key that is not here is for all. */
static const struct {
	const char *key;
	int used_by, needed_by;
} uses[] = {
	{ "url", SLACK | WEBHOOK, SLACK | WEBHOOK },
	{ "secret", WEBHOOK, WEBHOOK },
	{ "old_secret", WEBHOOK, 0 },
	{ "host", EMAIL, EMAIL },
	{ "port", EMAIL, 0 },
	{ "tls", EMAIL, 0 },
	{ "user", EMAIL, 0 },
	{ "password", EMAIL, 0 },
	{ "from", EMAIL, EMAIL },
	{ "reply_to", EMAIL, 0 },
	{ "unsubscribe_url", EMAIL, 0 },
	{ "folder", FOLDER, FOLDER },
	{ "allows_http_loopback", SLACK | WEBHOOK, 0 },
	{ "allows_private", SLACK | WEBHOOK | EMAIL, 0 },
	{ "ca_file", SLACK | WEBHOOK | EMAIL, 0 },
};

static void check_uses(int kind, const struct yaml *where, struct mistakes *m)
{
	for (size_t i = 0; i < ARRAY_LEN(uses); i++) {
		const struct yaml *entry = yaml_member(where, uses[i].key);

		if (entry && !(uses[i].used_by & 1 << kind))
			mistake_at(m, entry, "is not used with kind `%s`, expected it left out", kinds[kind]);
		if (yaml_is_null(entry) && (uses[i].needed_by & 1 << kind))
			mistake_at(m, entry ? entry : where, "`%s` is missing, kind `%s` needs it", uses[i].key, kinds[kind]);
	}
}

static void check_slack(struct channel_settings *c, const struct yaml *where, struct mistakes *m)
{
	check_reference(where, "url", c->url, m);
}

static void check_webhook(struct channel_settings *c, const struct yaml *where, struct mistakes *m)
{
	if (!secret_is_reference(c->url))
		check_url(where, "url", c->url, c->allows_http_loopback, m);
	check_reference(where, "secret", c->secret, m);
	check_reference(where, "old_secret", c->old_secret, m);
}

static void check_mail(struct channel_settings *c, const struct yaml *where, struct mistakes *m)
{
	if (!c->port)
		c->port = default_ports[c->tls];
	if (c->tls == TLS_NONE_LOOPBACK && c->host && !is_loopback(c->host))
		mistake_at(m, yaml_member(where, "tls"), "mail without TLS to `%s`, expected starttls or implicit", c->host);
	if (c->host && (strpbrk(c->host, " /@\r\n") || !*c->host))
		mistake_at(m, yaml_member(where, "host"), "expected the name of a host such as smtp.acme.example");
	if (!c->user != !c->password)
		mistake_at(m, where, "`%s` is missing, expected both `user` and `password` or none",
		           c->user ? "password" : "user");
	check_reference(where, "password", c->password, m);
	check_mailbox(where, "from", c->from, m);
	check_mailbox(where, "reply_to", c->reply_to, m);
	check_url(where, "unsubscribe_url", c->unsubscribe_url, false, m);
}

static void check_folder(struct channel_settings *c, const struct yaml *where, struct mistakes *m)
{
	check_absolute(where, "folder", c->folder, m);
}

static void check(void *item, const struct yaml *where, struct mistakes *m)
{
	static void (*const checks[])(struct channel_settings *, const struct yaml *, struct mistakes *) = {
		[CHANNEL_SLACK_WEBHOOK] = check_slack, [CHANNEL_EMAIL] = check_mail, [CHANNEL_WEBHOOK] = check_webhook,
		[CHANNEL_FILE] = check_folder
	};
	struct channel_settings *c = item;

	check_name(where, c->name, m);
	check_absolute(where, "ca_file", c->ca_file, m);
	if (c->kind < 0) /* not known: already told */
		return;
	check_uses(c->kind, where, m);
	checks[c->kind](c, where, m);
}

static const struct channel_settings defaults = { .kind = -1 };

const struct yaml_table channel_table = {
	.size = sizeof(struct channel_settings), .fields = fields, .n_fields = ARRAY_LEN(fields), .check = check,
	.defaults = &defaults
};
