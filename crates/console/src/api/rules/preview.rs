//! What a document does to each tool, before anybody calls it.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{GrantId, PolicyId, ServerId, ToolClass};
use policy::ToolVerdict;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{
        body::{Body, DocumentText, present},
        caller::Caller,
        problem::ApiError,
        schema::{self, Time},
    },
    GrantSketch,
};
use crate::{
    actions::{
        preview::{self, Asked, Whose},
        subject::Rules,
    },
    state::Console,
};

pub(super) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new().routes(routes!(preview))
}

/// A document, or a version of a policy, to preview.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "policy_id": "pol_0198f0c27d6a7c10a4b2f1b3c5d7e9f1",
    "document": {"version": "1", "default": "deny", "tools": {"get_*": {}}},
    "grant": {"label": "Nightly fixer"}
}))]
pub(crate) struct Preview {
    /// The document, as an object or as a string; left out, the policy's version is previewed.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::AnyJson>)]
    document: Option<DocumentText>,
    /// The policy whose published version it is compared with.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::PolicyId>)]
    policy_id: Option<PolicyId>,
    /// Which version of the policy, where no document is given; the published one where it is left
    /// out.
    #[serde(default, deserialize_with = "present")]
    version: Option<i32>,
    /// The server whose tools there are; a policy brings its own.
    #[serde(default)]
    #[schema(value_type = Option<schema::ServerId>)]
    server_id: Option<ServerId>,
    /// One grant of the server; without it and `grant`, all live grants that have the policy, 50 at
    /// most.
    #[serde(default)]
    #[schema(value_type = Option<schema::GrantId>)]
    grant_id: Option<GrantId>,
    /// A grant that need not exist.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<GrantSketch>)]
    grant: Option<GrantSketch>,
    /// When; now where it is left out.
    #[serde(default)]
    #[schema(value_type = Option<Time>)]
    at: Option<Time>,
}

/// What each grant may do.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"grants": [{"grant_id": null, "label": "Nightly fixer", "tools": [{
    "tool": "get_flaky_tests", "class": "read", "verdict": "allowed", "rule": "/tools/get_*",
    "depends_on": [], "limits": [], "changes": true, "published": null}]}]}))]
pub(crate) struct Previews {
    grants: Vec<GrantPreview>,
}

/// All tools for one grant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GrantPreview {
    /// Null for a grant that is only imagined.
    #[schema(value_type = Option<schema::GrantId>)]
    grant_id: Option<GrantId>,
    label: String,
    /// In the inventory's order; none where the server's tools are not known.
    tools: Vec<ToolLine>,
}

/// What becomes of the calls of one tool.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ToolLine {
    tool: String,
    #[schema(value_type = Option<schema::ToolClass>)]
    class: Option<ToolClass>,
    #[serde(flatten)]
    now: Standing,
    /// Whether publishing the document could change a decision on this tool.
    changes: bool,
    /// The same under the published version; null where there is none.
    published: Option<Standing>,
}

/// The verdict on a tool as far as it does not hang on arguments.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Standing {
    /// `hidden`, `refused`, `depends`, `approval` or `allowed`.
    #[schema(value_type = String)]
    verdict: ToolVerdict,
    /// The rule that gives it, or the block.
    rule: Option<String>,
    /// Rules that still look at the call.
    depends_on: Vec<String>,
    /// In words.
    limits: Vec<String>,
}

impl From<policy::ToolPreview> for Standing {
    fn from(preview: policy::ToolPreview) -> Self {
        Self {
            verdict: preview.verdict,
            rule: preview.rule,
            depends_on: preview.depends_on,
            limits: preview.limits,
        }
    }
}

impl From<preview::Preview> for GrantPreview {
    fn from(preview: preview::Preview) -> Self {
        let line = |line: preview::Line| ToolLine {
            tool: line.now.tool.clone(),
            class: line.now.class,
            changes: line.changes,
            published: line.published.map(Standing::from),
            now: line.now.into(),
        };
        Self {
            grant_id: preview.grant,
            label: preview.caller.label,
            tools: preview.lines.into_iter().map(line).collect(),
        }
    }
}

/// Preview a policy.
///
/// For each grant, what becomes of a call of each tool, by which rule and within which limits, and
/// what publishing would change. Nothing is called, charged or recorded.
#[utoipa::path(post, path = "/policies/preview", tag = "policies", request_body = Preview,
    responses((status = 200, description = "The verdicts.", body = Previews)))]
async fn preview(
    State(console): State<Console>,
    Caller(scope): Caller,
    Body(body): Body<Preview>,
) -> Result<Response, ApiError> {
    let rules = match &body.document {
        Some(document) if body.version.is_none() => Rules::Document(document.as_str()),
        document => super::rules(document.as_ref(), body.policy_id, body.version)?,
    };
    let asked = Asked {
        rules,
        server: body.server_id,
        policy: body.policy_id,
        whose: match (body.grant_id, body.grant) {
            (None, None) => Whose::All,
            (Some(id), None) => Whose::One(id),
            (None, Some(sketch)) => Whose::Imagined(sketch.caller()?),
            (Some(_), Some(_)) => {
                return Err(ApiError::field(
                    "/grant_id",
                    "does not go together with grant",
                ));
            }
        },
        at: body.at.map_or_else(OffsetDateTime::now_utc, |Time(at)| at),
    };
    let previews = preview::preview(&console, &scope, asked).await?;
    let grants = previews.into_iter().map(GrantPreview::from).collect();
    Ok(Json(Previews { grants }).into_response())
}
