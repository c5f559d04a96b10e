#include "slow_nrr.h"

#include "common/clock.h"

/* What is asked; each account's topmost parent; the days to look at, account by account; when which terms of a contract
 * became known and since when they hold; lines as they stood on those days, whatever counts of them; accounts (and
 * their products) with both ends of the window beside each other. */
static const char tables[] =
	"PRAGMA temp_store = MEMORY;"
	"CREATE TEMP TABLE ask (as_of INTEGER, d0 INTEGER, d1 INTEGER, home TEXT, only_currency TEXT, rolls INTEGER,"
	" frees INTEGER, rate_age INTEGER, strict INTEGER, credited INTEGER, at_spot INTEGER, discounts INTEGER,"
	" pays_paused INTEGER, with_usage INTEGER, at_end INTEGER, past_due INTEGER);"
	"CREATE TEMP TABLE merge (from_key TEXT, into_key TEXT, on_day INTEGER);"
	"CREATE TEMP TABLE top (account INTEGER PRIMARY KEY, top INTEGER);"
	"CREATE TEMP TABLE life (sub INTEGER PRIMARY KEY, account INTEGER, f INTEGER, t INTEGER);"
	"CREATE TEMP TABLE unpaid (account INTEGER, f INTEGER, t INTEGER);"
	"CREATE TEMP TABLE pause (sub INTEGER, f INTEGER, t INTEGER);"
	"CREATE TEMP TABLE asked (top INTEGER, d INTEGER, round INTEGER, PRIMARY KEY (round, top, d)) WITHOUT ROWID;"
	"CREATE TEMP TABLE event (sub INTEGER, k INTEGER, is_price INTEGER, is_use INTEGER, since INTEGER,"
	" PRIMARY KEY (sub, k)) WITHOUT ROWID;"
	"CREATE TEMP TABLE fact (round INTEGER, top INTEGER, account INTEGER, contract INTEGER, d INTEGER,"
	" product TEXT, plan TEXT, currency TEXT, kind TEXT, is_trial INTEGER, is_paused INTEGER,"
	" minor INTEGER);"
	"CREATE TEMP TABLE line (top INTEGER, account INTEGER, contract INTEGER, d INTEGER, product TEXT, plan TEXT,"
	" currency TEXT, minor INTEGER);"
	"CREATE TEMP TABLE rate_on (currency TEXT, d INTEGER, micro INTEGER);"
	"CREATE TEMP TABLE unit (top INTEGER PRIMARY KEY, s INTEGER, e INTEGER, spot INTEGER, c INTEGER,"
	" is_back INTEGER, is_anew INTEGER, has_gap INTEGER,"
	" cross INTEGER, is_free INTEGER, is_unpaid INTEGER);"
	"CREATE TEMP TABLE part (top INTEGER, product TEXT, s INTEGER, e INTEGER, spot INTEGER, c INTEGER);";

/* A field's value as it was known on a day: by its history, else as it is. */
#define KNOWN(entity, id, field, now, on)                                                                              \
	"CASE WHEN EXISTS (SELECT 1 FROM history h WHERE h.entity = '" entity "' AND h.entity_id = " id                    \
	" AND h.field = '" field "') THEN (SELECT h.value FROM history h WHERE h.entity = '" entity "' AND h.entity_id = " \
	id " AND h.field = '" field "' AND h.known_on <= min(" on ", ask.as_of) ORDER BY h.known_on DESC LIMIT 1)"         \
	" ELSE " now " END"
#define OF_CONTRACT(field, on) KNOWN("subscription", "s.id", field, "s." field, on)
#define OF_ACCOUNT(field, on) KNOWN("account", "a.id", field, "a." field, on)
#define BEGINNING "-2147483647"
#define OPEN "2147483647"

