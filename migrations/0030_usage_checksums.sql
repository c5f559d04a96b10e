-- Blocks of usage with a checksum, and with one byte a cell where no cell of the block needs two. usage_block_sum is a
-- function that retaind brings along.
ALTER TABLE usage_block ADD COLUMN width INTEGER NOT NULL DEFAULT 2; -- bytes a cell
ALTER TABLE usage_block ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;   -- of id, width and data
UPDATE usage_block SET sum = usage_block_sum(id, width, data);
-- Plain SQL over the blocks, for one account or one day at a time (a few microseconds a cell). A blob ends behind its last
-- account with a value: what is beyond counts as 0, and so does the second byte of a narrow cell.
DROP VIEW usage_daily;
CREATE VIEW usage_daily AS
SELECT s.account_id, s.metric, s.day, date(s.day * 86400, 'unixepoch') AS date,
       CASE WHEN s.cell = 65535 THEN e.value ELSE s.cell - 1 END AS value
FROM (SELECT account_id, metric, metric_id, day,
             4096 * instr('123456789ABCDEF', substr(h, 3, 1)) + 256 * instr('123456789ABCDEF', substr(h, 4, 1))
           + 16 * instr('123456789ABCDEF', substr(h, 1, 1)) + instr('123456789ABCDEF', substr(h, 2, 1)) AS cell
      FROM (SELECT a.id AS account_id, m.name AS metric, m.id AS metric_id, (b.id >> 20) & 1048575 AS day,
                   hex(substr(b.data, 1 + b.width * (a.id % 8128), b.width)) || '0000' AS h
            FROM metric m
            JOIN usage_block b ON b.id BETWEEN m.id << 40 AND (m.id << 40) + 1099511627775
            JOIN account a ON a.id BETWEEN (b.id & 1048575) * 8128 AND (b.id & 1048575) * 8128 + 8127)) s
LEFT JOIN usage_exception e ON s.cell = 65535 AND e.metric_id = s.metric_id AND e.day = s.day AND e.account_id = s.account_id
WHERE s.cell > 0;
