/* The daemon: one loop that keeps time for every organisation and starts the stages as children. */
#ifndef RUN_H
#define RUN_H

#include "cli/cli.h"
#include "schedule/jobs.h"
#include "schedule/plan.h"
#include "store/slots.h"

enum sync_phase { SYNC_IDLE, SYNC_PULLING, SYNC_PULLED, SYNC_SCORING };

/* How an owner's digest goes. */
struct run_trouble {
	int32_t day; /* whose digest failed; DAY_NONE */
	int n_failures;
	int64_t retry_at;
	int32_t running_on; /* the day whose digest is being made; DAY_NONE */
};

/* What goes on in an organisation, whatever its configuration becomes meanwhile. */
struct run_state {
	bool is_loaded;             /* its database has been looked into */
	struct schedule_state kept; /* as it is, or is to be, in the database */
	bool is_changed;            /* kept isn't in the database yet */
	int64_t tick_boot_ms;       /* of the boot-time clock at the tick; -1: the tick is of an earlier process */
	bool is_held;               /* the clock can't be believed */
	int64_t asked_ms;           /* by the boot-time clock: when the sources were last asked because of that; 0: never */
	enum sync_phase phase;
	enum job_result pulled; /* of this sync */
	bool has_data;          /* some source came through at some time */
	int n_sync_failures;
	int64_t sync_retry_at;
	int64_t deliver_at;     /* when the outbox wants to be looked after; INSTANT_NONE: nothing is open */
	int64_t delivered_at;   /* when that was last done */
	int n_idle_deliveries;  /* since when it left what was due */
	int64_t write_back_at;  /* when the sources are to be told how accounts stand; INSTANT_NONE: they know */
	int n_write_failures;
	int32_t audit_on;       /* the day that is to be looked over next */
	int64_t audit_at;       /* when; INSTANT_NONE: not known */
	int n_audit_failures;
	int64_t audit_not_before_at; /* after a failure; INSTANT_NONE */
	bool wants_room; /* it would start more children if it might */
	int64_t look_at;
	int64_t looked_at, looked_ms; /* by the wall clock, and by the monotonic one */
};

struct run_org {
	const struct org_settings *settings;
	struct plan_owner *owners; /* ascending by email */
	struct run_trouble *troubles; /* one for each owner */
	size_t n_owners;
	struct run_state s;
};

/* Reads the owners' rules into the arena; the organisation starts with nothing known of it. */
int run_org_init(struct run_org *o, struct arena *a, const struct config *config, const struct org_settings *settings,
                 struct err *err) MUST_USE;
/* Looks at the ledger, settles what is past, and starts what is due. Failures are logged and tried again. */
void run_org_look(struct run_org *o, struct jobs *jobs, int64_t now);
/* Which day is to be looked over next, and when: an hour after the last slot that any owner has on it. */
int run_audit_read(struct run_org *o, struct db *db, int64_t now, struct err *err) MUST_USE;
/* One of its children has ended. */
void run_org_ended(struct run_org *o, const struct job *job, enum job_result result, int64_t now);

/* Copies the configuration files of a folder to another, which is emptied first. */
int run_config_copy(const char *from, const char *to, struct err *err) MUST_USE;

#endif
