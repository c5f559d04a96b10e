#include "store/usage_ahead.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/child.h"
#include "leaves.h"
#include "usage_block.h"

enum {
	STRIP = 8,             /* blocks asked for together, at most: their pages of a day lie side by side */
	FIRST_STRIP = 2,       /* nobody has anything to do before it is there */
	STRIP_BYTES = 256 << 20,
	REQUEST_BYTES = 128 << 10,
	SAMPLE_DAYS = 23,      /* of so many one is looked at */
	NAP_NS = 1000000
};

struct reading {
	const struct usage_ahead *plan;
	struct leaves *file;
	uint32_t usage_root, packs_root;
	const int32_t *metrics;
	size_t n_metrics;
	bool is_missing; /* something of what was looked at is not in memory */
};

static int load_metrics(struct reading *r, struct db *db, struct arena *a, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "SELECT id FROM metric ORDER BY id");
	int32_t *metrics = NULL;
	size_t n = 0;
	int rc;

	while ((rc = stmt_step(q, err)) > 0) {
		metrics = arena_grow(a, metrics, n, n + 1, sizeof *metrics);
		metrics[n++] = (int32_t)col_int(q, 0);
	}
	r->metrics = metrics;
	r->n_metrics = n;
	return rc;
}

static int load(struct reading *r, struct arena *a, struct err *err)
{
	CLEANUP(db_closep) struct db *db = NULL;
	int64_t usage, packs;

	if (db_open(r->plan->database, DB_READ, &db, err) < 0 ||
	    db_int(db, "SELECT rootpage FROM sqlite_schema WHERE name = 'usage_block'", 0, &usage, err) < 0 ||
	    db_int(db, "SELECT rootpage FROM sqlite_schema WHERE name = 'account_pack'", 0, &packs, err) < 0)
		return -1;
	r->usage_root = (uint32_t)usage;
	r->packs_root = (uint32_t)packs;
	r->metrics = r->plan->metrics;
	r->n_metrics = r->plan->n_metrics;
	return r->metrics ? 0 : load_metrics(r, db, a, err);
}

/* Of a longer request the kernel leaves out what is beyond what the device takes at once. */
static void ask(void *context, off_t at, off_t len)
{
	const struct reading *r = context;

	for (off_t done = 0; done < len; done += REQUEST_BYTES)
		(void)readahead(leaves_fd(r->file), at + done,
		                (size_t)(len - done < REQUEST_BYTES ? len - done : REQUEST_BYTES));
}

/* Whether a byte can be had without the disk. */
static bool is_in_memory(int fd, off_t at)
{
	char byte;
	struct iovec to = { &byte, 1 };

	return preadv2(fd, &to, 1, at, RWF_NOWAIT) == 1;
}

static void look(void *context, off_t at, off_t len)
{
	struct reading *r = context;
	int fd = leaves_fd(r->file);

	r->is_missing = r->is_missing || !is_in_memory(fd, at) || !is_in_memory(fd, at + len - 1);
}

static void each_run(struct reading *r, int64_t first, int64_t last, int step, leaves_fn *fn)
{
	if (r->plan->with_packs)
		leaves_of(r->file, r->packs_root, first * USAGE_BLOCK, (last + 1) * USAGE_BLOCK - 1, fn, r);
	for (size_t m = 0; m < r->n_metrics; m++)
		for (int32_t day = r->plan->to; day >= r->plan->from; day -= step)
			leaves_of(r->file, r->usage_root, usage_block_id(r->metrics[m], day, first),
			          usage_block_id(r->metrics[m], day, last), fn, r);
}

static int64_t block_at(const struct reading *r, size_t i)
{
	return r->plan->blocks ? r->plan->blocks[i] : (int64_t)i;
}

/* Mostly all is in memory or nothing is: to ask for what is there costs as much as to look for it page by page. */
static void ask_strip(struct reading *r, size_t from, size_t end)
{
	int64_t first = block_at(r, from), last = block_at(r, end - 1);

	r->is_missing = false;
	each_run(r, first, last, SAMPLE_DAYS, look);
	if (r->is_missing)
		each_run(r, first, last, 1, ask);
}

static size_t strip_size(const struct reading *r, size_t first)
{
	size_t block = (size_t)(r->plan->to - r->plan->from + 1) * r->n_metrics * USAGE_BLOCK_BYTES;
	size_t n = first + FIRST_STRIP < STRIP ? first + FIRST_STRIP : STRIP;

	while (n > 1 && n * block > STRIP_BYTES)
		n--;
	return n;
}

/* A strip is asked for when the one before is begun: what is in memory unread stays bounded. */
static void ask_all(struct reading *r)
{
	static const struct timespec nap = { .tv_nsec = NAP_NS };
	size_t n = r->plan->n_blocks, before = 0;

	for (size_t first = 0, end; first < n; first = end) {
		size_t taken;

		while ((taken = atomic_load(r->plan->next)) <= before && first > 0)
			(void)nanosleep(&nap, NULL);
		if (taken >= n)
			return;
		end = first + strip_size(r, first);
		end = end < n ? end : n;
		ask_strip(r, first, end);
		before = first;
	}
}

NORETURN static void run(const struct usage_ahead *plan, pid_t parent)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct reading r = { .plan = plan };
	struct err err;

	if (child_tie(parent) && load(&r, a, &err) == 0) {
		r.file = leaves_open(plan->database, a);
		if (r.file)
			ask_all(&r);
		leaves_close(r.file);
	}
	child_leave(0);
}

pid_t usage_ahead_start(const struct usage_ahead *plan)
{
	pid_t parent = getpid(), process = fork();

	if (process == 0)
		run(plan, parent);
	return process < 0 ? 0 : process;
}

void usage_ahead_end(pid_t process)
{
	if (process == 0)
		return;
	(void)kill(process, SIGKILL);
	while (waitpid(process, NULL, 0) < 0 && errno == EINTR)
		;
}

void usage_ahead_endp(pid_t *process)
{
	usage_ahead_end(*process);
}
