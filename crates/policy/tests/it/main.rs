//! The policy language, tested as tables and as properties.

mod amounts;
mod blocks;
mod builder;
mod builder_properties;
mod cases;
mod common;
mod conditions;
mod counter_properties;
mod counters;
mod diff;
mod documents;
mod effort;
mod fault_pages;
mod faults;
mod measured;
mod merge;
mod names;
mod order;
mod preview;
mod properties;
mod random;
mod schema;
mod story;
mod table;
mod validate;
