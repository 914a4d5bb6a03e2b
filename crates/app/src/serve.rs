//! One process that serves: the rooms put together, the loops between them, and the end.

mod changes;
mod connect;
mod health;
mod http;
mod keys;
mod metrics;
mod outage;
mod planes;
mod refresh;
mod routes;
mod ship;
mod stalled;

use std::{future::Future, net::TcpListener, pin::Pin, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use axum::Router;
use secrecy::SecretString;
use store::Db;
use tokio::{sync::watch, task::JoinSet};
use tracing::{info, warn};
use vault::MasterKey;

use self::{
    changes::Hearer, connect::Databases, health::Health, refresh::Refresher, routes::Routes,
};
pub(crate) use self::{connect::unreachable_database, http::signal};
use crate::config::{Config, Role};

/// This build's version.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// How long the audit events of the last calls may take to reach Postgres at the end. What does not
/// make it is in the spool and is shipped at the next start.
const LAST_SHIPMENT_MAX: Duration = Duration::from_secs(5);
/// Audit partitions are made months ahead, so one look a day is plenty.
const PARTITIONS_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// What a serving process is made of.
pub(crate) struct Plan {
    pub(crate) config: Config,
    pub(crate) role: Role,
    /// Bound before anything else is started, so that a taken port is found out at once.
    pub(crate) listener: TcpListener,
    pub(crate) public_url: String,
    pub(crate) database_url: SecretString,
    pub(crate) master_key: MasterKey,
    /// None for a gateway.
    pub(crate) signing_key: Option<MasterKey>,
    pub(crate) mail: console::Mail,
}

/// What runs, for whoever wants to add to it.
pub(crate) struct Started {
    pub(crate) public_url: String,
    pub(crate) console: Option<ConsoleParts>,
}

/// What the control plane works with.
#[derive(Clone)]
pub(crate) struct ConsoleParts {
    pub(crate) db: Db,
    pub(crate) keyring: Arc<vault::Keyring>,
    pub(crate) signer: Arc<vault::Signer>,
    pub(crate) installation: uuid::Uuid,
    pub(crate) dialler: upstream::Dialler,
}

/// What is done beside serving, once requests are answered.
pub(crate) type Afterwards =
    Box<dyn FnOnce(Started) -> Pin<Box<dyn Future<Output = Result<()>> + Send>> + Send>;

/// Tells every loop that the end has come.
#[derive(Clone)]
struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Returns once it has. May be dropped and asked again.
    async fn asked(&mut self) {
        // An error means that whoever could say so is gone, which is the end too.
        let _ = self.0.wait_for(|stop| *stop).await;
    }
}

/// Binds the address, or says who to ask.
pub(crate) fn bind(address: std::net::SocketAddr) -> Result<TcpListener> {
    let listener = TcpListener::bind(address).with_context(|| {
        format!("cannot listen on {address}: choose another address with --listen")
    })?;
    listener
        .set_nonblocking(true)
        .context("a socket that does not block")?;
    Ok(listener)
}

/// The address people open, made from what is listened on.
pub(crate) fn public_url(config: &Config, listener: &TcpListener) -> Result<String> {
    if let Some(url) = &config.public_url {
        return Ok(url.clone());
    }
    let address = listener.local_addr().context("it is bound")?;
    Ok(if address.ip().is_unspecified() {
        format!("http://localhost:{}", address.port())
    } else {
        format!("http://{address}")
    })
}

