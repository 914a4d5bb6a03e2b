//! What is JSON here, what is not, and where the fault lies.

use json::{Bounds, Document, FaultKind as K, Kind};

const BOUNDS: Bounds = Bounds {
    bytes_max: 1 << 20,
    depth_max: 64,
};

fn fault(bytes: &[u8]) -> (K, usize) {
    let fault = Document::parse(bytes, BOUNDS).expect_err(&String::from_utf8_lossy(bytes));
    (fault.kind, fault.offset)
}

#[test]
fn texts_that_are_json() {
    for text in [
        "null",
        "true",
        "false",
        "0",
        "-0",
        "-0.0e+0",
        "1E400",
        "\"\"",
        "[]",
        "{}",
        " \t\r\n[ ]\n",
        "[1,2,[3]]",
        r#"{"a":{"a":{"a":1}}}"#,
        r#"{"":1}"#,
        r#""\ud83d\ude00""#,
        r#""\u0000""#,
        "\"\u{7f}\u{80}\u{2028}\u{ffff}\u{10ffff}\"",
        r#"{"a":1,"A":2,"a ":3}"#,
        "\"\u{feff}\"",
        r#"["a","a"]"#,
        r#"[{"a":1},{"a":2}]"#,
    ] {
        let document = Document::parse(text.as_bytes(), BOUNDS).expect(text);
        assert_eq!(
            document.root().raw(),
            text.trim_matches([' ', '\t', '\r', '\n'])
        );
    }
}

