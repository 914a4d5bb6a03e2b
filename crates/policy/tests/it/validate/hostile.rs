//! What a hostile schema or hostile arguments can make the engine do.

use std::time::{Duration, Instant};

use super::*;

/// Runs within a bound that a machine under load keeps, where what is bounded would take hours,
/// gigabytes or the stack.
#[track_caller]
fn quickly<T>(run: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let result = run();
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(90), "took {took:?}");
    result
}

/// Definitions that each name the next one as often as told.
fn chain(length: usize, keyword: &str, times: usize) -> String {
    let mut definitions: Vec<String> = (0..length)
        .map(|n| {
            let next = format!(r##"{{"$ref":"#/$defs/d{}"}}"##, n + 1);
            format!(
                r#""d{n}":{{"{keyword}":[{}]}}"#,
                vec![next; times].join(",")
            )
        })
        .collect();
    definitions.push(format!(r#""d{length}":{{"type":"string"}}"#));
    format!(
        r##"{{"properties":{{"a":{{"$ref":"#/$defs/d0"}}}},"$defs":{{{}}}}}"##,
        definitions.join(",")
    )
}

#[test]
fn schemas_that_lead_in_circles_or_multiply_are_not_used() {
    for keyword in ["allOf", "anyOf", "oneOf"] {
        let doubling = chain(30, keyword, 2);
        quickly(|| unavailable(&doubling, "too many of its parts"));
        quickly(|| unavailable(&chain(3000, keyword, 1), "stand in one another"));
    }
    for circle in [
        r##"{"$ref":"#"}"##,
        r##"{"allOf":[{"not":{"$ref":"#"}}]}"##,
        r##"{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"anyOf":[{"$ref":"#/$defs/a"}]}}}"##,
        r##"{"properties":{"x":{"if":{"$ref":"#/properties/x"}}}}"##,
        r##"{"dependentSchemas":{"x":{"$ref":"#"}}}"##,
    ] {
        unavailable(circle, "circle");
    }
    let wide = format!(r#"{{"anyOf":[{}]}}"#, vec!["true"; 5000].join(","));
    unavailable(&wide, "too many of its parts");
}

/// A chain that goes inwards is long and harmless: it compiles and checks without the stack.
#[test]
fn a_long_chain_of_definitions_compiles() {
    let definitions: Vec<String> = (0..3000)
        .map(|n| {
            format!(
                r##""d{n}":{{"properties":{{"a":{{"$ref":"#/$defs/d{}"}}}}}}"##,
                n + 1
            )
        })
        .collect();
    let schema = format!(
        r##"{{"$ref":"#/$defs/d0","$defs":{{{},"d3000":{{"type":"string"}}}}}}"##,
        definitions.join(",")
    );
    quickly(|| valid(&schema, r#"{"a":{"a":{"a":1}}}"#));
    let nested = format!(
        r#"{{"properties":{{"a":{}{{"type":"string"}}{}}}}}"#,
        r#"{"items":"#.repeat(60),
        "}".repeat(60)
    );
    let list = |inner: &str| format!(r#"{{"a":{}{inner}{}}}"#, "[".repeat(60), "]".repeat(60));
    quickly(|| valid(&nested, &list(r#""x""#)));
    quickly(|| invalid(&nested, &list("1")));
}

/// Every level doubles: 2^60 ways for arguments of a few hundred bytes.
#[test]
fn arguments_cannot_multiply_what_a_schema_applies() {
    for (keyword, extra) in [
        ("allOf", ""),
        ("anyOf", r#","required":["zz"]"#),
        ("oneOf", ""),
    ] {
        let part = format!(r##"{{"properties":{{"x":{{"$ref":"#"}}}}{extra}}}"##);
        let schema = format!(r#"{{"{keyword}":[{part},{part}]}}"#);
        let deep = format!("{}1{}", r#"{"x":"#.repeat(63), "}".repeat(63));
        let got = quickly(|| check(SCHEMA, &schema, &deep));
        assert!(
            got == "allow" || got.starts_with("invalid_arguments"),
            "{keyword}: {got}"
        );
    }
}

/// As deep as arguments may be, through as many schemas as may stand in one another.
#[test]
fn the_deepest_check_fits_a_threads_stack() {
    for parts in [1, 3, 7, 15, 31] {
        let definitions: Vec<String> = (1..parts)
            .map(|n| format!(r##""d{n}":{{"allOf":[{{"$ref":"#/$defs/d{}"}}]}}"##, n + 1))
            .chain([format!(
                r##""d{parts}":{{"properties":{{"x":{{"$ref":"#/$defs/d1"}}}}}}"##
            )])
            .collect();
        let schema = format!(
            r##"{{"$ref":"#/$defs/d1","$defs":{{{}}}}}"##,
            definitions.join(",")
        );
        for depth in [1, 8, 16, 31, 63] {
            let deep = format!("{}1{}", r#"{"x":"#.repeat(depth), "}".repeat(depth));
            let got = quickly(|| check(SCHEMA, &schema, &deep));
            let fits = got == "allow"
                || got.contains("nested too deep")
                || (parts > 15 && got.contains("stand in one another"));
            assert!(fits, "{parts} {depth}: {got}");
        }
    }
}

#[test]
fn large_arguments_end_in_time_whatever_the_schema_asks() {
    let numbers: Vec<String> = (0..100_000).map(|n| n.to_string()).collect();
    let numbers = format!(r#"{{"a":[{}]}}"#, numbers.join(","));
    let members: Vec<String> = (0..50_000).map(|n| format!(r#""m{n}":{n}"#)).collect();
    let members = format!("{{{}}}", members.join(","));
    let text = format!(r#"{{"a":"{}"}}"#, "a".repeat(1 << 20));
    let many = |part: &str, times: usize| vec![part; times].join(",");
    let options: Vec<String> = (0..20_000).map(|n| format!(r#""o{n}""#)).collect();
    let patterns: Vec<String> = (0..2).map(|n| format!(r#""^(a|m)*{n}$":{{}}"#)).collect();
    let too_many: Vec<String> = (0..17).map(|n| format!(r#""^(a|m)*{n}$":{{}}"#)).collect();
    for (schema, arguments, expected) in [
        (
            r#"{"properties":{"a":{"uniqueItems":true}}}"#.to_owned(),
            &numbers,
            "allow",
        ),
        (
            r#"{"properties":{"a":{"items":{"type":"integer"}}}}"#.to_owned(),
            &numbers,
            "allow",
        ),
        (
            r#"{"properties":{"a":{"contains":{"const":"x"}}}}"#.to_owned(),
            &numbers,
            "invalid_arguments",
        ),
        (
            format!(
                r#"{{"properties":{{"a":{{"items":{{"allOf":[{}]}}}}}}}}"#,
                many("true", 4000)
            ),
            &numbers,
            "invalid_arguments",
        ),
        (
            format!(
                r#"{{"properties":{{"a":{{"items":{{"allOf":[{}]}}}}}}}}"#,
                many("{}", 4000)
            ),
            &numbers,
            "invalid_arguments",
        ),
        (
            format!(
                r#"{{"properties":{{"a":{{"items":{{"enum":[{}]}}}}}}}}"#,
                options.join(",")
            ),
            &numbers,
            "invalid_arguments",
        ),
        (
            format!(
                r#"{{"properties":{{"a":{{"items":{{"not":{{"enum":[{}]}}}}}}}}}}"#,
                options.join(",")
            ),
            &numbers,
            "allow",
        ),
        (
            format!(r#"{{"required":[{}]}}"#, options.join(",")),
            &members,
            "invalid_arguments",
        ),
        (
            format!(r#"{{"patternProperties":{{{}}}}}"#, patterns.join(",")),
            &members,
            "allow",
        ),
        (
            format!(r#"{{"patternProperties":{{{}}}}}"#, too_many.join(",")),
            &members,
            "schema_unavailable",
        ),
        (
            r#"{"propertyNames":{"pattern":"^(a|m)*[0-9]+$"}}"#.to_owned(),
            &members,
            "allow",
        ),
        (
            r#"{"unevaluatedProperties":{"type":"integer"}}"#.to_owned(),
            &members,
            "allow",
        ),
        (
            r#"{"properties":{"a":{"pattern":"^(a|aa)*$"}}}"#.to_owned(),
            &text,
            "allow",
        ),
        (
            format!(
                r#"{{"properties":{{"a":{{"allOf":[{}]}}}}}}"#,
                many(r#"{"pattern":"^(a|aa)*$"}"#, 500)
            ),
            &text,
            "invalid_arguments",
        ),
    ] {
        let got = quickly(|| check(SCHEMA, &schema, arguments));
        let short: String = schema.chars().take(80).collect();
        assert!(got.starts_with(expected), "{short}: {got}");
    }
}

/// A list of tools cannot take gigabytes with its patterns.
#[test]
fn the_patterns_of_all_tools_share_one_budget() {
    let inventory: Vec<Tool> = (0..200)
        .map(|n| Tool {
            name: format!("t{n}"),
            ..described(&format!(
                r#"{{"properties":{{"a":{{"pattern":"^\\w{{30}}{n}$"}}}}}}"#
            ))
        })
        .collect();
    let document = r#"{"version":"1","default":"allow","all_tools":{"validate":"schema"}}"#;
    let engine = quickly(|| engine(document, Some(&inventory)));
    let got = |name: &str| crate::common::judge(&engine, name, "{}");
    assert_eq!(got("t0"), "allow");
    assert_eq!(got("t199"), "schema_unavailable /all_tools/validate");
}

/// A pattern takes time linear in the text, and in the pattern: these would take minutes.
#[test]
fn a_long_text_against_a_large_pattern_is_refused() {
    let short = format!(r#"{{"a":"{}"}}"#, "a".repeat(1000));
    let long = format!(r#"{{"a":"{}"}}"#, "a".repeat(1 << 20));
    for (pattern, of_long) in [
        ("a[ab]{0,3}c", "allow"),
        ("a[ab]{0,2000}c", "invalid_arguments"),
        ("a.{0,100}c", "invalid_arguments"),
    ] {
        let schema = format!(r#"{{"properties":{{"a":{{"not":{{"pattern":"{pattern}"}}}}}}}}"#);
        assert_eq!(check(SCHEMA, &schema, &short), "allow", "{pattern}");
        let got = quickly(|| check(SCHEMA, &schema, &long));
        assert!(got.starts_with(of_long), "{pattern}: {got}");
    }
}
