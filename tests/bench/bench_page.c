/* A whole pull of pages as a CRM gives them, 100 records of 40 properties each, from a server in another process into a
 * database on the disk: mapped rows and bytes a second, and where the time goes. Each share is measured by doing that
 * part alone, or all but that part: curl (and the server's side of the loopback), cJSON with our checks, SQLite, and
 * what is left: mapping, comparing, paging. */
#include "bench.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/connect/rest.h"
#include "common/buf.h"
#include "common/json.h"
#include "store/migrate.h"
#include "store/pulls.h"
#include "store/record.h"

enum { RECORDS = 100, PROPERTIES = 40, PAGES = 60, ROUNDS = 5 };

static struct err err;

/* pages ------------------------------------------------------------------------------------------------------------ */

static struct buf pages[PAGES];

static const char *property_name(int i)
{
	static const char *const known[] = { "name", "domain", "industry", "plan", "stage", "seats", "arr", "createdate",
		                                 "owner", "region", "segment", "renewal" };
	static char name[32];

	if (i < (int)ARRAY_LEN(known))
		return known[i];
	(void)snprintf(name, sizeof name, "hs_custom_property_%d", i);
	return name;
}

/* Of the first dozen some are numbers and dates; all else is text. */
static void write_value(char *to, size_t size, int i, int id)
{
	switch (i) {
	case 5: (void)snprintf(to, size, "%d", id); break;
	case 6: (void)snprintf(to, size, "%d.50", id); break;
	case 7: (void)snprintf(to, size, "2024-03-%02dT08:00:00Z", id % 28 + 1); break;
	case 11: (void)snprintf(to, size, "2026-11-%02d", id % 28 + 1); break;
	default: (void)snprintf(to, size, "value %d of \"record\" %d", i, id);
	}
}

static void write_record(struct json_out *o, int id)
{
	char value[64];

	json_open_object(o, NULL);
	(void)snprintf(value, sizeof value, "%d", id);
	json_put_text(o, "id", value);
	json_open_object(o, "properties");
	for (int i = 0; i < PROPERTIES; i++) {
		write_value(value, sizeof value, i, id);
		json_put_text(o, property_name(i), i % 7 == 6 && i > 11 ? NULL : value);
	}
	json_close_object(o);
	json_put_text(o, "createdAt", "2024-03-01T08:00:00.000Z");
	json_put_text(o, "updatedAt", "2025-11-30T17:45:12.123Z");
	json_put_bool(o, "archived", false);
	json_close_object(o);
}

static void write_page(int n)
{
	struct json_out o;
	char after[16];

	buf_init(&pages[n], 8 << 20);
	o = json_out_to(&pages[n]);
	json_open_object(&o, NULL);
	json_open_array(&o, "results");
	for (int i = 0; i < RECORDS; i++)
		write_record(&o, n * RECORDS + i + 1);
	json_close_array(&o);
	(void)snprintf(after, sizeof after, "%d", n + 1);
	json_put_text(&o, "after", n + 1 < PAGES ? after : NULL);
	json_close_object(&o);
}

/* "/list?after=17" */
static const struct buf *page_of(const char *target)
{
	const char *after = strstr(target, "after=");
	int n = 0;

	for (const char *at = after ? after + 6 : ""; *at >= '0' && *at <= '9'; at++)
		n = n * 10 + (*at - '0');
	return &pages[n < PAGES ? n : 0];
}

/* server ----------------------------------------------------------------------------------------------------------- */

static void put_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n <= 0)
			_exit(1);
		data += n;
		len -= (size_t)n;
	}
}

static void answer_all(int fd)
{
	char request[8192], head[128];
	size_t len = 0;

	for (;;) {
		ssize_t n = read(fd, request + len, sizeof request - 1 - len);
		const struct buf *page;

		if (n <= 0)
			return;
		len += (size_t)n;
		request[len] = '\0';
		if (!strstr(request, "\r\n\r\n"))
			continue;
		request[strcspn(request, "\r")] = '\0';
		page = page_of(request);
		put_all(fd, head, (size_t)snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
		                                   "Content-Length: %zu\r\n\r\n", page->len));
		put_all(fd, page->at, page->len);
		len = 0;
	}
}

