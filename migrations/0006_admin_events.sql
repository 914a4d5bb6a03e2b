-- What people did: one row per change, written in the change's transaction. History like the audit
-- log: names as they were, no foreign keys, never updated.

create table admin_events (
    id uuid primary key,
    org_id uuid not null,
    at timestamptz not null default now(),
    -- The member, or the maker of the key; null where the product itself acted.
    actor_user uuid,
    actor_key uuid,
    actor_label text not null,
    action text not null,
    target text not null,
    target_label text not null,
    before jsonb,
    after jsonb
);
create index admin_events_org on admin_events (org_id, id);
create trigger admin_events_never_change before update on admin_events
    for each row execute function refuse_change();
