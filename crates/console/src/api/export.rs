//! The audit log as a file, written while it is read.

use std::fmt::Write;

use axum::{
    body::Body,
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use domain::{
    Capability, GrantId, Scope, ServerId,
    audit::{Code, Outcome},
};
use futures_util::stream;
use serde::Deserialize;
use store::{Page, PageRequest, StoreError, audit::Filter};
use time::format_description::well_known::Rfc3339;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    audit::AuditEvent,
    caller::Caller,
    problem::ApiError,
    query::Query,
    schema::{self, Time},
};
use crate::state::Console;

/// How many events are read and written at a time.
const PAGE: u16 = 200;

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(export))
}

/// How the file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// One JSON object a line.
    Jsonl,
    /// RFC 4180, with a header line.
    Csv,
}

/// Which events, and how they are written.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportQuery {
    /// `jsonl` or `csv`.
    #[param(value_type = String, example = "jsonl")]
    format: Format,
    #[param(value_type = Option<schema::ServerId>)]
    server: Option<ServerId>,
    #[param(value_type = Option<schema::GrantId>)]
    grant: Option<GrantId>,
    /// Who the grant acted for, exactly.
    identity: Option<String>,
    /// The tool, exactly.
    tool: Option<String>,
    #[param(value_type = Option<schema::Outcome>)]
    outcome: Option<Outcome>,
    #[param(value_type = Option<schema::Code>)]
    code: Option<Code>,
    /// The earliest moment, included.
    from: Option<Time>,
    /// The latest moment, excluded.
    to: Option<Time>,
    /// A part of the tool, the grant's label, the server's name or the message.
    q: Option<String>,
    /// Only what a rule in shadow would have refused or held.
    #[serde(default)]
    #[param(value_type = Option<bool>)]
    shadow: bool,
}

/// Export audit events.
///
/// Every event that fits, newest first, as JSON Lines (each line as `GET /audit/{id}` answers it) or
/// as CSV. The answer is streamed; if it breaks off, the connection does too. In CSV a cell that a
/// spreadsheet would take for a formula begins with an apostrophe.
#[utoipa::path(get, path = "/audit/export", tag = "audit", params(ExportQuery),
    responses((status = 200, description = "The file.", content(
        (String = "application/jsonl", example = "{\"id\":\"evt_0198f0c27d6a7c10a4b2f1b3c5d7e9f1\",…}\n"),
        (String = "text/csv", example = "id,at,server_id,…\r\n"),
    ))))]
async fn export(
    State(console): State<Console>,
    caller: Caller,
    Query(query): Query<ExportQuery>,
) -> Result<Response, ApiError> {
    let scope = *caller.require(Capability::See)?;
    let format = query.format;
    let filter = Filter {
        method: None,
        server: query.server,
        grant: query.grant,
        identity: query.identity,
        tool: query.tool,
        outcome: query.outcome,
        code: query.code,
        from: query.from.map(|Time(at)| at),
        to: query.to.map(|Time(at)| at),
        q: query.q,
        shadow: query.shadow,
    };
    // The first page is read before the answer begins, so that a failure can still be said.
    let first = read(&console, &scope, &filter, None).await?;
    let head = match format {
        Format::Jsonl => String::new(),
        Format::Csv => format!("{}\r\n", COLUMNS.join(",")),
    };
    let begun = Progress {
        console,
        scope,
        filter,
        format,
        next: Next::Page(head, first),
    };
    let body = Body::from_stream(stream::try_unfold(begun, step));
    let (media, name) = match format {
        Format::Jsonl => ("application/jsonl", "attachment; filename=\"audit.jsonl\""),
        Format::Csv => (
            "text/csv; charset=utf-8; header=present",
            "attachment; filename=\"audit.csv\"",
        ),
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media)),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static(name)),
    ];
    Ok((headers, body).into_response())
}

/// Where a streamed export stands.
struct Progress {
    console: Console,
    scope: Scope,
    filter: Filter,
    format: Format,
    next: Next,
}

enum Next {
    /// A page in hand, and what is written before it.
    Page(String, Page<store::audit::AuditEvent>),
    /// The page behind this event is to be read.
    After(Uuid),
    End,
}

