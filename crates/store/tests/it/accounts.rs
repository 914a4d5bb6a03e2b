//! Accounts, mailed tokens, throttling and sessions.

use std::{net::IpAddr, sync::Arc, time::Duration};

use store::{
    StoreError,
    accounts::{self, TokenPurpose},
    sessions,
};

use crate::support::{TestDb, address};

const HOUR: Duration = Duration::from_secs(3_600);
/// The password's hash of every account of these tests.
const HASH: &str = "$argon2id$hash";

#[tokio::test]
async fn an_address_has_one_account_in_any_case() {
    let db = TestDb::new().await;
    let user = db.user("Ann@Example.com").await;
    let again = accounts::create(&db.console, &address("ANN@example.COM"), "x", false).await;
    assert!(matches!(again, Err(StoreError::Taken { field: "email" })));
    let found = accounts::credentials(&db.console, &address("ann@example.com"))
        .await
        .expect("looks")
        .expect("is there");
    assert_eq!(found.user, user);
    assert_eq!(found.password_hash, "$argon2id$hash");
}

/// `%` and `_` may stand in an address; they must find nobody but themselves.
#[tokio::test]
async fn an_address_is_no_pattern() {
    let db = TestDb::new().await;
    db.user("axb@example.com").await;
    for pattern in [
        "%@example.com",
        "a_b@example.com",
        "a%@example.com",
        "axb'--@example.com",
    ] {
        let pattern = address(pattern);
        let found = accounts::credentials(&db.console, &pattern)
            .await
            .expect("looks");
        assert!(found.is_none(), "{pattern}");
        let token = accounts::start_token(
            &db.console,
            &pattern,
            TokenPurpose::ResetPassword,
            [1; 32],
            HOUR,
        );
        assert_eq!(token.await.expect("looks"), None, "{pattern}");
    }
    let underscored = db.user("a_b@example.com").await;
    let found = accounts::credentials(&db.console, &address("a_b@example.com")).await;
    assert_eq!(found.expect("looks").expect("is there").user, underscored);
}

#[tokio::test]
async fn a_mailed_token_works_once() {
    let db = TestDb::new().await;
    let ann = address("ann@example.com");
    let user = db.user("ann@example.com").await;
    let start = |hash: u8, lives| {
        accounts::start_token(
            &db.console,
            &ann,
            TokenPurpose::ResetPassword,
            [hash; 32],
            lives,
        )
    };
    let good = async |hash: u8| {
        accounts::token_is_good(&db.console, TokenPurpose::ResetPassword, [hash; 32])
            .await
            .expect("looks")
    };
    let spend =
        |hash: u8| accounts::use_token(&db.console, TokenPurpose::ResetPassword, [hash; 32]);

    assert_eq!(start(1, HOUR).await.expect("starts"), Some(user));
    assert!(good(1).await);
    // Another purpose is another token.
    let other = accounts::use_token(&db.console, TokenPurpose::VerifyEmail, [1; 32]).await;
    assert!(matches!(other, Err(StoreError::NotFound)));
    // A newer one replaces it.
    start(2, HOUR).await.expect("starts");
    assert!(!good(1).await);
    assert!(matches!(spend(1).await, Err(StoreError::NotFound)));
    // Of two at once, one wins.
    let (a, b) = tokio::join!(spend(2), spend(2));
    assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
    assert!(!good(2).await);
    // An expired one is nothing.
    start(3, Duration::from_millis(1)).await.expect("starts");
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(!good(3).await);
    assert!(matches!(spend(3).await, Err(StoreError::NotFound)));
}

