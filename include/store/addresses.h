/* What a sink calls its recipients (a Slack conversation for an e-mail address), once it was asked. */
#ifndef STORE_ADDRESSES_H
#define STORE_ADDRESSES_H

#include "store/outbox.h"

/* Remembers or forgets what an attempt taught; in the caller's transaction. */
int address_settle(struct db *db, const struct outbox_message *m, const struct delivery_result *r, int64_t now,
                   struct err *err) MUST_USE;

#endif
