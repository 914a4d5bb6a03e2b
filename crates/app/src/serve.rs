//! One process that serves: the rooms put together, the loops between them, and the end.

mod changes;
mod health;
mod http;
mod keys;
mod metrics;
mod outage;
mod refresh;
mod routes;
mod ship;

use std::{future::Future, net::TcpListener, pin::Pin, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use axum::Router;
use limits::Limiter;
use secrecy::{ExposeSecret, SecretString};
use store::{Db, DbRole};
use tokio::{sync::watch, task::JoinSet};
use tracing::{info, warn};
use vault::MasterKey;

pub(crate) use self::http::signal;
use self::{changes::Hearer, health::Health, refresh::Refresher};
use crate::{
    config::{Config, Role},
    exit::NotReachable,
};

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
    check_migrations(&plan.database_url).await?;
    let databases = Databases::connect(&plan.database_url, plan.role, &plan.config).await?;
    let keys = keys::open(&databases, &plan.master_key, plan.signing_key.as_ref()).await?;

    let mut router = Router::new();
    let mut health = Health::new(databases.any().clone(), plan.config.staleness_max);
    let (refresh, wanted) = refresh::channel();

    let console = match (&databases.console, &keys.signer) {
        (Some(db), Some(signer)) => Some(ConsoleParts {
            db: db.clone(),
            keyring: Arc::clone(&keys.keyring),
            signer: Arc::clone(signer),
            installation: keys.installation,
            dialler: dialler.clone(),
        }),
        _ => None,
    };
    if let Some(parts) = &console {
        health.console = true;
        router = router.merge(console::router(console::Needs {
            db: parts.db.clone(),
            keyring: Arc::clone(&parts.keyring),
            signer: Arc::clone(&parts.signer),
            installation: parts.installation,
            dialler: dialler.clone(),
            mail: plan.mail,
            settings: console::Settings {
                public_url: plan.public_url.clone(),
                sign_up: plan.config.sign_up,
                trusted_proxies: plan.config.trusted_proxies.clone(),
                version: VERSION,
                upstream_allow: plan.config.upstream_allow.clone(),
            },
        }));
    }
    let refresher = match (&console, &databases.gateway) {
        (Some(parts), _) => Refresher::Here(parts.clone()),
        (None, Some(db)) => Refresher::Elsewhere(db.clone()),
        (None, None) => unreachable!("a process has a role"),
    };
    tasks.spawn(refresh::run(refresher, wanted, stopped.clone()));

    let hearer = Hearer::start(plan.database_url.clone(), &mut tasks, stopped.clone());
    let mut gateway = None;
    if let Some(db) = &databases.gateway {
        let limiter = Arc::new(connect_limiter(&plan.config).await?);
        let (spool, shipper) = spool::open(&plan.config.spool_dir).with_context(|| {
            format!(
                "cannot use the audit spool in {}",
                plan.config.spool_dir.display()
            )
        })?;
        health.limits = Some(Arc::clone(&limiter));
        health.spool = Arc::downgrade(&spool);
        let shipped = tokio::spawn(ship::run(shipper, db.clone(), Arc::clone(&health.counts)));
        let plane = gateway::Gateway::new(gateway::Needs {
            limiter,
            spool,
            dialler: dialler.clone(),
            settings: gateway::Settings {
                public_url: plan.public_url.clone(),
                trusted_proxies: plan.config.trusted_proxies.clone(),
                body_bytes_max: plan.config.body_bytes_max,
                first_byte: plan.config.first_byte,
                silence: plan.config.silence,
                total: plan.config.total,
                staleness_max: plan.config.staleness_max,
            },
            refresh: refresh.clone(),
        });
        health.gateway = Arc::downgrade(&plane);
        let mut loading = routes::Routes::new(db.clone(), Arc::clone(&plane), plan.master_key);
        loading
            .load()
            .await
            .context("cannot read the configuration")?;
        tasks.spawn(loading.run(hearer, refresh, stopped.clone()));
        router = router.merge(plane.router());
        gateway = Some((plane, shipped));
    } else {
        tasks.spawn(hearer.refreshes_only(refresh, stopped.clone()));
    }
    tasks.spawn(partitions(databases.any().clone(), stopped.clone()));

    let health = Arc::new(health);
    if let Some(address) = plan.config.metrics_listen {
        let listener = tokio::net::TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address} for metrics"))?;
        info!(address = %listener.local_addr().context("it is bound")?, "metrics");
        tasks.spawn(metrics::serve(
            listener,
            Arc::clone(&health),
            stopped.clone(),
        ));
    }
    let router = health::add_to(router, Arc::clone(&health), console.is_some());

    info!(address = %own, url = plan.public_url, role = ?plan.role, version = VERSION, "listening");
    let open = health.counts.clone();
    let server = http::Server {
        listener,
        router,
        connections_max: plan.config.connections_max,
        open,
    };
    let mut serving = tokio::spawn(server.run(stopped.clone()));
    let extra = afterwards(Started {
        public_url: plan.public_url,
        console,
    });

    // The end, wished for or not.
    let mut ended = Ok(());
    let mut gone = false;
    tokio::select! {
        () = http::signal() => info!("stopping"),
        failed = fails(extra) => ended = Err(failed),
        _ = &mut serving => {
            gone = true;
            ended = Err(anyhow::anyhow!("the server ended by itself"));
        }
    }
    stop.send_replace(true);
    if let Some((plane, _)) = &gateway {
        plane.shut_down();
    }
    tokio::select! {
        _ = &mut serving, if !gone => {}
        () = tokio::time::sleep(plan.config.shutdown_grace), if !gone => {
            warn!("some calls were still open after the grace time and are cut off");
        }
        () = http::signal(), if !gone => warn!("told again to stop: open calls are cut off"),
        else => {}
    }
    serving.abort();
    while tasks.join_next().await.is_some() {}
    drop(health);
    if let Some((plane, shipped)) = gateway {
        // With the last handle on the spool gone, the shipper sees its end.
        drop(plane);
        if tokio::time::timeout(LAST_SHIPMENT_MAX, shipped)
            .await
            .is_err()
        {
            warn!(
                "some audit events have not reached Postgres; they are shipped at the next start"
            );
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

/// The pools, each in the role of its plane.
pub(crate) struct Databases {
    gateway: Option<Db>,
    console: Option<Db>,
}

impl Databases {
    async fn connect(url: &SecretString, role: Role, config: &Config) -> Result<Self> {
        let connect = async |wanted: bool, role| {
            if !wanted {
                return Ok(None);
            }
            let db = Db::connect(url.expose_secret(), role, config.database_connections).await;
            db.map(Some).map_err(|error| unreachable_database(&error))
        };
        Ok(Self {
            gateway: connect(role.gateway(), DbRole::Gateway).await?,
            console: connect(role.console(), DbRole::Console).await?,
        })
    }

    fn any(&self) -> &Db {
        self.gateway
            .as_ref()
            .or(self.console.as_ref())
            .expect("a process has a role")
    }

    async fn close(&self) {
        for db in [&self.gateway, &self.console].into_iter().flatten() {
            // A connection in use by a task that was cut off must not hold the end up.
            let _ = tokio::time::timeout(Duration::from_secs(2), db.close()).await;
        }
    }
}

/// Says what Postgres said, and ends with the code for "not reachable".
pub(crate) fn unreachable_database(error: &store::StoreError) -> anyhow::Error {
    let mut said = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        said = format!("{said}: {next}");
        cause = next.source();
    }
    NotReachable(format!("Postgres: {said}")).into()
}

async fn check_migrations(url: &SecretString) -> Result<()> {
    match store::migrations::missing(url.expose_secret()).await {
        Ok(missing) if missing.is_empty() => Ok(()),
        Ok(missing) => anyhow::bail!(
            "the database lacks {}: run `tollgate migrate` first",
            missing.join(", ")
        ),
        Err(error) => {
            // The application's login need not be one that may look. Whether Postgres is there at
            // all, the next step finds out.
            info!(%error, "cannot see whether migrations are missing");
            Ok(())
        }
    }
}

async fn connect_limiter(config: &Config) -> Result<Limiter> {
    let Some(url) = &config.redis_url else {
        return Ok(Limiter::Local(limits::Local::new()));
    };
    limits::Redis::connect(url.expose_secret())
        .await
        .map(Limiter::Redis)
        .map_err(|error| {
            let why = error
                .0
                .map(|error| format!(": {error}"))
                .unwrap_or_default();
            NotReachable(format!("Redis{why}")).into()
        })
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
