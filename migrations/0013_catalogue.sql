-- The public catalogue: what is known of MCP servers and their tools. It belongs to no organisation,
-- everyone reads it, and only the owner's login (the command line) writes it.

create extension if not exists pg_trgm;

create table catalogue_servers (
    id bigint generated always as identity primary key,
    slug text not null unique check (length(slug) between 1 and 200),
    name text not null,
    vendor text,
    summary text,
    repo text,
    subdir text,
    licence text,
    packages text[] not null default '{}',
    transports text[] not null default '{}',
    remote_url text,
    auth text,
    official boolean not null default false,
    tags text[] not null default '{}',
    sources text[] not null default '{}',
    tools_from text,
    tools_date date,
    tools_total integer,
    copies integer not null default 0,
    platform text,
    version text,
    origin text not null check (origin in ('shipped', 'imported', 'registry')),
    -- Null: not scanned yet.
    tool_count integer,
    -- By class, mildest first, and by risk, lowest first.
    by_class integer[] not null default '{0,0,0,0,0}' check (cardinality(by_class) = 5),
    by_risk integer[] not null default '{0,0,0,0}' check (cardinality(by_risk) = 4),
    -- Its packages, addresses and repository as `mentioned` compares them.
    keys text[] not null default '{}',
    -- Where its lines begin in the sitemap: its own page, then its tools.
    sitemap_at integer not null default 0,
    -- What was said of it when it was loaded last, so that loading it again does nothing.
    content_hash bytea not null,
    added_at timestamptz not null default now(),
    changed_at timestamptz not null default now()
);
create index catalogue_servers_keys on catalogue_servers using gin (keys);
create index catalogue_servers_sitemap on catalogue_servers (sitemap_at);
create index catalogue_servers_changed on catalogue_servers (changed_at desc, id desc);

create table catalogue_tools (
    server_id bigint not null references catalogue_servers on delete cascade,
    -- As the server lists them, from 0 on without a gap.
    position integer not null,
    name text not null,
    description text,
    does text,
    note text,
    args jsonb,
    hints jsonb not null default '{}',
    -- In force: what was found, or what the operator says.
    class text not null check (class in ('read', 'write', 'execute', 'destructive', 'financial')),
    risk text not null check (risk in ('low', 'medium', 'high', 'critical')),
    found_class text not null
        check (found_class in ('read', 'write', 'execute', 'destructive', 'financial')),
    found_risk text not null check (found_risk in ('low', 'medium', 'high', 'critical')),
    signals jsonb not null default '[]',
    confidence real not null,
    corrected boolean not null default false,
    primary key (server_id, name),
    unique (server_id, position)
);

-- What is searched, apart from what is shown, so that a search reads few pages. In the masks a bit
-- stands for a class, mildest first, a risk, lowest first, and a transport: stdio, streamable-http,
-- sse. Words are split by the program, names and questions alike.
create table catalogue_server_words (
    server_id bigint primary key references catalogue_servers on delete cascade,
    class_mask smallint not null,
    risk_mask smallint not null,
    transport_mask smallint not null,
    official boolean not null,
    -- The better known first.
    weight integer not null,
    words text not null,
    search tsvector not null
);
create index catalogue_server_words_search on catalogue_server_words using gin (search);
create index catalogue_server_words_browse on catalogue_server_words (weight desc, server_id);

create table catalogue_tool_words (
    server_id bigint not null,
    position integer not null,
    class_mask smallint not null,
    risk_mask smallint not null,
    transport_mask smallint not null,
    official boolean not null,
    weight integer not null,
    words text not null,
    search tsvector not null,
    primary key (server_id, position),
    foreign key (server_id, position) references catalogue_tools (server_id, position)
        on delete cascade
);
create index catalogue_tool_words_search on catalogue_tool_words using gin (search);
create index catalogue_tool_words_name on catalogue_tool_words (words);
create index catalogue_tool_words_browse
    on catalogue_tool_words (risk_mask desc, weight desc, server_id, position)
    include (class_mask, transport_mask, official);

-- How many servers and tools there are of each kind: the facets where no words are asked for.
create table catalogue_spread (
    kind text not null check (kind in ('server', 'tool')),
    class_mask smallint not null,
    risk_mask smallint not null,
    transport_mask smallint not null,
    official boolean not null,
    number integer not null,
    primary key (kind, class_mask, risk_mask, transport_mask, official)
);

-- Every word that is searched for: a misspelt one is looked up here.
create table catalogue_vocabulary (
    word text primary key,
    uses integer not null
);
create index catalogue_vocabulary_alike on catalogue_vocabulary using gin (word gin_trgm_ops);
create index catalogue_vocabulary_prefix on catalogue_vocabulary (word text_pattern_ops);

-- How a server's tool list changed.
create table catalogue_releases (
    server_id bigint not null references catalogue_servers on delete cascade,
    number integer not null,
    version text,
    date date,
    tool_count integer not null,
    added text[] not null default '{}',
    removed text[] not null default '{}',
    changed text[] not null default '{}',
    seen_at timestamptz not null default now(),
    primary key (server_id, number)
);

-- What the operator says of a tool; outlives every load.
create table catalogue_corrections (
    slug text not null,
    tool text not null,
    class text not null check (class in ('read', 'write', 'execute', 'destructive', 'financial')),
    risk text not null check (risk in ('low', 'medium', 'high', 'critical')),
    note text,
    set_at timestamptz not null default now(),
    primary key (slug, tool)
);

-- What the catalogue holds, counted at the end of each load.
create table catalogue_totals (
    singleton boolean primary key default true check (singleton),
    -- Raised by each load; part of the entity tag of every public page.
    revision bigint not null default 0,
    loaded_at timestamptz,
    servers integer not null default 0,
    servers_scanned integer not null default 0,
    -- Of those scanned, the integrations that a platform hosts.
    hosted integer not null default 0,
    tools integer not null default 0,
    by_class integer[] not null default '{0,0,0,0,0}',
    by_risk integer[] not null default '{0,0,0,0}',
    -- What was loaded and classified by: a later release of Tollgate does it again.
    shipped_hash bytea,
    rules_hash bytea
);
insert into catalogue_totals default values;

grant select on catalogue_servers, catalogue_tools, catalogue_server_words, catalogue_tool_words,
    catalogue_spread, catalogue_vocabulary, catalogue_releases, catalogue_corrections,
    catalogue_totals to tollgate_console;

-- What people wrote in the contact form.
create table contact_messages (
    id uuid primary key,
    name text not null check (length(name) between 1 and 100),
    email text not null check (length(email) between 3 and 254),
    organisation text check (length(organisation) <= 100),
    message text not null check (length(message) between 1 and 5000),
    -- Null until a letter to the operator was taken by the mail server.
    mailed_at timestamptz,
    -- How often the mail server said that it will never take the letter, what it said last, and when
    -- that was once too often: then the letter is not sent again.
    refusals smallint not null default 0,
    refusal text check (length(refusal) <= 500),
    refused_at timestamptz
);
grant select, insert on contact_messages to tollgate_console;
grant update (mailed_at, refusals, refusal, refused_at) on contact_messages to tollgate_console;
