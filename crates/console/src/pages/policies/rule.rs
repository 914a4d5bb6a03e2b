//! One rule for one tool, written into the author's own text: everything else in the text stays as
//! it is, byte for byte.

use json::{Document, Value};

use super::draft::Draft;
use crate::pages::fields::Faults;

/// The windows that the form offers.
pub(super) const WINDOWS: &[&str] = &["second", "minute", "hour", "day", "week"];
/// The rules that the form offers.
pub(super) const KINDS: &[(&str, &str)] = &[
    ("limit", "Limit"),
    ("allow", "Allow"),
    ("deny", "Deny"),
    ("hide", "Hide"),
];

/// What the form can add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// The tool may be called; a denial or hiding of it by name is taken away.
    Allow,
    /// The tool may not be called; the agent is told the reason, if there is one.
    Deny { reason: String },
    /// The tool is not even listed.
    Hide,
    /// At most `max` calls per `window`, for each grant.
    Limit { max: u64, window: String },
}

/// The text with the rule that the form describes, and what to say of it.
pub(super) fn ruled(draft: &Draft, faults: &mut Faults) -> Option<(String, String)> {
    let field = |name| draft.fields.get(name).trim();
    let tool = field("tool");
    if tool.is_empty() {
        faults.add("tool", "is missing");
        return None;
    }
    let (change, said) = match field("kind") {
        "allow" => (Change::Allow, format!("{tool} may be called")),
        "deny" => {
            let reason = field("reason").to_owned();
            (Change::Deny { reason }, format!("{tool} is denied"))
        }
        "hide" => (Change::Hide, format!("{tool} is hidden")),
        "limit" => {
            let Ok(max) = field("max").parse::<u64>() else {
                faults.add("max", "must be a whole number");
                return None;
            };
            let window = field("window").to_owned();
            let said = format!("{tool} may be called {max} times a {window}, by each grant");
            (Change::Limit { max, window }, said)
        }
        _ => {
            faults.add("kind", "is missing");
            return None;
        }
    };
    match apply(&draft.document, tool, &change) {
        Ok(text) => Some((text, format!("In the editor now, not saved: {said}."))),
        Err(error) => {
            faults.add("document", error);
            None
        }
    }
}

/// Why the text cannot be edited; the author has to mend it first.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct CannotEdit(String);

/// The text with the change in it.
///
/// # Errors
/// [`CannotEdit`] where the text is not JSON, or not shaped like a policy where the change goes.
pub(super) fn apply(text: &str, tool: &str, change: &Change) -> Result<String, CannotEdit> {
    let mut text = text.to_owned();
    match change {
        Change::Allow => {
            text = with_block(&text, tool)?;
            text = without_member(&text, &["tools", tool], "action")?;
            text = without_member(&text, &["tools", tool], "reason")?;
            without_element(&text, "hide", |element| element.is(tool))
        }
        Change::Deny { reason } => {
            text = with_block(&text, tool)?;
            text = with_member(&text, &["tools", tool], "action", "\"deny\"")?;
            if reason.is_empty() {
                return Ok(text);
            }
            with_member(&text, &["tools", tool], "reason", &quoted(reason))
        }
        Change::Hide => {
            text = without_element(&text, "hide", |element| element.is(tool))?;
            with_element(&text, &[], "hide", &quoted(tool))
        }
        Change::Limit { max, window } => {
            text = with_block(&text, tool)?;
            let counter = counter_for(tool);
            let limit = format!(
                "{{ \"counter\": {}, \"window\": {}, \"max\": {max}, \"scope\": \"grant\" }}",
                quoted(&counter),
                match window.parse::<u64>() {
                    Ok(seconds) => seconds.to_string(),
                    Err(_) => quoted(window),
                }
            );
            let present = in_document(&text, |root| {
                let limits = walk(root, &["tools", tool])?.get("limits");
                let same = limits.and_then(|limits| {
                    limits
                        .elements()
                        .find(|limit| limit.get("counter").is_some_and(|name| name.is(&counter)))
                });
                Ok(same.map(Value::span))
            })?;
            match present {
                Some(span) => Ok(format!(
                    "{}{limit}{}",
                    &text[..span.start],
                    &text[span.end..]
                )),
                None => with_element(&text, &["tools", tool], "limits", &limit),
            }
        }
    }
}

