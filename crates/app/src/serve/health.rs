//! `/healthz`, `/readyz`, `/version`, and the JSON 404 for what no page is at.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use limits::{Buckets, Limiter};
use serde_json::{Value, json};
use store::Db;

use super::{VERSION, planes::DataPlane};

/// A dependency that says nothing for this long is not there.
const ANSWER_MAX: Duration = Duration::from_secs(1);

/// A number that only grows.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What the loops count.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) shipped: Counter,
    pub(super) ship_failures: Counter,
    pub(super) connections: Counter,
    pub(super) connections_closed: Counter,
}

/// What is asked about. The gateway and the spool are held weakly: the spool ends with its last
/// writer.
pub(super) struct Health {
    db: Db,
    staleness_max: Duration,
    pub(super) console: bool,
    limits: Option<Arc<Limiter>>,
    gateway: Weak<gateway::Gateway>,
    spool: Weak<spool::Spool>,
    pub(super) counts: Arc<Counts>,
}

impl Health {
    pub(super) fn new(db: Db, staleness_max: Duration) -> Self {
        Self {
            db,
            staleness_max,
            console: false,
            limits: None,
            gateway: Weak::new(),
            spool: Weak::new(),
            counts: Arc::default(),
        }
    }

    /// Asks about this data plane too.
    pub(super) fn watch(&mut self, plane: &DataPlane) {
        self.limits = Some(Arc::clone(&plane.limiter));
        self.gateway = Arc::downgrade(&plane.gateway);
        self.spool = Weak::clone(&plane.spool);
    }

    /// How old the gateway's configuration is; none where there is no gateway, or none was read.
    pub(super) fn staleness(&self) -> Option<Duration> {
        self.gateway.upgrade()?.staleness()
    }

    pub(super) fn backlog(&self) -> Option<u64> {
        Some(self.spool.upgrade()?.backlog())
    }

    pub(super) fn organisations(&self) -> Option<usize> {
        Some(self.gateway.upgrade()?.versions().len())
    }

    /// One entry per dependency, and whether this process can do its work.
    async fn report(&self) -> (bool, Value) {
        let mut checks = serde_json::Map::new();
        let (postgres, limits) = tokio::join!(
            async {
                matches!(
                    tokio::time::timeout(ANSWER_MAX, self.db.ping()).await,
                    Ok(Ok(()))
                )
            },
            async {
                match &self.limits {
                    Some(limits) => Some(matches!(
                        tokio::time::timeout(ANSWER_MAX, limits.ping()).await,
                        Ok(Ok(()))
                    )),
                    None => None,
                }
            },
        );
        checks.insert("postgres".into(), json!({ "ok": postgres }));
        // Calls are decided while Postgres is down; pages are not.
        let mut ready = postgres || !self.console;
        if let Some(ok) = limits {
            checks.insert("limits".into(), json!({ "ok": ok }));
            ready &= ok;
        }
        if self.limits.is_some() {
            let age = self.staleness();
            let ok = age.is_some_and(|age| age <= self.staleness_max);
            let age_ms = age.map(|age| u64::try_from(age.as_millis()).unwrap_or(u64::MAX));
            checks.insert(
                "configuration".into(),
                json!({ "ok": ok, "age_ms": age_ms }),
            );
            let backlog = self.backlog();
            checks.insert(
                "spool".into(),
                json!({ "ok": backlog.is_some(), "backlog": backlog }),
            );
            ready &= ok && backlog.is_some();
        }
        let status = if ready { "ready" } else { "not_ready" };
        (
            ready,
            json!({ "status": status, "version": VERSION, "checks": checks }),
        )
    }
}

/// Adds what every process answers. Without a console, whatever has no route is a JSON 404 too.
pub(super) fn add_to(router: Router, health: Arc<Health>, console: bool) -> Router {
    let router = router
        .route("/healthz", get(async || plain(StatusCode::OK, json!({ "status": "ok" }))))
        .route("/version", get(async || plain(StatusCode::OK, json!({ "version": VERSION }))))
        .route("/readyz", get(readyz).with_state(health))
        // Clients probe these before they sign in anywhere; a page would mislead them.
        .route("/.well-known/{*path}", axum::routing::any(nothing_here))
        .route("/register", axum::routing::any(nothing_here))
        .route("/authorize", axum::routing::any(nothing_here))
        .route("/token", axum::routing::any(nothing_here));
    if console {
        router
    } else {
        router.fallback(nothing_here)
    }
}

async fn readyz(State(health): State<Arc<Health>>) -> Response {
    let (ready, report) = health.report().await;
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    plain(status, report)
}

async fn nothing_here() -> Response {
    plain(StatusCode::NOT_FOUND, json!({ "error": "not_found" }))
}

fn plain(status: StatusCode, body: Value) -> Response {
    let headers = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (status, headers, Json(body)).into_response()
}
