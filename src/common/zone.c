#include "zone.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fd.h"

#define ZONE_FOLDER "/usr/share/zoneinfo/"

enum {
	HEADER_BYTES = 44,
	MAX_TRANSITIONS = 8192,
	MAX_OFFSET_S = 26 * 3600, /* RFC 9636: -25 h < offset < 26 h */
	MAX_NAME = 100
};

/* What a TZif header counts. */
struct counts {
	size_t n_isut, n_isstd, n_leaps, n_transitions, n_types, n_chars;
};

static int64_t big_endian(const unsigned char *at, int n_bytes)
{
	uint64_t value = at[0] & 0x80 ? UINT64_MAX : 0;

	for (int i = 0; i < n_bytes; i++)
		value = value << 8 | at[i];
	return (int64_t)value;
}

static bool read_header(const unsigned char *at, size_t len, struct counts *out)
{
	size_t *fields[] = { &out->n_isut,        &out->n_isstd, &out->n_leaps,
			     &out->n_transitions, &out->n_types, &out->n_chars };

	if (len < HEADER_BYTES || memcmp(at, "TZif", 4) != 0 || at[4] < '2')
		return false;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		int64_t value = big_endian(at + 20 + 4 * i, 4);

		if (value < 0 || value > ZONE_MAX_BYTES)
			return false;
		*fields[i] = (size_t)value;
	}
	return true;
}

static size_t block_bytes(const struct counts *c, size_t time_bytes)
{
	return c->n_transitions * (time_bytes + 1) + c->n_types * 6 + c->n_chars + c->n_leaps * (time_bytes + 4) +
	       c->n_isstd + c->n_isut;
}

/* The 64-bit block: transitions must ascend, types must exist, offsets must be possible. */
static bool read_table(struct arena *a, const unsigned char *at, const struct counts *c, struct zone *z)
{
	const unsigned char *indexes = at + c->n_transitions * 8, *types = indexes + c->n_transitions;
	int64_t *transitions = arena_array(a, c->n_transitions, sizeof *transitions);
	int *offsets = arena_array(a, c->n_transitions, sizeof *offsets);
	int *of_type = arena_array(a, c->n_types, sizeof *of_type);

	for (size_t i = 0; i < c->n_types; i++) {
		int64_t offset = big_endian(types + 6 * i, 4);

		if (offset <= -MAX_OFFSET_S || offset >= MAX_OFFSET_S)
			return false;
		of_type[i] = (int)offset;
	}
	for (size_t i = 0; i < c->n_transitions; i++) {
		transitions[i] = big_endian(at + 8 * i, 8);
		if (indexes[i] >= c->n_types || (i > 0 && transitions[i] <= transitions[i - 1]))
			return false;
		offsets[i] = of_type[indexes[i]];
	}
	z->transitions = transitions;
	z->offsets_s = offsets;
	z->n = c->n_transitions;
	z->first_s = of_type[0];
	return true;
}

/* The footer: a POSIX TZ string ---------------------------------------------------------------------------------- */

/* A number of at most 3 digits, at most max. */
static bool rule_number(const char **at, int max, int *out)
{
	int value = 0, n = 0;

	for (; **at >= '0' && **at <= '9' && n < 3; (*at)++, n++)
		value = value * 10 + (**at - '0');
	if (n == 0 || value > max)
		return false;
	*out = value;
	return true;
}

/* [+-]h[h[h]][:mm[:ss]] in seconds. */
static bool rule_time(const char **at, int max_hours, int *out)
{
	int sign = 1, parts[3] = { 0 };

	if (**at == '+' || **at == '-')
		sign = *(*at)++ == '-' ? -1 : 1;
	for (int i = 0; i < 3; i++) {
		if (i > 0 && **at != ':')
			break;
		if (i > 0)
			(*at)++;
		if (!rule_number(at, i == 0 ? max_hours : 59, &parts[i]))
			return false;
	}
	*out = sign * (parts[0] * 3600 + parts[1] * 60 + parts[2]);
	return true;
}

