//! What the operator says of a tool, and where it is in force.

use serde_json::{Value, json};
use tests::{Agent, Api, Scripted, TestApp};

const NOTE: &str = "It deploys <b>too</b>.";

/// `tollgate catalog …` on the app's database.
fn catalog(app: &TestApp, arguments: &[&str]) -> (Option<i32>, String) {
    let data = app.data.path().to_str().expect("text");
    let done = app.run(&[&["catalog"], arguments, &["--data", data]].concat());
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    (
        done.status.code(),
        text + &String::from_utf8_lossy(&done.stderr),
    )
}

async fn text(app: &TestApp, path: &str) -> String {
    let answer = reqwest::get(format!("{}{path}", app.url)).await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status(), 200, "{path}");
    answer.text().await.expect("text")
}

/// What the console says of a registered server's tool, asked anew.
async fn asked(api: &Api, server: &str, tool: &str) -> Value {
    api.post(&format!("/servers/{server}/discover"), &json!({}))
        .await
        .ok();
    let tools = api.get(&format!("/servers/{server}/tools")).await.ok();
    let mut tools = tools["items"].as_array().expect("tools").iter();
    let found = tools.find(|one| one["name"] == tool);
    found.expect("the tool").clone()
}

/// How many tools of CircleCI are of a class, and whether a search for the class finds this one.
async fn of_class(api: &Api, class: &str) -> (u64, bool) {
    let entry = api.get("/catalog/servers/circleci").await.ok();
    let count = entry["tools_by_class"][class].as_u64().unwrap_or_default();
    let search = format!("/catalog/tools?class={class}&q=rerun_workflow");
    let found = api.get(&search).await.ok();
    let items = found["items"].as_array().expect("a list");
    let ours =
        |item: &Value| item["server"]["slug"] == "circleci" && item["name"] == "rerun_workflow";
    (count, items.iter().any(ours))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operators_word_is_in_force_until_it_is_taken_back() {
    let mut app = TestApp::spawn().await;
    let api = app.bootstrap("Acme").api;
    let upstream =
        Scripted::start(&["rerun_workflow", "run_pipeline", "get_job_test_results"]).await;
    let register = json!({ "name": "CI", "upstream_url": upstream.url, "catalog": "circleci",
        "auth": { "kind": "none" } });
    let made = api.post("/servers", &register).await.ok();
    let server = made["id"].as_str().expect("an id");
    for tool in ["rerun_workflow", "run_pipeline"] {
        let before = asked(&api, server, tool).await;
        assert_eq!(
            (&before["class"], &before["corrected"]),
            (&"execute".into(), &false.into())
        );
    }
    let (execute, found) = of_class(&api, "execute").await;
    assert!(found);
    let (destructive, found) = of_class(&api, "destructive").await;
    assert!(!found);

    for tool in ["rerun_workflow", "run_pipeline"] {
        let correct = [
            "correct",
            "circleci",
            tool,
            "--class",
            "destructive",
            "--risk",
            "high",
            "--note",
            NOTE,
        ];
        let (code, said) = catalog(&app, &correct);
        let expected = format!("circleci {tool}: destructive, high risk");
        assert_eq!((code, said.trim()), (Some(0), expected.as_str()));
    }

    // Where the class is shown, it is said who says so and why, as text.
    let corrected = async |app: &TestApp| {
        let page = text(app, "/catalog/servers/circleci/tools/rerun_workflow").await;
        assert!(
            page.contains("Corrected by the operator: It deploys &lt;b&gt;too"),
            "{page}"
        );
        let twin = text(app, "/catalog/servers/circleci/tools/rerun_workflow.md").await;
        assert!(twin.contains("**high risk, destructive**"), "{twin}");
        assert!(
            twin.contains("Corrected by the operator: It deploys"),
            "{twin}"
        );
        assert!(!twin.contains("<b>"), "{twin}");
    };
    corrected(&app).await;
    let tool = api
        .get("/catalog/servers/circleci/tools/rerun_workflow")
        .await
        .ok();
    assert_eq!(
        (&tool["class"], &tool["risk"]),
        (&"destructive".into(), &"high".into())
    );
    assert_eq!(
        (&tool["corrected"], &tool["correction"]),
        (&true.into(), &NOTE.into())
    );
    let agent = Agent::connect_without_token(&format!("{}/mcp/catalog", app.url)).await;
    let known = json!({ "slug": "circleci", "tool": "rerun_workflow" });
    let known = agent.call("get_tool", known).await.expect("an answer");
    assert_eq!(known.structured_content.expect("data")["correction"], NOTE);
    agent.leave().await;

    // It counts like any other.
    assert_eq!(of_class(&api, "execute").await, (execute - 2, false));
    let more = (destructive + 2, true);
    assert_eq!(of_class(&api, "destructive").await, more);

    // An organisation's server that was made from the known one has it when it is asked next, with
    // the reason; a member's own word goes before it and stays.
    let found = asked(&api, server, "rerun_workflow").await;
    assert_eq!(
        (&found["class"], &found["risk"]),
        (&"destructive".into(), &"high".into())
    );
    assert_eq!(
        (&found["corrected"], &found["correction"]),
        (&true.into(), &NOTE.into())
    );
    let path = format!("/servers/{server}/tools/run_pipeline");
    api.call(
        reqwest::Method::PATCH,
        &path,
        Some(&json!({ "class": "write" })),
    )
    .await
    .ok();
    let own = asked(&api, server, "run_pipeline").await;
    assert_eq!(
        (&own["class"], &own["class_set_by_member"]),
        (&"write".into(), &true.into())
    );
    assert_eq!(
        (&own["corrected"], &own["correction"]),
        (&false.into(), &Value::Null)
    );

    // Another start loads what ships, an import loads around it; neither takes it away.
    let line =
        json!({ "slug": "circleci", "name": "Mine", "tools": [{ "name": "rerun_workflow" }] });
    let file = app.data.path().join("lines.jsonl");
    std::fs::write(&file, line.to_string()).expect("a file");
    let (code, said) = catalog(&app, &["import", file.to_str().expect("text")]);
    assert!(code == Some(0) && said.contains("kept 1"), "{said}");
    app.stop().await;
    app.start().await;
    corrected(&app).await;
    assert_eq!(
        asked(&api, server, "rerun_workflow").await["class"],
        "destructive"
    );

    let clear = ["correct", "circleci", "rerun_workflow", "--clear"];
    let (code, said) = catalog(&app, &clear);
    assert_eq!(
        (code, said.trim()),
        (Some(0), "circleci rerun_workflow: as the classifier finds")
    );
    let (code, said) = catalog(&app, &clear);
    assert!(
        code == Some(1) && said.contains("was not corrected"),
        "{said}"
    );
    let page = text(&app, "/catalog/servers/circleci/tools/rerun_workflow").await;
    assert!(!page.contains("Corrected by the operator"));
    assert_eq!(of_class(&api, "execute").await, (execute - 1, true));
    let back = asked(&api, server, "rerun_workflow").await;
    assert_eq!(
        (&back["class"], &back["corrected"]),
        (&"execute".into(), &false.into())
    );
    assert_eq!(asked(&api, server, "run_pipeline").await["class"], "write");
}

/// A correction outlives loads of the server that it is of, and the tool's own absence.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_correction_outlives_what_is_imported_later() {
    let app = TestApp::spawn().await;
    let file = app.data.path().join("lines.jsonl");
    let import = |tools: &[&str]| {
        let tools: Vec<Value> = tools.iter().map(|name| json!({ "name": name })).collect();
        // The name is missing, as lists have it; the slug stands in for it.
        let line = json!({ "slug": "server-2", "name": "", "tools": tools });
        std::fs::write(&file, line.to_string()).expect("a file");
        catalog(&app, &["import", file.to_str().expect("text")])
    };
    let (code, said) = import(&["get_it", "list_them"]);
    let report = "added 1, changed 0, unchanged 0, kept 0; 2 tools; 0 bad lines";
    assert_eq!((code, said.trim()), (Some(0), report));
    let page = text(&app, "/catalog/servers/server-2.md").await;
    assert!(page.starts_with("# `server-2`\n"), "{page}");

    let (code, _) = catalog(
        &app,
        &["correct", "server-2", "get_it", "--class", "financial"],
    );
    assert_eq!(code, Some(0));
    for tools in [&["get_it"][..], &["list_them"], &["list_them", "get_it"]] {
        assert_eq!(import(tools).0, Some(0));
    }
    let page = text(&app, "/catalog/servers/server-2/tools/get_it").await;
    assert!(page.contains("Corrected by the operator."), "{page}");
    assert!(page.contains("Critical risk"), "{page}");
    for note in ["", &"x".repeat(501)] {
        let correct = [
            "correct", "server-2", "get_it", "--class", "read", "--note", note,
        ];
        assert_eq!(catalog(&app, &correct).0, Some(2), "{note}");
    }
}
