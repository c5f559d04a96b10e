#include "cli/cli.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "common/json.h"
#include "common/text.h"

enum { CELL_MAX_CHARS = 1000, LINE_MAX_BYTES = 1 << 20 };

struct row {
	struct row *next;
	const char *cells[]; /* n of the columns */
};

struct table {
	struct arena *arena;
	const struct table_column *columns;
	int n;
	struct row *first, *last;
};

struct table *table_new(struct arena *a, const struct table_column *columns, int n)
{
	struct table *t = arena_alloc(a, sizeof *t);

	*t = (struct table){ .arena = a, .columns = columns, .n = n };
	return t;
}

void table_row(struct table *t, const char *const *cells)
{
	struct row *r = arena_alloc(t->arena, sizeof *r + (size_t)t->n * sizeof *r->cells);

	for (int i = 0; i < t->n; i++)
		r->cells[i] = cells[i] ? text_clean(t->arena, cells[i], CELL_MAX_CHARS) : NULL;
	if (t->last)
		t->last->next = r;
	else
		t->first = r;
	t->last = r;
}

const char *cell_int(struct arena *a, int64_t n)
{
	return arena_printf(a, "%" PRId64, n);
}

const char *cell_instant(struct arena *a, int64_t at)
{
	return at == INSTANT_NONE ? NULL : instant_text(a, at);
}

static const char *text_of(const char *cell)
{
	return cell ? cell : "";
}

static size_t width_of(const struct table *t, int column)
{
	size_t width = utf8_length(t->columns[column].title);

	for (const struct row *r = t->first; r; r = r->next) {
		size_t length = utf8_length(text_of(r->cells[column]));

		width = length > width ? length : width;
	}
	return width;
}

/* One cell with its blanks; the last column of a line has none behind it. */
static void print_cell(const struct table *t, int column, size_t width, const char *text)
{
	int blanks = (int)(width - utf8_length(text));
	bool is_number = t->columns[column].is_number, is_last = column == t->n - 1;

	(void)printf("%s%*s%s%*s", column ? "  " : "", is_number ? blanks : 0, "", text,
	             is_number || is_last ? 0 : blanks, "");
}

static void print_aligned(const struct table *t)
{
	size_t *widths = arena_array(t->arena, (size_t)t->n, sizeof *widths);

	for (int i = 0; i < t->n; i++) {
		widths[i] = width_of(t, i);
		print_cell(t, i, widths[i], t->columns[i].title);
	}
	(void)putchar('\n');
	for (const struct row *r = t->first; r; r = r->next) {
		for (int i = 0; i < t->n; i++)
			print_cell(t, i, widths[i], text_of(r->cells[i]));
		(void)putchar('\n');
	}
}

/* A spreadsheet would run what begins like a formula: an apostrophe makes it a text again. Only what is a number may
 * begin with a sign; tabs and line ends, which would count too, are not in a cleaned cell. */
static bool is_formula(const char *text, bool is_number)
{
	double value;

	return *text && strchr("=+-@", *text) && !(is_number && text_to_real(text, &value));
}

static void print_csv_cell(const char *text, bool is_number)
{
	bool needs_quotes = strpbrk(text, ",\"");

	if (needs_quotes)
		(void)putchar('"');
	if (is_formula(text, is_number))
		(void)putchar('\'');
	for (; *text; text++) {
		if (*text == '"')
			(void)putchar('"');
		(void)putchar(*text);
	}
	if (needs_quotes)
		(void)putchar('"');
}

static void print_csv_rows(const struct table *t)
{
	for (const struct row *r = t->first; r; r = r->next) {
		for (int i = 0; i < t->n; i++) {
			(void)fputs(i ? "," : "", stdout);
			print_csv_cell(text_of(r->cells[i]), t->columns[i].is_number);
		}
		(void)putchar('\n');
	}
}

static void print_csv(const struct table *t)
{
	for (int i = 0; i < t->n; i++) {
		(void)fputs(i ? "," : "", stdout);
		print_csv_cell(t->columns[i].title, false);
	}
	(void)putchar('\n');
	print_csv_rows(t);
}

/* "Act by" -> "act_by" */
static char *member_name(struct arena *a, const char *title)
{
	char *name = arena_strdup(a, title);

	for (char *at = name; *at; at++)
		*at = isalnum((unsigned char)*at) ? (char)tolower((unsigned char)*at) : '_';
	return name;
}

/* A number cell is written as it stands when it is a JSON number; anything else ("12 %") stays a text. */
static void put_cell(struct json_out *o, const char *name, const char *cell, bool is_number)
{
	size_t digits = cell ? strspn(cell, "-") : 0;
	double value;
	bool is_json = is_number && cell && digits <= 1 && isdigit((unsigned char)cell[digits]) &&
	               !(cell[digits] == '0' && isdigit((unsigned char)cell[digits + 1])) &&
	               isdigit((unsigned char)cell[strlen(cell) - 1]) && text_to_real(cell, &value);

	if (is_json)
		json_put_raw(o, name, cell);
	else
		json_put_text(o, name, cell);
}

static void print_json(const struct table *t)
{
	const char **names = arena_array(t->arena, (size_t)t->n, sizeof *names);

	for (int i = 0; i < t->n; i++)
		names[i] = member_name(t->arena, t->columns[i].title);
	(void)putchar('[');
	for (const struct row *r = t->first; r; r = r->next) {
		CLEANUP(buf_done) struct buf line;
		struct json_out o;

		buf_init(&line, LINE_MAX_BYTES);
		o = json_out_to(&line);
		json_open_object(&o, NULL);
		for (int i = 0; i < t->n; i++)
			put_cell(&o, names[i], r->cells[i], t->columns[i].is_number);
		json_close_object(&o);
		(void)printf("%s\n  %s", r == t->first ? "" : ",", line.at);
	}
	(void)puts("\n]");
}

void table_print(const struct table *t, enum cli_format format)
{
	static void (*const printers[])(const struct table *) = {
		[FORMAT_TABLE] = print_aligned, [FORMAT_JSON] = print_json, [FORMAT_CSV] = print_csv
	};

	printers[format](t);
}

void table_print_more(const struct table *t)
{
	print_csv_rows(t);
}
