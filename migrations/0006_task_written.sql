-- Findings that the CRM has a task for, so that none gets a second one.
CREATE TABLE task_written (
	source_id INTEGER NOT NULL REFERENCES source, finding_id INTEGER NOT NULL REFERENCES finding,
	task_key TEXT NOT NULL,        -- stands in the task's text; by it the task is found again
	remote_id TEXT,                -- what the CRM calls it; empty: it was sent, and nobody knows whether it arrived
	sent_at INTEGER NOT NULL,
	PRIMARY KEY (source_id, finding_id)
) WITHOUT ROWID;
