//! The data keys, under which everything secret is stored.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use zeroize::Zeroizing;

use crate::{
    binding::Binding,
    digest::{hex, random},
    master::{MasterKey, open_under, seal_under},
    sealed::{Aead, OpenError, Sealed},
};

/// The longest text that [`Keyring::unseal_text`] looks at, in bytes.
const TEXT_BYTES_MAX: usize = 16 * 1024;

/// The data keys, open in memory. AES-256-GCM; every sealed value carries its key's id.
pub struct Keyring {
    /// Newest first, and never empty.
    keys: Vec<Aead>,
}

impl Keyring {
    /// A fresh data key: its kid, and the key sealed under `master`, to be stored.
    #[must_use]
    pub fn make_data_key(master: &MasterKey) -> (String, Vec<u8>) {
        let kid = format!("dat_{}", hex(&random::<8>()));
        let key = Zeroizing::new(random::<32>());
        let sealed = seal_under(master, &*key, Binding::DataKey { kid: &kid });
        (kid, sealed)
    }

    /// Opens the stored keys: `rows` are (kid, sealed), newest first; the newest seals.
    ///
    /// # Errors
    /// [`OpenError`] of the first row that does not open, and [`OpenError::NoKey`] without rows.
    pub fn open(master: &MasterKey, rows: &[(String, Vec<u8>)]) -> Result<Self, OpenError> {
        let keys = rows
            .iter()
            .map(|(kid, sealed)| {
                let key = open_under(master, sealed, Binding::DataKey { kid })?;
                let key = key
                    .expose_secret()
                    .try_into()
                    .map_err(|_| OpenError::Altered)?;
                Ok(Aead::new(kid.clone(), key))
            })
            .collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(OpenError::NoKey);
        }
        Ok(Self { keys })
    }

    /// The kid of the key that seals.
    #[must_use]
    pub fn current_kid(&self) -> &str {
        self.newest().kid()
    }

    fn newest(&self) -> &Aead {
        self.keys.first().expect("a keyring is never empty")
    }

    /// Seals with the newest key. The result is 50 bytes longer than `plain`.
    #[must_use]
    pub fn seal(&self, plain: &[u8], binding: Binding<'_>) -> Vec<u8> {
        self.newest().seal(plain, &binding)
    }

    /// Opens what [`Keyring::seal`] sealed, with whichever key it names.
    ///
    /// # Errors
    /// [`OpenError`]; nothing of the value is given out.
    pub fn unseal(
        &self,
        sealed: &[u8],
        binding: Binding<'_>,
    ) -> Result<SecretSlice<u8>, OpenError> {
        let sealed = Sealed::parse(sealed)?;
        self.keys
            .iter()
            .find(|key| key.kid() == sealed.kid)
            .ok_or_else(|| OpenError::UnknownKey(sealed.kid.to_owned()))?
            .open(&sealed, &binding)
    }

    /// Seals a short text as base64url without padding, fit for a header value.
    #[must_use]
    pub fn seal_text(&self, plain: &str, binding: Binding<'_>) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.seal(plain.as_bytes(), binding))
    }

    /// Opens what [`Keyring::seal_text`] sealed. Each value has one spelling: padding, blanks and
    /// trailing bits are refused.
    ///
    /// # Errors
    /// [`OpenError`], as [`Keyring::unseal`].
    pub fn unseal_text(&self, text: &str, binding: Binding<'_>) -> Result<SecretString, OpenError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(OpenError::Altered);
        }
        let sealed = BASE64_URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_| OpenError::Altered)?;
        let plain = self.unseal(&sealed, binding)?;
        let plain = str::from_utf8(plain.expose_secret()).map_err(|_| OpenError::Altered)?;
        Ok(SecretString::from(plain))
    }
}

#[cfg(test)]
mod tests {
    use base64::prelude::BASE64_STANDARD;
    use domain::{GrantId, OrgId, ServerId};

    use super::*;
    use crate::master::tests::master;

    fn keyring() -> Keyring {
        let master = master();
        Keyring::open(&master, &[Keyring::make_data_key(&master)]).expect("opens")
    }

