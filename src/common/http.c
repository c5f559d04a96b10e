#include "common/http.h"

#include <limits.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>

#include "common/buf.h"
#include "common/fd.h"
#include "http_parts.h"

enum {
	DEFAULT_CONNECT_MS = 10 * 1000,
	DEFAULT_TIMEOUT_MS = 30 * 1000,
	DEFAULT_BODY_BYTES = 32 << 20,
	MAX_HEADERS = 200,
	MAX_HEADER_BYTES = 64 << 10,
	LOW_SPEED_BYTES = 1, /* a second, */
	LOW_SPEED_S = 20,    /* for so long: the other side is stuck */
	LONGEST_POLL_MS = 1000
};

struct http {
	http_transport_fn *transport; /* NULL: libcurl */
	void *context;
	struct http_options options;
	char *ca_file, *user_agent;
	CURL *curl;
	CURLM *multi; /* of http_send_many: NULL until it is needed */
	bool was_sent;
};

/* What the callbacks of one exchange gather, and why they broke it off. */
struct exchange {
	const struct http_options *options;
	CURL *curl;
	int download_fd; /* above 0: where the body of a 2xx goes */
	size_t max_download;
	int64_t n_downloaded;
	struct err disk;      /* why a download couldn't be kept */
	bool is_https;
	struct buf body, headers;
	size_t n_headers;
	bool has_head;        /* the blank line behind the headers came */
	const char *too_much; /* which ceiling was met */
	bool is_refused;      /* the address is not allowed */
};

static char *copy(const char *text)
{
	char *out = NULL;

	if (text && !(out = strdup(text)))
		die("out of memory");
	return out;
}

struct http *http_new(const struct http_options *options)
{
	static bool is_ready;
	struct http *h = calloc(1, sizeof *h);

	if (!is_ready && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		die("libcurl can't be started");
	is_ready = true;
	if (!h || !(h->curl = curl_easy_init()))
		die("out of memory");
	h->options = *options;
	h->options.ca_file = h->ca_file = copy(options->ca_file);
	h->options.user_agent = h->user_agent = copy(options->user_agent);
	if (!h->options.connect_timeout_ms)
		h->options.connect_timeout_ms = DEFAULT_CONNECT_MS;
	if (!h->options.timeout_ms)
		h->options.timeout_ms = DEFAULT_TIMEOUT_MS;
	if (!h->options.max_body_bytes)
		h->options.max_body_bytes = DEFAULT_BODY_BYTES;
	return h;
}

struct http *http_new_fake(http_transport_fn *transport, void *context)
{
	struct http *h = calloc(1, sizeof *h);

	if (!h)
		die("out of memory");
	h->transport = transport;
	h->context = context;
	return h;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	curl_easy_cleanup(h->curl);
	curl_multi_cleanup(h->multi);
	free(h->ca_file);
	free(h->user_agent);
	free(h);
}

void http_freep(struct http **h)
{
	http_free(*h);
	*h = NULL;
}

bool http_was_sent(const struct http *h)
{
	return h->was_sent;
}

static bool is_download(const struct exchange *x)
{
	long status = 0;

	if (x->download_fd <= 0)
		return false;
	curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &status);
	return status >= 200 && status < 300;
}

static size_t download(struct exchange *x, const char *data, size_t len)
{
	x->n_downloaded += (int64_t)len;
	if ((uint64_t)x->n_downloaded > x->max_download) {
		x->too_much = "body";
		return 0;
	}
	return fd_write(x->download_fd, data, len, &x->disk) < 0 ? 0 : len;
}

static size_t take_body(char *data, size_t size, size_t n, void *context)
{
	struct exchange *x = context;

	if (is_download(x))
		return download(x, data, size * n);

	buf_add(&x->body, data, size * n);
	if (!x->body.is_full)
		return size * n;
	x->too_much = "body";
	return 0;
}

