/* Lets at most so many requests through within any span of time, as the other side counts their arrivals: a place is
 * free again only when the span has gone by since its answer had come. Plain data that several processes share; the
 * caller holds the lock. */
#ifndef CONNECT_GATE_H
#define CONNECT_GATE_H

#include <stdbool.h>
#include <stdint.h>

enum { GATE_SLOTS = 256, GATE_NO_SLOT = -1 };

/* A place, or a block of places where there are more than slots. */
struct gate_slot {
	int64_t at_ms;        /* the last answer came; while one is awaited: the last request left */
	int32_t pid;          /* who awaits */
	int16_t n_taken, n_in_flight;
};

struct gate {
	int64_t most, per_ms; /* most 0: any number */
	double step_ms;       /* requests leave so far apart ... */
	double slack_ms;      /* ... on the average: some may leave at once (a burst) */
	double next_ms;       /* when the next would leave at that pace */
	int64_t closed_until_ms;
	struct gate_slot slots[GATE_SLOTS];
};

/* Forgets what went through when the numbers change. */
void gate_set(struct gate *g, int64_t most, int64_t per_ms);
/* Takes a process that holds places as ended: they count as answered now. */
void gate_end(struct gate *g, int32_t pid, int64_t now_ms);
/* How long until one may try again; 0: now. pid: the one who asks. */
int64_t gate_wait_ms(struct gate *g, int32_t pid, int64_t now_ms);
/* After gate_wait_ms gave 0. Returns the slot, for gate_leave when the answer has come, or is given up. */
int gate_enter(struct gate *g, int32_t pid, int64_t now_ms);
void gate_leave(struct gate *g, int slot, int64_t now_ms);
/* Closed for so long at least. */
void gate_close(struct gate *g, int64_t for_ms, int64_t now_ms);
/* The other side counts so many in its span: those that aren't ours are somebody else's. */
void gate_count(struct gate *g, int64_t n_used, int64_t now_ms);

#endif
