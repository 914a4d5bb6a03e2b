-- Every way across the wall, and there is none outside this file (a test looks). Each function runs
-- as a role that cannot log in and that sees just the columns granted to it here; each names its
-- tables with their schema and puts temporary tables last, so a caller cannot slip its own under
-- them; each is executable by the role that needs it and by nobody else.
--
-- `tollgate_wall` holds the crossings for people and keys, `tollgate_partitions` those for months.

create policy crossing on users to tollgate_wall using (true) with check (true);
create policy crossing on sessions to tollgate_wall using (true) with check (true);
create policy crossing on account_tokens to tollgate_wall using (true) with check (true);
create policy crossing on sign_in_attempts to tollgate_wall using (true) with check (true);
create policy crossing on organisation_slugs to tollgate_wall using (true) with check (true);
create policy crossing on organisations for select to tollgate_wall using (true);
create policy crossing on memberships for select to tollgate_wall using (true);
create policy crossing_read on api_keys for select to tollgate_wall using (true);
create policy crossing_use on api_keys for update to tollgate_wall using (true);
create policy crossing on servers for select to tollgate_wall using (true);

grant select, insert on users to tollgate_wall;
grant update (password_hash, email_verified_at) on users to tollgate_wall;
grant select, insert, delete on sessions to tollgate_wall;
grant update (last_used_at) on sessions to tollgate_wall;
grant select, insert, delete on account_tokens to tollgate_wall;
grant update (token_hash, expires_at) on account_tokens to tollgate_wall;
grant select, insert, update, delete on sign_in_attempts to tollgate_wall;
grant select, insert on organisation_slugs to tollgate_wall;
grant update (held_by, released_at) on organisation_slugs to tollgate_wall;
grant select (id, name, slug) on organisations to tollgate_wall;
grant select (org_id, user_id, role, auditor, joined_at) on memberships to tollgate_wall;
grant select (id, org_id, role, secret_hash, created_by, expires_at, revoked_at, last_used_at)
    on api_keys to tollgate_wall;
grant update (last_used_at) on api_keys to tollgate_wall;
grant select (id, org_id, upstream_url, credential, catalog) on servers to tollgate_wall;

-- Accounts -------------------------------------------------------------------------------------

create function account_create(new_id uuid, address text, password text, verified boolean)
    returns void
    language sql volatile security definer
    set search_path = pg_catalog, public, pg_temp
as $$
    insert into public.users (id, email, password_hash, email_verified_at)
    values (new_id, address, password, case when verified then now() end)
$$;

-- `address_key` is the address in lower case, compared whole: `%` and `_` are letters like others.
create function account_credentials(address_key text)
    returns table (user_id uuid, password_hash text, email_verified_at timestamptz)
    language sql stable security definer
    set search_path = pg_catalog, public, pg_temp
as $$
    select u.id, u.password_hash, u.email_verified_at
    from public.users u
    where lower(u.email collate "C") = address_key
$$;

-- Replaces the password; only while it is still the one whose hash is `proven`, where one is given.
create function account_set_password(account uuid, proven text, password text) returns boolean
    language plpgsql volatile security definer
    set search_path = pg_catalog, public, pg_temp
as $$
begin
    update public.users u set password_hash = password
    where u.id = account and (proven is null or u.password_hash = proven);
    if not found then
        return false;
    end if;
    -- Whoever knew the old password, or had a mail in hand, is out.
    delete from public.sessions s where s.user_id = account;
    delete from public.account_tokens t
    where t.user_id = account and t.purpose = 'reset_password';
    return true;
end
$$;

create function account_mark_verified(account uuid) returns boolean
    language plpgsql volatile security definer
    set search_path = pg_catalog, public, pg_temp
as $$
begin
    update public.users u set email_verified_at = coalesce(u.email_verified_at, now())
    where u.id = account;
    return found;
end
$$;

-- Replaces the account's token for that purpose. Answers the account, or null where there is none.
create function account_token_start(
    address_key text, wanted text, hash bytea, lives interval
) returns uuid
    language sql volatile security definer
    set search_path = pg_catalog, public, pg_temp
as $$
    insert into public.account_tokens as t (token_hash, user_id, purpose, expires_at)
    select hash, u.id, wanted, now() + lives
    from public.users u
    where lower(u.email collate "C") = address_key
    on conflict (user_id, purpose) do update
        set token_hash = excluded.token_hash, expires_at = excluded.expires_at
    returning t.user_id
$$;

