//! How the product's words look in the OpenAPI document, and times in JSON.
//!
//! `domain` knows nothing of OpenAPI, so each word has a stand-in here, made from the same tables.

use domain::{Role as DomainRole, ToolClass as DomainClass, audit};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, SchemaFormat, schema::KnownFormat, schema::Type},
};

macro_rules! ids {
    ($($name:ident = $what:literal;)*) => {$(
        #[doc = $what]
        pub(crate) enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                id(domain::$name::PREFIX, $what)
            }
        }

        impl ToSchema for $name {}
    )*};
}

ids! {
    OrgId = "An organisation's id.";
    ServerId = "A server's id.";
    PolicyId = "A policy's id.";
    GrantId = "A grant's id.";
    EventId = "An audit event's id; also the decision's id that the agent was told.";
    UserId = "A user's id.";
    ApiKeyId = "An API key's id.";
    AdminEventId = "An admin event's id.";
}

fn id(prefix: &str, what: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(what))
        .pattern(Some(format!("^{prefix}_[0-9a-f]{{32}}$")))
        .examples([format!("{prefix}_0198f0c27d6a7c10a4b2f1b3c5d7e9f1")])
        .into()
}

macro_rules! words {
    ($($name:ident = $what:literal, $all:expr;)*) => {$(
        #[doc = $what]
        pub(crate) enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let words: Vec<&str> = $all.iter().map(|word| word.as_str()).collect();
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some($what))
                    .examples(words.first().copied())
                    .enum_values(Some(words))
                    .into()
            }
        }

        impl ToSchema for $name {}
    )*};
}

words! {
    Role = "What a member or a key may do in an organisation.", DomainRole::ALL;
    ToolClass = "The worst that normal use of a tool does, mildest first.", DomainClass::ALL;
    Outcome = "What was decided.", audit::Outcome::ALL;
    Code = "Why it was decided so.", audit::Code::ALL;
    Settled = "What became of a forwarded request.", audit::Settled::ALL;
}

/// Any JSON at all.
pub(crate) enum AnyJson {}

impl PartialSchema for AnyJson {
    fn schema() -> RefOr<Schema> {
        utoipa::openapi::schema::empty().into()
    }
}

impl ToSchema for AnyJson {}

/// A moment, as RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Time(pub OffsetDateTime);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.0.to_offset(UtcOffset::UTC).format(&Rfc3339);
        serializer.serialize_str(&text.map_err(serde::ser::Error::custom)?)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        OffsetDateTime::parse(&text, &Rfc3339)
            .ok()
            .and_then(|at| at.checked_to_offset(UtcOffset::UTC))
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("must be a time such as 2026-11-26T02:30:00Z"))
    }
}

impl From<OffsetDateTime> for Time {
    fn from(at: OffsetDateTime) -> Self {
        Self(at)
    }
}

impl PartialSchema for Time {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("A moment, as RFC 3339 in UTC."))
            .examples(["2026-11-26T02:30:00Z"])
            .into()
    }
}

impl ToSchema for Time {}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Time> {
        serde_json::from_value(serde_json::Value::String(text.into())).ok()
    }

    #[test]
    fn a_time_goes_out_in_utc() {
        let time = read("2026-11-26T04:30:00.25+02:00").expect("a time");
        let text = serde_json::to_string(&time).expect("writes");
        assert_eq!(text, "\"2026-11-26T02:30:00.25Z\"");
    }

    #[test]
    fn what_is_no_rfc_3339_time_is_refused() {
        for bad in [
            "",
            "2026-11-26",
            "2026-11-26T02:30:00",
            "1732588200",
            "2026-02-30T00:00:00Z",
            "tomorrow",
            "-9999-01-01T00:00:00Z",
        ] {
            assert!(read(bad).is_none(), "{bad}");
        }
        // At the calendar's end another offset must not panic.
        for edge in ["0000-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"] {
            let _ = read(edge);
        }
    }
}
