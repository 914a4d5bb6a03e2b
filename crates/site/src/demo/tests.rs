//! What the demonstration shows, and what it does with what strangers type.

use std::time::{Duration, Instant};

use domain::audit::Code;

use super::{
    ask::{Asked, Wanted},
    decide::{Judged, Outcome, decide},
    examples::EXAMPLES,
};

fn asked(query: &[(&str, &str)]) -> Asked {
    let text = serde_urlencoded::to_string(query).expect("a query");
    let wanted: Wanted = serde_urlencoded::from_str(&text).expect("parameters");
    Asked::of(wanted)
}

fn judged(query: &[(&str, &str)]) -> Judged {
    match decide(&asked(query)) {
        Outcome::Judged(judged) => *judged,
        Outcome::Faulty(faults, _) => panic!("{faults:?}"),
        Outcome::Unclear(sentence) => panic!("{sentence}"),
    }
}

fn unclear(query: &[(&str, &str)]) -> String {
    match decide(&asked(query)) {
        Outcome::Unclear(sentence) => sentence,
        _ => panic!("it was understood"),
    }
}

#[test]
fn the_first_sight_is_the_eleventh_rerun_refused_by_its_limit() {
    let judged = judged(&[]);
    assert_eq!((judged.call, judged.decision.code), (11, Code::RateLimited));
    assert!(
        judged
            .decision
            .message
            .starts_with("rerun_workflow is over its limit of 10 a minute"),
        "{}",
        judged.decision.message
    );
    assert_eq!(judged.rule.len(), 1);
    assert!(judged.rule[0].1.contains("\"counter\": \"reruns\""));
    assert_eq!(judged.meter().map(|charge| charge.left), Some(0));
}

#[test]
fn the_tenth_call_goes_through_and_calling_again_is_the_eleventh() {
    let tenth = [("call", "10")];
    assert_eq!(judged(&tenth).decision.code, Code::Allowed);
    let again = [("call", "10"), ("again", "1")];
    assert_eq!(judged(&again).decision.code, Code::RateLimited);
    assert_eq!(asked(&[("call", "100"), ("again", "1")]).call, Some(100));
}

#[test]
fn every_example_shows_what_it_says() {
    let codes = EXAMPLES.iter().map(|example| {
        let call = example.call.to_string();
        let query = [
            ("tool", example.tool),
            ("arguments", example.arguments),
            ("call", call.as_str()),
        ];
        judged(&query).decision.code
    });
    assert_eq!(
        codes.collect::<Vec<_>>(),
        [
            Code::RateLimited,
            Code::Allowed,
            Code::DenyIf,
            Code::DenyIf,
            Code::Allowed,
            Code::DefaultDeny,
        ]
    );
}

/// Every attack that has a rule can be tried, and its own call is not let through.
#[test]
fn the_rule_against_an_attack_stops_its_call() {
    let mut tried = 0;
    for attack in catalog::attacks::attacks() {
        if attack.rule.is_none() {
            continue;
        }
        let asked = asked(&[("attack", &attack.id)]);
        assert_eq!(asked.attack.as_ref().map(|of| &of.id), Some(&attack.id));
        match decide(&asked) {
            Outcome::Judged(judged) => {
                assert_ne!(judged.decision.code, Code::Allowed, "{}", attack.id);
            }
            _ => panic!("{} cannot be tried", attack.id),
        }
        tried += 1;
    }
    assert!(tried > 0);
}

#[test]
fn what_cannot_be_read_is_said() {
    for (query, says) in [
        (("arguments", "[1]"), "in braces"),
        (("arguments", "{\"a\":1,\"a\":2}"), "everyone reads alike"),
        (("arguments", "{\"a\":"), "everyone reads alike"),
        (("call", "0"), "from 1 to 100"),
        (("call", "101"), "from 1 to 100"),
        (("call", "99999999999999999999"), "from 1 to 100"),
        (("call", "eleven"), "from 1 to 100"),
        (("tool", ""), "The tool's name"),
        (("tool", "a\u{202e}b"), "The tool's name"),
        (("tool", "<script>alert(1)</script> x"), "The tool's name"),
    ] {
        let said = unclear(&[query]);
        assert!(said.contains(says), "{query:?}: {said}");
    }
    assert_eq!(asked(&[("attack", "no-such-thing")]).attack, None);
    assert!(unclear(&[("tool", &"x".repeat(200))]).contains("The tool's name"));
}

#[test]
fn a_fault_of_the_policy_is_at_its_line() {
    let policy = "{ \"version\": \"1\",\n \"default\": \"deny\",\n \"tols\": {} }";
    let Outcome::Faulty(faults, 0) = decide(&asked(&[("policy", policy)])) else {
        panic!("it has a fault");
    };
    assert_eq!((faults[0].line, faults[0].code), (3, "unknown_field"));
}

/// The worst that fits: nothing keeps a thread for long, nothing panics.
#[test]
fn hostile_documents_cost_little() {
    let many: Vec<String> = (0..500)
        .map(|at| format!("{{\"path\":\"args.{at}\",\"op\":\"exists\",\"value\":true}}"))
        .collect();
    let conditions = |text: &str| {
        format!(
            "{{\"version\":\"1\",\"default\":\"allow\",\"tools\":{{\"t\":{{\"deny_if\":[{{\"conditions\":[{text}]}}]}}}}}}"
        )
    };
    let regex = |pattern: &str| {
        conditions(&format!(
            "{{\"path\":\"args.a\",\"op\":\"regex\",\"value\":\"{pattern}\"}}"
        ))
    };
    let policies = [
        conditions(&many.join(",")),
        conditions(&many[..100].join(",")),
        regex("((a{0,100}){0,100}){0,100}"),
        regex(&"(a*)*".repeat(150)),
        regex("(a|aa)+$"),
        regex(&"[^a]".repeat(240)),
        "[".repeat(8_000),
        "{\"a\":".repeat(1_300),
        "\"".to_owned(),
        format!(
            "{{\"version\":\"1\",\"tools\":{{\"{}\":{{}}}}}}",
            "*a".repeat(2_000)
        ),
        "x".repeat(8 * 1024 + 1),
        "x".repeat(200_000),
        "\u{0}".to_owned(),
    ];
    let deep = "{\"a\":".repeat(800) + "1" + &"}".repeat(800);
    let arguments = [
        format!("{{\"a\":\"{}b\"}}", "a".repeat(4_000)),
        deep,
        format!("{{\"a\":{}}}", "9".repeat(4_000)),
        "{".repeat(5_000),
    ];
    for policy in &policies {
        for arguments in &arguments {
            let asked = asked(&[
                ("policy", policy),
                ("tool", "t"),
                ("arguments", arguments),
                ("call", "100"),
            ]);
            let begun = Instant::now();
            let _ = decide(&asked);
            let took = begun.elapsed();
            let shown: String = policy.chars().take(60).collect();
            assert!(took < Duration::from_secs(2), "{took:?}: {shown}");
        }
    }
}
