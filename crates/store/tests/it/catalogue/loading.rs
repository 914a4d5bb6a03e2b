//! What a load changes, and what it leaves alone.

use domain::{
    catalogue::{KnownServer, Origin, Release},
    tools::{Risk, ToolClass},
};
use store::catalogue::{self, Correction, Given, LoadReport, Stamp};

use super::{argument, entry, loaded, loader, server, some, tool};
use crate::support::TestDb;

#[tokio::test]
async fn loading_the_same_again_does_nothing() {
    let db = TestDb::new().await;
    let before = catalogue::totals(&db.console).await.expect("totals");
    let first = loaded(&db, &some()).await;
    let expected = LoadReport {
        added: 3,
        tools: 8,
        ..LoadReport::default()
    };
    assert_eq!(first, expected);
    let totals = catalogue::totals(&db.console).await.expect("totals");
    assert_eq!(totals.revision, before.revision + 1);
    assert_eq!((totals.servers, totals.servers_scanned), (3, 2));
    assert_eq!(totals.tools, 8);
    assert_eq!(totals.counts.by_class, [2, 2, 2, 1, 1]);
    assert_eq!(totals.counts.by_risk, [2, 2, 2, 2]);

    let again = loaded(&db, &some()).await;
    assert_eq!((again.unchanged, again.changed, again.added), (3, 0, 0));
    let after = catalogue::totals(&db.console).await.expect("totals");
    assert_eq!(after.revision, totals.revision);
    assert_eq!(after.loaded_at, totals.loaded_at);
}

#[tokio::test]
async fn a_changed_tool_list_is_a_release() {
    let db = TestDb::new().await;
    loaded(&db, &some()).await;
    let mut entries = some();
    entries.truncate(1);
    entries[0].server.version = Some("2.0".into());
    let tools = entries[0].tools.as_mut().expect("tools");
    tools.remove(2);
    tools[0]
        .args
        .as_mut()
        .expect("arguments")
        .push(argument("body"));
    // Judged anew, which is no change of the server's.
    tools[1].class = ToolClass::Write;
    tools.push(tool("merge", ToolClass::Write));
    let report = loaded(&db, &entries).await;
    assert_eq!((report.changed, report.tools), (1, 4));
    let github = catalogue::server(&db.console, "github").await.expect("it");
    let expected = Release {
        version: Some("2.0".into()),
        date: None,
        tool_count: 4,
        added: vec!["merge".into()],
        removed: vec!["delete_repository".into()],
        changed: vec!["create_issue".into()],
    };
    assert_eq!(github.releases.len(), 2);
    assert_eq!(github.releases[0], expected);
    assert_eq!(github.releases[1].added, Vec::<String>::new());
    // The servers that were not among them are still there.
    let totals = catalogue::totals(&db.console).await.expect("totals");
    assert_eq!((totals.servers, totals.tools), (3, 8));

    entries[0].tools.as_mut().expect("tools")[1].risk = Risk::High;
    loaded(&db, &entries).await;
    let github = catalogue::server(&db.console, "github").await.expect("it");
    assert_eq!(github.releases.len(), 2);
    assert_eq!(github.card.counts.by_risk, [0, 2, 2, 0]);
}

#[tokio::test]
async fn a_better_source_is_never_replaced() {
    let db = TestDb::new().await;
    let by = |origin, name: &str| KnownServer {
        origin,
        name: name.into(),
        packages: vec!["npm:x".into()],
        ..server("x")
    };
    let tools = || Some(vec![tool("get", ToolClass::Read)]);
    loaded(&db, &[entry(by(Origin::Shipped, "ours"), tools())]).await;
    for origin in [Origin::Imported, Origin::Registry] {
        let report = loaded(&db, &[entry(by(origin, "theirs"), tools())]).await;
        assert_eq!((report.kept, report.changed), (1, 0));
    }
    let x = catalogue::server(&db.console, "x").await.expect("it");
    assert_eq!(x.card.server.name, "ours");
    // A registry may call it otherwise.
    let alias = KnownServer {
        slug: "io-github-x".into(),
        ..by(Origin::Registry, "theirs")
    };
    assert_eq!(loaded(&db, &[entry(alias, None)]).await.kept, 1);
    let report = loaded(&db, &[entry(by(Origin::Shipped, "newer"), tools())]).await;
    assert_eq!(report.changed, 1);
}

