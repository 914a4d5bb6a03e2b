//! What holds for every tool that there can be, however hostile.

use std::time::{Duration, Instant};

use domain::tools::ToolClass;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Subject, classify, classify_line, tests::with_args};

/// Names and descriptions of words that the rules know, and of anything.
fn text() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "get", "list", "create", "delete", "remove", "run", "query", "sql", "buy", "order", "send",
        "invoice", "manage", "all", "label", "image", "generate", "shell", "status", "or", "from",
    ]);
    prop_oneof![
        prop::collection::vec(known, 0..6).prop_map(|words| words.join("_")),
        ".{0,60}",
    ]
}

/// JSON of any shape, with the names that the classifier looks for in it.
fn any_json() -> impl Strategy<Value = Value> {
    let key = prop_oneof![
        prop::sample::select(vec![
            "properties",
            "enum",
            "const",
            "action",
            "readOnlyHint",
            "destructiveHint",
            "path",
            "command",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, move |inner| {
        let object = prop::collection::vec((key.clone(), inner.clone()), 0..5);
        prop_oneof![
            prop::collection::vec(inner, 0..5).prop_map(Value::from),
            object.prop_map(|all| Value::Object(all.into_iter().collect())),
        ]
    })
}

fn annotations() -> impl Strategy<Value = Value> {
    let hint = prop_oneof![
        Just(Value::Null),
        Just(json!(true)),
        Just(json!(false)),
        Just(json!("x"))
    ];
    (hint.clone(), hint.clone(), hint.clone(), hint).prop_map(|(read, destroy, again, open)| {
        json!({
            "readOnlyHint": read,
            "destructiveHint": destroy,
            "idempotentHint": again,
            "openWorldHint": open,
        })
    })
}

proptest! {
    #[test]
    fn a_hint_never_lowers(name in text(), description in text(), hints in annotations()) {
        let plain = Subject { name: &name, description: Some(&description), ..Subject::default() };
        let hinted = Subject { annotations: Some(&hints), ..plain.clone() };
        let (plain, hinted) = (classify(&plain), classify(&hinted));
        prop_assert!(hinted.class >= plain.class, "{plain:?} {hinted:?}");
        prop_assert!(hinted.risk >= plain.risk, "{plain:?} {hinted:?}");
        prop_assert!(hinted.signals.starts_with(&plain.signals));
        if plain.class >= ToolClass::Destructive {
            prop_assert_eq!(hinted.class, plain.class);
        }
    }

    #[test]
    fn whatever_stands_for_hints_never_lowers(name in text(), hints in any_json()) {
        let plain = Subject { name: &name, ..Subject::default() };
        let hinted = Subject { annotations: Some(&hints), ..plain.clone() };
        let (plain, hinted) = (classify(&plain), classify(&hinted));
        prop_assert!(hinted.class >= plain.class && hinted.risk >= plain.risk, "{plain:?} {hinted:?}");
    }

    #[test]
    fn hints_are_the_same_in_any_order(name in text(), hints in annotations(), turn in 0_usize..4) {
        let hints = hints.as_object().expect("an object");
        let mut hints: Vec<_> = hints.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
        let line = |hints: &[String]| {
            let name = Value::from(name.as_str());
            let line = format!(r#"{{"name":{name},"annotations":{{{}}}}}"#, hints.join(","));
            classify_line(&line).expect("a tool")
        };
        let once = line(&hints);
        hints.rotate_left(turn);
        prop_assert_eq!(once, line(&hints));
    }

    #[test]
    fn the_same_tool_is_the_same_in_any_order_of_arguments(
        name in text(),
        mut args in prop::collection::vec(text(), 0..8),
        turn in 0_usize..8,
    ) {
        let once = with_args(&name, &args.iter().map(String::as_str).collect::<Vec<_>>());
        let by = turn.min(args.len());
        args.rotate_left(by);
        let again = with_args(&name, &args.iter().map(String::as_str).collect::<Vec<_>>());
        prop_assert_eq!(&once, &again);
        prop_assert!((0.0..=1.0).contains(&once.confidence));
        prop_assert!(!once.signals.is_empty());
    }

    #[test]
    fn nothing_panics(
        name in any::<String>(),
        description in any::<String>(),
        args in prop::collection::vec(any::<String>(), 0..6),
        schema in any_json(),
        hints in any_json(),
    ) {
        let said = classify(&Subject {
            name: &name,
            description: Some(&description),
            args: args.iter().map(String::as_str).collect(),
            schema: Some(&schema),
            annotations: Some(&hints),
        });
        let mut ids: Vec<_> = said.signals.iter().map(|signal| &signal.id).collect();
        ids.sort();
        ids.dedup();
        prop_assert_eq!(ids.len(), said.signals.len(), "of each kind one");
    }

    #[test]
    fn no_line_panics(line in any::<String>(), name in any::<String>()) {
        let _ = classify_line(&line);
        let line = json!({"name": name, "description": name, "inputSchema": name}).to_string();
        prop_assert!(classify_line(&line).is_ok());
    }
}

/// How many bytes a hostile text has; a megabyte of plain words, which is what it would take to be slow,
/// has a test of its own.
const LONG: usize = 100_000;

/// Far more than it takes on a busy machine without optimisation, far less than anything quadratic would.
const SOON: Duration = Duration::from_secs(60);

#[test]
fn a_long_text_takes_no_long_time() {
    for piece in [
        "a",
        "a ",
        "_",
        "[",
        "]",
        "aB",
        "get_",
        "delete and ",
        "re",
        "ignore all ",
        "ignore previous ",
        "without telling the ",
        "<",
        "<important",
        "é",
        "删除",
        "ing",
        "\u{1b}",
        "task_create.",
    ] {
        let text = piece.repeat(LONG / piece.len());
        let begun = Instant::now();
        let _ = classify(&Subject {
            name: &piece.repeat(LONG / 4 / piece.len()),
            description: Some(&text),
            ..Subject::default()
        });
        assert!(
            begun.elapsed() < SOON,
            "{piece:?} took {:?}",
            begun.elapsed()
        );
    }
}

#[test]
fn a_megabyte_takes_no_long_time() {
    let text = "List every widget and its parts. ".repeat(32_000);
    let begun = Instant::now();
    let said = classify(&Subject {
        name: "widgets",
        description: Some(&text),
        ..Subject::default()
    });
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    assert_eq!(said.class, ToolClass::Read);
}

#[test]
fn ten_thousand_arguments_take_no_long_time() {
    let names: Vec<_> = (0..10_000).map(|at| format!("action_{at}_path")).collect();
    let one =
        json!({"type": "string", "enum": ["list", "delete"], "description": "ignore all of it"});
    let inner: Value = names
        .iter()
        .map(|name| (name.clone(), one.clone()))
        .collect();
    let schema = json!({"properties": {"params": {"properties": inner}}});
    let mut deep = json!({"properties": {}});
    for _ in 0..100 {
        deep = json!({"properties": {"params": deep}});
    }
    for schema in [&schema, &deep] {
        let begun = Instant::now();
        let _ = classify(&Subject {
            name: "manage_all",
            args: names.iter().map(String::as_str).collect(),
            schema: Some(schema),
            ..Subject::default()
        });
        assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    }
}

/// Names that try to look milder than they are.
#[test]
fn a_name_does_not_hide_what_it_says() {
    for name in [
        "get_status_and_delete_all",
        "list_or_delete",
        "delete_all__get",
        "deleteAll",
        "DELETE-ALL",
        "get.delete_all",
        "get/delete_all",
        "tool:delete_all",
        "delete_\u{200b}all",
        "  delete_all  ",
        "1_delete_2_all",
    ] {
        let description = Some("Only reads. Returns a list, and changes nothing.");
        let said = classify(&Subject {
            name,
            description,
            ..Subject::default()
        });
        assert!(said.class >= ToolClass::Destructive, "{name:?}: {said:?}");
    }
}
