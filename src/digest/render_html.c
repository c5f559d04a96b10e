#include <string.h>

#include "common/text.h"
#include "render_parts.h"

/* Tables and inline styles only: what mail programs understand. Every colour pair has a contrast of at least 4.5 : 1,
 * and nothing is said by colour alone. */
enum { PAGE_BYTES = 4 << 20, TITLE_CHARS = 70 };

/* Where the reader's screen is dark and the mail program keeps a style sheet (Apple Mail does), other colours by the
 * classes beside the inline styles; everywhere else the mail is as light as the inline styles say. */
static const char dark_style[] =
	"<style>@media (prefers-color-scheme:dark){.p{background-color:#0f1720!important}"
	".s{background-color:#18232f!important}.h{color:#f2f6fa!important}.t{color:#dbe4ee!important}"
	".m{color:#b3c0ce!important}.a{color:#8ec1ff!important}.b{background-color:#22364d!important}"
	".n{background-color:#3a3212!important;color:#ffe9a8!important}.l{border-color:#3a4d62!important}"
	".k{background-color:#8fb4d9!important}}</style>\n";

#define HEADING(margin) "<h2 class=\"h\" style=\"margin:" margin ";font-size:16px;line-height:22px;color:#12263a\">"
#define PLAIN(margin) "<p class=\"t\" style=\"margin:" margin ";font-size:14px;line-height:20px;color:#1b2733\">"
#define SOFT(margin) "<p class=\"m\" style=\"margin:" margin ";font-size:14px;line-height:20px;color:#3d4650\">"
#define LIST(margin) \
	"<ul class=\"t\" style=\"margin:" margin ";padding-left:20px;font-size:14px;line-height:21px;color:#1b2733\">\n"

static const struct {
	const char *ink, *ground; /* of the tag */
} looks[] = {
	[CHANGE_ENTERED] = { "#7a3300", "#ffe8d1" },  [CHANGE_BACK] = { "#7a3300", "#ffe8d1" },
	[CHANGE_WORSE] = { "#8f0f22", "#ffe3e3" },    [CHANGE_CAUSE] = { "#7a3300", "#ffe8d1" },
	[CHANGE_BETTER] = { "#0b5128", "#d9f5e1" },   [CHANGE_STANDING] = { "#3d4650", "#e9edf2" },
	[CHANGE_RESOLVED] = { "#0b5128", "#d9f5e1" }, [CHANGE_LOST] = { "#3d4650", "#e9edf2" },
};

static void open_table(struct buf *b, const char *class, const char *style)
{
	buf_text(b, "<table role=\"presentation\" width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\"");
	buf_printf(b, *class ? " class=\"%s\" style=\"%s\"" : "%s style=\"%s\"", class, style);
	buf_text(b, "><tbody><tr>");
}

static void close_table(struct buf *b)
{
	buf_text(b, "</td></tr></tbody></table>\n");
}

static void write_escaped(struct buf *b, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			buf_text(b, "&amp;");
			break;
		case '<':
			buf_text(b, "&lt;");
			break;
		case '>':
			buf_text(b, "&gt;");
			break;
		case '"':
			buf_text(b, "&quot;");
			break;
		case '\'':
			buf_text(b, "&#39;");
			break;
		default:
			buf_char(b, *text);
		}
	}
}

/* before and after are ours; text is foreign. */
static void write_between(struct buf *b, const char *before, const char *text, const char *after)
{
	buf_text(b, before);
	write_escaped(b, text);
	buf_text(b, after);
}

/* "What to do:" */
static void write_label(struct buf *b, struct arena *a, const struct words *w, const char *key)
{
	write_between(b, "<b>", words_text(w, a, key), "</b> ");
}

static void write_play(struct buf *b, struct arena *a, const struct digest_item *item)
{
	if (text_is_blank(item->play) && text_is_blank(item->first_step))
		return;
	open_table(b, "", "margin-top:12px");
	buf_text(b, "<td class=\"b t\" style=\"padding:10px 12px;background-color:#eef4fb;"
	            "font-size:14px;line-height:20px;color:#1b2733\">");
	if (!text_is_blank(item->play)) {
		write_label(b, a, item->words, "digest.play");
		write_escaped(b, item->play);
	}
	if (!text_is_blank(item->first_step)) {
		buf_text(b, text_is_blank(item->play) ? "" : "<br>");
		write_label(b, a, item->words, "digest.first_step");
		write_escaped(b, item->first_step);
	}
	close_table(b);
}

