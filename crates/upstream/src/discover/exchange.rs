//! One message there, one back.

use std::{io, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};

use super::{
    DISCOVER_TIMEOUT, LISTING_BYTES_MAX,
    conversation::{Conversation, Era, plain_version, request_body},
    message::{Failed, Heard, clean, hear},
};
use crate::{
    answer::Answer,
    error::UpstreamError,
    pool::Upstream,
    sse::{Event, Parser},
    url::UpstreamUrl,
};

/// How many redirects are followed in all.
const REDIRECTS_MAX: usize = 3;
/// How much of a stream that may be the old transport's is read, in bytes.
const ENDPOINT_BYTES_MAX: usize = 16 * 1024;

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const METHOD: HeaderName = HeaderName::from_static("mcp-method");
const EITHER: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");
const STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const IDENTITY: HeaderValue = HeaderValue::from_static("identity");
const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("tollgate/", env!("CARGO_PKG_VERSION")));

/// A conversation with one server.
pub(super) struct Exchange<'a> {
    /// Where the server is, after the redirects so far.
    upstream: Arc<Upstream>,
    credential: &'a [(HeaderName, HeaderValue)],
    era: Era,
    version: Option<HeaderValue>,
    session: Option<HeaderValue>,
    last_id: u64,
    redirects_left: usize,
    /// Whether no redirect may lead to another origin.
    stays: bool,
    bytes_left: usize,
}

impl<'a> Exchange<'a> {
    pub(super) fn new(
        upstream: &Arc<Upstream>,
        credential: &'a [(HeaderName, HeaderValue)],
    ) -> Self {
        Self {
            upstream: Arc::clone(upstream),
            credential,
            era: Era::Session,
            version: None,
            session: None,
            last_id: 0,
            redirects_left: REDIRECTS_MAX,
            stays: false,
            bytes_left: LISTING_BYTES_MAX,
        }
    }

    /// The same, with redirects within the server's own origin alone.
    pub(super) fn staying(self) -> Self {
        Self {
            stays: true,
            ..self
        }
    }

    /// Where redirects led, if not back to where they began.
    pub(super) fn moved_to(&self, from: &Arc<Upstream>) -> Option<UpstreamUrl> {
        (self.upstream.url() != from.url()).then(|| self.upstream.url().clone())
    }

    /// Ends the session, if there is one. Whether the server minds is of no consequence.
    pub(super) async fn farewell(&mut self) {
        if self.session.is_some() {
            self.era = Era::Session;
            let _ = self.send(Method::DELETE, &EITHER, "", Bytes::new()).await;
            self.session = None;
        }
    }

    /// Posts a message, following redirects.
    async fn post(
        &mut self,
        method: &'static str,
        body: Bytes,
    ) -> Result<Response<Answer>, Failed> {
        loop {
            let response = self
                .send(Method::POST, &EITHER, method, body.clone())
                .await?;
            // 303 would turn the request into a GET, and the others lead nowhere.
            if !matches!(response.status().as_u16(), 301 | 302 | 307 | 308) {
                return Ok(response);
            }
            let location = response.headers().get(header::LOCATION).cloned();
            let status = response.status();
            self.follow(status, location.as_ref())
                .map_err(|detail| Failed::NotMcp { method, detail })?;
        }
    }

    async fn send(
        &self,
        verb: Method,
        accept: &HeaderValue,
        method: &'static str,
        body: Bytes,
    ) -> Result<Response<Answer>, UpstreamError> {
        let mut headers = HeaderMap::with_capacity(12);
        // First, so that a credential can never pose as one of the headers below.
        headers.extend(self.credential.iter().cloned());
        headers.insert(header::ACCEPT, accept.clone());
        headers.insert(header::ACCEPT_ENCODING, IDENTITY);
        headers.insert(header::USER_AGENT, AGENT);
        if verb == Method::POST {
            headers.insert(header::CONTENT_TYPE, JSON);
        }
        if let Some(version) = &self.version {
            headers.insert(VERSION, version.clone());
        }
        match self.era {
            Era::Session => {
                if let Some(session) = &self.session {
                    headers.insert(SESSION, session.clone());
                }
            }
            Era::Stateless => {
                headers.insert(METHOD, HeaderValue::from_static(method));
            }
        }
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = verb;
        *request.headers_mut() = headers;
        self.upstream.send(request, DISCOVER_TIMEOUT).await
    }

