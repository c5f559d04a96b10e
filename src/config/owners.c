/* The `owners:` of an organisation: who gets a digest. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

static const char *const roles[] = {
	[ROLE_CSM] = "csm", [ROLE_AM] = "am", [ROLE_MANAGER] = "manager", [ROLE_MANAGER + 1] = NULL
};

static const struct yaml_field fields[] = {
	{ .key = "email", .kind = YAML_TEXT, .offset = offsetof(struct owner_settings, email), .is_required = true },
	{ .key = "name", .kind = YAML_TEXT, .offset = offsetof(struct owner_settings, name), .is_required = true },
	{ .key = "role", .kind = YAML_ENUM, .offset = offsetof(struct owner_settings, role), .is_required = true,
	  .extra = roles },
	{ .key = "zone", .kind = YAML_TEXT, .offset = offsetof(struct owner_settings, zone) },
	{ .key = "language", .kind = YAML_TEXT, .offset = offsetof(struct owner_settings, language) },
	{ .key = "at", .kind = YAML_TIME, .offset = offsetof(struct owner_settings, at_minutes) },
	{ .key = "days", .kind = YAML_TEXTS, .offset = offsetof(struct owner_settings, days) },
	{ .key = "holidays", .kind = YAML_TEXTS, .offset = offsetof(struct owner_settings, holidays) },
	{ .key = "channels", .kind = YAML_TEXTS, .offset = offsetof(struct owner_settings, channels), .is_required = true },
	{ .key = "capacity", .kind = YAML_INT, .offset = offsetof(struct owner_settings, capacity), .min = 1, .max = 50 },
	{ .key = "manages", .kind = YAML_TEXTS, .offset = offsetof(struct owner_settings, manages) },
	{ .key = "sends_when_quiet", .kind = YAML_BOOL, .offset = offsetof(struct owner_settings, sends_when_quiet) },
};

static void check(void *item, const struct yaml *where, struct mistakes *m)
{
	const struct owner_settings *o = item;
	const struct yaml *channels = yaml_member(where, "channels"), *manages = yaml_member(where, "manages");

	check_email(where, "email", o->email, m);
	check_zone(where, "zone", o->zone, m);
	check_days(where, "days", m);
	if (channels && channels->type == YAML_SEQUENCE && !channels->first)
		mistake_at(m, channels, "is empty, expected at least one channel");
	if (manages && o->role >= 0 && o->role != ROLE_MANAGER)
		mistake_at(m, manages, "is not used with role `%s`, expected it only with `manager`", roles[o->role]);
}

static const struct owner_settings defaults = { .role = -1, .at_minutes = 8 * 60, .capacity = 7 };

const struct yaml_table owner_table = {
	.size = sizeof(struct owner_settings), .fields = fields, .n_fields = ARRAY_LEN(fields), .check = check,
	.defaults = &defaults
};

static const char *lowered(struct arena *a, const char *text)
{
	char *copy = arena_strdup(a, text);

	for (char *at = copy; at && *at; at++)
		*at = (char)tolower((unsigned char)*at);
	return copy;
}

/* An address is an identity: compared, stored and looked up in lower case. */
static void lower_addresses(struct loading *l, struct owner_settings *o)
{
	o->email = lowered(l->arena, o->email);
	for (size_t i = 0; i < o->manages.n; i++)
		o->manages.at[i] = lowered(l->arena, o->manages.at[i]);
}

/* An owner's address, and the first of those that have the same. */
struct address { const char *email; size_t place; };

static int by_email(const void *left, const void *right)
{
	const struct address *l = left, *r = right;
	int order = strcmp(l->email, r->email);

	return order ? order : l->place < r->place ? -1 : l->place > r->place;
}

/* Thousands of owners are not compared with each other one by one. */
static void check_unique(struct loading *l, const struct owner_settings *all, size_t n_all, const struct yaml *owners)
{
	struct address *addresses = arena_array(l->arena, n_all, sizeof *addresses);
	size_t *same = arena_array(l->arena, n_all, sizeof *same), n = 0; /* 1 + the place of the first one; 0: none */
	size_t i = 0;

	for (size_t k = 0; k < n_all; k++)
		if (all[k].email)
			addresses[n++] = (struct address){ all[k].email, k };
	if (n)
		qsort(addresses, n, sizeof *addresses, by_email);
	for (size_t k = 1, first = 0; k < n; k++) {
		if (strcmp(addresses[k].email, addresses[first].email) != 0)
			first = k;
		else
			same[addresses[k].place] = 1 + addresses[first].place;
	}
	for (const struct yaml *where = owners->first; where; where = where->next, i++)
		if (same[i])
			mistake_at(l->mistakes, yaml_member(where, "email"), "`%s` is there twice (owners[%zu]), expected once",
			           all[i].email, same[i] - 1);
}

void check_owners(struct loading *l, const struct org_settings *o, const struct yaml *owners)
{
	struct texts channels = names_of(l->arena, o->channels, sizeof(struct channel_settings));
	struct texts holidays = names_of(l->arena, l->config->holidays, sizeof(struct holiday_set));
	const struct yaml *where = o->owners.n ? owners->first : NULL;
	struct owner_settings *all = o->owners.at;
	struct texts emails;

	for (size_t i = 0; i < o->owners.n; i++)
		lower_addresses(l, &all[i]);
	emails = names_of(l->arena, o->owners, sizeof *all);
	if (where)
		check_unique(l, all, o->owners.n, owners);
	for (size_t i = 0; where; i++, where = where->next) {
		all[i].words = all[i].language ? read_words(l, where, all[i].language) : o->words;
		check_known(where, "channels", "channel", channels, l->mistakes);
		check_known(where, "holidays", "holidays", holidays, l->mistakes);
		check_known(where, "manages", "owner", emails, l->mistakes);
	}
}