static void write_evidence(struct buf *b, struct arena *a, const struct digest_item *item)
{
	const char *more = digest_item_more(a, item);

	if (!digest_item_n_evidence(item))
		return;
	buf_text(b, "<ul class=\"m\" style=\"margin:6px 0 0 0;padding-left:20px;font-size:14px;line-height:20px;"
	            "color:#3d4650\">\n");
	for (size_t i = 0; i < digest_item_n_evidence(item); i++)
		write_between(b, "<li>", item->evidence[i], "</li>\n");
	if (more)
		write_between(b, "<li>", more, "</li>\n");
	buf_text(b, "</ul>\n");
}

/* Who, how much, by when, why: what every item says. */
static void write_core(struct buf *b, const struct digest_item *item, size_t number, int level)
{
	bool is_brief = digest_item_is_brief(item);

	buf_printf(b, "<td style=\"padding:%s;border-left:4px solid %s\">\n", is_brief ? "10px 16px" : "14px 16px",
	           looks[item->change].ink);
	buf_printf(b, "<span style=\"font-size:12px;line-height:18px;font-weight:bold;color:%s;background-color:%s;"
	              "padding:2px 7px\">", looks[item->change].ink, looks[item->change].ground);
	write_between(b, "", item->tag, "</span>\n");
	buf_printf(b, "<h%d class=\"h\" style=\"margin:%s;font-size:%s;line-height:24px;color:#12263a\">%zu. ", level,
	           is_brief ? "4px 0 0 0" : "8px 0 2px 0", is_brief ? "16px" : "18px", number);
	write_between(b, "", item->account, "");
	buf_printf(b, "</h%d>\n", level);
	write_between(b, "<p class=\"h\" style=\"margin:0;font-size:15px;line-height:22px;color:#12263a\"><b>", item->value,
	              "</b> &nbsp;|&nbsp; ");
	write_between(b, "<b>", item->act_by, "</b></p>\n");
	if (item->whose)
		write_between(b, SOFT("2px 0 0 0"), item->whose,
		              "</p>\n");
	write_between(b, is_brief ? PLAIN("4px 0 0 0") :
	              "<p class=\"t\" style=\"margin:8px 0 0 0;font-size:15px;line-height:22px;color:#1b2733\">",
	              item->summary, "</p>\n");
}

/* A line of links; each may be touched with a thumb and none breaks in two. */
static void write_answers(struct buf *b, const struct digest_item *item)
{
	if (!item->n_answers)
		return;
	buf_text(b, "<p style=\"margin:8px 0 0 0;font-size:14px;line-height:28px\">");
	for (size_t i = 0; i < item->n_answers; i++) {
		write_between(b, i ? " &nbsp;|&nbsp; <a href=\"" : "<a href=\"", item->answers[i].url,
		              "\" class=\"a\" style=\"color:#0b4f9e;white-space:nowrap\">");
		write_between(b, "", item->answers[i].label, "</a>");
	}
	buf_text(b, "</p>\n");
}

static void write_item(struct buf *b, struct arena *a, const struct digest_item *item, size_t number, int level)
{
	open_table(b, "l", "margin-top:14px;border:1px solid #d5dce4");
	write_core(b, item, number, level);
	if (!digest_item_is_brief(item)) {
		write_evidence(b, a, item);
		if (item->caveat)
			write_between(b, "<p class=\"m\" style=\"margin:6px 0 0 0;font-size:13px;line-height:18px;color:#3d4650\">",
			              item->caveat, "</p>\n");
		write_play(b, a, item);
	} else if (!text_is_blank(item->play)) {
		buf_text(b, PLAIN("2px 0 0 0"));
		write_label(b, a, item->words, "digest.play");
		write_between(b, "", item->play, "</p>\n");
	}
	if (item->url) {
		write_between(b, "<p style=\"margin:6px 0 0 0;font-size:14px;line-height:20px\"><a href=\"", item->url,
		              "\" class=\"a\" style=\"color:#0b4f9e\">");
		write_between(b, "", SAY(item->words, a, "digest.open_in", W_TEXT("host", item->host)), "</a></p>\n");
	}
	write_answers(b, item);
	close_table(b);
}

