//! Times every read of the catalogue in the database that `DATABASE_URL` names, which is loaded
//! already; `deploy/bench-catalogue` runs it.

use std::{
    fmt::Write as _,
    io::Write as _,
    time::{Duration, Instant},
};

use domain::tools::{Risk, ToolClass};
use store::{
    Db, DbRole,
    catalogue::{self, Filter},
};
use time::OffsetDateTime;

/// Common, rare, misspelt, of one letter, of none.
const TEXTS: [&str; 24] = [
    "get",
    "a",
    "e",
    "g",
    "list",
    "the",
    "create issue",
    "github",
    "search",
    "delete file",
    "get user",
    "s",
    "data",
    "run query",
    "send email",
    "mcp",
    "server",
    "repositry",
    "delte mesage",
    "zzqqxx",
    "kubernetes pod",
    "stripe refund",
    "update the record in a table",
    "!!!",
];

type Error = Box<dyn std::error::Error>;

struct Times {
    what: &'static str,
    all: Vec<(Duration, String)>,
}

impl Times {
    const fn of(what: &'static str) -> Self {
        Self {
            what,
            all: Vec::new(),
        }
    }

    fn add(&mut self, since: Instant, of: impl Into<String>) {
        self.all.push((since.elapsed(), of.into()));
    }

    fn line(mut self) -> String {
        self.all.sort_by_key(|(time, _)| *time);
        let at = |percent: usize| self.all[(self.all.len() - 1) * percent / 100].0;
        let (worst, of) = &self.all[self.all.len() - 1];
        let ms = |time: Duration| format!("{:.1}", time.as_secs_f64() * 1e3);
        format!(
            "| {} | {} | {} | {} | {} | {of} |\n",
            self.what,
            self.all.len(),
            ms(at(50)),
            ms(at(99)),
            ms(*worst)
        )
    }
}

fn filters() -> Vec<(String, Filter)> {
    let mut filters = Vec::new();
    let texts = TEXTS.iter().map(|text| Some((*text).to_owned()));
    for text in texts.chain([None]) {
        let with = |filter: Filter| Filter {
            text: text.clone(),
            ..filter
        };
        let name = text.clone().unwrap_or_default();
        let narrowed = [
            ("", Filter::default()),
            (
                " financial",
                Filter {
                    class: Some(ToolClass::Financial),
                    ..Filter::default()
                },
            ),
            (
                " critical official sse",
                Filter {
                    risk: Some(Risk::Critical),
                    official: Some(true),
                    transport: Some("sse".into()),
                    ..Filter::default()
                },
            ),
        ];
        for (narrow, filter) in narrowed {
            filters.push((format!("“{name}”{narrow}"), with(filter)));
        }
    }
    filters
}

async fn searches(db: &Db) -> Result<String, Error> {
    let mut tools = Times::of("search tools");
    let mut servers = Times::of("search servers");
    let mut deep = Times::of("search tools, deep pages");
    for _ in 0..5 {
        for (name, filter) in filters() {
            let since = Instant::now();
            let found = catalogue::search_tools(db, &filter, 0, 20).await?;
            tools.add(since, &name);
            let since = Instant::now();
            catalogue::search_servers(db, &filter, 0, 20).await?;
            servers.add(since, &name);
            let since = Instant::now();
            let last = found.total.saturating_sub(20);
            catalogue::search_tools(db, &filter, last, 20).await?;
            deep.add(since, &name);
        }
    }
    Ok(tools.line() + &servers.line() + &deep.line())
}

async fn reads(db: &Db) -> Result<String, Error> {
    let mut totals = Times::of("totals");
    let mut server = Times::of("a server");
    let mut list = Times::of("its tools");
    let mut tool = Times::of("a tool");
    let mut near = Times::of("tools like it");
    let mut mentioned = Times::of("20 names of a configuration");
    let mut names = Vec::new();
    for page in 0..40 {
        let filter = Filter::default();
        for card in catalogue::search_servers(db, &filter, page * 250, 5)
            .await?
            .items
        {
            let slug = &card.server.slug;
            let since = Instant::now();
            catalogue::totals(db).await?;
            totals.add(since, "");
            let since = Instant::now();
            catalogue::server(db, slug).await?;
            server.add(since, slug);
            let since = Instant::now();
            let tools = catalogue::tools(db, slug, 0, 3_000).await?;
            list.add(since, format!("{slug}, {} tools", tools.len()));
            for one in tools.iter().step_by(1 + tools.len() / 5) {
                let since = Instant::now();
                catalogue::tool(db, slug, &one.name).await?;
                tool.add(since, slug);
                let since = Instant::now();
                catalogue::neighbours(db, slug, one).await?;
                near.add(since, format!("{slug} {}", one.name));
            }
            names.extend(card.server.packages.into_iter().chain(card.server.repo));
            if names.len() >= 20 {
                let since = Instant::now();
                catalogue::mentioned(db, &names).await?;
                mentioned.add(since, "");
                names.clear();
            }
        }
    }
    let all = [totals, server, list, tool, near, mentioned];
    Ok(all.into_iter().map(Times::line).collect())
}

async fn lists(db: &Db) -> Result<String, Error> {
    let mut sitemap = Times::of("a file of the sitemap");
    let mut changes = Times::of("100 changes");
    for _ in 0..5 {
        for page in 0.. {
            let since = Instant::now();
            let lines = catalogue::sitemap(db, page).await?.len();
            sitemap.add(since, format!("file {page}, {lines} lines"));
            if lines == 0 {
                break;
            }
        }
        let since = Instant::now();
        catalogue::changes_since(db, OffsetDateTime::UNIX_EPOCH, 100).await?;
        changes.add(since, "");
    }
    Ok(sitemap.line() + &changes.line())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let url = std::env::var("DATABASE_URL")?;
    let db = Db::connect(&url, DbRole::Console, 2).await?;
    let totals = catalogue::totals(&db).await?;
    let mut text = String::new();
    writeln!(
        text,
        "{} servers, {} of them scanned, {} tools\n\n| what | times | p50 ms | p99 ms | max ms | \
         slowest |\n| --- | --- | --- | --- | --- | --- |",
        totals.servers, totals.servers_scanned, totals.tools
    )?;
    text += &reads(&db).await?;
    text += &searches(&db).await?;
    text += &lists(&db).await?;
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(())
}
