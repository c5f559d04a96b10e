/* Digests for Teams, Google Chat, Discord and webhooks: every limit of the service, whole, without active markup. */
#include "cmocka_shim.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/deliver/chat.h"
#include "common/buf.h"
#include "common/text.h"
#include "digest/render.h"
#include "digest_sample.h"

#if defined(__SANITIZE_ADDRESS__) /* several times as slow */
enum { N_DIGESTS = 150 };
#else
enum { N_DIGESTS = 400 };
#endif
enum { N_HEAVY = 10000, MAX_ITEMS = 500, MAX_PARTS = 5 };

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

static const struct json *parse(const void *body, size_t len)
{
	const struct json *j;

	ASSERT_OK(json_parse(arena, body, len, &j, &err));
	return j;
}

/* What a reader sees of a message: every text of it as the service shows it, a line each. */
struct shown {
	struct buf text;
	size_t n_links;
};

static void shown_done(struct shown *s)
{
	buf_done(&s->text);
}

static void check_url(struct shown *s, const char *url)
{
	assert_int_equal(strncmp(url, "https://crm.example/", 20), 0);
	s->n_links++;
}

/* Teams: runs are shown as they are, but for dates and times in double braces. */
static void show_card(struct shown *s, const struct json *j)
{
	const char *type = json_text(json_member(j, "type"));

	if (type && strcmp(type, "TextRun") == 0) {
		assert_null(strstr(json_text(json_member(j, "text")), "{{"));
		buf_text(&s->text, json_text(json_member(j, "text")));
	}
	if (type && strcmp(type, "RichTextBlock") == 0)
		buf_char(&s->text, '\n');
	if (type && strcmp(type, "Action.OpenUrl") == 0)
		check_url(s, json_text(json_member(j, "url")));
	assert_false(type && strcmp(type, "TextBlock") == 0); /* which knows markup */
	if (json_type(j) == JSON_ARRAY || json_type(j) == JSON_OBJECT)
		for (const struct json *c = json_first(j); c; c = json_next(c))
			show_card(s, c);
}

static void show_teams(struct shown *s, const struct json *body)
{
	const struct json *card = json_at(body, "attachments[0].content");

	assert_null(json_at(card, "msteams.entities"));
	show_card(s, json_member(card, "body"));
}

/* The HTML of a paragraph: our tags go, three entities are what they stand for, anything else is a flaw. */
static void show_html(struct shown *s, const char *html)
{
	static const struct {
		const char *written, *shown;
	} known[] = { { "<b>", "" }, { "</b>", "" }, { "<br>", "\n" }, { "&amp;", "&" }, { "&lt;", "<" }, { "&gt;", ">" } };

	while (*html) {
		size_t i = 0;

		if (*html != '<' && *html != '>' && *html != '&') {
			buf_char(&s->text, *html++);
			continue;
		}
		while (i < ARRAY_LEN(known) && !text_starts(html, known[i].written))
			i++;
		if (i == ARRAY_LEN(known))
			fail_msg("active or cut: %.40s", html);
		buf_text(&s->text, known[i].shown);
		html += strlen(known[i].written);
	}
	buf_char(&s->text, '\n');
}

static void show_google_chat(struct shown *s, const struct json *body)
{
	const char *text = json_text(json_member(body, "text"));

	assert_string_equal(json_text(json_at(body, "thread.threadKey")), "0123456789abcdef"); /* all parts in one */
	if (text) {
		assert_null(strpbrk(text, "*_~`<>"));
		assert_true(shape_units(text) <= 4096);
		buf_printf(&s->text, "%s\n", text);
	}
	for (const struct json *section = json_first(json_at(body, "cardsV2[0].card.sections")); section;
	     section = json_next(section)) {
		for (const struct json *w = json_first(json_member(section, "widgets")); w; w = json_next(w)) {
			if (json_member(w, "textParagraph"))
				show_html(s, json_text(json_at(w, "textParagraph.text")));
			for (const struct json *b = json_first(json_at(w, "buttonList.buttons")); b; b = json_next(b))
				check_url(s, json_text(json_at(b, "onClick.openLink.url")));
		}
	}
}

