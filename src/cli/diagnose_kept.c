/* One account without going through all: the base of the day as scoring left it. */
#include <endian.h>

#include "diagnose.h"
#include "score/norms_kept.h"
#include "store/base_kept.h"

enum { LAYOUT = 1 }; /* another number for another way to make a base or norms of the same facts */

static void parcel_day(struct parcel *p, struct diagnosing *io)
{
	base_parcel(p, &io->base);
	norms_parcel(p, io->base.n_metrics, &io->norms);
	parcel_bytes(p, &io->contracts_from, sizeof io->contracts_from);
}

void diagnose_keep(const struct diagnosing *d, struct buf *out)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	struct parcel p = { .out = out, .arena = a };
	struct diagnosing copy = *d;

	parcel_day(&p, &copy);
}

const char *diagnose_maker(const struct session *s, struct arena *a)
{
	return arena_printf(a, "%s %s %d %d %zu", s->org->hash, RETAIND_VERSION, LAYOUT, BYTE_ORDER, sizeof(void *));
}

/* 1: there was a base of that day. */
static int load_kept(const struct session *s, struct arena *a, struct diagnosing *io, struct err *err)
{
	struct parcel p = { .arena = a };
	const void *data;
	size_t len;
	int rc = base_kept_get(s->db, io->query.as_of, diagnose_maker(s, a), a, &data, &len, err);

	if (rc <= 0)
		return rc;
	p.at = data;
	p.end = p.at + len;
	parcel_day(&p, io);
	return parcel_is_whole(&p) && io->base.as_of == io->query.as_of;
}

int diagnose_one(const struct session *s, int32_t as_of, const char *what, struct arena *a, struct diagnosing *out,
                 size_t *out_index, struct err *err)
{
	struct diagnosing d = diagnose_begin(s, as_of, a);
	int64_t account;
	int rc;

	if (facts_find(s->db, as_of, what, &account, err) < 0)
		return -1;
	rc = load_kept(s, a, &d, err);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return diagnose_day(s, as_of, a, out, err) < 0 ? -1 : facts_index(&out->base, account, out_index, err);
	if (base_kept_complete(s->db, &d.query, account, a, &d.base, err) < 0 || diagnose_scores(s, &d, err) < 0)
		return -1;
	*out = d;
	out->judge = judge_of(&s->org->score, &out->base, out->norms, a);
	*out_index = 0;
	return 0;
}

int diagnose_seen(struct diagnosing *io, struct arena *a, struct err *err)
{
	struct db *db = io->session->db;
	int rc = load_kept(io->session, a, io, err);

	if (rc < 0)
		return -1;
	return rc ? facts_base_seen(db, &io->query, a, &io->base, err) :
	            facts_base_load(db, &io->query, a, &io->base, err);
}
