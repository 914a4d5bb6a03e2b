//! The builder's buttons: each edits the text that was sent, and stores nothing.

use crate::{
    browser::{Answer, Browser, World},
    editor::{policy, server, shows, versions},
};

const START: &str = "{\n  \"version\": \"1\",\n  \"default\": \"deny\"\n}";

/// The document in the answer's editor.
fn text(answer: &Answer) -> String {
    let area = answer.text.split("name=\"document\"").nth(1);
    let area = area.and_then(|rest| rest.split_once(">\n"));
    let (area, _) = area
        .and_then(|(_, rest)| rest.split_once("</textarea>"))
        .expect("the editor");
    let marks = [
        ("&#34;", "\""),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#60;", "<"),
        ("&#62;", ">"),
    ];
    let read = marks
        .iter()
        .fold(area.to_owned(), |text, (mark, c)| text.replace(mark, c));
    read.replace("&#38;", "&").replace("&amp;", "&")
}

/// What a button of the answer sends: the first `act` that begins so.
fn button(answer: &Answer, act: &str) -> String {
    let found = answer.text.split(&format!("value=\"build:{act}")).nth(1);
    let rest = found.unwrap_or_else(|| panic!("no button {act} in {}", answer.text));
    format!("build:{act}{}", rest.split('"').next().unwrap_or_default())
}

struct Page<'b, 'w> {
    ada: &'b Browser<'w>,
    path: String,
    token: String,
}

impl Page<'_, '_> {
    async fn press(&self, document: &str, act: &str, fields: &[(&str, &str)]) -> Answer {
        let mut all = vec![("document", document), ("act", act)];
        all.extend_from_slice(fields);
        self.ada.post(&self.path, &self.token, &all).await
    }
}

async fn page<'b, 'w>(world: &World, ada: &'b Browser<'w>) -> Page<'b, 'w> {
    let path = format!("{}/policies/new", server(world, ada).await);
    let token = ada.token(&path).await;
    Page { ada, path, token }
}

#[tokio::test]
async fn rows_forms_and_rules_come_and_go_in_the_text() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let page = page(&world, &ada).await;

    let fresh = ada.get(&page.path).await;
    shows(
        &fresh,
        &[
            "Builder",
            "rerun_workflow",
            "build:allow /tools/rerun_workflow",
        ],
    );

    let open = page
        .press(START, "build:open /tools/rerun_workflow", &[])
        .await;
    open.is(200);
    assert_eq!(text(&open), START, "unfolding edits nothing");
    shows(
        &open,
        &[
            "aria-expanded=\"true\"",
            "build:new deny_if /tools/rerun_workflow",
            "cannot be published yet",
        ],
    );

    // The form offers what the tool's schema has.
    let form = page
        .press(START, "build:new deny_if /tools/rerun_workflow", &[])
        .await;
    shows(
        &form,
        &[
            "New refusal",
            "<option value=\"args.params.branch\">string",
            "r.c0.path",
        ],
    );

    let fields = [
        ("b.open", "/tools/rerun_workflow"),
        ("b.form", "deny_if /tools/rerun_workflow"),
        ("b.mark", ""),
        ("r.rows", "2"),
        ("r.c0.path", "args.params.branch"),
        ("r.c0.op", "in"),
        ("r.c0.value", "main\r\nrelease"),
        ("r.c1.path", "args.params.count"),
        ("r.c1.op", "absent"),
        ("r.c1.value", ""),
        ("r.on_deny", "Not on <main>."),
        ("r.mode", "enforce"),
    ];
    let written = page.press(START, "build:write", &fields).await;
    written.is(200);
    let document = text(&written);
    let value: serde_json::Value = serde_json::from_str(&document).expect("JSON");
    assert_eq!(
        value.pointer("/tools/rerun_workflow/deny_if"),
        Some(&serde_json::json!([{ "conditions": [
            { "path": "args.params.branch", "op": "in", "value": ["main", "release"] },
            { "path": "args.params.count", "op": "exists", "value": false }],
            "on_deny": "Not on <main>." }]))
    );
    shows(
        &written,
        &[
            "Refuse if <code>args.params.branch</code> is one of <code>main</code>, <code>release</code>",
            "Not on &lt;main&gt;.",
            "In the editor now, not saved",
        ],
    );

    let open = [("b.open", "/tools/rerun_workflow")];
    let shadow = page
        .press(&document, &button(&written, "shadow "), &open)
        .await;
    shows(&shadow, &["shadow: only recorded"]);
    assert!(text(&shadow).contains("\"mode\": \"shadow\""));
    let back = page
        .press(&text(&shadow), &button(&shadow, "enforce "), &open)
        .await;
    assert_eq!(text(&back), document);

    // The form of a rule sends back the rule.
    let edit = page
        .press(&document, &button(&written, "edit "), &open)
        .await;
    shows(
        &edit,
        &[
            "Edit this refusal",
            "main\nrelease",
            "value=\"absent\" selected",
        ],
    );
    let gone = page
        .press(&document, &button(&written, "remove "), &open)
        .await;
    assert!(!text(&gone).contains("deny_if"));
    assert_eq!(versions(&world).await, 0, "nothing was stored");
}

