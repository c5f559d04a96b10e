#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/json.h"
#include "common/money.h"
#include "common/text.h"
#include "nrr_kept.h"
#include "score/restate.h"

enum { MAX_JSON = 256 << 20 };

static const char *const sum_names[N_SNAPSHOT_SUMS] = {
	[SNAPSHOT_N_START] = "start_accounts", [SNAPSHOT_N_CHURNED] = "churned_accounts",
	[SNAPSHOT_N_END] = "end_accounts", [SNAPSHOT_START] = "start_mrr", [SNAPSHOT_ADDED] = "new_mrr",
	[SNAPSHOT_EXPANSION] = "expansion_mrr", [SNAPSHOT_REACTIVATION] = "reactivation_mrr",
	[SNAPSHOT_CONTRACTION] = "contraction_mrr", [SNAPSHOT_CHURN] = "churn_mrr", [SNAPSHOT_FX] = "fx_mrr",
	[SNAPSHOT_END] = "end_mrr", [SNAPSHOT_CROSS_SELL] = "cross_sell_mrr",
	[SNAPSHOT_INVOLUNTARY] = "involuntary_churn_mrr", [SNAPSHOT_RETURNED] = "returned_mrr",
	[SNAPSHOT_FREE] = "free_plan_mrr", [SNAPSHOT_COHORT_END] = "cohort_end_mrr", [SNAPSHOT_KEPT] = "kept_mrr",
};

/* A report that differs from the one before, and the accounts that make the difference. */
struct restated {
	const struct nrr_snapshot *before, *after;
	struct restate_change *changes; size_t n;
	struct nrr_restatement *reasons; size_t n_reasons;
	struct nrr_named *named; /* by change */
};

typedef void print_fn(struct cli *c, const struct restated *r, void *to);

static int load(struct db *db, struct arena *a, struct restated *r, struct err *err)
{
	struct nrr_snapshot_account *was, *is;
	size_t n_was, n_is;

	if (nrr_snapshot_accounts(db, r->before->id, a, &was, &n_was, err) < 0 ||
	    nrr_snapshot_accounts(db, r->after->id, a, &is, &n_is, err) < 0 ||
	    nrr_restatements_load(db, r->after->id, a, &r->reasons, &r->n_reasons, err) < 0)
		return -1;
	r->n = restate_changes((struct restate_accounts){ was, n_was }, (struct restate_accounts){ is, n_is }, a,
	                       &r->changes);
	r->named = arena_array(a, r->n, sizeof *r->named);
	for (size_t i = 0; i < r->n; i++)
		if (nrr_account_named(db, r->changes[i].account, a, &r->named[i], err) < 0)
			return -1;
	return 0;
}

/* Reports with several revisions, all of them in their order. */
struct revisions { struct nrr_snapshot *at; size_t n; };

static bool is_same_window(const struct nrr_snapshot *a, const struct nrr_snapshot *b)
{
	return a->to_on == b->to_on && a->months == b->months;
}

static int load_revisions(const struct cli *c, const struct session *s, struct revisions *out, struct err *err)
{
	struct nrr_snapshot_query query;
	struct nrr_snapshot *list;
	size_t n;

	*out = (struct revisions){ 0 };
	if (nrr_kept_query(c, s, &query, err) < 0 || nrr_snapshots_load(s->db, &query, c->arena, &list, &n, err) < 0)
		return -1;
	out->at = arena_array(c->arena, n, sizeof *out->at);
	for (size_t i = 0; i < n; i++)
		if ((i && is_same_window(&list[i - 1], &list[i])) || (i + 1 < n && is_same_window(&list[i], &list[i + 1])))
			out->at[out->n++] = list[i];
	return 0;
}

/* Each revision behind the first. */
static int each(struct cli *c, const struct session *s, const struct revisions *all, print_fn *print, void *to,
                struct err *err)
{
	for (size_t i = 1; i < all->n; i++) {
		CLEANUP(arena_freep) struct arena *a = arena_new(0);
		struct restated r = { .before = &all->at[i - 1], .after = &all->at[i] };

		if (!is_same_window(r.before, r.after))
			continue;
		if (load(s->db, a, &r, err) < 0)
			return -1;
		print(c, &r, to);
	}
	return 0;
}

static const char *name_of(const struct nrr_named *x)
{
	return x->name ? x->name : x->key ? x->key : "(gone)";
}

/* The next reason of an account behind *at; NULL: there is none. */
static const struct nrr_restatement *next_reason(const struct restated *r, int64_t account, size_t *at)
{
	while (*at < r->n_reasons) {
		const struct nrr_restatement *x = &r->reasons[(*at)++];

		if (x->account == account)
			return x;
	}
	return NULL;
}

/* for people ------------------------------------------------------------------------------------------------------- */

