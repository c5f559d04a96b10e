#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "common/log.h"
#include "rules.h"
#include "store/alerts.h"
#include "store/migrate.h"
#include "store/outbox.h"
#include "store/source_clock.h"

enum {
	TICK_S = 60,               /* how often the tick is persisted */
	BUSY_S = 5, BROKEN_S = 60, /* until a database that failed is looked at again */
	FIRST_RETRY_S = 30, LAST_RETRY_S = 900, ADMIN_RETRY_S = 3600,
	ASK_AGAIN_MS = 300000,     /* what their clocks say, while ours can't be believed */
	AUDIT_TIMEOUT_S = 120,
	FIRST_IDLE_S = 2, LAST_IDLE_S = 60,
	MOST_DIGESTS = 100 /* of one child: the first of many are on their way while the others are made */
};

static int by_email(const void *a, const void *b)
{
	const struct plan_owner *left = a, *right = b;

	return strcmp(left->email, right->email);
}

int run_org_init(struct run_org *o, struct arena *a, const struct config *config, const struct org_settings *settings,
		 struct err *err)
{
	const struct owner_settings *owners = settings->owners.at;

	*o = (struct run_org){ .settings = settings, .n_owners = settings->owners.n };
	o->owners = arena_array(a, o->n_owners, sizeof *o->owners);
	o->troubles = arena_array(a, o->n_owners, sizeof *o->troubles);
	for (size_t i = 0; i < o->n_owners; i++) {
		o->owners[i] = (struct plan_owner){ .email = owners[i].email, .last_on = DAY_NONE };
		o->troubles[i] = (struct run_trouble){ DAY_NONE, 0, INSTANT_NONE, DAY_NONE };
		if (owner_rules(a, config, settings, &owners[i], &o->owners[i].rules, err) < 0)
			return err_in(err, "organisation %s", settings->name);
		if (!owner_has_slot(&o->owners[i].rules, clock_now()))
			log_event(LOG_LEVEL_WARNING, "no_working_days", LOG_TEXT("org", settings->name),
			          LOG_TEXT("owner", owners[i].email));
	}
	qsort(o->owners, o->n_owners, sizeof *o->owners, by_email);
	o->s = (struct run_state){ .tick_boot_ms = -1, .sync_retry_at = INSTANT_NONE, .deliver_at = INSTANT_NONE,
		                   .delivered_at = INSTANT_NONE, .write_back_at = INSTANT_NONE, .look_at = INSTANT_NONE,
		                   .audit_on = DAY_NONE, .audit_at = INSTANT_NONE, .audit_not_before_at = INSTANT_NONE };
	return 0;
}

static size_t owner_at(const struct run_org *o, const char *email)
{
	const struct plan_owner key = { .email = email }, *found;

	found = bsearch(&key, o->owners, o->n_owners, sizeof key, by_email);
	return found ? (size_t)(found - o->owners) : o->n_owners;
}

static int64_t backoff_s(int n_failures, int64_t first_s, int64_t last_s)
{
	int64_t s = first_s;

	for (int i = 1; i < n_failures && s < last_s; i++)
		s *= 2;
	return s < last_s ? s : last_s;
}

/* Reading the ledger --------------------------------------------------------------------------------------------- */

static int open_database(struct run_org *o, int64_t now, struct db **out, struct err *err)
{
	CLEANUP(db_closep) struct db *db = NULL;
	int64_t pulled_at;

	if (db_open(o->settings->db_path, DB_WRITE, &db, err) < 0)
		return -1;
	if (!o->s.is_loaded) {
		if (migrate_run(db, now, err) < 0 || schedule_state_load(db, &o->s.kept, err) < 0 ||
		    source_clock_forget(db, err) < 0)
			return -1;
		o->s.is_loaded = true;
	}
	if (!o->s.has_data) {
		if (schedule_pulled_at(db, &pulled_at, err) < 0)
			return -1;
		o->s.has_data = pulled_at != INSTANT_NONE || o->s.kept.sync_ok_started_at != INSTANT_NONE;
	}
	*out = db;
	db = NULL;
	return 0;
}

