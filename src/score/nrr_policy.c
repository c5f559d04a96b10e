#include "score/nrr_policy.h"

#include <stddef.h>
#include <string.h>

#include "common/clock.h"
#include "common/sha256.h"

enum { MAX_DAYS = 3660, HASH_DIGITS = 12 };

/* The cohort of a trailing year compared with itself: table 4.3 of the product reference, column "ship as default". */
const struct nrr_policy nrr_default_policy = {
	.preset = "default",
	.past_due_days = 90, /* "default of an obligor" where nothing else is said: CRR Art. 178(1)(b) */
	.parents = PARENTS_ROLLED_UP,
	.rate_age_days = 31, /* who books at rates of the month has one a month */
};

/* What differs from it. What a source does not say is as in the default; every value has the place that says it. */
static const struct nrr_policy presets[] = {
	/* Net retention as in annual reports. Confluent: all customers of twelve months ago, subscriptions without
	 * pay-as-you-go and services, restated for acquisitions. Contracts count until they end, paid or not. */
	{ .preset = "10k_cohort", .past_due_days = -1, .usage = USAGE_EXCLUDED, .parents = PARENTS_ROLLED_UP,
	  .rate_age_days = 31 },
	/* help.chartmogul.com. Net churn = (churn + contraction - expansion - reactivation) / start [203359341]; churn
	 * when the subscription ends in the billing system, free customers stay active, past-due ones keep their revenue
	 * [15384089786524]; paused ones too [360015688860]; usage has plans like any other [dev.chartmogul.com,
	 * implementing-usage-based-billing]; exchange rates move nothing; customers are merged by hand, without parents. */
	{ .preset = "chartmogul", .method = NRR_MOVEMENT_SUM, .new_and_gone = NEW_AND_GONE_BOTH,
	  .back_outside = BACK_CREDITED, .churn_date = CHURN_AT_BILLING_END, .past_due_days = -1, .paused = PAUSED_KEEPS,
	  .usage = USAGE_INCLUDED, .rate_age_days = 31 },
	/* learn.profitwell.com. Churn at the end of the cycle, new and churned within a month ignored, every discount and
	 * credit subtracted, on hold is 0, back after any gap is a reactivation, metered revenue is included
	 * [profitwell-vs-stripe, -recurly, -chargify]; past due for 15 days is delinquent churn [FAQ for Paddle]; free
	 * plans are trials; rate of the purchase; no parents. */
	{ .preset = "profitwell", .method = NRR_MOVEMENT_SUM, .past_due_days = 15, .fx = FX_PURCHASE,
	  .credits = CREDITS_NEGATIVE, .free_plan = FREE_IS_CANCELLED, .usage = USAGE_INCLUDED, .rate_age_days = 31 },
	/* docs.stripe.com billing/subscriptions/analytics/glossary: growth = new + reactivation + expansion - churned -
	 * contraction, exchange rates on a line of their own; metered products and free plans do not count, past_due does,
	 * unpaid and cancelled do not (their subscriptions end). support.stripe.com: coupons of finite duration change
	 * nothing [billing-analytics]; cancel_at_period_end counts from the call on
	 * [impact-of-subscription-cancellations]; paused is not churned [fresher-billing-analytics-data]. New and churned
	 * are both counted [profitwell-vs-stripe]. No parents. */
	{ .preset = "stripe", .method = NRR_MOVEMENT_SUM, .new_and_gone = NEW_AND_GONE_BOTH, .churn_date = CHURN_AT_NOTICE,
	  .past_due_days = -1, .fx = FX_SPOT, .discounts = DISCOUNTS_FOREVER_ONLY, .free_plan = FREE_IS_CANCELLED,
	  .paused = PAUSED_KEEPS, .usage = USAGE_EXCLUDED, .rate_age_days = 31 },
	/* posthog.com/handbook/cs-and-onboarding/how-we-work: usage before discounts; notice of churn counts as 0;
	 * invoices have two weeks to be paid; an account is its CSM's who holds it on the second-to-last day of the
	 * quarter and for a month of it; given away in the first month it does not count, later it does; taken on after
	 * 90 days in which nobody looked after it, it does not count for that quarter. */
	{ .preset = "posthog_owner_book", .churn_date = CHURN_AT_NOTICE, .past_due_days = 14, .discounts = DISCOUNTS_GROSS,
	  .usage = USAGE_INCLUDED, .parents = PARENTS_ROLLED_UP, .rate_age_days = 31,
	  .owner_book = { .assigned_before_end_days = 2, .min_hold_days = 30, .drop_grace_days = 30,
	                  .unmanaged_grace_days = 90 } },
};

