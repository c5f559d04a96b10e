#include "score_write.h"

#include "score_pack.h"
#include "store/base_kept.h"
#include "store/overrides.h"

int score_write_begin(struct score_writing *w, struct err *err)
{
	if (score_day_begin(&w->scores, w->db, w->day, w->config_hash, w->now, err) < 0)
		return -1;
	return account_signals_begin(&w->signals, w->db, w->day, err);
}

/* The bands that a person's override made. */
static int write_held(const struct score_writing *w, const struct packed_score *s, struct err *err)
{
	const int computed[N_ENGINES] = { s->row.risk_band, s->row.readiness_band };

	for (int engine = 0; engine < N_ENGINES; engine++)
		if (s->bands[engine] != computed[engine] &&
		    score_hold(w->db, s->row.account, w->day, engine_names[engine], s->bands[engine], err) < 0)
			return -1;
	return 0;
}

static int write_score(struct score_writing *w, struct packed_score *s, struct err *err)
{
	w->tally.n_scored++;
	w->tally.n_watch += s->bands[ENGINE_DEFENSE] == 1;
	w->tally.n_at_risk += s->bands[ENGINE_DEFENSE] == 2;
	w->tally.n_emerging += s->bands[ENGINE_EXPANSION] == 1;
	w->tally.n_ready += s->bands[ENGINE_EXPANSION] == 2;
	if (score_day_put(&w->scores, &s->row, err) < 0 ||
	    (s->n_signals && account_signals_put(&w->signals, s->row.account, s->signals, err) < 0))
		return -1;
	return write_held(w, s, err);
}

static int write_change(struct score_writing *w, struct finding_change *change, struct err *err)
{
	bool is_new = change->finding.id == 0;

	if (finding_put(w->db, &change->finding, err) < 0)
		return -1;
	w->tally.n_opened += is_new;
	w->tally.n_closed += change->finding.closed_on != DAY_NONE;
	if (change->cause_before && finding_event_put(w->db, change->finding.id, w->day, w->now, "cause_changed",
	                                              change->cause_before, err) < 0)
		return -1;
	if (!change->event)
		return 0;
	return finding_event_put(w->db, change->finding.id, w->day, w->now, change->event, change->note, err);
}

static int write_packed(struct score_writing *w, struct packed *item, struct err *err)
{
	if (item->setting)
		return account_signals_setting(&w->signals, item->setting, err);
	if (item->base.data)
		return base_kept_put(w->db, w->day, item->base.maker, item->base.data, item->base.len, err);
	return item->change ? write_change(w, item->change, err) : write_score(w, &item->score, err);
}

int score_write(struct score_writing *w, const char *packed, size_t len, struct err *err)
{
	struct packed_reader u = { packed, packed + len, w->arena };
	struct packed item;

	while (packed_next(&u, &item) > 0)
		if (write_packed(w, &item, err) < 0)
			return -1;
	arena_reset(w->arena);
	return 0;
}

int score_write_end(struct score_writing *w, struct err *err)
{
	int rc = score_day_end(&w->scores, err) < 0 ? -1 : account_signals_end(&w->signals, err);

	score_write_done(w);
	return rc;
}

void score_write_done(struct score_writing *w)
{
	score_day_done(&w->scores);
	account_signals_done(&w->signals);
}