static size_t take_header(char *data, size_t size, size_t n, void *context)
{
	struct exchange *x = context;
	size_t len = size * n;

	if (len >= 5 && memcmp(data, "HTTP/", 5) == 0) { /* an answer begins; an interim one (100) is forgotten */
		buf_reset(&x->headers);
		x->n_headers = 0;
		x->has_head = false;
		return len;
	}
	while (len && (data[len - 1] == '\r' || data[len - 1] == '\n'))
		len--;
	if (!len) {
		x->has_head = true;
		return size * n;
	}
	buf_add(&x->headers, data, len);
	buf_char(&x->headers, '\n');
	x->n_headers++;
	if (!x->headers.is_full && x->n_headers <= MAX_HEADERS)
		return size * n;
	x->too_much = "headers";
	return 0;
}

/* The one place where the address is known for certain: after every name, spelling and rebinding. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct exchange *x = context;
	enum address_kind kind = http_address_kind(&address->addr);
	bool is_allowed = kind == ADDRESS_PUBLIC || x->options->allows_private ||
	                  (kind == ADDRESS_LOOPBACK && x->options->allows_http_loopback);

	(void)purpose;
	if (!x->is_https && kind != ADDRESS_LOOPBACK)
		is_allowed = false;
	if (!is_allowed) {
		x->is_refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static bool has_line_break(const char *text)
{
	return strpbrk(text, "\r\n") != NULL;
}

/* The request's headers, and none that libcurl would add by itself. */
static int request_headers(const struct http_request *req, struct arena *a, struct curl_slist **out, struct err *err)
{
	static const struct http_header unwanted[] = { { "Expect", NULL }, { "Content-Type", NULL } };

	for (size_t i = 0; i < req->n_headers + ARRAY_LEN(unwanted); i++) {
		const struct http_header *h = i < req->n_headers ? &req->headers[i] : &unwanted[i - req->n_headers];
		bool is_given = false;
		struct curl_slist *longer;

		for (size_t j = 0; !h->value && j < req->n_headers; j++)
			is_given = is_given || strcasecmp(req->headers[j].name, h->name) == 0;
		if (is_given)
			continue;
		if (has_line_break(h->name) || (h->value && has_line_break(h->value)))
			return err_set(err, ERR_CONFIG, "a request header holds a line break");
		/* libcurl's spelling: "Name;" sends an empty value, "Name:" leaves the header out. */
		longer = curl_slist_append(*out, arena_printf(a, h->value && !*h->value ? "%s;%s" : "%s: %s", h->name,
		                                              h->value ? h->value : ""));
		if (!longer)
			die("out of memory");
		*out = longer;
	}
	return 0;
}

static bool is_method(const char *text)
{
	return *text && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(text);
}

static void set_limits(CURL *c, const struct http_options *o, const struct http_request *req)
{
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, o->allows_http_loopback ? "http,https" : "https");
	curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
	if (o->ca_file)
		curl_easy_setopt(c, CURLOPT_CAINFO, o->ca_file);
	curl_easy_setopt(c, CURLOPT_PROXY, ""); /* keeps the environment's out */
	curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)o->connect_timeout_ms);
	curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)(req->timeout_ms ? req->timeout_ms : o->timeout_ms));
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, (long)LOW_SPEED_BYTES);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)(req->silence_ms ? req->silence_ms / 1000 : LOW_SPEED_S));
	curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
	if (o->user_agent)
		curl_easy_setopt(c, CURLOPT_USERAGENT, o->user_agent);
}

static void set_request(CURL *c, const struct http_request *req, struct curl_slist *headers, struct exchange *x)
{
	curl_easy_setopt(c, CURLOPT_URL, req->url);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	if (req->body || strcmp(req->method, "POST") == 0) {
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, req->body ? req->body : "");
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body_len);
	}
	if (strcmp(req->method, "HEAD") == 0)
		curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
	else
		curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, req->method);
	/* On a kept connection that the server has closed meanwhile libcurl sends once more by itself. That must not happen
	 * to a request that changes something. */
	if (strcmp(req->method, "GET") != 0 && !req->is_repeatable)
		curl_easy_setopt(c, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, x);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, x);
	curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, x);
}

