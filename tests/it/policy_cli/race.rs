//! Two people who push at once.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    response::Response,
};

use super::*;

/// Stands before a Tollgate and hands everything on; before the first `POST` to a path that ends so,
/// somebody else edits the policy.
struct Meanwhile {
    app: String,
    ending: &'static str,
    edit: Box<dyn Fn() -> futures_util::future::BoxFuture<'static, ()> + Send + Sync>,
    done: AtomicBool,
}

async fn hand_on(State(meanwhile): State<Arc<Meanwhile>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let path = head
        .uri
        .path_and_query()
        .expect("a path")
        .as_str()
        .to_owned();
    if head.method == "POST"
        && path.ends_with(meanwhile.ending)
        && !meanwhile.done.swap(true, Ordering::SeqCst)
    {
        (meanwhile.edit)().await;
    }
    let mut headers = head.headers;
    headers.remove("host");
    headers.remove("content-length");
    let body = to_bytes(body, 1 << 20).await.expect("a body");
    let request = reqwest::Client::new().request(head.method, format!("{}{path}", meanwhile.app));
    let answer = request
        .headers(headers)
        .body(body)
        .send()
        .await
        .expect("the app answers");
    let mut response = Response::builder().status(answer.status());
    for name in ["content-type", "etag"] {
        if let Some(value) = answer.headers().get(name) {
            response = response.header(name, value);
        }
    }
    response
        .body(Body::from(answer.bytes().await.expect("a body")))
        .expect("a response")
}

/// Two people push at once: the second is told, and neither's work is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_race_is_told_and_overwrites_nothing() {
    let place = Place::new().await;
    place.write("p.yaml", POLICY);
    let id = place
        .policy("push p.yaml --server circleci --name agents -o json")
        .ends(0)
        .json();
    let id = id["policy"].as_str().expect("an id").to_owned();
    for (ending, limit, state) in [
        ("/versions", 4, "Nothing was saved"),
        ("/publish", 3, "is saved and not published"),
    ] {
        let before = place.versions(&id).await;
        let (api, policy) = (place.acme.api.clone(), id.clone());
        let edit = move || -> futures_util::future::BoxFuture<'static, ()> {
            let (api, path) = (api.clone(), format!("/policies/{policy}/versions"));
            let document = json!({ "version": "1", "default": "allow" });
            Box::pin(async move {
                api.post(&path, &json!({ "document": document })).await.ok();
            })
        };
        let meanwhile = Meanwhile {
            app: place.app.url.clone(),
            ending,
            edit: Box::new(edit),
            done: AtomicBool::new(false),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let router = Router::new()
            .fallback(hand_on)
            .with_state(Arc::new(meanwhile));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await });
        place.write(
            "p.yaml",
            &POLICY.replace("max: 5", &format!("max: {limit}")),
        );
        let told = place
            .policy_at(&url, &format!("push p.yaml --policy {id}"))
            .ends(1);
        serving.abort();
        assert!(told.err.contains("changed by someone else"), "{}", told.err);
        assert!(told.err.contains(state), "{}", told.err);
        assert_eq!(
            place.versions(&id).await.1,
            before.1,
            "what decides is as it was"
        );
    }
}
