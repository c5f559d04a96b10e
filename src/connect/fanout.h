/* Asks to which account each row of a page belongs, in batches. */
#ifndef CONNECT_FANOUT_H
#define CONNECT_FANOUT_H

#include "client.h"

extern const struct yaml_table link_table;

struct linked {
	const char *id;      /* of the row */
	const char *account; /* key of its account; NULL: none found */
	bool has_none;       /* the answer says so: it belongs to no account (any more) */
	bool is_preferred;   /* by its label */
	const char *token;   /* of the accounts that were asked for last */
};

/* Fills in the rows by their ids; what isn't answered of a row stays open. */
int fanout_link(struct client *c, const struct link_settings *l, struct linked *rows, size_t n_rows, struct arena *a,
                struct err *err) MUST_USE;

#endif
