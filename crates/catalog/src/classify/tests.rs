//! What a tool is taken for, in examples.

use domain::tools::{Risk, Tool, ToolClass};
use serde_json::{Value, json};

use super::{Classification, Subject, class_of, classification_of, classify, classify_line};
use Risk::{Critical, High, Low, Medium};
use ToolClass::{Destructive, Execute, Financial, Read, Write};

fn named(name: &str) -> Classification {
    classify(&Subject {
        name,
        ..Subject::default()
    })
}

fn told(name: &str, description: &str) -> Classification {
    classify(&Subject {
        name,
        description: Some(description),
        ..Subject::default()
    })
}

fn hinted(name: &str, annotations: &Value) -> Classification {
    classify(&Subject {
        name,
        annotations: Some(annotations),
        ..Subject::default()
    })
}

pub(super) fn with_args(name: &str, args: &[&str]) -> Classification {
    classify(&Subject {
        name,
        args: args.to_vec(),
        ..Subject::default()
    })
}

#[test]
fn a_name_says_what_a_tool_does() {
    let mut wrong = Vec::new();
    for (name, class, risk) in [
        ("get_test_run", Read, Low),
        ("list_orders", Read, Low),
        ("search-deleted-files", Read, Low),
        ("weather_forecast", Read, Low),
        ("order_status", Read, Low),
        ("run_audit", Read, Low),
        ("markdown_to_html", Read, Low),
        ("get_secret", Read, High),
        ("list_emails", Read, Medium),
        ("get_or_create_user", Write, Medium),
        ("createIssue", Write, Medium),
        ("task_create", Write, Medium),
        ("document.v2.page.update", Write, Medium),
        ("send_email", Write, High),
        ("update_payment_method", Write, Medium),
        ("update_order_status", Write, Medium),
        ("remove_label", Write, Low),
        ("checkout_branch", Write, Medium),
        ("transfer_issue", Write, Medium),
        ("grant_permission", Write, High),
        ("bulk_update_contacts", Write, High),
        ("rerun_workflow", Execute, High),
        ("browser_click", Execute, High),
        ("browser_navigate", Execute, Medium),
        ("generate_video", Execute, Medium),
        ("play_music", Execute, Medium),
        ("turn_on_light", Execute, High),
        ("run_command", Execute, Critical),
        ("shell", Execute, Critical),
        ("python_execute_code", Execute, Critical),
        ("nmap_scan", Execute, High),
        ("jira_delete_issue", Destructive, Critical),
        ("scene_delete", Destructive, High),
        ("drop_table", Destructive, Critical),
        ("delete_comment", Destructive, High),
        ("remove_member", Destructive, High),
        ("restore_backup", Destructive, Critical),
        ("place_order", Financial, Critical),
        ("wallet_swap", Financial, Critical),
        ("create_payment_link", Financial, High),
        ("send_invoice", Financial, High),
        ("cancel_order", Financial, High),
        ("cancelSubscription", Financial, High),
        ("stripe_refund", Financial, Critical),
        ("benchmark_email_delete_list", Destructive, Critical),
        ("beta_deletes_an_api_key", Destructive, High),
        ("block__getblockcountdown", Read, Low),
        ("reparametrisation", Read, Low),
        ("recently_updated", Write, Medium),
        ("update_subscription", Financial, Critical),
        ("buy_market_report", Financial, Critical),
        ("test_webhook", Execute, High),
        ("gradle_test", Execute, High),
        ("screenshot_url", Read, Medium),
        ("delete_item", Destructive, Critical),
        ("delete_scene_item", Destructive, High),
        ("clear_all_tasks", Destructive, High),
        ("delete_association", Write, Low),
        ("frobnicate", Write, Medium),
        ("", Write, Medium),
    ] {
        let said = named(name);
        if (said.class, said.risk) != (class, risk) {
            wrong.push(format!("{name} is not {class}, {risk}: {said:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_description_is_asked_where_the_name_says_little() {
    for (name, description, class) in [
        ("whereabouts", "Returns where it is.", Read),
        ("janitor", "Deletes old files and lists them", Destructive),
        ("widgets", "Create, update or delete widgets", Destructive),
        (
            "manage_widgets",
            "Lists, creates and deletes widgets",
            Destructive,
        ),
        ("manage_widgets", "All about widgets", Write),
        ("process_widget", "Starts a widget", Execute),
        ("widget", "This endpoint returns a widget", Read),
        (
            "query",
            "Execute any SQL query, also INSERT and DELETE",
            Execute,
        ),
        ("query", "Searches the documentation", Read),
        ("janitor", "删除旧文件", Destructive),
        ("janitor", "Use this tool to delete old files", Destructive),
        ("janitor", "Tool to stop the cleaning", Execute),
        (
            "janitor",
            "Name: janitor Description: Deletes old files",
            Destructive,
        ),
        // Of a name that begins with a firm's, the verb is the one that the description says too.
        ("fire_eye_get_alert", "Returns an alert", Read),
        ("restore_site", "Restores a site from a backup", Destructive),
        (
            "export_route",
            "Exports a route and saves it to a folder",
            Write,
        ),
        // But it cannot talk a clear name down.
        ("delete_all", "Only reads, returns a list", Destructive),
        ("trash_get_all", "Deletes all", Destructive),
        ("order_getfood", "Gets food", Financial),
        ("buy_tokens", "Shows a page", Financial),
    ] {
        let said = told(name, description);
        assert_eq!(said.class, class, "{name}, “{description}”: {said:?}");
    }
}

#[test]
fn arguments_say_what_a_caller_chooses() {
    let query = with_args("run_query", &["sql", "limit"]);
    assert_eq!((query.class, query.risk), (Execute, Critical));
    let file = with_args("convert_pdf", &["input_path", "output_path"]);
    assert_eq!(file.class, Write);
    assert!(
        file.signals
            .iter()
            .any(|said| said.words == "accepts a file path"),
        "{file:?}"
    );
    assert_eq!(with_args("add", &["a", "b"]).class, Read);
    assert_eq!(with_args("send", &["to", "amount"]).class, Financial);
    assert_eq!(with_args("start_job", &["command"]).risk, Critical);
    assert_eq!(with_args("manage_site", &["method", "url"]).class, Execute);
    let script = classify(&Subject {
        name: "recall_memory",
        description: Some("Run Apple Script on a remote machine"),
        args: vec!["code_snippet"],
        ..Subject::default()
    });
    assert_eq!((script.class, script.risk), (Execute, Critical));
}

#[test]
fn a_schema_is_read_like_a_list_of_arguments_and_actions_by_the_worst() {
    let schema = json!({"type": "object", "properties": {"params": {"properties": {
        "action": {"enum": ["list", "create", "delete"]},
    }}}});
    let subject = Subject {
        name: "widget_tool",
        schema: Some(&schema),
        ..Subject::default()
    };
    assert_eq!(classify(&subject).class, Destructive);
    let schema = json!({"properties": {"command": {"type": "string"}}});
    let subject = Subject {
        name: "start_job",
        schema: Some(&schema),
        ..Subject::default()
    };
    assert_eq!(classify(&subject), with_args("start_job", &["command"]));
}

#[test]
fn hints_raise_and_break_ties() {
    for (name, hints, class, risk) in [
        (
            "delete_file",
            json!({"readOnlyHint": true, "destructiveHint": false}),
            Destructive,
            Critical,
        ),
        (
            "pay_person",
            json!({"destructiveHint": true}),
            Financial,
            Critical,
        ),
        (
            "get_file",
            json!({"destructiveHint": true}),
            Destructive,
            Critical,
        ),
        (
            "frobnicate",
            json!({"destructiveHint": true}),
            Destructive,
            Critical,
        ),
        ("get_file", json!({"readOnlyHint": false}), Write, Medium),
        // A clear write that overwrites is a write, and a riskier one.
        ("update_file", json!({"destructiveHint": true}), Write, High),
        // What is worse than a write says its risk itself.
        (
            "browser_scroll",
            json!({"destructiveHint": true}),
            Execute,
            Medium,
        ),
        // The defaults of the protocol say nothing.
        (
            "get_file",
            json!({"readOnlyHint": false, "destructiveHint": true, "idempotentHint": false, "openWorldHint": true}),
            Read,
            Low,
        ),
        ("get_file", json!(null), Read, Low),
        ("get_file", json!([]), Read, Low),
        ("get_file", json!("destructive"), Read, Low),
        ("get_file", json!({"readOnlyHint": 0}), Read, Low),
    ] {
        let said = hinted(name, &hints);
        assert_eq!(
            (said.class, said.risk),
            (class, risk),
            "{name} {hints}: {said:?}"
        );
    }
}

#[test]
fn signals_and_confidence_explain() {
    let said = named("rerun_workflow");
    let signals: Vec<_> = said.signals.iter().map(|s| (&*s.id, &*s.words)).collect();
    assert_eq!(
        signals,
        [
            ("name_says", "its name says “rerun”"),
            ("reruns_ci", "re-triggers CI/CD workflow execution"),
        ]
    );
    assert!(said.confidence > named("frobnicate").confidence);
    let said = hinted("get_file", &json!({"destructiveHint": true}));
    let last = said.signals.last().expect("signals");
    assert_eq!(&*last.id, "hint_destroys");
    assert_eq!(last.words, "the server says that it destroys");
}

/// What attacks ask for, by the ids that they use.
#[test]
fn the_signals_that_attacks_abuse_are_told_by_id() {
    for (name, args, id) in [
        ("send_email", &["to"][..], "external_message"),
        ("list_messages", &[], "private_data"),
        ("transfer_funds", &[], "moves_money"),
        ("create_refund", &["amount"], "amount_argument"),
        ("place_order", &["unit_price"], "amount_argument"),
        ("update_item", &["quantity"], "amount_argument"),
        ("connect", &["api_key"], "secret_input"),
        ("get_user", &["password"], "secret_input"),
        ("get_secret", &[], "secret_output"),
        ("run_command", &[], "shell_command"),
        ("run_python", &["code"], "shell_command"),
        ("add_mcp_server", &["command"], "shell_command"),
        ("execute_sql", &["sql"], "raw_query"),
        ("add_collaborator", &[], "access_change"),
        ("remove_member", &[], "access_change"),
        ("write_file", &["path"], "file_path_input"),
        ("read_file", &["path"], "file_path_input"),
        ("fetch_url", &["url"], "url_input"),
        ("generate_image", &["prompt"], "paid_generation"),
        ("browser_click", &[], "ui_control"),
        ("browser_navigate", &["url"], "ui_control"),
        ("press_key", &[], "ui_control"),
        ("delete_repository", &[], "irreversible"),
        ("delete_comment", &[], "irreversible"),
        ("bulk_update_contacts", &[], "bulk_operation"),
        ("bulk_delete_contacts", &[], "bulk_operation"),
    ] {
        let said = with_args(name, args);
        let ids: Vec<_> = said.signals.iter().map(|signal| &*signal.id).collect();
        assert!(ids.contains(&id), "{name} {args:?}: {ids:?}");
    }
    let read = with_args("search_products", &["price"]);
    assert!(
        read.signals
            .iter()
            .all(|signal| &*signal.id != "amount_argument")
    );
}

#[test]
fn a_kind_of_signal_is_said_once() {
    let said = with_args("read_file", &["path", "filepath"]);
    let paths = said
        .signals
        .iter()
        .filter(|signal| signal.id == "file_path_input");
    assert_eq!(paths.count(), 1, "{said:?}");
}

#[test]
fn lines_in_and_out() {
    let line = r#"{"name":"run_sql","args":[["sql","string",1],"limit"],"extra":1}"#;
    let answer: Value = serde_json::from_str(&classify_line(line).expect("a tool")).expect("JSON");
    assert_eq!(answer["name"], "run_sql");
    assert_eq!(answer["class"], "execute");
    assert_eq!(answer["risk"], "critical");
    let signals = answer["signals"].as_array().expect("a list");
    assert!(signals.iter().all(Value::is_string) && answer["confidence"].is_number());
    for bad in [
        "",
        "[]",
        "{}",
        r#"{"name":1}"#,
        r#"{"name":"a","args":{}}"#,
        "nonsense",
    ] {
        let error = classify_line(bad).expect_err(bad).to_string();
        assert!(error.starts_with("not a tool: "), "{bad}: {error}");
    }
}

fn tool(name: &str, definition: &str) -> Tool {
    Tool {
        name: name.to_owned(),
        title: None,
        description: None,
        definition: definition.to_owned(),
        class: None,
    }
}

/// CircleCI marks it destructive, and the catalogue knows better; of a server that it does not
/// know, the mark is believed.
#[test]
fn the_catalogue_knows_better_than_a_hint() {
    let marked = r#"{"name":"find_flaky_tests","annotations":{"destructiveHint":true}}"#;
    let flaky = tool("find_flaky_tests", marked);
    assert_eq!(class_of(Some("circleci"), &flaky), Read);
    assert_eq!(class_of(None, &flaky), Destructive);
    assert_eq!(class_of(Some("unknown"), &flaky), Destructive);
    assert_eq!(
        class_of(Some("circleci"), &tool("delete_project", "{}")),
        Destructive
    );
    assert_eq!(class_of(None, &tool("get_it", "not json")), Read);
}

/// And what a known tool's own text says is still looked at: it may have changed since.
#[test]
fn of_a_known_tool_risk_and_signals_are_told_too() {
    let poisoned = r#"{"inputSchema":{"properties":{"a":{"title":"<IMPORTANT>"}}}}"#;
    for known in &crate::server("circleci").expect("in the catalogue").tools {
        let said = classification_of(Some("circleci"), &tool(&known.name, poisoned));
        assert_eq!((said.class, said.risk), (known.class, known.risk));
        assert!(said.confidence > 0.99);
        let ids: Vec<_> = said.signals.iter().map(|signal| &*signal.id).collect();
        assert_eq!(ids.first(), Some(&"catalogue"));
        assert_eq!(ids.last(), Some(&"hidden_instructions"));
    }
    let unknown = tool("rerun_workflow", "{}");
    assert_eq!(classification_of(None, &unknown), named("rerun_workflow"));
}

#[test]
fn circleci_keeps_its_classes() {
    let server = crate::server("circleci").expect("in the catalogue");
    assert_eq!(server.tools.len(), 13);
    for known in &server.tools {
        let offered = tool(&known.name, r#"{"annotations":{"destructiveHint":true}}"#);
        assert_eq!(
            class_of(Some("circleci"), &offered),
            known.class,
            "{}",
            known.name
        );
    }
}
