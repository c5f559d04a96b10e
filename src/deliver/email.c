#include "channel.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>

#include "common/clock.h"
#include "common/email_address.h"
#include "common/sha256.h"
#include "common/text.h"

enum { CONNECT_TIMEOUT_S = 10, TIMEOUT_S = 30, LOW_SPEED_S = 30, MIN_RETRY_S = 300, MAX_REPLY = 512,
       MAX_LINE = 998 };

/* One exchange: the message on its way out, the last line that came back. */
struct exchange {
	const char *at;
	size_t left;
	bool was_handed_over; /* all of it, so that the end of the message may have been sent */
	bool is_loopback_only, is_refused;
	char reply[MAX_REPLY]; /* the last line, but for the farewell */
};

static size_t give_body(char *to, size_t size, size_t n, void *context)
{
	struct exchange *x = context;
	size_t len = size * n < x->left ? size * n : x->left;

	memcpy(to, x->at, len);
	x->at += len;
	x->left -= len;
	if (!x->left)
		x->was_handed_over = true;
	return len;
}

static size_t take_reply(char *data, size_t size, size_t n, void *context)
{
	struct exchange *x = context;

	if (size * n < 3 || memcmp(data, "221", 3) != 0) /* the farewell, after what matters */
		(void)snprintf(x->reply, sizeof x->reply, "%.*s", (int)(size * n), data);
	return size * n;
}

static bool is_loopback(const struct sockaddr *address)
{
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;

	if (address->sa_family == AF_INET) {
		memcpy(&in4, address, sizeof in4);
		return ntohl(in4.sin_addr.s_addr) >> 24 == 127;
	}
	if (address->sa_family != AF_INET6)
		return false;
	memcpy(&in6, address, sizeof in6);
	return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
}

/* Without TLS only to this machine; looked at where the address is known for certain. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct exchange *x = context;

	(void)purpose;
	if (x->is_loopback_only && !is_loopback(&address->addr)) {
		x->is_refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* The name that we greet with: this host's when it is a whole one, else the domain that we send from. */
static const char *greeting_name(struct arena *a, const char *from)
{
	char host[256] = "";
	const char *probe;

	(void)gethostname(host, sizeof host - 1);
	probe = arena_printf(a, "x@%s", host);
	if (strchr(host, '.') && email_address_is_valid(probe))
		return arena_strdup(a, host);
	return strchr(from, '@') + 1;
}

static const char *server_url(struct arena *a, const struct channel_settings *c, const char *from)
{
	bool is_v6 = strchr(c->host, ':') != NULL;

	return arena_printf(a, "%s://%s%s%s:%lld/%s", c->tls == TLS_IMPLICIT ? "smtps" : "smtp", is_v6 ? "[" : "", c->host,
	                    is_v6 ? "]" : "", (long long)c->port, greeting_name(a, from));
}

static void set_security(CURL *c, const struct channel_settings *s)
{
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(c, CURLOPT_USE_SSL, (long)(s->tls == TLS_NONE_LOOPBACK ? CURLUSESSL_NONE : CURLUSESSL_ALL));
	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, 2L);
	if (s->ca_file)
		curl_easy_setopt(c, CURLOPT_CAINFO, s->ca_file);
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
	curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)LOW_SPEED_S);
}

static void set_exchange(CURL *c, struct exchange *x)
{
	curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)x->left);
	curl_easy_setopt(c, CURLOPT_READFUNCTION, give_body);
	curl_easy_setopt(c, CURLOPT_READDATA, x);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_reply);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, x);
	curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, x);
}

static const struct {
	CURLcode code;
	enum smtp_end end;
} ends[] = {
	{ CURLE_OK, SMTP_DONE },
	{ CURLE_SEND_ERROR, SMTP_REFUSED }, /* also how libcurl names a refused MAIL or RCPT; the reply code tells */
	{ CURLE_WEIRD_SERVER_REPLY, SMTP_REFUSED },
	{ CURLE_RECV_ERROR, SMTP_BROKEN },
	{ CURLE_LOGIN_DENIED, SMTP_LOGIN_REFUSED },
	{ CURLE_USE_SSL_FAILED, SMTP_NOT_SECURE },
	{ CURLE_PEER_FAILED_VERIFICATION, SMTP_NOT_SECURE },
	{ CURLE_SSL_CONNECT_ERROR, SMTP_NOT_SECURE },
	{ CURLE_SSL_CACERT_BADFILE, SMTP_NOT_SECURE },
};

