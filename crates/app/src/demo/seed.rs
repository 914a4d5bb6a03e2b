//! The demo's rows: found again by a file in the data folder, made where they are not there.

use std::{fs, io::ErrorKind, path::Path};

use anyhow::{Context, Result};
use domain::{Actor, GrantId, Name, OrgId, Role, Scope, ServerId, UserId};
use policy::Policy;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use store::{
    Db, StoreError,
    grants::{Grant, GrantState, NewGrant},
    servers::{NewServer, ServerEdit},
};
use time::{Duration, OffsetDateTime};

use crate::{
    commands::{make_owner, make_password},
    data::write_private,
    serve::ConsoleParts,
};

pub(super) const EMAIL: &str = "demo@example.com";
const FILE: &str = "demo.json";
/// The default of product.md, "Grants".
const GRANT_LIVES: Duration = Duration::days(90);

/// The policy of the demo: look at everything, rerun ten workflows a minute, start nothing new.
const POLICY: &str = r#"{
  "version": "1",
  "description": "CI agents look at builds and rerun them, ten a minute. People start pipelines.",
  "default": "deny",
  "tools": {
    "get_*": {},
    "list_*": {},
    "find_flaky_tests": {},
    "rerun_workflow": {
      "deny_if": [
        {
          "conditions": [{ "path": "args.params.workflowURL", "op": "exists", "value": true }],
          "on_deny": "Name the workflow by workflowId, not by its URL."
        }
      ],
      "limits": [
        { "counter": "rerun_workflow_rate", "window": "minute", "max": 10, "scope": "grant" }
      ]
    },
    "run_pipeline": { "action": "deny", "reason": "Pipelines are started by people." }
  }
}
"#;

/// What the data folder remembers of the demo.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Record {
    org: Option<OrgId>,
    user: Option<UserId>,
    /// Kept, so that it can be printed at every start; the folder is its owner's alone.
    pub(super) password: String,
    server: Option<ServerId>,
    grant: Option<GrantId>,
    pub(super) upstream_port: u16,
}

impl Record {
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text)
                .with_context(|| format!("{} is not what was written there", path.display())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    fn write(&self, folder: &Path) -> Result<()> {
        let text = serde_json::to_vec_pretty(self).context("a plain structure")?;
        write_private(&folder.join(FILE), &text)
    }

    fn scope(&self) -> Option<Scope> {
        let (org, user) = (self.org?, self.user?);
        Some(Scope {
            org,
            actor: Actor::Member(user),
            role: Role::Owner,
            auditor: false,
        })
    }
}

/// What there is in the end.
pub(super) struct Demo {
    pub(super) server: ServerId,
    /// The token of the grant that is printed.
    pub(super) token: String,
    /// Where the grants were made just now: the token of another grant, to make some traffic with,
    /// so that the printed one's limits are untouched.
    pub(super) fresh_traffic: Option<String>,
}

/// Finds what is there and makes the rest.
pub(super) async fn ensure(
    console: &ConsoleParts,
    record: &mut Record,
    folder: &Path,
) -> Result<Demo> {
    let db = &console.db;
    let scope = owner(db, record).await?;
    record.write(folder)?;
    let (server, new) = server(db, &scope, record).await?;
    record.write(folder)?;
    if new {
        console::refresh(db, &console.keyring, &console.dialler, server).await?;
    }
    let (grant, busy) = grants(console, &scope, server, record.grant).await?;
    record.grant = Some(grant.id);
    record.write(folder)?;
    Ok(Demo {
        server,
        token: token(console, &scope, &grant)?,
        fresh_traffic: busy
            .map(|grant| token(console, &scope, &grant))
            .transpose()?,
    })
}

