/* A panel: rows (account, as-of day, what happened within the horizon) made elsewhere, by which scores are judged. CSV,
 * packed with gzip or not; columns acct and date, and where there are any y (0 or 1), split (train or test; without it
 * all rows are for the test), q (rows with the same q are one queue; without it those of one day), event_day (a date,
 * or a number of days on the scale of the column T). Other columns are ignored. Ceilings: those of csv.h, and as many
 * rows as are judged in less than the gigabyte that a command may take. */
#ifndef PANEL_H
#define PANEL_H

#include "common/clock.h"

enum { PANEL_MAX_ROWS = 500000, PANEL_MAX_KEY_BYTES = 200, PANEL_NO_LABEL = -1 };

struct panel_row {
	const char *account; /* the account's key at its source */
	const char *queue;   /* NULL: its day */
	int32_t day;
	int32_t event_on;    /* DAY_NONE: none, or not told */
	int label;           /* 0, 1 or PANEL_NO_LABEL */
	bool is_train;
};

struct panel {
	const struct panel_row *rows; /* in the order of the file */
	size_t n, n_train;
	bool has_labels;              /* each row has one */
	int64_t horizon_days;         /* the usual horizon that holds every event of a row with y = 1; 0: nothing tells */
};

/* ERR_INPUT with the line when the file is no panel. */
int panel_read(const char *path, struct arena *a, struct panel *out, struct err *err) MUST_USE;

#endif
