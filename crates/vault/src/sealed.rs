//! The format of a sealed value, and the one place where AES-256-GCM is used.
//!
//! ```text
//! version (1 byte, 1) │ length of kid (1 byte) │ kid │ nonce (12 bytes) │ ciphertext │ tag (16 bytes)
//! ```
//!
//! Each kind of [`Binding`] has its own AES key, derived from the key that the kid names. Nonces are
//! random, so one AES key should seal at most 2^32 values (NIST SP 800-38D, section 8.3): what is
//! sealed by the thousand on the call path must not use up what keeps credentials.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf,
};
use secrecy::{ExposeSecretMut, SecretSlice};
use zeroize::Zeroizing;

use crate::{
    binding::{Binding, Kind},
    digest::random,
};

/// The only format there is.
const VERSION: u8 = 1;
const TAG_LEN: usize = 16;

/// Why a sealed value stays shut. It never says which byte was wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The value names a key that this process does not hold.
    #[error("sealed with a key that is not here: {0}")]
    UnknownKey(String),
    /// The value was altered, cut, moved from its place, or never was a sealed value.
    #[error("does not open")]
    Altered,
    /// There is nothing to seal or sign with.
    #[error("there is no key at all")]
    NoKey,
}

/// A key that seals, with its name. The ciphers' state is overwritten when it is dropped.
pub(crate) struct Aead {
    kid: String,
    /// One for each kind of binding, in the order of [`Kind::ALL`].
    keys: [LessSafeKey; Kind::ALL.len()],
}

impl Aead {
    /// # Panics
    /// When `kid` is longer than 255 bytes: kids are made in this crate, and are short.
    pub(crate) fn new(kid: String, key: &[u8; 32]) -> Self {
        assert!(
            kid.len() <= usize::from(u8::MAX),
            "a kid fits its length byte"
        );
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, b"tollgate sealing key").extract(key);
        let keys = Kind::ALL.map(|kind| {
            let key = expand(&prk, kind.label());
            let key = UnboundKey::new(&AES_256_GCM, &*key).expect("the key is 32 bytes long");
            LessSafeKey::new(key)
        });
        Self { kid, keys }
    }

    fn key(&self, binding: &Binding<'_>) -> &LessSafeKey {
        &self.keys[binding.kind() as usize]
    }

    pub(crate) fn kid(&self) -> &str {
        &self.kid
    }

    pub(crate) fn seal(&self, plain: &[u8], binding: &Binding<'_>) -> Vec<u8> {
        let nonce: [u8; NONCE_LEN] = random();
        let kid_len = u8::try_from(self.kid.len()).expect("checked when the key was made");
        let head = 2 + self.kid.len() + NONCE_LEN;
        let mut out = Vec::with_capacity(head + plain.len() + TAG_LEN);
        out.extend_from_slice(&[VERSION, kid_len]);
        out.extend_from_slice(self.kid.as_bytes());
        out.extend_from_slice(&nonce);
        // The capacity is exact, so the plain bytes are never moved and left behind.
        out.extend_from_slice(plain);
        let tag = self
            .key(binding)
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(binding.associated_data(&self.kid)),
                &mut out[head..],
            )
            .expect("a value is shorter than AES-GCM's 64 GiB");
        out.extend_from_slice(tag.as_ref());
        out
    }

    pub(crate) fn open(
        &self,
        sealed: &Sealed<'_>,
        binding: &Binding<'_>,
    ) -> Result<SecretSlice<u8>, OpenError> {
        if sealed.kid != self.kid {
            return Err(OpenError::UnknownKey(sealed.kid.to_owned()));
        }
        let mut plain = SecretSlice::from(vec![0; sealed.ciphertext.len()]);
        self.key(binding)
            .open_separate_gather(
                Nonce::assume_unique_for_key(sealed.nonce),
                Aad::from(binding.associated_data(&self.kid)),
                sealed.ciphertext,
                sealed.tag,
                plain.expose_secret_mut(),
            )
            .map_err(|_| OpenError::Altered)?;
        Ok(plain)
    }
}

/// 32 bytes for one purpose (RFC 5869).
pub(crate) fn expand(prk: &hkdf::Prk, purpose: &str) -> Zeroizing<[u8; 32]> {
    let mut out = Zeroizing::new([0; 32]);
    prk.expand(&[purpose.as_bytes()], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut *out))
        .expect("one block is within HKDF's length");
    out
}

/// A sealed value taken apart.
pub(crate) struct Sealed<'a> {
    pub(crate) kid: &'a str,
    nonce: [u8; NONCE_LEN],
    ciphertext: &'a [u8],
    tag: &'a [u8],
}

impl<'a> Sealed<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, OpenError> {
        Self::take_apart(bytes).ok_or(OpenError::Altered)
    }

    fn take_apart(bytes: &'a [u8]) -> Option<Self> {
        let (&[version, kid_len], rest) = bytes.split_first_chunk()?;
        if version != VERSION {
            return None;
        }
        let (kid, rest) = rest.split_at_checked(kid_len.into())?;
        // A kid is shown in an error, so it may not be any odd bytes.
        let kid = str::from_utf8(kid)
            .ok()
            .filter(|kid| kid.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))?;
        let (&nonce, rest) = rest.split_first_chunk()?;
        let (ciphertext, tag) = rest.split_at_checked(rest.len().checked_sub(TAG_LEN)?)?;
        Some(Self {
            kid,
            nonce,
            ciphertext,
            tag,
        })
    }
}
