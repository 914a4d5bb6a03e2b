//! Checking a document and running the tests in it.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use domain::{PolicyId, ServerId, ToolClass};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    super::{
        body::{Body, DocumentText, present},
        caller::Caller,
        problem::{ApiError, POLICY_FAULTS_MAX},
        schema,
    },
    Fault,
    decide::Decision,
};
use crate::{actions::examine, state::Console};

pub(super) fn router() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(check))
        .routes(routes!(test))
}

/// A document to check.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "document": {"version": "1", "default": "deny", "tools": {"rerun_workflw": {}}},
    "server_id": "srv_0198f0c27d6a7c10a4b2f1b3c5d7e9f1"
}))]
pub(crate) struct Check {
    /// The document, as an object or as a string that holds its text.
    #[schema(value_type = schema::AnyJson)]
    document: DocumentText,
    /// The server whose tools the rules should name.
    #[serde(default)]
    #[schema(value_type = Option<schema::ServerId>)]
    server_id: Option<ServerId>,
}

/// All that is wrong, and all that is odd.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"valid": true, "faults": [], "warnings": [{
    "pointer": "/tools/rerun_workflw", "line": 1, "column": 50, "code": "unknown_tool",
    "docs": "/docs/faults/unknown_tool", "detail": "the server has no tool of this name",
    "hint": "rerun_workflow"}], "more_faults": 0, "more_warnings": 0, "tests": []}))]
pub(crate) struct Report {
    /// Whether nothing is wrong with it and its tests pass.
    valid: bool,
    /// What must be changed first, in the order of the text, 200 at most. Tests that fail are
    /// among them.
    faults: Vec<Fault>,
    /// What is allowed and probably not meant, 200 at most. With `not_available` among them it can
    /// be saved, but not be published yet.
    warnings: Vec<Fault>,
    /// How many faults there are beside those listed.
    more_faults: usize,
    /// How many warnings there are beside those listed.
    more_warnings: usize,
    /// Its tests; none where the document cannot be read.
    tests: Vec<TestResult>,
    /// What the document and the server's tools have not got in common.
    #[serde(skip_serializing_if = "Option::is_none")]
    coverage: Option<Coverage>,
}

/// How one test in a document came out.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "pointer": "/tests/0", "name": "the eleventh is refused", "passed": true,
    "expected": "deny by /tools/rerun_workflow/limits/rerun_workflow_rate",
    "got": "deny by /tools/rerun_workflow/limits/rerun_workflow_rate",
    "decision": {"outcome": "deny", "code": "rate_limited",
        "rule": "/tools/rerun_workflow/limits/rerun_workflow_rate",
        "message": "rerun_workflow is over its limit; try again in 60 s", "shadow": [],
        "charges": [], "retry_after_ms": 60000}
}))]
pub(crate) struct TestResult {
    /// Its place in the document.
    pointer: String,
    name: String,
    passed: bool,
    /// What was expected.
    expected: String,
    /// What came out.
    got: String,
    /// The decision on the last of its calls.
    decision: Decision,
}

impl From<policy::TestOutcome> for TestResult {
    fn from(test: policy::TestOutcome) -> Self {
        Self {
            pointer: test.pointer,
            name: test.name,
            passed: test.passed,
            expected: test.expected,
            got: test.got,
            decision: test.decision.into(),
        }
    }
}

/// What a document and a server's tools have not got in common.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Coverage {
    /// Tools that no entry of `tools` or `hide` names.
    tools_without_rule: Vec<UnruledTool>,
    /// Entries that match no tool.
    rules_without_tool: Vec<IdleRule>,
}

/// A tool that no rule names.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UnruledTool {
    tool: String,
    #[schema(value_type = Option<schema::ToolClass>)]
    class: Option<ToolClass>,
    /// What decides instead: a class block or `/default`.
    left_to: String,
    /// Whether that lets it through.
    allowed: bool,
}

/// A rule that matches no tool.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IdleRule {
    pointer: String,
    /// The name or glob.
    name: String,
    /// The tool that was probably meant.
    nearest: Option<String>,
}