/* Up to what became part of what, and to the topmost parent, as the parents were known. */
static const char tops[] =
	"INSERT INTO temp.top WITH RECURSIVE step AS (SELECT a.id AS child, coalesce((SELECT i.id FROM merge m"
	"   JOIN account i ON i.source_key = into_key WHERE from_key = a.source_key AND on_day <= ask.as_of"
	"   ORDER BY m.rowid DESC LIMIT 1), (SELECT coalesce(p.main_id, p.id) FROM account p WHERE ask.rolls"
	"   AND p.source_id = a.source_id AND p.source_key = " OF_ACCOUNT("parent_key", "ask.as_of") ")) AS up"
	"  FROM ask, account a WHERE a.main_id IS NULL),"
	" chain(account, at, n) AS (SELECT id, id, 0 FROM account WHERE main_id IS NULL"
	"  UNION ALL SELECT account, up, n + 1 FROM chain JOIN step ON child = at WHERE up IS NOT NULL AND n < 64)"
	" SELECT account, at FROM (SELECT account, at, max(n) FROM chain GROUP BY account)";

/* Days on which terms became known to be others: those of the price, and those of what is paid for. */
#define PRICES "'mrr_minor', 'discount_minor', 'discount_percent', 'discount_ends_on', 'currency'"
#define USES "'product', 'plan', 'kind', 'is_trial'"
#define CHANGES_AMONG(fields)                                                                                          \
	"EXISTS (SELECT 1 FROM history n WHERE n.entity = 'subscription' AND n.entity_id = h.entity_id"                    \
	" AND n.known_on = h.known_on AND n.field IN (" fields ") AND n.value IS NOT (SELECT b.value FROM history b"       \
	"  WHERE b.entity = 'subscription' AND b.entity_id = n.entity_id AND b.field = n.field AND b.known_on < n.known_on"\
	"  ORDER BY b.known_on DESC LIMIT 1))"
static const char events[] =
	"INSERT INTO temp.event SELECT DISTINCT entity_id, known_on, " CHANGES_AMONG(PRICES) ", " CHANGES_AMONG(USES) ", known_on"
	" FROM ask, history h WHERE entity = 'subscription' AND known_on > " BEGINNING " AND known_on <= as_of"
	" AND field IN (" PRICES ", " USES ")";

/* A price holds since its amount_from_on, as that was known last before the next price; what else changed on that day
 * goes with it. What holds only later than anybody knows is not there yet. */
static const char sinces[] =
	"UPDATE temp.event SET since = coalesce((SELECT " OF_CONTRACT("amount_from_on",
	"coalesce((SELECT min(n.k) - 1 FROM event n WHERE n.sub = event.sub AND n.is_price AND n.k > event.k), ask.as_of)")
	" FROM ask, subscription s WHERE s.id = event.sub) + 0, k) WHERE is_price";
static const char not_yet[] =
	"DELETE FROM temp.event WHERE since > (SELECT as_of FROM ask) OR NOT (is_price OR is_use)";

/* Each pause that was told of: from its day, or since its status was known, until something else was known, or until
 * the day on which it was to be over as that was known last. A day in the place of another corrects it. */
static const char pauses[] =
	"INSERT INTO temp.pause WITH told AS ("
	" SELECT s.id, h.field, h.known_on, h.value AS v, lead(h.known_on) OVER w AS until, lead(h.value) OVER w AS next"
	"  FROM ask, subscription s JOIN history h ON h.entity = 'subscription' AND h.entity_id = s.id"
	"  AND h.field IN ('paused_on', 'status') AND h.known_on <= as_of"
	"  WINDOW w AS (PARTITION BY h.entity_id, h.field ORDER BY h.known_on)"
	" UNION ALL SELECT id, 'paused_on', " BEGINNING ", paused_on, NULL, NULL FROM subscription s WHERE NOT EXISTS"
	"  (SELECT 1 FROM history h WHERE h.entity = 'subscription' AND h.entity_id = s.id AND h.field = 'paused_on')"
	" UNION ALL SELECT id, 'status', " BEGINNING ", status, NULL, NULL FROM subscription s WHERE NOT EXISTS"
	"  (SELECT 1 FROM history h WHERE h.entity = 'subscription' AND h.entity_id = s.id AND h.field = 'status')),"
	" days AS (SELECT t.id, CASE t.field WHEN 'status' THEN known_on ELSE v + 0 END AS f,"
	"  coalesce(until, " OPEN ") AS u, t.field, next,"
	"  " OF_CONTRACT("resumes_on", "coalesce(until - 1, as_of)") " + 0 AS r FROM ask, told t JOIN subscription s ON s.id = t.id"
	"  WHERE CASE t.field WHEN 'status' THEN v = 'paused' AND s.paused_on IS NULL AND NOT EXISTS (SELECT 1 FROM history h"
	"   WHERE h.entity = 'subscription' AND h.entity_id = s.id AND h.field = 'paused_on') ELSE v IS NOT NULL END)"
	" SELECT id, f, CASE WHEN r > f AND r < u THEN r ELSE u END FROM days, ask"
	" WHERE f <= as_of AND NOT (field = 'paused_on' AND next IS NOT NULL AND r IS NULL)";

