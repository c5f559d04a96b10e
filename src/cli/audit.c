#include "audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "commands.h"
#include "common/http.h"
#include "common/text.h"
#include "config/secret.h"
#include "rules.h"
#include "store/alerts.h"
#include "store/ledger.h"
#include "store/slots.h"

enum { AUDIT_DAYS = 7, MAX_AUDIT_DAYS = 3660, OVERDUE_S = 3600, MAX_PING_ANSWER = 16 << 10 };

struct audit {
	int32_t since_on, until_on;
	struct ledger_gap *gaps;
	size_t n;
};

static void add(struct audit *x, struct arena *a, const struct ledger_gap *gap)
{
	x->gaps = arena_grow(a, x->gaps, x->n, x->n + 1, sizeof *x->gaps);
	x->gaps[x->n++] = *gap;
}

static int32_t latest_of(const struct slot_row *rows, size_t n, const char *email)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].owner_email, email) == 0)
			return rows[i].local_on;
	return DAY_NONE;
}

/* Days behind an owner's last slot in the ledger whose hour is over: nobody looked after them. Of an owner without any
 * slot nothing is known before the daemon's last tick. */
static int add_unlooked(struct cli *c, const struct session *s, const struct owner_settings *owner,
                        const struct slot_row *rows, size_t n_rows, int64_t tick_at, struct audit *x, struct err *err)
{
	int32_t latest = latest_of(rows, n_rows, owner->email);
	int32_t from = latest == DAY_NONE || latest + 1 < x->since_on ? x->since_on : latest + 1;
	const char *reason = tick_at == INSTANT_NONE ? "no digest was asked for"
	                     : arena_printf(c->arena, "the daemon last ran %s", instant_text(c->arena, tick_at));
	struct slot_rules rules;
	struct slot slot;

	if (latest == DAY_NONE && tick_at == INSTANT_NONE)
		return 0;
	if (owner_rules(c->arena, s->config, s->org, owner, &rules, err) < 0)
		return -1;
	for (int32_t day = from; day <= x->until_on; day++) {
		if (!slot_of_day(&rules, day, &slot) || slot.due_at + OVERDUE_S > s->now)
			continue;
		if (latest == DAY_NONE && slot.due_at <= tick_at)
			continue;
		add(x, c->arena, &(struct ledger_gap){ .problem = "not looked after", .owner_email = owner->email,
		                                       .local_on = day, .reason = reason });
	}
	return 0;
}

