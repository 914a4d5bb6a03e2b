//! What may be dialled, against real listeners.

use std::net::IpAddr;

use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use super::*;

async fn refused(dialler: Dialler, url: &str) -> NotSent {
    let upstream = Upstream::new(dialler, UpstreamUrl::parse(url).expect("a URL"));
    match upstream.send(post("{}"), SOON).await.map(drop) {
        Err(UpstreamError::NotSent(why)) => why,
        other => panic!("expected nothing to be sent: {other:?}"),
    }
}

/// A listener that must never be reached.
async fn untouched() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let port = listener.local_addr().expect("bound").port();
    (listener, port)
}

async fn assert_untouched(listener: TcpListener) {
    let accepted = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
    assert!(accepted.is_err(), "nobody may have connected");
}

#[tokio::test]
async fn loopback_is_refused_however_it_is_spelt() {
    let (listener, port) = untouched().await;
    for host in [
        "127.0.0.1",
        "localhost",
        "0x7f.1",
        "2130706433",
        "127.1",
        "[::ffff:127.0.0.1]",
        "[::1]",
        "0.0.0.0",
        "[::]",
    ] {
        let strict = Dialler::new(Guard::new(Vec::new()));
        let why = refused(strict, &format!("http://{host}:{port}/mcp")).await;
        assert!(matches!(why, NotSent::Refused(_)), "{host}: {why:?}");
    }
    assert_untouched(listener).await;
}

#[tokio::test]
async fn a_name_is_judged_by_its_address() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    let (upstream, _) = server(move |tcp, seen| answer_all(tcp, seen, answer)).await;
    let by_name = upstream.url().as_str().replace("127.0.0.1", "localhost");
    let by_name = UpstreamUrl::parse(&by_name).expect("a URL");
    let allowed = Upstream::new(dialler(), by_name.clone());
    assert_eq!(call(&allowed).await.expect("answers"), "ok");
    let strict = Dialler::new(Guard::new(Vec::new()));
    let why = refused(strict, by_name.as_str()).await;
    assert!(
        matches!(why, NotSent::Refused(address) if address.is_loopback()),
        "{why:?}"
    );
}

/// A name whose servers do not answer keeps its own callers waiting and nobody else.
#[tokio::test]
async fn one_servers_look_ups_do_not_hold_up_anothers() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    let (by_address, _) = server(move |tcp, seen| answer_all(tcp, seen, answer)).await;
    let by_name = by_address.url().as_str().replace("127.0.0.1", "localhost");
    let by_name = UpstreamUrl::parse(&by_name).expect("a URL");
    let dialler = dialler();
    let slow = Upstream::new(dialler.clone(), by_name.clone());
    let other = Upstream::new(dialler, by_name);
    let lookups = Arc::clone(&slow.dialler().lookups);
    let most = u32::try_from(crate::dial::LOOKUPS_MAX).expect("a few");
    let held = lookups.acquire_many(most).await.expect("open");
    let waiting = call(&slow);
    let first = tokio::time::timeout(Duration::from_millis(300), waiting).await;
    assert!(first.is_err(), "it waits for a place");
    assert_eq!(call(&other).await.expect("answers"), "ok");
    drop(held);
    assert_eq!(call(&slow).await.expect("answers"), "ok");
    assert_eq!(lookups.available_permits(), crate::dial::LOOKUPS_MAX);
}

#[tokio::test]
async fn a_name_that_does_not_resolve_and_a_port_that_is_closed_are_told_apart() {
    let why = refused(dialler(), "http://nowhere.invalid/").await;
    assert!(matches!(why, NotSent::Dns), "{why:?}");
    let (listener, port) = untouched().await;
    drop(listener);
    let why = refused(dialler(), &format!("http://127.0.0.1:{port}/")).await;
    assert!(matches!(why, NotSent::Connect), "{why:?}");
}

/// Own addresses are refused though their range is allowed, by whichever address they are reached.
#[tokio::test]
async fn tollgate_does_not_dial_itself() {
    let (listener, port) = untouched().await;
    let own = listener.local_addr().expect("bound");
    let why = refused(
        dialler().with_own(vec![own]),
        &format!("http://127.0.0.1:{port}/"),
    )
    .await;
    assert!(matches!(why, NotSent::Refused(_)), "{why:?}");
    assert_untouched(listener).await;
    let everywhere = TcpListener::bind("0.0.0.0:0").await.expect("binds");
    let own = everywhere.local_addr().expect("bound");
    for host in ["127.0.0.1", "127.0.0.9", "localhost"] {
        let url = format!("http://{host}:{}/", own.port());
        let why = refused(dialler().with_own(vec![own]), &url).await;
        assert!(matches!(why, NotSent::Refused(_)), "{host}: {why:?}");
    }
}

