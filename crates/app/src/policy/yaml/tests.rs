use proptest::prelude::*;

use super::*;

fn converted(yaml: &str) -> String {
    match to_json(yaml) {
        Ok(converted) => converted.json,
        Err(faults) => panic!("{yaml}\n{faults:?}"),
    }
}

fn canonical(json: &str) -> String {
    let bounds = json::Bounds {
        bytes_max: 1 << 20,
        depth_max: 64,
    };
    let document = json::Document::parse(json.as_bytes(), bounds).expect("our own JSON");
    document.root().canonical()
}

/// Each fault as `line:column code pointer detail`.
fn refused(yaml: &str) -> Vec<String> {
    let faults = to_json(yaml).expect_err(yaml);
    let told = |fault: &Fault| {
        let Fault {
            line,
            column,
            code,
            pointer,
            detail,
            ..
        } = fault;
        format!("{line}:{column} {code} {pointer:?} {detail}")
    };
    faults.iter().map(told).collect()
}

const POLICY: &str = r#"# For the build agents.
version: "1"
default: deny
hide: [run_rollback_pipeline]
tools:
  get_*: {}
  rerun_workflow:
    require:
      - conditions:
          - { path: args.params.workflowId, op: regex, value: '^[0-9a-f-]{36}$' }
        on_deny: >-
          workflowId must be
          a UUID.
    limits:
    - counter: rerun_workflow_rate
      window: minute
      max: 10
"#;

#[test]
fn a_policy_becomes_json_that_reads_well() {
    let expected = r#"{
  "version": "1",
  "default": "deny",
  "hide": ["run_rollback_pipeline"],
  "tools": {
    "get_*": {},
    "rerun_workflow": {
      "require": [
        {
          "conditions": [
            { "path": "args.params.workflowId", "op": "regex", "value": "^[0-9a-f-]{36}$" }
          ],
          "on_deny": "workflowId must be a UUID."
        }
      ],
      "limits": [{ "counter": "rerun_workflow_rate", "window": "minute", "max": 10 }]
    }
  }
}
"#;
    assert_eq!(converted(POLICY), expected);
    assert!(policy::Policy::parse(expected).is_ok());
}

#[test]
fn numbers_keep_their_spelling() {
    let json = converted("a: [1.0, -0, 1e400, 0.10, 12345678901234567890.000000000000000000001]\n");
    assert_eq!(
        json,
        "{ \"a\": [1.0, -0, 1e400, 0.10, 12345678901234567890.000000000000000000001] }\n"
    );
}

#[test]
fn json_is_yaml_too() {
    let json = r#"{"version": "1", "a": [true, null, 1.50, "x\ny\u0041\/"], "b": {"c d": {}}}"#;
    assert_eq!(canonical(&converted(json)), canonical(json));
}

#[test]
fn what_json_does_not_have_is_refused_at_its_place() {
    let cases = [
        ("a: &x 1\n", "1:4 bad_yaml \"/a\" an anchor (&)"),
        (
            "a: 1\nb: &x {}\nc: *x\n",
            "3:4 bad_yaml \"/c\" an alias (*)",
        ),
        ("a: 1\n<<: {b: 2}\n", "2:1 bad_yaml \"\" a merge key (<<)"),
        ("a: !!str 5\n", "1:4 bad_yaml \"/a\" a tag (!)"),
        ("a: ! 5\n", "1:4 bad_yaml \"/a\" a tag (!)"),
        (
            "a:\n  - 0x1f\n",
            "2:5 bad_yaml \"/a/0\" JSON does not write a number this way",
        ),
        ("a: .inf\n", "1:4 bad_yaml \"/a\" JSON has no such number"),
        (
            "a: no\n",
            "1:4 bad_yaml \"/a\" YAML 1.1 takes this for a boolean",
        ),
        (
            "max: 1_000\n",
            "1:6 bad_yaml \"/max\" YAML 1.1 takes this for a number",
        ),
        (
            "on: {}\n",
            "1:1 bad_yaml \"\" YAML 1.1 takes this for a boolean",
        ),
        ("1: a\n", "1:1 bad_yaml \"\" a key must be text"),
        ("~: a\n", "1:1 bad_yaml \"\" a key must be text"),
        ("? [a, b]\n: c\n", "1:3 bad_yaml \"\" a key must be text"),
        ("? {a: b}\n: c\n", "1:3 bad_yaml \"\" a key must be text"),
        (
            "a: 1\n---\nb: 2\n",
            "2:1 bad_yaml \"\" a second document begins here",
        ),
        ("%YAML 1.1\n---\na: 1\n", "1:1 bad_yaml \"\" a directive"),
        (
            "# only a comment\n",
            "2:1 bad_yaml \"\" there is no document",
        ),
        ("", "1:1 bad_yaml \"\" there is no document"),
        ("a: [1, 2\n", "2:1 bad_yaml"),
        ("a:\n\t- b\n", "2:2 bad_yaml"),
        ("a: b: c\n", "1:5 bad_yaml"),
        ("a: \"\\uD800\"\n", "1:4 bad_yaml"),
    ];
    for (yaml, expected) in cases {
        let faults = refused(yaml);
        let found = faults.iter().any(|fault| fault.starts_with(expected));
        assert!(found, "{yaml:?} gave {faults:#?}, not {expected}");
    }
}