/* Both ends, and every day on which anything of an account may change. */
static const char turns[] =
	"INSERT INTO temp.asked SELECT DISTINCT top, d, 1 FROM top JOIN ("
	" SELECT account, f AS d FROM life UNION ALL SELECT account, t FROM life"
	" UNION ALL SELECT s.account_id, since FROM subscription s JOIN event ON sub = s.id"
	" UNION ALL SELECT s.account_id, discount_ends_on FROM subscription s"
	" UNION ALL SELECT s.account_id, h.value + 0 FROM subscription s JOIN history h ON entity = 'subscription'"
	"  AND entity_id = s.id AND field = 'discount_ends_on'"
	" UNION ALL SELECT s.account_id, f FROM subscription s JOIN pause ON sub = s.id"
	" UNION ALL SELECT s.account_id, t FROM subscription s JOIN pause ON sub = s.id"
	" UNION ALL SELECT account, f FROM unpaid UNION ALL SELECT account, t FROM unpaid"
	" UNION ALL SELECT entity_id, known_on FROM history WHERE entity = 'account'"
	"  AND field IN ('arr_minor', 'is_customer')"
	" UNION ALL SELECT id, coalesce(customer_since_on, created_on) FROM account"
	" UNION ALL SELECT id, deleted_on FROM account UNION ALL SELECT id, " BEGINNING " FROM account"
	" UNION ALL SELECT id, d0 FROM account, ask UNION ALL SELECT id, d1 FROM account, ask)"
	" USING (account) WHERE d < " OPEN;

/* The day of the month on which the window begins, of every month before it; the month's last day where it has none. */
static const char marks[] =
	"INSERT INTO temp.asked WITH RECURSIVE m(k, first, dom) AS ("
	"  SELECT 1, date('1970-01-01', d0 || ' days', 'start of month', '-1 month'),"
	"   strftime('%d', '1970-01-01', d0 || ' days') - 1 FROM ask"
	"  UNION ALL SELECT k + 1, date(first, '-1 month'), dom FROM m WHERE k < 48)"
	" SELECT top, CAST(julianday(min(date(first, dom || ' days'), date(first, '+1 month', '-1 day'))) - 2440587.5"
	"  AS INTEGER), 2 FROM m, unit WHERE s = 0 AND e > 0";

/* Bills that stay unpaid for longer than is allowed: from the day on which they were due until they were paid, or one
 * was that was due later. Of an open one that counts after two weeks, and only where payments are told of at all. */
static const char unpaids[] =
	"INSERT INTO temp.unpaid WITH bill AS (SELECT account_id AS a, due_on AS f, CASE WHEN paid_on <= as_of THEN paid_on END AS p"
	"  FROM ask, invoice),"
	" late AS (SELECT a, f, min(coalesce(p, " OPEN "), CASE WHEN coalesce(p, as_of) - f > 14 THEN coalesce((SELECT min(n.p)"
	"   FROM bill n WHERE n.a = l.a AND n.f > l.f AND n.p > l.f), " OPEN ") ELSE " OPEN " END) AS t"
	"  FROM ask, bill l WHERE f < as_of AND coalesce(p > f, EXISTS (SELECT 1 FROM bill WHERE p IS NOT NULL)))"
	" SELECT a, f, t FROM ask, late WHERE past_due >= 0 AND min(t, max(as_of, f)) - f > past_due";

