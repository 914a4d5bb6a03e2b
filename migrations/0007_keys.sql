-- The installation: its id, which every grant token names as its issuer, and its own keys, sealed.

create table installation (
    singleton boolean primary key default true check (singleton),
    id uuid not null default gen_random_uuid(),
    created_at timestamptz not null default now()
);
insert into installation default values;

-- Seal the organisations' secrets. Both planes open them, with the master key that both have.
create table data_keys (
    kid text primary key,
    sealed bytea not null,
    created_at timestamptz not null default clock_timestamp(),
    retired_at timestamptz
);

-- Sign grants. The gateway's role can read the public half and not the sealed one.
create table signing_keys (
    kid text primary key,
    sealed bytea not null,
    public_key bytea not null check (length(public_key) = 32),
    created_at timestamptz not null default clock_timestamp(),
    retired_at timestamptz
);
