/* Makes URL and body of a request from a connector's words. */
#ifndef CONNECT_REQUEST_H
#define CONNECT_REQUEST_H

#include "connector.h"

/* A row that something is asked about, and where its list of answers goes on; or one that is written. */
struct parent {
	const char *id, *token; /* token NULL: from the beginning */
	const struct named_value *values; /* {{item.values}} */
	size_t n_values;
};

/* What stands behind names that are lists. */
struct request_lists {
	struct texts properties;
	const struct parent *parents;
	size_t n_parents;
	const struct yaml *element; /* one parent, as YAML */
	bool has_types;             /* whole numbers go as such, values that are empty as null */
};

/* base + path + query; names in path and query are expanded and escaped. */
int request_url(const char *base_url, const char *path, const struct yaml *query, const struct scope *scope,
                const struct request_lists *lists, struct arena *a, const char **out, struct err *err) MUST_USE;
/* Whether a text of a body stands for a list or mapping: {{parents}}, {{items}}, {{item.values}}. */
bool request_is_list(const char *text);
/* JSON of a YAML node: unquoted numbers, true, false and null are just that; a member that becomes empty is left
 * out. */
int request_body(const struct yaml *node, const struct scope *scope, const struct request_lists *lists, struct arena *a,
                 const char **out, struct err *err) MUST_USE;
/* Splits names so that none of the lists, joined with commas in a URL, is longer than max_chars. */
size_t request_chunks(struct arena *a, const struct texts *names, size_t max_chars, const struct texts **out);

#endif
