//! `tollgate serve --print-config`: what is in force, secrets masked.

use console::SignUp;
use ipnet::IpNet;
use serde_json::{Map, Value, json};

use super::{
    Config, LogFormat, Sources,
    sources::{SETTINGS, Shown},
};

const MASK: &str = "***";

impl Config {
    /// Every setting with its value in force, in the file's spelling; secrets as `***`.
    pub(crate) fn shown(&self, sources: &Sources) -> Map<String, Value> {
        SETTINGS
            .iter()
            .map(|(name, shown)| {
                let value = match shown {
                    Shown::Plain => self.plain(name),
                    Shown::Secret | Shown::Url => secret(sources, name, *shown),
                };
                (name.to_ascii_lowercase(), value)
            })
            .collect()
    }

    /// The same as a TOML file; what has no value is a comment.
    pub(crate) fn as_toml(&self, sources: &Sources) -> String {
        self.shown(sources)
            .into_iter()
            .map(|(name, value)| match value {
                Value::Null => format!("# {name} is not set\n"),
                // JSON's strings, numbers and flat arrays are TOML's too.
                value => format!("{name} = {value}\n"),
            })
            .collect()
    }

    fn plain(&self, name: &str) -> Value {
        match name {
            "DATABASE_CONNECTIONS" => json!(self.database_connections),
            "LISTEN" => json!(self.listen),
            "METRICS_LISTEN" => self
                .metrics_listen
                .map_or_else(|| json!("off"), |address| json!(address)),
            "PUBLIC_URL" => json!(self.public_url),
            "DATA" => json!(self.data),
            "SPOOL_DIR" => json!(self.spool_dir),
            "TRUSTED_PROXIES" => ranges(&self.trusted_proxies),
            "UPSTREAM_ALLOW" => ranges(&self.upstream_allow),
            "SMTP_FROM" => json!(self.smtp_from),
            "CONTACT_EMAIL" => json!(self.contact_email),
            "SIGNUP" => json!(match self.sign_up {
                SignUp::Open => "open",
                SignUp::Invite => "invite",
                SignUp::Closed => "closed",
            }),
            "SHUTDOWN_GRACE_SECONDS" => json!(self.shutdown_grace.as_secs()),
            "STALENESS_MAX_SECONDS" => json!(self.staleness_max.as_secs()),
            "FIRST_BYTE_SECONDS" => json!(self.first_byte.as_secs()),
            "SILENCE_SECONDS" => json!(self.silence.as_secs()),
            "CALL_SECONDS" => json!(self.total.as_secs()),
            "BODY_BYTES_MAX" => json!(self.body_bytes_max),
            "CONNECTIONS_MAX" => json!(self.connections_max),
            "LOG" => json!(self.log),
            "LOG_FORMAT" => json!(match self.log_format {
                LogFormat::Text => "text",
                LogFormat::Json => "json",
            }),
            "POSTGRES_BIN" => json!(self.postgres_bin),
            _ => Value::Null,
        }
    }
}

fn ranges(ranges: &[IpNet]) -> Value {
    ranges.iter().map(ToString::to_string).collect()
}

fn secret(sources: &Sources, name: &str, shown: Shown) -> Value {
    if sources.get(&format!("{name}_FILE")).is_some() {
        return json!(MASK);
    }
    match sources.get(name) {
        None => Value::Null,
        Some(value) if shown == Shown::Url => json!(masked(&value.text)),
        Some(_) => json!(MASK),
    }
}

/// A URL without its user, its password and its parameters, each of which can hold a secret.
fn masked(text: &str) -> String {
    let Ok(mut url) = url::Url::parse(text) else {
        return MASK.into();
    };
    if !url.username().is_empty() && url.set_username(MASK).is_err() {
        return MASK.into();
    }
    if url.password().is_some() && url.set_password(Some(MASK)).is_err() {
        return MASK.into();
    }
    if url.query().is_some() {
        url.set_query(Some(MASK));
    }
    url.into()
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn a_url_is_shown_without_what_opens_it() {
        for (text, shown) in [
            (
                "postgres://me:pw@db:5432/tollgate",
                "postgres://***:***@db:5432/tollgate",
            ),
            ("redis://:pw@cache:6379/0", "redis://:***@cache:6379/0"),
            ("redis://cache:6379", "redis://cache:6379"),
            ("postgres://db/t?password=pw&host=/x", "postgres://db/t?***"),
            ("host=db password=pw", "***"),
        ] {
            assert_eq!(masked(text), shown);
        }
    }
}
