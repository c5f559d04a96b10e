-- What ended since a digest is looked for once for each owner, every morning.
CREATE INDEX finding_ended ON finding (owner_email, closed_on) WHERE closed_on IS NOT NULL;