/// A registry lets anybody publish, and publishers may claim what is not theirs.
#[tokio::test]
async fn nothing_of_a_registry_stands_before_a_better_source() {
    let db = TestDb::new().await;
    let theirs = |slug: &str, packages: &[&str]| KnownServer {
        origin: Origin::Registry,
        name: "GitHub".into(),
        packages: packages.iter().map(|it| (*it).to_owned()).collect(),
        sources: (0..8).map(|n| format!("list {n}")).collect(),
        official: true,
        ..server(slug)
    };
    let mut squatter = theirs("a--squatter", &["npm:squatter"]);
    squatter.repo = Some("https://github.com/github/github-mcp-server".into());
    let early = theirs("a--early", &["npm:@github/mcp"]);
    loaded(
        &db,
        &[entry(squatter.clone(), None), entry(early.clone(), None)],
    )
    .await;
    let mut ours = some();
    ours[0].server.official = false;
    ours[0].server.sources.clear();
    let unseen = entry(
        KnownServer {
            packages: vec!["npm:unseen".into()],
            sources: vec![],
            ..server("unseen")
        },
        None,
    );
    ours[2] = unseen;
    loaded(&db, &ours).await;

    // Both claim the repository, and the better source counts.
    let repo = "https://github.com/github/github-mcp-server".to_owned();
    let names = [repo, "npm:@github/mcp".to_owned(), "npm:unseen".to_owned()];
    let known = async || {
        let found = catalogue::mentioned(&db.console, &names).await;
        let found = found.expect("them").into_iter();
        found
            .map(|found| found.card.server.slug)
            .collect::<Vec<_>>()
    };
    assert_eq!(known().await, ["github", "github", "unseen"]);
    let filter = catalogue::Filter {
        text: Some("github".into()),
        ..catalogue::Filter::default()
    };
    let found = catalogue::search_servers(&db.console, &filter, 0, 9).await;
    assert_eq!(found.expect("servers").items[0].server.slug, "github");

    // What turns out to be known goes; an update may not claim what is another's.
    let update = theirs("a--squatter", &["npm:squatter", "npm:unseen"]);
    let report = loaded(&db, &[entry(early, None), entry(update, None)]).await;
    assert_eq!((report.kept, report.changed, report.added), (2, 0, 0));
    for slug in ["a--early", "a--squatter"] {
        assert!(
            catalogue::server(&db.console, slug).await.is_err(),
            "{slug}"
        );
    }
    let totals = catalogue::totals(&db.console).await.expect("totals");
    assert_eq!((totals.servers, totals.tools), (3, 8));
    assert_eq!(known().await, ["github", "github", "unseen"]);
    // Nor is anything but a registry's own taken out because it says so.
    let slugs = ["github".to_owned(), "unseen".to_owned()];
    assert_eq!(loader(&db).await.forget(&slugs).await.expect("none"), 0);
}

#[tokio::test]
async fn who_does_not_know_the_tools_does_not_take_them_away() {
    let db = TestDb::new().await;
    loaded(&db, &some()).await;
    let mut entries = some();
    entries.truncate(1);
    entries[0].tools = None;
    entries[0].server.tools_from = None;
    entries[0].server.official = false;
    entries[0].server.transports = vec!["sse".into()];
    assert_eq!(loaded(&db, &entries).await.changed, 1);
    let github = catalogue::server(&db.console, "github").await.expect("it");
    assert_eq!(github.card.tool_count, Some(4));
    assert_eq!(github.card.server.tools_from.as_deref(), Some("list"));
    assert_eq!(github.card.counts.by_class, [1, 1, 1, 1, 0]);
    let sse = catalogue::Filter {
        transport: Some("sse".into()),
        ..catalogue::Filter::default()
    };
    let found = catalogue::search_tools(&db.console, &sse, 0, 9)
        .await
        .expect("tools");
    assert_eq!(found.total, 4);
}

