//! Which rule refuses first, and what the model is told.

use json::Document;
use policy::{Call, GrantFacts, Limit, Verdict};

use crate::common::{BOUNDS, engine, judge, tools, with_block};

/// Each document refuses for several reasons; the first in the order of evaluation is the answer.
#[test]
fn the_first_refusal_wins() {
    let x = |op: &str| format!(r#"[{{"conditions":[{{"path":"args.x","op":"{op}","value":1}}]}}]"#);
    let (fails, fires) = (x("eq"), x("neq"));
    let all = format!(r#""all_tools":{{"action":"deny","require":{fails},"deny_if":{fires}}}"#);
    let softer = format!(r#""all_tools":{{"require":{fails},"deny_if":{fires}}}"#);
    for (rest, expected) in [
        (
            format!(r#""hide":["t"],{all},"tools":{{"t":{{"action":"deny"}}}}"#),
            "hidden /hide/0",
        ),
        (format!(r#""hide":["a","*"],{all}"#), "hidden /hide/1"),
        (all.clone(), "default_deny /default"),
        (
            format!(r#"{all},"tools":{{"t":{{"action":"deny"}}}}"#),
            "denied /tools/t/action",
        ),
        (
            format!(r#"{all},"tools":{{"t":{{"require":{fails}}}}}"#),
            "denied /all_tools/action",
        ),
        (
            format!(r#"{softer},"tools":{{"t":{{"deny_if":{fires},"require":{fails}}}}}"#),
            "require_failed /tools/t/require/0",
        ),
        (
            format!(r#"{softer},"tools":{{"t":{{"deny_if":{fires}}}}}"#),
            "require_failed /all_tools/require/0",
        ),
        (
            format!(r#""all_tools":{{"deny_if":{fires}}},"tools":{{"t":{{"deny_if":{fires}}}}}"#),
            "deny_if /tools/t/deny_if/0",
        ),
        (
            format!(r#""all_tools":{{"deny_if":{fires}}},"tools":{{"t":{{}}}}"#),
            "deny_if /all_tools/deny_if/0",
        ),
        (r#""tools":{"t":{"action":"allow"}}"#.to_owned(), "allow"),
        (r#""tools":{"t":{}}"#.to_owned(), "allow"),
        (
            r#""tools":{"t":{"deny_if":[{"conditions":[]}]}}"#.to_owned(),
            "deny_if /tools/t/deny_if/0",
        ),
    ] {
        let document = format!(r#"{{"version":"1","default":"deny",{rest}}}"#);
        let engine = engine(&document, None);
        assert_eq!(judge(&engine, "t", r#"{"x":2}"#), expected, "{document}");
    }
}

#[test]
fn the_first_check_of_several_is_named_and_keys_are_escaped() {
    let document = r#"{"version":"1","default":"allow","tools":{"a/b~c":{"require":[
        {"conditions":[{"path":"args.x","op":"eq","value":1}]},
        {"conditions":[{"path":"args.y","op":"eq","value":1}]}],
        "limits":[{"counter":"c","window":60,"max":1}]}}}"#;
    let engine = engine(document, None);
    assert_eq!(
        judge(&engine, "a/b~c", "{}"),
        "require_failed /tools/a~1b~0c/require/0"
    );
    assert_eq!(
        judge(&engine, "a/b~c", r#"{"x":1}"#),
        "require_failed /tools/a~1b~0c/require/1"
    );
    assert_eq!(limits(document, "a/b~c")[0].rule, "/tools/a~1b~0c/limits/c");
}

/// What a call that passes every check is charged. Every argument that the tests use is there.
fn limits(document: &str, tool: &str) -> Vec<Limit> {
    let engine = engine(document, None);
    let arguments = Document::parse(br#"{"x":1,"y":1}"#, BOUNDS).expect("JSON");
    let grant = GrantFacts {
        label: "l",
        identity: None,
        labels: &[],
    };
    let call = Call {
        tool,
        arguments: Some(arguments.root()),
        grant,
        class: None,
        now_unix_ms: 0,
    };
    match engine.judge(&call).verdict {
        Verdict::Pass(pass) => pass.limits.into_owned(),
        Verdict::Refuse(refusal) => panic!("{refusal:?}"),
    }
}

#[test]
fn a_bucket_is_charged_once_and_the_smaller_maximum_holds() {
    let document = r#"{"version":"1","default":"deny",
        "all_tools":{"limits":[{"counter":"calls","window":"hour","max":500},
                               {"counter":"calls_day","window":"day","max":900}],
                     "rate_limit":{"max":10,"window":"minute"}},
        "tools":{"t":{"limits":[{"counter":"calls","window":3600,"max":500},
                                {"counter":"t_rate","window":60,"max":20}]},
                 "g_*":{"rate_limit":{"max":3,"window":60}}}}"#;
    let summary = |tool: &str| -> Vec<String> {
        limits(document, tool)
            .iter()
            .map(|limit| {
                format!(
                    "{} {} {} {}",
                    limit.counter, limit.window_ms, limit.max, limit.rule
                )
            })
            .collect()
    };
    assert_eq!(
        summary("t"),
        [
            "calls 3600000 500 /tools/t/limits/calls",
            "t_rate 60000 10 /all_tools/rate_limit",
            "calls_day 86400000 900 /all_tools/limits/calls_day",
        ]
    );
    assert_eq!(
        summary("g_x"),
        [
            "g_x_rate 60000 3 /tools/g_*/rate_limit",
            "calls 3600000 500 /all_tools/limits/calls",
            "calls_day 86400000 900 /all_tools/limits/calls_day",
        ]
    );
}

fn said(block: &str, arguments: &str) -> String {
    let engine = engine(&with_block(block), None);
    let arguments = Document::parse(arguments.as_bytes(), BOUNDS).expect("JSON");
    let grant = GrantFacts {
        label: "l",
        identity: None,
        labels: &[],
    };
    let call = Call {
        tool: "t",
        arguments: Some(arguments.root()),
        grant,
        class: None,
        now_unix_ms: 0,
    };
    match engine.judge(&call).verdict {
        Verdict::Refuse(refusal) => refusal.message.into_owned(),
        Verdict::Pass(_) => panic!("{block}"),
    }
}

#[test]
fn the_model_reads_what_was_refused_and_by_which_rule() {
    let condition = r#"{"path":"args.branch","op":"in","value":["dev","stage"]}"#;
    for (block, expected) in [
        (
            format!(r#"{{"require":[{{"conditions":[{condition}],"on_deny":"Only dev."}}]}}"#),
            "Only dev.",
        ),
        (
            format!(r#"{{"require":[{{"conditions":[{condition}]}}]}}"#),
            r#"t was refused: the policy requires that args.branch is one of ["dev","stage"]."#,
        ),
        (
            format!(
                r#"{{"deny_if":[{{"conditions":[{condition},{{"path":"args.f","op":"exists","value":false}}]}}]}}"#
            ),
            r#"t was refused: the policy refuses it where args.branch is one of ["dev","stage"] and args.f is absent, or where that cannot be told for certain."#,
        ),
        (
            r#"{"action":"deny","reason":"Deletes are done by people."}"#.to_owned(),
            "Deletes are done by people.",
        ),
        (
            r#"{"action":"deny"}"#.to_owned(),
            "t was refused: the policy does not allow this tool to be called.",
        ),
        (
            r#"{"deny_if":[{"conditions":[]}]}"#.to_owned(),
            "t was refused: the policy does not allow this tool to be called.",
        ),
    ] {
        assert_eq!(said(&block, r#"{"branch":1}"#), expected);
    }
}

/// Whatever the cause, the answer for a tool that is not shown is the same to the byte.
#[test]
fn what_is_not_shown_is_unknown_whatever_the_cause() {
    let document = r#"{"version":"1","default":"deny","hide":["h"],"tools":{"t":{}}}"#;
    let inventory = tools(&["t", "h", "unlisted"]);
    let engine = engine(document, Some(&inventory));
    for (name, code) in [
        ("h", "hidden"),
        ("unlisted", "default_deny"),
        ("nowhere", "unknown_tool"),
    ] {
        let grant = GrantFacts {
            label: "l",
            identity: None,
            labels: &[],
        };
        let call = Call {
            tool: name,
            arguments: None,
            grant,
            class: None,
            now_unix_ms: 0,
        };
        let Verdict::Refuse(refusal) = engine.judge(&call).verdict else {
            panic!("{name}")
        };
        assert_eq!(refusal.message, format!("Unknown tool: {name}"));
        assert_eq!(refusal.code.as_str(), code);
        assert!(!engine.shows(name));
    }
}
