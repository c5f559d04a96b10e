/* orgs/NAME.yaml: one organisation. */
#include <string.h>

#include "common/money.h"
#include "common/text.h"
#include "config/secret.h"
#include "load.h"

enum { MINUTE_S = 60, HOUR_S = 3600, DAY_S = 86400 };

static const struct yaml_field schedule_fields[] = {
	{ .key = "sync_every", .kind = YAML_DURATION, .offset = offsetof(struct schedule_settings, sync_every_s),
	  .max = 7.0 * DAY_S },
	{ .key = "sync_lead", .kind = YAML_DURATION, .offset = offsetof(struct schedule_settings, sync_lead_s),
	  .max = 12.0 * HOUR_S },
	{ .key = "sync_wait", .kind = YAML_DURATION, .offset = offsetof(struct schedule_settings, sync_wait_s),
	  .max = 15.0 * MINUTE_S },
	{ .key = "catch_up", .kind = YAML_DURATION, .offset = offsetof(struct schedule_settings, catch_up_s),
	  .max = DAY_S },
	{ .key = "pull_timeout", .kind = YAML_DURATION, .offset = offsetof(struct schedule_settings, pull_timeout_s),
	  .min = 1, .max = DAY_S },
	{ .key = "score_timeout", .kind = YAML_DURATION, .offset = offsetof(struct schedule_settings, score_timeout_s),
	  .min = 1, .max = DAY_S },
	{ .key = "digest_timeout", .kind = YAML_DURATION, .offset = offsetof(struct schedule_settings, digest_timeout_s),
	  .min = 1, .max = DAY_S },
	{ .key = "deliver_timeout", .kind = YAML_DURATION, .offset = offsetof(struct schedule_settings, deliver_timeout_s),
	  .min = 1, .max = DAY_S },
};

static const struct yaml_table schedule_table = {
	.size = sizeof(struct schedule_settings), .fields = schedule_fields, .n_fields = ARRAY_LEN(schedule_fields)
};

/* What an organisation's file holds. */
struct org_file {
	struct org_settings o;
	const struct yaml *score, *nrr;
};

static const struct yaml_field fields[] = {
	{ .key = "title", .kind = YAML_TEXT, .offset = offsetof(struct org_file, o.title) },
	{ .key = "zone", .kind = YAML_TEXT, .offset = offsetof(struct org_file, o.zone), .is_required = true },
	{ .key = "currency", .kind = YAML_TEXT, .offset = offsetof(struct org_file, o.currency), .is_required = true },
	{ .key = "language", .kind = YAML_TEXT, .offset = offsetof(struct org_file, o.language) },
	{ .key = "ping_url", .kind = YAML_TEXT, .offset = offsetof(struct org_file, o.ping_url) },
	{ .key = "account_url", .kind = YAML_TEXT, .offset = offsetof(struct org_file, o.account_url) },
	{ .key = "days", .kind = YAML_TEXTS, .offset = offsetof(struct org_file, o.days) },
	{ .key = "holidays", .kind = YAML_TEXTS, .offset = offsetof(struct org_file, o.holidays) },
	{ .key = "sources", .kind = YAML_MAP, .offset = offsetof(struct org_file, o.sources), .extra = &source_table },
	{ .key = "owners", .kind = YAML_LIST, .offset = offsetof(struct org_file, o.owners), .extra = &owner_table },
	{ .key = "channels", .kind = YAML_MAP, .offset = offsetof(struct org_file, o.channels), .extra = &channel_table },
	{ .key = "schedule", .kind = YAML_STRUCT, .offset = offsetof(struct org_file, o.schedule),
	  .extra = &schedule_table },
	{ .key = "identity", .kind = YAML_STRUCT, .offset = offsetof(struct org_file, o.identity),
	  .extra = &identity_table },
	{ .key = "retention", .kind = YAML_STRUCT, .offset = offsetof(struct org_file, o.retention),
	  .extra = &retention_table },
	{ .key = "answers", .kind = YAML_STRUCT, .offset = offsetof(struct org_file, o.answers), .extra = &answers_table },
	{ .key = "score", .kind = YAML_NODE, .offset = offsetof(struct org_file, score) },
	{ .key = "nrr", .kind = YAML_NODE, .offset = offsetof(struct org_file, nrr) },
};

static void check(void *item, const struct yaml *where, struct mistakes *m)
{
	const struct org_settings *o = &((struct org_file *)item)->o;

	check_zone(where, "zone", o->zone, m);
	check_days(where, "days", m);
	check_url(where, "account_url", o->account_url, false, m);
	if (!secret_is_reference(o->ping_url))
		check_url(where, "ping_url", o->ping_url, o->ping_url && text_starts(o->ping_url, "http://127.0.0.1"), m);
	if (o->currency && money_digits(o->currency) < 0)
		mistake_at(m, yaml_member(where, "currency"), "no currency `%.20s`, expected a code of ISO 4217 such as EUR",
		           o->currency);
	if (o->account_url && !strstr(o->account_url, "{{key}}"))
		mistake_at(m, yaml_member(where, "account_url"), "has no {{key}}, expected it where the account's key belongs");
}

static const struct yaml_table table = {
	.size = sizeof(struct org_file), .fields = fields, .n_fields = ARRAY_LEN(fields), .check = check
};

static const char *weekdays[] = { "mon", "tue", "wed", "thu", "fri" };

