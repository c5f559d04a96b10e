/* STATE/orgs/ORG/weights/NNNN.yaml: what `retaind calibrate` fitted, newest first, unless `score: {weights: }` says
 * which. Part of an organisation's judgement, and so of its configuration's version. */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/text.h"
#include "load.h"

struct weights_file {
	struct weights_settings s;
	const struct yaml *defense, *expansion;
	int64_t horizon_s;
};

struct curve_file {
	const char *name;
	struct texts at, logit;
};

struct quality_file { double auc, log_loss, brier, ece; };
static const struct yaml_field quality_fields[] = {
	{ .key = "auc", .kind = YAML_REAL, .offset = offsetof(struct quality_file, auc) },
	{ .key = "log_loss", .kind = YAML_REAL, .offset = offsetof(struct quality_file, log_loss) },
	{ .key = "brier", .kind = YAML_REAL, .offset = offsetof(struct quality_file, brier) },
	{ .key = "ece", .kind = YAML_REAL, .offset = offsetof(struct quality_file, ece) },
};
static const struct yaml_table quality_table = {
	.size = sizeof(struct quality_file), .fields = quality_fields, .n_fields = ARRAY_LEN(quality_fields)
};

static const struct yaml_field curve_fields[] = {
	{ .key = "at", .kind = YAML_TEXTS, .offset = offsetof(struct curve_file, at), .is_required = true },
	{ .key = "logit", .kind = YAML_TEXTS, .offset = offsetof(struct curve_file, logit), .is_required = true },
};
static const struct yaml_table curve_table = {
	.size = sizeof(struct curve_file), .fields = curve_fields, .n_fields = ARRAY_LEN(curve_fields)
};

/* One engine's part. Most of it is for people. */
struct engine_file {
	struct fitted_settings s;
	const char *why;
	int32_t from, judged_from;
	int64_t rows, events, accounts, lost, judged_rows, judged_events;
	struct quality_file before, after;
	struct texts gain;
	struct yaml_array signals; /* struct curve_file */
};
static const struct yaml_field engine_fields[] = {
	{ .key = "fitted", .kind = YAML_BOOL, .offset = offsetof(struct engine_file, s.is_fitted), .is_required = true },
	{ .key = "why", .kind = YAML_TEXT, .offset = offsetof(struct engine_file, why) },
	{ .key = "from", .kind = YAML_DAY, .offset = offsetof(struct engine_file, from) },
	{ .key = "to", .kind = YAML_DAY, .offset = offsetof(struct engine_file, s.until) },
	{ .key = "rows", .kind = YAML_INT, .offset = offsetof(struct engine_file, rows) },
	{ .key = "events", .kind = YAML_INT, .offset = offsetof(struct engine_file, events) },
	{ .key = "accounts", .kind = YAML_INT, .offset = offsetof(struct engine_file, accounts) },
	{ .key = "lost", .kind = YAML_INT, .offset = offsetof(struct engine_file, lost) },
	{ .key = "judged_from", .kind = YAML_DAY, .offset = offsetof(struct engine_file, judged_from) },
	{ .key = "judged_rows", .kind = YAML_INT, .offset = offsetof(struct engine_file, judged_rows) },
	{ .key = "judged_events", .kind = YAML_INT, .offset = offsetof(struct engine_file, judged_events) },
	{ .key = "before", .kind = YAML_STRUCT, .offset = offsetof(struct engine_file, before), .extra = &quality_table },
	{ .key = "after", .kind = YAML_STRUCT, .offset = offsetof(struct engine_file, after), .extra = &quality_table },
	{ .key = "gain", .kind = YAML_TEXTS, .offset = offsetof(struct engine_file, gain) },
	{ .key = "base", .kind = YAML_REAL, .offset = offsetof(struct engine_file, s.base), .min = -6, .max = 6 },
	{ .key = "family_cap", .kind = YAML_REAL, .offset = offsetof(struct engine_file, s.family_cap), .max = 100 },
	{ .key = "total_relief", .kind = YAML_REAL, .offset = offsetof(struct engine_file, s.total_relief), .max = 100 },
	{ .key = "signals", .kind = YAML_MAP, .offset = offsetof(struct engine_file, signals), .extra = &curve_table },
};
static const struct yaml_table engine_table = {
	.size = sizeof(struct engine_file), .fields = engine_fields, .n_fields = ARRAY_LEN(engine_fields)
};

static const struct yaml_field weights_fields[] = {
	{ .key = "fitted_on", .kind = YAML_DAY, .offset = offsetof(struct weights_file, s.fitted_on), .is_required = true },
	{ .key = "horizon", .kind = YAML_DURATION, .offset = offsetof(struct weights_file, horizon_s) },
	{ .key = "defense", .kind = YAML_NODE, .offset = offsetof(struct weights_file, defense) },
	{ .key = "expansion", .kind = YAML_NODE, .offset = offsetof(struct weights_file, expansion) },
};
static const struct yaml_table weights_table = {
	.size = sizeof(struct weights_file), .fields = weights_fields, .n_fields = ARRAY_LEN(weights_fields)
};

