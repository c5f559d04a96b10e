-- One organisation's database. Days (_on) are days since 1970-01-01 in the organisation's zone, instants (_at) UTC
-- seconds, money (_minor) minor units of the currency beside it. Every pulled row keeps its source and source key.

CREATE TABLE migration (version INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, applied_at INTEGER NOT NULL);

-- connect ------------------------------------------------------------------------------------------------------------

CREATE TABLE source (
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE,
	kind TEXT NOT NULL,            -- the connector, or csv
	last_ok_at INTEGER,            -- end of the last pull in which every stream came through
	last_ok_on INTEGER,            -- the same as the organisation's day
	last_error TEXT, last_error_at INTEGER
);
CREATE TABLE stream_cursor (
	source_id INTEGER NOT NULL REFERENCES source, stream TEXT NOT NULL,
	cursor TEXT NOT NULL, updated_at INTEGER NOT NULL,
	PRIMARY KEY (source_id, stream)
) WITHOUT ROWID;
CREATE TABLE pull_run (
	id INTEGER PRIMARY KEY,
	source_id INTEGER NOT NULL REFERENCES source, stream TEXT NOT NULL, mode TEXT NOT NULL, -- full | incremental
	started_at INTEGER NOT NULL, ended_at INTEGER,
	state TEXT NOT NULL,           -- running | ok | failed
	n_pages INTEGER NOT NULL DEFAULT 0, n_rows INTEGER NOT NULL DEFAULT 0, n_changed INTEGER NOT NULL DEFAULT 0,
	n_quarantined INTEGER NOT NULL DEFAULT 0, error TEXT
);
CREATE TABLE quarantine (
	id INTEGER PRIMARY KEY,
	source_id INTEGER NOT NULL REFERENCES source, stream TEXT NOT NULL, source_key TEXT NOT NULL,
	reason TEXT NOT NULL, raw TEXT, first_seen_at INTEGER NOT NULL, last_seen_at INTEGER NOT NULL,
	UNIQUE (source_id, stream, source_key)
);
CREATE TABLE file_loaded (
	source_id INTEGER NOT NULL REFERENCES source, stream TEXT NOT NULL, path TEXT NOT NULL,
	sha256 TEXT NOT NULL, size_bytes INTEGER NOT NULL, loaded_at INTEGER NOT NULL,
	PRIMARY KEY (source_id, stream, path)
) WITHOUT ROWID;

-- facts --------------------------------------------------------------------------------------------------------------

CREATE TABLE owner (
	id INTEGER PRIMARY KEY,
	source_id INTEGER NOT NULL REFERENCES source, source_key TEXT NOT NULL,
	email TEXT, name TEXT, is_active INTEGER, deleted_on INTEGER,
	UNIQUE (source_id, source_key)
);
CREATE TABLE account (
	id INTEGER PRIMARY KEY,        -- dense: also the account's place in the usage blocks
	source_id INTEGER NOT NULL REFERENCES source, source_key TEXT NOT NULL,
	name TEXT, domain TEXT, external_id TEXT, url TEXT,
	parent_key TEXT, parent_id INTEGER REFERENCES account,
	segment TEXT, industry TEXT, region TEXT, plan TEXT, stage TEXT,
	csm_key TEXT, am_key TEXT,     -- the source's owner key, or an e-mail address
	csm_email TEXT, am_email TEXT, -- resolved through owner, lower case
	seats INTEGER, currency TEXT, arr_minor INTEGER, renewal_on INTEGER, created_on INTEGER, customer_since_on INTEGER,
	is_customer INTEGER,
	modified_at INTEGER, deleted_on INTEGER,
	UNIQUE (source_id, source_key)
);
CREATE INDEX account_by_external_id ON account (external_id) WHERE external_id IS NOT NULL;
CREATE INDEX account_by_domain ON account (lower(domain));

