//! The public catalogue: loaded by its owner, read by the console's role.

mod attacks;
mod loading;
mod reading;
mod searching;

use domain::{
    catalogue::{Hints, KnownArgument, KnownServer, KnownTool, Origin},
    tools::{Risk, ToolClass},
};
use store::catalogue::{Entry, Loader};

use crate::support::TestDb;

pub(crate) fn server(slug: &str) -> KnownServer {
    KnownServer {
        vendor: Some("acme".into()),
        licence: Some("MIT".into()),
        transports: vec!["stdio".into()],
        sources: vec!["list".into()],
        tools_from: Some("list".into()),
        ..KnownServer::named(slug, &slug.replace('-', " "), Origin::Imported)
    }
}

pub(crate) fn tool(name: &str, class: ToolClass) -> KnownTool {
    KnownTool {
        name: name.into(),
        description: None,
        does: None,
        note: None,
        args: None,
        hints: Hints::default(),
        class,
        risk: class.risk(),
        signals: vec![],
        confidence: 0.9,
        corrected: false,
    }
}

pub(crate) fn entry(server: KnownServer, tools: Option<Vec<KnownTool>>) -> Entry {
    Entry {
        server,
        tools,
        releases: vec![],
    }
}

pub(crate) fn argument(path: &str) -> KnownArgument {
    KnownArgument {
        path: path.into(),
        kind: Some("string".into()),
        required: true,
    }
}

pub(crate) async fn loader(db: &TestDb) -> Loader {
    Loader::connect(&db.url).await.expect("the owner connects")
}

pub(crate) async fn loaded(db: &TestDb, entries: &[Entry]) -> store::catalogue::LoadReport {
    let report = loader(db).await.load(entries).await;
    report.expect("it loads")
}

/// Three servers with what a test of reading needs.
pub(crate) fn some() -> Vec<Entry> {
    use ToolClass::{Destructive, Execute, Financial, Read, Write};
    let github = KnownServer {
        name: "GitHub".into(),
        official: true,
        packages: vec!["npm:@GitHub/mcp@1.0".into()],
        repo: Some("https://github.com/GitHub/github-mcp-server".into()),
        remote_url: Some("https://api.githubcopilot.com/mcp/".into()),
        transports: vec!["stdio".into(), "streamable-http".into()],
        ..server("github")
    };
    let mut create = tool("create_issue", Write);
    create.description = Some("Opens a new ticket in the repository".into());
    create.args = Some(vec![argument("title")]);
    let mut mail = server("acme-mail");
    mail.packages = vec!["pypi:Acme_Mail".into()];
    vec![
        entry(
            github,
            Some(vec![
                create,
                tool("listIssues", Read),
                tool("delete_repository", Destructive),
                tool("rerun_workflow", Execute),
            ]),
        ),
        entry(
            mail,
            Some(vec![
                tool("get_mail", Read),
                tool("sendMail", Write),
                tool("rerun_workflow", Execute),
                tool("payInvoice", Financial),
            ]),
        ),
        entry(server("unseen"), None),
    ]
}

/// As [`some`] has it, lowest first.
pub(crate) const RISKS: [Risk; 4] = [Risk::Low, Risk::Medium, Risk::High, Risk::Critical];
