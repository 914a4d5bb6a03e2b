//! What holds of every edit of every document.

use json::Document;
use policy::{
    LimitScope, Mode, Refill,
    builder::{
        Action, At, Check, Clause, ConcurrentForm, Edit, Entry, LimitForm, Outline, Place, Rule,
        Sense, Shown, State, TestForm, Validation, Window, apply, outline,
    },
    check,
};
use proptest::prelude::*;

use crate::common::{BOUNDS, tools};

const NAMES: [&str; 5] = ["get_a", "run", "a/b~c", "get_*", "x"];

/// How the items of a container are put on lines.
#[derive(Debug, Clone, Copy)]
struct Style {
    open: &'static str,
    between: &'static str,
    close: &'static str,
    colon: &'static str,
}

const STYLES: [Style; 5] = [
    Style {
        open: "",
        between: ",",
        close: "",
        colon: ":",
    },
    Style {
        open: " ",
        between: ", ",
        close: " ",
        colon: ": ",
    },
    Style {
        open: "\n  ",
        between: ",\n  ",
        close: "\n",
        colon: ": ",
    },
    Style {
        open: "\r\n\t",
        between: " ,\r\n\t",
        close: "\r\n",
        colon: "\t:",
    },
    Style {
        open: "\n\n    ",
        between: ",\n\n    ",
        close: " ",
        colon: ": ",
    },
];

fn wrap(style: Style, (open, close): (char, char), items: &[String]) -> String {
    if items.is_empty() {
        return format!("{open}{close}");
    }
    let inside = items.join(style.between);
    format!("{open}{}{inside}{}{close}", style.open, style.close)
}

fn object(style: Style, members: &[(String, String)]) -> String {
    let members: Vec<_> = members
        .iter()
        .map(|(key, value)| {
            let key = serde_json::Value::from(key.as_str());
            format!("{key}{}{value}", style.colon)
        })
        .collect();
    wrap(style, ('{', '}'), &members)
}

fn pick(texts: &'static [&'static str], at_most: usize) -> impl Strategy<Value = Vec<String>> {
    prop::sample::subsequence(texts.to_vec(), 0..=at_most.min(texts.len()))
        .prop_map(|texts| texts.into_iter().map(str::to_owned).collect())
}

const CHECKS: &[&str] = &[
    r#"{"conditions":[]}"#,
    r#"{ "conditions": [{"path":"args.a","op":"eq","value":1.50}], "on_deny": "no" }"#,
    r#"{"mode":"shadow","conditions":[{"op":"in","value":["a", "1" ,1,"x\ny"],"path":"args.b"},
        {"path":"args[\"c d\"]","op":"regex","value":"^\u0061"}]}"#,
    r#"{"conditions":[{"path":"args.c","op":"exists","value":false}],"on_deny":" two\nlines "}"#,
    r#"{"conditions":[{"path":"args.c","op":"contains","value":{"k": [1,2]}}]}"#,
];
const LIMITS: &[&str] = &[
    r#"{"counter":"a","window":"minute","max":10}"#,
    r#"{"max":5, "counter":"b","window":90,"scope":"org","per":"args.a","cost":"args.n"}"#,
    r#"{"counter":"c","window":"day","max":0,"refill":"steady","mode":"shadow","on_deny":"slow"}"#,
];
const TESTS: &[&str] = &[
    r#"{"name":"t","tool":"x","expect":"deny"}"#,
    r#"{"name":"u","tool":"x","args":{"a": 1.0},"repeat":3,"expect":"allow","at":"2026-01-05T09:00:00Z",
        "grant":{"label":"l","labels":{"k":"v"}},"class":"read","rule":"/tools/x"}"#,
];
const REST: &[&str] = &[
    r#""action": "allow""#,
    r#""rate_limit": {"max": 3,"window":"hour"}"#,
    r#""validate": "schema""#,
    r#""concurrent": {"max":2 , "mode":"shadow"}"#,
    r#""max_result_bytes": 1000"#,
    r#""approval": {"when":[{"path":"args.a","op":"gt","value":1e2}],"quorum":2}"#,
];

fn block() -> impl Strategy<Value = String> {
    (
        pick(CHECKS, 3),
        pick(CHECKS, 3),
        pick(LIMITS, 2),
        pick(REST, 4),
        0..STYLES.len(),
    )
        .prop_map(|(require, deny_if, limits, rest, style)| {
            let style = STYLES[style];
            let mut members = rest;
            for (key, list) in [
                ("require", require),
                ("deny_if", deny_if),
                ("limits", limits),
            ] {
                if !list.is_empty() {
                    let list = wrap(style, ('[', ']'), &list);
                    members.push(format!("\"{key}\"{}{list}", style.colon));
                }
            }
            wrap(style, ('{', '}'), &members)
        })
}

