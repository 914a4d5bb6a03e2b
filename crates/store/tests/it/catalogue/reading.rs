//! Reading what was loaded.

use domain::tools::{Risk, ToolClass};
use store::{StoreError, catalogue};
use time::{Duration, OffsetDateTime};

use super::{Entry, RISKS, entry, loaded, server, some, tool};
use crate::support::TestDb;

#[tokio::test]
async fn servers_and_tools_are_as_they_were_loaded() {
    let db = TestDb::new().await;
    let entries = some();
    loaded(&db, &entries).await;
    let github = catalogue::server(&db.console, "github").await.expect("it");
    assert_eq!(github.card.server, entries[0].server);
    assert_eq!(github.card.tool_count, Some(4));
    assert_eq!(github.card.counts.by_class, [1, 1, 1, 1, 0]);
    assert_eq!(github.card.counts.by_risk, [1, 1, 1, 1]);
    let unseen = catalogue::server(&db.console, "unseen").await.expect("it");
    assert_eq!(unseen.card.tool_count, None);

    let tools = catalogue::tools(&db.console, "github", 0, 9)
        .await
        .expect("tools");
    let risks: Vec<Risk> = tools.iter().map(|tool| tool.risk).rev().collect();
    assert_eq!(risks, RISKS);
    let rest = catalogue::tools(&db.console, "github", 3, 9)
        .await
        .expect("tools");
    assert_eq!(rest, tools[3..]);
    let one = catalogue::tool(&db.console, "github", "create_issue")
        .await
        .expect("it");
    assert_eq!(one.tool, entries[0].tools.as_ref().expect("tools")[0]);
    assert_eq!(one.card.server.slug, "github");
    for (slug, name) in [("github", "none"), ("none", "create_issue"), ("a\0b", "x")] {
        let missing = catalogue::tool(&db.console, slug, name).await;
        assert!(matches!(missing, Err(StoreError::NotFound)));
    }
}

/// The usual servers, and twenty with three tools each, of which one reads.
fn with_twenty_more(reads: &str) -> Vec<Entry> {
    let mut entries = some();
    for n in 0..20 {
        let tools = vec![
            tool("rerun_workflow", ToolClass::Execute),
            tool("rerunWorkflow", ToolClass::Execute),
            tool(reads, ToolClass::Read),
        ];
        entries.push(entry(server(&format!("more-{n}")), Some(tools)));
    }
    entries
}

#[tokio::test]
async fn tools_are_found_by_name_one_a_server() {
    let db = TestDb::new().await;
    let entries = with_twenty_more("abort");
    loaded(&db, &entries).await;
    let named = async |names: &[&str], classes: &[ToolClass]| {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let found = catalogue::named(&db.console, &names, classes, &[]).await;
        found.expect("tools")
    };
    let execute = [ToolClass::Execute, ToolClass::Write];
    let found = named(&["rerunWorkflow", "abort"], &execute).await;
    assert_eq!(found.len(), 12);
    assert!(found.iter().all(|card| card.tool.name == "rerunWorkflow"));
    let mut servers: Vec<&str> = found.iter().map(|card| card.slug.as_str()).collect();
    servers.dedup();
    assert_eq!(servers.len(), 12);
    assert!(named(&["abort"], &execute).await.is_empty());
    assert!(named(&[], &execute).await.is_empty());
    assert_eq!(named(&["create_issue"], &execute).await.len(), 1);
}

#[tokio::test]
async fn tools_by_name_can_be_those_of_some_servers_alone() {
    let db = TestDb::new().await;
    let of = |slug: &str, package: &str| {
        let mut server = server(slug);
        server.packages = vec![package.to_owned()];
        entry(server, Some(vec![tool("get_file", ToolClass::Read)]))
    };
    loaded(&db, &[of("a", "npm:@x/A"), of("b", "npm:b")]).await;
    for (servers, expected) in [
        (vec![], vec!["a", "b"]),
        (vec!["npm:@x/a"], vec!["a"]),
        (vec!["npm:none"], vec![]),
    ] {
        let servers: Vec<String> = servers.into_iter().map(str::to_owned).collect();
        let (names, classes) = (["get_file".to_owned()], [ToolClass::Read]);
        let found = catalogue::named(&db.console, &names, &classes, &servers).await;
        let found = found.expect("tools");
        let mut slugs: Vec<&str> = found.iter().map(|card| card.slug.as_str()).collect();
        slugs.sort_unstable();
        assert_eq!(slugs, expected);
    }
}

