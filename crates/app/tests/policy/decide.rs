//! `tollgate policy decide`.

use super::*;

#[test]
fn one_call_is_decided_and_the_exit_code_says_how() {
    let folder = Folder::new(&[("p.yaml", GOOD_YAML)]);
    let decide = |more: &[&str]| folder.policy(&[&["decide", "p.yaml", "--tool"], more].concat());
    let args = format!(r#"{{"params":{{"workflowId":"{UUID}"}}}}"#);
    let allowed = decide(&["rerun_workflow", "--args", &args, "-o", "json"])
        .ends(0)
        .json();
    assert_eq!(
        allowed,
        json!({ "outcome": "allow", "code": "allowed", "rule": null, "message": "", "shadow": [],
            "charges": [{ "counter": "rerun_workflow_rate", "rule": "/tools/rerun_workflow/rate_limit",
                "cost": 1, "max": 2, "left": 1, "window_ms": 60000 }] })
    );
    let refused = decide(&[
        "rerun_workflow",
        "--args",
        r#"{"params":{"workflowId":"x"}}"#,
        "-o",
        "json",
    ])
    .ends(3)
    .json();
    assert_eq!(
        refused,
        json!({ "outcome": "deny", "code": "require_failed", "rule": "/tools/rerun_workflow/require/0",
            "message": "workflowId must be a UUID.", "shadow": [], "charges": [] })
    );
    let hidden = decide(&["run_rollback_pipeline", "-o", "json"])
        .ends(3)
        .json();
    assert_eq!(
        (&hidden["code"], &hidden["rule"]),
        (&json!("hidden"), &json!("/hide/0"))
    );
    let told = decide(&["rerun_workflow", "--args", "{}", "--explain"]).ends(3);
    assert!(
        told.out.contains("/tools/rerun_workflow/require/0"),
        "{}",
        told.out
    );
    let steps = decide(&["rerun_workflow", "--args", &args, "--explain", "-o", "json"])
        .ends(0)
        .json();
    assert!(!steps["steps"].as_array().unwrap().is_empty());
}

/// The number in the arguments is the one that was written: a double would make 100 of it.
#[test]
fn numbers_are_judged_as_they_were_written() {
    let folder = Folder::new(&[("p.yaml", GOOD_YAML)]);
    for (amount, code) in [
        ("100", 0),
        ("100.0", 0),
        ("1e2", 0),
        ("101", 3),
        ("100.00000000000000000001", 3),
    ] {
        let args = format!(r#"{{"amount":{amount}}}"#);
        folder
            .policy(&["decide", "p.yaml", "--tool", "spend", "--args", &args])
            .ends(code);
    }
    let calls = "{\"tool\":\"spend\",\"args\":{\"amount\":100.00000000000000000001}}\n{\"tool\":\"spend\"}\n";
    let lines = folder
        .policy_with(&["decide", "p.yaml", "--calls", "-", "-o", "json"], calls)
        .ends(3)
        .lines();
    assert_eq!(
        [&lines[0]["outcome"], &lines[1]["outcome"]],
        ["deny", "allow"]
    );
}

#[test]
fn calls_keep_their_counters_and_grants_have_their_own() {
    let folder = Folder::new(&[("p.yaml", GOOD_YAML)]);
    let call = |label: &str, at: &str| {
        format!(
            r#"{{"tool":"rerun_workflow","args":{{"params":{{"workflowId":"{UUID}"}}}},"grant":{{"label":"{label}"}},"at":"{at}"}}"#
        )
    };
    let calls = [
        call("a", "2026-01-05T12:00:00Z"),
        call("a", "2026-01-05T12:00:01Z"),
        call("a", "2026-01-05T12:00:02Z"),
        String::new(),
        call("b", "2026-01-05T12:00:02Z"),
        // No time: that of the line before.
        call("a", "x").replace(r#","at":"x""#, ""),
        call("a", "2026-01-05T12:01:02.001Z"),
    ];
    std::fs::write(folder.0.path().join("calls.jsonl"), calls.join("\n")).unwrap();
    let line = ["decide", "p.yaml", "--calls", "calls.jsonl"];
    let lines = folder
        .policy(&[&line[..], &["-o", "json"]].concat())
        .ends(3)
        .lines();
    let codes: Vec<_> = lines
        .iter()
        .map(|line| line["code"].as_str().unwrap())
        .collect();
    assert_eq!(
        codes,
        [
            "allowed",
            "allowed",
            "rate_limited",
            "allowed",
            "rate_limited",
            "allowed"
        ]
    );
    assert_eq!(lines[2]["retry_after_ms"], 58_000);
    golden("calls.txt", &folder.policy(&line).ends(3).out);
}

/// What the gateway would not take for a call it refuses before any rule; what is no line of the
/// file's form ends the run.
#[test]
fn lines_are_read_as_strictly_as_the_gateway_reads() {
    let folder = Folder::new(&[("p.json", r#"{"version":"1","default":"allow"}"#)]);
    let decide =
        |line: &str| folder.policy_with(&["decide", "p.json", "--calls", "-", "-o", "json"], line);
    let deep = format!(
        r#"{{"tool":"t","args":{{"a":{}{}}}}}"#,
        "[".repeat(62),
        "]".repeat(62)
    );
    let fits = format!(
        r#"{{"tool":"t","args":{{"a":{}{}}}}}"#,
        "[".repeat(61),
        "]".repeat(61)
    );
    for line in [
        r#"{"tool":"t","args":{"a":1,"a":2}}"#,
        r#"{"tool":"t","args":{"a":1,"\u0061":2}}"#,
        r#"{"tool":"t","args":{"a":"\ud800"}}"#,
        r#"{"tool":"t","args":[]}"#,
        r#"{"tool":"t","args":null}"#,
        r#"{"tool":"a b"}"#,
        r#"{"tool":""}"#,
        &deep,
    ] {
        let decision = decide(line).ends(3).json();
        assert_eq!(
            (&decision["outcome"], &decision["code"]),
            (&json!("deny"), &json!("malformed")),
            "{line}"
        );
    }
    for line in [
        r#"{"tool":"t"}"#,
        r#"{"tool":"t","args":{},"grant":{}}"#,
        &fits,
    ] {
        assert_eq!(decide(line).ends(0).json()["outcome"], "allow", "{line}");
    }
    for line in [
        "x",
        "{}",
        r#"{"tool":"t","arg":{}}"#,
        r#"{"tool":"t","tool":"u"}"#,
        r#"{"tool":"t","args":{},"args":{}}"#,
        r#"{"tool":"t","grant":{"label":"a","label":"b"}}"#,
        r#"{"tool":"t","grant":{"name":"a"}}"#,
        r#"{"tool":"t","grant":null}"#,
        r#"{"tool":"t","at":"yesterday"}"#,
        r#"{"tool":"t","at":"1969-12-31T23:59:59Z"}"#,
        r#"{"tool":"t","args":{a}}"#,
    ] {
        let told = decide(&format!("{{\"tool\":\"t\"}}\n{line}\n")).ends(2);
        assert!(
            told.err.contains("standard input:2: "),
            "{line}: {}",
            told.err
        );
        assert_eq!(told.lines().len(), 1, "the line before was decided: {line}");
    }
}

#[test]
fn bad_arguments_end_with_2() {
    let folder = Folder::new(&[("p.yaml", GOOD_YAML)]);
    for line in [
        &["decide", "p.yaml"][..],
        &["decide", "p.yaml", "--tool", "t", "--args", "{a}"],
        &["decide", "p.yaml", "--tool", "t", "--grant", "{\"x\":1}"],
        &["decide", "p.yaml", "--tool", "t", "--at", "noon"],
        &["decide", "p.yaml", "--tool", "t", "--calls", "c.jsonl"],
        &["decide", "p.yaml", "--tool", "t", "--catalog", "circleci"],
        &["decide", "-", "--calls", "-"],
        &["decide", "p.yaml", "--calls", "nothing.jsonl"],
        &["check"],
        &["check", "p.yaml", "--inventory", "p.yaml"],
        &["diff", "p.yaml"],
        &["diff", "p.yaml", "--with", "p.yaml", "--policy", "x"],
        &["push", "p.yaml", "--name", "x"],
        &["push", "p.yaml", "--policy", "a name"],
        &["pull"],
        &["pull", "--policy", "pol_0198f0c27d6a7c10a4b2f1b3c5d7e9f1"],
        &[
            "pull",
            "--policy",
            "pol_0198f0c27d6a7c10a4b2f1b3c5d7e9f1",
            "--version",
            "0",
        ],
    ] {
        let told = folder.policy_with(line, GOOD_YAML).ends(2);
        assert!(!told.err.is_empty(), "{line:?}");
    }
}

const TOOLS: &str = r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[
  {"name":"get_log","inputSchema":{"type":"object"}},
  {"name":"delete_repo","inputSchema":{"type":"object","required":["name"],"properties":{"name":{"type":"string"}}}},
  {"name":"find_flaky_tests","annotations":{"destructiveHint":true},"inputSchema":{"type":"object"}}]}}"#;

/// The inventory says which tools there are, of what class, and what their arguments must be.
#[test]
fn the_inventory_is_judged_by() {
    let policy = r#"{"version":"1","default":"deny",
        "classes":{"read":{},"destructive":{"validate":"schema"}},"tools":{"delete_rep":{}}}"#;
    let folder = Folder::new(&[("p.json", policy), ("tools.json", TOOLS)]);
    let decide = |tool: &str, args: &str, more: &[&str]| {
        let line = [
            "decide",
            "p.json",
            "--inventory",
            "tools.json",
            "--tool",
            tool,
            "--args",
            args,
            "-o",
            "json",
        ];
        folder.policy(&[&line[..], more].concat()).json()["code"].clone()
    };
    assert_eq!(decide("get_log", "{}", &[]), "allowed");
    assert_eq!(decide("delete_repo", "{}", &[]), "invalid_arguments");
    assert_eq!(decide("delete_repo", r#"{"name":"x"}"#, &[]), "allowed");
    assert_eq!(decide("drop_table", "{}", &[]), "unknown_tool");
    let report = folder
        .policy(&["check", "p.json", "--inventory", "tools.json", "-o", "json"])
        .ends(0)
        .json();
    let unknown = report["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|w| w["code"] == "unknown_tool")
        .unwrap();
    assert_eq!(unknown["hint"], "delete_repo");
}

/// A server marks a tool as destructive; the catalogue knows that it only reads.
#[test]
fn the_catalogue_knows_a_known_servers_tools() {
    let policy = r#"{"version":"1","default":"deny","classes":{"read":{}}}"#;
    let folder = Folder::new(&[("p.json", policy), ("tools.json", TOOLS)]);
    let line = [
        "decide",
        "p.json",
        "--inventory",
        "tools.json",
        "--tool",
        "find_flaky_tests",
    ];
    folder.policy(&line).ends(3);
    folder
        .policy(&[&line[..], &["--catalog", "circleci"]].concat())
        .ends(0);
    let told = folder
        .policy(&[&line[..], &["--catalog", "nobody"]].concat())
        .ends(2);
    assert!(
        told.err.contains("the catalogue has no server nobody"),
        "{}",
        told.err
    );
}
