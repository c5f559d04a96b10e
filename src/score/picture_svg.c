#include "picture_svg.h"

#include <math.h>
#include <string.h>

#include "common/markup.h"
#include "common/text.h"

enum { MAX_LABEL = 200, MARGIN = 8, HEAD = 46 };

/* Inks have a contrast of 7 : 1 and more on their ground, shapes of 3 : 1 and more, numbers on cells of 4.5 : 1 and
 * more, light and dark (WCAG 2.2, 1.4.3 and 1.4.11). */
static const char style[] =
	".rp{max-width:100%;background:#fff;color-scheme:light dark}"
	".rp text{font:12.5px system-ui,'DejaVu Sans',sans-serif;fill:#1b1f24}.rp text.m{fill:#454f5b}"
	".rp text.b{font-weight:700}.rp-ground{fill:#fff}.rp-up{fill:#0b6e4f;stroke:#0b6e4f}.rp-down{stroke:#a8231b}"
	".rp-level{fill:#5b6470;stroke:#5b6470}.rp-cut{stroke:#fff;stroke-width:2;fill:none}"
	".rp-hatch{stroke:#a8231b;stroke-width:2.4}.rp-join{stroke:#5b6470}.rp-grid{stroke:#dfe4ea}"
	".rp-whole{stroke:#5b6470;stroke-width:1.5}.rp-nrr,.rp-grr,.rp-mid{fill:none;stroke-width:2.2}"
	".rp-nrr,.rp-nrr-dots{stroke:#0b4f9e}.rp-grr,.rp-grr-dots{stroke:#8a4b00}.rp-grr{stroke-dasharray:7 3}"
	".rp-nrr-mark{fill:#0b4f9e}.rp-grr-mark{fill:#8a4b00}.rp-nrr-band{stroke:#0b4f9e}.rp-grr-band{stroke:#8a4b00}"
	".rp-nrr-dots,.rp-grr-dots{stroke-width:1.6}.rp-nrr-band,.rp-grr-band{stroke-width:.8}"
	".rp .rp-mid{stroke-width:1.5}.rp-none{fill:none;stroke:#c3cad3}"
	".rp-bar{fill:#1b1f24}.rp-h0{fill:#f0a58f}.rp-h1{fill:#f6c1af}.rp-h2{fill:#fadbcf}.rp-h3{fill:#fdf0ea}"
	".rp-h4{fill:#eef2f6}.rp-h5{fill:#cfe3f7}.rp-h6{fill:#a5ccf0}"
	"@media(prefers-color-scheme:dark){.rp{background:#14181d}.rp text{fill:#e8ebef}.rp text.m{fill:#b4bdc8}"
	".rp-ground{fill:#14181d}.rp-up{fill:#4cc38a;stroke:#4cc38a}.rp-down{stroke:#ff9c94}"
	".rp-level{fill:#9aa5b2;stroke:#9aa5b2}.rp-cut{stroke:#14181d}.rp-hatch{stroke:#ff9c94}.rp-join{stroke:#9aa5b2}"
	".rp-grid{stroke:#313942}.rp-whole{stroke:#9aa5b2}.rp-nrr,.rp-nrr-dots,.rp-nrr-band{stroke:#7fb4ff}"
	".rp-grr,.rp-grr-dots,.rp-grr-band{stroke:#ffb35c}.rp-nrr-mark{fill:#7fb4ff}.rp-grr-mark{fill:#ffb35c}"
	".rp-none{stroke:#4a535e}.rp-bar{fill:#e8ebef}.rp-h0{fill:#7d2a1b}.rp-h1{fill:#653026}.rp-h2{fill:#4b2d28}"
	".rp-h3{fill:#352a29}.rp-h4{fill:#262c33}.rp-h5{fill:#1d3a57}.rp-h6{fill:#1c4f80}}";

static void open_dots(struct buf *out, const char *id, const char *line, int degrees)
{
	buf_printf(out, "<pattern id=\"%s-%s-dots\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
	                "patternTransform=\"rotate(%d)\"><path class=\"rp-%s-dots\" d=\"M2 0V1.6\"/></pattern>", id, line,
	           degrees, line);
}

struct svg svg_open(struct buf *out, struct arena *a, const struct picture_head *head, const char *describe,
                    int height)
{
	struct svg s = { out, a, head->id };
	int wide = PICTURE_WIDTH + 2 * MARGIN, high = HEAD + height + MARGIN;

	buf_printf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"rp\" width=\"%d\" height=\"%d\" "
	                "viewBox=\"%d 0 %d %d\" role=\"img\" aria-labelledby=\"%s-title %s-desc\">\n"
	                "<title id=\"%s-title\">", wide, high, -MARGIN, wide, high, head->id, head->id, head->id);
	markup_text(out, text_clean(a, head->title, MAX_LABEL));
	buf_text(out, ", ");
	markup_text(out, text_clean(a, head->subtitle, MAX_LABEL));
	buf_printf(out, "</title>\n<desc id=\"%s-desc\">", head->id);
	markup_text(out, describe);
	buf_printf(out, "</desc>\n<style>%s</style>\n<defs><pattern id=\"%s-hatch\" width=\"6\" height=\"6\" "
	                "patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><path class=\"rp-hatch\" "
	                "d=\"M0 0V6\"/></pattern>", style, head->id);
	open_dots(out, head->id, "nrr", 0);
	open_dots(out, head->id, "grr", 60);
	buf_printf(out, "</defs>\n<path class=\"rp-ground\" d=\"M%d 0h%dv%dh-%dz\"/>\n", -MARGIN, wide, high, wide);
	svg_text(&s, 0, 18, SVG_LEFT, "b", head->title);
	svg_text(&s, 0, 35, SVG_LEFT, "m", head->subtitle);
	buf_printf(out, "<g transform=\"translate(0 %d)\">\n", HEAD);
	return s;
}

void svg_close(struct svg *s)
{
	buf_text(s->out, "</g>\n</svg>\n");
}

void svg_text(struct svg *s, double x, double y, int held, const char *kind, const char *text)
{
	static const char *const anchors[] = { "start", "middle", "end" };

	buf_printf(s->out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\"", x, y, anchors[held]);
	if (*kind)
		buf_printf(s->out, " class=\"%s\"", kind);
	buf_char(s->out, '>');
	markup_text(s->out, text_clean(s->arena, text, MAX_LABEL));
	buf_text(s->out, "</text>\n");
}

void svg_box(struct svg *s, double x, double y, double width, double height, const char *kind)
{
	buf_printf(s->out, "<rect class=\"rp-%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"", kind, x, y, width,
	           height);
	if (strcmp(kind, "down") == 0)
		buf_printf(s->out, " fill=\"url(#%s-hatch)\"", s->id);
	buf_text(s->out, "/>\n");
}

void svg_line(struct svg *s, double x0, double y0, double x1, double y1, const char *kind)
{
	buf_printf(s->out, "<path class=\"rp-%s\" d=\"M%.1f %.1fL%.1f %.1f\"/>\n", kind, x0, y0, x1, y1);
}

const char *picture_percent(struct arena *a, double ratio, int decimals)
{
	if (isnan(ratio))
		return "-";
	return ratio < 10 ? arena_printf(a, "%.*f %%", decimals, 100 * ratio) : arena_printf(a, "%.0f x", ratio);
}
