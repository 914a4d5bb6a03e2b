//! The contact form: stored, mailed, bounded, and no way into anybody's mailbox.

use axum::{body::Body, extract::ConnectInfo};
use console::{Mail, SignUp};
use store::contact::{Message, PER_ADDRESS, REFUSALS_MAX, Which, list};

use crate::{
    browser::{Browser, CONTACT_EMAIL, World, encode},
    mail::{MailServer, world as with_mail},
};

const MESSAGE: [(&str, &str); 4] = [
    ("name", "Ada Lovelace"),
    ("email", "ada@example.com"),
    ("organisation", "Analytical Engines"),
    ("message", "Does it\r\nrun on Mondays?"),
];

async fn stored(world: &World, which: Which) -> Vec<Message> {
    list(&world.db.console, which, 1_000).await.expect("lists")
}

/// The message with one field changed.
fn with<'a>(field: &'a str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    let others = MESSAGE.into_iter().filter(|(name, _)| *name != field);
    others.chain([(field, value)]).collect()
}

/// Sends the form from an address of one's own.
async fn from(browser: &Browser<'_>, token: &str, peer: [u8; 4], fields: &[(&str, &str)]) -> u16 {
    let fields = [fields, &[("csrf", token)]].concat();
    let mut request = browser
        .request("POST", "/contact")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(encode(&fields)))
        .expect("a request");
    let peer = std::net::SocketAddr::from((peer, 40_000));
    request.extensions_mut().insert(ConnectInfo(peer));
    browser.world.send_from(request).await.status.as_u16()
}