static bool is_mark(char c)
{
	return c && strchr("\\*_~`<[]@", c);
}

/* A link of Markdown: its label has no markup, and where it leads is ours. */
static size_t link_length(struct shown *s, const char *text)
{
	const char *at = text + 1;

	while (*at && *at != ']')
		at += *at == '\\' ? 2 : 1;
	assert_int_equal(strncmp(at, "](", 2), 0);
	at += 2;
	check_url(s, at);
	assert_true(at[strcspn(at, ") \n<")] == ')');
	return (size_t)(at - text) + strcspn(at, ")") + 1;
}

/* The only thing that a line may begin with, and must not be taken for another. */
static const char *behind_bullet(const char *text)
{
	const char *at = text_starts(text, "- ") ? text + 2 : text;
	size_t digits = strspn(at, "0123456789");

	if ((*at && strchr("+->#", *at)) || (digits && at[digits] == '.'))
		fail_msg("a line that is no text: %.40s", text);
	return at;
}

/* Markdown: ours are pairs of two stars, bullets and links; every other sign of markup must be behind a backslash. */
static void show_markdown(struct shown *s, const char *text)
{
	bool begins = true;

	while (*text) {
		if (begins)
			text = behind_bullet(text);
		begins = *text == '\n';
		if (text_starts(text, "**")) {
			text += 2;
		} else if (text[0] == '\\') {
			assert_true(text[1] > ' ' && text[1] < 0x7f);
			buf_char(&s->text, text[1]);
			text += 2;
		} else if (text[0] == '[') {
			text += link_length(s, text);
		} else if (text_starts(text, "  |  ")) {
			text += 5;
		} else {
			if (is_mark(*text) || text_starts(text, "||") || text_starts(text, ":/"))
				fail_msg("active markup: %.60s", text);
			buf_char(&s->text, *text++);
		}
	}
	buf_char(&s->text, '\n');
}

static void show_discord(struct shown *s, const struct json *body)
{
	assert_true(shape_units(json_text(json_member(body, "content"))) <= 1900);
	show_markdown(s, json_text(json_member(body, "content")));
	for (const struct json *e = json_first(json_member(body, "embeds")); e; e = json_next(e))
		show_markdown(s, json_text(json_member(e, "description")));
}

/* A link of ours, or the two stars of bold; else what foreign text may never hold: a sign of markup, or one that with
 * what follows calls somebody, leads somewhere or becomes a picture. */
static size_t show_mattermost_sign(struct shown *s, const char *at)
{
	static const char *const active[] = { "@", "~", "#", "://", "www.", "<", "$", "`", "*", "_", "[", "]", "|" };
	static const struct {
		const char *written;
		char shown;
	} known[] = { { "&lt;", '<' }, { "&amp;", '&' }, { "&#36;", '$' }, { "&#61;", '=' }, { "@\u2060", '@' },
		{ "~\u2060", '~' }, { "\\#\u2060", '#' }, { ":\u2060", ':' }, { "\\\u2060", '\\' } };

	if (text_starts(at, "**"))
		return 2;
	if (*at == '[')
		return link_length(s, at);
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (!text_starts(at, known[i].written))
			continue;
		buf_char(&s->text, known[i].shown);
		return strlen(known[i].written);
	}
	if (*at == '\\') {
		assert_non_null(strchr("*_`[]|!.-+>", at[1]));
		buf_char(&s->text, at[1]);
		return 2;
	}
	for (size_t i = 0; i < ARRAY_LEN(active); i++)
		if (text_starts(at, active[i]))
			fail_msg("active markup: %.60s", at);
	buf_char(&s->text, *at);
	return 1;
}

static void show_mattermost(struct shown *s, const struct json *body)
{
	const char *text = json_text(json_member(body, "text"));

	assert_true(utf8_length(text) <= 16000);
	for (bool begins = true; *text;) {
		if (begins)
			text = behind_bullet(text);
		begins = *text == '\n';
		text += show_mattermost_sign(s, text);
	}
	buf_char(&s->text, '\n');
}

