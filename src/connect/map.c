#include "connect/map.h"

#include <string.h>
#include <strings.h>

#include "common/text.h"
#include "map_value.h"
#include "participants.h"

enum { MAX_KEY_BYTES = 512, SHOWN_CHARS = 60, MAX_SUMMED = 1000 };

struct mapping {
	const struct map *map;
	map_get_fn *get;
	const void *row;
	const struct zone *zone;
	struct arena *arena;
	int currency_field; /* of the entity; -1: it has none */
};

/* Most texts are: printable ASCII without blanks around. */
static bool is_clean(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	if (*at == ' ')
		return false;
	while (*at >= ' ' && *at < 127)
		at++;
	return !*at && at > (const unsigned char *)text && at[-1] != ' ';
}

/* What came, trimmed; NULL when it is not there or empty. */
static int fetch(const struct mapping *m, const char *from, const char **out, struct err *err)
{
	const char *text = m->get(m->row, from, m->arena);

	*out = text && is_clean(text) ? text : NULL;
	if (!text || *out)
		return 0;
	if (!utf8_is_valid(text, strlen(text)))
		return err_set(err, ERR_INPUT, "%s: is not UTF-8", from);
	text = text_trim(m->arena, text);
	if (*text)
		*out = text;
	return 0;
}

const char *map_key_part(struct arena *a, const char **at, bool *may_be_empty)
{
	char *part;
	size_t n;

	if (!*at)
		return NULL;
	n = strcspn(*at, "+");
	part = text_trim(a, arena_strndup(a, *at, n));
	*at = (*at)[n] ? *at + n + 1 : NULL;
	n = strlen(part);
	*may_be_empty = n > 1 && part[n - 1] == '?';
	return *may_be_empty ? text_trim(a, arena_strndup(a, part, n - 1)) : part;
}

/* "id+date": each part must be there, but for those with a question mark. */
static int read_key(const struct mapping *m, const char *from, const char **out, struct err *err)
{
	const char *key = NULL, *path, *part, *at = from;
	bool may_be_empty, is_there = false;

	while ((path = map_key_part(m->arena, &at, &may_be_empty))) {
		if (fetch(m, path, &part, err) < 0)
			return -1;
		if (!part && !may_be_empty)
			return err_set(err, ERR_INPUT, "%s: is empty, expected the row's key", path);
		is_there = is_there || part;
		part = part ? part : "";
		key = key ? arena_printf(m->arena, "%s+%s", key, part) : part;
	}
	if (!is_there)
		return err_set(err, ERR_INPUT, "%s: is empty, expected the row's key", from);
	if (strlen(key) > MAX_KEY_BYTES)
		return err_set(err, ERR_INPUT, "%s: a key longer than %d bytes", from, MAX_KEY_BYTES);
	*out = key;
	return 0;
}

static bool is_among(const struct yaml *list, const char *text)
{
	for (const struct yaml *item = list ? list->first : NULL; item; item = item->next)
		if (item->type == YAML_SCALAR && strcmp(item->text, text ? text : "") == 0)
			return true;
	return false;
}

/* Returns 1 when the row counts. */
static int is_wanted(const struct mapping *m, struct err *err)
{
	const char *text;

	if (!m->map->when_from)
		return 1;
	if (fetch(m, m->map->when_from, &text, err) < 0)
		return -1;
	return is_among(m->map->when_in, text);
}

int map_reads_deleted(const struct map *map, const char *text, struct arena *a, bool *out, struct err *err)
{
	*out = false;
	if (map->deleted_in)
		*out = is_among(map->deleted_in, text);
	else if (text && !text_to_bool(text, out))
		return err_set(err, ERR_INPUT, "%s: `%s`, expected true or false", map->deleted_from,
		               text_clean(a, text, SHOWN_CHARS));
	return 0;
}

