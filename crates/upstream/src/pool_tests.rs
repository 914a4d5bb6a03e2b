//! A pool against real servers on loopback.

use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::BodyExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::*;
use crate::{
    guard::Guard,
    testing::{SOON, Seen, dialler, post, read_request, server},
};

/// Answers every request on a connection with the same bytes.
async fn answer_all(mut tcp: TcpStream, seen: Arc<Seen>, answer: &'static str) {
    while read_request(&mut tcp, &seen).await.is_some() {
        tcp.write_all(answer.as_bytes()).await.expect("writes");
    }
}

async fn call(upstream: &Arc<Upstream>) -> Result<String, UpstreamError> {
    let response = upstream.send(post("{}"), SOON).await?;
    let body = response.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8(body.to_vec()).expect("text"))
}

#[tokio::test]
async fn one_connection_serves_one_request_after_another() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n",
        "HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
    ] {
        let (upstream, seen) = server(move |tcp, seen| answer_all(tcp, seen, answer)).await;
        for _ in 0..20 {
            let body = call(&upstream).await.expect("answers");
            assert!(body == "ok" || body.is_empty());
        }
        assert_eq!(seen.counts(), (1, 20), "{answer}");
        assert_eq!(upstream.connections(), 1);
    }
}

#[tokio::test]
async fn the_request_is_what_the_server_expects_to_see() {
    let (send, mut receive) = tokio::sync::mpsc::channel(1);
    let (upstream, _) = server(move |mut tcp, seen| {
        let send = send.clone();
        async move {
            let text = read_request(&mut tcp, &seen).await.expect("a request");
            send.send(text).await.expect("someone waits");
        }
    })
    .await;
    let mut request = post("{}");
    request
        .headers_mut()
        .insert("accept", http::HeaderValue::from_static("application/json"));
    *request.uri_mut() = "http://elsewhere.example/other".parse().expect("a URI");
    assert!(upstream.send(request, SOON).await.is_err());
    let text = receive.recv().await.expect("seen");
    let host = upstream.url().origin().trim_start_matches("http://");
    assert_eq!(
        text,
        format!(
            "POST /mcp HTTP/1.1\r\naccept: application/json\r\nhost: {host}\r\ncontent-length: 2\r\n\r\n{{}}"
        )
    );
}

#[tokio::test]
async fn requests_at_the_same_time_have_their_own_connections() {
    let (upstream, seen) = server(|mut tcp, seen| async move {
        while read_request(&mut tcp, &seen).await.is_some() {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
            tcp.write_all(answer).await.expect("writes");
        }
    })
    .await;
    for _ in 0..2 {
        let calls: Vec<_> = (0..10)
            .map(|_| {
                let upstream = Arc::clone(&upstream);
                tokio::spawn(async move { call(&upstream).await.expect("answers") })
            })
            .collect();
        for call in calls {
            assert_eq!(call.await.expect("runs"), "ok");
        }
    }
    assert_eq!(
        seen.counts(),
        (10, 20),
        "the second round finds all ten again"
    );
}

#[tokio::test]
async fn a_connection_found_dead_is_replaced() {
    let (closed, mut closes) = tokio::sync::mpsc::channel(1);
    let (upstream, seen) = server(move |mut tcp, seen| {
        let closed = closed.clone();
        async move {
            read_request(&mut tcp, &seen).await;
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
            tcp.write_all(answer).await.expect("writes");
            // Closed without having said so.
            drop(tcp);
            closed.send(()).await.expect("someone waits");
        }
    })
    .await;
    for round in 1..=5 {
        assert_eq!(call(&upstream).await.expect("answers"), "ok");
        closes.recv().await.expect("closed");
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(seen.counts(), (round, round));
    }
}

#[tokio::test]
async fn a_server_that_closes_after_each_answer_is_believed() {
    let answer = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";
    let (upstream, seen) = server(move |tcp, seen| answer_all(tcp, seen, answer)).await;
    for _ in 0..3 {
        assert_eq!(call(&upstream).await.expect("answers"), "ok");
    }
    assert_eq!(seen.counts(), (3, 3));
}

#[tokio::test]
async fn a_server_that_keeps_connections_briefly_is_believed() {
    let answer = "HTTP/1.1 200 OK\r\nkeep-alive: timeout=1\r\ncontent-length: 2\r\n\r\nok";
    let (upstream, seen) = server(move |tcp, seen| answer_all(tcp, seen, answer)).await;
    for _ in 0..3 {
        assert_eq!(call(&upstream).await.expect("answers"), "ok");
    }
    assert_eq!(seen.counts(), (3, 3));
}

