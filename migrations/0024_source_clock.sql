-- The time by the clocks of the sources, of this boot of the machine: when each last answered by its own Date, and by
-- our boot-time clock, which no setting of the wall clock moves.
CREATE TABLE source_clock (
	source_id INTEGER PRIMARY KEY REFERENCES source,
	answered_at INTEGER NOT NULL,
	boot_ms INTEGER NOT NULL
);