#[tokio::test]
async fn states_classes_patterns_default_and_tests() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let page = page(&world, &ada).await;
    let mut document = START.to_owned();
    for (act, fields, expected) in [
        ("build:default allow", vec![], "\"default\": \"allow\""),
        (
            "build:deny /tools/delete_run",
            vec![],
            "\"action\": \"deny\"",
        ),
        (
            "build:reason /tools/delete_run",
            vec![("b.reason", "By people.")],
            "\"reason\": \"By people.\"",
        ),
        (
            "build:hide /tools/get_logs",
            vec![],
            "\"hide\": [\"get_logs\"]",
        ),
        (
            "build:pattern",
            vec![("b.pattern", "*_secret")],
            "[\"get_logs\", \"*_secret\"]",
        ),
        (
            "build:unhide /tools/get_logs",
            vec![],
            "\"hide\": [\"*_secret\"]",
        ),
        (
            "build:approval /classes/execute",
            vec![],
            "\"approval\": {}",
        ),
        ("build:entry", vec![("b.name", "get_*")], "\"get_*\": {}"),
        (
            "build:describe",
            vec![("b.description", "CI agents")],
            "\"description\": \"CI agents\"",
        ),
    ] {
        let answer = page.press(&document, act, &fields).await;
        answer.is(200);
        document = text(&answer);
        assert!(document.contains(expected), "{act}: {document}");
    }
    let fields = [
        ("b.form", "limits /all_tools"),
        ("r.max", "500"),
        ("r.window", "hour"),
    ];
    let answer = page.press(&document, "build:write", &fields).await;
    answer.is(200);
    document = text(&answer);
    assert!(
        document.contains("{ \"counter\": \"calls\", \"window\": \"hour\", \"max\": 500 }"),
        "{document}"
    );
    let fields = [
        ("b.form", "tests "),
        ("r.name", "deletes are done by people"),
        ("r.tool", "delete_run"),
        ("r.args", "{ \"id\": 1.0 }"),
        ("r.expect", "deny"),
        ("r.labels", "team=ci"),
    ];
    let answer = page.press(&document, "build:write", &fields).await;
    answer.is(200);
    shows(
        &answer,
        &[
            "deletes are done by people",
            "<code>delete_run</code> is refused",
        ],
    );
    let value: serde_json::Value = serde_json::from_str(&text(&answer)).expect("JSON");
    assert_eq!(value["tests"][0]["grant"]["labels"]["team"], "ci");
    assert!(
        policy::check(&text(&answer), None).valid,
        "{}",
        text(&answer)
    );
}

