-- Of those at the start: what they pay at the end, and no more than each began with (the numerators of NRR and GRR).
ALTER TABLE nrr_report ADD COLUMN cohort_end_minor INTEGER NOT NULL DEFAULT 0;
ALTER TABLE nrr_report ADD COLUMN kept_minor INTEGER NOT NULL DEFAULT 0;
