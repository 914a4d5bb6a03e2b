//! The walk over an upstream's message, cut anywhere.

use crate::scan::*;

fn found(text: &str) -> Option<Found> {
    let whole = Scan::whole(text.as_bytes());
    let mut scan = Scan::new();
    for byte in text.as_bytes() {
        scan.push(std::slice::from_ref(byte));
    }
    assert_eq!(whole, scan.finish(), "cut into single bytes: {text}");
    whole
}

#[test]
fn what_became_of_a_call_is_read_wherever_the_pieces_are_cut() {
    let text = r#" {"jsonrpc":"2.0","id":"a\"b","result":{"content":[{"type":"text",
            "text":"\"isError\":true } ] \\"}],"isError":false,"x":{"isError":true}}} "#;
    let ok = found(text).expect("a message");
    assert!(ok.result && !ok.is_error && !ok.error);
    assert_eq!(ok.id.as_deref(), Some(&br#""a\"b""#[..]));
    let failed = found(r#"{"id":7,"result":{"isError":true,"resultType":"complete"}}"#);
    let failed = failed.expect("a message");
    assert!(failed.is_error && !failed.is_unfinished());
    let error = found(r#"{"id":7,"error":{"code":-32601,"message":"x","data":{"code":1}}}"#);
    assert_eq!(error.expect("a message").code, Some(-32601));
    let more = found(r#"{"id":7,"result":{"resultType":"input_required"}}"#);
    assert!(more.expect("a message").is_unfinished());
    assert!(
        found(r#"{"id":1,"result":{"tools":[]}}"#)
            .expect("a message")
            .tools
    );
    assert!(
        found(r#"{"id":1,"result":{},"error":null}"#)
            .expect("a message")
            .result
    );
}

#[test]
fn a_result_or_an_error_is_as_long_as_its_text() {
    for (text, bytes) in [
        (r#"{"id":1,"result":{}}"#, 2),
        (
            r#"{"result" : { "a": [ {}, "é" ] } , "id":1, "x":{"result":{"a":1}}}"#,
            21,
        ),
        (r#"{"x":[{"error":{"a":1}}],"error":{"code":1}}"#, 10),
        (r#"{"id":1,"result":{"content":[]},"error":null}"#, 14),
    ] {
        assert_eq!(
            found(text).expect("a message").outcome_bytes,
            bytes,
            "{text}"
        );
    }
}

#[test]
fn rubbish_is_known_as_such() {
    for text in [
        "",
        "lol",
        "[]",
        "7",
        "\"x\"",
        "{",
        "{]",
        "{\"a\":[}",
        "{\"a\":1}}",
        "{} {}",
        "{\"a\" 1}",
        "{a:1}",
        "{\"id\":1,\"id\":2,\"result\":{}}",
        "{\"result\":{},\"result\":{}}",
        "{\"\\u0072esult\":{}}",
        "{\"result\":{\"result\\u0054ype\":\"input_required\"}}",
        "{\"result\":[]}",
        "{\"result\":\"x\"}",
        "{\"error\":\"x\"}",
        "<html></html>",
        "{\"a\":1,}x",
        "{\"a\":tru#}",
    ] {
        assert_eq!(found(text), None, "{text}");
    }
    assert_eq!(found(&format!("{{\"a\":{}", "[".repeat(200))), None);
}

#[test]
fn ids_are_compared_by_meaning() {
    assert!(same_id(b"1", b"1") && same_id(br#""a""#, br#""\u0061""#));
    assert!(!same_id(b"1", br#""1""#) && !same_id(b"1", b"2") && !same_id(b"x", b"y"));
}
