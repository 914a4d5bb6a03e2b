//! What is wrong with a document, how its tests come out, and what it leaves out.

use domain::{Capability, PolicyId, Scope, ServerId};
use policy::{Change, Coverage, Fault, Policy, Report, TestOutcome};
use store::audit::ShadowHits;
use time::OffsetDateTime;

use super::{
    ActionError, Result, require,
    subject::{Rules, Subject},
};
use crate::state::Console;

/// All that can be said of a document without anybody calling.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub report: Report,
    /// What keeps it from being published: faults, and the warnings that say so.
    pub hindrances: Vec<Fault>,
    /// Each test; none where the document cannot be read.
    pub tests: Vec<TestOutcome>,
    /// None where the document cannot be read, or no tools are known.
    pub coverage: Option<Coverage>,
    /// The document, understood; none where it cannot be read.
    pub policy: Option<Policy>,
}

/// Says all that is wrong and all that is odd with a document, against a server's tools where one
/// is named, and runs its tests.
pub(crate) async fn check(
    console: &Console,
    scope: &Scope,
    document: &str,
    server: Option<ServerId>,
) -> Result<Findings> {
    require(scope, Capability::See)?;
    let subject = Subject::load(console, scope, Rules::Document(document), server).await?;
    console.desk.work(move || findings(&subject)).await
}

/// Runs the tests of a document, or of a stored version.
pub(crate) async fn test(
    console: &Console,
    scope: &Scope,
    rules: Rules<'_>,
    server: Option<ServerId>,
) -> Result<Vec<TestOutcome>> {
    require(scope, Capability::See)?;
    let subject = Subject::load(console, scope, rules, server).await?;
    let work = move || Ok(subject.policy()?.run_tests(subject.tools.as_deref()));
    console.desk.work(work).await?
}

/// Says by rule what one version of a policy changes of another: the newest of the published one,
/// unless others are named. Answers which they are.
pub(crate) async fn diff(
    console: &Console,
    scope: &Scope,
    id: PolicyId,
    from: Option<i32>,
    to: Option<i32>,
) -> Result<(i32, i32, Vec<Change>)> {
    require(scope, Capability::See)?;
    let info = store::policies::get(&console.db, scope, id).await?;
    let to = to.unwrap_or(info.latest_version);
    let from = from
        .or(info.published_version)
        .ok_or_else(|| ActionError::Conflict("no version of this policy is published".into()))?;
    let old = Subject::load(console, scope, Rules::Version(id, from), None).await?;
    let new = Subject::load(console, scope, Rules::Version(id, to), None).await?;
    let work = move || changes(&old.policy()?, &new);
    let changes = console.desk.work(work).await??;
    Ok((from, to, changes))
}

fn changes(old: &Policy, new: &Subject) -> Result<Vec<Change>> {
    Ok(policy::diff(
        Some(old),
        &new.policy()?,
        new.tools.as_deref(),
    ))
}

/// Counts what the shadow rules of a policy would have done from `from` to `to`, in so many equal bins.
pub(crate) async fn shadow(
    console: &Console,
    scope: &Scope,
    id: PolicyId,
    (from, to): (OffsetDateTime, OffsetDateTime),
    bins: u16,
) -> Result<ShadowHits> {
    require(scope, Capability::See)?;
    store::policies::get(&console.db, scope, id).await?;
    Ok(store::audit::shadow(&console.db, scope, id, from, to, bins).await?)
}

/// Looks at the document whole.
pub(crate) fn findings(subject: &Subject) -> Findings {
    let tools = subject.tools.as_deref();
    let report = policy::check(&subject.document, tools);
    // A long document full of faults is not read a second time to find that it has them.
    let readable = report.faults.iter().all(is_test);
    let policy = readable
        .then(|| Policy::parse(&subject.document).ok())
        .flatten();
    let Some(policy) = policy else {
        return Findings {
            hindrances: report.faults.clone(),
            report,
            ..Findings::default()
        };
    };
    let mut hindrances = [&report.faults, policy.not_available()].concat();
    hindrances.sort_by_key(|fault| (fault.line, fault.column));
    Findings {
        hindrances,
        report,
        tests: policy.run_tests(tools),
        coverage: tools.map(|tools| policy::coverage(&policy, tools)),
        policy: Some(policy),
    }
}

/// Whether the fault is a test that fails, which keeps a document from being published and not from
/// being saved.
pub(crate) fn is_test(fault: &Fault) -> bool {
    fault.code == "test_failed"
}

/// What keeps the document from being published: faults, tests that fail, and what the gateway does
/// not enforce yet.
pub(crate) fn hindrances(subject: &Subject) -> Vec<Fault> {
    findings(subject).hindrances
}
