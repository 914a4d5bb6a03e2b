//! The text of a rule: a whole policy for one tool, laid out for people.

use policy::builder::Place;
use serde_json::{Map, Value};

use super::{
    guard::{Check, Guard},
    words::{Pace, Rate, nth},
};

/// A counter's name may be so long, less what is appended.
const STEM_CHARS_MAX: usize = 52;

/// The members of a rule block, and the tests of a document.
#[derive(Default)]
struct Block {
    members: Vec<String>,
    tests: Vec<String>,
}

/// A policy that lets a tool through at this pace, where these checks hold.
pub(super) fn opened(tool: &str, pace: &Pace, guards: &[Guard<'_>]) -> String {
    let block = place(tool);
    let good = arguments(
        guards
            .iter()
            .filter_map(|guard| Some((guard.path, guard.good()?))),
    );
    let Rate { max, window } = pace.rate;
    let mut own = Block::default();
    for list in ["require", "deny_if"] {
        let checks: Vec<(&str, Check)> = guards
            .iter()
            .flat_map(|guard| guard.checks().into_iter().map(|check| (guard.path, check)))
            .filter(|(_, check)| check.list == list)
            .collect();
        for (at, (path, check)) in checks.iter().enumerate() {
            let (name, bad) = &check.example;
            let mut args = good.clone();
            set(&mut args, path, bad.clone());
            let rule = format!("{block}/{list}/{at}");
            own.test(
                &format!("{tool}: {name}"),
                tool,
                Some((&args, 1)),
                "deny",
                Some(&rule),
            );
        }
        if !checks.is_empty() {
            let lines: Vec<String> = checks.iter().map(|(path, it)| written(path, it)).collect();
            let lines = lines.join(",\n");
            own.members.push(format!("\"{list}\": [\n{lines}\n      ]"));
        }
    }
    own.members.push(format!(
        "\"rate_limit\": {{ \"max\": {max}, \"window\": \"{window}\" }}"
    ));
    if let Some(a_day) = pace.a_day {
        let counter = quote(&counter(tool));
        own.members.push(format!(
            "\"limits\": [{{ \"counter\": {counter}, \"window\": \"day\", \"max\": {a_day} }}]"
        ));
    }
    let article = if window == "hour" { "an" } else { "a" };
    let name = format!(
        "the {} {tool} in {article} {window} is refused",
        nth(max + 1)
    );
    let rule = format!("{block}/rate_limit");
    own.test(&name, tool, Some((&good, max + 1)), "deny", Some(&rule));
    own.document(tool)
}

/// A policy that refuses a tool.
pub(super) fn refused(tool: &str, reason: &str) -> String {
    let mut own = Block::default();
    own.members.push("\"action\": \"deny\"".to_owned());
    own.members.push(format!("\"reason\": {}", quote(reason)));
    let rule = format!("{}/action", place(tool));
    own.test(
        &format!("{tool} is refused"),
        tool,
        None,
        "deny",
        Some(&rule),
    );
    own.document(tool)
}

/// A policy that hides a tool.
pub(super) fn hidden(tool: &str) -> String {
    let mut own = Block::default();
    own.test(
        &format!("nobody sees {tool}"),
        tool,
        None,
        "hide",
        Some("/hide/0"),
    );
    let hide = format!("\"hide\": [{}]", quote(tool));
    whole(&hide, &own.tests)
}

impl Block {
    fn test(
        &mut self,
        name: &str,
        tool: &str,
        call: Option<(&Map<String, Value>, u64)>,
        expect: &str,
        rule: Option<&str>,
    ) {
        let args = call.filter(|(args, _)| !args.is_empty());
        let args = args.map(|(args, _)| format!(", \"args\": {}", line(&args.clone().into())));
        let repeat = call.filter(|(_, times)| *times > 1);
        let repeat = repeat.map(|(_, times)| format!("\"repeat\": {times}, "));
        let rule = rule.map(|rule| format!(", \"rule\": {}", quote(rule)));
        self.tests.push(format!(
            "    {{\n      \"name\": {},\n      \"tool\": {}{},\n      {}\"expect\": \"{expect}\"{}\n    }}",
            quote(name),
            quote(tool),
            args.unwrap_or_default(),
            repeat.unwrap_or_default(),
            rule.unwrap_or_default(),
        ));
    }

    fn document(&self, tool: &str) -> String {
        let members = self.members.join(",\n      ");
        let tools = format!(
            "\"tools\": {{\n    {}: {{\n      {members}\n    }}\n  }}",
            quote(tool)
        );
        whole(&tools, &self.tests)
    }
}

fn whole(rules: &str, tests: &[String]) -> String {
    let tests = tests.join(",\n");
    format!(
        "{{\n  \"version\": \"1\",\n  \"default\": \"deny\",\n  {rules},\n  \"tests\": [\n{tests}\n  ]\n}}\n"
    )
}

fn written(path: &str, check: &Check) -> String {
    let path = quote(&format!("args.{path}"));
    let conditions: Vec<String> = check
        .conditions
        .iter()
        .map(|(op, value)| format!("{{ \"path\": {path}, \"op\": \"{op}\", \"value\": {value} }}"))
        .collect();
    let missing = match check.missing_passes {
        true => ",\n          \"missing\": \"pass\"",
        false => "",
    };
    format!(
        "        {{\n          \"conditions\": [{}],\n          \"on_deny\": {}{missing}\n        }}",
        conditions.join(", "),
        quote(&check.on_deny),
    )
}

fn place(tool: &str) -> String {
    Place::Tool(tool.to_owned()).pointer()
}

/// A counter for a tool's day. Names that a counter cannot have are cut and told apart by a number
/// made from the name.
fn counter(tool: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.:".contains(c);
    if tool.len() <= STEM_CHARS_MAX && tool.chars().all(plain) {
        return format!("{tool}_day");
    }
    let stem: String = tool.chars().filter(|&c| plain(c)).take(40).collect();
    // FNV-1a, which is the same everywhere: two runs write the same rule.
    let number = tool.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    format!("{stem}_{number:08x}_day")
}

fn arguments<'p>(values: impl Iterator<Item = (&'p str, Value)>) -> Map<String, Value> {
    let mut arguments = Map::new();
    for (path, value) in values {
        set(&mut arguments, path, value);
    }
    arguments
}

/// Sets a member by its path, with the objects that lead there.
fn set(object: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => drop(object.insert(path.to_owned(), value)),
        Some((first, rest)) => {
            let inner = object.entry(first).or_insert_with(|| Map::new().into());
            if let Value::Object(inner) = inner {
                set(inner, rest, value);
            }
        }
    }
}

/// JSON on one line, as policies are written.
fn line(value: &Value) -> String {
    match value {
        Value::Object(members) if !members.is_empty() => {
            let member =
                |(key, value): (&String, &Value)| format!("{}: {}", quote(key), line(value));
            let members: Vec<String> = members.iter().map(member).collect();
            format!("{{ {} }}", members.join(", "))
        }
        other => other.to_string(),
    }
}

/// A JSON string.
fn quote(text: &str) -> String {
    Value::from(text).to_string()
}
