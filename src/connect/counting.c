#include "counting.h"

#include <math.h>
#include <string.h>

#include "common/text.h"
#include "record_show.h"
#include "store/usage.h"
#include "store/usage_counted.h"

/* So that sums of any number of rows that a day may have stay within an int64. */
static const double max_usage = 1e12;

bool counting_is_for(const struct map *map)
{
	return !map->entity->table;
}

void counting_check(const struct stream_settings *s, const struct yaml *where, struct mistakes *m)
{
	if (s->n_maps && counting_is_for(s->maps[0]) && s->slice.step_s % 86400 != 0)
		mistake_at(m, where, "usage is counted a day at a time: `step:` must be whole days");
	for (size_t i = 0; i < s->n_maps; i++) {
		if (counting_is_for(s->maps[i]) != counting_is_for(s->maps[0]))
			mistake_at(m, where, "a stream's rows are counted as usage or kept, not both: use two streams");
		else if (counting_is_for(s->maps[i]) && !s->maps[i]->account)
			mistake_at(m, where, "`account` is missing, expected the path that names the account of the usage");
		else if (counting_is_for(s->maps[i]) && s->maps[i]->deleted_from)
			mistake_at(m, where, "`deleted` stands with usage, which is counted anew a day at a time");
	}
}

struct counted_from {
	const struct counting *counting;
	struct row row;
};

static const char *get(const void *context, const char *from, struct arena *a)
{
	const struct counted_from *f = context;

	return strcmp(from, "window.day") == 0 ? f->counting->day_text : rows_get(&f->row, from, a);
}

static const struct value *value_of(const struct record *r, const char *field)
{
	return &r->values[entity_field_index(r->entity, field)];
}

static const char *text_or_empty(const struct value *v)
{
	return v->is_set && !v->is_null && v->text ? v->text : "";
}

static int add(const struct counting *c, const struct map *map, const struct record *r, struct err *err)
{
	double value = value_of(r, "value")->real;
	struct counted_row row = { .day = (int32_t)value_of(r, "day")->number, .by = r->account_by,
		                       .account_key = r->account_key,
		                       .contact_key = text_or_empty(value_of(r, "contact_key")),
		                       .team = text_or_empty(value_of(r, "team")) };

	if (!(value >= 0 && value <= max_usage))
		return err_set(err, ERR_INPUT, "value: is %s", value < 0 ? "negative, expected 0 or more" : "more than 1e12");
	if (row.day < 0 || (c->day != DAY_NONE && (row.day < c->day || row.day > c->last_day)))
		return err_set(err, ERR_INPUT, "day: is none of those that were asked for");
	if (metric_id(c->to->pull->db, value_of(r, "metric")->text, &row.metric, err) < 0)
		return -1;
	row.value = llround(value);
	return counted_add(c->to->pull->db, map->merge, &row, err);
}

int counting_row(const struct counting *c, const struct json *json, struct arena *a, struct err *err)
{
	const struct stream_settings *s = c->to->stream;
	const struct counted_from from = { c, { .main = json, .stream = s } };

	for (size_t i = 0; i < s->n_maps; i++) {
		struct record r = { 0 };
		int rc = map_apply(s->maps[i], get, &from, c->zone, a, &r, err);

		if (rc < 0)
			return -1;
		/* What nobody's account did is no account's usage. */
		if (rc == 1 && r.account_key && add(c, s->maps[i], &r, err) < 0)
			return -1;
	}
	return 0;
}

int counting_show(const struct counting *c, const struct json *json, struct arena *a, struct err *err)
{
	const struct stream_settings *s = c->to->stream;
	const struct counted_from from = { c, { .main = json, .stream = s } };

	for (size_t i = 0; i < s->n_maps; i++) {
		struct record r = { 0 };
		int rc = map_apply(s->maps[i], get, &from, c->zone, a, &r, err);

		if (rc < 0)
			return -1;
		if (rc == 1 && c->to->pull->show_row)
			c->to->pull->show_row(c->to->pull->context, s->name, record_show(&r, NULL, a));
	}
	return 0;
}
