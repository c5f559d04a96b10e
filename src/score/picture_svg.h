/* What all pictures are drawn with: the frame with its style and patterns, texts, and scales. */
#ifndef SCORE_PICTURE_SVG_H
#define SCORE_PICTURE_SVG_H

#include "score/picture.h"

enum { SVG_LEFT, SVG_MIDDLE, SVG_RIGHT }; /* where a text is held */

struct svg {
	struct buf *out;
	struct arena *arena;
	const char *id;
};

/* describe: what the picture shows, for those who do not see it. */
struct svg svg_open(struct buf *out, struct arena *a, const struct picture_head *head, const char *describe,
                    int height);
void svg_close(struct svg *s);
/* kind: "" the ink, "m" muted, "b" bold. */
void svg_text(struct svg *s, double x, double y, int held, const char *kind, const char *text);
/* kind: "up", "down" (hatched), "level", or of the heat map "h0" ... */
void svg_box(struct svg *s, double x, double y, double width, double height, const char *kind);
void svg_line(struct svg *s, double x0, double y0, double x1, double y1, const char *kind);

/* "104.2 %", from ten times on "12 x"; "-" for NAN. */
const char *picture_percent(struct arena *a, double ratio, int decimals);
/* Percent in at most three characters: "104", from ten times on "12x". */
const char *picture_cell(struct arena *a, double ratio);

#endif
