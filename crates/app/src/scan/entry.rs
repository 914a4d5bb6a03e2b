//! A scan as a line of the catalogue's documented format.

use catalog::{scanned, write_entry};
use domain::catalogue::{KnownServer, Origin};
use time::OffsetDateTime;
use upstream::Found;

use super::args::Target;

/// The line, without its end. Vendor, licence and the like are whoever's who imports it.
pub(super) fn line(target: &Target, slug: Option<&str>, found: &Found) -> String {
    let tools = found.tools.iter().map(|tool| scanned(slug, tool));
    let tools: Vec<_> = tools.collect();
    let name = found.server_name.clone().unwrap_or_else(|| target.name());
    let (transport, remote_url) = match target {
        // A query may hold a key.
        Target::Url { url, .. } if !url.is_plain_http() && !url.as_str().contains('?') => {
            ("streamable-http", Some(url.as_str().to_owned()))
        }
        Target::Url { .. } => ("streamable-http", None),
        Target::Command { .. } => ("stdio", None),
    };
    let server = KnownServer {
        transports: vec![transport.to_owned()],
        remote_url,
        sources: vec!["scan".to_owned()],
        tools_from: Some("scan".to_owned()),
        tools_date: Some(OffsetDateTime::now_utc().date()),
        version: found.server_version.clone(),
        ..KnownServer::named(&slug_of(&name), &name, Origin::Imported)
    };
    write_entry(&server, Some(&tools))
}

/// The name as it can stand in a URL.
fn slug_of(name: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    let text: String = name.chars().map(plain).take(60).collect();
    let steps: Vec<&str> = text.split('-').filter(|step| !step.is_empty()).collect();
    if steps.is_empty() {
        "server".to_owned()
    } else {
        steps.join("-")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_becomes_a_slug() {
        for (name, expected) in [
            ("mcp-server-circleci", "mcp-server-circleci"),
            ("  My  Server/2.0 ", "my-server-2-0"),
            ("\u{1b}[31m漢字", "31m"),
            ("漢字", "server"),
            ("", "server"),
        ] {
            assert_eq!(slug_of(name), expected);
        }
    }
}
