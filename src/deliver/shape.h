/* Whether a JSON document has the shape that a service takes, by a table: the part of the service's schema that our
 * renderers use. What is not in the table is a flaw, so that what was never tried is never sent. */
#ifndef SHAPE_H
#define SHAPE_H

#include "common/json.h"

struct shape {
	const char *type; /* what the member "type" says where an element may have one of several shapes; NULL: no matter */
	const struct shape_member *members; /* ends with name NULL */
};

struct shape_member {
	const char *name;
	enum json_type type;
	bool is_needed;
	size_t max; /* texts: UTF-16 units, which are to be at least one; arrays: elements; 0: no matter */
	const struct shape *const *of; /* of an object, or of each element: one of these; ends with NULL; NULL: any */
	const char *const *values; /* of a text: one of these; ends with NULL; NULL: any */
};

/* NULL when it has; else what is wrong, as "body[2].text: longer than 100". */
const char *shape_flaw(struct arena *a, const struct json *j, const struct shape *s);
/* UTF-16 code units of a text. */
size_t shape_units(const char *text);

#endif