async fn step(mut at: Progress) -> Result<Option<(String, Progress)>, StoreError> {
    let (mut text, page) = match at.next {
        Next::End => return Ok(None),
        Next::Page(head, page) => (head, page),
        Next::After(last) => {
            let page = read(&at.console, &at.scope, &at.filter, Some(last)).await;
            let page = page.inspect_err(|error| {
                tracing::error!(
                    error = error as &dyn std::error::Error,
                    "an export broke off"
                );
            })?;
            (String::new(), page)
        }
    };
    at.next = page.next.map_or(Next::End, Next::After);
    for row in page.items {
        let event = AuditEvent::from(row);
        match at.format {
            Format::Jsonl => {
                text.push_str(&serde_json::to_string(&event).expect("an event is plain data"));
                text.push('\n');
            }
            Format::Csv => write_row(&mut text, &event),
        }
    }
    Ok(Some((text, at)))
}

async fn read(
    console: &Console,
    scope: &Scope,
    filter: &Filter,
    after: Option<Uuid>,
) -> Result<Page<store::audit::AuditEvent>, StoreError> {
    store::audit::list(
        &console.db,
        scope,
        filter,
        PageRequest { limit: PAGE, after },
    )
    .await
}

const COLUMNS: [&str; 28] = [
    "id",
    "at",
    "server_id",
    "server_name",
    "grant_id",
    "grant_label",
    "identity",
    "policy_id",
    "policy_name",
    "policy_version",
    "method",
    "tool",
    "outcome",
    "code",
    "rule",
    "message",
    "retry_after_ms",
    "failed_open",
    "client",
    "address",
    "request_bytes",
    "decided_us",
    "settled",
    "status",
    "upstream_us",
    "response_bytes",
    "given_back",
    "shadow",
];

fn write_row(out: &mut String, event: &AuditEvent) {
    let settled = event.settlement.as_ref();
    let cells: [String; COLUMNS.len()] = [
        event.id.to_string(),
        event.at.0.format(&Rfc3339).unwrap_or_default(),
        event.server_id.to_string(),
        event.server_name.clone(),
        event.grant_id.to_string(),
        event.grant_label.clone(),
        text(event.identity.as_ref()),
        text(event.policy_id),
        text(event.policy_name.as_ref()),
        text(event.policy_version),
        event.method.clone(),
        text(event.tool.as_ref()),
        event.outcome.to_string(),
        event.code.to_string(),
        text(event.rule.as_ref()),
        event.message.clone(),
        text(event.retry_after_ms),
        event.failed_open.to_string(),
        text(event.client.as_ref()),
        text(event.address),
        event.request_bytes.to_string(),
        event.decided_us.to_string(),
        text(settled.map(|s| s.settled)),
        text(settled.and_then(|s| s.status)),
        text(settled.map(|s| s.upstream_us)),
        text(settled.map(|s| s.response_bytes)),
        text(settled.map(|s| s.given_back)),
        shadow(event),
    ];
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write_cell(out, cell);
    }
    out.push_str("\r\n");
}

/// `code rule` of each rule in shadow that would have refused or held the call, parted by a
/// semicolon and a blank; no rule's pointer has a blank in it.
fn shadow(event: &AuditEvent) -> String {
    let hits = event.shadow.iter();
    let hits: Vec<String> = hits
        .map(|hit| format!("{} {}", hit.code, hit.rule))
        .collect();
    hits.join("; ")
}

fn text(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// RFC 4180, section 2. Names and messages hold other people's text, which a spreadsheet must not
/// run.
fn write_cell(out: &mut String, cell: &str) {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let mark = if formula { "'" } else { "" };
    let quoted = cell.contains([',', '"', '\r', '\n']);
    let written = if quoted {
        write!(out, "\"{mark}{}\"", cell.replace('"', "\"\""))
    } else {
        write!(out, "{mark}{cell}")
    };
    written.expect("a string takes any text");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_quoted_and_never_a_formula() {
        for (cell, written) in [
            ("plain", "plain"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "'=1+1"),
            ("@SUM(A1,B1)", "\"'@SUM(A1,B1)\""),
            ("-2", "'-2"),
            ("\tx", "'\tx"),
        ] {
            let mut out = String::new();
            write_cell(&mut out, cell);
            assert_eq!(out, written, "{cell}");
        }
    }
}
