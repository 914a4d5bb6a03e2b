//! All the cryptography there is: sealing secrets, signing grants, verifying their tokens.
//!
//! Start at [`Keyring`] for what is kept sealed, at [`Signer`] for what the console alone holds, and
//! at [`Verifier`] for all that a gateway holds. Invariants: a secret is never printed (no `Debug`
//! shows one) and is overwritten when it is dropped; nothing sealed opens anywhere but where its
//! [`Binding`] says; a token has one spelling.

mod api_key;
mod binding;
mod claims;
mod digest;
mod jwks;
mod keyring;
mod master;
mod sealed;
mod signer;
mod verifier;

pub use api_key::{api_key_hash, make_api_key};
pub use binding::Binding;
pub use claims::Claims;
pub use digest::{constant_time_eq, hex, hmac_sha256, random_token, sha256};
pub use keyring::Keyring;
pub use master::{BadKey, MasterKey, open_under, seal_under};
pub use sealed::OpenError;
pub use signer::Signer;
pub use verifier::{BadToken, TOKEN_BYTES_MAX, Verifier};
