#include "score/finding.h"

#include <string.h>

#include "common/buf.h"
#include "common/json.h"
#include "evidence.h"

enum { MAX_EVIDENCE = 256 * 1024 };

static const char ABRUPT[] = "sudden_drop";
static const int opens_at[N_ENGINES] = { 2 /* at_risk */, 1 /* emerging */ };

static bool is_of(const struct finding *f, int engine)
{
	return strcmp(f->engine, engine_names[engine]) == 0;
}

static const struct finding *standing(const struct finding *was, size_t n, int engine)
{
	for (size_t i = 0; i < n; i++)
		if (is_of(&was[i], engine) && was[i].closed_on == DAY_NONE)
			return &was[i];
	return NULL;
}

/* Whether nothing happened since it was dismissed: told again it would be the same. */
static bool is_unchanged(const struct verdict *v, const struct finding *f)
{
	return strcmp(f->cause, v->lead->name) == 0 && v->band_since <= f->closed_on &&
	       finding_moved(f->score, v->score) <= 0;
}

/* Whether somebody said lately, on a day or after, that this is none: a hard fact that came later, or another one, is
 * news all the same. */
static bool is_dismissed(const struct diagnosis *d, int engine, int32_t from, const struct finding *was, size_t n)
{
	const struct verdict *v = &d->verdicts[engine];

	for (size_t i = 0; i < n; i++) {
		const struct finding *f = &was[i];

		if (!is_of(f, engine) || f->state != FINDING_DISMISSED || f->closed_on < from ||
		    d->as_of - f->closed_on >= FINDING_MEMORY_DAYS ||
		    (d->as_of - f->closed_on >= FINDING_DISMISSED_DAYS && !is_unchanged(v, f)))
			continue;
		if (!v->lead->is_hard || (strcmp(f->cause, v->lead->name) == 0 && v->lead->fresh_on <= f->closed_on))
			return true;
	}
	return false;
}

/* All that contributes, heaviest first, as struct finding has it. */
static const char *evidence_of(const struct verdict *v, struct arena *a)
{
	CLEANUP(buf_done) struct buf text;
	struct json_out out;
	bool is_said[MAX_SIGNALS] = { false };

	buf_init(&text, MAX_EVIDENCE);
	out = json_out_to(&text);
	json_open_array(&out, NULL);
	for (;;) {
		size_t best = MAX_SIGNALS;

		for (size_t i = 0; i < v->n_readings; i++)
			if (!is_said[i] && v->readings[i].contribution > 0 &&
			    (best == MAX_SIGNALS || v->readings[i].contribution > v->readings[best].contribution))
				best = i;
		if (best == MAX_SIGNALS)
			break;
		is_said[best] = true;
		evidence_put(&out, &v->readings[best], a);
	}
	json_close_array(&out);
	return arena_strdup(a, text.at);
}

static const char *owner_of(const struct fact_account *f, int engine)
{
	const char *first = engine == ENGINE_DEFENSE ? f->csm_email : f->am_email;
	const char *second = engine == ENGINE_DEFENSE ? f->am_email : f->csm_email;

	const char *owner = *first ? first : second;

	for (size_t i = 0; i < f->n_not_owners; i++) {
		const struct fact_not_owner *not = &f->not_owners[i];

		if (strcmp(not->engine, engine_names[engine]) == 0 && strcmp(not->owner_email, owner) == 0)
			owner = not->given_to ? not->given_to : "";
	}
	return *owner ? owner : NULL;
}

static const struct reading *reading_named(const struct verdict *v, const char *name)
{
	for (size_t i = 0; i < v->n_readings; i++)
		if (strcmp(v->readings[i].name, name) == 0)
			return &v->readings[i];
	return NULL;
}

static bool speaks(const struct verdict *v, const char *name)
{
	const struct reading *r = reading_named(v, name);

	return r && r->contribution > 0;
}

/* The sentence and the play are those of its cause for as long as that speaks: a person answers to what they read.
 * Whether they are those of what leads. */
static bool tell_cause(const struct verdict *v, struct arena *a, struct finding *f)
{
	const struct reading *r = speaks(v, f->cause) ? reading_named(v, f->cause) : v->lead;

	f->summary = reading_evidence(a, r);
	f->play = r->play ? r->play : "";
	if (r == v->lead)
		f->play = v->play ? v->play->name : "";
	return r == v->lead;
}

