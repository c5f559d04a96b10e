/* The rules that kept reports were made by: those of their own day, which need not be today's. */
#include <stdio.h>
#include <string.h>

#include "nrr_kept.h"
#include "nrr_report.h"

/* "a\nb\n" -> a, b; NULL: nothing is known of them. */
static const char *const *lines_of(struct arena *a, const char *text, size_t *n)
{
	const char **lines = arena_array(a, text ? strlen(text) + 1 : 1, sizeof *lines);

	for (*n = 0; text && *text; ++*n) {
		size_t length = strcspn(text, "\n");

		lines[*n] = arena_strndup(a, text, length);
		text += length + (text[length] != '\0');
	}
	return lines;
}

static int load_lines(const struct session *s, const char *hash, struct arena *a, const char *const **out, size_t *n,
                      struct err *err)
{
	const char *text;

	if (nrr_policy_load(s->db, hash, a, &text, err) < 0)
		return -1;
	*out = lines_of(a, text, n);
	return 0;
}

static bool is_told(const struct nrr_snapshot *list, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(list[k].policy_hash, list[i].policy_hash) == 0)
			return true;
	return false;
}

int nrr_kept_footer(const struct cli *c, const struct session *s, const struct nrr_snapshot *list, size_t n,
                    struct err *err)
{
	FILE *to = c->format == FORMAT_TABLE ? stdout : stderr;
	const struct nrr_policy *today = &s->org->nrr;

	if (c->format == FORMAT_CSV && c->verbosity < 0)
		return 0;
	if (c->format == FORMAT_TABLE)
		(void)fputc('\n', to);
	if (!n)
		(void)fprintf(to, "Policy %s, hash %s (retaind nrr --policy)\n", today->preset,
		              nrr_policy_hash(today, c->arena));
	for (size_t i = 0; i < n; i++) {
		const char *const *lines;
		size_t n_lines;

		if (is_told(list, i))
			continue;
		if (load_lines(s, list[i].policy_hash, c->arena, &lines, &n_lines, err) < 0)
			return -1;
		(void)fprintf(to, "Policy, hash %s%s\n", list[i].policy_hash, n_lines ? "" : ": its rules are not known");
		nrr_print_lines(to, lines, n_lines);
	}
	return 0;
}

static int put_policies(struct json_out *o, const struct session *s, const struct nrr_snapshot *list, size_t n,
                        struct arena *a, struct err *err)
{
	json_open_array(o, "policies");
	for (size_t i = 0; i < n; i++) {
		const char *const *lines;
		size_t n_lines;

		if (is_told(list, i))
			continue;
		if (load_lines(s, list[i].policy_hash, a, &lines, &n_lines, err) < 0)
			return -1;
		json_open_object(o, NULL);
		json_put_text(o, "hash", list[i].policy_hash);
		json_open_array(o, "rules");
		for (size_t k = 0; k < n_lines; k++)
			json_put_text(o, NULL, lines[k]);
		json_close_array(o);
		json_close_object(o);
	}
	json_close_array(o);
	return 0;
}

int nrr_kept_open(struct json_out *o, const char *report, const struct session *s, const struct nrr_snapshot *list,
                  size_t n, struct arena *a, struct err *err)
{
	json_open_object(o, NULL);
	json_put_text(o, "report", report);
	json_put_text(o, "organisation", s->org->name);
	json_put_text(o, "as_of", day_text(a, s->as_of));
	nrr_json_policy(o, &s->org->nrr, a);
	if (put_policies(o, s, list, n, a, err) < 0)
		return -1;
	json_open_array(o, "reports");
	return 0;
}

void nrr_kept_close(struct json_out *o)
{
	json_close_array(o);
	json_close_object(o);
}
