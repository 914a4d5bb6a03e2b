use std::path::Path;

use secrecy::ExposeSecret;

use super::*;

const KEY_A: &str = "q1n0n0c5uYd0h6k3wWmS5yq2o9cJ4r8XvXcB1aZt7eM=";
const KEY_B: &str = "Zk3rT9wQ2xV7bN1mC5pL8sD4fG6hJ0kA+yU/iOeRtYw=";

fn env(variables: &[(&str, &str)]) -> Sources {
    Sources::default().environment(
        variables
            .iter()
            .map(|(name, text)| (name.into(), text.into())),
    )
}

fn problems(sources: &Sources, purpose: Purpose) -> Vec<String> {
    Config::read(sources, purpose)
        .err()
        .map(|problems| problems.0)
        .unwrap_or_default()
}

/// What a production start needs.
const PRODUCTION: &[(&str, &str)] = &[
    ("TOLLGATE_DATABASE_URL", "postgres://app:secret@db/tollgate"),
    ("TOLLGATE_REDIS_URL", "redis://:secret@cache"),
    ("TOLLGATE_MASTER_KEY", KEY_A),
    ("TOLLGATE_SIGNING_KEY", KEY_B),
];

fn production(more: &[(&str, &str)]) -> Sources {
    env(&[PRODUCTION, more].concat())
}

#[test]
fn dev_needs_nothing_and_reaches_this_machine() {
    let config = Config::read(&env(&[]), Purpose::Dev).ok().unwrap();
    assert_eq!(config.listen, LISTEN);
    assert_eq!(config.metrics_listen, None);
    assert_eq!(config.sign_up, SignUp::Open);
    assert_eq!(config.upstream_allow, loopback());
    assert_eq!(config.spool_dir, Path::new(".tollgate/spool"));
}

#[test]
fn production_lists_everything_that_is_missing_at_once() {
    let said = problems(&env(&[]), Purpose::Serve(Role::All));
    for name in ["DATABASE_URL", "REDIS_URL", "MASTER_KEY", "SIGNING_KEY"] {
        let sentence = said
            .iter()
            .find(|s| s.starts_with(&format!("TOLLGATE_{name} is missing: ")));
        assert!(sentence.is_some(), "{name} in {said:?}");
    }
    assert_eq!(said.len(), 4);
    assert!(said.iter().any(|s| s.contains("openssl rand -base64 32")));
    assert_eq!(
        problems(&production(&[]), Purpose::Serve(Role::All)),
        Vec::<String>::new()
    );
}

#[test]
fn a_weak_key_stops_a_start_and_says_how_to_make_one() {
    for weak in [
        "secret",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "c2hvcnQ=",
    ] {
        let mut variables = PRODUCTION.to_vec();
        variables[2] = ("TOLLGATE_MASTER_KEY", weak);
        let said = problems(&env(&variables), Purpose::Serve(Role::All));
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].contains("openssl rand -base64 32"), "{said:?}");
        assert!(
            !said[0].contains(weak) || weak == "secret",
            "the key itself is not repeated"
        );
    }
    let same = [("TOLLGATE_SIGNING_KEY", KEY_A)];
    let said = problems(
        &env(&[&PRODUCTION[..3], &same].concat()),
        Purpose::Serve(Role::All),
    );
    assert!(said[0].contains("each needs its own"), "{said:?}");
}

#[test]
fn open_sign_up_in_production_needs_mail() {
    let open = ("TOLLGATE_SIGNUP", "open");
    let said = problems(&production(&[open]), Purpose::Serve(Role::All));
    assert!(
        said[0].starts_with("TOLLGATE_SIGNUP is open, but without"),
        "{said:?}"
    );
    let mail = [
        open,
        ("TOLLGATE_SMTP_URL", "smtps://u:p@mail"),
        ("TOLLGATE_SMTP_FROM", "t@example.com"),
    ];
    assert_eq!(
        problems(&production(&mail), Purpose::Serve(Role::All)),
        Vec::<String>::new()
    );
    let without = Config::read(&production(&[]), Purpose::Serve(Role::All))
        .ok()
        .unwrap();
    assert_eq!(without.sign_up, SignUp::Invite);
    let with = Config::read(&production(&mail[1..]), Purpose::Serve(Role::All))
        .ok()
        .unwrap();
    assert_eq!(with.sign_up, SignUp::Open);
    assert_eq!(
        problems(&production(&[open]), Purpose::Serve(Role::Gateway)),
        Vec::<String>::new()
    );
}

