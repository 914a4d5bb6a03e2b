//! The pages of `tools/list`.

use std::collections::HashSet;

use domain::Tool;
use json::{Kind, Value};

use super::{
    Found,
    conversation::Conversation,
    message::{Failed, clean, with_result},
};

/// How many pages of a list are read.
pub const PAGES_MAX: usize = 100;
/// How many tools a list may have.
pub const TOOLS_MAX: usize = 10_000;
/// How many names that stand twice are told.
const NOTES_MAX: usize = 20;

const LIST: &str = "tools/list";

/// Reads every page into `found`. A server that does not say that it `offers` tools is asked too: not
/// every client looks at what a server says of itself before it asks.
pub(super) async fn read(
    exchange: &mut impl Conversation,
    found: &mut Found,
    offers: bool,
) -> Result<(), Failed> {
    let mut names = HashSet::new();
    let mut cursor = None;
    for page in 0..PAGES_MAX {
        let params = cursor.as_ref().map_or_else(String::new, |cursor: &String| {
            let mut params = r#""cursor":"#.to_owned();
            json::quote(cursor, &mut params);
            params
        });
        let text = match exchange.request(LIST, &params).await {
            // A server without tools need not know the method.
            Err(Failed::Rpc { code: -32601, .. }) if page == 0 => return Ok(()),
            // One that offers none may say so in its own way.
            Err(Failed::Rpc { .. } | Failed::Status { .. } | Failed::NotMcp { .. })
                if page == 0 && !offers =>
            {
                return Ok(());
            }
            other => other?,
        };
        cursor = with_result(LIST, &text, |result| {
            let tools = result
                .get("tools")
                .filter(|tools| tools.kind() == Kind::Array);
            let tools = tools.ok_or("its result has no list of tools")?;
            if found.tools.len() + found.twins.len() + tools.len() > TOOLS_MAX {
                return Err(format!("it lists more than {TOOLS_MAX} tools"));
            }
            for tool in tools.elements() {
                let tool = self::tool(tool).ok_or_else(|| {
                    let at = found.tools.len() + found.twins.len() + 1;
                    format!("tool {at} has no name")
                })?;
                if names.insert(tool.name.clone()) {
                    found.tools.push(tool);
                    continue;
                }
                if found.notes.len() < NOTES_MAX {
                    let name = clean(&tool.name, 128);
                    found.notes.push(format!(
                        "The server lists {name} more than once; its first definition counts."
                    ));
                }
                found.twins.push(tool);
            }
            match result.get("nextCursor") {
                None => Ok(None),
                Some(cursor) if cursor.kind() == Kind::Null => Ok(None),
                Some(cursor) => match cursor.as_str() {
                    Some(cursor) => Ok(Some(cursor.into_owned())),
                    None => Err("its nextCursor is not a string".to_owned()),
                },
            }
        })?;
        if cursor.is_none() {
            return Ok(());
        }
    }
    let detail = format!("its list has more than {PAGES_MAX} pages");
    Err(Failed::NotMcp {
        method: LIST,
        detail,
    })
}

/// One entry of a `tools/list` result, its definition as it stands and its class left open. None
/// where it has no name.
#[must_use]
pub fn tool(entry: Value<'_>) -> Option<Tool> {
    let text = |value: Value<'_>, key| Some(without_nul(&value.get(key)?.as_str()?));
    let title = text(entry, "title").or_else(|| {
        entry
            .get("annotations")
            .and_then(|annotations| text(annotations, "title"))
    });
    Some(Tool {
        name: text(entry, "name")?,
        title,
        description: text(entry, "description"),
        definition: entry.raw().to_owned(),
        class: None,
    })
}

fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}