/// A counter's name out of a tool's: the language allows letters, digits and `_ - . :` in it.
fn counter_for(tool: &str) -> String {
    let mut name: String = tool
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "_-.:".contains(c) {
                c
            } else {
                '_'
            }
        })
        .take(59)
        .collect();
    name.push_str("_rate");
    name
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn in_document<T>(
    text: &str,
    read: impl FnOnce(Value<'_>) -> Result<T, CannotEdit>,
) -> Result<T, CannotEdit> {
    let document = Document::parse(
        text.as_bytes(),
        json::Bounds {
            bytes_max: 256 * 1024,
            depth_max: 32,
        },
    )
    .map_err(|fault| {
        let at = json::position(text, fault.offset);
        let (kind, line, column) = (fault.kind, at.line, at.column);
        CannotEdit(format!(
            "The text is not JSON yet: {kind}, line {line}, column {column}."
        ))
    })?;
    read(document.root())
}

fn walk<'d>(root: Value<'d>, path: &[&str]) -> Result<Value<'d>, CannotEdit> {
    let mut value = root;
    for key in path {
        value = object(value)?.get(key).ok_or_else(|| {
            CannotEdit(format!(
                "The text has no {} to put the rule in.",
                quoted(key)
            ))
        })?;
    }
    object(value)
}

