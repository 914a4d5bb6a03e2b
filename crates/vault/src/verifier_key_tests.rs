//! Attacks on the signature itself, and on the keys.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};

use super::*;

/// L of RFC 8032, section 5.1, little-endian.
const L: [u8; 32] = [
    0xED, 0xD3, 0xF5, 0x5C, 0x1A, 0x63, 0x12, 0x58, 0xD6, 0x9C, 0xF7, 0xA2, 0xDE, 0xF9, 0xDE, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

#[test]
fn a_second_signature_cannot_be_made_out_of_the_first() {
    let here = installation();
    let message = format!("{}.{}", b64(here.header()), b64(here.payload()));
    let signature = here.pair.sign(message.as_bytes());
    let (r, s) = signature.as_ref().split_at(32);
    // S + L is the same scalar, and passes wherever S is not compared with L.
    let mut carry = 0u16;
    let stretched: Vec<u8> = s
        .iter()
        .zip(L)
        .map(|(a, b)| {
            carry += u16::from(*a) + u16::from(b);
            let low = carry.to_le_bytes()[0];
            carry >>= 8;
            low
        })
        .collect();
    assert_eq!(carry, 0);
    let token = |s: &[u8]| format!("tg_{message}.{}", b64([r, s].concat()));
    assert!(here.verifier.verify(&token(s)).is_ok());
    assert_eq!(
        here.verifier.verify(&token(&stretched)),
        Err(BadToken::Signature)
    );
}

/// With a key of small order anyone can sign: the test writes a signature that the library itself
/// takes for good, and expects the verifier not to have the key at all.
#[test]
fn a_key_that_anyone_can_sign_for_is_not_taken() {
    let mut identity = [0; 32];
    identity[0] = 1;
    let here = installation();
    let header = here.header().replace(&here.kid, "sig_weak");
    let message = format!("{}.{}", b64(header), b64(here.payload()));
    let mut signature = [0; 64];
    signature[0] = 1;
    let library = UnparsedPublicKey::new(&ED25519, identity);
    assert!(
        library.verify(message.as_bytes(), &signature).is_ok(),
        "the attack is real"
    );
    let key = VerifyingKey {
        kid: "sig_weak".into(),
        public_key: identity,
    };
    let verifier = Verifier::new(here.issuer, &[key]);
    assert_eq!(verifier.refused(), ["sig_weak"]);
    let token = format!("tg_{message}.{}", b64(signature));
    assert_eq!(verifier.verify(&token), Err(BadToken::UnknownKey));
    assert_eq!(verifier.jwks()["keys"].as_array().map(Vec::len), Some(0));
}

#[test]
fn every_point_of_small_order_is_known_in_every_spelling() {
    let from_hex = |hex: &str| -> [u8; 32] {
        std::array::from_fn(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).expect("hex"))
    };
    let f = "f".repeat(60);
    for y in [
        "00".repeat(32),
        format!("01{}", "00".repeat(31)),
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05".to_owned(),
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a".to_owned(),
        format!("ec{f}7f"),
        // Not canonical: p and p + 1, which are 0 and 1 again, and the largest there is.
        format!("ed{f}7f"),
        format!("ee{f}7f"),
        format!("ff{f}7f"),
    ] {
        let mut key = from_hex(&y);
        assert!(!is_sound(&key), "{y}");
        key[31] |= 0x80;
        assert!(!is_sound(&key), "{y} with the other sign");
    }
    for _ in 0..100 {
        let pair = Ed25519KeyPair::generate().expect("generates");
        assert!(is_sound(
            pair.public_key().as_ref().try_into().expect("32 bytes")
        ));
    }
}
