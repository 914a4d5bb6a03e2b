//! The world the tests live in: one organisation with one server and a grant, a gateway on a
//! loopback port, and an upstream that says what a test tells it to.

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::AtomicUsize},
    time::Duration,
};

use domain::{
    GrantId, OrgId, PolicyId, ServerId, Tool,
    audit::{Decision, Record, Settlement},
    routes::{GrantRoute, PolicyRoute, ServerRoute, Snapshot, VerifyingKey},
};
use limits::{Limiter, Local};
use parking_lot::Mutex;
use secrecy::ExposeSecret;
use tokio::{net::TcpListener, sync::mpsc, time::timeout};
use upstream::{Dialler, Guard};
use uuid::Uuid;
use vault::{Binding, Claims, Keyring, MasterKey, Signer, Verifier};

use super::scripted::upstream;
pub(crate) use super::{
    scripted::{Say, Seen, good, json, status},
    wire::{Ask, Reply, until},
};
use crate::{Gateway, Needs, Settings};

/// A keyring with one fresh data key.
pub(crate) fn keyring() -> Keyring {
    let master = MasterKey::parse(&MasterKey::generate_base64()).expect("a fresh key is good");
    Keyring::open(&master, &[Keyring::make_data_key(&master)]).expect("opens")
}

pub(crate) const SECRET: &str = "the-upstreams-own-secret";
pub(crate) const TEN_A_MINUTE: &str = r#"{"version":"1","default":"deny","tools":{"rerun_workflow":{"limits":[{"counter":"rerun_workflow_rate","window":"minute","max":10,"scope":"grant"}]}}}"#;
pub(crate) const ALLOW_ALL: &str = r#"{"version":"1","default":"allow","hide":["secret_tool"]}"#;

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

/// What a test can choose.
pub(crate) struct Plan {
    pub(crate) policy: Option<&'static str>,
    pub(crate) tools: Option<Vec<Tool>>,
    pub(crate) first_byte: Duration,
    pub(crate) silence: Duration,
    pub(crate) total: Duration,
    pub(crate) body_bytes_max: usize,
    pub(crate) limiter: Limiter,
    /// Where the upstream is said to be, if not where it is.
    pub(crate) upstream_url: Option<String>,
    pub(crate) fail_open: bool,
    pub(crate) staleness_max: Duration,
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
            total: Duration::from_secs(60),
            body_bytes_max: 4 << 20,
            limiter: Limiter::Local(Local::new()),
            upstream_url: None,
            fail_open: false,
            staleness_max: Duration::from_secs(60),
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
                total: plan.total,
                staleness_max: plan.staleness_max,
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