-- Uses a token up: of two at once, one gets the account.
create function account_token_use(wanted text, hash bytea) returns uuid
    language sql volatile security definer
    set search_path = pg_catalog, public, pg_temp
as $$
    delete from public.account_tokens t
    where t.token_hash = hash and t.purpose = wanted and t.expires_at > now()
    returning t.user_id
$$;

create function account_token_is_good(wanted text, hash bytea) returns boolean
    language sql stable security definer
    set search_path = pg_catalog, public, pg_temp
as $$
    select exists (
        select from public.account_tokens t
        where t.token_hash = hash and t.purpose = wanted and t.expires_at > now()
    )
$$;

-- Counts one attempt against the account and, where it is known, the address. Answers null where it
-- was counted, and otherwise how long until one will be; a refused attempt is not counted.
--
-- The two rows are locked by writing them, account first, so attempts on either queue up and no two
-- of them can take the last place. The clock is read after the wait, not at its beginning.
create function sign_in_count(
    account_key text, account_max integer, address_key text, address_max integer, lasts interval
) returns interval
    language plpgsql volatile security definer
    set search_path = pg_catalog, public, pg_temp
as $$
declare
    moment timestamptz;
    account_at timestamptz[];
    address_at timestamptz[] := '{}';
    wait interval;
begin
    insert into public.sign_in_attempts as a (kind, key, at, latest)
    values ('account', account_key, '{}', clock_timestamp())
    on conflict (kind, key) do update set latest = a.latest
    returning a.at into account_at;
    if address_key is not null then
        insert into public.sign_in_attempts as a (kind, key, at, latest)
        values ('address', address_key, '{}', clock_timestamp())
        on conflict (kind, key) do update set latest = a.latest
        returning a.at into address_at;
    end if;

    moment := clock_timestamp();
    account_at := array(select t from unnest(account_at) t where t > moment - lasts order by t);
    address_at := array(select t from unnest(address_at) t where t > moment - lasts order by t);
    if cardinality(account_at) >= account_max then
        wait := account_at[1] + lasts - moment;
    end if;
    if cardinality(address_at) >= address_max then
        wait := greatest(wait, address_at[1] + lasts - moment);
    end if;
    if wait is null then
        update public.sign_in_attempts a set at = account_at || moment, latest = moment
        where a.kind = 'account' and a.key = account_key;
        update public.sign_in_attempts a set at = address_at || moment, latest = moment
        where a.kind = 'address' and a.key = address_key;
    end if;

    -- Forgets a few windows that are over, so that the table stays as small as the last window.
    -- It comes last and waits for nobody, so no two attempts can wait for each other.
    delete from public.sign_in_attempts a
    where (a.kind, a.key) in (
        select b.kind, b.key from public.sign_in_attempts b
        where b.latest < moment - lasts
        order by b.latest limit 10 for update skip locked
    );
    return wait;
end
$$;

create function sign_in_clear(account_key text) returns void
    language sql volatile security definer
    set search_path = pg_catalog, public, pg_temp
as $$
    delete from public.sign_in_attempts a where a.kind = 'account' and a.key = account_key
$$;

-- Sessions -------------------------------------------------------------------------------------

-- Starts a session, if the password is still the one whose hash is `proven`, and answers null if not.
--
-- The row is locked against a change of the password: of the two, whichever comes second sees what
-- the first has done.
create function session_create(account uuid, proven text, hash bytea, lives interval)
    returns boolean
    language sql volatile security definer
    set search_path = pg_catalog, public, pg_temp
as $$
    -- As new sessions come, ended ones go.
    delete from public.sessions s
    where s.token_hash in (
        select e.token_hash from public.sessions e
        where e.expires_at <= now()
        order by e.expires_at limit 10 for update skip locked
    );
    with allowed as (
        select u.id from public.users u
        where u.id = account and u.password_hash = proven
        for share
    )
    insert into public.sessions (token_hash, user_id, expires_at)
    select hash, a.id, now() + lives from allowed a
    returning true
$$;

-- The person, once per organisation they are in, or once without one.
create function session_find(hash bytea)
    returns table (
        user_id uuid, email text, email_verified_at timestamptz, created_at timestamptz,
        org_id uuid, org_name text, org_slug text, role text, auditor boolean
    )
    language sql volatile security definer
    set search_path = pg_catalog, public, pg_temp
