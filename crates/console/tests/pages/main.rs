//! The pages against a real PostgreSQL, asked as a browser would ask, and as an attacker would.

mod accounts;
mod browser;
mod builder;
mod contact;
mod editor;
mod floods;
mod forms;
mod headers;
mod mail;
mod outside_text;
mod public;
mod put;
mod roles;
mod scan;
// The store's own tests bring up the database; here it is the same one.
#[path = "../../../store/tests/it/support.rs"]
#[expect(
    dead_code,
    unused_imports,
    reason = "written for the store's tests, which use all of it"
)]
mod support;
mod versions;
