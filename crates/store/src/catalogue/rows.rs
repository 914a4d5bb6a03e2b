//! Between rows and what is known.

use domain::{
    catalogue::{KnownServer, KnownTool, Origin},
    tools::{Risk, ToolClass},
};
use serde_json::Value;
use time::{Date, OffsetDateTime};

use super::{Counts, ServerCard, ToolCard};
use crate::{Result, text};

/// A row of `catalogue_servers`.
pub(super) struct ServerRow {
    pub(super) id: i64,
    pub(super) slug: String,
    pub(super) name: String,
    pub(super) vendor: Option<String>,
    pub(super) summary: Option<String>,
    pub(super) repo: Option<String>,
    pub(super) subdir: Option<String>,
    pub(super) licence: Option<String>,
    pub(super) packages: Vec<String>,
    pub(super) transports: Vec<String>,
    pub(super) remote_url: Option<String>,
    pub(super) auth: Option<String>,
    pub(super) official: bool,
    pub(super) tags: Vec<String>,
    pub(super) sources: Vec<String>,
    pub(super) tools_from: Option<String>,
    pub(super) tools_date: Option<Date>,
    pub(super) tools_total: Option<i32>,
    pub(super) copies: i32,
    pub(super) platform: Option<String>,
    pub(super) version: Option<String>,
    pub(super) origin: String,
    pub(super) tool_count: Option<i32>,
    pub(super) by_class: Vec<i32>,
    pub(super) by_risk: Vec<i32>,
    pub(super) keys: Vec<String>,
    #[expect(dead_code, reason = "the row is read whole")]
    pub(super) sitemap_at: i32,
    #[expect(dead_code, reason = "the row is read whole")]
    pub(super) content_hash: Vec<u8>,
    #[expect(dead_code, reason = "the row is read whole")]
    pub(super) added_at: OffsetDateTime,
    pub(super) changed_at: OffsetDateTime,
}

pub(super) fn count(number: i32) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

/// As many as there is room for; Postgres has no more of them.
pub(super) fn counts<const N: usize>(numbers: &[i32]) -> [u32; N] {
    let mut counts = [0; N];
    for (count, number) in counts.iter_mut().zip(numbers) {
        *count = self::count(*number);
    }
    counts
}

impl ServerRow {
    pub(super) fn card(self) -> Result<ServerCard> {
        let counts = Counts {
            by_class: counts(&self.by_class),
            by_risk: counts(&self.by_risk),
        };
        let origin = origin(&self.slug, &self.origin)?;
        Ok(ServerCard {
            tool_count: self.tool_count.map(count),
            counts,
            changed_at: self.changed_at,
            server: KnownServer {
                slug: self.slug,
                name: self.name,
                vendor: self.vendor,
                summary: self.summary,
                repo: self.repo,
                subdir: self.subdir,
                licence: self.licence,
                packages: self.packages,
                transports: self.transports,
                remote_url: self.remote_url,
                auth: self.auth,
                official: self.official,
                tags: self.tags,
                sources: self.sources,
                tools_from: self.tools_from,
                tools_date: self.tools_date,
                tools_total: self.tools_total.map(count),
                copies: count(self.copies),
                platform: self.platform,
                version: self.version,
                origin,
            },
        })
    }
}

pub(super) fn cards(rows: Vec<ServerRow>) -> Result<Vec<ServerCard>> {
    rows.into_iter().map(ServerRow::card).collect()
}

fn origin(slug: &str, text: &str) -> Result<Origin> {
    match text {
        "shipped" => Ok(Origin::Shipped),
        "imported" => Ok(Origin::Imported),
        "registry" => Ok(Origin::Registry),
        _ => Err(text::corrupt(
            "catalogue_servers",
            slug,
            "an unknown origin",
        )),
    }
}

pub(super) const fn origin_text(origin: Origin) -> &'static str {
    match origin {
        Origin::Shipped => "shipped",
        Origin::Imported => "imported",
        Origin::Registry => "registry",
    }
}

/// A row of `catalogue_tools`, and whose it is.
pub(super) struct ToolRow {
    pub(super) server_id: i64,
    #[expect(dead_code, reason = "the row is read whole")]
    pub(super) position: i32,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) does: Option<String>,
    pub(super) note: Option<String>,
    pub(super) args: Option<Value>,
    pub(super) hints: Value,
    pub(super) class: String,
    pub(super) risk: String,
    pub(super) found_class: String,
    pub(super) found_risk: String,
    pub(super) signals: Value,
    pub(super) confidence: f32,
    pub(super) corrected: bool,
    pub(super) slug: String,
    pub(super) server: String,
    pub(super) origin: String,
}

impl ToolRow {
    /// Without the operator's correction.
    pub(super) fn found(self) -> Result<ToolCard> {
        let row = Self {
            class: self.found_class.clone(),
            risk: self.found_risk.clone(),
            corrected: false,
            ..self
        };
        row.card()
    }

    pub(super) fn card(self) -> Result<ToolCard> {
        let at = format!("{}/{}", self.slug, self.name);
        let bad = |error: serde_json::Error| text::corrupt("catalogue_tools", &at, error);
        let class: ToolClass = text::parse("catalogue_tools", &at, &self.class)?;
        let tool = KnownTool {
            args: self
                .args
                .map(serde_json::from_value)
                .transpose()
                .map_err(bad)?,
            hints: serde_json::from_value(self.hints).map_err(bad)?,
            signals: serde_json::from_value(self.signals).map_err(bad)?,
            class,
            risk: risk(&self.risk),
            name: self.name,
            description: self.description,
            does: self.does,
            note: self.note,
            // A person has looked.
            confidence: if self.corrected { 1.0 } else { self.confidence },
            corrected: self.corrected,
        };
        Ok(ToolCard {
            origin: origin(&self.slug, &self.origin)?,
            slug: self.slug,
            server: self.server,
            tool,
        })
    }
}

pub(super) fn tool_cards(rows: Vec<ToolRow>) -> Result<Vec<ToolCard>> {
    rows.into_iter().map(ToolRow::card).collect()
}

/// The column is checked to be one of the four.
pub(super) fn risk(text: &str) -> Risk {
    match text {
        "low" => Risk::Low,
        "medium" => Risk::Medium,
        "high" => Risk::High,
        _ => Risk::Critical,
    }
}
