#include "common/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

int err_set(struct err *err, enum err_kind kind, const char *format, ...)
{
	va_list args;

	err->kind = kind;
	va_start(args, format);
	(void)vsnprintf(err->text, sizeof err->text, format, args);
	va_end(args);
	return -1;
}

/* Puts a place (shorter than the text) in front of the reason; the end of what is too long is cut. */
static void prefix(struct err *err, const char *place)
{
	size_t n = strlen(place), kept = strnlen(err->text, sizeof err->text - n - 3);

	memmove(err->text + n + 2, err->text, kept);
	memcpy(err->text, place, n);
	memcpy(err->text + n, ": ", 2);
	err->text[n + 2 + kept] = '\0';
}

int err_in(struct err *err, const char *format, ...)
{
	char place[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(place, sizeof place, format, args);
	va_end(args);
	prefix(err, place);
	return -1;
}

int err_errno(struct err *err, enum err_kind kind, const char *format, ...)
{
	int saved = errno;
	char what[512];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(what, sizeof what, format, args);
	va_end(args);
	return err_set(err, kind, "%s: %s", what, strerror(saved));
}

int err_exit_code(enum err_kind kind)
{
	switch (kind) {
	case ERR_NONE: return EX_OK;
	case ERR_RETRY: return EX_TEMPFAIL;
	case ERR_INPUT: return EX_DATAERR;
	case ERR_CONFIG: return EX_CONFIG;
	case ERR_FATAL: return EX_SOFTWARE;
	case ERR_USAGE: return EX_USAGE;
	}
	return EX_SOFTWARE;
}

void die(const char *format, ...)
{
	va_list args;

	(void)fputs("retaind: ", stderr);
	va_start(args, format);
	(void)vfprintf(stderr, format, args);
	va_end(args);
	(void)fputc('\n', stderr);
	abort();
}
