-- The other way round: a row says that nothing came, went or changed since rows were linked last, so that an empty
-- database is empty.
DROP TABLE link_due;
CREATE TABLE linked (id INTEGER PRIMARY KEY CHECK (id = 1));
