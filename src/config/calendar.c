#include "calendar.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/text.h"
#include "recurrence.h"

enum {
	LINE_MAX_BYTES = 8192,
	EVENTS_MAX = 5000,
	LISTED_MAX = 2000,  /* days that an event's RDATE or EXDATE name */
	RANGES_MAX = 20000,
	DURATION_MAX = 400, /* days */
	LAST_MINUTE_S = 86340,
	FIRST_YEAR = 1970, END_YEAR = 2100 /* repetitions are told of these years */
};

static const char *const expected_start = "expected a whole day such as DTSTART;VALUE=DATE:20260101";

struct day_list {
	int32_t *days;
	size_t n;
};

struct event {
	int line;
	const char *uid; /* NULL: none */
	bool is_cancelled, is_broken;
	bool has_from, has_to, has_instead;
	struct moment from, to;
	int64_t duration_days; /* 0: not given */
	struct moment instead; /* RECURRENCE-ID: which repetition of its UID this event stands for */
	struct recurrence rule;
	struct day_list more, except; /* RDATE and EXDATE */
};

/* A calendar while it is read. */
struct calendar {
	struct arena *arena;
	struct mistakes *mistakes;
	struct yaml where; /* file and line at hand */
	const char *at;
	int next_line;
	struct event *events;
	size_t n_events, events_room, n_instead; /* n_instead: that stand for a repetition of another */
	bool is_in_event;
	int depth;                 /* of components inside the event, such as alarms */
	struct event event;        /* that is open */
	struct day_range *ranges;
	size_t n_ranges, ranges_room;
};

bool moment_read(const char *text, struct moment *out)
{
	size_t len = strlen(text), digits = strspn(text, "0123456789");
	struct moment m = { .is_timed = len > 8, .is_utc = len == 16 };
	char day[11];
	int hour, minute;

	if (digits != 8 || (len != 8 && len != 15 && len != 16))
		return false;
	(void)snprintf(day, sizeof day, "%.4s-%.2s-%.2s", text, text + 4, text + 6);
	if (!day_parse(day, &m.day))
		return false;
	if (m.is_timed) {
		const char *t = text + 9;

		if (text[8] != 'T' || strspn(t, "0123456789") != 6 || (m.is_utc && text[15] != 'Z'))
			return false;
		hour = (t[0] - '0') * 10 + t[1] - '0';
		minute = (t[2] - '0') * 10 + t[3] - '0';
		m.second = hour * 3600 + minute * 60 + (t[4] - '0') * 10 + t[5] - '0';
		if (hour > 23 || minute > 59 || t[4] > '6')
			return false;
	}
	*out = m;
	return true;
}

/* Lines ------------------------------------------------------------------------------------------------------------ */

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
	mistake_at(c->mistakes, &c->where, "%s", what);
	c->event.is_broken = true;
}

/* Properties of an event ------------------------------------------------------------------------------------------- */

static bool take_moment(struct calendar *c, const char *value, struct moment *out)
{
	if (!moment_read(value, out))
		refuse(c, arena_printf(c->arena, "not a date, %s", expected_start));
	else if (out->is_utc)
		refuse(c, arena_printf(c->arena, "an event whose day depends on the time zone, %s", expected_start));
	else
		return true;
	return false;
}

static void take_start(struct calendar *c, const char *value)
{
	c->event.has_from = take_moment(c, value, &c->event.from);
}

static void take_stop(struct calendar *c, const char *value)
{
	c->event.has_to = take_moment(c, value, &c->event.to);
}

/* "P1D", "P2W" */
static void take_duration(struct calendar *c, const char *value)
{
	size_t len = strlen(value);
	int64_t n = 0;
	bool is_weeks = len > 2 && (value[len - 1] == 'W' || value[len - 1] == 'w');
	bool is_days = len > 2 && (value[len - 1] == 'D' || value[len - 1] == 'd');

	if ((value[0] != 'P' && value[0] != 'p') || (!is_weeks && !is_days) ||
	    !text_to_int(arena_strndup(c->arena, value + 1, len - 2), &n) || n < 1 || n > DURATION_MAX)
		refuse(c, "an event of another length than whole days, expected a duration such as P1D");
	c->event.duration_days = is_weeks ? n * 7 : n;
}

static void take_rule(struct calendar *c, const char *value)
{
	const char *wrong = "repeats by two rules, expected one RRULE";

	if (!c->event.rule.is_there)
		wrong = recurrence_read(c->arena, value, &c->event.rule);
	if (wrong)
		refuse(c, arena_printf(c->arena, "an event that %s", wrong));
}

