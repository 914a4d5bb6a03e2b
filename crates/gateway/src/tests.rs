//! What the gateway promises, tried against a real upstream, limiter, spool and vault.

mod access;
mod answers;
mod attacks;
mod bodies;
mod calls;
mod crossing;
mod lists;
mod message;
mod rules;
mod scan;
mod scripted;
mod sessions;
mod stateless;
mod wire;
mod world;

pub(crate) use world::keyring;
