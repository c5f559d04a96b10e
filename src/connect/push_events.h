/* What a push source's `events:` say: which events become what. */
#ifndef CONNECT_PUSH_EVENTS_H
#define CONNECT_PUSH_EVENTS_H

#include "connect/map.h"
#include "connect/settings.h"

struct push_event_map {
	const char *name;
	const struct map *map;
};

/* Returns NULL exactly when there were mistakes. */
const struct push_event_map *push_events_read(struct arena *a, const struct source_settings *s, size_t *out_n,
                                              struct mistakes *m);

#endif
