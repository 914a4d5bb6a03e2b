//! The gateway itself: what it is given, what it knows, and how both change while it serves.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::{ArcSwap, ArcSwapOption};
use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
    routing::{any, get},
};
use domain::{OrgId, ServerId, routes::Snapshot};
use http::Response;
use ipnet::IpNet;
use limits::Limiter;
use parking_lot::Mutex;
use spool::Spool;
use tokio::sync::{Notify, mpsc};
use upstream::Dialler;
use vault::{Keyring, Verifier};

use crate::{
    answers,
    caller::{Keys, Proven},
    clock::unix_ms,
    compile::compile,
    cors::Browser,
    handle,
    refusal::Door,
    route::Place,
    routes::{ServerEntry, Table},
    throttle::Throttle,
};

/// What the gateway is given at its start.
pub struct Needs {
    /// The token buckets.
    pub limiter: Arc<Limiter>,
    /// Where every decision is recorded before it has an effect.
    pub spool: Arc<Spool>,
    /// How upstreams are reached.
    pub dialler: Dialler,
    /// Bounds and places.
    pub settings: Settings,
    /// Servers whose inventory should be looked at again; sends never wait.
    pub refresh: mpsc::Sender<ServerId>,
}

/// How it behaves; every bound named.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `https://host[:port]`, without a slash at its end.
    pub public_url: String,
    /// Proxies whose `X-Forwarded-For` counts.
    pub trusted_proxies: Vec<IpNet>,
    /// The longest request body, in bytes.
    pub body_bytes_max: usize,
    /// How long an upstream may take for the head of its answer.
    pub first_byte: Duration,
    /// How long an answer may be silent.
    pub silence: Duration,
    /// How long an answer may take in all.
    pub total: Duration,
    /// How old the configuration may be before every request is refused.
    pub staleness_max: Duration,
}

/// The call path. One per process.
pub struct Gateway {
    pub(crate) limiter: Arc<Limiter>,
    pub(crate) spool: Arc<Spool>,
    pub(crate) settings: Settings,
    pub(crate) place: Place,
    pub(crate) table: ArcSwap<Table>,
    pub(crate) keys: ArcSwapOption<Keys>,
    pub(crate) throttle: Throttle,
    dialler: Dialler,
    refresh: mpsc::Sender<ServerId>,
    /// One change of the table at a time; readers never wait.
    changing: Mutex<()>,
    /// Told whenever an organisation's routes were swapped in.
    changed: Notify,
    began: Instant,
    /// Milliseconds after `began`, plus one, at which all versions were last found current; 0 is
    /// never.
    confirmed: AtomicU64,
    closing: AtomicBool,
    pub(crate) in_flight: AtomicUsize,
}

/// Requests that are between their head and the head of their answer, at once. Each may hold a
/// body of `body_bytes_max`.
pub(crate) const IN_FLIGHT_MAX: usize = 8_192;

/// How long a request waits for configuration that is known to be on its way: as long as a change
/// may take to reach a gateway.
const CATCH_UP: Duration = Duration::from_secs(1);

/// A place among the requests in flight; given back when dropped.
struct InFlight<'g>(&'g AtomicUsize);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Gateway {
    /// A gateway that knows nothing yet: until [`Gateway::set_keys`] and
    /// [`Gateway::confirm_current`] were called it answers 503.
    #[must_use]
    pub fn new(needs: Needs) -> Arc<Self> {
        Arc::new(Self {
            limiter: needs.limiter,
            spool: needs.spool,
            place: Place::new(&needs.settings.public_url),
            settings: needs.settings,
            table: ArcSwap::default(),
            keys: ArcSwapOption::empty(),
            throttle: Throttle::default(),
            dialler: needs.dialler,
            refresh: needs.refresh,
            changing: Mutex::new(()),
            changed: Notify::new(),
            began: Instant::now(),
            confirmed: AtomicU64::new(0),
            closing: AtomicBool::new(false),
            in_flight: AtomicUsize::new(0),
        })
    }

    /// Replaces the keys. Signatures found good by the old ones are forgotten; sessions sealed with
    /// the old keyring stay good while its keys are in the new one.
    pub fn set_keys(&self, verifier: Verifier, keyring: Arc<Keyring>) {
        let _alone = self.changing.lock();
        let mut table = Table::clone(&self.table.load());
        for routes in table.orgs.values_mut() {
            let snapshot = Arc::clone(&routes.snapshot);
            *routes = Arc::new(compile(
                snapshot,
                Some(routes),
                Some(&keyring),
                &self.dialler,
                unix_ms(),
            ));
        }
        self.keys
            .store(Some(Arc::new(Keys::new(verifier, keyring))));
        self.table.store(Arc::new(table));
    }

