-- Why a subscription ended, where its source says so: completed, graduated and moved are good endings, involuntary and
-- unpaid are losses by payment, anything else (and nothing) is churn.
ALTER TABLE subscription ADD COLUMN end_reason TEXT;