static int is_deleted(const struct mapping *m, struct err *err)
{
	const char *text;
	bool deleted = false;

	if (!m->map->deleted_from)
		return 0;
	if (fetch(m, m->map->deleted_from, &text, err) < 0 ||
	    map_reads_deleted(m->map, text, m->arena, &deleted, err) < 0)
		return -1;
	return deleted;
}

/* Whether a choice of several, "a;b;c", has this among them. */
static bool has_choice(const char *text, const char *one)
{
	size_t n = strlen(one);

	for (const char *at = text; at; at = strchr(at, ';')) {
		at += *at == ';';
		if (strncmp(at, one, n) == 0 && (at[n] == ';' || at[n] == '\0'))
			return true;
	}
	return false;
}

/* The first of the entry's `values:` that is among several choices. */
static const struct yaml *first_choice(const struct yaml *values, const char *text)
{
	for (const struct yaml *v = strchr(text, ';') ? values->first : NULL; v; v = v->next)
		if (has_choice(text, v->key))
			return v;
	return NULL;
}

/* By the entry's `values:`; "*" stands for all that is not named. */
static int translate(const struct mapping *m, const struct map_entry *entry, const char **text, struct err *err)
{
	const struct yaml *found = yaml_member(entry->values, *text);

	if (!found)
		found = first_choice(entry->values, *text);
	if (!found)
		found = yaml_member(entry->values, "*");
	if (!found)
		return err_set(err, ERR_INPUT, "%s: `%s` is not among the values of the mapping", entry->to,
		               text_clean(m->arena, *text, SHOWN_CHARS));
	*text = found->type != YAML_SCALAR || yaml_is_null(found) ? NULL : found->text;
	return 0;
}

/* "https://www.acme.example/en", "www.acme.example:443" and "ana@acme.example" are of acme.example; NULL: of none. */
static const char *domain_of(struct arena *a, const char *text)
{
	const char *scheme = strstr(text, "://"), *start = scheme ? scheme + 3 : text;
	size_t len = strcspn(start, "/?# ,;"), n_user = strcspn(start, "@");

	if (n_user < len) {
		start += n_user + 1;
		len -= n_user + 1;
	}
	if (len > 4 && strncasecmp(start, "www.", 4) == 0) {
		start += 4;
		len -= 4;
	}
	if (memchr(start, ':', len))
		len = strcspn(start, ":");
	while (len && start[len - 1] == '.')
		len--;
	return memchr(start, '.', len) ? arena_strndup(a, start, len) : NULL;
}

/* What a text says of whom an entry asks for: by its first address, or as a website. */
static const char *read_as(const struct mapping *m, int as, const char *text)
{
	struct texts all;

	if (as == MAP_AS_TEXT || !text)
		return text;
	if (as == MAP_AS_DOMAIN)
		return domain_of(m->arena, text);
	all = participants_read(m->arena, text);
	if (!all.n)
		return NULL;
	if (as == MAP_AS_ADDRESS)
		return all.at[0];
	return participants_is_ours(m->map->ours, all.at[0]) ? "out" : "in";
}

/* The text that an entry stands for; NULL when it is empty. */
static int entry_text(const struct mapping *m, const struct map_entry *entry, const char **out, struct err *err)
{
	*out = entry->value;
	if (!entry->from)
		return 0;
	if (fetch(m, entry->from, out, err) < 0)
		return -1;
	*out = read_as(m, entry->as, *out);
	if ((*out && entry->values && translate(m, entry, out, err) < 0))
		return -1;
	if (!*out)
		*out = entry->fallback;
	return 0;
}

static char *upper(struct arena *a, const char *text)
{
	char *copy = arena_strdup(a, text);

	for (char *c = copy; *c; c++)
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - ('a' - 'A'));
	return copy;
}

