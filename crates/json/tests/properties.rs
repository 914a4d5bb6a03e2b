//! What holds of every text.

use json::{Bounds, Decimal, Document, Kind, Value};
use proptest::prelude::*;

const BOUNDS: Bounds = Bounds {
    bytes_max: 1 << 20,
    depth_max: 64,
};

/// Whether both mean the same. Numbers as doubles, since that is how `serde_json` holds them.
fn same(ours: Value<'_>, theirs: &serde_json::Value) -> bool {
    use serde_json::Value as V;
    match (ours.kind(), theirs) {
        (Kind::Null, V::Null) => true,
        (Kind::Bool, V::Bool(b)) => ours.as_bool() == Some(*b),
        (Kind::Number, V::Number(n)) => {
            let double: f64 = ours.raw().parse().expect("Rust reads JSON numbers");
            // Its doubles may be off by the last bit: it rounds for speed.
            n.as_f64()
                .is_some_and(|n| (n - double).abs() <= double.abs() * 1e-14)
        }
        (Kind::String, V::String(s)) => ours.as_str().as_deref() == Some(s),
        (Kind::Array, V::Array(items)) => {
            ours.len() == items.len() && ours.elements().zip(items).all(|(a, b)| same(a, b))
        }
        (Kind::Object, V::Object(members)) => {
            ours.len() == members.len()
                && ours.members().all(|(key, value)| {
                    members.get(&*key).is_some_and(|other| same(value, other))
                        && ours
                            .get(&key)
                            .is_some_and(|again| again.span() == value.span())
                })
        }
        _ => false,
    }
}

/// Each value's own text is that value again.
fn spans_hold(value: Value<'_>) -> bool {
    let raw = value.raw();
    let again = Document::parse(raw.as_bytes(), BOUNDS).is_ok_and(|document| {
        let root = document.root();
        root.raw() == raw && root.kind() == value.kind() && root.len() == value.len()
    });
    again && value.elements().all(spans_hold) && value.members().all(|(_, v)| spans_hold(v))
}

fn whatever_is_accepted_is_json(bytes: &[u8]) -> Result<(), TestCaseError> {
    let Ok(document) = Document::parse(bytes, BOUNDS) else {
        return Ok(());
    };
    let theirs = serde_json::from_slice::<serde_json::Value>(bytes);
    // It refuses numbers beyond doubles; that is the one thing we take and it does not.
    match &theirs {
        Ok(theirs) => prop_assert!(same(document.root(), theirs)),
        Err(error) => prop_assert!(error.to_string().contains("number out of range"), "{error}"),
    }
    prop_assert!(spans_hold(document.root()));
    let canonical = document.root().canonical();
    let again = Document::parse(canonical.as_bytes(), BOUNDS).expect("still JSON");
    prop_assert_eq!(again.root().canonical(), canonical);
    Ok(())
}

/// JSON with keys that collide now and then, escapes, and blanks.
fn jsonish() -> impl Strategy<Value = String> {
    let string = prop_oneof![
        "[a-c]{0,2}".prop_map(|s| format!("\"{s}\"")),
        r#""(\\u00[46][1-3]|\\n|\\"|é|[ -!#-\[\]-~]){0,12}""#,
        r#""\\ud83d\\ude0[0-9]""#,
    ];
    let number = "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?";
    let leaf = prop_oneof![
        string.clone(),
        number,
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
    ];
    leaf.prop_recursive(6, 64, 8, move |inner| {
        let blank = "[ \n\t\r]{0,2}";
        prop_oneof![
            (prop::collection::vec(inner.clone(), 0..8), blank)
                .prop_map(|(items, blank)| format!("[{blank}{}{blank}]", items.join(","))),
            (prop::collection::vec((string.clone(), inner), 0..24), blank).prop_map(
                |(members, blank)| {
                    let members: Vec<_> = members.iter().map(|(k, v)| format!("{k}:{v}")).collect();
                    format!("{{{blank}{}{blank}}}", members.join(","))
                }
            ),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 128,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        whatever_is_accepted_is_json(&bytes)?;
    }

    #[test]
    fn random_tokens_never_panic(
        tokens in prop::collection::vec(
            prop::sample::select(vec![
                "{", "}", "[", "]", ",", ":", "\"", "\\", "u", "d800", "0", "1", "-", ".", "e",
                "true", "null", " ", "\"a\"", "\u{feff}", "é", "\n",
            ]),
            0..24,
        )
    ) {
        whatever_is_accepted_is_json(tokens.concat().as_bytes())?;
    }

    #[test]
    fn what_is_accepted_means_the_same_to_another_parser(text in jsonish()) {
        whatever_is_accepted_is_json(text.as_bytes())?;
    }

    /// The other parser takes a superset: what we refuse of generated JSON is a duplicate key.
    #[test]
    fn what_is_refused_of_well_formed_json_is_duplicates(text in jsonish()) {
        if let Err(fault) = Document::parse(text.as_bytes(), BOUNDS) {
            prop_assert_eq!(fault.kind, json::FaultKind::DuplicateKey, "{}", text);
        }
    }

    #[test]
    fn a_damaged_text_never_panics(text in jsonish(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = text.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        whatever_is_accepted_is_json(&bytes)?;
        whatever_is_accepted_is_json(&bytes[..at])?;
    }

    /// Exact decimals order as doubles do wherever doubles hold the numbers exactly.
    #[test]
    fn decimals_order_as_doubles(a in -1_000_000_000_i64..1_000_000_000, b in -1_000_000_000_i64..1_000_000_000, halvings in 0_i32..20) {
        let scale = 2_f64.powi(halvings);
        #[expect(clippy::cast_precision_loss, reason = "the range is far below 2^53")]
        let (x, y) = (a as f64 / scale, b as f64 / scale);
        let (p, q) = (x.to_string(), y.to_string());
        let order = Decimal::read(&p).unwrap().cmp(&Decimal::read(&q).unwrap());
        prop_assert_eq!(Some(order), x.partial_cmp(&y));
        prop_assert_eq!(Decimal::read(&p).unwrap().to_string().parse::<f64>().unwrap(), x);
    }
}
