//! Sockets: accepting, bounding, and letting open calls finish.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{Router, body::Body, extract::ConnectInfo};
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{
    net::{TcpListener, TcpStream},
    signal::unix::{SignalKind, signal as on},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tower::Service;
use tracing::{debug, warn};

use super::{
    Stop,
    health::Counts,
    stalled::{STALL_MAX, Stalled},
};

/// How long a request's head may take to arrive, which is also how long a connection may idle. The
/// usual clients close theirs after 90 s, so that it is they who end it and no request meets a
/// connection that is just being closed.
const HEAD_MAX: Duration = Duration::from_secs(100);
/// A request's head, and the read buffer of its body, at most.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// The listening socket and what answers on it.
pub(super) struct Server {
    pub(super) listener: TcpListener,
    pub(super) router: Router,
    pub(super) connections_max: usize,
    pub(super) counts: Arc<Counts>,
}

impl Server {
    /// Serves until `stopped`; then accepts no more and returns once open requests are answered.
    pub(super) async fn run(self, mut stopped: Stop) {
        let places = Arc::new(Semaphore::new(self.connections_max));
        let graceful = GracefulShutdown::new();
        loop {
            let place = tokio::select! {
                place = Arc::clone(&places).acquire_owned() => place.expect("it is never closed"),
                () = stopped.asked() => break,
            };
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => self.serve(stream, peer, place, &graceful),
                    Err(error) => {
                        // Out of file descriptors, most likely: some are given back soon.
                        warn!(%error, "cannot accept a connection");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                },
                () = stopped.asked() => break,
            }
        }
        drop(self);
        graceful.shutdown().await;
    }

    fn serve(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        place: OwnedSemaphorePermit,
        graceful: &GracefulShutdown,
    ) {
        // Answers are small and written at once; waiting to fill a segment only delays them.
        let _ = stream.set_nodelay(true);
        // One spelling for an address, so that throttles and ranges meet it.
        let peer = SocketAddr::new(IpAddr::to_canonical(&peer.ip()), peer.port());
        let router = self.router.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            router.clone().call(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_MAX)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(Stalled::new(stream, STALL_MAX)), service);
        let connection = graceful.watch(connection);
        let counts = Arc::clone(&self.counts);
        counts.connections.add(1);
        tokio::spawn(async move {
            let _place = place;
            if let Err(error) = connection.await {
                debug!(%error, "a connection ended early");
            }
            counts.connections_closed.add(1);
        });
    }
}

/// SIGINT, SIGTERM or SIGHUP (a closed terminal).
pub(crate) async fn signal() {
    let mut signals = [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ]
    .map(|kind| on(kind).expect("a signal that may be handled"));
    let [interrupt, terminate, hangup] = &mut signals;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
}
