-- The slots that are open are looked for once a minute, among all that ever were.
CREATE INDEX slot_pending ON slot (owner_email, local_on) WHERE state = 'pending';
