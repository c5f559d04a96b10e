/* A person's word on an account's band: make it, list it, take it back. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "common/text.h"
#include "diagnose.h"
#include "store/overrides.h"
#include "who.h"

enum { MAX_REASON_CHARS = 500, MAX_WHO_CHARS = 100, NAME_CHARS = 60 };

static int engine_of(const struct cli *c, int *out, struct err *err)
{
	const char *engine = cli_option(c, "engine");

	for (int i = 0; engine && i < N_ENGINES; i++)
		if (strcmp(engine, engine_names[i]) == 0) {
			*out = i;
			return 1;
		}
	return engine ? err_set(err, ERR_USAGE, "--engine is `%s`, expected defense or expansion", engine) : 0;
}

static int band_of_option(const struct cli *c, int engine, int *out, struct err *err)
{
	const char *band = cli_option(c, "band");

	for (int i = 0; band && i < 3; i++)
		if (strcmp(band, score_band_name((enum score_engine)engine, i)) == 0) {
			*out = i;
			return 0;
		}
	return err_set(err, ERR_USAGE, "--band is %s%s%s, expected %s, %s or %s", band ? "`" : "", band ? band : "missing",
	               band ? "`" : "", score_band_name((enum score_engine)engine, 0),
	               score_band_name((enum score_engine)engine, 1), score_band_name((enum score_engine)engine, 2));
}

/* What is asked for, apart from the account. */
static int read_wish(const struct cli *c, const struct session *s, struct override_row *out, struct err *err)
{
	const char *reason = cli_option(c, "reason"), *by = cli_option(c, "by");
	int engine = -1, rc = engine_of(c, &engine, err);

	*out = (struct override_row){ .made_on = s->today, .until_on = s->today + OVERRIDE_DAYS, .cleared_on = DAY_NONE };
	if (rc < 0)
		return -1;
	if (!rc)
		return err_set(err, ERR_USAGE, "--engine is missing, expected defense or expansion");
	if (band_of_option(c, engine, &out->band, err) < 0 || cli_option_day(c, "until", &out->until_on, err) < 0)
		return -1;
	if (text_is_blank(reason))
		return err_set(err, ERR_USAGE, "--reason is missing: it stands beside the band for as long as it is held");
	if (out->until_on <= s->today || out->until_on > s->today + OVERRIDE_MAX_DAYS)
		return err_set(err, ERR_USAGE, "--until is %s, expected a day after today, %s, and at most %d days ahead",
		               day_text(c->arena, out->until_on), day_text(c->arena, s->today), OVERRIDE_MAX_DAYS);
	out->engine = engine_names[engine];
	out->reason = text_clean(c->arena, reason, MAX_REASON_CHARS);
	out->who = text_is_blank(by) ? who_says(c->arena) : text_clean(c->arena, by, MAX_WHO_CHARS);
	return 0;
}

/* The account of the argument, as it is judged now. */
static int judge(struct cli *c, const struct session *s, struct diagnosis *out, struct err *err)
{
	struct diagnosing day;
	size_t index;

	if (diagnose_one(s, s->today, c->args[0], c->arena, &day, &index, err) < 0)
		return -1;
	return diagnose_account(&day, index, c->arena, out, err);
}

static void tell(const struct cli *c, const struct diagnosis *d, int engine)
{
	const struct verdict *v = &d->verdicts[engine];

	if (c->verbosity >= 0)
		(void)printf("%s: %s is %s: %s\n", evidence_quote(c->arena, d->account->name, NAME_CHARS),
		             engine == ENGINE_DEFENSE ? "risk" : "readiness",
		             score_band_words((enum score_engine)engine, v->band),
		             *v->band_why ? v->band_why : "by its numbers");
}