static const char *instead(struct arena *a, const char *is, const char *was)
{
	return strcmp(is, was) == 0 ? is : arena_printf(a, "%s instead of %s", is, was);
}

static void print_head(struct cli *c, const struct restated *r)
{
	const struct nrr_window is = nrr_kept_window(r->after), was = nrr_kept_window(r->before);
	const struct nrr_snapshot *after = r->after, *before = r->before;
	struct arena *a = c->arena;

	(void)printf("%s%s (%s to %s), as known on %s instead of %s (revision %" PRId32 ")\n",
	             after->months == 1 ? "" : arena_printf(a, "%" PRId32 " months to the end of ", after->months),
	             nrr_kept_month(a, after), day_text(a, after->from_on), day_text(a, after->to_on),
	             day_text(a, after->as_of_on), day_text(a, before->as_of_on), after->revision);
	(void)printf("  NRR %s, GRR %s, logos kept %s\n",
	             instead(a, nrr_kept_percent(a, &is, is.nrr), nrr_kept_percent(a, &was, was.nrr)),
	             instead(a, nrr_kept_percent(a, &is, is.grr), nrr_kept_percent(a, &was, was.grr)),
	             instead(a, nrr_kept_percent(a, &is, is.logo), nrr_kept_percent(a, &was, was.logo)));
	(void)printf("  start %s, end %s\n",
	             instead(a, money_text(a, after->sums[SNAPSHOT_START], after->currency),
	                     money_text(a, before->sums[SNAPSHOT_START], before->currency)),
	             instead(a, money_text(a, after->sums[SNAPSHOT_END], after->currency),
	                     money_text(a, before->sums[SNAPSHOT_END], before->currency)));
	if (after->why_restated)
		(void)printf("  %s\n", text_clean(a, after->why_restated, SIZE_MAX));
	(void)putchar('\n');
}

static void print_people(struct cli *c, const struct restated *r, void *to)
{
	static const struct table_column columns[] = {
		{ "account", false }, { "owner", false }, { "start before", true }, { "start", true }, { "end before", true },
		{ "end", true }, { "why", false },
	};
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct table *t = table_new(a, columns, ARRAY_LEN(columns));
	int *n_before = to;

	if ((*n_before)++)
		(void)putchar('\n');
	print_head(c, r);
	for (size_t i = 0; i < r->n; i++) {
		const struct restate_change *x = &r->changes[i];
		const struct nrr_restatement *reason;
		size_t at = 0;
		const char *cells[ARRAY_LEN(columns)] = { name_of(&r->named[i]), x->owner,
			money_text(a, x->before[SNAPSHOT_START], r->before->currency),
			money_text(a, x->after[SNAPSHOT_START], r->after->currency),
			money_text(a, x->before[SNAPSHOT_END], r->before->currency),
			money_text(a, x->after[SNAPSHOT_END], r->after->currency) };

		reason = next_reason(r, x->account, &at);
		cells[ARRAY_LEN(columns) - 1] = reason ? reason->words : r->after->why_restated;
		table_row(t, cells);
		while (reason && (reason = next_reason(r, x->account, &at)))
			table_row(t, (const char *const[ARRAY_LEN(columns)]){ [ARRAY_LEN(columns) - 1] = reason->words });
	}
	table_print(t, FORMAT_TABLE);
}

/* for programs ----------------------------------------------------------------------------------------------------- */

static const struct table_column csv_columns[] = {
	{ "month", false }, { "window_months", true }, { "revision", true }, { "as_of", false }, { "before_as_of", false },
	{ "account_key", false }, { "account", false }, { "owner", false }, { "start_mrr_before", true },
	{ "start_mrr", true }, { "end_mrr_before", true }, { "end_mrr", true }, { "cause", false }, { "why", false },
	{ "currency", false }, { "policy_hash", false }, { "before_policy_hash", false },
};

static void add_csv(struct cli *c, const struct restated *r, void *to)
{
	struct arena *a = c->arena;

	for (size_t i = 0; i < r->n; i++) {
		const struct restate_change *x = &r->changes[i];
		const struct nrr_restatement *reason;
		const char *cause = NULL, *why = NULL, *all = r->after->why_restated;

		for (size_t at = 0; (reason = next_reason(r, x->account, &at));) {
			cause = cause ? cause : reason->cause;
			why = why ? arena_printf(a, "%s; %s", why, reason->words) : reason->words;
		}
		table_row(to, (const char *const[ARRAY_LEN(csv_columns)]){ nrr_kept_month(a, r->after),
			cell_int(a, r->after->months), cell_int(a, r->after->revision), day_text(a, r->after->as_of_on),
			day_text(a, r->before->as_of_on), r->named[i].key, r->named[i].name, x->owner,
			cell_int(a, x->before[SNAPSHOT_START]), cell_int(a, x->after[SNAPSHOT_START]),
			cell_int(a, x->before[SNAPSHOT_END]), cell_int(a, x->after[SNAPSHOT_END]),
			cause || !all ? cause : restate_cause_names[RESTATE_POLICY], why ? why : all,
			r->after->currency, r->after->policy_hash, r->before->policy_hash });
	}
}

