//! What someone looks for among the attacks: the query of `/catalog/attacks`, read and written.

use std::fmt::Write as _;

use catalog::attacks::{Attack, Status, Stops, attacks};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::SiteError;

/// Longer texts are cut.
const TEXT_MAX: usize = 100;

/// A search, as its address says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// Words that all must occur; empty for all attacks.
    pub(super) text: String,
    /// A class of attacks that there is.
    pub(super) class: Option<&'static str>,
    pub(super) status: Option<Status>,
    pub(super) stops: Option<Stops>,
}

impl Asked {
    /// Reads a query. Fields that are empty or unknown are passed over; a known one with a value
    /// that it cannot have is [`SiteError::BadQuery`].
    pub(super) fn read(query: Option<&str>) -> Result<Self, SiteError> {
        let fields: Vec<(String, String)> = serde_urlencoded::from_str(query.unwrap_or_default())
            .map_err(|_| SiteError::BadQuery)?;
        let mut asked = Self::default();
        for (name, value) in &fields {
            let value = value.trim();
            if !value.is_empty() {
                asked.set(name, value).ok_or(SiteError::BadQuery)?;
            }
        }
        Ok(asked)
    }

    fn set(&mut self, name: &str, value: &str) -> Option<()> {
        match name {
            "q" => {
                let clean = value.chars().filter(|c| !c.is_control());
                self.text = clean.take(TEXT_MAX).collect();
            }
            "class" => {
                let known = attacks().iter().find(|it| it.class == value)?;
                self.class = Some(&known.class);
            }
            "status" => {
                self.status = Some(Status::ALL.into_iter().find(|it| it.as_str() == value)?);
            }
            "stops" => self.stops = Some(Stops::ALL.into_iter().find(|it| it.as_str() == value)?),
            _ => {}
        }
        Some(())
    }

    /// The query of this search, its fields in one order; empty where nothing is asked.
    pub(super) fn query(&self) -> String {
        let mut query = String::new();
        let fields = [
            ("q", (!self.text.is_empty()).then_some(self.text.as_str())),
            ("class", self.class),
            ("status", self.status.map(Status::as_str)),
            ("stops", self.stops.map(Stops::as_str)),
        ];
        for (name, value) in fields {
            if let Some(value) = value {
                let joint = if query.is_empty() { '?' } else { '&' };
                let value = utf8_percent_encode(value, NON_ALPHANUMERIC);
                let _ = write!(query, "{joint}{name}={value}");
            }
        }
        query
    }

    /// The address of this search.
    pub(super) fn url(&self) -> String {
        format!("/catalog/attacks{}", self.query())
    }

    /// The same search with something else.
    pub(super) fn but(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut other = self.clone();
        change(&mut other);
        other
    }

    /// Whether anything is asked for.
    pub(super) fn is_narrowed(&self) -> bool {
        *self != Self::default()
    }

    /// The attacks that are meant, the newest first.
    pub(super) fn found(&self) -> Vec<&'static Attack> {
        attacks().iter().filter(|it| self.means(it)).collect()
    }

    fn means(&self, attack: &Attack) -> bool {
        self.class.is_none_or(|class| attack.class == class)
            && self.status.is_none_or(|status| attack.status == status)
            && self.stops.is_none_or(|stops| attack.stops == stops)
            && self.is_said_in(attack)
    }

    /// Whether each word stands somewhere in what the entry says, in upper or lower case.
    fn is_said_in(&self, attack: &Attack) -> bool {
        if self.text.is_empty() {
            return true;
        }
        let short = [&attack.id, &attack.name, &attack.class, &attack.summary];
        let lists = [&attack.how, &attack.tools, &attack.cve];
        let said: Vec<String> = short
            .into_iter()
            .chain(attack.affected.as_ref())
            .chain(lists.into_iter().flatten())
            .map(|text| text.to_lowercase())
            .collect();
        let asked = self.text.to_lowercase();
        asked
            .split_whitespace()
            .all(|word| said.iter().any(|text| text.contains(word)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(query: &str) -> Vec<&'static str> {
        let asked = Asked::read(Some(query)).expect("a query");
        asked.found().iter().map(|it| it.id.as_str()).collect()
    }

    #[test]
    fn attacks_are_found_by_words_and_narrowed_down() {
        assert_eq!(ids("").len(), attacks().len());
        assert_eq!(ids("q=cve-2025-53355"), ["kubernetes-command-injection"]);
        assert_eq!(
            ids("q=KUBERNETES+kubectl"),
            ["kubernetes-command-injection"]
        );
        assert!(ids("q=execute_sql").contains(&"supabase-lethal-trifecta"));
        let no = ids("stops=no&status=in-the-wild");
        assert_eq!(no, ["postmark-mcp"]);
        assert_eq!(ids("class=sampling-abuse"), ["sampling-abuse"]);
        assert_eq!(ids("q=kubernetes+wallet"), Vec::<&str>::new());
    }

    #[test]
    fn a_value_that_no_link_has_is_told() {
        for query in ["class=nothing", "status=new", "stops=maybe", "q=%ff"] {
            let read = Asked::read(Some(query));
            assert_eq!(read.is_err(), query != "q=%ff", "{query}");
        }
        let asked = Asked::read(Some("stops=no&q=a%26b&unknown=1")).expect("a query");
        assert_eq!(asked.url(), "/catalog/attacks?q=a%26b&stops=no");
        assert_eq!(
            Asked::read(Some(&asked.query()[1..])).expect("a query"),
            asked
        );
    }
}