static const struct service {
	const char *name;
	const struct chat_rules *rules;
	size_t max_bytes; /* D9 */
	void (*show)(struct shown *s, const struct json *body);
} services[] = {
	{ "teams", &teams_rules, 24 * 1000, show_teams },
	{ "google_chat", &google_chat_rules, 30 * 1000, show_google_chat },
	{ "discord", &discord_rules, 64 * 1000, show_discord },
	{ "mattermost", &mattermost_rules, 64 * 1000, show_mattermost },
};

static struct rendered render(const struct service *on, const struct digest *d)
{
	struct render_to to = { .message_key = "0123456789abcdef" };
	struct rendered out;

	ASSERT_OK(renderer_of(on->name)->render(d, &to, arena, &out, &err));
	return out;
}

static void show_body(const struct service *on, struct shown *s, const void *body, size_t len)
{
	const char *flaw = chat_flaw(on->rules, body, len, arena);

	if (flaw)
		fail_msg("%s: %s", on->name, flaw);
	assert_true(len <= on->max_bytes);
	assert_true(utf8_is_valid(body, len));
	on->show(s, parse(body, len));
}

static size_t items_of(const struct digest *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n_sections; i++)
		n += d->sections[i].n_items;
	return n;
}

/* A text as Teams shows it: a pair of braces is taken apart. */
static const char *apart(const struct service *on, const char *text)
{
	return on->rules == &teams_rules && strstr(text, "{{") ? "" : text;
}

static void check_item(const struct service *on, const char *all, const struct digest_item *item)
{
	const char *always[] = { item->account, item->tag, item->value, item->act_by, item->summary, item->whose,
		item->play };

	for (size_t k = 0; k < ARRAY_LEN(always); k++)
		if (!text_is_blank(always[k]) && !strstr(all, apart(on, always[k])))
			fail_msg("%s does not show: %s", on->name, always[k]);
}

/* How many items the message says that it has no room for. */
static size_t count_cut(const char *all)
{
	size_t n = 0;
	int64_t number;

	for (const char *at = all; (at = strstr(at, " more, for which there is no room here")); at++) {
		const char *plus = at;

		while (*plus != '+')
			plus--;
		assert_true(text_to_int(arena_strndup(arena, plus + 1, (size_t)(at - plus - 1)), &number));
		n += (size_t)number;
	}
	return n;
}

/* Every item is there whole, or counted. Returns whether some are only counted. */
static bool check_shown(const struct service *on, const struct digest *d, const char *all)
{
	size_t n_cut = count_cut(all), n_shown = items_of(d) - n_cut;

	for (size_t s = 0; s < d->n_sections; s++)
		for (size_t i = 0; i < d->sections[s].n_items && n_shown; i++, n_shown--)
			check_item(on, all, &d->sections[s].items[i]);
	return n_cut > 0;
}

static void random_digests_stay_within_every_limit(void **state)
{
	const uint64_t n_digests = getenv("RETAIND_HEAVY") ? N_HEAVY : N_DIGESTS;
	size_t n_cut[ARRAY_LEN(services)] = { 0 }, n_split[ARRAY_LEN(services)] = { 0 };

	(void)state;
	for (uint64_t seed = 1; seed <= n_digests; seed++) {
		struct digest d;

		sample_random(seed, seed % 50 == 0 ? MAX_ITEMS : 60, arena, &d);
		for (size_t k = 0; k < ARRAY_LEN(services); k++) {
			CLEANUP(shown_done) struct shown all = { .n_links = 0 }, plain = { .n_links = 0 };
			struct rendered r = render(&services[k], &d);

			buf_init(&all.text, 8 << 20);
			buf_init(&plain.text, 8 << 20);
			assert_true(r.n >= 1 && r.n <= MAX_PARTS);
			for (size_t i = 0; i < r.n; i++) {
				show_body(&services[k], &all, r.parts[i].body, r.parts[i].len);
				show_body(&services[k], &plain, r.parts[i].fallback, r.parts[i].fallback_len);
			}
			n_cut[k] += check_shown(&services[k], &d, all.text.at);
			n_split[k] += r.n > 1;
		}
		arena_reset(arena);
	}
	for (size_t k = 0; k < ARRAY_LEN(services); k++)
		assert_true(n_cut[k] > 0 && n_split[k] > n_cut[k]);
}

