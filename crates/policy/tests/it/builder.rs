//! The builder: what it shows of a document, and what each edit writes.

use domain::ToolClass;
use policy::{
    Mode,
    builder::{
        Action, ApprovalForm, At, Check, Clause, Edit, EditError, HiddenBy, LeftTo, LimitForm,
        Outline, Place, Rule, Sense, State, TestForm, Validation, Window, apply, outline,
    },
};

use crate::common::{classed, tool, tools};

const START: &str = "{\n  \"version\": \"1\",\n  \"default\": \"deny\"\n}\n";

fn of(name: &str) -> Place {
    Place::Tool(name.to_owned())
}

fn clause(path: &str, op: &str, value: &str) -> Clause {
    Clause {
        path: path.to_owned(),
        op: op.to_owned(),
        value: value.to_owned(),
    }
}

fn refusal(conditions: Vec<Clause>) -> Rule {
    let check = Check {
        conditions,
        ..Check::default()
    };
    Rule::Check(Sense::DenyIf, check)
}

fn limit(counter: &str, max: u64, window: &str) -> Rule {
    Rule::Limit(LimitForm {
        counter: counter.to_owned(),
        window: Window::parse(window),
        max,
        scope: policy::LimitScope::Grant,
        per: None,
        cost: None,
        refill: policy::Refill::Sliding,
        on_deny: None,
        mode: Mode::Enforce,
    })
}

fn edited(text: &str, edit: &Edit) -> String {
    apply(text, edit).unwrap_or_else(|error| panic!("{edit:?}: {error}\n{text}"))
}

fn shown(text: &str, inventory: &[&str]) -> Outline {
    outline(text, Some(&tools(inventory))).expect("JSON")
}

fn states(outline: &Outline) -> Vec<(&str, &State)> {
    let rows = outline.tools.iter();
    rows.map(|row| (row.name.as_str(), &row.state)).collect()
}

#[test]
fn a_limit_goes_into_an_empty_policy_and_is_changed_in_place() {
    let text = edited(
        START,
        &Edit::Add(of("rerun_workflow"), limit("rerun_rate", 10, "minute")),
    );
    let expected = r#"{
  "version": "1",
  "default": "deny",
  "tools": {
    "rerun_workflow": {
      "limits": [{ "counter": "rerun_rate", "window": "minute", "max": 10 }]
    }
  }
}
"#;
    assert_eq!(text, expected);
    let at = At::pointer("/tools/rerun_workflow/limits/0");
    let again = edited(&text, &Edit::Replace(at, limit("rerun_rate", 20, "minute")));
    assert_eq!(again, text.replace("10", "20"));
}

#[test]
fn the_rest_of_the_text_stays_as_it_was_written() {
    let text = "{ \"version\":\"1\",   \"default\":\"deny\", \"tools\": { \"a\": {} ,\t\"b\":{\"action\":\"deny\", \"reason\":\"no\"} } }";
    let denied = edited(text, &Edit::Set(of("c"), Action::Deny));
    let denied = edited(
        &denied,
        &Edit::Reason(of("c"), Some("Not \"here\"".to_owned())),
    );
    let expected = text.replace(
        "\"no\"} }",
        "\"no\"}, \"c\": { \"action\": \"deny\", \"reason\": \"Not \\\"here\\\"\" } }",
    );
    assert_eq!(denied, expected);
    let allowed = edited(text, &Edit::Set(of("b"), Action::Allow));
    assert_eq!(
        allowed,
        text.replace("\"action\":\"deny\", \"reason\":\"no\"", "")
    );
}