#[tokio::test]
async fn a_new_password_ends_every_session_and_reset() {
    let db = TestDb::new().await;
    let ann = address("ann@example.com");
    let user = db.user("ann@example.com").await;
    let other = db.user("ben@example.com").await;
    for hash in [1, 2] {
        sessions::create(&db.console, user, HASH, [hash; 32], HOUR)
            .await
            .expect("starts");
    }
    sessions::create(&db.console, other, HASH, [3; 32], HOUR)
        .await
        .expect("starts");
    accounts::start_token(
        &db.console,
        &ann,
        TokenPurpose::ResetPassword,
        [9; 32],
        HOUR,
    )
    .await
    .expect("starts");
    accounts::set_password(&db.console, user, None, "new")
        .await
        .expect("sets");
    for hash in [1, 2] {
        assert!(
            sessions::find(&db.console, [hash; 32])
                .await
                .expect("looks")
                .is_none()
        );
    }
    assert!(
        sessions::find(&db.console, [3; 32])
            .await
            .expect("looks")
            .is_some()
    );
    let reset = accounts::use_token(&db.console, TokenPurpose::ResetPassword, [9; 32]).await;
    assert!(matches!(reset, Err(StoreError::NotFound)));
    let now = accounts::credentials(&db.console, &ann)
        .await
        .expect("looks")
        .expect("is there");
    assert_eq!(now.password_hash, "new");
    let nobody = accounts::set_password(&db.console, domain::UserId::generate(), None, "x").await;
    assert!(matches!(nobody, Err(StoreError::NotFound)));
}

#[tokio::test]
async fn an_address_is_verified_once() {
    let db = TestDb::new().await;
    let ann = address("ann@example.com");
    let user = accounts::create(&db.console, &ann, "x", false)
        .await
        .expect("an account");
    let verified = async || {
        let found = accounts::credentials(&db.console, &ann)
            .await
            .expect("looks");
        found.expect("is there").email_verified_at
    };
    assert_eq!(verified().await, None);
    accounts::mark_verified(&db.console, user)
        .await
        .expect("marks");
    let first = verified().await;
    assert!(first.is_some());
    accounts::mark_verified(&db.console, user)
        .await
        .expect("marks");
    assert_eq!(verified().await, first);
}

