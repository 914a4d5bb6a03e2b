//! What changed between two documents, and what is certain of it.

use domain::{Tool, ToolClass};
use json::Document;
use policy::{Call, ChangeKind, Effect, Engine, GrantFacts, Mode, Policy, Verdict, diff};
use proptest::prelude::*;

use crate::{
    common::{BOUNDS, classed, tools},
    random,
};

fn parse(text: &str) -> Policy {
    Policy::parse(text).unwrap_or_else(|faults| panic!("{text}\n{faults:#?}"))
}

/// Each change on a line: its effect, its pointer, its sentence.
fn changes(old: &str, new: &str, inventory: Option<&[Tool]>) -> Vec<String> {
    let changes = diff(Some(&parse(old)), &parse(new), inventory);
    let line = |change: &policy::Change| {
        let effect = format!("{:?}", change.effect).to_lowercase();
        format!("{effect} {}: {}", change.pointer, change.sentence)
    };
    changes.iter().map(line).collect()
}

/// Of two blocks of the tool `t`.
fn of_blocks(old: &str, new: &str) -> Vec<String> {
    let document = |block| format!(r#"{{"version":"1","default":"deny","tools":{{"t":{block}}}}}"#);
    changes(&document(old), &document(new), None)
}

fn check(field: &str, conditions: &str) -> String {
    format!(r#"{{"{field}":[{{"conditions":[{conditions}]}}]}}"#)
}

fn condition(path: &str, op: &str, value: &str) -> String {
    format!(r#"{{"path":"{path}","op":"{op}","value":{value}}}"#)
}

#[test]
fn formatting_and_the_order_of_keys_are_no_change() {
    let old =
        r#"{"version":"1","default":"deny","tools":{"a":{"action":"deny","reason":"x"},"b":{}}}"#;
    let new = r#"{ "default": "deny", "tools": { "b": {}, "a": { "reason": "\u0078",
                   "action": "deny" } }, "version": "1" }"#;
    assert_eq!(changes(old, new, None), [""; 0]);
}

#[test]
fn a_block_is_told_by_rule() {
    let cases: &[(&str, &str, &[&str])] = &[
        (
            r#"{"limits":[{"counter":"c","window":"minute","max":20}]}"#,
            r#"{"limits":[{"counter":"c","window":"minute","max":10}]}"#,
            &["tightens /tools/t/limits/c: `t`: at most 10 a minute instead of 20."],
        ),
        (
            r#"{"rate_limit":{"window":60,"max":10}}"#,
            r#"{"rate_limit":{"window":"minute","max":20}}"#,
            &["loosens /tools/t/rate_limit: `t`: at most 20 a minute instead of 10."],
        ),
        (
            r#"{"limits":[{"counter":"c","window":"minute","max":20}]}"#,
            r#"{"limits":[{"counter":"c","window":"hour","max":20}]}"#,
            &[
                "loosens /tools/t/limits/c: `t`: at most 20 an hour instead of 20 a minute; nothing \
               of the new bucket is spent yet.",
            ],
        ),
        (
            r#"{"limits":[{"counter":"c","window":"minute","max":20}]}"#,
            r#"{"limits":[{"counter":"d","window":"minute","max":20}]}"#,
            &[
                "loosens /tools/t/limits/d: `t`: still at most 20 a minute; counted by d instead of \
               c; nothing of the new bucket is spent yet.",
            ],
        ),
        (
            r#"{"limits":[{"counter":"c","window":"minute","max":20}]}"#,
            r#"{"limits":[{"counter":"c","window":"minute","max":20,"per":"args.a"}]}"#,
            &[
                "unclear /tools/t/limits/c: `t`: at most 20 a minute for each args.a instead of 20 a \
               minute; nothing of the new bucket is spent yet.",
            ],
        ),
        (
            r#"{"limits":[{"counter":"c","window":"minute","max":20}]}"#,
            r#"{"limits":[{"counter":"c","window":"minute","max":20,"mode":"shadow"}]}"#,
            &[
                "loosens /tools/t/limits/c: `t`: at most 20 a minute (in shadow) instead of 20 a \
               minute.",
            ],
        ),
        (
            "{}",
            r#"{"limits":[{"counter":"c","window":"day","max":5,"scope":"org"}]}"#,
            &["tightens /tools/t/limits/c: `t`: at most 5 a day for the whole organisation."],
        ),
        (
            r#"{"rate_limit":{"window":60,"max":10}}"#,
            "{}",
            &["loosens /tools/t/rate_limit: `t`: no longer at most 10 a minute."],
        ),
        (
            "{}",
            r#"{"action":"deny","reason":"No.","rate_limit":{"window":60,"max":10}}"#,
            &[
                "tightens /tools/t/action: `t`: refused now, whatever the arguments.",
                "neutral /tools/t/reason: `t`: another text for the refusal.",
                "neutral /tools/t/rate_limit: `t`: at most 10 a minute.",
            ],
        ),
        (
            r#"{"action":"deny"}"#,
            r#"{"action":"require_approval"}"#,
            &[
                "loosens /tools/t/action: `t`: no longer refused outright.",
                "neutral /tools/t/action: `t`: held for a policy manager.",
            ],
        ),
        (
            "{}",
            r#"{"action":"allow"}"#,
            &["neutral /tools/t: `t`: written differently, means the same."],
        ),
        (
            r#"{"approval":{"timeout":"30m"}}"#,
            r#"{"approval":{"timeout":"1h","quorum":2}}"#,
            &[
                "unclear /tools/t/approval: `t`: held for 2 policy managers, within 1 hour; before, \
               held for a policy manager, within 30 minutes.",
            ],
        ),
        (
            r#"{"action":"require_approval"}"#,
            r#"{"approval":{"approvers":"admin"}}"#,
            &[
                "tightens /tools/t/approval: `t`: held for an admin; before, held for a policy \
               manager.",
            ],
        ),
        (
            r#"{"validate":"schema"}"#,
            r#"{"validate":{"required_args":true}}"#,
            &[
                "unclear /tools/t/validate: `t`: that the required arguments are there is \
               checked against the schema.",
            ],
        ),
        (
            r#"{"concurrent":{"max":3,"scope":"server"}}"#,
            r#"{"concurrent":{"max":3}}"#,
            &[
                "loosens /tools/t/concurrent: `t`: at most 3 at once instead of 3 at once for all \
               grants of the server together.",
            ],
        ),
        (
            r#"{"max_result_bytes":1000}"#,
            r#"{"max_result_bytes":500}"#,
            &[
                "tightens /tools/t/max_result_bytes: `t`: a result has at most 500 bytes instead of \
               1000.",
            ],
        ),
    ];
    for (old, new, expected) in cases {
        assert_eq!(of_blocks(old, new), *expected, "{old} {new}");
    }
}

