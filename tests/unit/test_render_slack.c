#include "cmocka_shim.h"

#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "common/json.h"
#include "common/text.h"
#include "digest/render.h"
#include "digest_sample.h"

#if defined(__SANITIZE_ADDRESS__) /* several times as slow */
enum { N_DIGESTS = 200 };
#else
enum { N_DIGESTS = 600 };
#endif
enum { N_HEAVY = 10000, MAX_ITEMS = 500 };

static struct arena *arena;
static struct err err;

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

static struct rendered render_as(const char *format, const struct digest *d)
{
	struct render_to to = { .message_key = "k" };
	struct rendered out;

	ASSERT_OK(renderer_of(format)->render(d, &to, arena, &out, &err));
	return out;
}

static struct rendered render(const struct digest *d)
{
	return render_as("slack", d);
}

static const struct json *parse(const void *body, size_t len)
{
	const struct json *j;

	ASSERT_OK(json_parse(arena, body, len, &j, &err));
	return j;
}

/* In the member "text" an ampersand may only begin one of three entities, and nothing may look like markup. */
static void check_escaped(const char *text)
{
	for (const char *c = text; *c; c++) {
		if (*c == '&' && strncmp(c, "&amp;", 5) != 0 && strncmp(c, "&lt;", 4) != 0 && strncmp(c, "&gt;", 4) != 0)
			fail_msg("a cut or bare entity: %.40s", c);
		if (*c == '<' || *c == '>')
			fail_msg("active markup: %.60s", c);
	}
}

static size_t check_string(const char *at, size_t max)
{
	assert_non_null(at);
	assert_true(strlen(at) >= 1 && strlen(at) <= max);
	assert_true(utf8_is_valid(at, strlen(at)));
	return utf8_length(at);
}

static size_t check_text(const struct json *text, size_t max)
{
	assert_string_equal(json_text(json_member(text, "type")), "plain_text");
	return check_string(json_text(json_member(text, "text")), max);
}

/* A run of rich text, or a part with runs or parts in it; none is empty. */
static size_t check_rich(const struct json *part)
{
	const char *type = json_text(json_member(part, "type"));
	const struct json *elements = json_member(part, "elements");
	size_t total = 0;

	if (strcmp(type, "link") == 0) {
		assert_int_equal(strncmp(json_text(json_member(part, "url")), "https://crm.example/", 20), 0);
		total += check_string(json_text(json_member(part, "url")), 3000);
	}
	if (strcmp(type, "link") == 0 || strcmp(type, "text") == 0)
		return total + check_string(json_text(json_member(part, "text")), 3000);
	if (strcmp(type, "rich_text_list") == 0)
		assert_string_equal(json_text(json_member(part, "style")), "bullet");
	else if (strcmp(type, "rich_text_preformatted") != 0)
		assert_string_equal(type, "rich_text_section");
	assert_true(json_count(elements) > 0);
	for (const struct json *e = json_first(elements); e; e = json_next(e))
		total += check_rich(e);
	return total;
}

static size_t check_block(const struct json *block)
{
	const char *type = json_text(json_member(block, "type"));
	size_t total = 0;

	if (strcmp(type, "divider") == 0)
		return 0;
	if (strcmp(type, "context") == 0) {
		ASSERT_INT(json_count(json_member(block, "elements")), 1);
		return check_text(json_first(json_member(block, "elements")), 3000);
	}
	if (strcmp(type, "header") == 0)
		return check_text(json_member(block, "text"), 150);
	if (strcmp(type, "section") == 0)
		return check_text(json_member(block, "text"), 3000);
	assert_string_equal(type, "rich_text");
	for (const struct json *e = json_first(json_member(block, "elements")); e; e = json_next(e))
		total += check_rich(e);
	assert_true(total > 0);
	return total;
}

static void check_switches(const struct json *body)
{
	static const char *const names[] = { "mrkdwn", "unfurl_links", "unfurl_media", "link_names" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		bool value = true;

		assert_true(json_bool(json_member(body, names[i]), &value) && !value);
	}
}

static void check_part(const struct rendered_part *part)
{
	const struct json *body = parse(part->body, part->len), *blocks = json_member(body, "blocks");
	const struct json *plainer = parse(part->fallback, part->fallback_len);
	const char *spoken = json_text(json_member(body, "text"));
	size_t total = utf8_length(spoken);

	assert_true(part->len <= 40 * 1000);
	assert_true(utf8_is_valid(part->body, part->len));
	assert_true(json_count(blocks) >= 1 && json_count(blocks) <= 50);
	check_escaped(spoken);
	assert_true(!text_is_blank(spoken));
	check_switches(body);
	for (const struct json *b = json_first(blocks); b; b = json_next(b))
		total += check_block(b);
	assert_true(total <= 9000);
	assert_null(json_member(plainer, "blocks"));
	check_escaped(json_text(json_member(plainer, "text")));
	assert_true(strlen(json_text(json_member(plainer, "text"))) <= 4000);
}