/// The heart of "never sent twice": the server may have acted on what it read.
#[tokio::test]
async fn a_request_that_was_read_is_never_sent_again() {
    let (upstream, seen) = server(|mut tcp, seen| async move {
        // The first request of a connection is answered, the second is read and dropped.
        read_request(&mut tcp, &seen).await;
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
        tcp.write_all(answer).await.expect("writes");
        read_request(&mut tcp, &seen).await;
    })
    .await;
    assert_eq!(call(&upstream).await.expect("answers"), "ok");
    let error = call(&upstream).await.expect_err("no answer");
    assert!(matches!(error, UpstreamError::Broken(_)), "{error:?}");
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(
        seen.counts(),
        (1, 2),
        "on the one connection, each request once"
    );
    // On a fresh connection it is no different.
    let (upstream, seen) = server(|mut tcp, seen| async move {
        read_request(&mut tcp, &seen).await;
    })
    .await;
    let error = call(&upstream).await.expect_err("no answer");
    assert!(matches!(error, UpstreamError::Broken(_)), "{error:?}");
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(seen.counts(), (1, 1));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error_and_not_an_end() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nok",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n",
    ] {
        let (upstream, seen) = server(move |mut tcp, seen| async move {
            read_request(&mut tcp, &seen).await;
            tcp.write_all(answer.as_bytes()).await.expect("writes");
        })
        .await;
        let error = call(&upstream).await.expect_err("cut off");
        assert!(matches!(error, UpstreamError::Broken(_)), "{error:?}");
        assert_eq!(seen.counts(), (1, 1));
        assert_eq!(upstream.connections(), 0);
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let (upstream, seen) = server(|mut tcp, seen| async move {
        read_request(&mut tcp, &seen).await;
        std::future::pending::<()>().await;
    })
    .await;
    let wait = Duration::from_millis(80);
    let error = upstream
        .send(post("{}"), wait)
        .await
        .map(drop)
        .expect_err("silence");
    assert!(
        matches!(error, UpstreamError::Timeout(said) if said == wait),
        "{error:?}"
    );
    assert_eq!(seen.counts(), (1, 1));
    assert_eq!(upstream.connections(), 0, "its connection is closed");
}

#[tokio::test]
async fn rubbish_is_not_an_answer() {
    let long: &'static str =
        Box::leak(format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(70_000)).into_boxed_str());
    let many: &'static str =
        Box::leak(format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(500)).into_boxed_str());
    for answer in [
        "SSH-2.0-OpenSSH_9.2\r\n",
        "\0\x01\x02\x03garbage\r\n\r\n",
        "HTTP/1.1 two hundred\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: two\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
        "HTTP/2 200\r\n\r\n",
        long,
        many,
    ] {
        let (upstream, seen) = server(move |tcp, seen| answer_all(tcp, seen, answer)).await;
        let error = call(&upstream).await.expect_err("rubbish");
        let what = answer.get(..40).unwrap_or(answer);
        assert!(
            matches!(error, UpstreamError::Invalid(_)),
            "{what}: {error:?}"
        );
        assert_eq!(seen.counts(), (1, 1));
    }
}

/// A second answer that nobody asked for must not become the next caller's.
#[tokio::test]
async fn what_nobody_asked_for_is_nobodys_answer() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";
    let (upstream, seen) = server(move |tcp, seen| answer_all(tcp, seen, answer)).await;
    for _ in 0..3 {
        assert_eq!(call(&upstream).await.expect("answers"), "ok");
    }
    assert_eq!(seen.counts(), (3, 3), "no such connection is used again");
}

#[tokio::test]
async fn a_redirect_is_returned_and_not_followed() {
    let answer = "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
    let (upstream, seen) = server(move |tcp, seen| answer_all(tcp, seen, answer)).await;
    let response = upstream.send(post("{}"), SOON).await.expect("an answer");
    assert_eq!(response.status(), 307);
    assert_eq!(seen.counts(), (1, 1));
}

/// Connections are driven by whoever waits for them. Were a wake-up ever lost, one of these many
/// would not come back: on several threads, and so many in one task that its budget runs out.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_is_left_waiting() {
    let (upstream, seen) = server(|mut tcp, seen| async move {
        tcp.set_nodelay(true).expect("a socket");
        let mut turn = 0_u32;
        while read_request(&mut tcp, &seen).await.is_some() {
            turn += 1;
            let pieces: &[&str] = match turn % 3 {
                0 => &["HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"],
                1 => &["HTTP/1.1 200 OK\r\ncontent-length: 2\r\n", "\r\no", "k"],
                _ => &[
                    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\no",
                    "\r\n1\r\nk\r\n",
                    "0\r\n\r\n",
                ],
            };
            for piece in pieces {
                tcp.write_all(piece.as_bytes()).await.expect("writes");
                tokio::task::yield_now().await;
            }
        }
    })
    .await;
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let upstream = Arc::clone(&upstream);
            tokio::spawn(async move {
                for _ in 0..100 {
                    assert_eq!(call(&upstream).await.expect("answers"), "ok");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("every call is answered");
    }
    for _ in 0..3 {
        let calls = (0..400).map(|_| call(&upstream));
        for body in futures_util::future::join_all(calls).await {
            assert_eq!(body.expect("answers"), "ok");
        }
    }
    assert_eq!(seen.counts().1, 16 * 100 + 3 * 400);
}

#[tokio::test]
async fn idle_connections_do_not_stay_for_ever() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    let (upstream, seen) = server(move |tcp, seen| answer_all(tcp, seen, answer)).await;
    call(&upstream).await.expect("answers");
    assert!(upstream.sweep(Instant::now()));
    assert_eq!(upstream.connections(), 1);
    assert!(!upstream.sweep(Instant::now() + IDLE_TIMEOUT));
    assert_eq!(upstream.connections(), 0);
    call(&upstream).await.expect("answers");
    assert_eq!(seen.counts(), (2, 2));
}

#[test]
fn the_number_of_connections_is_bounded() {
    let open = Arc::new(AtomicUsize::new(0));
    let slots: Vec<_> = (0..3).map(|_| Slot::take(&open, 3)).collect();
    assert!(slots.iter().all(Option::is_some));
    assert!(Slot::take(&open, 3).is_none());
    drop(slots);
    assert_eq!(open.load(Ordering::SeqCst), 0);
    assert!(Slot::take(&open, 3).is_some());
}

#[path = "answer_tests.rs"]
mod answers;
#[path = "dial_tests.rs"]
mod dial;
