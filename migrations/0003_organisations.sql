-- Organisations, who is in them, and the keys of the admin API.

create table organisations (
    id uuid primary key,
    name text not null,
    slug text not null constraint organisations_slug_key unique,
    -- A suspended organisation's grants are answered as if they were paused.
    suspended_at timestamptz,
    -- Raised by every change that a gateway must hear of, in that change's transaction. No
    -- sequence: numbers drawn from one are not ordered by commit.
    config_version bigint not null default 1,
    created_at timestamptz not null default now()
);

-- Every slug ever used by an organisation. One that was given up stays with its last holder for a
-- year, so that a client with an old URL never reaches a stranger.
create table organisation_slugs (
    slug text primary key,
    held_by uuid not null,
    released_at timestamptz
);

create table memberships (
    org_id uuid not null references organisations (id) on delete cascade,
    user_id uuid not null references users (id) on delete cascade,
    role text not null check (role in ('owner', 'admin', 'policy_manager', 'viewer')),
    auditor boolean not null default false,
    joined_at timestamptz not null default now(),
    primary key (org_id, user_id)
);
create index memberships_user on memberships (user_id, joined_at);

create table api_keys (
    id uuid primary key,
    org_id uuid not null,
    label text not null,
    role text not null check (role in ('admin', 'policy_manager', 'viewer')),
    secret_hash bytea not null unique check (length(secret_hash) = 32),
    created_by uuid not null,
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    -- A key ends with its maker's membership.
    foreign key (org_id, created_by) references memberships (org_id, user_id) on delete cascade
);
create index api_keys_org on api_keys (org_id, id);
create index api_keys_maker on api_keys (org_id, created_by);