/* Codes that a repetition doesn't mend; all others may be the network's. */
static const CURLcode lasting_codes[] = {
	CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT,         CURLE_PEER_FAILED_VERIFICATION,
	CURLE_SSL_CERTPROBLEM,      CURLE_SSL_CIPHER,            CURLE_SSL_CACERT_BADFILE,
	CURLE_SSL_ISSUER_ERROR,     CURLE_SSL_INVALIDCERTSTATUS,
};

/* As OpenSSL words it, on either side of the handshake. All else that ends a handshake may be the network's. */
static bool is_old_tls(CURLcode code, const char *detail)
{
	return code == CURLE_SSL_CONNECT_ERROR &&
	       (strstr(detail, "protocol version") || strstr(detail, "unsupported protocol"));
}

static int failed(const struct http_request *req, const struct exchange *x, CURLcode code, const char *detail,
                  struct arena *a, struct err *err)
{
	const char *where = http_redact(a, req->url);
	enum err_kind kind = ERR_RETRY;

	if (x->disk.kind != ERR_NONE)
		return err_set(err, x->disk.kind, "%s", x->disk.text);
	if (x->too_much)
		return err_set(err, ERR_INPUT, "%s: the answer's %s are larger than we accept", where, x->too_much);
	if (x->is_refused && x->is_https)
		return err_set(err, ERR_CONFIG, "%s: its address is private, and private addresses are not allowed here",
		               where);
	if (x->is_refused)
		return err_set(err, ERR_CONFIG, "%s: plain http goes to this machine only; use https", where);
	if (is_old_tls(code, detail))
		return err_set(err, ERR_CONFIG, "%s: the server offers no TLS 1.2 or newer", where);
	for (size_t i = 0; i < ARRAY_LEN(lasting_codes); i++)
		if (code == lasting_codes[i])
			kind = ERR_CONFIG;
	return err_set(err, kind, "%s: %s", where, *detail ? detail : curl_easy_strerror(code));
}

/* Splits the gathered lines in place of the arena's copy. */
static void give_headers(const struct exchange *x, struct arena *a, struct http_response *out)
{
	struct http_header *list = arena_array(a, x->n_headers + 1, sizeof *list);
	char *line = arena_strdup(a, x->headers.at), *next;
	size_t n = 0;

	for (; *line; line = next) {
		char *end = strchr(line, '\n'), *colon;

		next = end ? end + 1 : line + strlen(line);
		if (end)
			*end = '\0';
		colon = strchr(line, ':');
		if (!colon)
			continue;
		*colon = '\0';
		for (char *c = line; *c; c++)
			if (*c >= 'A' && *c <= 'Z')
				*c = (char)(*c - 'A' + 'a');
		colon += 1 + strspn(colon + 1, " \t");
		for (size_t len = strlen(colon); len && strchr(" \t", colon[len - 1]); len--)
			colon[len - 1] = '\0';
		list[n++] = (struct http_header){ .name = line, .value = colon };
	}
	out->headers = list;
	out->n_headers = n;
}

static bool left_wholly(CURL *c, const struct http_request *req)
{
	curl_off_t body = 0;
	long head = 0;

	curl_easy_getinfo(c, CURLINFO_REQUEST_SIZE, &head);
	curl_easy_getinfo(c, CURLINFO_SIZE_UPLOAD_T, &body);
	return head > 0 && body >= (curl_off_t)req->body_len;
}

/* One request between its first byte and the last of its answer. */
struct flight {
	CURL *curl;
	struct curl_slist *headers;
	struct exchange x;
	struct http_request req;
	size_t place; /* of http_send_many */
	char detail[CURL_ERROR_SIZE];
};

