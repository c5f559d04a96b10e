-- Whether rows came, went or changed since accounts were last made one and rows linked to them: without a row here that
-- need not be done again. The columns of open rows have their indexes: finding them is cheap, going through all accounts
-- is not.
CREATE TABLE link_due (id INTEGER PRIMARY KEY CHECK (id = 1));
INSERT INTO link_due (id) VALUES (1);
