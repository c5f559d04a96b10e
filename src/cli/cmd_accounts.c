#include <string.h>

#include "cli/cli.h"
#include "commands.h"
#include "common/money.h"
#include "common/text.h"
#include "portfolio.h"
#include "score/score.h"
#include "store/findings.h"
#include "store/identity.h"
#include "store/overrides.h"

static const struct table_column columns[] = {
	{ "rank", true },   { "finding", true }, { "engine", false },  { "account", true },  { "name", false },
	{ "score", true },  { "cause", false },  { "at_stake", true }, { "expected", true }, { "act_by", false },
	{ "state", false }, { "owner", false },  { "summary", false },  { "held", false },
};

static const char *amount(struct cli *c, int64_t minor, const char *currency)
{
	if (c->format == FORMAT_TABLE && money_digits(currency) >= 0)
		return money_text(c->arena, minor, currency);
	return cell_int(c->arena, minor);
}

struct holds { struct override_row *at; size_t n; };

/* "at_risk by Anna until 2026-04-01: they told us so"; "" where nobody holds it. */
static const char *held_text(struct cli *c, const struct holds *holds, const struct finding *f)
{
	const char *text = "";

	for (size_t i = 0; i < holds->n; i++) {
		const struct override_row *o = &holds->at[i];

		if (o->account == f->account && strcmp(o->engine, f->engine) == 0)
			text = arena_printf(c->arena, "%s by %s until %s: %s",
			                    score_band_name((enum score_engine)score_engine_named(o->engine), o->band), o->who,
			                    day_text(c->arena, o->until_on), o->reason);
	}
	return text;
}

static void add_row(struct cli *c, struct table *t, size_t rank, const struct holds *holds, const struct finding *f)
{
	struct arena *a = c->arena;
	const char *cells[ARRAY_LEN(columns)] = {
		arena_printf(a, "%zu", rank),
		cell_int(a, f->id),
		f->engine,
		cell_int(a, f->account),
		f->account_name ? evidence_quote(a, f->account_name, 60) : f->account_key,
		arena_printf(a, "%.1f", f->score),
		f->cause,
		amount(c, f->value_minor, f->currency),
		amount(c, f->expected_minor, f->currency),
		day_text(a, f->act_by_on),
		finding_state_text(f->state),
		f->owner_email ? f->owner_email : "",
		f->summary,
		held_text(c, holds, f),
	};

	table_row(t, cells);
}

static int read_query(struct cli *c, const struct session *s, struct finding_query *out, struct err *err)
{
	const char *engine = cli_option(c, "engine");

	if (engine && strcmp(engine, engine_names[ENGINE_DEFENSE]) != 0 &&
	    strcmp(engine, engine_names[ENGINE_EXPANSION]) != 0)
		return err_set(err, ERR_USAGE, "--engine is `%s`, expected defense or expansion", engine);
	*out = (struct finding_query){ .engine = engine, .owner = cli_option(c, "owner"), .today = s->as_of,
	                               .wants_settled = cli_option(c, "all") != NULL };
	return 0;
}

static int show_conflicts(struct cli *c, const struct session *s, struct err *err)
{
	static const struct table_column titles[] = {
		{ "kind", false }, { "source", false }, { "account", false }, { "name", false }, { "reason", false },
	};
	struct table *t = table_new(c->arena, titles, ARRAY_LEN(titles));
	struct identity_conflict *list;
	size_t n;

	if (identity_conflicts(s->db, c->arena, &list, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const char *cells[ARRAY_LEN(titles)] = {
			list[i].kind, list[i].source, evidence_quote(c->arena, list[i].key, 60),
			evidence_quote(c->arena, list[i].name, 60), list[i].reason,
		};

		table_row(t, cells);
	}
	table_print(t, c->format);
	return 0;
}

static bool is_of_owner(const void *which, const char *email)
{
	return !which || text_equal_fold(which, email);
}

static void add_hidden(struct cli *c, struct table *t, const char *kind, const struct digest_account *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *cells[] = {
			kind, evidence_quote(c->arena, list[i].key, 60), list[i].name,
			amount(c, list[i].value_minor, list[i].currency ? list[i].currency : ""), list[i].owner_email,
			list[i].reason,
		};

		table_row(t, cells);
	}
}

static int show_hidden(struct cli *c, const struct session *s, struct err *err)
{
	static const struct table_column titles[] = {
		{ "kind", false },  { "account", false }, { "name", false },
		{ "a_year", true }, { "owner", false },   { "reason", false },
	};
	struct table *t = table_new(c->arena, titles, ARRAY_LEN(titles));
	CLEANUP(txn_end) struct txn snapshot = { 0 };
	struct portfolio p;

	if (db_read_once(s->db, err) < 0 || txn_begin(&snapshot, s->db, err) < 0 ||
	    portfolio_look(s, is_of_owner, cli_option(c, "owner"), NULL, c->arena, &p, err) < 0)
		return -1;
	add_hidden(c, t, "watermelon", p.watermelons, p.n_watermelons);
	add_hidden(c, t, "blind_spot", p.blind_spots, p.n_blind_spots);
	table_print(t, c->format);
	return 0;
}

int cmd_accounts(struct cli *c, struct err *err)
{
	CLEANUP(session_close) struct session session = { 0 };
	struct table *table = table_new(c->arena, columns, ARRAY_LEN(columns));
	struct finding_query query;
	struct finding *list;
	struct holds holds;
	size_t n;

	if (session_open(c, DB_READ, &session, err) < 0)
		return -1;
	if (cli_option(c, "conflicts"))
		return show_conflicts(c, &session, err);
	if (cli_option(c, "hidden"))
		return show_hidden(c, &session, err);
	if (read_query(c, &session, &query, err) < 0 ||
	    findings_list(session.db, &query, c->arena, &list, &n, err) < 0 ||
	    overrides_list(session.db, session.as_of, false, c->arena, &holds.at, &holds.n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		add_row(c, table, i + 1, &holds, &list[i]);
	table_print(table, c->format);
	return 0;
}
