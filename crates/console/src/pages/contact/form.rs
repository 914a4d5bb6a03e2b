//! What was typed into the form, and what it means.

use domain::{Email, Name};
use serde::Deserialize;
use store::contact::{NewMessage, TEXT_CHARS_MAX};

use crate::pages::fields::Faults;

/// The fields as they came.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Typed {
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) organisation: String,
    pub(crate) message: String,
    /// A field that nobody sees: only programs fill it.
    pub(crate) left_empty: String,
}

impl Typed {
    /// The message, or what is wrong with each field.
    pub(super) fn read(&self) -> Result<NewMessage, Faults> {
        let mut faults = Faults::default();
        let name = faults.parse::<Name>("name", self.name.trim());
        let email = faults.parse::<Email>("email", self.email.trim());
        let organisation = faults.parse_optional::<Name>("organisation", self.organisation.trim());
        // Browsers send a line's end as two characters.
        let message = self.message.replace("\r\n", "\n").trim().to_owned();
        if let Some(fault) = unfit(&message) {
            faults.add("message", fault);
        }
        match (name, email) {
            (Some(name), Some(email)) if faults.is_empty() => Ok(NewMessage {
                name,
                email,
                organisation,
                message,
            }),
            _ => Err(faults),
        }
    }
}

fn unfit(message: &str) -> Option<String> {
    let length = message.chars().count();
    if length == 0 {
        return Some("is empty".to_owned());
    }
    if length > TEXT_CHARS_MAX {
        return Some(format!(
            "has {length} characters, and may have {TEXT_CHARS_MAX}"
        ));
    }
    let control = |c: &char| c.is_control() && !matches!(c, '\n' | '\t');
    let bad = message.chars().find(control)?;
    Some(format!("has a control character, U+{:04X}", u32::from(bad)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed() -> Typed {
        Typed {
            name: " Ada Lovelace ".to_owned(),
            email: "ada@example.com".to_owned(),
            organisation: String::new(),
            message: "Hello\r\nthere\n".to_owned(),
            left_empty: String::new(),
        }
    }

    #[test]
    fn a_message_is_read_as_it_was_meant() {
        let read = typed().read().expect("a good message");
        assert_eq!(read.name.as_str(), "Ada Lovelace");
        assert_eq!(read.organisation, None);
        assert_eq!(read.message, "Hello\nthere");
    }

    /// What would be a header of its own in a letter, or drive a terminal.
    #[test]
    fn every_field_says_what_is_wrong_with_it() {
        let bad = Typed {
            name: "Ada\r\nBcc: victim@example.com".to_owned(),
            email: "ada@example.com\nBcc: victim@example.com".to_owned(),
            organisation: "x\u{1b}[2J".to_owned(),
            message: "a\u{1b}[2Jb".to_owned(),
            left_empty: String::new(),
        };
        let faults = bad.read().expect_err("it is bad");
        for field in ["name", "email", "organisation", "message"] {
            assert!(faults.of(field).is_some(), "{field}");
        }
        for message in ["", " \n ", &"x".repeat(TEXT_CHARS_MAX + 1)] {
            let bad = Typed {
                message: message.to_owned(),
                ..typed()
            };
            let faults = bad.read().expect_err("it is bad");
            assert!(faults.of("message").is_some() && faults.of("name").is_none());
        }
        let long = Typed {
            message: "é".repeat(TEXT_CHARS_MAX),
            ..typed()
        };
        assert!(long.read().is_ok());
    }
}
