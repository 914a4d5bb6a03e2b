//! A second organisation's key on every route with the first one's ids.

use serde_json::{Value, json};

use crate::{
    support,
    world::{Answer, Api, TEN_RERUNS, World},
};

struct Things {
    server: String,
    policy: String,
    grant: String,
    event: String,
    key: String,
}

async fn furnish(world: &World, scope: &domain::Scope, api: &Api<'_>) -> Things {
    let server = api.server("Secret project").await;
    let policy = api.policy(&server, TEN_RERUNS).await;
    let grant = api.grant(&server).await;
    let (s, g) = (
        server.parse().expect("an id"),
        grant.parse().expect("an id"),
    );
    let decision = support::decision(scope, s, g);
    let batch = [support::decided(&decision)];
    store::audit::insert(&world.db.gateway, &batch)
        .await
        .expect("stores");
    let keys = api.get("/api-keys").await.expect(200);
    let key = keys["items"][0]["id"].as_str().expect("an id").to_owned();
    Things {
        server,
        policy,
        grant,
        event: decision.id.to_string(),
        key,
    }
}

impl Things {
    /// Ids of the same kinds that name nothing.
    fn never() -> Self {
        Self {
            server: domain::ServerId::generate().to_string(),
            policy: domain::PolicyId::generate().to_string(),
            grant: domain::GrantId::generate().to_string(),
            event: domain::EventId::generate().to_string(),
            key: domain::ApiKeyId::generate().to_string(),
        }
    }

    fn fill(&self, route: &str) -> String {
        let id = match route.split('/').nth(1).expect("a path") {
            "servers" => &self.server,
            "policies" => &self.policy,
            "grants" => &self.grant,
            "audit" => &self.event,
            "api-keys" => &self.key,
            other => panic!("no id for {other}"),
        };
        route
            .replace("{id}", id)
            .replace("{name}", "rerun_workflow")
            .replace("{version}", "1")
    }

    fn body(&self, method: &str, route: &str) -> Option<Value> {
        let document: Value = serde_json::from_str(TEN_RERUNS).expect("JSON");
        Some(match (method, route) {
            ("PATCH", "/servers/{id}/tools/{name}") => json!({"class": "read"}),
            ("PATCH", "/grants/{id}") => json!({"label": "x", "policy_id": self.policy}),
            ("PATCH", _) => json!({"name": "x"}),
            ("POST", "/servers/{id}/policies") => json!({"name": "x", "document": document}),
            ("POST", "/servers/{id}/grants") => json!({"label": "x", "policy_id": self.policy}),
            ("POST", "/policies/{id}/versions") => json!({"document": document}),
            ("POST", "/policies/{id}/publish") => json!({"version": 1}),
            _ => return None,
        })
    }
}

/// All that an answer says, but for the request's id.
fn said(answer: Answer) -> (u16, Vec<String>, Value) {
    let mut names: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
    names.sort();
    let mut json = answer.json;
    json["request_id"] = Value::Null;
    (answer.status.as_u16(), names, json)
}

#[tokio::test]
async fn a_foreign_id_is_answered_as_one_that_never_was() {
    let world = World::new().await;
    let (first_scope, first) = world.organisation("first").await;
    let (_, second) = world.organisation("second").await;
    let theirs = furnish(&world, &first_scope, &first).await;
    let never = Things::never();
    let mut walked = 0;
    for (method, route) in console::routes() {
        let Some(route) = route.strip_prefix("/api/v1") else {
            continue;
        };
        if !route.contains('{') || route.starts_with("/catalog/") {
            continue;
        }
        let mut answers = Vec::new();
        for things in [&theirs, &never] {
            let body = things.body(&method, route);
            let answer = second
                .ask(&method, &things.fill(route), body.as_ref(), &[])
                .await;
            assert_eq!(answer.problem(404), "not_found", "{method} {route}");
            answers.push(said(answer));
        }
        assert_eq!(answers[0], answers[1], "{method} {route}");
        walked += 1;
    }
    assert!(walked >= 22, "{walked} routes with ids");

    // Ids in bodies and queries are no way in either.
    let document: Value = serde_json::from_str(TEN_RERUNS).expect("JSON");
    for things in [&theirs, &never] {
        let own = second.server("Own").await;
        for (path, body) in [
            (
                "/policies/check".to_owned(),
                json!({"document": document, "server_id": things.server}),
            ),
            (
                "/policies/decide".to_owned(),
                json!({"policy_id": things.policy, "tool": "t"}),
            ),
            (
                "/policies/decide".to_owned(),
                json!({"document": document, "server_id": things.server, "tool": "t"}),
            ),
            (
                "/policies/test".to_owned(),
                json!({"policy_id": things.policy, "version": 1}),
            ),
            (
                "/policies/test".to_owned(),
                json!({"document": document, "server_id": things.server}),
            ),
            (
                "/policies/preview".to_owned(),
                json!({"policy_id": things.policy}),
            ),
            (
                "/policies/preview".to_owned(),
                json!({"document": document, "policy_id": things.policy}),
            ),
            (
                "/policies/preview".to_owned(),
                json!({"document": document, "server_id": things.server}),
            ),
            (
                "/policies/preview".to_owned(),
                json!({"document": document, "server_id": own, "grant_id": things.grant}),
            ),
            (
                format!("/servers/{own}/grants"),
                json!({"label": "x", "policy_id": things.policy}),
            ),
        ] {
            assert_eq!(
                second.post(&path, body).await.problem(404),
                "not_found",
                "{path}"
            );
        }
        for filter in [
            format!("server={}", things.server),
            format!("grant={}", things.grant),
        ] {
            let list = second.get(&format!("/audit?{filter}")).await.expect(200);
            assert_eq!(list["items"], json!([]), "{filter}");
        }
    }
    // An id that is no id says no more.
    for path in [
        "/servers/x",
        "/servers/gr_1",
        "/grants/../servers",
        "/policies/%00",
        "/audit/%ff",
    ] {
        assert_eq!(second.get(path).await.problem(404), "not_found", "{path}");
    }

    // What the first has is still there, and the second sees none of it in its own lists.
    for path in [
        format!("/servers/{}", theirs.server),
        format!("/policies/{}", theirs.policy),
        format!("/grants/{}", theirs.grant),
        format!("/audit/{}", theirs.event),
    ] {
        let kept = first.get(&path).await.expect(200);
        assert_ne!(kept["state"], "revoked");
    }
    for path in [
        "/servers",
        "/audit",
        "/admin-events",
        "/api-keys",
        "/audit/export?format=jsonl",
    ] {
        let text = second.get(path).await.text;
        for word in [
            "Secret project",
            &theirs.server,
            &theirs.grant,
            &theirs.key,
            "owner@first",
        ] {
            assert!(!text.contains(word), "{path} shows {word}");
        }
    }
}
