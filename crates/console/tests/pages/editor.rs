//! The policy editor: what it shows of a text, and what it refuses.

use domain::{Tool, ToolClass};

use crate::browser::{Answer, Browser, World};

pub(crate) const ONE: &str =
    "{ \"version\": \"1\", \"default\": \"deny\", \"tools\": { \"get_logs\": {} } }";

/// A server with three tools, and its path.
pub(crate) async fn server(world: &World, ada: &Browser<'_>) -> String {
    let path = ada.add_server("CI").await;
    let id = path
        .rsplit('/')
        .next()
        .expect("an id")
        .parse()
        .expect("an id");
    let org: uuid::Uuid = world.db.value("select id from organisations").await;
    let tool = |name: &str, class, schema: &str| Tool {
        name: name.to_owned(),
        title: None,
        description: None,
        definition: format!("{{\"name\":\"{name}\",\"inputSchema\":{schema}}}"),
        class,
    };
    let rerun = "{\"type\":\"object\",\"required\":[\"params\"],\"properties\":{\"params\":{\
                 \"type\":\"object\",\"properties\":{\"branch\":{\"type\":\"string\",\"enum\":\
                 [\"main\",\"dev\"]},\"count\":{\"type\":\"integer\"}}}}}";
    let found = store::servers::Discovery {
        tools: vec![
            tool("get_logs", Some(ToolClass::Read), "{}"),
            tool("rerun_workflow", Some(ToolClass::Execute), rerun),
            tool("delete_run", Some(ToolClass::Destructive), "{}"),
        ],
        server_name: None,
        server_version: None,
        protocol_version: None,
    };
    let org = domain::OrgId::from_uuid(org);
    store::servers::record_discovery(&world.db.console, org, None, id, &found)
        .await
        .expect("stored");
    path
}

/// A stored policy's path.
pub(crate) async fn policy(ada: &Browser<'_>, server: &str, document: &str, act: &str) -> String {
    let path = format!("{server}/policies/new");
    let fields = [("name", "CI agents"), ("document", document), ("act", act)];
    let made = ada.submit(&path, &path, &fields).await;
    made.location()
        .split('?')
        .next()
        .expect("a path")
        .to_owned()
}

pub(crate) async fn versions(world: &World) -> i64 {
    world.db.value("select count(*) from policy_versions").await
}

pub(crate) fn shows(answer: &Answer, words: &[&str]) {
    for word in words {
        assert!(answer.text.contains(word), "{word} in {}", answer.text);
    }
}

#[tokio::test]
async fn what_cannot_be_published_is_said_and_can_be_saved() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let server = server(&world, &ada).await;
    let path = format!("{server}/policies/new");
    let failing = ONE.replace(
        "} } }",
        "} }, \"tests\": [{ \"name\": \"no logs\", \"tool\": \"get_logs\", \"args\": {}, \"expect\": \"deny\" }] }",
    );
    let held = ONE.replace("{}", "{ \"approval\": {} }");
    for (document, why) in [
        (&failing, "no logs"),
        (&held, "not enforced by the gateway yet"),
    ] {
        for act in ["review", "publish"] {
            let fields = [("name", "P"), ("document", document.as_str()), ("act", act)];
            let answer = ada.submit(&path, &path, &fields).await;
            answer.is(422);
            shows(
                &answer,
                &["It can be saved, not published yet", why, "value=\"P\""],
            );
        }
    }
    assert_eq!(versions(&world).await, 0);
    let saved = policy(&ada, &server, &failing, "save").await;
    let page = ada.get(&saved).await;
    shows(&page, &["1 fails", "not published"]);
    let answer = ada.get(&format!("{saved}/publish?version=1")).await;
    answer.is(422);
    shows(&answer, &["It cannot be published yet"]);
    let fields = [("version", "1"), ("revision", "1")];
    let refused = ada
        .submit(&saved, &format!("{saved}/publish"), &fields)
        .await;
    refused.is(422);
    // Publishing a draft that cannot be leaves no version behind.
    let fields = [
        ("document", failing.as_str()),
        ("revision", "1"),
        ("act", "publish"),
    ];
    ada.submit(&saved, &saved, &fields).await.is(422);
    assert_eq!(versions(&world).await, 1);
}

