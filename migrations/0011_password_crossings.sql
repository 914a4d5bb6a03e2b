-- What a password opened is bound to that very password, so that no attempt which looked at the old
-- one just before a change takes effect just after it. Crossings like those of 0009.

drop function session_create(uuid, bytea, interval);
drop function account_set_password(uuid, text);

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

grant create on schema public to tollgate_wall;
alter function account_set_password(uuid, text, text) owner to tollgate_wall;
alter function session_create(uuid, text, bytea, interval) owner to tollgate_wall;
revoke create on schema public from tollgate_wall;

revoke execute on function
    account_set_password(uuid, text, text),
    session_create(uuid, text, bytea, interval)
from public;
grant execute on function
    account_set_password(uuid, text, text),
    session_create(uuid, text, bytea, interval)
to tollgate_console;
