//! What can be said of a tool before anybody calls it, and what a policy leaves open.

use domain::{Tool, ToolClass};
use json::Document;
use policy::{
    Call, Engine, GrantFacts, Policy, ToolPreview, ToolVerdict, Verdict, coverage, preview,
};
use proptest::prelude::*;

use crate::{
    common::{BOUNDS, classed, engine, tool},
    random,
};

/// Monday, 2026-01-05, 12:00.
const NOON: u64 = 1_767_614_400_000;
const GRANT: GrantFacts<'static> = GrantFacts {
    label: "ci-runner",
    identity: None,
    labels: &[],
};

/// Of the tool `t` with this block.
fn of_block(block: &str) -> ToolPreview {
    let document = format!(r#"{{"version":"1","default":"deny","tools":{{"t":{block}}}}}"#);
    let tools = [classed("t", ToolClass::Write)];
    let mut all = preview(&engine(&document, Some(&tools)), &tools, GRANT, NOON);
    all.pop().expect("one tool")
}

/// The verdict, the rule that gives it, and what it depends on.
fn line(preview: &ToolPreview) -> String {
    let verdict = format!("{:?}", preview.verdict).to_lowercase();
    let rule = preview.rule.as_deref().unwrap_or("-");
    [&[verdict, rule.to_owned()], &preview.depends_on[..]]
        .concat()
        .join(" ")
}

fn condition(path: &str, op: &str, value: &str) -> String {
    format!(r#"{{"path":"{path}","op":"{op}","value":{value}}}"#)
}

#[test]
fn what_is_known_decides_and_arguments_make_it_depend() {
    let argument = condition("args.a", "eq", "1");
    let (mine, anothers) = (
        condition("grant.label", "eq", r#""ci-runner""#),
        condition("grant.label", "eq", r#""else""#),
    );
    let nobody = condition("grant.identity", "eq", r#""bot""#);
    let (now, later) = (
        condition("time.utc.hour", "eq", "12"),
        condition("time.utc.weekday", "in", r#"["sat","sun"]"#),
    );
    let check = |field: &str, conditions: &[&String], more: &str| {
        let list: Vec<&str> = conditions.iter().map(|it| it.as_str()).collect();
        format!(
            r#"{{"{field}":[{{"conditions":[{}]{more}}}]}}"#,
            list.join(",")
        )
    };
    for (block, expected) in [
        ("{}".to_owned(), "allowed /tools/t"),
        (r#"{"action":"deny"}"#.to_owned(), "refused /tools/t/action"),
        (
            check("require", &[&argument], ""),
            "depends /tools/t /tools/t/require/0",
        ),
        (
            check("require", &[&argument, &mine], ""),
            "depends /tools/t /tools/t/require/0",
        ),
        (
            check("require", &[&argument, &anothers], ""),
            "refused /tools/t/require/0",
        ),
        (check("require", &[&mine, &now], ""), "allowed /tools/t"),
        (
            check("require", &[&later], ""),
            "refused /tools/t/require/0",
        ),
        (
            check("require", &[&nobody], ""),
            "refused /tools/t/require/0",
        ),
        (
            check("require", &[&nobody], r#","mode":"shadow""#),
            "allowed /tools/t",
        ),
        (check("require", &[], ""), "allowed /tools/t"),
        (
            check("deny_if", &[&argument], ""),
            "depends /tools/t /tools/t/deny_if/0",
        ),
        (
            check("deny_if", &[&argument, &anothers], ""),
            "allowed /tools/t",
        ),
        (
            check("deny_if", &[&argument, &mine], ""),
            "depends /tools/t /tools/t/deny_if/0",
        ),
        (check("deny_if", &[&mine], ""), "refused /tools/t/deny_if/0"),
        (check("deny_if", &[&later], ""), "allowed /tools/t"),
        (
            check("deny_if", &[&nobody], ""),
            "refused /tools/t/deny_if/0",
        ),
        (
            check("deny_if", &[&nobody], r#","missing":"pass""#),
            "allowed /tools/t",
        ),
        (
            check("deny_if", &[&nobody, &mine], r#","missing":"pass""#),
            "refused /tools/t/deny_if/0",
        ),
        (
            check("deny_if", &[], r#","missing":"pass""#),
            "refused /tools/t/deny_if/0",
        ),
        (
            check("deny_if", &[], r#","mode":"shadow""#),
            "allowed /tools/t",
        ),
        (
            r#"{"action":"require_approval"}"#.to_owned(),
            "approval /tools/t/action",
        ),
        (
            r#"{"approval":{"when":[]}}"#.to_owned(),
            "approval /tools/t/approval",
        ),
        (
            format!(r#"{{"approval":{{"when":[{argument}]}}}}"#),
            "depends /tools/t /tools/t/approval",
        ),
        (
            format!(r#"{{"approval":{{"when":[{argument},{later}]}}}}"#),
            "allowed /tools/t",
        ),
        (
            r#"{"approval":{"mode":"shadow"}}"#.to_owned(),
            "allowed /tools/t",
        ),
        (
            format!(r#"{{"approval":{{}},"require":[{{"conditions":[{argument}]}}]}}"#),
            "approval /tools/t/approval /tools/t/require/0",
        ),
        (
            r#"{"rate_limit":{"max":0,"window":60}}"#.to_owned(),
            "refused /tools/t/rate_limit",
        ),
        (
            r#"{"limits":[{"counter":"c","window":60,"max":0,"mode":"shadow"}]}"#.to_owned(),
            "allowed /tools/t",
        ),
        (
            r#"{"limits":[{"counter":"c","window":60,"max":5,"cost":"args.n"}]}"#.to_owned(),
            "depends /tools/t /tools/t/limits/c",
        ),
        (
            r#"{"concurrent":{"max":0}}"#.to_owned(),
            "refused /tools/t/concurrent",
        ),
    ] {
        assert_eq!(line(&of_block(&block)), expected, "{block}");
    }
}

#[test]
fn limits_places_and_approvals_are_said_in_words() {
    let preview = of_block(
        r#"{"rate_limit":{"max":10,"window":"minute"},"limits":[
            {"counter":"a","window":7200,"max":5,"scope":"server"},
            {"counter":"b","window":"day","max":1000,"cost":"args.tokens","scope":"org","refill":"calendar"},
            {"counter":"c","window":"hour","max":3,"per":"args.project","mode":"shadow"},
            {"counter":"d","window":"second","max":1,"refill":"steady","scope":"identity"}],
            "concurrent":{"max":3,"scope":"session"},
            "approval":{"timeout":"90m","approvers":"admin","four_eyes":true,"quorum":2}}"#,
    );
    assert_eq!(
        preview.limits,
        [
            "5 in 2 hours for all grants of the server together",
            "1000 of args.tokens a day for the whole organisation, by the calendar",
            "3 an hour for each args.project (in shadow)",
            "1 a second for each identity, at an even rate",
            "10 a minute",
            "3 at once for each session",
        ]
    );
    assert_eq!(
        preview.approval.as_deref(),
        Some("2 admins, within 90 minutes, nobody behind the grant")
    );
}

const CLASSES: &str = r#"{"version":"1","default":"deny","hide":["h*"],
    "classes":{"read":{"rate_limit":{"max":60,"window":60}},"financial":{"action":"deny"}},
    "tools":{"run":{},"stray":{}}}"#;

fn of_classes() -> Vec<Tool> {
    vec![
        classed("get", ToolClass::Read),
        classed("pay", ToolClass::Financial),
        classed("put", ToolClass::Write),
        tool("odd"),
        classed("hush", ToolClass::Read),
        classed("run", ToolClass::Execute),
        classed("not callable", ToolClass::Read),
    ]
}

#[test]
fn class_blocks_hidden_and_unknown_tools_are_told_apart() {
    let tools = of_classes();
    let previews = preview(&engine(CLASSES, Some(&tools)), &tools, GRANT, NOON);
    let lines: Vec<String> = previews.iter().map(line).collect();
    assert_eq!(
        lines,
        [
            "allowed /classes/read",
            "refused /classes/financial/action",
            "hidden /default",
            "refused /classes/financial/action",
            "hidden /hide/0",
            "allowed /tools/run",
            "hidden -",
        ]
    );
    assert_eq!(previews[0].limits, ["60 a minute"]);
}

#[test]
fn coverage_names_what_has_no_counterpart() {
    let policy = Policy::parse(
        r#"{"version":"1","default":"deny","hide":["hush","ghost*"],
            "classes":{"read":{},"financial":{"action":"deny"},"execute":{}},
            "tools":{"run":{},"rnu":{},"x_*":{}}}"#,
    )
    .expect("is valid");
    let found = coverage(&policy, &of_classes());
    let unruled: Vec<_> = found
        .tools_without_rule
        .iter()
        .map(|it| (it.tool.as_str(), it.left_to.as_str(), it.allowed))
        .collect();
    assert_eq!(
        unruled,
        [
            ("get", "/classes/read", true),
            ("pay", "/classes/financial", false),
            ("put", "/default", false),
            ("odd", "/classes", false),
            ("not callable", "/classes/read", false),
        ]
    );
    let idle: Vec<_> = found
        .rules_without_tool
        .iter()
        .map(|it| (it.pointer.as_str(), it.name.as_str(), it.nearest.as_deref()))
        .collect();
    assert_eq!(
        idle,
        [
            ("/hide/1", "ghost*", None),
            ("/tools/rnu", "rnu", Some("run")),
            ("/tools/x_*", "x_*", None),
        ],
        "the block of class execute stands for the tool without a class"
    );
    let classed = &of_classes()[..3];
    let idle = coverage(&policy, classed).rules_without_tool;
    assert!(idle.iter().any(|it| it.pointer == "/classes/execute"));
}

/// Whether the call is forwarded, within its limits, without a person.
#[derive(Debug, PartialEq, Eq)]
enum Came {
    Refused,
    Held,
    Through,
}

fn come(engine: &Engine, tool: &Tool, arguments: &str) -> Came {
    let document = Document::parse(arguments.as_bytes(), BOUNDS).expect("is JSON");
    let call = Call {
        tool: &tool.name,
        arguments: Some(document.root()),
        grant: GRANT,
        class: tool.class,
        now_unix_ms: NOON,
    };
    match policy::Counters::new().decide(engine, &call).outcome {
        domain::audit::Outcome::Deny => Came::Refused,
        domain::audit::Outcome::Approval => Came::Held,
        domain::audit::Outcome::Allow => Came::Through,
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 512,
        max_global_rejects: 1 << 20,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// What is said to be refused is refused whatever the arguments, and so on.
    #[test]
    fn a_preview_holds_for_every_call(
        document in random::document(), inventory in random::inventory(),
        calls in prop::collection::vec(random::arguments(), 8),
    ) {
        let Ok(policy) = Policy::parse(&document.to_string()) else {
            return Err(TestCaseError::reject("not valid"));
        };
        let engine = Engine::compile(&policy, Some(&inventory));
        for (tool, preview) in inventory.iter().zip(preview(&engine, &inventory, GRANT, NOON)) {
            let shown = engine.shows(&tool.name);
            prop_assert_eq!(shown, preview.verdict != ToolVerdict::Hidden, "{:?}", preview);
            for arguments in &calls {
                let came = come(&engine, tool, arguments);
                let fits = match preview.verdict {
                    // A call whose limits hold nothing is held first, and refused once approved.
                    ToolVerdict::Hidden | ToolVerdict::Refused => came != Came::Through,
                    ToolVerdict::Approval => came != Came::Through,
                    ToolVerdict::Depends => true,
                    ToolVerdict::Allowed => came == Came::Through,
                };
                prop_assert!(fits, "{came:?} {arguments}\n{preview:#?}\n{}", policy.text());
                if preview.verdict == ToolVerdict::Approval && preview.depends_on.is_empty() {
                    prop_assert_eq!(came, Came::Held, "{:#?}\n{}", preview, policy.text());
                }
            }
            let judged = engine.judge(&Call {
                tool: &tool.name, arguments: None, grant: GRANT, class: tool.class,
                now_unix_ms: NOON,
            });
            if let (Verdict::Pass(_), Some(rule)) = (judged.verdict, &preview.rule) {
                let limits = ["/limits/", "/rate_limit", "/concurrent"];
                let by_limit = limits.iter().any(|step| rule.contains(step));
                prop_assert!(preview.verdict != ToolVerdict::Refused || by_limit, "{preview:?}");
            }
        }
    }
}
