//! Asking what a document means: `/policies/check`, `/test`, `/decide`, `/merge` and
//! `/preview`; and first documents for a server.

mod check;
mod decide;
mod merge;
mod preview;
mod starters;

use std::collections::BTreeMap;

use domain::{Identity, Label, PolicyId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::{body::DocumentText, problem::ApiError};
use crate::{
    actions::{self, ActionError, decide::Caller, grants::Labels, subject::Rules},
    state::Console,
};

pub(crate) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .merge(check::router())
        .merge(decide::router())
        .merge(merge::router())
        .merge(preview::router())
        .merge(starters::router())
}

/// One thing at its place in the document's text.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Fault {
    /// RFC 6901.
    pub pointer: String,
    /// From 1.
    line: u32,
    /// From 1, in characters.
    column: u32,
    /// What it is, for a program.
    code: &'static str,
    /// Where the page about it is: what it means, and how to put it right.
    docs: String,
    /// What it is, for a person.
    detail: String,
    /// What stands there.
    #[serde(skip_serializing_if = "Option::is_none")]
    got: Option<String>,
    /// What was probably meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl From<policy::Fault> for Fault {
    fn from(fault: policy::Fault) -> Self {
        Self {
            pointer: fault.pointer,
            line: fault.line,
            column: fault.column,
            code: fault.code,
            docs: site::manual::url(fault.code),
            detail: fault.detail,
            got: fault.got,
            hint: fault.hint,
        }
    }
}

/// A grant as a policy sees it.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GrantSketch {
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    label: Option<Label>,
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    identity: Option<Identity>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

impl GrantSketch {
    fn caller(self) -> Result<Caller, ApiError> {
        let labels = Labels::parse(self.labels).map_err(|faults| {
            let below = |fault: actions::FieldFault| actions::FieldFault {
                pointer: format!("/grant{}", fault.pointer),
                ..fault
            };
            ActionError::Fields(faults.into_iter().map(below).collect())
        })?;
        Ok(Caller {
            label: self
                .label
                .map(|label| label.to_string())
                .unwrap_or_default(),
            identity: self.identity.map(|identity| identity.to_string()),
            labels: labels.into_pairs(),
        })
    }
}

/// Whose rules a body asks about: those of a document, or of a stored policy.
fn rules(
    document: Option<&DocumentText>,
    policy: Option<PolicyId>,
    version: Option<i32>,
) -> Result<Rules<'_>, ApiError> {
    match (document, policy, version) {
        (Some(document), None, None) => Ok(Rules::Document(document.as_str())),
        (None, Some(id), None) => Ok(Rules::Policy(id)),
        (None, Some(id), Some(version)) => Ok(Rules::Version(id, version)),
        (Some(_), Some(_), _) => Err(ApiError::field(
            "/policy_id",
            "does not go together with document",
        )),
        (_, None, Some(_)) => Err(ApiError::field("/version", "needs a policy_id")),
        (None, None, None) => Err(ApiError::field("/document", "or policy_id is required")),
    }
}