/* Before the amounts, whose digits depend on it. */
static int read_currency(const struct mapping *m, const char **out, struct err *err)
{
	int field = m->currency_field;

	*out = NULL;
	for (size_t i = 0; field >= 0 && i < m->map->n_entries; i++) {
		if (m->map->entries[i].field != field)
			continue;
		if (entry_text(m, &m->map->entries[i], out, err) < 0)
			return -1;
		if (*out)
			*out = upper(m->arena, *out);
	}
	return 0;
}

/* Months in what prices are said to be for. */
static const struct {
	const char *name;
	double months;
} intervals[] = {
	{ "day", 12.0 / 365 }, { "week", 12.0 / 52 }, { "month", 1 }, { "quarter", 3 }, { "year", 12 },
};

/* A path within an element of a list; where there is none: the path itself. */
static const char *within(const struct mapping *m, const char *element, const char *path)
{
	return element && path ? arena_printf(m->arena, "%s.%s", element, path) : path;
}

/* The number at a path or in a column. Returns 1, 0 when it is empty. */
static int read_factor(const struct mapping *m, const char *from, double *out, struct err *err)
{
	const char *text;

	if (fetch(m, from, &text, err) < 0)
		return -1;
	if (!text)
		return 0;
	if (!text_to_real(text, out))
		return err_set(err, ERR_INPUT, "%s: `%s`, expected a number", from, text_clean(m->arena, text, SHOWN_CHARS));
	return 1;
}

static int read_interval(const struct mapping *m, const char *from, double *out, struct err *err)
{
	const char *text;

	if (fetch(m, from, &text, err) < 0)
		return -1;
	if (!text)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(intervals); i++)
		if (text_equal_fold(text, intervals[i].name)) {
			*out = intervals[i].months;
			return 1;
		}
	return err_set(err, ERR_INPUT, "%s: `%s`, expected day, week, month, quarter or year", from,
	               text_clean(m->arena, text, SHOWN_CHARS));
}

/* Sets what numbers and amounts are multiplied by. Returns 1, 0 when a part of it is empty. */
static int set_scale(const struct mapping *m, struct map_value_of *of, const char *element, struct err *err)
{
	const struct map_entry *entry = of->entry;
	double times = 1, over = 1, months = 1;
	int rc = 1;

	of->is_scaled = entry->scale != 0 || entry->times || entry->over || entry->per;
	if (entry->times)
		rc = read_factor(m, within(m, element, entry->times), &times, err);
	if (rc > 0 && entry->over)
		rc = read_factor(m, within(m, element, entry->over), &over, err);
	if (rc > 0 && entry->per)
		rc = read_interval(m, within(m, element, entry->per), &months, err);
	if (rc > 0 && over == 0)
		return err_set(err, ERR_INPUT, "%s: is 0, and nothing can be divided by that", entry->over);
	of->scale = (entry->scale == 0 ? 1 : entry->scale) * times / over / months;
	return rc;
}

/* Returns 1 with a value, 0 when it is empty. */
static int read_element(const struct mapping *m, struct map_value_of *of, const char *element, struct value *out,
                        struct err *err)
{
	const char *text;
	int rc;

	if (fetch(m, within(m, element, of->entry->from), &text, err) < 0)
		return -1;
	if (!text)
		return 0;
	rc = set_scale(m, of, element, err);
	return rc > 0 && map_value_read(of, text, out, err) < 0 ? -1 : rc;
}

static bool is_there(const struct mapping *m, const struct map_entry *e, const char *element)
{
	const char *const paths[] = { e->from, e->times, e->over, e->per };

	for (size_t i = 0; i < ARRAY_LEN(paths); i++)
		if (paths[i] && m->get(m->row, within(m, element, paths[i]), m->arena))
			return true;
	return false;
}

/* Whether the list that is summed up is there in part only. */
static int is_cut(const struct mapping *m, const struct map_entry *entry, bool *out, struct err *err)
{
	const char *text = NULL;

	*out = false;
	if (entry->unless && fetch(m, entry->unless, &text, err) < 0)
		return -1;
	if (text && !text_to_bool(text, out))
		return err_set(err, ERR_INPUT, "%s: `%s`, expected true or false", entry->unless,
		               text_clean(m->arena, text, SHOWN_CHARS));
	return 0;
}

