//! Who is at the browser: cookies, the guard on every form, and the gates in front of every page.
//!
//! A session id is 32 random bytes in a cookie, stored as its SHA-256. Every form carries a token
//! made from the id ([`Key::form_token`]); [`guard`] compares the two before any handler runs, and
//! [`Form`] reads only what the guard has passed. What a member may do is proved by the gate that a
//! handler takes as an argument ([`Viewer`], [`Editor`], …).

mod address;
mod cookies;
mod form;
mod gates;
mod guard;

pub(crate) use address::Address;
pub(crate) use cookies::{Key, clear_session, present, set_org, set_session};
pub(crate) use form::Form;
pub(crate) use gates::{
    Asks, Editor, EventReader, GrantManager, Manager, Member, ServerManager, Shell, SignedIn,
    Viewer,
};
pub(crate) use guard::{FormKey, guard};

use std::time::Duration;

/// How long a session lasts, whatever happens in it.
pub(crate) const LIVES: Duration = Duration::from_secs(30 * 24 * 60 * 60);
