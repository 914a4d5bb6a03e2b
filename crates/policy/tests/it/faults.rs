//! What is wrong with a document, where, and what was probably meant.

use std::collections::BTreeSet;

use domain::{Tool, ToolClass};
use policy::{FAULT_CODES, Fault, Policy, WARNING_CODES, check};

use crate::{
    common::{classed, tool, tools, with_block},
    table,
};

/// `code pointer`, and the hint after an arrow.
fn line(fault: &Fault) -> String {
    match &fault.hint {
        Some(hint) => format!("{} {} -> {hint}", fault.code, fault.pointer),
        None => format!("{} {}", fault.code, fault.pointer),
    }
}

fn faults(document: &str) -> Vec<String> {
    check(document, None).faults.iter().map(line).collect()
}

#[test]
fn every_fault_is_found_at_its_place() {
    let rows = table::rows();
    assert!(rows.len() > 110, "{} rows", rows.len());
    for row in rows {
        assert_eq!(faults(&row.document), row.faults, "{}", row.document);
    }
}

#[test]
fn limits_on_one_bucket_agree() {
    let two = |first: &str, second: &str| {
        let limit = |rest: &str| format!(r#"{{"limits":[{{"counter":"c",{rest}}}]}}"#);
        format!(
            r#"{{"version":"1","default":"deny","all_tools":{},"tools":{{"t":{}}}}}"#,
            limit(first),
            limit(second)
        )
    };
    for (first, second, expected) in [
        (
            r#""window":"minute","max":1"#,
            r#""window":60,"max":1"#,
            &[][..],
        ),
        (
            r#""window":"minute","max":1"#,
            r#""window":60,"max":2"#,
            &["counter_disagrees /tools/t/limits/0"],
        ),
        // Another window is another bucket.
        (
            r#""window":"minute","max":1"#,
            r#""window":61,"max":2"#,
            &[],
        ),
    ] {
        assert_eq!(faults(&two(first, second)), expected, "{second}");
    }
    let costs = two(
        r#""window":60,"max":1,"cost":"args.a""#,
        r#""window":60,"max":1"#,
    );
    assert!(faults(&costs).contains(&"counter_disagrees /tools/t/limits/0".to_owned()));
}

/// The place is that of the value, or of the key where the key is wrong.
#[test]
fn lines_and_columns_are_those_of_the_text() {
    let text = "{\n  \"version\": \"1\",\n  \"default\": \"deny\",\n  \"tools\": { \"ä\": {},\n    \
                \"t\": { \"limitz\": 1, \"action\": \"x\" } }\n}";
    let report = check(text, None);
    let places: Vec<_> = report
        .faults
        .iter()
        .map(|f| (f.line, f.column, f.code))
        .collect();
    assert_eq!(
        places,
        [
            (4, 14, "bad_glob"),
            (5, 12, "unknown_field"),
            (5, 35, "bad_value")
        ]
    );
    let broken = check("{\n \"version\": tru }", None);
    let fault = &broken.faults[0];
    assert_eq!(
        (fault.line, fault.column, fault.got.as_deref()),
        (2, 16, Some(" "))
    );
}

#[test]
fn sizes_are_bounded() {
    let policy = |body: &str| format!(r#"{{"version":"1","default":"deny",{body}}}"#);
    let many = |n: usize, entry: &str| vec![entry; n].join(",");
    let blocks = |n: usize| {
        let blocks: Vec<_> = (0..n).map(|i| format!(r#""t{i}":{{}}"#)).collect();
        policy(&format!(r#""tools":{{{}}}"#, blocks.join(",")))
    };
    let limits = |n: usize| {
        let limits: Vec<_> = (0..n)
            .map(|i| format!(r#"{{"counter":"c{i}","window":1,"max":1}}"#))
            .collect();
        with_block(&format!(r#"{{"limits":[{}]}}"#, limits.join(",")))
    };
    let checks = |n| {
        with_block(&format!(
            r#"{{"deny_if":[{}]}}"#,
            many(n, r#"{"conditions":[]}"#)
        ))
    };
    let condition = r#"{"path":"args.x","op":"eq","value":1}"#;
    let conditions = |n| {
        with_block(&format!(
            r#"{{"deny_if":[{{"conditions":[{}]}}]}}"#,
            many(n, condition)
        ))
    };
    let text = |n| policy(&format!(r#""description":"{}""#, "ä".repeat(n)));
    let pattern = |n| {
        let pattern = "a".repeat(n);
        with_block(&format!(
            r#"{{"deny_if":[{{"conditions":[{{"path":"args.x","op":"regex","value":"{pattern}"}}]}}]}}"#
        ))
    };
    let nested = |n: usize| {
        let value = "[".repeat(n) + &"]".repeat(n);
        with_block(&format!(
            r#"{{"deny_if":[{{"conditions":[{{"path":"args.x","op":"eq","value":{value}}}]}}]}}"#
        ))
    };
    let long = |n: usize| {
        let start = r#"{"version":"1","default":"deny"}"#;
        format!("{start}{}", " ".repeat(n - start.len()))
    };
    for (fits, too_much, expected) in [
        (blocks(2000), blocks(2001), "too_many /tools"),
        (checks(64), checks(65), "too_many /tools/t/deny_if"),
        (
            conditions(32),
            conditions(33),
            "too_many /tools/t/deny_if/0/conditions",
        ),
        (limits(32), limits(33), "too_many /tools/t/limits"),
        (text(1000), text(1001), "text_too_long /description"),
        (
            pattern(1000),
            pattern(1001),
            "text_too_long /tools/t/deny_if/0/conditions/0/value",
        ),
        (nested(25), nested(26), "too_deep "),
        (
            long(256 * 1024),
            long(256 * 1024 + 1),
            "document_too_large ",
        ),
    ] {
        assert_eq!(
            faults(&fits),
            Vec::<String>::new(),
            "{}",
            &fits[..fits.len().min(200)]
        );
        assert_eq!(faults(&too_much), [expected]);
    }
    let tests = many(501, r#"{"name":"n","tool":"t","expect":"deny"}"#);
    assert!(
        faults(&policy(&format!(r#""tests":[{tests}]"#))).contains(&"too_many /tests".to_owned())
    );
}

/// Every fault of a long line is told, each in its own column.
#[test]
fn thousands_of_faults_are_all_told() {
    let fields: Vec<_> = (0..3000).map(|i| format!(r#""x{i}":1"#)).collect();
    let report = check(&with_block(&format!("{{{}}}", fields.join(","))), None);
    assert!(
        report
            .faults
            .iter()
            .all(|fault| fault.code == "unknown_field" && fault.line == 1)
    );
    let columns: BTreeSet<_> = report.faults.iter().map(|fault| fault.column).collect();
    assert_eq!((report.faults.len(), columns.len()), (3000, 3000));
}

#[test]
fn what_is_odd_is_a_warning_and_can_be_published() {
    let inventory = tools(&["analyze_diff", "get_a", "run_pipeline"]);
    let document = r#"{"version":"1","default":"allow","hide":["run_*","rerun"],
        "tools":{"analyse_diff":{"reason":"x"},"put_*":{},"get_*":{},"run_pipeline":{
            "require":[{"conditions":[]},{"conditions":[
                {"path":"args.x","op":"regex","value":"^a"},
                {"path":"args.x","op":"eq","value":null},
                {"path":"tool.annotations.readonlyHint","op":"eq","value":true}]}],
            "deny_if":[{"conditions":[{"path":"args.x","op":"regex","value":"a"}]}]}}}"#;
    let report = check(document, Some(&inventory));
    assert_eq!((report.valid, report.faults.len()), (true, 0));
    let warnings: BTreeSet<_> = report.warnings.iter().map(line).collect();
    let expected = [
        "unknown_tool /hide/1",
        "unknown_tool /tools/analyse_diff -> analyze_diff",
        "reason_unused /tools/analyse_diff/reason",
        "glob_matches_nothing /tools/put_*",
        "hidden_anyway /tools/run_pipeline",
        "nothing_required /tools/run_pipeline/require/0/conditions",
        "unanchored_pattern /tools/run_pipeline/require/1/conditions/0/value",
        "compares_with_null /tools/run_pipeline/require/1/conditions/1/value",
        "unknown_annotation /tools/run_pipeline/require/1/conditions/2/path -> readOnlyHint",
    ];
    assert_eq!(warnings, expected.map(str::to_owned).into());
    let without = check(document, None);
    assert!(
        without
            .warnings
            .iter()
            .all(|w| !w.code.contains("unknown_tool"))
    );
    let session = r#"{"limits":[{"counter":"c","window":1,"max":1,"scope":"session"}]}"#;
    let report = check(&with_block(session), None);
    assert_eq!(
        report.warnings.iter().map(|w| w.code).collect::<Vec<_>>(),
        ["scope_not_safe", "not_available"]
    );
}

fn warnings(document: &str, inventory: &[Tool]) -> Vec<String> {
    let report = check(document, Some(inventory));
    assert!(report.valid, "{document}\n{report:#?}");
    report
        .warnings
        .iter()
        .filter(|warning| warning.code != "not_available")
        .map(line)
        .collect()
}

/// An agent chooses the values of `per` and `cost`, so something else must bound them.
#[test]
fn what_the_agent_chooses_is_bounded_by_what_it_does_not() {
    let limit = r#"{"counter":"c","window":60,"max":9,"per":"args.to","cost":"args.n"}"#;
    let plain = r#"{"counter":"calls","window":60,"max":9}"#;
    let shadow = r#"{"counter":"calls","window":60,"max":9,"mode":"shadow"}"#;
    let require = |path: &str, op: &str, value: &str| {
        format!(r#""require":[{{"conditions":[{{"path":"{path}","op":"{op}","value":{value}}}]}}]"#)
    };
    let to = require("args.to", "in", r#"["a","b"]"#);
    let unbounded = "limit_unbounded /tools/t/limits/0";
    let per = "argument_unconstrained /tools/t/limits/0/per";
    let cost = "argument_unconstrained /tools/t/limits/0/cost";
    for (all_tools, block, expected) in [
        (
            "{}",
            format!(r#"{{"limits":[{limit}]}}"#),
            &[unbounded, per, cost][..],
        ),
        (
            "{}",
            format!(r#"{{"limits":[{limit},{plain}]}}"#),
            &[per, cost],
        ),
        (
            "{}",
            format!(r#"{{"limits":[{limit},{shadow}]}}"#),
            &[unbounded, per, cost],
        ),
        (
            "{}",
            format!(r#"{{"limits":[{limit}],"rate_limit":{{"max":1,"window":1}}}}"#),
            &[per, cost],
        ),
        (
            "{}",
            format!(r#"{{"limits":[{limit}],{to}}}"#),
            &[unbounded, cost],
        ),
        (
            &*format!(
                r#"{{"limits":[{plain}],{}}}"#,
                require("args.n", "lte", "5")
            ),
            format!(r#"{{"limits":[{limit}],{to}}}"#),
            &[],
        ),
        // That it is there says nothing about its value.
        (
            &*format!(
                r#"{{"limits":[{plain}],{}}}"#,
                require("args.n", "exists", "true")
            ),
            format!(r#"{{"limits":[{limit}],{to}}}"#),
            &[cost],
        ),
    ] {
        let document = format!(
            r#"{{"version":"1","default":"deny","all_tools":{all_tools},"tools":{{"t":{block}}}}}"#
        );
        assert_eq!(warnings(&document, &tools(&["t"])), expected, "{document}");
    }
}

/// A glob goes before a class; whoever wrote it may not have thought of every tool it matches.
#[test]
fn a_glob_that_takes_a_tool_from_a_stricter_class_is_told_with_the_tools() {
    let inventory = [
        classed("delete_repo", ToolClass::Destructive),
        classed("delete_note", ToolClass::Destructive),
        classed("delete_draft", ToolClass::Write),
        tool("delete_what"),
        classed("a b", ToolClass::Destructive),
    ];
    let found = |tools: &str, more: &str| {
        let document = format!(
            r#"{{"version":"1","default":"deny",{more}"classes":{{"read":{{}},
                "destructive":{{"action":"deny"}}}},"tools":{{{tools}}}}}"#
        );
        let report = check(&document, Some(&inventory));
        let bypassed = report
            .warnings
            .into_iter()
            .filter(|it| it.code == "class_bypassed");
        bypassed
            .map(|it| format!("{} {}", it.pointer, it.detail))
            .collect::<Vec<_>>()
    };
    let both = "`delete_repo`, `delete_note`, `delete_what` away from the block of class \
                `destructive`, which has `action: deny` and this block has not";
    assert_eq!(
        found(r#""delete_*":{}"#, ""),
        [format!("/tools/delete_* takes {both}")]
    );
    assert_eq!(
        found(
            r#""delete_*":{},"delete_repo":{},"*_what":{"action":"deny"}"#,
            r#""hide":["*_note"],"#
        ),
        [
            "/tools/delete_* takes `delete_what` away from the block of class `destructive`, which \
          has `action: deny` and this block has not"
        ]
    );
    for kept in [
        r#""delete_*":{"action":"deny"}"#,
        r#""delete_repo":{},"delete_note":{},"delete_what":{}"#,
        r#""get_*":{}"#,
    ] {
        assert_eq!(found(kept, ""), [""; 0], "{kept}");
    }
}

/// A test of a tool that is not there shows that unknown tools are refused, and no more.
#[test]
fn a_test_of_a_misspelt_tool_is_told() {
    let document = r#"{"version":"1","default":"deny","tests":[
        {"name":"a","tool":"analyse_diff","expect":"deny"},
        {"name":"b","tool":"analyse_diff","expect":"hide"}]}"#;
    let report = check(document, Some(&tools(&["analyze_diff"])));
    let warnings: Vec<_> = report.warnings.iter().map(line).collect();
    assert_eq!(warnings, ["unknown_tool /tests/0/tool -> analyze_diff"]);
}

/// It is understood, checked like the rest, and then not to be published yet.
#[test]
fn what_the_gateway_does_not_enforce_is_a_warning_and_keeps_from_publishing() {
    let limit =
        |rest: &str| format!(r#"{{"limits":[{{"counter":"c","window":1,"max":1,{rest}}}]}}"#);
    for (block, expected) in [
        (
            r#"{"action":"require_approval"}"#.to_owned(),
            &["/action"][..],
        ),
        (r#"{"approval":{}}"#.to_owned(), &["/approval"]),
        (r#"{"approval":{"mode":"shadow"}}"#.to_owned(), &[]),
        (r#"{"concurrent":{"max":3}}"#.to_owned(), &["/concurrent"]),
        (limit(r#""scope":"org""#), &["/limits/0/scope"]),
        (limit(r#""scope":"grant""#), &[]),
        (limit(r#""refill":"steady""#), &["/limits/0/refill"]),
        (limit(r#""refill":"sliding","mode":"shadow""#), &[]),
        (
            limit(r#""per":"args.x","cost":"args.y""#),
            &["/limits/0/per", "/limits/0/cost"],
        ),
        (
            r#"{"validate":"schema","max_result_bytes":1}"#.to_owned(),
            &[],
        ),
        (r#"{"validate":{"required_args":true}}"#.to_owned(), &[]),
        (
            r#"{"deny_if":[{"conditions":[],"mode":"shadow"}]}"#.to_owned(),
            &[],
        ),
    ] {
        let policy = Policy::parse(&with_block(&block)).expect("it can be saved");
        let kept: Vec<_> = policy
            .not_available()
            .iter()
            .map(|fault| fault.pointer.replace("/tools/t", ""))
            .collect();
        assert_eq!(kept, expected, "{block}");
    }
}

#[test]
fn codes_are_told_apart_and_parse_agrees_with_check() {
    let codes: BTreeSet<_> = FAULT_CODES.iter().chain(WARNING_CODES).collect();
    assert_eq!(codes.len(), FAULT_CODES.len() + WARNING_CODES.len());
    for document in [
        "",
        "{}",
        r#"{"version":"1","default":"deny"}"#,
        r#"{"version":"1","default":"deny","x":1}"#,
    ] {
        let report = check(document, None);
        match Policy::parse(document) {
            Ok(policy) => assert!(report.valid && policy.text() == document),
            Err(faults) => assert!(!report.valid && faults == report.faults),
        }
    }
}

/// Every fault has its own pointer, so a long key above many faults must not be copied into each.
#[test]
fn pointers_stay_short() {
    let name = "n".repeat(60_000);
    let fields: Vec<_> = (0..5_000)
        .map(|i| format!(r#""x{i}":1,"x{i}":1"#))
        .collect();
    let text = format!(
        r#"{{"version":"1","default":"deny","tools":{{"{name}":{{{}}}}}}}"#,
        fields.join(",")
    );
    let report = check(&text, None);
    assert_eq!(report.faults.len(), 15_001);
    assert!(
        report
            .faults
            .iter()
            .all(|fault| fault.pointer.chars().count() < 150)
    );
}
