//! The store against a real PostgreSQL. See [`support`] for where it comes from.

mod accounts;
mod audit;
mod configuration;
mod crossings;
mod keys;
mod migrations;
mod servers;
mod strangers;
mod support;
mod wall;