#[test]
fn a_gateway_does_not_keep_the_signing_key() {
    let gateway = Config::read(&production(&[]), Purpose::Serve(Role::Gateway))
        .ok()
        .unwrap();
    assert!(gateway.signing_key.is_none());
    assert_eq!(gateway.warnings.len(), 1);
    let console = Config::read(&production(&[]), Purpose::Serve(Role::Console))
        .ok()
        .unwrap();
    assert!(console.signing_key.is_some());
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file() {
    let file = Path::new("tollgate.toml");
    let read = |sources: &Sources| Config::read(sources, Purpose::Dev).ok().unwrap();
    let sources = Sources::default().file(file, "listen = '127.0.0.1:1'\nbody_bytes_max = 2048");
    assert_eq!(read(&sources).listen.port(), 1);
    assert_eq!(read(&sources).body_bytes_max, 2048);
    let sources = sources.environment([("TOLLGATE_LISTEN".into(), "127.0.0.1:2".into())]);
    assert_eq!(read(&sources).listen.port(), 2);
    let flagged = sources.flag("--listen", "LISTEN", Some("127.0.0.1:3".into()));
    assert_eq!(read(&flagged).listen.port(), 3);
    // The order in which they are added does not matter.
    assert_eq!(
        read(&flagged.file(file, "listen = '127.0.0.1:4'"))
            .listen
            .port(),
        3
    );
}

#[test]
fn what_is_unknown_is_named_and_a_near_name_offered() {
    for (sources, expected) in [
        (
            env(&[("TOLLGATE_LISTN", "x")]),
            "TOLLGATE_LISTN is not a setting; did you mean TOLLGATE_LISTEN?",
        ),
        (
            env(&[("TOLLGATE_COLOUR_OF_THE_DOOR", "x")]),
            "TOLLGATE_COLOUR_OF_THE_DOOR is not a setting",
        ),
        (
            env(&[("TOLLGATE_LISTEN_FILE", "x")]),
            "TOLLGATE_LISTEN_FILE is not a setting",
        ),
        (
            Sources::default().file(Path::new("t.toml"), "listn = 'x'"),
            "listn in t.toml is not a setting; did you mean listen?",
        ),
        (
            Sources::default().file(Path::new("t.toml"), "[gateway]\nlisten = 'x'"),
            "gateway in t.toml is not a setting",
        ),
        (
            Sources::default().file(Path::new("t.toml"), "listen = 1.5"),
            "listen in t.toml must be a text, a number or a list of texts",
        ),
    ] {
        assert_eq!(problems(&sources, Purpose::Dev), [expected]);
    }
    let client = env(&[
        ("TOLLGATE_URL", "x"),
        ("TOLLGATE_API_KEY", "x"),
        ("PATH", "x"),
    ]);
    assert_eq!(problems(&client, Purpose::Dev), Vec::<String>::new());
    assert!(
        problems(
            &Sources::default().file(Path::new("t.toml"), "x = "),
            Purpose::Dev
        )[0]
        .starts_with("t.toml: ")
    );
}

#[test]
fn every_bad_value_is_reported_with_what_is_expected() {
    let said = problems(
        &env(&[
            ("TOLLGATE_LISTEN", "8080"),
            ("TOLLGATE_METRICS_LISTEN", "no"),
            ("TOLLGATE_PUBLIC_URL", "https://example.com/path"),
            ("TOLLGATE_TRUSTED_PROXIES", "10.0.0.0/8, everyone"),
            ("TOLLGATE_SIGNUP", "maybe"),
            ("TOLLGATE_FIRST_BYTE_SECONDS", "0"),
            ("TOLLGATE_BODY_BYTES_MAX", "4M"),
            ("TOLLGATE_LOG_FORMAT", "xml"),
            ("TOLLGATE_DATABASE_URL", "postgres://db"),
            ("TOLLGATE_MASTER_KEY_FILE", "/nowhere/at/all"),
        ]),
        Purpose::Dev,
    );
    for (name, expected) in [
        ("TOLLGATE_LISTEN", "an address such as"),
        ("TOLLGATE_METRICS_LISTEN", "or off"),
        ("TOLLGATE_PUBLIC_URL", "a scheme, a host"),
        ("TOLLGATE_TRUSTED_PROXIES", "\"everyone\" is none"),
        ("TOLLGATE_SIGNUP", "one of open, invite, closed"),
        ("TOLLGATE_FIRST_BYTE_SECONDS", "from 1 to 86400, not 0"),
        ("TOLLGATE_BODY_BYTES_MAX", "a whole number from 1024"),
        ("TOLLGATE_LOG_FORMAT", "one of text, json"),
        ("TOLLGATE_DATABASE_URL", "brings its own PostgreSQL"),
        ("TOLLGATE_MASTER_KEY_FILE", "cannot read /nowhere/at/all"),
    ] {
        let found = said.iter().find(|s| s.starts_with(name));
        assert!(
            found.is_some_and(|s| s.contains(expected)),
            "{name}: {said:#?}"
        );
    }
    assert_eq!(said.len(), 10, "{said:#?}");
}

#[test]
fn a_secret_can_come_from_a_file_but_not_from_two_places() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    std::fs::write(&path, format!("{KEY_A}\n")).unwrap();
    let path = path.to_str().unwrap();
    let sources = env(&[("TOLLGATE_MASTER_KEY_FILE", path)]);
    assert!(
        Config::read(&sources, Purpose::Dev)
            .ok()
            .unwrap()
            .master_key
            .is_some()
    );
    let both = env(&[
        ("TOLLGATE_MASTER_KEY_FILE", path),
        ("TOLLGATE_MASTER_KEY", KEY_A),
    ]);
    assert!(problems(&both, Purpose::Dev)[0].contains("are both set"));
    // Of two levels the stronger one wins.
    let url = env(&[("TOLLGATE_REDIS_URL", "redis://b")])
        .file(Path::new("t.toml"), &format!("redis_url_file = '{path}'"));
    let config = Config::read(&url, Purpose::Dev).ok().unwrap();
    assert_eq!(config.redis_url.unwrap().expose_secret(), "redis://b");
}