/* From when to when contracts run, of those that were known. An end that lies ahead is known when the row or its
 * history says since when. */
static const char lives[] =
	"INSERT INTO temp.life SELECT id, account_id, f, min(CASE WHEN e > as_of AND NOT is_dated THEN " OPEN " ELSE"
	" coalesce(e, " OPEN ") END, CASE WHEN deleted_on <= as_of THEN deleted_on ELSE " OPEN " END) FROM ask,"
	" (SELECT s.id, account_id, deleted_on, coalesce(start_on, " BEGINNING ") AS f,"
	"  " OF_CONTRACT("end_on", "as_of") " + 0 AS e,"
	"  seen_on IS NOT NULL OR (SELECT count(*) FROM history h WHERE h.entity = 'subscription' AND h.entity_id = s.id"
	"   AND h.field = 'end_on' AND h.known_on <= as_of) > 1 AS is_dated"
	"  FROM ask, subscription s WHERE coalesce(start_on <= as_of, 1) AND coalesce(seen_on <= as_of, 1))";

/* Contracts that run on the day, on the terms that hold on that day. Percents are rounded half away from zero, in whole
 * numbers that fit; a discount takes off no more than there is. */
#define PRICE(field) OF_CONTRACT(field, "price_k")
#define USE(field) OF_CONTRACT(field, "use_k")
static const char contracts[] =
	"INSERT INTO temp.fact WITH at AS MATERIALIZED (SELECT q.top, q.d, life.sub, account,"
	"  coalesce((SELECT max(k) FROM event e WHERE e.sub = life.sub AND is_price AND since <= q.d), " BEGINNING ") AS price_k,"
	"  coalesce((SELECT max(k) FROM event e WHERE e.sub = life.sub AND is_use AND since <= q.d), " BEGINNING ") AS use_k"
	"  FROM asked q JOIN top USING (top) JOIN life USING (account) WHERE q.round = :round AND f <= q.d AND q.d < t),"
	" said AS MATERIALIZED (SELECT at.*, " USE("product") " AS product, " USE("plan") " AS plan, " USE("kind") " AS kind,"
	"  " USE("is_trial") " + 0 AS is_trial, coalesce(" PRICE("currency") ", a.currency, home) AS currency,"
	"  " PRICE("mrr_minor") " + 0 AS m, nullif(" PRICE("discount_minor") " + 0, 0) AS off,"
	"  CAST(round(" PRICE("discount_percent") " * 1000000) AS INTEGER) AS p,"
	"  CASE discounts WHEN 0 THEN coalesce(d < " PRICE("discount_ends_on") " + 0, 1)"
	"   WHEN 1 THEN " PRICE("discount_ends_on") " IS NULL ELSE 0 END AS is_off"
	"  FROM ask, at JOIN subscription s ON s.id = sub JOIN account a ON a.id = account)"
	" SELECT :round, top, account, sub, d, product, plan, currency, kind, is_trial,"
	" EXISTS (SELECT 1 FROM pause WHERE pause.sub = said.sub AND f <= d AND d < t), CASE WHEN m <= 0 OR NOT is_off THEN m ELSE"
	" max(0, m - coalesce(off, m / 100000000 * p + (m % 100000000 * p + 50000000) / 100000000, 0)) END"
	" FROM said WHERE m IS NOT NULL";

