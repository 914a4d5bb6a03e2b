//! An upstream that says what a test tells it to, and remembers what it was sent.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body};
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use parking_lot::Mutex;
use tokio::{net::TcpListener, sync::mpsc};

/// What the upstream was sent.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    pub(crate) fn id(&self) -> String {
        self.json()["id"].to_string()
    }

    pub(crate) fn rpc(&self) -> String {
        self.json()["method"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// What the upstream says to it.
#[derive(Debug, Clone)]
pub(crate) enum Say {
    /// Status, headers, body.
    Now(u16, Vec<(&'static str, String)>, String),
    /// A stream: pieces, each after a wait in milliseconds. It stays open after the last one.
    Slow(&'static str, Vec<(u64, String)>),
    /// The same, ended after the last piece.
    Pieces(&'static str, Vec<(u64, String)>),
    /// Nothing, ever.
    Nothing,
}

pub(crate) fn json(body: impl Into<String>) -> Say {
    Say::Now(
        200,
        vec![("content-type", "application/json".into())],
        body.into(),
    )
}

pub(crate) fn status(status: u16, body: impl Into<String>) -> Say {
    Say::Now(
        status,
        vec![("content-type", "application/json".into())],
        body.into(),
    )
}

/// A good result to whatever was asked.
pub(crate) fn good(seen: &Seen) -> Say {
    match seen.rpc().as_str() {
        "" if seen.method == "POST" => Say::Now(202, vec![], String::new()),
        method if method.starts_with("notifications/") => Say::Now(202, vec![], String::new()),
        _ => json(format!(
            r#"{{"jsonrpc":"2.0","id":{},"result":{{"content":[{{"type":"text","text":"done"}}],"big":12345678901234567890}}}}"#,
            seen.id()
        )),
    }
}

struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A body that is fed through a channel.
struct Piped(mpsc::Receiver<String>);

impl http_body::Body for Piped {
    type Data = bytes::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<bytes::Bytes>, Self::Error>>> {
        let piece = self.0.poll_recv(cx);
        piece.map(|piece| piece.map(|piece| Ok(http_body::Frame::data(piece.into()))))
    }
}

fn streamed(kind: &str, pieces: Vec<(u64, String)>, stays: bool, open: Open) -> Response<Body> {
    let (send, receive) = mpsc::channel::<String>(1);
    tokio::spawn(async move {
        let _open = open;
        for (wait, piece) in pieces {
            tokio::time::sleep(Duration::from_millis(wait)).await;
            if send.send(piece).await.is_err() {
                return;
            }
        }
        if stays {
            send.closed().await;
        }
    });
    let body = Body::new(Piped(receive));
    Response::builder()
        .header("content-type", kind)
        .body(body)
        .expect("a response")
}

pub(super) type Script = Arc<dyn Fn(&Seen) -> Say + Send + Sync>;

pub(super) async fn upstream(
    script: Script,
    seen: Arc<Mutex<Vec<Seen>>>,
    open: Arc<AtomicUsize>,
) -> SocketAddr {
    let app = Router::new().fallback(move |request: Request<Body>| {
        let (script, seen, open) = (Arc::clone(&script), Arc::clone(&seen), Arc::clone(&open));
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.expect("a body").to_bytes();
            let now = Seen {
                method: parts.method.to_string(),
                path: parts.uri.to_string(),
                headers: parts.headers,
                body: String::from_utf8(body.to_vec()).expect("UTF-8"),
            };
            let say = script(&now);
            seen.lock().push(now);
            open.fetch_add(1, Ordering::SeqCst);
            let open = Open(open);
            match say {
                Say::Now(status, headers, body) => {
                    let mut response = Response::builder().status(status);
                    for (name, value) in headers {
                        response = response.header(name, value);
                    }
                    response.body(Body::from(body)).expect("a response")
                }
                Say::Slow(kind, pieces) => streamed(kind, pieces, true, open),
                Say::Pieces(kind, pieces) => streamed(kind, pieces, false, open),
                Say::Nothing => {
                    std::future::pending::<()>().await;
                    drop(open);
                    unreachable!("it never ends")
                }
            }
        }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}