    /// Moves to where a redirect leads, or says why not.
    pub(super) fn follow(
        &mut self,
        status: StatusCode,
        to: Option<&HeaderValue>,
    ) -> Result<(), String> {
        let here = self.upstream.url();
        let to = to.and_then(|to| to.to_str().ok());
        let to = to.ok_or_else(|| format!("HTTP {} without a place to go", status.as_u16()))?;
        let to = here
            .join(to)
            .map_err(|error| format!("it redirects to an address that {error}"))?;
        self.redirects_left = self
            .redirects_left
            .checked_sub(1)
            .ok_or_else(|| format!("it redirects more than {REDIRECTS_MAX} times"))?;
        if to.is_plain_http() && !here.is_plain_http() {
            return Err(format!("it redirects from https to {to}"));
        }
        if to.origin() != here.origin() && self.stays {
            return Err(format!("it redirects to {to}, which is another server"));
        }
        if to.origin() != here.origin() && !self.credential.is_empty() {
            return Err(format!(
                "it redirects to {to}, and a credential never follows to another origin; \
                 register that address if you trust it"
            ));
        }
        self.upstream = Upstream::new(self.upstream.dialler().clone(), to);
        Ok(())
    }

    /// Reads the message that answers request `id` out of a response.
    async fn answer(
        &mut self,
        method: &'static str,
        id: u64,
        response: Response<Answer>,
    ) -> Result<Vec<u8>, Failed> {
        let status = response.status();
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return Err(Failed::Credential(status.as_u16()));
        }
        let not_mcp = |detail| Failed::NotMcp { method, detail };
        let content_type = content_type(response.headers());
        match content_type.as_deref() {
            Some("text/event-stream") if status.is_success() => {
                self.read_stream(method, id, response.into_body()).await
            }
            Some("application/json") => {
                let text = self.read_all(method, response.into_body()).await?;
                match hear(&text, id) {
                    Ok(Heard::Answer) => {
                        // A status that is no success may carry an error, and never a result.
                        super::message::with_result(method, &text, |_| Ok(()))?;
                        if status.is_success() {
                            Ok(text)
                        } else {
                            Err(refused(method, status))
                        }
                    }
                    _ if !status.is_success() => Err(refused(method, status)),
                    Ok(Heard::Other) => Err(not_mcp("it answers another request".to_owned())),
                    Err(detail) => Err(not_mcp(detail)),
                }
            }
            _ if !status.is_success() => Err(refused(method, status)),
            Some(other) => {
                let other = clean(other, 60);
                Err(not_mcp(format!(
                    "it is {other}, not application/json or text/event-stream"
                )))
            }
            None => Err(not_mcp("it has no Content-Type".to_owned())),
        }
    }

    async fn read_all(&mut self, method: &'static str, body: Answer) -> Result<Vec<u8>, Failed> {
        let mut body = body;
        let mut text = Vec::new();
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame?.into_data() {
                self.spend(method, data.len())?;
                text.extend_from_slice(&data);
            }
        }
        Ok(text)
    }

    async fn read_stream(
        &mut self,
        method: &'static str,
        id: u64,
        body: Answer,
    ) -> Result<Vec<u8>, Failed> {
        let mut body = body;
        let mut parser = Parser::new(self.bytes_left);
        let mut events = Vec::new();
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else {
                continue;
            };
            self.spend(method, data.len())?;
            parser
                .push(&data, &mut events)
                .map_err(|_| too_long(method))?;
            for event in events.drain(..) {
                if let Some(text) = heard_in(event, method, id)? {
                    return Ok(text);
                }
            }
        }
        // The closing blank line is often forgotten.
        if let Some(text) = parser
            .finish()
            .map(|event| heard_in(event, method, id))
            .transpose()?
            && let Some(text) = text
        {
            return Ok(text);
        }
        let ended = io::Error::new(io::ErrorKind::UnexpectedEof, "the stream ended");
        Err(UpstreamError::Broken(ended.into()).into())
    }

    /// Takes what was read off what may be read in all.
    fn spend(&mut self, method: &'static str, bytes: usize) -> Result<(), Failed> {
        self.bytes_left = self
            .bytes_left
            .checked_sub(bytes)
            .ok_or_else(|| too_long(method))?;
        Ok(())
    }
}

