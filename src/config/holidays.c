/* holidays/: NAME.yaml, a list of days and of half-open ranges; or NAME.ics, the whole-day events of a calendar. */
#include <stdlib.h>
#include <string.h>

#include "calendar.h"
#include "common/clock.h"
#include "load.h"

enum { DAYS_MAX = 20000, RANGE_MAX_DAYS = 400 };

struct days {
	int32_t *at; /* DAYS_MAX */
	size_t n;
};

static void add_range(struct days *days, int32_t from, int32_t to, const struct yaml *where, struct mistakes *m)
{
	if (to <= from || to - from > RANGE_MAX_DAYS) {
		mistake_at(m, where,
		           "ends %s, expected an end (the first day that is no holiday) 1 to %d days after its start",
		           to <= from ? "before it begins" : "too late", RANGE_MAX_DAYS);
		return;
	}
	if (days->n + (size_t)(to - from) > DAYS_MAX) {
		mistake_at(m, where, "more than %d days, expected fewer", DAYS_MAX);
		return;
	}
	for (int32_t day = from; day < to; day++)
		days->at[days->n++] = day;
}

struct entry {
	int32_t day, from, to;
	const char *name;
};

static const struct yaml_field entry_fields[] = {
	{ .key = "day", .kind = YAML_DAY, .offset = offsetof(struct entry, day) },
	{ .key = "from", .kind = YAML_DAY, .offset = offsetof(struct entry, from) },
	{ .key = "to", .kind = YAML_DAY, .offset = offsetof(struct entry, to) },
	{ .key = "name", .kind = YAML_TEXT, .offset = offsetof(struct entry, name) },
};

static void check_entry(void *item, const struct yaml *where, struct mistakes *m)
{
	bool has_day = yaml_member(where, "day"), has_from = yaml_member(where, "from"), has_to = yaml_member(where, "to");

	(void)item;
	if (has_day ? has_from || has_to : !has_from || !has_to)
		mistake_at(m, where, "expected a day (2026-01-01), {day: , name: } or {from: , to: , name: }");
}

static const struct yaml_table entry_table = {
	.size = sizeof(struct entry), .fields = entry_fields, .n_fields = ARRAY_LEN(entry_fields), .check = check_entry
};

static void read_item(struct loading *l, const struct yaml *item, struct days *days)
{
	struct entry e = { .day = DAY_NONE, .from = DAY_NONE, .to = DAY_NONE };

	if (item->type == YAML_MAPPING)
		yaml_read(l->arena, item, &entry_table, &e, l->mistakes);
	else if (item->type != YAML_SCALAR || !day_parse(item->text, &e.day))
		mistake_at(l->mistakes, item, "expected a day (2026-01-01), {day: , name: } or {from: , to: , name: }");
	if (e.day != DAY_NONE)
		add_range(days, e.day, e.day + 1, item, l->mistakes);
	else if (e.from != DAY_NONE && e.to != DAY_NONE)
		add_range(days, e.from, e.to, item, l->mistakes);
}

static void read_yaml(struct loading *l, const struct config_file *f, struct days *days)
{
	const struct yaml *tree = yaml_parse(l->arena, f->path, f->text, f->len, l->mistakes);

	if (tree && tree->type != YAML_SEQUENCE)
		mistake_at(l->mistakes, tree, "expected a list of days (- 2026-01-01)");
	for (const struct yaml *item = tree && tree->type == YAML_SEQUENCE ? tree->first : NULL; item; item = item->next)
		read_item(l, item, days);
}

static void read_calendar(struct loading *l, const struct config_file *f, struct days *days)
{
	const struct day_range *ranges = NULL;
	size_t n = calendar_read(l->arena, f->path, f->text, f->len, &ranges, l->mistakes), n_mistakes = l->mistakes->n;
	struct yaml where = { .file = f->path, .path = "" };

	for (size_t i = 0; i < n && l->mistakes->n == n_mistakes; i++) {
		where.line = ranges[i].line;
		add_range(days, ranges[i].from, ranges[i].to, &where, l->mistakes);
	}
}

static int by_day(const void *a, const void *b)
{
	const int32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void add_set(struct loading *l, const char *name, struct days *days)
{
	struct holiday_set *set = (struct holiday_set *)l->config->holidays.at + l->config->holidays.n++;
	size_t n = 0;

	qsort(days->at, days->n, sizeof *days->at, by_day);
	for (size_t i = 0; i < days->n; i++)
		if (!i || days->at[i] != days->at[i - 1])
			days->at[n++] = days->at[i];
	set->name = name;
	set->days = arena_memdup(l->arena, days->at, n * sizeof *days->at);
	set->n = n;
}

static const struct holiday_set *set_of(const struct loading *l, const char *name)
{
	const struct holiday_set *sets = l->config->holidays.at;

	for (size_t i = 0; i < l->config->holidays.n; i++)
		if (strcmp(sets[i].name, name) == 0)
			return &sets[i];
	return NULL;
}

void read_holidays(struct loading *l)
{
	static const char *const endings[] = { ".yaml", ".ics" };
	struct texts names = config_list(l, "holidays", endings, ARRAY_LEN(endings));
	int32_t *room = arena_array(l->arena, DAYS_MAX, sizeof *room);

	l->config->holidays.at = arena_array(l->arena, names.n, sizeof(struct holiday_set));
	for (size_t i = 0; i < names.n; i++) {
		const struct config_file *f = config_file(l, names.at[i], "holidays");
		const char *stem = config_stem(l->arena, names.at[i]);
		struct yaml where = { .path = "", .line = 1 };
		struct days days = { .at = room };
		size_t len = strlen(names.at[i]);

		if (!f)
			continue;
		where.file = f->path;
		if (set_of(l, stem))
			mistake_at(l->mistakes, &where, "holidays `%s` are there as .ics and as .yaml, expected one of them", stem);
		else if (strcmp(names.at[i] + len - strlen(".ics"), ".ics") == 0)
			read_calendar(l, f, &days);
		else
			read_yaml(l, f, &days);
		add_set(l, stem, &days);
	}
}
