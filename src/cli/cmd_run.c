#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "commands.h"
#include "common/lock.h"
#include "common/log.h"
#include "common/loop.h"
#include "common/text.h"
#include "config/secret.h"
#include "run.h"
#include "run_web.h"
#include "schedule/notify.h"

enum {
	LOOK_WITHIN_MS = 60000, /* a clock that was set is noticed at the latest then */
	TICK_MS = 10000,
	TELL_EVERY_MS = 500,
	STOP_KILL_MS = 3000, STOP_END_MS = 4000
};

struct daemon {
	struct cli *cli;
	struct arena *arena; /* of the configuration in force */
	int generation;      /* of its copy: 0 and 1 take turns, so that a child that is just starting can read on */
	const struct config *config;
	struct run_org *orgs;
	size_t n_orgs;
	struct jobs jobs;
	struct loop *loop;
	struct notify notify;
	struct run_web web;
	int64_t zones_ms; /* when the files of time zones were last looked at */
	int64_t told_ms; /* when the service manager last heard of us, and of how many children */
	int told_children;
	int tick_ms;
	bool is_stopping;
	int64_t stopping_ms;
	int lock;
};

/* One instance --------------------------------------------------------------------------------------------------- */

static int take_lock(struct daemon *d, const char *state_dir, struct err *err)
{
	if (mkdir(state_dir, 0700) < 0 && errno != EEXIST)
		return err_errno(err, ERR_CONFIG, "make %s", state_dir);
	if (lock_take(arena_printf(d->cli->arena, "%s/retaind.lock", state_dir), &d->lock, err) < 0)
		return err_in(err, "one daemon runs on a state folder");
	return 0;
}

/* Configuration -------------------------------------------------------------------------------------------------- */

static void log_mistakes(const struct mistakes *m)
{
	for (size_t i = 0; i < m->n_kept; i++)
		log_event(LOG_LEVEL_ERROR, "config_mistake", LOG_TEXT("error", m->lines[i]));
}

static const struct run_org *org_of_name(const struct daemon *d, const char *name)
{
	for (size_t i = 0; i < d->n_orgs; i++)
		if (strcmp(d->orgs[i].settings->name, name) == 0)
			return &d->orgs[i];
	return NULL;
}

/* Takes over a configuration that was read into the arena. What goes on in an organisation goes on. */
static int adopt(struct daemon *d, struct arena *a, const struct config *config, struct err *err)
{
	struct run_org *orgs = arena_array(a, config->orgs.n, sizeof *orgs);

	for (size_t i = 0; i < config->orgs.n; i++) {
		const struct org_settings *settings = (const struct org_settings *)config->orgs.at + i;
		const struct run_org *old = org_of_name(d, settings->name);

		if (run_org_init(&orgs[i], a, config, settings, err) < 0)
			return -1;
		if (old == NULL)
			continue;
		orgs[i].s = old->s;
		orgs[i].s.look_at = INSTANT_NONE;
		if (orgs[i].s.sync_retry_at != INSTANT_NONE) /* a person may just have mended it */
			orgs[i].s.sync_retry_at = clock_now();
	}
	arena_free(d->arena);
	d->arena = a;
	d->config = config;
	d->orgs = orgs;
	d->n_orgs = config->orgs.n;
	return 0;
}

/* Reads the folder of the user for what is wrong with it, then a copy of it to be in force. On failure the old one
 * stays; mistakes are in m. */
static int load(struct daemon *d, struct mistakes *m, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const char *state_dir = d->config != NULL ? d->config->state_dir : NULL, *copy;
	const struct config *config = config_load(m->arena, d->cli->config_dir, &cli_checks, m);
	int generation = !d->generation;

	if (config == NULL)
		return err_set(err, ERR_CONFIG, "the configuration in %s has mistakes", d->cli->config_dir);
	if (state_dir != NULL && strcmp(config->state_dir, state_dir) != 0)
		return err_set(err, ERR_CONFIG, "state can't be moved to %s while running", config->state_dir);
	if (state_dir == NULL && take_lock(d, config->state_dir, err) < 0)
		return -1;
	copy = arena_printf(a, "%s/config-%d", config->state_dir, generation);
	if (run_config_copy(d->cli->config_dir, copy, err) < 0)
		return -1;
	config = config_load(a, copy, &cli_checks, m);
	if (config == NULL)
		return err_set(err, ERR_CONFIG, "the configuration in %s changed while it was read", d->cli->config_dir);
	if (adopt(d, a, config, err) < 0)
		return -1;
	a = NULL;
	d->generation = generation;
	d->jobs.config_dir = copy;
	return 0;
}

