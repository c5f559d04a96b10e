#include "cmocka_shim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../src/connect/client.h"
#include "common/sha256.h"

static struct err err; /* of the last call */

/* A token endpoint and an API behind one transport. */
struct world {
	struct arena *a;
	const char *answers[8];   /* of the token endpoint, in turn; NULL cuts the connection */
	int statuses[8];          /* 0: 200 */
	size_t n_answers, n_tokens, n_calls;
	const char *form;         /* last sent */
	const char *basic;
	const char *good;         /* the access token that the API takes; NULL: none */
	const char *path;
	bool is_unsaved;          /* a token was used that the file didn't have yet */
	int64_t now_ms;
	char folder[64];
	struct connector connector;
	struct http *http;
	struct client client;
	struct answer answer;
	struct named_value secrets[3];
	struct client_time time;
};

static const char *header_of(const struct http_request *req, const char *name)
{
	for (size_t i = 0; i < req->n_headers; i++)
		if (strcmp(req->headers[i].name, name) == 0)
			return req->headers[i].value;
	return "";
}

static int answer_token(struct world *w, const struct http_request *req, struct http_response *out, struct err *why)
{
	size_t at = w->n_tokens < w->n_answers ? w->n_tokens : w->n_answers - 1;

	w->n_tokens++;
	w->form = arena_strdup(w->a, req->body);
	w->basic = arena_strdup(w->a, header_of(req, "Authorization"));
	if (!w->answers[at])
		return err_set(why, ERR_RETRY, "connection reset");
	*out = (struct http_response){ .status = w->statuses[at] ? w->statuses[at] : 200, .body = w->answers[at],
		                           .body_len = strlen(w->answers[at]) };
	return 0;
}

static int play(void *context, struct arena *a, const struct http_request *req, struct http_response *out,
                bool *out_was_sent, struct err *why)
{
	struct world *w = context;
	const char *said = header_of(req, "Authorization");
	struct token kept = { 0 };

	*out_was_sent = true;
	if (strcmp(req->url, "https://id.example.com/token") == 0)
		return answer_token(w, req, out, why);
	w->n_calls++;
	if (token_load(w->path, a, &kept, &err) != 1 || !kept.access || !strstr(said, kept.access))
		w->is_unsaved = true;
	*out = w->good && strstr(said, w->good)
		? (struct http_response){ .status = 200, .body = "{\"ok\":1}", .body_len = 8 }
		: (struct http_response){ .status = 401, .body = arena_printf(a, "{\"message\":\"bad %s\"}", said) };
	out->body_len = strlen(out->body);
	return 0;
}

static int64_t world_now(void *context)
{
	return ((struct world *)context)->now_ms;
}

static void world_sleep(void *context, int64_t ms)
{
	((struct world *)context)->now_ms += ms;
}

static const char auth_text[] =
	"kind: oauth2\ngrant: refresh\ntoken_url: https://id.example.com/token\nrotate: true\n"
	"fields: { client_id: me, client_secret: '{{secret.pass}}', refresh_token: '{{secret.refresh}}' }\n";

static void read_auth(struct world *w, const char *text)
{
	struct mistakes m = { .arena = w->a };
	static const char *const unauthorized[] = { "401" };
	struct error_rule *rule = arena_alloc(w->a, sizeof *rule);

	w->connector.auth = (struct auth_settings){ 0 };
	yaml_read(w->a, yaml_parse(w->a, "t", text, strlen(text), &m), &auth_table, &w->connector.auth, &m);
	ASSERT_INT(m.n, 0);
	*rule = (struct error_rule){ .status = { arena_memdup(w->a, unauthorized, sizeof unauthorized), 1 },
		                         .action = ACTION_REFRESH_RETRY };
	w->connector.errors = (struct yaml_array){ rule, 1 };
}

static struct world *world_new(void)
{
	struct arena *a = arena_new(0);
	struct world *w = arena_alloc(a, sizeof *w);

