-- The wall between organisations: row-level security, forced on every table that holds anything of
-- anybody's, and the columns that each role may touch. 0009 has the few ways across.

alter table users enable row level security;
alter table users force row level security;
alter table sessions enable row level security;
alter table sessions force row level security;
alter table account_tokens enable row level security;
alter table account_tokens force row level security;
alter table sign_in_attempts enable row level security;
alter table sign_in_attempts force row level security;
alter table organisations enable row level security;
alter table organisations force row level security;
alter table organisation_slugs enable row level security;
alter table organisation_slugs force row level security;
alter table memberships enable row level security;
alter table memberships force row level security;
alter table api_keys enable row level security;
alter table api_keys force row level security;
alter table servers enable row level security;
alter table servers force row level security;
alter table server_slugs enable row level security;
alter table server_slugs force row level security;
alter table tools enable row level security;
alter table tools force row level security;
alter table policies enable row level security;
alter table policies force row level security;
alter table policy_versions enable row level security;
alter table policy_versions force row level security;
alter table grants enable row level security;
alter table grants force row level security;
alter table admin_events enable row level security;
alter table admin_events force row level security;
alter table audit_events enable row level security;
alter table audit_events force row level security;
alter table audit_events_default enable row level security;
alter table audit_events_default force row level security;
alter table audit_outcomes enable row level security;
alter table audit_outcomes force row level security;
alter table audit_outcomes_default enable row level security;
alter table audit_outcomes_default force row level security;

-- The console: the organisation of its transaction, nothing else. Without one, `app_org()` is null
-- and no row passes.
create policy own_organisation on organisations to tollgate_console
    using (id = app_org()) with check (id = app_org());
create policy own_organisation on memberships to tollgate_console
    using (org_id = app_org()) with check (org_id = app_org());
create policy own_organisation on api_keys to tollgate_console
    using (org_id = app_org()) with check (org_id = app_org());
create policy own_organisation on servers to tollgate_console
    using (org_id = app_org()) with check (org_id = app_org());
create policy own_organisation on server_slugs to tollgate_console
    using (org_id = app_org()) with check (org_id = app_org());
create policy own_organisation on tools to tollgate_console
    using (org_id = app_org()) with check (org_id = app_org());
create policy own_organisation on policies to tollgate_console
    using (org_id = app_org()) with check (org_id = app_org());
create policy own_organisation on policy_versions to tollgate_console
    using (org_id = app_org()) with check (org_id = app_org());
create policy own_organisation on grants to tollgate_console
    using (org_id = app_org()) with check (org_id = app_org());
create policy own_organisation on admin_events to tollgate_console
    using (org_id = app_org()) with check (org_id = app_org());
create policy own_organisation on audit_events for select to tollgate_console
    using (org_id = app_org());
create policy own_organisation on audit_outcomes for select to tollgate_console
    using (org_id = app_org());

grant select, insert (id, name, slug) on organisations to tollgate_console;
grant update (config_version) on organisations to tollgate_console;
grant select, insert on memberships to tollgate_console;
grant select, insert on api_keys to tollgate_console;
grant update (revoked_at) on api_keys to tollgate_console;
grant select, insert, update, delete on servers to tollgate_console;
grant select, insert, update on server_slugs to tollgate_console;
grant select, insert, update, delete on tools to tollgate_console;
grant select, insert, delete on policies to tollgate_console;
grant update (name, latest_version, published_version, revision, updated_at)
    on policies to tollgate_console;
-- Versions go with their policy and in no other way.
grant select, insert on policy_versions to tollgate_console;
-- Grants go with their server and in no other way: a revoked one stays.
grant select, insert on grants to tollgate_console;
grant update (policy_id, label, identity, labels, kid, token_version, issued_at, previous_version,
    previous_until, paused_at, revoked_at, revision, updated_at) on grants to tollgate_console;
grant select, insert on admin_events to tollgate_console;
grant select on audit_events, audit_outcomes to tollgate_console;
grant select, insert on data_keys, signing_keys to tollgate_console;
grant select on installation to tollgate_console;

-- The gateway compares the versions of all organisations in one query, and reads one organisation
-- at a time besides: a query that forgets its organisation gets none, here too.
create policy all_versions on organisations for select to tollgate_gateway using (true);
create policy one_snapshot on servers for select to tollgate_gateway using (org_id = app_org());
create policy one_snapshot on tools for select to tollgate_gateway using (org_id = app_org());
create policy one_snapshot on policies for select to tollgate_gateway using (org_id = app_org());
create policy one_snapshot on policy_versions for select to tollgate_gateway
    using (org_id = app_org());
create policy one_snapshot on grants for select to tollgate_gateway using (org_id = app_org());
-- It writes the audit log of all organisations, a batch at a time, and reads none of it.
create policy append on audit_events for insert to tollgate_gateway with check (true);
create policy append on audit_outcomes for insert to tollgate_gateway with check (true);

grant select (id, slug, config_version, suspended_at) on organisations to tollgate_gateway;
grant select (id, org_id, slug, name, upstream_url, credential, fail_open, discovered_at)
    on servers to tollgate_gateway;
grant select (org_id, server_id, name, title, description, definition, class, gone_at)
    on tools to tollgate_gateway;
grant select (id, org_id, name, published_version) on policies to tollgate_gateway;
grant select (org_id, policy_id, version, document) on policy_versions to tollgate_gateway;
grant select (id, org_id, server_id, policy_id, label, identity, labels, token_version,
    expires_at, previous_version, previous_until, paused_at, revoked_at)
    on grants to tollgate_gateway;
grant insert on audit_events, audit_outcomes to tollgate_gateway;
grant select on data_keys to tollgate_gateway;
grant select (kid, public_key, created_at, retired_at) on signing_keys to tollgate_gateway;
grant select on installation to tollgate_gateway;

-- The audit tables go to the role that may add and drop their partitions. Row-level security holds
-- for it too; it may only empty the default partitions, into the month's own.
create policy move_out on audit_events_default to tollgate_partitions using (true);
create policy move_out on audit_outcomes_default to tollgate_partitions using (true);
grant create on schema public to tollgate_partitions;
alter table audit_events owner to tollgate_partitions;
alter table audit_events_default owner to tollgate_partitions;
alter table audit_outcomes owner to tollgate_partitions;
alter table audit_outcomes_default owner to tollgate_partitions;
