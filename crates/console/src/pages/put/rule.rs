//! A rule of the catalogue, by what an address says of it. The text itself never travels: it is made
//! anew from the facts, so an address can name a rule and not write one.

use std::collections::BTreeSet;

use catalog::suggest;
use domain::catalogue::KnownTool;
use site::links;
use store::StoreError;

use crate::{pages::PageError, state::Console};

/// A policy's name may be so long.
const NAME_CHARS_MAX: usize = 80;

/// A rule to put on a server.
pub(crate) struct Rule {
    /// What it is, to begin a sentence or to end one.
    pub(crate) what: String,
    /// What it does.
    pub(crate) explanation: String,
    /// A whole policy.
    pub(crate) document: String,
    /// The tools that it names.
    pub(crate) tools: Vec<String>,
    /// The server of the catalogue that the tool is of.
    pub(crate) catalog: Option<String>,
    /// The value of `put`, by which the editor finds it.
    pub(crate) put: String,
    /// The page that it was chosen on, and what that is of.
    pub(crate) from: (String, String),
    /// The page that asks where it goes.
    pub(crate) page: String,
}

/// Another rule for the same tool.
pub(super) struct Variant {
    pub(super) name: &'static str,
    pub(super) explanation: String,
    pub(super) page: String,
    pub(super) chosen: bool,
}

/// What an address names.
pub(super) enum Named {
    Tool {
        slug: String,
        /// An id of `catalog::suggest`.
        rule: String,
        tool: String,
    },
    Attack(String),
}

impl Named {
    /// `tool/{slug}/{rule}/{tool}` or `attack/{id}`; a tool's name may have slashes.
    fn parse(put: &str) -> Option<Self> {
        if let Some(id) = put.strip_prefix("attack/") {
            return Some(Self::Attack(id.to_owned()));
        }
        let mut parts = put.strip_prefix("tool/")?.splitn(3, '/').map(str::to_owned);
        Some(Self::Tool {
            slug: parts.next()?,
            rule: parts.next()?,
            tool: parts.next()?,
        })
    }

    /// The rule, and those that could be had instead.
    pub(super) async fn read(&self, console: &Console) -> Result<(Rule, Vec<Variant>), PageError> {
        match self {
            Self::Tool { slug, rule, tool } => of_tool(console, slug, rule, tool).await,
            Self::Attack(id) => Ok((of_attack(id).ok_or(PageError::NotFound)?, Vec::new())),
        }
    }
}

impl Rule {
    /// The rule that the value of `put` names.
    pub(crate) async fn read(console: &Console, put: &str) -> Result<Self, PageError> {
        let named = Named::parse(put).ok_or(PageError::NotFound)?;
        Ok(named.read(console).await?.0)
    }

    /// What a policy that begins with it can be called.
    pub(crate) fn policy_name(&self) -> String {
        let (_, of) = &self.from;
        of.chars().take(NAME_CHARS_MAX).collect()
    }
}

async fn of_tool(
    console: &Console,
    slug: &str,
    id: &str,
    name: &str,
) -> Result<(Rule, Vec<Variant>), PageError> {
    let tool = known(console, slug, name).await?;
    let rules = suggest::suggestions(&tool);
    let page = |id: &str| links::put_rule(slug, name, id);
    let variants = rules.iter().filter_map(|rule| {
        Some(Variant {
            name: rule.name,
            explanation: rule.explanation.clone(),
            page: page(rule.id)?,
            chosen: rule.id == id,
        })
    });
    let variants = variants.collect();
    let rule = rules.into_iter().find(|rule| rule.id == id);
    let rule = rule.ok_or(PageError::NotFound)?;
    let which = match rule.id {
        "recommended" => "the recommended rule",
        "limit" => "the rule that limits",
        "block" => "the rule that blocks",
        _ => "the rule that hides",
    };
    let joined = if rule.id == "recommended" { " for" } else { "" };
    let rule = Rule {
        what: format!("{which}{joined} {name}"),
        explanation: rule.explanation,
        document: rule.document,
        tools: vec![name.to_owned()],
        catalog: Some(slug.to_owned()),
        put: format!("tool/{slug}/{id}/{name}"),
        from: (
            links::tool(slug, name).ok_or(PageError::NotFound)?,
            name.to_owned(),
        ),
        page: page(id).ok_or(PageError::NotFound)?,
    };
    Ok((rule, variants))
}

/// A tool as the catalogue has it; one that comes with Tollgate before the catalogue is loaded, too.
async fn known(console: &Console, slug: &str, name: &str) -> Result<KnownTool, PageError> {
    match store::catalogue::tool(&console.db, slug, name).await {
        Ok(entry) => Ok(entry.tool),
        Err(StoreError::NotFound) => catalog::shipped_tool(slug, name)
            .cloned()
            .ok_or(PageError::NotFound),
        Err(error) => Err(error.into()),
    }
}

fn of_attack(id: &str) -> Option<Rule> {
    let attack = catalog::attacks::attack(id)?;
    let rule = attack.rule.as_ref()?;
    let page = links::attack(id);
    Some(Rule {
        what: format!("the rule against “{}”", attack.name),
        explanation: rule.explanation.clone(),
        tools: tools(&rule.document),
        document: rule.document.clone(),
        catalog: None,
        put: format!("attack/{id}"),
        from: (page.clone(), attack.name.clone()),
        page: format!("{page}/use"),
    })
}

/// The tools that a document names.
fn tools(document: &str) -> Vec<String> {
    let document: serde_json::Value = serde_json::from_str(document).unwrap_or_default();
    let entries = document.get("tools").and_then(serde_json::Value::as_object);
    let names = entries.into_iter().flatten().map(|(name, _)| name.as_str());
    let hidden = document.get("hide").and_then(serde_json::Value::as_array);
    let hidden = hidden
        .into_iter()
        .flatten()
        .filter_map(serde_json::Value::as_str);
    let names: BTreeSet<&str> = names
        .chain(hidden)
        .filter(|name| !name.contains('*'))
        .collect();
    names.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_tool_whose_name_has_slashes() {
        let Some(Named::Tool { slug, rule, tool }) = Named::parse("tool/s/limit/a/b") else {
            panic!("it names one");
        };
        assert_eq!([slug, rule, tool], ["s", "limit", "a/b"].map(str::to_owned));
        for bad in ["", "tool/", "tool/s/limit", "x/y", "/attack/x"] {
            assert!(Named::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn every_attack_with_a_rule_can_be_put_on_a_server() {
        for attack in catalog::attacks::attacks() {
            let rule = of_attack(&attack.id);
            assert_eq!(rule.is_some(), attack.rule.is_some(), "{}", attack.id);
        }
    }
}
