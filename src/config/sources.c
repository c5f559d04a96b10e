/* The `sources:` of an organisation. */
#include <string.h>

#include "load.h"

enum { DAY_S = 86400, MAX_PROPERTY_CHARS = 100 };

#define PROPERTY_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

static void check_secret(void *item, const struct yaml *where, struct mistakes *m)
{
	const struct named_secret *s = item;

	check_reference(where, "", s->reference, m);
}

static const struct yaml_field secret_fields[] = {
	{ .key = "", .kind = YAML_TEXT, .offset = offsetof(struct named_secret, reference), .is_required = true },
};

static const struct yaml_table secret_table = {
	.size = sizeof(struct named_secret), .fields = secret_fields, .n_fields = 1, .check = check_secret
};

#define PROPERTY(key_text, field) { .key = key_text, .kind = YAML_TEXT, \
	.offset = offsetof(struct write_names, at) + (field) * sizeof(const char *) }

static const struct yaml_field name_fields[] = {
	PROPERTY("risk", WRITE_RISK),
	PROPERTY("readiness", WRITE_READINESS),
	PROPERTY("band", WRITE_BAND),
	PROPERTY("readiness_band", WRITE_READINESS_BAND),
	PROPERTY("cause", WRITE_CAUSE),
	PROPERTY("as_of", WRITE_AS_OF),
};

/* Each field goes to a property of its own, or two would overwrite each other for ever. */
static void check_names(void *item, const struct yaml *where, struct mistakes *m)
{
	const struct write_names *names = item;
	size_t n = 0;

	for (size_t i = 0; i < N_WRITE_FIELDS; i++) {
		const char *name = names->at[i];

		n += name && i != WRITE_AS_OF;
		if (name && (!*name || strlen(name) > MAX_PROPERTY_CHARS || strspn(name, PROPERTY_CHARS) != strlen(name)))
			mistake_at(m, where, "`%s` is no name of a property: letters, digits and _, at most %d", name,
			           MAX_PROPERTY_CHARS);
		for (size_t j = 0; name && j < i; j++)
			if (names->at[j] && strcmp(names->at[j], name) == 0)
				mistake_at(m, where, "two fields go to `%s`, expected one each", name);
	}
	if (n == 0)
		mistake_at(m, where, "names nothing to write, expected one of risk, readiness, band, readiness_band, cause");
}

static const struct yaml_table names_table = {
	.size = sizeof(struct write_names), .fields = name_fields, .n_fields = ARRAY_LEN(name_fields), .check = check_names
};

static const char *const engine_names[] = { "defense", "expansion" };

static void check_tasks(void *item, const struct yaml *where, struct mistakes *m)
{
	struct write_tasks *t = item;

	t->is_wanted = true;
	for (size_t i = 0; i < t->engines.n; i++)
		if (strcmp(t->engines.at[i], engine_names[0]) != 0 && strcmp(t->engines.at[i], engine_names[1]) != 0)
			mistake_at(m, where, "engine `%s` is none, expected defense or expansion", t->engines.at[i]);
}

static const struct yaml_field tasks_fields[] = {
	{ .key = "engines", .kind = YAML_TEXTS, .offset = offsetof(struct write_tasks, engines) },
	{ .key = "most", .kind = YAML_INT, .offset = offsetof(struct write_tasks, most), .min = 1, .max = 1000 },
};

static const struct yaml_table tasks_table = {
	.size = sizeof(struct write_tasks), .fields = tasks_fields, .n_fields = ARRAY_LEN(tasks_fields),
	.check = check_tasks
};

static void check_write_back(void *item, const struct yaml *where, struct mistakes *m)
{
	(void)item;
	if (!yaml_member(where, "account") && !yaml_member(where, "tasks"))
		mistake_at(m, where, "says nothing to write, expected `account:` with names of properties, or `tasks:`");
}

static const struct yaml_field write_back_fields[] = {
	{ .key = "is_enabled", .kind = YAML_BOOL, .offset = offsetof(struct write_back_settings, is_enabled) },
	{ .key = "account", .kind = YAML_STRUCT, .offset = offsetof(struct write_back_settings, account),
	  .extra = &names_table },
	{ .key = "tasks", .kind = YAML_STRUCT, .offset = offsetof(struct write_back_settings, tasks),
	  .extra = &tasks_table },
};

static const struct yaml_table write_back_table = {
	.size = sizeof(struct write_back_settings), .fields = write_back_fields, .n_fields = ARRAY_LEN(write_back_fields),
	.check = check_write_back
};

