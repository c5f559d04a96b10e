#include "picture_svg.h"

#include <string.h>

enum { HEIGHT = 76, FIRST = 18, LINE = 18, LINE_CHARS = 46, MAX_LINES = 3 };

void picture_none(const struct picture_head *head, const char *why, struct arena *a, struct buf *out)
{
	struct svg s = svg_open(out, a, head, why, HEIGHT);

	for (int i = 0; i < MAX_LINES && *why; i++) {
		size_t length = strlen(why), cut = length;

		/* The last line holds the rest, which svg_text cuts. */
		if (length > LINE_CHARS && i + 1 < MAX_LINES)
			for (cut = LINE_CHARS; cut > 0 && why[cut] != ' ';)
				cut--;
		if (cut == 0)
			cut = length;
		svg_text(&s, 0, FIRST + LINE * i, SVG_LEFT, "", arena_strndup(a, why, cut));
		why += cut;
		why += *why == ' ';
	}
	svg_close(&s);
}
