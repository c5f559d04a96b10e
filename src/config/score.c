/* signals.yaml, plays.yaml and lexicon/: how accounts are judged, and what an organisation's file changes of it. */
#include <string.h>

#include "common/text.h"
#include "load.h"

enum { DAY_S = 86400 };

static const char LEXICON[] = "a lexicon (kind, name, phrases, words)";

static const char *const lexicon_kinds[] = {
	"adjacent_need", "cancel", "downgrade", "dissatisfaction", "cancel_request", "downgrade_request", "exit_question",
	"competitor", "champion_leaving", NULL,
};

static const struct yaml_field signal_fields[] = {
	{ .key = "weight", .kind = YAML_REAL, .offset = offsetof(struct signal_settings, weight), .max = 10 },
	{ .key = "relief", .kind = YAML_REAL, .offset = offsetof(struct signal_settings, relief), .max = 10 },
	{ .key = "low", .kind = YAML_REAL, .offset = offsetof(struct signal_settings, low) },
	{ .key = "high", .kind = YAML_REAL, .offset = offsetof(struct signal_settings, high) },
	{ .key = "text", .kind = YAML_TEXT, .offset = offsetof(struct signal_settings, text) },
	{ .key = "play", .kind = YAML_TEXT, .offset = offsetof(struct signal_settings, play) },
};

static const struct yaml_table signal_table = {
	.size = sizeof(struct signal_settings), .fields = signal_fields, .n_fields = ARRAY_LEN(signal_fields)
};

static void check_bands(void *item, const struct yaml *where, struct mistakes *m)
{
	const struct band_settings *b = item;

	if (b->watch >= b->at_risk)
		mistake_at(m, where, "watch is %g and at_risk %g, expected watch below at_risk", b->watch, b->at_risk);
	if (b->emerging >= b->ready)
		mistake_at(m, where, "emerging is %g and ready %g, expected emerging below ready", b->emerging, b->ready);
}

static const struct yaml_field band_fields[] = {
	{ .key = "watch", .kind = YAML_REAL, .offset = offsetof(struct band_settings, watch), .min = 1,
	  .max = 1000 },
	{ .key = "at_risk", .kind = YAML_REAL, .offset = offsetof(struct band_settings, at_risk), .min = 1,
	  .max = 1000 },
	{ .key = "emerging", .kind = YAML_REAL, .offset = offsetof(struct band_settings, emerging), .min = 1,
	  .max = 1000 },
	{ .key = "ready", .kind = YAML_REAL, .offset = offsetof(struct band_settings, ready), .min = 1,
	  .max = 1000 },
	{ .key = "leave", .kind = YAML_REAL, .offset = offsetof(struct band_settings, leave), .max = 1 },
	{ .key = "min_stay", .kind = YAML_INT, .offset = offsetof(struct band_settings, min_stay_days), .max = 90 },
};

static const struct yaml_table band_table = {
	.size = sizeof(struct band_settings), .fields = band_fields, .n_fields = ARRAY_LEN(band_fields),
	.check = check_bands
};

static const struct yaml_field loss_fields[] = {
	{ .key = "churn", .kind = YAML_REAL, .offset = offsetof(struct loss_shares, churn), .max = 100 },
	{ .key = "contraction", .kind = YAML_REAL, .offset = offsetof(struct loss_shares, contraction), .max = 100 },
	{ .key = "involuntary", .kind = YAML_REAL, .offset = offsetof(struct loss_shares, involuntary), .max = 100 },
};

static const struct yaml_table loss_table = {
	.size = sizeof(struct loss_shares), .fields = loss_fields, .n_fields = ARRAY_LEN(loss_fields)
};

/* What signals.yaml holds, and the same keys in an organisation's `score:`. */
struct score_file {
	struct score_settings s;
	int64_t horizon_s;
	const struct yaml *signals;
};