/* The children log as much, and to the same place. */
static void open_log(struct daemon *d)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };
	static const char *const options[] = { "-q", NULL, "-v", "-vv" };
	int level = LOG_LEVEL_INFO;

	for (int i = 0; i < (int)ARRAY_LEN(names); i++)
		if (strcmp(names[i], d->config->log_level) == 0)
			level = i;
	level += d->cli->verbosity;
	level = level < 0 ? 0 : level > LOG_LEVEL_DEBUG ? LOG_LEVEL_DEBUG : level;
	d->jobs.log_option = options[level];
	log_open((enum log_level)level, environment("JOURNAL_STREAM") != NULL);
}

static void on_reload(void *context, int number)
{
	struct daemon *d = context;
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct mistakes m = { .arena = a };
	struct err err;

	(void)number;
	notify_send(&d->notify, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_monotonic_ms() * 1000);
	if (load(d, &m, &err) < 0) {
		log_mistakes(&m);
		log_event(LOG_LEVEL_ERROR, "reload_refused", LOG_TEXT("error", err.text), LOG_INT("mistakes", (int64_t)m.n));
	} else {
		open_log(d);
		if (run_web_adopt(&d->web, d->loop, d->config, &err) < 0)
			log_event(LOG_LEVEL_ERROR, "web_failed", LOG_TEXT("error", err.text));
		log_event(LOG_LEVEL_INFO, "reloaded", LOG_INT("orgs", (int64_t)d->n_orgs));
	}
	notify_send(&d->notify, "READY=1");
}

static bool zones_are_current(const struct daemon *d)
{
	for (size_t i = 0; i < d->n_orgs; i++)
		for (size_t k = 0; k < d->orgs[i].n_owners; k++)
			if (!zone_is_current(d->orgs[i].owners[k].rules.zone))
				return false;
	return true;
}

/* The system's time zones have been updated: the configuration in force is read again with them, without what the user
 * may be changing. While a file of theirs is missing or damaged, the old rules stay. */
static int reread_zones(struct daemon *d, struct mistakes *m, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const struct config *config = config_load(a, d->jobs.config_dir, &cli_checks, m);
	const char *copy = arena_strdup(a, d->jobs.config_dir);

	if (config == NULL)
		return err_set(err, ERR_CONFIG, "a time zone can't be read");
	if (adopt(d, a, config, err) < 0)
		return -1;
	a = NULL;
	d->jobs.config_dir = copy;
	return 0;
}

static void follow_zones(struct daemon *d, int64_t ms)
{
	CLEANUP(arena_freep) struct arena *a = NULL;
	struct mistakes m = { 0 };
	struct err err;

	if (ms - d->zones_ms < d->tick_ms)
		return;
	d->zones_ms = ms;
	if (zones_are_current(d))
		return;
	a = m.arena = arena_new(0);
	if (reread_zones(d, &m, &err) < 0 || run_web_adopt(&d->web, d->loop, d->config, &err) < 0) {
		log_mistakes(&m);
		log_event(LOG_LEVEL_ERROR, "zones_refused", LOG_TEXT("error", err.text));
	} else {
		log_event(LOG_LEVEL_INFO, "zones_updated", LOG_INT("orgs", (int64_t)d->n_orgs));
	}
}

/* The loop ------------------------------------------------------------------------------------------------------- */

static void on_stop(void *context, int number)
{
	struct daemon *d = context;

	if (d->is_stopping)
		return;
	log_event(LOG_LEVEL_INFO, "stopping", LOG_INT("signal", number), LOG_INT("children", d->jobs.n));
	notify_send(&d->notify, "STOPPING=1");
	d->is_stopping = true;
	d->stopping_ms = clock_monotonic_ms();
	run_web_done(&d->web);
	jobs_stop(&d->jobs, d->stopping_ms);
}

static void on_child(void *context, pid_t pid, int wait_status)
{
	struct daemon *d = context;
	enum job_result result;
	struct job job;

	if (!jobs_ended(&d->jobs, pid, wait_status, &job, &result) || d->is_stopping)
		return;
	for (size_t i = 0; i < d->n_orgs; i++) {
		if (strcmp(d->orgs[i].settings->name, job.org) == 0)
			run_org_ended(&d->orgs[i], &job, result, clock_now());
		else if (d->orgs[i].s.wants_room)
			d->orgs[i].s.look_at = INSTANT_NONE;
	}
}

static void stop_in_time(struct daemon *d)
{
	int64_t gone_ms = clock_monotonic_ms() - d->stopping_ms;

	if (gone_ms >= STOP_KILL_MS)
		jobs_kill(&d->jobs);
	if (d->jobs.n == 0 || gone_ms >= STOP_END_MS)
		loop_stop(d->loop);
	loop_wake_within(d->loop, 100);
}

