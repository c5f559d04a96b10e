-- What a contract line is and which terms it has beyond its amount. mrr_minor is before the discount. Days: discounts, pauses and
-- paid periods end before theirs. amount_from_on: since when the amount, and what changed with it, holds; without it a
-- change counts from the day on which it was seen.
ALTER TABLE subscription ADD COLUMN kind TEXT; -- recurring (when empty) | usage | one_time | service
ALTER TABLE subscription ADD COLUMN discount_minor INTEGER;
ALTER TABLE subscription ADD COLUMN discount_percent REAL;
ALTER TABLE subscription ADD COLUMN discount_ends_on INTEGER;
ALTER TABLE subscription ADD COLUMN paid_until_on INTEGER;
ALTER TABLE subscription ADD COLUMN paused_on INTEGER;
ALTER TABLE subscription ADD COLUMN resumes_on INTEGER;
ALTER TABLE subscription ADD COLUMN amount_from_on INTEGER;

-- The day on which a row was first seen; NULL: it came with its source's first load, which tells of all the past.
ALTER TABLE subscription ADD COLUMN seen_on INTEGER;
ALTER TABLE account ADD COLUMN seen_on INTEGER;
ALTER TABLE invoice ADD COLUMN seen_on INTEGER;

-- One unit of the currency is worth rate_nano / 1e9 units of the base, from rate_on until the next one of both.
CREATE TABLE rate (
	id INTEGER PRIMARY KEY,
	source_id INTEGER NOT NULL REFERENCES source, source_key TEXT NOT NULL,
	currency TEXT, base TEXT, rate_on INTEGER, rate_nano INTEGER,
	modified_at INTEGER, deleted_on INTEGER, seen_on INTEGER,
	UNIQUE (source_id, source_key)
);

-- Bills that were not paid by their day; the others need not be looked at.
CREATE INDEX invoice_late ON invoice (account_id, due_on)
WHERE account_id IS NOT NULL AND due_on IS NOT NULL AND (paid_on IS NULL OR paid_on > due_on);
