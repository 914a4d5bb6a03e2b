//! Identifiers. An id knows what it names: a [`ServerId`] where a [`GrantId`] belongs does not
//! compile, and as text does not parse.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

/// A text that is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id of the form {prefix}_ and 32 lower-case hexadecimal digits")]
pub struct BadId {
    prefix: &'static str,
}

/// Every prefix in use, so that a slug can never be taken for an id.
pub const PREFIXES: [&str; 9] = ["org", "srv", "pol", "gr", "apr", "evt", "usr", "key", "adm"];

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(Uuid);

        impl Serialize for $name {
            /// Every record of the spool holds several ids, so none of them is a `String` on its way.
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl $name {
            /// What stands before the underscore where the id is written as text.
            pub const PREFIX: &'static str = $prefix;

            /// A fresh id: a UUIDv7 (RFC 9562, section 5.7), so ids made later sort later.
            #[must_use]
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }

            /// The id around a UUID that is known to name this kind of thing, such as a column.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The bare UUID, for a column.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut hex = Uuid::encode_buffer();
                f.write_str(concat!($prefix, "_"))?;
                f.write_str(self.0.as_simple().encode_lower(&mut hex))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            /// Exactly one spelling is accepted, because ids are compared as text outside.
            fn from_str(text: &str) -> Result<Self, BadId> {
                parse($prefix, text).map(Self)
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;

            fn try_from(text: String) -> Result<Self, BadId> {
                text.parse()
            }
        }

    )*};
}

fn parse(prefix: &'static str, text: &str) -> Result<Uuid, BadId> {
    text.strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'))
        .filter(|hex| {
            hex.len() == 32 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        })
        .and_then(|hex| Uuid::try_parse(hex).ok())
        .ok_or(BadId { prefix })
}

typed_ids! {
    /// An organisation: the tenant, which owns everything below it.
    OrgId = "org";
    /// An MCP server a team registered.
    ServerId = "srv";
    /// A policy on a server, in all its versions.
    PolicyId = "pol";
    /// One agent's permission to call one server.
    GrantId = "gr";
    /// A person's answer to one exact call that a policy held.
    ApprovalId = "apr";
    /// One audit event, which is also the decision's id on the wire.
    EventId = "evt";
    /// A person who can sign in.
    UserId = "usr";
    /// A key for the admin API.
    ApiKeyId = "key";
    /// One change of state made by a person or a key.
    AdminEventId = "adm";
}

impl EventId {
    /// When the event was made, in milliseconds since the Unix epoch, read from the id itself.
    #[must_use]
    pub fn unix_ms(self) -> u64 {
        let [a, b, c, d, e, f, ..] = *self.0.as_bytes();
        u64::from_be_bytes([0, 0, a, b, c, d, e, f])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_the_round_trip() {
        let id = ServerId::generate();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!(id.to_string().starts_with("srv_"));
    }

    #[test]
    fn an_id_has_one_spelling_and_one_kind() {
        let text = ServerId::generate().to_string();
        assert!(text.parse::<GrantId>().is_err());
        assert!(text.to_uppercase().parse::<ServerId>().is_err());
        assert!(format!("{text} ").parse::<ServerId>().is_err());
        assert!(text[4..].parse::<ServerId>().is_err());
        let hyphenated = Uuid::now_v7().hyphenated().to_string();
        assert!(format!("srv_{hyphenated}").parse::<ServerId>().is_err());
    }

    #[test]
    fn an_event_knows_when_it_was_made() {
        let before = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .expect("after 1970")
            .as_millis();
        let made = u128::from(EventId::generate().unix_ms());
        assert!(made >= before && made < before + 5_000);
    }
}
