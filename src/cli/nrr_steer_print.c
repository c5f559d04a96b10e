#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/money.h"
#include "nrr_report.h"
#include "nrr_steer.h"
#include "score/picture.h"

enum { MAX_GROUPS = 20, LINE_COLUMNS = 100 };

static const struct table_column engine_columns[] = {
	{ "engine", false }, { "per month", true }, { "points", true }, { "usual", true }, { "good", true },
	{ "to gain", true },
};
static const struct table_column group_columns[] = {
	{ "group", false }, { "accounts", true }, { "trend", false }, { "a year ago", true }, { "now", true },
	{ "pull on NRR", true },
};

static void print_sentence(const char *text)
{
	size_t column = 0;

	while (text && *text) {
		size_t word = strcspn(text, " ");

		(void)printf("%s%.*s", column == 0 ? "  " : column + 1 + word > LINE_COLUMNS ? "\n  " : " ", (int)word, text);
		column = column && column + 1 + word <= LINE_COLUMNS ? column + 1 + word : word + 2;
		text += word;
		text += *text == ' ';
	}
	if (column)
		(void)putchar('\n');
}

static const char *number(struct arena *a, double value, int decimals)
{
	return isnan(value) ? NULL : arena_printf(a, "%.*f", decimals, value);
}

static void print_engines(const struct steer_input *in, const struct steer *s, struct arena *a)
{
	struct table *t = table_new(a, engine_columns, ARRAY_LEN(engine_columns));

	for (int i = 0; i < N_STEER_ENGINES; i++) {
		const struct steer_reading *r = &s->engines[i];
		const char *cells[ARRAY_LEN(engine_columns)] = { steer_engine_names[r->engine],
			money_text(a, r->minor, in->currency), number(a, r->points, 1), number(a, r->usual, 1),
			number(a, r->good, 1), isnan(r->usual) ? NULL : number(a, r->to_gain, 1) };

		table_row(t, cells);
	}
	table_print(t, FORMAT_TABLE);
}

static void print_csv(const struct steer_input *in, const struct steer *s, struct arena *a)
{
	static const struct table_column columns[] = {
		{ "engine", false }, { "from_date", false }, { "to_date", false }, { "mrr", true }, { "points", true },
		{ "usual_points", true }, { "good_points", true }, { "to_gain_points", true }, { "currency", false },
	};
	const struct nrr_span span = in->quarters[in->n_quarters - 1].span;
	struct table *t = table_new(a, columns, ARRAY_LEN(columns));

	for (int i = 0; i < N_STEER_ENGINES && !s->why_none; i++) {
		const struct steer_reading *r = &s->engines[i];
		const char *cells[ARRAY_LEN(columns)] = { steer_engine_names[r->engine], day_text(a, span.from),
			day_text(a, span.to), cell_int(a, r->minor), number(a, r->points, 6), number(a, r->usual, 6),
			number(a, r->good, 6), isnan(r->usual) ? NULL : number(a, r->to_gain, 6), in->currency };

		table_row(t, cells);
	}
	table_print(t, FORMAT_CSV);
}

static const char *percent(struct arena *a, double ratio)
{
	return isnan(ratio) ? "-" : arena_printf(a, "%.1f %%", 100 * ratio);
}

static void print_groups(const struct steer_input *in, const struct steer *s, struct arena *a)
{
	struct table *t = table_new(a, group_columns, ARRAY_LEN(group_columns));

	for (size_t i = 0; i < s->n_groups && i < MAX_GROUPS; i++) {
		const struct steer_group *g = &s->groups[i];
		const char *cells[ARRAY_LEN(group_columns)] = { arena_printf(a, "%s %s", g->by, g->group),
			cell_int(a, g->n_start), picture_spark(a, g->nrr, in->n_years), percent(a, g->nrr[0]),
			percent(a, g->nrr[in->n_years - 1]), arena_printf(a, "%+.1f", g->pull) };

		table_row(t, cells);
	}
	table_print(t, FORMAT_TABLE);
	if (s->n_groups > MAX_GROUPS)
		(void)printf("and %zu more\n", s->n_groups - MAX_GROUPS);
}

static void print_people(const struct steer_input *in, const struct steer *s, struct arena *a)
{
	const char *const sentences[] = { s->first, s->next, s->still, s->pulls, s->worth };

	(void)printf("Where to work first, as of %s\n\n", day_text(a, in->so_far->span.to));
	for (size_t i = 0; i < ARRAY_LEN(sentences); i++)
		print_sentence(sentences[i]);
	if (!s->why_none) {
		(void)puts("\nPoints of NRR in the last three months; usual and good are those of the quarters before\n");
		print_engines(in, s, a);
	}
	if (s->n_groups) {
		(void)puts("\nNRR over twelve months\n");
		print_groups(in, s, a);
	}
}