fn object(value: Value<'_>) -> Result<Value<'_>, CannotEdit> {
    match value.kind() {
        json::Kind::Object => Ok(value),
        other => Err(CannotEdit(format!(
            "The text has {} where the rule needs an object.",
            other.a()
        ))),
    }
}

/// The text with an object for the tool in `tools`, empty where there was none.
fn with_block(text: &str, tool: &str) -> Result<String, CannotEdit> {
    let mut text = text.to_owned();
    if in_document(&text, |root| Ok(object(root)?.get("tools").is_none()))? {
        text = with_member(&text, &[], "tools", "{}")?;
    }
    if in_document(&text, |root| {
        Ok(walk(root, &["tools"])?.get(tool).is_none())
    })? {
        text = with_member(&text, &["tools"], tool, "{}")?;
    }
    Ok(text)
}

/// The text with `key` of the object at `path` set to `value`.
fn with_member(text: &str, path: &[&str], key: &str, value: &str) -> Result<String, CannotEdit> {
    in_document(text, |root| {
        let within = walk(root, path)?;
        Ok(match within.get(key) {
            Some(old) => splice(text, old.span(), value),
            None => {
                let last = within.entries().last().map(|(_, value)| value.span().end);
                let first = within.entries().next().map(|(key, _)| key.span().start);
                insert(
                    text,
                    within,
                    first.zip(last),
                    &format!("{}: {value}", quoted(key)),
                )
            }
        })
    })
}

/// The text with `element` at the end of the array `key` of the object at `path`, made where there
/// is none.
fn with_element(text: &str, path: &[&str], key: &str, element: &str) -> Result<String, CannotEdit> {
    let found = in_document(text, |root| {
        let Some(array) = walk(root, path)?.get(key) else {
            return Ok(None);
        };
        if array.kind() != json::Kind::Array {
            return Err(CannotEdit(format!(
                "The text's {} is not a list.",
                quoted(key)
            )));
        }
        let first = array.elements().next().map(|element| element.span().start);
        let last = array.elements().last().map(|element| element.span().end);
        Ok(Some(match first.zip(last) {
            None => splice(text, array.span(), &format!("[{element}]")),
            some => insert(text, array, some, element),
        }))
    })?;
    match found {
        Some(text) => Ok(text),
        None => with_member(text, path, key, &format!("[{element}]")),
    }
}

/// The text without member `key` of the object at `path`, if it is there.
fn without_member(text: &str, path: &[&str], key: &str) -> Result<String, CannotEdit> {
    in_document(text, |root| {
        let within = walk(root, path)?;
        let spans: Vec<_> = within
            .entries()
            .map(|(key, value)| key.span().start..value.span().end)
            .collect();
        let at = within.members().position(|(name, _)| name == key);
        Ok(at.map_or_else(|| text.to_owned(), |at| without(text, within, &spans, at)))
    })
}

/// The text without the first element of the array `key` that `which` picks, if there is one.
fn without_element(
    text: &str,
    key: &str,
    which: impl Fn(Value<'_>) -> bool,
) -> Result<String, CannotEdit> {
    in_document(text, |root| {
        let Some(array) = object(root)?.get(key) else {
            return Ok(text.to_owned());
        };
        let spans: Vec<_> = array.elements().map(Value::span).collect();
        let at = array.elements().position(which);
        Ok(at.map_or_else(|| text.to_owned(), |at| without(text, array, &spans, at)))
    })
}

/// Takes one item out, with the comma that belonged to it.
fn without(text: &str, within: Value<'_>, spans: &[std::ops::Range<usize>], at: usize) -> String {
    let inside = within.span().start + 1..within.span().end - 1;
    let range = match (at.checked_sub(1), spans.get(at + 1)) {
        (Some(before), _) => spans[before].end..spans[at].end,
        (None, Some(next)) => spans[at].start..next.start,
        (None, None) => inside,
    };
    splice(text, range, "")
}

fn splice(text: &str, range: std::ops::Range<usize>, with: &str) -> String {
    format!("{}{with}{}", &text[..range.start], &text[range.end..])
}

/// Puts an item behind the last of an object or array, laid out as its neighbours are. `items` is
/// where the first begins and the last ends.
fn insert(text: &str, within: Value<'_>, items: Option<(usize, usize)>, item: &str) -> String {
    let span = within.span();
    let Some((first, last)) = items else {
        let indent = indent_of(text, span.start);
        let (open, close) = (
            &text[span.start..=span.start],
            &text[span.end - 1..span.end],
        );
        let inner = format!("{open}\n{indent}  {item}\n{indent}{close}");
        return splice(text, span, &inner);
    };
    let lead = &text[span.start + 1..first];
    let separator = if lead.contains('\n') { lead } else { " " };
    splice(text, last..last, &format!(",{separator}{item}"))
}

/// The blanks that the line around `at` begins with.
fn indent_of(text: &str, at: usize) -> &str {
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let line = &text[start..at];
    &line[..line.len() - line.trim_start().len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str = "{\n  \"version\": \"1\",\n  \"default\": \"deny\"\n}\n";

    fn limit(max: u64) -> Change {
        Change::Limit {
            max,
            window: "minute".to_owned(),
        }
    }

    #[test]
    fn a_limit_goes_into_an_empty_policy() {
        let text = apply(START, "rerun_workflow", &limit(10)).expect("can be edited");
        assert_eq!(
            text,
            r#"{
  "version": "1",
  "default": "deny",
  "tools": {
    "rerun_workflow": {
      "limits": [{ "counter": "rerun_workflow_rate", "window": "minute", "max": 10, "scope": "grant" }]
    }
  }
}
"#
        );
        assert!(policy::check(&text, None).valid);
        let again = apply(&text, "rerun_workflow", &limit(20)).expect("can be edited");
        assert_eq!(again, text.replace("10", "20"));
    }

    #[test]
    fn the_rest_of_the_text_stays_as_it_was_written() {
        let text = "{ \"version\":\"1\",   \"default\":\"deny\", \"tools\": { \"a\": {} ,\t\"b\":{\"action\":\"deny\", \"reason\":\"no\"} } }";
        let denied = apply(
            text,
            "c",
            &Change::Deny {
                reason: "Not \"here\"".to_owned(),
            },
        );
        assert_eq!(
            denied.as_deref(),
            Ok(
                "{ \"version\":\"1\",   \"default\":\"deny\", \"tools\": { \"a\": {} ,\t\"b\":{\"action\":\"deny\", \"reason\":\"no\"}, \"c\": {\n  \"action\": \"deny\",\n  \"reason\": \"Not \\\"here\\\"\"\n} } }"
            )
        );
        let allowed = apply(text, "b", &Change::Allow).expect("can be edited");
        assert_eq!(
            allowed,
            text.replace("\"action\":\"deny\", \"reason\":\"no\"", "")
        );
    }

    #[test]
    fn hiding_and_allowing_undo_each_other() {
        let hidden = apply(START, "x", &Change::Hide).expect("can be edited");
        assert!(hidden.contains("\"hide\": [\"x\"]"), "{hidden}");
        assert_eq!(
            apply(&hidden, "x", &Change::Hide).expect("can be edited"),
            hidden
        );
        let two = apply(&hidden, "y", &Change::Hide).expect("can be edited");
        assert!(two.contains("\"hide\": [\"x\", \"y\"]"), "{two}");
        let shown = apply(&two, "x", &Change::Allow).expect("can be edited");
        assert!(shown.contains("\"hide\": [\"y\"]"), "{shown}");
        assert!(policy::check(&shown, None).valid, "{shown}");
    }

    #[test]
    fn every_change_leaves_a_valid_policy() {
        for tool in ["a", "a/b", "quote\"d", "x~y", "*", &"n".repeat(128)] {
            let changes = [
                Change::Allow,
                Change::Deny {
                    reason: "why not".to_owned(),
                },
                Change::Hide,
                limit(3),
                Change::Limit {
                    max: 0,
                    window: "90".to_owned(),
                },
            ];
            for change in changes {
                let text = apply(START, tool, &change).expect("can be edited");
                let report = policy::check(&text, None);
                assert!(
                    report.valid,
                    "{tool} {change:?}: {text}\n{:?}",
                    report.faults
                );
            }
        }
    }

    #[test]
    fn what_is_no_policy_is_left_alone() {
        for text in [
            "",
            "{",
            "[]",
            "{\"tools\": []}",
            "{\"tools\": {\"a\": 1}}",
            "{\"hide\": 1}",
        ] {
            let hide = apply(text, "a", &Change::Hide);
            let allow = apply(text, "a", &Change::Allow);
            assert!(hide.is_err() || allow.is_err(), "{text}");
        }
        let broken = apply("{\n  \"version\": }", "a", &Change::Hide).expect_err("not JSON");
        assert!(broken.to_string().contains("line 2"), "{broken}");
    }
}
