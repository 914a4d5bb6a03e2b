//! What is wrong with the fields of a form, so that it can be said beside each of them.

use std::str::FromStr;

use crate::actions::{ActionError, FieldFault};

use super::PageError;

/// Faults by field. Empty means that nothing is wrong, or that nothing was sent yet.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<FieldFault>);

impl Faults {
    /// What is wrong with one field: a sentence that begins with `label`.
    pub(crate) fn of(&self, field: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|fault| fault.pointer.trim_start_matches('/').split('/').next() == Some(field))
            .map(|fault| fault.detail.as_str())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn add(&mut self, field: &str, detail: impl std::fmt::Display) {
        self.0.push(FieldFault::new(format!("/{field}"), detail));
    }

    pub(crate) fn extend(&mut self, faults: Vec<FieldFault>) {
        self.0.extend(faults);
    }

    /// Parses one field; where it cannot be, the fault is kept and `None` given.
    pub(crate) fn parse<T>(&mut self, field: &str, text: &str) -> Option<T>
    where
        T: FromStr<Err: std::fmt::Display>,
    {
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.add(field, error);
                None
            }
        }
    }

    /// The same for a field that may be left empty.
    pub(crate) fn parse_optional<T>(&mut self, field: &str, text: &str) -> Option<T>
    where
        T: FromStr<Err: std::fmt::Display>,
    {
        if text.is_empty() {
            None
        } else {
            self.parse(field, text)
        }
    }

    /// Faults of an action that fields can carry; everything else is not this form's to say.
    ///
    /// # Errors
    /// What the page as a whole must answer.
    pub(crate) fn from_action(error: ActionError) -> Result<Self, PageError> {
        match error {
            ActionError::Fields(faults) => Ok(Self(faults)),
            ActionError::Conflict(why) | ActionError::Upstream(why) => {
                Ok(Self(vec![FieldFault::new("/form", why)]))
            }
            other => Err(other.into()),
        }
    }
}