#[tokio::test]
async fn a_message_is_stored_mailed_and_confirmed() {
    let server = MailServer::start().await;
    let world = with_mail(&server).await;
    let browser = world.browser();
    let page = browser.get("/contact").await;
    assert!(!page.is(200).text.contains("noindex"));
    let sent = browser.submit("/contact", "/contact", &MESSAGE).await;
    sent.leads_to("/contact/sent");
    let confirmed = browser.get("/contact/sent").await;
    assert!(confirmed.is(200).text.contains("Message received"));
    assert!(
        confirmed
            .text
            .contains("<meta name=\"robots\" content=\"noindex\">")
    );

    let letter = server.letter(0).await;
    assert!(letter.contains(&format!("To: {CONTACT_EMAIL}")), "{letter}");
    assert!(
        letter.contains("Reply-To: \"Ada Lovelace\" <ada@example.com>"),
        "{letter}"
    );
    assert!(letter.contains("Does it\r\nrun on Mondays?"), "{letter}");
    for _ in 0..200 {
        if stored(&world, Which::Unmailed).await.is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    let all = stored(&world, Which::All).await;
    assert_eq!(all.len(), 1);
    assert!(all[0].mailed_at.is_some());
    assert_eq!(all[0].message, "Does it\nrun on Mondays?");
    assert_eq!(
        all[0].organisation.as_ref().map(domain::Name::as_str),
        Some("Analytical Engines")
    );
}

#[tokio::test]
async fn what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost() {
    let world = World::new().await;
    let browser = world.browser();
    let token = browser.token("/contact").await;
    for (field, value) in [
        ("name", ""),
        ("name", "Ada\r\nBcc: victim@example.com"),
        ("name", "Ada\u{202e}"),
        ("email", "nobody"),
        ("email", "ada@example.com\r\nBcc: victim@example.com"),
        ("email", "ada@example.com, victim@example.com"),
        ("email", "Ada <ada@example.com>"),
        ("organisation", "x\u{0}"),
        ("message", "  "),
        ("message", "a\u{1b}[2J"),
    ] {
        let answer = browser.post("/contact", &token, &with(field, value)).await;
        let text = &answer.is(422).text;
        assert_eq!(
            text.matches("class=\"fault\" role=\"alert\"").count(),
            1,
            "{field} {value:?}"
        );
        assert!(text.contains(&format!("id=\"{field}\" ")), "{field}");
        assert!(text.contains("aria-invalid=\"true\""), "{field}");
        for (kept, value) in with(field, value) {
            let shown = text.contains(value.trim()) || kept == field || kept == "message";
            assert!(shown, "{kept} is kept");
        }
    }
    let long = "x".repeat(5_001);
    browser
        .post("/contact", &token, &with("message", &long))
        .await
        .is(422);
    assert!(stored(&world, Which::All).await.is_empty());
}

/// Markup in a message is text, wherever it is shown again.
#[tokio::test]
async fn what_was_typed_is_shown_as_text() {
    let world = World::new().await;
    let browser = world.browser();
    let evil = "</textarea><script>alert(1)</script>\"><img src=x>";
    let fields = [
        ("name", evil),
        ("email", evil),
        ("organisation", evil),
        ("message", evil),
    ];
    let answer = browser.submit("/contact", "/contact", &fields).await;
    let text = &answer.is(422).text;
    assert!(
        !text.contains("<script>alert") && !text.contains("<img src=x"),
        "{text}"
    );
}

#[tokio::test]
async fn a_program_that_fills_the_hidden_field_is_told_nothing() {
    let world = World::new().await;
    let browser = world.browser();
    let answer = browser
        .submit(
            "/contact",
            "/contact",
            &with("left_empty", "https://spam.example"),
        )
        .await;
    answer.leads_to("/contact/sent");
    assert!(stored(&world, Which::All).await.is_empty());
}

#[tokio::test]
async fn without_mail_it_is_stored_and_listed_as_not_mailed() {
    let world = World::new().await;
    let browser = world.browser();
    let sent = browser.submit("/contact", "/contact", &MESSAGE).await;
    sent.leads_to("/contact/sent");
    assert_eq!(stored(&world, Which::Unmailed).await.len(), 1);
}

/// Nobody listens where letters are to go: the sender is not troubled, and the message waits.
#[tokio::test]
async fn a_letter_that_fails_leaves_the_message_listed() {
    let mail = Mail::Smtp {
        url: "smtp://127.0.0.1:1".into(),
        from: "Tollgate <no-reply@tollgate.example>".to_owned(),
    };
    let world = World::with("https://tollgate.example", SignUp::Open, mail).await;
    let browser = world.browser();
    let sent = browser.submit("/contact", "/contact", &MESSAGE).await;
    sent.leads_to("/contact/sent");
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(stored(&world, Which::Unmailed).await.len(), 1);
}

#[tokio::test]
async fn messages_are_bounded_by_address_and_in_all() {
    let world = World::new().await;
    let browser = world.browser();
    let token = browser.token("/contact").await;
    let first = [10, 0, 0, 1];
    for _ in 0..PER_ADDRESS {
        assert_eq!(from(&browser, &token, first, &MESSAGE).await, 303);
    }
    assert_eq!(from(&browser, &token, first, &MESSAGE).await, 429);
    // The bound is of messages: a fault costs nothing, and others still get through.
    assert_eq!(from(&browser, &token, first, &with("name", "")).await, 422);
    let mut taken = u32::try_from(PER_ADDRESS).expect("small");
    for n in 2..=255 {
        match from(&browser, &token, [10, 0, 1, n], &MESSAGE).await {
            303 => taken += 1,
            429 => break,
            other => panic!("{other}"),
        }
    }
    assert_eq!(i32::try_from(taken).expect("small"), store::contact::IN_ALL);
    // Signing in is counted apart.
    let form = [("email", "a@example.com"), ("password", "x")];
    browser.submit("/sign-in", "/sign-in", &form).await.is(422);
}

/// Sends one more message, and waits until the mail server has been asked so often in all.
async fn another(world: &World, server: &MailServer, asked: usize) {
    let browser = world.browser();
    let sent = browser.submit("/contact", "/contact", &MESSAGE).await;
    sent.leads_to("/contact/sent");
    for _ in 0..500 {
        if server.refused() + server.taken() >= asked {
            // What became of it is written after the conversation.
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the mail server was asked {} times", server.refused());
}

/// The mail server says that it will never take it: three times is enough, and the others go out.
#[tokio::test]
async fn a_letter_that_is_refused_for_good_is_not_sent_for_ever() {
    let server = MailServer::start().await;
    let world = with_mail(&server).await;
    server.refuses(Some("550 5.7.1 this text is spam"));
    // The first one is tried with each message, the later ones less often.
    for asked in [1, 3, 6, 9] {
        another(&world, &server, asked).await;
    }
    assert_eq!(server.refused(), 9);
    let refused = async || {
        let all = stored(&world, Which::All).await;
        let count = |it: &Message| (it.refusals, it.refused_at.is_some());
        all.iter().map(count).collect::<Vec<_>>()
    };
    let max = u32::try_from(REFUSALS_MAX).expect("small");
    assert_eq!(
        refused().await,
        [(max, true), (max, true), (2, false), (1, false)]
    );
    let all = stored(&world, Which::Unmailed).await;
    assert_eq!(all.len(), 4, "those given up are listed as not mailed");
    let said = all[0].refusal.as_deref().expect("what it said");
    assert!(said.contains("this text is spam"), "{said}");

    server.refuses(None);
    another(&world, &server, 9 + 3).await;
    assert_eq!(server.taken(), 3);
    let mailed: Vec<bool> = stored(&world, Which::All)
        .await
        .iter()
        .map(|it| it.mailed_at.is_some())
        .collect();
    assert_eq!(mailed, [false, false, true, true, true]);
    assert!(stored(&world, Which::Waiting).await.is_empty());
}

/// A full mailbox, or a password that the mail server does not know, is no fault of the letter.
#[tokio::test]
async fn what_may_go_better_later_is_tried_without_end() {
    let server = MailServer::start().await;
    let world = with_mail(&server).await;
    let mut asked = 0;
    for (n, answer) in [
        "452 4.2.2 full",
        "530 5.7.0 sign in first",
        "451 later",
        "452 full",
    ]
    .into_iter()
    .enumerate()
    {
        server.refuses(Some(answer));
        asked += n + 1;
        another(&world, &server, asked).await;
    }
    let all = stored(&world, Which::Waiting).await;
    assert_eq!(all.len(), 4);
    assert!(
        all.iter()
            .all(|it| it.refusals == 0 && it.refusal.is_none())
    );
    server.refuses(None);
    another(&world, &server, asked + 5).await;
    assert_eq!(server.taken(), 5);
}
