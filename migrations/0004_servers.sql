-- Servers, what they offer, the policies on them and the grants for them. Every foreign key carries
-- org_id, because foreign-key checks ignore row-level security.

create table servers (
    id uuid primary key,
    org_id uuid not null references organisations (id) on delete cascade,
    slug text not null,
    name text not null,
    upstream_url text not null,
    catalog text,
    -- The header values, sealed as one; the names stay readable.
    credential bytea,
    header_names text[] not null default '{}',
    credential_set_at timestamptz,
    credential_set_by uuid references users (id) on delete set null,
    fail_open boolean not null default false,
    -- What discovery found, or why it failed.
    discovered_at timestamptz,
    server_name text,
    server_version text,
    protocol_version text,
    discovery_error text,
    revision integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (org_id, id),
    constraint servers_slug_key unique (org_id, slug),
    check ((credential is null) = (credential_set_at is null))
);

-- Every slug ever used by a server of an organisation, kept for a year like an organisation's.
create table server_slugs (
    org_id uuid not null references organisations (id) on delete cascade,
    slug text not null,
    held_by uuid not null,
    released_at timestamptz,
    primary key (org_id, slug)
);

-- The inventory. A name is the upstream's own text of any length, so its digest is the key.
create table tools (
    org_id uuid not null,
    server_id uuid not null,
    name_sha256 bytea not null,
    name text not null,
    title text,
    description text,
    definition text not null,
    fingerprint text not null,
    class text check (class in ('read', 'write', 'execute', 'destructive', 'financial')),
    class_by_member boolean not null default false,
    first_seen_at timestamptz not null default now(),
    -- Set while the server no longer offers the tool. Only a tool whose class a member set is kept
    -- so, or an upstream could undo the correction by leaving the tool out once.
    gone_at timestamptz,
    primary key (org_id, server_id, name_sha256),
    foreign key (org_id, server_id) references servers (org_id, id) on delete cascade,
    check (gone_at is null or class_by_member)
);

create table policies (
    id uuid primary key,
    org_id uuid not null,
    server_id uuid not null,
    name text not null,
    latest_version integer not null,
    published_version integer,
    revision integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (org_id, id),
    unique (org_id, server_id, id),
    constraint policies_name_key unique (org_id, server_id, name),
    foreign key (org_id, server_id) references servers (org_id, id) on delete cascade
);

create table policy_versions (
    org_id uuid not null,
    policy_id uuid not null,
    version integer not null check (version > 0),
    document text not null,
    note text,
    created_by uuid,
    -- The address as it was, so that reading a version needs no look at other people's rows.
    created_by_email text,
    created_at timestamptz not null default now(),
    primary key (org_id, policy_id, version),
    foreign key (org_id, policy_id) references policies (org_id, id) on delete cascade
);
alter table policies add foreign key (org_id, id, published_version)
    references policy_versions (org_id, policy_id, version);

-- A version never changes, whoever asks. Nobody holds the privilege to; this stops the owner too.
create function refuse_change() returns trigger
    language plpgsql
    set search_path = pg_catalog, public, pg_temp
as $$
begin
    raise exception 'rows of % never change', tg_table_name
        using errcode = 'integrity_constraint_violation';
end
$$;
revoke execute on function refuse_change() from public;
create trigger policy_versions_never_change before update on policy_versions
    for each row execute function refuse_change();

create table grants (
    id uuid primary key,
    org_id uuid not null,
    server_id uuid not null,
    policy_id uuid,
    label text not null,
    identity text,
    labels jsonb not null default '{}',
    -- With these the token can be signed again; the token itself is stored nowhere.
    kid text not null,
    token_version integer not null default 1,
    issued_at timestamptz not null,
    expires_at timestamptz,
    -- The token version before a rotation, and until when it is accepted.
    previous_version integer,
    previous_until timestamptz,
    paused_at timestamptz,
    revoked_at timestamptz,
    created_by uuid references users (id) on delete set null,
    revision integer not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    unique (org_id, id),
    foreign key (org_id, server_id) references servers (org_id, id) on delete cascade,
    -- The policy is on the same server of the same organisation.
    foreign key (org_id, server_id, policy_id) references policies (org_id, server_id, id)
        on delete set null (policy_id),
    check ((previous_version is null) = (previous_until is null))
);
create index grants_server on grants (org_id, server_id, id);
create index grants_policy on grants (org_id, policy_id);
create index grants_kid on grants (kid);
