/* The functions of libcurl that this program calls, each passed on to the library: see common/late.h. */
#include <stdarg.h>

#include <curl/curl.h>

#include "common/http.h"
#include "common/late.h"

static struct late_library curl = { .name = "libcurl.so.4" };

int http_load(struct err *err)
{
	return late_load(&curl, err);
}

/* The headers also make macros of these, which check what is given. */
#undef curl_easy_setopt
#undef curl_easy_getinfo

CURLcode curl_global_init(long flags)
{
	return LATE(curl, curl_global_init)(flags);
}

CURL *curl_easy_init(void)
{
	return LATE(curl, curl_easy_init)();
}

void curl_easy_cleanup(CURL *c)
{
	if (c)
		LATE(curl, curl_easy_cleanup)(c);
}

void curl_easy_reset(CURL *c)
{
	LATE(curl, curl_easy_reset)(c);
}

/* The number of an option says of what kind its value is. */
CURLcode curl_easy_setopt(CURL *c, CURLoption option, ...)
{
	CURLcode rc;
	va_list value;

	va_start(value, option);
	if (option < CURLOPTTYPE_OBJECTPOINT)
		rc = LATE(curl, curl_easy_setopt)(c, option, va_arg(value, long));
	else if (option >= CURLOPTTYPE_OFF_T && option < CURLOPTTYPE_BLOB)
		rc = LATE(curl, curl_easy_setopt)(c, option, va_arg(value, curl_off_t));
	else
		rc = LATE(curl, curl_easy_setopt)(c, option, va_arg(value, void *));
	va_end(value);
	return rc;
}

CURLcode curl_easy_getinfo(CURL *c, CURLINFO info, ...)
{
	CURLcode rc;
	va_list to;

	va_start(to, info);
	rc = LATE(curl, curl_easy_getinfo)(c, info, va_arg(to, void *));
	va_end(to);
	return rc;
}

CURLcode curl_easy_perform(CURL *c)
{
	return LATE(curl, curl_easy_perform)(c);
}

const char *curl_easy_strerror(CURLcode code)
{
	return LATE(curl, curl_easy_strerror)(code);
}

CURLM *curl_multi_init(void)
{
	return LATE(curl, curl_multi_init)();
}

CURLMcode curl_multi_cleanup(CURLM *m)
{
	return m ? LATE(curl, curl_multi_cleanup)(m) : CURLM_OK;
}

CURLMcode curl_multi_add_handle(CURLM *m, CURL *c)
{
	return LATE(curl, curl_multi_add_handle)(m, c);
}

CURLMcode curl_multi_remove_handle(CURLM *m, CURL *c)
{
	return LATE(curl, curl_multi_remove_handle)(m, c);
}

CURLMcode curl_multi_perform(CURLM *m, int *n_running)
{
	return LATE(curl, curl_multi_perform)(m, n_running);
}

CURLMcode curl_multi_poll(CURLM *m, struct curl_waitfd fds[], unsigned n, int timeout_ms, int *n_ready)
{
	return LATE(curl, curl_multi_poll)(m, fds, n, timeout_ms, n_ready);
}

CURLMsg *curl_multi_info_read(CURLM *m, int *n_left)
{
	return LATE(curl, curl_multi_info_read)(m, n_left);
}

struct curl_slist *curl_slist_append(struct curl_slist *list, const char *text)
{
	return LATE(curl, curl_slist_append)(list, text);
}

void curl_slist_free_all(struct curl_slist *list)
{
	if (list)
		LATE(curl, curl_slist_free_all)(list);
}

void curl_free(void *p)
{
	if (p)
		LATE(curl, curl_free)(p);
}

CURLU *curl_url(void)
{
	return LATE(curl, curl_url)();
}

void curl_url_cleanup(CURLU *url)
{
	if (url)
		LATE(curl, curl_url_cleanup)(url);
}

#if LIBCURL_VERSION_NUM >= 0x080000 /* const came later */
CURLUcode curl_url_get(const CURLU *url, CURLUPart what, char **part, unsigned flags)
#else
CURLUcode curl_url_get(CURLU *url, CURLUPart what, char **part, unsigned flags)
#endif
{
	return LATE(curl, curl_url_get)(url, what, part, flags);
}

CURLUcode curl_url_set(CURLU *url, CURLUPart what, const char *part, unsigned flags)
{
	return LATE(curl, curl_url_set)(url, what, part, flags);
}
