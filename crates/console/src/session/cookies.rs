//! The cookies: names, flags, and reading them strictly.

use axum::http::{HeaderMap, HeaderValue, header};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use domain::OrgId;

use super::LIVES;

/// The 32 random bytes of a session, or of a browser that has none yet.
#[derive(Clone)]
pub(crate) struct Key([u8; 32]);

impl Key {
    pub(crate) fn generate() -> Self {
        Self(vault::random_token())
    }

    /// Exactly one spelling is accepted.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }

    pub(crate) fn text(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.0)
    }

    /// What is stored of it.
    pub(crate) fn hash(&self) -> [u8; 32] {
        vault::sha256(&self.0)
    }

    /// What every form of this browser carries. The key itself makes it, so that all replicas agree
    /// and it dies with the session; it tells nothing about the key.
    pub(crate) fn form_token(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(vault::hmac_sha256(&self.0, b"tollgate form"))
    }

    /// Compared in constant time.
    pub(crate) fn made(&self, form_token: &str) -> bool {
        vault::constant_time_eq(self.form_token().as_bytes(), form_token.as_bytes())
    }
}

/// Which cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    /// A signed-in browser.
    Session,
    /// A browser that has been shown a form and is not signed in.
    Form,
    /// The organisation last looked at. A preference, checked against the memberships at each use.
    Org,
}

impl Name {
    /// `__Host-` makes browsers refuse the cookie unless it is `Secure`, for this host alone and for
    /// every path, so a neighbouring subdomain cannot plant one.
    const fn text(self, https: bool) -> &'static str {
        match (self, https) {
            (Self::Session, true) => "__Host-tg_session",
            (Self::Session, false) => "tg_session",
            (Self::Form, true) => "__Host-tg_form",
            (Self::Form, false) => "tg_form",
            (Self::Org, true) => "__Host-tg_org",
            (Self::Org, false) => "tg_org",
        }
    }
}

/// The value of a cookie; none where it is absent, or there more than once.
pub(super) fn read(headers: &HeaderMap, name: Name, https: bool) -> Option<&str> {
    let name = name.text(https);
    let mut found = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value);
    let value = found.next()?;
    found.next().is_none().then_some(value)
}

/// The session that the browser says it has.
pub(crate) fn present(headers: &HeaderMap, https: bool) -> Option<Key> {
    read(headers, Name::Session, https).and_then(Key::parse)
}

fn set(name: Name, value: &str, max_age_s: Option<u64>, https: bool) -> HeaderValue {
    let name = name.text(https);
    let secure = if https { "; Secure" } else { "" };
    let age = max_age_s
        .map(|s| format!("; Max-Age={s}"))
        .unwrap_or_default();
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}");
    HeaderValue::try_from(text).expect("a cookie of ours is printable ASCII")
}

/// `Set-Cookie` for a new session.
pub(crate) fn set_session(key: &Key, https: bool) -> HeaderValue {
    set(Name::Session, &key.text(), Some(LIVES.as_secs()), https)
}

/// `Set-Cookie` that takes the session away.
pub(crate) fn clear_session(https: bool) -> HeaderValue {
    set(Name::Session, "", Some(0), https)
}

/// `Set-Cookie` for a browser that is shown a form. Gone when the browser closes.
pub(super) fn set_form(key: &Key, https: bool) -> HeaderValue {
    set(Name::Form, &key.text(), None, https)
}

/// `Set-Cookie` for the organisation to look at.
pub(crate) fn set_org(org: OrgId, https: bool) -> HeaderValue {
    set(Name::Org, &org.to_string(), Some(365 * 24 * 60 * 60), https)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_cookies_carry_every_flag() {
        let key = Key::generate();
        let https = set_session(&key, true);
        let text = format!(
            "__Host-tg_session={}; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=2592000",
            key.text()
        );
        assert_eq!(https, text);
        let http = set_session(&key, false);
        assert!(
            http.to_str()
                .is_ok_and(|text| text.starts_with("tg_session=")
                    && text.contains("HttpOnly")
                    && !text.contains("Secure"))
        );
        assert_eq!(
            clear_session(true),
            "__Host-tg_session=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0"
        );
    }

    #[test]
    fn a_cookie_sent_twice_is_no_cookie() {
        let mut headers = HeaderMap::new();
        headers.append(
            header::COOKIE,
            HeaderValue::from_static("a=1; tg_session=x"),
        );
        assert_eq!(read(&headers, Name::Session, false), Some("x"));
        assert_eq!(read(&headers, Name::Session, true), None);
        headers.append(header::COOKIE, HeaderValue::from_static("tg_session=y"));
        assert_eq!(read(&headers, Name::Session, false), None);
    }

    #[test]
    fn a_form_token_belongs_to_one_key() {
        let (mine, other) = (Key::generate(), Key::generate());
        assert!(mine.made(&mine.form_token()));
        assert!(!mine.made(&other.form_token()));
        assert!(!mine.made(""));
        assert!(!mine.made(&mine.text()));
    }

    #[test]
    fn a_key_has_one_spelling() {
        let key = Key::generate();
        assert!(Key::parse(&key.text()).is_some_and(|same| same.hash() == key.hash()));
        assert!(Key::parse(&format!("{}=", key.text())).is_none());
        assert!(Key::parse("AAAA").is_none());
        assert!(Key::parse("").is_none());
    }
}
