#include "digest_sample.h"

#include <string.h>

#include "common/buf.h"
#include "common/json.h"
#include "store/migrate.h"

static const char sample_sql[] =
	"INSERT INTO source (id, name, kind, last_ok_at, last_ok_on) VALUES (1, 'crm', 'hubspot', 1772431200, 20514),"
	" (2, 'usage', 'csv', 1772013600, 20509);"
	"INSERT INTO account (id, source_id, source_key, name, segment, csm_email, am_email, arr_minor, currency) VALUES"
	" (1, 1, '101', 'Northwind Traders', 'Enterprise', 'anna@lumendesk.example', 'bo@lumendesk.example', 4800000, 'EUR'),"
	" (2, 1, '102', 'Caf\xc3\xa9 & Fils <Paris>', 'SMB', 'anna@lumendesk.example', 'bo@lumendesk.example', 960000, 'EUR'),"
	" (3, 1, '103', 'Globex', 'Mid-market', 'anna@lumendesk.example', 'bo@lumendesk.example', 2100000, 'EUR'),"
	" (4, 1, '104', '\xe6\x9d\xb1\xe4\xba\xac\xe3\x83\x87\xe3\x82\xb6\xe3\x82\xa4\xe3\x83\xb3', 'SMB', "
	"'anna@lumendesk.example', 'bo@lumendesk.example', 350000, 'EUR'),"
	" (5, 1, '105', 'Initech', 'SMB', 'anna@lumendesk.example', 'bo@lumendesk.example', 600000, 'EUR'),"
	" (6, 1, '106', 'Umbrella *Labs*', 'Enterprise', 'anna@lumendesk.example', 'bo@lumendesk.example', 3000000, 'EUR'),"
	" (7, 1, '107', 'Soylent', 'SMB', 'anna@lumendesk.example', 'bo@lumendesk.example', 240000, 'EUR'),"
	" (8, 1, '108', 'Hooli', 'SMB', 'anna@lumendesk.example', 'bo@lumendesk.example', 1200000, 'EUR');"
	"INSERT INTO finding (id, account_id, engine, cause, state, opened_on, updated_on, closed_on, score, worst_score,"
	" confidence, value_minor, currency, expected_minor, act_by_on, play, summary, evidence, owner_email) VALUES"
	" (1, 1, 'defense', 'usage_decline', 'open', 20514, 20514, NULL, 78, 78, 0.92, 4800000, 'EUR', 3744000, 20517, 'call_sponsor',"
	"  'Usage has fallen for three weeks while the renewal is 40 days away.',"
	"  '[\"Active people: 12, were 31 four weeks ago (-61 %)\", \"No answer from the sponsor since 9 Feb\", "
	"\"Renewal on 2026-04-11\"]',"
	"  'anna@lumendesk.example'),"
	" (2, 2, 'defense', 'payment_trouble', 'open', 20500, 20514, NULL, 71, 71, 0.88, 960000, 'EUR', 681600, 20513, "
	"'settle_invoice',"
	"  'An invoice is 31 days late.', '[\"Invoice F-2026-014: EUR 2,400 due on 2026-01-30\"]', 'anna@lumendesk.example'),"
	" (3, 3, 'defense', 'cooling_exchanges', 'open', 20490, 20514, NULL, 58, 74, 0.45, 2100000, 'EUR', 1218000, 20540, "
	"'book_review',"
	"  'Replies come later and meetings were moved twice.', '[\"Median reply: 52 h, was 9 h\"]', 'anna@lumendesk.example'),"
	" (4, 4, 'defense', 'silence', 'open', 20480, 20514, NULL, 61, 61, 0.80, 350000, 'EUR', 213500, 20530, 'call_sponsor',"
	"  'Nobody has logged in for 19 days.', '[]', 'anna@lumendesk.example'),"
	" (5, 5, 'defense', 'silence', 'resolved', 20470, 20514, 20514, 40, 70, 0.80, 600000, 'EUR', 240000, 20530, 'call_sponsor',"
	"  'Nobody had logged in for 16 days.', '[]', 'anna@lumendesk.example'),"
	" (6, 7, 'defense', 'cancel_notice', 'lost', 20470, 20514, 20514, 99, 99, 0.99, 240000, 'EUR', 240000, 20514, 'call_sponsor',"
	"  'They gave notice and have left.', '[]', 'anna@lumendesk.example'),"
	" (7, 6, 'expansion', 'near_limit', 'open', 20514, 20514, NULL, 82, 82, 0.90, 900000, 'EUR', 738000, 20520, 'propose_seats',"
	"  'Seats are at 97 % of the plan and growing.', '[\"Seats in use: 97 of 100, were 81 in January\", \"A new "
	"team joined: Logistics\"]',"
	"  'bo@lumendesk.example'),"
	" (8, 8, 'expansion', 'adjacent_need', 'open', 20480, 20514, NULL, 64, 64, 0.85, 400000, 'EUR', 256000, 20535, 'show_module',"
	"  'They asked support for reporting three times.', '[\"Ticket of 2026-02-20: can we export dashboards?\"]', "
	"'bo@lumendesk.example'),"
	" (9, 1, 'expansion', 'new_teams', 'open', 20480, 20514, NULL, 64, 64, 0.85, 500000, 'EUR', 320000, 20535, 'show_module',"
	"  'Must not be told: its account is being defended.', '[]', 'bo@lumendesk.example');"
	"INSERT INTO digest (id, owner_email, local_on, kind, as_of_on, made_at, config_hash, content) VALUES"
	" (1, 'anna@lumendesk.example', 20511, 'csm', 20511, 1772175600, 'x', '{}'),"
	" (2, 'bo@lumendesk.example', 20511, 'am', 20511, 1772175600, 'x', '{}'),"
	" (3, 'mia@lumendesk.example', 20511, 'manager', 20511, 1772175600, 'x', '{}');"
	"INSERT INTO outbox (digest_id, sink, kind, delivery_key, body, body_sha256, content_type, state, next_at, expires_at)"
	" SELECT id, 'mail', 'email', 'k' || id, 'x', 'x', 'x', 'sent', 0, 0 FROM digest;"
	"INSERT INTO digest_item VALUES (1, 1, 2, 'standing', 50, 960000), (1, 2, 3, 'standing', 74, 2100000),"
	" (2, 1, 8, 'standing', 63, 400000), (3, 1, 2, 'standing', 50, 960000), (3, 2, 3, 'standing', 74, 2100000);"
	"INSERT INTO slot VALUES ('anna@lumendesk.example', 20512, 0, 'missed', 'downtime', 0);";

