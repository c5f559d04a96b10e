-- Scoring looks for an account's findings, those lately closed among them.
CREATE INDEX finding_of_account ON finding (account_id);
