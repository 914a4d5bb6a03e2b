//! Where a condition looks.

use crate::fold::Key;

/// The most segments a path may have: no call is nested deeper.
const SEGMENTS_MAX: usize = 64;

/// What a condition looks at.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Path {
    /// Somewhere in the call's arguments.
    Args(Box<[Segment]>),
    GrantLabel,
    GrantIdentity,
    GrantLabels(Box<str>),
    ToolName,
    ToolClass,
    ToolAnnotation(Key),
    UtcHour,
    UtcWeekday,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Segment {
    Key(Key),
    Index(u32),
    /// `[*]`: each element.
    Each,
}

/// The fixed paths, for hints.
const ROOTS: [&str; 9] = [
    "args",
    "grant.label",
    "grant.labels",
    "grant.identity",
    "tool.name",
    "tool.class",
    "tool.annotations",
    "time.utc.hour",
    "time.utc.weekday",
];

/// What is wrong with a path, and what was probably meant.
pub(crate) type BadPath = (String, Option<String>);

impl Path {
    pub(crate) fn parse(text: &str) -> Result<Self, BadPath> {
        let mut steps = split(text)?;
        if steps.len() > SEGMENTS_MAX + 1 {
            return Err((format!("a path has at most {SEGMENTS_MAX} steps"), None));
        }
        let rest = steps.split_off(1.min(steps.len()));
        let first = match steps.first() {
            Some(Segment::Key(key)) => &*key.text,
            _ => "",
        };
        if first == "args" {
            return match rest.first() {
                Some(Segment::Index(_) | Segment::Each) => Err((
                    "a call's arguments are an object, not an array".to_owned(),
                    None,
                )),
                _ => Ok(Self::Args(rest.into())),
            };
        }
        let keys: Option<Vec<&Key>> = rest
            .iter()
            .map(|step| match step {
                Segment::Key(key) => Some(key),
                _ => None,
            })
            .collect();
        let keys = keys.unwrap_or_default();
        let names: Vec<&str> = keys.iter().map(|key| &*key.text).collect();
        match (first, &names[..]) {
            ("grant", ["label"]) => Ok(Self::GrantLabel),
            ("grant", ["identity"]) => Ok(Self::GrantIdentity),
            ("grant", ["labels", key]) => Ok(Self::GrantLabels((*key).into())),
            ("tool", ["name"]) => Ok(Self::ToolName),
            ("tool", ["class"]) => Ok(Self::ToolClass),
            ("tool", ["annotations", _]) => Ok(Self::ToolAnnotation(keys[1].clone())),
            ("time", ["utc", "hour"]) => Ok(Self::UtcHour),
            ("time", ["utc", "weekday"]) => Ok(Self::UtcWeekday),
            _ => {
                let detail = "a path begins with args., grant.label, grant.labels., \
                              grant.identity, tool.name, tool.class, tool.annotations., \
                              time.utc.hour or time.utc.weekday";
                Err((detail.to_owned(), guess(text)))
            }
        }
    }

    /// The only texts that can stand at the path, where these are known.
    pub(crate) fn words(&self) -> Option<&'static [&'static str]> {
        match self {
            Self::UtcWeekday => Some(&WEEKDAYS),
            Self::ToolClass => Some(&CLASSES),
            _ => None,
        }
    }

    /// Whether `[*]` is in it.
    pub(crate) fn has_each(&self) -> bool {
        matches!(self, Self::Args(steps) if steps.contains(&Segment::Each))
    }
}

/// The days as `time.utc.weekday` gives them.
pub(crate) const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// The classes as `tool.class` gives them.
const CLASSES: [&str; 5] = ["read", "write", "execute", "destructive", "financial"];

fn guess(text: &str) -> Option<String> {
    if let Some(near) = crate::nearest::nearest(text, ROOTS) {
        return Some(near.to_owned());
    }
    let first = text.split(['.', '[']).next().unwrap_or_default();
    match first {
        "arguments" | "arg" | "params" => {
            let rest = if first == "params" {
                text
            } else {
                text.get(first.len() + 1..)?
            };
            Some(format!("args.{rest}"))
        }
        _ => None,
    }
}

/// Segments of `a.b[0][*]["c.d"]`.
fn split(text: &str) -> Result<Vec<Segment>, BadPath> {
    let bad = |detail: &str| Err((detail.to_owned(), None));
    let mut steps = Vec::new();
    let mut rest = text;
    loop {
        if let Some(inside) = rest.strip_prefix('[') {
            if steps.is_empty() {
                return bad("a path begins with a name");
            }
            let (step, after) = bracket(inside)?;
            steps.push(step);
            rest = after;
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            if name.is_empty() {
                return bad("a step of a path is empty");
            }
            if name == "*" {
                return Err((
                    "each element of an array is written [*]".to_owned(),
                    Some(text.replace(".*", "[*]")),
                ));
            }
            if name.contains(|c: char| c.is_whitespace() || c.is_control() || "]\"*".contains(c)) {
                return bad("a key with blanks, brackets, quotes or * is written [\"like this\"]");
            }
            steps.push(Segment::Key(Key::new(name)));
            rest = after;
        }
        match rest.strip_prefix('.') {
            Some(after) if !after.starts_with('[') => rest = after,
            Some(_) => return bad("a bracket follows a step without a dot"),
            None if rest.is_empty() => return Ok(steps),
            None if rest.starts_with('[') => {}
            None => return bad("a bracket is followed by a dot, a bracket or the end"),
        }
    }
}