	w->a = a;
	(void)snprintf(w->folder, sizeof w->folder, "%s", "/tmp/retaind-oauth-XXXXXX");
	assert_non_null(mkdtemp(w->folder));
	w->path = arena_printf(a, "%s/tokens/crm.json", w->folder);
	w->connector = (struct connector){ .name = "test", .base_url = "https://api.example.com", .max_attempts = 2,
		                               .first_wait_s = 1, .longest_wait_s = 8 };
	w->now_ms = 5000;
	w->secrets[0] = (struct named_value){ "pass", "client-secret-1" };
	w->secrets[1] = (struct named_value){ "refresh", "refresh-secret-0" };
	w->time = (struct client_time){ world_now, world_sleep, w };
	w->http = http_new_fake(play, w);
	read_auth(w, auth_text);
	return w;
}

static void world_free(struct world *w)
{
	(void)unlink(w->path);
	(void)unlink(arena_printf(w->a, "%s.lock", w->path));
	(void)rmdir(arena_printf(w->a, "%s/tokens", w->folder));
	(void)rmdir(w->folder);
	http_free(w->http);
	arena_free(w->a);
}

static void grants(struct world *w, const char *body)
{
	w->answers[w->n_answers++] = body;
}

static void refuses(struct world *w, int status, const char *body)
{
	w->statuses[w->n_answers] = status;
	grants(w, body);
}

/* A process that starts. */
static int start(struct world *w)
{
	const struct scope scope = { .secrets = w->secrets, .n_secrets = 2 };

	ASSERT_OK(client_init(&w->client, &w->connector, w->http, &scope, &w->time, 0, 1767225600, w->a, &err));
	return client_login(&w->client, w->path, w->a, &err);
}

static int get(struct world *w)
{
	return client_call(&w->client, "GET", "https://api.example.com/v1/things", NULL, w->a, &w->answer, &err);
}

static struct token kept(struct world *w)
{
	struct token t = { 0 };

	ASSERT_INT(token_load(w->path, w->a, &t, &err), 1);
	return t;
}

static void a_token_is_asked_for_once_and_kept_for_the_next_process(void **state)
{
	struct world *w = world_new();
	struct stat st;

	(void)state;
	w->good = "access-1";
	grants(w, "{\"access_token\":\"access-1\",\"expires_in\":3600}");
	ASSERT_OK(start(w));
	assert_string_equal(w->form, "grant_type=refresh_token&client_id=me&client_secret=client-secret-1&"
	                             "refresh_token=refresh-secret-0");
	ASSERT_OK(get(w));
	ASSERT_OK(start(w));
	ASSERT_OK(get(w));
	ASSERT_INT(w->n_tokens, 1);
	ASSERT_INT(stat(w->path, &st), 0);
	ASSERT_INT(st.st_mode & 0777, 0600);
	ASSERT_INT(stat(arena_printf(w->a, "%s/tokens", w->folder), &st), 0);
	ASSERT_INT(st.st_mode & 0777, 0700);
	world_free(w);
}

static void a_token_is_renewed_before_it_expires(void **state)
{
	struct world *w = world_new();

	(void)state;
	w->good = "access-";
	grants(w, "{\"access_token\":\"access-1\",\"expires_in\":\"1800\"}");
	grants(w, "{\"access_token\":\"access-2\",\"expires_in\":20}");
	grants(w, "{\"access_token\":\"access-3\"}");
	ASSERT_OK(start(w));
	w->now_ms += (1800 - 61) * 1000;
	ASSERT_OK(get(w));
	ASSERT_INT(w->n_tokens, 1);
	w->now_ms += 1000;
	ASSERT_OK(get(w));
	ASSERT_INT(w->n_tokens, 2);
	w->now_ms += 14 * 1000;
	ASSERT_OK(get(w));
	ASSERT_INT(w->n_tokens, 2);
	w->now_ms += 1000;
	ASSERT_OK(get(w));
	ASSERT_INT(w->n_tokens, 3);
	w->now_ms += 100L * 86400 * 1000; /* nobody said when */
	ASSERT_OK(get(w));
	ASSERT_INT(w->n_tokens, 3);
	world_free(w);
}

static void a_rotated_refresh_token_is_kept_before_the_new_access_token_is_used(void **state)
{
	struct world *w = world_new();

	(void)state;
	w->good = "access-2";
	grants(w, "{\"access_token\":\"access-1\",\"refresh_token\":\"refresh-secret-1\"}");
	grants(w, "{\"access_token\":\"access-2\",\"refresh_token\":\"refresh-secret-2\"}");
	ASSERT_OK(start(w));
	ASSERT_OK(get(w));
	assert_non_null(strstr(w->form, "refresh_token=refresh-secret-1"));
	assert_string_equal(kept(w).refresh, "refresh-secret-2");
	assert_false(w->is_unsaved);
	ASSERT_INT(kept(w).asked_at, 0);
	world_free(w);
}

