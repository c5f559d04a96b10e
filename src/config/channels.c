/* The `channels:` of an organisation: where digests go. */
#include <string.h>

#include "config/secret.h"
#include "load.h"

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
	  .extra = channel_kind_names },
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
	{ .key = "token", .kind = YAML_TEXT, .offset = offsetof(struct channel_settings, token) },
	{ .key = "channel", .kind = YAML_TEXT, .offset = offsetof(struct channel_settings, channel) },
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

enum { MIN_SLACK_ID = 9, MAX_SLACK_ID = 30 };

/* A key that is not here is for all kinds. */
static const char *const some_take[] = {
	"url", "secret", "old_secret", "host", "port", "tls", "user", "password", "from", "reply_to", "unsubscribe_url",
	"token", "channel", "folder", "allows_http_loopback", "allows_private", "ca_file",
};

static const struct channel_key *key_of(int kind, const char *name)
{
	for (const struct channel_key *k = channel_keys(kind); k->name; k++)
		if (strcmp(k->name, name) == 0)
			return k;
	return NULL;
}

static void check_keys(int kind, const struct yaml *where, struct mistakes *m)
{
	const char *name = channel_kind_names[kind];

	for (size_t i = 0; i < ARRAY_LEN(some_take); i++) {
		const struct yaml *entry = yaml_member(where, some_take[i]);
		const struct channel_key *key = key_of(kind, some_take[i]);

		if (entry && !key)
			mistake_at(m, entry, "is not used with kind `%s`, expected it left out", name);
		else if (yaml_is_null(entry) && key && key->is_needed)
			mistake_at(m, entry ? entry : where, "`%s` is missing, kind `%s` needs it", some_take[i], name);
		else if (key && key->is_secret && entry)
			check_reference(where, some_take[i], entry->text, m);
	}
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
	check_mailbox(where, "from", c->from, m);
	check_mailbox(where, "reply_to", c->reply_to, m);
	check_url(where, "unsubscribe_url", c->unsubscribe_url, false, m);
}

static void check_slack_api(struct channel_settings *c, const struct yaml *where, struct mistakes *m)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	const char *id = c->channel;

	if (id && (!*id || !strchr("CGD", *id) || strlen(id) < MIN_SLACK_ID || strlen(id) > MAX_SLACK_ID ||
	           id[strspn(id, letters)]))
		mistake_at(m, yaml_member(where, "channel"), "is `%.80s`, expected a channel's identifier such as C024BE91L "
		           "(in Slack: the channel's details, at the end)", id);
	if (id && c->per_second == 0)
		c->per_second = 1; /* as Slack allows for a channel */
}

static void check(void *item, const struct yaml *where, struct mistakes *m)
{
	struct channel_settings *c = item;

	check_name(where, c->name, m);
	check_absolute(where, "ca_file", c->ca_file, m);
	check_absolute(where, "folder", c->folder, m);
	if (c->kind < 0) /* not known: already told */
		return;
	check_keys(c->kind, where, m);
	if (key_of(c->kind, "url") && !key_of(c->kind, "url")->is_secret && !secret_is_reference(c->url))
		check_url(where, "url", c->url, c->allows_http_loopback, m);
	if (c->kind == CHANNEL_SLACK_API)
		check_slack_api(c, where, m);
	if (c->kind == CHANNEL_EMAIL)
		check_mail(c, where, m);
}

static const struct channel_settings defaults = { .kind = -1 };

const struct yaml_table channel_table = {
	.size = sizeof(struct channel_settings), .fields = fields, .n_fields = ARRAY_LEN(fields), .check = check,
	.defaults = &defaults
};