CREATE TABLE contact (
	id INTEGER PRIMARY KEY,
	source_id INTEGER NOT NULL REFERENCES source, source_key TEXT NOT NULL,
	account_key TEXT, account_by INTEGER NOT NULL DEFAULT 0, account_id INTEGER REFERENCES account,
	name TEXT, email TEXT, title TEXT,
	role TEXT,                     -- champion | sponsor | decision_maker | admin | user
	is_key INTEGER, team TEXT, created_on INTEGER, last_seen_on INTEGER, left_on INTEGER,
	modified_at INTEGER, deleted_on INTEGER,
	UNIQUE (source_id, source_key)
);
CREATE TABLE subscription (
	id INTEGER PRIMARY KEY,
	source_id INTEGER NOT NULL REFERENCES source, source_key TEXT NOT NULL,
	account_key TEXT, account_by INTEGER NOT NULL DEFAULT 0, account_id INTEGER REFERENCES account,
	product TEXT, plan TEXT, seats INTEGER, mrr_minor INTEGER, currency TEXT, billing TEXT,
	start_on INTEGER, end_on INTEGER, -- end exclusive: not active on end_on
	renewal_on INTEGER, cancel_notice_on INTEGER, status TEXT, is_trial INTEGER,
	modified_at INTEGER, deleted_on INTEGER,
	UNIQUE (source_id, source_key)
);
CREATE TABLE account_limit (
	id INTEGER PRIMARY KEY,
	source_id INTEGER NOT NULL REFERENCES source, source_key TEXT NOT NULL,
	account_key TEXT, account_by INTEGER NOT NULL DEFAULT 0, account_id INTEGER REFERENCES account,
	metric TEXT, value INTEGER, from_on INTEGER, modified_at INTEGER, deleted_on INTEGER,
	UNIQUE (source_id, source_key)
);
CREATE TABLE ticket (
	id INTEGER PRIMARY KEY,
	source_id INTEGER NOT NULL REFERENCES source, source_key TEXT NOT NULL,
	account_key TEXT, account_by INTEGER NOT NULL DEFAULT 0, account_id INTEGER REFERENCES account,
	contact_key TEXT, subject TEXT, body TEXT, category TEXT, status TEXT,
	priority TEXT,                 -- low | medium | high | urgent
	opened_at INTEGER, closed_at INTEGER, first_reply_at INTEGER, satisfaction INTEGER, is_escalated INTEGER,
	modified_at INTEGER, deleted_on INTEGER,
	UNIQUE (source_id, source_key)
);
CREATE TABLE interaction (
	id INTEGER PRIMARY KEY,
	source_id INTEGER NOT NULL REFERENCES source, source_key TEXT NOT NULL,
	account_key TEXT, account_by INTEGER NOT NULL DEFAULT 0, account_id INTEGER REFERENCES account,
	contact_key TEXT, owner_key TEXT,
	kind TEXT,                     -- email | call | meeting | note
	direction TEXT,                -- in (from the customer) | out | NULL
	outcome TEXT, subject TEXT, body TEXT, at INTEGER,
	modified_at INTEGER, deleted_on INTEGER,
	UNIQUE (source_id, source_key)
);
CREATE TABLE invoice (
	id INTEGER PRIMARY KEY,
	source_id INTEGER NOT NULL REFERENCES source, source_key TEXT NOT NULL,
	account_key TEXT, account_by INTEGER NOT NULL DEFAULT 0, account_id INTEGER REFERENCES account,
	amount_minor INTEGER, currency TEXT, issued_on INTEGER, due_on INTEGER, paid_on INTEGER,
	failed_on INTEGER,             -- the last hard payment failure
	disputed_on INTEGER, status TEXT,
	modified_at INTEGER, deleted_on INTEGER,
	UNIQUE (source_id, source_key)
);
CREATE TABLE survey (
	id INTEGER PRIMARY KEY,
	source_id INTEGER NOT NULL REFERENCES source, source_key TEXT NOT NULL,
	account_key TEXT, account_by INTEGER NOT NULL DEFAULT 0, account_id INTEGER REFERENCES account,
	contact_key TEXT, kind TEXT, score INTEGER, comment TEXT, at INTEGER,
	modified_at INTEGER, deleted_on INTEGER,
	UNIQUE (source_id, source_key)
);
CREATE TABLE opportunity (
	id INTEGER PRIMARY KEY,
	source_id INTEGER NOT NULL REFERENCES source, source_key TEXT NOT NULL,
	account_key TEXT, account_by INTEGER NOT NULL DEFAULT 0, account_id INTEGER REFERENCES account,
	name TEXT, kind TEXT,          -- new | renewal | upsell | cross_sell
	stage TEXT, amount_minor INTEGER, currency TEXT, created_on INTEGER, close_on INTEGER, is_closed INTEGER, is_won INTEGER,
	owner_key TEXT, modified_at INTEGER, deleted_on INTEGER,
	UNIQUE (source_id, source_key)
);
CREATE TABLE notice (
	id INTEGER PRIMARY KEY,
	source_id INTEGER NOT NULL REFERENCES source, source_key TEXT NOT NULL,
	account_key TEXT, account_by INTEGER NOT NULL DEFAULT 0, account_id INTEGER REFERENCES account,
	kind TEXT,                     -- cancel | non_renewal | downgrade
	noticed_on INTEGER, effective_on INTEGER, amount_minor INTEGER, currency TEXT, text TEXT, -- amount: recurring revenue per month that goes
	modified_at INTEGER, deleted_on INTEGER,
	UNIQUE (source_id, source_key)
);