static enum smtp_end end_of(CURLcode code)
{
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (ends[i].code == code)
			return ends[i].end;
	return SMTP_BROKEN;
}

/* M5: a 4yz comes back after five minutes at the soonest; a 5yz never. What broke off after the whole message had been
 * handed over may have been accepted, unless the last reply says otherwise. */
struct verdict smtp_verdict(enum smtp_end end, int code, bool was_handed_over, const char *detail)
{
	struct verdict v = verdict_of(DELIVERY_RETRY, code, detail);

	v.min_wait_s = code >= 400 && code < 500 ? MIN_RETRY_S : 0;
	if (end == SMTP_DONE)
		return verdict_of(DELIVERY_SENT, code, NULL);
	if (end == SMTP_NOT_SECURE)
		return v;
	if (end == SMTP_LOGIN_REFUSED || code == 530) {
		bool is_lasting = code < 400 || code >= 500;

		v.outcome = is_lasting ? DELIVERY_DEAD : DELIVERY_RETRY;
		v.disables_sink = is_lasting;
		v.holds_sink = !is_lasting;
		return v;
	}
	if (code >= 500)
		v.outcome = DELIVERY_DEAD;
	else if (code < 400 && was_handed_over)
		v.outcome = DELIVERY_AMBIGUOUS;
	return v;
}

static int reply_code(const char *reply)
{
	int64_t code;
	char digits[4] = "";

	memcpy(digits, reply, strnlen(reply, 3));
	return text_to_int(digits, &code) ? (int)code : 0;
}

/* What the server said, unless it repeats our password, plain or as it went over the wire. */
static const char *shown_reply(struct arena *a, const char *reply, const char *user, const char *password)
{
	size_t len = password ? strlen(password) : 0;
	const char *plain = password ? arena_printf(a, "%c%s%c%s", '\0', user, '\0', password) : NULL;

	if (!len || (!strstr(reply, password) && !strstr(reply, base64_text(a, password, len)) &&
	             !strstr(reply, base64_text(a, plain, strlen(user) + len + 2))))
		return reply;
	return arena_printf(a, "%.3s (what the server said repeats the password and is not kept)", reply);
}

static struct verdict converse(CURL *c, struct exchange *x, struct arena *a, const char *user, const char *password)
{
	char problem[CURL_ERROR_SIZE] = "";
	struct verdict v;
	CURLcode rc;
	int code;

	curl_easy_setopt(c, CURLOPT_ERRORBUFFER, problem);
	rc = curl_easy_perform(c);
	code = reply_code(x->reply);
	if (x->is_refused)
		return verdict_of(DELIVERY_RETRY, 0, "without TLS mail goes to this machine only; use tls: starttls");
	v = smtp_verdict(end_of(rc), code, x->was_handed_over,
	                 code >= 400 ? shown_reply(a, x->reply, user, password) : *problem ? problem :
	                 curl_easy_strerror(rc));
	if (v.outcome == DELIVERY_SENT) {
		const char *reply = text_clean(a, x->reply, sizeof v.provider_ref - 1);

		memcpy(v.provider_ref, reply, utf8_fit(reply, sizeof v.provider_ref - 1));
	}
	return v;
}

static void list_free(struct curl_slist **list)
{
	curl_slist_free_all(*list);
}

static void curl_freep(CURL **c)
{
	curl_easy_cleanup(*c);
}

static struct verdict send_message(const struct channel_job *job, struct arena *a, const char *from, struct exchange *x)
{
	const struct channel_settings *s = job->channel;
	const char *recipient = arena_printf(a, "<%s>", job->message->recipient);
	CLEANUP(list_free) struct curl_slist *to = curl_slist_append(NULL, recipient);
	CLEANUP(curl_freep) CURL *c = curl_easy_init();
	const char *password = NULL;
	struct err err;