async fn owner(db: &Db, record: &mut Record) -> Result<Scope> {
    if let Some(scope) = record.scope() {
        match store::organisations::get(db, &scope).await {
            Ok(_) => return Ok(scope),
            Err(StoreError::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let password = make_password();
    let (name, email): (Name, _) = ("Demo".parse()?, EMAIL.parse()?);
    let made = make_owner(db, &name, &email, &password)
        .await
        .context("the demo's owner")?;
    *record = Record {
        org: Some(made.org),
        user: Some(made.user),
        password: password.expose_secret().to_owned(),
        upstream_port: record.upstream_port,
        ..Record::default()
    };
    Ok(made.scope)
}

/// The server, and whether its tools have yet to be asked for.
async fn server(db: &Db, scope: &Scope, record: &mut Record) -> Result<(ServerId, bool)> {
    let upstream_url = format!("http://127.0.0.1:{}/mcp", record.upstream_port);
    if let Some(id) = record.server {
        match store::servers::get(db, scope, id).await {
            Ok(found) if found.upstream_url == upstream_url => return Ok((id, false)),
            Ok(_) => {
                // Its port was taken by somebody else since.
                let upstream_url = Some(upstream_url);
                let edit = ServerEdit {
                    upstream_url,
                    ..ServerEdit::default()
                };
                store::servers::update(db, scope, id, None, edit).await?;
                return Ok((id, true));
            }
            Err(StoreError::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let id = ServerId::generate();
    let mut slug: domain::Slug = "circleci".parse()?;
    for attempt in 2.. {
        let new = NewServer {
            id,
            name: "CircleCI (demo)".parse()?,
            slug: slug.clone(),
            upstream_url: upstream_url.clone(),
            catalog: Some("circleci".parse()?),
            headers: None,
        };
        match store::servers::create(db, scope, new).await {
            Ok(_) => break,
            // A deleted server's slug is not given out again for a year.
            Err(StoreError::Taken { .. }) if attempt < 100 => {
                slug = format!("circleci-{attempt}").parse()?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    record.server = Some(id);
    record.grant = None;
    Ok((id, true))
}

/// The grant that is printed, and, where there was none that works, another one for traffic.
async fn grants(
    console: &ConsoleParts,
    scope: &Scope,
    server: ServerId,
    known: Option<GrantId>,
) -> Result<(Grant, Option<Grant>)> {
    let db = &console.db;
    if let Some(id) = known {
        match store::grants::get(db, scope, id).await {
            Ok(grant) if grant.state == GrantState::Active => return Ok((grant, None)),
            Ok(_) | Err(StoreError::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let name: Name = "CI agents".parse()?;
    let existing = store::policies::list(
        db,
        scope,
        server,
        store::PageRequest {
            limit: 200,
            after: None,
        },
    )
    .await?
    .items
    .into_iter()
    .find(|policy| policy.name == name);
    let policy = match existing {
        Some(policy) => policy,
        None => {
            let document = Policy::parse(POLICY)
                .map_err(|faults| anyhow::anyhow!("the demo's policy has faults: {faults:?}"))?;
            store::policies::create(db, scope, server, &name, &document, true).await?
        }
    };
    let issue = async |label: &str| -> Result<Grant> {
        let now = OffsetDateTime::now_utc().replace_nanosecond(0)?;
        let new = NewGrant {
            id: GrantId::generate(),
            label: label.parse()?,
            identity: Some(label.parse()?),
            labels: Vec::new(),
            policy: Some(policy.id),
            kid: console.signer.current_kid().to_owned(),
            issued_at: now,
            expires_at: Some(now + GRANT_LIVES),
        };
        Ok(store::grants::issue(db, scope, server, new).await?)
    };
    let busy = issue("nightly-builds").await?;
    Ok((issue("ci-runner").await?, Some(busy)))
}

/// Signed from the row: the same row gives the same token.
fn token(console: &ConsoleParts, scope: &Scope, grant: &Grant) -> Result<String> {
    let seconds = |at: OffsetDateTime| u64::try_from(at.unix_timestamp()).context("after 1970");
    let claims = vault::Claims {
        issuer: console.installation,
        grant: grant.id,
        org: scope.org,
        server: grant.server,
        version: grant.token_version,
        issued_at_s: seconds(grant.issued_at)?,
        expires_at_s: grant.expires_at.map(seconds).transpose()?,
    };
    let token: Option<SecretString> = console.signer.sign(&grant.kid, &claims);
    Ok(token
        .context("the grant's signing key is here")?
        .expose_secret()
        .to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_has_no_faults() {
        assert!(Policy::parse(POLICY).is_ok());
        let tools: Vec<domain::Tool> = catalog::circleci_tools()
            .iter()
            .map(|tool| domain::Tool {
                name: tool["name"].as_str().unwrap().to_owned(),
                title: None,
                description: None,
                definition: tool.to_string(),
                class: None,
            })
            .collect();
        let report = policy::check(POLICY, Some(&tools));
        assert!(report.valid && report.warnings.is_empty(), "{report:?}");
    }

    #[test]
    fn what_was_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Record::read(folder.path()).unwrap().scope().is_none());
        let record = Record {
            org: Some(OrgId::generate()),
            user: Some(UserId::generate()),
            password: "pw".into(),
            server: Some(ServerId::generate()),
            grant: None,
            upstream_port: 4711,
        };
        record.write(folder.path()).unwrap();
        let again = Record::read(folder.path()).unwrap();
        assert_eq!(again.scope(), record.scope());
        assert_eq!((again.server, again.upstream_port), (record.server, 4711));
    }
}