struct db *sample_open(void)
{
	struct err err;
	struct db *db;

	if (db_open(":memory:", DB_WRITE, &db, &err) < 0 || migrate_run(db, 0, &err) < 0 ||
	    db_run(db, sample_sql, &err) < 0)
		die("sample: %s", err.text);
	return db;
}

static const struct digest_play plays[] = {
	{ "call_sponsor", "Call the sponsor", "Ask what changed in the last month and who works with the product now." },
	{ "settle_invoice", "Settle the invoice", "Write to their accounting today with the invoice attached." },
	{ "book_review", "Book a review", "Offer two dates this week, with the numbers of their own use." },
	{ "propose_seats", "Propose more seats", "Send the usage chart and the price of the next hundred seats." },
	{ "show_module", "Show the module", "Offer thirty minutes on the very export that they asked for." },
};

static const char *const nrr_lines[] = {
	"Work on churn first: it took 2.1 points of NRR in the last three months, usually 0.8.",
	"Open findings are worth -1.4 to +0.6 points of this quarter's NRR <so far 98.6 %>.",
};

static const struct digest_nrr nrr = {
	.title = "Recurring revenue per month, 2025-03-02 to 2026-03-02",
	.n_steps = 7,
	.steps = { { "start", "EUR 10,000", "start" }, { "new", "EUR 1,200", "new" },
		{ "expansion", "EUR 900", "expansion" },
		{ "reactivation", "EUR 0", "reactivation" },
	           { "contraction", "-EUR 300", "contraction" }, { "churn", "-EUR 500", "churn" },
		{ "end", "EUR 11,300", "end" } },
	.ratios = "NRR 101.0 %, GRR 92.0 %, logos kept 90.0 % (9 of 10)", .currency = "EUR",
	.minor = { 1000000, 120000, 90000, 0, -30000, -50000, 1130000 }, .has_ratios = true, .nrr = 1.01, .grr = 0.92,
		.logo = 0.9,
	.lines = nrr_lines, .n_lines = ARRAY_LEN(nrr_lines),
};

