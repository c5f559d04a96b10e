-- That the months were closed on a day, and that closing them again before until_on would find nothing else, as long as no
-- row changes that recurring revenue is made of: then the one row here goes. day is NULL while they are being closed.
CREATE TABLE nrr_closed (id INTEGER PRIMARY KEY CHECK (id = 1), day INTEGER, until_on INTEGER, rules TEXT);
CREATE TRIGGER nrr_closed_account_new AFTER INSERT ON account BEGIN DELETE FROM nrr_closed; END;
CREATE TRIGGER nrr_closed_account_gone AFTER DELETE ON account BEGIN DELETE FROM nrr_closed; END;
CREATE TRIGGER nrr_closed_account_changed AFTER UPDATE OF currency, main_id, parent_key, parent_id, plan, arr_minor, is_customer,
	created_on, customer_since_on, deleted_on, seen_on, source_key, external_id ON account
	WHEN (OLD.currency, OLD.main_id, OLD.parent_key, OLD.parent_id, OLD.plan, OLD.arr_minor, OLD.is_customer, OLD.created_on,
	OLD.customer_since_on, OLD.deleted_on, OLD.seen_on, OLD.source_key, OLD.external_id) IS NOT (NEW.currency, NEW.main_id,
	NEW.parent_key, NEW.parent_id, NEW.plan, NEW.arr_minor, NEW.is_customer, NEW.created_on, NEW.customer_since_on,
	NEW.deleted_on, NEW.seen_on, NEW.source_key, NEW.external_id) BEGIN DELETE FROM nrr_closed; END;
CREATE TRIGGER nrr_closed_subscription_new AFTER INSERT ON subscription BEGIN DELETE FROM nrr_closed; END;
CREATE TRIGGER nrr_closed_subscription_gone AFTER DELETE ON subscription BEGIN DELETE FROM nrr_closed; END;
CREATE TRIGGER nrr_closed_subscription_changed AFTER UPDATE ON subscription
	WHEN (OLD.account_id, OLD.seen_on, OLD.start_on, OLD.end_on, OLD.mrr_minor, OLD.is_trial, OLD.cancel_notice_on,
	OLD.deleted_on, OLD.discount_minor, OLD.discount_ends_on, OLD.paid_until_on, OLD.paused_on, OLD.resumes_on,
	OLD.amount_from_on, OLD.discount_percent, OLD.currency, OLD.product, OLD.plan, OLD.kind, OLD.status, OLD.end_reason)
	IS NOT (NEW.account_id, NEW.seen_on, NEW.start_on, NEW.end_on, NEW.mrr_minor, NEW.is_trial, NEW.cancel_notice_on,
	NEW.deleted_on, NEW.discount_minor, NEW.discount_ends_on, NEW.paid_until_on, NEW.paused_on, NEW.resumes_on,
	NEW.amount_from_on, NEW.discount_percent, NEW.currency, NEW.product, NEW.plan, NEW.kind, NEW.status, NEW.end_reason)
	BEGIN DELETE FROM nrr_closed; END;
CREATE TRIGGER nrr_closed_rate_new AFTER INSERT ON rate BEGIN DELETE FROM nrr_closed; END;
CREATE TRIGGER nrr_closed_rate_gone AFTER DELETE ON rate BEGIN DELETE FROM nrr_closed; END;
CREATE TRIGGER nrr_closed_rate_changed AFTER UPDATE ON rate BEGIN DELETE FROM nrr_closed; END;
CREATE TRIGGER nrr_closed_invoice_new AFTER INSERT ON invoice BEGIN DELETE FROM nrr_closed; END;
CREATE TRIGGER nrr_closed_history_new AFTER INSERT ON history BEGIN DELETE FROM nrr_closed; END;
CREATE TRIGGER nrr_closed_history_gone AFTER DELETE ON history BEGIN DELETE FROM nrr_closed; END;
CREATE TRIGGER nrr_closed_history_changed AFTER UPDATE ON history BEGIN DELETE FROM nrr_closed; END;
CREATE TRIGGER nrr_closed_report_new AFTER INSERT ON nrr_report BEGIN DELETE FROM nrr_closed WHERE day IS NOT NULL; END;
CREATE TRIGGER nrr_closed_report_gone AFTER DELETE ON nrr_report BEGIN DELETE FROM nrr_closed WHERE day IS NOT NULL; END;