#[test]
fn a_changed_rule_keeps_the_members_that_did_not_change() {
    let text = r#"{ "version": "1", "default": "deny", "tools": { "a": { "deny_if": [
        {"mode" : "enforce","conditions":[ {"op":"gt","path":"args.n","value":1.50e1},
           {"path":"args.b","op":"eq","value":"main"} ],  "on_deny":"no"}, { "conditions": [] } ] } } }"#;
    let rule = refusal(vec![
        clause("args.n", "gt", "1.50e1"),
        clause("args.b", "eq", "\"dev\""),
        clause("args.c", "exists", "true"),
    ]);
    let Rule::Check(sense, check) = rule else {
        unreachable!("it is a check")
    };
    let check = Check {
        on_deny: Some("no".to_owned()),
        ..check
    };
    let at = At::pointer("/tools/a/deny_if/0");
    let found = edited(text, &Edit::Replace(at, Rule::Check(sense, check)));
    let expected = text.replace(
        "\"value\":\"main\"} ]",
        "\"value\":\"dev\"},\n           { \"path\": \"args.c\", \"op\": \"exists\", \"value\": true } ]",
    );
    // The first stands on the line of its bracket, so the new one goes behind the last.
    assert_eq!(
        found.split_whitespace().collect::<String>(),
        expected.split_whitespace().collect::<String>()
    );
    assert!(
        found.contains("{\"op\":\"gt\",\"path\":\"args.n\",\"value\":1.50e1}"),
        "{found}"
    );
    assert!(found.contains("{\"mode\" : \"enforce\","), "{found}");
}

#[test]
fn every_state_can_be_set_and_is_shown() {
    let set = |action| Edit::Set(of("x"), action);
    for (edit, state) in [
        (set(Action::Allow), State::Allow),
        (set(Action::Deny), State::Deny),
        (set(Action::Approval), State::Approval),
        (Edit::Hide("x".to_owned()), State::Hide),
        (Edit::Add(of("x"), limit("c", 1, "60")), State::Custom),
    ] {
        let text = edited(START, &edit);
        assert!(policy::check(&text, None).valid, "{text}");
        assert_eq!(states(&shown(&text, &["x"])), [("x", &state)], "{text}");
        assert_eq!(
            edited(&text, &edit).matches("\"x\"").count(),
            1,
            "twice is once: {text}"
        );
        // And from every state to every other.
        for (next, expected) in [
            (set(Action::Deny), State::Deny),
            (
                Edit::RemoveEntry(of("x")),
                State::Left {
                    to: LeftTo::Default,
                    allowed: false,
                },
            ),
        ] {
            let text = edited(&text, &next);
            assert_eq!(states(&shown(&text, &["x"])), [("x", &expected)], "{text}");
        }
    }
}

#[test]
fn allowing_what_was_refused_loosens_nothing_else() {
    let held = edited(START, &Edit::Set(of("x"), Action::Approval));
    let held = edited(&held, &Edit::Add(of("x"), limit("c", 1, "60")));
    let denied = edited(&held, &Edit::Set(of("x"), Action::Deny));
    assert_eq!(edited(&denied, &Edit::Set(of("x"), Action::Allow)), held);
    assert_eq!(
        edited(&held, &Edit::Set(of("x"), Action::Allow)),
        held,
        "a rule among rules"
    );
    let asked = ApprovalForm {
        when: Some(vec![clause("args.a", "gt", "1")]),
        ..ApprovalForm::default()
    };
    let some = edited(START, &Edit::Add(of("x"), Rule::Approval(asked)));
    assert_eq!(edited(&some, &Edit::Set(of("x"), Action::Allow)), some);
    let all = apply(&some, &Edit::Set(of("x"), Action::Approval));
    assert!(matches!(all, Err(EditError::Impossible(_))), "{all:?}");
}

#[test]
fn a_glob_in_hide_has_to_go_first() {
    let text = edited(START, &Edit::Hide("get_*".to_owned()));
    let row = &shown(&text, &["get_a"]).tools[0];
    assert_eq!(row.hidden_by, Some(HiddenBy::Glob("get_*".to_owned())));
    let allowed = apply(&text, &Edit::Set(of("get_a"), Action::Allow));
    assert_eq!(allowed, Err(EditError::Hidden("get_*".to_owned())));
    assert_eq!(shown(&text, &["get_a"]).hidden, ["get_*"]);
    let open = edited(&text, &Edit::Unhide("get_*".to_owned()));
    assert_eq!(open, START);
}