static const char *const preset_names[] = { "default", "10k_cohort", "chartmogul", "profitwell", "stripe",
	                                        "posthog_owner_book", NULL };

/* The words of each switch, in the order of its enum. */
static const char *const methods[] = { "point_to_point", "movement_sum", NULL };
static const char *const new_and_gone[] = { "ignored", "both", NULL };
static const char *const back_in_cohort[] = { "counted", "strict", NULL };
static const char *const back_outside[] = { "excluded", "credited", NULL };
static const char *const churn_dates[] = { "period_end", "billing_end", "notice", NULL };
static const char *const fx[] = { "constant", "spot", "purchase", NULL };
static const char *const discounts[] = { "net", "forever_only", "gross", NULL };
static const char *const credits[] = { "excluded", "negative", NULL };
static const char *const free_plans[] = { "active", "cancelled", NULL };
static const char *const addons[] = { "contraction", "churn", NULL };
static const char *const paused[] = { "zero", "keeps", NULL };
static const char *const usages[] = { "separate", "included", "excluded", NULL };
static const char *const segments[] = { "at_start", "at_end", NULL };
static const char *const parents[] = { "separate", "rolled_up", NULL };

/* What the file holds. */
struct policy_file {
	struct nrr_policy p;
	int preset;
	bool rolls_up_to_parent;
};

static const struct yaml_field owner_book_fields[] = {
	{ .key = "assigned_before_end_days", .kind = YAML_INT, .max = MAX_DAYS,
	  .offset = offsetof(struct nrr_owner_book, assigned_before_end_days) },
	{ .key = "min_hold_days", .kind = YAML_INT, .max = MAX_DAYS,
	  .offset = offsetof(struct nrr_owner_book, min_hold_days) },
	{ .key = "drop_grace_days", .kind = YAML_INT, .max = MAX_DAYS,
	  .offset = offsetof(struct nrr_owner_book, drop_grace_days) },
	{ .key = "unmanaged_grace_days", .kind = YAML_INT, .max = MAX_DAYS,
	  .offset = offsetof(struct nrr_owner_book, unmanaged_grace_days) },
};

static void check_owner_book(void *item, const struct yaml *where, struct mistakes *m)
{
	const struct nrr_owner_book *o = item;

	if (!o->assigned_before_end_days && (o->drop_grace_days || o->unmanaged_grace_days))
		mistake_at(m, where, "who holds an account on the first day answers for it, so drop_grace_days and "
		           "unmanaged_grace_days say nothing, expected assigned_before_end_days above 0 with them");
}

static const struct yaml_table owner_book_table = { .size = sizeof(struct nrr_owner_book), .fields = owner_book_fields,
	                                                .n_fields = ARRAY_LEN(owner_book_fields),
	                                                .check = check_owner_book };

static const struct yaml_field merge_fields[] = {
	{ .key = "account", .kind = YAML_TEXT, .offset = offsetof(struct nrr_merge, account), .is_required = true },
	{ .key = "into", .kind = YAML_TEXT, .offset = offsetof(struct nrr_merge, into), .is_required = true },
	{ .key = "on", .kind = YAML_DAY, .offset = offsetof(struct nrr_merge, on), .is_required = true },
};

static const struct yaml_table merge_table = { .size = sizeof(struct nrr_merge), .fields = merge_fields,
	                                           .n_fields = ARRAY_LEN(merge_fields) };

