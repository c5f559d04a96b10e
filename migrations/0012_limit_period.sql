-- What a limit's value is for: a level or a day's use (NULL, level, day), or the use of a week, month, quarter or year.
ALTER TABLE account_limit ADD COLUMN period TEXT;
