-- What need not be done again as nothing came, went or changed since: 1 which accounts are one company, and whose they
-- are; 2 which rows are whose.
DROP TABLE linked;
CREATE TABLE linked (what INTEGER PRIMARY KEY);