#[test]
fn texts_that_are_not_json_and_where() {
    for (text, kind, offset) in [
        ("", K::UnexpectedEnd, 0),
        ("  ", K::UnexpectedEnd, 2),
        ("[", K::UnexpectedEnd, 1),
        ("[1", K::UnexpectedEnd, 2),
        ("{\"a\"", K::UnexpectedEnd, 4),
        ("{\"a\":", K::UnexpectedEnd, 5),
        ("\"a", K::UnexpectedEnd, 2),
        ("\"a\\", K::UnexpectedEnd, 3),
        ("\"\\u00", K::UnexpectedEnd, 5),
        ("tru", K::UnexpectedEnd, 3),
        ("-", K::UnexpectedEnd, 1),
        ("1.", K::UnexpectedEnd, 2),
        ("1e", K::UnexpectedEnd, 2),
        ("1 2", K::TrailingData, 2),
        ("{}{}", K::TrailingData, 2),
        ("[]]", K::TrailingData, 2),
        ("nullx", K::TrailingData, 4),
        ("01", K::BadNumber, 0),
        ("-01", K::BadNumber, 0),
        ("+1", K::BadNumber, 0),
        (".5", K::BadNumber, 0),
        ("[1.]", K::BadNumber, 3),
        ("[1.e1]", K::BadNumber, 3),
        ("[1e+]", K::BadNumber, 4),
        ("[-]", K::BadNumber, 2),
        ("0x10", K::TrailingData, 1),
        ("NaN", K::UnexpectedByte, 0),
        ("Infinity", K::UnexpectedByte, 0),
        ("-Infinity", K::BadNumber, 1),
        ("'a'", K::UnexpectedByte, 0),
        ("True", K::UnexpectedByte, 0),
        ("nul!", K::UnexpectedByte, 3),
        ("[1,]", K::UnexpectedByte, 3),
        ("[,1]", K::UnexpectedByte, 1),
        ("[1 2]", K::UnexpectedByte, 3),
        ("[1}", K::UnexpectedByte, 2),
        ("{\"a\":1]", K::UnexpectedByte, 6),
        ("{\"a\":1,}", K::UnexpectedByte, 7),
        ("{,}", K::UnexpectedByte, 1),
        ("{a:1}", K::UnexpectedByte, 1),
        ("{1:1}", K::UnexpectedByte, 1),
        ("{\"a\" 1}", K::UnexpectedByte, 5),
        ("{\"a\"}", K::UnexpectedByte, 4),
        ("{\"a\":}", K::UnexpectedByte, 5),
        ("// x\n1", K::UnexpectedByte, 0),
        ("[1/**/]", K::UnexpectedByte, 2),
        ("\u{a0}1", K::UnexpectedByte, 0),
        ("\u{feff}1", K::ByteOrderMark, 0),
        ("\"a\nb\"", K::ControlCharacter, 2),
        ("\"a\0b\"", K::ControlCharacter, 2),
        ("\"12345678\x1f\"", K::ControlCharacter, 9),
        (r#""\x41""#, K::BadEscape, 1),
        (r#""\'""#, K::BadEscape, 1),
        (r#""\u12g4""#, K::BadEscape, 1),
        (r#""\u+123""#, K::BadEscape, 1),
        (r#""\ud800""#, K::LoneSurrogate, 1),
        (r#""ab\udc00""#, K::LoneSurrogate, 3),
        (r#""\ud800\ud800""#, K::LoneSurrogate, 1),
        (r#""\ud800A""#, K::LoneSurrogate, 1),
        (r#""\ud800x""#, K::LoneSurrogate, 1),
        (r#""\udc00\ud800""#, K::LoneSurrogate, 1),
        (r#"{"\ud800":1}"#, K::LoneSurrogate, 2),
        (r#"{"a":1,"a":2}"#, K::DuplicateKey, 7),
        (r#"{"a":1,"b":2,"a":1}"#, K::DuplicateKey, 13),
        (r#"{"a":1,"\u0061":2}"#, K::DuplicateKey, 7),
        (r#"{"\u0061":1,"a":2}"#, K::DuplicateKey, 12),
        (r#"{"\/":1,"/":2}"#, K::DuplicateKey, 8),
        (r#"[[{"x":{"a":1,"a":2}}]]"#, K::DuplicateKey, 14),
    ] {
        assert_eq!(fault(text.as_bytes()), (kind, offset), "{text:?}");
    }
}

#[test]
fn bytes_that_are_not_utf8() {
    for (bytes, offset) in [
        (&b"\"\xff\""[..], 1),
        (b"\"\xc0\x80\"", 1),
        (b"\"\xed\xa0\x80\"", 1),
        (b"\"\xf4\x90\x80\x80\"", 1),
        (b"[1]\x80", 3),
        (b"\"\xe2\x82", 1),
        (b"\xff\xfe1\0", 0),
    ] {
        assert_eq!(fault(bytes), (K::NotUtf8, offset), "{bytes:?}");
    }
}

#[test]
fn bounds_are_kept_exactly() {
    let bounds = Bounds {
        bytes_max: 10,
        depth_max: 3,
    };
    let kind = |text: &str| {
        Document::parse(text.as_bytes(), bounds)
            .map(drop)
            .map_err(|f| f.kind)
    };
    assert_eq!(kind("[[[1]]]"), Ok(()));
    assert_eq!(kind("[[[[]]]]"), Err(K::TooDeep));
    assert_eq!(kind("[{\"\":[1]}]"), Ok(()));
    assert_eq!(kind("1234567890"), Ok(()));
    assert_eq!(kind("1234567890 "), Err(K::TooLong));
    let scalar = Bounds {
        bytes_max: 10,
        depth_max: 0,
    };
    assert!(Document::parse(b"1", scalar).is_ok());
    assert!(Document::parse(b"[]", scalar).is_err());
    // Depth costs no stack, neither to read nor to write.
    let deepest = usize::from(u16::MAX);
    let text = "[".repeat(deepest) + &"]".repeat(deepest);
    let bounds = Bounds {
        bytes_max: text.len(),
        depth_max: u16::MAX,
    };
    assert_eq!(
        Document::parse(text.as_bytes(), bounds)
            .unwrap()
            .root()
            .canonical(),
        text
    );
}

/// Both ways of looking for duplicates, at every place, in objects on both sides of the boundary.
#[test]
fn a_duplicate_is_found_wherever_it_stands() {
    for size in [2, 3, 15, 16, 17, 18, 100] {
        let keys: Vec<String> = (0..size).map(|n| format!("key{n}")).collect();
        let object = |keys: &[String]| {
            let members: Vec<String> = keys.iter().map(|k| format!("\"{k}\":0")).collect();
            format!("{{{}}}", members.join(","))
        };
        assert!(Document::parse(object(&keys).as_bytes(), BOUNDS).is_ok());
        for (first, second) in [(0, size - 1), (size / 2, size - 1), (0, 1)] {
            if first == second {
                continue;
            }
            let mut twice = keys.clone();
            twice[second] = keys[first].clone();
            assert_eq!(
                fault(object(&twice).as_bytes()).0,
                K::DuplicateKey,
                "{first} {second}"
            );
            twice[second] = format!("\\u006b{}", &keys[first][1..]);
            assert_eq!(
                fault(object(&twice).as_bytes()).0,
                K::DuplicateKey,
                "{first} {second}"
            );
        }
    }
}

#[test]
fn duplicates_can_be_noted_all_at_once() {
    let text = br#"{"a":1,"a":{"b":1,"b":2,"b":3},"c":1}"#;
    let (document, duplicates) = Document::parse_noting_duplicates(text, BOUNDS).unwrap();
    assert_eq!(duplicates, [7, 18, 24]);
    assert_eq!(document.root().len(), 3);
    assert!(Document::parse_noting_duplicates(b"[1", BOUNDS).is_err());
}

#[test]
fn values_know_what_and_where_they_are() {
    let text = r#" {"a":[1, "x\n", true],"\u0062":{"c":null},"d":-1.50e3} "#;
    let document = Document::parse(text.as_bytes(), BOUNDS).unwrap();
    let root = document.root();
    assert_eq!(
        (root.kind(), root.len(), root.span()),
        (Kind::Object, 3, 1..text.len() - 1)
    );
    let a = root.get("a").unwrap();
    assert_eq!(
        (a.kind(), a.len(), a.raw()),
        (Kind::Array, 3, r#"[1, "x\n", true]"#)
    );
    let items: Vec<_> = a.elements().collect();
    assert_eq!(items[0].as_number(), Some("1"));
    assert_eq!(items[1].as_str().as_deref(), Some("x\n"));
    assert!(items[1].is("x\n") && !items[1].is("x\\n"));
    assert_eq!(items[2].as_bool(), Some(true));
    let keys: Vec<_> = root.members().map(|(key, _)| key.into_owned()).collect();
    assert_eq!(keys, ["a", "b", "d"]);
    let b = root.get("b").unwrap();
    assert_eq!(b.get("c").map(json::Value::kind), Some(Kind::Null));
    assert!(b.get("x").is_none() && a.get("a").is_none() && b.elements().next().is_none());
    assert_eq!(
        root.get("d").and_then(json::Value::as_number),
        Some("-1.50e3")
    );
    assert_eq!((b.as_str(), b.as_bool(), b.as_number()), (None, None, None));
}

/// The example of RFC 8785, section 3.2.3, whose keys are in the order of UTF-16 and not of UTF-8,
/// and numbers that the RFC would round.
#[test]
fn canonical_is_the_rfcs_but_for_exact_numbers() {
    let text = r#"{
        "\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One", "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis" }"#;
    let document = Document::parse(text.as_bytes(), BOUNDS).unwrap();
    assert_eq!(
        document.root().canonical(),
        "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\
         \"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\",\
         \"😀\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}"
    );
    for (text, canonical) in [
        (r#"[ 1.0 , 10e-1, {} , [ ] ]"#, "[1,1,{},[]]"),
        (
            r#"[9007199254740993, 0.1000, 1E30]"#,
            "[9007199254740993,0.1,1e+30]",
        ),
        (
            r#""\u0008\u0009\u000a\u000c\u000d\u001f\u007f\"\\\/""#,
            "\"\\b\\t\\n\\f\\r\\u001f\u{7f}\\\"\\\\/\"",
        ),
        ("1e99999999999999999999", "1e99999999999999999999"),
        ("[[],[[]],{\"a\":[]}]", "[[],[[]],{\"a\":[]}]"),
        (r#"["[","{"]"#, r#"["[","{"]"#),
    ] {
        let document = Document::parse(text.as_bytes(), BOUNDS).unwrap();
        assert_eq!(document.root().canonical(), canonical);
    }
}

#[test]
fn what_is_printed_for_debugging_holds_no_content() {
    let document = Document::parse(br#"{"password":"hunter2"}"#, BOUNDS).unwrap();
    let root = document.root();
    let printed = format!("{document:?} {root:?} {:?}", root.get("password"));
    assert_eq!(
        printed,
        "a JSON text of 22 bytes Object at 0..22 Some(String at 12..21)"
    );
}