/* What the verdict says now, into a finding that keeps its identity, its state and its first day. */
static void tell(const struct diagnosis *d, int engine, struct arena *a, struct finding *f)
{
	const struct verdict *v = &d->verdicts[engine];

	f->updated_on = d->as_of;
	f->score = v->score < 0 ? 0 : v->score; /* of what nothing is known of, a person may say so all the same */
	f->worst_score = v->score > f->worst_score ? v->score : f->worst_score;
	f->confidence = v->confidence;
	f->value_minor = v->value_minor;
	f->expected_minor = v->expected_minor;
	f->currency = v->currency ? v->currency : "";
	/* One that has passed stays, as it is overdue, but for a later one of what is told. */
	if ((tell_cause(v, a, f) && v->act_by_on > d->as_of) || f->act_by_on >= d->as_of)
		f->act_by_on = v->act_by_on;
	f->evidence = evidence_of(v, a);
	f->owner_email = owner_of(d->account, engine);
}

static struct finding_change closed(const struct finding *f, enum finding_state state, int32_t day, const char *note)
{
	struct finding_change change = { .finding = *f, .event = finding_state_text(state), .note = note };

	change.finding.state = state;
	change.finding.closed_on = day;
	change.finding.updated_on = day;
	return change;
}

/* Whether the finding is still about the same thing: its cause still speaks, or cannot be seen as its source does not
 * come through, and no hard fact took its place. */
static bool is_same_cause(const struct verdict *v, const struct finding *f)
{
	const struct reading *cause = reading_named(v, f->cause);

	return strcmp(f->cause, v->lead->name) == 0 ||
	       (cause && (cause->contribution > 0 || cause->is_stale) && !(v->lead->is_hard && !cause->is_hard));
}

static bool is_other_owner(const struct finding *was, const struct finding *now)
{
	return strcmp(was->owner_email ? was->owner_email : "", now->owner_email ? now->owner_email : "") != 0;
}

/* Whether a finding that somebody put aside is theirs to look at again, and why. */
static const char *woken_by(const struct diagnosis *d, const struct finding *f, const struct finding *now)
{
	if (f->state == FINDING_SNOOZED && f->snoozed_until <= d->as_of)
		return "its rest is over";
	/* Who takes it over has not said anything of it yet. */
	return f->state != FINDING_OPEN && is_other_owner(f, now) ? "its owner changed" : NULL;
}

static void wake(struct finding *f)
{
	f->state = FINDING_OPEN;
	f->snoozed_until = DAY_NONE;
}

/* More risk is worse; more readiness is better. */
static void note_move(const struct finding *f, int engine, struct arena *a, struct finding_change *change)
{
	int moved = finding_moved(f->score, change->finding.score);

	if (!moved)
		return;
	change->event = (moved > 0) == (engine == ENGINE_DEFENSE) ? "worse" : "better";
	change->note = arena_printf(a, "%.0f to %.0f", f->score, change->finding.score);
}

static struct finding_change updated(const struct diagnosis *d, int engine, const struct finding *f, struct arena *a)
{
	struct finding_change change = { .finding = *f };
	const char *why;

	tell(d, engine, a, &change.finding);
	note_move(f, engine, a, &change);
	why = woken_by(d, f, &change.finding);
	if (why) {
		wake(&change.finding);
		change.event = "opened";
		change.note = why;
	}
	return change;
}

/* The same finding, led by another cause from now on: a hard fact is for whoever put it aside, too. */
static struct finding_change recaused(const struct diagnosis *d, int engine, const struct finding *f, struct arena *a)
{
	const struct verdict *v = &d->verdicts[engine];
	struct finding_change change = { .finding = *f, .cause_before = f->cause };

	change.finding.cause = v->lead->name;
	change.finding.cause_since = d->as_of;
	change.finding.act_by_on = INT32_MAX;
	tell(d, engine, a, &change.finding);
	if (v->lead->is_hard || woken_by(d, f, &change.finding))
		wake(&change.finding);
	return change;
}

/* Whether its cause may give way to the one that leads now: facts come and go at once, degrees flicker. */
static bool may_change_cause(const struct diagnosis *d, const struct verdict *v, const struct finding *f)
{
	const struct reading *cause = reading_named(v, f->cause);

	return v->lead->is_hard || !cause || cause->fact || d->as_of - f->cause_since >= FINDING_CAUSE_DAYS;
}

