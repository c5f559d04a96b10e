#include "common/markup.h"

void markup_text(struct buf *b, const char *text)
{
	static const struct { char c; const char *as; } all[] = {
		{ '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" }, { '"', "&quot;" }, { '\'', "&#39;" },
	};

	for (; *text; text++) {
		size_t i = 0;

		while (i < ARRAY_LEN(all) && all[i].c != *text)
			i++;
		if (i < ARRAY_LEN(all))
			buf_text(b, all[i].as);
		else if ((unsigned char)*text >= ' ' && *text != 0x7f)
			buf_char(b, *text);
	}
}
