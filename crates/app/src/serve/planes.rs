//! The two planes, each given what the configuration says.

use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use domain::ServerId;
use gateway::Gateway;
use limits::Limiter;
use spool::{Shipper, Spool};
use tokio::sync::mpsc;
use upstream::Dialler;

use super::{ConsoleParts, VERSION};
use crate::config::Config;

/// The control plane's pages and API.
pub(super) fn console(
    parts: &ConsoleParts,
    mail: console::Mail,
    config: &Config,
    public_url: &str,
) -> Router {
    console::router(console::Needs {
        db: parts.db.clone(),
        keyring: Arc::clone(&parts.keyring),
        signer: Arc::clone(&parts.signer),
        installation: parts.installation,
        dialler: parts.dialler.clone(),
        mail,
        settings: console::Settings {
            public_url: public_url.to_owned(),
            sign_up: config.sign_up,
            trusted_proxies: config.trusted_proxies.clone(),
            contact_email: config.contact_email.clone(),
            version: VERSION,
            upstream_allow: config.upstream_allow.clone(),
        },
    })
}

/// The data plane, and what is asked how it is.
pub(super) struct DataPlane {
    pub(super) gateway: Arc<Gateway>,
    pub(super) limiter: Arc<Limiter>,
    pub(super) spool: std::sync::Weak<Spool>,
}

/// The data plane, with its spool open, and the end of the spool that ships.
pub(super) fn gateway(
    limiter: Arc<Limiter>,
    dialler: Dialler,
    refresh: mpsc::Sender<ServerId>,
    config: &Config,
    public_url: &str,
) -> Result<(DataPlane, Shipper)> {
    let (spool, shipper) = spool::open(&config.spool_dir).with_context(|| {
        format!(
            "cannot use the audit spool in {}",
            config.spool_dir.display()
        )
    })?;
    let watched = Arc::downgrade(&spool);
    let gateway = Gateway::new(gateway::Needs {
        limiter: Arc::clone(&limiter),
        spool,
        dialler,
        settings: gateway::Settings {
            public_url: public_url.to_owned(),
            trusted_proxies: config.trusted_proxies.clone(),
            body_bytes_max: config.body_bytes_max,
            first_byte: config.first_byte,
            silence: config.silence,
            total: config.total,
            staleness_max: config.staleness_max,
        },
        refresh,
    });
    Ok((
        DataPlane {
            gateway,
            limiter,
            spool: watched,
        },
        shipper,
    ))
}