/* Requests wake us often; the service manager needn't hear of each. */
static void tell_manager(struct daemon *d, int64_t ms)
{
	if (d->told_children == d->jobs.n && ms - d->told_ms < TELL_EVERY_MS && d->tick_ms > 2 * TELL_EVERY_MS)
		return;
	d->told_children = d->jobs.n;
	d->told_ms = ms;
	notify_send(&d->notify, "WATCHDOG=1\nSTATUS=%zu organisations, %d children", d->n_orgs, d->jobs.n);
}

/* Below 0: never. */
static int sooner(int ms, int other_ms)
{
	return other_ms >= 0 && other_ms < ms ? other_ms : ms;
}

static void on_time(void *context, int64_t now)
{
	struct daemon *d = context;
	int64_t ms = clock_monotonic_ms(), wake_at = INT64_MAX;
	int jobs_ms, web_ms;

	if (d->is_stopping) {
		stop_in_time(d);
		return;
	}
	follow_zones(d, ms);
	for (size_t i = 0; i < d->n_orgs; i++) {
		struct run_org *o = &d->orgs[i];

		if (now >= o->s.look_at || now < o->s.looked_at || ms - o->s.looked_ms >= LOOK_WITHIN_MS) {
			notify_send(&d->notify, "WATCHDOG=1"); /* only here: a loop that hangs says nothing */
			run_org_look(o, &d->jobs, now);
		}
		if (o->s.look_at < wake_at)
			wake_at = o->s.look_at;
	}
	jobs_ms = jobs_enforce(&d->jobs, ms);
	tell_manager(d, ms);
	web_ms = run_web_tick(&d->web, ms);
	loop_wake_at(d->loop, wake_at);
	loop_wake_within(d->loop, sooner(sooner(d->tick_ms, jobs_ms), web_ms));
}

/* A third of what the service manager allows, or our own tick. */
static int tick_ms(void)
{
	const char *text = environment("WATCHDOG_USEC");
	int64_t allowed_us;

	if (text == NULL || !text_to_int(text, &allowed_us) || allowed_us < 3000 || allowed_us / 3000 > TICK_MS)
		return TICK_MS;
	return (int)(allowed_us / 3000);
}

static int run_loop(struct daemon *d, struct err *err)
{
	CLEANUP(loop_freep) struct loop *loop = NULL;
	CLEANUP(run_web_donep) struct run_web *web = &d->web;

	if (loop_new(&loop, err) < 0 || loop_on_signal(loop, SIGTERM, on_stop, d, err) < 0 ||
	    loop_on_signal(loop, SIGINT, on_stop, d, err) < 0 || loop_on_signal(loop, SIGHUP, on_reload, d, err) < 0 ||
	    loop_on_child(loop, on_child, d, err) < 0 || loop_on_time(loop, on_time, d, err) < 0)
		return -1;
	d->loop = loop;
	if (run_web_adopt(web, loop, d->config, err) < 0)
		return -1;
	d->tick_ms = tick_ms();
	notify_open(&d->notify, environment("NOTIFY_SOCKET"));
	notify_send(&d->notify, "READY=1\nSTATUS=%zu organisations", d->n_orgs);
	log_event(LOG_LEVEL_INFO, "started", LOG_INT("orgs", (int64_t)d->n_orgs), LOG_INT("pid", getpid()),
	          LOG_TEXT("version", RETAIND_VERSION));
	if (loop_run(loop, err) < 0)
		return -1;
	log_event(LOG_LEVEL_INFO, "stopped", LOG_INT("children", d->jobs.n));
	return 0;
}

static void daemon_done(struct daemon *d)
{
	notify_close(&d->notify);
	lock_release(&d->lock);
	arena_free(d->arena);
}

int cmd_run(struct cli *c, struct err *err)
{
	CLEANUP(daemon_done) struct daemon d = { .cli = c, .notify.fd = -1, .lock = -1, .web.fd = -1,
		                                 .jobs = { .program = "/proc/self/exe" } };
	struct mistakes m = { .arena = c->arena };

	if (c->org_name || c->has_now || c->as_of != DAY_NONE)
		return err_set(err, ERR_USAGE,
		               "the daemon runs every organisation by the clock: --org, --now and --as-of go with the "
		               "other commands");
	if (load(&d, &m, err) < 0) {
		for (size_t i = 0; i < m.n_kept; i++)
			(void)fprintf(stderr, "%s\n", m.lines[i]);
		return -1;
	}
	open_log(&d);
	return run_loop(&d, err) < 0 ? -1 : EX_OK;
}
