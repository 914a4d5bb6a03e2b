//! One binary with a file per promise that the product makes.

mod agents;
mod architecture;
mod bad_input;
mod burst;
mod catalogue;
mod catalogue_pages;
mod contact;
mod corrections;
mod crash;
mod docs;
mod outage;
mod policy_cli;
mod policy_language;
mod replicas;
mod scan;
mod story;
mod sync;
mod wall;