    fn credential(origin: &str) -> Binding<'_> {
        let id = uuid::Uuid::from_u128(7);
        Binding::UpstreamCredential {
            org: OrgId::from_uuid(id),
            server: ServerId::from_uuid(id),
            origin,
        }
    }

    #[test]
    fn what_is_sealed_opens_in_its_place_only() {
        let keyring = keyring();
        let here = credential("https://mcp.example.com:443");
        let sealed = keyring.seal(b"Bearer hunter2", here);
        assert_eq!(sealed.len(), 14 + 50);
        let plain = keyring.unseal(&sealed, here).expect("opens");
        assert_eq!(plain.expose_secret(), b"Bearer hunter2");
        let id = uuid::Uuid::from_u128(7);
        let (org, server) = (OrgId::from_uuid(id), ServerId::from_uuid(id));
        let origin = "https://mcp.example.com:443";
        for elsewhere in [
            credential("http://mcp.example.com:443"),
            credential("https://mcp.example.com:444"),
            credential("https://mcp.example.com.evil:443"),
            Binding::UpstreamCredential {
                org: OrgId::generate(),
                server,
                origin,
            },
            Binding::UpstreamCredential {
                org,
                server: ServerId::generate(),
                origin,
            },
            Binding::McpSession {
                server,
                grant: GrantId::from_uuid(id),
            },
            Binding::DataKey {
                kid: keyring.current_kid(),
            },
        ] {
            let opened = keyring.unseal(&sealed, elsewhere).map(drop);
            assert_eq!(opened, Err(OpenError::Altered), "{elsewhere:?}");
        }
    }

    #[test]
    fn a_byte_altered_cut_or_added_anywhere_does_not_open() {
        let keyring = keyring();
        let here = credential("https://a:443");
        let sealed = keyring.seal(b"secret", here);
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut altered = sealed.clone();
                altered[at] ^= 1 << bit;
                assert!(
                    keyring.unseal(&altered, here).is_err(),
                    "byte {at}, bit {bit}"
                );
            }
            assert!(keyring.unseal(&sealed[..at], here).is_err(), "cut at {at}");
        }
        let longer = [sealed.as_slice(), &[0]].concat();
        assert!(keyring.unseal(&longer, here).is_err());
    }

    /// What an earlier release sealed must open for ever: this is the format, byte by byte.
    #[test]
    fn the_format_does_not_change() {
        let from = |text: &str| BASE64_STANDARD.decode(text).expect("base64");
        let master = "VgL6ryK8QlZ8EHpjp4e4ghGMSkVTjZEwTQQX083bFFg=";
        let master = MasterKey::parse(&master.into()).expect("strong");
        let key = from(
            "ARRtYXNfYTcwNzQyMTBkM2I3OWUzMHkYvV+9N29yLVVJ4ydBvqzpOU0vauDIXA6C70jgJPssQPnxS8G/mTjvvqf/\
             sRIAFFbcTLUYxF0DMTDjmw==",
        );
        let value = from(
            "ARRkYXRfOWU0OTUyNzNhMGFhNDE5Yp/Z2vAEBJCocDcvhkIvMBO7mTmQX9nBWZlvyxKsOZ3oq4Q4QXlrjWMQog==",
        );
        let rows = [("dat_9e495273a0aa419b".to_owned(), key)];
        let keyring = Keyring::open(&master, &rows).expect("opens");
        let plain = keyring
            .unseal(&value, credential("https://a:443"))
            .expect("opens");
        assert_eq!(plain.expose_secret(), b"Bearer hunter2");
    }

    #[test]
    fn the_same_value_is_never_sealed_alike() {
        let keyring = keyring();
        let here = credential("https://a:443");
        assert_ne!(keyring.seal(b"x", here), keyring.seal(b"x", here));
    }

    #[test]
    fn an_older_key_still_opens_and_the_newest_seals() {
        let master = master();
        let old = Keyring::make_data_key(&master);
        let new = Keyring::make_data_key(&master);
        let before = Keyring::open(&master, std::slice::from_ref(&old)).expect("opens");
        let here = credential("https://a:443");
        let sealed = before.seal(b"x", here);
        let after = Keyring::open(&master, &[new.clone(), old.clone()]).expect("opens");
        assert_eq!(after.current_kid(), new.0);
        assert_eq!(
            after.unseal(&sealed, here).expect("opens").expose_secret(),
            b"x"
        );
        let sealed = after.seal(b"x", here);
        let error = before.unseal(&sealed, here).map(drop);
        assert_eq!(error, Err(OpenError::UnknownKey(new.0)));
    }

    #[test]
    fn a_row_whose_kid_was_changed_does_not_open() {
        let master = master();
        let (_, sealed) = Keyring::make_data_key(&master);
        let error = Keyring::open(&master, &[("dat_other".into(), sealed)]).map(drop);
        assert_eq!(error, Err(OpenError::Altered));
        assert_eq!(Keyring::open(&master, &[]).map(drop), Err(OpenError::NoKey));
    }

    #[test]
    fn a_session_belongs_to_one_grant_and_has_one_spelling() {
        let keyring = keyring();
        let (server, grant) = (ServerId::generate(), GrantId::generate());
        let here = Binding::McpSession { server, grant };
        // Texts of every length modulo 3, so that one of them has bits to spare at its end.
        for plain in ["a", "ab", "abc"] {
            let text = keyring.seal_text(plain, here);
            assert_eq!(
                keyring
                    .unseal_text(&text, here)
                    .expect("opens")
                    .expose_secret(),
                plain
            );
            let other = Binding::McpSession {
                server,
                grant: GrantId::generate(),
            };
            assert_eq!(
                keyring.unseal_text(&text, other).map(drop),
                Err(OpenError::Altered)
            );
            let last = text.len() - 1;
            for end in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=".chars() {
                let spelt = format!("{}{end}", &text[..last]);
                assert!(
                    spelt == text || keyring.unseal_text(&spelt, here).is_err(),
                    "{end}"
                );
            }
            for spelt in [format!("{text}="), format!(" {text}"), format!("{text}\n")] {
                assert!(keyring.unseal_text(&spelt, here).is_err());
            }
        }
        let long = "A".repeat(TEXT_BYTES_MAX + 1);
        assert_eq!(
            keyring.unseal_text(&long, here).map(drop),
            Err(OpenError::Altered)
        );
    }
}