/* The sum over a list, empty when the list is, or isn't whole, or when one of its values is. */
static int read_sum(const struct mapping *m, struct map_value_of *of, struct value *out, struct err *err)
{
	int64_t total = 0;
	bool has_more;

	out->is_null = true;
	if (is_cut(m, of->entry, &has_more, err) < 0 || has_more)
		return has_more ? 0 : -1;
	for (int i = 0;; i++) {
		const char *element = arena_printf(m->arena, "%s[%d]", of->entry->sum, i);
		struct value one = { 0 };
		int rc;

		if (!is_there(m, of->entry, element))
			break;
		if (i == MAX_SUMMED)
			return err_set(err, ERR_INPUT, "%s: %s has more than %d elements", of->entry->to, of->entry->sum,
			               MAX_SUMMED);
		rc = read_element(m, of, element, &one, err);
		if (rc <= 0) {
			out->is_null = true;
			return rc;
		}
		if (__builtin_add_overflow(total, one.number, &total))
			return err_set(err, ERR_INPUT, "%s: the sum over %s is too large", of->entry->to, of->entry->sum);
		out->is_null = false;
	}
	out->number = total;
	return 0;
}

static int read_entry(const struct mapping *m, struct map_value_of *of, struct value *out, struct err *err)
{
	const char *text;
	int rc;

	*out = (struct value){ .is_set = true };
	if (of->entry->sum)
		return read_sum(m, of, out, err);
	if (entry_text(m, of->entry, &text, err) < 0)
		return -1;
	rc = text ? set_scale(m, of, NULL, err) : 0;
	out->is_null = rc == 0;
	if (rc > 0 && of->entry->field == m->currency_field)
		text = of->currency;
	return rc > 0 ? map_value_read(of, text, out, err) : rc;
}

static int read_entries(const struct mapping *m, struct record *out, struct err *err)
{
	const struct entity *e = m->map->entity;
	const char *currency;

	if (read_currency(m, &currency, err) < 0)
		return -1;
	for (size_t i = 0; i < m->map->n_entries; i++) {
		const struct map_entry *entry = &m->map->entries[i];
		struct map_value_of of = { .entry = entry, .type = e->fields[entry->field].type, .currency = currency,
			                       .words = e->fields[entry->field].words, .zone = m->zone, .arena = m->arena };

		if (read_entry(m, &of, &out->values[entry->field], err) < 0)
			return -1;
	}
	for (int i = 0; i < e->n_fields; i++)
		if (e->fields[i].is_required && (!out->values[i].is_set || out->values[i].is_null))
			return err_set(err, ERR_INPUT, "%s: is empty, expected a value", e->fields[i].name);
	return 0;
}

int map_apply(const struct map *map, map_get_fn *get, const void *row, const struct zone *zone, struct arena *a,
              struct record *out, struct err *err)
{
	const struct mapping m = { map, get, row, zone, a, entity_field_index(map->entity, "currency") };
	struct record r = { .entity = map->entity, .account_by = map->account_by };
	int rc = is_wanted(&m, err);

	if (rc <= 0)
		return rc;
	if (map->key && read_key(&m, map->key, &r.key, err) < 0)
		return -1;
	rc = is_deleted(&m, err);
	if (rc < 0)
		return -1;
	if (rc == 0 &&
	    ((map->account && fetch(&m, map->account, &r.account_key, err) < 0) || read_entries(&m, &r, err) < 0))
		return -1;
	if (rc == 0 && map->account_by == ACCOUNT_BY_PARTICIPANTS) {
		r.account_key = participants_key(a, r.account_key, map->ours);
		if (!r.account_key) /* among ourselves */
			return 0;
	}
	*out = r;
	return rc ? 2 : 1;
}