static struct finding_change opened(const struct diagnosis *d, int engine, struct arena *a)
{
	struct finding_change change = { .event = "opened", .note = d->verdicts[engine].lead->name };

	change.finding = (struct finding){
		.account = d->account->id, .engine = engine_names[engine], .cause = d->verdicts[engine].lead->name,
		.state = FINDING_OPEN, .opened_on = d->as_of, .closed_on = DAY_NONE, .snoozed_until = DAY_NONE,
		.cause_since = d->as_of, .act_by_on = INT32_MAX,
	};
	tell(d, engine, a, &change.finding);
	return change;
}

/* Resolved a short while ago, by the same cause if there is one: what comes back so soon was never gone, and is no
 * second finding. A hard fact is news of its own. */
static const struct finding *cooling(const struct diagnosis *d, const struct verdict *v, const struct finding *was,
                                     size_t n, int engine)
{
	const struct finding *found = NULL;

	for (size_t i = 0; i < n; i++) {
		bool is_same = strcmp(was[i].cause, v->lead->name) == 0;

		if (!is_of(&was[i], engine) || was[i].state != FINDING_RESOLVED ||
		    d->as_of - was[i].closed_on >= FINDING_COOL_DOWN_DAYS || (!is_same && v->lead->is_hard))
			continue;
		if (is_same)
			return &was[i];
		found = &was[i];
	}
	return found;
}

/* It keeps its first day. Who had put it aside until a later day is left alone until then. */
static struct finding_change reopened(const struct diagnosis *d, int engine, const struct finding *f, struct arena *a)
{
	const struct reading *lead = d->verdicts[engine].lead;
	bool rests = f->snoozed_until != DAY_NONE && f->snoozed_until > d->as_of && !lead->is_hard;
	struct finding_change change = { .finding = *f, .event = rests ? "snoozed" : "opened" };

	change.note = arena_printf(a, "back after %d days", d->as_of - f->closed_on);
	change.finding.closed_on = DAY_NONE;
	change.finding.n_back++;
	change.finding.act_by_on = INT32_MAX;
	if (rests)
		change.finding.state = FINDING_SNOOZED;
	else
		wake(&change.finding);
	if (strcmp(f->cause, lead->name) != 0) {
		change.cause_before = f->cause;
		change.finding.cause = lead->name;
		change.finding.cause_since = d->as_of;
	}
	tell(d, engine, a, &change.finding);
	return change;
}

static bool has_stale(const struct verdict *v)
{
	for (size_t i = 0; i < v->n_readings; i++)
		if (v->readings[i].is_stale)
			return true;
	return false;
}

/* Whether nothing is known that would close it: what it is about is hidden behind a source that does not come through,
 * or still speaks while others are hidden. However long ago the last score was: a source that broke settles nothing. */
static bool is_hidden(const struct verdict *v, const struct finding *f)
{
	const struct reading *cause = reading_named(v, f->cause);

	if (cause && cause->is_stale)
		return true;
	return cause && cause->contribution > 0 && has_stale(v);
}

/* Whether it has to stay away a while longer to be believed: one that came and went before. */
static bool is_flapping(const struct diagnosis *d, const struct verdict *v, const struct finding *f)
{
	int times = f->n_back > MAX_FLAPS ? MAX_FLAPS : f->n_back;

	return v->score >= 0 && !v->is_blocked && !override_decides(v) &&
	       d->as_of - v->band_since < times * FINDING_FLAP_DAYS;
}

/* Whether nothing is known now, so that it stays as it was. Growth gives way to a defense that is known, whatever else
 * is not; and a person knows. */
static bool is_unknown(const struct diagnosis *d, int engine, bool is_due, const struct finding *f)
{
	const struct verdict *v = &d->verdicts[engine];

	if (override_decides(v))
		return false;
	return v->is_held || (!is_due && is_hidden(v, f) &&
	                      (engine == ENGINE_DEFENSE || d->verdicts[ENGINE_DEFENSE].band == 0));
}

/* It stands as it was told, its score too: what comes and goes is neither better nor worse. But its rest ends on its
 * day, whatever is known. */
static struct finding_change waiting(const struct diagnosis *d, const struct finding *f)
{
	struct finding_change change = { .finding = *f };

	change.note = woken_by(d, f, f);
	if (change.note) {
		wake(&change.finding);
		change.event = "opened";
	}
	return change;
}

