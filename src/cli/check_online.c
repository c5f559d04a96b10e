/* Whether sources and the hosts of channels are there: a row of each stream; a handshake and an answer, whatever it is.
 * Nothing is stored and no message goes out. */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "common/fd.h"
#include "common/http.h"
#include "config/secret.h"
#include "connect/pull.h"
#include "deliver/slack.h"
#include "store/migrate.h"

enum { WAIT_MS = 5000 };

static void free_addresses(struct addrinfo **list)
{
	if (*list)
		freeaddrinfo(*list);
}

/* "https://host:1/path" -> "https://host:1/" */
static const char *origin_of(struct arena *a, const char *url)
{
	const char *host = strstr(url, "://");

	return host ? arena_printf(a, "%.*s/", (int)((size_t)(host + 3 - url) + strcspn(host + 3, "/?#")), url) : url;
}

static int ask_http(const struct channel_settings *ch, struct arena *a, const char **out, struct err *err)
{
	const struct http_options options = { .allows_http_loopback = ch->allows_http_loopback,
		                                  .allows_private = ch->allows_private,
		                                  .ca_file = ch->ca_file,
		                                  .connect_timeout_ms = WAIT_MS,
		                                  .timeout_ms = WAIT_MS };
	CLEANUP(http_freep) struct http *http = http_new(&options);
	struct http_request request = { .method = "GET" };
	struct http_response response;
	const char *url = ch->url;

	if (secret_is_reference(url) && secret_read(a, url, &url, err) < 0)
		return -1;
	request.url = origin_of(a, url);
	if (http_send(http, a, &request, &response, err) < 0)
		return -1;
	*out = "the host answers";
	return 0;
}

static int wait_for(int fd, short event)
{
	struct pollfd p = { .fd = fd, .events = event };
	int rc;

	do
		rc = poll(&p, 1, WAIT_MS);
	while (rc < 0 && errno == EINTR);
	if (rc == 0)
		errno = ETIMEDOUT;
	return rc > 0 ? 0 : -1;
}

static int connect_to(const struct addrinfo *at, int *out)
{
	CLEANUP(fd_closep) int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error = 0;
	socklen_t len = sizeof error;

	if (fd < 0)
		return -1;
	if (connect(fd, at->ai_addr, at->ai_addrlen) < 0 && errno != EINPROGRESS)
		return -1;
	if (wait_for(fd, POLLOUT) < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		return -1;
	if (error) {
		errno = error;
		return -1;
	}
	*out = fd;
	fd = -1;
	return 0;
}

/* Connects and, where the server speaks first in the clear, reads its greeting. */
static int ask_smtp(const struct channel_settings *ch, struct arena *a, const char **out, struct err *err)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	CLEANUP(free_addresses) struct addrinfo *list = NULL;
	CLEANUP(fd_closep) int fd = -1;
	char greeting[4] = "";
	int rc = getaddrinfo(ch->host, arena_printf(a, "%lld", (long long)ch->port), &hints, &list);

	if (rc)
		return err_set(err, ERR_RETRY, "%s: %s", ch->host, gai_strerror(rc));
	for (const struct addrinfo *at = list; at && fd < 0; at = at->ai_next)
		(void)connect_to(at, &fd);
	if (fd < 0)
		return err_errno(err, ERR_RETRY, "%s port %lld", ch->host, (long long)ch->port);
	*out = "the host takes connections";
	if (ch->tls == TLS_IMPLICIT)
		return 0;
	if (wait_for(fd, POLLIN) < 0 || read(fd, greeting, 3) != 3 || strcmp(greeting, "220") != 0)
		return err_set(err, ERR_RETRY, "%s port %lld: no greeting of a mail server", ch->host, (long long)ch->port);
	*out = "the mail server greets";
	return 0;
}

/* What is not there yet is made by the first delivery, so what is above it must be writable. */
static int ask_folder(const struct channel_settings *ch, struct arena *a, const char **out, struct err *err)
{
	const char *there = check_nearest(a, ch->folder);
	struct stat st;

	if (stat(there, &st) == 0 && !S_ISDIR(st.st_mode))
		return err_set(err, ERR_CONFIG, "%s is not a folder", there);
	if (access(there, W_OK | X_OK) < 0)
		return err_errno(err, ERR_CONFIG, "%s", there);
	*out = strcmp(there, ch->folder) == 0 ? "the folder can be written" : "the first delivery makes the folder";
	return 0;
}

static int ask_slack(const struct channel_settings *ch, struct arena *a, const char **out, struct err *err)
{
	return slack_api_ask(ch, secret_read, a, out, err);
}

static int ask_nobody(const struct channel_settings *ch, struct arena *a, const char **out, struct err *err)
{
	(void)ch;
	(void)a;
	(void)err;
	*out = "whoever runs `retaind deliver` or `once` reads it";
	return 0;
}

void check_channel_online(struct checking *c, const struct org_settings *org, const struct channel_settings *channel)
{
	static int (*const askers[])(const struct channel_settings *, struct arena *, const char **, struct err *) = {
		[CHANNEL_EMAIL] = ask_smtp, [CHANNEL_SLACK_API] = ask_slack,
		[CHANNEL_FILE] = ask_folder, [CHANNEL_STDOUT] = ask_nobody, [N_CHANNEL_KINDS] = NULL
	};
	CLEANUP(arena_freep) struct arena *a = arena_new(0); /* the secret in it is wiped at once */
	const char *what = arena_printf(c->cli->arena, "%s: %s", org->name, channel->name), *answer = "";
	struct err err;

	if ((askers[channel->kind] ? askers[channel->kind] : ask_http)(channel, a, &answer, &err) < 0)
		check_outcome(c, "channel", what, -1, &err);
	else
		check_note(c, "channel", what, CHECK_OK, "%s", answer);
}

/* Into a database in memory: what a source is asked never touches the real one. */
static int ask_source(const struct checking *c, const struct org_settings *org, const struct source_settings *source,
                      struct arena *a, const char **out, struct err *err)
{
	CLEANUP(db_closep) struct db *db = NULL;
	struct pull pull = { .config_dir = c->cli->config_dir, .source = source, .now = c->cli->now, .secret = secret_read,
		                 .token_path = token_path(a, org, source->name),
		                 .limits_path = limits_path(a, org, source->name),
		                 .spool_folder = spool_folder(a, org, source->name), .is_dry_run = true, .limit_rows = 1 };
	const struct pull_result *results;
	int second;
	size_t n;

	if (db_open(":memory:", DB_WRITE, &db, err) < 0 || migrate_run(db, c->cli->now, err) < 0 ||
	    zone_open(a, org->zone, &pull.zone, err) < 0)
		return -1;
	pull.db = db;
	pull.today = zone_day(pull.zone, pull.now, &second);
	if (pull_source(&pull, a, &results, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (results[i].is_failed)
			return err_set(err, ERR_RETRY, "%s: %s", results[i].stream, results[i].error ? results[i].error : "failed");
	*out = arena_printf(a, "%zu streams answer", n);
	return 0;
}

void check_source_online(struct checking *c, const struct org_settings *org, const struct source_settings *source)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(0);
	const char *what = arena_printf(c->cli->arena, "%s: %s", org->name, source->name), *answer = "";
	struct err err;

	if (ask_source(c, org, source, a, &answer, &err) < 0)
		check_outcome(c, "source", what, -1, &err);
	else
		check_note(c, "source", what, CHECK_OK, "%s", answer);
}