/// Serves until a signal comes or `afterwards` fails; then ends in order.
///
/// # Errors
/// Something needed for the start is not there, or `afterwards` failed.
pub(crate) async fn run(plan: Plan, afterwards: Afterwards) -> Result<()> {
    let (stop, stopped) = watch::channel(false);
    let stopped = Stop(stopped);
    let mut tasks = JoinSet::new();
    let listener = tokio::net::TcpListener::from_std(plan.listener).context("a bound socket")?;
    let own = listener.local_addr().context("it is bound")?;
    let dialler = upstream::Dialler::new(upstream::Guard::new(plan.config.upstream_allow.clone()))
        .with_own(vec![own]);

    // First, because the roles that are taken next come from a migration.
    connect::check_migrations(&plan.database_url).await?;
    let databases = Databases::connect(&plan.database_url, plan.role, &plan.config).await?;
    // In `dev` the cluster is private, and its one login is the superuser's.
    if plan.config.database_url.is_some() {
        databases.warn_of_a_strong_login().await;
    }
    let keys = keys::open(&databases, &plan.master_key, plan.signing_key.as_ref()).await?;
    let mut health = Health::new(databases.any().clone(), plan.config.staleness_max);
    let mut router = Router::new();

    let mut console = None;
    if let (Some(db), Some(signer)) = (&databases.console, &keys.signer) {
        let parts = ConsoleParts {
            db: db.clone(),
            keyring: Arc::clone(&keys.keyring),
            signer: Arc::clone(signer),
            installation: keys.installation,
            dialler: dialler.clone(),
        };
        router = router.merge(planes::console(
            &parts,
            plan.mail,
            &plan.config,
            &plan.public_url,
        ));
        health.console = true;
        console = Some(parts);
    }

    let (refresh, wanted) = refresh::channel();
    let hearer = Hearer::start(plan.database_url.clone(), &mut tasks, stopped.clone());
    let mut gateway = None;
    if let Some(db) = &databases.gateway {
        let limiter = Arc::new(connect::limiter(&plan.config).await?);
        let (plane, shipper) = planes::gateway(
            limiter,
            dialler,
            refresh.clone(),
            &plan.config,
            &plan.public_url,
        )?;
        health.watch(&plane);
        let shipped = tokio::spawn(ship::run(shipper, db.clone(), Arc::clone(&health.counts)));
        let mut routes = Routes::new(db.clone(), Arc::clone(&plane.gateway), plan.master_key);
        routes
            .load()
            .await
            .context("cannot read the configuration")?;
        tasks.spawn(routes.run(hearer, refresh, stopped.clone()));
        router = router.merge(plane.gateway.router());
        gateway = Some((plane.gateway, shipped));
    } else {
        tasks.spawn(hearer.refreshes_only(refresh, stopped.clone()));
    }
    let refresher = match &console {
        Some(parts) => Refresher::Here(parts.clone()),
        None => Refresher::Elsewhere(databases.any().clone()),
    };
    tasks.spawn(refresh::run(refresher, wanted, stopped.clone()));
    tasks.spawn(partitions(databases.any().clone(), stopped.clone()));

    let health = Arc::new(health);
    if let Some(address) = plan.config.metrics_listen {
        let listener = metrics::listen(address).await?;
        tasks.spawn(metrics::serve(
            listener,
            Arc::clone(&health),
            stopped.clone(),
        ));
    }
    let server = http::Server {
        listener,
        router: health::add_to(router, Arc::clone(&health), console.is_some()),
        connections_max: plan.config.connections_max,
        counts: Arc::clone(&health.counts),
    };
    drop(health);
    info!(address = %own, url = plan.public_url, role = ?plan.role, version = VERSION, "listening");
    let mut serving = tokio::spawn(server.run(stopped));
    let extra = afterwards(Started {
        public_url: plan.public_url,
        console,
    });

    let ended = tokio::select! {
        () = http::signal() => Ok(()),
        failed = fails(extra) => Err(failed),
    };
    info!("stopping");
    stop.send_replace(true);
    if let Some((plane, _)) = &gateway {
        plane.shut_down();
    }
    tokio::select! {
        _ = &mut serving => {}
        () = tokio::time::sleep(plan.config.shutdown_grace) => {
            warn!("some calls were still open after the grace time and are cut off");
        }
        () = http::signal() => warn!("told again to stop: open calls are cut off"),
    }
    serving.abort();
    while tasks.join_next().await.is_some() {}
    if let Some((plane, shipped)) = gateway {
        // With the last handle on the spool gone, the shipper sees its end.
        drop(plane);
        if tokio::time::timeout(LAST_SHIPMENT_MAX, shipped)
            .await
            .is_err()
        {
            warn!("some audit events are not in Postgres yet; they are shipped at the next start");
        }
    }
    databases.close().await;
    ended
}

/// Waits for the task's failure; forever where it ends well.
async fn fails(task: Pin<Box<dyn Future<Output = Result<()>> + Send>>) -> anyhow::Error {
    match task.await {
        Err(error) => error,
        Ok(()) => std::future::pending().await,
    }
}

/// Makes audit partitions ahead, at the start and every day.
async fn partitions(db: Db, mut stopped: Stop) {
    let mut outage = outage::Outage::new("making audit partitions");
    loop {
        let wait = match store::migrations::make_partitions(&db).await {
            Ok(()) => {
                outage.over();
                PARTITIONS_EVERY
            }
            Err(error) => {
                outage.failed(&error);
                Duration::from_secs(60)
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stopped.asked() => return,
        }
    }
}
