#include "schedule/plan.h"

#include <string.h>

enum {
	IMPLAUSIBLE_S = 26 * 3600,      /* a day, and the largest change of offset */
	OFF_S = 600,                    /* from every source's clock */
	VOUCHED_OFF_S = 12 * 3600,      /* the same of a clock that follows a reference: a source is likelier wrong */
	LOOK_BACK_DAYS = 366,           /* after a longer downtime, only these days are settled one by one */
	LEAST_WINDOW_S = 300,           /* also a slot just before midnight gets this long */
	GO_BEFORE_END_S = 120,          /* a digest that waits for data goes this long before its window ends */
	LEDGER_LAG_S = 600              /* we looked after the slots if we did so this recently */
};

bool plan_clock_is_plausible(const struct plan_clock *c)
{
	int64_t ahead_s, most_s = c->is_synchronised ? VOUCHED_OFF_S : OFF_S;

	if (c->knows_ahead)
		return c->ahead_s <= most_s && c->ahead_s >= -most_s;
	if (c->tick_at == INSTANT_NONE || c->is_synchronised)
		return true;
	ahead_s = c->now - c->tick_at;
	if (ahead_s <= IMPLAUSIBLE_S)
		return true;
	if (c->was_synchronised)
		return false;
	return c->awake_s >= 0 ? ahead_s <= c->awake_s + IMPLAUSIBLE_S : ahead_s <= (int64_t)LOOK_BACK_DAYS * 86400;
}

/* The plan while it is made. */
struct maker {
	const struct plan_input *in;
	struct arena *arena;
	struct plan_action *actions;
	size_t n, room;
	int64_t wake_at;
	bool wants_sync;
};

static void add(struct maker *m, enum plan_action_kind kind, const char *owner_email, const struct slot *slot,
		const char *reason)
{
	if (m->n == m->room) {
		m->room = m->room == 0 ? 16 : m->room * 2;
		m->actions = arena_grow(m->arena, m->actions, m->n, m->room, sizeof *m->actions);
	}
	m->actions[m->n++] = (struct plan_action){ kind, owner_email, slot->local_on, slot->due_at, reason };
}

static void wake(struct maker *m, int64_t at)
{
	if (at > m->in->now && (m->wake_at == INSTANT_NONE || at < m->wake_at))
		m->wake_at = at;
}

/* Until when a slot may be made up: the catch-up window, on the same nominal day. */
static int64_t window_end(const struct plan_input *in, const struct slot_rules *r, const struct slot *slot)
{
	int64_t end = slot->due_at + in->settings->catch_up_s, midnight;

	if (zone_instant(r->zone, slot->local_on + 1, 0, &midnight) != WALL_SKIPPED_DAY && midnight < end)
		end = midnight;
	return end < slot->due_at + LEAST_WINDOW_S ? slot->due_at + LEAST_WINDOW_S : end;
}

/* Slots that lie close together share a sync: twice the lead is fresh enough. */
static bool has_fresh_data(const struct plan_input *in, int64_t due_at)
{
	return in->sync.ok_started_at != INSTANT_NONE && in->sync.ok_started_at >= due_at - 2 * in->settings->sync_lead_s;
}

static void start_or_wait(struct maker *m, const char *owner_email, const struct slot *slot, int64_t end)
{
	const struct plan_input *in = m->in;
	int64_t deadline = slot->due_at + in->settings->sync_wait_s;
	bool is_hopeless;

	if (deadline > end - GO_BEFORE_END_S)
		deadline = end - GO_BEFORE_END_S;
	/* The sync for this slot has failed and won't be tried again in time. */
	is_hopeless = !in->sync.is_running && in->sync.started_at >= slot->due_at - 2 * in->settings->sync_lead_s &&
	              in->sync.retry_at > deadline;
	if (has_fresh_data(in, slot->due_at) || (in->sync.has_data && (in->now >= deadline || is_hopeless))) {
		add(m, PLAN_DIGEST, owner_email, slot, NULL);
		return;
	}
	m->wants_sync = true;
	wake(m, deadline);
	wake(m, end + 1);
}

