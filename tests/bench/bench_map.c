/* Rows of JSON through a map, as a connector's page of accounts and one of tickets give them: fields found by path,
 * dates, money, numbers, texts, words for words. The peer is cJSON with our checks, which made the rows.
 * usage: bench_map [ROWS] */
#include "bench.h"

#include <string.h>

#include "common/json.h"
#include "common/text.h"
#include "connect/map.h"

enum { ROWS = 20000, ROUNDS = 5 };

static const char account_map[] =
	"{ entity: account, key: id, deleted: archived, map: ["
	" { to: name, from: properties.name }, { to: domain, from: properties.website, as: domain },"
	" { to: plan, from: properties.plan }, { to: segment, from: properties.segment },"
	" { to: seats, from: properties.seats }, { to: currency, value: EUR },"
	" { to: arr_minor, from: properties.arr }, { to: renewal_on, from: properties.renewal },"
	" { to: is_customer, from: properties.stage, values: { customer: \"yes\", lead: \"no\", \"*\": \"no\" } },"
	" { to: created_on, from: properties.createdate }, { to: modified_at, from: updatedAt } ] }";
static const char ticket_map[] =
	"{ entity: ticket, key: id, account: { from: company, by: key }, map: ["
	" { to: subject, from: subject }, { to: body, from: body }, { to: opened_at, from: createdAt },"
	" { to: closed_at, from: closedAt }, { to: status, from: status },"
	" { to: priority, from: priority, values: { P1: urgent, P2: high, \"*\": normal } } ] }";

static struct err err;

struct work {
	struct arena *arena, *of_row;
	const struct zone *zone;
	const struct map *maps[2];
	const char **texts;
	const struct json **rows;
	int n;
	int64_t seen;
};

static const struct map *read_map(struct arena *a, const char *text)
{
	struct mistakes m = { .arena = a };
	const struct yaml *node = yaml_parse(a, "map", text, strlen(text), &m);
	const struct map *map = node ? map_read(a, node, &m) : NULL;

	if (!map)
		die("%s", m.lines[0]);
	return map;
}

/* An account and a ticket in turn. */
static const char *row_text(struct arena *a, int i)
{
	if (i % 2)
		return arena_printf(a, "{\"id\":\"t%d\",\"company\":\"%d\",\"subject\":\"Report %d does not open\",\"body\":"
		                    "\"We have tried for %d days. Could you look at it today, please?\",\"createdAt\":"
		                    "\"2026-01-%02dT08:30:00+02:00\",\"closedAt\":%s,\"status\":\"open\",\"priority\":\"P%d\"}",
		                    i, i % 997, i, i % 9, i % 28 + 1, i % 3 ? "null" : "\"2026-02-01T10:00:00Z\"", i % 4 + 1);
	return arena_printf(a, "{\"id\":\"%d\",\"properties\":{\"name\":\"Company %d\",\"website\":\"https://www.company%d"
	                    ".example/home\",\"plan\":\"team\",\"segment\":\"mid\",\"seats\":\"%d\",\"arr\":\"%d.50\","
	                    "\"renewal\":\"2026-11-%02d\",\"stage\":\"%s\",\"createdate\":\"2024-03-%02dT08:00:00Z\"},"
	                    "\"updatedAt\":\"2025-11-30T17:45:12.123Z\",\"archived\":%s}", i, i, i, i % 300, 1000 + i,
	                    i % 28 + 1, i % 5 ? "customer" : "lead", i % 28 + 1, i % 50 ? "false" : "true");
}

static void parse_all(void *context)
{
	struct work *w = context;

	for (int i = 0; i < w->n; i++) {
		const struct json *row;

		REQUIRE_OK(json_parse(w->of_row, w->texts[i], strlen(w->texts[i]), &row, &err));
		arena_reset(w->of_row);
	}
}

static const char *get(const void *row, const char *from, struct arena *a)
{
	return json_scalar(a, json_at(row, from));
}

static void map_all(void *context)
{
	struct work *w = context;

	for (int i = 0; i < w->n; i++) {
		struct record r;

		REQUIRE_OK(map_apply(w->maps[i % 2], get, w->rows[i], w->zone, w->of_row, &r, &err));
		w->seen += r.key != NULL;
		arena_reset(w->of_row);
	}
}

int main(int argc, char **argv)
{
	CLEANUP(arena_freep) struct arena *a = arena_new((size_t)4 << 30), *of_row = arena_new(0);
	struct work w = { .arena = a, .of_row = of_row, .n = ROWS };
	int64_t rows = ROWS;
	double ours, theirs;

	if (argc > 1 && (!text_to_int(argv[1], &rows) || rows < 1 || rows > 10 * ROWS))
		die("usage: bench_map [ROWS]");
	w.n = (int)rows;
	REQUIRE_OK(zone_open(a, "Europe/Paris", &w.zone, &err));
	w.maps[0] = read_map(a, account_map);
	w.maps[1] = read_map(a, ticket_map);
	w.texts = arena_array(a, (size_t)w.n, sizeof *w.texts);
	w.rows = arena_array(a, (size_t)w.n, sizeof *w.rows);
	for (int i = 0; i < w.n; i++) {
		w.texts[i] = row_text(a, i);
		REQUIRE_OK(json_parse(a, w.texts[i], strlen(w.texts[i]), &w.rows[i], &err));
	}
	ours = best_of(argc > 1 ? 1 : ROUNDS, map_all, &w);
	theirs = best_of(argc > 1 ? 1 : ROUNDS, parse_all, &w);
	if (!w.seen)
		die("nothing was mapped");
	print_ratio("map rows of JSON", "s", ours, "parse them", theirs);
	return 0;
}
