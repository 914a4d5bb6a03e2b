//! Keys of the admin API: made here, shown once, stored as a hash.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::digest::{random, sha256};

/// What every key begins with, so that secret scanners can find one.
const PREFIX: &str = "tg_key_";
/// 32 bytes in base64url without padding.
const SECRET_CHARS: usize = 43;

/// A fresh API key, `tg_key_` and 43 characters of base64url, and the SHA-256 of that whole text,
/// which is all that is stored. The key is random, so a fast hash is enough.
#[must_use]
pub fn make_api_key() -> (SecretString, [u8; 32]) {
    let bytes = Zeroizing::new(random::<32>());
    let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + SECRET_CHARS));
    text.push_str(PREFIX);
    BASE64_URL_SAFE_NO_PAD.encode_string(*bytes, &mut text);
    let hash = sha256(text.as_bytes());
    (SecretString::from(text.as_str()), hash)
}

/// The hash to look an API key up by, or none where the text cannot be one.
#[must_use]
pub fn api_key_hash(text: &str) -> Option<[u8; 32]> {
    let secret = text.strip_prefix(PREFIX)?;
    let fits = secret.len() == SECRET_CHARS
        && secret
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    fits.then(|| sha256(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_key_is_found_again_by_its_hash() {
        let (key, hash) = make_api_key();
        assert_eq!(key.expose_secret().len(), 50);
        assert_eq!(api_key_hash(key.expose_secret()), Some(hash));
        assert_ne!(make_api_key().1, hash);
    }

    #[test]
    fn what_cannot_be_a_key_is_not_looked_up() {
        let (key, _) = make_api_key();
        let key = key.expose_secret();
        for text in [
            "",
            "tg_key_",
            &key[..49],
            &format!("{key}A"),
            &key.replace("tg_", "tg-"),
        ] {
            assert_eq!(api_key_hash(text), None, "{text}");
        }
        assert_eq!(
            api_key_hash(&format!("tg_key_{}", "é".repeat(21) + "a")),
            None
        );
    }
}