/* Opens or settles what became due since the owner's last slot. */
static void scan_owner(struct maker *m, const struct plan_owner *o)
{
	const struct plan_input *in = m->in;
	bool is_new = o->last_on == DAY_NONE;
	int second;
	int32_t today = zone_day(o->rules.zone, in->now, &second), from = today;
	struct slot slot;

	if (!is_new)
		from = o->last_on + 1;
	else if (in->tick_at != INSTANT_NONE)
		from = zone_day(o->rules.zone, in->tick_at, &second);
	if (from < today - LOOK_BACK_DAYS)
		from = today - LOOK_BACK_DAYS;
	for (int32_t day = from; day <= today; day++) {
		bool is_after_tick;
		int64_t end;

		if (!slot_of_day(&o->rules, day, &slot) || slot.due_at > in->now)
			continue;
		end = window_end(in, &o->rules, &slot);
		is_after_tick = in->tick_at == INSTANT_NONE || slot.due_at > in->tick_at;
		if (in->now <= end) {
			add(m, PLAN_OPEN, o->email, &slot, NULL);
			start_or_wait(m, o->email, &slot, end);
		} else if (!is_new || (is_after_tick && in->tick_at != INSTANT_NONE)) {
			add(m, PLAN_MISSED, o->email, &slot, is_after_tick ? "downtime" : "not_scheduled");
		}
	}
}

/* The next slot whose day isn't used up: be awake for it, and have synced before it. */
static void look_ahead(struct maker *m, const struct plan_owner *o)
{
	const struct plan_input *in = m->in;
	struct slot slot = { .due_at = in->now };
	int n = 0;

	do {
		if (!slot_next(&o->rules, slot.due_at, &slot))
			return;
	} while (slot.local_on <= o->last_on && ++n < LOOK_BACK_DAYS);
	wake(m, slot.due_at);
	wake(m, slot.due_at - in->settings->sync_lead_s);
	if (in->now >= slot.due_at - in->settings->sync_lead_s && !has_fresh_data(in, slot.due_at))
		m->wants_sync = true;
}

static const struct plan_owner *owner_of(const struct plan_input *in, const char *email)
{
	size_t low = 0, high = in->n_owners;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(in->owners[middle].email, email) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < in->n_owners && strcmp(in->owners[low].email, email) == 0 ? &in->owners[low] : NULL;
}

static const char *why_missed(const struct plan_input *in, const struct plan_open *open, int64_t end)
{
	if (open->failure != NULL)
		return "failed";
	if (in->tick_at == INSTANT_NONE || in->tick_at < end - LEDGER_LAG_S)
		return "downtime";
	return in->sync.has_data ? "failed" : "no_data";
}

/* What was due earlier and isn't settled. The rules of today decide, not those it was opened by. */
static void look_at_open(struct maker *m, const struct plan_open *open)
{
	const struct plan_input *in = m->in;
	const struct plan_owner *o = owner_of(in, open->owner_email);
	struct slot slot = { .local_on = open->local_on, .due_at = in->now };
	int64_t end;

	if (open->is_running)
		return;
	if (o == NULL || !slot_of_day(&o->rules, open->local_on, &slot)) {
		add(m, PLAN_MISSED, open->owner_email, &slot, o == NULL ? "owner_removed" : "not_scheduled");
		return;
	}
	end = window_end(in, &o->rules, &slot);
	if (slot.due_at > in->now)
		wake(m, slot.due_at);
	else if (in->now > end)
		add(m, PLAN_MISSED, open->owner_email, &slot, why_missed(in, open, end));
	else if (open->retry_at > in->now)
		wake(m, open->retry_at < end ? open->retry_at : end + 1);
	else
		start_or_wait(m, open->owner_email, &slot, end);
}

static void look_at_sync(struct maker *m)
{
	const struct plan_sync *sync = &m->in->sync;
	const struct slot nothing = { .local_on = DAY_NONE, .due_at = INSTANT_NONE };
	int64_t every_s = m->in->settings->sync_every_s, now = m->in->now;

	if (every_s > 0) {
		/* A start in the future is of a clock that has been set back since. */
		if (sync->started_at == INSTANT_NONE || sync->started_at > now || now >= sync->started_at + every_s)
			m->wants_sync = true;
		else
			wake(m, sync->started_at + every_s);
	}
	if (sync->retry_at != INSTANT_NONE || (sync->started_at == INSTANT_NONE && !sync->has_data))
		m->wants_sync = true;
	if (!m->wants_sync || sync->is_running)
		return;
	if (sync->retry_at > now && sync->retry_at <= now + every_s + 86400)
		wake(m, sync->retry_at);
	else
		add(m, PLAN_SYNC, NULL, &nothing, NULL);
}

void plan_make(const struct plan_input *in, struct arena *a, struct plan *out)
{
	struct maker m = { .in = in, .arena = a, .wake_at = INSTANT_NONE };

	for (size_t i = 0; i < in->n_open; i++)
		look_at_open(&m, &in->open[i]);
	for (size_t i = 0; i < in->n_owners; i++) {
		scan_owner(&m, &in->owners[i]);
		look_ahead(&m, &in->owners[i]);
	}
	look_at_sync(&m);
	*out = (struct plan){ m.actions, m.n, m.wake_at };
}
