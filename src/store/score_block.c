#include "score_block.h"

#include <endian.h>
#include <math.h>
#include <string.h>

#include "usage_block.h"

enum { DAY_BIT = 32, NEAR_BIT = 31, ENGINE_BIT = 30 };
/* Where in the bytes of a score what is. */
enum { BANDS = 1, CONFIDENCE, CURRENCY, RISK, READINESS = 12, RISK_DAYS = 20, READINESS_DAYS = 22, VALUE = 24 };
enum { DAYS_BYTES = 2, VALUE_BYTES = 5, ACCOUNT_BYTES = 5, BAND_BITS = 2, MOST_BAND = 3 };
/* A double below 2048 with its mantissa as a whole number, which is halved 42 times and as often as is said. */
enum { MANTISSA_BITS = 52, LEAST_EXPONENT = 1033, MOST_HALVED = 62, NO_NUMBER = 255, HALVED_BIT = 56 };

int64_t score_block_id(int32_t day, int64_t block)
{
	return (int64_t)day * ((int64_t)1 << DAY_BIT) + block;
}

int64_t score_near_id(int32_t day, bool is_expansion, int points)
{
	return score_block_id(day, (int64_t)1 << NEAR_BIT | (int64_t)is_expansion << ENGINE_BIT | points);
}

/* numbers ---------------------------------------------------------------------------------------------------------- */

static void put_whole(uint8_t *at, int bytes, uint64_t value)
{
	uint64_t big = htobe64(value);

	memcpy(at, (const uint8_t *)&big + sizeof big - (size_t)bytes, (size_t)bytes);
}

static uint64_t whole_at(const uint8_t *at, int bytes)
{
	uint64_t big = 0;

	memcpy((uint8_t *)&big + sizeof big - (size_t)bytes, at, (size_t)bytes);
	return be64toh(big);
}

/* Below 0 or NAN: nothing. False: it is none that can be said so. */
static bool put_number(uint8_t *at, double x)
{
	uint64_t bits, number = 0;
	int halved;

	if (x < 0 || isnan(x)) {
		number = (uint64_t)NO_NUMBER << HALVED_BIT;
	} else if (x > 0) {
		memcpy(&bits, &x, sizeof bits);
		halved = LEAST_EXPONENT - (int)(bits >> MANTISSA_BITS);
		if (halved < 0 || halved > MOST_HALVED)
			return false;
		number = (uint64_t)halved << HALVED_BIT | 1ull << MANTISSA_BITS | (bits & ((1ull << MANTISSA_BITS) - 1));
	}
	put_whole(at, SCORE_NUMBER, number);
	return true;
}

/* -1: nothing. */
static double number_at(const uint8_t *at)
{
	uint64_t number = whole_at(at, SCORE_NUMBER), mantissa = number & ((1ull << MANTISSA_BITS) - 1);
	unsigned halved = (unsigned)(number >> HALVED_BIT);
	uint64_t bits = (uint64_t)(LEAST_EXPONENT - halved) << MANTISSA_BITS | mantissa;
	double x;

	if (halved > MOST_HALVED)
		return -1;
	memcpy(&x, &bits, sizeof x);
	return number == 0 ? 0 : x;
}

/* writing ---------------------------------------------------------------------------------------------------------- */

static bool put_confidence(struct score_packing *p, uint8_t *at, double confidence)
{
	uint8_t number[SCORE_NUMBER];
	size_t i = 0;

	if (!(confidence >= 0) || !put_number(number, confidence))
		return false;
	while (i < p->n_confidences && memcmp(p->confidences + i * SCORE_NUMBER, number, SCORE_NUMBER) != 0)
		i++;
	if (i == p->n_confidences)
		memcpy(p->confidences + SCORE_NUMBER * p->n_confidences++, number, SCORE_NUMBER);
	*at = (uint8_t)i;
	return true;
}

static bool put_currency(struct score_packing *p, uint8_t *at, const char *currency)
{
	uint8_t *place = p->currencies + sizeof p->currencies;
	size_t i = 0;

	*at = 0;
	if (!currency)
		return true;
	if (strlen(currency) != SCORE_CURRENCY)
		return false;
	while (i < p->n_currencies && memcmp(place - SCORE_CURRENCY * (i + 1), currency, SCORE_CURRENCY) != 0)
		i++;
	if (i == UINT8_MAX)
		return false;
	if (i == p->n_currencies)
		memcpy(place - SCORE_CURRENCY * ++p->n_currencies, currency, SCORE_CURRENCY);
	*at = (uint8_t)(i + 1);
	return true;
}

static bool put_days(uint8_t *at, int32_t day, int32_t since)
{
	int64_t days = (int64_t)day - since;

	if (days < 0 || days > UINT16_MAX)
		return false;
	put_whole(at, DAYS_BYTES, (uint64_t)days);
	return true;
}

static bool is_band(int band)
{
	return band >= 0 && band <= MOST_BAND;
}

/* Of 0 to 100, as all are. */
static bool put_score(uint8_t *at, double score)
{
	return !(score > SCORE_POINTS - 1) && put_number(at, score);
}

