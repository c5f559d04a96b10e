-- What is no longer kept leaves packs as they are: days of use that no pack reaches back to, and texts, which packs don't hold.
ALTER TABLE pack_made ADD COLUMN since_on INTEGER; -- no pack holds a day before; NULL: not known
DROP TRIGGER usage_detail_no_pack;
CREATE TRIGGER usage_detail_no_pack AFTER DELETE ON usage_detail
WHEN old.day >= coalesce((SELECT since_on FROM pack_made), old.day) BEGIN
	INSERT INTO pack_stale VALUES (old.account_id) ON CONFLICT DO NOTHING;
END;

DROP TRIGGER ticket_other_pack;
CREATE TRIGGER ticket_other_pack AFTER UPDATE OF account_id, contact_key, category, priority, opened_at, closed_at, first_reply_at, satisfaction, is_escalated,
	deleted_on ON ticket BEGIN
	INSERT INTO pack_stale SELECT new.account_id WHERE new.account_id IS NOT NULL ON CONFLICT DO NOTHING;
	INSERT INTO pack_stale SELECT old.account_id WHERE old.account_id IS NOT new.account_id AND old.account_id IS NOT NULL
		ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER ticket_text_pack AFTER UPDATE OF subject, body ON ticket
WHEN new.account_id IS NOT NULL AND old.subject IS NULL AND old.body IS NULL AND (new.subject IS NOT NULL OR new.body IS NOT NULL) BEGIN
	INSERT INTO pack_stale VALUES (new.account_id) ON CONFLICT DO NOTHING;
END;

DROP TRIGGER interaction_other_pack;
CREATE TRIGGER interaction_other_pack AFTER UPDATE OF account_id, contact_key, kind, direction, outcome, at, deleted_on ON interaction BEGIN
	INSERT INTO pack_stale SELECT new.account_id WHERE new.account_id IS NOT NULL ON CONFLICT DO NOTHING;
	INSERT INTO pack_stale SELECT old.account_id WHERE old.account_id IS NOT new.account_id AND old.account_id IS NOT NULL
		ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER interaction_text_pack AFTER UPDATE OF subject, body ON interaction
WHEN new.account_id IS NOT NULL AND old.subject IS NULL AND old.body IS NULL AND (new.subject IS NOT NULL OR new.body IS NOT NULL) BEGIN
	INSERT INTO pack_stale VALUES (new.account_id) ON CONFLICT DO NOTHING;
END;

DROP TRIGGER survey_other_pack;
CREATE TRIGGER survey_other_pack AFTER UPDATE OF account_id, kind, score, at, deleted_on ON survey BEGIN
	INSERT INTO pack_stale SELECT new.account_id WHERE new.account_id IS NOT NULL ON CONFLICT DO NOTHING;
	INSERT INTO pack_stale SELECT old.account_id WHERE old.account_id IS NOT new.account_id AND old.account_id IS NOT NULL
		ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER survey_text_pack AFTER UPDATE OF comment ON survey
WHEN new.account_id IS NOT NULL AND old.comment IS NULL AND (new.comment IS NOT NULL) BEGIN
	INSERT INTO pack_stale VALUES (new.account_id) ON CONFLICT DO NOTHING;
END;