fn document() -> impl Strategy<Value = String> {
    let tools = prop::collection::btree_map(prop::sample::select(NAMES.to_vec()), block(), 1..4);
    let hide = pick(&["hidden", "h_*"], 2);
    let classes = prop::option::of(block());
    // `all_tools` takes no `action: allow`.
    let all = prop::option::of(block().prop_filter("no action", |it| !it.contains("\"action\"")));
    (tools, hide, classes, all, pick(TESTS, 2), 0..STYLES.len()).prop_map(
        |(tools, hide, classes, all, tests, style)| {
            let style = STYLES[style];
            let named = |(key, value): (&str, String)| (key.to_owned(), value);
            let mut members = vec![
                ("version", "\"1\"".to_owned()),
                ("default", "\"deny\"".to_owned()),
                (
                    "tools",
                    object(style, &tools.into_iter().map(named).collect::<Vec<_>>()),
                ),
            ];
            if !hide.is_empty() {
                let hide: Vec<_> = hide.iter().map(|name| format!("\"{name}\"")).collect();
                members.push(("hide", wrap(style, ('[', ']'), &hide)));
            }
            if let Some(read) = classes {
                members.push(("classes", object(style, &[("read".to_owned(), read)])));
            }
            members.extend(all.map(|all| ("all_tools", all)));
            if !tests.is_empty() {
                members.push(("tests", wrap(style, ('[', ']'), &tests)));
            }
            object(style, &members.into_iter().map(named).collect::<Vec<_>>())
        },
    )
}

fn rule() -> impl Strategy<Value = Rule> {
    let clause = (
        prop::sample::select(vec!["args.a", "args[\"b c\"]", "grant.label"]),
        prop::sample::select(vec![
            ("eq", "\"v\""),
            ("in", "[1, \"w\"]"),
            ("lt", "1.50"),
            ("exists", "true"),
        ]),
    );
    let clause = clause.prop_map(|(path, (op, value))| Clause {
        path: path.to_owned(),
        op: op.to_owned(),
        value: value.to_owned(),
    });
    let mode = prop::sample::select(vec![Mode::Enforce, Mode::Shadow]);
    let told = prop::option::of("[a-z\"\\\\é]{1,9}");
    let check = (
        prop::collection::vec(clause, 0..4),
        told.clone(),
        mode.clone(),
        any::<bool>(),
    );
    let check = check.prop_map(|(conditions, on_deny, mode, deny)| {
        let sense = if deny { Sense::DenyIf } else { Sense::Require };
        let missing_passes = deny && on_deny.is_some();
        Rule::Check(
            sense,
            Check {
                conditions,
                on_deny,
                missing_passes,
                mode,
            },
        )
    });
    let window = prop::sample::select(vec![Window::Named("week".to_owned()), Window::Seconds(5)]);
    let limit = ("new_[a-z]{1,9}", window, 0..50_u64, told, mode);
    let limit = limit.prop_map(|(counter, window, max, on_deny, mode)| {
        Rule::Limit(LimitForm {
            counter,
            window,
            max,
            scope: LimitScope::Server,
            per: on_deny.as_ref().map(|_| "args.p".to_owned()),
            cost: None,
            refill: Refill::Calendar,
            on_deny,
            mode,
        })
    });
    let others = prop::sample::select(vec![
        Rule::Validate(Validation::RequiredArguments),
        Rule::ResultBytes(7),
        Rule::Concurrent(ConcurrentForm {
            max: 1,
            scope: LimitScope::Grant,
            mode: Mode::Enforce,
        }),
    ]);
    prop_oneof![4 => check, 2 => limit, 1 => others]
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![
        4 => prop::sample::select(NAMES.to_vec()).prop_map(|name| Place::Tool(name.to_owned())),
        1 => Just(Place::AllTools),
        1 => Just(Place::Class(domain::ToolClass::Read)),
    ]
}

