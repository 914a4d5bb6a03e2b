//! Which block a name leads to, and which names are there at all.

use crate::common::{engine, judge, tools};

fn deny(list: &str) -> String {
    let blocks: Vec<String> = list
        .split_whitespace()
        .map(|glob| format!(r#""{glob}":{{"action":"deny"}}"#))
        .collect();
    format!(
        r#"{{"version":"1","default":"allow","tools":{{{}}}}}"#,
        blocks.join(",")
    )
}

#[test]
fn the_exact_name_then_the_longest_glob_then_the_first() {
    let engine = engine(&deny("* get_* get_*_log get_x *_log a*c ab* a*"), None);
    for (tool, block) in [
        ("get_x", "get_x"),
        ("get_y", "get_*"),
        ("get_a_log", "get_*_log"),
        ("put_log", "*_log"),
        ("zzz", "*"),
        // Two literal characters each; `a*c` sorts before `ab*`.
        ("abc", "a*c"),
        ("abd", "ab*"),
        ("axd", "a*"),
    ] {
        assert_eq!(
            judge(&engine, tool, ""),
            format!("denied /tools/{block}/action"),
            "{tool}"
        );
    }
}

/// A glob may be the literal name of a tool; it is still no exact entry.
#[test]
fn a_name_with_a_star_is_only_ever_a_glob() {
    let inventory = tools(&["get_*", "get_x"]);
    let engine = engine(&deny("get_* get_*x"), Some(&inventory));
    assert_eq!(judge(&engine, "get_*", ""), "denied /tools/get_*/action");
    assert_eq!(judge(&engine, "get_x", ""), "denied /tools/get_*x/action");
    assert_eq!(judge(&engine, "get_y", ""), "unknown_tool");
}

#[test]
fn names_outside_the_inventory_are_unknown_unless_named_exactly() {
    let document = r#"{"version":"1","default":"allow","tools":{"named":{},"glob_*":{}}}"#;
    let with = engine(document, Some(&tools(&["listed", "glob_a"])));
    let without = engine(document, None);
    for (tool, known, offline) in [
        ("listed", "allow", "allow"),
        ("named", "allow", "allow"),
        ("glob_a", "allow", "allow"),
        ("glob_b", "unknown_tool", "allow"),
        ("other", "unknown_tool", "allow"),
        ("Listed", "unknown_tool", "allow"),
        ("listed ", "unknown_tool", "allow"),
    ] {
        assert_eq!(judge(&with, tool, ""), known, "{tool}");
        assert_eq!(with.shows(tool), known == "allow", "{tool}");
        assert_eq!(judge(&without, tool, ""), offline, "{tool}");
        assert_eq!(without.shows(tool), offline == "allow", "{tool}");
    }
}

/// A hidden name outside the inventory is hidden, so that the audit log says which rule it was.
#[test]
fn hide_is_asked_before_the_inventory() {
    let document = r#"{"version":"1","default":"allow","hide":["x_*"],"tools":{"x_named":{}}}"#;
    let engine = engine(document, Some(&tools(&["a", "x_a"])));
    for tool in ["x_a", "x_b", "x_named"] {
        assert_eq!(judge(&engine, tool, ""), "hidden /hide/0", "{tool}");
        assert!(!engine.shows(tool));
    }
}

/// wire.md, section 2, 5: a tool must not slip past a rule under a name that reads like it.
#[test]
fn a_tool_that_poses_as_a_refused_one_is_unknown() {
    let document = r#"{"version":"1","default":"allow","hide":["delete_repo"],
        "tools":{"drop_*":{"action":"deny"},"Wipe-all":{"action":"deny"},"deleteREPO":{}}}"#;
    let inventory = tools(&[
        "delete_repo",
        "deleteRepo",
        "DELETE-REPO",
        "delete__repo",
        "deleteREPO",
        "delete_repos",
        "drop_db",
        "dropDb",
        "drop-DB",
        "wipe_all",
        "wipeall",
        "Wipe-all",
        "read",
    ]);
    let engine = engine(document, Some(&inventory));
    for (tool, expected) in [
        ("delete_repo", "hidden /hide/0"),
        ("deleteRepo", "unknown_tool"),
        ("DELETE-REPO", "unknown_tool"),
        ("delete__repo", "unknown_tool"),
        // A person named it.
        ("deleteREPO", "allow"),
        ("delete_repos", "allow"),
        ("drop_db", "denied /tools/drop_*/action"),
        ("dropDb", "unknown_tool"),
        ("drop-DB", "unknown_tool"),
        ("wipe_all", "unknown_tool"),
        ("wipeall", "unknown_tool"),
        ("Wipe-all", "denied /tools/Wipe-all/action"),
        ("read", "allow"),
    ] {
        assert_eq!(judge(&engine, tool, ""), expected, "{tool}");
        assert_eq!(
            engine.shows(tool),
            expected == "allow" || expected.starts_with("denied")
        );
    }
}

/// What no call can name is in no list either.
#[test]
fn tools_with_names_that_no_call_can_use_are_unknown() {
    let long = "x".repeat(129);
    let inventory = tools(&["with blank", "größe", "", &long, "zero\u{200b}width"]);
    let engine = engine(r#"{"version":"1","default":"allow"}"#, Some(&inventory));
    for tool in inventory {
        assert!(!engine.shows(&tool.name), "{:?}", tool.name);
        assert_eq!(judge(&engine, &tool.name, ""), "unknown_tool");
    }
}

/// A refused tool stays in the list, so that the model is told why.
#[test]
fn what_is_shown_and_refused_is_refused_with_a_reason() {
    let document =
        r#"{"version":"1","default":"deny","all_tools":{"action":"deny"},"tools":{"t":{}}}"#;
    let engine = engine(document, None);
    assert!(engine.shows("t"));
    assert_eq!(judge(&engine, "t", ""), "denied /all_tools/action");
    assert_eq!(
        judge(&engine, "u", ""),
        "default_deny /default",
        "all_tools rescues nothing"
    );
}
