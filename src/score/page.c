#include "score/page.h"

#include "common/markup.h"
#include "common/text.h"

enum { MAX_TEXT = 1000 };

/* Texts have a contrast of 7 : 1 and more on their ground. */
static const char style[] =
	":root{color-scheme:light dark}body{font:16px/1.5 system-ui,'DejaVu Sans',sans-serif;color:#1b1f24;background:#fff;"
	"max-width:1140px;margin:1em auto;padding:0 8px}h1{font-size:1.5em;line-height:1.25;margin:.4em 0}"
	"h2{font-size:1.2em;margin:1.8em 0 .3em}p{margin:.5em 0;max-width:46em}.s{color:#454f5b}"
	".f{display:flex;flex-wrap:wrap;align-items:flex-start;gap:24px}.f svg{flex:0 1 460px;width:100%;max-width:460px;height:auto}"
	".w{overflow-x:auto;margin:1em 0}table{border-collapse:collapse;font-size:15px}"
	"caption{text-align:left;font-weight:600;padding:.3em 0}"
	"th,td{text-align:left;font-weight:400;padding:.25em .9em .25em 0;border-bottom:1px solid #d5dbe2;vertical-align:top}"
	"thead th{font-weight:600}.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}"
	"@media(prefers-color-scheme:dark){body{color:#e8ebef;background:#14181d}.s{color:#b4bdc8}"
	"th,td{border-color:#3a434d}}";

/* opening and closing are markup of ours. */
static void element(struct buf *out, struct arena *a, const char *opening, const char *text, const char *closing)
{
	buf_text(out, opening);
	markup_text(out, text_clean(a, text, MAX_TEXT));
	buf_text(out, closing);
}

static void write_table(const struct page_table *t, struct arena *a, struct buf *out)
{
	element(out, a, "<div class=\"w\" role=\"region\" tabindex=\"0\" aria-label=\"", t->caption, "\">\n<table>");
	element(out, a, "<caption>", t->caption, "</caption>\n<thead><tr>");
	for (size_t k = 0; k < t->n_columns; k++)
		element(out, a, t->columns[k].is_number ? "<th scope=\"col\" class=\"n\">" : "<th scope=\"col\">",
		        t->columns[k].title, "</th>");
	buf_text(out, "</tr></thead>\n<tbody>\n");
	for (size_t i = 0; i < t->n_rows; i++) {
		buf_text(out, "<tr>");
		for (size_t k = 0; k < t->n_columns; k++) {
			const char *cell = t->cells[i * t->n_columns + k];

			element(out, a, k == 0 ? "<th scope=\"row\">" : t->columns[k].is_number ? "<td class=\"n\">" : "<td>",
			        cell ? cell : "-", k == 0 ? "</th>" : "</td>");
		}
		buf_text(out, "</tr>\n");
	}
	buf_text(out, "</tbody></table></div>\n");
}

static void write_part(const struct page_part *p, struct arena *a, struct buf *out)
{
	element(out, a, "<section>\n<h2>", p->heading, "</h2>\n");
	for (size_t i = 0; i < p->n_paragraphs; i++)
		element(out, a, "<p>", p->paragraphs[i], "</p>\n");
	if (p->n_pictures) {
		buf_text(out, "<div class=\"f\">\n");
		for (size_t i = 0; i < p->n_pictures; i++)
			buf_text(out, p->pictures[i]);
		buf_text(out, "</div>\n");
	}
	for (size_t i = 0; i < p->n_tables; i++)
		write_table(&p->tables[i], a, out);
	buf_text(out, "</section>\n");
}

void page_write(const struct page *p, struct arena *a, struct buf *out)
{
	buf_text(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	              "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
	              "<meta name=\"color-scheme\" content=\"light dark\">\n");
	element(out, a, "<title>", p->title, "</title>\n");
	buf_printf(out, "<style>%s</style></head>\n<body><main>\n", style);
	element(out, a, "<h1>", p->title, "</h1>\n");
	element(out, a, "<p class=\"s\">", p->subtitle, "</p>\n");
	for (size_t i = 0; i < p->n_parts; i++)
		write_part(&p->parts[i], a, out);
	buf_text(out, "</main></body></html>\n");
}