/* The switches first, in the order in which they are printed. */
static const struct yaml_field fields[] = {
	{ .key = "method", .kind = YAML_ENUM, .extra = methods, .offset = offsetof(struct policy_file, p.method) },
	{ .key = "new_and_churned", .kind = YAML_ENUM, .extra = new_and_gone,
	  .offset = offsetof(struct policy_file, p.new_and_gone) },
	{ .key = "reactivated_in_cohort", .kind = YAML_ENUM, .extra = back_in_cohort,
	  .offset = offsetof(struct policy_file, p.back_in_cohort) },
	{ .key = "reactivated_outside_cohort", .kind = YAML_ENUM, .extra = back_outside,
	  .offset = offsetof(struct policy_file, p.back_outside) },
	{ .key = "reactivated_after_days", .kind = YAML_INT, .max = MAX_DAYS,
	  .offset = offsetof(struct policy_file, p.back_after_days) },
	{ .key = "reactivated_within_days", .kind = YAML_INT, .max = MAX_DAYS,
	  .offset = offsetof(struct policy_file, p.back_within_days) },
	{ .key = "churn_date", .kind = YAML_ENUM, .extra = churn_dates,
	  .offset = offsetof(struct policy_file, p.churn_date) },
	{ .key = "past_due_days", .kind = YAML_INT, .min = -1, .max = MAX_DAYS,
	  .offset = offsetof(struct policy_file, p.past_due_days) },
	{ .key = "fx", .kind = YAML_ENUM, .extra = fx, .offset = offsetof(struct policy_file, p.fx) },
	{ .key = "discounts", .kind = YAML_ENUM, .extra = discounts,
	  .offset = offsetof(struct policy_file, p.discounts) },
	{ .key = "credits", .kind = YAML_ENUM, .extra = credits, .offset = offsetof(struct policy_file, p.credits) },
	{ .key = "free_plan", .kind = YAML_ENUM, .extra = free_plans,
	  .offset = offsetof(struct policy_file, p.free_plan) },
	{ .key = "cancelled_addon", .kind = YAML_ENUM, .extra = addons, .offset = offsetof(struct policy_file, p.addon) },
	{ .key = "paused", .kind = YAML_ENUM, .extra = paused, .offset = offsetof(struct policy_file, p.paused) },
	{ .key = "usage", .kind = YAML_ENUM, .extra = usages, .offset = offsetof(struct policy_file, p.usage) },
	{ .key = "segment", .kind = YAML_ENUM, .extra = segments, .offset = offsetof(struct policy_file, p.segment) },
	{ .key = "parents", .kind = YAML_ENUM, .extra = parents, .offset = offsetof(struct policy_file, p.parents) },
	{ .key = "group_days", .kind = YAML_INT, .max = MAX_DAYS, .offset = offsetof(struct policy_file, p.group_days) },
	{ .key = "rate_age_days", .kind = YAML_INT, .max = MAX_DAYS,
	  .offset = offsetof(struct policy_file, p.rate_age_days) },
	{ .key = "owner_book", .kind = YAML_STRUCT, .extra = &owner_book_table,
	  .offset = offsetof(struct policy_file, p.owner_book) },
	{ .key = "merges", .kind = YAML_LIST, .extra = &merge_table, .offset = offsetof(struct policy_file, p.merges) },
	{ .key = "preset", .kind = YAML_ENUM, .extra = preset_names, .offset = offsetof(struct policy_file, preset) },
	{ .key = "rolls_up_to_parent", .kind = YAML_BOOL, .offset = offsetof(struct policy_file, rolls_up_to_parent) },
};

enum { N_NO_SWITCHES = 4, N_SWITCHES = ARRAY_LEN(fields) - N_NO_SWITCHES };

static const struct nrr_merge *merge_of(const struct yaml_array *merges, const char *account)
{
	const struct nrr_merge *all = merges->at;

	for (size_t i = 0; i < merges->n; i++)
		if (all[i].account && strcmp(all[i].account, account) == 0)
			return &all[i];
	return NULL;
}

/* Whether an account becomes, over any number of merges, part of itself. */
static bool is_ring(const struct yaml_array *merges, const struct nrr_merge *m)
{
	const struct nrr_merge *at = m;

	for (size_t i = 0; i <= merges->n && at && at->into; i++) {
		if (strcmp(at->into, m->account) == 0)
			return true;
		at = merge_of(merges, at->into);
	}
	return false;
}