static size_t count_text(const struct rendered *r, const char *what)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		for (const char *at = r->parts[i].body; (at = strstr(at, what)); at++)
			n++;
	return n;
}

/* A text as it stands within a JSON string. */
static const char *as_json(const char *text)
{
	CLEANUP(buf_done) struct buf b;
	struct json_out o;

	buf_init(&b, 1 << 16);
	o = json_out_to(&b);
	json_put_text(&o, NULL, text);
	return arena_strndup(arena, b.at + 1, b.len - 2);
}

static size_t items_of(const struct digest *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n_sections; i++)
		n += d->sections[i].n_items;
	return n;
}

static void check_there(const char *all, const char *text)
{
	if (!text_is_blank(text) && !strstr(all, as_json(text)))
		fail_msg("not shown: %s", text);
}

static void check_item(const char *all, const struct digest_item *item)
{
	const char *always[] = { item->tag, item->value, item->act_by, item->summary, item->whose, item->play, item->url };
	size_t n = item->n_evidence < 3 ? item->n_evidence : 3, n_more = item->n_evidence + item->n_more_evidence - n;

	for (size_t k = 0; k < ARRAY_LEN(always); k++)
		check_there(all, always[k]);
	if (item->change == CHANGE_BETTER || item->change == CHANGE_STANDING)
		return;
	check_there(all, item->first_step);
	check_there(all, item->caveat);
	for (size_t k = 0; k < n; k++)
		check_there(all, item->evidence[k]);
	if (n_more)
		check_there(all, arena_printf(arena, "and %zu more sign", n_more));
}

/* Every text of a shown item is there whole, and of its evidence as much as is promised. */
static void check_items(const struct digest *d, const struct rendered *r, size_t n_shown)
{
	const char *all = "";

	if (n_shown > 40) /* enough has been looked at in the others */
		return;
	for (size_t i = 0; i < r->n; i++)
		all = arena_printf(arena, "%s%s", all, (const char *)r->parts[i].body);
	for (size_t s = 0; s < d->n_sections; s++)
		for (size_t i = 0; i < d->sections[s].n_items && n_shown > 0; i++, n_shown--)
			check_item(all, &d->sections[s].items[i]);
}

static void random_digests_stay_within_every_limit_of_slack(void **state)
{
	const uint64_t n_digests = getenv("RETAIND_HEAVY") ? N_HEAVY : N_DIGESTS;
	size_t n_cut = 0, n_split = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= n_digests; seed++) {
		struct digest d;
		struct rendered r;
		size_t n_shown;

		sample_random(seed, seed % 50 == 0 ? MAX_ITEMS : 60, arena, &d);
		r = render(&d);
		assert_true(r.n >= 1);
		for (size_t i = 0; i < r.n; i++)
			check_part(&r.parts[i]);
		n_shown = count_text(&r, "\"divider\"");
		/* What is not shown is counted. */
		assert_true(n_shown == items_of(&d) || count_text(&r, "more, for which there is no room here") > 0);
		for (size_t i = 0; i < d.n_sections; i++)
			if (d.sections[i].n_rest)
				assert_true(count_text(&r, "more, worth ") + count_text(&r, " more\"") > 0);
		check_items(&d, &r, n_shown);
		n_cut += n_shown < items_of(&d);
		n_split += r.n > 1;
		arena_reset(arena);
	}
	assert_true(n_cut > n_digests / 100 && n_split > n_digests / 10);
}

/* How many items are told in full below the first message. */
static size_t count_details(const struct rendered *r)
{
	size_t n = 0;

	for (size_t i = 1; i < r->n; i++)
		for (const char *at = r->parts[i].body; (at = strstr(at, "\"divider\"")); at++)
			n++;
	return n;
}

