//! What survives a process that dies without a goodbye.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use tests::{
    Scripted, TestApp,
    agent::{post, rerun_body},
    eventually,
    processes::descendants,
};

/// SIGKILL in the middle of traffic: no configuration is lost, and no allowed call that had been
/// answered is missing from the audit log.
#[tokio::test]
async fn a_killed_process_loses_nothing_it_answered() {
    let (mut app, upstream) = tokio::join!(TestApp::spawn(), Scripted::start(&["rerun_workflow"]));
    let acme = app.bootstrap("Acme");
    let (server, proxy_url) = acme.api.register("CI", &upstream.url, json!({})).await;
    let (grant, token) = acme
        .api
        .grant(&server, "agent", r#"{"version":"1","default":"allow"}"#)
        .await;

    let answered: Arc<Mutex<BTreeSet<String>>> = Arc::default();
    let stop = Arc::new(AtomicBool::new(false));
    let traffic = (0..4u64).map(|connection| {
        let (url, token) = (proxy_url.clone(), token.clone());
        let (answered, stop) = (Arc::clone(&answered), Arc::clone(&stop));
        tokio::spawn(async move {
            let client = reqwest::Client::new();
            for n in 0.. {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let request = client
                    .post(&url)
                    .bearer_auth(&token)
                    .header("content-type", "application/json")
                    .header("accept", "application/json, text/event-stream")
                    .body(rerun_body(connection * 1_000_000 + n));
                let Ok(answer) = request.send().await else {
                    break;
                };
                let id = answer.headers()["tollgate-decision"]
                    .to_str()
                    .expect("an id")
                    .to_owned();
                let good = answer.status() == 200;
                if answer.text().await.is_ok() && good {
                    answered.lock().expect("no panic").insert(id);
                }
            }
        })
    });
    let traffic: Vec<_> = traffic.collect();
    eventually("some traffic", async || {
        (answered.lock().expect("no panic").len() > 300).then_some(())
    })
    .await;
    app.kill();
    stop.store(true, Ordering::SeqCst);
    for connection in traffic {
        connection.await.expect("no panic");
    }
    app.start().await;

    let answered = answered.lock().expect("no panic").clone();
    let logged = eventually("every answered call in the audit log", async || {
        let mut logged = BTreeSet::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/audit?limit=200&grant={grant}&outcome=allow{cursor}");
            let page = acme.api.get(&path).await.ok();
            let items = page["items"].as_array().expect("a list");
            logged.extend(
                items
                    .iter()
                    .filter_map(|item| item["id"].as_str())
                    .map(String::from),
            );
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        answered.is_subset(&logged).then_some(logged)
    })
    .await;
    assert!(
        logged.len() <= upstream.calls("rerun_workflow") + 4,
        "nothing is logged twice"
    );

    let kept = acme.api.get(&format!("/grants/{grant}")).await.ok();
    assert_eq!(kept["label"], "agent");
    let again = post(&proxy_url, &token, rerun_body(1), &[]).await;
    assert_eq!(
        again.said(),
        "done",
        "the same token works as before: {}",
        again.text
    );
}

/// An orderly stop ends PostgreSQL too, and the next start finds everything again.
#[tokio::test]
async fn a_restart_finds_its_data_again() {
    let mut app = TestApp::spawn().await;
    let acme = app.bootstrap("Acme");
    let before = acme.api.get("/organisation").await.ok();
    let started = descendants(app.pid());
    assert!(started.len() > 3, "postgres and its workers: {started:?}");
    app.stop().await;
    let left: Vec<_> = started
        .iter()
        .filter(|pid| Path::new(&format!("/proc/{pid}")).exists())
        .collect();
    assert!(left.is_empty(), "left behind: {left:?}");
    let started = std::time::Instant::now();
    app.start().await;
    assert!(
        started.elapsed() < Duration::from_secs(15),
        "took {:?}",
        started.elapsed()
    );
    assert_eq!(acme.api.get("/organisation").await.ok(), before);
}
