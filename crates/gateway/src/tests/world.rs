//! The world the tests live in: one organisation with one server and a grant, a gateway on a
//! loopback port, and an upstream that says what a test tells it to.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body};
use domain::{
    GrantId, OrgId, PolicyId, ServerId, Tool,
    audit::{Decision, Record, Settlement},
    routes::{GrantRoute, PolicyRoute, ServerRoute, Snapshot, VerifyingKey},
};
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use limits::{Limiter, Local};
use parking_lot::Mutex;
use secrecy::ExposeSecret;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::timeout,
};
use upstream::{Dialler, Guard};
use uuid::Uuid;
use vault::{Binding, Claims, Keyring, MasterKey, Signer, Verifier};

use crate::{Gateway, Needs, Settings};

/// A keyring with one fresh data key.
pub(crate) fn keyring() -> Keyring {
    let master = MasterKey::parse(&MasterKey::generate_base64()).expect("a fresh key is good");
    Keyring::open(&master, &[Keyring::make_data_key(&master)]).expect("opens")
}

pub(crate) const SECRET: &str = "the-upstreams-own-secret";
pub(crate) const TEN_A_MINUTE: &str = r#"{"version":"1","default":"deny","tools":{"rerun_workflow":{"limits":[{"counter":"rerun_workflow_rate","window":"minute","max":10,"scope":"grant"}]}}}"#;
pub(crate) const ALLOW_ALL: &str = r#"{"version":"1","default":"allow","hide":["secret_tool"]}"#;

