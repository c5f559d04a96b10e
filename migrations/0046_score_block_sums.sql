-- The checksum of a block of scores is of its configuration too; and the view goes to the blocks of a day that is asked for, not
-- through all there are.
UPDATE score_block SET sum = (sum | config) - (sum & config); -- sum XOR config
DROP VIEW score_day;
CREATE VIEW score_day (day, account_id, risk, readiness, confidence, risk_band, readiness_band, risk_band_since,
	readiness_band_since, value_minor, currency, config) AS
WITH RECURSIVE scored (day) AS (SELECT min(id) >> 32 FROM score_block UNION ALL
	SELECT (SELECT min(id) >> 32 FROM score_block WHERE id >= scored.day + 1 << 32) FROM scored WHERE scored.day IS NOT NULL),
slot (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM slot WHERE i < 255),
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
	FROM (SELECT d.day, (b.id & 2147483647) * 256 + instr(x, substr(b.data, 29 * i + 1, 1)) - 1 AS account_id,
			substr(b.data, 29 * i + 1, 29) AS r, b.n, b.data, b.config, x
		FROM scored d CROSS JOIN score_block b ON b.id BETWEEN d.day << 32 AND (d.day << 32) + 2147483647
			CROSS JOIN slot CROSS JOIN bytes WHERE i < b.n));
