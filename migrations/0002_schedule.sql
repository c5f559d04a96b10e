-- What the daemon knew of time when it last looked after this organisation. One row.
CREATE TABLE schedule_state (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	tick_at INTEGER NOT NULL,          -- the slots are settled up to here
	is_synchronised INTEGER NOT NULL,  -- whether the kernel then said that its clock follows a reference
	sync_started_at INTEGER,           -- the last pull and score, whatever became of it
	sync_ok_started_at INTEGER         -- the last one that came through
);