/* A twelfth of the annual revenue of customers that have no contract. */
static const char annual[] =
	"INSERT INTO temp.fact SELECT :round, top, account, NULL, d, NULL, plan, currency, NULL, 0, 0, CASE WHEN minor < 0 THEN"
	" -((6 - minor) / 12) ELSE (minor + 6) / 12 END FROM (SELECT q.top, t.account, q.d, " OF_ACCOUNT("plan", "q.d") " AS plan,"
	"  coalesce(a.currency, ask.home) AS currency, " OF_ACCOUNT("arr_minor", "q.d") " + 0 AS minor"
	"  FROM ask JOIN asked q ON q.round = :round JOIN top t ON t.top = q.top JOIN account a ON a.id = t.account"
	"  WHERE NOT EXISTS (SELECT 1 FROM fact f WHERE f.account = a.id AND contract IS NOT NULL"
	"   AND coalesce(f.kind, 'recurring') IN ('recurring', 'usage'))"
	"  AND coalesce(coalesce(a.customer_since_on, a.created_on) <= min(q.d, ask.as_of), 1)"
	"  AND coalesce(a.seen_on <= ask.as_of, 1)"
	"  AND coalesce(q.d < a.deleted_on OR a.deleted_on > ask.as_of, 1)"
	"  AND coalesce(" OF_ACCOUNT("is_customer", "q.d") " + 0, 1)) WHERE minor <> 0";

/* Without trials, credits and other currencies. */
static const char counted[] =
	"INSERT INTO temp.line SELECT top, account, contract, d, product, plan, currency, minor FROM ask, fact"
	" WHERE round = :round AND minor > 0"
	" AND coalesce(is_trial, 0) = 0 AND (pays_paused OR NOT is_paused)"
	" AND (coalesce(kind, 'recurring') = 'recurring' OR (kind = 'usage' AND with_usage))"
	" AND currency = coalesce(only_currency, currency)"
	" AND NOT EXISTS (SELECT 1 FROM unpaid WHERE unpaid.account = fact.account AND f <= d AND d < t)";

/* What a minor unit is worth at both ends, in millionths of one of the home currency: the newest rate that is told this
 * way or that, and not too old. Nothing is exchanged where all is in one currency. */
static const char rates[] =
	"INSERT INTO temp.rate_on WITH quote AS ("
	" SELECT currency AS q, rate_on AS at, 1 AS is_told, rate_nano / 1e3 AS rate FROM rate, ask WHERE base = home"
	" UNION ALL SELECT base, rate_on, 0, 1e15 / rate_nano FROM rate, ask WHERE currency = home),"
	" used AS (SELECT DISTINCT currency AS c FROM line), ends AS (SELECT d0 AS d FROM ask UNION SELECT d1 FROM ask)"
	" SELECT c, d, CASE WHEN c = home OR (SELECT count(*) FROM used) = 1 THEN 1000000 ELSE"
	"  (SELECT round(rate * CASE q WHEN 'JPY' THEN 100 ELSE 1 END) FROM quote"
	"   WHERE q = c AND at <= d AND d - at <= rate_age ORDER BY at DESC, is_told DESC LIMIT 1) END"
	" FROM ask, used, ends";

/* Each product and currency is exchanged by itself: both ends at the rates of the first, and the second at its own. */
#define EXCHANGED(minor, on)                                                                                           \
	"sum((SELECT CASE micro WHEN 1000000 THEN " minor " ELSE (" minor " * micro + 500000) / 1000000 END"               \
	" FROM rate_on r WHERE r.currency = l.currency AND r.d = " on "))"
static const char parts[] =
	"INSERT INTO temp.part SELECT p.*, CASE WHEN at_spot THEN spot ELSE e END FROM ask, ("
	" SELECT top, product, " EXCHANGED("a", "d0") ", " EXCHANGED("b", "d0") " AS e, " EXCHANGED("b", "d1") " AS spot"
	" FROM ask, (SELECT top, product, currency, coalesce(sum(minor) FILTER (WHERE d = d0), 0) AS a,"
	"  coalesce(sum(minor) FILTER (WHERE d = d1), 0) AS b FROM line, ask WHERE d IN (d0, d1)"
	"  GROUP BY top, product, currency) l GROUP BY top, product) p";

/* Who goes on without paying, where the policy takes that for still there. A gap: a day between the ends on which
 * nothing was paid; a return only where both ends are paid for. */
