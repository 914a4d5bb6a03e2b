//! Names people and servers give to things, parsed once at the door.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::ids::PREFIXES;

/// Why a text cannot be the name it was meant to be. The wording is for whoever typed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// Too short or too long.
    #[error("must be {min} to {max} characters long")]
    Length {
        /// The fewest characters allowed.
        min: usize,
        /// The most characters allowed.
        max: usize,
    },
    /// A character that may not stand where it stands.
    #[error("may not contain {}", describe(*.0))]
    Character(char),
    /// Blanks at an end, which nobody can see.
    #[error("may not begin or end with a blank")]
    Blank,
    /// Text that means something else in the same place.
    #[error("is reserved")]
    Reserved,
    /// Not an e-mail address.
    #[error("is not an e-mail address")]
    NotAnAddress,
}

fn describe(c: char) -> String {
    if c.is_control() || is_invisible(c) {
        format!("the invisible character U+{:04X}", u32::from(c))
    } else {
        format!("“{c}”")
    }
}

/// Characters that show nothing or reorder what is shown: zero-width, bidirectional and tag
/// characters. A name with one of these can pose as another name.
#[must_use]
pub const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
        | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

fn visible(text: &str, min: usize, max: usize) -> Result<(), BadName> {
    let length = text.chars().count();
    if let Some(bad) = text.chars().find(|c| c.is_control() || is_invisible(*c)) {
        return Err(BadName::Character(bad));
    }
    if length < min || length > max {
        return Err(BadName::Length { min, max });
    }
    if text.trim() != text {
        return Err(BadName::Blank);
    }
    Ok(())
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident($check:expr);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = BadName;

            fn from_str(text: &str) -> Result<Self, BadName> {
                let check: fn(&str) -> Result<(), BadName> = $check;
                check(text).map(|()| Self(text.into()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadName;

            fn try_from(text: String) -> Result<Self, BadName> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.into()
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    )*};
}

names! {
    /// A tool's name, compared byte for byte.
    ///
    /// Source: MCP 2025-11-25, "Tool Names", widened to printable ASCII because real servers use
    /// it. The name becomes part of a Redis key and a line in the audit log, so nothing invisible
    /// gets in.
    ToolName(|text| {
        if let Some(bad) = text.chars().find(|c| !c.is_ascii_graphic()) {
            return Err(BadName::Character(bad));
        }
        if !(1..=128).contains(&text.len()) {
            return Err(BadName::Length { min: 1, max: 128 });
        }
        Ok(())
    });

    /// The short name of an organisation or a server in a URL: 2 to 40 of `[a-z][a-z0-9-]*`, never
    /// `mcp`, never UUID-like, never beginning with an id's prefix.
    Slug(slug);

    /// What people call an organisation, a server or a policy: 1 to 80 visible characters.
    Name(|text| visible(text, 1, 80));

    /// What people call a grant: 1 to 80 visible characters. Policies can compare it.
    Label(|text| visible(text, 1, 80));

    /// Who a grant acts for, such as `ci-runner`: 1 to 120 visible characters.
    Identity(|text| visible(text, 1, 120));
}

fn slug(text: &str) -> Result<(), BadName> {
    if let Some(bad) = text
        .chars()
        .find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-'))
    {
        return Err(BadName::Character(bad));
    }
    if !(2..=40).contains(&text.len()) {
        return Err(BadName::Length { min: 2, max: 40 });
    }
    if let Some(first) = text.chars().next().filter(|c| !c.is_ascii_lowercase()) {
        return Err(BadName::Character(first));
    }
    let hex = text.bytes().filter(u8::is_ascii_hexdigit).count();
    let uuid_like = hex == 32 && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    let like_an_id = PREFIXES.iter().any(|prefix| {
        text.strip_prefix(prefix)
            .is_some_and(|rest| rest.starts_with(['_', '-']))
    });
    if text == "mcp" || uuid_like || like_an_id {
        return Err(BadName::Reserved);
    }
    Ok(())
}

impl Slug {
    /// A slug out of a name in any script: what is not a letter or digit becomes one hyphen.
    /// Falls back to `fallback` where nothing usable is left.
    #[must_use]
    pub fn suggest(name: &str, fallback: &'static str) -> Self {
        let mut out = String::with_capacity(name.len());
        for c in name.chars() {
            match c.to_ascii_lowercase() {
                c @ ('a'..='z' | '0'..='9') => out.push(c),
                _ if out.ends_with('-') || out.is_empty() => {}
                _ => out.push('-'),
            }
            if out.len() == 36 {
                break;
            }
        }
        let out = out.trim_matches(|c: char| c == '-' || c.is_ascii_digit());
        out.parse().unwrap_or_else(|_| Self(fallback.into()))
    }

    /// The same slug with a number behind it, for when the plain one is taken.
    #[must_use]
    pub fn numbered(&self, n: u32) -> Self {
        let number = n.to_string();
        let stem: String = self.0.chars().take(39 - number.len()).collect();
        Self(format!("{stem}-{number}").into())
    }
}

/// An e-mail address, kept as typed and compared in lower case.
///
/// Only what every mail system can use is accepted: one `@`, a local part of at most 64 bytes and a
/// domain with a dot or `localhost` (RFC 5321, sections 4.1.2 and 4.5.3.1), all printable ASCII.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Email(Box<str>);

impl Email {
    /// The address as typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which two addresses are compared.
    #[must_use]
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl FromStr for Email {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let (local, host) = text.rsplit_once('@').ok_or(BadName::NotAnAddress)?;
        let local_ok = (1..=64).contains(&local.len())
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..")
            && local
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b));
        let label_ok = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        let host_ok = host.len() <= 253
            && (host.contains('.') || host == "localhost")
            && host.split('.').all(label_ok);
        if local_ok && host_ok {
            Ok(Self(text.into()))
        } else {
            Err(BadName::NotAnAddress)
        }
    }
}

