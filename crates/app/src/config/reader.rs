//! Taking values out of the sources, one kind after another, and collecting what is wrong.

use std::{
    collections::HashSet,
    fmt::Display,
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
    str::FromStr,
    time::Duration,
};

use console::SignUp;
use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use vault::MasterKey;

use super::{KEY_ADVICE, LogFormat, METRICS_LISTEN, Sources, Value};

/// Takes values out of the sources and collects what is wrong with them.
pub(super) struct Reader<'a> {
    pub(super) sources: &'a Sources,
    pub(super) problems: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn problem(&mut self, sentence: impl Into<String>) {
        self.problems.push(sentence.into());
    }

    pub(super) fn needs(&mut self, name: &str, why: &str) {
        self.problem(format!("TOLLGATE_{name} is missing: {why}"));
    }

    pub(super) fn value(&self, name: &str) -> Option<&'a Value> {
        self.sources.get(name)
    }

    pub(super) fn is_set(&self, secret: &str) -> bool {
        self.value(secret).is_some() || self.value(&format!("{secret}_FILE")).is_some()
    }

    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.value(name).map(|value| value.text.as_str())
    }

    pub(super) fn parse<T: FromStr>(&mut self, name: &str, form: &str) -> Option<T> {
        let value = self.value(name)?;
        let parsed = value.text.trim().parse().ok();
        if parsed.is_none() {
            self.problem(format!(
                "{} must be {form}, not {:?}",
                value.origin, value.text
            ));
        }
        parsed
    }

    pub(super) fn number<T>(&mut self, name: &str, range: RangeInclusive<T>, default: T) -> T
    where
        T: FromStr + PartialOrd + Display + Copy,
    {
        let form = format!("a whole number from {} to {}", range.start(), range.end());
        match self.parse(name, &form) {
            Some(number) if !range.contains(&number) => {
                if let Some(value) = self.value(name) {
                    self.problem(format!("{} must be {form}, not {number}", value.origin));
                }
                default
            }
            Some(number) => number,
            None => default,
        }
    }

    pub(super) fn seconds(&mut self, name: &str, default: u64) -> Duration {
        Duration::from_secs(self.number(name, 1..=86_400, default))
    }

    /// A secret given as it is, or as the file that holds it.
    pub(super) fn secret(&mut self, name: &str) -> Option<SecretString> {
        let file = format!("{name}_FILE");
        match (self.value(name), self.value(&file)) {
            (Some(value), Some(path)) if value.level == path.level => {
                self.problem(format!(
                    "{} and {} are both set: one is enough",
                    value.origin, path.origin
                ));
                None
            }
            (Some(value), path) if path.is_none_or(|path| value.level > path.level) => {
                Some(SecretString::from(value.text.trim()))
            }
            (_, Some(path)) => match std::fs::read_to_string(&path.text) {
                Ok(text) => Some(SecretString::from(text.trim())),
                Err(error) => {
                    self.problem(format!(
                        "{}: cannot read {}: {error}",
                        path.origin, path.text
                    ));
                    None
                }
            },
            _ => None,
        }
        .filter(|secret| !secret.expose_secret().is_empty())
    }

    pub(super) fn key(&mut self, name: &str) -> Option<MasterKey> {
        let text = self.secret(name)?;
        match MasterKey::parse(&text) {
            Ok(key) => Some(key),
            Err(error) => {
                self.problem(format!("TOLLGATE_{name} {error} ({KEY_ADVICE})"));
                None
            }
        }
    }

    pub(super) fn ranges(&mut self, name: &str) -> Option<Vec<IpNet>> {
        let value = self.value(name)?;
        let mut ranges = Vec::new();
        for word in value
            .text
            .split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty())
        {
            let range = word
                .parse()
                .or_else(|_| word.parse::<IpAddr>().map(IpNet::from));
            match range {
                Ok(range) => ranges.push(range),
                Err(_) => self.problem(format!(
                    "{} must be ranges such as 10.0.0.0/8, with commas between; {word:?} is none",
                    value.origin
                )),
            }
        }
        let mut seen = HashSet::new();
        ranges.retain(|range| seen.insert(*range));
        Some(ranges)
    }

    pub(super) fn metrics_listen(&mut self, dev: bool) -> Option<SocketAddr> {
        match self.text("METRICS_LISTEN") {
            Some("off") => None,
            Some(_) => self.parse(
                "METRICS_LISTEN",
                "an address such as 127.0.0.1:9090, or off",
            ),
            None => (!dev).then_some(METRICS_LISTEN),
        }
    }

    pub(super) fn public_url(&mut self) -> Option<String> {
        let value = self.value("PUBLIC_URL")?;
        let parsed = url::Url::parse(value.text.trim()).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.path() == "/"
                && url.query().is_none()
                && url.fragment().is_none()
                && url.username().is_empty()
                && url.password().is_none()
        });
        if parsed.is_none() {
            self.problem(format!(
                "{} must be a scheme, a host and perhaps a port, such as \
                 https://tollgate.example.com, not {:?}",
                value.origin, value.text
            ));
        }
        parsed.map(|url| url.origin().ascii_serialization())
    }

    pub(super) fn word<T: Copy>(&mut self, name: &str, words: &[(&str, T)], default: T) -> T {
        let Some(value) = self.value(name) else {
            return default;
        };
        if let Some((_, found)) = words.iter().find(|(word, _)| *word == value.text) {
            return *found;
        }
        let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        self.problem(format!(
            "{} must be one of {}, not {:?}",
            value.origin,
            words.join(", "),
            value.text
        ));
        default
    }

    pub(super) fn sign_up(&mut self, default: SignUp) -> SignUp {
        let words = [
            ("open", SignUp::Open),
            ("invite", SignUp::Invite),
            ("closed", SignUp::Closed),
        ];
        self.word("SIGNUP", &words, default)
    }

    pub(super) fn log_format(&mut self) -> LogFormat {
        let words = [("text", LogFormat::Text), ("json", LogFormat::Json)];
        self.word("LOG_FORMAT", &words, LogFormat::Text)
    }
}