static const char units[] =
	"INSERT INTO temp.unit SELECT p.top, sum(s), sum(e), sum(spot), sum(c), 0, 0, sum(s) > 0 AND sum(e) > 0 AND EXISTS"
	"  (SELECT 1 FROM ask, asked q WHERE q.round = 1 AND q.top = p.top AND q.d > d0 AND q.d < d1"
	"   AND NOT EXISTS (SELECT 1 FROM line l WHERE l.top = q.top AND l.d = q.d)),"
	" CASE WHEN sum(s) > 0 AND sum(e) > sum(s) AND max(CASE WHEN product IS NOT NULL THEN s END) > 0"
	"  THEN min(sum(e) - sum(s), coalesce(sum(e) FILTER (WHERE s = 0 AND product IS NOT NULL), 0)) ELSE 0 END,"
	" sum(s) > 0 AND sum(e) = 0 AND EXISTS (SELECT 1 FROM ask, fact f WHERE frees AND round = 1 AND f.top = p.top"
	"  AND d = d1 AND contract IS NOT NULL AND minor = 0 AND coalesce(is_trial, 0) = 0 AND (pays_paused OR NOT is_paused)"
	"  AND coalesce(kind, 'recurring') = 'recurring' AND currency = coalesce(only_currency, currency)"
	"  AND NOT EXISTS (SELECT 1 FROM unpaid WHERE unpaid.account = f.account AND unpaid.f <= d AND d < t))"
	", 0 FROM part p GROUP BY p.top";

static const char backs[] =
	"UPDATE temp.unit SET is_back = s = 0 AND EXISTS (SELECT 1 FROM asked q JOIN line l ON l.top = q.top AND l.d = q.d"
	" WHERE q.round = 2 AND q.top = unit.top), is_anew = has_gap AND (SELECT strict FROM ask)";

/* What ended last, ended because a bill was past due, or a contract with such a reason. */
static const char reasons[] =
	"UPDATE temp.unit SET is_unpaid = EXISTS (SELECT 1 FROM ask, line l JOIN (SELECT p, (SELECT min(q.d) FROM asked q"
	"  WHERE q.round = 1 AND q.top = unit.top AND q.d > p) AS ended FROM (SELECT max(l.d) AS p FROM ask, line l"
	"   WHERE l.top = unit.top AND l.d < d1)) ON l.d = p WHERE l.top = unit.top AND (EXISTS (SELECT 1 FROM unpaid"
	"  WHERE unpaid.account = l.account AND f = ended AND NOT EXISTS (SELECT 1 FROM life WHERE sub = l.contract"
	"   AND t = ended)) OR EXISTS (SELECT 1 FROM life JOIN subscription s ON s.id = life.sub"
	"  WHERE life.sub = l.contract AND t = ended AND " OF_CONTRACT("end_reason", "as_of") " IN ('unpaid', 'involuntary'))))"
	" WHERE s > 0 AND e = 0 AND NOT is_free";

/* The sums of x: accounts, or their products p beside them. What an account does that begins anew is no change. */
#define SUMS(x)                                                                                                        \
	" sum(" x "e > 0), sum(" x "s), sum(" x "e) FILTER (WHERE u.s = 0 AND NOT is_back),"                               \
	" sum(" x "e - " x "s) FILTER (WHERE u.s > 0 AND u.e > 0 AND " x "e > " x "s AND NOT is_anew),"                    \
	" sum(" x "e) FILTER (WHERE (u.s = 0 AND is_back) OR is_anew),"                                                    \
	" sum(" x "s - " x "e) FILTER (WHERE u.e > 0 AND " x "e < " x "s AND NOT is_anew),"                                \
	" sum(" x "s) FILTER (WHERE u.e = 0 OR is_anew), sum(" x "spot - " x "e), sum(" x "spot),"                         \
	" sum(" x "c) FILTER (WHERE (u.s > 0 AND NOT is_anew) OR (is_back AND credited)),"                                 \
	" sum(min(" x "s, " x "c)) FILTER (WHERE NOT is_anew), sum(" x "s) FILTER (WHERE is_free),"                     \
	" sum(" x "s) FILTER (WHERE is_unpaid)"
