//! `/metrics` in Prometheus' text format, on a port of its own.
//!
//! Source: "Exposition formats", Prometheus documentation, text version 0.0.4.

use std::{fmt::Write, net::SocketAddr, sync::Arc};

use anyhow::{Context, Result};
use axum::{Router, extract::State, http::header, response::IntoResponse, routing::get};
use tokio::net::TcpListener;
use tracing::info;

use super::{Stop, health::Health};

/// Binds the port.
pub(super) async fn listen(address: SocketAddr) -> Result<TcpListener> {
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!(
            "cannot listen on {address} for metrics: choose another address, or off, in \
             TOLLGATE_METRICS_LISTEN"
        )
    })?;
    info!(address = %listener.local_addr().context("it is bound")?, "metrics");
    Ok(listener)
}

/// Serves until the end.
pub(super) async fn serve(listener: TcpListener, health: Arc<Health>, mut stopped: Stop) {
    let router = Router::new()
        .route("/metrics", get(metrics))
        .with_state(health);
    let until = async move { stopped.asked().await };
    // Scrapers that stay connected do not hold the end up.
    tokio::select! {
        _ = axum::serve(listener, router) => {}
        () = until => {}
    }
}

async fn metrics(State(health): State<Arc<Health>>) -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4")],
        text(&health),
    )
}

fn text(health: &Health) -> String {
    let counts = &health.counts;
    let mut out = String::new();
    let opened = counts.connections.get();
    let open = opened.saturating_sub(counts.connections_closed.get());
    let mut metric = |name, kind, help, value: String| {
        let _ = writeln!(
            out,
            "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}"
        );
    };
    metric(
        "tollgate_up",
        "gauge",
        "1 while the process serves.",
        "1".into(),
    );
    metric(
        "tollgate_connections_total",
        "counter",
        "Connections accepted from people and agents.",
        opened.to_string(),
    );
    metric(
        "tollgate_connections_open",
        "gauge",
        "Connections open now.",
        open.to_string(),
    );
    if let Some(age) = health.staleness() {
        metric(
            "tollgate_configuration_age_seconds",
            "gauge",
            "Since the gateway last knew its configuration to be current.",
            format!("{:.3}", age.as_secs_f64()),
        );
    }
    if let Some(organisations) = health.organisations() {
        metric(
            "tollgate_organisations",
            "gauge",
            "Organisations whose routes the gateway has.",
            organisations.to_string(),
        );
    }
    if let Some(backlog) = health.backlog() {
        metric(
            "tollgate_spool_backlog",
            "gauge",
            "Audit records in the spool that are not in Postgres yet.",
            backlog.to_string(),
        );
        metric(
            "tollgate_audit_shipped_total",
            "counter",
            "Audit records stored in Postgres.",
            counts.shipped.get().to_string(),
        );
        metric(
            "tollgate_audit_ship_failures_total",
            "counter",
            "Failed attempts to store a batch of audit records.",
            counts.ship_failures.get().to_string(),
        );
    }
    out
}
