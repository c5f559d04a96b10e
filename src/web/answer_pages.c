#include <string.h>

#include "answer_parts.h"
#include "common/buf.h"
#include "common/evidence.h"
#include "common/markup.h"
#include "common/money.h"
#include "common/sha256.h"
#include "common/text.h"
#include "store/precision.h"

enum { PAGE_BYTES = 512 * 1024, NAME_CHARS = 120, SENTENCE_CHARS = 300 };

const int page_snooze_days[] = { 3, ANSWER_SNOOZE_DAYS, 14, 30, 0 };

/* Pairs of colours have a contrast of 4.5 : 1 at least, by day and by night; what can be touched is 44 pixels high. */
static const char style[] =
	":root{color-scheme:light dark;--ink:#1b2733;--soft:#4a5763;--page:#eef1f5;--card:#fff;--line:#8393a3;"
	"--go:#0b4f9e;--on:#fff}"
	"@media (prefers-color-scheme:dark){:root{--ink:#e8edf2;--soft:#b4c0cc;--page:#10171e;--card:#1b2530;"
	"--line:#748597;--go:#8ec1ff;--on:#08131f}}"
	"*{box-sizing:border-box}"
	"body{margin:0;padding:16px;background:var(--page);color:var(--ink);font:17px/1.5 system-ui,-apple-system,"
	"'Segoe UI',Roboto,Helvetica,Arial,sans-serif;overflow-wrap:anywhere}"
	"main{max-width:560px;margin:24px auto;padding:24px;background:var(--card);border-radius:12px}"
	"h1{margin:0 0 12px;font-size:24px;line-height:1.3}"
	"p{margin:0 0 12px}.soft{color:var(--soft);font-size:15px}.foot{margin:24px 0 0}"
	"fieldset{margin:20px 0 0;padding:0;border:0}legend,.label{padding:0;margin:0 0 6px;font-weight:600}"
	".pick{display:flex;gap:10px;align-items:center;min-height:44px}"
	"input[type=radio]{width:20px;height:20px;margin:0;flex:none}"
	".label{display:block;margin-top:20px}"
	"textarea,select{width:100%;min-height:44px;padding:10px;font:inherit;color:inherit;background:var(--card);"
	"border:1px solid var(--line);border-radius:8px}"
	"button{width:100%;min-height:48px;margin-top:24px;padding:10px 20px;font:inherit;font-weight:600;"
	"color:var(--on);background:var(--go);border:0;border-radius:8px;cursor:pointer}"
	"a{color:var(--go);display:inline-block;padding:10px 0}"
	":focus-visible{outline:3px solid var(--go);outline-offset:2px}"
	".wrong{padding:10px 12px;border:2px solid var(--go);border-radius:8px}";

const char *page_policy(struct arena *a)
{
	struct sha256 s;
	uint8_t hash[SHA256_BYTES];

	sha256_init(&s);
	sha256_add(&s, style, strlen(style));
	sha256_end(&s, hash);
	return arena_printf(a, "default-src 'none'; style-src 'sha256-%s'; form-action 'self'; frame-ancestors 'none'; "
	                    "base-uri 'none'", base64_text(a, hash, sizeof hash));
}

/* before and after are ours; text is foreign, or of the catalogue. */
static void between(struct buf *b, const char *before, const char *text, const char *after)
{
	buf_text(b, before);
	markup_text(b, text);
	buf_text(b, after);
}

static void begin_page(struct buf *b, const struct answer_view *v, const char *title)
{
	between(b, "<!DOCTYPE html>\n<html lang=\"", words_language(v->words), "\">\n<head>\n<meta charset=\"utf-8\">\n"
	        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	        "<meta name=\"robots\" content=\"noindex\">\n");
	between(b, "<title>", title, "</title>\n<style>");
	buf_text(b, style);
	between(b, "</style>\n</head>\n<body>\n<main>\n<h1>", title, "</h1>\n");
}

static char *end_page(struct buf *b, const struct answer_view *v, struct arena *a)
{
	const char *name = v->reader ? v->reader->name ? v->reader->name : v->reader->email : NULL;

	if (name && v->org)
		between(b, "<p class=\"soft foot\">",
		        SAY(v->words, a, "answer.foot", W_TEXT("name", text_clean(a, name, NAME_CHARS)),
		            W_TEXT("org", text_clean(a, v->org->title, NAME_CHARS))), "</p>\n");
	buf_text(b, "</main>\n</body>\n</html>\n");
	return arena_strndup(a, b->at, b->len);
}

