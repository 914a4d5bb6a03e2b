//! What the documents tell people to type works.

use std::process::Command;

use serde_json::Value;
use tests::{CircleCi, TestApp, circleci::CIRCLECI_TOKEN, repository};

pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(repository().join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The fenced blocks of one language, without their indentation.
pub(crate) fn blocks(text: &str, language: &str) -> Vec<String> {
    let mut blocks = vec![];
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(indent) = line.find("```") else {
            continue;
        };
        if line[indent + 3..].trim() != language {
            continue;
        }
        let body = lines.by_ref().take_while(|line| line.trim() != "```");
        blocks.push(
            body.map(|line| line.get(indent..).unwrap_or(""))
                .collect::<Vec<_>>()
                .join("\n"),
        );
    }
    blocks
}

/// The quick start's commands, run one after another as a reader would, against the real server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_quick_start_works_as_pasted() {
    let (app, circleci) = tokio::join!(TestApp::spawn(), CircleCi::start());
    let acme = app.bootstrap("Acme");
    let script = blocks(&read("docs/quick-start.md"), "sh").join("\n");
    assert!(script.lines().count() > 20, "the document has its commands");
    let url = circleci.url.clone();
    // The commands block a thread for a while; the fake API answers on the other.
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script])
        .current_dir(app.data.path())
        .env("TOLLGATE_URL", &app.url)
        .env("TOLLGATE_API_KEY", acme.api.key())
        .env("CIRCLECI_MCP_URL", &url)
        .env("CIRCLECI_TOKEN", CIRCLECI_TOKEN)
        .output();
    let output = output.expect("bash runs");
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{out}\n{err}");
    assert_eq!(circleci.reruns(), 10, "{out}");
    assert!(out.contains("rerun_workflow\texecute"), "{out}");
    assert!(out.contains("over its limit of 10 a minute"), "{out}");
    assert_eq!(out.matches("  allow  ").count(), 10, "{out}");
    assert_eq!(out.matches("  deny  rate_limited").count(), 1, "{out}");
}

/// Every JSON and TOML snippet for clients parses, and names the header or the variable.
#[test]
fn the_client_snippets_parse() {
    let text = read("docs/clients.md");
    let json = blocks(&text, "json");
    assert!(json.len() >= 5);
    for block in &json {
        let value: Value = serde_json::from_str(block).unwrap_or_else(|e| panic!("{e}:\n{block}"));
        assert!(value.is_object());
    }
    for block in blocks(&text, "toml") {
        let table: toml::Table = block.parse().unwrap_or_else(|e| panic!("{e}:\n{block}"));
        assert!(table.contains_key("mcp_servers"));
    }
}

/// Every link between documents leads somewhere.
#[test]
fn links_lead_somewhere() {
    let root = repository();
    let mut pages = vec![
        "README.md".to_owned(),
        "ARCHITECTURE.md".into(),
        "CONTRIBUTING.md".into(),
    ];
    for folder in ["docs", "docs/decisions", "docs/faults"] {
        let entries = std::fs::read_dir(root.join(folder)).expect(folder);
        let names = entries.map(|e| {
            e.expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        });
        pages.extend(
            names
                .filter(|name| name.ends_with(".md"))
                .map(|name| format!("{folder}/{name}")),
        );
    }
    for page in pages {
        let text = read(&page);
        let here = root.join(&page);
        let here = here.parent().expect("a folder");
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let path = link.split('#').next().unwrap_or_default();
            if path.is_empty() || link.contains("://") || link.contains(' ') {
                continue;
            }
            assert!(here.join(path).exists(), "{page} links to {link}");
        }
    }
}
