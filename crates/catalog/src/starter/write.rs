//! The document's text, laid out for people: a line for each tool, a blank line between classes.

use domain::tools::{Tool, ToolClass};

use super::{Offer, Variant, a_minute, words};

/// The document with these tests, each an object.
pub(super) fn document(variant: Variant, offer: &Offer<'_>, tests: &[String]) -> String {
    let description = quote(words::description(variant));
    let rules = match offer.listed {
        true => format!("  \"tools\": {}", listed(variant, offer)),
        false => format!("  \"classes\": {}", by_class(variant)),
    };
    let tests = match tests.is_empty() {
        true => String::new(),
        false => format!(",\n  \"tests\": [\n{}\n  ]", tests.join(",\n")),
    };
    format!(
        "{{\n  \"version\": \"1\",\n  \"description\": {description},\n  \"default\": \"deny\",\n\
         {rules}{tests}\n}}\n"
    )
}

fn listed(variant: Variant, offer: &Offer<'_>) -> String {
    let group = |(class, tools): &(Option<ToolClass>, Vec<&Tool>)| {
        let lines: Vec<String> = tools
            .iter()
            .map(|tool| {
                let validates = offer.probe.has_schema(&tool.name);
                let block = block(variant, *class, validates);
                format!("    {}: {block}", quote(&tool.name))
            })
            .collect();
        lines.join(",\n")
    };
    let groups: Vec<String> = offer.groups.iter().map(group).collect();
    match groups.is_empty() {
        true => "{}".to_owned(),
        false => format!("{{\n{}\n  }}", groups.join(",\n\n")),
    }
}

fn by_class(variant: Variant) -> String {
    let lines = ToolClass::ALL.map(|class| {
        let block = block(variant, Some(class), true);
        format!("    {}: {block}", quote(class.as_str()))
    });
    format!("{{\n{}\n  }}", lines.join(",\n"))
}

/// The rules for a tool of a class. A tool that is refused for now keeps the limit it would have,
/// so that taking its `action` out is all it takes to open it.
fn block(variant: Variant, class: Option<ToolClass>, validates: bool) -> String {
    let mut fields = Vec::new();
    if !variant.opens(class) {
        fields.push("\"action\": \"deny\"".to_owned());
        if let Some(reason) = words::reason(variant, class) {
            fields.push(format!("\"reason\": {}", quote(reason)));
        }
    }
    let keeps = variant.opens(class) || variant == Variant::LockedDown;
    if let Some(max) = class.filter(|_| keeps).and_then(a_minute) {
        if class == Some(ToolClass::Execute) && validates {
            fields.push("\"validate\": \"schema\"".to_owned());
        }
        fields.push(format!(
            "\"rate_limit\": {{ \"max\": {max}, \"window\": \"minute\" }}"
        ));
    }
    format!("{{ {} }}", fields.join(", "))
}

/// A JSON string.
pub(super) fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