bool score_pack_add(struct score_packing *p, const struct score_row *s)
{
	uint8_t *at = p->scores + SCORE_BYTES * p->n;

	if (s->account < 0 || s->account > SCORE_MAX_ACCOUNT || s->value_minor < 0 ||
	    s->value_minor >> (8 * VALUE_BYTES) || !is_band(s->risk_band) ||
	    !is_band(s->readiness_band) || !put_score(at + RISK, s->risk) || !put_score(at + READINESS, s->readiness) ||
	    !put_days(at + RISK_DAYS, s->day, s->risk_band_since) ||
	    !put_days(at + READINESS_DAYS, s->day, s->readiness_band_since) ||
	    !put_confidence(p, at + CONFIDENCE, s->confidence) || !put_currency(p, at + CURRENCY, s->currency))
		return false;
	at[0] = (uint8_t)(s->account % SCORE_BLOCK);
	at[BANDS] = (uint8_t)(s->risk_band | s->readiness_band << BAND_BITS);
	put_whole(at + VALUE, VALUE_BYTES, (uint64_t)s->value_minor);
	p->n++;
	return true;
}

void score_pack_end(const struct score_packing *p, struct buf *out)
{
	size_t n_last = SCORE_CURRENCY * p->n_currencies;

	buf_add(out, p->scores, SCORE_BYTES * p->n);
	buf_add(out, p->confidences, SCORE_NUMBER * p->n_confidences);
	buf_add(out, p->currencies + sizeof p->currencies - n_last, n_last);
}

void score_near_add(struct buf *out, double score, int64_t account)
{
	uint8_t bytes[SCORE_NEAR_BYTES];

	if (!put_number(bytes, score))
		die("a score near others that is none");
	put_whole(bytes + SCORE_NUMBER, ACCOUNT_BYTES, (uint64_t)account);
	buf_add(out, bytes, sizeof bytes);
}

/* reading ---------------------------------------------------------------------------------------------------------- */

int64_t score_block_sum(const struct score_block *b)
{
	return usage_block_sum(b->id, (int)b->n, b->data, b->len) ^ b->config;
}

const char *score_block_name(int64_t id, struct arena *a)
{
	const char *day = day_text(a, (int32_t)(id >> DAY_BIT));
	int64_t place = id & (((int64_t)1 << ENGINE_BIT) - 1), first = (id & (((int64_t)1 << NEAR_BIT) - 1)) * SCORE_BLOCK;

	if (id >> NEAR_BIT & 1)
		return arena_printf(a, "who had %lld points of %s on %s (block %lld)", (long long)place,
		                    id >> ENGINE_BIT & 1 ? "expansion" : "defense", day, (long long)id);
	return arena_printf(a, "scores of %s, accounts %lld to %lld (block %lld)", day, (long long)first,
	                    (long long)(first + SCORE_BLOCK - 1), (long long)id);
}

bool score_block_is_whole(const struct score_block *b, int64_t sum)
{
	int64_t bytes = b->id >> NEAR_BIT & 1 ? SCORE_NEAR_BYTES : SCORE_BYTES;

	return b->n > 0 && b->n <= (int64_t)b->len / bytes && score_block_sum(b) == sum;
}

int64_t score_block_account(const struct score_block *b, size_t i)
{
	return (b->id & (((int64_t)1 << NEAR_BIT) - 1)) * SCORE_BLOCK + b->data[SCORE_BYTES * i];
}

size_t score_block_from(const struct score_block *b, int64_t account)
{
	size_t low = 0, high = (size_t)b->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (score_block_account(b, middle) < account)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const char *score_block_get(const struct score_block *b, size_t i, struct score_row *out)
{
	const uint8_t *at = b->data + SCORE_BYTES * i;
	size_t confidence = SCORE_BYTES * (size_t)b->n + SCORE_NUMBER * (size_t)at[CONFIDENCE];
	size_t currency = SCORE_CURRENCY * (size_t)at[CURRENCY];
	int32_t day = (int32_t)(b->id >> DAY_BIT);

	*out = (struct score_row){
		.account = score_block_account(b, i), .day = day,
		.risk = number_at(at + RISK), .readiness = number_at(at + READINESS),
		.confidence = confidence + SCORE_NUMBER <= b->len ? number_at(b->data + confidence) : 0,
		.risk_band = at[BANDS] & MOST_BAND, .readiness_band = at[BANDS] >> BAND_BITS,
		.risk_band_since = day - (int32_t)whole_at(at + RISK_DAYS, DAYS_BYTES),
		.readiness_band_since = day - (int32_t)whole_at(at + READINESS_DAYS, DAYS_BYTES),
		.value_minor = (int64_t)whole_at(at + VALUE, VALUE_BYTES),
	};
	return currency && currency <= b->len ? (const char *)b->data + b->len - currency : NULL;
}

int64_t score_near_get(const struct score_block *b, size_t i, double *out_score)
{
	const uint8_t *at = b->data + SCORE_NEAR_BYTES * i;

	*out_score = number_at(at);
	return (int64_t)whole_at(at + SCORE_NUMBER, ACCOUNT_BYTES);
}
