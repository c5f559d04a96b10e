-- What the whole base is like on the last day that was scored, so that whoever looks at one account need not go through
-- all of them; see include/store/base_kept.h. What it was made of drops it when it changes.
CREATE TABLE base_kept (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	day INTEGER NOT NULL,
	maker TEXT NOT NULL,           -- the configuration and the program that it is good for
	data BLOB NOT NULL, sha256 TEXT NOT NULL
);
CREATE TRIGGER base_kept_account_new AFTER INSERT ON account BEGIN DELETE FROM base_kept; END;
CREATE TRIGGER base_kept_account_changed AFTER UPDATE ON account BEGIN DELETE FROM base_kept; END;
CREATE TRIGGER base_kept_account_gone AFTER DELETE ON account BEGIN DELETE FROM base_kept; END;
CREATE TRIGGER base_kept_subscription_new AFTER INSERT ON subscription BEGIN DELETE FROM base_kept; END;
CREATE TRIGGER base_kept_subscription_changed AFTER UPDATE ON subscription BEGIN DELETE FROM base_kept; END;
CREATE TRIGGER base_kept_subscription_gone AFTER DELETE ON subscription BEGIN DELETE FROM base_kept; END;
CREATE TRIGGER base_kept_invoice_new AFTER INSERT ON invoice BEGIN DELETE FROM base_kept; END;
CREATE TRIGGER base_kept_invoice_changed AFTER UPDATE ON invoice BEGIN DELETE FROM base_kept; END;
CREATE TRIGGER base_kept_invoice_gone AFTER DELETE ON invoice BEGIN DELETE FROM base_kept; END;
CREATE TRIGGER base_kept_notice_new AFTER INSERT ON notice BEGIN DELETE FROM base_kept; END;
CREATE TRIGGER base_kept_notice_changed AFTER UPDATE ON notice BEGIN DELETE FROM base_kept; END;
CREATE TRIGGER base_kept_notice_gone AFTER DELETE ON notice BEGIN DELETE FROM base_kept; END;
CREATE TRIGGER base_kept_told_outcome_new AFTER INSERT ON told_outcome BEGIN DELETE FROM base_kept; END;
CREATE TRIGGER base_kept_told_outcome_changed AFTER UPDATE ON told_outcome BEGIN DELETE FROM base_kept; END;
CREATE TRIGGER base_kept_told_outcome_gone AFTER DELETE ON told_outcome BEGIN DELETE FROM base_kept; END;
CREATE TRIGGER base_kept_history_new AFTER INSERT ON history BEGIN DELETE FROM base_kept; END;
CREATE TRIGGER base_kept_history_changed AFTER UPDATE ON history BEGIN DELETE FROM base_kept; END;
CREATE TRIGGER base_kept_history_gone AFTER DELETE ON history BEGIN DELETE FROM base_kept; END;
CREATE TRIGGER base_kept_usage_block_new AFTER INSERT ON usage_block BEGIN DELETE FROM base_kept; END;
CREATE TRIGGER base_kept_usage_block_changed AFTER UPDATE ON usage_block BEGIN DELETE FROM base_kept; END;
CREATE TRIGGER base_kept_usage_block_gone AFTER DELETE ON usage_block BEGIN DELETE FROM base_kept; END;
CREATE TRIGGER base_kept_usage_exception_new AFTER INSERT ON usage_exception BEGIN DELETE FROM base_kept; END;
CREATE TRIGGER base_kept_usage_exception_changed AFTER UPDATE ON usage_exception BEGIN DELETE FROM base_kept; END;
CREATE TRIGGER base_kept_usage_exception_gone AFTER DELETE ON usage_exception BEGIN DELETE FROM base_kept; END;
CREATE TRIGGER base_kept_account_limit_new AFTER INSERT ON account_limit BEGIN DELETE FROM base_kept; END;
CREATE TRIGGER base_kept_account_limit_changed AFTER UPDATE ON account_limit BEGIN DELETE FROM base_kept; END;
CREATE TRIGGER base_kept_account_limit_gone AFTER DELETE ON account_limit BEGIN DELETE FROM base_kept; END;
CREATE TRIGGER base_kept_metric_new AFTER INSERT ON metric BEGIN DELETE FROM base_kept; END;
CREATE TRIGGER base_kept_metric_changed AFTER UPDATE ON metric BEGIN DELETE FROM base_kept; END;
CREATE TRIGGER base_kept_metric_gone AFTER DELETE ON metric BEGIN DELETE FROM base_kept; END;

-- explain finds accounts by name.
CREATE INDEX account_by_name ON account (name COLLATE NOCASE);
-- Accounts whose score was near another's on a day, from the next one on: of those that anything was said of.
CREATE INDEX score_day_by_risk ON score_day (day, risk) WHERE risk_band > 0;
CREATE INDEX score_day_by_readiness ON score_day (day, readiness) WHERE readiness_band > 0;
