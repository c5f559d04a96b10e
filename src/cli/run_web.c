#include "run_web.h"

#include <string.h>

#include "answering.h"
#include "common/fd.h"
#include "common/log.h"
#include "config/secret.h"
#include "web/answer.h"

enum { TOLD_EVERY_MS = 60000, HTTP_OK = 200, FIRST_OWN_FAULT = 500 };

static const enum web_auth auths[] = {
	[PUSH_WRITE_KEY] = WEB_AUTH_WRITE_KEY,
	[PUSH_STANDARD_WEBHOOKS] = WEB_AUTH_STANDARD_WEBHOOKS,
	[PUSH_ESPOCRM] = WEB_AUTH_ESPOCRM,
};

/* settings --------------------------------------------------------------------------------------------------------- */

static bool is_pushed_to(const struct source_settings *s)
{
	return strcmp(s->connector, "push") == 0;
}

int run_web_secret(struct arena *a, const struct source_settings *s, const char *reference, const char **out,
                   struct err *err)
{
	enum web_auth auth = auths[s->push.auth];

	if (secret_read(a, reference, out, err) < 0)
		return -1;
	if (is_pushed_to(s) && !web_secret_is_usable(auth, *out))
		return err_set(err, ERR_CONFIG, "%s: expected 16 bytes or more%s", reference,
		               auth == WEB_AUTH_STANDARD_WEBHOOKS ? " in base64, as in whsec_..." : ", without `:`");
	return 0;
}

static int read_source(struct arena *a, const struct org_settings *org, const struct source_settings *s,
                       struct web_source *out, struct err *err)
{
	const struct named_secret *references = s->secrets.at;
	const char **secrets = arena_array(a, s->secrets.n, sizeof *secrets);

	*out = (struct web_source){ .org = arena_strdup(a, org->name), .name = arena_strdup(a, s->name),
		                        .auth = auths[s->push.auth], .secrets = secrets, .n_secrets = s->secrets.n,
		                        .spool_folder = spool_folder(a, org, s->name),
		                        .spool_bytes = s->push.spool_mb << 20, .per_second = s->push.per_second };
	for (size_t i = 0; i < s->secrets.n; i++)
		if (run_web_secret(a, s, references[i].reference, &secrets[i], err) < 0)
			return err_in(err, "secret %s", references[i].name);
	return 0;
}

/* A source whose secrets can't be read is left out, as if nobody might push to it; the others go on. */
static void read_sources(struct arena *a, const struct config *config, struct web_options *out)
{
	const struct org_settings *orgs = config->orgs.at;
	struct web_source *sources;
	size_t room = 0, n = 0;
	struct err err;

	for (size_t i = 0; i < config->orgs.n; i++)
		room += orgs[i].sources.n;
	sources = arena_array(a, room + 1, sizeof *sources);
	for (size_t i = 0; i < config->orgs.n; i++) {
		const struct source_settings *all = orgs[i].sources.at;

		for (size_t j = 0; j < orgs[i].sources.n; j++) {
			if (!is_pushed_to(&all[j]))
				continue;
			if (read_source(a, &orgs[i], &all[j], &sources[n], &err) == 0)
				n++;
			else
				log_event(LOG_LEVEL_ERROR, "push_closed", LOG_TEXT("org", orgs[i].name),
				          LOG_TEXT("source", all[j].name), LOG_TEXT("error", err.text));
		}
	}
	out->sources = sources;
	out->n_sources = n;
}

/* answers ---------------------------------------------------------------------------------------------------------- */

static const struct web_owner *read_owners(struct arena *a, const struct org_settings *org)
{
	const struct owner_settings *all = org->owners.at;
	struct web_owner *owners = arena_array(a, org->owners.n + 1, sizeof *owners);

	for (size_t i = 0; i < org->owners.n; i++)
		owners[i] = (struct web_owner){ .email = arena_strdup(a, all[i].email), .words = words_copy(a, all[i].words),
			                            .name = all[i].name ? arena_strdup(a, all[i].name) : NULL };
	return owners;
}

static int read_answers(struct arena *a, const struct org_settings *org, struct web_answers *out, struct err *err)
{
	const char *const references[] = { org->answers.secret, org->answers.old_secret };

	*out = (struct web_answers){ .org = arena_strdup(a, org->name), .title = arena_strdup(a, org->title),
		                         .db_path = arena_strdup(a, org->db_path), .words = words_copy(a, org->words),
		                         .owners = read_owners(a, org), .n_owners = org->owners.n };
	for (size_t i = 0; i < ARRAY_LEN(references); i++)
		if (references[i] && answering_secret(a, references[i], &out->keys[out->n_keys++], err) < 0)
			return -1;
	return zone_open(a, org->zone, &out->zone, err);
}

