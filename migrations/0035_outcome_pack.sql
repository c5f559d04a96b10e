-- What became of accounts (see store/outcomes.h), by blocks of 64: what a block says on known_on it says before until_on
-- too, unless one of the rows changes that it was made of. Only kept to be quick: what is not here is made from rows.
CREATE TABLE outcome_pack (
	block INTEGER PRIMARY KEY, -- account_id / 64
	known_on INTEGER NOT NULL, until_on INTEGER NOT NULL, data BLOB NOT NULL
);
CREATE TRIGGER outcome_pack_account_new AFTER INSERT ON account BEGIN
	DELETE FROM outcome_pack WHERE block = NEW.id >> 6; END;
CREATE TRIGGER outcome_pack_account_changed AFTER UPDATE OF currency, main_id, arr_minor, is_customer, customer_since_on,
	created_on, deleted_on ON account
	WHEN (OLD.currency, OLD.main_id, OLD.arr_minor, OLD.is_customer, OLD.customer_since_on, OLD.created_on, OLD.deleted_on)
	IS NOT (NEW.currency, NEW.main_id, NEW.arr_minor, NEW.is_customer, NEW.customer_since_on, NEW.created_on, NEW.deleted_on)
	BEGIN DELETE FROM outcome_pack WHERE block = NEW.id >> 6; END;
CREATE TRIGGER outcome_pack_account_gone AFTER DELETE ON account BEGIN
	DELETE FROM outcome_pack WHERE block = OLD.id >> 6; END;
CREATE TRIGGER outcome_pack_subscription_new AFTER INSERT ON subscription BEGIN
	DELETE FROM outcome_pack WHERE block = NEW.account_id >> 6; END;
CREATE TRIGGER outcome_pack_subscription_changed AFTER UPDATE OF account_id, mrr_minor, is_trial, start_on, end_on,
	currency, deleted_on, seen_on, end_reason ON subscription
	WHEN (OLD.account_id, OLD.mrr_minor, OLD.is_trial, OLD.start_on, OLD.end_on, OLD.currency, OLD.deleted_on, OLD.seen_on,
	OLD.end_reason) IS NOT (NEW.account_id, NEW.mrr_minor, NEW.is_trial, NEW.start_on, NEW.end_on, NEW.currency,
	NEW.deleted_on, NEW.seen_on, NEW.end_reason)
	BEGIN DELETE FROM outcome_pack WHERE block IN (OLD.account_id >> 6, NEW.account_id >> 6); END;
CREATE TRIGGER outcome_pack_subscription_gone AFTER DELETE ON subscription BEGIN
	DELETE FROM outcome_pack WHERE block = OLD.account_id >> 6; END;
CREATE TRIGGER outcome_pack_invoice_new AFTER INSERT ON invoice WHEN NEW.failed_on IS NOT NULL BEGIN
	DELETE FROM outcome_pack WHERE block = NEW.account_id >> 6; END;
CREATE TRIGGER outcome_pack_invoice_changed AFTER UPDATE OF account_id, failed_on, paid_on, deleted_on ON invoice
	WHEN (OLD.account_id, OLD.failed_on, OLD.paid_on, OLD.deleted_on)
	IS NOT (NEW.account_id, NEW.failed_on, NEW.paid_on, NEW.deleted_on)
	BEGIN DELETE FROM outcome_pack WHERE block IN (OLD.account_id >> 6, NEW.account_id >> 6); END;
CREATE TRIGGER outcome_pack_invoice_gone AFTER DELETE ON invoice BEGIN
	DELETE FROM outcome_pack WHERE block = OLD.account_id >> 6; END;
CREATE TRIGGER outcome_pack_notice_new AFTER INSERT ON notice BEGIN
	DELETE FROM outcome_pack WHERE block = NEW.account_id >> 6; END;
CREATE TRIGGER outcome_pack_notice_changed AFTER UPDATE ON notice BEGIN
	DELETE FROM outcome_pack WHERE block IN (OLD.account_id >> 6, NEW.account_id >> 6); END;
CREATE TRIGGER outcome_pack_notice_gone AFTER DELETE ON notice BEGIN
	DELETE FROM outcome_pack WHERE block = OLD.account_id >> 6; END;
CREATE TRIGGER outcome_pack_told_new AFTER INSERT ON told_outcome BEGIN
	DELETE FROM outcome_pack WHERE block = NEW.account_id >> 6; END;
CREATE TRIGGER outcome_pack_told_changed AFTER UPDATE ON told_outcome BEGIN
	DELETE FROM outcome_pack WHERE block IN (OLD.account_id >> 6, NEW.account_id >> 6); END;
CREATE TRIGGER outcome_pack_told_gone AFTER DELETE ON told_outcome BEGIN
	DELETE FROM outcome_pack WHERE block = OLD.account_id >> 6; END;
CREATE TRIGGER outcome_pack_history_new AFTER INSERT ON history WHEN NEW.entity IN ('account', 'subscription') BEGIN
	DELETE FROM outcome_pack WHERE block = CASE NEW.entity WHEN 'account' THEN NEW.entity_id ELSE
	(SELECT account_id FROM subscription WHERE id = NEW.entity_id) END >> 6; END;
CREATE TRIGGER outcome_pack_history_changed AFTER UPDATE ON history WHEN NEW.entity IN ('account', 'subscription') BEGIN
	DELETE FROM outcome_pack WHERE block = CASE NEW.entity WHEN 'account' THEN NEW.entity_id ELSE
	(SELECT account_id FROM subscription WHERE id = NEW.entity_id) END >> 6; END;
CREATE TRIGGER outcome_pack_history_gone AFTER DELETE ON history WHEN OLD.entity IN ('account', 'subscription') BEGIN
	DELETE FROM outcome_pack WHERE block = CASE OLD.entity WHEN 'account' THEN OLD.entity_id ELSE
	(SELECT account_id FROM subscription WHERE id = OLD.entity_id) END >> 6; END;
