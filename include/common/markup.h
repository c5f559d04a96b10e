/* Text into HTML and SVG. */
#ifndef COMMON_MARKUP_H
#define COMMON_MARKUP_H

#include "common/buf.h"

/* Escapes what has a meaning in markup, in texts and in quoted attributes; leaves out control characters, which XML
 * does not allow. The text is valid UTF-8. */
void markup_text(struct buf *b, const char *text);

#endif
