-- Beside the base of the day, and gone with it when a row changes: the lines of recurring revenue as known on that day, so
-- that reports of retention need not go through all contracts; see include/store/revenue_kept.h.
ALTER TABLE base_kept ADD COLUMN revenue_maker TEXT; -- the program that it is good for; NULL: there is none
ALTER TABLE base_kept ADD COLUMN revenue BLOB;       -- checksum (8) | lines