#define GROUPED(group, from)                                                                                           \
	"SELECT " group " AS g, sum(s > 0), sum(s > 0 AND ((e = 0 AND NOT is_free) OR is_anew))," SUMS("u.") ","           \
	" sum(cross) FILTER (WHERE NOT is_anew), sum(c) FILTER (WHERE has_gap AND NOT is_anew)"                            \
	" FROM " from " WHERE s > 0 OR e > 0 GROUP BY g ORDER BY g"
#define OF_UNIT(value)                                                                                                 \
	GROUPED("coalesce(nullif(trim((" value ")), ''), '(none)')", "ask, unit u JOIN account a ON a.id = u.top")
#define GROUP_DAY "CASE WHEN at_end THEN d1 ELSE d0 END"
#define PAID_DAY "CASE WHEN s > 0 THEN d0 ELSE d1 END"
#define OWNER(field) "lower(" OF_ACCOUNT(field, "d0") ")"

static const char *const groupings[N_NRR_BY] = {
	[NRR_BY_ALL] = GROUPED("''", "ask, unit u"),
	[NRR_BY_SEGMENT] = OF_UNIT(OF_ACCOUNT("segment", GROUP_DAY)),
	[NRR_BY_REGION] = OF_UNIT(OF_ACCOUNT("region", GROUP_DAY)),
	[NRR_BY_OWNER] = OF_UNIT("coalesce(" OWNER("csm_key") ", " OWNER("am_key") ")"),
	[NRR_BY_PLAN] = OF_UNIT("coalesce((SELECT l.plan FROM line l JOIN rate_on r USING (currency, d) WHERE l.top = u.top"
		" AND l.plan IS NOT NULL AND d = " PAID_DAY
		" ORDER BY CASE micro WHEN 1000000 THEN minor ELSE (minor * micro + 500000) / 1000000 END DESC, l.plan LIMIT 1), "
		OF_ACCOUNT("plan", PAID_DAY) ")"),
	[NRR_BY_PRODUCT] = "SELECT coalesce(p.product, '(none)') AS g, sum(p.s > 0), sum(p.s > 0 AND p.e = 0)," SUMS("p.")
		","
		" sum(p.e) FILTER (WHERE u.s > 0 AND p.s = 0 AND NOT is_anew), 0"
		" FROM ask, part p JOIN unit u USING (top) WHERE p.s > 0 OR p.e > 0 GROUP BY g ORDER BY g",
	[NRR_BY_COHORT] = OF_UNIT("SELECT CASE WHEN min(l.d) > -2147483647 THEN"
		" strftime('%Y-%m', '1970-01-01', min(l.d) || ' days') END FROM line l WHERE l.top = u.top"),
};

int slow_nrr_open(struct db *db, struct err *err)
{
	return db_run(db, tables, err);
}

static int put_ask(struct db *db, const struct slow_query *query, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db,
		"INSERT INTO temp.ask VALUES (:as_of, :d0, :d1, :home, :only, :rolls, :frees, :rate_age, :strict, :credited,"
		" :at_spot, :discounts, :pays_paused, :with_usage, :at_end, :past_due)");
	const struct nrr_policy *p = query->policy;

	bind_day(q, ":as_of", query->as_of);
	bind_day(q, ":d0", query->span.from);
	bind_day(q, ":d1", query->span.to);
	bind_text(q, ":home", query->home);
	bind_text(q, ":only", query->only);
	bind_int(q, ":rolls", p->parents == PARENTS_ROLLED_UP);
	bind_int(q, ":frees", p->free_plan == FREE_IS_ACTIVE);
	bind_int(q, ":rate_age", p->rate_age_days);
	bind_int(q, ":strict", p->back_in_cohort == BACK_STRICT);
	bind_int(q, ":credited", p->back_outside == BACK_CREDITED);
	bind_int(q, ":at_spot", p->fx == FX_SPOT);
	bind_int(q, ":discounts", p->discounts);
	bind_int(q, ":pays_paused", p->paused == PAUSED_KEEPS);
	bind_int(q, ":with_usage", p->usage == USAGE_INCLUDED);
	bind_int(q, ":at_end", p->segment == SEGMENT_AT_END);
	bind_int(q, ":past_due", p->past_due_days);
	return stmt_run(q, err);
}

