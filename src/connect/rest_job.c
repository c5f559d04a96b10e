/* Walks whose list the other side first prepares. */
#include "rest_parts.h"

#include "request.h"
#include "store/record.h"

static struct scope scope_of(const struct run *r, const struct walk *w)
{
	struct scope scope = r->client->scope;

	scope.window_start = w->state.start;
	scope.window_end = w->state.end;
	scope.zone = w->zone;
	return scope;
}

static int save_walk(const struct run *r, const struct walk_state *state, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(txn_end) struct txn txn = { 0 };
	struct progress next = r->progress;

	if (r->pull->is_dry_run)
		return 0;
	next.walk = *state;
	if (txn_begin(&txn, r->pull->db, err) < 0 ||
	    cursor_set(r->pull->db, r->source, r->stream->name, progress_write(a, &next), r->pull->now, err) < 0)
		return -1;
	return txn_commit(&txn, err);
}

/* Asks for the job and keeps its name before anything is waited for: the next pull finds it again. */
static int begin(const struct run *r, struct walk *w, const struct scope *scope, struct arena *a, struct err *err)
{
	const struct request_lists lists = { .properties = r->stream->wanted };
	struct walk_state state = w->state;

	if (job_begin(&w->job, &w->request->job, r->client, scope, &lists, a, err) < 0)
		return -1;
	state.token = job_place(&w->job, NULL, a);
	return save_walk(r, &state, err);
}

int rest_job_open(const struct run *r, struct walk *w, struct arena *a, struct err *err)
{
	const struct scope scope = scope_of(r, w);
	const char *token;

	if (!w->request->job.post)
		return 0;
	job_from_place(&w->job, w->state.token, a, &token);
	if ((!w->job.id && begin(r, w, &scope, a, err) < 0) ||
	    job_wait(&w->job, &w->request->job, r->client, &scope, err) < 0)
		return err_in(err, "job");
	pager_init(&w->pager, &w->page, r->client->base_url, token, a);
	return 0;
}

const char *rest_job_place(const struct walk *w, struct arena *a)
{
	struct job job = w->job;

	job.n_rows += w->pager.n_rows;
	return job.id ? job_place(&job, w->pager.token, a) : w->pager.token;
}

int rest_job_check(const struct run *r, const struct walk *w, struct err *err)
{
	int64_t n_rows = w->job.n_rows + w->pager.n_rows;

	if (!w->job.id || w->job.total < 0 || n_rows == w->job.total)
		return 0;
	if (save_walk(r, &(struct walk_state){ .kind = WALK_NONE }, err) < 0)
		return -1;
	return err_set(err, ERR_RETRY,
	               "the job's pages have %lld rows, but it says that it has %lld; the next pull begins anew",
	               (long long)n_rows, (long long)w->job.total);
}

void rest_job_close(const struct run *r, const struct walk *w)
{
	const struct scope scope = scope_of(r, w);

	if (w->job.id)
		job_clear(&w->job, &w->request->job, r->client, &scope);
}
