//! The admin API as the command line uses it: `docs/decisions/0008-the-command-line-dials-through-upstream.md`.

mod problem;

use std::{future::Future, time::Duration};

use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use http_body_util::{BodyExt, Full, Limited};
use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, de::DeserializeOwned};
use upstream::{Dialler, Guard, Upstream, UpstreamUrl};

pub(super) use self::problem::Problem;
use super::{args::ClientArgs, show::visible};
use crate::exit::{NotReachable, Usage};

/// A whole question and answer, at most.
const ANSWER_MAX: Duration = Duration::from_secs(60);
/// The largest answer: a page of 200 versions of 256 KiB each.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// Where a key may go without encryption: this machine and private networks.
const PRIVATE: [&str; 7] = [
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "::1/128",
    "fc00::/7",
];

/// This machine and private networks, which a person's own command may dial.
pub(crate) fn private_networks() -> Vec<IpNet> {
    let networks = PRIVATE.iter();
    networks.map(|net| net.parse().expect("a range")).collect()
}

/// One Tollgate, with one key.
pub(super) struct Client {
    base: String,
    key: HeaderValue,
    dialler: Dialler,
}

/// What it answered to a request that it did.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) body: Bytes,
    /// Which revision of the thing the body shows, as `If-Match` names it.
    pub(super) etag: Option<HeaderValue>,
}

impl Client {
    /// Reads where Tollgate is and with which key; asks nothing yet.
    ///
    /// # Errors
    /// [`Usage`]: one of them is missing, or is none. The key is in no message.
    pub(super) fn new(args: &ClientArgs) -> Result<Self> {
        let missing = |what: &str, how: &str| Usage(format!("say {what}: {how}"));
        let url = args.url.as_deref().filter(|url| !url.is_empty());
        let url = url.ok_or_else(|| missing("where Tollgate is", "--url or TOLLGATE_URL"))?;
        let key = args.api_key.as_ref().map(SecretString::expose_secret);
        let key = key.filter(|key| !key.is_empty());
        let key = key.ok_or_else(|| missing("with which API key", "TOLLGATE_API_KEY"))?;
        let base = format!("{}/api/v1", url.trim_end_matches('/'));
        if url.contains(['?', '#']) {
            let detail = format!("the URL {} may have no query and no fragment", visible(url));
            return Err(Usage(detail).into());
        }
        UpstreamUrl::parse(&base)
            .map_err(|error| Usage(format!("the URL {} {error}", visible(url))))?;
        let mut key = HeaderValue::try_from(format!("Bearer {}", key.trim()))
            .map_err(|_| Usage("the API key has characters that no key has".into()))?;
        key.set_sensitive(true);
        Ok(Self {
            base,
            key,
            dialler: Dialler::new(Guard::new(private_networks())),
        })
    }

    /// Where it is.
    pub(super) fn url(&self) -> &str {
        self.base.trim_end_matches("/api/v1")
    }

    /// `GET`, its answer read as `T`.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        read(&self.send(Method::GET, path, None, None).await?)
    }

    /// `POST`, on top of the revision that was read.
    pub(super) async fn post(
        &self,
        path: &str,
        body: &impl Serialize,
        if_match: Option<&HeaderValue>,
    ) -> Result<Answer> {
        let body = serde_json::to_vec(body).context("the request")?;
        self.send(Method::POST, path, Some(body), if_match).await
    }

    /// One request, once.
    ///
    /// # Errors
    /// [`NotReachable`], or a [`Problem`].
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
        if_match: Option<&HeaderValue>,
    ) -> Result<Answer> {
        let url = UpstreamUrl::parse(&format!("{}{path}", self.base))
            .map_err(|error| anyhow!("the address {} {error}", visible(path)))?;
        let mut request = Request::builder()
            .method(method)
            .header(header::AUTHORIZATION, &self.key)
            .header(header::ACCEPT, "application/json")
            .header(
                header::USER_AGENT,
                concat!("tollgate/", env!("CARGO_PKG_VERSION")),
            );
        if let Some(tag) = if_match {
            request = request.header(header::IF_MATCH, tag);
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = Full::new(Bytes::from(body.unwrap_or_default()));
        let request = request.body(body).context("the request")?;
        let server = Upstream::new(self.dialler.clone(), url);
        let exchange = async {
            let response = server
                .send(request, ANSWER_MAX)
                .await
                .map_err(|error| self.broken(&error.to_string()))?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
            let body = body
                .map_err(|error| self.broken(&error.to_string()))?
                .to_bytes();
            Ok((head, body))
        };
        let (head, body) = self.in_time(exchange).await?;
        if head.status.is_success() {
            let etag = head.headers.get(header::ETAG).cloned();
            return Ok(Answer { body, etag });
        }
        let location = head.headers.get(header::LOCATION);
        Err(problem::refused(self.url(), head.status, location, &body))
    }

    async fn in_time<T>(&self, exchange: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::time::timeout(ANSWER_MAX, exchange)
            .await
            .unwrap_or_else(|_| Err(self.broken("its answer takes too long")))
    }

    fn broken(&self, why: &str) -> anyhow::Error {
        NotReachable(format!(
            "Tollgate at {} cannot be reached: {}",
            visible(self.url()),
            visible(why)
        ))
        .into()
    }
}

/// An answer's body as `T`.
pub(super) fn read<T: DeserializeOwned>(answer: &Answer) -> Result<T> {
    serde_json::from_slice(&answer.body)
        .context("Tollgate's answer is not the one that is expected")
}

/// One segment of a path, whatever is in it.
pub(super) fn segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out += &format!("%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(url: &str, key: &str) -> Result<Client> {
        Client::new(&ClientArgs {
            url: Some(url.to_owned()),
            api_key: Some(key.to_owned().into()),
        })
    }

    #[test]
    fn the_url_and_the_key_are_looked_at_first() {
        for url in [
            "http://127.0.0.1:8080",
            "https://tollgate.example.com/",
            "https://x.test/tollgate",
        ] {
            assert!(client(url, "tg_key_x").is_ok(), "{url}");
        }
        for (url, key) in [
            ("", "tg_key_x"),
            ("127.0.0.1:8080", "tg_key_x"),
            ("ftp://x.test", "tg_key_x"),
            ("https://user:pw@x.test", "tg_key_x"),
            ("https://x.test/?a", "tg_key_x"),
            ("https://x.test", ""),
            ("https://x.test", "tg_key\nx"),
        ] {
            let error = client(url, key).err().expect(url);
            assert!(error.is::<Usage>(), "{url}");
            assert!(
                key.is_empty() || !format!("{error:#}").contains(key),
                "{error:#}"
            );
        }
    }

    #[test]
    fn a_segment_cannot_leave_its_place() {
        assert_eq!(segment("pol_01-a"), "pol_01-a");
        assert_eq!(segment("../x?y#z é"), "%2E%2E%2Fx%3Fy%23z%20%C3%A9");
    }
}
