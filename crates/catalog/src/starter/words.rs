//! What a starter says of itself.

use domain::tools::ToolClass;

use super::{Offer, Variant, a_minute};

/// The document's own description, which stays true while its authors change it.
pub(super) const fn description(variant: Variant) -> &'static str {
    match variant {
        Variant::Recommended => {
            "Reading, writing and executing at a pace that suits an agent at work; nothing that \
             deletes for good or moves money."
        }
        Variant::ReadOnly => "Reading only; nothing that changes anything.",
        Variant::LockedDown => {
            "Every tool is refused until someone takes the \"action\" out of its entry."
        }
    }
}

/// What an agent is told when it calls a tool that is refused; none where the usual words do.
pub(super) const fn reason(variant: Variant, class: Option<ToolClass>) -> Option<&'static str> {
    Some(match class {
        None => "Nobody has said yet what this tool does.",
        Some(ToolClass::Destructive) => "What this tool removes cannot be brought back.",
        Some(ToolClass::Financial) => "This tool moves money or makes an obligation to pay.",
        Some(_) => match variant {
            Variant::ReadOnly => "Only reading is allowed.",
            Variant::Recommended | Variant::LockedDown => return None,
        },
    })
}

/// What the starter does to this server's tools.
pub(super) fn explanation(variant: Variant, offer: &Offer<'_>) -> String {
    let mut sentences = vec![
        match variant {
            Variant::Recommended => "Each tool at a pace that follows from its class.",
            Variant::ReadOnly => "Tools that only read are allowed; every other tool is refused.",
            Variant::LockedDown => {
                "Every tool is refused; take the \"action\" out of its entry to open one."
            }
        }
        .to_owned(),
    ];
    for (class, tools) in &offer.groups {
        sentences.extend(group(variant, *class, tools.len()));
    }
    let refused = |class| offer.groups.iter().any(|(of, _)| *of == Some(class));
    if variant == Variant::Recommended
        && (refused(ToolClass::Destructive) || refused(ToolClass::Financial))
    {
        let alternative = "The alternative to refusing is to ask a person for each call \
                           (\"action\": \"require_approval\"), which cannot be published in this \
                           release yet.";
        sentences.push(alternative.to_owned());
    }
    sentences.extend(unchecked(variant, offer));
    if !offer.listed {
        let classes = "There are too many tools to list, so the rules go by class, also for tools \
                       that the server adds later.";
        sentences.push(classes.to_owned());
    } else if !offer.unnameable.is_empty() {
        let count = count(offer.unnameable.len(), "has a name", "have names");
        sentences.push(format!(
            "{count} that no rule can give, so no call can pass."
        ));
    }
    sentences.join(" ")
}

fn group(variant: Variant, class: Option<ToolClass>, tools: usize) -> Option<String> {
    let which = match class {
        Some(ToolClass::Read) => count(tools, "only reads", "only read"),
        Some(ToolClass::Write) => count(tools, "writes", "write"),
        Some(ToolClass::Execute) => count(tools, "executes", "execute"),
        Some(ToolClass::Destructive) => count(tools, "deletes for good", "delete for good"),
        Some(ToolClass::Financial) => count(tools, "moves money", "move money"),
        None => count(tools, "has no class yet", "have no class yet"),
    };
    let what = match class.and_then(a_minute) {
        Some(max) if variant.opens(class) => {
            let each = if tools == 1 { "" } else { " each" };
            let checked = match class {
                Some(ToolClass::Execute) => {
                    ", with the arguments checked against the tool's schema"
                }
                _ => "",
            };
            format!("{max} calls a minute{each}{checked}")
        }
        // The first sentence has said so already.
        _ if variant == Variant::LockedDown && class.is_some() => return None,
        _ => "refused".to_owned(),
    };
    Some(format!("{which}: {what}."))
}

/// Tools whose arguments are not checked because their schema cannot be used. Where rules go by
/// class, these are refused.
fn unchecked(variant: Variant, offer: &Offer<'_>) -> Option<String> {
    let execute = Some(ToolClass::Execute);
    let (_, tools) = offer.groups.iter().find(|(class, _)| *class == execute)?;
    let without = tools
        .iter()
        .filter(|tool| !offer.probe.has_schema(&tool.name))
        .count();
    if without == 0 || !variant.opens(execute) {
        return None;
    }
    let which = count(without, "executes and has", "execute and have");
    let then = match offer.listed {
        true => "arguments are not checked",
        false => "every call is refused",
    };
    Some(format!("{which} no schema that can be used: {then}."))
}

fn count(tools: usize, one: &str, many: &str) -> String {
    match tools {
        1 => format!("1 tool {one}"),
        _ => format!("{tools} tools {many}"),
    }
}