	if (!c || !to)
		die("out of memory");
	if (s->user && s->password) {
		if (job->secret(a, s->password, &password, &err) < 0)
			return verdict_of_failure(false, &err);
		curl_easy_setopt(c, CURLOPT_USERNAME, s->user);
		curl_easy_setopt(c, CURLOPT_PASSWORD, password);
	}
	curl_easy_setopt(c, CURLOPT_URL, server_url(a, s, from));
	curl_easy_setopt(c, CURLOPT_MAIL_FROM, arena_printf(a, "<%s>", from));
	curl_easy_setopt(c, CURLOPT_MAIL_RCPT, to);
	set_security(c, s);
	set_exchange(c, x);
	return converse(c, x, a, s->user, password);
}

/* A server that ends lines at a bare CR or LF may take a bare "LF . LF" for the end of the message and what follows for
 * commands; so such bytes never leave, and a dot that begins a line is doubled by libcurl. */
const char *email_flaw(const char *message, size_t len)
{
	size_t line = 0;

	if (len < 4 || memcmp(message + len - 2, "\r\n", 2) != 0)
		return "the message does not end with a line end";
	if (!memmem(message, len, "\r\n\r\n", 4) || message[0] == '\r')
		return "the message has no header";
	for (size_t i = 0; i < len; i++) {
		if (message[i] == '\0')
			return "the message holds a NUL";
		if (message[i] == '\r' && (i + 1 == len || message[i + 1] != '\n'))
			return "the message holds a bare CR";
		if (message[i] == '\n' && (i == 0 || message[i - 1] != '\r'))
			return "the message holds a bare LF";
		line = message[i] == '\n' ? 0 : line + 1;
		if (line > MAX_LINE + 1) /* the CR counts here, not in the limit */
			return "the message has a line of more than 998 bytes";
	}
	return NULL;
}

static void send_one(const struct channel_job *job, struct arena *a, struct verdict *out)
{
	const struct outbox_message *m = job->message;
	const char *from = email_address_of(a, job->channel->from), *flaw;
	struct exchange x = { .is_loopback_only = job->channel->tls == TLS_NONE_LOOPBACK };

	x.at = channel_body(m, &x.left);
	flaw = email_flaw(x.at, x.left);
	if (!from)
		*out = verdict_of(DELIVERY_RETRY, 0, "the channel's from: is no valid address");
	else if (!m->recipient || !email_address_is_valid(m->recipient)) /* libcurl before 8.22 lets CR LF through */
		*out = verdict_of(DELIVERY_DEAD, 0, "the recipient is no valid address");
	else if (flaw)
		*out = verdict_of(DELIVERY_DEAD, 0, flaw);
	else
		*out = send_message(job, a, from, &x);
}

/* Printable ASCII, for a mail without any encoding: one line, or lines that end with CRLF. */
static void add_ascii(struct buf *b, const char *text, bool has_lines)
{
	for (; *text; text++) {
		if (has_lines && *text == '\n')
			buf_text(b, "\r\n");
		else
			buf_char(b, *text >= 0x20 && *text < 0x7f ? *text : '?');
	}
}

/* To reply_to, else to from itself. */
static int notice(struct arena *a, const struct channel_settings *c, const struct notice *n, struct buf *body,
                  struct outbox_message *out, struct err *err)
{
	const char *to = email_address_of(a, c->reply_to ? c->reply_to : c->from), *from = email_address_of(a, c->from);

	if (!to || !from)
		return err_set(err, ERR_CONFIG, "%s: from: is no valid address", c->name);
	buf_printf(body, "From: <%s>\r\nTo: <%s>\r\nSubject: ", from, to);
	add_ascii(body, n->subject, false);
	buf_printf(body, "\r\nDate: %s\r\nMessage-ID: <%.32s%s>\r\n", instant_mail_text(a, n->now, 0), n->key,
	           strchr(from, '@'));
	buf_text(body, "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n"
	               "Auto-Submitted: auto-generated\r\n\r\n");
	add_ascii(body, n->text, true);
	buf_text(body, "\r\n");
	out->recipient = to;
	return 0;
}

static const struct channel_key keys[] = {
	{ "host", true, false }, { "port", false, false }, { "tls", false, false }, { "user", false, false },
	{ "password", false, true }, { "from", true, false }, { "reply_to", false, false },
	{ "unsubscribe_url", false, false }, { "allows_private", false, false }, { "ca_file", false, false },
	{ NULL, false, false },
};

const struct channel_type email_channel = {
	.keys = keys, .per_second = 10, .to = TO_OWNER, .send = send_one, .notice = notice,
};
