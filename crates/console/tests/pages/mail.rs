//! Where mail is sent, an address is confirmed before it signs in, and no answer says who has an
//! account.

use std::sync::{Arc, Mutex};

use console::{Mail, SignUp};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use crate::browser::{PASSWORD, World};

/// A mail server that keeps what it is given.
#[derive(Clone)]
pub(crate) struct MailServer {
    letters: Arc<Mutex<Vec<String>>>,
    /// What it answers where it is told whom a letter is for, instead of taking it.
    refusing: Arc<Mutex<Option<&'static str>>>,
    /// How often it refused.
    refused: Arc<Mutex<usize>>,
    port: u16,
}

impl MailServer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let letters = Arc::new(Mutex::new(Vec::new()));
        let server = Self {
            letters,
            refusing: Arc::default(),
            refused: Arc::default(),
            port,
        };
        let kept = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, kept.clone()));
            }
        });
        server
    }

    /// From now on it answers so, or takes letters again.
    pub(crate) fn refuses(&self, answer: Option<&'static str>) {
        *self.refusing.lock().expect("not poisoned") = answer;
    }

    pub(crate) fn refused(&self) -> usize {
        *self.refused.lock().expect("not poisoned")
    }

    pub(crate) fn taken(&self) -> usize {
        self.letters.lock().expect("not poisoned").len()
    }

    /// Waits for the letter after the first `seen`, with its transfer encoding undone.
    pub(crate) async fn letter(&self, seen: usize) -> String {
        for _ in 0..500 {
            let letter = self
                .letters
                .lock()
                .expect("not poisoned")
                .get(seen)
                .cloned();
            if let Some(letter) = letter {
                return letter.replace("=\r\n", "").replace("=3D", "=");
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("no letter after {seen}");
    }
}

/// One SMTP conversation (RFC 5321), as far as a client that sends one letter goes.
async fn talk(stream: TcpStream, server: MailServer) {
    let mut stream = BufReader::new(stream);
    let mut say = "220 test\r\n".to_owned();
    loop {
        stream.write_all(say.as_bytes()).await.expect("written");
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return;
        }
        let refusing = *server.refusing.lock().expect("not poisoned");
        say = match line.split_whitespace().next().unwrap_or_default() {
            "RCPT" if refusing.is_some() => {
                *server.refused.lock().expect("not poisoned") += 1;
                format!("{}\r\n", refusing.unwrap_or_default())
            }
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await.expect("written");
                let mut letter = Vec::new();
                while !letter.ends_with(b"\r\n.\r\n") {
                    letter.push(stream.read_u8().await.expect("the letter goes on"));
                }
                let letter = String::from_utf8(letter).expect("ASCII");
                server.letters.lock().expect("not poisoned").push(letter);
                "250 kept\r\n".to_owned()
            }
            "QUIT" => "221 bye\r\n".to_owned(),
            _ => "250 test\r\n".to_owned(),
        };
    }
}

/// The path and query of the link in a letter.
pub(crate) fn link(letter: &str, world: &World) -> String {
    let start = letter.find(world.public_url).expect("a link");
    let link = letter[start..].split_whitespace().next().expect("a link");
    link.strip_prefix(world.public_url)
        .expect("ours")
        .to_owned()
}

pub(crate) async fn world(server: &MailServer) -> World {
    let url = format!("smtp://127.0.0.1:{}", server.port);
    let mail = Mail::Smtp {
        url: url.into(),
        from: "Tollgate <no-reply@tollgate.example>".to_owned(),
    };
    World::with("https://tollgate.example", SignUp::Open, mail).await
}

#[tokio::test]
async fn an_address_is_confirmed_before_it_signs_in() {
    let server = MailServer::start().await;
    let world = world(&server).await;
    let browser = world.browser();
    let form = [("email", "ada@example.com"), ("password", PASSWORD)];
    let answer = browser.submit("/sign-up", "/sign-up", &form).await;
    assert!(answer.is(200).text.contains("Check your mail"));
    let first = server.letter(0).await;
    assert!(first.contains("To: ada@example.com"), "{first}");

    // Knowing the password is not enough yet; it gets a new link, and the old one dies.
    let answer = browser.submit("/sign-in", "/sign-in", &form).await;
    assert!(answer.is(403).text.contains("Confirm your address first"));
    let second = link(&server.letter(1).await, &world);
    let first = link(&first, &world);
    assert!(
        browser
            .get(&first)
            .await
            .text
            .contains("does not work any more")
    );

    // Looking at the link, as mail scanners do, confirms nothing.
    browser.get(&second).await.is(200);
    browser.submit("/sign-in", "/sign-in", &form).await.is(403);
    let third = link(&server.letter(2).await, &world);
    let token = third.split_once("token=").expect("a token").1;
    let confirm = [("token", token)];
    browser
        .submit(&third, "/verify", &confirm)
        .await
        .leads_to("/sign-in?done=verified");
    let csrf = browser.token("/sign-in").await;
    browser.post("/verify", &csrf, &confirm).await.is(410);
    browser
        .post("/sign-in", &csrf, &form)
        .await
        .leads_to("/overview");
}

#[tokio::test]
async fn no_answer_says_who_has_an_account() {
    let server = MailServer::start().await;
    let world = world(&server).await;
    let browser = world.browser();
    let token = browser.token("/sign-up").await;
    let mut answers = Vec::new();
    for round in 0..2 {
        let form = [("email", "ada@example.com"), ("password", PASSWORD)];
        let answer = browser.post("/sign-up", &token, &form).await;
        answers.push((answer.status, answer.text));
        server.letter(round).await;
    }
    assert_eq!(answers[0], answers[1], "signing up");
    assert!(
        server.letter(1).await.contains("an account already"),
        "its owner is told"
    );

    let mut answers = Vec::new();
    for email in ["ada@example.com", "bob@example.com"] {
        let answer = browser.post("/reset", &token, &[("email", email)]).await;
        answers.push((answer.status, answer.text.replace(email, "EMAIL")));
    }
    assert_eq!(answers[0], answers[1], "resetting");
    assert!(server.letter(2).await.contains("To: ada@example.com"));
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert_eq!(
        server.letters.lock().expect("not poisoned").len(),
        3,
        "nobody else got a letter"
    );
}

/// Whoever signs up with somebody else's address knows the password, and can ask for another letter
/// by signing in; that is bounded like everything that sends one.
#[tokio::test]
async fn nobody_fills_a_strangers_mailbox() {
    let server = MailServer::start().await;
    let world = world(&server).await;
    let browser = world.browser();
    let token = browser.token("/sign-up").await;
    let form = [("email", "victim@example.com"), ("password", PASSWORD)];
    browser.post("/sign-up", &token, &form).await.is(200);
    server.letter(0).await;
    for attempt in 1..10 {
        browser.post("/sign-in", &token, &form).await.is(403);
        server.letter(attempt).await;
    }
    browser.post("/sign-in", &token, &form).await.is(429);
    let reset = [("email", "victim@example.com")];
    browser.post("/reset", &token, &reset).await.is(422);
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert_eq!(server.letters.lock().expect("not poisoned").len(), 10);
}
