/* What an organisation's file says of which accounts are the same company. */
#ifndef STORE_SETTINGS_H
#define STORE_SETTINGS_H

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

#endif
