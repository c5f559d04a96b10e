#include "cmocka_shim.h"

#include <string.h>

#include "common/json.h"
#include "connect/map.h"

static struct err err;
static struct arena *arena;
static const struct zone *zone;

static int open_arena(void **state)
{
	(void)state;
	arena = arena_new(0);
	return zone_open(arena, "America/New_York", &zone, &err);
}

static int close_arena(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static const char *get(const void *row, const char *from, struct arena *a)
{
	return json_scalar(a, json_at(row, from));
}

static const struct map *read_map(const char *yaml, struct mistakes *m)
{
	const struct yaml *node = yaml_parse(arena, "test.yaml", yaml, strlen(yaml), m);

	assert_non_null(node);
	return map_read(arena, node, m);
}

static const struct map *good_map(const char *yaml)
{
	struct mistakes m = { .arena = arena };
	const struct map *map = read_map(yaml, &m);

	if (!map)
		fail_msg("%s", m.lines[0]);
	return map;
}

static int apply(const struct map *map, const char *json, struct record *out)
{
	const struct json *row;

	ASSERT_OK(json_parse(arena, json, strlen(json), &row, &err));
	return map_apply(map, get, row, zone, arena, out, &err);
}

static const struct value *value_of(const struct record *r, const char *field)
{
	return &r->values[entity_field_index(r->entity, field)];
}

/* One text through one entry of an account or an invoice: the number that comes of it, or INT64_MIN for a refusal. */
static int64_t through(const char *entity, const char *to, const char *options, const char *text)
{
	const char *required = strcmp(entity, "invoice") == 0 ? ", { to: issued_on, value: 2024-01-01 }" : "";
	const struct map *map = good_map(arena_printf(arena, "{ entity: %s, key: id, map: [ { to: %s, from: x%s }, "
	                                              "{ to: currency, from: cur }%s ] }", entity, to, options, required));
	struct record r;

	if (apply(map, arena_printf(arena, "{\"id\":1,\"cur\":\"usd\",\"x\":\"%s\"}", text), &r) < 0) {
		assert_int_equal(err.kind, ERR_INPUT);
		assert_non_null(strstr(err.text, to));
		return INT64_MIN;
	}
	return value_of(&r, to)->number;
}

static int64_t day(int y, int m, int d)
{
	return day_of(y, m, d);
}

static void days_are_read_as_people_and_systems_write_them(void **state)
{
	static const struct {
		const char *options, *text;
		int y, m, d; /* y 0: refused */
	} cases[] = {
		{ "", "2024-02-29", 2024, 2, 29 },
		{ "", "2023-02-29", 0, 0, 0 },
		{ "", "2024-03-01T02:00:00Z", 2024, 2, 29 }, /* still the evening before in New York */
		{ "", "2024-03-01T00:00:00Z", 2024, 3, 1 },  /* midnight UTC is a bare date */
		{ "", "1709258400000", 2024, 2, 29 },        /* the same instants in epochs */
		{ "", "1709251200000", 2024, 3, 1 },
		{ "", "1709251200", 2024, 3, 1 },
		{ "", "2024-03-01 23:59", 2024, 3, 1 },      /* the wall in New York */
		{ "", "20240301", 0, 0, 0 },
		{ ", format: '%Y%m%d'", "20240301", 2024, 3, 1 },
		{ ", format: '%d/%m/%Y'", "01/03/2024", 2024, 3, 1 },
		{ ", format: '%d/%m/%Y'", "2024-03-01", 0, 0, 0 },
		{ ", format: '%d %b %Y %H:%M'", "1 Mar 2024 23:30", 2024, 3, 1 },
		{ ", format: '%Y-%m-%dT%H:%M%z'", "2024-03-01T03:30+00:00", 2024, 2, 29 },
		{ ", zone: utc", "2024-03-01 03:30:00", 2024, 2, 29 },
		{ ", zone: utc, format: '%d.%m.%Y %H:%M'", "1.3.2024 3:30", 2024, 2, 29 },
		{ "", "0001-01-01", 0, 0, 0 },
		{ "", "9999-12-31", 0, 0, 0 },
		{ "", "soon", 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t expected = cases[i].y ? day(cases[i].y, cases[i].m, cases[i].d) : INT64_MIN;

		if (through("account", "renewal_on", cases[i].options, cases[i].text) != expected)
			fail_msg("%s %s", cases[i].options, cases[i].text);
	}
}

static void instants_without_an_offset_are_on_the_organisations_wall(void **state)
{
	static const struct {
		const char *options, *text;
		int64_t at;
	} cases[] = {
		{ "", "2024-03-01T08:00:00Z", 1709280000 },
		{ "", "2024-03-01T08:00:00.123+01:00", 1709276400 },
		{ "", "2024-03-01 08:00:00", 1709298000 },
		{ "", "2024-03-01T08:00", 1709298000 },
		{ "", "2024-03-01", 1709269200 },
		{ "", "1709280000", 1709280000 },
		{ "", "1709280000123", 1709280000 },
		{ ", format: '%d.%m.%Y %H:%M'", "1.3.2024 8:00", 1709298000 },
		{ ", zone: utc, format: '%d.%m.%Y %H:%M'", "1.3.2024 13:00", 1709298000 },
		{ ", zone: utc", "2024-03-01 13:00:00", 1709298000 },
		{ "", "yesterday", INT64_MIN },
		{ "", "-5", INT64_MIN },
		{ "", "1e9", INT64_MIN },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (through("account", "modified_at", cases[i].options, cases[i].text) != cases[i].at)
			fail_msg("%s %s", cases[i].options, cases[i].text);
}

/* What a sum over items comes to; INT64_MAX: it is empty, INT64_MIN: refused. */
static int64_t summed_of(const char *items, const char *more)
{
	const struct map *map =
		good_map("{ entity: account, key: id, map: [ { to: currency, value: EUR }, { to: arr_minor, sum: items, "
	             "unless: more, from: price, minor: true, times: n, over: count, per: every } ] }");
	struct record r;

	if (apply(map, arena_printf(arena, "{\"id\":1,\"items\":[%s],\"more\":%s}", items, more), &r) < 0)
		return INT64_MIN;
	return value_of(&r, "arr_minor")->is_null ? INT64_MAX : value_of(&r, "arr_minor")->number;
}

static int64_t summed(const char *items)
{
	return summed_of(items, "false");
}

static void prices_of_items_come_to_an_amount_a_month(void **state)
{
	static const char month[] = "{\"price\":500,\"n\":3,\"count\":1,\"every\":\"month\"}";
	const char *many = "";

	(void)state;
	ASSERT_INT(summed(month), 1500);
	ASSERT_INT(summed_of(month, "null"), 1500);
	ASSERT_INT(summed_of(month, "true"), INT64_MAX);
	ASSERT_INT(summed_of(month, "7"), INT64_MIN);
	for (int i = 0; i < 1001; i++)
		many = arena_printf(arena, "%s%s%s", many, i ? "," : "", month);
	ASSERT_INT(summed(many), INT64_MIN);
	ASSERT_INT(summed(arena_printf(arena, "%s,{\"price\":1200,\"n\":2,\"count\":1,\"every\":\"year\"}", month)), 1700);
	ASSERT_INT(summed("{\"price\":900,\"n\":1,\"count\":3,\"every\":\"month\"}"), 300);
	ASSERT_INT(summed("{\"price\":1200,\"n\":1,\"count\":1,\"every\":\"week\"}"), 5200);
	ASSERT_INT(summed("{\"price\":1200,\"n\":0,\"count\":1,\"every\":\"month\"}"), 0);
	ASSERT_INT(summed(""), INT64_MAX);
	ASSERT_INT(summed(arena_printf(arena, "%s,{\"price\":null,\"n\":2,\"count\":1,\"every\":\"month\"}", month)),
	           INT64_MAX);
	ASSERT_INT(summed("{\"price\":500,\"count\":1,\"every\":\"month\"}"), INT64_MAX);
	ASSERT_INT(summed("{\"price\":500,\"n\":1,\"count\":0,\"every\":\"month\"}"), INT64_MIN);
	ASSERT_INT(summed("{\"price\":500,\"n\":1,\"count\":1,\"every\":\"fortnight\"}"), INT64_MIN);
	ASSERT_INT(summed("{\"price\":500,\"n\":\"many\",\"count\":1,\"every\":\"month\"}"), INT64_MIN);
	ASSERT_INT(
		summed(arena_printf(arena, "%s,%s", "{\"price\":9000000000000000000,\"n\":1,\"count\":1,\"every\":\"month\"}",
	                        "{\"price\":8000000000000000000,\"n\":1,\"count\":1,\"every\":\"month\"}")),
		INT64_MIN);
}

static void numbers_and_amounts_are_exact_or_refused(void **state)
{
	static const struct {
		const char *to, *options, *text;
		int64_t number;
	} cases[] = {
		{ "seats", "", "12", 12 },         { "seats", "", " 12 ", 12 },      { "seats", "", "12.0", 12 },
		{ "seats", "", "12.5", INT64_MIN }, { "seats", "", "1,200", INT64_MIN }, { "seats", "", "many", INT64_MIN },
		{ "seats", ", scale: 1/12", "144", 12 }, { "seats", "", "99999999999999999999", INT64_MIN },
		{ "arr_minor", "", "1234.56", 123456 }, { "arr_minor", "", "1234", 123400 }, { "arr_minor", "", "0.005", 1 },
		{ "arr_minor", ", scale: 12", "100.10", 120120 }, { "arr_minor", ", scale: 1/12", "33432", 278600 },
		{ "arr_minor", ", minor: true", "123456", 123456 }, { "arr_minor", ", minor: true", "-5", -5 },
		{ "arr_minor", ", minor: true, scale: 1/12", "1200", 100 }, { "arr_minor", ", minor: true", "1e3", INT64_MIN },
		{ "arr_minor", "", "3.5E8", 35000000000 }, { "arr_minor", "", "1.0000001E7", 1000000100 },
		{ "arr_minor", "", "1E99", INT64_MIN },
		{ "arr_minor", "", "1.234,56", INT64_MIN }, { "arr_minor", "", "12 EUR", INT64_MIN },
		{ "is_customer", "", "TRUE", 1 },  { "is_customer", "", "no", 0 },   { "is_customer", "", "maybe", INT64_MIN },
		{ "is_customer", ", values: { active: yes, '*': no }", "active", 1 },
		{ "is_customer", ", values: { active: yes, '*': no }", "gone", 0 },
		{ "is_customer", ", values: { active: yes }", "gone", INT64_MIN },
		{ "is_customer", ", values: { active: yes, '*': no }", "new;active", 1 },
		{ "is_customer", ", values: { active: yes, '*': no }", "inactive;new", 0 },
		{ "is_customer", ", values: { none: no, active: yes, '*': no }", "active;none", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (through("account", cases[i].to, cases[i].options, cases[i].text) != cases[i].number)
			fail_msg("%s %s %s", cases[i].to, cases[i].options, cases[i].text);
	ASSERT_INT(through("invoice", "amount_minor", "", "-5.5"), -550);
}

static void an_amount_follows_the_currency_of_its_row(void **state)
{
	const struct map *map = good_map(
		"{ entity: account, key: id, map: [ { to: arr_minor, from: a }, { to: currency, from: c } ] }");
	struct record r;

	(void)state;
	assert_int_equal(apply(map, "{\"id\":1,\"a\":1234.5,\"c\":\"jpy\"}", &r), 1);
	ASSERT_INT(value_of(&r, "arr_minor")->number, 1235);
	assert_string_equal(value_of(&r, "currency")->text, "JPY");
	assert_int_equal(apply(map, "{\"id\":1,\"a\":1.2345,\"c\":\"KWD\"}", &r), 1);
	ASSERT_INT(value_of(&r, "arr_minor")->number, 1235);
	assert_int_equal(apply(map, "{\"id\":1,\"a\":1,\"c\":\"XXQ\"}", &r), -1);
	assert_int_equal(apply(map, "{\"id\":1,\"a\":1}", &r), -1);
	assert_int_equal(apply(map, "{\"id\":1}", &r), 1); /* no amount, no need of a currency */
}

static void a_part_of_a_key_with_a_question_mark_may_be_empty(void **state)
{
	const struct map *map = good_map("{ entity: contact, key: id + from + to?, map: [ { to: name, from: n } ] }");
	const struct map *lax = good_map("{ entity: contact, key: to? + from?, map: [ { to: name, from: n } ] }");
	struct record r;

	(void)state;
	ASSERT_INT(apply(map, "{\"id\":7,\"from\":\"x\",\"to\":\"y\"}", &r), 1);
	assert_string_equal(r.key, "7+x+y");
	ASSERT_INT(apply(map, "{\"id\":7,\"from\":\"x\"}", &r), 1);
	assert_string_equal(r.key, "7+x+");
	ASSERT_INT(apply(map, "{\"id\":7,\"to\":\"y\"}", &r), -1);
	assert_non_null(strstr(err.text, "from: is empty"));
	ASSERT_INT(apply(lax, "{\"to\":\"\"}", &r), -1); /* nothing at all is no key */
}

static void keys_conditions_deletions_and_defaults(void **state)
{
	const struct map *map = good_map("entity: contact\n"
	                                 "key: id + at.day\n"
	                                 "account: { from: co, by: domain }\n"
	                                 "when: { from: type, in: [a, \"\"] }\n"
	                                 "deleted: gone\n"
	                                 "map:\n"
	                                 "  - { to: name, from: n }\n"
	                                 "  - { to: role, from: r, default: user }\n"
	                                 "  - { to: is_key, value: yes }\n");
	struct record r;

	(void)state;
	assert_int_equal(
		apply(map, "{\"id\":7,\"at\":{\"day\":\"x\"},\"co\":\"a.example\",\"n\":\" Ada \",\"type\":\"a\"}", &r), 1);
	assert_string_equal(r.key, "7+x");
	assert_string_equal(r.account_key, "a.example");
	assert_int_equal(r.account_by, ACCOUNT_BY_DOMAIN);
	assert_string_equal(value_of(&r, "name")->text, "Ada");
	assert_string_equal(value_of(&r, "role")->text, "user");
	ASSERT_INT(value_of(&r, "is_key")->number, 1);
	assert_false(value_of(&r, "email")->is_set);
	assert_int_equal(apply(map, "{\"id\":7,\"at\":{\"day\":\"x\"},\"n\":null,\"r\":\"  \"}", &r), 1);
	assert_null(r.account_key);
	assert_true(value_of(&r, "name")->is_set && value_of(&r, "name")->is_null);
	assert_int_equal(apply(map, "{\"id\":7,\"at\":{\"day\":\"x\"},\"type\":\"b\"}", &r), 0);
	assert_int_equal(apply(map, "{\"id\":7,\"at\":{\"day\":\"x\"},\"gone\":true}", &r), 2);
	assert_string_equal(r.key, "7+x");
	assert_int_equal(apply(map, "{\"id\":7,\"at\":{}}", &r), -1);
	assert_non_null(strstr(err.text, "at.day"));
	assert_int_equal(apply(map, "{\"id\":7,\"at\":{\"day\":\"x\"},\"gone\":\"perhaps\"}", &r), -1);
}

static void a_deletion_may_be_one_of_several_words(void **state)
{
	const struct map *map = good_map("entity: contact\n"
	                                 "key: id\n"
	                                 "deleted: { from: state, in: [deleted, merged] }\n"
	                                 "map: [ { to: name, from: n } ]\n");
	struct record r;

	(void)state;
	assert_int_equal(apply(map, "{\"id\":7,\"state\":\"merged\"}", &r), 2);
	assert_string_equal(r.key, "7");
	assert_int_equal(apply(map, "{\"id\":7,\"state\":\"living\"}", &r), 1);
	assert_int_equal(apply(map, "{\"id\":7}", &r), 1);
}

static void a_website_is_read_as_the_domain_that_others_know_it_by(void **state)
{
	static const struct {
		const char *text, *domain; /* NULL: none */
	} cases[] = {
		{ "acme.example", "acme.example" },
		{ "https://acme.example", "acme.example" },
		{ "HTTPS://WWW.Acme.example/en?x=a.b#c", "Acme.example" },
		{ "http://user:word@www.acme.example:8080/", "acme.example" },
		{ "www.acme.example.", "acme.example" },
		{ "ana@acme.example", "acme.example" },
		{ "acme.example/x@y.example", "acme.example" },
		{ "acme.example, acme.test", "acme.example" },
		{ "n/a", NULL },
		{ "Acme Inc", NULL },
		{ "https://", NULL },
	};
	struct mistakes m;
	const struct map *map = read_map("{ entity: account, key: id, map: [ { to: domain, from: w, as: domain } ] }", &m);
	int field = entity_field_index(entity_find("account"), "domain");
	struct record r;

	(void)state;
	assert_non_null(map);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(apply(map, arena_printf(arena, "{\"id\":1,\"w\":\"%s\"}", cases[i].text), &r), 1);
		if (cases[i].domain)
			assert_string_equal(r.values[field].text, cases[i].domain);
		else
			assert_true(r.values[field].is_null || !r.values[field].text);
	}
}

static void a_required_field_must_have_a_value(void **state)
{
	const struct map *map = good_map("{ entity: ticket, key: id, account: a, map: [ { to: opened_at, from: t } ] }");
	struct record r;

	(void)state;
	assert_int_equal(apply(map, "{\"id\":1}", &r), -1);
	assert_non_null(strstr(err.text, "opened_at"));
}

static void what_came_is_shown_clean_and_short(void **state)
{
	char text[400];

	(void)state;
	memset(text, 'x', sizeof text);
	memcpy(text, "\\u001b[31m", 10);
	text[sizeof text - 1] = '\0';
	assert_true(through("account", "renewal_on", "", text) == INT64_MIN);
	assert_true(strlen(err.text) < 200 && !strchr(err.text, 0x1b));
}

static void a_mistake_in_a_mapping_is_told_where_it_is(void **state)
{
	static const struct {
		const char *yaml, *part;
	} cases[] = {
		{ "{ entity: acount, key: id, map: [] }", "did you mean `account`" },
		{ "{ entity: zzz, key: id, map: [] }", "expected one of owner, account" },
		{ "{ key: id, map: [] }", "entity" },
		{ "{ entity: account, map: [ { to: name, from: n } ] }", "`key` is missing" },
		{ "{ entity: account, key: id, account: x, map: [ { to: name, from: n } ] }", "belongs to no account" },
		{ "{ entity: account, key: id, map: [ { to: nam, from: n } ] }", "did you mean `name`" },
		{ "{ entity: account, key: id, map: [ { from: n } ] }", "to" },
		{ "{ entity: account, key: id, map: [ { to: name } ] }", "neither `from:` nor `value:`" },
		{ "{ entity: account, key: id, map: [ { to: name, from: a, value: b } ] }", "`from:` and `value:`" },
		{ "{ entity: account, key: id, map: [ { to: name, from: a, format: '%Y' } ] }", "only days and times" },
		{ "{ entity: account, key: id, map: [ { to: name, from: a, zone: utc } ] }", "`zone:`, which only days" },
		{ "{ entity: account, key: id, map: [ { to: name, from: a, scale: 2 } ] }", "only numbers" },
		{ "{ entity: account, key: id, map: [ { to: seats, from: a, scale: 1/0 } ] }", "scale is `1/0`" },
		{ "{ entity: account, key: id, map: [ { to: name, from: a, times: b } ] }", "only numbers and amounts" },
		{ "{ entity: account, key: id, map: [ { to: name, from: a, sum: b } ] }", "adds up amounts or whole numbers" },
		{ "{ entity: account, key: id, map: [ { to: seats, value: 3, sum: b } ] }", "goes with `from:`" },
		{ "{ entity: account, key: id, map: [ { to: seats, from: a, unless: b } ] }", "goes with `sum:`" },
		{ "{ entity: account, key: id, map: [ { to: seats, from: a, minor: true } ] }", "only amounts take" },
		{ "{ entity: account, key: id, map: [ { to: name, from: a }, { to: name, from: b } ] }",
		  "mapped on line 1 already" },
		{ "{ entity: account, key: id, map: [ { to: name, from: a, vales: {} } ] }", "values" },
		{ "{ entity: account, key: id, map: [ { to: arr_minor, from: a } ] }", "without `currency`" },
		{ "{ entity: ticket, key: id, map: [ { to: subject, from: a } ] }", "`opened_at` isn't mapped" },
		{ "{ entity: contact, key: id, account: { from: a, by: dommain }, map: [ { to: name, from: n } ] }", "domain" },
		{ "{ entity: account, key: id, when: { from: a, in: b }, map: [ { to: name, from: n } ] }", "is no list" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct mistakes m = { .arena = arena };

		assert_null(read_map(cases[i].yaml, &m));
		if (m.n != 1 || !strstr(m.lines[0], cases[i].part) || !strstr(m.lines[0], "test.yaml:1:"))
			fail_msg("%s: %zu mistakes, %s", cases[i].yaml, m.n, m.lines[0]);
	}
}

static void a_rate_of_exchange_is_exact_and_above_nothing(void **state)
{
	static const struct {
		const char *text;
		int64_t nano; /* 0: refused */
	} cases[] = {
		{ "1.0812", 1081200000 }, { "0.000036812", 36812 }, { "1.0000000005", 1000000001 }, { "1e2", 100000000000 },
		{ "0", 0 }, { "-1.1", 0 }, { "0.0000000001", 0 }, { "N/A", 0 }, { "9999999999", 0 },
	};
	const struct map *map = good_map("{ entity: rate, key: id, map: [ { to: currency, from: c }, "
	                                 "{ to: base, value: USD }, { to: rate_on, from: d }, "
	                                 "{ to: rate_nano, from: x } ] }");
	struct record r;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int rc = apply(map, arena_printf(arena, "{\"id\":1,\"c\":\"eur\",\"d\":\"2025-03-01\","
		                                 "\"x\":\"%s\"}", cases[i].text), &r);

		if (rc != (cases[i].nano ? 1 : -1) || (rc == 1 && value_of(&r, "rate_nano")->number != cases[i].nano))
			fail_msg("%s", cases[i].text);
	}
	assert_int_equal(err.kind, ERR_INPUT);
	assert_int_equal(apply(map, "{\"id\":1,\"c\":\"eur\",\"d\":\"2025-03-01\",\"x\":\"2\"}", &r), 1);
	assert_string_equal(value_of(&r, "currency")->text, "EUR");
}

static void a_kind_of_revenue_is_one_of_four_words(void **state)
{
	const struct map *map = good_map("{ entity: subscription, key: id, map: [ { to: start_on, value: 2024-01-01 }, "
	                                 "{ to: kind, from: k } ] }");
	struct record r;

	(void)state;
	assert_int_equal(apply(map, "{\"id\":1,\"k\":\"usage\"}", &r), 1);
	assert_string_equal(value_of(&r, "kind")->text, "usage");
	assert_int_equal(apply(map, "{\"id\":1}", &r), 1);
	assert_true(value_of(&r, "kind")->is_null);
	assert_int_equal(apply(map, "{\"id\":1,\"k\":\"annual\"}", &r), -1);
	assert_int_equal(err.kind, ERR_INPUT);
	assert_string_equal(err.text, "kind: `annual`, expected one of recurring, usage, one_time, service");
}

static void an_organisation_replaces_and_adds_entries(void **state)
{
	static const char more[] = "[ { to: name, from: other }, { to: seats, from: s } ]";
	const struct map *base = good_map(
						 "{ entity: account, key: id, map: [ { to: name, from: n }, { to: plan, from: p } ] }"),
					 *map;
	struct mistakes m = { .arena = arena };
	struct record r;

	(void)state;
	map = map_extend(arena, base, yaml_parse(arena, "more.yaml", more, strlen(more), &m), &m);
	assert_non_null(map);
	assert_int_equal(apply(map, "{\"id\":1,\"n\":\"no\",\"other\":\"yes\",\"p\":\"pro\",\"s\":3}", &r), 1);
	assert_string_equal(value_of(&r, "name")->text, "yes");
	assert_string_equal(value_of(&r, "plan")->text, "pro");
	ASSERT_INT(value_of(&r, "seats")->number, 3);
	assert_int_equal(apply(base, "{\"id\":1,\"n\":\"no\",\"other\":\"yes\"}", &r), 1); /* the base stays as it was */
	assert_string_equal(value_of(&r, "name")->text, "no");
	assert_null(map_extend(arena, base, yaml_parse(arena, "more.yaml", "[ { to: x, from: y } ]", 22, &m), &m));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_arena, close_arena)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(days_are_read_as_people_and_systems_write_them),
		CASE(instants_without_an_offset_are_on_the_organisations_wall),
		CASE(numbers_and_amounts_are_exact_or_refused),
		CASE(prices_of_items_come_to_an_amount_a_month),
		CASE(an_amount_follows_the_currency_of_its_row),
		CASE(a_part_of_a_key_with_a_question_mark_may_be_empty),
		CASE(keys_conditions_deletions_and_defaults),
		CASE(a_deletion_may_be_one_of_several_words),
		CASE(a_website_is_read_as_the_domain_that_others_know_it_by),
		CASE(a_required_field_must_have_a_value),
		CASE(what_came_is_shown_clean_and_short),
		CASE(a_mistake_in_a_mapping_is_told_where_it_is),
		CASE(a_rate_of_exchange_is_exact_and_above_nothing),
		CASE(a_kind_of_revenue_is_one_of_four_words),
		CASE(an_organisation_replaces_and_adds_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
