//! `validate`: what a tool's own schema refuses, and what is refused because it cannot be used.

mod hostile;

use domain::{Tool, ToolClass};
use json::{Bounds, Document};
use policy::{Call, Engine, GrantFacts, Verdict};

use crate::common::{classed, engine, tool, with_block};

const SCHEMA: &str = r#"{"validate":"schema"}"#;
const REQUIRED: &str = r#"{"validate":{"required_args":true}}"#;

fn described(schema: &str) -> Tool {
    Tool {
        definition: format!(r#"{{"name":"t","inputSchema":{schema}}}"#),
        ..tool("t")
    }
}

/// `allow`, or the code and the message.
fn check(block: &str, schema: &str, arguments: &str) -> String {
    judge(
        &engine(&with_block(block), Some(&[described(schema)])),
        arguments,
    )
}

fn judge(engine: &Engine, arguments: &str) -> String {
    judge_as(engine, arguments, None)
}

fn judge_as(engine: &Engine, arguments: &str, class: Option<ToolClass>) -> String {
    let bounds = Bounds {
        bytes_max: 8 << 20,
        depth_max: 64,
    };
    let document = (!arguments.is_empty())
        .then(|| Document::parse(arguments.as_bytes(), bounds).expect("the test's own JSON"));
    let call = Call {
        tool: "t",
        arguments: document.as_ref().map(Document::root),
        grant: GrantFacts {
            label: "l",
            identity: None,
            labels: &[],
        },
        class,
        now_unix_ms: 0,
    };
    match engine.judge(&call).verdict {
        Verdict::Pass(_) => "allow".to_owned(),
        Verdict::Refuse(refusal) => {
            let rule = refusal.rule.as_deref().unwrap_or_default();
            assert!(rule.ends_with("/validate"), "{rule}");
            format!("{} {}", refusal.code, refusal.message)
        }
    }
}

#[track_caller]
fn valid(schema: &str, arguments: &str) {
    assert_eq!(
        check(SCHEMA, schema, arguments),
        "allow",
        "{schema} {arguments}"
    );
}

#[track_caller]
fn invalid(schema: &str, arguments: &str) {
    let got = check(SCHEMA, schema, arguments);
    assert!(
        got.starts_with("invalid_arguments "),
        "{schema} {arguments}: {got}"
    );
}

#[track_caller]
fn unavailable(schema: &str, why: &str) {
    let got = check(SCHEMA, schema, "{}");
    assert!(
        got.starts_with("schema_unavailable "),
        "{schema:.200}: {got}"
    );
    assert!(got.contains(why), "{schema:.200}: {got}");
}

#[test]
fn the_messages_name_the_argument_and_quote_nothing_of_it() {
    let schema = r#"{"type":"object","required":["id"],"additionalProperties":false,"properties":{
        "id":{"type":"string","pattern":"^[0-9a-f-]{36}$","maxLength":40},
        "n":{"type":"integer","minimum":1,"maximum":10,"exclusiveMinimum":0},
        "kind":{"enum":["a","b"]},"fix":{"const":1},
        "list":{"type":"array","items":{"type":["string","null"]},"minItems":1,"maxItems":3,"uniqueItems":true},
        "deep":{"properties":{"a.b":{"items":{"properties":{"c":{"type":"boolean"}}}}}},
        "either":{"anyOf":[{"type":"string"},{"type":"number"}]},
        "odd":{"multipleOf":2}}}"#;
    let id = r#""id":"8c2f7d3e-6a54-4f0e-9d3b-2f1f0c7f9a11""#;
    for (arguments, expected) in [
        ("", "args.id is missing"),
        ("{}", "args.id is missing"),
        (r#"{"id":1}"#, "args.id must be a string"),
        (r#"{"id":null}"#, "args.id must be a string"),
        (
            r#"{"id":"x/../secret-secret"}"#,
            "args.id must match ^[0-9a-f-]{36}$",
        ),
        (r#"{ID,"n":0}"#, "args.n must be at least 1"),
        (r#"{ID,"n":11}"#, "args.n must be at most 10"),
        (r#"{ID,"n":1.5}"#, "args.n must be a whole number"),
        (r#"{ID,"n":"1"}"#, "args.n must be a whole number"),
        (
            r#"{ID,"kind":"secret-secret"}"#,
            r#"args.kind must be one of ["a","b"]"#,
        ),
        (r#"{ID,"fix":2}"#, "args.fix must be 1"),
        (
            r#"{ID,"list":[]}"#,
            "args.list must have at least 1 elements",
        ),
        (
            r#"{ID,"list":["a","b","c","d"]}"#,
            "args.list must have at most 3 elements",
        ),
        (
            r#"{ID,"list":["a",null,7]}"#,
            "args.list[2] must be null or a string",
        ),
        (
            r#"{ID,"list":["secret-secret","secret-secret"]}"#,
            "args.list must not have an element twice",
        ),
        (
            r#"{ID,"deep":{"a.b":[{},{"c":"secret-secret"}]}}"#,
            r#"args.deep["a.b"][1].c must be a boolean"#,
        ),
        (
            r#"{ID,"either":true}"#,
            "args.either must be one of the kinds that it allows",
        ),
        (r#"{ID,"odd":3}"#, "args.odd must satisfy `multipleOf`"),
        (r#"{ID,"extra":1}"#, "args.extra is not an argument of it"),
    ] {
        let got = check(SCHEMA, schema, &arguments.replace("ID", id));
        let expected =
            format!("invalid_arguments t was refused: by the tool's own schema, {expected}.");
        assert_eq!(got, expected);
        assert!(!got.contains("secret-secret"));
    }
    let good = r#"{ID,"n":10,"kind":"b","fix":1.0,"list":["a",null],"either":1,"odd":4,
        "deep":{"a.b":[{"c":true}]}}"#;
    valid(schema, &good.replace("ID", id));
}

/// A name that an agent makes up, and what an upstream writes, are cut.
#[test]
fn nothing_long_is_quoted() {
    let long = "k".repeat(5000);
    let closed = r#"{"additionalProperties":false}"#;
    let got = check(SCHEMA, closed, &format!(r#"{{"{long}":1}}"#));
    assert!(got.len() < 250, "{got}");
    let choices = format!(r#"{{"properties":{{"a":{{"enum":["{long}"]}}}}}}"#);
    let got = check(SCHEMA, &choices, r#"{"a":1}"#);
    assert!(got.len() < 250, "{got}");
    let deep = format!(r#"{{"properties":{{"{long}":{{"type":"string"}}}}}}"#);
    let got = check(SCHEMA, &deep, &format!(r#"{{"{long}":1}}"#));
    assert!(got.len() < 250, "{got}");
    let got = check(REQUIRED, &format!(r#"{{"required":["{long}"]}}"#), "{}");
    assert!(got.len() < 250, "{got}");
}

#[test]
fn required_arguments_are_there_and_not_null_and_not_ambiguous() {
    let schema = r#"{"type":"object","required":["id","a.b"],"properties":{
        "id":{"type":"string","pattern":"(?=x)"},"n":{"$ref":"https://elsewhere.test/n"}}}"#;
    for (arguments, expected) in [
        (r#"{"id":1,"a.b":false,"n":[]}"#, "allow"),
        (r#"{"id":"","a.b":{}}"#, "allow"),
        ("", "args.id is missing"),
        (r#"{"id":null,"a.b":1}"#, "args.id is missing"),
        (r#"{"id":1}"#, r#"args["a.b"] is missing"#),
        (
            r#"{"ID":1,"a.b":1}"#,
            "args.id cannot be told from another that is like it",
        ),
        (
            r#"{"id":1,"Id":2,"a.b":1}"#,
            "args.id cannot be told from another that is like it",
        ),
    ] {
        let got = check(REQUIRED, schema, arguments);
        let expected = match expected {
            "allow" => "allow".to_owned(),
            what => format!("invalid_arguments t was refused: by the tool's own schema, {what}."),
        };
        assert_eq!(got, expected, "{arguments}");
    }
    assert_eq!(check(REQUIRED, "{}", ""), "allow", "nothing is required");
    for bad in [r#"{"required":"id"}"#, r#"{"required":[1]}"#] {
        let got = check(REQUIRED, bad, r#"{"id":1}"#);
        assert!(got.starts_with("schema_unavailable"), "{got}");
    }
}

#[test]
fn a_schema_that_cannot_be_used_refuses() {
    for block in [SCHEMA, REQUIRED] {
        let policy = with_block(block);
        for definition in [
            "{}",
            "",
            "[]",
            r#"{"inputSchema":null}"#,
            r#"{"inputSchema":true}"#,
            r#"{"inputSchema":"x"}"#,
            r#"{"inputSchema":{},"inputSchema":{}}"#,
            r#"{"inputSchema":{"type":"object","type":"string"}}"#,
        ] {
            let tool = Tool {
                definition: definition.to_owned(),
                ..tool("t")
            };
            let got = judge(&engine(&policy, Some(&[tool])), "{}");
            assert!(got.starts_with("schema_unavailable"), "{definition}: {got}");
        }
        for engine in [engine(&policy, None), engine(&policy, Some(&[]))] {
            let got = judge(&engine, "{}");
            assert!(got.starts_with("schema_unavailable"), "{got}");
        }
        let large = format!(r#"{{"description":"{}"}}"#, "x".repeat(256 * 1024));
        let got = check(block, &large, "{}");
        assert!(got.starts_with("schema_unavailable"), "{got}");
        let deep = |n: usize| format!("{}{{}}{}", r#"{"not":"#.repeat(n), "}".repeat(n));
        let got = check(block, &deep(64), "{}");
        assert!(got.starts_with("schema_unavailable"), "{got}");
    }
    for (schema, why) in [
        (
            r#"{"$ref":"https://elsewhere.test/s.json"}"#,
            "another document",
        ),
        (
            r#"{"properties":{"a":{"$ref":"other.json#/a"}}}"#,
            "another document",
        ),
        (
            r#"{"items":{"allOf":[{"$ref":"file:///etc/passwd"}]}}"#,
            "another document",
        ),
        (
            r#"{"properties":{"a":{"$id":"https://x.test/a","type":"string"}}}"#,
            "another document",
        ),
        (r##"{"$dynamicRef":"#a"}"##, "depends on the way"),
        (r##"{"$recursiveRef":"#"}"##, "depends on the way"),
        (r##"{"$ref":"#/$defs/none"}"##, "does not have"),
        (r##"{"$ref":"#none"}"##, "does not have"),
        (r#"{"properties":{"a":{"pattern":"(?=x)y"}}}"#, "linear"),
        (r#"{"properties":{"a":{"pattern":"(a)\\1"}}}"#, "linear"),
        (r#"{"patternProperties":{"(?!x)":{}}}"#, "linear"),
        (r#"{"properties":{"a":{"pattern":"("}}}"#, "linear"),
        (
            r#"{"properties":{"a":{"pattern":"(\\w{100}){100}"}}}"#,
            "linear",
        ),
        (r#"{"type":"objekt"}"#, "not a JSON Schema"),
        (r#"{"properties":[]}"#, "not a JSON Schema"),
        (r#"{"maximum":1e999}"#, "cannot be read"),
        (
            r#"{"$schema":"https://elsewhere.test/dialect"}"#,
            "not a JSON Schema",
        ),
        (
            r#"{"$schema":"http://json-schema.org/draft-04/schema#"}"#,
            "too old",
        ),
    ] {
        unavailable(schema, why);
    }
}

#[test]
fn every_dialect_that_tools_use_is_read() {
    for dialect in [
        "",
        r#""$schema":"http://json-schema.org/draft-07/schema#","#,
        r#""$schema":"https://json-schema.org/draft/2019-09/schema","#,
        r#""$schema":"https://json-schema.org/draft/2020-12/schema","#,
    ] {
        let schema = format!(
            r##"{{{dialect}"$id":"https://x.test/s","type":"object","properties":{{
            "a":{{"$ref":"#/definitions/tree"}},"f":{{"format":"uuid"}}}},
            "definitions":{{"tree":{{"type":"object","properties":{{
                "more":{{"type":"array","items":{{"$ref":"#/definitions/tree"}}}}}},
                "additionalProperties":false}}}}}}"##
        );
        valid(
            &schema,
            r#"{"a":{"more":[{},{"more":[{"more":[]}]}]},"f":"not a uuid"}"#,
        );
        invalid(&schema, r#"{"a":{"more":[{},{"more":[{"mare":[]}]}]}}"#);
    }
    valid(
        r##"{"$defs":{"x":{"$anchor":"n","type":"integer"}},"properties":{"a":{"$ref":"#n"}}}"##,
        r#"{"a":1}"#,
    );
    invalid(
        r##"{"$defs":{"x":{"$anchor":"n","type":"integer"}},"properties":{"a":{"$ref":"#n"}}}"##,
        r#"{"a":"1"}"#,
    );
    valid(
        r##"{"$defs":{"a/b%":{"type":"integer"}},"properties":{"a":{"$ref":"#/$defs/a~1b%25"}}}"##,
        r#"{"a":1}"#,
    );
}

/// What a reader with doubles would take for another number is not passed as what it seems.
#[test]
fn a_number_that_does_not_survive_is_refused_wherever_it_stands() {
    for x in [
        "42.00000000000000000001",
        "0.10000000000000001",
        "18446744073709551616",
        "1e400",
        "1e-400",
        "123456789012345678901234567890",
    ] {
        for arguments in [
            format!(r#"{{"x":{x}}}"#),
            format!(r#"{{"deep":[{{"y":[{x}]}}]}}"#),
        ] {
            let got = check(SCHEMA, "{}", &arguments);
            assert!(got.contains("not every reader"), "{arguments}: {got}");
        }
    }
    for x in [
        "9007199254740993",
        "18446744073709551615",
        "-9223372036854775808",
        "1e300",
        "0.1",
    ] {
        valid(
            r#"{"properties":{"x":{"type":"number"}}}"#,
            &format!(r#"{{"x":{x}}}"#),
        );
    }
    let schema = r#"{"properties":{"x":{"enum":[1,"a",{"k":[2]}],"not":{"const":null}},
        "big":{"maximum":9007199254740992},"list":{"uniqueItems":true}}}"#;
    valid(schema, r#"{"x":1.0}"#);
    valid(schema, r#"{"x":{"k":[20e-1]}}"#);
    valid(schema, r#"{"x":"\u0061"}"#);
    invalid(schema, r#"{"x":true}"#);
    invalid(schema, r#"{"x":{"k":[2],"l":1}}"#);
    invalid(schema, r#"{"big":9007199254740993}"#);
    invalid(schema, r#"{"list":[1,1.0]}"#);
    invalid(schema, r#"{"list":[{"a":1,"b":2},{"b":2.0,"a":1}]}"#);
    valid(schema, r#"{"list":[1,"1",true,[1],{"1":1}]}"#);
}

/// Keywords that look at names, at members together and at what is left over.
#[test]
fn every_way_of_looking_at_an_object_sees_its_members() {
    for (schema, good, bad) in [
        (
            r#"{"propertyNames":{"pattern":"^[a-z]+$","maxLength":3}}"#,
            r#"{"abc":1}"#,
            r#"{"abcd":1}"#,
        ),
        (
            r#"{"propertyNames":{"enum":["a"]}}"#,
            r#"{"\u0061":1}"#,
            r#"{"b":1}"#,
        ),
        (
            r#"{"patternProperties":{"^n_":{"type":"number"}},"additionalProperties":{"type":"string"}}"#,
            r#"{"n_a":1,"b":"x"}"#,
            r#"{"n_a":"x"}"#,
        ),
        (
            r#"{"allOf":[{"properties":{"a":{"type":"string"}}}],"unevaluatedProperties":false}"#,
            r#"{"a":"x"}"#,
            r#"{"a":"x","b":1}"#,
        ),
        (
            r#"{"dependentRequired":{"a":["b"]}}"#,
            r#"{"a":1,"b":1}"#,
            r#"{"a":1}"#,
        ),
        (
            r#"{"if":{"required":["a"]},"then":{"required":["b"]},"else":{"maxProperties":0}}"#,
            "{}",
            r#"{"c":1}"#,
        ),
        (r#"{"minProperties":2}"#, r#"{"a":1,"b":1}"#, r#"{"a":1}"#),
        (
            r#"{"properties":{"l":{"contains":{"const":3},"prefixItems":[{"type":"string"}],"unevaluatedItems":{"type":"integer"}}}}"#,
            r#"{"l":["a",3]}"#,
            r#"{"l":["a",2]}"#,
        ),
        (
            r#"{"oneOf":[{"required":["a"]},{"required":["b"]}]}"#,
            r#"{"a":1}"#,
            r#"{"a":1,"b":1}"#,
        ),
        (r#"{"not":{"required":["a"]}}"#, "{}", r#"{"a":null}"#),
        (
            r#"{"required":["a","b","c","d","e"]}"#,
            r#"{"e":0,"d":0,"c":0,"b":0,"a":0}"#,
            r#"{"e":0,"d":0,"c":0,"b":0,"f":0}"#,
        ),
    ] {
        valid(schema, good);
        invalid(schema, bad);
    }
}

#[test]
fn the_schema_is_asked_for_by_classes_and_all_tools_too() {
    let document = r#"{"version":"1","default":"deny","classes":{"read":{},"execute":{"validate":"schema"}},
        "tools":{"u":{}}}"#;
    let of = |class| Tool {
        definition: r#"{"inputSchema":{"required":["a"]}}"#.to_owned(),
        ..classed("t", class)
    };
    let read = engine(document, Some(&[of(ToolClass::Read)]));
    assert_eq!(judge(&read, "{}"), "allow");
    let as_execute = judge_as(&read, "{}", Some(ToolClass::Execute));
    assert!(as_execute.starts_with("invalid_arguments"), "{as_execute}");
    let execute = engine(document, Some(&[of(ToolClass::Execute)]));
    assert!(judge(&execute, "{}").starts_with("invalid_arguments"));
    assert_eq!(judge(&execute, r#"{"a":1}"#), "allow");
    let all = r#"{"version":"1","default":"allow","all_tools":{"validate":"schema"}}"#;
    let all = engine(all, Some(&[of(ToolClass::Read)]));
    assert!(judge(&all, "{}").starts_with("invalid_arguments"));
}