CREATE INDEX contact_of_account ON contact (account_id);
CREATE INDEX subscription_of_account ON subscription (account_id);
CREATE INDEX account_limit_of_account ON account_limit (account_id);
CREATE INDEX ticket_of_account ON ticket (account_id, opened_at);
CREATE INDEX interaction_of_account ON interaction (account_id, at);
CREATE INDEX invoice_of_account ON invoice (account_id, issued_on);
CREATE INDEX survey_of_account ON survey (account_id, at);
CREATE INDEX opportunity_of_account ON opportunity (account_id);
CREATE INDEX notice_of_account ON notice (account_id);

-- What a tracked field was from known_on until its next row. The first value that was ever seen stands at known_on =
-- -2147483647 (the beginning); a field that never changed has no row. Text of any type; NULL for empty.
CREATE TABLE history (
	entity TEXT NOT NULL, entity_id INTEGER NOT NULL, field TEXT NOT NULL, known_on INTEGER NOT NULL, value TEXT,
	PRIMARY KEY (entity, entity_id, field, known_on)
) WITHOUT ROWID;

-- usage --------------------------------------------------------------------------------------------------------------

CREATE TABLE metric (
	id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,
	scale INTEGER NOT NULL DEFAULT 1 -- stored value = reported value * scale
);
-- id = metric << 40 | day << 20 | account / 8128; data = u16 per account, value + 1, little-endian, 0 not reported,
-- 65535 see usage_exception; shorter than a full block where the last accounts are not reported.
CREATE TABLE usage_block (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE usage_exception (
	metric_id INTEGER NOT NULL, day INTEGER NOT NULL, account_id INTEGER NOT NULL, value INTEGER NOT NULL,
	PRIMARY KEY (metric_id, day, account_id)
) WITHOUT ROWID;
CREATE TABLE usage_detail (
	account_id INTEGER NOT NULL, day INTEGER NOT NULL, metric_id INTEGER NOT NULL,
	contact_key TEXT NOT NULL, team TEXT NOT NULL, value INTEGER NOT NULL,
	PRIMARY KEY (account_id, day, metric_id, contact_key, team)
) WITHOUT ROWID;
-- Plain SQL over the blocks, for one account or one day at a time (a few microseconds a cell). A blob ends behind its last
-- account with a value: what is beyond counts as 0000.
CREATE VIEW usage_daily AS
SELECT account_id, metric, day, date(day * 86400, 'unixepoch') AS date,
       CASE WHEN cell = 65535 THEN (SELECT e.value FROM usage_exception e
            WHERE e.metric_id = s.metric_id AND e.day = s.day AND e.account_id = s.account_id) ELSE cell - 1 END AS value
FROM (SELECT account_id, metric, metric_id, day,
             4096 * instr('123456789ABCDEF', substr(h, 3, 1)) + 256 * instr('123456789ABCDEF', substr(h, 4, 1))
           + 16 * instr('123456789ABCDEF', substr(h, 1, 1)) + instr('123456789ABCDEF', substr(h, 2, 1)) AS cell
      FROM (SELECT a.id AS account_id, m.name AS metric, m.id AS metric_id, (b.id >> 20) & 1048575 AS day,
                   hex(substr(b.data, 1 + 2 * (a.id % 8128), 2)) || '0000' AS h
            FROM metric m
            JOIN usage_block b ON b.id BETWEEN m.id << 40 AND (m.id << 40) + 1099511627775
            JOIN account a ON a.id BETWEEN (b.id & 1048575) * 8128 AND (b.id & 1048575) * 8128 + 8127)) s
WHERE cell > 0;

-- what was said ------------------------------------------------------------------------------------------------------

CREATE TABLE config_seen (hash TEXT PRIMARY KEY, first_at INTEGER NOT NULL);
CREATE TABLE score_day (
	day INTEGER NOT NULL, account_id INTEGER NOT NULL REFERENCES account,
	risk REAL, readiness REAL, confidence REAL NOT NULL, -- 0..100; NULL = not enough data to say
	risk_band INTEGER NOT NULL, readiness_band INTEGER NOT NULL, -- 0 steady/not_yet 1 watch/emerging 2 at_risk/ready
	risk_band_since INTEGER NOT NULL, readiness_band_since INTEGER NOT NULL,
	value_minor INTEGER, currency TEXT, config_hash TEXT NOT NULL,
	PRIMARY KEY (account_id, day)
) WITHOUT ROWID;
CREATE INDEX score_day_by_day ON score_day (day);
CREATE TABLE score_signal (
	account_id INTEGER NOT NULL, day INTEGER NOT NULL, engine TEXT NOT NULL, signal TEXT NOT NULL,
	value REAL, baseline REAL, strength REAL NOT NULL, weight REAL NOT NULL, contribution REAL NOT NULL,
	evidence TEXT NOT NULL, fresh_on INTEGER,
	PRIMARY KEY (account_id, day, engine, signal)
) WITHOUT ROWID;
CREATE TABLE finding (
	id INTEGER PRIMARY KEY,
	account_id INTEGER NOT NULL REFERENCES account,
	engine TEXT NOT NULL,          -- defense | expansion
	cause TEXT NOT NULL,           -- the leading signal
	state TEXT NOT NULL,           -- open | snoozed | acknowledged | dismissed | resolved | lost
	opened_on INTEGER NOT NULL, updated_on INTEGER NOT NULL, closed_on INTEGER, snoozed_until INTEGER,
	score REAL NOT NULL, worst_score REAL NOT NULL, confidence REAL NOT NULL,
	value_minor INTEGER NOT NULL, currency TEXT NOT NULL, expected_minor INTEGER NOT NULL, -- value at stake, and times probability
	act_by_on INTEGER NOT NULL, play TEXT NOT NULL, summary TEXT NOT NULL,
	evidence TEXT NOT NULL,        -- JSON array of texts
	owner_email TEXT               -- who acts on it
);
CREATE UNIQUE INDEX finding_open ON finding (account_id, engine, cause) WHERE closed_on IS NULL;
CREATE INDEX finding_of_owner ON finding (owner_email, engine) WHERE closed_on IS NULL;
CREATE TABLE finding_event (
	id INTEGER PRIMARY KEY, finding_id INTEGER NOT NULL REFERENCES finding,
	day INTEGER NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL, note TEXT -- opened worse better snoozed acknowledged dismissed resolved lost
);

-- digest and delivery ------------------------------------------------------------------------------------------------

CREATE TABLE slot (
	owner_email TEXT NOT NULL, local_on INTEGER NOT NULL, -- the nominal date in the owner's zone: the key
	due_at INTEGER NOT NULL,
	state TEXT NOT NULL,           -- pending | done | missed
	reason TEXT, settled_at INTEGER,
	PRIMARY KEY (owner_email, local_on)
) WITHOUT ROWID;
CREATE TABLE digest (
	id INTEGER PRIMARY KEY,
	owner_email TEXT NOT NULL, local_on INTEGER NOT NULL, kind TEXT NOT NULL, -- csm | am | manager
	as_of_on INTEGER NOT NULL, made_at INTEGER NOT NULL, config_hash TEXT NOT NULL,
	content TEXT NOT NULL,         -- the digest as JSON
	UNIQUE (owner_email, local_on, kind)
);
CREATE TABLE digest_item (
	digest_id INTEGER NOT NULL REFERENCES digest, place INTEGER NOT NULL, finding_id INTEGER NOT NULL REFERENCES finding,
	change TEXT NOT NULL,          -- entered | worse | better | standing | resolved | lost
	score REAL NOT NULL, value_minor INTEGER NOT NULL,
	PRIMARY KEY (digest_id, place)
) WITHOUT ROWID;
CREATE TABLE outbox (
	id INTEGER PRIMARY KEY,
	digest_id INTEGER NOT NULL REFERENCES digest,
	sink TEXT NOT NULL,            -- the channel's name in the organisation's file
	kind TEXT NOT NULL,            -- slack_webhook | email | webhook | file
	recipient TEXT,                -- e-mail address, file name
	delivery_key TEXT NOT NULL UNIQUE, -- sha256 of org, owner, local date, digest kind, sink, part
	part INTEGER NOT NULL DEFAULT 1,
	body BLOB NOT NULL, body_sha256 TEXT NOT NULL, content_type TEXT NOT NULL,
	fallback BLOB,                 -- a plainer body for when the first is refused as invalid
	state TEXT NOT NULL,           -- pending | inflight | sent | accepted_unverified | dead | ambiguous
	n_attempts INTEGER NOT NULL DEFAULT 0, next_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
	settled_at INTEGER, reason TEXT, provider_ref TEXT
);
CREATE INDEX outbox_of_digest ON outbox (digest_id, sink);
CREATE INDEX outbox_due ON outbox (next_at) WHERE state IN ('pending', 'inflight', 'ambiguous');
CREATE TABLE delivery (
	id INTEGER PRIMARY KEY, outbox_id INTEGER NOT NULL REFERENCES outbox, attempt INTEGER NOT NULL,
	started_at INTEGER NOT NULL, ended_at INTEGER, outcome TEXT, -- sent unverified retry refused dead ambiguous
	status INTEGER, detail TEXT
);
CREATE INDEX delivery_of_outbox ON delivery (outbox_id);
CREATE TABLE sink_state (
	sink TEXT PRIMARY KEY, is_disabled INTEGER NOT NULL DEFAULT 0, reason TEXT, since_at INTEGER, not_before_at INTEGER
) WITHOUT ROWID;
