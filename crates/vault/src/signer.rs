//! The private halves of the signing keys.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use jsonwebtoken::EncodingKey;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::{
    binding::Binding,
    claims::{Claims, PREFIX, Wire, header},
    jwks::kid,
    master::{MasterKey, open_under, seal_under},
    sealed::OpenError,
};

/// The private halves of the signing keys; the console's alone. A gateway never holds one, so a
/// stolen gateway cannot mint.
pub struct Signer {
    /// Newest first, and never empty. The key is PKCS#8, overwritten when it is dropped.
    keys: Vec<(String, EncodingKey)>,
}

impl Signer {
    /// A fresh signing key: its kid, the private half sealed under `master`, and the public half;
    /// to be stored. The kid is derived from the public key.
    #[must_use]
    pub fn make_key(master: &MasterKey) -> (String, Vec<u8>, [u8; 32]) {
        let pair = Ed25519KeyPair::generate().expect("the generator is seeded");
        let mut public_key = [0; 32];
        public_key.copy_from_slice(pair.public_key().as_ref());
        let pkcs8 = pair.to_pkcs8v1().expect("a fresh key can be written");
        let kid = kid(&public_key);
        let sealed = seal_under(master, pkcs8.as_ref(), Binding::SigningKey { kid: &kid });
        (kid, sealed, public_key)
    }

    /// Opens the stored keys: `rows` are (kid, sealed), newest first; the newest is current.
    ///
    /// # Errors
    /// [`OpenError`] of the first row that does not open, and [`OpenError::NoKey`] without rows.
    pub fn open(master: &MasterKey, rows: &[(String, Vec<u8>)]) -> Result<Self, OpenError> {
        let keys = rows
            .iter()
            .map(|(kid, sealed)| {
                let pkcs8 = open_under(master, sealed, Binding::SigningKey { kid })?;
                // Said here, so that signing later cannot fail.
                Ed25519KeyPair::from_pkcs8(pkcs8.expose_secret())
                    .map_err(|_| OpenError::Altered)?;
                Ok((kid.clone(), EncodingKey::from_ed_der(pkcs8.expose_secret())))
            })
            .collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(OpenError::NoKey);
        }
        Ok(Self { keys })
    }

    /// The kid that new tokens are signed with.
    #[must_use]
    pub fn current_kid(&self) -> &str {
        let (kid, _) = self.keys.first().expect("a signer is never empty");
        kid
    }

    /// `tg_` and the JWT. Ed25519 signatures are deterministic (RFC 8032, section 5.1.6), so the
    /// same claims and kid give the same token. None where the kid is not here.
    #[must_use]
    pub fn sign(&self, kid: &str, claims: &Claims) -> Option<SecretString> {
        let (_, key) = self.keys.iter().find(|(held, _)| held == kid)?;
        let jwt = jsonwebtoken::encode(&header(kid), &Wire::new(claims), key)
            .expect("the key was tried when it was opened, and the claims are plain JSON");
        let jwt = Zeroizing::new(jwt);
        let mut token = Zeroizing::new(String::with_capacity(PREFIX.len() + jwt.len()));
        token.push_str(PREFIX);
        token.push_str(&jwt);
        Some(SecretString::from(token.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_STANDARD};

    use super::*;
    use crate::master::tests::master;

    #[test]
    fn a_signing_key_opens_under_its_own_name_only() {
        let master = master();
        let (kid, sealed, _) = Signer::make_key(&master);
        let signer = Signer::open(&master, &[(kid.clone(), sealed.clone())]).expect("opens");
        assert_eq!(signer.current_kid(), kid);
        let (other, ..) = Signer::make_key(&master);
        let moved = Signer::open(&master, &[(other, sealed)]).map(drop);
        assert_eq!(moved, Err(OpenError::Altered));
        assert_eq!(Signer::open(&master, &[]).map(drop), Err(OpenError::NoKey));
    }

    /// A token is not stored: it is shown again by signing it again, by a later release too.
    #[test]
    fn a_token_is_spelt_the_same_for_ever() {
        let master = "VgL6ryK8QlZ8EHpjp4e4ghGMSkVTjZEwTQQX083bFFg=";
        let master = MasterKey::parse(&master.into()).expect("strong");
        let sealed = BASE64_STANDARD
            .decode(
                "ARRtYXNfYTcwNzQyMTBkM2I3OWUzMLL+fVX8FmB5sXiPh5qXSAT6YfFgvdUAZrqVwyd1wlzKIkhusrYx\
             XgElUQMSILl2XvpPXKvTk+FhFwUtAcOorI1oO0NVUgel3WaZMdw=",
            )
            .expect("base64");
        let kid = "sig_dd53234bf7f639ed";
        let signer = Signer::open(&master, &[(kid.to_owned(), sealed)]).expect("opens");
        let id = uuid::Uuid::from_u128(7);
        let claims = Claims {
            issuer: id,
            grant: domain::GrantId::from_uuid(id),
            org: domain::OrgId::from_uuid(id),
            server: domain::ServerId::from_uuid(id),
            version: 1,
            issued_at_s: 1_800_000_000,
            expires_at_s: Some(1_807_776_000),
        };
        let token = signer.sign(kid, &claims).expect("the kid is here");
        assert_eq!(
            token.expose_secret(),
            "tg_eyJ0eXAiOiJ0Zy1ncmFudCtqd3QiLCJhbGciOiJFZERTQSIsImtpZCI6InNpZ19kZDUzMjM0YmY3Z\
             jYzOWVkIn0.eyJpc3MiOiIwMDAwMDAwMC0wMDAwLTAwMDAtMDAwMC0wMDAwMDAwMDAwMDciLCJhdWQiO\
             iJ1cm46dG9sbGdhdGU6c3J2XzAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA3Iiwic3ViIjoiZ\
             3JfMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDciLCJvcmciOiJvcmdfMDAwMDAwMDAwMDAwM\
             DAwMDAwMDAwMDAwMDAwMDAwMDciLCJzcnYiOiJzcnZfMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM\
             DAwMDciLCJ2ZXIiOjEsImlhdCI6MTgwMDAwMDAwMCwiZXhwIjoxODA3Nzc2MDAwfQ.6Y_FcoJKBoAUnP\
             WwqEvzRdCggGeLrMuMm-UJZDy_mQZcJcCTQi3kV6TfQ_q3W07udlC6LpeMFgfKo1AUbWwyDA"
        );
    }

    #[test]
    fn a_data_key_is_no_signing_key() {
        let master = master();
        let row = crate::Keyring::make_data_key(&master);
        assert_eq!(
            Signer::open(&master, &[row]).map(drop),
            Err(OpenError::Altered)
        );
    }
}