as $$
    update public.sessions s set last_used_at = now()
    where s.token_hash = hash and s.expires_at > now()
        and s.last_used_at < now() - interval '1 minute';
    select u.id, u.email, u.email_verified_at, s.created_at, o.id, o.name, o.slug, m.role, m.auditor
    from public.sessions s
    join public.users u on u.id = s.user_id
    left join public.memberships m on m.user_id = u.id
    left join public.organisations o on o.id = m.org_id
    where s.token_hash = hash and s.expires_at > now()
    order by m.joined_at, m.org_id;
$$;

create function session_end(hash bytea) returns void
    language sql volatile security definer
    set search_path = pg_catalog, public, pg_temp
as $$
    delete from public.sessions s where s.token_hash = hash
$$;

-- Organisations --------------------------------------------------------------------------------

-- Takes a slug for an organisation, if nobody holds it nor gave it up within the last year.
create function organisation_slug_claim(wanted text, org uuid) returns boolean
    language sql volatile security definer
    set search_path = pg_catalog, public, pg_temp
as $$
    insert into public.organisation_slugs as s (slug, held_by) values (wanted, org)
    on conflict (slug) do update set held_by = excluded.held_by, released_at = null
        where s.held_by = excluded.held_by or s.released_at < now() - interval '1 year'
    returning true
$$;

-- The address of a member of the transaction's organisation, and of nobody else: what history
-- calls the person who made a change.
create function member_email(member uuid) returns text
    language sql stable security definer
    set search_path = pg_catalog, public, pg_temp
as $$
    select u.email
    from public.memberships m join public.users u on u.id = m.user_id
    where m.org_id = public.app_org() and m.user_id = member
$$;

-- Whose key a secret is. Whoever has the secret's digest has the secret, or made it.
create function api_key_find(hash bytea)
    returns table (key_id uuid, org_id uuid, maker uuid, role text, maker_role text)
    language sql volatile security definer
    set search_path = pg_catalog, public, pg_temp
as $$
    update public.api_keys k set last_used_at = now()
    where k.secret_hash = hash and k.revoked_at is null
        and (k.expires_at is null or k.expires_at > now())
        and (k.last_used_at is null or k.last_used_at < now() - interval '1 minute');
    select k.id, k.org_id, k.created_by, k.role, m.role
    from public.api_keys k
    join public.memberships m on m.org_id = k.org_id and m.user_id = k.created_by
    where k.secret_hash = hash and k.revoked_at is null
        and (k.expires_at is null or k.expires_at > now());
$$;

-- Servers --------------------------------------------------------------------------------------

-- What the background refresh needs, which knows a server by its id alone.
create function server_target(server uuid)
    returns table (id uuid, org_id uuid, upstream_url text, credential bytea, catalog text)
    language sql stable security definer
    set search_path = pg_catalog, public, pg_temp
as $$
    select s.id, s.org_id, s.upstream_url, s.credential, s.catalog
    from public.servers s where s.id = server
$$;

-- The months of the audit log -------------------------------------------------------------------

-- Makes the partitions of this month and the next three, where they are missing, and moves into
-- them what had to go to the default partition. Attaching locks out neither readers nor writers of
-- the other months.
create function audit_partitions_make() returns integer
    language plpgsql volatile security definer
    set search_path = pg_catalog, public, pg_temp
    set timezone = 'UTC'
    set lock_timeout = '5s'
as $$
declare
    made integer := 0;
    parent text;
    month timestamptz;
    partition text;
    low uuid;
    high uuid;
