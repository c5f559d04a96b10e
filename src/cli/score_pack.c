#include "score_pack.h"

#include <string.h>

#include "score/kept.h"

enum { MAX_BASE_BYTES = 8 << 20 }; /* a base that is bigger is not kept */

static const char SCORE = 's', CHANGE = 'c', BASE = 'b', SETTING = 'g';

/* The texts of each struct, by their places: its pointers mean nothing in another process. */
static const size_t score_texts[] = { offsetof(struct score_row, currency) };
static const size_t base_texts[] = { offsetof(struct packed_base, maker) };
static const size_t change_texts[] = {
	offsetof(struct finding_change, event), offsetof(struct finding_change, note),
	offsetof(struct finding_change, cause_before),
	offsetof(struct finding_change, finding.engine), offsetof(struct finding_change, finding.cause),
	offsetof(struct finding_change, finding.currency), offsetof(struct finding_change, finding.play),
	offsetof(struct finding_change, finding.summary), offsetof(struct finding_change, finding.evidence),
	offsetof(struct finding_change, finding.owner_email)
};

/* packing ---------------------------------------------------------------------------------------------------------- */

/* A struct and behind it its texts: how long each is with its NUL, 0 for NULL, and the bytes. */
static void put(struct buf *out, const void *x, size_t size, const size_t *texts, size_t n_texts)
{
	buf_add(out, x, size);
	for (size_t i = 0; i < n_texts; i++) {
		const char *text;
		uint32_t len;

		memcpy(&text, (const char *)x + texts[i], sizeof text);
		len = text ? (uint32_t)strlen(text) + 1 : 0;
		buf_add(out, &len, sizeof len);
		buf_add(out, text, len);
	}
}

/* How many bytes and the signals' text behind it; of accounts in no band explain says the signals anew from facts. */
static void put_signals(struct buf *out, const struct judge *j, const struct diagnosis *d, struct arena *a)
{
	size_t at = out->len;
	uint32_t len = 0;

	buf_add(out, &len, sizeof len);
	if (d->verdicts[ENGINE_DEFENSE].computed_band == 0 && d->verdicts[ENGINE_EXPANSION].computed_band == 0)
		return;
	kept_signals(j, d, a, out);
	if (out->len == at + sizeof len)
		return;
	buf_char(out, 0);
	len = (uint32_t)(out->len - at - sizeof len);
	memcpy(out->at + at, &len, sizeof len);
}

void pack_setting(struct buf *out, const struct judge *j)
{
	buf_char(out, SETTING);
	kept_setting(j, out);
	buf_char(out, 0);
}

void pack_score(struct buf *out, const struct judge *j, const struct diagnosis *d, struct arena *a)
{
	const struct verdict *risk = &d->verdicts[ENGINE_DEFENSE], *readiness = &d->verdicts[ENGINE_EXPANSION];
	struct score_row row = {
		.account = d->account->id, .day = d->as_of, .risk = risk->score, .readiness = readiness->score,
		.confidence = risk->confidence, .risk_band = risk->computed_band,
		.readiness_band = readiness->computed_band, .risk_band_since = risk->computed_since,
		.readiness_band_since = readiness->computed_since,
		.value_minor = risk->value_minor, .currency = risk->currency,
	};
	int bands[N_ENGINES] = { risk->band, readiness->band };

	buf_char(out, SCORE);
	put(out, &row, sizeof row, score_texts, ARRAY_LEN(score_texts));
	buf_add(out, bands, sizeof bands);
	put_signals(out, j, d, a);
}

void pack_change(struct buf *out, const struct finding_change *c)
{
	buf_char(out, CHANGE);
	put(out, c, sizeof *c, change_texts, ARRAY_LEN(change_texts));
}

void pack_base(struct buf *out, const struct diagnosing *d)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	CLEANUP(buf_done) struct buf kept;
	struct packed_base base;

	buf_init(&kept, MAX_BASE_BYTES);
	diagnose_keep(d, &kept);
	if (kept.is_full)
		return;
	base = (struct packed_base){ .maker = diagnose_maker(d->session, a), .len = kept.len };
	buf_char(out, BASE);
	put(out, &base, sizeof base, base_texts, ARRAY_LEN(base_texts));
	buf_add(out, kept.at, kept.len);
}

/* unpacking -------------------------------------------------------------------------------------------------------- */

static const char *take_bytes(struct packed_reader *u, size_t len)
{
	const char *at = u->at;

	if ((size_t)(u->end - u->at) < len)
		die("packed scores end too early");
	u->at += len;
	return at;
}

static void take(struct packed_reader *u, void *x, size_t size, const size_t *texts, size_t n_texts)
{
	memcpy(x, take_bytes(u, size), size);
	for (size_t i = 0; i < n_texts; i++) {
		const char *text;
		uint32_t len;

		memcpy(&len, take_bytes(u, sizeof len), sizeof len);
		text = len ? take_bytes(u, len) : NULL;
		memcpy((char *)x + texts[i], &text, sizeof text);
	}
}

static void take_score(struct packed_reader *u, struct packed_score *out)
{
	uint32_t len;

	take(u, &out->row, sizeof out->row, score_texts, ARRAY_LEN(score_texts));
	memcpy(out->bands, take_bytes(u, sizeof out->bands), sizeof out->bands);
	memcpy(&len, take_bytes(u, sizeof len), sizeof len);
	out->signals = take_bytes(u, len);
	out->n_signals = len ? len - 1 : 0;
}

int packed_next(struct packed_reader *u, struct packed *out)
{
	char kind;

	if (u->at == u->end)
		return 0;
	kind = *take_bytes(u, 1);
	out->change = NULL;
	out->setting = NULL;
	out->base = (struct packed_base){ 0 };
	if (kind == SCORE) {
		take_score(u, &out->score);
	} else if (kind == CHANGE) {
		out->change = arena_alloc(u->arena, sizeof *out->change);
		take(u, out->change, sizeof *out->change, change_texts, ARRAY_LEN(change_texts));
		out->change->finding.account_name = out->change->finding.account_key = NULL; /* only read */
		out->change->finding.first_cause = NULL;
	} else if (kind == BASE) {
		take(u, &out->base, sizeof out->base, base_texts, ARRAY_LEN(base_texts));
		out->base.data = take_bytes(u, out->base.len);
	} else if (kind == SETTING) {
		out->setting = take_bytes(u, strnlen(u->at, (size_t)(u->end - u->at)) + 1);
	} else {
		die("packed scores of an unknown kind");
	}
	return 1;
}