#[test]
fn what_is_printed_is_what_is_in_force_without_secrets() {
    let sources = production(&[("TOLLGATE_UPSTREAM_ALLOW", "10.1.0.0/16")]);
    let config = Config::read(&sources, Purpose::Serve(Role::All))
        .ok()
        .unwrap();
    let printed = config.as_toml(&sources);
    for secret in ["secret", KEY_A, KEY_B] {
        assert!(!printed.contains(secret), "{printed}");
    }
    for line in [
        "listen = \"127.0.0.1:8080\"",
        "upstream_allow = [\"10.1.0.0/16\"]",
        "master_key = \"***\"",
        "database_url = \"postgres://***:***@db/tollgate\"",
        "signup = \"invite\"",
        "# public_url is not set",
    ] {
        assert!(printed.lines().any(|l| l == line), "{line} in\n{printed}");
    }
    // Every plain setting that has a default is printed, and the print can be read again.
    let table: toml::Table = printed.parse().unwrap();
    for (name, shown) in super::sources::SETTINGS {
        let name = name.to_ascii_lowercase();
        let absent = printed.contains(&format!("# {name} is not set"));
        assert!(table.contains_key(&name) != absent, "{name} ({shown:?})");
    }
}

#[test]
fn the_public_url_has_no_slash_at_its_end() {
    for (given, kept) in [
        (
            "https://Tollgate.example.com/",
            "https://tollgate.example.com",
        ),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://example.com:443", "https://example.com"),
    ] {
        let config = Config::read(&env(&[("TOLLGATE_PUBLIC_URL", given)]), Purpose::Dev);
        assert_eq!(config.ok().unwrap().public_url.as_deref(), Some(kept));
    }
}
