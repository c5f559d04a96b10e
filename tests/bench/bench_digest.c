/* A thousand times five digests of one morning: what is said of each is loaded from a database of 50,000 findings,
 * composed, and rendered in every format there is. The bound of "render and queue 5,000 digests" leaves 5 s for this;
 * where the time goes stands beside it. */
#include "bench.h"

#include <math.h>
#include <string.h>

#include "digest/compose.h"
#include "digest/render.h"
#include "store/migrate.h"

enum { OWNERS = 5000, EACH = 10, CAPACITY = 7, TODAY = 20514, MANAGED = 200, ROUNDS = 3 };
#define MADE_AT (20513LL * 86400 + 7 * 3600)

static struct err err;

static struct db *filled(void)
{
	struct db *db;
	char sql[4000];

	REQUIRE_OK(db_open(":memory:", DB_WRITE, &db, &err));
	REQUIRE_OK(migrate_run(db, 0, &err));
	(void)snprintf(sql, sizeof sql,
		"INSERT INTO source (id, name, kind, last_ok_at, last_ok_on) VALUES (1, 'crm', 'csv', %lld, %d);"
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
		" INSERT INTO account (id, source_id, source_key, name) SELECT i, 1, 'k' || i, 'Company ' || i FROM n;"
		"INSERT INTO finding (id, account_id, engine, cause, state, opened_on, updated_on, closed_on, score, worst_score,"
		" confidence, value_minor, currency, expected_minor, act_by_on, play, summary, evidence, owner_email)"
		" SELECT id, id, CASE WHEN id / %d %% 3 = 2 THEN 'expansion' ELSE 'defense' END, 'usage_decline',"
		" CASE id %% 10 WHEN 9 THEN 'resolved' WHEN 8 THEN 'snoozed' ELSE 'open' END, %d - id %% 7, %d,"
		" CASE id %% 10 WHEN 9 THEN %d END, 40 + id %% 50, 80, 0.9, 100000 + id, 'EUR', 50000 + id, %d + id %% 20,"
		" 'call_sponsor', 'Use fell by ' || (id %% 90) || ' %% in the last four weeks, far beyond its usual ups and downs',"
		" '[\"17 people at work on 150 paid seats (11 %%)\", \"Renewal in two months\", \"No answer for 20 days\"]',"
		" 'owner' || ((id - 1) / %d) || '@acme.example' FROM account;"
		"INSERT INTO finding_event (finding_id, day, at, kind) SELECT id, opened_on, opened_on * 86400, 'opened' FROM finding;"
		"INSERT INTO digest (owner_email, local_on, kind, as_of_on, made_at, config_hash, content)"
		" SELECT DISTINCT owner_email, %d, CASE engine WHEN 'defense' THEN 'csm' ELSE 'am' END, %d, %lld, 'x', '{}'"
		" FROM finding;"
		"INSERT INTO outbox (digest_id, sink, kind, delivery_key, body, body_sha256, content_type, state, next_at,"
		" expires_at) SELECT id, 'mail', 'email', 'k' || id, 'x', 'x', 'x', 'sent', 0, 0 FROM digest;",
		MADE_AT, TODAY, OWNERS * EACH, EACH, TODAY, TODAY, TODAY, TODAY, EACH, TODAY - 1, TODAY - 1, MADE_AT);
	REQUIRE_OK(db_run(db, sql, &err));
	return db;
}

struct morning {
	struct db *db;
	struct arena *kept, *of_one;
	struct digest_input *inputs;
	const struct renderer *renderer;
	size_t n_bytes;
};

static const struct digest_play plays[] = {
	{ "call_sponsor", "Call the sponsor", "Ask what changed in the last month and who works with the product now." },
};
static const struct digest_source sources[] = { { "crm", 86400 } };

