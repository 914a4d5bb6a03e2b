//! Grants: tokens that verify, and the whole of their lives.

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use crate::world::{PUBLIC_URL, TEN_RERUNS, World};

fn time(value: &Value) -> OffsetDateTime {
    OffsetDateTime::parse(value.as_str().expect("a time"), &Rfc3339).expect("RFC 3339")
}

#[tokio::test]
async fn a_grant_is_issued_with_a_token_that_says_what_the_row_says() {
    let world = World::new().await;
    let (scope, api) = world.organisation("acme").await;
    let server = api.server("CI").await;
    let policy = api.policy(&server, TEN_RERUNS).await;
    let body = json!({"label": "Nightly", "policy_id": policy, "identity": "ci-runner",
                      "labels": {"team": "platform", "env": "prod"}});
    let answer = api.post(&format!("/servers/{server}/grants"), body).await;
    let made = answer.expect(201);
    assert_eq!(
        (&made["state"], &made["token_version"]),
        (&json!("active"), &json!(1))
    );
    assert_eq!(made["labels"], json!({"env": "prod", "team": "platform"}));
    assert_eq!(made["proxy_url"], format!("{PUBLIC_URL}/mcp/{server}/mcp"));
    let life = time(&made["expires_at"]) - time(&made["issued_at"]);
    assert_eq!(life, Duration::days(90));
    let claims = world
        .verifier
        .verify(made["token"].as_str().expect("a token"))
        .expect("good");
    assert_eq!(
        claims.grant.to_string(),
        made["id"].as_str().expect("an id")
    );
    assert_eq!(
        (claims.org, claims.server.to_string(), claims.version),
        (scope.org, server, 1)
    );
    let seconds = |at: &Value| u64::try_from(time(at).unix_timestamp()).expect("after 1970");
    assert_eq!(claims.issued_at_s, seconds(&made["issued_at"]));
    assert_eq!(claims.expires_at_s, Some(seconds(&made["expires_at"])));

    let read = api.get(&format!("/grants/{}", claims.grant)).await;
    assert!(
        !read.text.contains("tg_") && read.json.get("token").is_none(),
        "{}",
        read.text
    );
    let shown = api
        .post(&format!("/grants/{}/reveal", claims.grant), json!({}))
        .await
        .expect(200);
    assert_eq!(
        shown["token"], made["token"],
        "the same row gives the same token"
    );
    let events = api.get("/admin-events").await;
    assert!(events.text.contains("grant.reveal") && !events.text.contains("tg_ey"));
}

#[tokio::test]
async fn when_a_grant_ends_is_chosen_within_a_year() {
    let world = World::new().await;
    let (_, api) = world.organisation("acme").await;
    let path = format!("/servers/{}/grants", api.server("CI").await);
    let now = OffsetDateTime::now_utc();
    let issue = async |expires_at: Value| {
        api.post(&path, json!({"label": "a", "expires_at": expires_at}))
            .await
    };
    let text = |at: OffsetDateTime| json!(at.format(&Rfc3339).expect("formats"));
    let never = issue(Value::Null).await.expect(201);
    assert_eq!(never["expires_at"], Value::Null);
    let claims = world
        .verifier
        .verify(never["token"].as_str().expect("a token"))
        .expect("good");
    assert_eq!(claims.expires_at_s, None);
    issue(text(now + Duration::days(364))).await.expect(201);
    for bad in [
        text(now - Duration::SECOND),
        text(now + Duration::days(367)),
        json!("soon"),
        json!(1_800_000_000),
    ] {
        let answer = issue(bad.clone()).await;
        assert_eq!(answer.problem(422), "invalid_fields", "{bad}");
        assert_eq!(answer.pointers(), ["/expires_at"], "{bad}");
    }
}

