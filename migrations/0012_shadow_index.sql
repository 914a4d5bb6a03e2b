-- What a policy's shadow rules would have done lately, without reading the calls they let be. Rows
-- without it are not in the index.
--
-- By itself, after the column: while it is built (one reading of the log) events wait in the
-- gateways' spools, but calls are decided and the log can be read.
set local lock_timeout = '5s';
create index audit_events_shadow on audit_events (org_id, policy_id, id) where shadow is not null;
