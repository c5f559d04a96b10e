-- Forecasts of retention as they were said on a day, one row for each of the quarters after it: what the accounts that
-- paid on that day would pay at the end of it (NRR's numerator) and how much of what they paid would be kept (GRR's).
CREATE TABLE nrr_forecast (
	on_day INTEGER NOT NULL, quarters INTEGER NOT NULL, to_day INTEGER NOT NULL,
	policy_hash TEXT NOT NULL, currency TEXT NOT NULL, start_minor INTEGER NOT NULL,
	end_p10 INTEGER NOT NULL, end_p50 INTEGER NOT NULL, end_p90 INTEGER NOT NULL,
	kept_p10 INTEGER NOT NULL, kept_p50 INTEGER NOT NULL, kept_p90 INTEGER NOT NULL,
	PRIMARY KEY (on_day, quarters)
) WITHOUT ROWID;