static const char *const push_auths[] = { "write_key", "standard_webhooks", "espocrm", NULL }; /* as enum push_auth */

static const struct yaml_field push_fields[] = {
	{ .key = "auth", .kind = YAML_ENUM, .offset = offsetof(struct push_settings, auth), .extra = push_auths,
	  .is_required = true },
	{ .key = "per_second", .kind = YAML_REAL, .offset = offsetof(struct push_settings, per_second), .min = 0.1,
	  .max = 1000 },
	{ .key = "spool_mb", .kind = YAML_INT, .offset = offsetof(struct push_settings, spool_mb), .min = 16,
	  .max = 65536 },
	{ .key = "remember", .kind = YAML_DURATION, .offset = offsetof(struct push_settings, remember_s), .min = DAY_S,
	  .max = 90.0 * DAY_S },
};

static const struct yaml_table push_table = {
	.size = sizeof(struct push_settings), .fields = push_fields, .n_fields = ARRAY_LEN(push_fields)
};

static const struct yaml_field fields[] = {
	{ .key = "connector", .kind = YAML_TEXT, .offset = offsetof(struct source_settings, connector),
	  .is_required = true },
	{ .key = "base_url", .kind = YAML_TEXT, .offset = offsetof(struct source_settings, base_url) },
	{ .key = "folder", .kind = YAML_TEXT, .offset = offsetof(struct source_settings, folder) },
	{ .key = "secrets", .kind = YAML_MAP, .offset = offsetof(struct source_settings, secrets), .extra = &secret_table },
	{ .key = "config", .kind = YAML_NODE, .offset = offsetof(struct source_settings, config) },
	{ .key = "map", .kind = YAML_NODE, .offset = offsetof(struct source_settings, map) },
	{ .key = "streams", .kind = YAML_NODE, .offset = offsetof(struct source_settings, streams) },
	{ .key = "files", .kind = YAML_NODE, .offset = offsetof(struct source_settings, files) },
	{ .key = "events", .kind = YAML_NODE, .offset = offsetof(struct source_settings, events) },
	{ .key = "push", .kind = YAML_STRUCT, .offset = offsetof(struct source_settings, push), .extra = &push_table },
	{ .key = "allows_http_loopback", .kind = YAML_BOOL,
	  .offset = offsetof(struct source_settings, allows_http_loopback) },
	{ .key = "ca_file", .kind = YAML_TEXT, .offset = offsetof(struct source_settings, ca_file) },
	{ .key = "budget_percent", .kind = YAML_REAL, .offset = offsetof(struct source_settings, budget_percent), .min = 1,
	  .max = 100 },
	{ .key = "stale_after", .kind = YAML_DURATION, .offset = offsetof(struct source_settings, stale_after_s),
	  .min = 3600, .max = 90.0 * DAY_S },
	{ .key = "write_back", .kind = YAML_STRUCT, .offset = offsetof(struct source_settings, write_back),
	  .extra = &write_back_table },
};

/* What a source is; each has keys of its own. */
enum kind { KIND_CSV = 1, KIND_PUSH = 2, KIND_REST = 4 };

static enum kind kind_of(const struct source_settings *s)
{
	if (s->connector && strcmp(s->connector, "csv") == 0)
		return KIND_CSV;
	return s->connector && strcmp(s->connector, "push") == 0 ? KIND_PUSH : KIND_REST;
}

static const struct {
	const char *key;
	int kinds;
	bool is_required; /* by the only kind that has it */
} kind_keys[] = {
	{ "folder", KIND_CSV, true },
	{ "files", KIND_CSV, true },
	{ "events", KIND_PUSH, true },
	{ "push", KIND_PUSH, true },
	{ "secrets", KIND_PUSH | KIND_REST, false },
	{ "base_url", KIND_REST, false },
	{ "config", KIND_REST, false },
	{ "map", KIND_REST, false },
	{ "write_back", KIND_REST, false },
	{ "streams", KIND_REST, false },
};

/* The connector of keys that one kind needs; of the others, the one that has them not. */
static const char *only_kind(int kinds, const struct source_settings *s)
{
	return kinds == KIND_CSV ? "csv" : kinds == KIND_PUSH ? "push" : s->connector;
}

