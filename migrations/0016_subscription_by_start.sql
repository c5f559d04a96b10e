-- Subscriptions are read by account and start; without the start each account's would be sorted by themselves.
DROP INDEX subscription_of_account;
CREATE INDEX subscription_of_account ON subscription (account_id, start_on);
