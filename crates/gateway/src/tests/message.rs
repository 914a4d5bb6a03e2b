//! Envelopes and parameters, each odd one with its code.

use bytes::Bytes;

use crate::message::*;

fn with<T>(text: &str, look: impl FnOnce(Result<Message<'_>, Malformed>, Option<Bytes>) -> T) -> T {
    let body = Bytes::copy_from_slice(text.as_bytes());
    let bounds = json::Bounds {
        bytes_max: 1 << 20,
        depth_max: DEPTH_MAX,
    };
    let doc = json::Document::parse(&body, bounds).expect("strict JSON");
    let mut id = None;
    let message = read(doc.root(), &body, &mut id);
    look(message, id)
}

#[test]
fn each_odd_envelope_is_refused_with_its_code() {
    for (text, code) in [
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, -32600),
        ("[]", -32600),
        (r#""x""#, -32600),
        (r#"{"id":1,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","x":1}"#, -32600),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","Method":"x"}"#,
            -32600,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","method\u0000":"x"}"#,
            -32600,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#,
            -32600,
        ),
        (r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#, -32600),
        (r#"{"jsonrpc":"2.0","result":{}}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1e3,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":-0,"method":"ping"}"#, -32600),
        (
            r#"{"jsonrpc":"2.0","id":99999999999999999999,"method":"ping"}"#,
            -32600,
        ),
        (r#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#, -32600),
        (r#"{"jsonrpc":"2.0","method":"tools/call"}"#, -32600),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"notifications/initialized"}"#,
            -32600,
        ),
        (r#"{"jsonrpc":"2.0","id":1,"method":["ping"]}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":""}"#, -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call "}"#, -32600),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":[]}"#,
            -32600,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":null}"#,
            -32600,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":1}}"#,
            -32602,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","Name":"b"}}"#,
            -32602,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name\u0000":"b"}}"#,
            -32602,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","taſk":{}}}"#,
            -32602,
        ),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","requeﬆState":1}}"#,
            -32602,
        ),
    ] {
        with(text, |message, _| {
            assert_eq!(message.expect_err(text).code, code, "{text}");
        });
    }
    let long = format!(
        r#"{{"jsonrpc":"2.0","id":"{}","method":"ping"}}"#,
        "x".repeat(257)
    );
    with(&long, |message, id| {
        assert!(message.is_err() && id.is_none());
    });
}

#[test]
fn an_id_is_known_even_where_the_rest_is_at_fault() {
    with(
        r#"{"jsonrpc":"2.0","method":"x y","id":"é\n"}"#,
        |message, id| {
            assert!(message.is_err());
            assert_eq!(id.as_deref(), Some(r#""é\n""#.as_bytes()));
        },
    );
}

#[test]
fn the_three_shapes_are_told_apart() {
    with(
        r#"{"jsonrpc":"2.0","id":0,"method":"ping"}"#,
        |message, _| {
            let message = message.expect("a request");
            assert_eq!(message.shape, Shape::Request);
            assert!(message.plain);
        },
    );
    with(
        r#"{"jsonrpc":"2.0","\u006dethod":"notifications/x"}"#,
        |message, _| {
            let message = message.expect("a notification");
            assert_eq!(message.shape, Shape::Notification);
            assert!(!message.plain);
        },
    );
    with(r#"{"jsonrpc":"2.0","id":"7","error":{}}"#, |message, _| {
        assert_eq!(message.expect("a response").shape, Shape::Response);
    });
}

#[test]
fn a_call_has_only_the_parameters_of_its_era() {
    let check = |params: &str, stateless: bool| {
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#);
        with(&text, |message, _| {
            let call = tool_call(message.expect("an envelope").params, stateless);
            call.map(|call| (call.name.into_owned(), call.task, call.continues))
                .map_err(|e| e.code)
        })
    };
    assert_eq!(
        check(r#"{"name":"a"}"#, false),
        Ok(("a".into(), false, false))
    );
    assert_eq!(
        check(r#"{"name":"\u0061"}"#, false),
        Ok(("a".into(), false, false))
    );
    assert_eq!(
        check(r#"{"name":"a","task":{}}"#, false),
        Ok(("a".into(), true, false))
    );
    assert_eq!(
        check(r#"{"name":"a","requestState":""}"#, true),
        Ok(("a".into(), false, true))
    );
    for (params, stateless) in [
        (r#"{"name":"a","task":{}}"#, true),
        (r#"{"name":"a","requestState":""}"#, false),
        (r#"{"name":"a","x":1}"#, false),
        (r#"{"arguments":{}}"#, false),
        (r#"{"name":7}"#, false),
        (r#"{"name":""}"#, false),
        (r#"{"name":"a b"}"#, false),
        (r#"{"name":"naïve"}"#, false),
        (r#"{"name":"a","arguments":null}"#, false),
        (r#"{"name":"a","arguments":[1]}"#, false),
    ] {
        assert_eq!(check(params, stateless), Err(-32602), "{params}");
    }
}
