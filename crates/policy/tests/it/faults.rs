//! What is wrong with a document, where, and what was probably meant.

use std::collections::BTreeSet;

use policy::{FAULT_CODES, Fault, Policy, WARNING_CODES, check};

use crate::common::{tools, with_block};

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

/// Faults of one condition, without what all have in common.
fn condition(condition: &str) -> Vec<String> {
    let block = format!(r#"{{"deny_if":[{{"conditions":[{condition}]}}]}}"#);
    faults(&with_block(&block))
        .iter()
        .map(|line| line.replace("/tools/t/deny_if/0/conditions/0", ""))
        .collect()
}

fn limit(limit: &str) -> Vec<String> {
    let block = format!(r#"{{"limits":[{limit}]}}"#);
    faults(&with_block(&block))
        .iter()
        .map(|l| l.replace("/tools/t/limits/0", ""))
        .collect()
}

fn block(block: &str) -> Vec<String> {
    faults(&with_block(block))
        .iter()
        .map(|l| l.replace("/tools/t", ""))
        .collect()
}

#[test]
fn every_fault_of_the_document_itself() {
    for (document, expected) in [
        ("", &["bad_json "][..]),
        ("nonsense", &["bad_json "]),
        ("[]", &["wrong_type "]),
        ("{}", &["missing_field /version", "missing_field /default"]),
        (r#"{"version":"1"}"#, &["missing_field /default"]),
        (
            r#"{"version":1,"default":"deny"}"#,
            &["unsupported_version /version -> \"1\""],
        ),
        (
            r#"{"version":"2","default":"deny"}"#,
            &["unsupported_version /version -> \"1\""],
        ),
        (
            r#"{"version":"1","default":"denied"}"#,
            &["bad_value /default"],
        ),
        (
            r#"{"version":"1","default":"Deny"}"#,
            &["bad_value /default -> deny"],
        ),
        (
            r#"{"version":"1","default":true}"#,
            &["wrong_type /default"],
        ),
        (
            r#"{"version":"1","default":null}"#,
            &["wrong_type /default"],
        ),
        (
            r#"{"version":"1","default":"deny","tool":{}}"#,
            &["unknown_field /tool -> tools"],
        ),
        (
            r#"{"version":"1","default":"deny","Tools":{}}"#,
            &["unknown_field /Tools -> tools"],
        ),
        (
            r#"{"version":"1","default":"deny","x/y~z":{}}"#,
            &["unknown_field /x~1y~0z"],
        ),
        (
            r#"{"version":"1","default":"deny","description":1}"#,
            &["wrong_type /description"],
        ),
        (
            r#"{"version":"1","default":"deny","hide":"*"}"#,
            &["wrong_type /hide"],
        ),
        (
            r#"{"version":"1","default":"deny","hide":["a b",1,"**","ok*",""]}"#,
            &[
                "bad_glob /hide/0",
                "wrong_type /hide/1",
                "bad_glob /hide/2",
                "bad_glob /hide/4",
            ],
        ),
        (
            r#"{"version":"1","default":"deny","tools":[]}"#,
            &["wrong_type /tools"],
        ),
        (
            r#"{"version":"1","default":"deny","tools":{"a":[],"b c":{},"d":null}}"#,
            &[
                "wrong_type /tools/a",
                "bad_glob /tools/b c",
                "wrong_type /tools/d",
            ],
        ),
        (
            r#"{"version":"1","default":"deny","all_tools":{"action":"allow"}}"#,
            &["action_allow_in_all_tools /all_tools/action"],
        ),
        (
            r#"{"version":"1","default":"deny","default":"allow"}"#,
            &["duplicate_key /default"],
        ),
        (
            r#"{"version":"1","default":"deny","tools":{"a":{},"\u0061":{"limit":1}},"hide":[],"hide":[]}"#,
            &[
                "duplicate_key /tools/a",
                "unknown_field /tools/a/limit -> limits",
                "duplicate_key /hide",
            ],
        ),
        (
            r#"{"version":"1","default":"deny","classes":{"reed":{},"read":{"limit":[]}}}"#,
            &[
                "unknown_field /classes/reed -> read",
                "unknown_field /classes/read/limit -> limits",
            ],
        ),
    ] {
        assert_eq!(faults(document), expected, "{document}");
    }
}

#[test]
fn every_fault_of_a_block() {
    for (text, expected) in [
        (r#"{"action":"denny"}"#, &["bad_value /action -> deny"][..]),
        (
            r#"{"action":"require_aproval"}"#,
            &["bad_value /action -> require_approval"],
        ),
        (r#"{"denyif":[]}"#, &["unknown_field /denyif -> deny_if"]),
        (
            r#"{"requires":[]}"#,
            &["unknown_field /requires -> require"],
        ),
        (r#"{"require":{}}"#, &["wrong_type /require"]),
        (r#"{"require":[1]}"#, &["wrong_type /require/0"]),
        (
            r#"{"require":[{}]}"#,
            &["missing_field /require/0/conditions"],
        ),
        (
            r#"{"require":[{"conditions":[],"missing":"pass"}]}"#,
            &["unknown_field /require/0/missing"],
        ),
        (
            r#"{"deny_if":[{"conditions":[],"missing":"fail"}]}"#,
            &["bad_value /deny_if/0/missing"],
        ),
        (
            r#"{"deny_if":[{"conditions":[],"on_deny":5}]}"#,
            &["wrong_type /deny_if/0/on_deny"],
        ),
        (
            r#"{"deny_if":[{"condition":[]}]}"#,
            &[
                "missing_field /deny_if/0/conditions",
                "unknown_field /deny_if/0/condition -> conditions",
            ],
        ),
        (
            r#"{"rate_limit":{"max":1}}"#,
            &["missing_field /rate_limit/window"],
        ),
        (
            r#"{"rate_limit":{"max":1,"window":60,"scope":"grant"}}"#,
            &["unknown_field /rate_limit/scope"],
        ),
        (
            r#"{"rate_limit":{"max":-1,"window":0}}"#,
            &[
                "out_of_range /rate_limit/max",
                "out_of_range /rate_limit/window",
            ],
        ),
        (
            r#"{"limits":[{"counter":"a","window":1,"max":1},{"counter":"a","window":2,"max":1}]}"#,
            &["counter_twice /limits/1"],
        ),
        // Checked like the rest, and then not to be published yet.
        (r#"{"action":"require_approval"}"#, &[]),
        (
            r#"{"action":"require_approval","approval":{}}"#,
            &["approval_twice /action"],
        ),
        (r#"{"approval":{}}"#, &[]),
        (
            r#"{"approval":{"timeout":"30 m","approvers":"owner","quorum":0,"four_eyes":1,"when":[{"path":"x","op":"eq","value":1}],"who":1}}"#,
            &[
                "out_of_range /approval/timeout",
                "bad_value /approval/approvers",
                "out_of_range /approval/quorum",
                "wrong_type /approval/four_eyes",
                "bad_path /approval/when/0/path",
                "unknown_field /approval/who",
            ],
        ),
        (r#"{"validate":"schema"}"#, &[]),
        (
            r#"{"validate":"shema"}"#,
            &["bad_value /validate -> schema"],
        ),
        (r#"{"validate":{"required_args":true}}"#, &[]),
        (
            r#"{"validate":{"required_args":false}}"#,
            &["bad_value /validate/required_args"],
        ),
        (r#"{"validate":true}"#, &["wrong_type /validate"]),
        (r#"{"concurrent":{"max":3,"scope":"grant"}}"#, &[]),
        (
            r#"{"concurrent":{"scope":"team"}}"#,
            &[
                "missing_field /concurrent/max",
                "bad_value /concurrent/scope",
            ],
        ),
        (r#"{"max_result_bytes":4194304}"#, &[]),
        (
            r#"{"max_result_bytes":4194305}"#,
            &["out_of_range /max_result_bytes"],
        ),
        (r#"{"deny_if":[{"conditions":[],"mode":"shadow"}]}"#, &[]),
        (
            r#"{"deny_if":[{"conditions":[],"mode":"shadows"}]}"#,
            &["bad_value /deny_if/0/mode -> shadow"],
        ),
    ] {
        assert_eq!(block(text), expected, "{text}");
    }
}

#[test]
fn every_fault_of_a_limit() {
    for (text, expected) in [
        (
            "{}",
            &[
                "missing_field /counter",
                "missing_field /window",
                "missing_field /max",
            ][..],
        ),
        (
            r#"{"counter":"","window":60,"max":1}"#,
            &["bad_counter /counter"],
        ),
        (
            r#"{"counter":"a b","window":60,"max":1}"#,
            &["bad_counter /counter"],
        ),
        (
            r#"{"counter":"{org}","window":60,"max":1}"#,
            &["bad_counter /counter"],
        ),
        (
            r#"{"counter":"Az09_-.:","window":2678400,"max":1000000000000}"#,
            &[],
        ),
        (
            r#"{"counter":"a","window":2678401,"max":1000000000001}"#,
            &["out_of_range /window", "out_of_range /max"],
        ),
        (
            r#"{"counter":"a","window":"month","max":0}"#,
            &["bad_value /window"],
        ),
        (
            r#"{"counter":"a","window":"minutes","max":0}"#,
            &["bad_value /window -> minute"],
        ),
        (
            r#"{"counter":"a","window":0,"max":1.5}"#,
            &["out_of_range /window", "out_of_range /max"],
        ),
        (
            r#"{"counter":"a","window":null,"max":"1"}"#,
            &["wrong_type /window", "wrong_type /max"],
        ),
        (
            r#"{"counter":"a","window":1.0,"max":1e3}"#,
            &["out_of_range /window", "out_of_range /max"],
        ),
        (
            r#"{"counter":"a","window":1,"max":1,"scope":"grants"}"#,
            &["bad_value /scope -> grant"],
        ),
        (
            r#"{"counter":"a","window":1,"max":1,"scope":"grant","refill":"sliding"}"#,
            &[],
        ),
        (r#"{"counter":"a","window":1,"max":1,"scope":"org"}"#, &[]),
        (
            r#"{"counter":"a","window":1,"max":1,"refill":"steady"}"#,
            &[],
        ),
        (
            r#"{"counter":"a","window":1,"max":1,"refill":"fast"}"#,
            &["bad_value /refill"],
        ),
        (
            r#"{"counter":"a","window":1,"max":1,"per":"args.x","cost":"args.y"}"#,
            &[],
        ),
        (
            r#"{"counter":"a","window":1,"max":1,"per":"args.x[*]"}"#,
            &["bad_path /per"],
        ),
        (
            r#"{"counter":"a","window":1,"max":1,"cost":"grant.label"}"#,
            &["bad_path /cost"],
        ),
        (r#"{"counter":"a","window":1,"max":1,"mode":"shadow"}"#, &[]),
        (
            r#"{"counter":"a","window":1,"limit":1}"#,
            &["missing_field /max", "unknown_field /limit"],
        ),
    ] {
        assert_eq!(limit(text), expected, "{text}");
    }
}

#[test]
fn every_fault_of_a_condition() {
    for (text, expected) in [
        (
            "{}",
            &[
                "missing_field /path",
                "missing_field /op",
                "missing_field /value",
            ][..],
        ),
        (
            r#"{"path":"arg.x","op":"eq","value":1}"#,
            &["bad_path /path -> args.x"],
        ),
        (
            r#"{"path":"args.x","op":"equals","value":1}"#,
            &["unknown_operator /op -> eq"],
        ),
        (
            r#"{"path":"args.x","op":"start_with","value":"a"}"#,
            &["unknown_operator /op -> starts_with"],
        ),
        (
            r#"{"path":"args.x","op":">","value":1}"#,
            &["unknown_operator /op -> gt"],
        ),
        (
            r#"{"path":1,"op":2,"value":1}"#,
            &["wrong_type /path", "wrong_type /op"],
        ),
        (
            r#"{"path":"x","op":"lt","value":"1"}"#,
            &["bad_path /path", "wrong_type /value"],
        ),
        (
            r#"{"path":"args.x","op":"lt","value":1e401}"#,
            &["out_of_range /value"],
        ),
        (
            r#"{"path":"args.x","op":"eq","value":[{"a":1e401}]}"#,
            &["out_of_range /value"],
        ),
        (
            r#"{"path":"args.x","op":"in","value":"a"}"#,
            &["wrong_type /value"],
        ),
        (
            r#"{"path":"args.x","op":"in","value":[]}"#,
            &["empty_list /value"],
        ),
        (
            r#"{"path":"args.x","op":"not_in","value":{}}"#,
            &["wrong_type /value"],
        ),
        (
            r#"{"path":"args.x","op":"exists","value":"true"}"#,
            &["wrong_type /value"],
        ),
        (
            r#"{"path":"args.x","op":"regex","value":"("}"#,
            &["bad_regex /value"],
        ),
        (
            r#"{"path":"args.x","op":"regex","value":"(?=a)"}"#,
            &["bad_regex /value"],
        ),
        (
            r#"{"path":"args.x","op":"regex","value":"(a)\\1"}"#,
            &["bad_regex /value"],
        ),
        (
            r#"{"path":"args.x","op":"regex","value":"(\\w{100}){100}"}"#,
            &["regex_too_large /value"],
        ),
        (
            r#"{"path":"args.x","op":"starts_with","value":1}"#,
            &["wrong_type /value"],
        ),
        (
            r#"{"path":"args.x","op":"length_lte","value":-1}"#,
            &["out_of_range /value"],
        ),
        (
            r#"{"path":"args.x","op":"length_lte","value":1.5}"#,
            &["out_of_range /value"],
        ),
        (
            r#"{"path":"args.x","op":"cidr","value":"10.0.0.0/8"}"#,
            &["wrong_type /value"],
        ),
        (
            r#"{"path":"args.x","op":"cidr","value":["10.0.0.1/8",1,"10.0.0.1"]}"#,
            &[
                "bad_cidr /value/0 -> 10.0.0.0/8",
                "wrong_type /value/1",
                "bad_cidr /value/2 -> 10.0.0.1/32",
            ],
        ),
        (
            r#"{"path":"args.x","op":"host_in","value":["https://a.b","*"]}"#,
            &["bad_host /value/0", "bad_host /value/1"],
        ),
        (
            r#"{"path":"args.x","op":"host_in","value":[]}"#,
            &["empty_list /value"],
        ),
        (
            r#"{"path":"time.utc.weekday","op":"in","value":["Monday","sun"]}"#,
            &["bad_value /value/0 -> mon"],
        ),
        (
            r#"{"path":"time.utc.hour","op":"eq","value":24}"#,
            &["bad_value /value"],
        ),
        (
            r#"{"path":"time.utc.hour","op":"eq","value":"9"}"#,
            &["bad_value /value"],
        ),
        (
            r#"{"path":"time.utc.hour","op":"in","value":[0,23.0]}"#,
            &[],
        ),
        (
            r#"{"path":"tool.class","op":"neq","value":"reads"}"#,
            &["bad_value /value -> read"],
        ),
        (
            r#"{"path":"grant.label","op":"eq","value":1}"#,
            &["bad_value /value"],
        ),
        (
            r#"{"path":"args.x","operator":"eq","value":1}"#,
            &["missing_field /op", "unknown_field /operator"],
        ),
    ] {
        assert_eq!(condition(text), expected, "{text}");
    }
}

#[test]
fn every_fault_of_a_test() {
    let tests = r#"{"version":"1","default":"deny","tests":[
        {"name":"n","tool":"t","args":{},"grant":{"label":"l","labels":{"a":"b"}},
         "at":"2026-01-05T09:00:00Z","repeat":11,"class":"read","expect":"deny","rule":"/default"},
        {"tool":"a b","args":[],"grant":{"lable":"l","labels":{"a":1}},"at":"yesterday","repeat":0,
         "class":"reading","expect":"refuse","rule":"default"}]}"#;
    let got: BTreeSet<_> = faults(tests).into_iter().collect();
    let expected = [
        "missing_field /tests/1/name",
        "bad_glob /tests/1/tool",
        "wrong_type /tests/1/args",
        "unknown_field /tests/1/grant/lable -> label",
        "wrong_type /tests/1/grant/labels/a",
        "bad_value /tests/1/at",
        "out_of_range /tests/1/repeat",
        "bad_value /tests/1/class",
        "bad_value /tests/1/expect",
        "bad_value /tests/1/rule",
    ];
    assert_eq!(got, expected.map(str::to_owned).into());
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
