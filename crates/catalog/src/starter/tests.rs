//! The tests inside a starter: one for each promise it makes.

use domain::tools::{Tool, ToolClass};
use policy::{Engine, Policy, ToolPreview, ToolVerdict, preview};

use super::{
    Offer, Variant, a_minute, example,
    probe::GRANT,
    write::{self, quote},
};

/// The document with its tests. Which tool shows what is asked of the engine, so that a test never
/// names a tool that something else refuses, such as one whose name poses as another's.
pub(super) fn document(variant: Variant, offer: &Offer<'_>) -> String {
    let bare = write::document(variant, offer, &[]);
    let policy = Policy::parse(&bare).expect("what is written here is a valid document");
    let engine = Engine::compile(&policy, Some(offer.inventory));
    let tests: Vec<String> = offer
        .groups
        .iter()
        .filter_map(|(class, tools)| {
            let tools = tools.iter().map(|&tool| {
                let previews = preview(&engine, std::slice::from_ref(tool), GRANT, 0);
                (tool, previews)
            });
            let mut tools = tools.filter_map(|(tool, mut one)| Some((tool, one.pop()?)));
            match variant.opens(*class) {
                true => tools.find_map(|(tool, preview)| limited(offer, tool, &preview)),
                false => tools.find_map(|(tool, preview)| refused(offer, tool, &preview)),
            }
        })
        .collect();
    write::document(variant, offer, &tests)
}

/// A call too many within a minute is refused, and by the limit.
fn limited(offer: &Offer<'_>, tool: &Tool, preview: &ToolPreview) -> Option<String> {
    let max = a_minute(tool.class?)?;
    let arguments = match preview.verdict {
        ToolVerdict::Allowed => "{}".to_owned(),
        ToolVerdict::Depends => {
            let example = example::arguments(&tool.definition)?.to_string();
            Some(example).filter(|example| offer.probe.accepts(&tool.name, example))?
        }
        _ => return None,
    };
    let nth = match tool.class? {
        ToolClass::Read => "61st",
        ToolClass::Write => "31st",
        _ => "eleventh",
    };
    let name = format!("the {nth} {} in a minute is refused", tool.name);
    let rule = format!("{}/rate_limit", preview.rule.as_deref()?);
    Some(test(
        offer,
        &name,
        tool,
        &format!("\"args\": {arguments}, \"repeat\": {}", max + 1),
        &rule,
    ))
}

fn refused(offer: &Offer<'_>, tool: &Tool, preview: &ToolPreview) -> Option<String> {
    let rule = preview.rule.as_deref()?;
    let wanted = preview.verdict == ToolVerdict::Refused;
    let name = format!("{} is refused", tool.name);
    wanted.then(|| test(offer, &name, tool, "\"args\": {}", rule))
}

/// A test whose call is refused. Where rules go by class it says the class, so that it holds
/// without an inventory too.
fn test(offer: &Offer<'_>, name: &str, tool: &Tool, call: &str, rule: &str) -> String {
    let class = tool.class.filter(|_| !offer.listed);
    let class = class.map(|class| format!(", \"class\": {}", quote(class.as_str())));
    format!(
        "    {{\n      \"name\": {},\n      \"tool\": {}{}, {call},\n      \"expect\": \"deny\", \
         \"rule\": {}\n    }}",
        quote(name),
        quote(&tool.name),
        class.unwrap_or_default(),
        quote(rule),
    )
}