static int make(struct cli *c, const struct session *s, struct err *err)
{
	CLEANUP(txn_end) struct txn txn = { 0 };
	struct override_row wish;
	struct diagnosis d;

	if (read_wish(c, s, &wish, err) < 0 || txn_begin(&txn, s->db, err) < 0 || judge(c, s, &d, err) < 0)
		return -1;
	if (!d.account->is_customer)
		return err_set(err, ERR_INPUT, "%s is no customer today: nobody judges it", c->args[0]);
	wish.account = d.account->id;
	if (override_put(s->db, &wish, s->now, err) < 0 || judge(c, s, &d, err) < 0 || txn_commit(&txn, err) < 0)
		return -1;
	tell(c, &d, score_engine_named(wish.engine));
	return 0;
}

static int clear(struct cli *c, const struct session *s, struct err *err)
{
	CLEANUP(txn_end) struct txn txn = { 0 };
	const char *by = cli_option(c, "by");
	struct diagnosis d;
	int engine = -1, n;

	if (engine_of(c, &engine, err) < 0 || txn_begin(&txn, s->db, err) < 0 || judge(c, s, &d, err) < 0)
		return -1;
	n = override_clear(s->db, d.account->id, engine < 0 ? NULL : engine_names[engine], s->today, s->now,
	                   text_is_blank(by) ? who_says(c->arena) : text_clean(c->arena, by, MAX_WHO_CHARS), err);
	if (n < 0)
		return -1;
	if (n == 0)
		return err_set(err, ERR_INPUT, "no override of %s holds today", c->args[0]);
	if (judge(c, s, &d, err) < 0 || txn_commit(&txn, err) < 0)
		return -1;
	for (int i = 0; i < N_ENGINES; i++)
		if (engine < 0 || engine == i)
			tell(c, &d, i);
	return 0;
}

static const char *state_of(const struct override_row *o, int32_t day)
{
	return o->cleared_on != DAY_NONE && o->cleared_on <= day ? "cleared" : o->until_on <= day ? "over" : "holds";
}

static int list(struct cli *c, const struct session *s, struct err *err)
{
	static const struct table_column columns[] = {
		{ "account", true }, { "name", false },  { "engine", false }, { "band", false },   { "computed", false },
		{ "since", false },  { "until", false }, { "who", false },    { "reason", false }, { "state", false },
		{ "cleared_by", false },
	};
	struct table *t = table_new(c->arena, columns, ARRAY_LEN(columns));
	struct override_row *rows;
	struct arena *a = c->arena;
	size_t n;

	if (overrides_list(s->db, s->as_of, cli_option(c, "all") != NULL, a, &rows, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const struct override_row *o = &rows[i];
		enum score_engine engine = (enum score_engine)score_engine_named(o->engine);
		const char *cells[ARRAY_LEN(columns)] = {
			cell_int(a, o->account), evidence_quote(a, o->account_name ? o->account_name : o->account_key, NAME_CHARS),
			o->engine, score_band_name(engine, o->band),
			o->computed_band < 0 ? NULL : score_band_name(engine, o->computed_band), day_text(a, o->made_on),
			day_text(a, o->until_on), o->who, o->reason, state_of(o, s->as_of), o->cleared_by,
		};

		table_row(t, cells);
	}
	table_print(t, c->format);
	return 0;
}

int cmd_override(struct cli *c, struct err *err)
{
	CLEANUP(session_close) struct session session = { 0 };
	bool is_list = c->n_args == 0;

	if (is_list && (cli_option(c, "band") || cli_option(c, "clear")))
		return err_set(err, ERR_USAGE, "ACCOUNT is missing");
	if (!is_list && c->as_of != DAY_NONE)
		return err_set(err, ERR_USAGE, "--as-of: an override is made today, it goes with the list only");
	if (session_open(c, is_list ? DB_READ : DB_WRITE, &session, err) < 0)
		return -1;
	if (is_list)
		return list(c, &session, err);
	return cli_option(c, "clear") ? clear(c, &session, err) : make(c, &session, err);
}
