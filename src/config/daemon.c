/* retaind.yaml: where the state is, how much is logged, who is told of problems, where HTTP is served, how many
 * processes work at once. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "common/text.h"
#include "load.h"

static const char *const log_levels[] = { "error", "warning", "info", "debug", NULL };

struct daemon_file {
	const char *state, *admin_channel, *admin_fallback;
	int log_level;
	struct score_file { int64_t processes; } score;
	struct web_settings web;
};

static const struct yaml_field web_fields[] = {
	{ .key = "listen", .kind = YAML_TEXT, .offset = offsetof(struct web_settings, listen), .is_required = true },
	{ .key = "allows_public", .kind = YAML_BOOL, .offset = offsetof(struct web_settings, allows_public) },
};

enum { MAX_HOST = 64, MAX_PORT = 65535 };

/* An address as a number, so that what it means does not depend on anybody's answer. */
static void check_web(void *item, const struct yaml *where, struct mistakes *m)
{
	const struct web_settings *w = item;
	const struct yaml *at = yaml_member(where, "listen");
	const char *colon = w->listen ? strrchr(w->listen, ':') : NULL;
	struct in_addr four;
	struct in6_addr six;
	char host[MAX_HOST];
	int64_t port;

	if (!w->listen)
		return;
	if (!colon || colon - w->listen >= MAX_HOST || !text_to_int(colon + 1, &port) || port < 0 || port > MAX_PORT) {
		mistake_at(m, at, "is `%.80s`, expected ADDRESS:PORT such as 127.0.0.1:8642", w->listen);
		return;
	}
	(void)snprintf(host, sizeof host, "%.*s", (int)(colon - w->listen), w->listen);
	if (host[0] == '[' && host[strlen(host) - 1] == ']') {
		memmove(host, host + 1, strlen(host));
		host[strlen(host) - 1] = '\0';
	} else if (strchr(host, ':')) {
		host[0] = '\0'; /* without brackets nobody knows where the port begins */
	}
	if (inet_pton(AF_INET, host, &four) != 1 && inet_pton(AF_INET6, host, &six) != 1)
		mistake_at(m, at, "is `%.80s`, expected a number for the address: 127.0.0.1:8642 or [::1]:8642", w->listen);
	else if (!is_loopback(host) && !w->allows_public)
		mistake_at(m, at, "is `%.80s`, which others reach, without TLS: put a proxy in front of 127.0.0.1, or say "
		           "allows_public: true", w->listen);
}

static const struct yaml_table web_table = {
	.size = sizeof(struct web_settings), .fields = web_fields, .n_fields = ARRAY_LEN(web_fields), .check = check_web
};

/* Of one machine: more than its processors are of no use. */
static const struct yaml_field score_fields[] = {
	{ .key = "processes", .kind = YAML_INT, .offset = offsetof(struct score_file, processes), .min = 1, .max = 64 },
};
static const struct yaml_table score_table = {
	.size = sizeof(struct score_file), .fields = score_fields, .n_fields = ARRAY_LEN(score_fields)
};

static const struct yaml_field fields[] = {
	{ .key = "state", .kind = YAML_TEXT, .offset = offsetof(struct daemon_file, state) },
	{ .key = "log_level", .kind = YAML_ENUM, .offset = offsetof(struct daemon_file, log_level), .extra = log_levels },
	{ .key = "score", .kind = YAML_STRUCT, .offset = offsetof(struct daemon_file, score), .extra = &score_table },
	{ .key = "web", .kind = YAML_STRUCT, .offset = offsetof(struct daemon_file, web), .extra = &web_table },
	{ .key = "admin_channel", .kind = YAML_TEXT, .offset = offsetof(struct daemon_file, admin_channel) },
	{ .key = "admin_fallback", .kind = YAML_TEXT, .offset = offsetof(struct daemon_file, admin_fallback) },
};

static void check(void *item, const struct yaml *where, struct mistakes *m)
{
	const struct daemon_file *d = item;

	check_absolute(where, "state", d->state, m);
	if (d->admin_channel && !strchr(d->admin_channel, '/'))
		mistake_at(m, yaml_member(where, "admin_channel"), "is `%s`, expected ORGANISATION/CHANNEL", d->admin_channel);
	if (d->admin_fallback && !strchr(d->admin_fallback, '/'))
		mistake_at(m, yaml_member(where, "admin_fallback"), "is `%s`, expected ORGANISATION/CHANNEL",
		           d->admin_fallback);
	if (d->admin_fallback && (!d->admin_channel || strcmp(d->admin_channel, d->admin_fallback) == 0))
		mistake_at(m, yaml_member(where, "admin_fallback"), "expected another channel than admin_channel, beside one");
}

static const struct yaml_table table = {
	.size = sizeof(struct daemon_file), .fields = fields, .n_fields = ARRAY_LEN(fields), .check = check
};

void read_daemon(struct loading *l)
{
	struct daemon_file d = { .state = "/var/lib/retaind", .log_level = 2 };
	const struct yaml *tree = config_yaml(l, "retaind.yaml", "the daemon's settings (state, log_level, admin_channel)");

	l->daemon = tree;
	if (tree)
		yaml_read(l->arena, tree, &table, &d, l->mistakes);
	l->config->state_dir = d.state;
	l->config->log_level = log_levels[d.log_level];
	l->config->admin_channel = d.admin_channel;
	l->config->admin_fallback = d.admin_fallback;
	l->config->score_processes = d.score.processes;
	l->config->web = d.web;
}
