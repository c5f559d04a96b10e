/* What a manager is told of the owners' work, and of how right past findings were. */
#include "cmocka_shim.h"

#include <math.h>
#include <string.h>

#include "digest/compose.h"

enum { TODAY = 20514 };

static struct arena *arena;

static int begin(void **state)
{
	(void)state;
	arena = arena_new(0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static struct digest_finding finding(int64_t id, const char *owner)
{
	return (struct digest_finding){ .f = { .id = id, .account = id, .engine = "defense", .state = FINDING_OPEN,
		.opened_on = TODAY - 10, .updated_on = TODAY, .closed_on = DAY_NONE, .snoozed_until = DAY_NONE, .score = 60,
		.confidence = 0.9, .value_minor = 100000, .currency = "EUR", .act_by_on = TODAY + 5, .summary = "It is so.",
		.owner_email = owner }, .score_before = (double)NAN, .answered_on = DAY_NONE };
}

static const struct digest_list *list_named(const struct digest *d, const char *name)
{
	for (size_t i = 0; i < d->n_lists; i++)
		if (strcmp(d->lists[i].name, name) == 0)
			return &d->lists[i];
	return NULL;
}

static struct digest compose(struct digest_input *in)
{
	struct digest d;

	in->org = "o";
	in->owner_email = "m@b.example";
	in->kind = in->kind ? in->kind : "manager";
	in->local_on = in->as_of_on = TODAY;
	in->before_on = TODAY - 1;
	in->capacity = 3;
	digest_compose(in, arena, &d);
	return d;
}

static void each_owners_work_is_one_line_nobodys_first_then_the_most_overdue(void **state)
{
	static const struct digest_person people[] = { { "anna@b.example", "Anna Lind" }, { "bo@b.example", "Bo" } };
	struct digest_finding f[] = { finding(1, "anna@b.example"), finding(2, "bo@b.example"), finding(3, NULL),
		finding(4, "bo@b.example"), finding(5, "bo@b.example"), finding(6, "anna@b.example"),
		finding(7, "anna@b.example") };
	struct digest_input in = { .findings = f, .n_findings = ARRAY_LEN(f), .people = people,
		.n_people = ARRAY_LEN(people) };
	const struct digest_list *list;
	struct digest d;

	(void)state;
	f[1].f.act_by_on = TODAY - 1;
	f[1].f.opened_on = TODAY - 30;
	f[3].f.account = 2; /* the same account: its value counts once */
	f[3].f.engine = "expansion";
	f[3].answered_on = TODAY - 2;
	f[3].f.state = FINDING_ACKNOWLEDGED;
	f[4].f.state = FINDING_SNOOZED;
	f[4].f.snoozed_until = TODAY + 3;
	f[4].f.act_by_on = TODAY - 3; /* asleep: not overdue */
	f[5].f.state = FINDING_RESOLVED;
	f[6].f.value_minor = 0;
	f[6].f.opened_on = TODAY; /* nobody can have answered it yet */
	d = compose(&in);
	list = list_named(&d, "open_work");
	assert_non_null(list);
	ASSERT_INT(list->n_lines, 3);
	assert_string_equal(list->lines[0], "Nobody: 1 open, EUR 1k, 1 unanswered, the oldest 10 days");
	assert_string_equal(list->lines[1], "Bo: 3 open, EUR 2k, 1 overdue, 1 unanswered, 1 snoozed, the oldest 30 days");
	assert_string_equal(list->lines[2], "Anna Lind: 2 open, EUR 1k, 1 unanswered, the oldest 10 days");
	in.kind = "csm";
	d = compose(&in);
	assert_null(list_named(&d, "open_work"));
}

static void owners_beyond_ten_are_counted_and_no_work_is_no_list(void **state)
{
	struct digest_finding f[13];
	struct digest_input in = { .findings = f };
	const struct digest_list *list;
	struct digest d;

	(void)state;
	d = compose(&in);
	assert_null(list_named(&d, "open_work"));
	for (int i = 0; i < 13; i++)
		f[i] = finding(i + 1, arena_printf(arena, "o%02d@b.example", i));
	in.n_findings = 13;
	d = compose(&in);
	list = list_named(&d, "open_work");
	ASSERT_INT(list->n_lines, 10);
	assert_string_equal(list->rest, "+3 more");
}

static struct precision judged(const char *engine, const char *cause, int64_t right, int64_t n)
{
	struct precision p = { .engine = engine, .cause = cause, .n_findings = n, .n_right = right, .n_judged = n,
		.share = (double)right / (double)n, .has_enough = n >= PRECISION_ENOUGH };

	wilson_interval(right, n, &p.low, &p.high);
	p.is_poor = p.has_enough && p.high < 0.5;
	return p;
}

static void past_findings_are_told_by_engine_and_signals_that_are_mostly_wrong_by_name(void **state)
{
	struct precision all[] = { judged("defense", "usage_decline", 30, 40), judged("defense", "seat_use", 1, 14),
		judged("expansion", "near_limit", 3, 4) };
	struct digest_input in = { .precision = all, .n_precision = ARRAY_LEN(all) };
	const struct digest_list *list;
	struct digest d = compose(&in);

	(void)state;
	list = list_named(&d, "precision");
	assert_non_null(list);
	ASSERT_INT(list->n_lines, 3);
	assert_string_equal(list->lines[0], "Risks: 31 of 54 that were judged, 57 % (between 44 % and 70 %)");
	assert_string_equal(list->lines[1], "Growth: 3 of 4 that were judged, too few to say");
	assert_non_null(strstr(list->lines[2], "seat_use is more often wrong than right (1 of 14)"));
	in.n_precision = 0;
	d = compose(&in);
	assert_null(list_named(&d, "precision"));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		CASE(each_owners_work_is_one_line_nobodys_first_then_the_most_overdue),
		CASE(owners_beyond_ten_are_counted_and_no_work_is_no_list),
		CASE(past_findings_are_told_by_engine_and_signals_that_are_mostly_wrong_by_name),
	};
#undef CASE

	return cmocka_run_group_tests(tests, NULL, NULL);
}