#[tokio::test]
async fn a_call_is_tried_with_every_step_and_nothing_is_recorded() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let server = server(&world, &ada).await;
    let document = "{ \"version\": \"1\", \"default\": \"deny\", \"tools\": { \"rerun_workflow\": {\n\
        \"deny_if\": [{ \"conditions\": [{ \"path\": \"args.params.branch\", \"op\": \"eq\", \"value\": \"main\" }], \"on_deny\": \"Not on main.\" }],\n\
        \"limits\": [{ \"counter\": \"reruns\", \"window\": \"minute\", \"max\": 10 }] } } }";
    let policy = policy(&ada, &server, document, "publish").await;
    let tried = async |more: &[(&str, &str)]| {
        let base = [
            ("document", document),
            ("act", "check"),
            ("tab", "try"),
            ("try_tool", "rerun_workflow"),
        ];
        ada.submit(&policy, &policy, &[&base, more].concat()).await
    };
    let answer = tried(&[("try_with", "fields"), ("arg:args.params.branch", "main")]).await;
    answer.is(200);
    shows(
        &answer,
        &[
            "Refused: Not on main.",
            "verdict-refused",
            "/tools/rerun_workflow/deny_if/0",
            "value=\"tries\" id=\"tab-try\""
                .replace("tries", "try")
                .as_str(),
            "name=\"arg:args.params.branch\" value=\"main\"",
            "<option value=\"dev\">",
            "truth-true",
            "Nothing is called, charged or recorded",
        ],
    );
    for _ in 0..12 {
        let answer = tried(&[
            ("try_args", "{\"params\": {\"branch\": \"dev\"}}"),
            ("try_with", "json"),
        ])
        .await;
        shows(&answer, &["Allowed:", "9 left"]);
    }
    let nobody: i64 = world.db.value("select count(*) from audit_events").await;
    assert_eq!(nobody, 0);
    for (args, why) in [
        ("[1]", "must be a JSON object"),
        ("{\"a\": 1, \"a\": 2}", "not JSON that everyone reads alike"),
        ("{\"a\"", "not JSON that everyone reads alike"),
    ] {
        let answer = tried(&[("try_args", args), ("try_with", "json")]).await;
        answer.is(200);
        shows(&answer, &[why]);
    }
    let answer = tried(&[("try_at", "yesterday")]).await;
    shows(&answer, &["The time must be like"]);
    let markup = "{\"params\": {\"branch\": \"<script>alert(1)</script>\"}}";
    let answer = tried(&[
        ("try_args", markup),
        ("try_with", "json"),
        ("try_label", "<img src=x>"),
    ])
    .await;
    shows(&answer, &["&lt;script&gt;"]);
    assert!(!answer.text.contains("<script>alert") && !answer.text.contains("<img src=x"));
}

#[tokio::test]
async fn the_preview_marks_what_changes() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let server = server(&world, &ada).await;
    let policy = policy(&ada, &server, ONE, "publish").await;
    let more = ONE.replace("get_logs", "*");
    let fields = [
        ("document", more.as_str()),
        ("act", "check"),
        ("tab", "preview"),
        ("show", "changes"),
    ];
    let answer = ada.submit(&policy, &policy, &fields).await;
    answer.is(200);
    shows(
        &answer,
        &["2 changes", "value=\"changes\" checked", "the same"],
    );
    let rows = answer.text.matches("data-v=\"allowed changes\"").count();
    assert_eq!(rows, 2, "{}", answer.text);
    assert_eq!(answer.text.matches("data-v=\"allowed\"").count(), 1);
}

#[tokio::test]
async fn the_panes_are_made_alone_while_someone_types() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let server = server(&world, &ada).await;
    let policy = policy(&ada, &server, ONE, "save").await;
    let fields = [
        ("document", ONE),
        ("act", "look"),
        ("try_tool", "delete_run"),
    ];
    let answer = ada.submit(&policy, &policy, &fields).await;
    answer.is(200);
    shows(
        &answer,
        &["id=\"panes\"", "Refused: for this grant there is no tool"],
    );
    assert!(!answer.text.contains("<html"), "nothing around them");
    let fields = [
        ("document", "{"),
        ("act", "look"),
        ("try_tool", "delete_run"),
    ];
    let answer = ada.submit(&policy, &policy, &fields).await;
    shows(&answer, &["The text has faults"]);
    let path = format!("{server}/policies/new");
    ada.submit(&path, &path, &[("document", ONE), ("act", "look")])
        .await
        .is(200);
}