static void put_sums(struct json_out *o, const char *key, const int64_t *sums)
{
	json_open_object(o, key);
	for (int i = 0; i < N_SNAPSHOT_SUMS; i++)
		json_put_int(o, sum_names[i], sums[i]);
	json_close_object(o);
}

static void put_report(struct json_out *o, struct arena *a, const char *key, const struct nrr_snapshot *s)
{
	const struct nrr_window w = nrr_kept_window(s);

	json_open_object(o, key);
	json_put_int(o, "revision", s->revision);
	json_put_text(o, "as_of", day_text(a, s->as_of_on));
	json_put_text(o, "policy_hash", s->policy_hash);
	json_put_text(o, "config_hash", s->config_hash);
	json_put_text(o, "currency", s->currency);
	json_put_text(o, "reason", s->why_none);
	if (!s->why_none) {
		json_put_real(o, "nrr", w.nrr, 6);
		json_put_real(o, "grr", w.grr, 6);
		json_put_real(o, "logo_retention", w.logo, 6);
	}
	put_sums(o, "sums", s->sums);
	json_close_object(o);
}

static void put_account(struct json_out *o, const struct restated *r, size_t i)
{
	const struct restate_change *x = &r->changes[i];
	const struct nrr_restatement *reason;

	json_open_object(o, NULL);
	json_put_text(o, "account_key", r->named[i].key);
	json_put_text(o, "account", r->named[i].name);
	json_put_text(o, "owner", x->owner);
	put_sums(o, "before", x->before);
	put_sums(o, "after", x->after);
	json_open_array(o, "reasons");
	for (size_t at = 0; (reason = next_reason(r, x->account, &at));) {
		json_open_object(o, NULL);
		json_put_text(o, "cause", reason->cause);
		json_put_text(o, "words", reason->words);
		json_close_object(o);
	}
	json_close_array(o);
	json_close_object(o);
}

static void put_json(struct cli *c, const struct restated *r, void *to)
{
	struct json_out *o = to;
	struct arena *a = c->arena;

	json_open_object(o, NULL);
	json_put_text(o, "month", nrr_kept_month(a, r->after));
	json_put_int(o, "window_months", r->after->months);
	json_put_text(o, "from_date", day_text(a, r->after->from_on));
	json_put_text(o, "to_date", day_text(a, r->after->to_on));
	json_put_text(o, "rules", r->after->why_restated);
	put_report(o, a, "before", r->before);
	put_report(o, a, "after", r->after);
	json_open_array(o, "accounts");
	for (size_t i = 0; i < r->n; i++)
		put_account(o, r, i);
	json_close_array(o);
	json_close_object(o);
}

static int print_json(struct cli *c, const struct session *s, const struct revisions *all, struct err *err)
{
	CLEANUP(buf_done) struct buf b;
	struct json_out o;

	buf_init(&b, MAX_JSON);
	o = json_out_to(&b);
	if (nrr_kept_open(&o, "restated", s, all->at, all->n, c->arena, err) < 0 ||
	    each(c, s, all, put_json, &o, err) < 0)
		return -1;
	nrr_kept_close(&o);
	if (b.is_full)
		return err_set(err, ERR_INPUT, "more than %d MiB of restatements: ask for one --month", MAX_JSON >> 20);
	(void)puts(b.at);
	return 0;
}

static int print_csv(struct cli *c, const struct session *s, const struct revisions *all, struct err *err)
{
	struct table *t = table_new(c->arena, csv_columns, ARRAY_LEN(csv_columns));

	if (each(c, s, all, add_csv, t, err) < 0)
		return -1;
	table_print(t, FORMAT_CSV);
	return nrr_kept_footer(c, s, all->at, all->n, err);
}

static int print_table(struct cli *c, const struct session *s, const struct revisions *all, struct err *err)
{
	int n_printed = 0;

	if (!all->n)
		(void)puts("No closed month has changed since it was closed.");
	else if (each(c, s, all, print_people, &n_printed, err) < 0)
		return -1;
	return nrr_kept_footer(c, s, all->at, all->n, err);
}

int nrr_restated(struct cli *c, const struct session *s, struct err *err)
{
	static int (*const printers[])(struct cli *, const struct session *, const struct revisions *, struct err *) = {
		[FORMAT_TABLE] = print_table, [FORMAT_JSON] = print_json, [FORMAT_CSV] = print_csv
	};
	struct revisions all;

	return load_revisions(c, s, &all, err) < 0 ? -1 : printers[c->format](c, s, &all, err);
}
