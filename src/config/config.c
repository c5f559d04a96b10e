#include "config/config.h"

#include <string.h>
#include <sys/stat.h>

#include "common/text.h"
#include "load.h"

static const struct org_settings *org_of_channel(const struct config *c, const char *name)
{
	const struct org_settings *all = c->orgs.at;
	size_t len = strcspn(name, "/");

	for (size_t i = 0; i < c->orgs.n; i++)
		if (strlen(all[i].name) == len && strncmp(all[i].name, name, len) == 0)
			return &all[i];
	return NULL;
}

const struct channel_settings *config_channel(const struct config *c, const char *name)
{
	const char *slash = name ? strchr(name, '/') : NULL;
	const struct org_settings *org = slash ? org_of_channel(c, name) : NULL;

	return org ? org_channel(org, slash + 1) : NULL;
}

/* "org/channel": known only once all organisations are read. */
static void check_admin_channel(struct loading *l, const char *key, const char *name)
{
	const struct channel_settings *channel;
	const struct org_settings *org;

	if (!name || !strchr(name, '/') || !l->config->orgs.n)
		return;
	org = org_of_channel(l->config, name);
	if (org && !org->zone) /* its file can't be read: already told */
		return;
	channel = config_channel(l->config, name);
	if (!channel)
		mistake_at(l->mistakes, yaml_member(l->daemon, key),
		           "no channel `%s`, expected ORGANISATION/CHANNEL as they are in orgs/", name);
	else if (channel->kind == CHANNEL_SLACK_API && !channel->channel)
		mistake_at(l->mistakes, yaml_member(l->daemon, key),
		           "`%s` writes to each owner directly, expected a channel with a fixed `channel`", name);
}

const struct config *config_load(struct arena *a, const char *dir, const struct config_checks *checks,
                                 struct mistakes *m)
{
	struct loading l = { .arena = a, .mistakes = m, .dir = dir, .checks = checks };
	const struct yaml where = { .file = dir, .path = "", .line = 1 };
	size_t n_before = m->n;
	struct stat st;

	if (stat(dir, &st) < 0 || !S_ISDIR(st.st_mode)) {
		mistake_at(m, &where, "no such folder, expected the configuration (retaind.yaml, orgs/, signals.yaml ...)");
		return NULL;
	}
	l.config = arena_alloc(a, sizeof *l.config);
	l.config->dir = arena_strdup(a, dir);
	read_daemon(&l);
	read_holidays(&l);
	read_languages(&l);
	read_score(&l);
	read_orgs(&l);
	check_admin_channel(&l, "admin_channel", l.config->admin_channel);
	check_admin_channel(&l, "admin_fallback", l.config->admin_fallback);
	l.config->files = l.files;
	return m->n == n_before ? l.config : NULL;
}

bool config_lexicons(struct arena *a, const struct config *c, const struct config_checks *checks,
                     struct org_settings *io, struct mistakes *m)
{
	struct loading l = { .arena = a, .mistakes = m, .dir = c->dir, .files = c->files, .checks = checks };
	size_t n_before = m->n;

	read_lexicons(&l);
	io->score.lexicons = l.score.lexicons;
	io->score.index = l.score.index;
	return m->n == n_before;
}

const struct org_settings *config_org(const struct config *c, const char *name)
{
	const struct org_settings *all = c->orgs.at;

	if (!name)
		return c->orgs.n == 1 ? all : NULL;
	for (size_t i = 0; i < c->orgs.n; i++)
		if (strcmp(all[i].name, name) == 0)
			return &all[i];
	return NULL;
}

const struct channel_settings *org_channel(const struct org_settings *o, const char *name)
{
	const struct channel_settings *all = o->channels.at;

	for (size_t i = 0; i < o->channels.n; i++)
		if (strcmp(all[i].name, name) == 0)
			return &all[i];
	return NULL;
}

const struct owner_settings *org_owner(const struct org_settings *o, const char *email)
{
	const struct owner_settings *all = o->owners.at;

	for (size_t i = 0; i < o->owners.n; i++)
		if (text_equal_fold(all[i].email, email))
			return &all[i];
	return NULL;
}
