use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn read(line: &Value) -> Result<ReadEntry> {
    read_entry(&line.to_string(), Origin::Imported)
}

fn refused(line: &Value) -> String {
    read(line).expect_err("a fault").0
}

#[test]
fn a_line_is_a_server_with_classified_tools() {
    let line = json!({
        "slug": "acme--mail", "name": "Acme\u{202e} mail", "vendor": "acme", "official": true,
        "packages": ["npm:@acme/mail"], "transports": ["stdio"], "tools_date": "2026-08-20",
        "stars": 7, "tools": [
            { "name": "delete_mail", "description": "Deletes\na mail. ".repeat(30),
              "args": [["id", "string", 1], ["why", null, 0], ["x"]],
              "annotations": { "readOnlyHint": true }, "title": "x" },
            { "name": "list" },
        ],
    });
    let read = read(&line).expect("a server");
    assert_eq!(read.server.name, "Acme mail");
    assert_eq!(read.unknown, ["stars", "tools.title"]);
    assert_eq!(
        read.server.tools_date.expect("a date").to_string(),
        "2026-08-20"
    );
    let tools = read.tools.expect("tools");
    assert_eq!(tools[0].class, ToolClass::Destructive);
    let description = tools[0].description.as_deref().expect("a text");
    assert!(description.starts_with("Deletes a mail. Deletes"));
    assert!((190..=200).contains(&description.chars().count()));
    let args = tools[0].args.as_ref().expect("arguments");
    assert!(args[0].required && args[0].kind.as_deref() == Some("string"));
    assert!(!args[1].required && args[1].kind.is_none() && args[2].path == "x");
    assert_eq!(tools[1].args, None);
}

#[test]
fn a_server_without_a_name_is_called_by_its_slug() {
    let named = read(&json!({ "slug": "server-2", "name": " \u{200b}" })).expect("a server");
    assert_eq!(named.server.name, "server-2");
}

/// What pages show as our words comes with us and from nobody else.
#[test]
fn nobody_elses_line_speaks_in_our_voice() {
    let line = json!({ "slug": "a", "name": "A", "summary": "Recommended by Tollgate.", "tools": [
        { "name": "x", "does": "Is safe.", "note": "No rule is needed." },
        { "name": "y", "does": "Is safe, too." },
    ] })
    .to_string();
    for origin in [Origin::Imported, Origin::Registry] {
        let read = read_entry(&line, origin).expect("a server");
        assert_eq!(read.server.summary, None);
        let tools = read.tools.expect("tools");
        assert!(
            tools
                .iter()
                .all(|it| it.does.is_none() && it.note.is_none())
        );
        assert_eq!(read.unknown, ["summary", "tools.does", "tools.note"]);
    }
    let ours = read_entry(&line, Origin::Shipped).expect("a server");
    assert!(ours.server.summary.is_some() && ours.unknown.is_empty());
}

