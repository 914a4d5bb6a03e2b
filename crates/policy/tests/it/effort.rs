//! What an agent can make the engine do: bounded, and refused where the bound is met.

use crate::common::{engine, with_block};
use json::{Bounds, Document};
use policy::{Call, Engine, GrantFacts, Verdict};

fn judge(engine: &Engine, arguments: &str) -> String {
    let bounds = Bounds {
        bytes_max: 4 << 20,
        depth_max: 64,
    };
    let document = Document::parse(arguments.as_bytes(), bounds).expect("the test's own JSON");
    let grant = GrantFacts {
        label: "a",
        identity: None,
        labels: &[],
    };
    let verdict = engine.judge(&Call {
        tool: "t",
        arguments: Some(document.root()),
        grant,
        class: None,
        now_unix_ms: 0,
    });
    match verdict.verdict {
        Verdict::Pass(_) => "allow".to_owned(),
        Verdict::Refuse(refusal) => refusal.code.to_string(),
    }
}

/// 64 checks of 32 conditions, each about a key of its own that is not there.
fn many(list: &str, condition: impl Fn(usize) -> String, check: &str) -> Engine {
    let checks: Vec<String> = (0..64)
        .map(|at| {
            let conditions: Vec<String> = (0..32).map(|n| condition(at * 32 + n)).collect();
            format!(r#"{{"conditions":[{}]{check}}}"#, conditions.join(","))
        })
        .collect();
    engine(
        &with_block(&format!(r#"{{"{list}":[{}]}}"#, checks.join(","))),
        None,
    )
}

#[test]
fn very_many_members_against_very_many_conditions_are_refused_in_either_sense() {
    let members: Vec<String> = (0..200_000).map(|n| format!(r#""m{n}":0"#)).collect();
    let large = format!("{{{}}}", members.join(","));
    let absent = |value: bool| {
        move |n: usize| format!(r#"{{"path":"args.x{n}","op":"exists","value":{value}}}"#)
    };
    let deny_if = many("deny_if", absent(true), "");
    assert_eq!(judge(&deny_if, r#"{"m":0}"#), "allow");
    assert_eq!(judge(&deny_if, &large), "deny_if");
    let require = many("require", absent(false), "");
    assert_eq!(judge(&require, r#"{"m":0}"#), "allow");
    assert_eq!(judge(&require, &large), "require_failed");
    // Absence is let pass only where it was seen.
    let equal = |n: usize| format!(r#"{{"path":"args.x{n}","op":"eq","value":1}}"#);
    let passes = many("deny_if", equal, r#","missing":"pass""#);
    assert_eq!(judge(&passes, r#"{"m":0}"#), "allow");
    assert_eq!(judge(&passes, &large), "deny_if");
}

#[test]
fn a_long_text_against_very_many_patterns_is_refused_and_against_a_few_is_judged() {
    let long = format!(r#"{{"text":"{}"}}"#, "a".repeat(3 << 20));
    let pattern = |n: usize| {
        let n = n % 16;
        format!(r#"{{"path":"args.text","op":"regex","value":"^b{n}$"}}"#)
    };
    // Each check ends at its first condition, which is false, and there are 64 checks.
    assert_eq!(
        judge(&many("deny_if", pattern, ""), r#"{"text":"a"}"#),
        "allow"
    );
    assert_eq!(judge(&many("deny_if", pattern, ""), &long), "deny_if");
    let few = r#"{"deny_if":[
        {"conditions":[{"path":"args.text","op":"regex","value":"secret"}]},
        {"conditions":[{"path":"args.text","op":"regex","value":"b$"}]},
        {"conditions":[{"path":"args.text","op":"contains","value":"password"}]},
        {"conditions":[{"path":"args.text","op":"length_lte","value":10}]}],
        "require":[{"conditions":[{"path":"args.text","op":"regex","value":"^a+$"}]}]}"#;
    assert_eq!(judge(&engine(&with_block(few), None), &long), "allow");
}

#[test]
fn elements_count_one_by_one() {
    let items = format!(r#"{{"items":[{}0]}}"#, "0,".repeat(1 << 20));
    let every = |_: usize| r#"{"path":"args.items[*]","op":"lt","value":1}"#.to_owned();
    assert_eq!(
        judge(&many("require", every, ""), r#"{"items":[0,0]}"#),
        "allow"
    );
    assert_eq!(judge(&many("require", every, ""), &items), "require_failed");
}