/* Says so when belief in the clock changes. Returns 1 when it is believed, 0 when it isn't. */
static int is_clock_plausible(struct run_org *o, struct db *db, int64_t now, struct err *err)
{
	struct plan_clock clock = { .now = now,
					  .is_synchronised = clock_is_synchronised(),
					  .tick_at = o->s.kept.tick_at,
					  .was_synchronised = o->s.kept.is_synchronised,
					  .awake_s = o->s.tick_boot_ms < 0
							     ? -1
							     : (clock_boottime_ms() - o->s.tick_boot_ms) / 1000 };
	int rc = source_clock_ahead(db, now, clock_boottime_ms(), &clock.ahead_s, err);
	bool is_plausible;

	if (rc < 0)
		return -1;
	clock.knows_ahead = rc > 0;
	is_plausible = plan_clock_is_plausible(&clock);
	if (is_plausible == o->s.is_held)
		log_event(is_plausible ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR,
			  is_plausible ? "clock_believed" : "clock_implausible", LOG_TEXT("org", o->settings->name),
			  LOG_INT("since_tick_s", o->s.kept.tick_at == INSTANT_NONE ? 0 : now - o->s.kept.tick_at),
			  LOG_INT("before_sources_s", clock.ahead_s));
	o->s.is_held = !is_plausible;
	return is_plausible;
}