static void a_new_secret_is_a_new_beginning(void **state)
{
	struct world *w = world_new();

	(void)state;
	grants(w, "{\"access_token\":\"access-1\",\"refresh_token\":\"refresh-secret-1\"}");
	ASSERT_OK(start(w));
	w->secrets[1].value = "refresh-secret-new";
	ASSERT_OK(start(w));
	ASSERT_INT(w->n_tokens, 2);
	assert_non_null(strstr(w->form, "refresh_token=refresh-secret-new"));
	world_free(w);
}

static void a_refused_token_is_renewed_once_and_then_a_person_must_act(void **state)
{
	struct world *w = world_new();

	(void)state;
	grants(w, "{\"access_token\":\"access-1\",\"refresh_token\":\"refresh-secret-1\"}");
	grants(w, "{\"access_token\":\"access-2\",\"refresh_token\":\"refresh-secret-2\"}");
	ASSERT_OK(start(w));
	ASSERT_INT(get(w), -1);
	ASSERT_INT(err.kind, ERR_CONFIG);
	ASSERT_INT(w->n_calls, 2);
	ASSERT_INT(w->n_tokens, 2);
	assert_string_equal(err.text, "GET /v1/things: HTTP 401: bad Bearer ***; refused with a fresh token too: "
	                              "authorise retaind again, or check what it may read");
	world_free(w);
}

static void a_token_that_another_process_has_renewed_is_taken(void **state)
{
	struct world *w = world_new();
	struct token other;

	(void)state;
	w->good = "access-other";
	grants(w, "{\"access_token\":\"access-1\",\"refresh_token\":\"refresh-secret-1\"}");
	ASSERT_OK(start(w));
	other = kept(w);
	other.access = "access-other";
	ASSERT_OK(token_save(w->path, &other, &err));
	ASSERT_OK(get(w));
	ASSERT_INT(w->n_tokens, 1);
	world_free(w);
}

