-- What rules in shadow would have done to a call: an array of {"code", "rule"}, in the order of
-- evaluation; null where nothing would have been done, as in every row written before.
--
-- Nullable and without a default, so no row is rewritten, and a release that does not know the
-- column goes on inserting. Where a long transaction holds the table this gives up instead of making
-- everyone queue behind it; migrating again later does no harm.
set local lock_timeout = '5s';
alter table audit_events add column shadow jsonb;
