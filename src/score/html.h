/* Texts that systems give as HTML (notes, mails), as plain text for the lexicons. */
#ifndef SCORE_HTML_H
#define SCORE_HTML_H

#include "common/arena.h"

/* Without tags: blocks stand in paragraphs of their own, what is quoted (blockquote) and what nobody sees (style,
 * script, head) is left out, entities are characters. A text with no tag that HTML knows comes back as it is;
 * "<jo@x.example>" is none. At most 16,000 bytes are looked at. */
const char *html_plain(struct arena *a, const char *text);

#endif