static void load_one(struct morning *m, int i)
{
	const char *email = arena_printf(m->kept, "owner%d@acme.example", i), *kind = i % 3 == 2 ? "am" : "csm";
	struct digest_input in = { .org = "acme", .org_title = "Acme", .kind = kind, .capacity = CAPACITY,
		.account_url = "https://crm.example/{{key}}", .owner_email = email, .owner_name = email, .local_on = TODAY,
		.as_of_on = TODAY, .made_at = MADE_AT + 86400, .plays = plays, .n_plays = ARRAY_LEN(plays), .sources = sources,
		.n_sources = ARRAY_LEN(sources) };
	struct digest_before before;
	struct digest_finding *findings;
	struct digest_missed *missed;
	struct digest_source_state *states;

	REQUIRE_OK(digest_before_load(m->db, email, kind, TODAY, &before, &err));
	REQUIRE_OK(digest_findings_load(m->db, &before, email, TODAY, m->kept, &findings, &in.n_findings, &err));
	REQUIRE_OK(digest_missed_load(m->db, email, before.local_on, TODAY, in.made_at, m->kept, &missed, &in.n_missed,
	                              &err));
	REQUIRE_OK(digest_sources_load(m->db, m->kept, &states, &in.n_states, &err));
	in.before_on = before.local_on;
	in.findings = findings;
	in.missed = missed;
	in.states = states;
	m->inputs[i] = in;
}

static void load_all(struct morning *m)
{
	for (int i = 0; i < OWNERS; i++)
		load_one(m, i);
	if (m->inputs[0].n_findings < EACH - 1 || m->inputs[0].before_on != TODAY - 1)
		die("the digests are not those that this measures");
}

/* Of this process: the work is done by one core, and other programs have theirs. */
static double cpu_now(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) < 0)
		die("no clock");
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double best_cpu(void (*fn)(struct morning *m), struct morning *m)
{
	double best = 1e9;

	for (int i = 0; i < ROUNDS; i++) {
		double start = cpu_now(), took;

		fn(m);
		took = cpu_now() - start;
		best = took < best ? took : best;
	}
	return best;
}

/* Without a renderer, only composed. */
static void make_all(struct morning *m)
{
	const struct render_to to = { .from = "Desk <desk@acme.example>", .message_key = "k", .offset_s = 3600 };

	m->n_bytes = 0;
	for (int i = 0; i < OWNERS; i++) {
		struct digest d;
		struct rendered out;

		digest_compose(&m->inputs[i], m->of_one, &d);
		if (m->renderer)
			REQUIRE_OK(m->renderer->render(&d, &to, m->of_one, &out, &err));
		for (size_t part = 0; m->renderer && part < out.n; part++)
			m->n_bytes += out.parts[part].len;
		arena_reset(m->of_one);
	}
}

/* One that a manager of MANAGED owners gets: 2,000 findings. */
static void make_managers(struct morning *m)
{
	struct digest_input in = m->inputs[0];
	struct digest_finding *all = arena_array(m->of_one, MANAGED * EACH, sizeof *all);
	struct digest d;
	size_t n = 0;

	for (int i = 0; i < MANAGED; i++)
		for (size_t k = 0; k < m->inputs[i].n_findings; k++)
			all[n++] = m->inputs[i].findings[k];
	in.kind = "manager";
	in.findings = all;
	in.n_findings = n;
	digest_compose(&in, m->of_one, &d);
	arena_reset(m->of_one);
}

static void print_share(const char *what, double seconds, size_t bytes)
{
	(void)printf("{\"bench\":\"5,000 digests\",\"part\":\"%s\",\"seconds\":%.3f,\"bytes_each\":%zu}\n", what, seconds,
	             bytes / OWNERS);
	(void)fflush(stdout);
}

int main(void)
{
	struct morning m = { .db = filled(), .kept = arena_new(0), .of_one = arena_new(0) };
	double start = cpu_now(), composed, sum;

	m.inputs = arena_array(m.kept, OWNERS, sizeof *m.inputs);
	load_all(&m);
	print_share("load", cpu_now() - start, 0);
	sum = composed = best_cpu(make_all, &m);
	print_share("compose", composed, 0);
	for (m.renderer = renderers; m.renderer->name; m.renderer++) {
		double took = best_cpu(make_all, &m) - composed;

		sum += took;
		print_share(m.renderer->name, took, m.n_bytes);
	}
	print_share("one of a manager with 2,000 findings", best_cpu(make_managers, &m), 0);
	print_ratio("5,000 digests composed and rendered in every format", "s", sum, "bound", 5);
	db_close(m.db);
	arena_free(m.kept);
	arena_free(m.of_one);
	return 0;
}