#[test]
fn what_was_shown_is_what_is_edited() {
    let text = edited(START, &Edit::Add(of("x"), limit("a", 1, "60")));
    let text = edited(&text, &Edit::Add(of("x"), limit("b", 2, "hour")));
    let rules = shown(&text, &["x"]).tools[0].rules.clone();
    let at = |index: usize| At {
        pointer: rules[index].pointer.clone(),
        mark: Some(rules[index].mark.clone()),
    };
    let one = edited(&text, &Edit::Remove(at(0)));
    assert!(one.contains("\"b\"") && !one.contains("\"a\""), "{one}");
    // The other is at the first's place now.
    assert_eq!(apply(&one, &Edit::Remove(at(0))), Err(EditError::Changed));
    assert_eq!(
        apply(&one, &Edit::Mode(at(1), Mode::Shadow)),
        Err(EditError::Changed)
    );
    let moved = edited(
        &text,
        &Edit::Move {
            at: at(1),
            up: true,
        },
    );
    assert_eq!(
        edited(
            &moved,
            &Edit::Move {
                at: At::pointer("/tools/x/limits/0"),
                up: false
            }
        ),
        text
    );
    let end = apply(
        &text,
        &Edit::Move {
            at: at(0),
            up: true,
        },
    );
    assert!(matches!(end, Err(EditError::Impossible(_))));
}

#[test]
fn a_rule_is_promoted_and_put_back() {
    let text = edited(START, &Edit::Add(of("x"), refusal(Vec::new())));
    let at = || At::pointer("/tools/x/deny_if/0");
    let shadow = edited(&text, &Edit::Mode(at(), Mode::Shadow));
    assert!(
        shadow.contains("{ \"conditions\": [], \"mode\": \"shadow\" }"),
        "{shadow}"
    );
    assert_eq!(
        shown(&shadow, &["x"]).tools[0].rules[0].mode,
        Some(Mode::Shadow)
    );
    assert_eq!(edited(&shadow, &Edit::Mode(at(), Mode::Enforce)), text);
    let valid = edited(
        &text,
        &Edit::Add(of("x"), Rule::Validate(Validation::Schema)),
    );
    let none = apply(
        &valid,
        &Edit::Mode(At::pointer("/tools/x/validate"), Mode::Shadow),
    );
    assert!(matches!(none, Err(EditError::Impossible(_))));
}

#[test]
fn rules_are_sentences() {
    let text = r#"{ "version": "1", "default": "deny", "tools": { "x": {
        "validate": {"required_args": true},
        "require": [{ "conditions": [
            { "path": "args.params.id", "op": "regex", "value": "^[0-9a-f-]{36}$" },
            { "path": "args.n", "op": "in", "value": [1, "1", "a", "b", "c", "d"] }] }],
        "deny_if": [{ "conditions": [{ "path": "args.params.branch", "op": "eq", "value": "main" }],
                      "missing": "pass", "on_deny": "Not on main." },
                    { "conditions": [{ "path": "args.x", "op": "exists", "value": false }] }],
        "approval": { "when": [{ "path": "args.n", "op": "gt", "value": 5 }], "timeout": "30m",
                      "quorum": 2, "four_eyes": true, "approvers": "admin" },
        "concurrent": { "max": 3, "scope": "server" },
        "limits": [{ "counter": "a", "window": "minute", "max": 10 },
                   { "counter": "b", "window": 7200, "max": 500, "scope": "org", "per": "args.team",
                     "cost": "args.amount", "refill": "calendar" }],
        "rate_limit": { "max": 5, "window": "day" },
        "max_result_bytes": 65536 } } }"#;
    let outline = shown(text, &["x"]);
    let row = &outline.tools[0];
    let sentences: Vec<_> = row
        .rules
        .iter()
        .map(|rule| rule.sentence.as_str())
        .collect();
    assert_eq!(
        sentences,
        [
            "require every argument that the tool's schema requires",
            "require that `args.params.id` matches `^[0-9a-f-]{36}$` and `args.n` is one of `1`, \
             `\"1\"`, `a`, `b` and 2 more",
            "refuse if `args.params.branch` is `main`; where it is missing the call passes",
            "refuse if `args.x` is absent",
            "hold for approval if `args.n` is above `5` by an admin, by 2 people, never by whoever \
             is behind the grant, for at most 30m",
            "at most 3 at once for the whole server",
            "at most 10 a minute for each grant",
            "at most 500 of `args.amount` in 2 hours for the whole organisation and each value of \
             `args.team`, coming back all at once with the calendar",
            "at most 5 a day for each grant",
            "replace results over 64 KiB",
        ]
    );
    assert_eq!(row.state, State::Custom);
    assert_eq!(row.rules[2].told.as_deref(), Some("Not on main."));
    assert_eq!(row.rules[3].listed, Some((1, 2)));
    assert_eq!((row.rules[2].line, outline.kept.len()), (6, 0));
    assert!(row.rules.iter().all(|rule| rule.rule.is_some()));
}