/* X10: what a CRM that strangers write into may hold. Each is shown as it is, by its very characters. */
static void foreign_text_has_no_meaning_in_a_chat(void **state)
{
	static const char *const names[] = { "<!channel>", "<@U123>", "<users/all>",
		"<https://evil.example|https://bank.example>",
		"[bank](https://evil.example)", "*bold* _it_ ~gone~ `code` ||spoiler||", "@everyone @here",
		"@all @channel.", "~town-square #tag :tada:", "$x^2$", "![x](https://evil.example/x.png)", "a\\b",
		"=====", "www.evil.example/x evil.com/y mailto:a@b.example", "&lt;b&gt; &amp;",
		"<at>Ann</at>", "<b>x</b><a href='https://evil.example'>bank</a>", "https://evil.example/", "# head", "> quote",
		"1. list", "- list", "javascript:alert(1)", "<t:1:R> </cmd:1> :smile:", "\\*not\\*", "```fence```" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct digest_finding f = { .f = { .id = 1, .account = 1, .account_name = names[i], .engine = "defense",
			.currency = "EUR", .act_by_on = SAMPLE_TODAY, .summary = names[i] }, .score_before = (double)NAN };
		struct digest_input in = { .org = "o", .owner_email = "a@b.example", .kind = "csm", .capacity = 5,
		                           .local_on = SAMPLE_TODAY, .as_of_on = SAMPLE_TODAY, .findings = &f,
		                           .n_findings = 1 };
		struct digest d;

		digest_compose(&in, arena, &d);
		for (size_t k = 0; k < ARRAY_LEN(services); k++) {
			CLEANUP(shown_done) struct shown s = { .n_links = 0 };
			struct rendered r = render(&services[k], &d);

			buf_init(&s.text, 1 << 20);
			show_body(&services[k], &s, r.parts[0].body, r.parts[0].len);
			if (!strstr(s.text.at, arena_printf(arena, "1. %s\n", names[i])))
				fail_msg("%s shows %s as %s", services[k].name, names[i], s.text.at);
			ASSERT_INT(s.n_links, 0);
			show_body(&services[k], &s, r.parts[0].fallback, r.parts[0].fallback_len);
		}
	}
}

static void braces_of_a_name_are_no_date_in_a_card(void **state)
{
	struct digest_finding f = { .f = { .id = 1, .account = 1,
		.account_name = "{{DATE(2026-03-02T07:00:00Z,LONG)}} {{{x",
		.engine = "defense", .currency = "EUR", .act_by_on = SAMPLE_TODAY, .summary = "S" },
		.score_before = (double)NAN };
	struct digest_input in = { .org = "o", .owner_email = "a@b.example", .kind = "csm", .capacity = 5,
	                           .local_on = SAMPLE_TODAY, .as_of_on = SAMPLE_TODAY, .findings = &f, .n_findings = 1 };
	CLEANUP(shown_done) struct shown s = { .n_links = 0 };
	struct digest d;
	struct rendered r;

	(void)state;
	buf_init(&s.text, 1 << 20);
	digest_compose(&in, arena, &d);
	r = render(&services[0], &d);
	show_body(&services[0], &s, r.parts[0].body, r.parts[0].len);
	assert_non_null(strstr(s.text.at, "{ {DATE(2026-03-02T07:00:00Z,LONG)}} { { {x"));
}

