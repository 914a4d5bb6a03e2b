//! `tollgate policy push`.

use std::{fmt::Write as _, process::ExitCode};

use anyhow::Result;
use domain::{Name, PolicyId, ServerId};
use http::StatusCode;
use policy::{Change, Fault, Policy, Report};
use serde::Serialize;

use super::{
    args::PushArgs,
    check,
    client::{Client, Problem, read},
    diff,
    remote::{self, Info, Target, Version},
    show::{self, Paint, Tone, count, visible},
    source::Source,
};
use crate::{
    commands::block_on,
    exit::Refused,
    output::{Format, say, say_json_of},
};

const NOT_AVAILABLE: &str = "not_available";

/// What is to be done, or was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    /// What is there says the same already.
    Nothing,
    /// Makes the policy.
    Create,
    /// Saves the next version.
    Save,
    /// Publishes the newest version, which says the same already.
    Publish,
    /// Saves the next version and publishes it.
    SaveAndPublish,
}

/// What is printed for programs.
#[derive(Serialize)]
struct Pushed<'a> {
    policy: Option<PolicyId>,
    action: Action,
    dry_run: bool,
    /// The version that says what the file says.
    version: Option<u32>,
    /// The version that decides.
    published_version: Option<u32>,
    changes: &'a [Change],
    warnings: &'a [Fault],
}

/// Everything that is known before anything is done.
struct Plan<'a> {
    args: &'a PushArgs,
    policy: Policy,
    report: Report,
    /// None where it is to be made.
    found: Option<Info>,
    server: ServerId,
    changes: Vec<Change>,
    action: Action,
}

/// What there is afterwards.
struct Done {
    policy: Option<PolicyId>,
    version: Option<u32>,
    published: Option<u32>,
}

pub(super) fn push(args: &PushArgs) -> Result<ExitCode> {
    let source = Source::read(&args.file)?;
    let target = Target::new(&args.target, args.name.as_ref())?;
    let client = Client::new(&args.client)?;
    let policy = match source.policy() {
        Ok(policy) => policy,
        Err(report) => return check::invalid(&source, &report, args.output),
    };
    block_on(async {
        let found = match args.name {
            Some(_) => target.find(&client).await?,
            None => Some(target.get(&client).await?),
        };
        let server = match (&found, &args.target.server) {
            (Some(info), _) => info.server_id,
            (None, server) => {
                remote::find_server(&client, server.as_deref().unwrap_or_default()).await?
            }
        };
        let tools = remote::tools(&client, server).await?;
        let report = source.check(tools.as_deref());
        if let Some(hindrances) = hindrances(&report, !args.no_publish) {
            return check::invalid(&source, &hindrances, args.output);
        }
        let old = match &found {
            Some(info) => diff::published(&client, info).await?,
            None => None,
        };
        let changes = policy::diff(old.as_ref(), &policy, tools.as_deref());
        let action = action(
            &client,
            found.as_ref(),
            old.as_ref(),
            &policy,
            args.no_publish,
        )
        .await?;
        let plan = Plan {
            args,
            policy,
            report,
            found,
            server,
            changes,
            action,
        };
        let done = if args.dry_run {
            plan.foreseen()
        } else {
            plan.carry_out(&client).await?
        };
        plan.print(&source, &done)?;
        Ok(ExitCode::SUCCESS)
    })
}

/// What keeps a document from being published, by the API's own rule: failing tests, and what the
/// gateway does not enforce yet. A version that is only saved may have both.
fn hindrances(report: &Report, publish: bool) -> Option<Report> {
    let unkept = report
        .warnings
        .iter()
        .filter(|warning| warning.code == NOT_AVAILABLE);
    let faults: Vec<Fault> = report.faults.iter().chain(unkept).cloned().collect();
    (publish && !faults.is_empty()).then_some(Report {
        valid: false,
        faults,
        warnings: Vec::new(),
    })
}

async fn action(
    client: &Client,
    found: Option<&Info>,
    published: Option<&Policy>,
    new: &Policy,
    no_publish: bool,
) -> Result<Action> {
    let Some(info) = found else {
        return Ok(Action::Create);
    };
    let canonical = new.canonical();
    if published.is_some_and(|old| old.canonical() == canonical) {
        return Ok(Action::Nothing);
    }
    // A newest version that nobody understands any more is only another one than this.
    let latest = match info.published_version == Some(info.latest_version) {
        true => None,
        false => diff::stored(client, info, info.latest_version).await.ok(),
    };
    Ok(
        match latest.is_some_and(|latest| latest.canonical() == canonical) {
            true if no_publish => Action::Nothing,
            true => Action::Publish,
            false if no_publish => Action::Save,
            false => Action::SaveAndPublish,
        },
    )
}

