//! The call path: who is asking, what may be done, and the way there and back.
//!
//! A request walks one way. [`Gateway::router`] takes it; `route` and `caller` say who it is for and
//! who it is from; `message` reads the body strictly; `admit` decides, charges and records, and
//! makes the only `Permit`; `forward` takes a `Permit` and nothing else, brings the answer back and
//! settles. There is no database on this path, and no lock is held while anything is waited for.
//!
//! Source: `wire.md`; the revisions of the Model Context Protocol it names.

mod admit;
mod answers;
mod caller;
mod clock;
mod collect;
mod compile;
mod cors;
mod edit;
mod envelope;
mod era;
mod events;
mod forward;
mod gateway;
mod handle;
mod handshake;
mod headers;
mod list;
mod message;
mod read;
mod refusal;
mod relay;
mod result_max;
mod route;
mod routes;
mod scan;
mod session;
mod settle;
mod share;
mod throttle;
mod turn;

#[cfg(test)]
mod tests;

pub use gateway::{Gateway, Needs, Settings};
