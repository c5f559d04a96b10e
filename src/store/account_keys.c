#include "store/account_keys.h"

#include <string.h>

#include "common/text.h"

enum {
	FEW = 2000,          /* looked up one by one */
	MAX_LOADED = 1 << 22,
	MAX_KEPT = 1 << 24,
	FIRST_ROOM = 1 << 12,
	NEAR = 8,             /* entries that are tried first: files leave some accounts out */
	ASTRAY = 1 << 12,     /* keys that are searched for before all are hashed */
	TEXT_BYTES = 1 << 18
};

static const size_t max_bytes = (size_t)4 << 30;

struct account_keys {
	struct db *db;
	int64_t source;
	enum account_by by;
	bool was_loaded;      /* or can't be */
	size_t n_asked;
	struct arena *self, *texts, *table, *hashed; /* table: entries; hashed: places; made anew when they grow */
	struct account_key *entries;
	size_t n, room;
	uint32_t *places;     /* entry + 1 by hash; 0: free */
	size_t n_places;      /* a power of two, at least twice the entries that have one */
	/* Those that were read at once are in order: while files are too, their order will do and nothing is hashed. */
	size_t sorted_from, sorted_to;
	size_t n_astray;
	size_t last;          /* the entry that was asked for last */
	char last_end;        /* what it is known to be a field before; 0: nothing */
	char *text_room;
	size_t text_left;
};

/* table ------------------------------------------------------------------------------------------------------------ */

static uint32_t hash_of(const char *key, size_t len)
{
	const uint64_t odd = 0x9E3779B97F4A7C15u;
	uint64_t h = len * odd, piece;

	for (; len >= sizeof piece; key += sizeof piece, len -= sizeof piece) {
		memcpy(&piece, key, sizeof piece);
		h = (h ^ piece) * odd;
		h ^= h >> 29;
	}
	piece = 0;
	memcpy(&piece, key, len);
	h = (h ^ piece) * odd;
	h = (h ^ h >> 32) * odd; /* keys that differ in a few digits must not fall into few places */
	return (uint32_t)(h >> 32);
}

static void set_room(struct account_keys *k, size_t room)
{
	struct arena *table = arena_new(max_bytes);
	struct account_key *entries = arena_array(table, room, sizeof *entries);

	if (k->n)
		memcpy(entries, k->entries, k->n * sizeof *entries);
	arena_free(k->table);
	k->table = table;
	k->entries = entries;
	k->room = room;
}

static bool has_place(const struct account_keys *k, size_t entry)
{
	return entry < k->sorted_from || entry >= k->sorted_to;
}

static void hash_all(struct account_keys *k, size_t n_places)
{
	struct arena *hashed = arena_new(max_bytes);

	arena_free(k->hashed);
	k->hashed = hashed;
	k->places = arena_array(hashed, n_places, sizeof *k->places);
	k->n_places = n_places;
	for (size_t i = 0; i < k->n; i++) {
		size_t at = k->entries[i].hash & (n_places - 1);

		if (!has_place(k, i))
			continue;
		while (k->places[at])
			at = (at + 1) & (n_places - 1);
		k->places[at] = (uint32_t)i + 1;
	}
}

/* Where the key is, or would be. */
static size_t place_of(const struct account_keys *k, const char *key, size_t len, uint32_t hash)
{
	size_t mask = k->n_places - 1, at = hash & mask;

	for (; k->places[at]; at = (at + 1) & mask) {
		const struct account_key *e = &k->entries[k->places[at] - 1];

		if (e->hash == hash && e->len == len && memcmp(e->text, key, len) == 0)
			break;
	}
	return at;
}

static const char *keep_text(struct account_keys *k, const char *key, size_t len)
{
	char *at;

	if (len + 1 > TEXT_BYTES)
		return arena_strndup(k->texts, key, len);
	if (len + 1 > k->text_left) {
		k->text_room = arena_alloc(k->texts, TEXT_BYTES);
		k->text_left = TEXT_BYTES;
	}
	at = k->text_room;
	memcpy(at, key, len);
	k->text_room += len + 1;
	k->text_left -= len + 1;
	return at;
}

static int add_entry(struct account_keys *k, const char *key, size_t len, uint32_t hash, int64_t account,
                     struct err *err)
{
	if (k->n == MAX_KEPT)
		return err_set(err, ERR_INPUT, "names more than %d accounts", MAX_KEPT);
	if (k->n == k->room)
		set_room(k, 2 * k->room);
	k->entries[k->n++] = (struct account_key){ keep_text(k, key, len), hash, (uint32_t)len, account };
	return 0;
}

/* One that is not kept yet. */
static int keep(struct account_keys *k, const char *key, int64_t account, const struct account_key **out,
                struct err *err)
{
	size_t len = strlen(key);
	uint32_t hash = hash_of(key, len);

