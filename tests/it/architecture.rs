//! The house's walls, read from the manifests.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use tests::repository;

type Names = BTreeSet<String>;

fn manifest(path: &Path) -> toml::Table {
    fs::read_to_string(path)
        .expect("a manifest")
        .parse()
        .expect("TOML")
}

/// Each crate's dependencies outside of tests.
fn dependencies() -> BTreeMap<String, Names> {
    let crates = fs::read_dir(repository().join("crates")).expect("crates/");
    crates
        .map(|entry| {
            let entry = entry.expect("a folder");
            let table = manifest(&entry.path().join("Cargo.toml"));
            let names = table.get("dependencies").and_then(toml::Value::as_table);
            let names = names
                .into_iter()
                .flat_map(toml::Table::keys)
                .cloned()
                .collect();
            (entry.file_name().to_string_lossy().into_owned(), names)
        })
        .collect()
}

/// The table in `ARCHITECTURE.md`: what each room may import; none where it may import all.
fn table() -> BTreeMap<String, Option<Names>> {
    let text = fs::read_to_string(repository().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    rows.filter_map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [name, _, imports] = cells[..] else {
            return None;
        };
        let names = imports
            .split_whitespace()
            .map(|word| word.trim_matches('`').to_owned());
        let allowed = (imports != "all").then(|| names.collect());
        Some((name.trim_matches('`').to_owned(), allowed))
    })
    .collect()
}

/// No arrow that is not in the table of `ARCHITECTURE.md`, and no row for a room that is not there.
#[test]
fn no_arrow_outside_the_table() {
    let (crates, table) = (dependencies(), table());
    let rooms: Names = crates.keys().cloned().collect();
    let listed: Names = table
        .keys()
        .filter(|name| *name != "tests")
        .cloned()
        .collect();
    assert_eq!(listed, rooms, "ARCHITECTURE.md lists the crates");
    for (name, imports) in crates {
        let Some(allowed) = &table[&name] else {
            continue;
        };
        let arrows: Names = imports.intersection(&rooms).cloned().collect();
        let stray: Vec<_> = arrows.difference(allowed).collect();
        assert!(stray.is_empty(), "{name} imports {stray:?}");
    }
}

/// One crate speaks SQL, one speaks to Redis, one does cryptography, one does sockets to tenants'
/// addresses; and the pure rooms have no async runtime.
#[test]
fn one_crate_on_each_wire() {
    let crates = dependencies();
    for (wire, owners) in [
        ("sqlx", &["store"][..]),
        ("redis", &["limits"]),
        ("aws-lc-rs", &["vault"]),
        ("jsonwebtoken", &["vault"]),
        ("rustls-native-certs", &["upstream"]),
        ("argon2", &["console"]),
        ("askama", &["console", "site"]),
        ("saphyr-parser", &["app"]),
    ] {
        let users: Vec<&str> = crates
            .iter()
            .filter(|(_, names)| names.contains(wire))
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(users, owners, "{wire}");
    }
    for pure in ["domain", "json", "policy", "catalog"] {
        for effect in ["tokio", "axum", "hyper", "sqlx", "redis", "tracing"] {
            assert!(
                !crates[pure].contains(effect),
                "{pure} is pure, and {effect} is not"
            );
        }
    }
}
