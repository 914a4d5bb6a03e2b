//! A server's tools from a file: what the server answered to `tools/list`, or what the admin API
//! lists.

use anyhow::{Context, Result};
use catalog::class_of;
use domain::{Tool, ToolClass};
use json::{Bounds, Document, Kind, Value};

use super::{args::InventoryArgs, show::visible, source};
use crate::{exit::Usage, output::complain};

/// As a listing that the gateway reads.
const BOUNDS: Bounds = Bounds {
    bytes_max: upstream::LISTING_BYTES_MAX,
    depth_max: 128,
};

/// The tools that the arguments name; none where they name no file.
///
/// # Errors
/// [`Usage`]: the file cannot be read, or is no list of tools.
pub(super) fn read(args: &InventoryArgs) -> Result<Option<Vec<Tool>>> {
    let Some(path) = &args.inventory else {
        return Ok(None);
    };
    let catalog = args.catalog.as_deref();
    if let Some(slug) = catalog
        && catalog::server(slug).is_none()
    {
        let detail = format!("the catalogue has no server {}", visible(slug));
        return Err(Usage(detail).into());
    }
    let bytes = source::read(path, BOUNDS.bytes_max as u64 + 1)?;
    let name = source::name(path);
    let listing = tools(&bytes, catalog).map_err(|why| Usage(format!("{name}: {why}")))?;
    if listing.more {
        complain(&format!(
            "{name} is one page of a longer list (nextCursor); the tools on the others are unknown"
        ));
    }
    Ok(Some(listing.tools))
}

/// How one entry of a list becomes a tool, with the catalogue's entry for its server.
type Reading = fn(Value<'_>, Option<&str>) -> Option<Tool>;

/// Tools, and whether the server has more than these.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) tools: Vec<Tool>,
    more: bool,
}

/// Reads a list in any of its forms. Of tools with one name the first counts, as for the gateway.
/// Each definition stays as it stands.
pub(super) fn tools(text: &[u8], catalog: Option<&str>) -> Result<Listing, String> {
    let document =
        Document::parse(text, BOUNDS).map_err(|fault| format!("is not strict JSON: {fault}"))?;
    let mut root = document.root();
    if let Some(result) = root.get("result") {
        root = result;
    }
    let list = |key| root.get(key).filter(|list| list.kind() == Kind::Array);
    let (entries, read): (_, Reading) = match root.kind() {
        Kind::Array => (root, listed),
        _ => match (list("tools"), list("items")) {
            (Some(tools), _) => (tools, listed),
            (None, Some(items)) => (items, kept),
            (None, None) => {
                let detail = "is no list of tools: neither a tools/list result nor the API's list";
                return Err(detail.to_owned());
            }
        },
    };
    let mut tools: Vec<Tool> = Vec::with_capacity(entries.len());
    let mut names = std::collections::HashSet::new();
    for (at, entry) in entries.elements().enumerate() {
        let tool = read(entry, catalog).ok_or_else(|| format!("tool {} has no name", at + 1))?;
        if names.insert(tool.name.clone()) {
            tools.push(tool);
        }
    }
    let cursor = ["nextCursor", "next_cursor"].map(|key| root.get(key));
    let more = cursor
        .into_iter()
        .flatten()
        .any(|cursor| cursor.kind() != Kind::Null);
    Ok(Listing { tools, more })
}

/// An entry of `tools/list`, with the class that the catalogue or its words give it.
fn listed(entry: Value<'_>, catalog: Option<&str>) -> Option<Tool> {
    let mut tool = upstream::tool(entry)?;
    tool.class = Some(class_of(catalog, &tool));
    Some(tool)
}

/// An entry of the API's list, with the class that the organisation works with.
fn kept(entry: Value<'_>, _: Option<&str>) -> Option<Tool> {
    let mut tool = upstream::tool(entry.get("definition")?)?;
    let class = entry.get("class").and_then(Value::as_str);
    tool.class = class.and_then(|class| class.parse::<ToolClass>().ok());
    Some(tool)
}

/// The tools in an answer of the API; none where the server was never discovered.
pub(super) fn of_api(body: &[u8]) -> Result<Option<Vec<Tool>>> {
    let listing = tools(body, None)
        .map_err(anyhow::Error::msg)
        .context("the list of the server's tools")?;
    Ok(Some(listing.tools).filter(|tools| !tools.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOOL: &str = r#"{"name":"delete_repo","inputSchema":{"maximum":1.0}, "x":[1,  2]}"#;

    #[test]
    fn every_form_of_the_list_is_read_and_definitions_stay_as_they_are() {
        for text in [
            format!(r#"{{"jsonrpc":"2.0","id":1,"result":{{"tools":[{TOOL}]}}}}"#),
            format!(r#"{{"tools":[{TOOL}],"nextCursor":null}}"#),
            format!("[{TOOL}]"),
            format!(
                r#"{{"items":[{{"name":"delete_repo","class":"destructive","definition":{TOOL}}}],"next_cursor":null}}"#
            ),
        ] {
            let listing = tools(text.as_bytes(), None).expect(&text);
            assert!(!listing.more, "{text}");
            let [tool] = &listing.tools[..] else {
                panic!("{text}")
            };
            assert_eq!(tool.name, "delete_repo");
            assert_eq!(tool.definition, TOOL);
            assert_eq!(tool.class, Some(ToolClass::Destructive));
        }
    }

    /// The API's word on a class is the organisation's; the server's own hints are not asked again.
    #[test]
    fn the_organisations_class_wins() {
        let items = format!(r#"{{"items":[{{"class":"read","definition":{TOOL}}}]}}"#);
        let listing = tools(items.as_bytes(), None).expect("a list");
        assert_eq!(listing.tools[0].class, Some(ToolClass::Read));
    }

    #[test]
    fn the_first_of_two_counts_and_a_further_page_is_noticed() {
        let text =
            r#"{"tools":[{"name":"a","title":"1"},{"name":"a","title":"2"}],"nextCursor":"x"}"#;
        let listing = tools(text.as_bytes(), None).expect("a list");
        assert_eq!(listing.tools.len(), 1);
        assert_eq!(listing.tools[0].title.as_deref(), Some("1"));
        assert!(listing.more);
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for text in [
            "",
            "{}",
            "null",
            r#"{"tools":{}}"#,
            r#"{"tools":[{}]}"#,
            r#"[{"name":1}]"#,
            r#"{"error":{"code":1}}"#,
            r#"{"tools":[],"tools":[]}"#,
        ] {
            assert!(tools(text.as_bytes(), None).is_err(), "{text}");
        }
    }
}