static void put_groups(struct json_out *o, const struct steer_input *in, const struct steer *s)
{
	json_open_array(o, "groups");
	for (size_t i = 0; i < s->n_groups; i++) {
		const struct steer_group *g = &s->groups[i];

		json_open_object(o, NULL);
		json_put_text(o, "by", g->by);
		json_put_text(o, "group", g->group);
		json_put_int(o, "start_accounts", g->n_start);
		json_put_real(o, "pull_points", g->pull, 6);
		json_open_array(o, "nrr");
		for (size_t k = 0; k < in->n_years; k++)
			json_put_real(o, NULL, g->nrr[k], 6);
		json_close_array(o);
		json_close_object(o);
	}
	json_close_array(o);
}

static void put_worth(struct json_out *o, const char *engine, const struct steer_worth *w)
{
	json_open_object(o, engine);
	json_put_int(o, "findings", (int64_t)w->n);
	json_put_real(o, "points", w->points, 6);
	json_put_int(o, "later_findings", (int64_t)w->n_later);
	json_put_real(o, "later_points", w->later_points, 6);
	json_close_object(o);
}

static void put_engines(struct json_out *o, const struct steer *s)
{
	json_open_array(o, "engines");
	for (int i = 0; i < N_STEER_ENGINES && !s->why_none; i++) {
		const struct steer_reading *r = &s->engines[i];

		json_open_object(o, NULL);
		json_put_text(o, "engine", steer_engine_names[r->engine]);
		json_put_int(o, "minor", r->minor);
		json_put_real(o, "points", r->points, 6);
		json_put_real(o, "usual_points", r->usual, 6);
		json_put_real(o, "good_points", r->good, 6);
		json_put_real(o, "to_gain_points", isnan(r->usual) ? NAN : r->to_gain, 6);
		json_close_object(o);
	}
	json_close_array(o);
}

static void put_sentences(struct json_out *o, const struct steer *s)
{
	const char *const sentences[] = { s->first, s->next, s->still, s->pulls, s->worth };

	json_open_array(o, "sentences");
	for (size_t i = 0; i < ARRAY_LEN(sentences); i++)
		if (sentences[i])
			json_put_text(o, NULL, sentences[i]);
	json_close_array(o);
}

static void print_json(const struct nrr_report *r, const struct steer_input *in, const struct steer *s)
{
	struct arena *a = r->cli->arena;
	struct nrr_json j;

	nrr_json_open(&j, r, "steer");
	json_put_text(&j.out, "on", day_text(a, in->so_far->span.to));
	json_put_text(&j.out, "reason", s->why_none);
	put_sentences(&j.out, s);
	put_engines(&j.out, s);
	put_groups(&j.out, in, s);
	json_open_object(&j.out, "quarter");
	json_put_text(&j.out, "from", day_text(a, in->so_far->span.from));
	json_put_text(&j.out, "to", day_text(a, in->quarter_ends_on));
	json_put_real(&j.out, "nrr_so_far", in->so_far->why_none ? NAN : in->so_far->nrr, 6);
	json_put_text(&j.out, "nrr_so_far_reason", in->so_far->why_none);
	json_put_text(&j.out, "reason", in->why_no_findings);
	put_worth(&j.out, "defense", &s->defense);
	put_worth(&j.out, "expansion", &s->expansion);
	json_put_int(&j.out, "findings_outside", (int64_t)s->n_outside);
	json_close_object(&j.out);
	nrr_json_close(&j);
}

int nrr_print_steer(struct nrr_report *r, struct err *err)
{
	struct arena *a = r->cli->arena;
	struct steer_input in;
	struct steer s;

	if (nrr_steer_load(&(struct nrr_scope){ r->session, &r->book, r->span.to, NULL, NULL, r->is_usage }, true, a, &in,
	                   err) < 0)
		return -1;
	steer_make(&in, a, &s);
	if (r->cli->format == FORMAT_JSON) {
		print_json(r, &in, &s);
		return 0;
	}
	if (r->cli->format == FORMAT_CSV) {
		print_csv(&in, &s, a);
		nrr_note_reason(s.why_none);
		nrr_note_policy(r);
		return 0;
	}
	print_people(&in, &s, a);
	nrr_print_footer(r);
	return 0;
}
