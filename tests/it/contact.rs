//! `tollgate contact list` after a real conversation with a mail server that refuses.

use serde_json::Value;
use tests::{TestApp, eventually};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
};

/// A mail server that knows nobody (RFC 5321, 550).
async fn mail_server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("it is bound").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                let mut say = "220 test\r\n";
                let mut line = String::new();
                while stream.write_all(say.as_bytes()).await.is_ok() {
                    line.clear();
                    if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                        return;
                    }
                    say = match line.split_whitespace().next() {
                        Some("RCPT") => "550 5.1.1 no such user \u{1b}[31m here\r\n",
                        Some("QUIT") => "221 bye\r\n",
                        _ => "250 test\r\n",
                    };
                }
            });
        }
    });
    port
}

/// Fills in the contact form as a browser does.
async fn write(app: &TestApp, text: &str) {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let client = client.build().expect("a client");
    let url = format!("{}/contact", app.url);
    let page = client.get(&url).send().await.expect("the form");
    let cookies = page.headers().get_all("set-cookie").iter();
    let cookies: Vec<_> = cookies
        .filter_map(|cookie| cookie.to_str().ok()?.split(';').next())
        .map(str::to_owned)
        .collect();
    let page = page.text().await.expect("text");
    let token = page.split("name=\"csrf\" value=\"").nth(1);
    let token = token
        .and_then(|rest| rest.split('"').next())
        .expect("a token");
    let body =
        format!("csrf={token}&name=Ada&email=ada%40example.com&organisation=&message={text}");
    let sent = client
        .post(&url)
        .header("cookie", cookies.join("; "))
        .header("origin", &app.url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body)
        .send()
        .await
        .expect("an answer");
    assert_eq!(sent.status(), 303);
}

fn list(app: &TestApp, arguments: &[&str]) -> String {
    let data = app.data.path().to_str().expect("text");
    let done = app.run(&[&["contact", "list", "--data", data], arguments].concat());
    assert!(done.status.success(), "{done:?}");
    String::from_utf8(done.stdout).expect("text")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_letter_that_was_refused_stays_listed_with_what_was_said() {
    let url = format!("smtp://127.0.0.1:{}", mail_server().await);
    let app = TestApp::spawn_with(&[
        ("TOLLGATE_SMTP_URL", &url),
        ("TOLLGATE_SMTP_FROM", "Tollgate <no-reply@example.com>"),
        ("TOLLGATE_CONTACT_EMAIL", "operator@example.com"),
    ])
    .await;
    for n in 1..=4 {
        write(&app, &format!("message+{n}")).await;
        let refusals = n.min(3);
        eventually("the letter to be refused", async || {
            let all: Value = serde_json::from_str(&list(&app, &["-o", "json"])).expect("JSON");
            (all["messages"][0]["refusals"] == refusals).then_some(())
        })
        .await;
    }
    let unmailed = list(&app, &["--unmailed"]);
    assert!(
        unmailed.contains("(not mailed, and not tried again: refused 3 times; "),
        "{unmailed}"
    );
    assert!(
        unmailed.contains("(not mailed yet: refused; "),
        "{unmailed}"
    );
    assert!(
        unmailed.contains("no such user") && !unmailed.contains('\u{1b}'),
        "{unmailed}"
    );
    for n in 1..=4 {
        assert!(unmailed.contains(&format!("message {n}")), "{unmailed}");
    }
    let all: Value = serde_json::from_str(&list(&app, &["-o", "json"])).expect("JSON");
    let first = &all["messages"][0];
    assert!(
        first["mailed_at"].is_null() && first["refused_at"].is_string(),
        "{first}"
    );
    assert!(
        first["refusal"]
            .as_str()
            .expect("a text")
            .contains("no such user")
    );
}
