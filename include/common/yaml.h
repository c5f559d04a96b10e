/* Reads YAML (through libyaml) into a tree that keeps file and line, and tables that turn it into structs.
 * Every mistake is collected as "file:line: path: what is wrong, what would be right"; unknown keys are mistakes. */
#ifndef COMMON_YAML_H
#define COMMON_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"
#include "common/err.h"

enum yaml_type { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

struct yaml {
	enum yaml_type type;
	const char *text;   /* scalar */
	bool is_quoted;     /* scalar in quotes: never null, bool or number by looks */
	const char *key;    /* of this entry, in a mapping */
	const char *file;
	const char *path;   /* "sources.crm.auth" */
	int line;
	struct yaml *first; /* entries or elements */
	struct yaml *next;
};

/* Mistakes found so far, at most 100 kept (the count goes on). */
struct mistakes {
	struct arena *arena;
	const char **lines;
	size_t n, n_kept;
};

/* Notes one mistake at a node: "file:line: path: " + text. */
void mistake_at(struct mistakes *m, const struct yaml *where, const char *format, ...) PRINTF(3, 4);

/* One document of at most 1 MiB, 32 deep, 20,000 nodes; duplicate keys, anchors and tags are mistakes. An unreadable
 * file or broken YAML is a mistake too. Returns NULL exactly when there was a mistake. */
const struct yaml *yaml_load(struct arena *a, const char *path, struct mistakes *m);
const struct yaml *yaml_parse(struct arena *a, const char *name, const char *text, size_t len, struct mistakes *m);
const struct yaml *yaml_member(const struct yaml *mapping, const char *key); /* NULL accepted */

enum yaml_kind {
	YAML_TEXT,      /* const char * */
	YAML_INT,       /* int64_t, within min..max */
	YAML_REAL,      /* double, within min..max */
	YAML_BOOL,      /* bool */
	YAML_DURATION,  /* int64_t seconds, within min..max */
	YAML_TIME,      /* int, minutes since midnight ("08:00") */
	YAML_DAY,       /* int32_t */
	YAML_ENUM,      /* int; extra = NULL-terminated const char *const[] of names, the value is the index */
	YAML_TEXTS,     /* struct texts; a single scalar counts as a list of one */
	YAML_STRUCT,    /* a mapping read in place by extra = const struct yaml_table * */
	YAML_LIST,      /* struct yaml_array of structs; extra = const struct yaml_table * of the element */
	YAML_MAP,       /* same, from a mapping: each entry's key goes into the element's first member (const char *name);
	                 * a table whose only field has the key "" reads the entry's value itself (`name: text`) */
	YAML_NODE       /* const struct yaml *, unread, for the caller to read */
};

struct texts {
	const char **at;
	size_t n;
};

struct yaml_array {
	void *at; /* n elements of the table's size */
	size_t n;
};

struct yaml_field {
	const char *key;
	enum yaml_kind kind;
	size_t offset;
	bool is_required;
	const void *extra;
	double min, max; /* both 0: unlimited */
};

struct yaml_table {
	size_t size; /* of the struct */
	const struct yaml_field *fields;
	size_t n_fields;
	/* may be NULL: further checks on a struct that was read; notes mistakes at where */
	void (*check)(void *item, const struct yaml *where, struct mistakes *m);
	const void *defaults; /* what an element of a list or map starts from; NULL: zeros */
};

bool yaml_is_null(const struct yaml *node); /* not there, empty, ~ or null without quotes */
/* Reads a mapping into *out, which holds the defaults beforehand. Keys that are absent or null leave it as it is. */
void yaml_read(struct arena *a, const struct yaml *mapping, const struct yaml_table *table, void *out,
               struct mistakes *m);

#endif