static const struct yaml_field score_fields[] = {
	{ .key = "bands", .kind = YAML_STRUCT, .offset = offsetof(struct score_file, s.bands), .extra = &band_table },
	{ .key = "family_cap", .kind = YAML_REAL, .offset = offsetof(struct score_file, s.family_cap), .max = 10 },
	{ .key = "total_relief", .kind = YAML_REAL, .offset = offsetof(struct score_file, s.total_relief), .max = 10 },
	{ .key = "losses", .kind = YAML_STRUCT, .offset = offsetof(struct score_file, s.losses), .extra = &loss_table },
	{ .key = "base_risk", .kind = YAML_REAL, .offset = offsetof(struct score_file, s.base_risk), .max = 50 },
	{ .key = "base_readiness", .kind = YAML_REAL, .offset = offsetof(struct score_file, s.base_readiness), .max = 50 },
	{ .key = "horizon", .kind = YAML_DURATION, .offset = offsetof(struct score_file, horizon_s), .min = DAY_S,
	  .max = 366.0 * DAY_S },
	{ .key = "stale_days", .kind = YAML_INT, .offset = offsetof(struct score_file, s.stale_days), .min = 1, .max = 90 },
	{ .key = "attach_share", .kind = YAML_REAL, .offset = offsetof(struct score_file, s.attach_share), .max = 1 },
	{ .key = "key_metrics", .kind = YAML_TEXTS, .offset = offsetof(struct score_file, s.key_metrics) },
	{ .key = "users_metric", .kind = YAML_TEXT, .offset = offsetof(struct score_file, s.users_metric) },
	{ .key = "weights", .kind = YAML_TEXT, .offset = offsetof(struct score_file, s.weights_wanted) },
	{ .key = "signals", .kind = YAML_NODE, .offset = offsetof(struct score_file, signals) },
};

static void check_weights(void *item, const struct yaml *where, struct mistakes *m)
{
	const char *wanted = ((const struct score_file *)item)->s.weights_wanted;

	if (wanted && strcmp(wanted, "priors") != 0 && (!*wanted || wanted[strspn(wanted, "0123456789")]))
		mistake_at(m, yaml_member(where, "weights"), "is `%s`, expected priors or a version like 0001", wanted);
}

static const struct yaml_table score_table = {
	.size = sizeof(struct score_file), .fields = score_fields, .n_fields = ARRAY_LEN(score_fields),
	.check = check_weights
};

static const struct yaml_field play_words_fields[] = {
	{ .key = "title", .kind = YAML_TEXT, .offset = offsetof(struct play_words, title), .is_required = true },
	{ .key = "first_step", .kind = YAML_TEXT, .offset = offsetof(struct play_words, first_step),
	  .is_required = true },
};

static const struct yaml_table play_words_table = {
	.size = sizeof(struct play_words), .fields = play_words_fields, .n_fields = ARRAY_LEN(play_words_fields)
};

static void check_play(void *item, const struct yaml *where, struct mistakes *m)
{
	const struct yaml *languages = yaml_member(where, "languages");

	(void)item;
	for (const struct yaml *y = languages && languages->type == YAML_MAPPING ? languages->first : NULL; y; y = y->next)
		check_language(y, y->key, m);
}

static const struct yaml_field play_fields[] = {
	{ .key = "title", .kind = YAML_TEXT, .offset = offsetof(struct play_settings, title), .is_required = true },
	{ .key = "first_step", .kind = YAML_TEXT, .offset = offsetof(struct play_settings, first_step),
	  .is_required = true },
	{ .key = "languages", .kind = YAML_MAP, .offset = offsetof(struct play_settings, languages),
	  .extra = &play_words_table },
	{ .key = "lead_days", .kind = YAML_INT, .offset = offsetof(struct play_settings, lead_days), .max = 366 },
};

static const struct yaml_table play_table = {
	.size = sizeof(struct play_settings), .fields = play_fields, .n_fields = ARRAY_LEN(play_fields),
	.check = check_play
};

static const struct yaml_field plays_fields[] = {
	{ .key = "plays", .kind = YAML_MAP, .is_required = true, .extra = &play_table },
};

static const struct yaml_table plays_table = {
	.size = sizeof(struct yaml_array), .fields = plays_fields, .n_fields = ARRAY_LEN(plays_fields)
};