static const struct org_settings defaults = {
	.language = "en",
	.days = { .at = weekdays, .n = ARRAY_LEN(weekdays) },
	.answers = { .expires_after_s = ANSWERS_EXPIRE_AFTER_S },
	.retention = { .usage_s = 1830 * DAY_S, .texts_s = 1095 * DAY_S, .scores_s = 1095 * DAY_S,
	               .signals_s = 400 * DAY_S, .digests_s = 1095 * DAY_S, .runs_s = 400 * DAY_S },
	.schedule = { .sync_lead_s = HOUR_S, .sync_wait_s = 15 * MINUTE_S, .catch_up_s = 6 * HOUR_S,
	              .pull_timeout_s = 30 * MINUTE_S, .score_timeout_s = 15 * MINUTE_S, .digest_timeout_s = 10 * MINUTE_S,
	              .deliver_timeout_s = 10 * MINUTE_S },
};

static bool has_text(const struct texts *texts, const char *text)
{
	for (size_t i = 0; i < texts->n; i++)
		if (strcmp(texts->at[i], text) == 0)
			return true;
	return false;
}

static bool is_always(const struct org_settings *o, const char *stem)
{
	(void)o;
	(void)stem;
	return true;
}

static bool is_org(const struct org_settings *o, const char *stem)
{
	return strcmp(o->name, stem) == 0;
}

static bool is_connector(const struct org_settings *o, const char *stem)
{
	const struct source_settings *s = o->sources.at;

	for (size_t i = 0; i < o->sources.n; i++)
		if (s[i].connector && strcmp(s[i].connector, stem) == 0)
			return true;
	return false;
}

static bool is_holidays(const struct org_settings *o, const char *stem)
{
	const struct owner_settings *owners = o->owners.at;

	if (has_text(&o->holidays, stem))
		return true;
	for (size_t i = 0; i < o->owners.n; i++)
		if (has_text(&owners[i].holidays, stem))
			return true;
	return false;
}

static bool is_language(const struct org_settings *o, const char *stem)
{
	const struct owner_settings *owners = o->owners.at;

	if (o->language && strcmp(o->language, stem) == 0)
		return true;
	for (size_t i = 0; i < o->owners.n; i++)
		if (owners[i].language && strcmp(owners[i].language, stem) == 0)
			return true;
	return false;
}

/* Which files bear on what is said to an organisation, and so make up its configuration's version. */
static const struct {
	const char *start; /* of the file's name */
	bool (*is_bearing)(const struct org_settings *o, const char *stem);
} bearings[] = {
	{ "signals.yaml", is_always }, { "plays.yaml", is_always },        { "lexicon/", is_always },
	{ "orgs/", is_org },           { "connectors/", is_connector },    { "holidays/", is_holidays },
	{ "weights/", is_org },        { "texts/", is_language },
};

static const char *hash_of(const struct loading *l, const struct org_settings *o)
{
	struct texts names = { 0 };
	size_t n = 0;

	for (const struct config_file *f = l->files; f; f = f->next)
		n++;
	names.at = arena_array(l->arena, n, sizeof *names.at);
	for (const struct config_file *f = l->files; f; f = f->next)
		for (size_t i = 0; i < ARRAY_LEN(bearings); i++)
			if (text_starts(f->name, bearings[i].start) && bearings[i].is_bearing(o, config_stem(l->arena, f->name)))
				names.at[names.n++] = f->name;
	return config_hash(l, names);
}

static void read_org(struct loading *l, const char *name, struct org_settings *out)
{
	const struct yaml *tree = config_yaml(l, name, "an organisation");
	struct org_file f = { .o = defaults };

	f.o.name = config_stem(l->arena, name);
	f.o.file = arena_printf(l->arena, "%s/%s", l->dir, name);
	f.o.title = f.o.name;
	if (tree) {
		check_name(tree, f.o.name, l->mistakes);
		yaml_read(l->arena, tree, &table, &f, l->mistakes);
		check_known(tree, "holidays", "holidays", names_of(l->arena, l->config->holidays, sizeof(struct holiday_set)),
		            l->mistakes);
		f.o.words = read_words(l, tree, f.o.language);
		check_sources(l, &f.o, yaml_member(tree, "sources"));
		check_identity(l, &f.o, yaml_member(tree, "identity"));
		check_owners(l, &f.o, yaml_member(tree, "owners"));
		check_answers(l, &f.o, yaml_member(tree, "answers"));
	}
	nrr_policy_read(l->arena, f.nrr, &f.o.nrr, l->mistakes);
	read_org_score(l, f.score, &f.o.score);
	read_weights(l, f.o.name, &f.o.score);
	f.o.db_path = arena_printf(l->arena, "%s/orgs/%s/retaind.db", l->config->state_dir, f.o.name);
	f.o.hash = hash_of(l, &f.o);
	*out = f.o;
}

void read_orgs(struct loading *l)
{
	static const char *const endings[] = { ".yaml" };
	const char *folder = arena_printf(l->arena, "%s/orgs", l->dir);
	struct yaml where = { .file = folder, .path = "", .line = 1 };
	struct texts names = config_list(l, "orgs", endings, ARRAY_LEN(endings));
	struct org_settings *all = arena_array(l->arena, names.n, sizeof *all);

	if (!names.n)
		mistake_at(l->mistakes, &where, "no organisation, expected at least one file NAME.yaml");
	for (size_t i = 0; i < names.n; i++)
		read_org(l, names.at[i], &all[i]);
	l->config->orgs = (struct yaml_array){ .at = all, .n = names.n };
}
