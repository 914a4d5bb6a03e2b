//! Bodies: streamed, dropped, held back.

use http_body::Body;

use super::*;

/// In the stateless era a client that goes away cancels the call, and this is how the server knows.
#[tokio::test]
async fn dropping_an_answer_or_a_request_closes_the_connection() {
    let (closed, mut closes) = tokio::sync::mpsc::channel(2);
    let (upstream, _) = server(move |mut tcp, seen| {
        let closed = closed.clone();
        async move {
            let request = read_request(&mut tcp, &seen).await.expect("a request");
            if request.ends_with("stream") {
                let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n";
                tcp.write_all(head).await.expect("writes");
            }
            assert_eq!(tcp.read(&mut [0]).await.expect("a clean end"), 0);
            closed
                .send(request.ends_with("stream"))
                .await
                .expect("someone waits");
        }
    })
    .await;
    let mut answer = upstream
        .send(post("stream"), SOON)
        .await
        .expect("a head")
        .into_body();
    let frame = answer.frame().await.expect("a frame").expect("whole");
    assert_eq!(frame.into_data().expect("data"), "ok");
    drop(answer);
    let seen = tokio::time::timeout(SOON, closes.recv())
        .await
        .expect("closed at once");
    assert_eq!(seen, Some(true));
    let request = upstream.send(post("silence"), SOON);
    assert!(
        tokio::time::timeout(Duration::from_millis(50), request)
            .await
            .is_err()
    );
    let seen = tokio::time::timeout(SOON, closes.recv())
        .await
        .expect("closed at once");
    assert_eq!(seen, Some(false));
    assert_eq!(upstream.connections(), 0);
}

/// Each piece is written only once the one before it has arrived.
#[tokio::test]
async fn a_stream_is_passed_on_as_it_comes() {
    let (arrived, arrivals) = tokio::sync::mpsc::channel::<()>(1);
    let arrivals = Arc::new(tokio::sync::Mutex::new(arrivals));
    let (upstream, _) = server(move |mut tcp, seen| {
        let arrivals = Arc::clone(&arrivals);
        async move {
            read_request(&mut tcp, &seen).await;
            let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
            tcp.write_all(head).await.expect("writes");
            for piece in ["1\r\nx\r\n", "1\r\nx\r\n", "0\r\n\r\n"] {
                arrivals.lock().await.recv().await.expect("someone reads");
                tcp.write_all(piece.as_bytes()).await.expect("writes");
            }
        }
    })
    .await;
    let mut answer = upstream
        .send(post("{}"), SOON)
        .await
        .expect("a head")
        .into_body();
    for _ in 0..2 {
        arrived.send(()).await.expect("the server waits");
        let frame = tokio::time::timeout(SOON, answer.frame())
            .await
            .expect("at once");
        let frame = frame.expect("a frame").expect("whole");
        assert_eq!(frame.into_data().expect("data"), "x");
    }
    arrived.send(()).await.expect("the server waits");
    assert!(answer.frame().await.is_none());
}

/// A reader that stops is not read ahead of: the server's writes come to a halt.
#[tokio::test]
async fn a_slow_reader_slows_the_server_down() {
    let written = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&written);
    let (upstream, _) = server(move |mut tcp, seen| {
        let count = Arc::clone(&count);
        async move {
            read_request(&mut tcp, &seen).await;
            tcp.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n")
                .await
                .expect("writes");
            while tcp.write_all(&[b'x'; 65536]).await.is_ok() {
                count.fetch_add(65536, Ordering::SeqCst);
            }
        }
    })
    .await;
    let mut answer = upstream
        .send(post("{}"), SOON)
        .await
        .expect("a head")
        .into_body();
    answer.frame().await.expect("a frame").expect("whole");
    let mut now = 0;
    // Until nothing moves any more while nobody reads.
    while written.load(Ordering::SeqCst) != now || now == 0 {
        now = written.load(Ordering::SeqCst);
        assert!(
            now < 64 << 20,
            "only the sockets' buffers are filled: {now}"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn a_megabyte_goes_both_ways() {
    let (upstream, seen) = server(|mut tcp, seen| async move {
        while let Some(request) = read_request(&mut tcp, &seen).await {
            let body = request.split_once("\r\n\r\n").expect("a body").1;
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            tcp.write_all(head.as_bytes()).await.expect("writes");
            tcp.write_all(body.as_bytes()).await.expect("writes");
        }
    })
    .await;
    let sent: &'static str = Box::leak("tollgate ".repeat(120_000).into_boxed_str());
    for _ in 0..3 {
        let response = upstream.send(post(sent), SOON).await.expect("answers");
        let got = response
            .into_body()
            .collect()
            .await
            .expect("whole")
            .to_bytes();
        assert!(got == sent.as_bytes());
    }
    assert_eq!(seen.counts(), (1, 3));
}

/// A server that passes a body on with its length stops reading at the last byte, before the end is
/// told to it.
#[tokio::test]
async fn a_reader_that_counts_gives_the_connection_back_too() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    let (upstream, seen) = server(move |tcp, seen| answer_all(tcp, seen, answer)).await;
    for _ in 0..3 {
        let mut answer = upstream
            .send(post("{}"), SOON)
            .await
            .expect("a head")
            .into_body();
        assert_eq!(answer.size_hint().exact(), Some(2));
        answer.frame().await.expect("a frame").expect("whole");
        assert!(answer.is_end_stream());
        drop(answer);
    }
    assert_eq!(seen.counts(), (1, 3));
}
