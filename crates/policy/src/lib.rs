//! A team's document in, a decision out. Pure: no clock, no network, no database, no async.
//!
//! Two doors: [`Policy::parse`] takes a text and finds everything wrong with it; [`Engine`] takes a
//! policy and a server's inventory and judges calls. Start reading at `engine.rs`, where the order
//! of evaluation is; what is true of one condition is in `evaluate.rs`, and why it can be
//! *undecided* in `truth.rs`.

mod cidr;
mod codes;
mod effort;
mod engine;
mod evaluate;
mod fault;
mod fold;
mod glob;
mod host;
mod limit;
mod literal;
mod message;
mod nearest;
mod not_available;
mod number;
mod path;
mod plan;
mod policy;
mod read;
mod rules;
mod truth;

pub use codes::{FAULT_CODES, WARNING_CODES};
pub use engine::{Call, Engine, GrantFacts, Refusal, Verdict};
pub use fault::{Fault, Report};
pub use limit::{Limit, LimitScope, Refill};
pub use policy::{Policy, check};
