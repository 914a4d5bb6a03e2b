//! The store against a real PostgreSQL. See [`support`] for where it comes from.

mod accounts;
mod audit;
mod audit_reading;
mod audit_shadow;
mod catalogue;
mod configuration;
mod crossings;
mod grants;
mod keys;
mod migrations;
mod organisations;
mod policies;
mod privileges;
mod servers;
mod snapshot;
mod strangers;
mod support;
mod wall;
