-- The database roles. None can log in: a login takes one with SET ROLE (see `store::Db::connect`).
--
-- A production login for the application is made by the operator and given one or both of the
-- first two; `noinherit` makes it powerless until it takes one:
--     create role app login noinherit password '…';
--     grant tollgate_console, tollgate_gateway to app;
--
-- Works for a superuser, and for the owner of the database who has CREATEROLE. Roles belong to the
-- whole cluster, so another database may have made them already, even a moment ago.

do $$
declare
    wanted text;
begin
    foreach wanted in array array[
        -- People's side: one organisation per transaction.
        'tollgate_console',
        -- Agents' side: reads configuration, inserts audit rows.
        'tollgate_gateway',
        -- Owns the functions that cross the wall between organisations (0009).
        'tollgate_wall',
        -- Owns the audit tables, because only a table's owner can add and drop its partitions.
        'tollgate_partitions'
    ] loop
        if not exists (select from pg_catalog.pg_roles where rolname = wanted) then
            begin
                execute pg_catalog.format('create role %I nologin noinherit', wanted);
            exception when duplicate_object or unique_violation then
                null; -- another database's migration made it first
            end;
        end if;
        -- A superuser may take any role as it is. Anyone else needs membership, to hand tables and
        -- functions over to these roles here and to take the first two at run time.
        if not (select rolsuper from pg_catalog.pg_roles where rolname = current_user) then
            execute pg_catalog.format('grant %I to current_user', wanted);
        end if;
    end loop;
end
$$;

-- Nobody but the owner adds objects that a query could mistake for ours.
revoke create on schema public from public;
grant usage on schema public
    to tollgate_console, tollgate_gateway, tollgate_wall, tollgate_partitions;

-- The organisation that this transaction works for. Null where none is set, and an empty setting,
-- which is what a transaction leaves behind on its connection, counts as none.
create function app_org() returns uuid
    language sql stable parallel safe
    return nullif(current_setting('app.org_id', true), '')::uuid;
revoke execute on function app_org() from public;
grant execute on function app_org() to tollgate_console, tollgate_gateway, tollgate_wall;
