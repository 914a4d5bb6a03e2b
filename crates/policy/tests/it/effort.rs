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

/// A list of the policy's is gone through for each element of the call's.
#[test]
fn long_lists_against_very_many_elements_are_refused_in_either_sense() {
    let list = |one: &dyn Fn(usize) -> String| (0..8000).map(one).collect::<Vec<_>>().join(",");
    let hosts = list(&|n| format!(r#""h{n}.example.com""#));
    let ranges = list(&|n| format!(r#""10.{}.{}.0/24""#, n / 256, n % 256));
    for (op, values, one) in [
        ("host_in", hosts, r#""http://a","#),
        ("cidr", ranges, r#""1.1.1.1","#),
    ] {
        let condition = format!(r#"{{"path":"args.x[*]","op":"{op}","value":[{values}]}}"#);
        let block = format!(r#"{{"deny_if":[{{"conditions":[{condition}]}}]}}"#);
        let engine = engine(&with_block(&block), None);
        let call = |count: usize| {
            format!(
                r#"{{"x":[{}{}]}}"#,
                one.repeat(count),
                &one[..one.len() - 1]
            )
        };
        assert_eq!(judge(&engine, &call(500)), "allow", "{op}");
        let start = std::time::Instant::now();
        assert_eq!(judge(&engine, &call(300_000)), "deny_if", "{op}");
        let took = start.elapsed();
        // A second or two, unoptimised; minutes where the list is not counted.
        assert!(took.as_secs() < 20, "{op}: {took:?}");
    }
}

/// Members are looked up, not looked for.
#[test]
fn large_objects_are_compared_in_little_time() {
    let members: Vec<String> = (0..15_000).map(|n| format!(r#""k{n}":{n}"#)).collect();
    let object = |members: &mut dyn Iterator<Item = &String>| {
        let members: Vec<&str> = members.map(String::as_str).collect();
        format!("{{{}}}", members.join(","))
    };
    let policy = object(&mut members.iter());
    let condition = format!(r#"{{"path":"args.x","op":"eq","value":{policy}}}"#);
    let block = format!(r#"{{"require":[{{"conditions":[{condition}]}}]}}"#);
    let engine = engine(&with_block(&block), None);
    let turned = object(&mut members.iter().rev());
    let other = turned.replacen(":17", ":18", 1);
    let start = std::time::Instant::now();
    assert_eq!(judge(&engine, &format!(r#"{{"x":{turned}}}"#)), "allow");
    assert_eq!(
        judge(&engine, &format!(r#"{{"x":{other}}}"#)),
        "require_failed"
    );
    let took = start.elapsed();
    assert!(took.as_secs() < 5, "{took:?}");
}

/// A pattern takes time linear in the text, and in the pattern: this one would take minutes.
#[test]
fn a_long_text_against_a_large_pattern_is_refused_in_either_sense() {
    for (pattern, length) in [("a[ab]{0,8000}c", 50_000), ("a.{0,400}c", 1 << 20)] {
        let condition =
            |op: &str| format!(r#"[{{"path":"args.text","op":"{op}","value":"{pattern}"}}]"#);
        let deny_if = format!(r#"{{"deny_if":[{{"conditions":{}}}]}}"#, condition("regex"));
        let require = format!(
            r#"{{"require":[{{"conditions":{}}}]}}"#,
            condition("not_regex")
        );
        for (block, refused) in [(deny_if, "deny_if"), (require, "require_failed")] {
            let engine = engine(&with_block(&block), None);
            let call = |length: usize| format!(r#"{{"text":"{}"}}"#, "a".repeat(length));
            assert_eq!(judge(&engine, &call(1000)), "allow", "{pattern}");
            assert_eq!(judge(&engine, &call(length)), refused, "{pattern}");
        }
    }
}
