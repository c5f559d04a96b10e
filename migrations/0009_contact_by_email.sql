-- Messages and meetings find their account by the addresses of who took part.
CREATE INDEX contact_by_email ON contact (lower(email));