static void write_news(struct buf *b, const struct digest_section *s)
{
	buf_text(b, LIST("12px 0 0 0"));
	for (size_t i = 0; i < s->n_news; i++)
		write_between(b, "<li>", s->news[i], "</li>\n");
	buf_text(b, "</ul>\n");
}

/* Items under their groups, where there are groups; headings never skip a level. */
static void write_items(struct buf *b, struct arena *a, const struct digest_section *s, size_t n_shown)
{
	int level = s->n_items && digest_group_title(a, s, 0) ? 4 : 3;

	for (size_t i = 0; i <= n_shown; i++) {
		const char *title = i < n_shown ? digest_group_title(a, s, i) : NULL;

		if (digest_news_come(s, i, n_shown))
			write_news(b, s);
		if (title)
			write_between(b, "<h3 class=\"m\" style=\"margin:16px 0 0 0;font-size:14px;line-height:20px;"
			              "color:#3d4650\">", title,
			              "</h3>\n");
		if (i < n_shown)
			write_item(b, a, &s->items[i], i + 1, level);
	}
}

static void write_section(struct buf *b, struct arena *a, const struct digest_section *s, size_t n_shown)
{
	const char *cut = digest_cut_text(a, s, n_shown);

	if (digest_section_is_empty(s))
		return;
	write_between(b, HEADING("26px 0 0 0"), s->title,
	              "</h2>\n");
	write_items(b, a, s, n_shown);
	if (cut)
		write_between(b, SOFT("12px 0 0 0"), cut,
		              "</p>\n");
	if (s->rest)
		write_between(b, SOFT("12px 0 0 0") "<b>", s->rest,
		              "</b></p>\n");
}

static void write_list(struct buf *b, const struct digest_list *l)
{
	write_between(b, HEADING("26px 0 0 0"), l->title,
	              "</h2>\n");
	write_between(b, SOFT("4px 0 0 0"), l->intro,
	              "</p>\n");
	buf_text(b, LIST("8px 0 0 0"));
	for (size_t i = 0; i < l->n_lines; i++)
		write_between(b, "<li>", l->lines[i], "</li>\n");
	buf_text(b, "</ul>\n");
	if (l->rest)
		write_between(b, SOFT("8px 0 0 0") "<b>", l->rest,
		              "</b></p>\n");
}

static void write_step(struct buf *b, const struct digest_nrr *n, size_t i, int64_t most)
{
	int64_t size = n->minor[i] < 0 ? -n->minor[i] : n->minor[i];
	int percent = most > 0 ? (int)((double)size / (double)most * 100 + 0.5) : 0;
	bool is_level = i == 0 || i + 1 == n->n_steps;

	write_between(b, "<tr><th scope=\"row\" align=\"left\" style=\"padding:4px 10px 4px 0;font-weight:normal\">",
	              n->steps[i].label, "</th>");
	write_between(b, "<td align=\"right\" style=\"padding:4px 12px 4px 0;white-space:nowrap\">", n->steps[i].amount,
	              "</td>");
	buf_text(b, "<td width=\"45%\" style=\"padding:4px 0\">");
	if (percent)
		buf_printf(b, "<div%s "
		              "style=\"width:%d%%;height:12px;line-height:12px;font-size:12px;background-color:%s\">&nbsp;</div>",
		           is_level ? " class=\"k\"" : "", percent > 100 ? 100 : percent,
		           is_level ? "#12263a" : n->minor[i] < 0 ? "#c5505f" : "#2f7d4f");
	buf_text(b, "</td></tr>\n");
}

static void write_ratios(struct buf *b, const struct digest_nrr *n)
{
	write_between(b, HEADING("26px 0 8px 0"), n->title,
	              "</h2>\n");
	write_between(b, "<p class=\"h\" style=\"margin:0 0 8px 0;font-size:15px;line-height:22px;color:#12263a\"><b>",
	              n->ratios, "</b></p>\n");
}

static void write_steps(struct buf *b, const struct digest_nrr *n)
{
	int64_t most = 0;

	for (size_t i = 0; i < n->n_steps; i++)
		most = n->minor[i] > most ? n->minor[i] : most;
	buf_text(b, "<table width=\"100%\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\" class=\"t\" "
	            "style=\"font-size:14px;line-height:20px;color:#1b2733\"><tbody>\n");
	for (size_t i = 0; i < n->n_steps; i++)
		write_step(b, n, i, most);
	buf_text(b, "</tbody></table>\n");
}

