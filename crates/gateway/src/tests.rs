//! What the gateway promises, tried against a real upstream, limiter, spool and vault.

use vault::{Keyring, MasterKey};

/// A keyring with one fresh data key.
pub(crate) fn keyring() -> Keyring {
    let master = MasterKey::parse(&MasterKey::generate_base64()).expect("a fresh key is good");
    Keyring::open(&master, &[Keyring::make_data_key(&master)]).expect("opens")
}