#[tokio::test]
async fn bad_input_stays_in_the_form_and_out_of_the_text() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let page = page(&world, &ada).await;
    let check = "deny_if /tools/x";
    let limit = "limits /tools/x";
    for (form, fields, said) in [
        (
            check,
            vec![
                ("r.c0.path", "arguments.a"),
                ("r.c0.op", "eq"),
                ("r.c0.value", "1"),
            ],
            "nearest: args.a",
        ),
        (
            check,
            vec![
                ("r.c0.path", "args.a"),
                ("r.c0.op", "eq"),
                ("r.c0.value", " "),
            ],
            "The value is missing",
        ),
        (
            check,
            vec![("r.c0.path", ""), ("r.c0.op", "eq"), ("r.c0.value", "1")],
            "The path is missing",
        ),
        (
            check,
            vec![
                ("r.c0.path", "args.a"),
                ("r.c0.op", "lt"),
                ("r.c0.value", "ten"),
            ],
            "must be a number",
        ),
        (
            check,
            vec![
                ("r.c0.path", "args.a"),
                ("r.c0.op", "regex"),
                ("r.c0.value", "("),
            ],
            "The value is not right",
        ),
        (
            check,
            vec![
                ("r.c0.path", "args.a"),
                ("r.c0.op", "like"),
                ("r.c0.value", "("),
            ],
            "The op is missing",
        ),
        (
            limit,
            vec![("r.max", "-1"), ("r.window", "minute")],
            "must be a whole number",
        ),
        (
            limit,
            vec![("r.max", "1"), ("r.window", "fortnight")],
            "is not right",
        ),
        (
            limit,
            vec![("r.max", "1"), ("r.window", "minute"), ("r.counter", "a b")],
            "Counter is not right",
        ),
        (
            "max_result_bytes /tools/x",
            vec![("r.bytes", "99999999")],
            "must be a whole number",
        ),
        (
            "approval /tools/x",
            vec![("r.timeout", "soon")],
            "Waits at most is not right",
        ),
        (
            "tests ",
            vec![
                ("r.name", "n"),
                ("r.tool", "x"),
                ("r.expect", "deny"),
                ("r.args", "[1]"),
            ],
            "must be a JSON object",
        ),
        (
            "tests ",
            vec![
                ("r.name", "n"),
                ("r.tool", "x"),
                ("r.expect", "deny"),
                ("r.at", "noon"),
            ],
            "RFC 3339",
        ),
        (
            "tests ",
            vec![
                ("r.name", "n"),
                ("r.tool", "x"),
                ("r.expect", "deny"),
                ("r.labels", "ci"),
            ],
            "key=value",
        ),
    ] {
        let mut all = vec![("b.open", "/tools/x"), ("b.form", form)];
        all.extend(fields.clone());
        let document = START.replace("\"deny\"", "\"deny\",\n  \"tools\": { \"x\": {} }");
        let answer = page.press(&document, "build:write", &all).await;
        answer.is(422);
        shows(&answer, &[said, "id=\"rule-form\""]);
        assert_eq!(text(&answer), document);
        for (_, typed) in fields
            .into_iter()
            .filter(|(_, typed)| typed.trim().len() > 2)
        {
            assert!(
                answer.text.contains(&typed.replace('"', "&#34;")),
                "{typed} is still there"
            );
        }
    }
    for (act, fields, said) in [
        ("build:entry", vec![("b.name", "")], "The name is missing"),
        (
            "build:entry",
            vec![("b.name", "a b")],
            "The name is not right",
        ),
        (
            "build:pattern",
            vec![("b.pattern", "a**")],
            "The name is not right",
        ),
        ("build:write", vec![], "The form is not open any more"),
        (
            "build:allow /elsewhere",
            vec![],
            "The text has changed there",
        ),
        (
            "build:remove 0 /tools/x/limits/0",
            vec![],
            "The text has changed there",
        ),
        (
            "build:edit /tools/x/limits/0",
            vec![],
            "This rule has no form",
        ),
        ("build:explode", vec![], "There is no such button"),
        ("build:", vec![], "There is no such button"),
        (
            "build:drop 99999999999999999999",
            vec![
                ("b.open", "/tools/get_logs"),
                ("b.form", "deny_if /tools/get_logs"),
            ],
            "New refusal",
        ),
    ] {
        let answer = page.press(START, act, &fields).await;
        assert!(
            answer.status.is_client_error() || answer.status.is_success(),
            "{act}"
        );
        shows(&answer, &[said]);
        assert_eq!(text(&answer), START, "{act}");
    }
}