static void write_nrr(struct buf *b, const struct digest_nrr *n)
{
	write_ratios(b, n);
	if (!digest_nrr_is_empty(n))
		write_steps(b, n);
	for (size_t i = 0; i < n->n_lines; i++)
		write_between(b, PLAIN("8px 0 0 0"), n->lines[i],
		              "</p>\n");
}

static void write_head(struct buf *b, struct arena *a, const struct digest *d)
{
	buf_printf(b, "<!DOCTYPE html>\n<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n",
	           words_language(d->words));
	buf_text(b, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	            "<meta name=\"color-scheme\" content=\"light dark\">\n");
	write_between(b, "<title>", text_clean(a, d->headline, TITLE_CHARS), "</title>\n");
	buf_text(b, dark_style);
	buf_text(b, "</head>\n");
	buf_printf(b, "<body class=\"p\" style=\"margin:0;padding:0;background-color:#eef1f5\">\n<div lang=\"%s\">\n",
	           words_language(d->words));
	open_table(b, "p", "background-color:#eef1f5");
	buf_text(b, "<td align=\"center\" style=\"padding:20px 8px\">\n");
	open_table(b, "s", "max-width:640px;background-color:#ffffff;"
	              "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif");
	buf_text(b, "<td style=\"padding:20px 24px;background-color:#12263a;color:#ffffff\">\n");
	write_between(b, "<p style=\"margin:0;font-size:13px;line-height:18px;color:#d3deea\">", d->org_title,
	              " &nbsp;|&nbsp; ");
	write_between(b, "", d->day, "</p>\n");
	write_between(b, "<h1 style=\"margin:6px 0 0 0;font-size:22px;line-height:29px;color:#ffffff\">", d->headline,
	              "</h1>\n");
	write_between(b, "<p style=\"margin:4px 0 0 0;font-size:15px;line-height:22px;color:#ffffff\">", d->since,
	              "</p>\n</td></tr>\n<tr><td style=\"padding:0 24px 24px 24px\">\n");
}

void digest_write_html(struct buf *b, struct arena *a, const struct digest *d, size_t n_items)
{
	write_head(b, a, d);
	for (size_t i = 0; i < d->n_sections; i++)
		write_section(b, a, &d->sections[i], digest_take_items(&d->sections[i], &n_items));
	for (size_t i = 0; i < d->n_lists; i++)
		write_list(b, &d->lists[i]);
	if (d->nrr)
		write_nrr(b, d->nrr);
	for (size_t i = 0; i < d->n_notes; i++) {
		buf_text(b, "<p class=\"n\" style=\"margin:18px 0 0 0;padding:10px 12px;background-color:#fff6d6;"
		            "font-size:14px;line-height:20px;color:#4a3a00\">");
		write_label(b, a, d->words, "digest.note");
		write_between(b, "", d->notes[i], "</p>\n");
	}
	write_between(b, "<p class=\"m l\" style=\"margin:26px 0 0 0;padding-top:12px;border-top:1px solid #d5dce4;"
	              "font-size:12px;line-height:18px;color:#56606b\">", digest_footer(a, d), "</p>\n");
	close_table(b);
	close_table(b);
	buf_text(b, "</div>\n</body>\n</html>\n");
}

size_t digest_html_fit(struct arena *a, const struct digest *d)
{
	size_t n = digest_n_items(d);

	for (;;) {
		CLEANUP(buf_done) struct buf b;
		size_t fewer;

		buf_init(&b, PAGE_BYTES);
		digest_write_html(&b, a, d, n);
		if ((!b.is_full && b.len <= HTML_BYTES) || n == 0)
			return n;
		fewer = n * HTML_BYTES / (b.len + 1);
		n = fewer < n ? fewer : n - 1;
	}
}

int render_html(const struct digest *d, const struct render_to *to, struct arena *a, struct rendered *out,
                struct err *err)
{
	CLEANUP(buf_done) struct buf b;

	(void)to;
	(void)err;
	buf_init(&b, PAGE_BYTES);
	digest_write_html(&b, a, d, digest_html_fit(a, d));
	*out = rendered_one(a, "text/html; charset=utf-8", arena_strndup(a, b.at, b.len), b.len);
	return 0;
}
