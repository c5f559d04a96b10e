#include "common/http.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "common/clock.h"
#include "common/text.h"

enum { MAX_RETRY_AFTER_S = 3600, MAX_URL_BYTES = 32768 };

/* What curl_url_get gives, given back at the end of the function. */
struct url_parts {
	CURLU *url;
	char *scheme, *host, *port;
};

static void url_parts_done(struct url_parts *p)
{
	curl_free(p->scheme);
	curl_free(p->host);
	curl_free(p->port);
	curl_url_cleanup(p->url);
}

/* Bytes that different parsers read differently never get as far as a parser. */
static bool is_plain(const char *url)
{
	size_t n = 0;

	for (; url[n]; n++)
		if ((unsigned char)url[n] <= ' ' || (unsigned char)url[n] >= 0x7f || strchr("\\\"<>^`{|}", url[n]))
			return false;
	return n > 0 && n <= MAX_URL_BYTES;
}

static bool split(const char *url, struct url_parts *p)
{
	if (!is_plain(url))
		return false;
	p->url = curl_url();
	return p->url && curl_url_set(p->url, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
	       curl_url_get(p->url, CURLUPART_SCHEME, &p->scheme, 0) == CURLUE_OK &&
	       curl_url_get(p->url, CURLUPART_HOST, &p->host, 0) == CURLUE_OK &&
	       curl_url_get(p->url, CURLUPART_PORT, &p->port, CURLU_DEFAULT_PORT) == CURLUE_OK;
}

static bool has_part(CURLU *url, CURLUPart part)
{
	char *text = NULL;
	bool has = curl_url_get(url, part, &text, 0) == CURLUE_OK;

	curl_free(text);
	return has;
}

bool http_same_origin(const char *base, const char *url)
{
	CLEANUP(url_parts_done) struct url_parts b = { 0 };
	CLEANUP(url_parts_done) struct url_parts u = { 0 };

	if (!split(base, &b) || !split(url, &u) || strchr(url, '#'))
		return false;
	if (has_part(u.url, CURLUPART_USER) || has_part(u.url, CURLUPART_PASSWORD) || has_part(u.url, CURLUPART_OPTIONS))
		return false;
	return strcasecmp(b.scheme, u.scheme) == 0 && strcasecmp(b.host, u.host) == 0 && strcmp(b.port, u.port) == 0;
}

char *http_host(struct arena *a, const char *url)
{
	CLEANUP(url_parts_done) struct url_parts u = { 0 };

	return split(url, &u) ? arena_strdup(a, u.host) : NULL;
}

char *http_resolve(struct arena *a, const char *base, const char *reference)
{
	CLEANUP(url_parts_done) struct url_parts b = { 0 };
	char *whole = NULL, *out;

	if (!is_plain(reference) || !split(base, &b))
		return NULL;
	if (curl_url_set(b.url, CURLUPART_URL, reference, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
	    curl_url_get(b.url, CURLUPART_URL, &whole, 0) != CURLUE_OK)
		return NULL;
	out = arena_strdup(a, whole);
	curl_free(whole);
	return out;
}

char *http_escape(struct arena *a, const char *text)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t n = strlen(text);
	char *out = arena_alloc(a, 3 * n + 1), *to = out;

	for (const char *c = text; *c; c++) {
		unsigned char byte = (unsigned char)*c;

		if ((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
		    strchr("-._~", byte)) {
			*to++ = *c;
			continue;
		}
		*to++ = '%';
		*to++ = hex[byte >> 4];
		*to++ = hex[byte & 15];
	}
	return out;
}

char *http_redact(struct arena *a, const char *url)
{
	CLEANUP(url_parts_done) struct url_parts u = { 0 };
	size_t n = strlen(url), host_at;

	if (!split(url, &u))
		return arena_strdup(a, "(a malformed URL)");
	host_at = strlen(u.scheme) + 3 + strlen(u.host);
	/* Four characters tell two hooks apart; of a short path they would tell too much. */
	return arena_printf(a, "%s://%s/…%s", u.scheme, u.host, n > host_at + 16 ? url + n - 4 : "");
}

const char *http_header(const struct http_response *r, const char *name)
{
	for (size_t i = 0; i < r->n_headers; i++)
		if (strcasecmp(r->headers[i].name, name) == 0)
			return r->headers[i].value;
	return NULL;
}

int64_t http_retry_after_s(const struct http_response *r, int64_t now)
{
	const char *value = http_header(r, "retry-after"), *date = http_header(r, "date");
	int64_t wait, at, theirs;

	if (!value)
		return -1;
	if (text_to_int(value, &wait)) {
		if (wait < 0)
			return -1;
	} else if (instant_parse_http(value, &at)) {
		if (date && instant_parse_http(date, &theirs)) /* the clock that the instant was taken from */
			now = theirs;
		wait = at > now ? at - now : 0;
	} else {
		return -1;
	}
	return wait < MAX_RETRY_AFTER_S ? wait : MAX_RETRY_AFTER_S;
}
