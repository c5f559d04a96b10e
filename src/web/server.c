#include "web/web.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "answer_parts.h"
#include "common/buf.h"
#include "common/clock.h"
#include "common/fd.h"
#include "common/json.h"
#include "common/text.h"
#include "push.h"

enum {
	CONNECTION_BYTES = 32 * 1024,
	BACKLOG = 64,
	MAX_ADDRESS = 80,
	SCRATCH_BYTES = 128 << 20,
	LOOK_MS = 250, /* at those who are connected */
	HELD_UP_MS = 5000, HELD_UP_LOOK_MS = 100, /* how long an answer waits for the database, and how often it looks */
	MAX_ROUNDS = 4, /* of those who came while others were answered */
	MAX_UNHEARD = 4 * WEB_MAX_BODY /* who sends much hears why not only once it has been taken in */
};

/* A connection, and since when it has been busy with its request. */
struct line {
	int fd;
	int64_t since_ms;
};

struct web {
	struct arena *arena;
	struct MHD_Daemon *daemon;
	struct push push;
	web_refused_fn *refused;
	const struct web_answers *answers;
	struct answer_budget *budgets; /* of requests, one for each of them */
	size_t n_answers;
	web_answered_fn *answered;
	void *context;
	struct line lines[WEB_MAX_CONNECTIONS];
	struct exchange *waiting; /* for the disk; empty but while web_run is at work */
	struct exchange *held_up; /* for the database, which somebody else holds */
	int64_t held_up_look_ms;
};

/* One request. */
struct exchange {
	struct arena *arena;
	struct push_target *target;
	struct buf body;
	size_t n_bytes; /* that came, kept or not */
	bool is_settled;
	struct push_answer settled; /* what it is, whatever else comes */
	bool is_answer; /* somebody follows a link */
	int64_t held_up_ms; /* since when; 0: not */
	struct MHD_Connection *connection; /* that waits */
	struct exchange *next;
};

/* listening -------------------------------------------------------------------------------------------------------- */

static int bind_to(const struct addrinfo *at, const char *address, int *out, struct err *err)
{
	CLEANUP(fd_closep) int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
	    bind(fd, at->ai_addr, at->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
		bool is_forbidden = errno == EPERM || errno == EACCES;

		(void)err_errno(err, errno == EADDRINUSE ? ERR_RETRY : ERR_CONFIG, "listen on %s%s", address,
		                is_forbidden ? " (does SocketBindAllow= of the unit name the port?)" : "");
		return -1;
	}
	*out = fd;
	fd = -1;
	return 0;
}

int web_listen(const char *address, int *out_fd, struct err *err)
{
	const struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		                            .ai_socktype = SOCK_STREAM };
	char host[MAX_ADDRESS];
	const char *colon = strrchr(address, ':'), *start = address;
	size_t len = colon ? (size_t)(colon - address) : 0;
	struct addrinfo *found = NULL;
	int rc;

	if (len > 2 && *start == '[' && start[len - 1] == ']') {
		start++;
		len -= 2;
	}
	if (!colon || len >= sizeof host)
		return err_set(err, ERR_CONFIG, "listen: `%s`, expected ADDRESS:PORT", address);
	memcpy(host, start, len);
	host[len] = '\0';
	if (getaddrinfo(host, colon + 1, &hints, &found) != 0)
		return err_set(err, ERR_CONFIG, "listen: `%s` is no address of a machine and a port", address);
	rc = bind_to(found, address, out_fd, err);
	freeaddrinfo(found);
	return rc;
}

/* answers ---------------------------------------------------------------------------------------------------------- */

static void put_header(struct MHD_Response *r, const char *name, const char *value)
{
	(void)MHD_add_response_header(r, name, value);
}

static void answer_text(const struct push_answer *x, struct buf *to)
{
	struct json_out out = json_out_to(to);

	json_open_object(&out, NULL);
	json_put_bool(&out, "success", x->status == MHD_HTTP_OK);
	if (*x->text)
		json_put_text(&out, "error", x->text);
	json_close_object(&out);
}

static void put_retry_after(struct MHD_Response *r, int seconds)
{
	char text[16];

	(void)snprintf(text, sizeof text, "%d", seconds);
	if (seconds)
		put_header(r, "Retry-After", text);
}