#[test]
fn all_of_it_is_told_at_once() {
    let faults = refused("a: yes\nb: [0x10, .nan]\nc: &x !t d\n");
    assert_eq!(faults.len(), 5, "{faults:#?}");
}

/// A key that stands twice is left to the reader of the JSON, which says where, among all else
/// that is wrong.
#[test]
fn duplicate_keys_are_found_at_their_place_in_the_yaml() {
    let yaml = "version: \"1\"\ndefault: deny\ntools:\n  a: {}\n  \"a\": {}\n";
    let converted = to_json(yaml).expect("YAML");
    let report = policy::check(&converted.json, None);
    let fault = &report.faults[0];
    assert_eq!(fault.code, "duplicate_key");
    assert_eq!(
        converted.places.of(fault.line, fault.column),
        Place { line: 5, column: 3 }
    );
}

#[test]
fn every_key_and_value_finds_its_way_back() {
    let converted = to_json(POLICY).expect("YAML");
    let mut found = 0;
    for (needle, place) in [
        ("\"1\"", (2, 10)),
        ("[\"run_rollback", (4, 7)),
        ("\"get_*\"", (6, 3)),
        ("{ \"path\"", (10, 13)),
        ("\"op\"", (10, 45)),
        ("\"minute\"", (16, 15)),
        ("10 }", (17, 12)),
    ] {
        let offset = converted.json.find(needle).expect(needle);
        let at = json::position(&converted.json, offset);
        let back = converted.places.of(at.line, at.column);
        assert_eq!((back.line, back.column), place, "{needle}");
        found += 1;
    }
    assert_eq!(found, 7);
}

/// Aliases are refused, not followed: nothing is ever larger than what was written.
#[test]
fn a_billion_laughs_are_refused_at_once() {
    let mut yaml = "a0: &a0 [lol, lol]\n".to_owned();
    for n in 1..40 {
        yaml += &format!("a{n}: &a{n} [*a{m}, *a{m}, *a{m}, *a{m}]\n", m = n - 1);
    }
    let before = std::time::Instant::now();
    let faults = to_json(&yaml).expect_err("aliases");
    assert!(faults.iter().all(|fault| fault.code == BAD_YAML));
    assert!(faults.iter().any(|fault| fault.detail.contains("alias")));
    assert!(before.elapsed().as_millis() < 1000);
}

#[test]
fn depth_size_and_the_number_of_faults_are_bounded() {
    let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    assert!(to_json(&deep(DEPTH_MAX)).is_ok());
    assert!(refused(&deep(DEPTH_MAX + 2))[0].contains("too_deep"));
    let block: String = (0..2000).map(|n| " ".repeat(n) + "a:\n").collect();
    assert!(block.len() > BYTES_MAX && refused(&block)[0].contains("document_too_large"));
    let block: String = (0..1000).map(|n| " ".repeat(n) + "a:\n").collect();
    assert!(refused(&block)[0].contains("too_deep"));
    let dashes = "- ".repeat(BYTES_MAX / 2 - 1) + "a";
    assert!(refused(&dashes)[0].contains("too_deep"));
    assert_eq!(refused(&"- 0x1\n".repeat(50_000)).len(), FAULTS_MAX);
}

/// Whatever is typed is answered, soon, and what is answered is JSON.
#[test]
fn no_text_makes_it_panic_or_linger() {
    let pieces = [
        "a", ":", " ", "\n", "- ", "[", "]", "{", "}", ",", "\"", "'", "|", ">", "&x", "*x", "!",
        "%", "#", "?", "~", "\t", "\r", "\u{feff}", "\u{0}", "é", "---", "...", "\\", "<<", "1",
        "0x",
    ];
    let mut seed = 0x2545_F491_4F6C_DD1D_u64;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..12 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            text += pieces[usize::try_from(seed % 32).expect("small")];
        }
        if let Ok(converted) = to_json(&text) {
            let bounds = json::Bounds {
                bytes_max: 1 << 20,
                depth_max: 40,
            };
            let read = json::Document::parse_noting_duplicates(converted.json.as_bytes(), bounds);
            assert!(read.is_ok(), "{text:?} became {}", converted.json);
        }
    }
    for long in [
        "x".repeat(1 << 19),
        "a: ".repeat(1 << 18),
        "? ".repeat(1 << 18),
        "\"".repeat(1 << 19),
    ] {
        let before = std::time::Instant::now();
        let _ = to_json(&long);
        assert!(before.elapsed().as_secs() < 5, "{:?}…", &long[..8]);
    }
}