/// Loopback here stands for a public address: the guard permits it, the operator did not allow it.
#[tokio::test]
async fn a_credential_is_not_sent_over_plain_http_to_an_address_nobody_allowed() {
    for (name, secret) in [
        ("authorization", true),
        ("circle-token", true),
        ("cookie", true),
        ("x-anything", true),
        ("mcp-session-id", false),
        ("accept", false),
        ("mcp-method", false),
        ("mcp-param-region", false),
        ("traceparent", false),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, http::HeaderValue::from_static("x"));
        headers.insert(name, http::HeaderValue::from_static("x"));
        assert_eq!(carries_credential(&headers), secret, "{name}");
    }
    // 8.8.8.8 is permitted, and is never connected to: the refusal comes before.
    let upstream = Upstream::new(
        dialler(),
        UpstreamUrl::parse("http://8.8.8.8/").expect("a URL"),
    );
    let mut request = post("{}");
    request
        .headers_mut()
        .insert("circle-token", http::HeaderValue::from_static("secret"));
    let error = upstream
        .send(request, SOON)
        .await
        .map(drop)
        .expect_err("refused");
    let address: IpAddr = [8, 8, 8, 8].into();
    assert!(
        matches!(error, UpstreamError::NotSent(NotSent::PlainHttp(told)) if told == address),
        "{error:?}"
    );
    // To an address that the operator allowed it goes, also over a connection from the pool.
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    let (upstream, seen) = server(move |tcp, seen| answer_all(tcp, seen, answer)).await;
    for _ in 0..2 {
        let mut request = post("{}");
        request
            .headers_mut()
            .insert("circle-token", http::HeaderValue::from_static("secret"));
        upstream
            .send(request, SOON)
            .await
            .expect("sent")
            .into_body()
            .collect()
            .await
            .expect("ok");
    }
    assert_eq!(seen.counts(), (1, 2));
}

const CA: &[u8] = include_bytes!("../testdata/ca.pem");

/// A TLS server with a certificate from `testdata`, and a dialler that trusts its authority if told.
async fn tls_server(pem: &'static [u8], host: &str, trusting: bool) -> (Arc<Upstream>, Arc<Seen>) {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .expect("certificates");
    let key = PrivateKeyDer::from_pem_slice(pem).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a certificate and its key");
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let (upstream, seen) = server(move |tcp, seen| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut tls) = acceptor.accept(tcp).await else {
                return;
            };
            assert_eq!(
                tls.get_ref().1.alpn_protocol(),
                Some(b"http/1.1".as_slice())
            );
            let mut buffer = [0; 4096];
            while let Ok(1..) = tls.read(&mut buffer).await {
                seen.requests.fetch_add(1, Ordering::SeqCst);
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                tls.write_all(answer).await.expect("writes");
                tls.flush().await.expect("writes");
            }
        }
    })
    .await;
    let url = format!("https://{host}:{}/", upstream.url().port());
    let mut roots = RootCertStore::empty();
    if trusting {
        let ca = CertificateDer::from_pem_slice(CA).expect("a certificate");
        roots.add(ca).expect("an authority");
    }
    let dialler = if trusting {
        dialler().with_roots(roots)
    } else {
        dialler()
    };
    (
        Upstream::new(dialler, UpstreamUrl::parse(&url).expect("a URL")),
        seen,
    )
}

const LOCALHOST: &[u8] = include_bytes!("../testdata/localhost.pem");
const ELSEWHERE: &[u8] = include_bytes!("../testdata/elsewhere.pem");
const EXPIRED: &[u8] = include_bytes!("../testdata/expired.pem");

#[tokio::test]
async fn a_good_certificate_is_taken_and_its_connection_used_again() {
    for host in ["localhost", "127.0.0.1"] {
        let (upstream, seen) = tls_server(LOCALHOST, host, true).await;
        for _ in 0..3 {
            assert_eq!(call(&upstream).await.expect("answers"), "ok");
        }
        assert_eq!(seen.counts(), (1, 3), "{host}");
    }
}

#[tokio::test]
async fn a_bad_certificate_is_refused_before_anything_is_sent() {
    for (pem, host, trusting, word) in [
        (LOCALHOST, "localhost", false, "UnknownIssuer"),
        (ELSEWHERE, "localhost", true, "not valid for name"),
        (ELSEWHERE, "127.0.0.1", true, "not valid for name"),
        (EXPIRED, "localhost", true, "Expired"),
    ] {
        let (upstream, seen) = tls_server(pem, host, trusting).await;
        let error = call(&upstream).await.expect_err("refused");
        let UpstreamError::NotSent(NotSent::Tls(said)) = error else {
            panic!("{error:?}")
        };
        assert!(said.contains(word), "{said}");
        assert_eq!(seen.counts(), (1, 0));
    }
}

#[tokio::test]
async fn what_is_no_tls_server_is_said_to_be_none() {
    let answer = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
    let (plain, _) = server(move |mut tcp, _| async move {
        let _ = tcp.read(&mut [0; 1024]).await;
        let _ = tcp.write_all(answer.as_bytes()).await;
    })
    .await;
    let url = plain.url().as_str().replace("http:", "https:");
    let why = refused(dialler(), &url).await;
    assert!(matches!(why, NotSent::Tls(_)), "{why:?}");
}
