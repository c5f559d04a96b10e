-- What scoring reads of an account's rows, packed into one blob (see include/store/pack.h): made from the rows, which stay what
-- counts. An account of which a row changes is in pack_stale until its pack is made anew; without a pack, and while it is
-- stale, the rows are read.
CREATE TABLE account_pack (account_id INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE pack_stale (account_id INTEGER PRIMARY KEY);
CREATE TABLE pack_made ( -- what the packs were made for: others are made anew
	only INTEGER PRIMARY KEY CHECK (only = 1), version INTEGER NOT NULL, zone INTEGER NOT NULL
);
INSERT INTO pack_stale SELECT id FROM account WHERE main_id IS NULL;

CREATE TRIGGER account_new_pack AFTER INSERT ON account BEGIN
	INSERT INTO pack_stale VALUES (new.id) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER account_other_pack AFTER UPDATE ON account BEGIN
	INSERT INTO pack_stale VALUES (new.id) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER account_no_pack AFTER DELETE ON account BEGIN
	DELETE FROM account_pack WHERE account_id = old.id;
	DELETE FROM pack_stale WHERE account_id = old.id;
END;

CREATE TRIGGER subscription_new_pack AFTER INSERT ON subscription WHEN new.account_id IS NOT NULL BEGIN
	INSERT INTO pack_stale VALUES (new.account_id) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER subscription_other_pack AFTER UPDATE ON subscription BEGIN
	INSERT INTO pack_stale SELECT new.account_id WHERE new.account_id IS NOT NULL ON CONFLICT DO NOTHING;
	INSERT INTO pack_stale SELECT old.account_id WHERE old.account_id IS NOT new.account_id AND old.account_id IS NOT NULL
		ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER subscription_no_pack AFTER DELETE ON subscription WHEN old.account_id IS NOT NULL BEGIN
	INSERT INTO pack_stale VALUES (old.account_id) ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER contact_new_pack AFTER INSERT ON contact WHEN new.account_id IS NOT NULL BEGIN
	INSERT INTO pack_stale VALUES (new.account_id) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER contact_other_pack AFTER UPDATE ON contact BEGIN
	INSERT INTO pack_stale SELECT new.account_id WHERE new.account_id IS NOT NULL ON CONFLICT DO NOTHING;
	INSERT INTO pack_stale SELECT old.account_id WHERE old.account_id IS NOT new.account_id AND old.account_id IS NOT NULL
		ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER contact_no_pack AFTER DELETE ON contact WHEN old.account_id IS NOT NULL BEGIN
	INSERT INTO pack_stale VALUES (old.account_id) ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER account_limit_new_pack AFTER INSERT ON account_limit WHEN new.account_id IS NOT NULL BEGIN
	INSERT INTO pack_stale VALUES (new.account_id) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER account_limit_other_pack AFTER UPDATE ON account_limit BEGIN
	INSERT INTO pack_stale SELECT new.account_id WHERE new.account_id IS NOT NULL ON CONFLICT DO NOTHING;
	INSERT INTO pack_stale SELECT old.account_id WHERE old.account_id IS NOT new.account_id AND old.account_id IS NOT NULL
		ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER account_limit_no_pack AFTER DELETE ON account_limit WHEN old.account_id IS NOT NULL BEGIN
	INSERT INTO pack_stale VALUES (old.account_id) ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER ticket_new_pack AFTER INSERT ON ticket WHEN new.account_id IS NOT NULL BEGIN
	INSERT INTO pack_stale VALUES (new.account_id) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER ticket_other_pack AFTER UPDATE ON ticket BEGIN
	INSERT INTO pack_stale SELECT new.account_id WHERE new.account_id IS NOT NULL ON CONFLICT DO NOTHING;
	INSERT INTO pack_stale SELECT old.account_id WHERE old.account_id IS NOT new.account_id AND old.account_id IS NOT NULL
		ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER ticket_no_pack AFTER DELETE ON ticket WHEN old.account_id IS NOT NULL BEGIN
	INSERT INTO pack_stale VALUES (old.account_id) ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER interaction_new_pack AFTER INSERT ON interaction WHEN new.account_id IS NOT NULL BEGIN
	INSERT INTO pack_stale VALUES (new.account_id) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER interaction_other_pack AFTER UPDATE ON interaction BEGIN
	INSERT INTO pack_stale SELECT new.account_id WHERE new.account_id IS NOT NULL ON CONFLICT DO NOTHING;
	INSERT INTO pack_stale SELECT old.account_id WHERE old.account_id IS NOT new.account_id AND old.account_id IS NOT NULL
		ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER interaction_no_pack AFTER DELETE ON interaction WHEN old.account_id IS NOT NULL BEGIN
	INSERT INTO pack_stale VALUES (old.account_id) ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER invoice_new_pack AFTER INSERT ON invoice WHEN new.account_id IS NOT NULL BEGIN
	INSERT INTO pack_stale VALUES (new.account_id) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER invoice_other_pack AFTER UPDATE ON invoice BEGIN
	INSERT INTO pack_stale SELECT new.account_id WHERE new.account_id IS NOT NULL ON CONFLICT DO NOTHING;
	INSERT INTO pack_stale SELECT old.account_id WHERE old.account_id IS NOT new.account_id AND old.account_id IS NOT NULL
		ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER invoice_no_pack AFTER DELETE ON invoice WHEN old.account_id IS NOT NULL BEGIN
	INSERT INTO pack_stale VALUES (old.account_id) ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER survey_new_pack AFTER INSERT ON survey WHEN new.account_id IS NOT NULL BEGIN
	INSERT INTO pack_stale VALUES (new.account_id) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER survey_other_pack AFTER UPDATE ON survey BEGIN
	INSERT INTO pack_stale SELECT new.account_id WHERE new.account_id IS NOT NULL ON CONFLICT DO NOTHING;
	INSERT INTO pack_stale SELECT old.account_id WHERE old.account_id IS NOT new.account_id AND old.account_id IS NOT NULL
		ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER survey_no_pack AFTER DELETE ON survey WHEN old.account_id IS NOT NULL BEGIN
	INSERT INTO pack_stale VALUES (old.account_id) ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER opportunity_new_pack AFTER INSERT ON opportunity WHEN new.account_id IS NOT NULL BEGIN
	INSERT INTO pack_stale VALUES (new.account_id) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER opportunity_other_pack AFTER UPDATE ON opportunity BEGIN
	INSERT INTO pack_stale SELECT new.account_id WHERE new.account_id IS NOT NULL ON CONFLICT DO NOTHING;
	INSERT INTO pack_stale SELECT old.account_id WHERE old.account_id IS NOT new.account_id AND old.account_id IS NOT NULL
		ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER opportunity_no_pack AFTER DELETE ON opportunity WHEN old.account_id IS NOT NULL BEGIN
	INSERT INTO pack_stale VALUES (old.account_id) ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER notice_new_pack AFTER INSERT ON notice WHEN new.account_id IS NOT NULL BEGIN
	INSERT INTO pack_stale VALUES (new.account_id) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER notice_other_pack AFTER UPDATE ON notice BEGIN
	INSERT INTO pack_stale SELECT new.account_id WHERE new.account_id IS NOT NULL ON CONFLICT DO NOTHING;
	INSERT INTO pack_stale SELECT old.account_id WHERE old.account_id IS NOT new.account_id AND old.account_id IS NOT NULL
		ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER notice_no_pack AFTER DELETE ON notice WHEN old.account_id IS NOT NULL BEGIN
	INSERT INTO pack_stale VALUES (old.account_id) ON CONFLICT DO NOTHING;
END;

CREATE TRIGGER usage_detail_new_pack AFTER INSERT ON usage_detail WHEN new.account_id IS NOT NULL BEGIN
	INSERT INTO pack_stale VALUES (new.account_id) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER usage_detail_other_pack AFTER UPDATE ON usage_detail BEGIN
	INSERT INTO pack_stale SELECT new.account_id WHERE new.account_id IS NOT NULL ON CONFLICT DO NOTHING;
	INSERT INTO pack_stale SELECT old.account_id WHERE old.account_id IS NOT new.account_id AND old.account_id IS NOT NULL
		ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER usage_detail_no_pack AFTER DELETE ON usage_detail WHEN old.account_id IS NOT NULL BEGIN
	INSERT INTO pack_stale VALUES (old.account_id) ON CONFLICT DO NOTHING;
END;