/* What becomes of the finding that stands: one change at most. */
static size_t settle(const struct diagnosis *d, int engine, bool is_due, bool is_vetoed, const struct finding *f,
                     struct arena *a, struct finding_change *out)
{
	const struct verdict *v = &d->verdicts[engine];
	const char *why = v->is_blocked || override_decides(v) ? v->band_why : "its score left the band";

	*out = waiting(d, f);
	if (is_unknown(d, engine, is_due, f))
		return out->event != NULL;
	if (!is_due && !is_vetoed && is_flapping(d, v, f))
		out->finding.updated_on = d->as_of;
	else if (!is_due)
		*out = closed(f, FINDING_RESOLVED, d->as_of, why);
	else if (is_same_cause(v, f))
		*out = updated(d, engine, f, a);
	else if (v->is_dwelling)
		*out = closed(f, FINDING_RESOLVED, d->as_of, why);
	else
		*out = may_change_cause(d, v, f) ? recaused(d, engine, f, a) : updated(d, engine, f, a);
	return 1;
}

/* A break with its own past is news before a second family can see it: its finding opens at watch, and stands there for
 * as long as the break speaks, whatever leads. The band stays where convergence leaves it. */
static bool is_abrupt(const struct verdict *v)
{
	return v->lead && (strcmp(v->lead->name, ABRUPT) == 0 || (is_champion_lost(v->lead) && speaks(v, ABRUPT)));
}

/* Whether an owner said lately what became of the account, before its contracts show it: who is lost is neither to be
 * kept nor to grow, and who just bought does not buy again tomorrow. */
static bool is_settled(const struct diagnosis *d, int engine)
{
	return d->as_of - d->account->told_lost_on < FINDING_TOLD_LOST_DAYS ||
	       (engine == ENGINE_EXPANSION && d->as_of - d->account->told_grown_on < FINDING_TOLD_GROWN_DAYS);
}

/* vetoed: a finding of the other engine stands. f: the one that stands, NULL. */
static bool is_due_now(const struct verdict *v, int engine, bool is_vetoed, const struct finding *f)
{
	int opens = is_abrupt(v) || (f && strcmp(f->cause, ABRUPT) == 0 && speaks(v, ABRUPT)) ? 1 : opens_at[engine];

	return v->band >= opens && v->lead && (v->score >= 0 || override_decides(v)) && !is_vetoed;
}

/* Who raises a band by hand wants it to be seen to, whatever was dismissed before. */
static bool may_open(const struct diagnosis *d, int engine, const struct finding *was, size_t n_was)
{
	const struct verdict *v = &d->verdicts[engine];
	bool is_raised = override_decides(v) && v->band > v->computed_band;

	return (override_decides(v) || (!v->is_held && !v->is_dwelling)) && !is_settled(d, engine) &&
	       !is_dismissed(d, engine, is_raised ? v->override->made_on : INT32_MIN, was, n_was);
}

static size_t decide(const struct diagnosis *d, int engine, bool is_vetoed, const struct finding *was, size_t n_was,
                     struct arena *a, struct finding_change *out)
{
	const struct finding *f = standing(was, n_was, engine);
	bool is_due = is_due_now(&d->verdicts[engine], engine, is_vetoed, f);

	if (f)
		return settle(d, engine, is_due, is_vetoed, f, a, out);
	if (!is_due || !may_open(d, engine, was, n_was))
		return 0;
	f = cooling(d, &d->verdicts[engine], was, n_was, engine);
	*out = f ? reopened(d, engine, f, a) : opened(d, engine, a);
	return 1;
}

size_t findings_decide(const struct diagnosis *d, const struct finding *was, size_t n_was, struct arena *a,
                       struct finding_change *out)
{
	const struct finding *defense = standing(was, n_was, ENGINE_DEFENSE);
	bool is_defended = defense != NULL;
	size_t n = 0;

	if (!d->account->is_customer) {
		for (size_t i = 0; i < n_was; i++)
			if (was[i].closed_on == DAY_NONE)
				out[n++] = closed(&was[i], FINDING_LOST, d->as_of, "its subscriptions have ended");
		return n;
	}
	n = decide(d, ENGINE_DEFENSE, false, was, n_was, a, out);
	for (size_t i = 0; i < n; i++)
		is_defended = out[i].finding.closed_on == DAY_NONE;
	return n + decide(d, ENGINE_EXPANSION, is_defended, was, n_was, a, out + n);
}
