-- Scores lie in blocks: one row for 256 accounts of a day, written in one piece. A block's data, numbers with the highest byte
-- first: for each of its n accounts, ascending, 29 bytes: its place, risk_band + 4 * readiness_band, which of the confidences,
-- which of the currencies (0: none), risk (8), readiness (8), days since each band began (2 + 2) and value_minor (5); then the
-- confidences, 8 bytes each; then the currencies, 3 bytes each, the first at the end. 8 bytes are k and 7 of m, and that is
-- m / 2^(42 + k), or nothing where k is 255. Where bit 31 of an id is set, the row has who was in a band with a score of so many
-- whole points, so that accounts are found by their scores: n times the score (8) and the account (5).
-- What does not fit is a row of score_row, and so is all from before there were blocks. The view is for plain SQL; retaind looks
-- up a day and account through its table `scores`.
CREATE TABLE score_block (
	id INTEGER PRIMARY KEY,  -- day << 32 | account_id / 256, or day << 32 | 1 << 31 | is_readiness << 30 | whole points
	n INTEGER NOT NULL, config INTEGER NOT NULL, -- config_seen.id
	sum INTEGER NOT NULL,    -- of id, n and data
	data BLOB NOT NULL
);
ALTER TABLE score_day RENAME TO score_row;
CREATE VIEW score_day (day, account_id, risk, readiness, confidence, risk_band, readiness_band, risk_band_since,
	readiness_band_since, value_minor, currency, config) AS
WITH RECURSIVE slot (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM slot WHERE i < 255),
bytes (x) AS (SELECT x'000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B2C2D2E2F303132333435363738393A3B3C3D3E3F404142434445464748494A4B4C4D4E4F505152535455565758595A5B5C5D5E5F606162636465666768696A6B6C6D6E6F707172737475767778797A7B7C7D7E7F808182838485868788898A8B8C8D8E8F909192939495969798999A9B9C9D9E9FA0A1A2A3A4A5A6A7A8A9AAABACADAEAFB0B1B2B3B4B5B6B7B8B9BABBBCBDBEBFC0C1C2C3C4C5C6C7C8C9CACBCCCDCECFD0D1D2D3D4D5D6D7D8D9DADBDCDDDEDFE0E1E2E3E4E5E6E7E8E9EAEBECEDEEEFF0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF')
SELECT day, account_id, risk, readiness, confidence, risk_band, readiness_band, risk_band_since, readiness_band_since,
	value_minor, currency, config FROM score_row
UNION ALL
SELECT day, account_id,
	CASE substr(r, 5, 1) WHEN x'FF' THEN NULL ELSE
		((instr(x, substr(r, 6, 1)) - 1 << 48) + (instr(x, substr(r, 7, 1)) - 1 << 40) +
		(instr(x, substr(r, 8, 1)) - 1 << 32) + (instr(x, substr(r, 9, 1)) - 1 << 24) +
		(instr(x, substr(r, 10, 1)) - 1 << 16) + (instr(x, substr(r, 11, 1)) - 1 << 8) + instr(x, substr(r, 12, 1)) - 1)
		* 1.0 / (1 << 42) / (1 << instr(x, substr(r, 5, 1)) - 1) END,
	CASE substr(r, 13, 1) WHEN x'FF' THEN NULL ELSE
		((instr(x, substr(r, 14, 1)) - 1 << 48) + (instr(x, substr(r, 15, 1)) - 1 << 40) +
		(instr(x, substr(r, 16, 1)) - 1 << 32) + (instr(x, substr(r, 17, 1)) - 1 << 24) +
		(instr(x, substr(r, 18, 1)) - 1 << 16) + (instr(x, substr(r, 19, 1)) - 1 << 8) + instr(x, substr(r, 20, 1)) - 1)
		* 1.0 / (1 << 42) / (1 << instr(x, substr(r, 13, 1)) - 1) END,
	CASE substr(c, 1, 1) WHEN x'FF' THEN NULL ELSE
		((instr(x, substr(c, 2, 1)) - 1 << 48) + (instr(x, substr(c, 3, 1)) - 1 << 40) +
		(instr(x, substr(c, 4, 1)) - 1 << 32) + (instr(x, substr(c, 5, 1)) - 1 << 24) +
		(instr(x, substr(c, 6, 1)) - 1 << 16) + (instr(x, substr(c, 7, 1)) - 1 << 8) + instr(x, substr(c, 8, 1)) - 1)
		* 1.0 / (1 << 42) / (1 << instr(x, substr(c, 1, 1)) - 1) END,
	bands & 3, bands >> 2, day - ((instr(x, substr(r, 21, 1)) - 1 << 8) + instr(x, substr(r, 22, 1)) - 1),
	day - ((instr(x, substr(r, 23, 1)) - 1 << 8) + instr(x, substr(r, 24, 1)) - 1),
	(instr(x, substr(r, 25, 1)) - 1 << 32) + (instr(x, substr(r, 26, 1)) - 1 << 24) +
		(instr(x, substr(r, 27, 1)) - 1 << 16) + (instr(x, substr(r, 28, 1)) - 1 << 8) + instr(x, substr(r, 29, 1)) - 1,
	currency, config
FROM (SELECT day, account_id, r, config, x, instr(x, substr(r, 2, 1)) - 1 AS bands,
		substr(data, 29 * n + 8 * instr(x, substr(r, 3, 1)) - 7, 8) AS c,
		CASE substr(r, 4, 1) WHEN x'00' THEN NULL
			ELSE CAST(substr(data, -3 * (instr(x, substr(r, 4, 1)) - 1), 3) AS TEXT) END AS currency
	FROM (SELECT b.id >> 32 AS day, (b.id & 2147483647) * 256 + instr(x, substr(b.data, 29 * i + 1, 1)) - 1 AS account_id,
			substr(b.data, 29 * i + 1, 29) AS r, b.n, b.data, b.config, x
		FROM score_block b CROSS JOIN slot CROSS JOIN bytes WHERE i < b.n AND b.id >> 31 & 1 = 0));