static void every_link_and_answer_of_an_item_is_there(void **state)
{
	struct db *db = sample_open();
	struct digest d;

	(void)state;
	sample_digest(db, "csm", 10, arena, &d);
	sample_add_answers(&d, arena);
	for (size_t i = 0; i < d.sections[0].n_items; i++)
		d.sections[0].items[i].url = "https://crm.example/a/7", d.sections[0].items[i].host = "crm.example";
	for (size_t k = 0; k < ARRAY_LEN(services); k++) {
		CLEANUP(shown_done) struct shown s = { .n_links = 0 };
		struct rendered r = render(&services[k], &d);

		buf_init(&s.text, 1 << 20);
		for (size_t i = 0; i < r.n; i++)
			show_body(&services[k], &s, r.parts[i].body, r.parts[i].len);
		ASSERT_INT(s.n_links, 6 * items_of(&d));
	}
	db_close(db);
}

/* Standard Webhooks asks for less than 20 kB: what is more goes as the thin form, which says so and where to look. */
static void a_webhook_never_carries_more_than_20_kb(void **state)
{
	const uint64_t n_digests = getenv("RETAIND_HEAVY") ? N_HEAVY : N_DIGESTS;
	size_t n_thin = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= n_digests; seed++) {
		struct render_to to = { .message_key = "k" };
		struct rendered r;
		struct digest d;
		bool is_full;
		const struct json *j;

		sample_random(seed, seed % 50 == 0 ? MAX_ITEMS : 60, arena, &d);
		ASSERT_OK(renderer_of("json")->render(&d, &to, arena, &r, &err));
		ASSERT_INT(r.n, 1);
		assert_true(r.parts[0].len < 20000 && utf8_is_valid(r.parts[0].body, r.parts[0].len));
		j = parse(r.parts[0].body, r.parts[0].len);
		assert_string_equal(json_text(json_member(j, "type")), "digest.created");
		assert_true(json_bool(json_at(j, "data.is_full"), &is_full));
		assert_string_equal(json_text(json_at(j, "data.headline")), d.headline);
		n_thin += !is_full;
		arena_reset(arena);
	}
	assert_true(n_thin > 0 && n_thin < n_digests);
}

/* Composing keeps texts short; should it ever not, the chats still take what is made of them. */
static void what_is_longer_than_any_line_is_cut_between_characters(void **state)
{
	static const char *const with[] = { "\xf0\x9f\x98\x80", "<", "&", "\\", "*", "{{", "\xe6\x97\xa5", "a b " };
	struct db *db = sample_open();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(with); i++) {
		CLEANUP(buf_done) struct buf b;
		const char *notes[3];
		struct digest d;

		buf_init(&b, 1 << 20);
		while (b.len < 20000)
			buf_text(&b, with[i]);
		sample_digest(db, "manager", 5, arena, &d);
		d.headline = d.since = d.org_title = notes[0] = notes[1] = notes[2] = arena_strdup(arena, b.at);
		d.notes = notes;
		d.n_notes = ARRAY_LEN(notes);
		for (size_t s = 0; s < d.n_sections; s++)
			for (size_t k = 0; k < d.sections[s].n_items; k++) {
				struct digest_item *item = &d.sections[s].items[k];

				item->url = NULL;
				item->account = item->tag = item->summary = item->play = item->first_step = notes[0];
				item->evidence[0] = notes[0];
			}
		for (size_t k = 0; k < ARRAY_LEN(services); k++) {
			CLEANUP(shown_done) struct shown s = { .n_links = 0 };
			struct rendered r = render(&services[k], &d);

			buf_init(&s.text, 1 << 20);
			for (size_t n = 0; n < r.n; n++) {
				show_body(&services[k], &s, r.parts[n].body, r.parts[n].len);
				show_body(&services[k], &s, r.parts[n].fallback, r.parts[n].fallback_len);
			}
			assert_non_null(strstr(s.text.at, "\xe2\x80\xa6"));
		}
	}
	db_close(db);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		CASE(random_digests_stay_within_every_limit),
		CASE(foreign_text_has_no_meaning_in_a_chat),
		CASE(a_webhook_never_carries_more_than_20_kb),
		CASE(braces_of_a_name_are_no_date_in_a_card),
		CASE(what_is_longer_than_any_line_is_cut_between_characters),
		CASE(every_link_and_answer_of_an_item_is_there),
	};
#undef CASE

	return cmocka_run_group_tests(tests, NULL, NULL);
}