static enum MHD_Result answer(struct web *w, struct MHD_Connection *connection, const struct push_target *t,
                              const struct push_answer *x)
{
	CLEANUP(buf_done) struct buf text;
	struct MHD_Response *r;
	enum MHD_Result rc;

	buf_init(&text, 4096);
	answer_text(x, &text);
	r = MHD_create_response_from_buffer(text.len, text.at, MHD_RESPMEM_MUST_COPY);
	if (!r)
		return MHD_NO;
	put_header(r, "Content-Type", "application/json");
	put_header(r, "Cache-Control", "no-store");
	if (x->allow)
		put_header(r, "Allow", x->allow);
	if (x->status == MHD_HTTP_UNAUTHORIZED)
		put_header(r, "WWW-Authenticate", "Basic realm=\"push\", charset=\"UTF-8\"");
	if (x->is_last)
		put_header(r, "Connection", "close");
	put_retry_after(r, x->retry_after_s);
	rc = MHD_queue_response(connection, (unsigned)x->status, r);
	MHD_destroy_response(r);
	if (w->refused && x->status != MHD_HTTP_OK)
		w->refused(w->context, t ? t->source : NULL, x->status, x->why ? x->why : x->text);
	return rc;
}

/* requests --------------------------------------------------------------------------------------------------------- */

static const char *header(void *context, const char *name)
{
	return MHD_lookup_connection_value(context, MHD_HEADER_KIND, name);
}

struct framing { int n_lengths, n_encodings; bool is_odd; };

static enum MHD_Result look_at_framing(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct framing *f = context;

	(void)kind;
	f->n_lengths += text_equal_fold(name, "Content-Length");
	if (text_equal_fold(name, "Transfer-Encoding")) {
		f->n_encodings++;
		f->is_odd |= !text_equal_fold(value, "chunked");
	}
	f->is_odd |= name[strcspn(name, " \t")] != '\0';
	return MHD_YES;
}

/* Whether a proxy in front may see another end of the request than the library does (RFC 9112 5.1, 6.1, 6.3): what is
 * behind would be somebody else's request to one of them. */
static bool is_ambiguous(struct MHD_Connection *connection)
{
	struct framing f = { 0 };

	(void)MHD_get_connection_values(connection, MHD_HEADER_KIND, look_at_framing, &f);
	return f.is_odd || f.n_lengths + f.n_encodings > 1;
}

static enum MHD_Result begin(struct web *w, struct MHD_Connection *connection, const struct web_head *h, void **own)
{
	struct arena *a = arena_new(0);
	struct exchange *x = arena_alloc(a, sizeof *x);
	const char *length = h->header(h->context, "Content-Length");
	int64_t n_announced = 0;

	x->arena = a;
	x->is_answer = w->n_answers && answer_is_at(h->path);
	buf_init(&x->body, x->is_answer ? WEB_ANSWER_BODY : WEB_MAX_BODY);
	*own = x;
	if (is_ambiguous(connection))
		return answer(w, connection, NULL, &(struct push_answer){ .status = MHD_HTTP_BAD_REQUEST, .is_last = true,
		              .text = "where the request ends can be read in two ways" });
	if (x->is_answer)
		return MHD_YES;
	x->is_settled = push_head(&w->push, h, clock_monotonic_ms(), a, &x->target, &x->settled);
	if (length && !text_to_int(length, &n_announced))
		n_announced = INT64_MAX;
	if (x->is_settled && (n_announced > MAX_UNHEARD || h->header(h->context, "Expect")))
		return answer(w, connection, x->target, &x->settled);
	return MHD_YES;
}

/* Its address is a secret: it goes into no cache, no other site is told of it, and none may frame it. */
static enum MHD_Result send_page(struct MHD_Connection *connection, const struct web_page *p)
{
	const struct {
		const char *name, *value;
	} headers[] = {
		{ "Content-Type", "text/html; charset=utf-8" }, { "Content-Security-Policy", p->policy },
		{ "Cache-Control", "no-store" },                { "Referrer-Policy", "no-referrer" },
		{ "X-Content-Type-Options", "nosniff" },        { "X-Frame-Options", "DENY" },
		{ "X-Robots-Tag", "noindex, nofollow" },        { "Cross-Origin-Opener-Policy", "same-origin" },
		{ "Allow", p->allow },
	};
	struct MHD_Response *r = MHD_create_response_from_buffer(strlen(p->html), p->html, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result rc;

	if (!r)
		return MHD_NO;
	for (size_t i = 0; i < ARRAY_LEN(headers); i++)
		if (headers[i].value)
			put_header(r, headers[i].name, headers[i].value);
	put_retry_after(r, p->retry_after_s);
	rc = MHD_queue_response(connection, (unsigned)p->status, r);
	MHD_destroy_response(r);
	return rc;
}

static enum MHD_Result suspend(struct exchange **list, struct exchange *x, struct MHD_Connection *connection)
{
	x->connection = connection;
	x->next = *list;
	*list = x;
	MHD_suspend_connection(connection);
	return MHD_YES;
}

/* Lets them try again, without anybody waiting for them. */
static void resume_held_up(struct web *w, int64_t now_ms)
{
	struct exchange *x = w->held_up;

	w->held_up = NULL;
	w->held_up_look_ms = now_ms;
	for (struct exchange *next; x; x = next) {
		next = x->next;
		MHD_resume_connection(x->connection);
	}
}

static enum MHD_Result serve_answer(struct web *w, struct MHD_Connection *connection, const struct web_head *h,
                                    struct exchange *x)
{
	CLEANUP(arena_freep) struct arena *a = arena_new(SCRATCH_BYTES);
	const struct answer_request r = { .method = h->method, .path = h->path,
		.type = h->header(h->context, "Content-Type"), .body = x->body.at, .len = x->body.len,
		.is_cut = x->body.is_full, .is_again = x->held_up_ms != 0, .now = clock_now() };
	int64_t now_ms = clock_monotonic_ms();
	struct web_page page;