static pid_t serve(int *out_port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	pid_t child;

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || listen(fd, 8) < 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &len) < 0 || (child = fork()) < 0)
		die("no server");
	if (child == 0)
		for (;;) {
			int one = accept(fd, NULL, NULL);

			answer_all(one);
			(void)close(one);
		}
	(void)close(fd);
	*out_port = ntohs(at.sin_port);
	return child;
}

/* the pull --------------------------------------------------------------------------------------------------------- */

static const char connector_text[] =
	"auth: { kind: none }\n"
	"streams:\n"
	"  companies:\n"
	"    row:\n"
	"      entity: account\n"
	"      key: id\n"
	"      deleted: archived\n"
	"      map:\n"
	"        - { to: name, from: properties.name }\n"
	"        - { to: domain, from: properties.domain }\n"
	"        - { to: industry, from: properties.industry }\n"
	"        - { to: plan, from: properties.plan }\n"
	"        - { to: stage, from: properties.stage }\n"
	"        - { to: region, from: properties.region }\n"
	"        - { to: segment, from: properties.segment }\n"
	"        - { to: csm_key, from: properties.owner }\n"
	"        - { to: seats, from: properties.seats }\n"
	"        - { to: currency, value: EUR }\n"
	"        - { to: arr_minor, from: properties.arr }\n"
	"        - { to: renewal_on, from: properties.renewal }\n"
	"        - { to: created_on, from: properties.createdate }\n"
	"        - { to: modified_at, from: updatedAt }\n"
	"    full:\n"
	"      get: /list\n"
	"      query: { limit: 100, after: \"{{page.token}}\" }\n"
	"      records: results\n"
	"      page: { kind: cursor, from: after }\n";

struct bench {
	char folder[64], url[64];
	struct arena *arena;
	const struct connector *connector;
	struct source_settings source;
	struct db *db;
	int64_t source_id, now;
};

static int play(void *context, struct arena *a, const struct http_request *req, struct http_response *out,
                bool *out_was_sent, struct err *why)
{
	const struct buf *page = page_of(req->url);

	(void)context, (void)why;
	*out_was_sent = true;
	*out = (struct http_response){ .status = 200, .body = arena_memdup(a, page->at, page->len + 1),
	                               .body_len = page->len };
	return 0;
}

/* Returns how long it took to pull all pages. */
static double pull(struct bench *b, struct http *http, bool is_dry_run)
{
	const struct scope scope = { 0 };
	struct pull p = { .db = b->db, .source = &b->source, .zone = zone_utc(), .currency = "EUR", .now = b->now,
		              .today = day_of_instant(b->now), .is_full = true, .is_dry_run = is_dry_run };
	struct pull_result result;
	struct client client;
	double start = seconds_now();

	REQUIRE_OK(client_init(&client, b->connector, http, &scope, NULL, 0, b->now, b->arena, &err));
	REQUIRE_OK(rest_stream(&p, &client, b->source_id, b->connector->streams.at, &result, &err));
	if (result.n_rows != RECORDS * PAGES || result.n_quarantined)
		die("%lld rows, %lld set aside", (long long)result.n_rows, (long long)result.n_quarantined);
	b->now += 60;
	return seconds_now() - start;
}

static void get_all(void *context)
{
	const struct bench *b = context;
	const struct http_options options = { .allows_http_loopback = true };
	struct http *http = http_new(&options);

	for (int i = 0; i < PAGES; i++) {
		CLEANUP(arena_freep) struct arena *a = arena_new(0);
		struct http_request req = { .method = "GET", .url = arena_printf(a, "%s/list?limit=100&after=%d", b->url, i) };
		struct http_response out;

		REQUIRE_OK(http_send(http, a, &req, &out, &err));
	}
	http_free(http);
}

static void parse_all(void *context)
{
	(void)context;
	for (int i = 0; i < PAGES; i++) {
		CLEANUP(arena_freep) struct arena *a = arena_new(0);
		const struct json *j;

		REQUIRE_OK(json_parse(a, pages[i].at, pages[i].len, &j, &err));
	}
}

