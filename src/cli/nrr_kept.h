/* What `retaind nrr` says of closed months: the reports as they were kept, and what changed them since. */
#ifndef NRR_KEPT_H
#define NRR_KEPT_H

#include "cli/cli.h"
#include "common/json.h"
#include "score/nrr.h"
#include "store/nrr_snapshots.h"

/* nrr --month M: that month's reports, every revision; with --by owner the books as they were frozen. */
int nrr_kept(struct cli *c, const struct session *s, struct err *err) MUST_USE;
/* nrr --restated [--month M]: the reports that differ from the ones before, account by account, and why. */
int nrr_restated(struct cli *c, const struct session *s, struct err *err) MUST_USE;

/* One sentence on the closed months that moved since a day, of the books that somebody sees; NULL: none did. */
struct nrr_moved_query {
	bool (*is_seen)(const void *who, const char *owner_email); /* of nobody's book: "" */
	const void *who;
	int32_t since;
	const struct words *words; /* that the line is in; NULL: English */
};
int nrr_moved(const struct session *s, const struct nrr_moved_query *query, struct arena *a, const char **out,
              struct err *err) MUST_USE;

/* Kept sums with their ratios. */
struct nrr_window nrr_kept_window(const struct nrr_snapshot *s);
/* The month of a report, "2026-02". */
const char *nrr_kept_month(struct arena *a, const struct nrr_snapshot *s);
/* Which reports --month M asks for, all months without it; as known on the session's day. */
int nrr_kept_query(const struct cli *c, const struct session *s, struct nrr_snapshot_query *out,
                   struct err *err) MUST_USE;
/* Behind a table: the policies of these reports, each once with its hash and rules; behind CSV the same on standard
 * error, unless -q. Of no report: today's. */
int nrr_kept_footer(const struct cli *c, const struct session *s, const struct nrr_snapshot *list, size_t n,
                    struct err *err) MUST_USE;
/* The same as JSON: an object with the organisation, the day, today's policy and those of the reports, whose array
 * "reports" is left open. */
int nrr_kept_open(struct json_out *o, const char *report, const struct session *s, const struct nrr_snapshot *list,
                  size_t n, struct arena *a, struct err *err) MUST_USE;
void nrr_kept_close(struct json_out *o);
/* "98.0 %", or - where there is no ratio. */
const char *nrr_kept_percent(struct arena *a, const struct nrr_window *w, double ratio);

#endif
