/* What follows when accounts turn out to be one company, or no longer: temp.identity_changed says which. */
#ifndef STORE_IDENTITY_PARTS_H
#define STORE_IDENTITY_PARTS_H

#include "store/db.h"

/* Rows of accounts that changed are linked anew by their keys. */
int identity_unlink(struct db *db, struct err *err) MUST_USE;
/* Usage of accounts that were by themselves is added to their main account's. */
int identity_move_usage(struct db *db, struct err *err) MUST_USE;

#endif