static void flight_done(struct flight *f)
{
	curl_slist_free_all(f->headers);
	buf_done(&f->x.body);
	buf_done(&f->x.headers);
	*f = (struct flight){ .curl = NULL };
}

static int flight_begin(const struct http *h, CURL *curl, struct arena *a, const struct http_request *req,
                        struct flight *f, struct err *err)
{
	*f = (struct flight){ .curl = curl, .req = *req, .x = { .options = &h->options, .curl = curl,
		                                                    .download_fd = req->download_fd } };
	f->x.is_https = strncasecmp(req->url, "https:", 6) == 0;
	f->x.max_download = req->max_body_bytes;
	buf_init(&f->x.body,
	         req->max_body_bytes && req->download_fd <= 0 ? req->max_body_bytes : h->options.max_body_bytes);
	buf_init(&f->x.headers, MAX_HEADER_BYTES);
	if (!is_method(req->method) || !strstr(req->url, "://"))
		return err_set(err, ERR_CONFIG, "%s: not a request that can be made", http_redact(a, req->url));
	if (request_headers(req, a, &f->headers, err) < 0 ||
	    (req->download_fd > 0 && fd_rewind(req->download_fd, true, err) < 0))
		return -1;
	curl_easy_reset(curl);
	set_limits(curl, &h->options, req);
	set_request(curl, req, f->headers, &f->x);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, f->detail);
	return 0;
}

static int flight_end(const struct flight *f, CURLcode code, struct arena *a, struct http_response *out,
                      struct err *err)
{
	const struct exchange *x = &f->x;
	struct http_response r = { 0 };
	long status = 0;

	curl_easy_setopt(f->curl, CURLOPT_ERRORBUFFER, NULL);
	if (code != CURLE_OK)
		return failed(&f->req, x, code, f->detail, a, err);
	if (!x->has_head)
		return err_set(err, ERR_RETRY, "%s: the answer was cut within its headers", http_redact(a, f->req.url));
	curl_easy_getinfo(f->curl, CURLINFO_RESPONSE_CODE, &status);
	if (x->body.len + x->headers.len + MAX_HEADERS * sizeof(struct http_header) + 4096 > arena_left(a))
		return err_set(err, ERR_INPUT, "%s: no room left for an answer of %zu bytes", http_redact(a, f->req.url),
		               x->body.len);
	r.status = (int)status;
	r.body = arena_memdup(a, x->body.at, x->body.len + 1);
	r.body_len = x->body.len;
	r.n_downloaded = x->n_downloaded;
	give_headers(x, a, &r);
	*out = r;
	return 0;
}

static int send_by_curl(struct http *h, struct arena *a, const struct http_request *req, struct http_response *out,
                        struct err *err)
{
	CLEANUP(flight_done) struct flight f;
	CURLcode code;

	if (flight_begin(h, h->curl, a, req, &f, err) < 0)
		return -1;
	code = curl_easy_perform(h->curl);
	h->was_sent = left_wholly(h->curl, req);
	return flight_end(&f, code, a, out, err);
}

int http_send(struct http *h, struct arena *a, const struct http_request *req, struct http_response *out,
              struct err *err)
{
	h->was_sent = false;
	if (h->transport)
		return h->transport(h->context, a, req, out, &h->was_sent, err);
	return send_by_curl(h, a, req, out, err);
}

/* many ------------------------------------------------------------------------------------------------------------- */

/* Those under way. */
struct flights {
	struct http *http;
	struct arena *arena;
	const struct http_many *many;
	struct flight at[HTTP_MOST_AT_ONCE]; /* curl NULL: free */
	size_t n, n_given;
	bool is_over; /* no request is left to be given */
};