static void take_list(struct calendar *c, const char *value, struct day_list *list)
{
	if (!list->days)
		list->days = arena_array(c->arena, LISTED_MAX, sizeof *list->days);
	while (*value && !c->event.is_broken) {
		size_t len = strcspn(value, ",");
		struct moment m;

		if (list->n == LISTED_MAX)
			refuse(c, arena_printf(c->arena, "more than %d days, expected fewer", LISTED_MAX));
		else if (take_moment(c, arena_strndup(c->arena, value, len), &m))
			list->days[list->n++] = m.day;
		value += len + (value[len] == ',');
	}
}

static void take_more(struct calendar *c, const char *value)
{
	take_list(c, value, &c->event.more);
}

static void take_except(struct calendar *c, const char *value)
{
	take_list(c, value, &c->event.except);
}

static void take_old_rule(struct calendar *c, const char *value)
{
	(void)value;
	refuse(c, "an exception by a rule (EXRULE), expected EXDATE with the days");
}

static void take_instead(struct calendar *c, const char *value)
{
	c->event.has_instead = take_moment(c, value, &c->event.instead);
}

static void take_uid(struct calendar *c, const char *value)
{
	c->event.uid = arena_strdup(c->arena, value);
}

static void take_status(struct calendar *c, const char *value)
{
	c->event.is_cancelled = text_equal_fold(value, "CANCELLED");
}

/* Components ------------------------------------------------------------------------------------------------------- */

static void take_begin(struct calendar *c, const char *value)
{
	if (c->is_in_event) {
		c->depth++;
		return;
	}
	c->is_in_event = text_equal_fold(value, "VEVENT");
	c->event = (struct event){ .line = c->where.line };
	c->depth = 0;
}

static void check_event(struct calendar *c)
{
	const struct event *e = &c->event;

	if (!e->has_from)
		refuse(c, "an event without a start, expected DTSTART;VALUE=DATE:20260101");
	else if (e->has_to && e->to.is_timed != e->from.is_timed)
		refuse(c, "an event of a day and a time, expected DTSTART and DTEND of the same kind");
	else if (e->has_to && e->duration_days)
		refuse(c, "an event with both DTEND and DURATION, expected one of them");
	else if (e->has_instead && e->rule.is_there)
		refuse(c, "an exception that repeats itself, expected RECURRENCE-ID without RRULE");
}

static void add_event(struct calendar *c)
{
	if (c->n_events == c->events_room) {
		c->events_room = c->events_room ? c->events_room * 2 : 16;
		c->events = arena_grow(c->arena, c->events, c->n_events, c->events_room, sizeof *c->events);
	}
	c->events[c->n_events++] = c->event;
	c->n_instead += c->event.has_instead;
}

static void take_end(struct calendar *c, const char *value)
{
	(void)value;
	if (c->depth > 0) {
		c->depth--;
		return;
	}
	if (c->is_in_event && !c->event.is_broken)
		check_event(c);
	if (c->is_in_event && !c->event.is_broken) {
		if (c->n_events == EVENTS_MAX)
			refuse(c, arena_printf(c->arena, "more than %d events, expected fewer", EVENTS_MAX));
		else
			add_event(c);
	}
	c->is_in_event = false;
}

static const struct {
	const char *name;
	void (*take)(struct calendar *c, const char *value);
	bool is_of_event;
} properties[] = {
	{ "BEGIN", take_begin, false },    { "END", take_end, false },        { "DTSTART", take_start, true },
	{ "DTEND", take_stop, true },      { "DURATION", take_duration, true }, { "RRULE", take_rule, true },
	{ "RDATE", take_more, true },      { "EXDATE", take_except, true },   { "EXRULE", take_old_rule, true },
	{ "RECURRENCE-ID", take_instead, true }, { "UID", take_uid, true },   { "STATUS", take_status, true },
};

/* Where the value begins: behind the first colon that no quotes hold. */
static size_t head_of(const char *line)
{
	bool is_quoted = false;
	size_t n = 0;

	for (; line[n] && (is_quoted || line[n] != ':'); n++)
		is_quoted ^= line[n] == '"';
	return n;
}