	answer_serve(w->answers, w->budgets, w->n_answers, &r, now_ms, a, &page);
	if (page.is_held_up && (!x->held_up_ms || now_ms - x->held_up_ms < HELD_UP_MS)) {
		if (!x->held_up_ms)
			x->held_up_ms = now_ms;
		return suspend(&w->held_up, x, connection);
	}
	if (w->answered && page.event)
		w->answered(w->context, &(struct web_answered){ .org = page.org ? page.org->org : NULL, .event = page.event,
			.who = page.who, .why = page.why, .finding = page.finding, .status = page.status });
	return send_page(connection, &page);
}

static enum MHD_Result finish(struct web *w, struct MHD_Connection *connection, const struct web_head *h,
                              struct exchange *x)
{
	CLEANUP(arena_freep) struct arena *scratch = arena_new(SCRATCH_BYTES);
	struct push_answer out = { .status = MHD_HTTP_CONTENT_TOO_LARGE, .text = "at most 1 MiB a request" };

	if (x->is_answer)
		return serve_answer(w, connection, h, x);
	if (!x->body.is_full)
		push_body(x->target, h, x->body.at, x->body.len, clock_now(), clock_monotonic_ms(), scratch, &out);
	if (out.status != 0)
		return answer(w, connection, x->target, &out);
	return suspend(&w->waiting, x, connection);
}

/* One writing to the disk for all requests that came together: that is what takes the time. */
static void settle_waiting(struct web *w)
{
	push_sync(&w->push);
	for (struct exchange *x = w->waiting, *next; x; x = next) {
		next = x->next;
		x->settled = x->target->synced;
		x->is_settled = true;
		MHD_resume_connection(x->connection);
	}
	w->waiting = NULL;
}

/* Called with the head, with each piece of the body, and at its end. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *piece, size_t *len, void **own)
{
	const struct web_head h = { .method = method, .path = url, .header = header, .context = connection };
	struct exchange *x = *own;

	(void)version;
	if (!x)
		return begin(context, connection, &h, own);
	if (*len) {
		x->n_bytes += *len;
		if (!x->is_settled)
			buf_add(&x->body, piece, *len);
		*len = 0;
		return x->n_bytes > MAX_UNHEARD ? MHD_NO : MHD_YES;
	}
	return x->is_settled ? answer(context, connection, x->target, &x->settled) : finish(context, connection, &h, x);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **own,
                         enum MHD_RequestTerminationCode code)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct line *line = info ? info->socket_context : NULL;
	struct exchange *x = *own;
	struct arena *a;

	(void)context;
	(void)code;
	if (line)
		line->since_ms = clock_monotonic_ms();
	if (!x)
		return;
	*own = NULL;
	buf_done(&x->body);
	a = x->arena;
	arena_free(a);
}

/* connections ------------------------------------------------------------------------------------------------------ */

static void on_connection(void *context, struct MHD_Connection *connection, void **own,
                          enum MHD_ConnectionNotificationCode code)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct web *w = context;
	struct line *line = *own;

	if (code == MHD_CONNECTION_NOTIFY_CLOSED && line)
		line->fd = -1;
	if (code != MHD_CONNECTION_NOTIFY_STARTED || !info)
		return;
	for (int i = 0; i < WEB_MAX_CONNECTIONS; i++)
		if (w->lines[i].fd < 0) {
			w->lines[i] = (struct line){ info->connect_fd, clock_monotonic_ms() };
			*own = &w->lines[i];
			return;
		}
}

