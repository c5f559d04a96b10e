#include "nrr_report.h"

#include <stdio.h>
#include <string.h>

enum { LINE_CHARS = 116 };

int nrr_report_whole(const struct book *b, struct nrr_span span, struct arena *a, struct nrr_window *out,
                     struct err *err)
{
	const struct nrr_query query = { .spans = &span, .n_spans = 1, .by = 1u << NRR_BY_ALL };
	struct nrr_table tables[N_NRR_BY];

	if (nrr_compute(b, &query, a, tables, err) < 0)
		return -1;
	*out = tables[NRR_BY_ALL].rows[0];
	return 0;
}

int nrr_report_usage(const struct nrr_report *r, struct nrr_usage_part *out, struct err *err)
{
	struct book usage;

	if (r->is_usage || r->policy->usage != USAGE_SEPARATE)
		return 0;
	if (nrr_report_book(r, BOOK_USAGE, &usage, err) < 0)
		return err_in(err, "usage revenue");
	if (!usage.n_pieces)
		return 0;
	out->currency = usage.currency;
	return nrr_report_whole(&usage, r->span, r->cli->arena, &out->window, err) < 0 ? err_in(err, "usage revenue") : 1;
}

const char *nrr_method_text(const struct nrr_policy *p)
{
	static const char *const names[] = {
		[NRR_POINT_TO_POINT] = "point to point", [NRR_MOVEMENT_SUM] = "movement sum",
	};

	return names[p->method];
}

const char *nrr_percent(struct arena *a, const struct nrr_window *w, double ratio)
{
	return w->why_none ? "-" : arena_printf(a, "%.1f %%", 100 * ratio);
}

const char *nrr_quick_text(struct arena *a, const struct nrr_sums *s, int decimals)
{
	double quick;

	return nrr_quick_ratio(s, &quick) ? arena_printf(a, "%.*f", decimals, quick) : NULL;
}

int64_t nrr_residual(const struct nrr_sums *s)
{
	return s->start_minor + s->added_minor + s->expansion_minor + s->reactivation_minor + s->fx_minor -
	       s->contraction_minor - s->churn_minor - s->end_minor;
}

void nrr_report_note(struct nrr_report *r, const char *note)
{
	if (r->n_notes < ARRAY_LEN(r->notes))
		r->notes[r->n_notes++] = note;
}

static const char *method_explained(const struct nrr_policy *p)
{
	static const char *const texts[] = {
		[NRR_POINT_TO_POINT] = "point to point: each account is compared with itself at both ends of the window",
		[NRR_MOVEMENT_SUM] = "movement sum: each account's gains and losses within the window are added up apart",
	};

	return texts[p->method];
}

void nrr_print_lines(FILE *to, const char *const *lines, size_t n)
{
	size_t column = 0;

	for (size_t i = 0; i < n; i++) {
		size_t length = strlen(lines[i]);

		if (column && column + 2 + length > LINE_CHARS) {
			(void)fputc('\n', to);
			column = 0;
		}
		(void)fprintf(to, "%s%s", column ? "; " : "  ", lines[i]);
		column += length + 2;
	}
	if (n)
		(void)fputc('\n', to);
}

static const char *const *policy_lines(const struct nrr_policy *p, struct arena *a, size_t *n)
{
	const char **lines;

	for (*n = 0; nrr_policy_line(p, *n, a); ++*n)
		continue;
	lines = arena_array(a, *n, sizeof *lines);
	for (size_t i = 0; i < *n; i++)
		lines[i] = nrr_policy_line(p, i, a);
	return lines;
}

void nrr_print_footer(const struct nrr_report *r)
{
	struct arena *a = r->cli->arena;
	size_t n;
	const char *const *lines = policy_lines(r->policy, a, &n);

	(void)putchar('\n');
	for (size_t i = 0; i < r->n_notes; i++)
		(void)printf("%s\n", r->notes[i]);
	(void)printf("Method: %s.\n", method_explained(r->policy));
	(void)printf("Policy %s, hash %s\n", r->policy->preset, nrr_policy_hash(r->policy, a));
	nrr_print_lines(stdout, lines, n);
}

void nrr_note_reason(const char *why_none)
{
	if (why_none)
		(void)fprintf(stderr, "%s\n", why_none);
}

void nrr_note_policy(const struct nrr_report *r)
{
	if (r->cli->verbosity < 0)
		return;
	for (size_t i = 0; i < r->n_notes; i++)
		(void)fprintf(stderr, "%s\n", r->notes[i]);
	(void)fprintf(stderr, "%s; policy %s, hash %s (retaind nrr --policy)\n", nrr_method_text(r->policy),
	              r->policy->preset, nrr_policy_hash(r->policy, r->cli->arena));
}

static void print_rules(const struct nrr_report *r)
{
	static const struct table_column columns[] = { { "rule", false } };
	struct arena *a = r->cli->arena;
	struct table *t = table_new(a, columns, ARRAY_LEN(columns));
	const char *line;

	for (size_t i = 0; (line = nrr_policy_line(r->policy, i, a)); i++)
		table_row(t, &line);
	if (r->cli->format == FORMAT_TABLE)
		(void)printf("Policy %s, hash %s\n\n", r->policy->preset, nrr_policy_hash(r->policy, a));
	table_print(t, r->cli->format);
	if (r->cli->format == FORMAT_CSV)
		nrr_note_policy(r);
}

int nrr_print_policy(struct nrr_report *r, struct err *err)
{
	struct nrr_json j;

	(void)err;
	if (r->cli->format != FORMAT_JSON) {
		print_rules(r);
		return 0;
	}
	nrr_json_open(&j, r, "policy");
	nrr_json_close(&j);
	return 0;
}
