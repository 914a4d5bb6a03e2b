//! `/scan`: what the servers of an MCP client's configuration can do, and what one server can.

mod words;

pub(crate) use words::state;

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use catalog::stack::report::{Report, ServerLine, ToolLine};
use serde::Deserialize;
use upstream::UpstreamUrl;

use super::{
    Html, Page, PageError,
    fields::Faults,
    filters,
    servers::headers::{self, Fields, field},
};
use crate::{
    actions::{self, ActionError},
    catalogue::check,
    routes::Routes,
    session::{Form, ServerManager, Shell, Viewer},
    state::Console,
};

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get("/scan", show)
        .post("/scan", submit)
        .post("/scan/url", look)
}

#[derive(Template)]
#[template(path = "scan/scan.html")]
struct ScanPage {
    shell: Shell,
    /// What was read of the configuration; never what was pasted.
    config: String,
    url: String,
    header_names: Vec<String>,
    faults: Faults,
    report: Option<Report>,
    /// The report is of one server's own list.
    of_url: bool,
}

impl ScanPage {
    fn new(shell: Shell) -> Self {
        Self {
            shell,
            config: String::new(),
            url: String::new(),
            header_names: vec![String::new()],
            faults: Faults::default(),
            report: None,
            of_url: false,
        }
    }

    fn answer(self) -> Response {
        let status = match self.faults.is_empty() {
            true => StatusCode::OK,
            false => StatusCode::UNPROCESSABLE_ENTITY,
        };
        (status, Html(self)).into_response()
    }

    /// Where a server of the report is registered, its form filled in.
    fn register(&self, line: &ServerLine) -> String {
        words::register(line)
    }

    fn tool_link(&self, line: &ToolLine) -> String {
        words::tool_link(line)
    }
}

/// `GET /scan` shows the forms.
async fn show(viewer: Viewer) -> Page {
    Ok(ScanPage::new(viewer.shell("servers")).answer())
}

#[derive(Deserialize)]
struct Pasted {
    config: String,
}

/// `POST /scan` strips the configuration and reports on it. Nothing of it is stored or logged, and
/// where it cannot be read nothing of it is shown either.
async fn submit(
    State(console): State<Console>,
    viewer: Viewer,
    Form(Pasted { config }): Form<Pasted>,
) -> Page {
    let mut page = ScanPage::new(viewer.shell("servers"));
    match check::check(&console, config).await {
        Ok(checked) => {
            page.config = checked.stripped;
            page.report = Some(checked.report);
        }
        Err(error) => page.faults = faults(error)?,
    }
    Ok(page.answer())
}

/// `POST /scan/url` asks one server for its tools and reports on them.
async fn look(
    State(console): State<Console>,
    manager: ServerManager,
    Form(fields): Form<Fields>,
) -> Page {
    let mut page = ScanPage::new(manager.shell("servers"));
    page.of_url = true;
    field(&fields, "url").trim().clone_into(&mut page.url);
    let names = headers::names(&fields);
    if !names.is_empty() {
        page.header_names = names;
    }
    let headers = headers::parse(&fields, &mut page.faults);
    let url = UpstreamUrl::parse(&page.url).map_err(|error| page.faults.add("url", error));
    if let (Ok(url), true) = (url, page.faults.is_empty()) {
        match actions::scan::look(&console, &manager.scope, url, headers.as_ref()).await {
            Ok(report) => page.report = Some(report),
            Err(error) => page.faults = faults(error)?,
        }
    }
    Ok(page.answer())
}

/// What can be said beside the form.
fn faults(error: ActionError) -> Result<Faults, PageError> {
    let mut faults = Faults::default();
    match error {
        ActionError::Throttled { .. } => faults.add("form", error),
        ActionError::Fields(fields) => {
            for fault in fields {
                let field = match fault.pointer.as_str() {
                    "/upstream_url" => "url",
                    "/config" => "config",
                    _ => "form",
                };
                faults.add(field, fault.detail);
            }
        }
        error => faults = Faults::from_action(error)?,
    }
    Ok(faults)
}
