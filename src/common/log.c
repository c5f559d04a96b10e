#include "common/log.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/arena.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/text.h"

enum { MAX_VALUE_CHARS = 500, MAX_LINE_BYTES = 64 * 1024 };

static const char journal_fields[] = "/run/systemd/journal/socket", journal_lines[] = "/run/systemd/journal/stdout";

static const struct {
	const char *name;
	int priority; /* of syslog(3) */
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", 3 },
	[LOG_LEVEL_WARNING] = { "warning", 4 },
	[LOG_LEVEL_INFO] = { "info", 6 },
	[LOG_LEVEL_DEBUG] = { "debug", 7 },
};

static enum log_level most_level = LOG_LEVEL_INFO;
static int journal_fd = -1;

/* Whether standard error is the stream that systemd hands to a service. */
static bool is_stderr_journal(void)
{
	struct sockaddr_un peer = { 0 };
	socklen_t len = sizeof peer - 1;

	return getpeername(STDERR_FILENO, (struct sockaddr *)&peer, &len) == 0 && peer.sun_family == AF_UNIX &&
	       strcmp(peer.sun_path, journal_lines) == 0;
}

/* The journal's socket for whole entries, or -1. */
static int journal_open(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(to.sun_path, journal_fields, sizeof journal_fields);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof to) < 0) {
		(void)close(fd);
		fd = -1;
	}
	return fd;
}

void log_open(enum log_level most, bool is_service)
{
	most_level = most;
	if (journal_fd >= 0)
		(void)close(journal_fd);
	journal_fd = is_service && is_stderr_journal() ? journal_open() : -1;
}

const char *log_text(const char *text)
{
	return text ? text : "";
}

/* A value, in quotes where a reader of key=value would stumble. */
static void add_value(struct buf *line, const char *value)
{
	bool needs_quotes = *value == '\0' || strpbrk(value, " =\"\\") != NULL;

	if (needs_quotes)
		buf_char(line, '"');
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			buf_char(line, '\\');
		buf_char(line, *value);
	}
	if (needs_quotes)
		buf_char(line, '"');
}

static const char *value_of(struct arena *a, const struct log_field *f)
{
	return f->text ? text_clean(a, f->text, MAX_VALUE_CHARS) : arena_printf(a, "%" PRId64, f->number);
}

/* "event key=value ...": what people read. */
static void add_message(struct buf *to, struct arena *a, const char *event, const struct log_field *fields,
                        int n_fields)
{
	buf_text(to, event);
	for (int i = 0; i < n_fields; i++) {
		buf_printf(to, " %s=", fields[i].key);
		add_value(to, value_of(a, &fields[i]));
	}
}

/* One journal entry: NAME=value lines (values hold no line ends any more). Names are of [A-Z0-9_]. */
static void add_entry(struct buf *to, struct arena *a, enum log_level level, const char *event,
                      const struct log_field *fields, int n_fields)
{
	buf_text(to, "MESSAGE=");
	add_message(to, a, event, fields, n_fields);
	buf_printf(to, "\nPRIORITY=%d\nSYSLOG_IDENTIFIER=retaind\nLEVEL=%s\nEVENT=%s\n", levels[level].priority,
	           levels[level].name, event);
	for (int i = 0; i < n_fields; i++) {
		buf_text(to, "RETAIND_");
		for (const char *c = fields[i].key; *c; c++)
			buf_char(to, *c >= 'a' && *c <= 'z' ? (char)(*c - ('a' - 'A')) : *c);
		buf_printf(to, "=%s\n", value_of(a, &fields[i]));
	}
}

void log_fields(enum log_level level, const char *event, const struct log_field *fields, int n_fields)
{
	CLEANUP(arena_freep) struct arena *a = NULL;
	CLEANUP(buf_done) struct buf line;

	buf_init(&line, MAX_LINE_BYTES);
	if (level > most_level)
		return;
	a = arena_new(0);
	if (journal_fd >= 0) {
		add_entry(&line, a, level, event, fields, n_fields);
		if (send(journal_fd, line.at, line.len, MSG_NOSIGNAL) >= 0)
			return;
		buf_reset(&line);
	}
	buf_printf(&line, "%s level=%s event=", instant_text(a, clock_now()), levels[level].name);
	add_message(&line, a, event, fields, n_fields);
	buf_char(&line, '\n');
	/* One write, so that lines of a parent and its children do not mix. What can't be logged has nowhere to be
	 * reported. */
	if (write(STDERR_FILENO, line.at, line.len) < 0)
		return;
}
