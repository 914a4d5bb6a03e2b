//! Compiles the crate again when a migration is added; `migrate!` only follows those it has read.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