void sample_digest(struct db *db, const char *kind, size_t capacity, struct arena *a, struct digest *out)
{
	static const char *const kinds[] = { "csm", "am", "manager" };
	static const struct digest_person people[] = { { "anna@lumendesk.example", "Anna Lind" },
		{ "bo@lumendesk.example", "Bo M\xc3\xbcller" }, { "mia@lumendesk.example", "Mia" } };
	static const struct digest_source sources[] = { { "crm", 86400 }, { "usage", 2 * 86400 } };
	struct digest_input in = { .org = "lumendesk", .org_title = "Lumendesk", .kind = kind, .capacity = capacity,
		.account_url = "https://app.hubspot.com/contacts/1234/company/{{key}}", .local_on = SAMPLE_TODAY,
		.as_of_on = SAMPLE_TODAY, .made_at = SAMPLE_NOW, .plays = plays, .n_plays = ARRAY_LEN(plays),
		.people = people, .n_people = ARRAY_LEN(people), .sources = sources, .n_sources = ARRAY_LEN(sources) };
	struct digest_before before;
	struct digest_finding *findings;
	struct digest_missed *missed;
	struct digest_source_state *states;
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(people); i++) {
		if (strcmp(kinds[i], kind) != 0)
			continue;
		in.owner_email = people[i].email;
		in.owner_name = people[i].name;
	}
	if (digest_before_load(db, in.owner_email, kind, SAMPLE_TODAY, &before, &err) < 0 ||
	    digest_findings_load(db, &before, strcmp(kind, "manager") ? in.owner_email : NULL,
	                         SAMPLE_TODAY, a, &findings, &in.n_findings, &err) < 0 ||
	    digest_missed_load(db, in.owner_email, before.local_on, SAMPLE_TODAY, in.made_at, a, &missed, &in.n_missed,
	                       &err) < 0 ||
	    digest_sources_load(db, a, &states, &in.n_states, &err) < 0)
		die("sample: %s", err.text);
	in.before_on = before.local_on;
	in.findings = findings;
	in.missed = missed;
	in.states = states;
	if (strcmp(kind, "manager") == 0)
		in.nrr = &nrr;
	digest_compose(&in, a, out);
}

void sample_add_answers(struct digest *d, struct arena *a)
{
	static const struct digest_answer kinds[] = { { "done", "Done", "D" }, { "snooze", "Snooze", "S" },
		{ "not_a_risk", "Not a risk", "N" }, { "wrong_owner", "Wrong owner", "W" }, { "lost", "Lost", "L" } };

	for (size_t s = 0; s < d->n_sections; s++) {
		for (size_t i = 0; i < d->sections[s].n_items; i++) {
			struct digest_item *item = &d->sections[s].items[i];
			struct digest_answer *answers = arena_array(a, ARRAY_LEN(kinds), sizeof *answers);

			for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
				answers[k] = (struct digest_answer){ kinds[k].purpose, kinds[k].label,
					arena_printf(a, "https://crm.example/a/lumendesk/%s%043lld", kinds[k].url,
					             (long long)item->finding) };
			item->answers = answers;
			item->n_answers = ARRAY_LEN(kinds);
		}
	}
}

static uint64_t state;

static size_t pick(size_t below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (size_t)(state >> 33) % below;
}

/* Names as they come from a CRM that strangers write into. */
static const char *nasty(struct arena *a)
{
	static const char *const bits[] = {
		"Acme", " ", "&", "<", ">", "*", "_", "`", "~", "\"", "'", "\\", "=", "+1", "@here", "<!channel>", "<@U123>",
		"<https://evil.example|https://bank.example>", "&lt;!here&gt;", "&amp;", "\xf0\x9f\x98\x80",
			"\xf0\x9f\x8f\xb4\xe2\x80\x8d\xe2\x98\xa0",
		"\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d", "\342\200\256evil", "\xe2\x80\x8b", "\xe6\x97\xa5\xe6\x9c\xac",
			"e\xcc\x81", "\r\n", "\t", "\x1b[31m",
		"javascript:alert(1)", "<img src=x onerror=alert(1)>", "]]>", "--", "\xff\xfe", "\xc3", "https://evil.example/", "\n.\n",
		"From ", "Lorem ipsum dolor sit amet",
	};
	size_t n = pick(60) == 0 ? 900 : pick(12);
	const char *parts[1000];
	size_t len = 0;
	char *text;

	for (size_t i = 0; i < n; i++) {
		parts[i] = bits[pick(ARRAY_LEN(bits))];
		len += strlen(parts[i]);
	}
	text = arena_alloc(a, len + 1);
	for (size_t i = 0, at = 0; i < n; at += strlen(parts[i]), i++)
		memcpy(text + at, parts[i], strlen(parts[i]));
	return text;
}