static const char *account_of(const struct answer_view *v, struct arena *a)
{
	const struct finding *f = v->finding;
	const char *name = text_clean(a, f->account_name, NAME_CHARS);

	if (!text_is_blank(name))
		return name;
	return SAY(v->words, a, "digest.account.by_key", W_TEXT("key", text_clean(a, f->account_key, NAME_CHARS)));
}

/* A text about an answer, of its engine where there is one: "answer.ask.not_a_risk.expansion", else without the end. */
static const char *key_of(const struct answer_view *v, const char *what, struct arena *a)
{
	const char *key = arena_printf(a, "answer.%s.%s", what, answer_names[v->kind]);
	const char *own = arena_printf(a, "%s.%s", key, v->finding->engine);

	return words_find(v->words, own) ? own : key;
}

/* What the digest said of it, so that it is known again. */
static void write_finding(struct buf *b, const struct answer_view *v, struct arena *a)
{
	const struct finding *f = v->finding;
	const char *currency = text_clean(a, f->currency, 3);
	const char *cause = evidence_cause(v->words, v->today, a, evidence_list(a, f->evidence), f->summary);

	between(b, "<p>", text_sentence(a, cause, SENTENCE_CHARS), "</p>\n");
	if (f->value_minor > 0)
		between(b, "<p class=\"soft\">",
		        SAY(v->words, a, strcmp(f->engine, "defense") == 0 ? "digest.value.defense" : "digest.value.expansion",
		            W_MONEY("worth", money_whole(f->value_minor, currency), currency)), "</p>\n");
	between(b, "<p>", words_text(v->words, a, key_of(v, "means", a)), "</p>\n");
}

/* fields ----------------------------------------------------------------------------------------------------------- */

static void open_choice(struct buf *b, const struct answer_view *v, const char *legend, struct arena *a)
{
	between(b, "<fieldset>\n<legend>", words_text(v->words, a, legend), "</legend>\n");
}

static void choice(struct buf *b, const char *name, const char *value, const char *label, bool is_chosen)
{
	between(b, "<label class=\"pick\"><input type=\"radio\" name=\"", name, "\" value=\"");
	between(b, "", value, is_chosen ? "\" required checked>" : "\" required>");
	between(b, " <span>", label, "</span></label>\n");
}

static void write_days(struct buf *b, const struct answer_view *v, struct arena *a)
{
	open_choice(b, v, "answer.snooze.legend", a);
	for (const int *days = page_snooze_days; *days; days++)
		choice(b, "days", arena_printf(a, "%d", *days),
		       SAY(v->words, a, "answer.snooze.days", W_INT("n", *days), W_DAY("day", v->today + *days, v->today)),
		       *days == ANSWER_SNOOZE_DAYS);
	buf_text(b, "</fieldset>\n");
}

static void write_reasons(struct buf *b, const struct answer_view *v, struct arena *a)
{
	open_choice(b, v, "answer.reason.legend", a);
	for (size_t i = 0; i < N_DISMISS_REASONS; i++)
		choice(b, "reason", dismiss_reasons[i],
		       words_text(v->words, a, arena_printf(a, "answer.reason.%s", dismiss_reasons[i])), false);
	buf_text(b, "</fieldset>\n");
}

static void write_owners(struct buf *b, const struct answer_view *v, struct arena *a)
{
	between(b, "<label class=\"label\" for=\"to\">", words_text(v->words, a, "answer.owner.legend"), "</label>\n"
	        "<select id=\"to\" name=\"to\">\n");
	between(b, "<option value=\"\">", words_text(v->words, a, "answer.owner.nobody"), "</option>\n");
	for (size_t i = 0; i < v->org->n_owners; i++) {
		const struct web_owner *o = &v->org->owners[i];

		if (v->finding->owner_email && strcmp(v->finding->owner_email, o->email) == 0)
			continue;
		between(b, "<option value=\"", o->email, "\">");
		between(b, "", text_clean(a, o->name ? o->name : o->email, NAME_CHARS), "</option>\n");
	}
	buf_text(b, "</select>\n");
}

