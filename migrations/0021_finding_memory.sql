-- A finding stays the same one when another cause leads: what led at first, since when this one does, how often the
-- finding came back after it was resolved.
ALTER TABLE finding ADD COLUMN first_cause TEXT;
ALTER TABLE finding ADD COLUMN cause_since INTEGER;
ALTER TABLE finding ADD COLUMN n_back INTEGER NOT NULL DEFAULT 0;
UPDATE finding SET first_cause = cause, cause_since = opened_on;
-- What a person says of a finding: who, by which way (cli, link; NULL: said by scoring), the code of a reason.
ALTER TABLE finding_event ADD COLUMN who TEXT;
ALTER TABLE finding_event ADD COLUMN via TEXT;
ALTER TABLE finding_event ADD COLUMN reason TEXT;