/// What follows an opening bracket, and what follows the closing one.
fn bracket(inside: &str) -> Result<(Segment, &str), BadPath> {
    let bad = |detail: &str| Err((detail.to_owned(), None));
    if let Some(after) = inside.strip_prefix("*]") {
        return Ok((Segment::Each, after));
    }
    if inside.starts_with('"') {
        let mut escaped = false;
        let end = inside.char_indices().skip(1).find(|&(_, c)| {
            let closes = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            closes
        });
        let Some((end, _)) = end else {
            return bad("a quoted key does not end");
        };
        let (quoted, after) = inside.split_at(end + 1);
        let bounds = json::Bounds {
            bytes_max: quoted.len(),
            depth_max: 0,
        };
        let Ok(document) = json::Document::parse(quoted.as_bytes(), bounds) else {
            return bad("a quoted key is not a JSON string");
        };
        let key = Key::new(&document.root().as_str().unwrap_or_default());
        return match after.strip_prefix(']') {
            Some(after) => Ok((Segment::Key(key), after)),
            None => bad("a bracket does not end"),
        };
    }
    let Some((digits, after)) = inside.split_once(']') else {
        return bad("a bracket does not end");
    };
    match digits.parse::<u32>() {
        Ok(index) if index.to_string() == digits => Ok((Segment::Index(index), after)),
        _ => bad("a bracket holds a number from 0, * or a quoted key"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_the_specification_is_read() {
        let key = |text| Segment::Key(Key::new(text));
        for (text, steps) in [
            ("args", vec![]),
            ("args.a.b", vec![key("a"), key("b")]),
            (
                "args.items[0].price",
                vec![key("items"), Segment::Index(0), key("price")],
            ),
            (
                "args.items[*].price",
                vec![key("items"), Segment::Each, key("price")],
            ),
            ("args.m[*][*]", vec![key("m"), Segment::Each, Segment::Each]),
            (r#"args["a.b"]"#, vec![key("a.b")]),
            (
                r#"args.x["a \"b\"]"].c"#,
                vec![key("x"), key("a \"b\"]"), key("c")],
            ),
            ("args.größe", vec![key("größe")]),
        ] {
            assert_eq!(Path::parse(text), Ok(Path::Args(steps.into())), "{text}");
        }
        for (text, path) in [
            ("grant.label", Path::GrantLabel),
            ("grant.identity", Path::GrantIdentity),
            ("grant.labels.team", Path::GrantLabels("team".into())),
            (r#"grant.labels["a.b"]"#, Path::GrantLabels("a.b".into())),
            ("tool.name", Path::ToolName),
            ("tool.class", Path::ToolClass),
            (
                "tool.annotations.readOnlyHint",
                Path::ToolAnnotation(Key::new("readOnlyHint")),
            ),
            ("time.utc.hour", Path::UtcHour),
            ("time.utc.weekday", Path::UtcWeekday),
        ] {
            assert_eq!(Path::parse(text), Ok(path), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            ".",
            "args.",
            "args..a",
            ".args",
            "args[0]",
            "args[*]",
            "args[",
            "args.a[",
            "args.a[]",
            "args.a[-1]",
            "args.a[01]",
            "args.a[1",
            "args.a[1]b",
            "args.a.[0]",
            "args.a b",
            "args.*",
            "args.a*",
            r#"args["a"#,
            r#"args["a"x"#,
            r#"args['a']"#,
            "arg.x",
            "arguments.x",
            "grant",
            "grant.labels",
            "grant.labels.a.b",
            "grant.name",
            "tool",
            "tool.title",
            "time.hour",
            "client.name",
            "args.a[4294967296]",
            "tool.name.x",
            "tool[0]",
            "Args.a",
        ] {
            assert!(Path::parse(text).is_err(), "{text}");
        }
        assert!(Path::parse(&format!("args{}", ".a".repeat(65))).is_err());
        assert_eq!(
            Path::parse("arguments.x").unwrap_err().1.as_deref(),
            Some("args.x")
        );
        assert_eq!(
            Path::parse("args.items.*.x").unwrap_err().1.as_deref(),
            Some("args.items[*].x")
        );
    }
}