static void open_database(struct bench *b)
{
	char path[96];

	db_close(b->db);
	(void)snprintf(path, sizeof path, "%s/retaind.db", b->folder);
	(void)unlink(path);
	(void)snprintf(path, sizeof path, "%s/retaind.db-wal", b->folder);
	(void)unlink(path);
	(void)snprintf(path, sizeof path, "%s/retaind.db", b->folder);
	REQUIRE_OK(db_open(path, DB_WRITE, &b->db, &err));
	REQUIRE_OK(migrate_run(b->db, b->now, &err));
	REQUIRE_OK(source_id(b->db, "bench", "bench", &b->source_id, &err));
}

static void prepare(struct bench *b, int port)
{
	struct mistakes mistakes = { 0 };
	char path[128];
	FILE *file;

	b->arena = mistakes.arena = arena_new(0);
	(void)snprintf(b->folder, sizeof b->folder, "/tmp/retaind-bench-XXXXXX");
	if (!mkdtemp(b->folder))
		die("no folder");
	(void)snprintf(b->url, sizeof b->url, "http://127.0.0.1:%d", port);
	b->source = (struct source_settings){ .name = "bench", .connector = "bench", .base_url = b->url,
		                                  .allows_http_loopback = true };
	b->now = 1767225600;
	(void)snprintf(path, sizeof path, "%s/connectors", b->folder);
	if (mkdir(path, 0700) < 0)
		die("no folder");
	(void)snprintf(path, sizeof path, "%s/connectors/bench.yaml", b->folder);
	file = fopen(path, "w");
	if (!file || fputs(connector_text, file) < 0 || fclose(file) < 0)
		die("no connector");
	b->connector = connector_load(b->arena, b->folder, &b->source, &mistakes);
	if (!b->connector)
		die("%s", mistakes.lines[0]);
}

/* Times of one kind of pull: over the network, without it, and without the store. */
static void measure(struct bench *b, const char *what, bool is_first, double curl_s, double json_s)
{
	const struct http_options options = { .allows_http_loopback = true };
	double whole = 1e9, stored = 1e9, mapped = 1e9, bytes = 0, parts;

	for (int round = 0; round < ROUNDS; round++) {
		struct http *real = http_new(&options), *fake = http_new_fake(play, NULL);
		double took;

		if (is_first)
			open_database(b);
		took = pull(b, real, false);
		whole = took < whole ? took : whole;
		if (is_first)
			open_database(b);
		took = pull(b, fake, false);
		stored = took < stored ? took : stored;
		took = pull(b, fake, true);
		mapped = took < mapped ? took : mapped;
		http_free(real);
		http_free(fake);
	}
	for (int i = 0; i < PAGES; i++)
		bytes += (double)pages[i].len;
	parts = curl_s + stored;
	(void)printf("{\"bench\":\"%s\",\"rows\":%d,\"rows_per_s\":%.0f,\"mapped_rows_per_s\":%.0f,\"bytes_per_s\":%.0f,"
	             "\"share\":{\"curl\":%.3f,\"cjson\":%.3f,\"sqlite\":%.3f,\"rest\":%.3f}}\n",
	             what, RECORDS * PAGES, RECORDS * PAGES / whole, RECORDS * PAGES / mapped, bytes / whole,
	             curl_s / parts, json_s / parts, (stored - mapped) / parts, (mapped - json_s) / parts);
	(void)fflush(stdout);
}

int main(void)
{
	struct bench b = { 0 };
	static const char *const made[] = { "connectors/bench.yaml", "connectors", "retaind.db", "" };
	char path[128];
	double curl_s, json_s;
	pid_t server;
	int port;

	for (int i = 0; i < PAGES; i++)
		write_page(i);
	server = serve(&port);
	prepare(&b, port);
	curl_s = best_of(ROUNDS, get_all, &b);
	json_s = best_of(ROUNDS, parse_all, NULL);
	measure(&b, "page_new", true, curl_s, json_s);
	measure(&b, "page_same", false, curl_s, json_s);
	(void)kill(server, SIGKILL);
	db_close(b.db);
	arena_free(b.arena);
	for (size_t i = 0; i < ARRAY_LEN(made); i++) {
		(void)snprintf(path, sizeof path, "%s/%s", b.folder, made[i]);
		(void)remove(path);
	}
	for (int i = 0; i < PAGES; i++)
		buf_done(&pages[i]);
	return 0;
}