static int read_latest(struct run_org *o, struct db *db, struct arena *a, struct err *err)
{
	const struct slot_row *rows;
	size_t n;

	if (slots_latest(db, a, &rows, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		size_t owner = owner_at(o, rows[i].owner_email);

		if (owner < o->n_owners)
			o->owners[owner].last_on = rows[i].local_on;
	}
	return 0;
}

static int read_open(struct run_org *o, struct db *db, struct arena *a, struct plan_input *in, struct err *err)
{
	const struct slot_row *rows;
	struct plan_open *open;
	size_t n;

	if (slots_pending(db, a, &rows, &n, err) < 0)
		return -1;
	open = arena_array(a, n, sizeof *open);
	for (size_t i = 0; i < n; i++) {
		size_t owner = owner_at(o, rows[i].owner_email);
		const struct run_trouble *t = owner < o->n_owners ? &o->troubles[owner] : NULL;

		open[i] = (struct plan_open){ .owner_email = rows[i].owner_email,
					      .local_on = rows[i].local_on,
					      .retry_at = INSTANT_NONE,
					      .is_running = t != NULL && t->running_on == rows[i].local_on };
		if (t != NULL && t->day == rows[i].local_on) {
			open[i].retry_at = t->retry_at;
			open[i].failure = "failed";
		}
	}
	in->open = open;
	in->n_open = n;
	return 0;
}

/* Settling ------------------------------------------------------------------------------------------------------- */

/* A person hears of what went wrong; days on which nothing was to be sent are no news. */
static int tell_missed(struct db *db, const struct plan_action *action, int64_t now, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const char *day = day_text(a, action->local_on);

	if (strcmp(action->reason, "not_scheduled") == 0 || strcmp(action->reason, "owner_removed") == 0)
		return 0;
	return alert_put(db, arena_printf(a, "missed/%s/%s", action->owner_email, day), NULL,
	                 arena_printf(a, "The digest of %s for %s was not made in time: %s.", action->owner_email, day,
	                              action->reason), now, err);
}

static int settle(struct db *db, const struct plan_action *action, int64_t now, struct err *err)
{
	const struct slot_row missed = { .owner_email = action->owner_email,
					 .local_on = action->local_on,
					 .due_at = action->due_at,
					 .state = "missed",
					 .reason = action->reason };

	if (action->kind == PLAN_OPEN)
		return slots_open(db, action->owner_email, action->local_on, action->due_at, err);
	if (action->kind != PLAN_MISSED)
		return 0;
	return slots_settle(db, &missed, now, err) < 0 || tell_missed(db, action, now, err) < 0 ? -1 : 0;
}

static void log_missed(const struct run_org *o, struct arena *a, const struct plan *plan)
{
	for (size_t i = 0; i < plan->n; i++)
		if (plan->actions[i].kind == PLAN_MISSED)
			log_event(LOG_LEVEL_WARNING, "slot_missed", LOG_TEXT("org", o->settings->name),
				  LOG_TEXT("owner", plan->actions[i].owner_email),
				  LOG_TEXT("day", day_text(a, plan->actions[i].local_on)),
				  LOG_TEXT("reason", plan->actions[i].reason));
}

/* The rows and the tick that they are complete up to, in one transaction. Where it fails the tick stays, here too: else
 * what became due meanwhile would count as never scheduled. */
static int keep(struct run_org *o, struct db *db, const struct plan *plan, int64_t now, struct err *err)
{
	CLEANUP(txn_end) struct txn txn = { 0 };
	struct schedule_state kept = o->s.kept;
	bool has_rows = false;

	for (size_t i = 0; i < plan->n; i++)
		has_rows |= plan->actions[i].kind == PLAN_OPEN || plan->actions[i].kind == PLAN_MISSED;
	if (!has_rows && !o->s.is_changed && o->s.kept.tick_at != INSTANT_NONE && now >= o->s.kept.tick_at &&
	    now < o->s.kept.tick_at + TICK_S)
		return 0;
	kept.tick_at = now;
	kept.is_synchronised = clock_is_synchronised();
	if (txn_begin(&txn, db, err) < 0)
		return -1;
	for (size_t i = 0; i < plan->n; i++)
		if (settle(db, &plan->actions[i], now, err) < 0)
			return -1;
	if (schedule_state_save(db, &kept, err) < 0 || txn_commit(&txn, err) < 0)
		return -1;
	o->s.kept = kept;
	o->s.tick_boot_ms = clock_boottime_ms();
	o->s.is_changed = false;
	return 0;
}

/* When there is something to send, or to tell. */
static int read_due(struct run_org *o, struct db *db, struct err *err)
{
	int64_t message_at, alert_at;

	if (outbox_next_due(db, &message_at, err) < 0 || alerts_next_due(db, &alert_at, err) < 0)
		return -1;
	o->s.deliver_at = message_at == INSTANT_NONE || (alert_at != INSTANT_NONE && alert_at < message_at) ? alert_at
	                                                                                                  : message_at;
	return 0;
}

/* A sync in the future was one by a clock that has been corrected since: how fresh its data are isn't known. */
static int64_t not_after(int64_t at, int64_t now)
{
	return at > now + TICK_S ? INSTANT_NONE : at;
}

/* Returns 1 with a plan that is in the ledger, 0 when nothing may be done because of the clock. */
static int consult(struct run_org *o, int64_t now, struct arena *a, struct plan *out, struct err *err)
{
	CLEANUP(db_closep) struct db *db = NULL;
	struct plan_input in = {
		.now = now, .settings = &o->settings->schedule, .owners = o->owners, .n_owners = o->n_owners
	};
	int rc;

	if (open_database(o, now, &db, err) < 0)
		return -1;
	rc = is_clock_plausible(o, db, now, err);
	if (rc <= 0)
		return rc;
	if (read_latest(o, db, a, err) < 0 || read_open(o, db, a, &in, err) < 0)
		return -1;
	in.tick_at = o->s.kept.tick_at;
	in.sync = (struct plan_sync){ .is_running = o->s.phase != SYNC_IDLE, .has_data = o->s.has_data,
		                      .started_at = o->s.kept.sync_started_at,
		                      .ok_started_at = not_after(o->s.kept.sync_ok_started_at, now),
		                      .retry_at = o->s.sync_retry_at };
	plan_make(&in, a, out);
	if (keep(o, db, out, now, err) < 0 || read_due(o, db, err) < 0 || run_audit_read(o, db, now, err) < 0)
		return -1;
	log_missed(o, a, out);
	return 1;
}

/* Starting ------------------------------------------------------------------------------------------------------- */

static void look_by(struct run_org *o, int64_t at)
{
	if (at < o->s.look_at)
		o->s.look_at = at;
}

/* Returns whether it was started; no room, or a failure, is for the next look. */
static bool start(struct run_org *o, struct jobs *jobs, enum job_kind kind, const char *slots, int64_t now)
{
	const struct schedule_settings *s = &o->settings->schedule;
	const int64_t timeouts_s[] = { [JOB_PULL] = s->pull_timeout_s, [JOB_CLOCK] = s->pull_timeout_s,
		                       [JOB_SCORE] = s->score_timeout_s,
		                       [JOB_WRITE_BACK] = s->pull_timeout_s, [JOB_DIGEST] = s->digest_timeout_s,
		                       [JOB_DELIVER] = s->deliver_timeout_s, [JOB_AUDIT] = AUDIT_TIMEOUT_S };
	struct job job = { .kind = kind, .timeout_s = timeouts_s[kind], .slots = slots, .day = o->s.audit_on };
	struct err err;
	int rc;

	(void)snprintf(job.org, sizeof job.org, "%s", o->settings->name);
	rc = jobs_start(jobs, &job, clock_monotonic_ms(), &err);
	if (rc < 0) {
		log_event(LOG_LEVEL_ERROR, "job_not_started", LOG_TEXT("org", job.org), LOG_TEXT("job", job_name(kind)),
		          LOG_TEXT("error", err.text));
		look_by(o, now + BUSY_S);
	} else if (rc == 0) {
		o->s.wants_room = true;
	} else {
		log_event(LOG_LEVEL_DEBUG, "job_started", LOG_TEXT("org", job.org), LOG_TEXT("job", job_name(kind)));
	}
	return rc > 0;
}

static void start_sync(struct run_org *o, struct jobs *jobs, int64_t now)
{
	if (!start(o, jobs, JOB_PULL, NULL, now))
		return;
	o->s.phase = SYNC_PULLING;
	o->s.kept.sync_started_at = now;
	o->s.sync_retry_at = INSTANT_NONE;
	o->s.is_changed = true;
}

/* What the last delivery left although it was due (held back, or another's) is asked for less and less often. */
static void start_delivery(struct run_org *o, struct jobs *jobs, int64_t now)
{
	int64_t at = o->s.deliver_at;

	if (at == INSTANT_NONE || jobs_find(jobs, JOB_DELIVER, o->settings->name) != NULL)
		return;
	if (at <= o->s.delivered_at)
		at = o->s.delivered_at + backoff_s(o->s.n_idle_deliveries, FIRST_IDLE_S, LAST_IDLE_S);
	if (at > now)
		look_by(o, at);
	else
		(void)start(o, jobs, JOB_DELIVER, NULL, now);
}

static void start_write_back(struct run_org *o, struct jobs *jobs, int64_t now)
{
	if (o->s.write_back_at == INSTANT_NONE)
		return;
	if (o->s.write_back_at > now)
		look_by(o, o->s.write_back_at);
	else if (start(o, jobs, JOB_WRITE_BACK, NULL, now))
		o->s.write_back_at = INSTANT_NONE;
}

/* One child makes what is due now; what is more than it takes, and what becomes due meanwhile, is for the next. */
static void start_digests(struct run_org *o, struct jobs *jobs, const struct plan *plan, int64_t now)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct run_trouble *started[MOST_DIGESTS];
	int32_t days[MOST_DIGESTS];
	const char *slots = "";
	size_t n = 0;

	for (size_t i = 0; i < plan->n && n < MOST_DIGESTS; i++) {
		const struct plan_action *action = &plan->actions[i];

		if (action->kind != PLAN_DIGEST)
			continue;
		slots = arena_printf(a, "%s%s %s\n", slots, day_text(a, action->local_on), action->owner_email);
		started[n] = &o->troubles[owner_at(o, action->owner_email)];
		days[n++] = action->local_on;
	}
	if (n == 0 || !start(o, jobs, JOB_DIGEST, slots, now))
		return;
	for (size_t i = 0; i < n; i++)
		started[i]->running_on = days[i];
}

