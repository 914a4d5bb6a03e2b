//! Public keys as a JSON Web Key Set.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::digest::{hex, sha256};

/// One Ed25519 public key (RFC 8037, section 2).
pub(crate) fn jwk(kid: &str, public_key: &[u8; 32]) -> Value {
    json!({
        "kty": "OKP",
        "crv": "Ed25519",
        "alg": "EdDSA",
        "use": "sig",
        "kid": kid,
        "x": BASE64_URL_SAFE_NO_PAD.encode(public_key),
    })
}

/// The name of a signing key: the beginning of its thumbprint (RFC 7638, RFC 8037 appendix A.3).
pub(crate) fn kid(public_key: &[u8; 32]) -> String {
    let x = BASE64_URL_SAFE_NO_PAD.encode(public_key);
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    format!("sig_{}", hex(&sha256(canonical.as_bytes())[..8]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037, appendix A.3: thumbprint kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k.
    #[test]
    fn a_kid_is_the_thumbprint_of_its_key() {
        let x = BASE64_URL_SAFE_NO_PAD
            .decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
            .expect("base64url");
        let key: [u8; 32] = x.try_into().expect("32 bytes");
        let print = BASE64_URL_SAFE_NO_PAD
            .decode("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")
            .expect("base64url");
        assert_eq!(kid(&key), format!("sig_{}", hex(&print[..8])));
        assert_eq!(
            jwk("k", &key)["x"],
            "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
        );
    }
}