impl Plan<'_> {
    fn publishes(&self) -> bool {
        !self.args.no_publish
    }

    /// What there would be.
    fn foreseen(&self) -> Done {
        let Some(info) = &self.found else {
            let published = self.publishes().then_some(1);
            return Done {
                policy: None,
                version: Some(1),
                published,
            };
        };
        let next = info.latest_version + 1;
        let (version, published) = match self.action {
            Action::Nothing => (self.same(info), info.published_version),
            Action::Publish => (info.latest_version, Some(info.latest_version)),
            Action::Save => (next, info.published_version),
            Action::SaveAndPublish | Action::Create => (next, Some(next)),
        };
        Done {
            policy: Some(info.id),
            version: Some(version),
            published,
        }
    }

    /// The version that says the same already.
    fn same(&self, info: &Info) -> u32 {
        match info.published_version {
            Some(version) if self.changes.is_empty() => version,
            _ => info.latest_version,
        }
    }

    async fn carry_out(&self, client: &Client) -> Result<Done> {
        match (&self.found, self.action) {
            (None, _) => self.create(client).await,
            (Some(_), Action::Nothing) => Ok(self.foreseen()),
            (Some(info), Action::Publish) => {
                publish(client, info, info.latest_version, info).await?;
                Ok(self.foreseen())
            }
            (Some(info), Action::Save | Action::SaveAndPublish | Action::Create) => {
                self.save(client, info).await
            }
        }
    }

    async fn create(&self, client: &Client) -> Result<Done> {
        #[derive(Serialize)]
        struct New<'a> {
            name: Option<&'a Name>,
            document: &'a str,
            publish: bool,
        }
        let new = New {
            name: self.args.name.as_ref(),
            document: self.policy.text(),
            publish: self.publishes(),
        };
        let path = format!("/servers/{}/policies", self.server);
        let made = client.post(&path, &new, None).await.map_err(refused)?;
        let info: Info = read(&made)?;
        Ok(Done {
            policy: Some(info.id),
            version: Some(info.latest_version),
            published: info.published_version,
        })
    }

    async fn save(&self, client: &Client, info: &Info) -> Result<Done> {
        #[derive(Serialize)]
        struct New<'a> {
            document: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            note: Option<&'a str>,
        }
        let new = New {
            document: self.policy.text(),
            note: self.args.note.as_deref(),
        };
        let path = format!("/policies/{}/versions", info.id);
        let saved = client.post(&path, &new, info.etag.as_ref()).await;
        let saved = saved.map_err(|error| raced(error, "Nothing was saved"))?;
        let version = read::<Version>(&saved)?.version;
        let mut published = info.published_version;
        if self.publishes() {
            let now = remote::get(client, info.id).await?;
            publish(client, info, version, &now).await?;
            published = Some(version);
        }
        Ok(Done {
            policy: Some(info.id),
            version: Some(version),
            published,
        })
    }

    fn print(&self, source: &Source, done: &Done) -> Result<()> {
        if self.args.output == Format::Json {
            return say_json_of(&Pushed {
                policy: done.policy,
                action: self.action,
                dry_run: self.args.dry_run,
                version: done.version,
                published_version: done.published,
                changes: &self.changes,
                warnings: &self.report.warnings,
            });
        }
        let (mut out, paint) = (String::new(), Paint::new());
        show::faults(&mut out, paint, source, Tone::Bad, &self.report.faults);
        show::faults(&mut out, paint, source, Tone::Odd, &self.report.warnings);
        diff::told(&mut out, &self.changes, paint);
        if !self.changes.is_empty() {
            let changes = count(self.changes.len(), "change");
            let _ = writeln!(out, "{changes}: {}", diff::sum(&self.changes));
        }
        let name = self
            .found
            .as_ref()
            .map(|info| &info.name)
            .or(self.args.name.as_ref());
        let name = name.map_or("", Name::as_str);
        let _ = writeln!(out, "{}: {}", visible(name), self.sentence(done));
        if self.action == Action::Create && self.args.note.is_some() {
            out += "A policy's first version has no note, so the one given is not kept.\n";
        }
        say(&out);
        Ok(())
    }

    fn sentence(&self, done: &Done) -> String {
        let version = done.version.unwrap_or_default();
        let would = self.args.dry_run;
        let is = if would { "would be" } else { "is" };
        match self.action {
            Action::Nothing => format!("version {version} says the same; nothing to do"),
            Action::Create if self.publishes() => {
                format!("{is} made; version {version} {is} published")
            }
            Action::Create => format!("{is} made; version {version} {is} saved and not published"),
            Action::Save => format!("version {version} {is} saved and not published"),
            Action::Publish => format!("version {version}, saved before, {is} published"),
            Action::SaveAndPublish => format!("version {version} {is} saved and published"),
        }
    }
}

/// Publishes a version, if the policy is still as it was: `read` is what was compared, `now` what
/// stands there.
async fn publish(client: &Client, read: &Info, version: u32, now: &Info) -> Result<()> {
    #[derive(Serialize)]
    struct Publish {
        version: u32,
    }
    let saved = format!("Version {version} is saved and not published");
    if (now.latest_version, now.published_version) != (version, read.published_version) {
        return Err(changed(&saved));
    }
    let path = format!("/policies/{}/publish", read.id);
    let done = client
        .post(&path, &Publish { version }, now.etag.as_ref())
        .await;
    done.map(|_| ()).map_err(|error| raced(error, &saved))
}

/// Someone else was quicker.
fn raced(error: anyhow::Error, state: &str) -> anyhow::Error {
    match error.downcast_ref::<Problem>() {
        Some(problem) if problem.status == StatusCode::PRECONDITION_FAILED => changed(state),
        Some(_) => refused(error.context(state.to_owned())),
        None => error.context(state.to_owned()),
    }
}

fn changed(state: &str) -> anyhow::Error {
    anyhow::anyhow!(
        "the policy was changed by someone else since it was read. {state}. \
         Look at `tollgate policy diff`, and push again"
    )
}

/// What the API says of the policy is a refusal; everything else is an error.
fn refused(error: anyhow::Error) -> anyhow::Error {
    let of_the_policy = error
        .downcast_ref::<Problem>()
        .is_some_and(|problem| [NOT_AVAILABLE, "invalid_policy"].contains(&problem.code.as_str()));
    if of_the_policy {
        Refused(format!("{error:#}")).into()
    } else {
        error
    }
}