#[test]
fn rows_say_what_decides_for_them() {
    let inventory = [
        classed("get_a", ToolClass::Read),
        classed("get_b", ToolClass::Read),
        classed("drop", ToolClass::Destructive),
        tool("odd"),
        classed("put", ToolClass::Write),
    ];
    let text = r#"{ "version": "1", "default": "allow",
        "classes": { "destructive": { "action": "deny" }, "read": {} },
        "tools": { "get_a": {}, "get_*": { "action": "deny" }, "gone": {} } }"#;
    let outline = outline(text, Some(&inventory)).expect("JSON");
    let left = |to, allowed| State::Left { to, allowed };
    let states: Vec<_> = outline
        .tools
        .iter()
        .map(|row| (row.name.as_str(), row.state.clone()))
        .collect();
    assert_eq!(
        states,
        [
            ("get_a", State::Allow),
            ("get_b", left(LeftTo::Glob("get_*".to_owned()), false)),
            ("drop", left(LeftTo::Class(ToolClass::Destructive), false)),
            ("odd", left(LeftTo::EveryClass, false)),
            ("put", left(LeftTo::Default, true)),
            ("get_*", State::Deny),
            ("gone", State::Allow),
        ]
    );
    let counts: Vec<_> = outline
        .tools
        .iter()
        .map(|row| (row.in_inventory, row.tools))
        .collect();
    assert_eq!(counts[5..], [(false, 1), (false, 0)]);
    let classes: Vec<_> = outline
        .classes
        .iter()
        .map(|row| (row.written, row.tools))
        .collect();
    assert_eq!(
        classes,
        [(true, 1), (false, 2), (false, 1), (true, 2), (false, 1)]
    );
    assert_eq!(outline.all_tools.tools, 5);
}

#[test]
fn what_has_no_form_is_kept_and_said() {
    let text = r#"{ "version": 2, "toools": {}, "default": "deny", "hide": ["a", 1],
  "classes": { "odd": {}, "read": 1 },
  "tools": { "x": { "action": "dney", "deny_if": [{ "conditions": 1 },
      { "conditions": [{ "path": "args.a", "op": "is", "value": 1 }] }], "rate": 1,
    "limits": [{ "counter": "c", "window": "minute", "max": "ten" }] } },
  "tests": [{ "name": "t" }] }"#;
    let outline = shown(text, &["x"]);
    let kept: Vec<_> = outline
        .kept
        .iter()
        .map(|kept| (kept.line, kept.pointer.as_str()))
        .collect();
    assert_eq!(
        kept,
        [
            (1, "/version"),
            (1, "/toools"),
            (1, "/hide/1"),
            (2, "/classes/odd"),
            (2, "/classes/read"),
            (3, "/tools/x/action"),
            (3, "/tools/x/deny_if/0"),
            (4, "/tools/x/deny_if/1"),
            (4, "/tools/x/rate"),
            (5, "/tools/x/limits/0"),
            (6, "/tests/0"),
        ]
    );
    let row = &outline.tools[0];
    assert_eq!(row.state, State::Unclear);
    assert!(row.rules.iter().all(|rule| rule.rule.is_none()));
    // And an edit elsewhere leaves it there.
    let edit = Edit::Set(of("y"), Action::Deny);
    let added = edited(text, &edit);
    assert_eq!(edited(&added, &Edit::RemoveEntry(of("y"))), text);
}

