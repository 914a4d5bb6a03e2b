//! A call's arguments, made from the fields of a form.

use json::{Bounds, Document};
use policy::builder::{ArgumentField, ArgumentStep};

/// The JSON object that the fields describe; what is left empty is absent. A text that is JSON goes
/// in as it is where the schema does not want a string, and as a string otherwise, so that a value
/// of the wrong type can be tried too.
pub(super) fn of(fields: &[(ArgumentField, String)]) -> String {
    let mut root = Node::Object(Vec::new());
    for (field, typed) in fields.iter().filter(|(_, typed)| !typed.is_empty()) {
        root.place(&field.steps, value(&field.kind, typed));
    }
    root.text()
}

fn value(kind: &str, typed: &str) -> String {
    let bounds = Bounds {
        bytes_max: typed.len(),
        depth_max: 32,
    };
    let is_json = || Document::parse(typed.as_bytes(), bounds).is_ok();
    if kind != "string" && is_json() {
        typed.trim().to_owned()
    } else {
        quoted(typed)
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// An object or a list on its way to be written, or a value that is written already.
enum Node {
    Object(Vec<(String, Node)>),
    List(Option<Box<Node>>),
    Value(String),
}

impl Node {
    /// Puts a value where the steps lead. Where another value stands in the way, it stays.
    fn place(&mut self, steps: &[ArgumentStep], value: String) {
        let Some((first, rest)) = steps.split_first() else {
            *self = Self::Value(value);
            return;
        };
        let fresh = || match rest.first() {
            None | Some(ArgumentStep::Key(_)) => Self::Object(Vec::new()),
            Some(ArgumentStep::Each) => Self::List(None),
        };
        match (self, first) {
            (Self::Object(members), ArgumentStep::Key(key)) => {
                let at = members.iter().position(|(name, _)| name == key);
                let at = at.unwrap_or_else(|| {
                    members.push((key.clone(), fresh()));
                    members.len() - 1
                });
                members[at].1.place(rest, value);
            }
            (Self::List(element), ArgumentStep::Each) => {
                element
                    .get_or_insert_with(|| Box::new(fresh()))
                    .place(rest, value);
            }
            _ => {}
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Object(members) => {
                let each = members.iter();
                let each: Vec<_> = each
                    .map(|(key, node)| format!("{}: {}", quoted(key), node.text()))
                    .collect();
                format!("{{{}}}", each.join(", "))
            }
            Self::List(element) => {
                let one = element
                    .as_ref()
                    .map_or_else(String::new, |node| node.text());
                format!("[{one}]")
            }
            Self::Value(text) => text.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(path: &[&str], kind: &str, typed: &str) -> (ArgumentField, String) {
        let step = |step: &&str| match *step {
            "[*]" => ArgumentStep::Each,
            key => ArgumentStep::Key(key.to_owned()),
        };
        let field = ArgumentField {
            path: path.join("."),
            steps: path.iter().map(step).collect(),
            kind: kind.to_owned(),
            description: None,
            values: Vec::new(),
            required: false,
            has_fields: false,
        };
        (field, typed.to_owned())
    }

    #[test]
    fn fields_become_the_object_they_describe() {
        let fields = [
            field(&["params", "branch"], "string", "main"),
            field(&["params", "count"], "integer", "3"),
            field(&["params", "tags", "[*]", "name"], "string", "5"),
            field(&["params", "left"], "string", ""),
            field(&["a\"b"], "", "null"),
        ];
        assert_eq!(
            of(&fields),
            r#"{"params": {"branch": "main", "count": 3, "tags": [{"name": "5"}]}, "a\"b": null}"#
        );
        assert_eq!(of(&[]), "{}");
    }

    #[test]
    fn a_value_of_the_wrong_type_can_be_tried() {
        assert_eq!(
            of(&[field(&["n"], "integer", "three")]),
            r#"{"n": "three"}"#
        );
        assert_eq!(
            of(&[field(&["n"], "integer", "{\"a\": 1}")]),
            r#"{"n": {"a": 1}}"#
        );
        assert_eq!(
            of(&[field(&["n"], "integer", "1, \"x\": 2")]),
            r#"{"n": "1, \"x\": 2"}"#
        );
        let both = [field(&["a"], "", "1"), field(&["a", "b"], "", "2")];
        assert_eq!(of(&both), r#"{"a": 1}"#);
    }
}