impl TryFrom<String> for Email {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        text.parse()
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0.into()
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_can_never_be_taken_for_anything_else() {
        for good in [
            "circleci",
            "ab",
            "a1-b2",
            "organic",
            "keyboard",
            "mcp-server",
        ] {
            assert!(good.parse::<Slug>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "a",
            "mcp",
            "Abc",
            "1ab",
            "-ab",
            "a_b",
            "a.b",
            "srv-1",
            "org-x",
            "a/b",
            "ab\n",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "abcdef0123456789abcdef0123456789",
            "abcdef01-2345-6789-abcd-ef0123456789",
        ] {
            assert!(bad.parse::<Slug>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_suggested_slug_is_a_slug() {
        for name in [
            "CircleCI",
            "Ünïcode Ltd.",
            "42",
            "日本",
            "mcp",
            "srv-thing",
            "  a  b  ",
            "x",
        ] {
            let slug = Slug::suggest(name, "server");
            assert!(slug.as_str().parse::<Slug>().is_ok(), "{name} → {slug}");
            for number in [2, 12, u32::MAX] {
                assert!(slug.numbered(number).as_str().parse::<Slug>().is_ok());
            }
        }
        assert_eq!(Slug::suggest("Acme & Sons", "x").as_str(), "acme-sons");
    }

    #[test]
    fn a_name_hides_nothing() {
        assert!("CI agents".parse::<Name>().is_ok());
        for bad in [
            "",
            " a",
            "a ",
            "a\u{200B}b",
            "a\u{202E}b",
            "a\nb",
            "a\u{E0041}",
        ] {
            assert!(bad.parse::<Name>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_tool_name_is_printable_ascii() {
        assert!("rerun_workflow".parse::<ToolName>().is_ok());
        for bad in ["", "a b", "a\u{0}", "ſ", "a\n"] {
            assert!(bad.parse::<ToolName>().is_err(), "{bad:?}");
        }
        assert!("a".repeat(129).parse::<ToolName>().is_err());
    }

    #[test]
    fn an_address_is_one_that_mail_can_reach() {
        for good in ["a@b.co", "first.last+tag@sub.example.org", "root@localhost"] {
            assert!(good.parse::<Email>().is_ok(), "{good}");
        }
        for bad in [
            "", "a", "a@b", "@b.co", "a@", "a b@c.de", "a@b..co", "a\n@b.co", "a@-b.co", ".a@b.co",
        ] {
            assert!(bad.parse::<Email>().is_err(), "{bad:?}");
        }
    }
}