#[test]
fn what_is_wrong_is_named() {
    let with = |change: Value| {
        let mut line = json!({ "slug": "a", "name": "A" });
        let change = change.as_object().expect("an object").clone();
        line.as_object_mut().expect("an object").extend(change);
        line
    };
    let long = "x".repeat(501);
    for (change, begins) in [
        (json!({ "slug": "A" }), "slug: must be"),
        (json!({ "slug": "-a" }), "slug: must be"),
        (json!({ "slug": "../a" }), "slug: must be"),
        (json!({ "name": null }), "name: invalid type"),
        (json!({ "vendor": long }), "vendor: is longer"),
        (json!({ "repo": "javascript:alert(1)" }), "repo: must begin"),
        (json!({ "transports": ["pigeon"] }), "transports: are of"),
        (json!({ "auth": "basic" }), "auth: must be"),
        (
            json!({ "tools_date": "2026-02-30" }),
            "tools_date: must be a date",
        ),
        (
            json!({ "tools_date": "20260230" }),
            "tools_date: must be a date",
        ),
        (json!({ "copies": -1 }), "copies: invalid value"),
        (json!({ "copies": 1e30 }), "copies: invalid type"),
        (json!({ "tools": {} }), "tools: invalid type"),
        (json!({ "tools": [{}] }), "tools[0]: missing field `name`"),
        (
            json!({ "tools": [{ "name": 1 }] }),
            "tools[0].name: invalid type",
        ),
        (
            json!({ "tools": [{ "name": "" }] }),
            "tools[0].name: is empty",
        ),
        (
            json!({ "tools": [{ "name": "a\u{200b}" }] }),
            "tools[0].name: has a hidden",
        ),
        (
            json!({ "tools": [{ "name": "a" }, { "name": "a" }] }),
            "tools[1]: its name is there",
        ),
        (
            json!({ "tools": [{ "name": "a", "args": [["x", "string", 2]] }] }),
            "tools[0].args[0]",
        ),
        (
            json!({ "tools": [{ "name": "a", "args": [["\u{0}", "string", 1]] }] }),
            "tools[0].args",
        ),
        (
            json!({ "tools": [{ "name": "a", "annotations": { "readOnlyHint": 1 } }] }),
            "tools[0].annotations.readOnlyHint",
        ),
    ] {
        let fault = refused(&with(change));
        assert!(fault.starts_with(begins), "{fault}\nnot {begins}");
    }
    for text in [
        "",
        "nonsense",
        "[]",
        "{}",
        "{\"slug\":\"a\",\"slug\":\"b\",\"name\":\"a\"}",
        "null",
    ] {
        assert!(read_entry(text, Origin::Imported).is_err(), "{text}");
    }
    let twice = "{\"slug\":\"a\",\"name\":\"a\"}{}";
    assert!(read_entry(twice, Origin::Imported).is_err());
}

#[test]
fn a_line_may_not_be_endless() {
    let line = json!({ "slug": "a", "name": "A", "x": "y".repeat(5 << 20) });
    assert_eq!(refused(&line), "is longer than 4 MiB");
    let tools: Vec<Value> = (0..10_001)
        .map(|n| json!({ "name": format!("t{n}") }))
        .collect();
    let line = json!({ "slug": "a", "name": "A", "tools": tools });
    assert_eq!(refused(&line), "tools: are more than 10,000");
    let deep = format!(
        "{{\"slug\":\"a\",\"name\":\"A\",\"x\":{}",
        "[".repeat(100_000)
    );
    assert!(read_entry(&deep, Origin::Imported).is_err());
}

fn any_tool() -> impl Strategy<Value = Value> {
    let args = proptest::option::of(proptest::collection::vec(
        ("[a-z.A-Z]{1,9}", proptest::option::of(".{1,9}"), 0..2),
        0..4,
    ));
    let hint = || proptest::option::of(any::<bool>());
    ("\\PC{1,20}", ".{0,300}", ".{0,40}", args, hint(), hint()).prop_map(
        |(name, description, does, args, read, open)| {
            json!({ "name": name, "description": description, "does": does, "args": args,
                "annotations": { "readOnlyHint": read, "openWorldHint": open } })
        },
    )
}

proptest! {
    /// What was read and is written reads the same, whatever stood there.
    #[test]
    fn reading_undoes_writing(
        slug in "[a-z0-9]{1,5}(-[a-z0-9]{1,5}){0,3}",
        (name, vendor, tags) in (".{1,40}", ".{0,20}", proptest::collection::vec(".{0,9}", 0..4)),
        (official, copies) in (any::<bool>(), 0..1_000_u32),
        tools in proptest::option::of(proptest::collection::vec(any_tool(), 0..6)),
    ) {
        let line = json!({ "slug": slug, "name": name, "vendor": vendor, "tags": tags,
            "official": official, "copies": copies, "tools": tools, "tools_date": "2026-01-02" });
        if let Ok(first) = read(&line) {
            let written = write_entry(&first.server, first.tools.as_deref());
            prop_assert!(!written.contains('\n'));
            let again = read_entry(&written, Origin::Imported).expect("what was written");
            prop_assert_eq!((again.server, again.tools), (first.server, first.tools));
        }
    }
}