static int make(struct cli *c, const struct session *s, struct audit *x, struct err *err)
{
	const struct owner_settings *owners = s->org->owners.at;
	const struct ledger_gap *gaps;
	const struct slot_row *rows;
	struct schedule_state state;
	size_t n, n_rows;

	if (ledger_audit(s->db, x->since_on, x->until_on, s->now, c->arena, &gaps, &n, err) < 0 ||
	    slots_latest(s->db, c->arena, &rows, &n_rows, err) < 0 || schedule_state_load(s->db, &state, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		add(x, c->arena, &gaps[i]);
	for (size_t i = 0; i < s->org->owners.n; i++)
		if (add_unlooked(c, s, &owners[i], rows, n_rows, state.tick_at, x, err) < 0)
			return -1;
	return 0;
}

static void print(struct cli *c, const struct audit *x)
{
	static const struct table_column columns[] = {
		{ "problem", false }, { "date", false }, { "owner", false }, { "digest", false }, { "sink", false },
		{ "delivery", true }, { "reason", false },
	};
	struct table *t = table_new(c->arena, columns, ARRAY_LEN(columns));

	for (size_t i = 0; i < x->n; i++) {
		const struct ledger_gap *g = &x->gaps[i];
		const char *cells[ARRAY_LEN(columns)] = {
			g->problem, day_text(c->arena, g->local_on), g->owner_email, g->digest_kind, g->sink,
			g->outbox_id ? cell_int(c->arena, g->outbox_id) : NULL, g->reason,
		};

		table_row(t, cells);
	}
	if (x->n || c->format != FORMAT_TABLE)
		table_print(t, c->format);
	else if (c->verbosity >= 0)
		(void)printf("every digest of %d days has come to its end\n", (int)(x->until_on - x->since_on + 1));
}

/* What was missed or not delivered has been told when that became clear. */
static int tell(struct cli *c, const struct session *s, const struct audit *x, struct err *err)
{
	CLEANUP(txn_end) struct txn txn = { 0 };
	struct arena *a = c->arena;

	if (txn_begin(&txn, s->db, err) < 0)
		return -1;
	for (size_t i = 0; i < x->n; i++) {
		const struct ledger_gap *g = &x->gaps[i];
		const char *day = day_text(a, g->local_on);

		if (strcmp(g->problem, "missed") == 0 || strcmp(g->problem, "not delivered") == 0)
			continue;
		if (alert_put(s->db, arena_printf(a, "%s/%s/%s/%" PRId64, g->problem, g->owner_email, day, g->outbox_id),
		              g->sink, arena_printf(a, "The digest of %s for %s%s%s: %s%s%s.", g->owner_email, day,
		                                    g->sink ? " over " : "", g->sink ? g->sink : "", g->problem,
		                                    g->reason ? ", " : "", g->reason ? g->reason : ""), s->now, err) < 0)
			return -1;
	}
	return txn_commit(&txn, err);
}

/* "https://hc-ping.com/UUID", or with /fail behind its path. */
static const char *ping_address(struct arena *a, const char *url, bool is_well)
{
	size_t len = strcspn(url, "?");

	if (is_well)
		return url;
	return arena_printf(a, "%.*s/fail%s", (int)(len - (len > 0 && url[len - 1] == '/')), url, url + len);
}

/* Neither the address nor what the other side says stands in an error: the address is a secret by itself. */
static int ping(struct cli *c, const struct session *s, bool is_well, struct err *err)
{
	const char *url = s->org->ping_url;
	struct http_request request = { .method = "GET" };
	struct http_response answer;
	struct err why;

	if (secret_is_reference(url) && secret_read(c->arena, url, &url, err) < 0)
		return err_in(err, "ping_url");
	const struct http_options options = { .allows_http_loopback = text_starts(url, "http://127.0.0.1"),
		                                  .user_agent = "retaind/" RETAIND_VERSION,
		                                  .max_body_bytes = MAX_PING_ANSWER };
	CLEANUP(http_freep) struct http *http = http_new(&options);

	request.url = ping_address(c->arena, url, is_well);
	if (http_send(http, c->arena, &request, &answer, &why) < 0)
		return err_set(err, ERR_RETRY, "ping_url: nothing answers");
	if (answer.status < 200 || answer.status > 299)
		return err_set(err, ERR_RETRY, "ping_url: HTTP %d", answer.status);
	return 0;
}

static int read_span(const struct cli *c, const struct session *s, struct audit *x, struct err *err)
{
	int64_t days = AUDIT_DAYS;
	int32_t day = DAY_NONE;

	if (cli_option_int(c, "days", MAX_AUDIT_DAYS, &days, err) < 0 || cli_option_day(c, "day", &day, err) < 0)
		return -1;
	if (day != DAY_NONE && cli_option(c, "days"))
		return err_set(err, ERR_USAGE, "give either --day or --days");
	x->until_on = day == DAY_NONE ? s->today : day;
	x->since_on = day == DAY_NONE ? s->today - (int32_t)days + 1 : day;
	return 0;
}

int deliveries_audit(struct cli *c, struct session *s, int64_t id, struct err *err)
{
	struct audit x = { 0 };
	bool tells = cli_option(c, "ping") != NULL;

	(void)id;
	if (read_span(c, s, &x, err) < 0 || make(c, s, &x, err) < 0)
		return -1;
	print(c, &x);
	if (tells && (tell(c, s, &x, err) < 0 || (s->org->ping_url && ping(c, s, x.n == 0, err) < 0) ||
	              ledger_looked_over(s->db, x.until_on, x.n, s->org->ping_url != NULL, s->now, err) < 0))
		return -1;
	return x.n ? EXIT_GAPS : EX_OK;
}
