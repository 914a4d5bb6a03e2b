//! Real servers on loopback, for the tests of this crate.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
};

use crate::{dial::Dialler, guard::Guard, pool::Upstream, url::UpstreamUrl};

pub(crate) const SOON: Duration = Duration::from_secs(5);

/// A dialler whose operator allows loopback.
pub(crate) fn dialler() -> Dialler {
    let loopback = ["127.0.0.0/8", "::1/128"].map(|net| net.parse().expect("a range"));
    Dialler::new(Guard::new(loopback.to_vec()))
}

fn url(address: SocketAddr) -> UpstreamUrl {
    UpstreamUrl::parse(&format!("http://{address}/mcp")).expect("a URL")
}

pub(crate) fn post(body: &'static str) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::from(body));
    *request.method_mut() = http::Method::POST;
    request
}

/// Counts what reached a server.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) connections: AtomicUsize,
    pub(crate) requests: AtomicUsize,
}

/// A server that hands each connection to `serve`, and counts them.
pub(crate) async fn server<F, Fut>(serve: F) -> (Arc<Upstream>, Arc<Seen>)
where
    F: Fn(TcpStream, Arc<Seen>) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("bound");
    let seen = Arc::new(Seen::default());
    let counts = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            counts.connections.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(serve(tcp, Arc::clone(&counts)));
        }
    });
    (Upstream::new(dialler(), url(address)), seen)
}

/// Reads one request, head and body, and counts it. None at the end of the connection.
pub(crate) async fn read_request(tcp: &mut TcpStream, seen: &Seen) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let mut buffer = [0; 4096];
        let n = tcp.read(&mut buffer).await.ok().filter(|&n| n > 0)?;
        bytes.extend_from_slice(&buffer[..n]);
        let text = String::from_utf8(bytes.clone()).expect("text");
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.map_or(0, |length| length.parse().expect("a number")) {
            seen.requests.fetch_add(1, Ordering::SeqCst);
            return Some(text);
        }
    }
}

impl Seen {
    pub(crate) fn counts(&self) -> (usize, usize) {
        (
            self.connections.load(Ordering::SeqCst),
            self.requests.load(Ordering::SeqCst),
        )
    }
}