static void flights_done(struct flights *fs)
{
	for (size_t i = 0; i < HTTP_MOST_AT_ONCE; i++) {
		if (!fs->at[i].curl)
			continue;
		curl_multi_remove_handle(fs->http->multi, fs->at[i].curl);
		curl_easy_cleanup(fs->at[i].curl);
		flight_done(&fs->at[i]);
	}
}

static void start(struct flights *fs, const struct http_request *req)
{
	const struct http_many *m = fs->many;
	struct flight *f = fs->at;
	CURL *curl = curl_easy_init();
	struct err err;

	if (!curl)
		die("out of memory");
	while (f->curl)
		f++;
	if (flight_begin(fs->http, curl, fs->arena, req, f, &err) < 0) {
		curl_easy_cleanup(curl);
		flight_done(f);
		m->done(m->context, fs->n_given++, NULL, &err);
		return;
	}
	f->place = fs->n_given++;
	fs->n++;
	curl_easy_setopt(curl, CURLOPT_PRIVATE, f);
	if (curl_multi_add_handle(fs->http->multi, curl) != CURLM_OK)
		die("libcurl takes no further request");
}

/* Returns the ms after which it makes sense to go on. */
static int64_t start_all(struct flights *fs)
{
	const struct http_many *m = fs->many;
	int64_t wait = LONGEST_POLL_MS;

	while (!fs->is_over && fs->n < m->most) {
		struct http_request req;
		int rc = m->next(m->context, &req, &wait);

		if (rc == 0)
			return wait;
		if (rc < 0)
			fs->is_over = true;
		else
			start(fs, &req);
	}
	return LONGEST_POLL_MS;
}

static void land(struct flights *fs, CURL *curl, CURLcode code)
{
	const struct http_many *m = fs->many;
	struct http_response r;
	struct flight *f = NULL;
	struct err err;
	bool is_whole;
	size_t place;

	curl_easy_getinfo(curl, CURLINFO_PRIVATE, &f);
	place = f->place;
	is_whole = flight_end(f, code, fs->arena, &r, &err) == 0;
	curl_multi_remove_handle(fs->http->multi, curl);
	curl_easy_cleanup(curl);
	flight_done(f);
	fs->n--;
	m->done(m->context, place, is_whole ? &r : NULL, &err);
}

static void send_many_by_curl(struct http *h, struct arena *a, const struct http_many *m)
{
	CLEANUP(flights_done) struct flights fs = { .http = h, .arena = a, .many = m };

	if (!h->multi && !(h->multi = curl_multi_init()))
		die("out of memory");
	for (;;) {
		int64_t wait = start_all(&fs);
		const CURLMsg *message;
		int n;

		if (fs.n == 0 && fs.is_over)
			return;
		if (fs.n == 0) {
			m->wait(m->context, wait);
			continue;
		}
		if (curl_multi_perform(h->multi, &n) != CURLM_OK)
			die("libcurl can't go on");
		if ((size_t)n == fs.n)
			curl_multi_poll(h->multi, NULL, 0, (int)(wait < LONGEST_POLL_MS ? wait : LONGEST_POLL_MS), NULL);
		while ((message = curl_multi_info_read(h->multi, &n)))
			if (message->msg == CURLMSG_DONE)
				land(&fs, message->easy_handle, message->data.result);
	}
}

/* One after the other. */
static void send_many_by_transport(struct http *h, struct arena *a, const struct http_many *m)
{
	for (size_t place = 0;;) {
		struct http_response r;
		struct http_request req;
		struct err err;
		int64_t wait = 0;
		int rc = m->next(m->context, &req, &wait);

		if (rc < 0)
			return;
		if (rc == 0)
			m->wait(m->context, wait);
		else
			m->done(m->context, place++, http_send(h, a, &req, &r, &err) == 0 ? &r : NULL, &err);
	}
}

void http_send_many(struct http *h, struct arena *a, const struct http_many *m)
{
	if (h->transport)
		send_many_by_transport(h, a, m);
	else
		send_many_by_curl(h, a, m);
}
