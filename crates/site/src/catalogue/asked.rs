//! What someone looks for in the catalogue: the query of `/catalog`, read and written.

use std::fmt::Write as _;

use domain::tools::{Risk, ToolClass};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use store::catalogue::Filter;

use super::counts::RISKS;
use crate::SiteError;

/// Rows on a page.
pub(super) const ROWS: u16 = 40;
/// As many pages as there are counted rows for.
const PAGES_MAX: u32 = 250;
/// Longer texts are cut.
const TEXT_MAX: usize = 200;

pub(super) const TRANSPORTS: [&str; 3] = ["stdio", "streamable-http", "sse"];

/// What is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Servers,
    Tools,
}

/// A search, as its address says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The words; empty for browsing.
    pub(crate) text: String,
    pub(crate) kind: Kind,
    pub(crate) class: Option<ToolClass>,
    pub(crate) risk: Option<Risk>,
    pub(crate) transport: Option<&'static str>,
    pub(crate) official: Option<bool>,
    /// From 1 on.
    pub(crate) page: u32,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            text: String::new(),
            kind: Kind::Servers,
            class: None,
            risk: None,
            transport: None,
            official: None,
            page: 1,
        }
    }
}

impl Asked {
    /// Reads a query. Fields that are empty or unknown are passed over; a known one with a value
    /// that it cannot have is [`SiteError::BadQuery`].
    pub(super) fn read(query: Option<&str>) -> Result<Self, SiteError> {
        let mut asked = Self::default();
        let fields: Vec<(String, String)> = serde_urlencoded::from_str(query.unwrap_or_default())
            .map_err(|_| SiteError::BadQuery)?;
        for (name, value) in fields {
            let value = value.trim();
            if !value.is_empty() {
                asked.set(&name, value)?;
            }
        }
        Ok(asked)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), SiteError> {
        let wrong = || SiteError::BadQuery;
        match name {
            "q" => {
                let clean = value.chars().filter(|c| !c.is_control());
                self.text = clean.take(TEXT_MAX).collect();
            }
            "kind" => {
                self.kind = match value {
                    "servers" => Kind::Servers,
                    "tools" => Kind::Tools,
                    _ => return Err(wrong()),
                }
            }
            "class" => self.class = Some(value.parse().map_err(|_| wrong())?),
            "risk" => self.risk = Some(risk(value).ok_or_else(wrong)?),
            "transport" => {
                let known = TRANSPORTS.into_iter().find(|known| *known == value);
                self.transport = Some(known.ok_or_else(wrong)?);
            }
            "official" => {
                self.official = match value {
                    "yes" | "true" => Some(true),
                    "no" | "false" => Some(false),
                    _ => return Err(wrong()),
                }
            }
            "page" => self.page = page(value)?,
            _ => {}
        }
        Ok(())
    }

    /// The address of this search, its fields in one order.
    pub(super) fn url(&self) -> String {
        let mut query = String::new();
        let mut put = |name: &str, value: &str| {
            let joint = if query.is_empty() { '?' } else { '&' };
            let value = utf8_percent_encode(value, NON_ALPHANUMERIC);
            let _ = write!(query, "{joint}{name}={value}");
        };
        if !self.text.is_empty() {
            put("q", &self.text);
        }
        if self.kind == Kind::Tools {
            put("kind", "tools");
        }
        if let Some(class) = self.class {
            put("class", class.as_str());
        }
        if let Some(risk) = self.risk {
            put("risk", risk.as_str());
        }
        if let Some(transport) = self.transport {
            put("transport", transport);
        }
        if let Some(official) = self.official {
            put("official", if official { "yes" } else { "no" });
        }
        if self.page > 1 {
            put("page", &self.page.to_string());
        }
        format!("/catalog{query}")
    }

    /// The same search with something else, from its first page on.
    pub(super) fn but(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut other = Self {
            page: 1,
            ..self.clone()
        };
        change(&mut other);
        other
    }

    /// Whether anything narrows the list down, words aside.
    pub(super) fn is_narrowed(&self) -> bool {
        self.class.is_some()
            || self.risk.is_some()
            || self.transport.is_some()
            || self.official.is_some()
    }

    /// The bare catalogue: what search engines list.
    pub(super) fn is_bare(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn filter(&self) -> Filter {
        Filter {
            text: (!self.text.is_empty()).then(|| self.text.clone()),
            class: self.class,
            risk: self.risk,
            transport: self.transport.map(str::to_owned),
            official: self.official,
            server: None,
        }
    }

    pub(super) fn offset(&self) -> u32 {
        (self.page - 1) * u32::from(ROWS)
    }
}

/// A risk by its name.
pub(super) fn risk(name: &str) -> Option<Risk> {
    RISKS.into_iter().find(|risk| risk.as_str() == name)
}

/// The number of a page: 1 to [`PAGES_MAX`].
pub(super) fn page(value: &str) -> Result<u32, SiteError> {
    let number = value.parse().map_err(|_| SiteError::BadQuery)?;
    match number {
        1..=PAGES_MAX => Ok(number),
        _ => Err(SiteError::BadQuery),
    }
}

/// The page that a query asks for, where it can ask for nothing else.
pub(super) fn only_page(query: Option<&str>) -> Result<u32, SiteError> {
    Asked::read(query).map(|asked| asked.page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_was_asked() {
        for query in [
            "",
            "?q=rerun%20workflow",
            "?q=a%26b%3D%22&kind=tools&class=execute&risk=high&transport=stdio&official=yes&page=3",
            "?official=no",
        ] {
            let asked = Asked::read(query.strip_prefix('?')).expect("it is well-formed");
            assert_eq!(asked.url(), format!("/catalog{query}"));
        }
        let asked = Asked::read(Some("q=+&kind=servers&page=1&utm_source=x&class=")).expect("fine");
        assert!(asked.is_bare());
    }

    #[test]
    fn what_cannot_be_is_said_to_be_wrong() {
        for query in [
            "class=bad",
            "risk=Low",
            "kind=x",
            "transport=carrier-pigeon",
            "official=maybe",
            "page=0",
            "page=251",
            "page=-1",
            "page=x",
        ] {
            assert!(Asked::read(Some(query)).is_err(), "{query}");
        }
    }

    #[test]
    fn words_are_bounded_and_hold_no_control_characters() {
        let long = format!("q=%00a%0A{}", "b".repeat(900));
        let asked = Asked::read(Some(&long)).expect("it is cut");
        assert_eq!(asked.text.len(), TEXT_MAX);
        assert!(asked.text.starts_with("ab"));
    }

    #[test]
    fn another_filter_begins_at_the_first_page() {
        let asked = Asked::read(Some("page=7")).expect("fine");
        let other = asked.but(|asked| asked.class = Some(ToolClass::Read));
        assert_eq!(other.url(), "/catalog?class=read");
    }
}
