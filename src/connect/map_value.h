/* Turns one text of a source into one value of the store. */
#ifndef CONNECT_MAP_VALUE_H
#define CONNECT_MAP_VALUE_H

#include "connect/map.h"

struct map_value_of {
	const struct map_entry *entry;
	enum value_type type;
	const char *const *words; /* of a text: which there are; NULL: any */
	bool is_scaled;       /* numbers and money, by scale */
	double scale;
	const char *currency; /* of money; NULL: none is known */
	const struct zone *zone;
	struct arena *arena;
};

/* text is trimmed, valid and not empty. ERR_INPUT says what came and what would be right. */
int map_value_read(const struct map_value_of *of, const char *text, struct value *out, struct err *err) MUST_USE;

#endif
