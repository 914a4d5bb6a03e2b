//! What holds of every document and every call.

use domain::{Tool, ToolClass, audit::Outcome};
use json::Document;
use policy::{Call, Counters, Decision, Engine, GrantFacts, Policy, StepResult, Verdict, check};
use proptest::prelude::*;

use crate::common::{BOUNDS, judge, tools};

const NAMES: [&str; 7] = ["get_a", "get_b", "getA", "run", "drop_db", "drop-db", "x"];
const GLOBS: [&str; 9] = [
    "get_a",
    "get_*",
    "*",
    "run",
    "drop_db",
    "drop_*",
    "*_b",
    "x",
    "elsewhere",
];

fn value() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "1",
        "2",
        "1.0",
        "42.00000000000000000001",
        "1e999",
        "\"a\"",
        "\"b\"",
        "\"1\"",
        "true",
        "null",
        "[]",
        "[1]",
        "[\"a\",1]",
        "{}",
        "{\"k\":1}",
        "[{\"k\":1},{\"K\":2}]",
    ])
    .prop_map(str::to_owned)
}

fn arguments() -> impl Strategy<Value = Vec<(String, String)>> {
    let key = prop::sample::select(vec!["a", "b", "A", "a_", "list"]).prop_map(str::to_owned);
    prop::collection::btree_map(key, value(), 0..5).prop_map(|map| map.into_iter().collect())
}

fn object(members: &[(String, String)]) -> String {
    let members: Vec<_> = members
        .iter()
        .map(|(k, v)| format!("\"{k}\":{v}"))
        .collect();
    format!("{{{}}}", members.join(","))
}