#[tokio::test]
async fn a_grant_is_edited_paused_resumed_rotated_and_revoked() {
    let world = World::new().await;
    let (_, api) = world.organisation("acme").await;
    let server = api.server("CI").await;
    let policy = api.policy(&server, TEN_RERUNS).await;
    let path = format!("/grants/{}", api.grant(&server).await);
    let edited = api
        .patch(
            &path,
            json!({"label": "b", "policy_id": policy, "identity": "me",
        "labels": {"k": "v"}}),
        )
        .await
        .expect(200);
    assert_eq!(
        (&edited["label"], &edited["policy_id"]),
        (&json!("b"), &json!(policy))
    );
    let cleared = api
        .patch(&path, json!({"policy_id": null, "identity": null}))
        .await
        .expect(200);
    assert_eq!(
        (&cleared["policy_id"], &cleared["identity"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(
        (&cleared["label"], &cleared["labels"]),
        (&json!("b"), &json!({"k": "v"}))
    );
    for (body, pointer) in [
        (json!({"label": null}), "/label"),
        (json!({"labels": null}), "/labels"),
        (json!({"labels": {"a b": "x"}}), "/labels/a b"),
        (json!({"labels": {"a": 1}}), "/labels/a"),
        (json!({"policy_id": "gr_1"}), "/policy_id"),
        (json!({"expires_at": null}), "/expires_at"),
    ] {
        let answer = api.patch(&path, body.clone()).await;
        answer.problem(422);
        assert_eq!(answer.pointers(), [pointer], "{body}");
    }

    let act = async |what: &str| api.ask("POST", &format!("{path}/{what}"), None, &[]).await;
    assert_eq!(act("pause").await.expect(200)["state"], "paused");
    assert_eq!(act("resume").await.expect(200)["state"], "active");
    let old = act("reveal").await.expect(200)["token"].clone();
    let rotated = api
        .post(&format!("{path}/rotate"), json!({"overlap_seconds": 86400}))
        .await;
    let rotated = rotated.expect(200);
    assert_eq!(rotated["token_version"], 2);
    assert_ne!(rotated["token"], old);
    let claims = world
        .verifier
        .verify(rotated["token"].as_str().expect("a token"))
        .expect("good");
    assert_eq!(claims.version, 2);
    assert_eq!(act("rotate").await.expect(200)["token_version"], 3);
    for overlap in [
        json!(86401),
        json!(-1),
        json!(1.5),
        json!("60"),
        Value::Null,
    ] {
        let answer = api
            .post(
                &format!("{path}/rotate"),
                json!({"overlap_seconds": overlap}),
            )
            .await;
        assert_eq!(answer.pointers(), ["/overlap_seconds"], "{overlap}");
    }
    let answer = api
        .post(&format!("{path}/pause"), json!({"why": "x"}))
        .await;
    assert_eq!(answer.pointers(), ["/why"]);

    let stale = [("if-match", "\"r1\"")];
    for what in ["pause", "resume", "rotate"] {
        let answer = api
            .ask("POST", &format!("{path}/{what}"), None, &stale)
            .await;
        assert_eq!(answer.problem(412), "stale", "{what}");
    }
    assert_eq!(
        api.ask("DELETE", &path, None, &stale).await.problem(412),
        "stale"
    );
    api.delete(&path).await.expect(204);
    let gone = api.get(&path).await.expect(200);
    assert_eq!(gone["state"], "revoked");
    for what in ["resume", "rotate", "reveal", "pause"] {
        assert_eq!(act(what).await.problem(409), "conflict", "{what}");
    }
}

#[tokio::test]
async fn a_policy_of_another_server_cannot_be_attached() {
    let world = World::new().await;
    let (_, api) = world.organisation("acme").await;
    let (one, two) = (api.server("One").await, api.server("Two").await);
    let policy = api.policy(&one, TEN_RERUNS).await;
    let body = json!({"label": "a", "policy_id": policy});
    api.post(&format!("/servers/{two}/grants"), body)
        .await
        .problem(404);
    let grant = api.grant(&two).await;
    api.patch(&format!("/grants/{grant}"), json!({"policy_id": policy}))
        .await
        .problem(404);
}
