//! The commands that are done in one go, and `serve`.

use std::{future::Future, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::{Context, Result, anyhow, bail};
use domain::{Actor, Email, Name, OrgId, Role, Scope, Slug, UserId};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use store::{Db, DbRole, StoreError};
use tracing::warn;
use tracing_subscriber::EnvFilter;

use crate::{
    catalog,
    cli::{BootstrapArgs, ConfigArgs, DatabaseArgs, MigrateArgs, ResetArgs, ServeArgs},
    config::{Config, LogFormat, Purpose, Sources},
    data::Running,
    exit::Usage,
    output::{Format, complain, say, say_json},
    serve::{self, Plan, unreachable_database},
};

/// How long what was cut off may hold the process up at its end.
const ABANDON_AFTER: Duration = Duration::from_secs(1);

/// Settings from the environment and the file.
pub(crate) fn sources(args: &ConfigArgs) -> Result<Sources> {
    let sources = Sources::default().environment(std::env::vars_os());
    let Some(path) = &args.file else {
        return Ok(sources);
    };
    let text = std::fs::read_to_string(path)
        .map_err(|error| Usage(format!("cannot read {}: {error}", path.display())))?;
    Ok(sources.file(path, &text))
}

/// Starts the log, and says what is odd with the configuration.
pub(crate) fn start_log(config: &Config) -> Result<()> {
    let filter = EnvFilter::try_new(&config.log)
        .map_err(|error| Usage(format!("TOLLGATE_LOG is not a filter: {error}")))?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match config.log_format {
        LogFormat::Text => {
            use std::io::IsTerminal;
            log.with_ansi(std::io::stderr().is_terminal())
                .with_target(false)
                .init();
        }
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
    for warning in &config.warnings {
        warn!("{warning}");
    }
    Ok(())
}

/// Runs to the end, and does not wait for what was cut off.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let done = runtime.block_on(work);
    runtime.shutdown_timeout(ABANDON_AFTER);
    done
}

pub(crate) fn serve(args: &ServeArgs) -> Result<ExitCode> {
    let sources = sources(&args.config)?.flag("--listen", "LISTEN", args.listen.clone());
    let purpose = Purpose::Serve(args.role);
    if args.print_config {
        return print_config(&sources, purpose, args.output);
    }
    let mut config = Config::read(&sources, purpose)?;
    start_log(&config)?;
    let listener = serve::bind(config.listen)?;
    let public_url = serve::public_url(&config, &listener)?;
    let mail = match (config.smtp_url.take(), config.smtp_from.clone()) {
        (Some(url), Some(from)) => console::Mail::Smtp { url, from },
        _ => console::Mail::Off,
    };
    let plan = Plan {
        role: args.role,
        listener,
        public_url,
        database_url: config
            .database_url
            .clone()
            .context("serve has a database")?,
        master_key: config.master_key.take().context("serve has a master key")?,
        signing_key: config.signing_key.take(),
        mail,
        config,
    };
    block_on(serve::run(plan, Box::new(|_| Box::pin(async { Ok(()) }))))?;
    Ok(ExitCode::SUCCESS)
}

fn print_config(sources: &Sources, purpose: Purpose, format: Format) -> Result<ExitCode> {
    let config = Config::read(sources, purpose)?;
    match format {
        Format::Text => say(&config.as_toml(sources)),
        Format::Json => say_json(&config.shown(sources).into()),
    }
    for warning in &config.warnings {
        complain(warning);
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn migrate(args: &MigrateArgs) -> Result<ExitCode> {
    let config = Config::read(&sources(&args.config)?, Purpose::Migrate)?;
    let url = config
        .migrate_database_url
        .or(config.database_url)
        .context("migrate has a database")?;
    block_on(async {
        let url = url.expose_secret();
        if args.check {
            let missing = store::migrations::missing(url).await.map_err(database)?;
            match args.output {
                Format::Json => say_json(&json!({ "missing": missing })),
                Format::Text if missing.is_empty() => say("nothing is missing"),
                Format::Text => say(&format!("missing: {}", missing.join(", "))),
            }
            return Ok(ExitCode::from(u8::from(!missing.is_empty())));
        }
        let applied = store::migrations::run(url).await.map_err(database)?;
        catalog::refresh(url).await?;
        match args.output {
            Format::Json => say_json(&json!({ "applied": applied })),
            Format::Text => say(&format!("{applied} applied")),
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// The database that a command works on, and where its dashboard is.
pub(crate) async fn connect(args: &DatabaseArgs) -> Result<(Db, String)> {
    let sources = sources(&args.config)?;
    let (url, public_url) = match &args.data {
        Some(data) => {
            let running = Running::find(data)?;
            (SecretString::from(running.database_url), running.public_url)
        }
        None => {
            let config = Config::read(&sources, Purpose::Tool)?;
            let public_url = config
                .public_url
                .unwrap_or_else(|| format!("http://{}", config.listen));
            (
                config.database_url.context("a tool has a database")?,
                public_url,
            )
        }
    };
    let db = Db::connect(url.expose_secret(), DbRole::Console, 2)
        .await
        .map_err(database)?;
    Ok((db, public_url))
}

/// A failure of the store, with the exit code that it deserves.
pub(crate) fn database(error: StoreError) -> anyhow::Error {
    match error {
        StoreError::Database(_) => unreachable_database(&error),
        other => other.into(),
    }
}

/// An organisation's owner, as the commands and the demo make one.
pub(crate) struct Owner {
    pub(crate) org: OrgId,
    pub(crate) user: UserId,
    pub(crate) scope: Scope,
}

/// Makes the account, its address taken as confirmed, and the organisation.
pub(crate) async fn make_owner(
    db: &Db,
    org: &Name,
    email: &Email,
    password: &SecretString,
) -> Result<Owner> {
    let hash = console::hash_password(email, password)
        .map_err(|error| Usage(format!("the password {error}")))?;
    let user = match store::accounts::create(db, email, &hash, true).await {
        Err(StoreError::Taken { .. }) => bail!("{email} has an account already"),
        other => other.map_err(database)?,
    };
    let slug = Slug::suggest(org.as_str(), "organisation");
    let place = store::organisations::create(db, user, org, &slug)
        .await
        .map_err(database)?;
    let actor = Actor::Member(user);
    let scope = Scope {
        org: place.org,
        actor,
        role: place.role,
        auditor: place.auditor,
    };
    Ok(Owner {
        org: place.org,
        user,
        scope,
    })
}

/// A password nobody has seen: 128 bits and more, in letters that can be read aloud.
pub(crate) fn make_password() -> SecretString {
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz234567890";
    let password: String = vault::random_token()
        .iter()
        .take(26)
        .enumerate()
        .flat_map(|(at, byte)| {
            let letter = char::from(LETTERS[usize::from(byte % 32)]);
            (at > 0 && at % 5 == 0)
                .then_some('-')
                .into_iter()
                .chain([letter])
        })
        .collect();
    password.into()
}

pub(crate) fn bootstrap(args: &BootstrapArgs) -> Result<ExitCode> {
    let given = args.password_file.as_ref().map(read_password).transpose()?;
    block_on(async {
        let (db, public_url) = connect(&args.database).await?;
        let password = given.clone().unwrap_or_else(make_password);
        let owner = make_owner(&db, &args.org, &args.email, &password).await?;
        let (key, hash) = vault::make_api_key();
        let label = "bootstrap".parse().context("a label")?;
        store::api_keys::create(&db, &owner.scope, &label, Role::Admin, hash, None)
            .await
            .map_err(database)?;
        let made = given.is_none().then(|| password.expose_secret().to_owned());
        match args.output {
            Format::Json => {
                let mut printed = json!({
                    "org": owner.org,
                    "user": owner.user,
                    "api_key": key.expose_secret(),
                });
                if let Some(password) = made {
                    printed["password"] = password.into();
                }
                say_json(&printed);
            }
            Format::Text => {
                let mut text = format!(
                    "organisation  {} ({})\nowner         {} ({})\nAPI key       {}\n",
                    args.org,
                    owner.org,
                    args.email,
                    owner.user,
                    key.expose_secret()
                );
                if let Some(password) = made {
                    text += &format!("password      {password}\n");
                }
                text += &format!("\nSign in at {public_url}. None of this is shown again.\n");
                say(&text);
            }
        }
        Ok(ExitCode::SUCCESS)
    })
}

/// One trailing end of line is an editor's, not the password's.
fn read_password(path: &PathBuf) -> Result<SecretString> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Usage(format!("cannot read {}: {error}", path.display())))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(SecretString::from(text.strip_suffix('\r').unwrap_or(text)))
}

pub(crate) fn reset(args: &ResetArgs) -> Result<ExitCode> {
    block_on(async {
        let (db, public_url) = connect(&args.database).await?;
        let link = console::reset_link(&db, &public_url, &args.email)
            .await
            .map_err(database)?
            .ok_or_else(|| anyhow!("{} has no account", args.email))?;
        match args.output {
            Format::Json => say_json(&json!({ "link": link.expose_secret() })),
            Format::Text => say(&format!(
                "A new password for {} can be set once, within an hour:\n{}",
                args.email,
                link.expose_secret()
            )),
        }
        Ok(ExitCode::SUCCESS)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_password_is_long_and_never_the_same() {
        let (a, b) = (make_password(), make_password());
        assert_ne!(a.expose_secret(), b.expose_secret());
        assert_eq!(a.expose_secret().len(), 26 + 5);
        let email = "a@example.com".parse().unwrap();
        assert!(console::hash_password(&email, &a).is_ok());
    }

    #[test]
    fn a_password_file_may_end_with_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p");
        for (text, password) in [
            ("a b\n", "a b"),
            ("a b", "a b"),
            ("a b\r\n", "a b"),
            (" a \n\n", " a \n"),
        ] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(read_password(&path).unwrap().expose_secret(), password);
        }
        let missing = read_password(&folder.path().join("none")).unwrap_err();
        assert!(missing.is::<Usage>());
    }
}