struct lexicon_file {
	struct lexicon_settings s;
	int kind;
};

static const struct yaml_field set_fields[] = {
	{ .key = "", .kind = YAML_TEXT, .offset = offsetof(struct word_set, words), .is_required = true },
};

static const struct yaml_table set_table = {
	.size = sizeof(struct word_set), .fields = set_fields, .n_fields = ARRAY_LEN(set_fields)
};

static const struct yaml_field lexicon_fields[] = {
	{ .key = "kind", .kind = YAML_ENUM, .offset = offsetof(struct lexicon_file, kind), .is_required = true,
	  .extra = lexicon_kinds },
	{ .key = "name", .kind = YAML_TEXT, .offset = offsetof(struct lexicon_file, s.name) },
	{ .key = "phrases", .kind = YAML_TEXTS, .offset = offsetof(struct lexicon_file, s.phrases), .is_required = true },
	{ .key = "words", .kind = YAML_MAP, .offset = offsetof(struct lexicon_file, s.words), .extra = &set_table },
};

static void check_lexicon(void *item, const struct yaml *where, struct mistakes *m)
{
	const struct lexicon_file *f = item;
	const struct yaml *phrases = yaml_member(where, "phrases");

	if (phrases && phrases->type == YAML_SEQUENCE && !phrases->first)
		mistake_at(m, phrases, "is empty, expected at least one phrase");
	for (size_t i = 0; i < f->s.phrases.n; i++)
		if (text_is_blank(f->s.phrases.at[i]))
			mistake_at(m, phrases, "phrase %zu is blank, expected words", i + 1);
}

static const struct yaml_table lexicon_table = {
	.size = sizeof(struct lexicon_file), .fields = lexicon_fields, .n_fields = ARRAY_LEN(lexicon_fields),
	.check = check_lexicon
};

static void check_signal(struct loading *l, const struct yaml *entry, const struct signal_settings *signal,
                         const struct score_settings *s)
{
	if ((signal->weight > 0 || signal->relief > 0) && signal->low == signal->high)
		mistake_at(l->mistakes, entry, "low and high are both %g, expected the readings of strength 0 and 1",
		           signal->low);
	if (s->plays.n) /* else plays.yaml is what has mistakes */
		check_known(entry, "play", "play", names_of(l->arena, s->plays, sizeof(struct play_settings)), l->mistakes);
}

static void read_plays(struct loading *l)
{
	const struct yaml *tree = config_yaml(l, "plays.yaml", "the plays (plays: NAME: title, first_step, lead_days)");

	if (tree)
		yaml_read(l->arena, tree, &plays_table, &l->score.plays, l->mistakes);
}

static struct texts lexicon_files(struct loading *l)
{
	static const char *const endings[] = { ".yaml" };

	return config_list(l, "lexicon", endings, ARRAY_LEN(endings));
}

/* For hashes. */
static void hold_lexicons(struct loading *l)
{
	struct texts names = lexicon_files(l);

	for (size_t i = 0; i < names.n; i++)
		(void)config_file(l, names.at[i], LEXICON);
}

void read_lexicons(struct loading *l)
{
	struct texts names = lexicon_files(l);
	struct lexicon_settings *all = arena_array(l->arena, names.n, sizeof *all);
	const struct yaml **trees = arena_array(l->arena, names.n, sizeof *trees);
	struct err err;
	size_t wrong;

	for (size_t i = 0; i < names.n; i++) {
		struct lexicon_file f = { .s.name = config_stem(l->arena, names.at[i]) };
		const struct yaml *tree = config_yaml(l, names.at[i], LEXICON);

		if (!tree)
			continue;
		yaml_read(l->arena, tree, &lexicon_table, &f, l->mistakes);
		f.s.kind = lexicon_kinds[f.kind];
		trees[l->score.lexicons.n] = tree;
		all[l->score.lexicons.n++] = f.s;
	}
	l->score.lexicons.at = all;
	if (l->score.lexicons.n && l->checks->index_lexicons &&
	    l->checks->index_lexicons(l->arena, l->score.lexicons, &l->score.index, &wrong, &err) < 0)
		mistake_at(l->mistakes, trees[wrong], "%s", err.text);
}