static bool read_numbers(const struct texts *texts, double *out)
{
	if (!texts->n || texts->n > MAX_KNOTS)
		return false;
	for (size_t i = 0; i < texts->n; i++)
		if (!text_to_real(texts->at[i], &out[i]) || !isfinite(out[i]))
			return false;
	return true;
}

static bool read_curve(const struct curve_file *f, struct curve *out)
{
	struct curve c = { .n = (int)f->at.n };

	if (f->at.n != f->logit.n || !read_numbers(&f->at, c.at) || !read_numbers(&f->logit, c.logit))
		return false;
	for (int i = 1; i < c.n; i++)
		if (c.at[i] <= c.at[i - 1])
			return false;
	*out = c;
	return true;
}

/* Whether a curve never goes against the signal's direction: what gets worse must not lower the score. */
static bool goes_along(const struct curve *c, const struct signal_settings *set)
{
	double way = set->low <= set->high ? 1 : -1;

	for (int i = 1; i < c->n; i++)
		if (way * (c->logit[i] - c->logit[i - 1]) < 0)
			return false;
	return true;
}

/* A signal that this program does not know (any more) is left aside: a newer one must not stop over an older fit. */
static void apply_curve(struct loading *l, const struct yaml *where, const struct curve_file *f,
                        struct score_settings *s)
{
	struct signal_settings *all = s->signals.at;

	for (size_t i = 0; i < s->signals.n; i++) {
		if (strcmp(all[i].name, f->name) != 0)
			continue;
		if (!read_curve(f, &all[i].curve))
			mistake_at(l->mistakes, where, "%s: expected at and logit with the same number of numbers, 1 to %d, at "
			                               "ascending", f->name, MAX_KNOTS);
		else if (!goes_along(&all[i].curve, &all[i]))
			mistake_at(l->mistakes, where, "%s: expected logit that only %s, as this signal's does", f->name,
			           all[i].low <= all[i].high ? "rises" : "falls");
	}
}

static void read_engine(struct loading *l, const struct yaml *where, struct score_settings *s,
                        struct fitted_settings *out)
{
	struct engine_file f = { .s = { .family_cap = s->family_cap, .total_relief = s->total_relief,
	                               .until = DAY_NONE } };
	const struct curve_file *curves;

	if (yaml_is_null(where))
		return;
	yaml_read(l->arena, where, &engine_table, &f, l->mistakes);
	*out = f.s;
	if (!f.s.is_fitted)
		return;
	out->quality = arena_printf(l->arena, "%lld rows, %lld events of %lld accounts; out of sample AUC %.3f, log loss "
	                                      "%.4f (priors %.3f, %.4f)", (long long)f.rows, (long long)f.events,
	                            (long long)f.lost, f.after.auc, f.after.log_loss, f.before.auc, f.before.log_loss);
	curves = f.signals.at;
	for (size_t i = 0; i < f.signals.n; i++)
		apply_curve(l, yaml_member(yaml_member(where, "signals"), curves[i].name), &curves[i], s);
}

/* The newest version in the folder; NULL when there is none. */
static const char *newest(struct loading *l, const char *folder)
{
	static const char *const endings[] = { ".yaml" };
	struct texts names = { 0 };

	if (access(folder, R_OK | X_OK) == 0) /* who may not read the state may still read the configuration */
		names = files_of(l, folder, endings, ARRAY_LEN(endings));
	return names.n ? config_stem(l->arena, names.at[names.n - 1]) : NULL;
}

void read_weights(struct loading *l, const char *org, struct score_settings *s)
{
	const char *folder = arena_printf(l->arena, "%s/orgs/%s/weights", l->config->state_dir, org);
	const char *version = s->weights_wanted ? s->weights_wanted : newest(l, folder);
	struct weights_file f = { 0 };
	const struct yaml *tree;
	const struct config_file *file;

	if (!version || strcmp(version, "priors") == 0)
		return;
	file = config_file_at(l, arena_printf(l->arena, "weights/%s.yaml", org),
	                      arena_printf(l->arena, "%s/%s.yaml", folder, version), "weights that calibrate wrote");
	tree = file ? yaml_parse(l->arena, file->path, file->text, file->len, l->mistakes) : NULL;
	if (!tree)
		return;
	yaml_read(l->arena, tree, &weights_table, &f, l->mistakes);
	f.s.version = version;
	read_engine(l, f.defense, s, &f.s.engines[0]);
	read_engine(l, f.expansion, s, &f.s.engines[1]);
	s->weights = f.s;
}