static void start_audit(struct run_org *o, struct jobs *jobs, int64_t now)
{
	if (o->s.audit_at == INSTANT_NONE)
		return;
	if (o->s.audit_at > now)
		look_by(o, o->s.audit_at);
	else
		(void)start(o, jobs, JOB_AUDIT, NULL, now);
}

static void start_all(struct run_org *o, struct jobs *jobs, const struct plan *plan, int64_t now)
{
	o->s.wants_room = false;
	start_delivery(o, jobs, now);
	if (o->s.phase == SYNC_PULLED && start(o, jobs, JOB_SCORE, NULL, now))
		o->s.phase = SYNC_SCORING;
	start_write_back(o, jobs, now);
	for (size_t i = 0; i < plan->n; i++)
		if (plan->actions[i].kind == PLAN_SYNC)
			start_sync(o, jobs, now);
	start_digests(o, jobs, plan, now);
	start_audit(o, jobs, now);
}

/* While our clock can't be believed nothing is pulled, as it would be dated by it: only the time is asked for. */
static void ask_the_time(struct run_org *o, struct jobs *jobs, int64_t now)
{
	int64_t ms = clock_boottime_ms();

	if ((o->s.asked_ms == 0 || ms - o->s.asked_ms >= ASK_AGAIN_MS) && start(o, jobs, JOB_CLOCK, NULL, now))
		o->s.asked_ms = ms;
}