/* EST or <-03>. */
static bool rule_skip_name(const char **at)
{
	const char *start = *at;

	if (**at == '<') {
		for ((*at)++; **at != '>'; (*at)++)
			if (**at == '\0')
				return false;
		(*at)++;
		return *at - start >= 3;
	}
	while ((**at >= 'A' && **at <= 'Z') || (**at >= 'a' && **at <= 'z'))
		(*at)++;
	return *at - start >= 3;
}

/* ,Mm.w.d[/time] or ,Jn[/time] or ,n[/time] */
static bool rule_change(const char **at, struct zone_change *out)
{
	bool is_good;

	out->second = 2 * 3600;
	if (*(*at)++ != ',')
		return false;
	if (**at == 'M') {
		(*at)++;
		out->kind = CHANGE_WEEKDAY;
		is_good = rule_number(at, 12, &out->month) && out->month > 0 && *(*at)++ == '.' &&
			  rule_number(at, 5, &out->week) && out->week > 0 && *(*at)++ == '.' &&
			  rule_number(at, 6, &out->day);
	} else if (**at == 'J') {
		(*at)++;
		out->kind = CHANGE_JULIAN;
		is_good = rule_number(at, 365, &out->day) && out->day > 0;
	} else {
		out->kind = CHANGE_DAY;
		is_good = rule_number(at, 365, &out->day);
	}
	if (!is_good || **at != '/')
		return is_good;
	(*at)++;
	return rule_time(at, 167, &out->second);
}

/* Offsets in TZ strings count west of Greenwich. */
static bool read_rule(const char *text, struct zone_rule *out)
{
	const char *at = text;
	int west;

	out->is_there = true;
	if (!rule_skip_name(&at) || !rule_time(&at, 24, &west))
		return false;
	out->standard_s = -west;
	if (*at == '\0')
		return true;
	out->has_daylight = true;
	if (!rule_skip_name(&at))
		return false;
	out->daylight_s = out->standard_s + 3600;
	if (*at != ',') {
		if (!rule_time(&at, 24, &west))
			return false;
		out->daylight_s = -west;
	}
	return rule_change(&at, &out->begin) && rule_change(&at, &out->end) && *at == '\0';
}

static bool read_footer(struct arena *a, const unsigned char *at, size_t len, struct zone *z)
{
	const unsigned char *end;

	if (len < 2 || at[0] != '\n' || (end = memchr(at + 1, '\n', len - 1)) == NULL)
		return false;
	if (end == at + 1) /* no rule: the last transition holds for ever */
		return true;
	return memchr(at + 1, '\0', (size_t)(end - at - 1)) == NULL &&
	       read_rule(arena_strndup(a, (const char *)at + 1, (size_t)(end - at - 1)), &z->rule);
}

static uint32_t mark_of(uint32_t mark, const unsigned char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		mark = (mark ^ data[i]) * 16777619u;
	return mark;
}

int zone_parse(struct arena *a, const char *name, const unsigned char *data, size_t len, struct zone **out,
	       struct err *err)
{
	struct zone *z = arena_alloc(a, sizeof *z);
	struct counts old, c;
	size_t start, body, footer;

	z->name = name;
	z->mark = mark_of(mark_of(2166136261u, (const unsigned char *)name, strlen(name)), data, len);
	if (len > ZONE_MAX_BYTES || !read_header(data, len, &old))
		return err_set(err, ERR_CONFIG, "zone %s: not a time zone file of version 2 or later", name);
	start = HEADER_BYTES + block_bytes(&old, 4);
	if (start > len || !read_header(data + start, len - start, &c))
		return err_set(err, ERR_CONFIG, "zone %s: the file is cut off", name);
	if (c.n_leaps > 0)
		return err_set(err, ERR_CONFIG, "zone %s counts leap seconds, which our clock does not", name);
	body = start + HEADER_BYTES;
	footer = body + block_bytes(&c, 8);
	if (c.n_types == 0 || c.n_types > 256 || c.n_transitions > MAX_TRANSITIONS || footer > len ||
	    !read_table(a, data + body, &c, z) || !read_footer(a, data + footer, len - footer, z))
		return err_set(err, ERR_CONFIG, "zone %s: the file is damaged", name);
	*out = z;
	return 0;
}