static void the_first_message_of_a_thread_has_all_in_short_and_the_others_in_full(void **state)
{
	const uint64_t n_digests = getenv("RETAIND_HEAVY") ? N_HEAVY : N_DIGESTS / 2;
	size_t n_cut = 0, n_replies = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= n_digests; seed++) {
		struct digest d;
		struct rendered r;
		size_t n_shown;

		sample_random(seed, seed % 50 == 0 ? MAX_ITEMS : 60, arena, &d);
		r = render_as("slack_thread", &d);
		for (size_t i = 0; i < r.n; i++)
			check_part(&r.parts[i]);
		n_shown = count_details(&r);
		assert_true(n_shown == count_text(&r, "\"divider\"") && n_shown <= items_of(&d));
		assert_true(n_shown == items_of(&d) || strstr(r.parts[0].body, "more, for which there is no room here"));
		assert_true((r.n > 1) == (n_shown > 0) || d.n_lists || d.nrr);
		assert_true(r.n <= 5 || n_shown == 0);
		for (size_t s = 0, left = n_shown; s < d.n_sections; s++)
			for (size_t i = 0; i < d.sections[s].n_items && left > 0; i++, left--) {
				check_there(r.parts[0].body, d.sections[s].items[i].summary);
				check_there(r.parts[0].body, d.sections[s].items[i].act_by);
			}
		check_items(&d, &r, n_shown);
		n_cut += n_shown < items_of(&d);
		n_replies += r.n - 1;
		arena_reset(arena);
	}
	assert_true(n_cut > n_digests / 100 && n_replies > n_digests / 2);
}

static void a_long_digest_goes_in_parts_that_say_which_they_are(void **state)
{
	struct digest_finding f[30];
	struct digest_input in = { .org = "o", .owner_email = "a@b.example", .kind = "csm", .capacity = 30,
		.local_on = SAMPLE_TODAY,
	                           .as_of_on = SAMPLE_TODAY, .findings = f, .n_findings = 30 };
	struct digest d;
	struct rendered r, again;

	(void)state;
	for (int i = 0; i < 30; i++)
		f[i] = (struct digest_finding){ .f = { .id = i, .account = i, .account_name = "Acme", .engine = "defense",
			.currency = "EUR", .act_by_on = SAMPLE_TODAY, .summary = "Usage fell." }, .score_before = (double)NAN };
	digest_compose(&in, arena, &d);
	r = render(&d);
	again = render(&d);
	assert_true(r.n > 1);
	ASSERT_INT(r.n, again.n);
	ASSERT_INT(count_text(&r, "\"divider\""), 30);
	for (size_t i = 0; i < r.n; i++) {
		assert_non_null(strstr(r.parts[i].body, arena_printf(arena, "Part %zu of %zu", i + 1, r.n)));
		ASSERT_INT(r.parts[i].len, again.parts[i].len);
		assert_memory_equal(r.parts[i].body, again.parts[i].body, r.parts[i].len);
	}
}

static void foreign_text_has_no_meaning_in_slack(void **state)
{
	static const char *const names[] = { "<!channel>", "<@U123>", "<https://evil|https://bank>", "*bold*", "_it_",
		"`code`", "~gone~", "&lt;!here&gt;", "seats_used", "\xe2\x80\xae" "evil", "a\xe2\x80\x8b" "b" };
	static const char *const shown[] = { "<!channel>", "<@U123>", "<https://evil|https://bank>", "*bold*", "_it_",
		"`code`", "~gone~", "&lt;!here&gt;", "seats_used", "evil", "ab" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct digest_finding f = { .f = { .id = 1, .account = 1, .account_name = names[i], .engine = "defense",
			.currency = "EUR", .act_by_on = SAMPLE_TODAY, .summary = "S" }, .score_before = (double)NAN };
		struct digest_input in = { .org = "o", .owner_email = "a@b.example", .kind = "csm", .capacity = 5,
		                           .local_on = SAMPLE_TODAY, .as_of_on = SAMPLE_TODAY, .findings = &f,
		                           .n_findings = 1 };
		struct digest d;
		struct rendered r;
		bool is_there = false;

		digest_compose(&in, arena, &d);
		r = render(&d);
		for (const struct json *b = json_first(json_member(parse(r.parts[0].body, r.parts[0].len),
		                                                   "blocks")); b; b = json_next(b)) {
			const char *type = json_text(json_at(b, "elements[0].elements[0].type"));
			const char *text = json_text(json_at(b, "elements[0].elements[0].text"));

			is_there = is_there || (type && strcmp(type, "text") == 0 &&
			                        strcmp(text, arena_printf(arena, "1. %s", shown[i])) == 0);
		}
		if (!is_there)
			fail_msg("%s is not shown as %s", names[i], shown[i]);
	}
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		CASE(random_digests_stay_within_every_limit_of_slack),
		CASE(the_first_message_of_a_thread_has_all_in_short_and_the_others_in_full),
		CASE(a_long_digest_goes_in_parts_that_say_which_they_are),
		CASE(foreign_text_has_no_meaning_in_slack),
	};
#undef CASE

	return cmocka_run_group_tests(tests, NULL, NULL);
}
