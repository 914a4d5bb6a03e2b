//! Words and addresses of the report.

use catalog::stack::report::{ServerLine, State, ToolLine};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// The state's chip: its class and its word.
pub(crate) const fn state(state: &State) -> (&'static str, &'static str) {
    match state {
        State::Known => ("active", "known"),
        State::NotScanned => ("draft", "known, not scanned"),
        State::Unknown => ("attention", "not in the catalogue"),
        State::Behind => ("allowed", "behind Tollgate"),
    }
}

/// Where the server is registered, the form filled in as far as it can be.
pub(super) fn register(line: &ServerLine) -> String {
    let preset = line
        .slug
        .as_deref()
        .filter(|slug| catalog::server(slug).is_some());
    if let Some(slug) = preset {
        return format!("/servers/new?catalog={slug}");
    }
    let mut fields = vec![("name", line.mention.name.as_str())];
    if let Some(url) = line
        .mention
        .url
        .as_deref()
        .filter(|url| !url.contains("/removed"))
    {
        fields.push(("url", url));
    }
    let query = serde_urlencoded::to_string(fields).unwrap_or_default();
    format!("/servers/new?{query}")
}

/// Where the catalogue shows the tool.
pub(super) fn tool_link(line: &ToolLine) -> String {
    let tool = utf8_percent_encode(&line.tool, NON_ALPHANUMERIC);
    format!("/catalog/servers/{}/tools/{tool}", line.slug)
}
