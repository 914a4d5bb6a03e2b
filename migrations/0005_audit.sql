-- What agents did. Append-only, and partitioned by month of the event's id: a UUIDv7 begins with
-- its time in milliseconds, so the id alone is the key and names its partition.
--
-- Rows hold names as they were and no foreign keys, so deletion never touches history. There are
-- no checks on content either: a row that the gateway has vouched for must never be refused,
-- because everything spooled behind it would wait.

create table audit_events (
    id uuid primary key,
    org_id uuid not null,
    server_id uuid not null,
    server_name text not null,
    grant_id uuid not null,
    grant_label text not null,
    identity text,
    policy_id uuid,
    policy_name text,
    policy_version integer,
    method text not null,
    tool text,
    outcome text not null,
    code text not null,
    rule text,
    message text not null,
    charges jsonb not null,
    retry_after_ms bigint,
    failed_open boolean not null,
    client text,
    address inet,
    request_bytes bigint not null,
    decided_us bigint not null,
    snapshot_age_ms bigint not null,
    -- The outcome, where it was known when the row was written; else it is in audit_outcomes.
    settled text,
    status integer,
    upstream_us bigint,
    response_bytes bigint,
    given_back boolean
) partition by range (id);
create index audit_events_org on audit_events (org_id, id);
create index audit_events_server on audit_events (org_id, server_id, id);
create index audit_events_grant on audit_events (org_id, grant_id, id);
create index audit_events_tool on audit_events (org_id, tool, id);

create table audit_outcomes (
    id uuid primary key,
    org_id uuid not null,
    settled text not null,
    status integer,
    upstream_us bigint not null,
    response_bytes bigint not null,
    given_back boolean not null
) partition by range (id);

-- An event whose month has no partition (a gateway with a wrong clock, a console that was off for
-- months) is kept here. Making the month's partition later moves it over.
create table audit_events_default partition of audit_events default;
create table audit_outcomes_default partition of audit_outcomes default;

-- The smallest id of a moment.
create function uuid_floor(at timestamptz) returns uuid
    language sql stable strict parallel safe
    return (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0')
            || '00000000000000000000')::uuid;
revoke execute on function uuid_floor(timestamptz) from public;
grant execute on function uuid_floor(timestamptz) to tollgate_console, tollgate_partitions;
