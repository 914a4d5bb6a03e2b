//! The organisation's wall: a second organisation sees nothing of the first, not even that it is.

use reqwest::{Client, Method, redirect::Policy};
use serde_json::{Value, json};
use tests::{
    Api, Scripted, TEN_RERUNS, TestApp,
    agent::{post, rerun_body},
    app::{Organisation, PASSWORD},
};

/// Everything of an organisation that a route may name, by the parameter that names it.
struct Things {
    server: String,
    policy: String,
    grant: String,
    event: String,
    key: String,
    words: Vec<String>,
}

async fn furnish(app: &TestApp, name: &str, upstream: &Scripted) -> (Organisation, Things) {
    let made = app.bootstrap(name);
    let secret_name = format!("Unmistakable {name} server");
    let (server, proxy_url) = made
        .api
        .register(&secret_name, &upstream.url, json!({}))
        .await;
    let label = format!("unmistakable-{}-agent", name.to_lowercase());
    let (grant, token) = made.api.grant(&server, &label, TEN_RERUNS).await;
    let answer = post(&proxy_url, &token, rerun_body(1), &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let event = app.audit(&made.api, "", 1).await[0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let policy = made.api.get(&format!("/grants/{grant}")).await.ok()["policy_id"].clone();
    let keys = made.api.get("/api-keys").await.ok();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let things = Things {
        policy: text(&policy),
        key: text(&keys["items"][0]["id"]),
        words: vec![
            server.clone(),
            grant.clone(),
            secret_name,
            label,
            made.id.clone(),
            event.clone(),
        ],
        server,
        grant,
        event,
    };
    (made, things)
}

/// The route with its parameters filled in; the kind of each is read from the segment before it.
fn fill(route: &str, things: &Things) -> String {
    let mut before = String::new();
    let segments = route.split('/').map(|segment| {
        let filled = if segment.starts_with('{') {
            match before.as_str() {
                "servers" => things.server.clone(),
                "policies" => things.policy.clone(),
                "grants" => things.grant.clone(),
                "audit" => things.event.clone(),
                "api-keys" | "keys" => things.key.clone(),
                "versions" => "1".into(),
                "tools" => "rerun_workflow".into(),
                _ => "circleci".into(),
            }
        } else {
            segment.to_owned()
        };
        before = segment.trim_start_matches(['{']).to_owned();
        filled
    });
    segments.collect::<Vec<_>>().join("/")
}

/// Which routes are everybody's: they name nothing of any organisation. (Signing out would end the
/// walk.)
fn is_public(route: &str) -> bool {
    route == "/sign-out"
        || (route.contains("/catalog") && !route.ends_with("/use"))
        || route.starts_with("/static")
        || route.starts_with("/docs")
}

/// The token in the first form of a page.
fn csrf(page: &str) -> String {
    let value = page
        .split("name=\"csrf\" value=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    value.expect("every form has a CSRF token").to_owned()
}

/// A signed-in browser, and the token that its forms carry.
async fn sign_in(app: &TestApp, email: &str) -> (Client, String) {
    let client = Client::builder()
        .cookie_store(true)
        .redirect(Policy::none())
        .build();
    let client = client.expect("a client");
    let page = client
        .get(format!("{}/sign-in", app.url))
        .send()
        .await
        .expect("a page");
    let page = page.text().await.expect("a body");
    let form = [
        ("csrf", csrf(&page).as_str()),
        ("email", email),
        ("password", PASSWORD),
    ]
    .map(|(k, v)| (k, v.to_owned()));
    let answer = client
        .post(format!("{}/sign-in", app.url))
        .header("origin", &app.url)
        .form(&form)
        .send()
        .await
        .expect("an answer");
    assert!(
        answer.status().is_redirection(),
        "{}: {:?}",
        answer.status(),
        answer.text().await
    );
    let home = client
        .get(format!("{}/servers", app.url))
        .send()
        .await
        .expect("a page");
    let token = csrf(&home.text().await.expect("a body"));
    (client, token)
}

/// Every API route and every page, taken from the router itself, with the ids of another
/// organisation: the same answer as for ids that never existed, and none of its words.
#[tokio::test]
async fn a_second_organisation_sees_nothing_of_the_first() {
    let (app, upstream) = tokio::join!(TestApp::spawn(), Scripted::start(&["rerun_workflow"]));
    let (_, first) = furnish(&app, "First", &upstream).await;
    let (second, own) = furnish(&app, "Second", &upstream).await;
    let never = Things {
        server: mutate(&first.server),
        policy: mutate(&first.policy),
        grant: mutate(&first.grant),
        event: mutate(&first.event),
        key: mutate(&first.key),
        words: vec![],
    };
    let browser = sign_in(&app, &second.email).await;

    let routes = console::routes();
    assert!(
        routes.len() > 40,
        "the router lists its routes: {}",
        routes.len()
    );
    let mut walked = 0;
    for (method, route) in &routes {
        let method: Method = method.parse().expect("a method");
        if is_public(route) {
            continue;
        }
        let (theirs, nobodys) = (fill(route, &first), fill(route, &never));
        let (theirs, nobodys) = if route.starts_with("/api/v1") {
            let ask = async |path: &str| ask_api(&second.api, &method, path).await;
            (ask(&theirs).await, ask(&nobodys).await)
        } else {
            let ask = async |path: &str| ask_page(&app, &browser, &method, path).await;
            (ask(&theirs).await, ask(&nobodys).await)
        };
        for word in &first.words {
            let asked = fill(route, &first).contains(word.as_str());
            assert!(
                asked || !theirs.1.contains(word.as_str()),
                "{method} {route} shows {word}: {}",
                theirs.1
            );
        }
        if route.contains('{') {
            assert_eq!(
                theirs.0, nobodys.0,
                "{method} {route}: {} / {}",
                theirs.1, nobodys.1
            );
            assert_eq!(
                anonymous(&theirs.1, &first),
                anonymous(&nobodys.1, &never),
                "{method} {route} tells a foreign id from one that never existed"
            );
        }
        walked += 1;
    }
    assert!(walked > 30, "{walked} routes walked");

    // The walk included every DELETE: what is the first's must still be there, and the second's too.
    let still = post(
        &format!("{}/mcp/{}/mcp", app.url, first.server),
        "",
        "{}",
        &[],
    )
    .await;
    assert_eq!(
        still.status, 401,
        "a server without a token is a 401, whoever asks"
    );
    assert!(
        second
            .api
            .get(&format!("/servers/{}", own.server))
            .await
            .status
            == 200
    );
}

/// The first organisation's token on the second's server is a server that does not exist.
#[tokio::test]
async fn another_servers_token_is_a_404() {
    let (app, upstream) = tokio::join!(TestApp::spawn(), Scripted::start(&["rerun_workflow"]));
    let (first, second) = (app.bootstrap("First"), app.bootstrap("Second"));
    let (server, _) = first.api.register("A", &upstream.url, json!({})).await;
    let (_, token) = first.api.grant(&server, "agent", TEN_RERUNS).await;
    let (other, other_url) = second.api.register("B", &upstream.url, json!({})).await;
    let foreign = post(&other_url, &token, rerun_body(1), &[]).await;
    let unknown_url = other_url.replace(&other, &mutate(&other));
    let unknown = post(&unknown_url, &token, rerun_body(1), &[]).await;
    assert_eq!(foreign.status, 404);
    assert_eq!(
        (foreign.status, &foreign.text),
        (unknown.status, &unknown.text)
    );
    assert_eq!(upstream.calls("rerun_workflow"), 0);
}

/// An id of the same kind that was never given out.
fn mutate(id: &str) -> String {
    let (head, last) = id.split_at(id.len() - 6);
    let turned: String = last
        .chars()
        .map(|c| if c == 'a' { 'b' } else { 'a' })
        .collect();
    format!("{head}{turned}")
}

/// An answer without what differs by nature: the ids asked for, request ids, times and CSRF tokens.
fn anonymous(text: &str, things: &Things) -> String {
    let mut text = text.to_owned();
    for id in [
        &things.server,
        &things.policy,
        &things.grant,
        &things.event,
        &things.key,
    ] {
        text = text.replace(id.as_str(), "ID");
    }
    let parts = text.split('"').map(|part| {
        let id_like = part.len() >= 20
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_=".contains(c));
        if id_like { "…" } else { part }
    });
    parts.collect::<Vec<_>>().join("\"")
}

async fn ask_api(api: &Api, method: &Method, route: &str) -> (u16, String) {
    let path = route.strip_prefix("/api/v1").expect("an API route");
    let body = (*method != Method::GET && *method != Method::DELETE).then(|| json!({}));
    let answer = api.call(method.clone(), path, body.as_ref()).await;
    (answer.status, answer.text)
}

async fn ask_page(
    app: &TestApp,
    (browser, csrf): &(Client, String),
    method: &Method,
    path: &str,
) -> (u16, String) {
    let request = browser.request(method.clone(), format!("{}{path}", app.url));
    let request = if *method == Method::POST {
        request.header("origin", &app.url).form(&[("csrf", csrf)])
    } else {
        request
    };
    let answer = request.send().await.expect("an answer");
    (
        answer.status().as_u16(),
        answer.text().await.unwrap_or_default(),
    )
}