#[tokio::test]
async fn a_text_that_is_no_json_makes_the_builder_wait() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let page = page(&world, &ada).await;
    let broken = "{\n  \"version\": \"1\",\n  \"default\": }";
    let answer = page
        .press(broken, "check", &[("b.open", "/tools/get_logs")])
        .await;
    shows(
        &answer,
        &[
            "The builder waits",
            "line 3, column 14",
            "value=\"/tools/get_logs\"",
        ],
    );
    let answer = page.press(broken, "build:deny /tools/get_logs", &[]).await;
    answer.is(422);
    assert_eq!(text(&answer), broken);
    // With faults it goes on, and says them at their row.
    let faulty = START.replace(
        "\"deny\"",
        "\"deny\",\n  \"tools\": { \"get_logs\": { \"rate\": 1, \"limits\": [{}] } }",
    );
    let answer = page.press(&faulty, "build:open /tools/get_logs", &[]).await;
    shows(
        &answer,
        &[
            "4 faults",
            "Kept as written",
            "<code>rate</code> is no field of the language",
            "data-jump=\"4\"",
        ],
    );
    let denied = page
        .press(&faulty, "build:deny /tools/delete_run", &[])
        .await;
    denied.is(200);
    assert!(text(&denied).contains("\"rate\": 1, \"limits\": [{}]"));
}

#[tokio::test]
async fn a_rule_that_moved_is_not_taken_for_another() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let page = page(&world, &ada).await;
    let with = |checks: &str| {
        START.replace(
            "\"deny\"",
            &format!("\"deny\",\n  \"tools\": {{ \"get_logs\": {{ \"deny_if\": [{checks}] }} }}"),
        )
    };
    let one = "{ \"conditions\": [] }";
    let two = "{ \"conditions\": [], \"on_deny\": \"No.\" }";
    let open = [("b.open", "/tools/get_logs")];
    let shown = page
        .press(&with(&format!("{one}, {two}")), "check", &open)
        .await;
    let remove = button(&shown, "remove ");
    // Meanwhile someone took the first one out by hand.
    let answer = page.press(&with(two), &remove, &open).await;
    answer.is(422);
    shows(&answer, &["The text has changed there since it was shown"]);
    assert_eq!(text(&answer), with(two));
}

#[tokio::test]
async fn who_may_not_edit_reads_it_and_a_stranger_sends_nothing() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let server = server(&world, &ada).await;
    let document = START.replace(
        "\"deny\"",
        "\"deny\",\n  \"tools\": { \"get_logs\": { \"deny_if\": [{ \"conditions\": [] }] } }",
    );
    let path = policy(&ada, &server, &document, "save").await;
    ada.post(
        &path,
        "wrong",
        &[("document", "{}"), ("act", "build:default allow")],
    )
    .await
    .is(403);
    world
        .db
        .admin("update memberships set role = 'viewer'")
        .await;
    let token = ada.token("/account").await;
    let shown = ada.get(&path).await;
    shows(
        &shown,
        &["Builder", "What the text says", "chip-limited\">custom"],
    );
    for act in ["allow ", "deny ", "default ", "entry", "new ", "remove "] {
        assert!(!shown.text.contains(&format!("build:{act}")), "{act}");
    }
    let open = [
        ("document", document.as_str()),
        ("act", "build:open /tools/get_logs"),
    ];
    let unfolded = ada.post(&path, &token, &open).await;
    shows(&unfolded, &["Refuse every call"]);
    assert!(!unfolded.text.contains("build:remove"));
    for act in [
        "build:allow /tools/get_logs",
        "build:default allow",
        "build:write",
        "build:new limits /tools/get_logs",
    ] {
        let fields = [("document", document.as_str()), ("act", act)];
        ada.post(&path, &token, &fields).await.is(403);
    }
}

/// Two hundred tools stay a page that a browser takes at once.
#[tokio::test]
async fn many_tools_are_rows_and_are_found() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let page = page(&world, &ada).await;
    let entries: Vec<String> = (0..300).map(|n| format!("\"tool_{n}\": {{}}")).collect();
    let document = START.replace(
        "\"deny\"",
        &format!("\"deny\",\n  \"tools\": {{ {} }}", entries.join(", ")),
    );
    let answer = page.press(&document, "check", &[]).await;
    shows(&answer, &["53 more are not shown"]);
    assert!(answer.text.len() < 900 * 1024, "{}", answer.text.len());
    let found = page
        .press(&document, "build:find", &[("b.q", "TOOL_299")])
        .await;
    shows(&found, &["build:allow /tools/tool_299"]);
    assert!(!found.text.contains("build:allow /tools/tool_298"));
}
