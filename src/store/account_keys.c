#include "store/account_keys.h"

#include <string.h>

#include "common/text.h"

enum {
	FEW = 2000,          /* looked up one by one */
	MAX_LOADED = 1 << 22,
	MAX_KEPT = 1 << 24,
	FIRST_ROOM = 1 << 12,
	TEXT_BYTES = 1 << 18
};

static const size_t max_bytes = (size_t)4 << 30;

struct account_keys {
	struct db *db;
	int64_t source;
	enum account_by by;
	bool was_loaded;      /* or can't be */
	size_t n_asked;
	struct arena *self, *texts, *tables; /* tables: entries and places, made anew when they grow */
	struct account_key *entries;
	uint32_t *places;     /* entry + 1 by hash; 0: free. 2 * room of them */
	size_t n, room;       /* room: a power of two */
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
	return (uint32_t)(h >> 32);
}

static void set_room(struct account_keys *k, size_t room)
{
	struct arena *tables = arena_new(max_bytes);
	struct account_key *entries = arena_array(tables, room, sizeof *entries);

	if (k->n)
		memcpy(entries, k->entries, k->n * sizeof *entries);
	arena_free(k->tables);
	k->tables = tables;
	k->entries = entries;
	k->places = arena_array(tables, 2 * room, sizeof *k->places);
	k->room = room;
	for (size_t i = 0; i < k->n; i++) {
		size_t at = entries[i].hash & (2 * room - 1);

		while (k->places[at])
			at = (at + 1) & (2 * room - 1);
		k->places[at] = (uint32_t)i + 1;
	}
}

/* Where the key is, or would be. */
static size_t place_of(const struct account_keys *k, const char *key, size_t len, uint32_t hash)
{
	size_t mask = 2 * k->room - 1, at = hash & mask;

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

/* Of a key that is kept already the later answer counts. */
static int keep(struct account_keys *k, const char *key, int64_t account, const struct account_key **out,
                struct err *err)
{
	size_t len = strlen(key), at;
	uint32_t hash = hash_of(key, len);

	if (k->n == k->room)
		set_room(k, 2 * k->room);
	at = place_of(k, key, len, hash);
	if (!k->places[at]) {
		if (k->n == MAX_KEPT)
			return err_set(err, ERR_INPUT, "names more than %d accounts", MAX_KEPT);
		k->entries[k->n++] = (struct account_key){ keep_text(k, key, len), hash, (uint32_t)len, 0 };
		k->places[at] = (uint32_t)k->n;
	}
	k->entries[k->places[at] - 1].account = account;
	*out = &k->entries[k->places[at] - 1];
	return 0;
}

/* life ------------------------------------------------------------------------------------------------------------- */

void account_keys_free(struct account_keys *k)
{
	if (!k)
		return;
	arena_free(k->tables);
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
	return k;
}

const struct account_key *account_keys_kept(const struct account_keys *k, const char *key, size_t len)
{
	uint32_t at = k->places[place_of(k, key, len, hash_of(key, len))];

	return at ? &k->entries[at - 1] : NULL;
}

uint32_t account_keys_number(const struct account_keys *k, const struct account_key *key)
{
	return (uint32_t)(key - k->entries);
}

/* all at once ------------------------------------------------------------------------------------------------------ */

/* Rows of key and account, and how many there are; several parts: a later one has the last word. What isn't here is
 * looked up one by one. The index alone answers for keys: the rows themselves are wide. */
static const struct {
	const char *count, *parts[2];
} readers[] = {
	[ACCOUNT_BY_KEY] = { "SELECT count(*) FROM account WHERE source_id = :source",
	                     { "SELECT source_key, id FROM account WHERE source_id = :source ORDER BY source_key",
	                       "SELECT source_key, main_id FROM account WHERE main_id IS NOT NULL "
	                       "AND +source_id = :source ORDER BY main_id, id" } },
	[ACCOUNT_BY_EXTERNAL_ID] = { "SELECT count(*) FROM account WHERE external_id IS NOT NULL AND :source > 0",
	                             { "SELECT external_id, min(coalesce(main_id, id)) FROM account "
	                               "WHERE external_id IS NOT NULL AND (deleted_on IS NULL OR main_id IS NOT NULL) "
	                               "AND :source > 0 GROUP BY external_id "
	                               "HAVING count(DISTINCT coalesce(main_id, id)) = 1", NULL } },
	[ACCOUNT_BY_SUBSCRIPTION] = { "SELECT count(*) FROM subscription WHERE source_id = :source",
	                              { "SELECT source_key, account_id FROM subscription WHERE source_id = :source "
	                                "AND account_id IS NOT NULL ORDER BY source_key", NULL } },
	[ACCOUNT_BY_CONTACT] = { "SELECT count(*) FROM contact WHERE source_id = :source",
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

static int read_part(struct account_keys *k, const char *sql, struct err *err)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(stmt_donep) struct stmt *q = db_sql(k->db, sql);
	const struct account_key *kept;
	int rc;

	bind_int(q, ":source", k->source);
	while ((rc = stmt_step(q, err)) == 1) {
		const char *key = col_text(q, 0);

		if (is_trimmed(key, a) && keep(k, key, col_int(q, 1), &kept, err) < 0)
			return -1;
	}
	return rc;
}

static int count_all(struct account_keys *k, int64_t *out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(k->db, readers[k->by].count);

	bind_int(q, ":source", k->source);
	if (stmt_step(q, err) < 0)
		return -1;
	*out = col_int(q, 0);
	return 0;
}

int account_keys_read_all(struct account_keys *k, struct err *err)
{
	size_t room = k->room;
	int64_t n;

	if (k->by >= ARRAY_LEN(readers) || !readers[k->by].count)
		return 0;
	if (count_all(k, &n, err) < 0)
		return -1;
	if (n > MAX_LOADED)
		return 0;
	while (room < k->n + (size_t)n)
		room *= 2;
	if (room > k->room)
		set_room(k, room);
	for (size_t i = 0; i < ARRAY_LEN(readers[0].parts); i++)
		if (readers[k->by].parts[i] && read_part(k, readers[k->by].parts[i], err) < 0)
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
		k->was_loaded = true;
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