/// Any edit, of anything that is there or is not.
fn edit() -> impl Strategy<Value = Edit> {
    let pointer = prop::sample::select(vec![
        "/tools/run/deny_if/0",
        "/tools/run/deny_if/1",
        "/tools/x/require/0",
        "/tools/x/limits/0",
        "/tools/a~1b~0c/limits/1",
        "/all_tools/deny_if/0",
        "/classes/read/limits/0",
        "/tests/0",
        "/tools/x/approval",
        "/tools/x/concurrent",
        "/tools/x/rate_limit",
        "/tools/x",
        "/version",
        "",
    ]);
    let at = || pointer.clone().prop_map(At::pointer);
    let action = prop::sample::select(vec![Action::Allow, Action::Deny, Action::Approval]);
    let name =
        || prop::sample::select(vec!["x", "run", "hidden", "h_*", "new"]).prop_map(str::to_owned);
    let test = TestForm {
        name: "n\"".to_owned(),
        tool: "x".to_owned(),
        args: Some("{ \"a\": 1 }".to_owned()),
        expect: "allow".to_owned(),
        ..TestForm::default()
    };
    prop_oneof![
        any::<bool>().prop_map(|allow| Edit::Default { allow }),
        prop::option::of(".{0,9}").prop_map(Edit::Description),
        (place(), action).prop_map(|(place, action)| Edit::Set(place, action)),
        (place(), prop::option::of(".{1,9}")).prop_map(|(place, text)| Edit::Reason(place, text)),
        place().prop_map(Edit::RemoveEntry),
        name().prop_map(Edit::Hide),
        name().prop_map(Edit::Unhide),
        (place(), rule()).prop_map(|(place, rule)| Edit::Add(place, rule)),
        (at(), rule()).prop_map(|(at, rule)| Edit::Replace(at, rule)),
        at().prop_map(Edit::Remove),
        (at(), any::<bool>()).prop_map(|(at, up)| Edit::Move { at, up }),
        at().prop_map(|at| Edit::Mode(at, Mode::Shadow)),
        at().prop_map(|at| Edit::Mode(at, Mode::Enforce)),
        Just(Edit::AddTest(test.clone())),
        at().prop_map(move |at| Edit::ReplaceTest(at, test.clone())),
    ]
}

fn canonical(text: &str) -> String {
    let document = Document::parse(text.as_bytes(), BOUNDS).expect("JSON");
    document.root().canonical()
}

/// The rule with its values in their one spelling, since they may be laid out on lines.
fn compact(mut rule: Rule) -> Rule {
    if let Rule::Check(_, check) = &mut rule {
        for clause in &mut check.conditions {
            clause.value = canonical(&clause.value);
        }
    }
    rule
}

/// Where the value at a pointer stands, by the test's own reading.
fn span(text: &str, pointer: &str) -> std::ops::Range<usize> {
    let document = Document::parse(text.as_bytes(), BOUNDS).expect("JSON");
    let mut value = document.root();
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        value = match value.get(&step) {
            Some(member) => member,
            None => value
                .elements()
                .nth(step.parse().expect("an index"))
                .expect("an element"),
        };
    }
    value.span()
}

fn look(text: &str) -> Outline {
    outline(text, Some(&tools(&["get_a", "run"]))).expect("JSON")
}

fn entries(outline: &Outline) -> Vec<&Entry> {
    let rows = outline.tools.iter().chain(&outline.classes);
    rows.chain([&outline.all_tools]).collect()
}

fn rules(outline: &Outline) -> Vec<&Shown> {
    entries(outline)
        .into_iter()
        .flat_map(|entry| &entry.rules)
        .collect()
}