/* Opening -------------------------------------------------------------------------------------------------------- */

static bool name_is_good(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n <= MAX_NAME && name[0] != '/' && strstr(name, "..") == NULL &&
	       n == strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/");
}

int zone_open(struct arena *a, const char *name, const struct zone **out, struct err *err)
{
	CLEANUP(fd_closep) int fd = -1;
	const char *path;
	unsigned char *data;
	size_t len = 0;
	struct stat st;
	struct zone *z;
	ssize_t n;

	if (!name_is_good(name))
		return err_set(err, ERR_CONFIG, "'%.40s' is not the name of a time zone (such as Europe/Paris)", name);
	path = arena_printf(a, ZONE_FOLDER "%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, ERR_CONFIG, "there is no time zone '%s' in " ZONE_FOLDER, name);
	if (st.st_size > ZONE_MAX_BYTES)
		return err_set(err, ERR_CONFIG, "zone %s: the file is larger than %d bytes", name, ZONE_MAX_BYTES);
	data = arena_alloc(a, (size_t)st.st_size + 1);
	while (len < (size_t)st.st_size && (n = read(fd, data + len, (size_t)st.st_size - len)) != 0) {
		if (n < 0 && errno != EINTR)
			return err_errno(err, ERR_RETRY, "zone %s", name);
		len += n > 0 ? (size_t)n : 0;
	}
	if (zone_parse(a, arena_strdup(a, name), data, len, &z, err) < 0)
		return -1;
	z->path = path;
	z->read = st;
	*out = z;
	return 0;
}

bool zone_is_current(const struct zone *z)
{
	const struct stat *old = &z->read;
	struct stat now;

	if (z->path == NULL)
		return true;
	return stat(z->path, &now) == 0 && now.st_dev == old->st_dev && now.st_ino == old->st_ino &&
	       now.st_size == old->st_size && now.st_mtim.tv_sec == old->st_mtim.tv_sec &&
	       now.st_mtim.tv_nsec == old->st_mtim.tv_nsec && now.st_ctim.tv_sec == old->st_ctim.tv_sec &&
	       now.st_ctim.tv_nsec == old->st_ctim.tv_nsec;
}

const char *zone_name(const struct zone *z)
{
	return z->name;
}

uint32_t zone_mark(const struct zone *z)
{
	return z->mark;
}

const struct zone *zone_utc(void)
{
	static const struct zone utc = { .name = "UTC" };

	return &utc;
}

/* Offsets -------------------------------------------------------------------------------------------------------- */

/* Days are int32; further out than this (5 million years) no daylight saving is reckoned. */
#define MAX_RULE_AT ((int64_t)(INT32_MAX - 1000) * 86400)

/* A stretch of time with one offset: from <= at < until. */
struct span {
	int64_t from, until;
	int offset_s;
};

static int64_t change_instant(const struct zone_change *c, int year, int offset_before_s)
{
	int32_t day;

	if (c->kind == CHANGE_WEEKDAY) {
		int32_t first = day_of(year, c->month, 1);
		int until_weekday = (c->day - (day_weekday(first) + 1) % 7 + 7) % 7; /* theirs begins with Sunday */
		int place = until_weekday + 7 * (c->week - 1);

		while (place >= day_month_length(year, c->month))
			place -= 7;
		day = first + place;
	} else if (c->kind == CHANGE_JULIAN) {
		bool is_past_leap_day = c->day >= 60 && day_month_length(year, 2) == 29;

		day = day_of(year, 1, 1) + c->day - 1 + is_past_leap_day;
	} else {
		day = day_of(year, 1, 1) + c->day;
	}
	return (int64_t)day * 86400 + c->second - offset_before_s;
}

/* The stretch that the rule gives at an instant: bounded by the nearest changes of the years around it. */
static struct span rule_span(const struct zone_rule *rule, int64_t at)
{
	struct span span = { INT64_MIN, INT64_MAX, rule->standard_s };
	int32_t day = day_of_instant(at);
	int year, month, day_of_month;

	if (!rule->has_daylight || at > MAX_RULE_AT || at < -MAX_RULE_AT)
		return span;
	day_split(day, &year, &month, &day_of_month);
	for (int y = year - 1; y <= year + 1; y++) {
		const int64_t changes[] = { change_instant(&rule->end, y, rule->daylight_s),
			                    change_instant(&rule->begin, y, rule->standard_s) };

		for (int i = 0; i < 2; i++) {
			/* Where one year's end is the next one's begin, daylight saving goes on: the begin is looked at later. */
			if (changes[i] <= at && changes[i] >= span.from) {
				span.from = changes[i];
				span.offset_s = i == 1 ? rule->daylight_s : rule->standard_s;
			} else if (changes[i] > at && changes[i] < span.until) {
				span.until = changes[i];
			}
		}
	}
	return span;
}


static struct span span_at(const struct zone *z, int64_t at)
{
	size_t low = 0, high = z->n;
	struct span span;

	while (low < high) { /* low becomes the number of transitions at or before the instant */
		size_t middle = low + (high - low) / 2;

		if (z->transitions[middle] <= at)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == z->n && z->rule.is_there) {
		span = rule_span(&z->rule, at);
		if (z->n > 0 && span.from < z->transitions[z->n - 1])
			span.from = z->transitions[z->n - 1];
		return span;
	}
	span.from = low > 0 ? z->transitions[low - 1] : INT64_MIN;
	span.until = low < z->n ? z->transitions[low] : INT64_MAX;
	span.offset_s = low > 0 ? z->offsets_s[low - 1] : z->first_s;
	return span;
}

int zone_offset(const struct zone *z, int64_t at)
{
	return span_at(z, at).offset_s;
}

int32_t zone_day(const struct zone *z, int64_t at, int *out_second_of_day)
{
	int64_t local = at + zone_offset(z, at);
	int32_t day = day_of_instant(local);

	*out_second_of_day = (int)(local - (int64_t)day * 86400);
	return day;
}

/* Walks the stretches in which the wall could show this time, earliest first. */
enum wall_kind zone_instant(const struct zone *z, int32_t day, int second_of_day, int64_t *out)
{
	const int64_t midnight = (int64_t)day * 86400, wall = midnight + second_of_day;
	struct span span = span_at(z, wall - MAX_OFFSET_S);
	bool is_found = false, is_gap = false, is_whole_day = false;
	int64_t found = 0, after_gap = 0;

	for (;;) {
		int64_t candidate = wall - span.offset_s;
		struct span next;

		if (candidate >= span.from && candidate < span.until) {
			if (is_found)
				return *out = found, WALL_OVERLAP;
			is_found = true;
			found = candidate;
		}
		if (span.until > wall + MAX_OFFSET_S)
			break;
		next = span_at(z, span.until);
		if (wall >= span.until + span.offset_s && wall < span.until + next.offset_s) {
			is_gap = true;
			after_gap = candidate;
			is_whole_day = midnight >= span.until + span.offset_s && midnight + 86400 <= span.until + next.offset_s;
		}
		span = next;
	}
	if (!is_found && is_whole_day)
		return WALL_SKIPPED_DAY;
	*out = is_found ? found : after_gap;
	return is_found || !is_gap ? WALL_NORMAL : WALL_GAP;
}
