//! Where redirects may lead.

use super::*;

fn redirect(to: &str) -> String {
    respond("307 Temporary Redirect", &format!("location: {to}\r\n"), "")
}

/// Redirects `hops` times within the origin before it answers.
async fn redirecting(hops: usize) -> (Arc<Upstream>, Log) {
    let count = AtomicUsize::new(0);
    scripted(move |asked| {
        let hop = count.fetch_add(1, Ordering::SeqCst);
        if hop < hops {
            redirect(&format!("/hop{hop}"))
        } else {
            session_server(asked, "[]")
        }
    })
    .await
}

fn secret() -> [(HeaderName, HeaderValue); 1] {
    [(
        HeaderName::from_static("circle-token"),
        HeaderValue::from_static("secret"),
    )]
}

#[tokio::test]
async fn three_redirects_are_followed_and_no_fourth() {
    let (upstream, log) = redirecting(3).await;
    let found = discover(&upstream, &secret()).await.expect("found");
    let moved_to = found.moved_to.expect("elsewhere");
    assert_eq!(moved_to.target().path(), "/hop2");
    assert_eq!(
        log.lock().expect("unpoisoned").len(),
        3 + 3,
        "and the rest goes there at once"
    );
    let (upstream, _) = redirecting(4).await;
    assert!(
        fails(&upstream)
            .await
            .ends_with("it redirects more than 3 times")
    );
}

#[tokio::test]
async fn a_credential_never_follows_to_another_origin() {
    let (other, other_log) = scripted(|asked| session_server(asked, r#"[{"name":"a"}]"#)).await;
    let to = other.url().as_str().to_owned();
    let (upstream, _) = scripted(move |_| redirect(&to)).await;
    let error = discover(&upstream, &secret())
        .await
        .map(drop)
        .expect_err("refused");
    assert!(
        error
            .to_string()
            .contains("a credential never follows to another origin"),
        "{error}"
    );
    assert!(other_log.lock().expect("unpoisoned").is_empty());
    // Without one there is nothing to lose.
    let found = discover(&upstream, &[]).await.expect("found");
    assert_eq!(found.tools.len(), 1);
    assert_eq!(found.moved_to.as_ref(), Some(other.url()));
}

#[tokio::test]
async fn who_stays_follows_to_no_other_server() {
    let (other, other_log) = scripted(|asked| session_server(asked, "[]")).await;
    let to = other.url().as_str().to_owned();
    let (upstream, _) = scripted(move |_| redirect(&to)).await;
    let error = discover_there(&upstream, &[]).await.map(drop);
    let said = error.expect_err("refused").to_string();
    assert!(said.ends_with("which is another server"), "{said}");
    assert!(other_log.lock().expect("unpoisoned").is_empty());
    let (upstream, _) = redirecting(1).await;
    assert!(discover_there(&upstream, &[]).await.is_ok());
}

#[tokio::test]
async fn a_redirect_is_judged_like_any_address() {
    for (to, word) in [
        (
            "http://10.0.0.1/mcp",
            "its address 10.0.0.1 is not one that may be dialled",
        ),
        (
            "http://169.254.169.254/latest",
            "its address 169.254.169.254 is not one that may be dialled",
        ),
        ("file:///etc/passwd", "is not an absolute http or https URL"),
        ("http://user@127.0.0.1/", "may not contain a user name"),
    ] {
        let (upstream, _) = scripted(move |_| redirect(to)).await;
        let said = fails(&upstream).await;
        assert!(said.contains(word), "{said}");
    }
    let url = UpstreamUrl::parse("https://a.example/").expect("a URL");
    let mut exchange = Exchange::new(&Upstream::new(dialler(), url), &[]);
    let location = HeaderValue::from_static("http://a.example/");
    let refused = exchange.follow(http::StatusCode::FOUND, Some(&location));
    assert_eq!(
        refused,
        Err("it redirects from https to http://a.example/".to_owned())
    );
}
