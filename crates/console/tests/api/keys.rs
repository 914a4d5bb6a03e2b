//! API keys: what they may do, and when they stop doing it.

use domain::{Role, Scope};
use secrecy::ExposeSecret;
use serde_json::json;
use time::{Duration, OffsetDateTime};

use crate::{
    support::label,
    world::{Api, World},
};

async fn works(api: &Api<'_>) -> bool {
    let answer = api.get("/organisation").await;
    match answer.status.as_u16() {
        200 => true,
        401 => {
            assert_eq!(answer.problem(401), "unauthenticated");
            false
        }
        other => panic!("{other}: {}", answer.text),
    }
}

#[tokio::test]
async fn a_key_cannot_make_keys_and_may_revoke_itself() {
    let world = World::new().await;
    let (_, api) = world.organisation("acme").await;
    let answer = api
        .post("/api-keys", json!({"label": "more", "role": "viewer"}))
        .await;
    assert_eq!(answer.problem(403), "forbidden");
    assert!(
        answer.json["detail"]
            .as_str()
            .is_some_and(|text| text.contains("API key"))
    );
    let keys = api.get("/api-keys").await;
    assert!(
        !keys.text.contains("tg_key_") && !keys.text.contains("secret"),
        "{}",
        keys.text
    );
    let keys = keys.expect(200);
    assert_eq!(keys["items"].as_array().map(Vec::len), Some(1));
    let id = keys["items"][0]["id"].as_str().expect("an id");
    for bad in [
        json!({"label": "x"}),
        json!({"label": "x", "role": "root"}),
        json!({"role": "viewer"}),
    ] {
        api.post("/api-keys", bad).await.problem(422);
    }
    api.delete(&format!("/api-keys/{id}")).await.expect(204);
    assert!(!works(&api).await, "revoked means at once");
}

#[tokio::test]
async fn an_expired_key_is_none() {
    let world = World::new().await;
    let (scope, _) = world.organisation("acme").await;
    let (secret, hash) = vault::make_api_key();
    let soon = OffsetDateTime::now_utc() + Duration::hours(1);
    let made = store::api_keys::create(
        &world.db.console,
        &scope,
        &label("short"),
        Role::Viewer,
        hash,
        Some(soon),
    )
    .await
    .expect("a key");
    let mut api = world.key(&scope, Role::Viewer).await;
    api.key = secret.expose_secret().to_owned();
    assert!(works(&api).await);
    let past = format!(
        "update api_keys set created_at = now() - interval '2 h',
                expires_at = now() - interval '1 s' where id = '{}'",
        made.id.uuid()
    );
    world.db.admin(&past).await;
    assert!(!works(&api).await);
}

async fn set_maker(world: &World, scope: &Scope, sql: &str) {
    let user = scope.actor.user().uuid();
    let org = scope.org.uuid();
    // The organisation keeps an owner, whatever becomes of the maker.
    let other = world.db.user("second@owner.example").await.uuid();
    world
        .db
        .admin(&format!(
            "insert into memberships (org_id, user_id, role) values ('{org}', '{other}', 'owner')"
        ))
        .await;
    let sql = sql
        .replace("$user", &user.to_string())
        .replace("$org", &org.to_string());
    world.db.admin(&sql).await;
}

#[tokio::test]
async fn a_key_is_cut_to_its_makers_present_role() {
    let world = World::new().await;
    let (scope, api) = world.organisation("acme").await;
    api.post(
        "/servers",
        json!({"name": "A", "upstream_url": "https://a.example"}),
    )
    .await
    .expect(201);
    let demote =
        "update memberships set role = 'viewer' where org_id = '$org' and user_id = '$user'";
    set_maker(&world, &scope, demote).await;
    assert!(works(&api).await, "it may still look");
    let answer = api
        .post(
            "/servers",
            json!({"name": "B", "upstream_url": "https://b.example"}),
        )
        .await;
    assert_eq!(answer.problem(403), "forbidden");
    assert_eq!(api.get("/admin-events").await.problem(403), "forbidden");
}

#[tokio::test]
async fn a_key_ends_with_its_makers_membership() {
    let world = World::new().await;
    let (scope, api) = world.organisation("acme").await;
    let remove = "delete from memberships where org_id = '$org' and user_id = '$user'";
    set_maker(&world, &scope, remove).await;
    assert!(!works(&api).await);
}
