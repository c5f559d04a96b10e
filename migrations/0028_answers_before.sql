-- Before 0021 who said something of a finding said it by the command line: these are answers like those that came later,
-- to be listed, taken back, and counted by the code of their reason.
UPDATE finding_event SET via = 'cli'
	WHERE via IS NULL AND kind IN ('acknowledged', 'snoozed', 'dismissed')
	AND at <= (SELECT applied_at FROM migration WHERE version = 21);
UPDATE finding_event SET reason = note, note = NULL
	WHERE kind = 'dismissed' AND via = 'cli' AND reason IS NULL
	AND note IN ('false_positive', 'known', 'seasonal', 'data_wrong', 'other');
UPDATE finding_event SET reason = 'other' WHERE kind = 'dismissed' AND via = 'cli' AND reason IS NULL;
