/* A record as JSON, for people who try out a mapping. */
#ifndef CONNECT_RECORD_SHOW_H
#define CONNECT_RECORD_SHOW_H

#include "common/arena.h"
#include "store/record.h"

/* account: the account's key when the record itself has none; may be NULL. */
const char *record_show(const struct record *r, const char *account, struct arena *a);

#endif
