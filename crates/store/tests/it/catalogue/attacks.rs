//! Texts that would break a search, and roles that would write what they may only read.

use store::catalogue::{self, Filter};

use super::{loaded, some};
use crate::support::{DENIED, TestDb, code, run};

#[tokio::test]
async fn no_text_breaks_a_search() {
    let db = TestDb::new().await;
    loaded(&db, &some()).await;
    let words = "word ".repeat(2_000);
    let long = "x".repeat(10_000);
    let operators = "issue & !(mail | <-> workflow):*A";
    for text in [
        "'",
        "''",
        "\\",
        "\\'",
        "%",
        "_",
        "\0",
        "a\0b",
        "!",
        "!!!",
        "&",
        "|",
        "<->",
        "(",
        ")",
        ":*",
        ":A",
        "''; drop table catalogue_tools; --",
        operators,
        "'issue' & 'mail'",
        "\u{202e}",
        "日本",
        "İ",
        "ß",
        "ﬁ",
        "é",
        "e\u{301}",
        "-",
        "1e5",
        "0x1f",
        "1.2.3",
        "a@b.c",
        "http://x/y",
        "🦀",
        " \t\r\n",
        words.as_str(),
        long.as_str(),
    ] {
        for server in [None, Some("github".to_owned()), Some(text.to_owned())] {
            let filter = Filter {
                text: Some(text.to_owned()),
                server,
                ..Filter::default()
            };
            let tools = catalogue::search_tools(&db.console, &filter, 0, 9).await;
            tools.unwrap_or_else(|error| panic!("{text:?}: {error}"));
            let servers = catalogue::search_servers(&db.console, &filter, 0, 9).await;
            servers.unwrap_or_else(|error| panic!("{text:?}: {error}"));
        }
        let _ = catalogue::server(&db.console, text).await;
        let transport = Filter {
            transport: Some(text.to_owned()),
            ..Filter::default()
        };
        let found = catalogue::search_tools(&db.console, &transport, 0, 9)
            .await
            .expect("none");
        assert_eq!(found.total, 0);
    }
}

/// Were the text put into the query as it is, `!mail` would find everything else.
#[tokio::test]
async fn operators_are_words_like_others() {
    let db = TestDb::new().await;
    loaded(&db, &some()).await;
    for (text, found) in [
        ("!mail", 5),
        ("mail | zzzzz", 0),
        ("mail:*", 5),
        ("(mail", 5),
    ] {
        let filter = Filter {
            text: Some(text.to_owned()),
            ..Filter::default()
        };
        let tools = catalogue::search_tools(&db.console, &filter, 0, 9)
            .await
            .expect("tools");
        let mail = tools.items.iter().all(|card| card.slug == "acme-mail");
        assert!(
            mail && (tools.total > 0) == (found > 0),
            "{text}: {}",
            tools.total
        );
    }
    let signs = Filter {
        text: Some("!&|".to_owned()),
        ..Filter::default()
    };
    let found = catalogue::search_tools(&db.console, &signs, 0, 9)
        .await
        .expect("none");
    assert_eq!((found.total, found.alike), (0, false));
}

const TABLES: [&str; 9] = [
    "catalogue_servers",
    "catalogue_tools",
    "catalogue_server_words",
    "catalogue_tool_words",
    "catalogue_spread",
    "catalogue_vocabulary",
    "catalogue_releases",
    "catalogue_corrections",
    "catalogue_totals",
];

#[tokio::test]
async fn the_console_cannot_write_the_catalogue() {
    let db = TestDb::new().await;
    loaded(&db, &some()).await;
    let mut console = db.connect_as("tollgate_console").await;
    for table in TABLES {
        let read = run(&mut console, &format!("select * from {table} limit 1")).await;
        read.unwrap_or_else(|error| panic!("{table}: {error}"));
        for change in [
            format!("delete from {table}"),
            format!("truncate {table}"),
            format!("insert into {table} default values"),
            format!("drop table {table}"),
        ] {
            let refused = run(&mut console, &change).await;
            assert_eq!(code(refused), DENIED, "{change}");
        }
    }
    let update = "update catalogue_tools set class = 'read'";
    let refused = run(&mut console, update).await;
    assert_eq!(code(refused), DENIED);
}

#[tokio::test]
async fn the_gateway_reads_neither_the_catalogue_nor_letters() {
    let db = TestDb::new().await;
    let mut gateway = db.connect_as("tollgate_gateway").await;
    for table in TABLES.into_iter().chain(["contact_messages"]) {
        for statement in [
            format!("select * from {table} limit 1"),
            format!("delete from {table}"),
        ] {
            let refused = run(&mut gateway, &statement).await;
            assert_eq!(code(refused), DENIED, "{statement}");
        }
    }
    let mut console = db.connect_as("tollgate_console").await;
    for change in [
        "delete from contact_messages",
        "update contact_messages set message = 'x'",
    ] {
        let refused = run(&mut console, change).await;
        assert_eq!(code(refused), DENIED, "{change}");
    }
}
