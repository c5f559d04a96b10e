/* What the views of `retaind nrr` share: the book that figures come from, the window that was asked for, and how
 * amounts, ratios and the policy are printed. A new view is its function here and a row in cmd_nrr.c. */
#ifndef CLI_NRR_REPORT_H
#define CLI_NRR_REPORT_H

#include <stdio.h>

#include "cli/cli.h"
#include "common/json.h"
#include "score/nrr.h"

struct nrr_report {
	struct cli *cli;
	const struct session *session;
	const struct nrr_policy *policy;
	struct revenue facts;
	struct book book;      /* of the revenue that was asked for: committed, or with --revenue usage the other */
	bool is_usage;
	enum nrr_by by;
	bool is_by_month;
	int window;            /* months; 12 where none was given */
	bool has_window;
	struct nrr_span span;  /* ends on --to, else on the day of the report */
	const char *notes[8];  /* what is left out, or counts otherwise than one might think */
	size_t n_notes;
};

typedef int (*nrr_view_fn)(struct nrr_report *r, struct err *err);

int nrr_print_windows(struct nrr_report *r, struct err *err) MUST_USE;   /* --by, or CSV of every month */
int nrr_print_summary(struct nrr_report *r, struct err *err) MUST_USE;   /* one window: waterfall and ratios */
int nrr_print_accounts(struct nrr_report *r, struct err *err) MUST_USE;
int nrr_print_movements(struct nrr_report *r, struct err *err) MUST_USE;
int nrr_print_cohorts(struct nrr_report *r, struct err *err) MUST_USE;
int nrr_print_policy(struct nrr_report *r, struct err *err) MUST_USE;
int nrr_print_steer(struct nrr_report *r, struct err *err) MUST_USE;     /* which engine to work on first */

/* The book of usage revenue or of committed revenue, in the currency that was asked for. */
int nrr_report_book(const struct nrr_report *r, enum book_revenue revenue, struct book *out, struct err *err) MUST_USE;
/* One window of a book, everything in it. */
int nrr_report_whole(const struct book *b, struct nrr_span span, struct arena *a, struct nrr_window *out,
                     struct err *err) MUST_USE;

/* The same window of usage revenue, where the policy keeps it apart; its currency may be another one. Returns 0 when
 * there is nothing to tell. */
struct nrr_usage_part {
	struct nrr_window window;
	const char *currency;
};
int nrr_report_usage(const struct nrr_report *r, struct nrr_usage_part *out, struct err *err) MUST_USE;

const char *nrr_method_text(const struct nrr_policy *p); /* "point to point" */
/* "upsell + cross-sell"; an account may have moved in several ways, and one that has not says so: "unchanged". */
const char *nrr_cause_text(struct arena *a, const struct nrr_sums *s);
const char *nrr_percent(struct arena *a, const struct nrr_window *w, double ratio); /* "-" when there is none */
/* How much was gained for each unit lost; NULL where nothing was lost. */
const char *nrr_quick_text(struct arena *a, const struct nrr_sums *s, int decimals);
/* start + what came - what went - end: 0, or we have made a mistake that must be seen. */
int64_t nrr_residual(const struct nrr_sums *s);
void nrr_report_note(struct nrr_report *r, const char *note);
/* Why the rules of owner books count an account in nobody's, and who holds it; NULL: they do count it. */
const char *nrr_owner_why(const struct nrr_report *r, int32_t account, const char **out_owner);
/* All such accounts with their reasons: behind a table, or as the member "excluded" of j. */
struct nrr_json;
int nrr_print_excluded(const struct nrr_report *r, struct nrr_json *j, struct err *err) MUST_USE;
/* The last lines of every table: notes, how it was computed and by which rules. */
void nrr_print_footer(const struct nrr_report *r);
/* Rules, several a line. */
void nrr_print_lines(FILE *to, const char *const *lines, size_t n);
/* CSV is rows only: what they were made with goes to standard error, unless -q. */
void nrr_note_policy(const struct nrr_report *r);
/* There, too: why rows or their ratios are missing; NULL: they are not. */
void nrr_note_reason(const char *why_none);

/* A ratio as what it is made of; there is none where the whole is 0. */
struct nrr_ratio { int64_t part, whole; };

/* A JSON report: an object that begins with day, currency, method and policy. Printed as it grows: a flush after each
 * row keeps it small. */
struct nrr_json {
	struct buf text;
	struct json_out out;
};
void nrr_json_open(struct nrr_json *j, const struct nrr_report *r, const char *report);
void nrr_json_flush(struct nrr_json *j);
void nrr_json_close(struct nrr_json *j);
/* The member "policy": preset, hash and rules. */
void nrr_json_policy(struct json_out *o, const struct nrr_policy *p, struct arena *a);
/* Members of the object that is open; of a ratio NAME, null where there is none, and NAME_exact. */
void nrr_json_ratio(struct json_out *o, struct arena *a, const char *name, struct nrr_ratio ratio);
void nrr_json_sums(struct json_out *o, const struct nrr_sums *s);
/* A whole object: span, group, sums, ratios and the reason why there are none. */
void nrr_json_window(struct json_out *o, const struct nrr_report *r, const char *key, const struct nrr_window *w,
                     int months);

#endif
