//! The editor's form as it was sent.

use domain::{PolicyId, Scope, ServerId};
use serde::Deserialize;

use super::builder::View;
use crate::{pages::PageError, state::Console};

/// What is being edited.
#[derive(Clone, Copy)]
pub(super) enum Place {
    New(ServerId),
    Policy(PolicyId),
}

impl Place {
    /// Where its form is sent.
    pub(super) fn action(self) -> String {
        match self {
            Self::New(server) => format!("/servers/{server}/policies/new"),
            Self::Policy(policy) => format!("/policies/{policy}"),
        }
    }

    /// The server whose tools the document is checked against.
    pub(super) async fn server(
        self,
        console: &Console,
        scope: &Scope,
    ) -> Result<ServerId, PageError> {
        match self {
            Self::New(server) => Ok(server),
            Self::Policy(id) => Ok(store::policies::get(&console.db, scope, id).await?.server),
        }
    }
}

/// The form, whichever button sent it.
#[derive(Default, Deserialize)]
#[serde(try_from = "Vec<(String, String)>")]
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) document: String,
    pub(super) note: String,
    /// The policy's revision when the text was opened: saving over another one is a lost race.
    pub(super) revision: Option<i32>,
    /// The version that the text began as.
    pub(super) base: Option<i32>,
    /// The button.
    pub(super) act: String,
    /// What the builder shows, where a button of its own has changed that.
    pub(super) view: Option<View>,
    /// Every field, for the parts of the form that read their own.
    pub(super) fields: Fields,
}

impl TryFrom<Vec<(String, String)>> for Draft {
    type Error = std::num::ParseIntError;

    /// A number that is none is no form of ours: to take it as missing would skip the check that
    /// hangs on it.
    fn try_from(pairs: Vec<(String, String)>) -> Result<Self, Self::Error> {
        let fields = Fields(pairs);
        let text = |name| fields.get(name).to_owned();
        let number = |name| match fields.get(name) {
            "" => Ok(None),
            digits => digits.parse().map(Some),
        };
        Ok(Self {
            name: text("name"),
            // A browser sends the lines of a textarea with CRLF; the author wrote LF.
            document: text("document").replace("\r\n", "\n"),
            note: text("note"),
            revision: number("revision")?,
            base: number("base")?,
            act: text("act"),
            view: None,
            fields,
        })
    }
}

/// Fields in the order they were sent.
#[derive(Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// The first field of that name; empty where there is none.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value)
    }

    /// The fields whose names begin so, with the rest of their names.
    pub(super) fn starting(&self, prefix: &str) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .filter_map(move |(key, value)| Some((key.strip_prefix(prefix)?, value.as_str())))
    }

    /// Whether there is a field of that name: a box that is ticked, a button that was pressed.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(form: &str) -> Result<Draft, serde_urlencoded::de::Error> {
        serde_urlencoded::from_str(form)
    }

    #[test]
    fn a_form_is_read_whatever_fields_it_has() {
        let draft = read("document=a%0D%0Ab&revision=3&act=save&x=1&x=2").expect("a form");
        assert_eq!((draft.document.as_str(), draft.revision), ("a\nb", Some(3)));
        assert_eq!((draft.fields.get("x"), draft.fields.get("y")), ("1", ""));
        assert!(draft.fields.has("x") && !draft.fields.has("y"));
        assert_eq!(read("").expect("a form").revision, None);
    }

    #[test]
    fn a_revision_that_is_none_is_not_taken_for_a_missing_one() {
        assert!(read("revision=x").is_err());
        assert!(read("base=99999999999").is_err());
    }
}