void run_org_look(struct run_org *o, struct jobs *jobs, int64_t now)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct plan plan = { .wake_at = INSTANT_NONE };
	struct err err;
	int rc = consult(o, now, a, &plan, &err);

	o->s.looked_at = now;
	o->s.looked_ms = clock_monotonic_ms();
	o->s.look_at = now + TICK_S;
	if (rc > 0) {
		if (plan.wake_at != INSTANT_NONE)
			look_by(o, plan.wake_at);
		start_all(o, jobs, &plan, now);
	} else if (rc == 0) {
		ask_the_time(o, jobs, now);
	} else {
		log_event(LOG_LEVEL_ERROR, "schedule_failed", LOG_TEXT("org", o->settings->name), LOG_TEXT("error", err.text));
		look_by(o, now + (err.kind == ERR_RETRY ? BUSY_S : BROKEN_S));
	}
}

/* Ending --------------------------------------------------------------------------------------------------------- */

static void sync_ended(struct run_org *o, enum job_result score, int64_t now)
{
	o->s.phase = SYNC_IDLE;
	o->s.is_changed = true;
	if (score == JOB_OK && org_writes_back(o->settings)) {
		o->s.write_back_at = now;
		o->s.n_write_failures = 0;
	}
	if (o->s.pulled == JOB_OK && score == JOB_OK) {
		o->s.kept.sync_ok_started_at = o->s.kept.sync_started_at;
		o->s.n_sync_failures = 0;
		log_event(LOG_LEVEL_INFO, "synced", LOG_TEXT("org", o->settings->name),
			  LOG_INT("seconds", now - o->s.kept.sync_started_at));
		return;
	}
	o->s.n_sync_failures++;
	o->s.sync_retry_at = now + (o->s.pulled == JOB_ADMIN || score == JOB_ADMIN ? ADMIN_RETRY_S :
	                            backoff_s(o->s.n_sync_failures, FIRST_RETRY_S, LAST_RETRY_S));
	log_event(LOG_LEVEL_WARNING, "sync_failed", LOG_TEXT("org", o->settings->name),
		  LOG_INT("retry_in_s", o->s.sync_retry_at - now));
}

static void digest_failed(struct run_trouble *t, int32_t day, enum job_result result, int64_t now)
{
	t->n_failures = t->day == day ? t->n_failures + 1 : 1;
	t->day = day;
	t->retry_at = now + (result == JOB_ADMIN ? LAST_RETRY_S : backoff_s(t->n_failures, FIRST_RETRY_S, LAST_RETRY_S));
}