begin
    -- One at a time: replicas start together.
    perform pg_advisory_xact_lock(hashtext('tollgate_audit_partitions'));
    foreach parent in array array['audit_events', 'audit_outcomes'] loop
        for ahead in 0..3 loop
            month := date_trunc('month', now()) + make_interval(months => ahead);
            partition := parent || to_char(month, '_YYYY_MM');
            continue when to_regclass('public.' || partition) is not null;
            low := public.uuid_floor(month);
            high := public.uuid_floor(month + interval '1 month');
            execute format('lock table public.%I in access exclusive mode', parent || '_default');
            execute format('create table public.%I (like public.%I including all)',
                partition, parent);
            execute format('with moved as (delete from public.%I where id >= $1 and id < $2
                returning *) insert into public.%I select * from moved',
                parent || '_default', partition) using low, high;
            execute format('alter table public.%I enable row level security', partition);
            execute format('alter table public.%I force row level security', partition);
            execute format('alter table public.%I attach partition public.%I
                for values from (%L) to (%L)', parent, partition, low, high);
            made := made + 1;
        end loop;
    end loop;
    return made;
end
$$;

-- Drops the months that ended before `kept_from`, and older strays in the default partition. This
-- month and the one before are out of its reach, so nobody can use it to wipe out their tracks.
create function audit_partitions_drop(kept_from timestamptz) returns integer
    language plpgsql volatile security definer
    set search_path = pg_catalog, public, pg_temp
    set timezone = 'UTC'
    set lock_timeout = '5s'
as $$
declare
    dropped integer := 0;
    parent text;
    partition text;
    first_kept timestamptz := date_trunc('month', kept_from);
begin
    if first_kept is null or first_kept > date_trunc('month', now()) - interval '1 month' then
        raise exception 'the audit log of this month and the last cannot be dropped'
            using errcode = 'invalid_parameter_value';
    end if;
    perform pg_advisory_xact_lock(hashtext('tollgate_audit_partitions'));
    foreach parent in array array['audit_events', 'audit_outcomes'] loop
        for partition in
            select c.relname
            from pg_inherits i join pg_class c on c.oid = i.inhrelid
            where i.inhparent = ('public.' || parent)::regclass
                and c.relname ~ ('^' || parent || '_[0-9]{4}_[0-9]{2}$')
                and right(c.relname, 7) < to_char(first_kept, 'YYYY_MM')
            order by c.relname
        loop
            execute format('drop table public.%I', partition);
            dropped := dropped + 1;
        end loop;
        execute format('delete from public.%I where id < $1', parent || '_default')
            using public.uuid_floor(first_kept);
    end loop;
    return dropped;
end
$$;

-- Owners and callers ---------------------------------------------------------------------------

-- A new owner must be able to create in the schema, for the moment of taking over.
grant create on schema public to tollgate_wall;
alter function account_create(uuid, text, text, boolean) owner to tollgate_wall;
alter function account_credentials(text) owner to tollgate_wall;
alter function account_set_password(uuid, text, text) owner to tollgate_wall;
alter function account_mark_verified(uuid) owner to tollgate_wall;
alter function account_token_start(text, text, bytea, interval) owner to tollgate_wall;
alter function account_token_use(text, bytea) owner to tollgate_wall;
alter function account_token_is_good(text, bytea) owner to tollgate_wall;
alter function sign_in_count(text, integer, text, integer, interval) owner to tollgate_wall;
alter function sign_in_clear(text) owner to tollgate_wall;
alter function session_create(uuid, text, bytea, interval) owner to tollgate_wall;
alter function session_find(bytea) owner to tollgate_wall;
alter function session_end(bytea) owner to tollgate_wall;
alter function organisation_slug_claim(text, uuid) owner to tollgate_wall;
alter function member_email(uuid) owner to tollgate_wall;
alter function api_key_find(bytea) owner to tollgate_wall;
alter function server_target(uuid) owner to tollgate_wall;
revoke create on schema public from tollgate_wall;
alter function audit_partitions_make() owner to tollgate_partitions;
alter function audit_partitions_drop(timestamptz) owner to tollgate_partitions;

revoke execute on function
    account_create(uuid, text, text, boolean),
    account_credentials(text),
    account_set_password(uuid, text, text),
    account_mark_verified(uuid),
    account_token_start(text, text, bytea, interval),
    account_token_use(text, bytea),
    account_token_is_good(text, bytea),
    sign_in_count(text, integer, text, integer, interval),
    sign_in_clear(text),
    session_create(uuid, text, bytea, interval),
    session_find(bytea),
    session_end(bytea),
    organisation_slug_claim(text, uuid),
    member_email(uuid),
    api_key_find(bytea),
    server_target(uuid),
    audit_partitions_make(),
    audit_partitions_drop(timestamptz)
from public;

grant execute on function
    account_create(uuid, text, text, boolean),
    account_credentials(text),
    account_set_password(uuid, text, text),
    account_mark_verified(uuid),
    account_token_start(text, text, bytea, interval),
    account_token_use(text, bytea),
    account_token_is_good(text, bytea),
    sign_in_count(text, integer, text, integer, interval),
    sign_in_clear(text),
    session_create(uuid, text, bytea, interval),
    session_find(bytea),
    session_end(bytea),
    organisation_slug_claim(text, uuid),
    member_email(uuid),
    api_key_find(bytea),
    server_target(uuid),
    audit_partitions_make(),
    audit_partitions_drop(timestamptz)
to tollgate_console;
-- A gateway that runs without a console near it keeps its months made, too.
grant execute on function audit_partitions_make() to tollgate_gateway;

select audit_partitions_make();
