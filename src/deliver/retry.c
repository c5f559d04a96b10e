#include "channel.h"

#include "common/attr.h"

enum { JITTER_PERMILLE = 200 };

/* FNV-1a with a finishing mix: keys that differ little must land far apart. */
static uint64_t spread(const char *key, int n_attempts)
{
	uint64_t h = 14695981039346656037u;

	for (; *key; key++)
		h = (h ^ (uint8_t)*key) * 1099511628211u;
	h = (h ^ (uint64_t)n_attempts) * 1099511628211u;
	h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9u;
	h = (h ^ h >> 27) * 0x94d049bb133111ebu;
	return h ^ h >> 31;
}

int64_t retry_delay_ms(int n_attempts, const char *delivery_key)
{
	static const int64_t delays_s[] = { 0, 5, 30, 2 * 60, 5 * 60, 15 * 60, 30 * 60, 3600, 2 * 3600, 4 * 3600 };
	int last = (int)ARRAY_LEN(delays_s) - 1;
	int64_t delay_ms, width_ms;

	if (n_attempts <= 0)
		return 0;
	delay_ms = delays_s[n_attempts < last ? n_attempts : last] * 1000;
	width_ms = 2 * delay_ms * JITTER_PERMILLE / 1000;
	return delay_ms - width_ms / 2 + (int64_t)(spread(delivery_key, n_attempts) % (uint64_t)(width_ms + 1));
}
