/* What the renderers share among themselves. */
#ifndef DIGEST_RENDER_PARTS_H
#define DIGEST_RENDER_PARTS_H

#include "common/buf.h"
#include "digest/render.h"

int render_text(const struct digest *d, const struct render_to *to, struct arena *a, struct rendered *out,
                struct err *err);
int render_html(const struct digest *d, const struct render_to *to, struct arena *a, struct rendered *out,
                struct err *err);
int render_slack(const struct digest *d, const struct render_to *to, struct arena *a, struct rendered *out,
                 struct err *err);
int render_teams(const struct digest *d, const struct render_to *to, struct arena *a, struct rendered *out,
                 struct err *err);
int render_google_chat(const struct digest *d, const struct render_to *to, struct arena *a, struct rendered *out,
                       struct err *err);
int render_discord(const struct digest *d, const struct render_to *to, struct arena *a, struct rendered *out,
                   struct err *err);
int render_mattermost(const struct digest *d, const struct render_to *to, struct arena *a, struct rendered *out,
                      struct err *err);
int render_slack_thread(const struct digest *d, const struct render_to *to, struct arena *a, struct rendered *out,
                        struct err *err);
int render_json(const struct digest *d, const struct render_to *to, struct arena *a, struct rendered *out,
                struct err *err);
int render_email(const struct digest *d, const struct render_to *to, struct arena *a, struct rendered *out,
                 struct err *err);

/* A message of one part without a fallback. */
struct rendered rendered_one(struct arena *a, const char *content_type, const void *body, size_t len);

/* The digest as plain text and as a whole HTML page, the first n_items items of all sections in order; what is beyond
 * is counted. Facts are the same in both. */
void digest_write_text(struct buf *b, struct arena *a, const struct digest *d, size_t n_items);
void digest_write_html(struct buf *b, struct arena *a, const struct digest *d, size_t n_items);
bool digest_section_is_empty(const struct digest_section *s);
size_t digest_n_items(const struct digest *d);
/* How many of a section's items are shown when *n_left are, which it takes from there. */
size_t digest_take_items(const struct digest_section *s, size_t *n_left);
/* How many items an HTML page of at most HTML_BYTES has room for: with the line ends of mail it stays below 90 KB,
 * since mail programs cut off what is longer than about 100. */
enum { HTML_BYTES = 88 * 1000 };
size_t digest_html_fit(struct arena *a, const struct digest *d);
/* "+12 more, for which there is no room here"; NULL when all are shown. */
const char *digest_cut_text(struct arena *a, const struct digest_section *s, size_t n_shown);
/* One that stood in the last digest and is no worse is told in short: who, how much, by when, why, what to do. */
bool digest_item_is_brief(const struct digest_item *item);
/* How many lines of evidence are shown, and what to say of the others: "and 2 more signs"; NULL: nothing. */
size_t digest_item_n_evidence(const struct digest_item *item);
const char *digest_item_more(struct arena *a, const struct digest_item *item);
/* Whether what ended is told before item i of n_shown (n_shown: behind the last): with what changed. */
bool digest_news_come(const struct digest_section *s, size_t i, size_t n_shown);
/* What begins with item i where a section has both what changed and what stands: "Still open"; NULL. */
const char *digest_group_title(struct arena *a, const struct digest_section *s, size_t i);
/* An item as a screen reader or a notification says it. */
const char *digest_spoken(struct arena *a, const struct digest_item *item, size_t number);
/* A step in columns of characters: its label to the left, its amount to the right. */
const char *digest_step_line(struct arena *a, const struct digest_nrr *n, size_t i);
/* Without any revenue there is nothing to draw; its ratios say why. */
bool digest_nrr_is_empty(const struct digest_nrr *n);
/* Why it came, how it ends. */
const char *digest_footer(struct arena *a, const struct digest *d);

#endif