	if (add_entry(k, key, len, hash, account, err) < 0)
		return -1;
	if (2 * (k->n - (k->sorted_to - k->sorted_from)) > k->n_places)
		hash_all(k, 2 * k->n_places);
	else
		k->places[place_of(k, key, len, hash)] = (uint32_t)k->n;
	*out = &k->entries[k->n - 1];
	return 0;
}

/* From here on every entry has its place. */
static void hash_sorted(struct account_keys *k)
{
	size_t n_places = k->n_places;

	for (size_t i = k->sorted_from; i < k->sorted_to; i++)
		k->entries[i].hash = hash_of(k->entries[i].text, k->entries[i].len);
	k->sorted_from = k->sorted_to = 0;
	while (n_places < 2 * k->n)
		n_places *= 2;
	hash_all(k, n_places);
}

static int compare_keys(const struct account_key *e, const char *key, size_t len)
{
	int order = memcmp(e->text, key, e->len < len ? e->len : len);

	return order ? order : e->len < len ? -1 : e->len > len;
}

static struct account_key *find_sorted(struct account_keys *k, const char *key, size_t len)
{
	size_t low = k->sorted_from, high = k->sorted_to;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare_keys(&k->entries[middle], key, len);

		if (order == 0)
			return &k->entries[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static struct account_key *find_kept(struct account_keys *k, const char *key, size_t len)
{
	uint32_t at = k->places[place_of(k, key, len, hash_of(key, len))];

	if (at)
		return &k->entries[at - 1];
	if (k->sorted_to == k->sorted_from)
		return NULL;
	if (++k->n_astray > ASTRAY) {
		hash_sorted(k);
		return find_kept(k, key, len);
	}
	return find_sorted(k, key, len);
}

/* life ------------------------------------------------------------------------------------------------------------- */

void account_keys_free(struct account_keys *k)
{
	if (!k)
		return;
	arena_free(k->table);
	arena_free(k->hashed);
	arena_free(k->texts);
	arena_free(k->self);
}

void account_keys_freep(struct account_keys **k)
{
	account_keys_free(*k);
}

struct account_keys *account_keys_new(struct db *db, int64_t source, enum account_by by)
{
	struct arena *self = arena_new(0);
	struct account_keys *k = arena_alloc(self, sizeof *k);

	*k = (struct account_keys){ .db = db, .source = source, .by = by, .self = self, .texts = arena_new(max_bytes) };
	set_room(k, FIRST_ROOM);
	hash_all(k, 2 * (size_t)FIRST_ROOM);
	return k;
}

/* Files have the rows of one account together, and often the accounts in the order in which they were read. */
static const struct account_key *near_last(const struct account_keys *k, const char *key, size_t len)
{
	for (size_t i = k->last; i < k->n && i < k->last + NEAR; i++)
		if (k->entries[i].len == len && memcmp(k->entries[i].text, key, len) == 0)
			return &k->entries[i];
	return NULL;
}

/* Keys of 8 to 16 bytes are most of them. */
static bool is_same(const char *a, const char *b, size_t len)
{
	uint64_t a_head, a_tail, b_head, b_tail;

	if (len < sizeof a_head || len > 2 * sizeof a_head)
		return memcmp(a, b, len) == 0;
	memcpy(&a_head, a, sizeof a_head);
	memcpy(&b_head, b, sizeof b_head);
	memcpy(&a_tail, a + len - sizeof a_tail, sizeof a_tail);
	memcpy(&b_tail, b + len - sizeof b_tail, sizeof b_tail);
	return a_head == b_head && a_tail == b_tail;
}

static bool is_at(const char *at, size_t room, const struct account_key *e, char end)
{
	return e->len && e->len < room && at[e->len] == end && is_same(at, e->text, e->len);
}

/* A text that has the byte which ends fields in itself, or that which ends lines, stands in a file in quotes. */
static bool is_field(const struct account_key *e, char end)
{
	return !memchr(e->text, end, e->len) && !memchr(e->text, '\n', e->len);
}

const struct account_key *account_keys_at(struct account_keys *k, const char *at, size_t room, char end)
{
	for (size_t i = k->last; i < k->n && i < k->last + NEAR; i++) {
		const struct account_key *e = &k->entries[i];

		if (!is_at(at, room, e, end) || !((i == k->last && k->last_end == end) || is_field(e, end)))
			continue;
		k->last = i;
		k->last_end = end;
		return e;
	}
	return NULL;
}

const struct account_key *account_keys_kept(struct account_keys *k, const char *key, size_t len)
{
	const struct account_key *found = near_last(k, key, len);

	if (!found)
		found = find_kept(k, key, len);
	if (found) {
		k->last = (size_t)(found - k->entries);
		k->last_end = 0;
	}
	return found;
}

uint32_t account_keys_number(const struct account_keys *k, const struct account_key *key)
{
	return (uint32_t)(key - k->entries);
}

/* all at once ------------------------------------------------------------------------------------------------------ */

/* Rows of key and account in the order of keys, and how many there are at most, which SQLite knows without looking at
 * each: those of other sources are among them. A second part says of some of them what is
 * right. What isn't here is looked up one by one. The index alone answers for keys: the rows themselves are wide. */
static const struct {
	const char *count, *parts[2];
} readers[] = {
	[ACCOUNT_BY_KEY] = { "SELECT count(*) FROM account",
	                     { "SELECT source_key, id FROM account WHERE source_id = :source ORDER BY source_key",
	                       "SELECT source_key, main_id FROM account WHERE main_id IS NOT NULL "
	                       "AND +source_id = :source ORDER BY main_id, id" } },
	[ACCOUNT_BY_EXTERNAL_ID] = { "SELECT count(*) FROM account",
	                             { "SELECT external_id, min(coalesce(main_id, id)) FROM account "
	                               "WHERE external_id IS NOT NULL AND (deleted_on IS NULL OR main_id IS NOT NULL) "
	                               "AND :source > 0 GROUP BY external_id "
	                               "HAVING count(DISTINCT coalesce(main_id, id)) = 1", NULL } },
	[ACCOUNT_BY_SUBSCRIPTION] = { "SELECT count(*) FROM subscription",
	                              { "SELECT source_key, account_id FROM subscription WHERE source_id = :source "
	                                "AND account_id IS NOT NULL ORDER BY source_key", NULL } },
	[ACCOUNT_BY_CONTACT] = { "SELECT count(*) FROM contact",
	                         { "SELECT source_key, account_id FROM contact WHERE source_id = :source "
	                           "AND account_id IS NOT NULL ORDER BY source_key", NULL } },
};

/* Files' keys come trimmed: one that isn't can't be meant by any. */
static bool is_trimmed(const char *key, struct arena *a)
{
	size_t len = strlen(key);

	if (len == 0)
		return false;
	if (key[0] > ' ' && key[0] < 127 && key[len - 1] > ' ' && key[len - 1] < 127)
		return true;
	arena_reset(a);
	return strcmp(text_trim(a, key), key) == 0;
}

/* One row more of those that come in order. What is kept already keeps its number, and gets the later answer. */
static int add_sorted(struct account_keys *k, const char *key, int64_t account, struct err *err)
{
	size_t len = strlen(key);
	uint32_t at = k->sorted_from ? k->places[place_of(k, key, len, hash_of(key, len))] : 0;
	bool is_first = k->n == k->sorted_from;

	if (at) {
		k->entries[at - 1].account = account;
		return 0;
	}
	if (!is_first && compare_keys(&k->entries[k->n - 1], key, len) >= 0)
		return err_set(err, ERR_FATAL, "the index of account keys is out of order");
	if (add_entry(k, key, len, 0, account, err) < 0)
		return -1;
	k->sorted_to = k->n;
	return 0;
}

static int read_rows(struct account_keys *k, struct stmt *q, bool is_again, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	int rc;

	while ((rc = stmt_step(q, err)) == 1) {
		const char *key = col_text(q, 0);
		struct account_key *found = is_again ? find_kept(k, key, strlen(key)) : NULL;

		if (found)
			found->account = col_int(q, 1);
		else if (!is_again && is_trimmed(key, a) && add_sorted(k, key, col_int(q, 1), err) < 0)
			return -1;
	}
	return rc;
}

static int read_part(struct account_keys *k, const char *sql, bool is_again, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(k->db, sql);

	bind_int(q, ":source", k->source);
	return read_rows(k, q, is_again, err);
}

int account_keys_read_all(struct account_keys *k, struct err *err)
{
	int64_t n;

	k->was_loaded = true;
	if (k->by >= ARRAY_LEN(readers) || !readers[k->by].count)
		return 0;
	if (db_int(k->db, readers[k->by].count, 0, &n, err) < 0)
		return -1;
	if (n > MAX_LOADED)
		return 0;
	if (k->n + (size_t)n > k->room)
		set_room(k, k->n + (size_t)n);
	k->sorted_from = k->sorted_to = k->n;
	for (size_t i = 0; i < ARRAY_LEN(readers[0].parts); i++)
		if (readers[k->by].parts[i] && read_part(k, readers[k->by].parts[i], i > 0, err) < 0)
			return -1;
	return 1;
}

/* one -------------------------------------------------------------------------------------------------------------- */

int account_keys_find(struct account_keys *k, const char *key, const struct account_key **out, struct err *err)
{
	size_t len = strlen(key);
	int64_t account = 0;

	*out = account_keys_kept(k, key, len);
	if (*out)
		return 0;
	if (k->n_asked == FEW && !k->was_loaded) {
		if (account_keys_read_all(k, err) < 0)
			return -1;
		*out = account_keys_kept(k, key, len);
		if (*out)
			return 0;
	}
	k->n_asked++;
	return record_find_account(k->db, k->source, k->by, key, &account, err) < 0 ||
	               keep(k, key, account, out, err) < 0 ? -1 : 0;
}