#[tokio::test]
async fn forty_guesses_at_once_are_ten() {
    let db = Arc::new(TestDb::new().await);
    let guesses: Vec<_> = (0..40_u8)
        .map(|i| {
            let db = Arc::clone(&db);
            tokio::spawn(async move {
                // Each from an address of its own; the account is what counts.
                let from = IpAddr::from([10, 0, 0, i]);
                accounts::count_attempt(&db.console, &address("Ann@example.com"), Some(from)).await
            })
        })
        .collect();
    let mut let_through = 0;
    for guess in guesses {
        match guess.await.expect("no panic") {
            Ok(()) => let_through += 1,
            Err(StoreError::Throttled { retry_after_s }) => {
                assert!((1..=900).contains(&retry_after_s), "{retry_after_s}");
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(let_through, accounts::ATTEMPTS_PER_ACCOUNT);

    // The case of the address makes no second account; another account is not held up.
    let ann = address("ANN@EXAMPLE.COM");
    assert!(
        accounts::count_attempt(&db.console, &ann, None)
            .await
            .is_err()
    );
    let ben = address("ben@example.com");
    accounts::count_attempt(&db.console, &ben, None)
        .await
        .expect("is counted");
    accounts::clear_attempts(&db.console, &ann)
        .await
        .expect("clears");
    accounts::count_attempt(&db.console, &ann, None)
        .await
        .expect("is counted");
}

#[tokio::test]
async fn one_address_cannot_try_account_after_account() {
    let db = TestDb::new().await;
    let from: IpAddr = "2001:db8::1".parse().expect("an address");
    let neighbour: IpAddr = "2001:db8::beef".parse().expect("an address");
    let try_next = async |i: i32, from| {
        let email = address(&format!("u{i}@example.com"));
        accounts::count_attempt(&db.console, &email, Some(from)).await
    };
    for i in 0..accounts::ATTEMPTS_PER_ADDRESS {
        try_next(i, from).await.expect("is counted");
    }
    assert!(matches!(
        try_next(99, from).await,
        Err(StoreError::Throttled { .. })
    ));
    assert!(matches!(
        try_next(99, neighbour).await,
        Err(StoreError::Throttled { .. })
    ));
    let elsewhere: IpAddr = "2001:db8:1::1".parse().expect("an address");
    try_next(99, elsewhere).await.expect("is counted");
    // A refused attempt was not counted against the account either.
    let at: i64 = db
        .value("select cardinality(at)::bigint from sign_in_attempts where key = 'u99@example.com'")
        .await;
    assert_eq!(at, 1);

    // Signing in to an account of one's own does not reset the address.
    accounts::clear_attempts(&db.console, &address("u0@example.com"))
        .await
        .expect("clears");
    assert!(try_next(0, from).await.is_err());
}

#[tokio::test]
async fn attempts_are_forgotten_after_a_quarter_of_an_hour() {
    let db = TestDb::new().await;
    let ann = address("ann@example.com");
    for _ in 0..accounts::ATTEMPTS_PER_ACCOUNT {
        accounts::count_attempt(&db.console, &ann, None)
            .await
            .expect("is counted");
    }
    // The oldest is now 14 minutes and 50 seconds old, the others are new.
    db.admin(
        "update sign_in_attempts set at[1] = now() - interval '14 minutes 50 seconds'
         where kind = 'account'",
    )
    .await;
    let Err(StoreError::Throttled { retry_after_s }) =
        accounts::count_attempt(&db.console, &ann, None).await
    else {
        panic!("let through");
    };
    assert!((8..=10).contains(&retry_after_s), "{retry_after_s}");
    db.admin("update sign_in_attempts set at[1] = now() - interval '15 minutes 1 second'")
        .await;
    accounts::count_attempt(&db.console, &ann, None)
        .await
        .expect("one place is free");
    assert!(
        accounts::count_attempt(&db.console, &ann, None)
            .await
            .is_err(),
        "and only one"
    );

    // Windows that are over do not pile up.
    db.admin(
        "insert into sign_in_attempts select 'account', 'old' || i, '{}', now() - interval '1 hour'
         from generate_series(1, 25) i",
    )
    .await;
    for i in 0..3 {
        let email = address(&format!("new{i}@example.com"));
        accounts::count_attempt(&db.console, &email, None)
            .await
            .expect("is counted");
    }
    let old: i64 = db
        .value("select count(*) from sign_in_attempts where key like 'old%'")
        .await;
    assert_eq!(old, 0);
}

/// An attacker who knows the old password has it checked just before the owner sets a new one, and
/// goes on just after.
#[tokio::test]
async fn an_old_password_opens_nothing_after_a_change() {
    let db = TestDb::new().await;
    let user = db.user("ann@example.com").await;
    accounts::set_password(&db.console, user, None, "new")
        .await
        .expect("sets");
    let session = sessions::create(&db.console, user, HASH, [1; 32], HOUR).await;
    assert!(matches!(session, Err(StoreError::NotFound)));
    let taken_back = accounts::set_password(&db.console, user, Some(HASH), "theirs").await;
    assert!(matches!(taken_back, Err(StoreError::NotFound)));
    let kept: String = db.value("select password_hash from users").await;
    assert_eq!(kept, "new");
    let started: i64 = db.value("select count(*) from sessions").await;
    assert_eq!(started, 0);
    sessions::create(&db.console, user, "new", [2; 32], HOUR)
        .await
        .expect("the new one does");
    accounts::set_password(&db.console, user, Some("new"), "newer")
        .await
        .expect("and changes itself");
}

/// The same while the change is under way: the session waits for it, and is not started; and a
/// session that came first is ended by the change that waited for it.
#[tokio::test]
async fn a_session_and_a_change_of_password_wait_for_each_other() {
    let db = TestDb::new().await;
    let user = db.user("ann@example.com").await;
    let console = db.console.clone();
    let mut change = db.connect_as("tollgate_console").await;
    sqlx::query("begin")
        .execute(&mut change)
        .await
        .expect("begins");
    sqlx::query("select account_set_password($1, null, 'new')")
        .bind(user.uuid())
        .execute(&mut change)
        .await
        .expect("sets");
    let late =
        tokio::spawn(async move { sessions::create(&console, user, HASH, [1; 32], HOUR).await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!late.is_finished(), "it waits for the change");
    sqlx::query("commit")
        .execute(&mut change)
        .await
        .expect("commits");
    let late = late.await.expect("ends");
    assert!(matches!(late, Err(StoreError::NotFound)), "{late:?}");

    let mut first = db.connect_as("tollgate_console").await;
    sqlx::query("begin")
        .execute(&mut first)
        .await
        .expect("begins");
    sqlx::query("select session_create($1, 'new', sha256('x'), '1 h')")
        .bind(user.uuid())
        .execute(&mut first)
        .await
        .expect("starts");
    let console = db.console.clone();
    let change =
        tokio::spawn(async move { accounts::set_password(&console, user, None, "newer").await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!change.is_finished(), "it waits for the session");
    sqlx::query("commit")
        .execute(&mut first)
        .await
        .expect("commits");
    change.await.expect("ends").expect("sets");
    let left: i64 = db.value("select count(*) from sessions").await;
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_session_ends() {
    let db = TestDb::new().await;
    let user = db.user("Ann@example.com").await;
    let find = async |hash: u8| {
        sessions::find(&db.console, [hash; 32])
            .await
            .expect("looks")
    };
    sessions::create(&db.console, user, HASH, [1; 32], HOUR)
        .await
        .expect("starts");
    let session = find(1).await.expect("is there");
    assert_eq!(
        (session.user, session.email.as_str()),
        (user, "Ann@example.com")
    );
    assert!(session.memberships.is_empty());
    assert!(find(2).await.is_none());

    sessions::end(&db.console, [1; 32]).await.expect("ends");
    assert!(find(1).await.is_none());

    sessions::create(&db.console, user, HASH, [3; 32], Duration::from_millis(1))
        .await
        .expect("starts");
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(find(3).await.is_none());
    // The next one sweeps it away.
    sessions::create(&db.console, user, HASH, [4; 32], HOUR)
        .await
        .expect("starts");
    let kept: i64 = db.value("select count(*) from sessions").await;
    assert_eq!(kept, 1);
}

#[tokio::test]
async fn a_session_knows_where_its_user_may_go() {
    let db = TestDb::new().await;
    let user = db.user("ann@example.com").await;
    db.organisation("elsewhere").await;
    for slug in ["zebra", "acme"] {
        db.organisation_of(user, slug).await;
    }
    sessions::create(&db.console, user, HASH, [1; 32], HOUR)
        .await
        .expect("starts");
    db.admin("update sessions set last_used_at = now() - interval '59 seconds'")
        .await;
    let before: time::OffsetDateTime = db.value("select last_used_at from sessions").await;
    let session = sessions::find(&db.console, [1; 32])
        .await
        .expect("looks")
        .expect("is there");
    let slugs: Vec<_> = session
        .memberships
        .iter()
        .map(|m| m.slug.as_str())
        .collect();
    assert_eq!(slugs, ["zebra", "acme"], "in the order they were joined");
    assert_eq!(session.memberships[0].role, domain::Role::Owner);
    let after: time::OffsetDateTime = db.value("select last_used_at from sessions").await;
    assert_eq!(before, after, "not within the minute");
    db.admin("update sessions set last_used_at = now() - interval '61 seconds'")
        .await;
    sessions::find(&db.console, [1; 32]).await.expect("looks");
    let noted: bool = db
        .value("select last_used_at > now() - interval '9 s' from sessions")
        .await;
    assert!(noted);
}