impl From<policy::Coverage> for Coverage {
    fn from(coverage: policy::Coverage) -> Self {
        let unruled = |unruled: policy::UnruledTool| UnruledTool {
            tool: unruled.tool,
            class: unruled.class,
            left_to: unruled.left_to,
            allowed: unruled.allowed,
        };
        let idle = |idle: policy::IdleRule| IdleRule {
            pointer: idle.pointer,
            name: idle.name,
            nearest: idle.nearest,
        };
        Self {
            tools_without_rule: coverage
                .tools_without_rule
                .into_iter()
                .map(unruled)
                .collect(),
            rules_without_tool: coverage.rules_without_tool.into_iter().map(idle).collect(),
        }
    }
}

/// Tests to run: those in a document, or in a stored policy.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"policy_id": "pol_0198f0c27d6a7c10a4b2f1b3c5d7e9f1", "version": 3}))]
pub(crate) struct Test {
    /// A document, as an object or as a string; this or `policy_id`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::AnyJson>)]
    document: Option<DocumentText>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::PolicyId>)]
    policy_id: Option<PolicyId>,
    /// Which version of the policy; the published one where it is left out.
    #[serde(default, deserialize_with = "present")]
    version: Option<i32>,
    /// The server whose tools there are; a stored policy brings its own.
    #[serde(default)]
    #[schema(value_type = Option<schema::ServerId>)]
    server_id: Option<ServerId>,
}

/// How the tests came out.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"passed": true, "tests": [{
    "pointer": "/tests/0", "name": "deletes are refused", "passed": true,
    "expected": "deny", "got": "deny by /tools/delete_*/action",
    "decision": {"outcome": "deny", "code": "denied", "rule": "/tools/delete_*/action",
        "message": "Deletes are done by people.", "shadow": [], "charges": []}}]}))]
pub(crate) struct TestReport {
    /// Whether all passed.
    passed: bool,
    tests: Vec<TestResult>,
}

/// Check a policy document.
///
/// Says everything that is wrong at once, each with its place, and runs the document's tests.
/// Nothing is stored. With a server, rules for tools that it does not have are warnings.
#[utoipa::path(post, path = "/policies/check", tag = "policies", request_body = Check,
    responses((status = 200, description = "What was found, valid or not.", body = Report)))]
async fn check(
    State(console): State<Console>,
    Caller(scope): Caller,
    Body(check): Body<Check>,
) -> Result<Response, ApiError> {
    let document = check.document.as_str();
    let found = examine::check(&console, &scope, document, check.server_id).await?;
    Ok(Json(Report {
        valid: found.report.valid,
        more_faults: found.report.faults.len().saturating_sub(POLICY_FAULTS_MAX),
        more_warnings: found
            .report
            .warnings
            .len()
            .saturating_sub(POLICY_FAULTS_MAX),
        faults: listed(found.report.faults),
        warnings: listed(found.report.warnings),
        tests: found.tests.into_iter().map(TestResult::from).collect(),
        coverage: found.coverage.map(Coverage::from),
    })
    .into_response())
}

/// A document of 256 KiB can have tens of thousands of faults; nobody reads them all.
fn listed(faults: Vec<policy::Fault>) -> Vec<Fault> {
    faults
        .into_iter()
        .take(POLICY_FAULTS_MAX)
        .map(Fault::from)
        .collect()
}

/// Run the tests in a policy.
///
/// Against fresh counters and a clock that stands still; nothing is called, charged or recorded.
#[utoipa::path(post, path = "/policies/test", tag = "policies", request_body = Test,
    responses((status = 200, description = "Each test, passed or not.", body = TestReport)))]
async fn test(
    State(console): State<Console>,
    Caller(scope): Caller,
    Body(test): Body<Test>,
) -> Result<Response, ApiError> {
    let rules = super::rules(test.document.as_ref(), test.policy_id, test.version)?;
    let outcomes = examine::test(&console, &scope, rules, test.server_id).await?;
    let tests: Vec<_> = outcomes.into_iter().map(TestResult::from).collect();
    Ok(Json(TestReport {
        passed: tests.iter().all(|test| test.passed),
        tests,
    })
    .into_response())
}