static struct digest_finding random_finding(int64_t id, struct arena *a)
{
	static const char *const currencies[] = { "EUR", "EUR", "USD", "JPY", "KWD", "GBP", "```" };
	static const char *const names[] = { "call_sponsor", "settle_invoice", "none" };
	struct digest_finding d = { .f = { .id = id, .account = (int64_t)pick(300), .account_name = nasty(a),
		.account_key = nasty(a), .engine = pick(2) ? "defense" : "expansion", .cause = "silence",
		.state = (enum finding_state)pick(6), .opened_on = SAMPLE_TODAY - (int32_t)pick(50), .closed_on = DAY_NONE,
		.snoozed_until = SAMPLE_TODAY + (int32_t)pick(3) - 1, .score = (double)pick(101),
			.confidence = (double)pick(101) / 100,
		.value_minor = (int64_t)pick(1000) * (int64_t)pick(1000000000),
			.currency = currencies[pick(ARRAY_LEN(currencies))],
		.act_by_on = SAMPLE_TODAY + (int32_t)pick(60) - 20, .play = names[pick(3)], .summary = nasty(a) },
		.account_url = pick(2) ? nasty(a) : "https://crm.example/a/7", .is_new = pick(2) != 0,
			.score_before = (double)pick(101) };
	CLEANUP(buf_done) struct buf b;
	struct json_out o;

	buf_init(&b, 1 << 20);
	o = json_out_to(&b);
	json_open_array(&o, NULL);
	for (size_t i = pick(8); i > 0; i--)
		json_put_text(&o, NULL, nasty(a));
	json_close_array(&o);
	d.f.evidence = arena_strdup(a, b.at);
	d.priority = (double)d.f.value_minor;
	return d;
}

static const struct digest_account *random_accounts(size_t *out_n, struct arena *a)
{
	size_t n = pick(9);
	struct digest_account *accounts = arena_array(a, n, sizeof *accounts);

	for (size_t i = 0; i < n; i++)
		accounts[i] = (struct digest_account){ .name = nasty(a), .key = nasty(a), .owner_email = nasty(a),
			.currency = pick(2) ? "EUR" : NULL, .reason = nasty(a), .value_minor = (int64_t)pick(100000000) };
	*out_n = n;
	return accounts;
}

void sample_random(uint64_t seed, size_t max_items, struct arena *a, struct digest *out)
{
	static const char *const kinds[] = { "csm", "am", "manager" };
	struct digest_input in = { .org = "lumendesk", .local_on = SAMPLE_TODAY, .as_of_on = SAMPLE_TODAY,
		.made_at = SAMPLE_NOW,
	                           .owner_email = "anna@lumendesk.example", .plays = plays, .n_plays = ARRAY_LEN(plays) };
	static const char *const hosts[] = { "crm.example" };
	struct digest_finding *findings;
	bool is_full = max_items > 100;

	in.hosts = hosts;
	in.n_hosts = 1;
	state = seed * 2 + 1;
	(void)pick(2);
	in.org_title = nasty(a);
	in.owner_name = nasty(a);
	in.kind = kinds[pick(3)];
	in.nrr = pick(2) ? &nrr : NULL;
	in.account_url = pick(2) ? "https://crm.example/a/{{key}}" : NULL;
	in.n_findings = is_full ? max_items : pick(max_items);
	in.capacity = is_full ? max_items : pick(20);
	in.before_on = pick(4) ? SAMPLE_TODAY - 1 - (int32_t)pick(4) : DAY_NONE;
	findings = arena_array(a, in.n_findings, sizeof *findings);
	for (size_t i = 0; i < in.n_findings; i++)
		findings[i] = random_finding((int64_t)i + 1, a);
	in.findings = findings;
	in.watermelons = random_accounts(&in.n_watermelons, a);
	in.blind_spots = random_accounts(&in.n_blind_spots, a);
	digest_compose(&in, a, out);
	if (pick(2))
		sample_add_answers(out, a);
}