#[test]
fn the_builder_waits_for_what_is_no_json() {
    let broken = "{\n  \"version\": }";
    let error = outline(broken, None).expect_err("not JSON");
    assert!(error.to_string().contains("line 2, column 14"), "{error}");
    assert_eq!(apply(broken, &Edit::Default { allow: true }), Err(error));
    assert!(
        outline("{\"tools\":{\"a\":{},\"a\":{}}}", None).is_err(),
        "which of them?"
    );
    let long = format!("\"{}\"", "x".repeat(256 * 1024));
    assert_eq!(outline(&long, None), Err(EditError::TooLarge));
    for text in [
        "[]",
        "1",
        "{\"tools\": []}",
        "{\"tools\": {\"a\": 1}}",
        "{\"hide\": 1}",
    ] {
        assert!(outline(text, None).is_ok(), "{text}");
        let hide = apply(text, &Edit::Hide("a".to_owned()));
        let allow = apply(text, &Edit::Set(of("a"), Action::Deny));
        assert!(hide.is_err() || allow.is_err(), "{text}");
    }
}

#[test]
fn tests_are_added_changed_and_removed() {
    let test = TestForm {
        name: "the eleventh is refused".to_owned(),
        tool: "x".to_owned(),
        args: Some("{ \"a\": 1.50 }".to_owned()),
        repeat: Some(11),
        expect: "deny".to_owned(),
        labels: vec![("team".to_owned(), "ci".to_owned())],
        rule: Some("/tools/x/limits/c".to_owned()),
        ..TestForm::default()
    };
    let text = edited(START, &Edit::AddTest(test.clone()));
    let outline = shown(&text, &[]);
    assert_eq!(outline.tests[0].test.as_ref(), Some(&test));
    assert_eq!(
        outline.tests[0].sentence,
        "`x` called 11 times at once is refused by `/tools/x/limits/c`"
    );
    let at = || At::pointer("/tests/0");
    assert_eq!(edited(&text, &Edit::ReplaceTest(at(), test.clone())), text);
    let other = TestForm {
        repeat: None,
        expect: "allow".to_owned(),
        ..test
    };
    let changed = edited(&text, &Edit::ReplaceTest(at(), other));
    assert!(!changed.contains("repeat") && changed.contains("\"expect\": \"allow\""));
    assert_eq!(edited(&changed, &Edit::Remove(at())), START);
}

#[test]
fn an_edit_goes_nowhere_but_to_rules_and_tests() {
    let text = edited(START, &Edit::Add(of("x"), refusal(Vec::new())));
    for pointer in [
        "",
        "/version",
        "/default",
        "/tools",
        "/tools/x",
        "/tools/y/deny_if/0",
        "x",
        "/tools/x/deny_if/1",
        "/tools/x/deny_if/-1",
        "/tests/0",
    ] {
        let at = || At::pointer(pointer);
        for edit in [
            Edit::Remove(at()),
            Edit::Replace(at(), refusal(Vec::new())),
            Edit::Mode(at(), Mode::Shadow),
            Edit::Move { at: at(), up: true },
            Edit::ReplaceTest(at(), TestForm::default()),
        ] {
            assert!(apply(&text, &edit).is_err(), "{edit:?}");
        }
    }
    let other = apply(
        &text,
        &Edit::Replace(At::pointer("/tools/x/deny_if/0"), limit("c", 1, "60")),
    );
    assert_eq!(other, Err(EditError::Changed), "a rule of another kind");
}

/// Two hundred tools and as many globs are shown without looking at each pair again and again.
#[test]
fn a_large_document_is_shown_at_once() {
    let names: Vec<String> = (0..2000).map(|n| format!("tool_{n}")).collect();
    let inventory: Vec<_> = names.iter().map(|name| tool(name)).collect();
    let entries: Vec<String> = (0..2000).map(|n| format!("\"t*_{n}*\":{{}}")).collect();
    let hide: Vec<String> = (0..2000).map(|n| format!("\"h*{n}*\"")).collect();
    let text = format!(
        "{{\"version\":\"1\",\"default\":\"deny\",\"tools\":{{{}}},\"hide\":[{}]}}",
        entries.join(","),
        hide.join(",")
    );
    let began = std::time::Instant::now();
    let outline = outline(&text, Some(&inventory)).expect("JSON");
    assert_eq!(outline.tools.len(), 4000);
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}
