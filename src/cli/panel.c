#include "panel.h"

#include <fcntl.h>
#include <math.h>
#include <string.h>

#include "common/csv.h"
#include "common/fd.h"
#include "common/text.h"
#include "common/unpack.h"

enum column { COLUMN_ACCT, COLUMN_DATE, COLUMN_Y, COLUMN_SPLIT, COLUMN_Q, COLUMN_EVENT_DAY, COLUMN_T, N_COLUMNS };
static const char *const column_names[N_COLUMNS] = { "acct", "date", "y", "split", "q", "event_day", "T" };
static const int64_t usual_horizons[] = { 30, 60, 90, 120, 180, 365, 730 };

struct reading {
	struct arena *arena;
	int places[N_COLUMNS]; /* -1: not there */
	struct panel_row *rows;
	size_t n, room;
};

/* A file that is cut short or damaged stays so: another try does not help. */
static int unpack_panel(int file, int plain, struct err *err)
{
	CLEANUP(unpack_freep) struct unpack *unpack = NULL;
	const struct unpack_settings settings = { .is_gzip = true };

	if (unpack_open(&settings, file, &unpack, err) == 0 && unpack_next(unpack, plain, err) >= 0)
		return 0;
	if (err->kind == ERR_RETRY)
		err->kind = ERR_INPUT;
	return -1;
}

/* Opens it, unpacked where it is packed. */
static int open_panel(const char *path, struct csv **out, struct err *err)
{
	CLEANUP(fd_closep) int file = open(path, O_RDONLY | O_CLOEXEC), plain = -1;
	int rc;

	if (file < 0)
		return err_errno(err, ERR_INPUT, "%s", path);
	plain = fd_nameless(NULL, err);
	if (plain < 0 || unpack_panel(file, plain, err) < 0 || fd_rewind(plain, false, err) < 0)
		return err_in(err, "%s", path);
	rc = csv_open_fd(plain, 0, 0, out, err); /* which closes it */
	plain = -1;
	return rc < 0 ? err_in(err, "%s", path) : 0;
}

static int read_header(struct csv *csv, struct reading *r, struct err *err)
{
	struct csv_row row;
	int rc = csv_next(csv, &row, err);

	if (rc <= 0)
		return rc < 0 ? -1 : err_set(err, ERR_INPUT, "is empty, expected the columns acct, date, y, split");
	for (int c = 0; c < N_COLUMNS; c++) {
		r->places[c] = -1;
		for (size_t i = 0; i < row.n; i++)
			if (strcmp(row.fields[i], column_names[c]) == 0)
				r->places[c] = (int)i;
	}
	if (r->places[COLUMN_ACCT] < 0 || r->places[COLUMN_DATE] < 0)
		return err_set(err, ERR_INPUT, "has no column %s", column_names[r->places[COLUMN_ACCT] < 0 ? 0 : 1]);
	return 0;
}

/* The text of a column; "" when the row has none. */
static const char *text_at(const struct reading *r, const struct csv_row *row, enum column c)
{
	return r->places[c] >= 0 && (size_t)r->places[c] < row->n ? row->fields[r->places[c]] : "";
}

/* The day of the event: a date, or as far from the row's day as it is from T. */
static int32_t event_day(const struct reading *r, const struct csv_row *row, int32_t day)
{
	const char *text = text_at(r, row, COLUMN_EVENT_DAY);
	double event, t;
	int32_t on;

	if (day_parse(text, &on))
		return on;
	if (!text_to_real(text, &event) || !text_to_real(text_at(r, row, COLUMN_T), &t) || fabs(event - t) > 1e6)
		return DAY_NONE;
	return day + (int32_t)lround(event - t);
}

static int read_label(const char *text, int *out, struct err *err)
{
	double label;

	*out = PANEL_NO_LABEL;
	if (!*text)
		return 0;
	if (!text_to_real(text, &label) || label < 0 || (label > 0 && label < 1) || label > 1)
		return err_set(err, ERR_INPUT, "y is \"%.20s\", expected 0 or 1", text);
	*out = label > 0;
	return 0;
}

static int read_row(struct reading *r, const struct csv_row *row, struct err *err)
{
	const char *account = text_at(r, row, COLUMN_ACCT), *date = text_at(r, row, COLUMN_DATE);
	const char *queue = text_at(r, row, COLUMN_Q);
	struct panel_row p = { .is_train = strcmp(text_at(r, row, COLUMN_SPLIT), "train") == 0 };

	if (!*account || !day_parse(date, &p.day))
		return err_set(err, ERR_INPUT, "acct is \"%.40s\", date is \"%.40s\", expected a key and a day (2026-03-01)",
		               account, date);
	if (strlen(account) > PANEL_MAX_KEY_BYTES || strlen(queue) > PANEL_MAX_KEY_BYTES)
		return err_set(err, ERR_INPUT, "%s is longer than %d bytes",
		               strlen(account) > PANEL_MAX_KEY_BYTES ? "acct" : "q", PANEL_MAX_KEY_BYTES);
	if (read_label(text_at(r, row, COLUMN_Y), &p.label, err) < 0)
		return -1;
	if (r->n == PANEL_MAX_ROWS)
		return err_set(err, ERR_INPUT, "has more than %d rows", PANEL_MAX_ROWS);
	if (r->n == r->room) {
		r->room = r->room ? 2 * r->room : 1024;
		r->rows = arena_grow(r->arena, r->rows, r->n, r->room, sizeof *r->rows);
	}
	p.account = arena_strdup(r->arena, account);
	p.queue = *queue ? arena_strdup(r->arena, queue) : NULL;
	p.event_on = event_day(r, row, p.day);
	r->rows[r->n++] = p;
	return 0;
}

static int64_t horizon_of(const struct panel_row *rows, size_t n)
{
	int64_t longest = 0;

	for (size_t i = 0; i < n; i++)
		if (rows[i].label == 1 && rows[i].event_on != DAY_NONE && (int64_t)rows[i].event_on - rows[i].day > longest)
			longest = (int64_t)rows[i].event_on - rows[i].day;
	for (size_t i = 0; longest && i < ARRAY_LEN(usual_horizons); i++)
		if (longest <= usual_horizons[i])
			return usual_horizons[i];
	return longest;
}

int panel_read(const char *path, struct arena *a, struct panel *out, struct err *err)
{
	CLEANUP(csv_closep) struct csv *csv = NULL;
	struct reading r = { .arena = a };
	struct panel panel = { .has_labels = true };
	struct csv_row row;
	int rc;

	if (open_panel(path, &csv, err) < 0)
		return -1;
	if (read_header(csv, &r, err) < 0)
		return err_in(err, "%s", path);
	while ((rc = csv_next(csv, &row, err)) > 0)
		if (read_row(&r, &row, err) < 0)
			return err_in(err, "%s:%lld", path, (long long)row.line);
	if (rc < 0)
		return err_in(err, "%s", path);
	panel.rows = r.rows;
	panel.n = r.n;
	for (size_t i = 0; i < r.n; i++) {
		panel.n_train += r.rows[i].is_train;
		panel.has_labels = panel.has_labels && r.rows[i].label != PANEL_NO_LABEL;
	}
	panel.horizon_days = horizon_of(r.rows, r.n);
	*out = panel;
	return 0;
}
