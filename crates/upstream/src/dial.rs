//! Resolving, judging, connecting, and TLS.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{Arc, LazyLock},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use rustls::{ClientConfig, RootCertStore};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, lookup_host},
    sync::Semaphore,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    error::NotSent,
    guard::Guard,
    url::{DialHost, UpstreamUrl},
};

/// How long resolving, connecting and the TLS handshake may take together.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How many of a name's addresses are tried.
const ADDRESSES_MAX: usize = 8;
/// How many look-ups of one server's name may be under way at once. A look-up keeps a thread until
/// the system's resolver gives up, long after its caller did, and all servers share these threads:
/// without a bound, calls to one name whose name servers do not answer would keep every other name
/// from being resolved.
pub(crate) const LOOKUPS_MAX: usize = 8;

/// Everything shared by all upstreams: guard, TLS roots, resolver. Cheap to clone.
#[derive(Clone)]
pub struct Dialler {
    guard: Arc<Guard>,
    own: Arc<[SocketAddr]>,
    tls: TlsConnector,
    pub(crate) lookups: Arc<Semaphore>,
}

/// An open connection.
pub(crate) struct Dialled {
    pub(crate) stream: Stream,
    /// Whether a credential may be sent over it.
    pub(crate) trusted: bool,
}

/// The machine's certificate authorities, read once.
static NATIVE_TLS: LazyLock<TlsConnector> = LazyLock::new(|| {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (_, unusable) = roots.add_parsable_certificates(found.certs);
    if roots.is_empty() || !found.errors.is_empty() {
        tracing::warn!(
            roots = roots.len(),
            unusable,
            errors = ?found.errors,
            "some certificate authorities of this machine cannot be read"
        );
    }
    connector(roots)
});

/// HTTP/1.1 over TLS 1.2 or 1.3, with certificates verified against `roots`.
fn connector(roots: RootCertStore) -> TlsConnector {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has suites for both versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    TlsConnector::from(Arc::new(config))
}

impl Dialler {
    /// A dialler that trusts this machine's certificate authorities (`SSL_CERT_FILE` and
    /// `SSL_CERT_DIR` name others), which are read once per process.
    #[must_use]
    pub fn new(guard: Guard) -> Self {
        Self {
            guard: guard.into(),
            own: Arc::default(),
            tls: NATIVE_TLS.clone(),
            lookups: Arc::new(Semaphore::new(LOOKUPS_MAX)),
        }
    }

    /// The same for one server, which waits for its own look-ups alone.
    pub(crate) fn for_one(mut self) -> Self {
        self.lookups = Arc::new(Semaphore::new(LOOKUPS_MAX));
        self
    }

    /// The same, refusing the addresses this process listens on, whatever the operator allows: an
    /// upstream that is Tollgate itself would be a way around its front door.
    #[must_use]
    pub fn with_own(mut self, own: Vec<SocketAddr>) -> Self {
        self.own = own.into();
        self
    }

    /// The rules that addresses are judged by.
    #[must_use]
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    #[cfg(test)]
    pub(crate) fn with_roots(mut self, roots: RootCertStore) -> Self {
        self.tls = connector(roots);
        self
    }

    /// Opens a connection. `secret` says that a credential will be sent over it at once.
    pub(crate) async fn dial(&self, url: &UpstreamUrl, secret: bool) -> Result<Dialled, NotSent> {
        timeout(CONNECT_TIMEOUT, self.dial_in_time(url, secret))
            .await
            .unwrap_or(Err(NotSent::Timeout(CONNECT_TIMEOUT)))
    }

    async fn dial_in_time(&self, url: &UpstreamUrl, secret: bool) -> Result<Dialled, NotSent> {
        let addresses = self.permitted(url, secret).await?;
        let tcp = self.connect(&addresses).await?;
        let peer = tcp.peer_addr().map_err(|_| NotSent::Connect)?.ip();
        // Small requests must not wait for an acknowledgement of the one before.
        tcp.set_nodelay(true).map_err(|_| NotSent::Connect)?;
        let Some(name) = url.server_name() else {
            return Ok(Dialled {
                stream: Stream::Plain(tcp),
                trusted: self.guard.allows(peer),
            });
        };
        let stream = self
            .tls
            .connect(name.clone(), tcp)
            .await
            .map_err(|e| tls_error(&e))?;
        Ok(Dialled {
            stream: Stream::Tls(Box::new(stream)),
            trusted: true,
        })
    }