fn at(shown: &Shown) -> At {
    At {
        pointer: shown.pointer.clone(),
        mark: Some(shown.mark.clone()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    /// Nothing of a rule is lost on its way through the form and back, not even its spelling.
    #[test]
    fn a_rule_replaced_by_what_was_read_of_it_changes_no_byte(text in document()) {
        prop_assert!(check(&text, None).faults.iter().all(|fault| fault.code == "test_failed"
            || fault.code == "counter_disagrees"), "{text}\n{:?}", check(&text, None).faults);
        let outline = look(&text);
        prop_assert_eq!(&outline.kept, &[]);
        for shown in rules(&outline) {
            let rule = shown.rule.clone().expect("every rule has a form");
            prop_assert_eq!(apply(&text, &Edit::Replace(at(shown), rule)), Ok(text.clone()));
        }
        for shown in &outline.tests {
            let place = At { pointer: shown.pointer.clone(), mark: Some(shown.mark.clone()) };
            let test = shown.test.clone().expect("every test has a form");
            prop_assert_eq!(apply(&text, &Edit::ReplaceTest(place, test)), Ok(text.clone()));
        }
    }

    /// Everything outside of the rule stays, byte for byte; and the rule is what was asked for.
    #[test]
    fn a_rule_replaced_by_another_changes_only_itself(text in document(), new in rule()) {
        let outline = look(&text);
        for shown in rules(&outline) {
            let Ok(changed) = apply(&text, &Edit::Replace(at(shown), new.clone())) else {
                continue;
            };
            let (old, now) = (span(&text, &shown.pointer), span(&changed, &shown.pointer));
            prop_assert_eq!(&text[..old.start], &changed[..now.start]);
            prop_assert_eq!(&text[old.end..], &changed[now.end..]);
            let after = look(&changed);
            let found = rules(&after).into_iter().find(|rule| rule.pointer == shown.pointer);
            let found = found.and_then(|rule| rule.rule.clone()).map(compact);
            prop_assert_eq!(found, Some(compact(new.clone())), "{}", changed);
        }
    }

    /// Whatever is edited, the text stays JSON, and no edit fails but for a reason.
    #[test]
    fn every_edit_gives_json(text in document(), edits in prop::collection::vec(edit(), 1..8)) {
        let mut text = text;
        for edit in edits {
            if let Ok(next) = apply(&text, &edit) {
                prop_assert!(Document::parse(next.as_bytes(), BOUNDS).is_ok(), "{edit:?}\n{next}");
                prop_assert_eq!(apply(&next, &edit).map(|_| ()).err().filter(|error|
                    matches!(error, policy::builder::EditError::NotJson { .. })), None);
                text = next;
            }
        }
        look(&text);
    }

    /// Each edit is undone by its opposite.
    #[test]
    fn the_opposite_edit_undoes_an_edit(text in document(), new in rule()) {
        let before = canonical(&text);
        let outline = look(&text);
        let undone = |there: &Edit, back: &Edit| {
            let changed = apply(&text, there).map_err(|error| TestCaseError::fail(error.to_string()))?;
            let found = apply(&changed, back).map_err(|error| TestCaseError::fail(error.to_string()))?;
            prop_assert_eq!(canonical(&found), before.clone(), "{:?}\n{}\n{}", there, text, changed);
            Ok(())
        };
        undone(&Edit::Default { allow: true }, &Edit::Default { allow: false })?;
        undone(&Edit::Description(Some("d".to_owned())), &Edit::Description(None))?;
        undone(&Edit::Hide("new".to_owned()), &Edit::Unhide("new".to_owned()))?;
        let fresh = Place::Tool("fresh".to_owned());
        undone(&Edit::Set(fresh.clone(), Action::Deny), &Edit::RemoveEntry(fresh.clone()))?;
        undone(&Edit::Add(fresh.clone(), new.clone()), &Edit::RemoveEntry(fresh))?;
        for entry in entries(&outline).into_iter().filter(|entry| entry.written) {
            let place = &entry.place;
            let explicit = text[span(&text, &place.pointer())].contains("\"action\"");
            if !explicit && matches!(entry.state, State::Allow | State::Custom) {
                undone(&Edit::Set(place.clone(), Action::Deny), &Edit::Set(place.clone(), Action::Allow))?;
            }
            let changed = apply(&text, &Edit::Add(place.clone(), new.clone()));
            let after = look(&changed.clone().expect("a rule can be added"));
            let after = entries(&after).into_iter().find(|it| it.place == *place).cloned();
            let added = after.expect("it is there").rules;
            if added.len() > entry.rules.len() {
                // The last of its kind, where there is one like it already.
                let news = added.iter().rfind(|rule| rule.rule.as_ref() == Some(&new));
                let added = at(news.expect("it was added"));
                undone(&Edit::Add(place.clone(), new.clone()), &Edit::Remove(added))?;
            }
        }
        for shown in rules(&outline) {
            let place = || At::pointer(shown.pointer.clone());
            if shown.mode == Some(Mode::Enforce) {
                undone(&Edit::Mode(at(shown), Mode::Shadow), &Edit::Mode(place(), Mode::Enforce))?;
            }
            if let Some((index, _)) = shown.listed.filter(|(index, _)| *index > 0) {
                let (list, _) = shown.pointer.rsplit_once('/').expect("a list");
                let above = At::pointer(format!("{list}/{}", index - 1));
                undone(&Edit::Move { at: at(shown), up: true }, &Edit::Move { at: above, up: false })?;
            }
        }
    }

    /// Documents with a hole in them, and texts that are none.
    #[test]
    fn no_text_panics(
        text in document(), from in any::<prop::sample::Index>(), length in 0..40_usize,
        piece in "[\\[\\]{}\",:a0 ]{0,6}", edit in edit(), other in ".{0,60}",
    ) {
        let mut start = from.index(text.len());
        while !text.is_char_boundary(start) { start -= 1; }
        let mut end = (start + length).min(text.len());
        while !text.is_char_boundary(end) { end += 1; }
        let holed = format!("{}{piece}{}", &text[..start], &text[end..]);
        for text in [holed.as_str(), other.as_str()] {
            if let Ok(outline) = outline(text, Some(&tools(&["get_a"]))) {
                for shown in rules(&outline) {
                    if let Some(rule) = shown.rule.clone() {
                        let found = apply(text, &Edit::Replace(at(shown), rule));
                        prop_assert_eq!(found, Ok(text.to_owned()));
                    }
                }
            }
            if let Ok(next) = apply(text, &edit) {
                prop_assert!(Document::parse(next.as_bytes(), BOUNDS).is_ok(), "{next}");
            }
        }
    }
}
