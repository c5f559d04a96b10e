/* What an organisation's file says of which accounts are the same company, and of how long things are kept. */
#ifndef STORE_SETTINGS_H
#define STORE_SETTINGS_H

#include <stdint.h>

#include "common/yaml.h"

/* The accounts of one source, and the keys that lead from each to the main source's account of the same company. */
struct identity_rule {
	const char *source;
	struct texts by; /* of identity_by_names */
};

struct identity_settings {
	const char *main;          /* the source whose accounts are judged; NULL: each source's are its own */
	struct yaml_array sources; /* struct identity_rule */
};

/* How long things are kept, in seconds; 0: for ever, as accounts, contracts, history, findings and NRR reports are. */
struct retention_settings {
	int64_t usage_s;   /* counts, by account, contact and team */
	int64_t texts_s;   /* what was written in tickets, interactions and surveys; the rows themselves stay */
	int64_t scores_s;  /* an account's score of a day */
	int64_t signals_s; /* the readings behind it */
	int64_t digests_s; /* what was sent, with its deliveries */
	int64_t runs_s;    /* the log of pulls, and rows that could not be read */
};

#endif