static void check_kind(const struct source_settings *s, const struct yaml *where, struct mistakes *m)
{
	for (size_t i = 0; i < ARRAY_LEN(kind_keys); i++) {
		const struct yaml *entry = yaml_member(where, kind_keys[i].key);

		if (entry && !(kind_keys[i].kinds & (int)kind_of(s)))
			mistake_at(m, entry, "is not used with connector `%s`, expected it only with %s`%s`", s->connector,
			           kind_keys[i].is_required ? "" : "other connectors than ", only_kind(kind_keys[i].kinds, s));
		if (!entry && kind_keys[i].is_required && kind_keys[i].kinds == (int)kind_of(s))
			mistake_at(m, where, "`%s` is missing, connector `%s` needs it", kind_keys[i].key, s->connector);
	}
	if (kind_of(s) == KIND_PUSH && s->secrets.n == 0)
		mistake_at(m, where, "`secrets` is missing, expected what the senders have, such as { key: credential:NAME }");
}

static void check_mapping(const struct yaml *node, bool is_of_texts, struct mistakes *m)
{
	if (node && node->type != YAML_MAPPING) {
		mistake_at(m, node, "expected a mapping (key: value)");
		return;
	}
	for (const struct yaml *entry = is_of_texts && node ? node->first : NULL; entry; entry = entry->next)
		if (entry->type == YAML_MAPPING || yaml_is_null(entry))
			mistake_at(m, entry, "expected a text, or a list of texts");
}

static void check(void *item, const struct yaml *where, struct mistakes *m)
{
	const struct source_settings *s = item;

	check_name(where, s->name, m);
	check_absolute(where, "folder", s->folder, m);
	check_absolute(where, "ca_file", s->ca_file, m);
	check_url(where, "base_url", s->base_url, s->allows_http_loopback, m);
	check_mapping(s->config, true, m);
	check_mapping(s->map, false, m);
	check_mapping(s->files, false, m);
	check_mapping(s->events, false, m);
	check_mapping(s->streams, false, m);
}

static const struct source_settings defaults = { .budget_percent = 80, .stale_after_s = 2 * DAY_S,
	.push = { .per_second = 50, .spool_mb = 256, .remember_s = 7 * DAY_S }, .write_back.tasks.most = 20 };

const struct yaml_table source_table = {
	.size = sizeof(struct source_settings), .fields = fields, .n_fields = ARRAY_LEN(fields), .check = check,
	.defaults = &defaults
};

/* The connectors that there are: the files of connectors/, csv and push. */
static struct texts connectors(struct loading *l)
{
	static const char *const endings[] = { ".yaml" };
	struct texts files = config_list(l, "connectors", endings, ARRAY_LEN(endings));
	struct texts names = { .at = arena_array(l->arena, files.n + 2, sizeof *names.at) };

	names.at[names.n++] = "csv";
	names.at[names.n++] = "push";
	for (size_t i = 0; i < files.n; i++)
		names.at[names.n++] = config_stem(l->arena, files.at[i]);
	return names;
}

static bool is_among(struct texts known, const char *name)
{
	for (size_t i = 0; name && i < known.n; i++)
		if (strcmp(known.at[i], name) == 0)
			return true;
	return false;
}

static bool is_mapping(const struct yaml *node)
{
	return node && node->type == YAML_MAPPING;
}

/* Whether it has the shape that its connector needs; what is missing was told already. */
static bool is_whole(const struct source_settings *s)
{
	if (kind_of(s) != KIND_REST)
		return kind_of(s) == KIND_CSV ? s->folder && is_mapping(s->files) : is_mapping(s->events);
	return (!s->map || is_mapping(s->map)) && (!s->config || is_mapping(s->config));
}

void check_sources(struct loading *l, const struct org_settings *o, const struct yaml *sources)
{
	const struct source_settings *s = o->sources.at;
	const struct yaml *where = o->sources.n ? sources->first : NULL;
	struct texts known = connectors(l);

	for (size_t i = 0; where; i++, where = where->next) {
		check_known(where, "connector", "connector", known, l->mistakes);
		if (!is_among(known, s[i].connector))
			continue;
		check_kind(&s[i], where, l->mistakes);
		if (kind_of(&s[i]) == KIND_PUSH && !l->config->web.listen)
			mistake_at(l->mistakes, where,
			           "is pushed to, and nothing listens: expected web: { listen: 127.0.0.1:8642 } in retaind.yaml");
		if (kind_of(&s[i]) == KIND_REST) /* read for the version of the configuration */
			(void)config_file(l, arena_printf(l->arena, "connectors/%s.yaml", s[i].connector), "a connector");
		if (l->checks->check_source && is_whole(&s[i]))
			l->checks->check_source(l->arena, l->dir, &s[i], l->mistakes);
	}
}
