//! Master keys: from the environment or a file, never stored, and only used to seal other keys.

use aws_lc_rs::hkdf;
use base64::{Engine, prelude::BASE64_STANDARD};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use zeroize::Zeroizing;

use crate::{
    binding::Binding,
    digest::{hex, random},
    sealed::{Aead, OpenError, Sealed, expand},
};

const KEY_BYTES: usize = 32;
/// Of 32 random bytes, fewer than this many are distinct about once in 10^20 keys.
const DISTINCT_MIN: usize = 16;

/// A key that seals other keys: 32 bytes, written in base64.
///
/// What it seals carries the key's id, so a value sealed under another master key is told from an
/// altered one.
pub struct MasterKey {
    aead: Aead,
}

/// Why a text is no master key. The wording follows the variable's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// Not standard base64 with its padding (RFC 4648, section 4).
    #[error("is not base64")]
    NotBase64,
    /// Some other number of bytes.
    #[error("is {0} bytes long, not 32")]
    Length(usize),
    /// A repeated byte, a pattern or readable text: something a person typed.
    #[error("is not random: make one with `openssl rand -base64 32`")]
    Weak,
}

impl MasterKey {
    /// Reads a key. Blanks around it are ignored, because files end in a line feed.
    ///
    /// # Errors
    /// [`BadKey`]; the text is in none of them.
    pub fn parse(base64: &SecretString) -> Result<Self, BadKey> {
        let text = base64.expose_secret().trim_ascii();
        let bytes = Zeroizing::new(
            BASE64_STANDARD
                .decode(text)
                .map_err(|_| BadKey::NotBase64)?,
        );
        let key: &[u8; KEY_BYTES] = bytes
            .as_slice()
            .try_into()
            .map_err(|_| BadKey::Length(bytes.len()))?;
        if is_weak(key) {
            return Err(BadKey::Weak);
        }
        Ok(Self::derive(key))
    }

    /// A fresh key as text, for `tollgate dev` and for tests.
    #[must_use]
    pub fn generate_base64() -> SecretString {
        let key = Zeroizing::new(random::<KEY_BYTES>());
        let text = Zeroizing::new(BASE64_STANDARD.encode(*key));
        SecretString::from(text.as_str())
    }

    /// The key's public name: derived from it, and safe to show. Two variables that hold the same
    /// key have the same id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.aead.kid()
    }

    /// Id and sealing key are derived apart (RFC 5869), so that showing one tells nothing of the
    /// other.
    fn derive(key: &[u8; KEY_BYTES]) -> Self {
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, b"tollgate master key").extract(key);
        let id = expand(&prk, "id");
        Self {
            aead: Aead::new(format!("mas_{}", hex(&id[..8])), &expand(&prk, "seal")),
        }
    }
}

/// Whether 32 bytes look as if a person, and not a generator, had chosen them. A random key is
/// taken for weak less than once in 10^13 times.
fn is_weak(key: &[u8; KEY_BYTES]) -> bool {
    let mut seen = [false; 256];
    for &byte in key {
        seen[usize::from(byte)] = true;
    }
    let few_distinct = seen.iter().filter(|&&seen| seen).count() < DISTINCT_MIN;
    let repeats = (1..=KEY_BYTES / 2).any(|n| key[n..] == key[..KEY_BYTES - n]);
    let stride = key[1].wrapping_sub(key[0]);
    let counts = key
        .windows(2)
        .all(|pair| pair[1].wrapping_sub(pair[0]) == stride);
    let is_text = key
        .iter()
        .all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace());
    few_distinct || repeats || counts || is_text
}

/// Seals one short key under a master key: a data key or a signing key.
#[must_use]
pub fn seal_under(master: &MasterKey, plain: &[u8], binding: Binding<'_>) -> Vec<u8> {
    master.aead.seal(plain, &binding)
}

/// Opens what [`seal_under`] sealed.
///
/// # Errors
/// [`OpenError::UnknownKey`] names the master key it was sealed under, where that is another one.
pub fn open_under(
    master: &MasterKey,
    sealed: &[u8],
    binding: Binding<'_>,
) -> Result<SecretSlice<u8>, OpenError> {
    master.aead.open(&Sealed::parse(sealed)?, &binding)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn master() -> MasterKey {
        MasterKey::parse(&MasterKey::generate_base64()).expect("a generated key is strong")
    }

    fn parse(bytes: &[u8]) -> Result<(), BadKey> {
        MasterKey::parse(&BASE64_STANDARD.encode(bytes).into()).map(drop)
    }

    #[test]
    fn a_generated_key_is_taken_and_has_one_id() {
        let text = MasterKey::generate_base64();
        let key = MasterKey::parse(&text).expect("strong");
        let file = format!("\n {} \r\n", text.expose_secret()).into();
        assert_eq!(MasterKey::parse(&file).expect("strong").id(), key.id());
        assert_ne!(master().id(), key.id());
    }

    #[test]
    fn what_is_not_32_bytes_of_base64_is_refused() {
        for text in ["", "?", "AAAA AAAA", "gK8=x"] {
            assert!(matches!(
                MasterKey::parse(&text.into()).map(drop),
                Err(BadKey::NotBase64 | BadKey::Length(0))
            ));
        }
        let key = random::<33>();
        assert_eq!(parse(&key), Err(BadKey::Length(33)));
        assert_eq!(parse(&key[..31]), Err(BadKey::Length(31)));
        let text = MasterKey::generate_base64();
        let unpadded = text.expose_secret().trim_end_matches('=').to_owned();
        assert_eq!(
            MasterKey::parse(&unpadded.into()).map(drop),
            Err(BadKey::NotBase64)
        );
    }

    #[test]
    fn what_a_person_typed_is_refused() {
        let text = *b"correct horse battery staple 123";
        let counting: [u8; 32] = std::array::from_fn(|i| u8::try_from(i).expect("small"));
        let by_seven: [u8; 32] = std::array::from_fn(|i| u8::try_from(i * 7).expect("small"));
        let half = random::<16>();
        let doubled = [half, half].concat();
        let two_values: [u8; 32] = std::array::from_fn(|i| if i % 3 == 0 { 0xAB } else { 0xCD });
        for weak in [
            &[0; 32],
            &[255; 32],
            &text,
            &counting,
            &by_seven,
            two_values.as_slice(),
            &doubled,
        ] {
            assert_eq!(parse(weak), Err(BadKey::Weak), "{weak:?}");
        }
        assert!((0..1000).all(|_| parse(&random::<32>()).is_ok()));
    }

    #[test]
    fn another_master_key_is_named_and_opens_nothing() {
        let (one, two) = (master(), master());
        let binding = Binding::DataKey { kid: "dat_1" };
        let sealed = seal_under(&one, b"key", binding);
        assert_eq!(
            open_under(&one, &sealed, binding)
                .expect("opens")
                .expose_secret(),
            b"key"
        );
        let error = open_under(&two, &sealed, binding).map(drop);
        assert_eq!(error, Err(OpenError::UnknownKey(one.id().to_owned())));
        let other = Binding::SigningKey { kid: "dat_1" };
        assert_eq!(
            open_under(&one, &sealed, other).map(drop),
            Err(OpenError::Altered)
        );
    }
}