static void a_revoked_grant_is_for_a_person(void **state)
{
	static const struct {
		int status;
		const char *body, *says;
	} cases[] = {
		{ 400, "{\"error\":\"invalid_grant\",\"error_description\":\"refresh-secret-0 is bad\"}", "authorise retaind" },
		{ 401, "{\"error\":\"invalid_client\"}", "id or secret is wrong" },
		{ 200, "{\"error\":\"access_denied\"}", "denied" },
		{ 400, "{\"error\":\"refresh-secret-0\"}", "HTTP 400: the endpoint gives no token" },
		{ 404, "<html>refresh-secret-0", "check the source's secrets and `token_url`" },
		{ 302, "{}", "HTTP 302" },
		{ 200, "{\"access_token\":\"a\\r\\nX-Evil: 1\"}", "no token at `access_token`" },
		{ 200, "{\"access_token\":7}", "no token at" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct world *w = world_new();

		refuses(w, cases[i].status, cases[i].body);
		ASSERT_INT(start(w), -1);
		ASSERT_INT(err.kind, ERR_CONFIG);
		assert_non_null(strstr(err.text, cases[i].says));
		assert_null(strstr(err.text, "refresh-secret"));
		assert_null(strstr(err.text, "never reached"));
		ASSERT_INT(w->n_tokens, 1);
		world_free(w);
	}
}

static const char jwt_text[] =
	"kind: oauth2\ngrant: jwt_bearer\ntoken_url: https://id.example.com/token\nkey: '{{secret.pass}}'\n"
	"claims: { iss: me, sub: \"a\\\"b\", aud: https://login.example.com }\n";

static char *read_key(struct arena *a)
{
	char *text = arena_alloc(a, 4096);
	FILE *file = fopen("tests/data/sign/rsa2048.key", "r");

	assert_non_null(file);
	assert_true(fread(text, 1, 4095, file) > 0);
	(void)fclose(file);
	return text;
}

static void an_assertion_says_who_we_are_for_three_minutes(void **state)
{
	static const char claims[] = "{\"iss\":\"me\",\"sub\":\"a\\\"b\",\"aud\":\"https://login.example.com\","
	                             "\"iat\":1767225600,\"exp\":1767225780}";
	struct world *w = world_new();
	const char *want;

	(void)state;
	read_auth(w, jwt_text);
	w->secrets[0].value = read_key(w->a);
	w->good = "access-1";
	grants(w, "{\"access_token\":\"access-1\",\"expires_in\":60}");
	ASSERT_OK(start(w));
	want = arena_printf(w->a, "grant_type=urn%%3Aietf%%3Aparams%%3Aoauth%%3Agrant-type%%3Ajwt-bearer&assertion=%s.%s.",
	                    "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9", base64url_text(w->a, claims, strlen(claims)));
	assert_memory_equal(w->form, want, strlen(want));
	ASSERT_INT(strlen(w->form) - strlen(want), 342); /* 256 bytes */
	ASSERT_OK(get(w));
	w->now_ms += 60 * 1000;
	ASSERT_OK(get(w));
	ASSERT_INT(w->n_tokens, 2);
	assert_memory_not_equal(w->form, want, strlen(want)); /* made anew */
	w->secrets[0].value = "planted";
	w->now_ms += 60 * 1000;
	ASSERT_INT(get(w), -1);
	ASSERT_INT(err.kind, ERR_CONFIG);
	assert_null(strstr(err.text, "planted"));
	world_free(w);
}

static void an_endpoint_that_is_unwell_is_asked_three_times(void **state)
{
	struct world *w = world_new();

	(void)state;
	refuses(w, 503, "{}");
	grants(w, NULL);
	grants(w, "{\"access_token\":\"access-1\"}");
	ASSERT_OK(start(w));
	ASSERT_INT(w->n_tokens, 3);
	ASSERT_INT(kept(w).asked_at, 0);
	world_free(w);
	w = world_new();
	refuses(w, 503, "{}");
	ASSERT_INT(start(w), -1);
	ASSERT_INT(err.kind, ERR_RETRY);
	ASSERT_INT(w->n_tokens, 3);
	world_free(w);
}

static void a_rotation_whose_answer_was_lost_is_told(void **state)
{
	struct world *w = world_new();

	(void)state;
	grants(w, NULL);
	ASSERT_INT(start(w), -1);
	ASSERT_INT(err.kind, ERR_RETRY);
	ASSERT_INT(kept(w).asked_at, 1767225600);
	w->n_tokens = w->n_answers = 0;
	refuses(w, 400, "{\"error\":\"invalid_grant\"}");
	ASSERT_INT(start(w), -1);
	ASSERT_INT(err.kind, ERR_CONFIG);
	assert_non_null(strstr(err.text, "begun at 2026-01-01T00:00:00Z never reached the token file"));
	world_free(w);
}

static void client_credentials_may_go_into_the_header(void **state)
{
	struct world *w = world_new();

	(void)state;
	read_auth(w, "kind: oauth2\ngrant: client_credentials\nclient_auth: basic\nheader: X-Token\nscheme: ''\n"
	             "token_url: https://id.example.com/token\n"
	             "fields: { client_id: 'a:b', client_secret: '{{secret.pass}}', scope: read me }\n");
	grants(w, "{\"access_token\":\"access-1\"}");
	ASSERT_OK(start(w));
	assert_string_equal(w->form, "grant_type=client_credentials&scope=read%20me");
	assert_string_equal(w->basic, "Basic YSUzQWI6Y2xpZW50LXNlY3JldC0x");
	assert_string_equal(w->client.credentials.headers[0].name, "X-Token");
	assert_string_equal(w->client.credentials.headers[0].value, "access-1");
	w->secrets[0].value = "client-secret-2";
	ASSERT_OK(start(w));
	ASSERT_INT(w->n_tokens, 2);
	world_free(w);
}

static void the_address_of_the_api_comes_with_the_token_and_is_checked(void **state)
{
	static const struct {
		const char *url;
		bool is_good;
	} cases[] = {
		{ "https://acme.my.salesforce.com", true },   { "https://ACME.Salesforce.COM/", true },
		{ "http://acme.salesforce.com", false },      { "https://evilsalesforce.com", false },
		{ "https://salesforce.com.evil.test", false }, { "https://a@acme.salesforce.com", false },
		{ "https://evil.test/.salesforce.com", false }, { "https://evil.test?.salesforce.com", false },
		{ "https://evil.test#.salesforce.com", false }, { "ftp://acme.salesforce.com", false },
		{ "https://.salesforce.com.", false },         { "", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct world *w = world_new();

		w->connector.base_url = NULL;
		read_auth(w, arena_printf(w->a, "%sstore: { base_url: instance_url }\nbase_url_hosts: [.salesforce.com]\n",
		                          auth_text));
		grants(w, arena_printf(w->a, "{\"access_token\":\"access-1\",\"instance_url\":\"%s\"}", cases[i].url));
		ASSERT_INT(start(w), cases[i].is_good ? 0 : -1);
		if (cases[i].is_good)
			assert_string_equal(w->client.base_url, cases[i].url);
		else
			ASSERT_INT(err.kind, ERR_CONFIG);
		world_free(w);
	}
}

static void a_file_that_others_may_read_is_refused(void **state)
{
	struct world *w = world_new();

	(void)state;
	grants(w, "{\"access_token\":\"access-1\"}");
	ASSERT_OK(start(w));
	ASSERT_INT(chmod(w->path, 0640), 0);
	ASSERT_INT(start(w), -1);
	ASSERT_INT(err.kind, ERR_CONFIG);
	assert_non_null(strstr(err.text, "chmod 600"));
	world_free(w);
}

static void a_settings_mistake_is_told(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "kind: oauth2\ngrant: refresh\nfields: {refresh_token: x}\n", "needs `token_url:`" },
		{ "kind: oauth2\ngrant: jwt\ntoken_url: u\nfields: {a: b}\n", "jwt" },
		{ "kind: oauth2\ngrant: refresh\ntoken_url: u\nfields: {a: b}\n", "needs `refresh_token:`" },
		{ "kind: oauth2\ngrant: refresh\ntoken_url: u\nfields: {refresh_token: b}\nuser: x\n", "has no `user:`" },
		{ "kind: oauth2\ngrant: refresh\ntoken_url: u\nfields: {refresh_token: b}\nusers: x\n", "users" },
		{ "kind: header\nname: a\nvalue: b\nrotate: true\n", "header has no `rotate:`" },
		{ "kind: oauth2\ngrant: client_credentials\ntoken_url: u\nfields: {a: b}\nrotate: true\n", "grant: refresh" },
		{ "kind: oauth2\ngrant: client_credentials\ntoken_url: u\nfields: {a: b}\nclient_auth: basic\n", "_id" },
		{ "kind: oauth2\ngrant: client_credentials\ntoken_url: u\nfields: {a: b}\nstore: {base_url: x}\n", "go" },
		{ "kind: oauth2\ngrant: client_credentials\ntoken_url: u\nfields: {a: b}\nrefresh_on: [INVALID]\n", "status" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena *a = arena_new(0);
		struct mistakes m = { .arena = a };
		struct auth_settings s = { 0 };

		yaml_read(a, yaml_parse(a, "t", cases[i].text, strlen(cases[i].text), &m), &auth_table, &s, &m);
		assert_true(m.n > 0);
		assert_non_null(strstr(m.lines[0], cases[i].says));
		arena_free(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_is_asked_for_once_and_kept_for_the_next_process),
		cmocka_unit_test(a_token_is_renewed_before_it_expires),
		cmocka_unit_test(a_rotated_refresh_token_is_kept_before_the_new_access_token_is_used),
		cmocka_unit_test(a_new_secret_is_a_new_beginning),
		cmocka_unit_test(a_refused_token_is_renewed_once_and_then_a_person_must_act),
		cmocka_unit_test(a_token_that_another_process_has_renewed_is_taken),
		cmocka_unit_test(a_revoked_grant_is_for_a_person),
		cmocka_unit_test(an_assertion_says_who_we_are_for_three_minutes),
		cmocka_unit_test(an_endpoint_that_is_unwell_is_asked_three_times),
		cmocka_unit_test(a_rotation_whose_answer_was_lost_is_told),
		cmocka_unit_test(client_credentials_may_go_into_the_header),
		cmocka_unit_test(the_address_of_the_api_comes_with_the_token_and_is_checked),
		cmocka_unit_test(a_file_that_others_may_read_is_refused),
		cmocka_unit_test(a_settings_mistake_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