/* Whoever has sent all that he will, and of whom nothing is left to read. */
static bool is_gone(int fd)
{
	char next;

	return recv(fd, &next, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* The library ends what is silent. One that sends a byte now and then would stay for ever; and an end that comes right
 * behind half a request it would notice only when that has been silent for long. Returns whether there are any. */
static bool end_lines(struct web *w, int64_t now_ms)
{
	bool has_any = false;

	for (int i = 0; i < WEB_MAX_CONNECTIONS; i++) {
		const struct line *l = &w->lines[i];

		if (l->fd < 0)
			continue;
		has_any = true;
		if (now_ms - l->since_ms > WEB_REQUEST_S * 1000 || is_gone(l->fd))
			(void)shutdown(l->fd, SHUT_RDWR);
	}
	return has_any;
}

/* life ------------------------------------------------------------------------------------------------------------- */

static struct web *web_new(const struct web_options *o)
{
	struct arena *a = arena_new(0);
	struct web *w = arena_alloc(a, sizeof *w);

	w->arena = a;
	w->refused = o->refused;
	w->answers = o->answers;
	w->n_answers = o->n_answers;
	w->budgets = arena_array(a, o->n_answers + 1, sizeof *w->budgets);
	for (size_t i = 0; i < o->n_answers; i++)
		w->budgets[i].readers = arena_array(a, o->answers[i].n_owners + 1, sizeof *w->budgets[i].readers);
	w->answered = o->answered;
	w->context = o->context;
	w->push.targets = arena_array(a, o->n_sources + 1, sizeof *w->push.targets);
	w->push.n_targets = o->n_sources;
	for (size_t i = 0; i < o->n_sources; i++)
		w->push.targets[i] = (struct push_target){ .source = &o->sources[i], .n_allowed = INT32_MAX,
			                                       .allowed_ms = clock_monotonic_ms() };
	for (int i = 0; i < WEB_MAX_CONNECTIONS; i++)
		w->lines[i].fd = -1;
	return w;
}

void web_stop(struct web *w)
{
	struct arena *a;

	if (!w)
		return;
	resume_held_up(w, 0); /* the library ends none that is suspended */
	if (w->daemon)
		MHD_stop_daemon(w->daemon);
	for (size_t i = 0; i < w->push.n_targets; i++)
		if (w->push.targets[i].is_open)
			spool_close(&w->push.targets[i].spool);
	a = w->arena;
	arena_free(a);
}

int web_start(const struct web_options *o, struct web **out, struct err *err)
{
	struct web *w = web_new(o);
	int fd = fcntl(o->listen_fd, F_DUPFD_CLOEXEC, 0);

	if (fd >= 0)
		w->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, w,
		                             MHD_OPTION_LISTEN_SOCKET, fd,
		                             MHD_OPTION_CONNECTION_LIMIT, (unsigned)WEB_MAX_CONNECTIONS,
		                             MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)WEB_IDLE_S,
		                             MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
		                             MHD_OPTION_NOTIFY_COMPLETED, on_completed, w,
		                             MHD_OPTION_NOTIFY_CONNECTION, on_connection, w, MHD_OPTION_END);
	if (!w->daemon) {
		(void)err_errno(err, ERR_RETRY, "start the HTTP endpoint");
		web_stop(w); /* the socket went with it */
		return -1;
	}
	*out = w;
	return 0;
}

int web_fd(const struct web *w)
{
	return MHD_get_daemon_info(w->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
}

int web_run(struct web *w, int64_t now_ms)
{
	MHD_UNSIGNED_LONG_LONG wait_ms = WEB_IDLE_S * 1000;
	int look_ms = LOOK_MS;

	if (now_ms - w->held_up_look_ms >= HELD_UP_LOOK_MS)
		resume_held_up(w, now_ms);
	(void)MHD_run(w->daemon);
	for (int i = 0; w->waiting && i < MAX_ROUNDS; i++) {
		settle_waiting(w);
		(void)MHD_run(w->daemon);
	}
	if (w->waiting) {
		settle_waiting(w);
		return 0;
	}
	if (!end_lines(w, now_ms))
		return -1;
	if (w->held_up)
		look_ms = HELD_UP_LOOK_MS;
	if (MHD_get_timeout(w->daemon, &wait_ms) != MHD_YES || wait_ms > (unsigned)look_ms)
		return look_ms;
	return (int)wait_ms;
}
