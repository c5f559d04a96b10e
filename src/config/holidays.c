/* holidays/: NAME.yaml, a list of days and of half-open ranges; or NAME.ics, the whole-day events of a calendar. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/text.h"
#include "load.h"

enum { DAYS_MAX = 20000, RANGE_MAX_DAYS = 400, LINE_MAX_BYTES = 8192 };

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

/* A calendar being read, and the event that is open in it. */
struct calendar {
	struct loading *l;
	struct days *days;
	struct yaml where; /* file and line at hand */
	const char *at;
	int next_line;
	bool is_in_event, is_cancelled, is_broken;
	int depth; /* of components inside the event, such as alarms */
	int32_t from, to;
};

/* The next line with its continuations (RFC 5545 3.1: they begin with a blank) joined; false at the end. */
static bool next_line(struct calendar *c, char line[LINE_MAX_BYTES])
{
	size_t len = 0;

	if (!*c->at)
		return false;
	c->where.line = c->next_line;
	do {
		size_t n = strcspn(c->at, "\n"), kept = n && c->at[n - 1] == '\r' ? n - 1 : n;

		if (c->next_line != c->where.line && kept) { /* without the blank of a continuation */
			c->at++;
			n--;
			kept--;
		}
		if (kept > LINE_MAX_BYTES - 1 - len)
			kept = LINE_MAX_BYTES - 1 - len; /* only descriptions are this long, and nobody reads them */
		memcpy(line + len, c->at, kept);
		len += kept;
		c->at += n + (c->at[n] == '\n');
		c->next_line++;
	} while (*c->at == ' ' || *c->at == '\t');
	line[len] = '\0';
	return true;
}

static void refuse(struct calendar *c, const char *what)
{
	mistake_at(c->l->mistakes, &c->where, "%s", what);
	c->is_broken = true;
}

/* "20260101" */
static int32_t day_of_value(struct calendar *c, const char *value)
{
	int32_t day = DAY_NONE;
	char text[11];

	if (strlen(value) == 8 && strspn(value, "0123456789") == 8) {
		(void)snprintf(text, sizeof text, "%.4s-%.2s-%.2s", value, value + 4, value + 6);
		(void)day_parse(text, &day);
	}
	if (day == DAY_NONE)
		refuse(c, "an event with a time of day, expected a whole day such as DTSTART;VALUE=DATE:20260101");
	return day;
}

static void take_begin(struct calendar *c, const char *value)
{
	if (c->is_in_event) {
		c->depth++;
		return;
	}
	c->is_in_event = text_equal_fold(value, "VEVENT");
	c->from = c->to = DAY_NONE;
	c->is_cancelled = c->is_broken = false;
	c->depth = 0;
}

static void take_end(struct calendar *c, const char *value)
{
	(void)value;
	if (c->depth > 0) {
		c->depth--;
		return;
	}
	if (c->is_in_event && !c->is_broken && c->from == DAY_NONE)
		refuse(c, "an event without a start, expected DTSTART;VALUE=DATE:20260101");
	if (c->is_in_event && !c->is_broken && !c->is_cancelled)
		add_range(c->days, c->from, c->to == DAY_NONE ? c->from + 1 : c->to, &c->where, c->l->mistakes);
	c->is_in_event = false;
}

static void take_start(struct calendar *c, const char *value)
{
	c->from = day_of_value(c, value);
}

static void take_stop(struct calendar *c, const char *value)
{
	c->to = day_of_value(c, value);
}

static void take_duration(struct calendar *c, const char *value)
{
	if (!text_equal_fold(value, "P1D"))
		refuse(c, "an event with a duration, expected its end such as DTEND;VALUE=DATE:20260102");
}

static void take_repeat(struct calendar *c, const char *value)
{
	(void)value;
	refuse(c, "an event that repeats, expected one event for each day");
}

static void take_status(struct calendar *c, const char *value)
{
	c->is_cancelled = text_equal_fold(value, "CANCELLED");
}

static const struct {
	const char *name;
	void (*take)(struct calendar *c, const char *value);
	bool is_of_event;
} properties[] = {
	{ "BEGIN", take_begin, false },    { "END", take_end, false },       { "DTSTART", take_start, true },
	{ "DTEND", take_stop, true },      { "RRULE", take_repeat, true },   { "RDATE", take_repeat, true },
	{ "DURATION", take_duration, true }, { "STATUS", take_status, true },
};

/* NAME;PARAMETERS:VALUE; what is no property of an event is passed over. */
static void take_line(struct calendar *c, char *line)
{
	size_t name = strcspn(line, ";:"), head = strcspn(line, ":");

	if (!line[head] || text_equal_fold(line, "BEGIN:VCALENDAR"))
		return;
	line[name] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(properties); i++)
		if (text_equal_fold(properties[i].name, line) &&
		    (!properties[i].is_of_event || (c->is_in_event && c->depth == 0)))
			properties[i].take(c, line + head + 1);
}

static void read_calendar(struct loading *l, const struct config_file *f, struct days *days)
{
	struct calendar c = { .l = l, .days = days, .at = f->text, .next_line = 1 };
	char line[LINE_MAX_BYTES];

	c.where = (struct yaml){ .file = f->path, .path = "", .line = 1 };
	if (strlen(f->text) != f->len || !text_starts(f->text, "BEGIN:VCALENDAR")) {
		mistake_at(l->mistakes, &c.where, "not a calendar, expected it to begin with BEGIN:VCALENDAR");
		return;
	}
	while (next_line(&c, line))
		take_line(&c, line);
	if (c.is_in_event)
		mistake_at(l->mistakes, &c.where, "the file ends within an event, expected END:VEVENT");
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
