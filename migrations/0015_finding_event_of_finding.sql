-- A digest asks each finding when it was opened and how it ended; without this it reads all events for each of them.
CREATE INDEX finding_event_of_finding ON finding_event (finding_id, kind, at);
