//! The matrix of `product.md`, walked through the API: every route, every role a key can have.

use domain::{AdminEventId, ApiKeyId, Capability as C, EventId, GrantId, PolicyId, Role, ServerId};
use serde_json::{Value, json};

use crate::world::World;

/// Each operation, a body that gets past its parsing, and the capability it needs.
fn operations() -> Vec<(&'static str, &'static str, Option<Value>, C)> {
    let document = json!({"version": "1", "default": "deny"});
    let server = json!({"name": "A", "upstream_url": "https://a.example/mcp"});
    vec![
        ("GET", "/organisation", None, C::See),
        ("GET", "/servers", None, C::See),
        ("POST", "/servers", Some(server), C::ManageServers),
        ("GET", "/servers/{id}", None, C::See),
        (
            "PATCH",
            "/servers/{id}",
            Some(json!({"name": "B"})),
            C::ManageServers,
        ),
        ("DELETE", "/servers/{id}", None, C::ManageServers),
        ("POST", "/servers/{id}/discover", None, C::ManageServers),
        ("GET", "/servers/{id}/tools", None, C::See),
        (
            "PATCH",
            "/servers/{id}/tools/{name}",
            Some(json!({"class": "read"})),
            C::ManageServers,
        ),
        ("GET", "/servers/{id}/policies", None, C::See),
        (
            "POST",
            "/servers/{id}/policies",
            Some(json!({"name": "P", "document": document})),
            C::EditPolicies,
        ),
        ("GET", "/policies/{id}", None, C::See),
        (
            "PATCH",
            "/policies/{id}",
            Some(json!({"name": "Q"})),
            C::EditPolicies,
        ),
        ("DELETE", "/policies/{id}", None, C::EditPolicies),
        ("GET", "/policies/{id}/versions", None, C::See),
        (
            "POST",
            "/policies/{id}/versions",
            Some(json!({"document": document})),
            C::EditPolicies,
        ),
        ("GET", "/policies/{id}/versions/{version}", None, C::See),
        (
            "POST",
            "/policies/{id}/publish",
            Some(json!({"version": 1})),
            C::EditPolicies,
        ),
        (
            "POST",
            "/policies/check",
            Some(json!({"document": document})),
            C::See,
        ),
        (
            "POST",
            "/policies/merge",
            Some(json!({"document": document, "rule": document})),
            C::See,
        ),
        (
            "POST",
            "/policies/decide",
            Some(json!({"document": document, "tool": "t"})),
            C::See,
        ),
        (
            "POST",
            "/policies/test",
            Some(json!({"document": document})),
            C::See,
        ),
        (
            "POST",
            "/policies/preview",
            Some(json!({"document": document})),
            C::See,
        ),
        ("GET", "/policies/{id}/diff", None, C::See),
        ("GET", "/policies/{id}/shadow", None, C::See),
        ("GET", "/servers/{id}/starters", None, C::See),
        ("GET", "/servers/{id}/grants", None, C::See),
        (
            "POST",
            "/servers/{id}/grants",
            Some(json!({"label": "a"})),
            C::ManageGrants,
        ),
        ("GET", "/grants/{id}", None, C::See),
        (
            "PATCH",
            "/grants/{id}",
            Some(json!({"label": "b"})),
            C::ManageGrants,
        ),
        ("DELETE", "/grants/{id}", None, C::ManageGrants),
        ("POST", "/grants/{id}/pause", None, C::ManageGrants),
        ("POST", "/grants/{id}/resume", None, C::ManageGrants),
        ("POST", "/grants/{id}/rotate", None, C::ManageGrants),
        ("POST", "/grants/{id}/reveal", None, C::ManageGrants),
        ("GET", "/audit", None, C::See),
        ("GET", "/audit/{id}", None, C::See),
        ("GET", "/audit/stats", None, C::See),
        ("GET", "/audit/export", None, C::See),
        ("GET", "/api-keys", None, C::ManageOrganisation),
        ("DELETE", "/api-keys/{id}", None, C::ManageOrganisation),
        ("GET", "/admin-events", None, C::ReadAdminEvents),
    ]
}

/// The path with ids that name nothing, of the right kind.
fn filled(path: &str) -> String {
    let id = match path.split('/').nth(1) {
        Some("servers") => ServerId::generate().to_string(),
        Some("policies") => PolicyId::generate().to_string(),
        Some("grants") => GrantId::generate().to_string(),
        Some("audit") => EventId::generate().to_string(),
        Some("api-keys") => ApiKeyId::generate().to_string(),
        _ => AdminEventId::generate().to_string(),
    };
    let path = path
        .replace("{id}", &id)
        .replace("{name}", "t")
        .replace("{version}", "1");
    if path == "/audit/export" {
        format!("{path}?format=csv")
    } else {
        path
    }
}

#[tokio::test]
async fn each_role_may_do_what_the_matrix_says_and_no_more() {
    let world = World::new().await;
    let scope = world.db.organisation("acme").await;
    let operations = operations();

    let mut listed: Vec<_> = operations
        .iter()
        .map(|(method, path, ..)| ((*method).to_owned(), format!("/api/v1{path}")))
        .chain([("POST".to_owned(), "/api/v1/api-keys".to_owned())])
        .collect();
    let mut routes: Vec<_> = console::routes()
        .into_iter()
        .filter(|(_, path)| path.starts_with("/api/") && !path.starts_with("/api/v1/catalog/"))
        .collect();
    listed.sort();
    routes.sort();
    assert_eq!(
        listed, routes,
        "every route of the API is in the table above"
    );

    for role in [Role::Viewer, Role::PolicyManager, Role::Admin] {
        let api = world.key(&scope, role).await;
        for (method, path, body, capability) in &operations {
            let answer = api.ask(method, &filled(path), body.as_ref(), &[]).await;
            let status = answer.status.as_u16();
            if role.can(*capability) {
                // What names nothing is a 404; the rest works.
                let fine = if path.contains('{') {
                    status == 404
                } else {
                    status < 300
                };
                assert!(fine, "{role} {method} {path}: {status} {}", answer.text);
            } else {
                assert_eq!(answer.problem(403), "forbidden", "{role} {method} {path}");
            }
        }
        let body = json!({"label": "k", "role": "viewer"});
        assert_eq!(
            api.post("/api-keys", body).await.problem(403),
            "forbidden",
            "{role}"
        );
    }
}

#[tokio::test]
async fn attaching_a_policy_and_editing_a_grant_are_different_rights() {
    let world = World::new().await;
    let (scope, admin) = world.organisation("acme").await;
    let server = admin.server("CI").await;
    let policy = admin.policy(&server, crate::world::TEN_RERUNS).await;
    let path = format!("/grants/{}", admin.grant(&server).await);
    let manager = world.key(&scope, Role::PolicyManager).await;
    manager
        .patch(&path, json!({"policy_id": policy}))
        .await
        .expect(200);
    manager
        .patch(&path, json!({"policy_id": policy, "label": "x"}))
        .await
        .problem(403);
    manager
        .patch(&path, json!({"labels": {"team": "ops"}}))
        .await
        .problem(403);
    manager.patch(&path, json!({})).await.problem(403);
    let viewer = world.key(&scope, Role::Viewer).await;
    viewer
        .patch(&path, json!({"policy_id": null}))
        .await
        .problem(403);
    assert_eq!(viewer.get(&path).await.expect(200)["policy_id"], policy);
}