static int put_merges(struct db *db, const struct nrr_policy *p, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, "INSERT INTO temp.merge VALUES (:account, :into, :on)");
	const struct nrr_merge *merges = p->merges.at;

	for (size_t i = 0; i < p->merges.n; i++) {
		bind_text(q, ":account", merges[i].account);
		bind_text(q, ":into", merges[i].into);
		bind_int(q, ":on", merges[i].on);
		if (stmt_run(q, err) < 0)
			return -1;
	}
	return 0;
}

static int put(struct db *db, const char *sql, int round, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, sql);

	if (round)
		bind_int(q, ":round", round);
	return stmt_run(q, err);
}

int slow_nrr_prepare(struct db *db, const struct slow_query *query, struct err *err)
{
	static const struct {
		const char *sql;
		int round;
	} steps[] = {
		{ "DELETE FROM temp.ask", 0 }, { "DELETE FROM temp.merge", 0 }, { "DELETE FROM temp.top", 0 },
		{ "DELETE FROM temp.asked", 0 }, { "DELETE FROM temp.event", 0 }, { "DELETE FROM temp.life", 0 },
		{ "DELETE FROM temp.pause", 0 }, { "DELETE FROM temp.unpaid", 0 }, { "DELETE FROM temp.fact", 0 },
		{ "DELETE FROM temp.line", 0 }, { "DELETE FROM temp.unit", 0 }, { "DELETE FROM temp.part", 0 },
		{ "DELETE FROM temp.rate_on", 0 }, { NULL, 0 }, { tops, 0 }, { events, 0 }, { sinces, 0 }, { not_yet, 0 },
		{ pauses, 0 }, { lives, 0 }, { unpaids, 0 }, { turns, 0 }, { contracts, 1 }, { annual, 1 }, { counted, 1 },
		{ rates, 0 }, { parts, 0 }, { units, 0 }, { marks, 0 }, { contracts, 2 }, { annual, 2 }, { reasons, 0 },
		{ counted, 2 }, { backs, 0 },
	};
	CLEANUP(txn_end) struct txn txn = { 0 };

	if (txn_begin(&txn, db, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++)
		if (steps[i].sql ? put(db, steps[i].sql, steps[i].round, err) < 0
		                 : put_ask(db, query, err) < 0 || put_merges(db, query->policy, err) < 0)
			return -1;
	return txn_commit(&txn, err);
}

int slow_nrr(struct db *db, enum nrr_by by, struct arena *a, struct slow_row **out, size_t *n_out, struct err *err)
{
	CLEANUP(stmt_donep) struct stmt *q = db_sql(db, groupings[by]);
	size_t n = 0, room = 0;
	int rc;

	*out = NULL;
	while ((rc = stmt_step(q, err)) > 0) {
		struct slow_row row = { .group = col_text_in(q, 0, a), .sums = { .n_start = col_int(q, 1),
			.n_churned = col_int(q, 2), .n_end = col_int(q, 3), .start_minor = col_int(q, 4),
			.added_minor = col_int(q, 5), .expansion_minor = col_int(q, 6), .reactivation_minor = col_int(q, 7),
			.contraction_minor = col_int(q, 8), .churn_minor = col_int(q, 9), .fx_minor = col_int(q, 10),
			.end_minor = col_int(q, 11), .cohort_end_minor = col_int(q, 12), .kept_minor = col_int(q, 13),
			.free_minor = col_int(q, 14), .involuntary_minor = col_int(q, 15),
			.cross_sell_minor = col_int(q, 16), .returned_minor = col_int(q, 17) } };

		if (n == room) {
			room = 2 * room + 8;
			*out = arena_grow(a, *out, n, room, sizeof **out);
		}
		(*out)[n++] = row;
	}
	*n_out = n;
	return rc;
}
