//! The filters of the audit log, which live in the URL.

use domain::{
    GrantId, ServerId,
    audit::{Code, Outcome},
};
use serde::Deserialize;
use store::audit::Filter;
use time::{
    OffsetDateTime, PrimitiveDateTime, format_description::well_known::Rfc3339,
    macros::format_description,
};

/// The query as it came; every field may be empty, since a form sends all of them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    pub(super) server: String,
    pub(super) grant: String,
    pub(super) identity: String,
    pub(super) tool: String,
    pub(super) outcome: String,
    pub(super) code: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) q: String,
    /// Anything: only what a rule in shadow would have refused or held.
    pub(super) shadow: String,
    pub(super) after: Option<uuid::Uuid>,
}

/// One filter in force, and where the page is without it.
pub(super) struct Chip {
    pub(super) word: &'static str,
    pub(super) value: String,
    pub(super) without: String,
}

impl Asked {
    fn fields(&self) -> [(&'static str, &str); 10] {
        [
            ("server", &self.server),
            ("grant", &self.grant),
            ("identity", &self.identity),
            ("tool", &self.tool),
            ("outcome", &self.outcome),
            ("code", &self.code),
            ("from", &self.from),
            ("to", &self.to),
            ("q", &self.q),
            ("shadow", &self.shadow),
        ]
    }

    /// The query with one field set to another value, back at the first page. Empty fields are left
    /// out.
    pub(super) fn with(&self, name: &str, value: &str) -> String {
        let pairs = self
            .fields()
            .map(|(key, old)| (key, if key == name { value } else { old }))
            .into_iter()
            .filter(|(_, value)| !value.is_empty());
        serde_urlencoded::to_string(pairs.collect::<Vec<_>>()).unwrap_or_default()
    }

    /// The fields in force beside the search, for its form to carry along.
    pub(super) fn others(&self) -> Vec<(&'static str, &str)> {
        let set = |(name, value): &(&str, &str)| *name != "q" && !value.is_empty();
        self.fields().into_iter().filter(set).collect()
    }

    /// The query as it is, back at the first page.
    pub(super) fn query(&self) -> String {
        self.with("", "")
    }

    pub(super) fn is_empty(&self) -> bool {
        self.fields().iter().all(|(_, value)| value.is_empty())
    }

    /// What `store` is asked for, and the names of the fields that mean nothing.
    pub(super) fn filter(&self) -> (Filter, Vec<&'static str>) {
        let mut bad = Vec::new();
        let text = |text: &str| (!text.trim().is_empty()).then(|| text.trim().to_owned());
        let filter = Filter {
            method: None,
            server: parse::<ServerId>("server", &self.server, &mut bad),
            grant: parse::<GrantId>("grant", &self.grant, &mut bad),
            identity: text(&self.identity),
            tool: text(&self.tool),
            outcome: parse::<Outcome>("outcome", &self.outcome, &mut bad),
            code: parse::<Code>("code", &self.code, &mut bad),
            from: moment("from", &self.from, &mut bad),
            to: moment("to", &self.to, &mut bad),
            q: text(&self.q),
            shadow: !self.shadow.is_empty(),
        };
        (filter, bad)
    }

    /// The filters in force, with the names that ids stand for.
    pub(super) fn chips(&self, name_of: impl Fn(&str) -> Option<String>) -> Vec<Chip> {
        self.fields()
            .into_iter()
            .filter(|(key, value)| !value.is_empty() && !["outcome", "shadow"].contains(key))
            .map(|(word, value)| Chip {
                word,
                value: name_of(value).unwrap_or_else(|| value.to_owned()),
                without: self.with(word, ""),
            })
            .collect()
    }
}

fn parse<T: std::str::FromStr>(
    name: &'static str,
    text: &str,
    bad: &mut Vec<&'static str>,
) -> Option<T> {
    if text.is_empty() {
        return None;
    }
    let parsed = text.parse().ok();
    if parsed.is_none() {
        bad.push(name);
    }
    parsed
}

/// RFC 3339, or what a browser's date field sends, which is taken as UTC.
fn moment(name: &'static str, text: &str, bad: &mut Vec<&'static str>) -> Option<OffsetDateTime> {
    if text.is_empty() {
        return None;
    }
    let field = format_description!("[year]-[month]-[day]T[hour]:[minute]");
    let parsed = OffsetDateTime::parse(text, &Rfc3339).ok().or_else(|| {
        PrimitiveDateTime::parse(text, field)
            .ok()
            .map(PrimitiveDateTime::assume_utc)
    });
    if parsed.is_none() {
        bad.push(name);
    }
    parsed
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn filters_are_read_and_nonsense_is_named() {
        let asked = Asked {
            outcome: "deny".to_owned(),
            code: "nonsense".to_owned(),
            from: "2026-11-26T10:00".to_owned(),
            to: "2026-11-26T11:00:00Z".to_owned(),
            ..Asked::default()
        };
        let (filter, bad) = asked.filter();
        assert_eq!(filter.outcome, Some(Outcome::Deny));
        assert_eq!(filter.from, Some(datetime!(2026-11-26 10:00 UTC)));
        assert_eq!(filter.to, Some(datetime!(2026-11-26 11:00 UTC)));
        assert_eq!(bad, ["code"]);
    }

    #[test]
    fn a_chip_takes_only_its_own_filter_away() {
        let asked = Asked {
            tool: "a&b".to_owned(),
            q: "x".to_owned(),
            ..Asked::default()
        };
        assert_eq!(asked.query(), "tool=a%26b&q=x");
        let chips = asked.chips(|_| None);
        assert_eq!(chips[0].without, "q=x");
        assert_eq!(chips[1].without, "tool=a%26b");
    }
}