#[test]
fn a_check_is_compared_where_that_can_be_proved() {
    let cases = [
        // (path, old op and value, new op and value, in `require`, in `deny_if`)
        (
            "args.a",
            ("lte", "20"),
            ("lte", "10"),
            "tightens",
            "loosens",
        ),
        (
            "args.a",
            ("lt", "10"),
            ("lte", "10.0"),
            "loosens",
            "tightens",
        ),
        ("args.a", ("gt", "10"), ("gte", "20"), "tightens", "loosens"),
        ("args.a", ("gt", "10"), ("lt", "20"), "unclear", "unclear"),
        (
            "args.a",
            ("in", r#"["x","y"]"#),
            ("in", r#"["x"]"#),
            "tightens",
            "loosens",
        ),
        (
            "args.a",
            ("in", r#"["x","y"]"#),
            ("eq", r#""y""#),
            "tightens",
            "loosens",
        ),
        (
            "args.a",
            ("in", r#"["x","y"]"#),
            ("in", r#"["y","x"]"#),
            "neutral",
            "neutral",
        ),
        (
            "args.a",
            ("in", r#"["x"]"#),
            ("in", r#"["x",1]"#),
            "loosens",
            "unclear",
        ),
        (
            "args.a",
            ("not_in", r#"["x"]"#),
            ("not_in", r#"["x","y"]"#),
            "tightens",
            "loosens",
        ),
        (
            "args.a",
            ("not_in", r#"["x"]"#),
            ("not_in", r#"["x",1]"#),
            "unclear",
            "loosens",
        ),
        (
            "args.a",
            ("eq", "[1]"),
            ("eq", "[1,2]"),
            "unclear",
            "unclear",
        ),
        (
            "args.a",
            ("starts_with", r#""a""#),
            ("starts_with", r#""ab""#),
            "tightens",
            "loosens",
        ),
        (
            "args.a",
            ("ends_with", r#""ba""#),
            ("ends_with", r#""a""#),
            "loosens",
            "tightens",
        ),
        (
            "args.a",
            ("length_lte", "5"),
            ("length_lte", "4"),
            "tightens",
            "loosens",
        ),
        (
            "args.a",
            ("cidr", r#"["10.0.0.0/8"]"#),
            ("cidr", r#"["10.1.0.0/16"]"#),
            "tightens",
            "loosens",
        ),
        (
            "args.a",
            ("host_in", r#"["a.test"]"#),
            ("host_in", r#"["a.test","b.test"]"#),
            "loosens",
            "tightens",
        ),
        (
            "args.a",
            ("regex", r#""^a$""#),
            ("regex", r#""^b$""#),
            "unclear",
            "unclear",
        ),
        (
            "args.a",
            ("exists", "true"),
            ("exists", "false"),
            "unclear",
            "unclear",
        ),
    ];
    for (path, old, new, in_require, in_deny_if) in cases {
        for (field, expected) in [("require", in_require), ("deny_if", in_deny_if)] {
            let block = |(op, value)| check(field, &condition(path, op, value));
            let got = of_blocks(&block(old), &block(new));
            assert_eq!(got.len(), 1, "{got:?}");
            assert!(
                got[0].starts_with(&format!("{expected} /tools/t/{field}/0: ")),
                "{got:?}"
            );
        }
    }
}

#[test]
fn checks_and_conditions_come_and_go() {
    let a = condition("args.a", "eq", "1");
    let both = format!("{a},{}", condition("args.b", "exists", "true"));
    let effects = |old: &str, new: &str| {
        let changes = of_blocks(old, new);
        let effects = changes.iter().filter_map(|line| line.split(' ').next());
        effects.collect::<Vec<_>>().join(" ")
    };
    for field in ["require", "deny_if"] {
        let (one, two) = (check(field, &a), check(field, &both));
        assert_eq!(effects("{}", &one), "tightens", "{field}");
        assert_eq!(effects(&one, "{}"), "loosens", "{field}");
        // Other paths: one check goes, another comes.
        assert_eq!(effects(&one, &two), "tightens loosens", "{field}");
    }
    let shadow =
        check("deny_if", &a).replace("\"conditions\"", "\"mode\":\"shadow\",\"conditions\"");
    assert_eq!(
        of_blocks("{}", &shadow)[0],
        "neutral /tools/t/deny_if/0: `t`: refused where args.a is 1 (in shadow)."
    );
    let enforced = check("deny_if", &a);
    assert_eq!(
        of_blocks(&shadow, &enforced),
        [
            "tightens /tools/t/deny_if/0: `t`: refused where args.a is 1; enforced now, no longer in shadow."
        ]
    );
    let passes = enforced.replace("\"conditions\"", "\"missing\":\"pass\",\"conditions\"");
    assert_eq!(
        of_blocks(&enforced, &passes),
        [
            "loosens /tools/t/deny_if/0: `t`: refused where args.a is 1; a call without these arguments passes now."
        ]
    );
}

#[test]
fn a_new_entry_is_compared_with_what_applied_before() {
    let with = |tools: &str| {
        format!(
            r#"{{"version":"1","default":"deny","classes":{{"read":{{}},"execute":{{"action":"deny"}}}},"tools":{{{tools}}}}}"#
        )
    };
    let inventory = [
        classed("get_a", ToolClass::Read),
        classed("run", ToolClass::Execute),
        classed("buy", ToolClass::Financial),
    ];
    for (tools, expected) in [
        (
            r#""run":{}"#,
            "loosens /tools/run: `run` has rules of its own: allowed; before, class `execute` applied.",
        ),
        (
            r#""get_a":{"rate_limit":{"max":5,"window":60}}"#,
            "tightens /tools/get_a: `get_a` has rules of its own: allowed, at most 5 a minute; before, class `read` applied.",
        ),
        (
            r#""buy":{"action":"deny"}"#,
            "neutral /tools/buy: `buy` has rules of its own: refused; before, the default (deny) applied.",
        ),
        (
            r#""g*":{"rate_limit":{"max":5,"window":60}}"#,
            "unclear /tools/g*: `g*` has rules of its own: allowed, at most 5 a minute (`get_a`); before, class `read`, the default (deny), class `execute` or the default (deny) applied.",
        ),
    ] {
        assert_eq!(
            changes(&with(""), &with(tools), Some(&inventory)),
            [expected]
        );
    }
    // A glob that another covers takes its tools from that one alone.
    let star = r#""*":{"rate_limit":{"max":5,"window":60}}"#;
    let both = format!(r#"{star},"g*":{{"rate_limit":{{"max":2,"window":60}}}}"#);
    assert_eq!(
        changes(&with(star), &with(&both), Some(&inventory)),
        [
            "tightens /tools/g*: `g*` has rules of its own: allowed, at most 2 a minute (`get_a`); before, `*` applied."
        ]
    );
    assert_eq!(
        changes(&with(&both), &with(star), Some(&inventory)),
        ["loosens /tools/g*: `g*` has no rules of its own any more (`get_a`); `*` applies."]
    );
}

#[test]
fn the_documents_own_fields() {
    let old = r#"{"version":"1","default":"allow","hide":["run"],"tools":{},
        "tests":[{"name":"one","tool":"x","expect":"allow"}]}"#;
    let new = r#"{"version":"1","default":"deny","description":"CI","hide":["drop*"],
        "classes":{"read":{}},"tests":[{"name":"two","tool":"x","expect":"deny"}]}"#;
    let inventory = [
        classed("drop_db", ToolClass::Destructive),
        classed("get", ToolClass::Read),
    ];
    assert_eq!(
        changes(old, new, Some(&inventory)),
        [
            "tightens /default: Tools that no rule names are refused, as if they did not exist (`drop_db`).",
            "neutral /description: The description is another one.",
            "tightens /hide/0: `drop*` is hidden (`drop_db`).",
            "neutral /classes/read: Class `read` has rules: allowed (`get`); before, the default (allow) applied.",
            "neutral /tests/0: The test “two” is new.",
            "loosens /hide/0: `run` is no longer hidden.",
            "neutral /tests/0: The test “one” is gone.",
        ]
    );
}

#[test]
fn without_an_older_document_everything_is_new() {
    let new = parse(
        r#"{"version":"1","default":"deny","hide":["x"],"tools":{"a":{},"b":{"action":"deny"}}}"#,
    );
    let changes = diff(None, &new, None);
    let told: Vec<_> = changes
        .iter()
        .map(|change| (change.pointer.as_str(), change.kind, change.effect))
        .collect();
    assert_eq!(
        told,
        [
            ("/default", ChangeKind::Added, Effect::Neutral),
            ("/hide/0", ChangeKind::Added, Effect::Tightens),
            ("/tools/a", ChangeKind::Added, Effect::Loosens),
            ("/tools/b", ChangeKind::Added, Effect::Neutral),
        ]
    );
    assert_eq!(changes[2].after.as_deref(), Some("{}"));
    assert_eq!(changes[2].before, None);
}

/// A tool that posed as a hidden one is there again when the other is no longer hidden, and the
/// other way round.
#[test]
fn a_name_that_poses_as_anothers_is_told() {
    let of = |tools: &str| {
        format!(r#"{{"version":"1","default":"deny","tools":{{"drop-*":{{}}{tools}}}}}"#)
    };
    let inventory = tools(&["drop-db", "drop_db"]);
    assert_eq!(
        changes(
            &of(""),
            &of(r#","drop_db":{"action":"deny"}"#),
            Some(&inventory)
        ),
        [
            "neutral /tools/drop_db: `drop_db` has rules of its own: refused; before, the default (deny) applied.",
            "tightens /tools/drop-*: `drop-db` cannot be called any more: its name is like that of a tool that is refused.",
        ]
    );
}

/// How far a call gets with full buckets: refused, held for a person, or through. One that its
/// limits can never let through is refused, whoever approves it.
fn rank(engine: &Engine, tool: &str, arguments: &str) -> u8 {
    let document = Document::parse(arguments.as_bytes(), BOUNDS).expect("is JSON");
    let call = Call {
        tool,
        arguments: Some(document.root()),
        grant: GrantFacts {
            label: "ci-runner",
            identity: None,
            labels: &[],
        },
        class: None,
        now_unix_ms: 1_767_571_200_000,
    };
    let Verdict::Pass(pass) = engine.judge(&call).verdict else {
        return 0;
    };
    let spent = pass.spends().any(|spend| {
        let limit = spend.limit;
        limit.mode == Mode::Enforce && (limit.max == 0 || spend.cost > limit.max)
    });
    let full = |it: &policy::Concurrent| it.mode == Mode::Enforce && it.max == 0;
    match pass.approval {
        _ if spent || pass.concurrent.iter().any(full) => 0,
        Some(_) => 1,
        None => 2,
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 512,
        max_global_rejects: 1 << 20,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// What is called tighter lets nothing through that was refused or held; what is called looser
    /// refuses or holds nothing that passed.
    #[test]
    fn effects_are_certain(
        (old, new) in random::two_documents(), inventory in random::inventory(),
        calls in prop::collection::vec(random::arguments(), 6),
    ) {
        let (Ok(old), Ok(new)) = (Policy::parse(&old.to_string()), Policy::parse(&new.to_string()))
        else {
            return Err(TestCaseError::reject("not valid"));
        };
        let changes = diff(Some(&old), &new, Some(&inventory));
        prop_assert_eq!(changes.is_empty(), old.canonical() == new.canonical());
        let effect: Effect = changes.iter().map(|change| change.effect).collect();
        let (before, after) = (
            Engine::compile(&old, Some(&inventory)),
            Engine::compile(&new, Some(&inventory)),
        );
        for tool in inventory.iter().map(|tool| tool.name.as_str()) {
            for arguments in &calls {
                let (was, is) = (rank(&before, tool, arguments), rank(&after, tool, arguments));
                let told = || format!(
                    "{tool} {arguments}\n{}\n{}\n{changes:#?}\n{inventory:?}", old.text(), new.text()
                );
                match effect {
                    Effect::Tightens => prop_assert!(is <= was, "{}", told()),
                    Effect::Loosens => prop_assert!(is >= was, "{}", told()),
                    Effect::Neutral => prop_assert_eq!(is, was, "{}", told()),
                    Effect::Unclear => {}
                }
            }
        }
    }
}
