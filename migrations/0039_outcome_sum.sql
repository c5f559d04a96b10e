-- Kept outcomes have a checksum (see store/outcomes_pack.c): those without are made anew.
DELETE FROM outcome_pack;
-- A bill that changes may be late, or paid, as of the same day on which months were closed.
CREATE TRIGGER nrr_closed_invoice_gone AFTER DELETE ON invoice BEGIN DELETE FROM nrr_closed; END;
CREATE TRIGGER nrr_closed_invoice_changed AFTER UPDATE ON invoice
	WHEN (OLD.account_id, OLD.source_id, OLD.due_on, OLD.paid_on, OLD.status, OLD.deleted_on, OLD.seen_on)
	IS NOT (NEW.account_id, NEW.source_id, NEW.due_on, NEW.paid_on, NEW.status, NEW.deleted_on, NEW.seen_on)
	BEGIN DELETE FROM nrr_closed; END;