#[test]
fn json_as_yaml_is_the_same_json() {
    for document in [
        "{}",
        "[]",
        "\"x\"",
        "1.50",
        r#"{"version":"1","a":{"b":[],"c":[{"d":1.0,"e":[1,[2,{"f":null}]]}]},"g h":"i: j","k":"yes"}"#,
        r##"{"a":["true","null","~","1","-","- a","#x","a #b","a: b","&a","*a","!a","%a","@a","`a","","a,b","[x]"]}"##,
        r#"{"a":"line\nline\n","b":"\u0000\u001b[31m\u0085\u200b\ud83d\ude00","<<":"m","on":1,"1":2,"x ":" y"}"#,
        r#"[[[1]],[{"a":{"b":[]}}],{"long":["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"]}]"#,
        &converted(POLICY),
    ] {
        let bounds = json::Bounds {
            bytes_max: 1 << 20,
            depth_max: 64,
        };
        let read = json::Document::parse(document.as_bytes(), bounds).expect("JSON");
        let yaml = from_json(read.root());
        assert_eq!(
            canonical(&converted(&yaml)),
            read.root().canonical(),
            "{yaml}"
        );
    }
}

#[test]
fn json_as_yaml_reads_well() {
    let json = converted(POLICY);
    let bounds = json::Bounds {
        bytes_max: 1 << 20,
        depth_max: 64,
    };
    let read = json::Document::parse(json.as_bytes(), bounds).expect("JSON");
    let expected = r#"version: "1"
default: deny
hide: [run_rollback_pipeline]
tools:
  "get_*": {}
  rerun_workflow:
    require:
      - conditions:
          - {path: args.params.workflowId, op: regex, value: "^[0-9a-f-]{36}$"}
        on_deny: workflowId must be a UUID.
    limits:
      - {counter: rerun_workflow_rate, window: minute, max: 10}
"#;
    assert_eq!(from_json(read.root()), expected);
}

/// Any JSON: strings of all characters, and the words and numbers that YAML takes for something else.
fn any_json() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        any::<String>(),
        "[-+.0-9a-fxo_eE:~!&*#?<>|%@`'\" \n\t]{0,8}",
        prop::sample::select(vec![
            "yes", "No", "null", "~", "true", ".inf", "1_000", "<<", "---", "..."
        ])
        .prop_map(str::to_owned),
    ];
    let text = text.prop_map(|text| quoted(&text));
    let scalar = prop_oneof![
        text.clone(),
        prop::sample::select(vec!["null", "true", "false", "1.0", "-0", "1E+400", "0.10"])
            .prop_map(str::to_owned),
    ];
    scalar.prop_recursive(6, 64, 5, move |inner| {
        let members = prop::collection::btree_map(text.clone(), inner.clone(), 0..5);
        let members = members.prop_map(|members| {
            let members: Vec<_> = members.iter().map(|(k, v)| format!("{k}:{v}")).collect();
            format!("{{{}}}", members.join(","))
        });
        let items = prop::collection::vec(inner, 0..5);
        prop_oneof![
            members,
            items.prop_map(|items| format!("[{}]", items.join(",")))
        ]
    })
}

proptest! {
    #[test]
    fn any_json_as_yaml_is_the_same_json(document in any_json()) {
        let bounds = json::Bounds { bytes_max: 1 << 20, depth_max: 64 };
        let read = json::Document::parse(document.as_bytes(), bounds).expect("JSON");
        let yaml = from_json(read.root());
        prop_assert_eq!(canonical(&converted(&yaml)), read.root().canonical(), "{}", yaml);
    }

    /// Every value and key that is printed is found again where it stands in the YAML.
    #[test]
    fn places_lead_back_to_what_was_written(document in any_json()) {
        let bounds = json::Bounds { bytes_max: 1 << 20, depth_max: 64 };
        let read = json::Document::parse(document.as_bytes(), bounds).expect("JSON");
        let yaml = from_json(read.root());
        let converted = to_json(&yaml).expect("YAML");
        let printed = json::Document::parse(converted.json.as_bytes(), bounds).expect("JSON");
        for (key, value) in printed.root().entries() {
            for part in [key, value] {
                let at = json::position(&converted.json, part.span().start);
                let place = converted.places.of(at.line, at.column);
                let line = yaml.lines().nth(place.line as usize - 1).expect("a line");
                let rest: String = line.chars().skip(place.column as usize - 1).collect();
                let begins = match (part.as_str(), part.kind()) {
                    (Some(text), _) => rest.starts_with('"') || rest.starts_with(&*text),
                    (None, json::Kind::Object | json::Kind::Array) => true,
                    (None, _) => rest.starts_with(part.raw()),
                };
                prop_assert!(begins, "{:?} in {}", rest, yaml);
            }
        }
    }
}
