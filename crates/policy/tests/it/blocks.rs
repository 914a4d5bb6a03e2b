//! Class blocks, shadow, and what a call that passes still needs.

use domain::{Tool, ToolClass};
use json::Document;
use policy::{Call, Engine, GrantFacts, Judgement, Pass, Step, StepResult, Verdict};

use crate::common::{BOUNDS, classed, engine, judge, tool, with_block};

/// Judges, looks on as well, and finds that looking on changes nothing.
pub(crate) fn judged<T>(
    engine: &Engine,
    name: &str,
    arguments: &str,
    class: Option<ToolClass>,
    read: impl FnOnce(Judgement<'_>, Vec<Step>) -> T,
) -> T {
    let document = Document::parse(arguments.as_bytes(), BOUNDS).expect("the test's own JSON");
    let call = Call {
        tool: name,
        arguments: Some(document.root()),
        grant: GrantFacts {
            label: "l",
            identity: None,
            labels: &[],
        },
        class,
        now_unix_ms: 0,
    };
    let judgement = engine.judge(&call);
    let (explained, steps) = engine.explain(&call);
    assert_eq!(format!("{judgement:?}"), format!("{explained:?}"));
    read(judgement, steps)
}

/// `allow`, `hold` with its rule, or the code and the rule that refused.
fn line(engine: &Engine, name: &str, arguments: &str, class: Option<ToolClass>) -> String {
    judged(
        engine,
        name,
        arguments,
        class,
        |judgement, _| match judgement.verdict {
            Verdict::Refuse(refusal) => {
                format!("{} {}", refusal.code, refusal.rule.unwrap_or_default())
            }
            Verdict::Pass(pass) => match pass.approval {
                Some(approval) => format!("hold {}", approval.rule),
                None => "allow".to_owned(),
            },
        },
    )
}

fn passed<T>(
    document: &str,
    name: &str,
    arguments: &str,
    read: impl FnOnce(Pass<'_>, Vec<String>) -> T,
) -> T {
    let engine = engine(document, None);
    judged(&engine, name, arguments, None, |judgement, _| {
        let shadow = judgement.shadow.into_iter();
        let shadow = shadow.map(|shadow| format!("{} {}", shadow.code, shadow.rule));
        match judgement.verdict {
            Verdict::Pass(pass) => read(pass, shadow.collect()),
            Verdict::Refuse(refusal) => panic!("{refusal:?}"),
        }
    })
}

const CLASSES: &str = r#"{"version":"1","default":"deny",
    "classes":{"read":{},
               "write":{"deny_if":[{"conditions":[{"path":"args.x","op":"eq","value":1}]}]},
               "destructive":{"action":"deny"}},
    "tools":{"get_*":{"action":"deny"},"named":{}}}"#;

#[test]
fn a_class_block_applies_where_no_entry_of_tools_matches() {
    let inventory = [
        classed("r", ToolClass::Read),
        classed("w", ToolClass::Write),
        classed("d", ToolClass::Destructive),
        classed("e", ToolClass::Execute),
        classed("get_r", ToolClass::Read),
        classed("named", ToolClass::Destructive),
        tool("unclassed"),
    ];
    let known = engine(CLASSES, Some(&inventory));
    for (name, expected) in [
        ("r", "allow"),
        ("w", "deny_if /classes/write/deny_if/0"),
        ("d", "denied /classes/destructive/action"),
        ("e", "default_deny /default"),
        ("get_r", "denied /tools/get_*/action"),
        ("named", "allow"),
        ("unclassed", "denied /classes/destructive/action"),
        ("nowhere", "unknown_tool "),
    ] {
        assert_eq!(line(&known, name, r#"{"x":1}"#, None), expected, "{name}");
        let refused = expected.starts_with("default") || expected.starts_with("unknown");
        assert_eq!(known.shows(name), !refused, "{name}");
    }
    let offline = engine(CLASSES, None);
    assert_eq!(
        line(&offline, "any", "{}", None),
        "denied /classes/destructive/action"
    );
}

#[test]
fn a_calls_own_class_counts_in_place_of_the_inventorys() {
    let inventory = [
        classed("r", ToolClass::Read),
        classed("w", ToolClass::Write),
    ];
    for engine in [engine(CLASSES, Some(&inventory)), engine(CLASSES, None)] {
        for (class, expected) in [
            (ToolClass::Read, "allow"),
            (ToolClass::Write, "deny_if /classes/write/deny_if/0"),
            (ToolClass::Destructive, "denied /classes/destructive/action"),
            (ToolClass::Financial, "default_deny /default"),
        ] {
            for name in ["r", "w"] {
                let got = line(&engine, name, r#"{"x":1}"#, Some(class));
                assert_eq!(got, expected, "{name}");
            }
            let other = line(&engine, "get_r", "{}", Some(class));
            assert!(
                ["denied /tools/get_*/action", "unknown_tool "].contains(&&*other),
                "a class makes no tool of a name, and moves none to another block: {other}"
            );
        }
    }
    let asks = with_block(
        r#"{"require":[{"conditions":[{"path":"tool.class","op":"eq","value":"write"}]}]}"#,
    );
    let engine = engine(&asks, Some(&[classed("t", ToolClass::Read)]));
    assert_eq!(
        line(&engine, "t", "{}", None),
        "require_failed /tools/t/require/0"
    );
    assert_eq!(line(&engine, "t", "{}", Some(ToolClass::Write)), "allow");
}

/// Every class block, step by step: no block's `require` before another's `action`.
#[test]
fn a_tool_without_a_class_must_be_let_through_by_every_class_block() {
    let check = |value: u8| {
        format!(r#"[{{"conditions":[{{"path":"args.x","op":"eq","value":{value}}}]}}]"#)
    };
    let document = format!(
        r#"{{"version":"1","default":"deny","classes":{{
            "read":{{"require":{},"max_result_bytes":200}},
            "write":{{"deny_if":{},"rate_limit":{{"max":5,"window":"minute"}},
                      "max_result_bytes":100,"concurrent":{{"max":2}}}},
            "execute":{{"rate_limit":{{"max":9,"window":60}},"approval":{{}}}}}}}}"#,
        check(1),
        check(2)
    );
    let engine = engine(&document, None);
    let got = |arguments| line(&engine, "t", arguments, None);
    assert_eq!(got(r#"{"x":2}"#), "require_failed /classes/read/require/0");
    assert_eq!(got(r#"{"x":1}"#), "hold /classes/execute/approval");
    passed(&document, "t", r#"{"x":1}"#, |pass, _| {
        let max = pass.max_result.expect("one");
        assert_eq!(
            (max.bytes, max.rule.as_str()),
            (100, "/classes/write/max_result_bytes")
        );
        assert_eq!(pass.concurrent.len(), 1);
        assert_eq!(pass.concurrent[0].rule, "/classes/write/concurrent");
        let [limit] = &pass.limits[..] else { panic!() };
        assert_eq!((limit.max, &*limit.counter), (5, "t_rate"));
        assert_eq!(limit.rule, "/classes/write/rate_limit");
    });
}

/// wire.md, section 2, 5, for a tool that a class refuses.
#[test]
fn a_tool_that_poses_as_one_that_its_class_refuses_is_unknown() {
    let document = r#"{"version":"1","default":"allow","classes":{"destructive":{"action":"deny"},
        "read":{}},"tools":{"wipe-all":{}}}"#;
    let inventory = [
        classed("wipe_all", ToolClass::Destructive),
        classed("wipeAll", ToolClass::Read),
        classed("wipe-all", ToolClass::Read),
        classed("read", ToolClass::Read),
        // Of no class, so refused with a reason, and none may pose as it.
        tool("drop"),
        classed("DROP", ToolClass::Read),
    ];
    let engine = engine(document, Some(&inventory));
    for (name, expected) in [
        ("wipe_all", "denied /classes/destructive/action"),
        ("wipeAll", "unknown_tool "),
        ("wipe-all", "allow"),
        ("read", "allow"),
        ("drop", "denied /classes/destructive/action"),
        ("DROP", "unknown_tool "),
    ] {
        assert_eq!(line(&engine, name, "{}", None), expected, "{name}");
    }
    // Nor does another class in the call undo it.
    assert_eq!(
        line(&engine, "wipeAll", "{}", Some(ToolClass::Write)),
        "unknown_tool "
    );
}

#[test]
fn approval_is_asked_for_where_when_holds_or_cannot_be_told() {
    let when = r#"{"approval":{"when":[{"path":"args.amount","op":"gt","value":100}]}}"#;
    let asks = engine(&with_block(when), None);
    for (arguments, expected) in [
        (r#"{"amount":100}"#, "allow"),
        (r#"{"amount":101}"#, "hold /tools/t/approval"),
        (r#"{"amount":"1"}"#, "hold /tools/t/approval"),
        ("{}", "hold /tools/t/approval"),
    ] {
        assert_eq!(line(&asks, "t", arguments, None), expected, "{arguments}");
    }
    let always = engine(&with_block(r#"{"action":"require_approval"}"#), None);
    assert_eq!(line(&always, "t", "{}", None), "hold /tools/t/action");
    let never = engine(
        &with_block(r#"{"approval":{},"deny_if":[{"conditions":[]}]}"#),
        None,
    );
    assert_eq!(
        line(&never, "t", "{}", None),
        "deny_if /tools/t/deny_if/0",
        "nobody is asked about a call that is refused"
    );
}

/// A block's own approval cannot soften that of `all_tools`.
#[test]
fn two_approvals_are_asked_for_as_one_with_all_that_either_wants() {
    let document = r#"{"version":"1","default":"deny",
        "all_tools":{"approval":{"approvers":"admin","quorum":2,"timeout":"10m","reason":"All."}},
        "tools":{"t":{"approval":{"four_eyes":true,"timeout":"30m"}},
                 "u":{"approval":{"mode":"shadow"}}}}"#;
    passed(document, "t", "{}", |pass, shadow| {
        let approval = pass.approval.expect("it is held");
        assert_eq!(approval.rule, "/tools/t/approval");
        assert_eq!(approval.approvers, policy::Approvers::Admin);
        assert_eq!((approval.quorum, approval.four_eyes), (2, true));
        assert_eq!(approval.timeout_ms, Some(600_000));
        assert_eq!(approval.reason.as_deref(), Some("All."));
        assert!(shadow.is_empty());
    });
    passed(document, "u", "{}", |pass, shadow| {
        assert_eq!(pass.approval.expect("held").rule, "/all_tools/approval");
        assert_eq!(shadow, ["approval_required /tools/u/approval"]);
    });
}

#[test]
fn shadow_rules_record_up_to_the_refusal_and_never_refuse() {
    let x = |value: u8, mode: &str| {
        format!(
            r#"{{"conditions":[{{"path":"args.x","op":"eq","value":{value}}}],"mode":"{mode}"}}"#
        )
    };
    let (shadow, enforce) = ("shadow", "enforce");
    let document = format!(
        r#"{{"version":"1","default":"deny",
        "all_tools":{{"deny_if":[{},{}]}},
        "tools":{{"t":{{"require":[{},{}],"deny_if":[{},{}],"approval":{{"mode":"shadow"}},
            "limits":[{{"counter":"s","window":1,"max":1,"mode":"shadow"}}],
            "concurrent":{{"max":1,"mode":"shadow"}}}}}}}}"#,
        x(1, shadow),
        x(3, enforce),
        x(2, shadow),
        x(7, shadow),
        x(1, shadow),
        x(9, shadow),
    );
    passed(&document, "t", r#"{"x":1}"#, |pass, shadow| {
        assert_eq!(
            shadow,
            [
                "require_failed /tools/t/require/0",
                "require_failed /tools/t/require/1",
                "deny_if /tools/t/deny_if/0",
                "deny_if /all_tools/deny_if/0",
                "approval_required /tools/t/approval",
            ]
        );
        assert!(pass.approval.is_none());
        assert_eq!(pass.limits[0].mode, policy::Mode::Shadow);
        assert_eq!(pass.concurrent[0].mode, policy::Mode::Shadow);
    });
    let engine = engine(&document, None);
    judged(&engine, "t", r#"{"x":3}"#, None, |judgement, _| {
        let Verdict::Refuse(refusal) = judgement.verdict else {
            panic!()
        };
        assert_eq!(refusal.rule.as_deref(), Some("/all_tools/deny_if/1"));
        let rules: Vec<_> = judgement.shadow.iter().map(|s| &*s.rule).collect();
        assert_eq!(rules, ["/tools/t/require/0", "/tools/t/require/1"]);
    });
}

/// However much there is for rules in shadow to look at, those that are enforced see everything.
#[test]
fn what_shadow_rules_look_at_is_not_missing_where_rules_are_enforced() {
    let patterns: Vec<String> = (0..60)
        .map(|n| format!(r#"{{"mode":"shadow","conditions":[{{"path":"args.x","op":"regex","value":"b{n}"}}]}}"#))
        .collect();
    let enforced = r#"{"conditions":[{"path":"args.x","op":"starts_with","value":"b"}]}"#;
    let block = format!(r#"{{"deny_if":[{},{enforced}]}}"#, patterns.join(","));
    let long = format!(r#"{{"x":"{}"}}"#, "a".repeat(600_000));
    let engine = engine(&with_block(&block), None);
    assert_eq!(judge(&engine, "t", &long), "allow");
    judged(&engine, "t", &long, None, |judgement, _| {
        assert!(
            !judgement.shadow.is_empty(),
            "those beyond the bound would have fired"
        );
    });
}

#[test]
fn of_an_enforced_limit_and_one_in_shadow_on_one_bucket_the_enforced_one_counts() {
    let limit =
        |mode| format!(r#""limits":[{{"counter":"c","window":60,"max":5,"mode":"{mode}"}}]"#);
    for (own, all, rule) in [
        ("shadow", "enforce", "/all_tools/limits/c"),
        ("enforce", "shadow", "/tools/t/limits/c"),
    ] {
        let document = format!(
            r#"{{"version":"1","default":"deny","all_tools":{{{}}},"tools":{{"t":{{{}}}}}}}"#,
            limit(all),
            limit(own)
        );
        passed(&document, "t", "{}", |pass, _| {
            let [limit] = &pass.limits[..] else { panic!() };
            assert_eq!((&*limit.rule, limit.mode), (rule, policy::Mode::Enforce));
        });
    }
}

#[test]
fn every_kind_of_block_gives_each_tool_a_rate_of_its_own() {
    let rate = |max| format!(r#"{{"rate_limit":{{"max":{max},"window":60}}}}"#);
    let document = format!(
        r#"{{"version":"1","default":"deny","all_tools":{},"classes":{{"read":{}}},
            "tools":{{"a/b":{},"get_*":{}}}}}"#,
        rate(100),
        rate(40),
        rate(30),
        rate(20)
    );
    for (name, counter, rule, max) in [
        ("a/b", "a/b_rate", "/tools/a~1b/rate_limit", 30),
        ("get_x", "get_x_rate", "/tools/get_*/rate_limit", 20),
        ("get_y", "get_y_rate", "/tools/get_*/rate_limit", 20),
        ("other", "other_rate", "/classes/read/rate_limit", 40),
    ] {
        passed(&document, name, "{}", |pass, _| {
            let [limit] = &pass.limits[..] else { panic!() };
            assert_eq!(
                (&*limit.counter, &*limit.rule, limit.max),
                (counter, rule, max)
            );
        });
    }
}

#[test]
fn the_smallest_result_that_any_block_allows_is_the_largest_relayed() {
    for (own, all, expected) in [
        ("", "", None),
        (r#""max_result_bytes":5"#, "", Some(5)),
        ("", r#""max_result_bytes":6"#, Some(6)),
        (
            r#""max_result_bytes":5"#,
            r#""max_result_bytes":6"#,
            Some(5),
        ),
        (
            r#""max_result_bytes":7"#,
            r#""max_result_bytes":6"#,
            Some(6),
        ),
    ] {
        let document = format!(
            r#"{{"version":"1","default":"deny","all_tools":{{{all}}},"tools":{{"t":{{{own}}}}}}}"#
        );
        passed(&document, "t", "{}", |pass, _| {
            assert_eq!(pass.max_result.map(|max| max.bytes), expected);
        });
    }
}

#[test]
fn whoever_looks_on_sees_each_rule_and_each_condition() {
    let document = r#"{"version":"1","default":"deny",
        "all_tools":{"deny_if":[{"conditions":[{"path":"args.m","op":"eq","value":1}],"missing":"pass"}]},
        "tools":{"t*":{
        "require":[{"conditions":[{"path":"args.a","op":"eq","value":1},
                                  {"path":"args.b","op":"gt","value":1},
                                  {"path":"grant.label","op":"eq","value":"l"},
                                  {"path":"args.list[*]","op":"eq","value":1},
                                  {"path":"args.none","op":"exists","value":false}],"mode":"shadow"}],
        "approval":{"when":[{"path":"args.a","op":"eq","value":2}]}}}}"#;
    let engine = engine(document, None);
    let arguments = r#"{"a":2,"b":{"c":1},"list":[1]}"#;
    judged(&engine, "t1", arguments, None, |judgement, steps| {
        assert!(matches!(judgement.verdict, Verdict::Pass(_)));
        let rules: Vec<_> = steps
            .iter()
            .map(|step| (step.rule.as_deref().unwrap_or(""), step.shadow, step.result))
            .collect();
        assert_eq!(
            rules,
            [
                ("/tools/t*", false, StepResult::Passes),
                ("/tools/t*/require/0", true, StepResult::Refuses),
                ("/all_tools/deny_if/0", false, StepResult::Passes),
                ("/tools/t*/approval", false, StepResult::Holds),
            ]
        );
        let seen: Vec<_> = steps[1]
            .conditions
            .iter()
            .map(|it| (&*it.path, it.op, &*it.value, it.found.as_deref(), it.truth))
            .collect();
        assert_eq!(
            seen,
            [
                ("args.a", "eq", "1", Some("2"), "false"),
                ("args.b", "gt", "1", Some(r#"{"c":1}"#), "undecided"),
                ("grant.label", "eq", r#""l""#, Some(r#""l""#), "true"),
                ("args.list[*]", "eq", "1", None, "true"),
                ("args.none", "exists", "false", None, "true"),
            ]
        );
        assert_eq!(steps[2].conditions[0].truth, "missing");
        assert_eq!(
            steps[2].detail,
            "What it looks at is missing, and `missing` is `pass`."
        );
        assert!(
            steps[0]
                .detail
                .contains("`t*` has the longest literal text")
        );
    });
    judged(&engine, "u", "{}", None, |_, steps| {
        let [step] = &steps[..] else {
            panic!("{steps:?}")
        };
        assert_eq!(step.rule.as_deref(), Some("/default"));
        assert_eq!(step.result, StepResult::Refuses);
    });
}

/// Steps end at the refusal, and say why each block applies.
#[test]
fn whoever_looks_on_sees_which_block_applies_and_why() {
    let document = r#"{"version":"1","default":"allow","hide":["h"],
        "classes":{"read":{},"write":{"action":"deny","reason":"No."}},"tools":{"x":{}}}"#;
    let inventory: Vec<Tool> = vec![
        classed("r", ToolClass::Read),
        classed("e", ToolClass::Execute),
        tool("n"),
        tool("x"),
    ];
    let engine = engine(document, Some(&inventory));
    let told = |name: &str| {
        judged(&engine, name, "{}", None, |_, steps| {
            let lines = steps.into_iter();
            let lines =
                lines.map(|step| format!("{} {}", step.rule.unwrap_or_default(), step.detail));
            lines.collect::<Vec<_>>()
        })
    };
    assert_eq!(told("h"), ["/hide/0 `hide` takes this tool away."]);
    assert_eq!(
        told("x"),
        ["/tools/x An entry of `tools` names this tool exactly."]
    );
    assert_eq!(
        told("r"),
        ["/classes/read No entry of `tools` matches this tool, and its class is `read`."]
    );
    assert_eq!(
        told("e"),
        ["/default No block matches this tool, and `default` is `allow`."]
    );
    let every = "No entry of `tools` matches this tool, and its class is not known, so every class block applies.";
    assert_eq!(
        told("n"),
        [
            format!("/classes/read {every}"),
            format!("/classes/write {every}"),
            "/classes/write/action No.".to_owned(),
        ]
    );
    assert!(told("nowhere")[0].starts_with(" The server's inventory has no tool"));
}
