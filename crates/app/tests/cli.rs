//! What the shell is told: exit codes and sentences.

#![expect(
    clippy::unwrap_used,
    reason = "what a test needs and does not get ends the test"
)]

use std::process::{Command, Output};

fn tollgate(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TOLLGATE_") {
            command.env_remove(name);
        }
    }
    command
        .args(arguments)
        .envs(environment.iter().copied())
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

const KEYS: [(&str, &str); 2] = [
    (
        "TOLLGATE_MASTER_KEY",
        "q1n0n0c5uYd0h6k3wWmS5yq2o9cJ4r8XvXcB1aZt7eM=",
    ),
    (
        "TOLLGATE_SIGNING_KEY",
        "Zk3rT9wQ2xV7bN1mC5pL8sD4fG6hJ0kA+yU/iOeRtYw=",
    ),
];

#[test]
fn a_bad_line_ends_with_2() {
    for line in [
        &["serve"][..],
        &["no-such-command"],
        &["dev", "--no-such-flag"],
        &[],
    ] {
        assert_eq!(tollgate(line, &[]).status.code(), Some(2), "{line:?}");
    }
}

#[test]
fn a_production_start_without_secrets_ends_with_2_and_says_all_that_is_missing() {
    let output = tollgate(&["serve", "--role", "all"], &[]);
    assert_eq!(output.status.code(), Some(2));
    for name in ["DATABASE_URL", "REDIS_URL", "MASTER_KEY", "SIGNING_KEY"] {
        assert!(
            said(&output).contains(&format!("TOLLGATE_{name} is missing")),
            "{}",
            said(&output)
        );
    }
    let output = tollgate(&["dev"], &[("TOLLGATE_LISEN", "x")]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("did you mean TOLLGATE_LISTEN?"));
}

#[test]
fn a_database_that_is_not_there_ends_with_4() {
    let nowhere = (
        "TOLLGATE_DATABASE_URL",
        "postgres://nobody@127.0.0.1:1/nothing",
    );
    let redis = ("TOLLGATE_REDIS_URL", "redis://127.0.0.1:1");
    let free = ("TOLLGATE_LISTEN", "127.0.0.1:0");
    let serve = [nowhere, redis, free, KEYS[0], KEYS[1]];
    for (line, environment) in [
        (&["migrate"][..], &[nowhere][..]),
        (&["migrate", "--check"], &[nowhere]),
        (
            &["bootstrap", "--org", "A", "--email", "a@example.com"],
            &[nowhere],
        ),
        (&["serve", "--role", "all"], &serve),
        (&["healthcheck", "--address", "127.0.0.1:1"], &[]),
    ] {
        let output = tollgate(line, environment);
        assert_eq!(output.status.code(), Some(4), "{line:?}: {}", said(&output));
    }
}

#[test]
fn the_configuration_is_printed_without_its_secrets() {
    let url = (
        "TOLLGATE_DATABASE_URL",
        "postgres://app:hunter2@db/tollgate",
    );
    let redis = ("TOLLGATE_REDIS_URL", "redis://:hunter2@cache");
    for arguments in [
        &["serve", "--role", "all", "--print-config"][..],
        &["serve", "--role", "all", "--print-config", "-o", "json"],
    ] {
        let output = tollgate(arguments, &[url, redis, KEYS[0], KEYS[1]]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert!(text.contains("postgres://***:***@db/tollgate"), "{text}");
        for secret in ["hunter2", KEYS[0].1, KEYS[1].1] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

#[test]
fn the_openapi_document_and_the_version_are_printed() {
    let output = tollgate(&["openapi"], &[]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let version = tollgate(&["--version"], &[]);
    let expected = concat!("tollgate ", env!("CARGO_PKG_VERSION"));
    assert_eq!(String::from_utf8(version.stdout).unwrap().trim(), expected);
}