/* The child settles the slot of each digest that it made: what is still pending failed. Where the ledger can't be read,
 * they are all started again, and found where they have been made. */
static void digests_ended(struct run_org *o, enum job_result result, int64_t now)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(db_closep) struct db *db = NULL;
	const struct slot_row *rows = NULL;
	struct err err;
	size_t n = 0, n_failed = 0, n_made = 0;

	o->s.delivered_at = INSTANT_NONE; /* there is something new to deliver */
	if (open_database(o, now, &db, &err) < 0 || slots_pending(db, a, &rows, &n, &err) < 0) {
		log_event(LOG_LEVEL_ERROR, "schedule_failed", LOG_TEXT("org", o->settings->name), LOG_TEXT("error", err.text));
		for (size_t i = 0; i < o->n_owners; i++)
			o->troubles[i].running_on = DAY_NONE;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		size_t owner = owner_at(o, rows[i].owner_email);

		if (owner < o->n_owners && o->troubles[owner].running_on == rows[i].local_on) {
			digest_failed(&o->troubles[owner], rows[i].local_on, result, now);
			o->troubles[owner].running_on = DAY_NONE;
			n_failed++;
		}
	}
	for (size_t i = 0; i < o->n_owners; i++) {
		n_made += o->troubles[i].running_on != DAY_NONE;
		o->troubles[i].running_on = DAY_NONE;
	}
	log_event(n_failed ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "digests_made", LOG_TEXT("org", o->settings->name),
	          LOG_INT("made", (int64_t)n_made), LOG_INT("failed", (int64_t)n_failed));
}

/* What a person must mend, and what was refused, waits for the next scores. */
static void write_back_ended(struct run_org *o, enum job_result result, int64_t now)
{
	if (result == JOB_RETRY && o->s.write_back_at == INSTANT_NONE && org_writes_back(o->settings))
		o->s.write_back_at = now + backoff_s(++o->s.n_write_failures, FIRST_RETRY_S, LAST_RETRY_S);
}

static void delivery_ended(struct run_org *o, int64_t now)
{
	o->s.n_idle_deliveries = o->s.deliver_at <= o->s.delivered_at ? o->s.n_idle_deliveries + 1 : 1;
	o->s.delivered_at = now;
}

/* Gaps are an end like any other (exit 1): they are told by then. */
static void audit_ended(struct run_org *o, enum job_result result, int64_t now)
{
	bool is_done = result == JOB_OK || result == JOB_FAILED;

	o->s.n_audit_failures = is_done ? 0 : o->s.n_audit_failures + 1;
	o->s.audit_not_before_at =
		is_done ? INSTANT_NONE : now + backoff_s(o->s.n_audit_failures, FIRST_RETRY_S, LAST_RETRY_S);
}

void run_org_ended(struct run_org *o, const struct job *job, enum job_result result, int64_t now)
{
	static const char *const results[] = { "ok", "retry", "admin", "failed" };

	/* A delivery that has something left to try is no news. */
	bool is_usual = result == JOB_OK || (job->kind == JOB_DELIVER && result == JOB_RETRY);

	log_event(is_usual ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING, "job_ended", LOG_TEXT("org", job->org),
	          LOG_TEXT("job", job_name(job->kind)), LOG_TEXT("result", results[result]),
	          LOG_INT("ms", clock_monotonic_ms() - job->started_ms));
	o->s.look_at = now;
	switch (job->kind) {
	case JOB_PULL:
		o->s.pulled = result;
		o->s.phase = SYNC_PULLED; /* what did come is scored all the same */
		break;
	case JOB_CLOCK: break;
	case JOB_SCORE: sync_ended(o, result, now); break;
	case JOB_WRITE_BACK: write_back_ended(o, result, now); break;
	case JOB_DIGEST: digests_ended(o, result, now); break;
	case JOB_DELIVER: delivery_ended(o, now); break;
	case JOB_AUDIT: audit_ended(o, result, now); break;
	}
}
