/* One line per event, key=value, on standard error; in a service, fields to journald (LEVEL, EVENT, RETAIND_<KEY>).
 * Only commands and the loop log. Never pass a secret or text from outside; values are cleaned and cut all the same. */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* is_service: write to the journal's socket when standard error is connected to it. */
void log_open(enum log_level most, bool is_service);

const char *log_text(const char *text); /* "" for NULL */

struct log_field {
	const char *key;  /* lower case, the names an operator knows: org, source, stream, owner, run, error */
	const char *text; /* NULL: use number */
	int64_t number;
};

#define LOG_TEXT(k, v) { .key = (k), .text = log_text(v) }
#define LOG_INT(k, v) { .key = (k), .number = (v) }

void log_fields(enum log_level level, const char *event, const struct log_field *fields, int n_fields);
#define log_event(level, event, ...) \
	log_fields(level, event, (const struct log_field[]){ __VA_ARGS__ }, \
	           (int)(sizeof (struct log_field[]){ __VA_ARGS__ } / sizeof(struct log_field)))

#endif
