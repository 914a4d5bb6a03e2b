use std::{collections::BTreeSet, path::Path};

use domain::tools::{Risk, ToolClass};

use super::*;

fn names_in(folder: &str, ending: &str) -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("data")
        .join(folder);
    std::fs::read_dir(folder)
        .expect("the folder")
        .flatten()
        .map(|file| file.file_name().to_string_lossy().into_owned())
        .map(|name| name.strip_suffix(ending).expect(&name).to_owned())
        .collect()
}

#[test]
fn no_file_is_forgotten() {
    let embedded: BTreeSet<String> = files::TEXTS
        .iter()
        .map(|(slug, ..)| (*slug).to_owned())
        .collect();
    let sources: BTreeSet<String> = shipped()
        .iter()
        .map(|one| one.server.slug.clone())
        .collect();
    assert_eq!(names_in("servers", ".json"), embedded);
    assert_eq!(names_in("words", ".toml"), embedded);
    assert_eq!(sources, embedded);
    assert_eq!(files::read().len(), embedded.len(), "a slug stands twice");
}

/// Every tool of the newest list has words, and no word is of a tool that no list has.
#[test]
fn every_tool_has_our_words_and_every_word_a_tool() {
    for (source, facts, words) in files::read() {
        let slug = &source.slug;
        assert_eq!(*slug, facts.slug);
        let newest: BTreeSet<&str> = facts.versions[0]
            .tools
            .iter()
            .map(|tool| tool.name.as_str())
            .collect();
        let spoken: BTreeSet<&str> = words.tools.keys().map(String::as_str).collect();
        assert_eq!(newest, spoken, "{slug}");
        assert_eq!(newest.len(), facts.versions[0].tools.len(), "{slug}");
    }
}

/// How far the risk is from what the class alone says.
const fn steps_apart(class: ToolClass, risk: Risk) -> u32 {
    (class.risk() as i32).abs_diff(risk as i32)
}

fn is_sentence(text: &str) -> bool {
    let begins = text.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit());
    begins && text.ends_with('.') && text.len() > 20 && text.len() < 400 && !text.contains('!')
}

#[test]
fn our_words_are_sentences_and_the_risk_is_one_step_from_the_class() {
    for (source, _, words) in files::read() {
        let slug = &source.slug;
        assert!(slug.parse::<domain::Slug>().is_ok(), "{slug}");
        assert!(is_sentence(&words.summary), "{slug}: {}", words.summary);
        for note in &words.notes {
            // A note may begin with the name of an argument.
            assert!(note.ends_with('.') && note.len() > 20, "{slug}: {note}");
        }
        for (name, tool) in &words.tools {
            assert!(is_sentence(&tool.does), "{slug} {name}: {}", tool.does);
            if let Some(note) = &tool.note {
                assert!(note.ends_with('.'), "{slug} {name}: {note}");
            }
            let apart = steps_apart(tool.class, tool.risk);
            // Reading secrets is two steps up; that is the only such case.
            let most = if tool.class == ToolClass::Read { 2 } else { 1 };
            assert!(apart <= most, "{slug} {name}");
        }
    }
}

#[test]
fn a_server_is_one_that_a_page_can_show() {
    for one in shipped() {
        let server = &one.server;
        let slug = &server.slug;
        assert!(
            server
                .repo
                .as_deref()
                .is_some_and(|repo| repo.starts_with("https://")),
            "{slug}"
        );
        assert!(!server.transports.is_empty(), "{slug}");
        for transport in &server.transports {
            assert!(
                ["stdio", "streamable-http", "sse"].contains(&transport.as_str()),
                "{slug}"
            );
        }
        let package = &server.packages[0];
        assert!(
            package.starts_with("npm:") || package.starts_with("pypi:"),
            "{slug}"
        );
        assert_eq!(one.releases[0].version, server.version);
        for tool in &one.tools {
            let name = &tool.name;
            assert!(name.parse::<domain::ToolName>().is_ok(), "{slug} {name}");
            assert!(!tool.signals.is_empty(), "{slug} {name}");
            assert!(tool.description.is_none(), "none of another's words");
            for argument in tool.args.iter().flatten() {
                assert!(!argument.path.is_empty(), "{slug} {name}");
            }
        }
    }
}

#[test]
fn circleci_is_there_by_version() {
    let circleci = shipped()
        .iter()
        .find(|one| one.server.slug == "circleci")
        .expect("CircleCI");
    assert_eq!(circleci.server.version.as_deref(), Some("0.20.0"));
    assert_eq!(circleci.tools.len(), 13);
    let counts: Vec<_> = circleci
        .releases
        .iter()
        .map(|release| (release.version.as_deref(), release.tool_count))
        .collect();
    assert_eq!(counts, [(Some("0.20.0"), 13), (Some("0.12.2"), 15)]);
    let newest = &circleci.releases[0];
    assert!(
        newest
            .removed
            .iter()
            .any(|name| name == "create_prompt_template")
    );
    assert!(newest.added.iter().any(|name| name == "list_artifacts"));
    assert!(circleci.releases[1].added.is_empty(), "nothing came before");
    let rerun = shipped_tool("circleci", "rerun_workflow").expect("the tool");
    assert_eq!((rerun.class, rerun.risk), (ToolClass::Execute, Risk::High));
    let paths: Vec<&str> = rerun
        .args
        .iter()
        .flatten()
        .map(|argument| argument.path.as_str())
        .collect();
    assert_eq!(
        paths,
        [
            "params.fromFailed",
            "params.workflowId",
            "params.workflowURL"
        ]
    );
}

#[test]
fn what_changed_is_told_where_it_is_known() {
    let version = |version: &str, tools: &str| -> files::Version {
        let text = format!(
            r#"{{"version":"{version}","date":"2026-01-02","from":"scan","tools":[{tools}]}}"#
        );
        serde_json::from_str(&text).expect("a version")
    };
    let tool =
        |name: &str, arguments: &str| format!(r#"{{"name":"{name}","arguments":{arguments}}}"#);
    let old = [tool("a", "[]"), tool("b", "null"), tool("gone", "[]")].join(",");
    let new = [
        tool("a", r#"[["x","string",1]]"#),
        tool("b", "[]"),
        tool("come", "[]"),
    ]
    .join(",");
    let releases = releases::of(&[version("2", &new), version("1", &old)]);
    assert_eq!(releases[0].added, ["come"]);
    assert_eq!(releases[0].removed, ["gone"]);
    assert_eq!(releases[0].changed, ["a"]);
    assert_eq!(releases[1].removed, [""; 0]);
}