static void write_note(struct buf *b, const struct answer_view *v, struct arena *a)
{
	between(b, "<label class=\"label\" for=\"note\">", words_text(v->words, a, "answer.field.note"), "</label>\n");
	buf_printf(b, "<textarea id=\"note\" name=\"note\" rows=\"3\" maxlength=\"%d\"></textarea>\n", ANSWER_NOTE_CHARS);
}

static void write_reason_and_note(struct buf *b, const struct answer_view *v, struct arena *a)
{
	write_reasons(b, v, a);
	write_note(b, v, a);
}

/* pages ------------------------------------------------------------------------------------------------------------ */

char *page_ask(const struct answer_view *v, bool is_wrong, struct arena *a)
{
	static void (*const fields[N_ANSWERS])(struct buf *b, const struct answer_view *v, struct arena *a) = {
		[ANSWER_DONE] = write_note, [ANSWER_SNOOZE] = write_days, [ANSWER_NOT_A_RISK] = write_reason_and_note,
		[ANSWER_WRONG_OWNER] = write_owners, [ANSWER_LOST] = write_note, [ANSWER_EXPANDED] = write_note,
	};
	CLEANUP(buf_done) struct buf b;

	buf_init(&b, PAGE_BYTES);
	begin_page(&b, v, SAY(v->words, a, key_of(v, "ask", a), W_TEXT("account", account_of(v, a))));
	if (is_wrong)
		between(&b, "<p class=\"wrong\" role=\"alert\">", words_text(v->words, a, "answer.wrong"), "</p>\n");
	write_finding(&b, v, a);
	between(&b, "<form method=\"post\">\n<input type=\"hidden\" name=\"confirm\" value=\"", v->form, "\">\n");
	if (fields[v->kind])
		fields[v->kind](&b, v, a);
	between(&b, "<button type=\"submit\">", words_text(v->words, a, key_of(v, "button", a)), "</button>\n</form>\n");
	return end_page(&b, v, a);
}

static const char *name_of(const struct web_answers *org, const char *email)
{
	for (size_t i = 0; i < org->n_owners; i++)
		if (strcmp(org->owners[i].email, email) == 0 && !text_is_blank(org->owners[i].name))
			return org->owners[i].name;
	return email;
}

static const char *told_title(const struct answer_view *v, struct arena *a)
{
	const struct answer *x = v->said;
	const char *account = account_of(v, a), *key = key_of(v, "result", a);

	if (v->kind == ANSWER_SNOOZE)
		return SAY(v->words, a, key, W_TEXT("account", account), W_DAY("day", x->until, v->today));
	if (v->kind == ANSWER_NOT_A_RISK)
		return SAY(v->words, a, key, W_TEXT("account", account),
		           W_TEXT("reason", words_text(v->words, a, arena_printf(a, "answer.reason.%s", x->reason))));
	if (v->kind != ANSWER_WRONG_OWNER)
		return SAY(v->words, a, key, W_TEXT("account", account));
	if (!x->to)
		return SAY(v->words, a, "answer.result.wrong_owner.nobody", W_TEXT("account", account));
	return SAY(v->words, a, key, W_TEXT("account", account),
	           W_TEXT("name", text_clean(a, name_of(v->org, x->to), NAME_CHARS)));
}

char *page_told(const struct answer_view *v, struct arena *a)
{
	CLEANUP(buf_done) struct buf b;

	buf_init(&b, PAGE_BYTES);
	begin_page(&b, v, told_title(v, a));
	between(&b, "<p>", words_text(v->words, a, "answer.result.saved"), "</p>\n");
	if (v->undo) {
		between(&b, "<p><a href=\"", v->undo, "\">");
		between(&b, "", words_text(v->words, a, "answer.undo"), "</a></p>\n");
	}
	return end_page(&b, v, a);
}

char *page_refused(const struct answer_view *v, const char *key, struct arena *a)
{
	const char *account = v->finding ? account_of(v, a) : "";
	const struct word args[] = { W_TEXT("account", account),
		                         W_DAY("day", v->finding ? v->finding->closed_on : DAY_NONE, v->today) };
	CLEANUP(buf_done) struct buf b;

	buf_init(&b, PAGE_BYTES);
	begin_page(&b, v, words_say(v->words, a, arena_printf(a, "answer.%s.title", key), args, ARRAY_LEN(args)));
	between(&b, "<p>", words_say(v->words, a, arena_printf(a, "answer.%s", key), args, ARRAY_LEN(args)), "</p>\n");
	return end_page(&b, v, a);
}