#[tokio::test]
async fn the_json_editor_is_told_what_is_wrong_and_what_there_is() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let server = server(&world, &ada).await;
    let lint = async |document: &str| {
        let token = ada.token(&server).await;
        let answer = ada
            .post(
                &format!("{server}/policies/lint"),
                &token,
                &[("document", document)],
            )
            .await;
        serde_json::from_str::<serde_json::Value>(&answer.is(200).text).expect("JSON")
    };
    let fine = lint(ONE).await;
    assert_eq!(
        (
            &fine["publishable"],
            fine["faults"].as_array().map(Vec::len)
        ),
        (&true.into(), Some(0))
    );
    let typo = lint("{ \"version\": \"1\", \"default\": \"deny\",\n  \"toools\": {} }").await;
    let fault = &typo["faults"][0];
    assert_eq!(
        (&fault["line"], &fault["column"], &fault["hint"]),
        (&2.into(), &3.into(), &"tools".into())
    );
    let held = lint(&ONE.replace("{}", "{ \"approval\": {} }")).await;
    assert_eq!(
        (&held["publishable"], &held["faults"]),
        (&false.into(), &serde_json::json!([]))
    );
    let many = lint(&format!("{{{}\"x\":1}}", "\"a\":1,".repeat(20_000))).await;
    assert_eq!(many["faults"].as_array().map(Vec::len), Some(100));

    let facts = ada.get(&format!("{server}/policies/facts")).await;
    let facts: serde_json::Value = serde_json::from_str(&facts.is(200).text).expect("JSON");
    let rerun = facts["tools"]
        .as_array()
        .expect("tools")
        .iter()
        .find(|tool| tool["name"] == "rerun_workflow");
    let rerun = rerun.expect("a tool");
    assert_eq!(rerun["class"], "execute");
    let paths = rerun["paths"].to_string();
    assert!(
        paths.contains("args.params.branch") && paths.contains("integer"),
        "{paths}"
    );

    let eve = world.owner("eve@example.com", "Evil").await;
    eve.get(&format!("{server}/policies/facts")).await.is(404);
    let token = eve.token("/account").await;
    eve.post(
        &format!("{server}/policies/lint"),
        &token,
        &[("document", ONE)],
    )
    .await
    .is(404);
}

#[tokio::test]
async fn a_viewer_looks_tries_and_publishes_nothing() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let server = server(&world, &ada).await;
    let policy = policy(&ada, &server, ONE, "save").await;
    world
        .db
        .admin("update memberships set role = 'viewer'")
        .await;
    let page = ada.get(&policy).await;
    page.is(200);
    assert!(page.text.contains(" readonly"));
    for absent in [
        "value=\"review\"",
        "value=\"save\"",
        "/publish?version=",
        "/rename",
        "/delete\"",
    ] {
        assert!(!page.text.contains(absent), "{absent}");
    }
    let token = page.token().expect("a form");
    let tried = [
        ("document", ONE),
        ("act", "check"),
        ("tab", "try"),
        ("try_tool", "get_logs"),
    ];
    shows(
        ada.post(&policy, &token, &tried).await.is(200),
        &["Allowed:"],
    );
    for act in ["save", "publish", "review"] {
        let fields = [("document", ONE), ("revision", "1"), ("act", act)];
        ada.post(&policy, &token, &fields).await.is(403);
        let new = [("document", ONE), ("name", "X"), ("act", act)];
        ada.post(&format!("{server}/policies/new"), &token, &new)
            .await
            .is(403);
    }
    ada.get(&format!("{policy}/publish?version=1"))
        .await
        .is(403);
    let fields = [("version", "1"), ("revision", "1")];
    ada.post(&format!("{policy}/publish"), &token, &fields)
        .await
        .is(403);
    assert_eq!(versions(&world).await, 1);
    shows(
        &ada.get(&format!("{policy}/versions/1")).await,
        &["get_logs"],
    );
}

#[tokio::test]
async fn a_new_policy_begins_with_a_suggestion_or_empty() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let server = server(&world, &ada).await;
    let path = format!("{server}/policies/new");
    let page = ada.get(&path).await;
    shows(
        page.is(200),
        &[
            "?start=recommended",
            "?start=read_only",
            "?start=locked_down",
            "?start=empty",
        ],
    );
    for start in [
        "recommended",
        "read_only",
        "locked_down",
        "empty",
        "nonsense",
    ] {
        let page = ada.get(&format!("{path}?start={start}")).await;
        page.is(200);
        assert!(!page.text.contains("cannot be saved yet"), "{start}");
        assert!(!page.text.contains("not published yet</strong>"), "{start}");
        let has_tools = page.text.contains("&#34;get_logs&#34;");
        assert_eq!(
            has_tools,
            !["empty", "nonsense"].contains(&start),
            "{start}"
        );
    }
    let bare = ada.add_server("Unknown").await;
    let page = ada.get(&format!("{bare}/policies/new")).await;
    assert!(
        !page.text.contains("?start="),
        "no tools, nothing to suggest"
    );
}