#[tokio::test]
async fn neighbours_are_of_the_same_class_and_one_a_server() {
    let db = TestDb::new().await;
    let mut entries = with_twenty_more("rerun");
    entries.push(entry(
        server("last"),
        Some(vec![tool("start_workflow", ToolClass::Execute)]),
    ));
    loaded(&db, &entries).await;
    let rerun = catalogue::tool(&db.console, "more-3", "rerun_workflow")
        .await
        .expect("it")
        .tool;
    let near = catalogue::neighbours(&db.console, "more-3", &rerun)
        .await
        .expect("them");
    let here: Vec<_> = near
        .here
        .iter()
        .map(|card| card.tool.name.as_str())
        .collect();
    assert_eq!(here, ["rerunWorkflow"]);
    assert_eq!(near.elsewhere.len(), 12);
    let mut slugs: Vec<_> = near.elsewhere.iter().map(|card| &card.slug).collect();
    slugs.sort_unstable();
    slugs.dedup();
    assert_eq!(slugs.len(), 12);
    assert!(near.elsewhere.iter().all(|card| card.slug != "more-3"));
    assert!(
        near.elsewhere
            .iter()
            .all(|card| card.tool.class == ToolClass::Execute)
    );
    // With fewer of the same name, what is done to the same thing comes after them.
    let start = catalogue::tool(&db.console, "last", "start_workflow")
        .await
        .expect("it")
        .tool;
    let near = catalogue::neighbours(&db.console, "last", &start)
        .await
        .expect("them");
    assert_eq!(near.here.len(), 0);
    assert_eq!(near.elsewhere.len(), 12);
}

#[tokio::test]
async fn what_a_configuration_mentions_is_found_in_every_spelling() {
    let db = TestDb::new().await;
    loaded(&db, &some()).await;
    for (name, slug) in [
        ("npm:@github/MCP", "github"),
        ("npm:@github/mcp@latest", "github"),
        ("https://API.githubcopilot.com/mcp?x=1", "github"),
        ("https://github.com/github/github-mcp-server.git", "github"),
        ("pypi:acme.mail", "acme-mail"),
    ] {
        let asked = [name.to_owned(), "npm:none".to_owned()];
        let found = catalogue::mentioned(&db.console, &asked)
            .await
            .expect("them");
        assert_eq!(found.len(), 1, "{name}");
        assert_eq!(
            (found[0].by.as_str(), found[0].card.server.slug.as_str()),
            (name, slug)
        );
    }
    let odd = ["", "\0", "npm:", "'; drop table x", "https://", "{}", "\\"].map(str::to_owned);
    assert_eq!(
        catalogue::mentioned(&db.console, &odd)
            .await
            .expect("none")
            .len(),
        0
    );
}

#[tokio::test]
async fn the_sitemap_has_every_page_once() {
    let db = TestDb::new().await;
    let many = (0..9_000).map(|n| tool(&format!("tool_{n}"), ToolClass::Read));
    let mut entries = some();
    entries.insert(1, entry(server("many"), Some(many.collect())));
    entries.push(entry(
        server("more"),
        Some(
            (0..3_000)
                .map(|n| tool(&format!("t{n}"), ToolClass::Read))
                .collect(),
        ),
    ));
    loaded(&db, &entries).await;
    let mut lines = Vec::new();
    let whole = 5 + 8 + 9_000 + 3_000;
    let files = u32::div_ceil(whole, catalogue::SITEMAP_LINES);
    for page in 0..files {
        let some = catalogue::sitemap(&db.console, page).await.expect("lines");
        let left = whole - page * catalogue::SITEMAP_LINES;
        assert_eq!(some.len(), left.min(catalogue::SITEMAP_LINES) as usize);
        lines.extend(some.into_iter().map(|line| (line.slug, line.tool)));
    }
    let all = lines.len();
    assert_eq!(all, whole as usize);
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines.len(), all);
    for page in [files, u32::MAX, u32::MAX / catalogue::SITEMAP_LINES] {
        assert_eq!(
            catalogue::sitemap(&db.console, page)
                .await
                .expect("none")
                .len(),
            0
        );
    }
}

#[tokio::test]
async fn changes_are_the_newest_first() {
    let db = TestDb::new().await;
    let start = OffsetDateTime::now_utc() - Duration::minutes(1);
    loaded(&db, &some()).await;
    loaded(&db, &[entry(server("late"), None)]).await;
    let changed = catalogue::changes_since(&db.console, start, 2)
        .await
        .expect("them");
    assert_eq!(changed.len(), 2);
    assert_eq!(changed[0].server.slug, "late");
    let later = start + Duration::hours(1);
    let none = catalogue::changes_since(&db.console, later, 9)
        .await
        .expect("none");
    assert_eq!(none.len(), 0);
}
