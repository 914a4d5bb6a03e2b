//! `tollgate scan` against the real CircleCI server, both ways, and against scripted ones by URL.

use std::process::{Command, Output};

use serde_json::{Value, json};
use tests::{
    CircleCi, Scripted, TestApp, app::binary, circleci::CIRCLECI_TOKEN, repository, scripted::tool,
};

async fn scan(arguments: &[&str]) -> Output {
    let mut line = Command::new(binary());
    line.arg("scan").args(arguments);
    tokio::task::spawn_blocking(move || line.output().expect("it runs"))
        .await
        .expect("no panic")
}

#[track_caller]
fn report(output: &Output) -> Value {
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn names(report: &Value) -> Vec<&str> {
    let tools = report["tools"].as_array().expect("tools");
    let mut names: Vec<&str> = tools
        .iter()
        .map(|tool| tool["name"].as_str().expect("a name"))
        .collect();
    names.sort_unstable();
    names
}

/// What ships is what the real server lists today, over HTTP and over its standard streams.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_real_server_is_the_one_that_ships() {
    let circleci = CircleCi::start().await;
    let header = format!("Circle-Token: {CIRCLECI_TOKEN}");
    let by_url = report(&scan(&[&circleci.url, "--header", &header, "-o", "json"]).await);
    let entry =
        repository().join("tests/browser/node_modules/@circleci/mcp-server-circleci/dist/index.js");
    let entry = entry.to_string_lossy();
    let env = ["CIRCLECI_TOKEN=none", "DISABLE_TELEMETRY=true"];
    let by_streams = report(
        &scan(&[
            "-o", "json", "--env", env[0], "--env", env[1], "--", "node", &entry,
        ])
        .await,
    );
    assert_eq!(names(&by_url).len(), 13);
    assert_eq!(by_url["tools"], by_streams["tools"]);

    let facts = repository().join("crates/catalog/data/servers/circleci.json");
    let facts = std::fs::read_to_string(facts).expect("the facts");
    let facts: Value = serde_json::from_str(&facts).expect("JSON");
    let newest = &facts["versions"][0];
    assert_eq!(newest["version"], "0.20.0");
    assert_eq!(names(newest), names(&by_url));
    for fact in newest["tools"].as_array().expect("tools") {
        let scanned = by_url["tools"].as_array().expect("tools");
        let scanned = scanned.iter().find(|tool| tool["name"] == fact["name"]);
        let scanned = scanned.expect("the tool");
        let arguments: Vec<Value> = scanned["arguments"]
            .as_array()
            .expect("arguments")
            .iter()
            .map(|one| json!([one["path"], one["kind"], u8::from(one["required"] == true)]))
            .collect();
        assert_eq!(
            fact["arguments"],
            Value::from(arguments),
            "{}",
            fact["name"]
        );
        assert_eq!(
            fact["annotations"], scanned["annotations"],
            "{}",
            fact["name"]
        );
    }

    let mut line = vec![&*circleci.url, "--header", &header, "--fail-above", "high"];
    line.extend(["--catalog", "circleci"]);
    let above = scan(&line).await;
    assert_eq!(above.status.code(), Some(3));
    let said = String::from_utf8_lossy(&above.stderr);
    assert!(
        said.contains("1 tool is above high: run_pipeline"),
        "{said}"
    );
    assert_eq!(circleci.requests(), 0, "no tool was called");
    let refused = scan(&[&circleci.url]).await;
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("refused the credential (HTTP 401)"));
}

#[tokio::test]
async fn a_url_is_asked_with_its_headers_and_nothing_is_called() {
    let server = Scripted::start(&[]).await;
    server.offer(vec![
        tool("delete_everything"),
        json!({"name": "pay_invoice\u{1b}[2J", "inputSchema": {"type": "object"}}),
    ]);
    let output = scan(&[&server.url, "--header", "X-Key: hunter2", "-o", "json"]).await;
    let found = report(&output);
    assert_eq!(found["server"]["name"], "scripted");
    assert_eq!(found["counts"]["tools"], 2);
    assert!(!output.stdout.contains(&0x1b));
    let arrivals = server.arrivals();
    assert!(arrivals.iter().all(|one| one.headers["x-key"] == "hunter2"));
    assert!(arrivals.iter().all(|one| !one.body.contains("tools/call")));
}

#[tokio::test]
async fn a_server_that_is_not_there_ends_with_4_and_a_redirect_leads_nowhere_else() {
    let nobody = format!("http://127.0.0.1:{}/mcp", tests::app::free_port());
    assert_eq!(scan(&[&nobody]).await.status.code(), Some(4));
    let other = Scripted::start(&["a"]).await;
    let to = other.url.clone();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let url = format!("http://{}/mcp", listener.local_addr().expect("bound"));
    let router =
        axum::Router::new().fallback(async move || axum::response::Redirect::temporary(&to));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let output = scan(&[&url]).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("which is another server"));
    assert!(other.arrivals().is_empty());
}

/// A line of `--entry` is one that the catalogue takes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_can_be_imported() {
    let server = Scripted::start(&["delete_everything"]).await;
    let output = scan(&[&server.url, "--entry"]).await;
    assert!(output.status.success(), "{output:?}");
    let line = String::from_utf8(output.stdout).expect("text");
    assert_eq!(line.lines().count(), 1);
    let entry: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(entry["slug"], "scripted");
    assert_eq!(entry["version"], "1");
    assert_eq!(entry["tools"][0]["name"], "delete_everything");

    let app = TestApp::spawn().await;
    let file = app.data.path().join("entry.jsonl");
    std::fs::write(&file, line).expect("written");
    let mut import = Command::new(binary());
    import
        .args(["catalog", "import", "-o", "json", "--strict"])
        .arg(&file);
    import.arg("--data").arg(app.data.path());
    let imported = tokio::task::spawn_blocking(move || import.output().expect("it runs"));
    let imported = imported.await.expect("no panic");
    assert!(imported.status.success(), "{imported:?}");
}

/// A harmless definition in front does not hide the one that does harm.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_tools_with_one_name_the_worse_is_judged() {
    let named = |description: &str| {
        let mut one = tool("records");
        one["description"] = description.into();
        one
    };
    let reads = || named("Returns the list of records. Read-only.");
    let deletes = || named("Permanently deletes all records of the database.");
    for tools in [vec![reads(), deletes()], vec![deletes(), reads()]] {
        let server = Scripted::start(&[]).await;
        server.offer(tools);
        let arguments = [server.url.as_str(), "--fail-above", "medium", "-o", "json"];
        let output = scan(&arguments).await;
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("1 tool is above medium: records"), "{said}");
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(report["tools"].as_array().map(Vec::len), Some(1));
        assert_eq!(report["tools"][0]["class"], "destructive");
        assert!(report["notes"].to_string().contains("more than once"));
    }
    let server = Scripted::start(&[]).await;
    server.offer(vec![reads(), reads()]);
    let output = scan(&[server.url.as_str(), "--fail-above", "medium", "-o", "json"]).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}
