//! What to scan, and how.

use std::{ffi::OsString, path::PathBuf, time::Duration};

use ::http::{HeaderName, HeaderValue};
use anyhow::Result;
use clap::{Args, ValueEnum};
use domain::Risk;
use secrecy::{ExposeSecret, SecretString};
use upstream::UpstreamUrl;

use crate::{exit::Usage, output::Format, policy::visible};

#[derive(Debug, Args)]
pub(crate) struct ScanArgs {
    /// Where the server is: a URL; or `--` and the command of a local server.
    #[arg(
        value_name = "URL",
        required_unless_present = "command",
        conflicts_with = "command"
    )]
    url: Option<String>,
    /// A header that the server wants, such as 'Authorization: Bearer …'.
    #[arg(long = "header", value_name = "K: V", conflicts_with = "command")]
    headers: Vec<SecretString>,
    /// A variable for the command, which gets PATH and HOME and nothing else by itself.
    #[arg(long, value_name = "K=V", conflicts_with = "url")]
    env: Vec<SecretString>,
    /// How long the command may take to start and to list its tools.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, conflicts_with = "url",
        value_parser = clap::value_parser!(u16).range(1..=600))]
    timeout: u16,
    /// The server as the catalogue that comes with Tollgate knows it, whose word on its tools counts.
    #[arg(long, value_name = "SLUG")]
    catalog: Option<String>,
    /// Writes the policy to a file instead of printing it.
    #[arg(long, value_name = "FILE")]
    pub(super) policy: Option<PathBuf>,
    /// Prints a line for `tollgate catalog import` instead of the report.
    #[arg(long, conflicts_with = "output")]
    pub(super) entry: bool,
    /// Ends with 3 where a tool's risk is above this one, or where a tool's text is hidden or meant for
    /// the model.
    #[arg(long, value_enum, value_name = "RISK")]
    pub(super) fail_above: Option<Ceiling>,
    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: Format,
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// A risk that some tool can be above.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Ceiling {
    Low,
    Medium,
    High,
}

impl Ceiling {
    pub(super) const fn risk(self) -> Risk {
        match self {
            Self::Low => Risk::Low,
            Self::Medium => Risk::Medium,
            Self::High => Risk::High,
        }
    }
}

/// The server that is asked.
#[derive(Debug)]
pub(super) enum Target {
    Url {
        url: UpstreamUrl,
        headers: Vec<(HeaderName, HeaderValue)>,
    },
    Command {
        words: Vec<OsString>,
        env: Vec<(String, SecretString)>,
        limit: Duration,
    },
}

impl ScanArgs {
    /// The catalogue's name of the server. Only a person can say it: a server that poses as a known
    /// one would be taken for harmless.
    ///
    /// # Errors
    /// [`Usage`]: the catalogue has no such server.
    pub(super) fn slug(&self) -> Result<Option<&str>> {
        let slug = self.catalog.as_deref();
        let known = |slug: &str| catalog::shipped().iter().any(|one| one.server.slug == slug);
        match slug {
            Some(slug) if !known(slug) => {
                let detail = format!("the catalogue has no server {}", visible(slug));
                Err(Usage(detail).into())
            }
            slug => Ok(slug),
        }
    }
}

impl Target {
    /// # Errors
    /// [`Usage`], without the value of a header or a variable.
    pub(super) fn read(args: &ScanArgs) -> Result<Self> {
        let Some(url) = &args.url else {
            let env = args.env.iter().map(variable);
            return Ok(Self::Command {
                words: args.command.clone(),
                env: env.collect::<Result<_, _>>()?,
                limit: Duration::from_secs(args.timeout.into()),
            });
        };
        let url = UpstreamUrl::parse(url).map_err(|error| Usage(format!("the URL {error}")))?;
        let headers = args.headers.iter().map(header);
        Ok(Self::Url {
            url,
            headers: headers.collect::<Result<_, _>>()?,
        })
    }

    /// What it is called in messages. Arguments of a command may be secrets, so they stay out.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Url { url, .. } => url.origin().to_string(),
            Self::Command { words, .. } => {
                let first = words.first().map(|word| word.to_string_lossy());
                first.unwrap_or_default().into_owned()
            }
        }
    }
}

/// Headers that say where a message ends or goes are the connection's own.
const FRAMING: [&str; 7] = [
    "connection",
    "content-length",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

fn header(text: &SecretString) -> Result<(HeaderName, HeaderValue), Usage> {
    let bad = |why: &str| Usage(format!("--header {why}"));
    let (name, value) = text
        .expose_secret()
        .split_once(':')
        .ok_or_else(|| bad("is written 'Name: value'"))?;
    let name = HeaderName::try_from(name.trim()).map_err(|_| bad("has a name that is none"))?;
    if FRAMING.contains(&name.as_str()) {
        return Err(bad(&format!("cannot set {name}")));
    }
    let mut value = HeaderValue::try_from(value.trim())
        .map_err(|_| bad(&format!("{name} has characters that no header has")))?;
    value.set_sensitive(true);
    Ok((name, value))
}

fn variable(text: &SecretString) -> Result<(String, SecretString), Usage> {
    let pair = text.expose_secret().split_once('=');
    match pair.filter(|(name, value)| !name.is_empty() && !value.contains('\0')) {
        Some((name, value)) if !name.contains('\0') => Ok((name.to_owned(), value.into())),
        _ => Err(Usage("--env is written NAME=value".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_header_or_variable_is_refused_and_its_value_stays_secret() {
        for text in [
            "hunter2",
            "a b: hunter2",
            "Host: hunter2",
            "Transfer-Encoding: hunter2",
            "X: hunter2\r\nY: z",
            ": hunter2",
        ] {
            let error = header(&text.into()).expect_err(text);
            assert!(!error.0.contains("hunter2"), "{}", error.0);
        }
        for text in ["hunter2", "=hunter2", "A=hunter2\0"] {
            let error = variable(&text.into()).map(drop).expect_err(text);
            assert!(!error.0.contains("hunter2"), "{}", error.0);
        }
        let (name, value) = header(&"Authorization:  Bearer a:b ".into()).expect("a header");
        assert_eq!(
            (name.as_str(), value.as_bytes()),
            ("authorization", &b"Bearer a:b"[..])
        );
        assert!(value.is_sensitive());
        let (name, value) = variable(&"A=b=c".into()).expect("a variable");
        assert_eq!((&*name, value.expose_secret()), ("A", "b=c"));
    }
}