static void read_signal(struct loading *l, const struct yaml *entry, struct signal_settings *signal,
                        const struct score_settings *s)
{
	yaml_read(l->arena, entry, &signal_table, signal, l->mistakes);
	check_signal(l, entry, signal, s);
}

static bool is_mapping(struct loading *l, const struct yaml *signals)
{
	if (yaml_is_null(signals))
		return false;
	if (signals->type != YAML_MAPPING)
		mistake_at(l->mistakes, signals,
		           "expected a mapping, NAME: {low: , high: , weight: , relief: , text: , play: }");
	return signals->type == YAML_MAPPING;
}

/* signals.yaml says which signals there are. */
static void read_base_signals(struct loading *l, const struct yaml *signals)
{
	struct signal_settings *all;
	size_t n = 0;

	if (!is_mapping(l, signals))
		return;
	for (const struct yaml *entry = signals->first; entry; entry = entry->next)
		n++;
	all = arena_array(l->arena, n, sizeof *all);
	l->score.signals = (struct yaml_array){ .at = all, .n = n };
	for (const struct yaml *entry = signals->first; entry; entry = entry->next, all++) {
		all->name = entry->key;
		if (l->checks->knows_signal && !l->checks->knows_signal(entry->key))
			mistake_at(l->mistakes, entry, "no signal `%s` in this program, expected one of the shipped signals.yaml",
			           entry->key);
		read_signal(l, entry, all, &l->score);
	}
}

/* An organisation changes signals and can't add any. */
static void change_signals(struct loading *l, const struct yaml *signals, struct score_settings *s)
{
	struct signal_settings *all = arena_grow(l->arena, s->signals.at, s->signals.n, s->signals.n, sizeof *all);

	s->signals.at = all;
	if (!is_mapping(l, signals))
		return;
	for (const struct yaml *entry = signals->first; entry; entry = entry->next) {
		size_t i = 0;

		while (i < s->signals.n && strcmp(all[i].name, entry->key) != 0)
			i++;
		if (i < s->signals.n)
			read_signal(l, entry, &all[i], s);
		else
			refuse_unknown(entry, entry->key, "signal", names_of(l->arena, s->signals, sizeof *all), l->mistakes);
	}
}

void read_score(struct loading *l)
{
	struct score_file f = {
		.s = { .bands = { .watch = 1.8, .at_risk = 2.8, .emerging = 2, .ready = 3, .leave = 0.8,
		                  .min_stay_days = 3 },
		       .family_cap = 1.5, .total_relief = 1.5, .base_risk = 3, .base_readiness = 5, .losses = { 60, 30, 10 },
		       .stale_days = 3, .attach_share = 0.2 },
		.horizon_s = 90 * DAY_S,
	};
	const struct yaml *tree = config_yaml(l, "signals.yaml",
		                                "signals and bands (signals: NAME: low, high, weight, relief ...)");

	if (tree)
		yaml_read(l->arena, tree, &score_table, &f, l->mistakes);
	if (tree && tree->type == YAML_MAPPING && yaml_is_null(f.signals))
		mistake_at(l->mistakes, tree,
		           "`signals` is missing, expected NAME: {low: , high: , weight: , relief: , text: , play: }");
	l->score = f.s;
	l->score.horizon_days = f.horizon_s / DAY_S;
	read_plays(l);
	if (l->checks->is_brief)
		hold_lexicons(l);
	else
		read_lexicons(l);
	read_base_signals(l, f.signals);
}

void read_org_score(struct loading *l, const struct yaml *where, struct score_settings *out)
{
	struct score_file f = { .s = l->score, .horizon_s = l->score.horizon_days * DAY_S };

	if (!yaml_is_null(where))
		yaml_read(l->arena, where, &score_table, &f, l->mistakes);
	*out = f.s;
	out->horizon_days = f.horizon_s / DAY_S;
	change_signals(l, f.signals, out);
}