impl Conversation for Exchange<'_> {
    fn set_era(&mut self, era: Era) {
        self.era = era;
        self.version = None;
    }

    fn set_version(&mut self, method: &'static str, version: &str) -> Result<(), Failed> {
        let version = plain_version(method, version)?;
        self.version = HeaderValue::from_str(version).ok();
        Ok(())
    }

    async fn request(&mut self, method: &'static str, params: &str) -> Result<Vec<u8>, Failed> {
        self.last_id += 1;
        let id = self.last_id;
        let body = request_body(self.era, id, method, params);
        let response = self.post(method, body.into()).await?;
        if method == "initialize" && response.status().is_success() {
            self.session = response.headers().get(SESSION).cloned();
        }
        self.answer(method, id, response).await
    }

    async fn notify(&mut self, method: &'static str) -> Result<(), Failed> {
        let body = format!(r#"{{"jsonrpc":"2.0","method":"{method}"}}"#);
        let response = self.post(method, body.into()).await?;
        if content_type(response.headers()).as_deref() != Some("text/event-stream") {
            self.read_all(method, response.into_body()).await?;
        }
        Ok(())
    }

    /// A `GET` opens a stream whose first event names an endpoint, as MCP 2024-11-05 says.
    async fn speaks_the_old_transport(&mut self) -> bool {
        self.era = Era::Session;
        self.version = None;
        self.session = None;
        let Ok(response) = self.send(Method::GET, &STREAM, "", Bytes::new()).await else {
            return false;
        };
        if content_type(response.headers()).as_deref() != Some("text/event-stream") {
            return false;
        }
        let mut body = response.into_body();
        let mut parser = Parser::new(ENDPOINT_BYTES_MAX);
        let mut events = Vec::new();
        while events.is_empty() {
            let Some(Ok(frame)) = body.frame().await else {
                break;
            };
            let Ok(data) = frame.into_data() else {
                continue;
            };
            if parser.push(&data, &mut events).is_err() {
                break;
            }
        }
        events
            .first()
            .is_some_and(|event| event.event.as_deref() == Some("endpoint"))
    }
}

/// The text of an event that is the answer to request `id`.
fn heard_in(event: Event, method: &'static str, id: u64) -> Result<Option<Vec<u8>>, Failed> {
    let is_message = event.event.as_deref().is_none_or(|name| name == "message");
    // An event without data only opens a stream that can be taken up again.
    if !is_message || event.data.is_empty() {
        return Ok(None);
    }
    let text = event.data.into_bytes();
    match hear(&text, id).map_err(|detail| Failed::NotMcp { method, detail })? {
        Heard::Other => Ok(None),
        Heard::Answer => {
            super::message::with_result(method, &text, |_| Ok(()))?;
            Ok(Some(text))
        }
    }
}

fn refused(method: &'static str, status: StatusCode) -> Failed {
    Failed::Status {
        method,
        status: status.as_u16(),
    }
}

fn too_long(method: &'static str) -> Failed {
    let detail = format!("it is longer than {} MiB in all", LISTING_BYTES_MAX >> 20);
    Failed::NotMcp { method, detail }
}

/// The media type alone, in lower case.
fn content_type(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let media = text.split(';').next().unwrap_or_default();
    Some(media.trim().to_ascii_lowercase())
}
