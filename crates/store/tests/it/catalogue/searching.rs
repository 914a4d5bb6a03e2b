//! Searching what was loaded.

use domain::tools::{Risk, ToolClass};
use store::catalogue::{self, Filter};

use super::{entry, loaded, server, some, tool};
use crate::support::TestDb;

fn asking(text: &str) -> Filter {
    Filter {
        text: Some(text.to_owned()),
        ..Filter::default()
    }
}

async fn tools(db: &TestDb, filter: &Filter) -> Vec<String> {
    let found = catalogue::search_tools(&db.console, filter, 0, 50)
        .await
        .expect("tools");
    let names = found.items.into_iter();
    names
        .map(|card| format!("{} {}", card.slug, card.tool.name))
        .collect()
}

#[tokio::test]
async fn words_are_found_however_they_are_joined() {
    let db = TestDb::new().await;
    loaded(&db, &some()).await;
    for text in [
        "create_issue",
        "createIssue",
        "issue create",
        "CREATE issu",
        "github ticket",
        "create the issues",
    ] {
        assert_eq!(
            tools(&db, &asking(text)).await,
            ["github create_issue"],
            "{text}"
        );
    }
    assert_eq!(tools(&db, &asking("rerun workflow")).await.len(), 2);
    assert_eq!(
        tools(&db, &asking("acme rerun")).await,
        ["acme-mail rerun_workflow"]
    );
    let found = catalogue::search_servers(&db.console, &asking("git"), 0, 9)
        .await
        .expect("them");
    assert_eq!(found.items[0].server.slug, "github");
}

#[tokio::test]
async fn what_is_misspelt_is_found_and_said_to_be() {
    let db = TestDb::new().await;
    loaded(&db, &some()).await;
    for text in ["repositry", "rerun worflow", "reruun workflow"] {
        let found = catalogue::search_tools(&db.console, &asking(text), 0, 9)
            .await
            .expect("tools");
        assert!(found.alike && !found.items.is_empty(), "{text}");
    }
    let found = catalogue::search_tools(&db.console, &asking("zzzzqqq"), 0, 9)
        .await
        .expect("none");
    assert!(!found.alike && found.total == 0);
}

#[tokio::test]
async fn the_name_itself_comes_first() {
    let db = TestDb::new().await;
    let mut entries = some();
    let mut other = tool("run", ToolClass::Execute);
    other.description = Some("Makes the invoice and the payment of a mail".into());
    entries.push(entry(
        server("a-mail"),
        Some(vec![tool("send_mail_now", ToolClass::Write), other]),
    ));
    loaded(&db, &entries).await;
    let found = tools(&db, &asking("send mail")).await;
    assert_eq!(found, ["acme-mail sendMail", "a-mail send_mail_now"]);
    let found = tools(&db, &asking("mail")).await;
    assert_eq!(found.last().map(String::as_str), Some("a-mail run"));
}

#[tokio::test]
async fn facets_count_what_was_found_but_for_themselves() {
    let db = TestDb::new().await;
    loaded(&db, &some()).await;
    let all = catalogue::search_tools(&db.console, &Filter::default(), 0, 3)
        .await
        .expect("all");
    assert_eq!((all.total, all.items.len()), (8, 3));
    assert_eq!(all.items[0].tool.risk, Risk::Critical);
    assert_eq!(all.facets.by_class, [2, 2, 2, 1, 1]);
    assert_eq!(
        all.facets.by_transport,
        [("stdio".to_owned(), 8), ("streamable-http".to_owned(), 4)]
    );
    assert_eq!(all.facets.by_official, [4, 4]);

    let filter = Filter {
        class: Some(ToolClass::Execute),
        official: Some(false),
        ..asking("workflow")
    };
    let found = catalogue::search_tools(&db.console, &filter, 0, 9)
        .await
        .expect("one");
    assert_eq!((found.total, found.items.len()), (1, 1));
    assert_eq!(found.facets.by_class, [0, 0, 1, 0, 0]);
    assert_eq!(found.facets.by_official, [1, 1]);

    let of_one = Filter {
        server: Some("acme-mail".into()),
        risk: Some(Risk::Critical),
        ..Filter::default()
    };
    let found = catalogue::search_tools(&db.console, &of_one, 0, 9)
        .await
        .expect("one");
    assert_eq!(found.total, 1);
    assert_eq!(found.facets.by_risk, [1, 1, 1, 1]);

    let dangerous = Filter {
        class: Some(ToolClass::Financial),
        ..Filter::default()
    };
    let found = catalogue::search_servers(&db.console, &dangerous, 0, 9)
        .await
        .expect("one");
    assert_eq!(found.items[0].server.slug, "acme-mail");
    assert_eq!(found.facets.by_class, [2, 2, 2, 1, 1]);
}

#[tokio::test]
async fn servers_without_words_are_the_official_and_the_larger_first() {
    let db = TestDb::new().await;
    loaded(&db, &some()).await;
    let found = catalogue::search_servers(&db.console, &Filter::default(), 0, 9)
        .await
        .expect("all");
    let slugs: Vec<_> = found
        .items
        .iter()
        .map(|card| card.server.slug.as_str())
        .collect();
    assert_eq!(slugs, ["github", "acme-mail", "unseen"]);
    let rest = catalogue::search_servers(&db.console, &Filter::default(), 2, 9)
        .await
        .expect("one");
    assert_eq!((rest.items.len(), rest.total), (1, 3));
    let beyond = catalogue::search_servers(&db.console, &Filter::default(), u32::MAX, 9).await;
    assert_eq!(beyond.expect("none").items.len(), 0);
}
