-- People and how they sign in. A user may be in many organisations, so these are not tenant tables.
-- No role but `tollgate_wall` has any privilege here: the console reaches single rows through the
-- functions of 0009, and can list nobody.

create table users (
    id uuid primary key,
    email text not null,
    password_hash text not null,
    email_verified_at timestamptz,
    created_at timestamptz not null default now()
);
-- Addresses are ASCII and compare in lower case. The "C" collation keeps a Turkish database from
-- taking I and ı for a pair.
create unique index users_email_key on users (lower(email collate "C"));

create table sessions (
    token_hash bytea primary key check (length(token_hash) = 32),
    user_id uuid not null references users (id) on delete cascade,
    created_at timestamptz not null default now(),
    last_used_at timestamptz not null default now(),
    expires_at timestamptz not null
);
create index sessions_user on sessions (user_id);
create index sessions_expiry on sessions (expires_at);

-- Tokens that were mailed: one per user and purpose, gone once used.
create table account_tokens (
    token_hash bytea primary key check (length(token_hash) = 32),
    user_id uuid not null references users (id) on delete cascade,
    purpose text not null check (purpose in ('verify_email', 'reset_password')),
    expires_at timestamptz not null,
    unique (user_id, purpose)
);

-- Attempts to sign in, by account (whether or not there is one) and by address. `at` holds the
-- times within the window, oldest first; it is never longer than the limit.
create table sign_in_attempts (
    kind text not null check (kind in ('account', 'address')),
    key text not null,
    at timestamptz[] not null,
    latest timestamptz not null,
    primary key (kind, key)
);
create index sign_in_attempts_latest on sign_in_attempts (latest);
