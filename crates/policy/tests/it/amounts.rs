//! What a limit takes and whose bucket it is, where arguments say so.

use policy::Verdict;

use crate::{
    blocks::judged,
    common::{engine, with_block},
};

/// `cost per` of the one limit, or the refusal.
fn spent(limit: &str, arguments: &str) -> Result<(u64, Option<String>), String> {
    let block = format!(r#"{{"limits":[{{"counter":"c","window":60,"max":1000,{limit}}}]}}"#);
    let engine = engine(&with_block(&block), None);
    judged(
        &engine,
        "t",
        arguments,
        None,
        |judgement, _| match judgement.verdict {
            Verdict::Pass(pass) => {
                let spends: Vec<_> = pass.spends().collect();
                assert_eq!(spends.len(), 1);
                Ok((spends[0].cost, spends[0].per.map(str::to_owned)))
            }
            Verdict::Refuse(refusal) => {
                assert_eq!(refusal.code.as_str(), "rate_limited");
                assert_eq!(refusal.rule.as_deref(), Some("/tools/t/limits/c"));
                Err(refusal.message.into_owned())
            }
        },
    )
}

#[test]
fn a_cost_is_a_whole_number_that_every_reader_sees_alike() {
    let cost = |x: &str| spent(r#""cost":"args.x""#, &format!(r#"{{"x":{x}}}"#));
    for (x, expected) in [
        ("0", 0),
        ("-0", 0),
        ("-0.0", 0),
        ("1", 1),
        ("1.0", 1),
        ("1e3", 1000),
        ("10e-1", 1),
        // Above `max`, which the bucket refuses.
        ("1001", 1001),
        ("1000000000000", 1_000_000_000_000),
        ("1e12", 1_000_000_000_000),
    ] {
        assert_eq!(cost(x), Ok((expected, None)), "{x}");
    }
    let nines = "9".repeat(401);
    let zeros = format!("1.{}", "0".repeat(400));
    for x in [
        "1000000000001",
        "1e13",
        "1e400",
        "1e401",
        "1e999999999999999999999",
        "0.5",
        "1.5",
        "-1",
        "-0.1",
        "1e-1",
        "1e-400",
        // A double takes these for 1, 5 and 0.
        "1.00000000000000000001",
        "4.99999999999999999999",
        "0.00000000000000000000000000000000000000000001e-300",
        &nines,
        &zeros,
        "\"1\"",
        "true",
        "null",
        "[1]",
        "{}",
    ] {
        assert_eq!(
            cost(x),
            Err(
                "t was refused: args.x must be a whole number from 0 to 1000000000000, since a \
                 limit goes by it (counter c)."
                    .to_owned()
            ),
            "{x}"
        );
    }
    assert!(spent(r#""cost":"args.x""#, "{}").is_err());
    assert!(spent(r#""cost":"args.x.y""#, r#"{"x":1}"#).is_err());
    // Another reader could take the other key for it.
    assert!(spent(r#""cost":"args.x""#, r#"{"x":0,"X":900}"#).is_err());
}

#[test]
fn each_value_has_one_bucket_and_no_two_share_one() {
    let per = |x: &str| spent(r#""per":"args.x""#, &format!(r#"{{"x":{x}}}"#));
    for (x, bucket) in [
        (r#""a""#, r#""a""#),
        (r#""\u0061""#, r#""a""#),
        (r#""""#, r#""""#),
        (r#""1""#, r#""1""#),
        ("1", "1"),
        ("1.0", "1"),
        ("100e-2", "1"),
        ("-0", "0"),
        ("0.1", "0.1"),
        ("1e-1", "0.1"),
        ("1e300", "1e+300"),
        ("9007199254740992", "9007199254740992"),
        ("true", "true"),
        (r#""true""#, r#""true""#),
        ("false", "false"),
        (r#""a\"b\n""#, r#""a\"b\n""#),
    ] {
        assert_eq!(per(x), Ok((1, Some(bucket.to_owned()))), "{x}");
    }
    for x in [
        "null",
        "[]",
        "{}",
        r#"["a"]"#,
        // As doubles these are 42, 2^53 and infinite, so each spelling would be one more bucket
        // for what the server takes for one value.
        "42.00000000000000000001",
        "9007199254740993",
        "0.10000000000000001",
        "1e400",
        "1e-400",
    ] {
        let refused = per(x).expect_err(x);
        assert!(
            refused.contains("args.x must be a string, a boolean or a number"),
            "{refused}"
        );
    }
    assert!(spent(r#""per":"args.x""#, "{}").is_err());
    assert!(spent(r#""per":"args.x""#, r#"{"x":"a","_x":"b"}"#).is_err());
}

/// A limit in shadow that cannot use an argument says so and takes nothing; the others stay.
#[test]
fn in_shadow_an_argument_that_cannot_be_used_refuses_nothing() {
    let block = r#"{"limits":[
        {"counter":"a","window":60,"max":9,"cost":"args.n","mode":"shadow"},
        {"counter":"b","window":60,"max":9,"per":"args.who"},
        {"counter":"c","window":60,"max":9,"per":"args.no","mode":"shadow"},
        {"counter":"d","window":60,"max":9,"cost":"args.n","mode":"shadow"},
        {"counter":"e","window":60,"max":9}]}"#;
    let engine = engine(&with_block(block), None);
    let arguments = r#"{"who":"x","no":[]}"#;
    judged(&engine, "t", arguments, None, |judgement, steps| {
        let shadow: Vec<_> = judgement.shadow.iter().map(|it| &*it.rule).collect();
        let rules = [
            "/tools/t/limits/a",
            "/tools/t/limits/c",
            "/tools/t/limits/d",
        ];
        assert_eq!(shadow, rules);
        let seen: Vec<_> = steps[1..].iter().map(|step| step.rule.as_deref()).collect();
        assert_eq!(seen, rules.map(Some));
        assert!(steps[1..].iter().all(|step| step.shadow));
        let Verdict::Pass(pass) = judgement.verdict else {
            panic!()
        };
        let spends: Vec<_> = pass
            .spends()
            .map(|spend| (&*spend.limit.counter, spend.cost, spend.per))
            .collect();
        assert_eq!(spends, [("b", 1, Some(r#""x""#)), ("e", 1, None)]);
    });
}

#[test]
fn nobody_is_asked_about_a_call_whose_cost_cannot_be_used() {
    let block = r#"{"approval":{},"limits":[{"counter":"c","window":60,"max":9,"cost":"args.n"}]}"#;
    let engine = engine(&with_block(block), None);
    judged(&engine, "t", "{}", None, |judgement, _| {
        assert!(matches!(judgement.verdict, Verdict::Refuse(_)));
    });
    judged(&engine, "t", r#"{"n":3}"#, None, |judgement, _| {
        let Verdict::Pass(pass) = judgement.verdict else {
            panic!()
        };
        assert!(pass.approval.is_some());
        assert_eq!(pass.spends().next().map(|spend| spend.cost), Some(3));
    });
}
