//! What the gateway promises, tried against a real upstream, limiter, spool and vault.

mod access;
mod answers;
mod bodies;
mod calls;
mod lists;
mod sessions;
mod stateless;
mod world;

pub(crate) use world::keyring;