/// What the upstream was sent.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    pub(crate) fn id(&self) -> String {
        self.json()["id"].to_string()
    }

    pub(crate) fn rpc(&self) -> String {
        self.json()["method"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// What the upstream says to it.
#[derive(Debug, Clone)]
pub(crate) enum Say {
    /// Status, headers, body.
    Now(u16, Vec<(&'static str, String)>, String),
    /// A stream: pieces, each after a wait in milliseconds. It stays open after the last one.
    Slow(&'static str, Vec<(u64, String)>),
    /// The same, ended after the last piece.
    Pieces(&'static str, Vec<(u64, String)>),
    /// Nothing, ever.
    Nothing,
}

pub(crate) fn json(body: impl Into<String>) -> Say {
    Say::Now(
        200,
        vec![("content-type", "application/json".into())],
        body.into(),
    )
}

pub(crate) fn status(status: u16, body: impl Into<String>) -> Say {
    Say::Now(
        status,
        vec![("content-type", "application/json".into())],
        body.into(),
    )
}

/// A good result to whatever was asked.
pub(crate) fn good(seen: &Seen) -> Say {
    match seen.rpc().as_str() {
        "" if seen.method == "POST" => Say::Now(202, vec![], String::new()),
        method if method.starts_with("notifications/") => Say::Now(202, vec![], String::new()),
        _ => json(format!(
            r#"{{"jsonrpc":"2.0","id":{},"result":{{"content":[{{"type":"text","text":"done"}}],"big":12345678901234567890}}}}"#,
            seen.id()
        )),
    }
}

pub(crate) struct World {
    pub(crate) gateway: Arc<Gateway>,
    pub(crate) address: SocketAddr,
    pub(crate) snapshot: Snapshot,
    pub(crate) grant: GrantId,
    pub(crate) server: ServerId,
    pub(crate) token: String,
    pub(crate) seen: Arc<Mutex<Vec<Seen>>>,
    /// Streams of the upstream that are open now.
    pub(crate) open: Arc<AtomicUsize>,
    pub(crate) refreshes: mpsc::Receiver<ServerId>,
    signer: Signer,
    kid: String,
    issuer: Uuid,
    shipper: spool::Shipper,
    records: Vec<Record>,
    dir: tempfile::TempDir,
}

pub(crate) fn tool(name: &str) -> Tool {
    Tool {
        name: name.into(),
        title: None,
        description: None,
        definition: format!(r#"{{"name":"{name}","inputSchema":{{"type":"object"}}}}"#),
        class: None,
    }
}

struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A body that is fed through a channel.
struct Piped(mpsc::Receiver<String>);

impl http_body::Body for Piped {
    type Data = bytes::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, Self::Error>>> {
        let piece = self.0.poll_recv(cx);
        piece.map(|piece| piece.map(|piece| Ok(http_body::Frame::data(piece.into()))))
    }
}

fn streamed(kind: &str, pieces: Vec<(u64, String)>, stays: bool, open: Open) -> Response<Body> {
    let (send, receive) = mpsc::channel::<String>(1);
    tokio::spawn(async move {
        let _open = open;
        for (wait, piece) in pieces {
            tokio::time::sleep(Duration::from_millis(wait)).await;
            if send.send(piece).await.is_err() {
                return;
            }
        }
        if stays {
            send.closed().await;
        }
    });
    let body = Body::new(Piped(receive));
    Response::builder()
        .header("content-type", kind)
        .body(body)
        .expect("a response")
}

type Script = Arc<dyn Fn(&Seen) -> Say + Send + Sync>;

async fn upstream(
    script: Script,
    seen: Arc<Mutex<Vec<Seen>>>,
    open: Arc<AtomicUsize>,
) -> SocketAddr {
    let app = Router::new().fallback(move |request: Request<Body>| {
        let (script, seen, open) = (Arc::clone(&script), Arc::clone(&seen), Arc::clone(&open));
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.expect("a body").to_bytes();
            let now = Seen {
                method: parts.method.to_string(),
                path: parts.uri.to_string(),
                headers: parts.headers,
                body: String::from_utf8(body.to_vec()).expect("UTF-8"),
            };
            let say = script(&now);
            seen.lock().push(now);
            open.fetch_add(1, Ordering::SeqCst);
            let open = Open(open);
            match say {
                Say::Now(status, headers, body) => {
                    let mut response = Response::builder().status(status);
                    for (name, value) in headers {
                        response = response.header(name, value);
                    }
                    response.body(Body::from(body)).expect("a response")
                }
                Say::Slow(kind, pieces) => streamed(kind, pieces, true, open),
                Say::Pieces(kind, pieces) => streamed(kind, pieces, false, open),
                Say::Nothing => {
                    std::future::pending::<()>().await;
                    drop(open);
                    unreachable!("it never ends")
                }
            }
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// What a test can choose.
pub(crate) struct Plan {
    pub(crate) policy: Option<&'static str>,
    pub(crate) tools: Option<Vec<Tool>>,
    pub(crate) first_byte: Duration,
    pub(crate) silence: Duration,
    pub(crate) body_bytes_max: usize,
    pub(crate) limiter: Limiter,
    /// Where the upstream is said to be, if not where it is.
    pub(crate) upstream_url: Option<String>,
    pub(crate) fail_open: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            policy: Some(ALLOW_ALL),
            tools: Some(
                ["rerun_workflow", "get_logs", "secret_tool"]
                    .map(tool)
                    .to_vec(),
            ),
            first_byte: Duration::from_secs(5),
            silence: Duration::from_secs(5),
            body_bytes_max: 4 << 20,
            limiter: Limiter::Local(Local::new()),
            upstream_url: None,
            fail_open: false,
        }
    }
}

impl World {
    pub(crate) async fn new(script: impl Fn(&Seen) -> Say + Send + Sync + 'static) -> Self {
        Self::with(Plan::default(), script).await
    }

    pub(crate) async fn with(
        plan: Plan,
        script: impl Fn(&Seen) -> Say + Send + Sync + 'static,
    ) -> Self {
        let seen = Arc::default();
        let open = Arc::default();
        let at = upstream(Arc::new(script), Arc::clone(&seen), Arc::clone(&open)).await;
        let upstream_url = plan
            .upstream_url
            .unwrap_or_else(|| format!("http://{at}/mcp?up=1"));
        let dir = tempfile::tempdir().expect("a folder");
        let (spool, shipper) = spool::open(dir.path()).expect("a spool");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (refresh, refreshes) = mpsc::channel(16);
        let guard = Guard::new(vec!["127.0.0.0/8".parse().expect("a net")]);
        let gateway = Gateway::new(Needs {
            limiter: Arc::new(plan.limiter),
            spool,
            dialler: Dialler::new(guard),
            settings: Settings {
                public_url: format!("http://{address}"),
                trusted_proxies: Vec::new(),
                body_bytes_max: plan.body_bytes_max,
                first_byte: plan.first_byte,
                silence: plan.silence,
                total: Duration::from_secs(60),
                staleness_max: Duration::from_secs(60),
            },
            refresh,
        });
        let master = MasterKey::parse(&MasterKey::generate_base64()).expect("a key");
        let keys = Arc::new(
            Keyring::open(&master, &[Keyring::make_data_key(&master)]).expect("a keyring"),
        );
        let (kid, sealed, public_key) = Signer::make_key(&master);
        let signer = Signer::open(&master, &[(kid.clone(), sealed)]).expect("a signer");
        let issuer = Uuid::now_v7();
        let verifier = Verifier::new(
            issuer,
            &[VerifyingKey {
                kid: kid.clone(),
                public_key,
            }],
        );
        gateway.set_keys(verifier, Arc::clone(&keys));

        let (org, server, policy) = (
            OrgId::generate(),
            ServerId::generate(),
            PolicyId::generate(),
        );
        let grant = GrantId::generate();
        let origin = upstream::UpstreamUrl::parse(&upstream_url).map(|url| url.origin().to_owned());
        let credential = origin.ok().map(|origin| {
            let binding = Binding::UpstreamCredential { org, server, origin: &origin };
            let headers = format!(
                r#"{{"Circle-Token":"{SECRET}","Host":"evil.example","Connection":"close","Content-Length":"3"}}"#
            );
            keys.seal(headers.as_bytes(), binding)
        });
        let snapshot = Snapshot {
            org,
            slug: "acme".parse().expect("a slug"),
            version: 1,
            suspended: false,
            servers: vec![ServerRoute {
                id: server,
                slug: "circleci".parse().expect("a slug"),
                name: "CircleCI".parse().expect("a name"),
                upstream_url,
                credential,
                inventory: plan.tools.map(Into::into),
                fail_open: plan.fail_open,
            }],
            grants: vec![GrantRoute {
                id: grant,
                server,
                policy: plan.policy.map(|_| policy),
                label: "ci agent".parse().expect("a label"),
                identity: None,
                labels: Vec::new(),
                token_version: 1,
                overlap: None,
                expires_at_ms: None,
                paused: false,
            }],
            policies: plan
                .policy
                .map(|document| PolicyRoute {
                    id: policy,
                    name: "reruns".parse().expect("a name"),
                    version: 3,
                    document: document.into(),
                })
                .into_iter()
                .collect(),
        };
        gateway.apply(snapshot.clone());
        gateway.confirm_current();
        let app = gateway
            .router()
            .into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, app).await });
        let mut world = Self {
            gateway,
            address,
            snapshot,
            grant,
            server,
            token: String::new(),
            seen,
            open,
            refreshes,
            signer,
            kid,
            issuer,
            shipper,
            records: Vec::new(),
            dir,
        };
        world.token = world.sign(|_| {});
        world
    }

    /// A token for the grant, with its claims changed.
    pub(crate) fn sign(&self, change: impl FnOnce(&mut Claims)) -> String {
        let mut claims = Claims {
            issuer: self.issuer,
            grant: self.grant,
            org: self.snapshot.org,
            server: self.server,
            version: 1,
            issued_at_s: 1,
            expires_at_s: None,
        };
        change(&mut claims);
        let token = self
            .signer
            .sign(&self.kid, &claims)
            .expect("the key is here");
        token.expose_secret().to_owned()
    }

    /// Changes the configuration, as an edit in the console would.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut Snapshot)) {
        change(&mut self.snapshot);
        self.snapshot.version += 1;
        self.gateway.apply(self.snapshot.clone());
    }

    pub(crate) fn path(&self) -> String {
        format!("/mcp/{}/mcp", self.server)
    }

    /// A message to the server, with all that a client sends.
    pub(crate) fn post(&self, body: impl Into<Vec<u8>>) -> Ask {
        self.ask("POST", &self.path())
            .header("authorization", &format!("Bearer {}", self.token))
            .header("content-type", "application/json")
            .header("accept", "application/json, text/event-stream")
            .body(body)
    }

    pub(crate) fn ask(&self, method: &str, path: &str) -> Ask {
        let headers = vec![("host".to_owned(), self.address.to_string())];
        Ask {
            to: self.address,
            line: format!("{method} {path} HTTP/1.1"),
            headers,
            body: None,
        }
    }

    pub(crate) async fn call(&self, tool: &str) -> Reply {
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}","arguments":{{}}}}}}"#
        );
        self.post(body).send().await
    }

    /// Makes every later append to the spool fail: its segment is full, and the next one has no
    /// folder to be in.
    pub(crate) fn break_the_spool(&self) {
        let filler = Decision {
            message: "x".repeat(17 << 20),
            ..self.some_decision()
        };
        let record = Record::Decided(Box::new(filler));
        self.gateway.spool.append(&record).expect("still good");
        std::fs::remove_dir_all(self.dir.path()).expect("removed");
    }

    fn some_decision(&self) -> Decision {
        let text = format!(
            r#"{{"id":"{}","org":"{}","server":"{}","server_name":"","grant":"{}","grant_label":"","identity":null,"policy":null,"policy_name":null,"policy_version":null,"method":"","tool":null,"outcome":"deny","code":"denied","rule":null,"message":"","charges":[],"retry_after_ms":null,"failed_open":false,"client":null,"address":null,"request_bytes":0,"decided_us":0,"snapshot_age_ms":0}}"#,
            domain::EventId::generate(),
            self.snapshot.org,
            self.server,
            self.grant
        );
        serde_json::from_str(&text).expect("a decision")
    }

    /// How many `tools/call` reached the upstream.
    pub(crate) fn calls(&self) -> usize {
        self.seen
            .lock()
            .iter()
            .filter(|seen| seen.rpc() == "tools/call")
            .count()
    }

    /// Everything recorded so far, oldest first.
    pub(crate) async fn records(&mut self) -> &[Record] {
        let wait = Duration::from_millis(300);
        while let Ok(Ok(Some(batch))) = timeout(wait, self.shipper.next(1000)).await {
            self.records.extend(batch.records.iter().cloned());
            self.shipper.shipped(batch).expect("marked");
        }
        &self.records
    }

    pub(crate) async fn decisions(&mut self) -> Vec<Decision> {
        let records = self.records().await.iter();
        let decided = records.filter_map(|record| match record {
            Record::Decided(decision) => Some((**decision).clone()),
            Record::Settled(_) => None,
        });
        decided.collect()
    }

    pub(crate) async fn settlements(&mut self) -> Vec<Settlement> {
        let records = self.records().await.iter();
        let settled = records.filter_map(|record| match record {
            Record::Settled(settlement) => Some(settlement.clone()),
            Record::Decided(_) => None,
        });
        settled.collect()
    }

    /// The last decision's code and what became of it.
    pub(crate) async fn last(&mut self) -> (String, Option<String>) {
        let decision = self.decisions().await.pop().expect("a decision");
        let settled = self.settlements().await;
        let settled = settled
            .into_iter()
            .find(|settled| settled.id == decision.id);
        (
            decision.code.to_string(),
            settled.map(|settled| settled.settled.to_string()),
        )
    }
}

/// A request, written byte by byte, so that odd ones can be written too.
pub(crate) struct Ask {
    to: SocketAddr,
    line: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Ask {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(own, _)| own != name);
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let mut out = format!("{}\r\n", self.line);
        for (name, value) in &self.headers {
            out.push_str(&format!("{name}: {value}\r\n"));
        }
        let sized = self
            .headers
            .iter()
            .any(|(name, _)| name == "content-length" || name == "transfer-encoding");
        if let (Some(body), false) = (&self.body, sized) {
            out.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        out.push_str("connection: close\r\n\r\n");
        let mut out = out.into_bytes();
        out.extend_from_slice(self.body.as_deref().unwrap_or_default());
        out
    }

    /// Sends it and reads the answer to its end.
    pub(crate) async fn send(self) -> Reply {
        let mut stream = self.open().await;
        let mut all = Vec::new();
        let read = timeout(Duration::from_secs(20), stream.read_to_end(&mut all)).await;
        read.expect("an answer in time").ok();
        Reply::parse(&all)
    }

    /// Sends it and leaves the connection open.
    pub(crate) async fn open(self) -> TcpStream {
        let mut stream = TcpStream::connect(self.to).await.expect("a connection");
        stream.write_all(&self.bytes()).await.ok();
        stream
    }
}

/// Reads from an open connection until the text was seen, or for this long.
pub(crate) async fn until(stream: &mut TcpStream, text: &str, within: Duration) -> String {
    let mut all = Vec::new();
    let reading = async {
        let mut piece = [0; 4096];
        while !String::from_utf8_lossy(&all).contains(text) {
            match stream.read(&mut piece).await {
                Ok(n) if n > 0 => all.extend_from_slice(&piece[..n]),
                _ => break,
            }
        }
    };
    let _ = timeout(within, reading).await;
    String::from_utf8_lossy(&all).into_owned()
}

#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Reply {
    fn parse(all: &[u8]) -> Self {
        let text = String::from_utf8_lossy(all);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut lines = head.lines();
        let line = lines.next().unwrap_or_default();
        let status = line
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok())
            .unwrap_or(0);
        let headers: Vec<_> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let chunked = headers
            .iter()
            .any(|(name, value)| name == "transfer-encoding" && value == "chunked");
        let body = if chunked {
            unchunked(body)
        } else {
            body.to_owned()
        };
        Self {
            status,
            headers,
            body,
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// The JSON-RPC error's code; 0 where there is none.
    pub(crate) fn error(&self) -> i64 {
        self.json()["error"]["code"].as_i64().unwrap_or(0)
    }

    /// The text of a tool's result that failed.
    pub(crate) fn said(&self) -> String {
        let json = self.json();
        assert_eq!(json["result"]["isError"], true, "{json}");
        json["result"]["content"][0]["text"]
            .as_str()
            .expect("a text")
            .to_owned()
    }

    pub(crate) fn decision(&self) -> serde_json::Value {
        self.json()["result"]["_meta"]["tollgate/decision"].clone()
    }

    /// The data of each event.
    pub(crate) fn events(&self) -> Vec<String> {
        let lines = self.body.lines();
        lines
            .filter_map(|line| line.strip_prefix("data: "))
            .map(str::to_owned)
            .collect()
    }
}

fn unchunked(body: &str) -> String {
    let mut out = String::new();
    let mut rest = body;
    while let Some((size, after)) = rest.split_once("\r\n") {
        let Ok(size) = usize::from_str_radix(size, 16) else {
            break;
        };
        if size == 0 || after.len() < size {
            out.push_str(after.get(..size).unwrap_or(after).trim_end_matches("\r\n"));
            break;
        }
        out.push_str(&after[..size]);
        rest = after[size..].trim_start_matches("\r\n");
    }
    out
}