static void check_merges(const struct yaml_array *merges, const struct yaml *where, struct mistakes *m)
{
	const struct nrr_merge *all = merges->at;
	const struct yaml *node = where ? where->first : NULL;

	for (size_t i = 0; node && i < merges->n; i++, node = node->next) {
		if (!all[i].account || !all[i].into)
			continue;
		if (merge_of(merges, all[i].account) != &all[i])
			mistake_at(m, node, "`%s` becomes part of another for the second time, expected once", all[i].account);
		else if (is_ring(merges, &all[i]))
			mistake_at(m, node, "`%s` becomes part of itself, expected merges that end with another account",
			           all[i].account);
	}
}

static void check(void *item, const struct yaml *where, struct mistakes *m)
{
	struct policy_file *f = item;
	const struct nrr_policy *p = &f->p;
	const struct yaml *within = yaml_member(where, "reactivated_within_days");
	const struct yaml *alias = yaml_member(where, "rolls_up_to_parent"), *other = yaml_member(where, "parents");

	if (p->back_within_days && p->back_within_days <= p->back_after_days)
		mistake_at(m, within ? within : where, "reactivated_within_days is %lld and reactivated_after_days %lld, so "
		           "nobody ever is, expected the first above the second, or 0 for no limit",
		           (long long)p->back_within_days, (long long)p->back_after_days);
	/* What the first releases called it. */
	if (!yaml_is_null(alias) && !yaml_is_null(other))
		mistake_at(m, alias, "says what `parents` says too, expected `parents: %s` alone", parents[p->parents]);
	else if (!yaml_is_null(alias))
		f->p.parents = f->rolls_up_to_parent ? PARENTS_ROLLED_UP : PARENTS_SEPARATE;
	check_merges(&p->merges, yaml_member(where, "merges"), m);
}

static const struct yaml_table table = { .size = sizeof(struct policy_file), .fields = fields,
	                                     .n_fields = ARRAY_LEN(fields), .check = check };

const struct nrr_policy *nrr_preset(const char *name)
{
	if (strcmp(name, nrr_default_policy.preset) == 0)
		return &nrr_default_policy;
	for (size_t i = 0; i < ARRAY_LEN(presets); i++)
		if (strcmp(name, presets[i].preset) == 0)
			return &presets[i];
	return NULL;
}

void nrr_policy_read(struct arena *a, const struct yaml *where, struct nrr_policy *out, struct mistakes *m)
{
	const struct yaml *preset = yaml_member(where, "preset");
	const struct nrr_policy *base = preset && preset->text ? nrr_preset(preset->text) : NULL;
	struct policy_file f = { .p = base ? *base : nrr_default_policy };

	if (!yaml_is_null(where))
		yaml_read(a, where, &table, &f, m);
	*out = f.p;
}

static const char *switch_line(const char *group, const struct yaml_field *f, const char *at, struct arena *a)
{
	const char *const *words = f->extra;
	const void *value = at + f->offset;

	if (f->kind == YAML_ENUM)
		return arena_printf(a, "%s%s: %s", group, f->key, words[*(const int *)value]);
	return arena_printf(a, "%s%s: %lld", group, f->key, (long long)*(const int64_t *)value);
}

const char *nrr_policy_line(const struct nrr_policy *p, size_t i, struct arena *a)
{
	const struct nrr_merge *merges = p->merges.at;

	if (i < N_SWITCHES)
		return switch_line("", &fields[i], (const char *)p, a);
	i -= N_SWITCHES;
	if (i < ARRAY_LEN(owner_book_fields))
		return switch_line("owner_book.", &owner_book_fields[i], (const char *)&p->owner_book, a);
	i -= ARRAY_LEN(owner_book_fields);
	if (i >= p->merges.n)
		return NULL;
	return arena_printf(a, "merges: %s into %s on %s", merges[i].account, merges[i].into, day_text(a, merges[i].on));
}

const char *nrr_policy_hash(const struct nrr_policy *p, struct arena *a)
{
	struct sha256 sum;
	uint8_t digest[SHA256_BYTES];
	const char *line;

	sha256_init(&sum);
	for (size_t i = 0; (line = nrr_policy_line(p, i, a)); i++) {
		sha256_add(&sum, line, strlen(line));
		sha256_add(&sum, "\n", 1);
	}
	sha256_end(&sum, digest);
	return arena_printf(a, "%.*s", HASH_DIGITS, hex_text(a, digest, sizeof digest));
}
