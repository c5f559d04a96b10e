#include "gate.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>

enum {
	POLL_MS = 5,               /* until one of the awaited answers may have come */
	STUCK_MS = 10 * 60 * 1000, /* no request takes so long */
	LONGEST_CLOSED_MS = 3600 * 1000,
	MOST_COUNTED = 1000 * 1000,
};

/* Blocks of one size, so that a thousand places fit into the slots. */
static int64_t block_of(const struct gate *g)
{
	return (g->most + GATE_SLOTS - 1) / GATE_SLOTS;
}

static int slots_of(const struct gate *g)
{
	return g->most ? (int)(g->most / block_of(g)) : 0;
}

void gate_set(struct gate *g, int64_t most, int64_t per_ms)
{
	if (most > MOST_COUNTED || most < 0)
		most = 0;
	if (g->most == most && g->per_ms == per_ms)
		return;
	memset(g->slots, 0, sizeof g->slots);
	g->most = most;
	g->per_ms = per_ms;
}

static void answered(struct gate_slot *s, int64_t now_ms)
{
	s->n_in_flight = 0;
	s->at_ms = now_ms;
}

void gate_end(struct gate *g, int32_t pid, int64_t now_ms)
{
	for (int i = 0; i < GATE_SLOTS; i++)
		if (g->slots[i].n_in_flight && g->slots[i].pid == pid)
			answered(&g->slots[i], now_ms);
}

static bool is_gone(int32_t pid)
{
	return kill(pid, 0) < 0 && errno == ESRCH;
}

/* Processes that were killed give nothing back, and a clock that began anew makes all that is kept lie ahead. */
static void tidy(struct gate *g, int32_t pid, int64_t now_ms)
{
	int n = slots_of(g);

	if (g->next_ms - (double)now_ms > (double)g->per_ms + g->slack_ms + g->step_ms)
		g->next_ms = 0;
	if (g->closed_until_ms > now_ms + LONGEST_CLOSED_MS)
		g->closed_until_ms = 0;
	for (int i = 0; i < n; i++) {
		struct gate_slot *s = &g->slots[i];

		if (s->at_ms > now_ms)
			*s = (struct gate_slot){ 0 };
		else if (s->n_in_flight && (now_ms - s->at_ms > STUCK_MS || (s->pid != pid && is_gone(s->pid))))
			answered(s, now_ms);
		/* A millisecond more: both instants were rounded down. */
		else if (!s->n_in_flight && s->n_taken && s->at_ms + g->per_ms < now_ms)
			*s = (struct gate_slot){ 0 };
	}
}

static bool has_room(const struct gate *g, const struct gate_slot *s, int32_t pid)
{
	return s->n_taken < block_of(g) && (!s->n_in_flight || s->pid == pid);
}

static int64_t slot_wait_ms(const struct gate *g, int32_t pid, int64_t now_ms)
{
	int64_t least = INT64_MAX;
	int n = slots_of(g);

	for (int i = 0; i < n && least > 0; i++) {
		const struct gate_slot *s = &g->slots[i];
		int64_t wait = has_room(g, s, pid) ? 0 : s->n_in_flight ? POLL_MS : s->at_ms + g->per_ms + 1 - now_ms;

		least = wait < least ? wait : least;
	}
	return n ? least : 0;
}

int64_t gate_wait_ms(struct gate *g, int32_t pid, int64_t now_ms)
{
	int64_t closed, pace, slot;

	tidy(g, pid, now_ms);
	closed = g->closed_until_ms - now_ms;
	pace = (int64_t)ceil(g->next_ms - g->slack_ms - (double)now_ms - 1e-6);
	slot = slot_wait_ms(g, pid, now_ms);
	if (closed < pace)
		closed = pace;
	if (closed < slot)
		closed = slot;
	return closed > 0 ? closed : 0;
}

/* A block that is begun is filled before the next. */
static struct gate_slot *room(struct gate *g, int32_t pid)
{
	struct gate_slot *fresh = NULL;
	int n = slots_of(g);

	for (int i = 0; i < n; i++) {
		if (!has_room(g, &g->slots[i], pid))
			continue;
		if (g->slots[i].n_taken)
			return &g->slots[i];
		if (!fresh)
			fresh = &g->slots[i];
	}
	return fresh;
}

int gate_enter(struct gate *g, int32_t pid, int64_t now_ms)
{
	struct gate_slot *s = room(g, pid);

	g->next_ms = fmax(g->next_ms, (double)now_ms) + g->step_ms;
	if (!s)
		return GATE_NO_SLOT;
	s->pid = pid;
	s->at_ms = now_ms;
	s->n_in_flight++;
	s->n_taken++;
	return (int)(s - g->slots);
}

void gate_leave(struct gate *g, int slot, int64_t now_ms)
{
	struct gate_slot *s = &g->slots[slot >= 0 && slot < GATE_SLOTS ? slot : 0];

	if (slot < 0 || !s->n_in_flight)
		return;
	s->n_in_flight--;
	s->at_ms = now_ms;
}

void gate_close(struct gate *g, int64_t for_ms, int64_t now_ms)
{
	int64_t until = now_ms + (for_ms < LONGEST_CLOSED_MS ? for_ms : LONGEST_CLOSED_MS);

	if (until > g->closed_until_ms)
		g->closed_until_ms = until;
}

void gate_count(struct gate *g, int64_t n_used, int64_t now_ms)
{
	int64_t block = block_of(g);
	int n = slots_of(g);

	for (int i = 0; i < n; i++)
		n_used -= g->slots[i].n_taken;
	for (int i = 0; i < n && n_used >= block; i++) {
		struct gate_slot *s = &g->slots[i];

		if (s->n_taken)
			continue;
		*s = (struct gate_slot){ .at_ms = now_ms, .n_taken = (int16_t)block };
		n_used -= block;
	}
}