#[tokio::test]
async fn a_correction_is_in_force_at_once_and_outlives_a_load() {
    let db = TestDb::new().await;
    loaded(&db, &some()).await;
    let mut loader = loader(&db).await;
    let correction = Correction {
        slug: "github".into(),
        tool: "rerun_workflow".into(),
        given: Given {
            class: ToolClass::Destructive,
            risk: Risk::Critical,
            note: Some("\0why".into()),
        },
    };
    loader.correct(&correction).await.expect("corrects");
    let rerun = async || {
        catalogue::tool(&db.console, "github", "rerun_workflow")
            .await
            .expect("the tool")
            .tool
    };
    let counts = async || catalogue::totals(&db.console).await.expect("totals").counts;
    assert_eq!(
        (rerun().await.class, rerun().await.corrected),
        (ToolClass::Destructive, true)
    );
    assert_eq!(counts().await.by_class, [2, 2, 1, 2, 1]);
    let given = catalogue::corrections(&db.console, "github")
        .await
        .expect("them");
    let kept = Given {
        note: Some("\u{FFFD}why".into()),
        ..correction.given.clone()
    };
    assert_eq!(given["rerun_workflow"], kept);
    let page = catalogue::tool(&db.console, "github", "rerun_workflow").await;
    assert_eq!(page.expect("it").correction, kept.note);
    let facets = async |class| {
        let filter = catalogue::Filter {
            class: Some(class),
            ..catalogue::Filter::default()
        };
        let found = catalogue::search_tools(&db.console, &filter, 0, 9).await;
        found.expect("tools").total
    };
    assert_eq!(facets(ToolClass::Destructive).await, 2);
    assert_eq!(facets(ToolClass::Execute).await, 1);

    let mut entries = some();
    entries[0].server.version = Some("2".into());
    loader.load(&entries).await.expect("loads");
    assert_eq!(rerun().await.risk, Risk::Critical);
    // What is read back for others is what was loaded.
    let stored = loader.entries("acme-mail", 1).await.expect("entries");
    assert_eq!(stored[0].server, entries[0].server);
    assert_eq!(stored[0].tools, entries[0].tools);

    loader
        .clear("github", "rerun_workflow")
        .await
        .expect("clears");
    assert_eq!(
        (rerun().await.class, rerun().await.corrected),
        (ToolClass::Execute, false)
    );
    assert_eq!(counts().await.by_class, [2, 2, 2, 1, 1]);
    assert!(loader.clear("github", "rerun_workflow").await.is_err());
    let nobody = Correction {
        slug: "nobody".into(),
        ..correction
    };
    assert!(loader.correct(&nobody).await.is_err());
}

#[tokio::test]
async fn replicas_may_load_at_once() {
    let db = TestDb::new().await;
    let (a, b) = tokio::join!(
        async { loader(&db).await.load(&some()).await.expect("loads") },
        async { loader(&db).await.load(&some()).await.expect("loads") },
    );
    assert_eq!((a.added + b.added, a.unchanged + b.unchanged), (3, 3));
}

#[tokio::test]
async fn a_load_is_whole_or_nothing() {
    let db = TestDb::new().await;
    let twice = vec![tool("a", ToolClass::Read), tool("a", ToolClass::Read)];
    let mut entries = some();
    entries.push(entry(server("broken"), Some(twice)));
    assert!(loader(&db).await.load(&entries).await.is_err());
    assert_eq!(
        catalogue::totals(&db.console)
            .await
            .expect("totals")
            .servers,
        0
    );
}

#[tokio::test]
async fn what_a_catalogue_was_made_by_is_remembered() {
    let db = TestDb::new().await;
    let mut loader = loader(&db).await;
    assert_eq!(loader.stamp().await.expect("none"), None);
    let stamp = Stamp {
        shipped: u64::MAX,
        rules: 7,
    };
    loader.set_stamp(stamp).await.expect("sets");
    assert_eq!(loader.stamp().await.expect("it"), Some(stamp));
}
