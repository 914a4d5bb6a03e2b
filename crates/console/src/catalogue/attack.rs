//! An entry of the attack database.

use catalog::attacks::{Attack, Status, Stops};
use serde::Serialize;
use serde_json::json;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

/// An attack, in short.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "rug-pull", "name": "Rug pull", "class": "rug-pull", "date": "2025-04-01",
    "status": "pattern", "stops": "partly", "cve": [],
    "summary": "A tool is approved once and later does something else."
}))]
pub(crate) struct CatalogueAttack {
    /// Names it in URLs.
    id: &'static str,
    name: &'static str,
    /// The kind of attack.
    class: &'static str,
    /// When it became known, as far as that is known: a date, a month or a year.
    date: Option<&'static str>,
    /// `pattern`, `proof-of-concept`, `disclosed`, `incident` or `in-the-wild`.
    #[schema(value_type = String)]
    status: Status,
    /// Whether a gateway on the path of calls stops it: `yes`, `partly` or `no`.
    #[schema(value_type = String)]
    stops: Stops,
    cve: &'static [String],
    /// What happens.
    summary: &'static str,
}

impl CatalogueAttack {
    pub(crate) fn of(attack: &'static Attack) -> Self {
        Self {
            id: &attack.id,
            name: &attack.name,
            class: &attack.class,
            date: attack.date.as_deref(),
            status: attack.status,
            stops: attack.stops,
            cve: &attack.cve,
            summary: &attack.summary,
        }
    }
}

/// An attack with all that is known of it.
pub(crate) enum CatalogueAttackEntry {}

impl PartialSchema for CatalogueAttackEntry {
    fn schema() -> RefOr<Schema> {
        let example = json!({
            "id": "rug-pull", "name": "Rug pull", "class": "rug-pull", "date": "2025-04-01",
            "status": "pattern", "cve": [], "affected": null,
            "summary": "A tool is approved once and later does something else.",
            "how": ["…"], "needs": ["…"], "classes": ["read"], "tools": [], "signals": [],
            "stops": "partly", "controls": ["definition_pin"], "rule": null,
            "sources": ["https://…"]
        });
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .description(Some(
                "An attack: how it works, what it needs, what of it is stopped and what is not, and a \
                 rule against it where one can do anything.",
            ))
            .examples([example])
            .into()
    }
}

impl ToSchema for CatalogueAttackEntry {}

/// Which attacks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    /// A part of the id, the name, the kind, a CVE number or the summary, in upper or lower case.
    pub(crate) q: Option<String>,
    /// Only those that go through tools of this class.
    pub(crate) class: Option<domain::ToolClass>,
    /// Only of this kind.
    pub(crate) kind: Option<String>,
}

impl Wanted {
    /// The attacks that fit, the newest first.
    pub(crate) fn find(&self) -> Vec<&'static Attack> {
        let part = self.q.as_ref().map(|part| part.to_lowercase());
        let fits = |attack: &&Attack| {
            let named = part.as_ref().is_none_or(|part| {
                let texts = [&attack.id, &attack.name, &attack.class, &attack.summary];
                let mut texts = texts.into_iter().chain(&attack.cve);
                texts.any(|text| text.to_lowercase().contains(part.as_str()))
            });
            let class = self
                .class
                .is_none_or(|class| attack.classes.contains(&class));
            named && class && self.kind.as_ref().is_none_or(|kind| attack.class == *kind)
        };
        catalog::attacks::attacks().iter().filter(fits).collect()
    }
}