    /// The addresses behind the URL's host now, those that may be dialled only.
    async fn permitted(&self, url: &UpstreamUrl, secret: bool) -> Result<Vec<SocketAddr>, NotSent> {
        let found: Vec<SocketAddr> = match url.host() {
            DialHost::Address(address) => vec![SocketAddr::new(*address, url.port())],
            DialHost::Name(name) => self.look_up(name.clone(), url.port()).await?,
        };
        let first = found.first().ok_or(NotSent::Dns)?.ip();
        let mut permitted: Vec<_> = found
            .into_iter()
            .filter(|address| self.guard.permits(address.ip()) && !self.own.contains(address))
            .collect();
        if permitted.is_empty() {
            return Err(NotSent::Refused(first));
        }
        if secret && url.is_plain_http() {
            let first = permitted[0].ip();
            permitted.retain(|address| self.guard.allows(address.ip()));
            if permitted.is_empty() {
                return Err(NotSent::PlainHttp(first));
            }
        }
        permitted.truncate(ADDRESSES_MAX);
        Ok(permitted)
    }

    async fn look_up(&self, name: Box<str>, port: u16) -> Result<Vec<SocketAddr>, NotSent> {
        let place = Arc::clone(&self.lookups).acquire_owned().await;
        let place = place.expect("it is never closed");
        // A task of its own, so that the place is kept for as long as the thread is.
        let looking = tokio::spawn(async move {
            let _place = place;
            lookup_host((&*name, port)).await.map(Iterator::collect)
        });
        match looking.await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(_)) | Err(_) => Err(NotSent::Dns),
        }
    }

    /// Tries the addresses in the resolver's order. Each gets its share of the time that is left,
    /// so that one that swallows packets does not starve the others.
    async fn connect(&self, addresses: &[SocketAddr]) -> Result<TcpStream, NotSent> {
        let deadline = Instant::now() + CONNECT_TIMEOUT;
        let mut error = NotSent::Connect;
        for (at, address) in addresses.iter().enumerate() {
            let tries_left = u32::try_from(addresses.len() - at).unwrap_or(1);
            let share = deadline.saturating_duration_since(Instant::now()) / tries_left;
            match timeout(share, TcpStream::connect(address)).await {
                Ok(Ok(tcp)) if self.is_own(&tcp) => error = NotSent::Refused(address.ip()),
                Ok(Ok(tcp)) => return Ok(tcp),
                Ok(Err(_)) => error = NotSent::Connect,
                Err(_) => error = NotSent::Timeout(CONNECT_TIMEOUT),
            }
        }
        Err(error)
    }

    /// Whether a connection came back to this process. Where it listens on every address of the
    /// machine, only the connection itself tells: both its ends are then the same address.
    fn is_own(&self, tcp: &TcpStream) -> bool {
        let (Ok(peer), Ok(local)) = (tcp.peer_addr(), tcp.local_addr()) else {
            return false;
        };
        let (peer_ip, local_ip) = (peer.ip().to_canonical(), local.ip().to_canonical());
        self.own.iter().any(|own| {
            own.port() == peer.port()
                && match own.ip().to_canonical() {
                    IpAddr::V4(own) if own.is_unspecified() => {
                        peer_ip == local_ip || peer_ip.is_loopback()
                    }
                    IpAddr::V6(own) if own.is_unspecified() => {
                        peer_ip == local_ip || peer_ip.is_loopback()
                    }
                    own => own == peer_ip,
                }
        })
    }
}

fn tls_error(error: &io::Error) -> NotSent {
    match error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
    {
        Some(error) => NotSent::Tls(error.to_string()),
        None => NotSent::Tls("the connection was closed".into()),
    }
}

/// A connection's bytes, encrypted or not.
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

macro_rules! either {
    ($self:ident, $stream:ident => $call:expr) => {
        match $self.get_mut() {
            Self::Plain(stream) => {
                let $stream = Pin::new(stream);
                $call
            }
            Self::Tls(stream) => {
                let $stream = Pin::new(stream.as_mut());
                $call
            }
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_read(cx, buf))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        either!(self, stream => stream.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        either!(self, stream => stream.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_shutdown(cx))
    }
}
