//! Where the pages of the catalogue are. Slugs and names are other people's text; whatever a path
//! could take for its own is percent-encoded.

use domain::tools::{Risk, ToolClass};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stays as it is in a segment of a path (RFC 3986, "unreserved").
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// The text as one segment of a path.
#[must_use]
pub fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// A server's page.
#[must_use]
pub fn server(slug: &str) -> String {
    format!("/catalog/servers/{}", segment(slug))
}

/// A tool's page. None for names that no address can hold: browsers take a segment of dots for
/// "here" or "one up", encoded or not.
#[must_use]
pub fn tool(slug: &str, name: &str) -> Option<String> {
    let addressable = !matches!(name, "" | "." | "..");
    addressable.then(|| format!("{}/tools/{}", server(slug), segment(name)))
}

/// Where a signed-in member puts one of the suggested rules on a server.
#[must_use]
pub fn put_rule(slug: &str, name: &str, rule: &str) -> Option<String> {
    tool(slug, name).map(|page| format!("{page}/use?rule={rule}"))
}

/// A class's page.
#[must_use]
pub fn class(class: &ToolClass) -> String {
    format!("/catalog/classes/{class}")
}

/// A risk's page.
#[must_use]
pub fn risk(risk: &Risk) -> String {
    format!("/catalog/risks/{risk}")
}

/// An attack's page.
#[must_use]
pub fn attack(id: &str) -> String {
    format!("/catalog/attacks/{}", segment(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_kind_stay_one_segment() {
        for (name, wanted) in [
            ("a/b", "a%2Fb"),
            ("get.md", "get.md"),
            ("q?x#y", "q%3Fx%23y"),
            ("\"><", "%22%3E%3C"),
            ("a b", "a%20b"),
            ("50%", "50%25"),
            ("\u{202e}x", "%E2%80%AEx"),
        ] {
            let link = tool("s", name).expect("an address");
            assert_eq!(link, format!("/catalog/servers/s/tools/{wanted}"));
        }
        assert_eq!(tool("s", ".."), None);
    }
}
