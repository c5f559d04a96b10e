/* retaind.yaml: where the state is, how much is logged, who is told of problems. */
#include <string.h>

#include "load.h"

static const char *const log_levels[] = { "error", "warning", "info", "debug", NULL };

struct daemon_file {
	const char *state, *admin_channel;
	int log_level;
};

static const struct yaml_field fields[] = {
	{ .key = "state", .kind = YAML_TEXT, .offset = offsetof(struct daemon_file, state) },
	{ .key = "log_level", .kind = YAML_ENUM, .offset = offsetof(struct daemon_file, log_level), .extra = log_levels },
	{ .key = "admin_channel", .kind = YAML_TEXT, .offset = offsetof(struct daemon_file, admin_channel) },
};

static void check(void *item, const struct yaml *where, struct mistakes *m)
{
	const struct daemon_file *d = item;

	check_absolute(where, "state", d->state, m);
	if (d->admin_channel && !strchr(d->admin_channel, '/'))
		mistake_at(m, yaml_member(where, "admin_channel"), "is `%s`, expected ORGANISATION/CHANNEL", d->admin_channel);
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
}