    /// Compiles and swaps in one organisation's routes; an older version than the one in force is
    /// ignored.
    pub fn apply(&self, snapshot: Snapshot) {
        let _alone = self.changing.lock();
        let table = self.table.load();
        let (org, slug) = (snapshot.org, snapshot.slug.clone());
        let before = table.orgs.get(&org);
        if before.is_some_and(|before| before.snapshot.version > snapshot.version) {
            return;
        }
        let keys = self.keys.load();
        let keyring = keys.as_ref().map(|keys| &*keys.keyring);
        let before = before.map(|before| &**before);
        let routes = Arc::new(compile(
            Arc::new(snapshot),
            before,
            keyring,
            &self.dialler,
            unix_ms(),
        ));
        let mut table = Table::clone(&table);
        table.slugs.retain(|_, owner| *owner != org);
        table.slugs.insert(slug.as_str().into(), org);
        table.orgs.insert(org, routes);
        self.table.store(Arc::new(table));
        self.changed.notify_waiters();
    }

    /// Waits for the routes that a token issued a moment ago needs, [`CATCH_UP`] at most. Every
    /// other request passes at once.
    pub(crate) async fn catch_up(&self, proven: &Proven, now_ms: u64) {
        if !proven.is_ahead(&self.table.load(), now_ms) {
            return;
        }
        let caught_up = async {
            loop {
                let changed = self.changed.notified();
                if !proven.is_ahead(&self.table.load(), now_ms) {
                    return;
                }
                changed.await;
            }
        };
        // A grant that was revoked just after it was issued is waited for in vain.
        let _ = tokio::time::timeout(CATCH_UP, caught_up).await;
    }

    /// Drops an organisation that is no more.
    pub fn forget(&self, org: OrgId) {
        let _alone = self.changing.lock();
        let mut table = Table::clone(&self.table.load());
        table.slugs.retain(|_, owner| *owner != org);
        table.orgs.remove(&org);
        self.table.store(Arc::new(table));
    }

    /// The organisations known, with their versions, to compare with Postgres.
    #[must_use]
    pub fn versions(&self) -> Vec<(OrgId, i64)> {
        let table = self.table.load();
        table
            .orgs
            .iter()
            .map(|(org, routes)| (*org, routes.snapshot.version))
            .collect()
    }

    /// Called whenever all versions were compared and found current.
    pub fn confirm_current(&self) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX - 1);
        self.confirmed.store(now + 1, Ordering::Release);
    }

    /// How old the configuration is; none before the first confirmation.
    #[must_use]
    pub fn staleness(&self) -> Option<Duration> {
        let at = self.confirmed.load(Ordering::Acquire).checked_sub(1)?;
        Some(
            self.began
                .elapsed()
                .saturating_sub(Duration::from_millis(at)),
        )
    }

    /// `/mcp/…` and `/.well-known/jwks.json`. The peer's address comes in as
    /// `ConnectInfo<SocketAddr>`; without it nothing is throttled and no address is recorded.
    pub fn router(self: &Arc<Self>) -> Router {
        let gateway = Arc::clone(self);
        let calls = any(move |request: Request| {
            let gateway = Arc::clone(&gateway);
            async move { gateway.serve(request).await }
        });
        let gateway = Arc::clone(self);
        Router::new()
            .route("/mcp", calls.clone())
            .route("/mcp/", calls.clone())
            .route("/mcp/{*path}", calls)
            .route(
                "/.well-known/jwks.json",
                get(move || async move { gateway.jwks() }),
            )
    }

    /// Answers one request to `/mcp/…`, for callers that have a router of their own.
    pub async fn serve(self: Arc<Self>, request: Request) -> Response<Body> {
        let peer = request
            .extensions()
            .get::<ConnectInfo<SocketAddr>>()
            .map(|info| info.0.ip());
        let gateway = Arc::clone(&self);
        let place = InFlight(&gateway.in_flight);
        if place.0.fetch_add(1, Ordering::Relaxed) >= IN_FLIGHT_MAX {
            return answers::door(Door::Busy, &Browser::No);
        }
        handle::answer(self, request, peer).await
    }

    fn jwks(&self) -> Response<Body> {
        let Some(keys) = self.keys.load_full() else {
            return answers::door(Door::Stale, &Browser::No);
        };
        let body = keys.verifier.jwks().to_string();
        let mut response = Response::new(Body::from(body));
        response
            .headers_mut()
            .insert(http::header::CONTENT_TYPE, answers::JSON);
        response
    }

    /// Ends long streams with a comment so that a graceful shutdown can finish.
    pub fn shut_down(&self) {
        self.closing.store(true, Ordering::Release);
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Asks for a look at a server's inventory. Never waits; the next request asks again.
    pub(crate) fn refresh(&self, server: &ServerEntry, now_ms: u64) {
        if server.live.may_refresh(now_ms) && self.refresh.try_send(server.id).is_err() {
            tracing::debug!(server.id = %server.id, "a refresh of the inventory was not taken");
        }
    }
}