/* NAME;PARAMETERS:VALUE; what is no property of an event is passed over. */
static void take_line(struct calendar *c, char *line)
{
	size_t name = strcspn(line, ";:"), head = head_of(line);

	if (!line[head] || text_equal_fold(line, "BEGIN:VCALENDAR"))
		return;
	line[name] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(properties); i++)
		if (text_equal_fold(properties[i].name, line) &&
		    (!properties[i].is_of_event || (c->is_in_event && c->depth == 0)))
			properties[i].take(c, line + head + 1);
}

/* Ranges ----------------------------------------------------------------------------------------------------------- */

static bool has_day(const struct day_list *list, int32_t day)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->days[i] == day)
			return true;
	return false;
}

/* Another event of the same UID stands in for this day's repetition. */
static bool is_replaced(const struct calendar *c, const struct event *e, int32_t day)
{
	for (size_t i = 0; c->n_instead && e->uid && i < c->n_events; i++) {
		const struct event *other = &c->events[i];

		if (other->has_instead && other->instead.day == day && other->uid && strcmp(other->uid, e->uid) == 0)
			return true;
	}
	return false;
}

/* How many there are at most is for the reader of all files to say: one more than that is enough here. */
static void add_range(struct calendar *c, const struct event *e, int32_t from, int32_t n_days)
{
	if (c->n_ranges > RANGES_MAX)
		return;
	if (c->n_ranges == c->ranges_room) {
		c->ranges_room = c->ranges_room ? c->ranges_room * 2 : 64;
		c->ranges = arena_grow(c->arena, c->ranges, c->n_ranges, c->ranges_room, sizeof *c->ranges);
	}
	c->ranges[c->n_ranges++] = (struct day_range){ from, from + n_days, e->line };
}

/* The days that an event of times covers wholly, counted from the day of its start. Some calendars write the end of a
 * day as its last minute, or (those of the French state do) as the day itself. */
static void whole_days(const struct event *e, int32_t *first, int32_t *n)
{
	*first = e->from.second > 0;
	*n = 1;
	if (e->has_to)
		*n = e->to.day + (e->to.second >= LAST_MINUTE_S || (!e->to.is_timed && e->to.day == e->from.day)) -
		     e->from.day - *first;
	else if (e->duration_days)
		*n = (int32_t)e->duration_days - *first;
	else if (e->from.is_timed)
		*n = 0;
}

static void expand(struct calendar *c, const struct event *e, int32_t *room)
{
	const int32_t first_day = day_of(FIRST_YEAR, 1, 1), end = day_of(END_YEAR, 1, 1);
	size_t n_days = 1;
	int32_t first, n;

	c->where.line = e->line;
	whole_days(e, &first, &n);
	if (n <= 0) {
		mistake_at(c->mistakes, &c->where, "%s, %s",
		           e->has_to && e->to.day < e->from.day ? "an event that ends before it begins"
		                                                : "an event that covers no whole day",
		           e->from.is_timed ? expected_start : "expected as its end the first day that is no holiday");
		return;
	}
	room[0] = e->from.day;
	if (e->rule.is_there)
		n_days = recurrence_days(&e->rule, e->from.day, first_day, end, room, RANGES_MAX + 1);
	for (size_t i = 0; i < e->more.n && n_days <= RANGES_MAX; i++)
		room[n_days++] = e->more.days[i];
	for (size_t i = 0; i < n_days; i++)
		if (!has_day(&e->except, room[i]) && (e->has_instead || !is_replaced(c, e, room[i])))
			add_range(c, e, room[i] + first, n);
}

size_t calendar_read(struct arena *a, const char *file, const char *text, size_t len, const struct day_range **out,
                     struct mistakes *m)
{
	struct calendar c = { .arena = a, .mistakes = m, .at = text, .next_line = 1 };
	int32_t *room = arena_array(a, RANGES_MAX + 1, sizeof *room);
	char line[LINE_MAX_BYTES];

	c.where = (struct yaml){ .file = file, .path = "", .line = 1 };
	if (text_starts(c.at, "\xef\xbb\xbf"))
		c.at += 3;
	if (strlen(text) != len || !text_starts(c.at, "BEGIN:VCALENDAR")) {
		mistake_at(m, &c.where, "not a calendar, expected it to begin with BEGIN:VCALENDAR");
		return 0;
	}
	while (next_line(&c, line))
		take_line(&c, line);
	if (c.is_in_event)
		mistake_at(m, &c.where, "the file ends within an event, expected END:VEVENT");
	for (size_t i = 0; i < c.n_events; i++)
		if (!c.events[i].is_cancelled)
			expand(&c, &c.events[i], room);
	*out = c.ranges;
	return c.n_ranges;
}
