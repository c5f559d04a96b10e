#include "nrr_pack.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { VARINT_BYTES = 10 };

static uint8_t *put_varint(uint8_t *to, uint64_t n)
{
	for (; n > 0x7f; n >>= 7)
		*to++ = (uint8_t)(n | 0x80);
	*to++ = (uint8_t)n;
	return to;
}

static uint64_t folded(int64_t n)
{
	return ((uint64_t)n << 1) ^ (n < 0 ? UINT64_MAX : 0);
}

static int64_t unfolded(uint64_t n)
{
	return (int64_t)(n >> 1) ^ -(int64_t)(n & 1);
}

/* The sums of an account that pays the same at both ends, which is most of them. */
static struct nrr_snapshot_account still(int64_t id, int64_t minor)
{
	struct nrr_snapshot_account x = { .id = id };

	x.sums[SNAPSHOT_N_START] = x.sums[SNAPSHOT_N_END] = 1;
	x.sums[SNAPSHOT_START] = x.sums[SNAPSHOT_END] = x.sums[SNAPSHOT_COHORT_END] = x.sums[SNAPSHOT_KEPT] = minor;
	return x;
}

static uint8_t *put_account(uint8_t *to, const struct nrr_snapshot_account *x, int64_t before)
{
	const struct nrr_snapshot_account same = still(x->id, x->sums[SNAPSHOT_START]);
	uint64_t mask = 0;

	to = put_varint(to, (uint64_t)x->id - (uint64_t)before);
	if (x->sums[SNAPSHOT_START] > 0 && memcmp(x->sums, same.sums, sizeof same.sums) == 0)
		return put_varint(to, (uint64_t)x->sums[SNAPSHOT_START] + 1);
	for (int i = 0; i < N_SNAPSHOT_SUMS; i++)
		mask |= (uint64_t)(x->sums[i] != 0) << i;
	to = put_varint(put_varint(to, 0), mask);
	for (int i = 0; i < N_SNAPSHOT_SUMS; i++)
		if (x->sums[i])
			to = put_varint(to, folded(x->sums[i]));
	return to;
}

size_t nrr_pack_account(const struct nrr_snapshot_account *x, int64_t last_id, uint8_t to[NRR_PACKED_BYTES])
{
	assert(x->id > last_id);
	return (size_t)(put_account(to, x, last_id) - to);
}

static int compare_names(const void *left, const void *right)
{
	const char *const *a = left, *const *b = right;

	return strcmp(*a, *b);
}

/* The different owners in the order of the alphabet. */
static const char **owners_of(const char *const *owners, size_t n, struct arena *a, size_t *n_out)
{
	const char **names = arena_array(a, n + 1, sizeof *names);
	size_t found = 0, kept = 0;

	for (size_t i = 0; i < n; i++)
		if (owners[i] && (!found || strcmp(names[found - 1], owners[i]) != 0))
			names[found++] = owners[i];
	if (found)
		qsort(names, found, sizeof *names, compare_names);
	for (size_t i = 0; i < found; i++)
		if (!kept || strcmp(names[kept - 1], names[i]) != 0)
			names[kept++] = names[i];
	*n_out = kept;
	return names;
}

void nrr_pack_owners(const char *const *owners, size_t n, struct arena *a, struct buf *to)
{
	uint8_t bytes[VARINT_BYTES];
	size_t n_names;
	const char **names = owners_of(owners, n, a, &n_names);

	if (!n_names)
		return;
	buf_add(to, bytes, (size_t)(put_varint(bytes, n_names) - bytes));
	for (size_t i = 0; i < n_names; i++) {
		buf_add(to, bytes, (size_t)(put_varint(bytes, strlen(names[i])) - bytes));
		buf_text(to, names[i]);
	}
	for (size_t i = 0; i < n; i++) {
		const char *const *owner = &owners[i];
		const char **which = *owner ? bsearch(owner, names, n_names, sizeof *names, compare_names) : NULL;

		buf_add(to, bytes, (size_t)(put_varint(bytes, which ? (uint64_t)(which - names) + 1 : 0) - bytes));
	}
}

/* reading ---------------------------------------------------------------------------------------------------------- */

struct reader {
	const uint8_t *at, *end;
	bool is_bad; /* there was less than should have been */
};

static uint64_t take(struct reader *r)
{
	uint64_t n = 0;

	for (int shift = 0; r->at < r->end && shift < 64; shift += 7) {
		uint8_t byte = *r->at++;

		n |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return n;
	}
	r->is_bad = true;
	return 0;
}