/* Whose secrets can't be read has no answers by links; the others go on. */
static void read_all_answers(struct arena *a, const struct config *config, struct web_options *out)
{
	const struct org_settings *orgs = config->orgs.at;
	struct web_answers *all = arena_array(a, config->orgs.n + 1, sizeof *all);
	struct err err;

	for (size_t i = 0; i < config->orgs.n; i++) {
		if (!orgs[i].answers.url)
			continue;
		if (read_answers(a, &orgs[i], &all[out->n_answers], &err) == 0)
			out->n_answers++;
		else
			log_event(LOG_LEVEL_ERROR, "answers_off", LOG_TEXT("org", orgs[i].name), LOG_TEXT("error", err.text));
	}
	out->answers = all;
}

/* telling ---------------------------------------------------------------------------------------------------------- */

/* Strangers must not fill the log, and what we can't keep must be in it: a line a minute for each. */
static void refused(void *context, const struct web_source *source, int status, const char *why)
{
	struct run_web *w = context;
	bool is_ours = status >= FIRST_OWN_FAULT;
	int64_t now_ms = clock_monotonic_ms(), *told_ms = is_ours ? &w->fault_told_ms : &w->told_ms;
	int64_t *n = is_ours ? &w->n_faults : &w->n_refused;

	++*n;
	if (*told_ms != 0 && now_ms - *told_ms < TOLD_EVERY_MS)
		return;
	*told_ms = now_ms;
	log_event(is_ours ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, "push_refused", LOG_TEXT("org", source ? source->org : ""),
	          LOG_TEXT("source", source ? source->name : ""), LOG_INT("status", status), LOG_TEXT("error", why),
	          LOG_INT("since_start", *n));
}

/* Who answered what stands in the ledger and here; of refusals, a line a minute. */
static void answered(void *context, const struct web_answered *x)
{
	struct run_web *w = context;
	int64_t now_ms = clock_monotonic_ms();

	if (x->status == HTTP_OK) {
		log_event(LOG_LEVEL_INFO, "answered", LOG_TEXT("org", x->org), LOG_TEXT("owner", x->who),
		          LOG_TEXT("answer", x->event), LOG_INT("finding", x->finding));
		return;
	}
	w->n_unanswered++;
	if (w->unanswered_ms != 0 && now_ms - w->unanswered_ms < TOLD_EVERY_MS)
		return;
	w->unanswered_ms = now_ms;
	log_event(x->why ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, "answer_refused", LOG_TEXT("org", x->org),
	          LOG_INT("status", x->status), LOG_TEXT("reason", x->event), LOG_TEXT("error", x->why),
	          LOG_INT("since_start", w->n_unanswered));
}

/* life ------------------------------------------------------------------------------------------------------------- */

static void on_readable(void *context)
{
	struct run_web *w = context;

	(void)web_run(w->web, clock_monotonic_ms());
}

static void stop(struct run_web *w)
{
	if (w->loop)
		loop_forget_readable(w->loop);
	web_stop(w->web);
	arena_freep(&w->arena);
	w->arena = NULL;
	w->web = NULL;
}

void run_web_done(struct run_web *w)
{
	stop(w);
	fd_closep(&w->fd);
	w->fd = -1;
}

void run_web_donep(struct run_web **w)
{
	run_web_done(*w);
}

/* The socket stays where its address does: nobody who connects meanwhile is turned away. */
static int listen_anew(struct run_web *w, const char *address, struct err *err)
{
	int fd;

	if (w->fd >= 0 && strcmp(w->listen, address) == 0)
		return 0;
	if (strlen(address) >= sizeof w->listen)
		return err_set(err, ERR_CONFIG, "listen: `%.80s` is too long", address);
	if (web_listen(address, &fd, err) < 0)
		return -1;
	fd_closep(&w->fd);
	w->fd = fd;
	memcpy(w->listen, address, strlen(address) + 1);
	log_event(LOG_LEVEL_INFO, "listening", LOG_TEXT("address", w->listen));
	return 0;
}

int run_web_adopt(struct run_web *w, struct loop *loop, const struct config *config, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct web_options o = { .refused = refused, .answered = answered, .context = w };

	if (!config->web.listen) {
		run_web_done(w);
		return 0;
	}
	if (web_load(err) < 0 || listen_anew(w, config->web.listen, err) < 0)
		return -1;
	read_sources(a, config, &o);
	read_all_answers(a, config, &o);
	stop(w);
	w->loop = loop;
	o.listen_fd = w->fd;
	if (web_start(&o, &w->web, err) < 0)
		return -1;
	w->arena = a;
	a = NULL;
	return loop_on_readable(loop, web_fd(w->web), on_readable, w, err);
}

int run_web_tick(struct run_web *w, int64_t now_ms)
{
	return w->web ? web_run(w->web, now_ms) : -1;
}
