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
	STRIP_BYTES = 128 << 20, /* two strips lie in the page cache unread, at most */
	REQUEST_BYTES = 128 << 10,
	SAMPLE_DAYS = 23,      /* of so many one is looked at */
	NAP_NS = 1000000
};

struct reading {
	const struct usage_ahead *plan;
	struct leaves *file;
	uint32_t root;
	bool is_missing; /* something of what was looked at is not in memory */
};

static int find_usage(struct reading *r, struct err *err)
{
	CLEANUP(db_closep) struct db *db = NULL;
	int64_t root;

	if (db_open(r->plan->database, DB_READ, &db, err) < 0 ||
	    db_int(db, "SELECT rootpage FROM sqlite_schema WHERE name = 'usage_block'", 0, &root, err) < 0)
		return -1;
	r->root = (uint32_t)root;
	return 0;
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
	const struct usage_ahead *p = r->plan;

	for (size_t m = 0; m < p->n_metrics; m++)
		for (int32_t day = p->to; day >= p->from && day >= 0; day -= step)
			leaves_of(r->file, r->root, usage_block_id(p->metrics[m], day, first),
			          usage_block_id(p->metrics[m], day, last), fn, r);
}

/* Mostly all is in memory or nothing is: to ask for what is there costs as much as to look for it page by page. */
static void ask_strip(struct reading *r, size_t from, size_t end)
{
	int64_t first = r->plan->blocks[from], last = r->plan->blocks[end - 1];

	r->is_missing = false;
	each_run(r, first, last, SAMPLE_DAYS, look);
	if (r->is_missing)
		each_run(r, first, last, 1, ask);
}

static size_t bytes_of(const struct usage_ahead *p)
{
	return (size_t)(p->to - p->from + 1) * p->n_metrics * USAGE_BLOCK_BYTES;
}

/* Blocks in between of which nobody is taken would be asked for, too. */
static size_t strip_size(const struct usage_ahead *p, size_t first)
{
	size_t n = first + FIRST_STRIP < STRIP ? first + FIRST_STRIP : STRIP;

	n = n < p->n_blocks - first ? n : p->n_blocks - first;
	while (n > 1 && (n * bytes_of(p) > STRIP_BYTES || p->blocks[first + n - 1] - p->blocks[first] >= STRIP))
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
		end = first + strip_size(r->plan, first);
		ask_strip(r, first, end);
		before = first;
	}
}

NORETURN static void run(const struct usage_ahead *plan, pid_t parent)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct reading r = { .plan = plan };
	struct err err;

	if (child_tie(parent) && find_usage(&r, &err) == 0) {
		r.file = leaves_open(plan->database, a);
		if (r.file)
			ask_all(&r);
		leaves_close(r.file);
	}
	child_leave(0);
}

pid_t usage_ahead_start(const struct usage_ahead *plan)
{
	pid_t parent = getpid(), process;

	if (bytes_of(plan) > STRIP_BYTES)
		return 0;
	process = fork();
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