static struct nrr_snapshot_account take_account(struct reader *r, int64_t before)
{
	int64_t id = (int64_t)((uint64_t)before + take(r));
	uint64_t same = take(r), mask;
	struct nrr_snapshot_account x = { .id = id };

	if (same)
		return still(id, (int64_t)(same - 1));
	mask = take(r);
	for (int i = 0; i < N_SNAPSHOT_SUMS; i++)
		if (mask >> i & 1)
			x.sums[i] = unfolded(take(r));
	return x;
}

static size_t count_accounts(struct packed sums)
{
	struct reader r = { .at = sums.at, .end = sums.at + sums.len };
	size_t n = 0;

	for (; r.at < r.end && !r.is_bad; n++)
		(void)take_account(&r, 0);
	return n;
}

void nrr_unpacking_begin(struct nrr_unpacking *u, struct packed sums, struct packed owners, struct arena *a)
{
	struct reader r = { .at = owners.at, .end = owners.at + owners.len };
	uint64_t n_names = owners.len ? take(&r) : 0;

	*u = (struct nrr_unpacking){ .sums = sums, .is_bad = n_names > owners.len };
	u->n_names = u->is_bad ? 0 : (size_t)n_names;
	u->names = arena_array(a, u->n_names + 1, sizeof *u->names);
	for (size_t i = 1; i <= u->n_names && !r.is_bad; i++) {
		uint64_t len = take(&r);

		r.is_bad = r.is_bad || len > (uint64_t)(r.end - r.at);
		if (r.is_bad)
			break;
		u->names[i] = arena_strndup(a, (const char *)r.at, (size_t)len);
		r.at += len;
	}
	u->has_owners = owners.len > 0;
	u->is_bad = u->is_bad || r.is_bad;
	u->owners = (struct packed){ r.at, (size_t)(r.end - r.at) };
}

int nrr_unpacking_next(struct nrr_unpacking *u, struct nrr_snapshot_account *out, struct err *err)
{
	struct reader r = { u->sums.at, u->sums.at + u->sums.len, u->is_bad };
	struct reader of_owners = { u->owners.at, u->owners.at + u->owners.len, false };
	uint64_t which;

	if (!u->sums.len && !u->owners.len && !u->is_bad)
		return 0;
	*out = take_account(&r, u->last_id);
	which = u->has_owners ? take(&of_owners) : 0;
	if (r.is_bad || of_owners.is_bad || out->id <= u->last_id || which > u->n_names)
		return err_set(err, ERR_FATAL, "the accounts of a report of retention are damaged");
	out->owner = u->names[which];
	u->last_id = out->id;
	u->sums = (struct packed){ r.at, (size_t)(r.end - r.at) };
	u->owners = (struct packed){ of_owners.at, (size_t)(of_owners.end - of_owners.at) };
	return 1;
}

static void take_owners(struct reader *r, struct arena *a, struct nrr_snapshot_account *accounts, size_t n)
{
	uint64_t n_names = take(r);
	const char **names;

	if (n_names > n) {
		r->is_bad = true;
		return;
	}
	names = arena_array(a, (size_t)n_names + 1, sizeof *names);
	for (size_t i = 1; i <= n_names && !r->is_bad; i++) {
		uint64_t len = take(r);

		r->is_bad = r->is_bad || len > (uint64_t)(r->end - r->at);
		if (r->is_bad)
			return;
		names[i] = arena_strndup(a, (const char *)r->at, (size_t)len);
		r->at += len;
	}
	for (size_t i = 0; i < n && !r->is_bad; i++) {
		uint64_t which = take(r);

		r->is_bad = r->is_bad || which > n_names;
		accounts[i].owner = r->is_bad ? NULL : names[which];
	}
}

int nrr_unpack(struct packed sums, struct packed owners, struct arena *a, struct nrr_snapshot_account **out,
               size_t *n_out, struct err *err)
{
	struct reader r = { .at = sums.at, .end = sums.at + sums.len };
	struct reader of_owners = { .at = owners.at, .end = owners.at + owners.len };
	size_t n = count_accounts(sums);
	struct nrr_snapshot_account *accounts = arena_array(a, n + 1, sizeof *accounts);
	int64_t before = 0;

	for (size_t i = 0; i < n; i++) {
		accounts[i] = take_account(&r, before);
		r.is_bad = r.is_bad || accounts[i].id <= before;
		before = accounts[i].id;
	}
	if (owners.len)
		take_owners(&of_owners, a, accounts, n);
	if (r.is_bad || of_owners.is_bad || of_owners.at != of_owners.end)
		return err_set(err, ERR_FATAL, "the accounts of a report of retention are damaged");
	*out = accounts;
	*n_out = n;
	return 0;
}
