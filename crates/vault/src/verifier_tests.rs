//! Every way a token may be wrong, as an attack.

use aws_lc_rs::{
    hmac,
    signature::{Ed25519KeyPair, KeyPair},
};
use domain::{GrantId, OrgId, ServerId};
use secrecy::ExposeSecret;

use super::*;
use crate::{Signer, master::tests::master};

/// An installation with one signing key, whose private half the tests hold as a forger would not.
struct Installation {
    issuer: Uuid,
    kid: String,
    pair: Ed25519KeyPair,
    verifier: Verifier,
}

fn installation() -> Installation {
    let pair = Ed25519KeyPair::generate().expect("generates");
    let public_key: [u8; 32] = pair.public_key().as_ref().try_into().expect("32 bytes");
    let kid = jwks::kid(&public_key);
    let issuer = Uuid::from_u128(1);
    let key = VerifyingKey {
        kid: kid.clone(),
        public_key,
    };
    Installation {
        issuer,
        kid,
        pair,
        verifier: Verifier::new(issuer, &[key]),
    }
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

const SERVER: &str = "srv_00000000000000000000000000000002";

impl Installation {
    fn header(&self) -> String {
        format!(
            r#"{{"typ":"tg-grant+jwt","alg":"EdDSA","kid":"{}"}}"#,
            self.kid
        )
    }

    fn payload(&self) -> String {
        format!(
            r#"{{"iss":"{}","aud":"urn:tollgate:{SERVER}","sub":"gr_{:032x}","org":"org_{:032x}","srv":"{SERVER}","ver":1,"iat":5,"exp":9}}"#,
            self.issuer, 3, 4
        )
    }

    /// A token with a true signature over whatever it says.
    fn token(&self, header: &str, payload: &str) -> String {
        let message = format!("{}.{}", b64(header), b64(payload));
        let signature = self.pair.sign(message.as_bytes());
        format!("tg_{message}.{}", b64(signature))
    }

    fn good(&self) -> String {
        self.token(&self.header(), &self.payload())
    }
}

#[test]
fn a_signed_token_verifies_and_signing_again_gives_the_same() {
    let master = master();
    let (kid, sealed, public_key) = Signer::make_key(&master);
    let signer = Signer::open(&master, &[(kid.clone(), sealed)]).expect("opens");
    let issuer = Uuid::now_v7();
    let verifier = Verifier::new(
        issuer,
        &[VerifyingKey {
            kid: kid.clone(),
            public_key,
        }],
    );
    for expires_at_s in [Some(u64::MAX), None] {
        let claims = Claims {
            issuer,
            grant: GrantId::generate(),
            org: OrgId::generate(),
            server: ServerId::generate(),
            version: 3,
            issued_at_s: 1_800_000_000,
            expires_at_s,
        };
        let token = signer.sign(&kid, &claims).expect("the kid is here");
        assert!(token.expose_secret().len() < TOKEN_BYTES_MAX / 2);
        assert_eq!(verifier.verify(token.expose_secret()), Ok(claims.clone()));
        let again = signer.sign(&kid, &claims).expect("the kid is here");
        assert_eq!(again.expose_secret(), token.expose_secret());
        assert!(signer.sign("sig_other", &claims).is_none());
    }
    assert!(verifier.refused().is_empty());
    assert_eq!(verifier.jwks()["keys"][0]["kid"], kid);
}

#[test]
fn the_tests_own_tokens_are_good() {
    let here = installation();
    let claims = here.verifier.verify(&here.good()).expect("good");
    assert_eq!(claims.server.to_string(), SERVER);
    assert_eq!(
        (claims.version, claims.issued_at_s, claims.expires_at_s),
        (1, 5, Some(9))
    );
}

#[test]
fn no_header_but_ours_is_taken_though_it_is_truly_signed() {
    let here = installation();
    let kid = &here.kid;
    let more = |member: &str| here.header().replace('}', &format!(",{member}}}"));
    for header in [
        more(r#""jku":"https://evil.example/keys""#),
        more(r#""jwk":{"kty":"OKP","crv":"Ed25519","x":"AA"}"#),
        more(r#""x5u":"https://evil.example/cert""#),
        more(r#""x5c":[]"#),
        more(r#""crit":["b64"],"b64":false"#),
        more(r#""cty":"JWT""#),
        more(r#""zip":"DEF""#),
        more(r#""alg":"none""#),
        more(r#""extra":1"#),
        more(&format!(r#""kid":"{kid}""#)),
        here.header().replace("EdDSA", "none"),
        here.header().replace("EdDSA", "HS256"),
        here.header().replace("EdDSA", "ES256"),
        here.header().replace("EdDSA", "Ed25519"),
        here.header().replace("EdDSA", "eddsa"),
        here.header().replace("tg-grant+jwt", "JWT"),
        here.header().replace("tg-grant+jwt", "TG-GRANT+JWT"),
        format!(r#"{{"alg":"EdDSA","kid":"{kid}"}}"#),
        r#"{"typ":"tg-grant+jwt","alg":"EdDSA"}"#.to_owned(),
        format!(r#"{{"alg":"EdDSA","typ":"tg-grant+jwt","kid":"{kid}"}}"#),
        format!(" {}", here.header()),
        here.header().replace("alg", "\\u0061lg"),
        "{}".to_owned(),
        "[]".to_owned(),
        "null".to_owned(),
        String::new(),
    ] {
        let token = here.token(&header, &here.payload());
        assert_eq!(
            here.verifier.verify(&token),
            Err(BadToken::Malformed),
            "{header}"
        );
    }
}

#[test]
fn no_algorithm_can_be_chosen_by_a_token() {
    let here = installation();
    let public_key = here.pair.public_key().as_ref();
    for alg in ["HS256", "EdDSA"] {
        let message = format!(
            "{}.{}",
            b64(here.header().replace("EdDSA", alg)),
            b64(here.payload())
        );
        let key = hmac::Key::new(hmac::HMAC_SHA256, public_key);
        let tag = hmac::sign(&key, message.as_bytes());
        assert!(
            here.verifier
                .verify(&format!("tg_{message}.{}", b64(tag)))
                .is_err()
        );
    }
    let none = format!(
        "tg_{}.{}.",
        b64(here.header().replace("EdDSA", "none")),
        b64(here.payload())
    );
    assert_eq!(here.verifier.verify(&none), Err(BadToken::Malformed));
}

#[test]
fn a_stranger_is_told_from_a_forger() {
    let here = installation();
    let stranger = installation();
    assert_eq!(
        here.verifier.verify(&stranger.good()),
        Err(BadToken::UnknownKey)
    );
    let forged = stranger.token(&here.header(), &here.payload());
    assert_eq!(here.verifier.verify(&forged), Err(BadToken::Signature));
    let nobody = Verifier::new(here.issuer, &[]);
    assert_eq!(nobody.verify(&here.good()), Err(BadToken::UnknownKey));
}

#[test]
fn no_claim_but_ours_is_taken_though_it_is_truly_signed() {
    let here = installation();
    let payload = here.payload();
    let more = |member: &str| payload.replace('}', &format!(",{member}}}"));
    let without = |member: &str| payload.replace(member, "");
    let other = format!("srv_{:032x}", 9);
    for (payload, error) in [
        (more(r#""nbf":1"#), BadToken::Malformed),
        (more(r#""admin":true"#), BadToken::Malformed),
        (more(r#""ver":2"#), BadToken::Malformed),
        (more(r#""exp":null"#), BadToken::Malformed),
        (without(r#""ver":1,"#), BadToken::Malformed),
        (without(r#""iat":5,"#), BadToken::Malformed),
        (
            payload.replace(r#""exp":9"#, r#""exp":null"#),
            BadToken::Malformed,
        ),
        (
            payload.replace(r#""exp":9"#, r#""exp":9.0"#),
            BadToken::Malformed,
        ),
        (
            payload.replace(r#""exp":9"#, r#""exp":-9"#),
            BadToken::Malformed,
        ),
        (
            payload.replace(r#""exp":9"#, r#""exp":"9""#),
            BadToken::Malformed,
        ),
        (
            payload.replace(r#""ver":1"#, r#""ver":2147483648"#),
            BadToken::Malformed,
        ),
        (payload.replace("gr_", "usr_"), BadToken::Malformed),
        (payload.replace("gr_", "GR_"), BadToken::Malformed),
        (
            payload.replace(r#""org":"org_"#, r#""org":"srv_"#),
            BadToken::Malformed,
        ),
        (format!("{payload} {{}}"), BadToken::Malformed),
        (format!("[{payload}]"), BadToken::Malformed),
        (
            payload.replace(&here.issuer.to_string(), &Uuid::from_u128(2).to_string()),
            BadToken::Issuer,
        ),
        (
            payload.replace(&here.issuer.to_string(), &here.issuer.simple().to_string()),
            BadToken::Issuer,
        ),
        (payload.replacen(SERVER, &other, 1), BadToken::Audience),
        (payload.replace("urn:tollgate:", ""), BadToken::Audience),
        (
            payload.replace("urn:tollgate:", "URN:tollgate:"),
            BadToken::Audience,
        ),
        (
            payload.replace(
                &format!(r#""urn:tollgate:{SERVER}""#),
                &format!(r#"["urn:tollgate:{SERVER}"]"#),
            ),
            BadToken::Malformed,
        ),
    ] {
        let token = here.token(&here.header(), &payload);
        assert_eq!(here.verifier.verify(&token), Err(error), "{payload}");
    }
    let never = payload.replace(r#","exp":9"#, "");
    let claims = here
        .verifier
        .verify(&here.token(&here.header(), &never))
        .expect("good");
    assert_eq!(claims.expires_at_s, None);
}

#[test]
fn a_token_has_one_spelling() {
    let here = installation();
    let good = here.good();
    let jwt = &good[3..];
    let parts: Vec<&str> = jwt.split('.').collect();
    let [header, payload, signature] = parts[..] else {
        panic!("three parts")
    };
    for token in [
        String::new(),
        "tg_".to_owned(),
        jwt.to_owned(),
        format!("TG_{jwt}"),
        format!("tg_{good}"),
        format!(" {good}"),
        format!("{good} "),
        format!("{good}\n"),
        format!("{good}="),
        format!("{good}."),
        format!("{good}.{signature}"),
        format!("tg_.{jwt}"),
        format!("tg_{header}.{payload}"),
        format!("tg_{header}=.{payload}.{signature}"),
        format!("tg_{header}.{payload}=.{signature}"),
        format!("tg_{header}.{payload}.{signature}=="),
        format!("tg_{header}.{payload}.{}", &signature[..84]),
        format!("tg_{header}.{payload}.{signature}AAAA"),
        format!(
            "tg_{header}.{payload}.{}",
            signature.replace(['-', '_'], "+") + "+"
        ),
    ] {
        assert_eq!(
            here.verifier.verify(&token),
            Err(BadToken::Malformed),
            "{token}"
        );
    }
    let empty = format!("tg_{header}..{signature}");
    assert_eq!(here.verifier.verify(&empty), Err(BadToken::Signature));
    // A signature is 64 bytes in 86 characters, whose last has four bits to spare.
    let last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let spellings = last.chars().filter(|c| {
        here.verifier
            .verify(&format!("{}{c}", &good[..good.len() - 1]))
            .is_ok()
    });
    assert_eq!(spellings.count(), 1);
}

#[test]
fn one_altered_byte_anywhere_is_refused() {
    let here = installation();
    let good = here.good();
    for at in 0..good.len() {
        for with in ["A", "z", "_", "."] {
            if &good[at..=at] != with {
                let altered = format!("{}{with}{}", &good[..at], &good[at + 1..]);
                assert!(here.verifier.verify(&altered).is_err(), "{at}");
            }
        }
    }
}

#[test]
fn a_long_token_is_not_looked_at() {
    let here = installation();
    let spaced = |n: usize| here.token(&here.header(), &(here.payload() + &" ".repeat(n)));
    // White space after the claims is harmless, which shows that the length alone decides.
    let fits = (0..2048)
        .rev()
        .map(spaced)
        .find(|t| t.len() <= TOKEN_BYTES_MAX)
        .expect("one fits");
    assert!(here.verifier.verify(&fits).is_ok());
    assert_eq!(
        here.verifier.verify(&spaced(2048)),
        Err(BadToken::Malformed)
    );
}

#[path = "verifier_key_tests.rs"]
mod keys;