fn condition() -> impl Strategy<Value = String> {
    let path = prop::sample::select(vec![
        "args.a",
        "args.b",
        "args.a.k",
        "args.list[*]",
        "args.list[*].k",
        "args.list[0]",
        "args",
        "grant.label",
        "tool.name",
        "args.missing",
    ]);
    let test = prop_oneof![
        (
            prop::sample::select(vec!["eq", "neq"]),
            Just("\"a\"".to_owned())
        ),
        (
            prop::sample::select(vec!["in", "not_in"]),
            Just("[\"a\",\"1\"]".to_owned())
        ),
        (
            prop::sample::select(vec!["lt", "lte", "gt", "gte"]),
            Just("1.5".to_owned())
        ),
        (
            Just("exists"),
            prop::sample::select(vec!["true", "false"]).prop_map(str::to_owned)
        ),
        (
            prop::sample::select(vec!["regex", "not_regex"]),
            Just("\"^a$\"".to_owned())
        ),
        (Just("contains"), Just("\"a\"".to_owned())),
        (Just("length_lte"), Just("1".to_owned())),
    ];
    (path, test).prop_map(|(path, (op, value))| {
        format!(r#"{{"path":"{path}","op":"{op}","value":{value}}}"#)
    })
}

fn a_check() -> impl Strategy<Value = String> {
    prop::collection::vec(condition(), 0..3)
        .prop_map(|list| format!(r#"{{"conditions":[{}]}}"#, list.join(",")))
}

/// A check, enforced or in shadow.
fn a_check_in_either_mode() -> impl Strategy<Value = String> {
    (a_check(), prop::bool::weighted(0.2)).prop_map(|(check, shadow)| match shadow {
        true => check.replacen('{', r#"{"mode":"shadow","#, 1),
        false => check,
    })
}

/// A block as its fields: whether it denies, `require`, `deny_if`, and others as they are written.
type Block = (bool, Vec<String>, Vec<String>, Vec<&'static str>);

/// Fields that any block may have beside checks.
const OTHERS: [&str; 6] = [
    r#""limits":[{"counter":"c","window":"minute","max":2},{"counter":"d","window":5,"max":1,"mode":"shadow"}]"#,
    r#""rate_limit":{"max":3,"window":60}"#,
    r#""approval":{"when":[{"path":"args.a","op":"eq","value":1}]}"#,
    r#""concurrent":{"max":1}"#,
    r#""validate":"schema""#,
    r#""max_result_bytes":1000"#,
];

fn block() -> impl Strategy<Value = Block> {
    (
        prop::bool::weighted(0.15),
        prop::collection::vec(a_check_in_either_mode(), 0..2),
        prop::collection::vec(a_check_in_either_mode(), 0..2),
        prop::sample::subsequence(OTHERS.to_vec(), 0..3),
    )
}

fn write_block((deny, require, deny_if, others): &Block) -> String {
    let action = if *deny { r#""action":"deny","# } else { "" };
    let others: String = others.iter().map(|field| format!(",{field}")).collect();
    format!(
        r#"{{{action}"require":[{}],"deny_if":[{}]{others}}}"#,
        require.join(","),
        deny_if.join(",")
    )
}

#[derive(Debug, Clone)]
struct Parts {
    default: &'static str,
    hide: Vec<&'static str>,
    all_tools: Block,
    classes: Vec<(&'static str, Block)>,
    tools: Vec<(&'static str, Block)>,
}

fn write_blocks(blocks: &[(&'static str, Block)]) -> String {
    let blocks: Vec<_> = blocks
        .iter()
        .map(|(name, block)| format!("\"{name}\":{}", write_block(block)))
        .collect();
    format!("{{{}}}", blocks.join(","))
}

impl Parts {
    fn write(&self) -> String {
        let hide: Vec<_> = self.hide.iter().map(|g| format!("\"{g}\"")).collect();
        format!(
            r#"{{"version":"1","default":"{}","hide":[{}],"all_tools":{},"classes":{},"tools":{}}}"#,
            self.default,
            hide.join(","),
            write_block(&self.all_tools),
            write_blocks(&self.classes),
            write_blocks(&self.tools)
        )
    }
}

fn parts() -> impl Strategy<Value = Parts> {
    let entry = (prop::sample::select(GLOBS.to_vec()), block());
    (
        prop::sample::select(vec!["allow", "deny"]),
        prop::collection::vec(prop::sample::select(GLOBS.to_vec()), 0..2),
        block(),
        prop::collection::btree_map(prop::sample::select(vec!["read", "execute"]), block(), 0..2),
        prop::collection::btree_map(prop::sample::select(GLOBS.to_vec()), block(), 0..4),
        prop::option::of(entry),
    )
        .prop_map(|(default, hide, all_tools, classes, mut tools, extra)| {
            tools.extend(extra);
            Parts {
                default,
                hide,
                all_tools,
                classes: classes.into_iter().collect(),
                tools: tools.into_iter().collect(),
            }
        })
}

fn inventory() -> impl Strategy<Value = Option<Vec<Tool>>> {
    prop::option::of(prop::sample::subsequence(NAMES.to_vec(), 0..=NAMES.len()))
        .prop_map(|names| names.map(|names| tools(&names)))
}

/// The same JSON with the members of every object the other way round.
fn backwards(value: json::Value<'_>) -> String {
    match value.kind() {
        json::Kind::Array => {
            let items: Vec<_> = value.elements().map(backwards).collect();
            format!("[{}]", items.join(","))
        }
        json::Kind::Object => {
            let mut members: Vec<_> = value
                .entries()
                .map(|(key, value)| format!("{}:{}", key.raw(), backwards(value)))
                .collect();
            members.reverse();
            format!("{{{}}}", members.join(","))
        }
        _ => value.raw().to_owned(),
    }
}

/// Every way to a decision on the third of three equal calls, which all come to the same.
fn decide(engine: &Engine, tool: &str, arguments: &str, class: Option<ToolClass>) -> Decision {
    let document = Document::parse(arguments.as_bytes(), BOUNDS).expect("generated to be JSON");
    let grant = GrantFacts {
        label: "l",
        identity: None,
        labels: &[],
    };
    let call = Call {
        tool,
        arguments: Some(document.root()),
        grant,
        class,
        now_unix_ms: 0,
    };
    let judged = engine.judge(&call);
    let (explained, steps) = engine.explain(&call);
    assert_eq!(judged.shadow, explained.shadow);
    assert_eq!(
        format!("{:?}", judged.verdict),
        format!("{:?}", explained.verdict)
    );
    assert!(!steps.is_empty());
    let (mut plain, mut watched) = (Counters::new(), Counters::new());
    for _ in 0..2 {
        assert_eq!(
            plain.decide(engine, &call),
            watched.explain(engine, &call).decision
        );
    }
    let third = plain.decide(engine, &call);
    let explanation = watched.explain(engine, &call);
    assert_eq!(third, explanation.decision);
    let refused_or_held = explanation
        .steps
        .iter()
        .filter(|step| !step.shadow && step.result != StepResult::Passes)
        .map(|step| step.rule.clone());
    let rules: Vec<_> = refused_or_held.collect();
    match third.outcome {
        Outcome::Allow => assert!(rules.is_empty(), "{rules:?}"),
        _ => assert!(rules.contains(&third.rule), "{third:?} {rules:?}"),
    }
    third
}

fn compile(document: &str, inventory: Option<&[Tool]>) -> Engine {
    Engine::compile(
        &Policy::parse(document).expect("generated to be valid"),
        inventory,
    )
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// The list and the calls agree.
    #[test]
    fn a_tool_is_shown_if_and_only_if_a_call_of_it_is_not_unknown(
        parts in parts(), inventory in inventory(), arguments in arguments(),
    ) {
        let engine = compile(&parts.write(), inventory.as_deref());
        for name in NAMES.iter().chain(&["elsewhere", "nowhere"]) {
            let verdict = judge(&engine, name, &object(&arguments));
            let unknown = ["hidden", "unknown_tool", "default_deny"]
                .iter()
                .any(|code| verdict.starts_with(code));
            prop_assert_eq!(engine.shows(name), !unknown, "{}: {}", name, verdict);
        }
    }

    /// Of the policy's objects and of the arguments'. The gateway, a test, a preview and whoever
    /// asks for every step decide alike.
    #[test]
    fn the_order_of_keys_means_nothing(
        parts in parts(), inventory in inventory(), arguments in arguments(),
        class in prop::option::of(prop::sample::select(ToolClass::ALL.to_vec())),
    ) {
        let text = parts.write();
        let turned = Document::parse(text.as_bytes(), BOUNDS).expect("generated to be JSON");
        let turned = backwards(turned.root());
        let arguments = object(&arguments);
        let other_way = Document::parse(arguments.as_bytes(), BOUNDS).expect("generated to be JSON");
        let other_way = backwards(other_way.root());
        let one = compile(&text, inventory.as_deref());
        let other = compile(&turned, inventory.as_deref());
        for name in NAMES {
            prop_assert_eq!(
                decide(&one, name, &arguments, class),
                decide(&other, name, &other_way, class)
            );
        }
    }

    #[test]
    fn another_deny_if_never_allows_more(
        parts in parts(), inventory in inventory(), arguments in arguments(), extra in a_check(),
        at in any::<prop::sample::Index>(),
    ) {
        let mut stricter = parts.clone();
        let place = at.index(stricter.tools.len() + 1);
        match stricter.tools.get_mut(place) {
            Some((_, block)) => block.2.push(extra),
            None => stricter.all_tools.2.push(extra),
        }
        let one = compile(&parts.write(), inventory.as_deref());
        let other = compile(&stricter.write(), inventory.as_deref());
        for name in NAMES {
            let arguments = object(&arguments);
            if judge(&one, name, &arguments) != "allow" {
                prop_assert_ne!(judge(&other, name, &arguments), "allow");
            }
        }
    }

    #[test]
    fn a_lower_maximum_never_allows_more(own in 0_u64..50, all in 0_u64..50, less in 0_u64..50) {
        // What is let through of n calls at once is the smallest maximum of the buckets charged.
        let burst = |own: u64, all: u64| {
            let document = format!(
                r#"{{"version":"1","default":"deny","all_tools":{{"rate_limit":{{"window":60,"max":{all}}}}},
                    "tools":{{"t":{{"rate_limit":{{"window":60,"max":{own}}}}}}}}}"#
            );
            let engine = compile(&document, None);
            let grant = GrantFacts { label: "l", identity: None, labels: &[] };
            match engine.judge(&Call { tool: "t", arguments: None, grant, class: None, now_unix_ms: 0 }).verdict {
                Verdict::Pass(pass) => pass.limits.iter().map(|limit| limit.max).min(),
                Verdict::Refuse(_) => Some(0),
            }
        };
        prop_assert_eq!(burst(own, all), Some(own.min(all)));
        prop_assert!(burst(own.saturating_sub(less), all) <= burst(own, all));
    }

    #[test]
    fn the_canonical_document_means_the_same_and_is_its_own_canonical(
        parts in parts(), inventory in inventory(), arguments in arguments(),
    ) {
        let policy = Policy::parse(&parts.write()).expect("generated to be valid");
        let canonical = Policy::parse(&policy.canonical()).expect("canonical is valid too");
        prop_assert_eq!(canonical.canonical(), policy.canonical());
        let one = Engine::compile(&policy, inventory.as_deref());
        let other = Engine::compile(&canonical, inventory.as_deref());
        for name in NAMES {
            let arguments = object(&arguments);
            let one = decide(&one, name, &arguments, None);
            prop_assert_eq!(one, decide(&other, name, &arguments, None));
        }
    }

    /// What is refused because nothing can be told is refused in both senses.
    #[test]
    fn a_check_and_its_opposite_never_both_let_through(
        condition in condition(), arguments in arguments(),
    ) {
        let of = |field: &str| {
            let document = format!(
                r#"{{"version":"1","default":"deny","tools":{{"t":{{"{field}":[{{"conditions":[{condition}]}}]}}}}}}"#
            );
            judge(&compile(&document, None), "t", &object(&arguments)) == "allow"
        };
        prop_assert!(!(of("require") && of("deny_if")));
    }

    #[test]
    fn random_arguments_never_panic(
        parts in parts(), text in "[\\[\\]{}\",:0-9eE.a-c_ \\\\u-]{0,48}",
    ) {
        let engine = compile(&parts.write(), None);
        if let Ok(document) = Document::parse(text.as_bytes(), BOUNDS) {
            let grant = GrantFacts { label: "", identity: None, labels: &[] };
            let arguments = Some(document.root());
            let _ = engine.judge(&Call { tool: "get_a", arguments, grant, class: None, now_unix_ms: u64::MAX });
        }
    }

    /// Documents cut from valid ones, with other words put in.
    #[test]
    fn random_documents_never_panic(
        parts in parts(), at in any::<prop::sample::Index>(), length in 0_usize..12,
        put in prop::sample::select(vec![
            "", "{}", "[]", "null", "\"", "1e999", "\"deny\"", "}", "\"\\ud800\"", "ä", "\"version\"",
        ]),
    ) {
        let mut text = parts.write();
        let start = at.index(text.len());
        let end = (start + length).min(text.len());
        text.replace_range(start..end, put);
        let report = check(&text, Some(&tools(&NAMES)));
        prop_assert_eq!(report.valid, Policy::parse(&text).is_ok());
        for fault in report.faults.iter().chain(&report.warnings) {
            prop_assert!(fault.line >= 1 && fault.column >= 1);
        }
    }

    #[test]
    fn random_text_is_never_a_policy(text in any::<String>()) {
        prop_assert!(Policy::parse(&text).is_err());
    }
}
