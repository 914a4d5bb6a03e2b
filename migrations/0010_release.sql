-- Which migrations were applied is no secret, and the application's own login asks for it at its
-- start, before it has taken a role. (The table is sqlx's; a script that applies these files by
-- itself has none.)
do $$
begin
    if to_regclass('_sqlx_migrations') is not null then
        grant select on _sqlx_migrations to public;
    end if;
end
$$;
