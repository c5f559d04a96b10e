/* A stream that is walked once for each element of a list in the organisation's file: mailboxes, calendars. */
#ifndef CONNECT_FOR_EACH_H
#define CONNECT_FOR_EACH_H

#include "connector.h"

void for_each_check(const struct stream_settings *s, const struct yaml *config, const struct yaml *where,
                    struct mistakes *m);
/* How many times the stream is walked. */
size_t for_each_count(const struct stream_settings *s, const struct yaml *config);
/* The stream as it is walked the i-th time: with a name, and so a place in the store, of its own. */
const struct stream_settings *for_each_stream(const struct stream_settings *s, const struct yaml *config, size_t i,
                                              struct arena *a);

#endif
