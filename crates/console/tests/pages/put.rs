//! "Put this rule on my server": the way through confirmation by mail, who may and who may not, and
//! what an address cannot reach. All of it by links and forms, as a browser without script does.

use crate::{
    browser::{Answer, Browser, PASSWORD, World},
    editor::{ONE, policy, server, shows, versions},
    mail::{self, MailServer},
    roles::become_a,
};

const USE: &str = "/catalog/servers/circleci/tools/rerun_workflow/use?rule=block";
const PUT: &str = "put=tool%2Fcircleci%2Fblock%2Frerun%5Fworkflow";

/// The value of a page's hidden field.
fn hidden(page: &Answer, name: &str) -> String {
    let from = format!("name=\"{name}\" value=\"");
    let rest = page.text.split(&from).nth(1);
    let value = rest.and_then(|rest| rest.split('"').next());
    let value = value.unwrap_or_else(|| panic!("{name} in {}", page.text));
    value
        .replace("&#x2f;", "/")
        .replace("&#38;", "&")
        .replace("&amp;", "&")
}

/// Sends a page's form with the `next` that the page has.
async fn send_on(browser: &Browser<'_>, at: &str, to: &str, fields: &[(&str, &str)]) -> Answer {
    let page = browser.get(at).await;
    let next = hidden(page.is(200), "next");
    let token = page.token().expect("a form");
    let mut fields = fields.to_vec();
    fields.push(("next", &next));
    browser.post(to, &token, &fields).await
}

/// The document in the editor's form.
fn document(page: &Answer) -> String {
    let area = page.text.split("<textarea id=\"document\"").nth(1);
    let text = area.and_then(|it| it.split('>').nth(1));
    let text = text.and_then(|it| it.split("</textarea").next());
    text.unwrap_or_else(|| panic!("an editor in {}", page.text))
        .replace("&#34;", "\"")
        .replace("&quot;", "\"")
}

#[tokio::test]
async fn the_rule_is_still_there_after_an_address_is_confirmed() {
    let letters = MailServer::start().await;
    let world = mail::world(&letters).await;
    let ada = world.browser();
    let sign_in = ada.get(USE).await.location().to_owned();
    let sign_up = sign_in.replacen("/sign-in", "/sign-up", 1);
    assert!(
        ada.get(&sign_in).await.text.contains(&sign_up),
        "the way to an account"
    );

    let account = [("email", "ada@example.com"), ("password", PASSWORD)];
    let answer = send_on(&ada, &sign_up, "/sign-up", &account).await;
    shows(answer.is(200), &["Check your mail"]);
    // The link is opened in another browser than that of the sign-up.
    let ada = world.browser();
    let link = mail::link(&letters.letter(0).await, &world);
    let token = hidden(&ada.get(&link).await, "token");
    let confirmed = send_on(&ada, &link, "/verify", &[("token", &token)]).await;
    let signed_in = send_on(&ada, confirmed.location(), "/sign-in", &account).await;
    assert_eq!(signed_in.location(), USE);
    // Without an organisation there is no server to put it on.
    let welcome = ada.get(USE).await.location().to_owned();
    let made = send_on(&ada, &welcome, "/welcome", &[("name", "Acme")]).await;
    assert_eq!(made.location(), USE);
    shows(
        ada.get(USE).await.is(200),
        &["Put this rule on your server", "No server yet"],
    );

    let server = server(&world, &ada).await;
    let chooser = ada.get(USE).await;
    let editor = format!("{server}/policies/new?{PUT}");
    shows(chooser.is(200), &["has rerun_workflow", &editor]);
    let editor = ada.get(&editor).await;
    shows(editor.is(200), &["In the editor now, not saved"]);
    let document = document(&editor);
    assert!(
        document.contains("\"rerun_workflow\": { \"action\": \"deny\""),
        "{document}"
    );
    assert_eq!(versions(&world).await, 0, "nothing is stored on the way");
}

/// A link in a letter leads to pages of ours alone, whatever the sign-up was called with.
#[tokio::test]
async fn a_confirmed_address_is_sent_nowhere_else() {
    let letters = MailServer::start().await;
    let world = mail::world(&letters).await;
    let ada = world.browser();
    let form = [
        ("email", "ada@example.com"),
        ("password", PASSWORD),
        ("next", "https://evil.example/"),
    ];
    ada.submit("/sign-up", "/sign-up", &form).await.is(200);
    let link = mail::link(&letters.letter(0).await, &world);
    assert!(!link.contains("evil"), "{link}");
    let token = hidden(&ada.get(&link).await, "token");
    let csrf = ada.token(&link).await;
    let form = [("token", token.as_str()), ("next", "//evil.example/")];
    let answer = ada.post("/verify", &csrf, &form).await;
    assert_eq!(answer.location(), "/sign-in?done=verified");
}

#[tokio::test]
async fn a_viewer_is_told_who_can_and_merges_nothing() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let server = server(&world, &ada).await;
    let policy = policy(&ada, &server, ONE, "save").await;
    let merge = format!("{policy}?{PUT}");
    shows(&ada.get(USE).await, &[&merge, "Merge into CI agents"]);
    become_a(&world, "viewer").await;
    let chooser = ada.get(USE).await;
    shows(chooser.is(200), &["Your role cannot edit policies", "Acme"]);
    assert!(!chooser.text.contains("put="), "{}", chooser.text);
    // The address of the editor, kept from before, shows the stored text and merges nothing.
    let editor = ada.get(&merge).await;
    assert!(editor.status == 403 || !document(&editor).contains("rerun_workflow"));
    ada.get(&format!("{server}/policies/new?{PUT}"))
        .await
        .is(403);
}

#[tokio::test]
async fn the_rule_against_an_attack_is_put_like_any_other() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let server = server(&world, &ada).await;
    let policy = policy(&ada, &server, ONE, "save").await;
    let chooser = ada.get("/catalog/attacks/force-push/use").await;
    let merge = format!("{policy}?put=attack%2Fforce%2Dpush");
    shows(chooser.is(200), &["the rule against", &merge]);
    let editor = ada.get(&merge).await;
    let document = document(editor.is(200));
    for part in ["\"get_logs\"", "push_files"] {
        assert!(document.contains(part), "{part} in {document}");
    }
    // An attack that no rule stops has nothing to put, and neither has one that is not there.
    for none in ["mcp-inspector-rce", "no-such-attack"] {
        ada.get(&format!("/catalog/attacks/{none}/use"))
            .await
            .is(404);
        ada.get(&format!("{policy}?put=attack%2F{none}"))
            .await
            .is(404);
    }
}

#[tokio::test]
async fn another_organisations_policies_and_unknown_rules_are_not_found() {
    let world = World::new().await;
    let ada = world.owner("ada@example.com", "Acme").await;
    let server = server(&world, &ada).await;
    let policy = policy(&ada, &server, ONE, "save").await;
    let eve = world.owner("eve@example.com", "Evil").await;
    let never = format!("/policies/{}?{PUT}", domain::PolicyId::generate());
    let none = eve.get(&never).await;
    let hers = eve.get(&format!("{policy}?{PUT}")).await;
    assert_eq!((hers.is(404).status, &hers.text), (none.status, &none.text));
    let never = format!(
        "/servers/{}/policies/new?{PUT}",
        domain::ServerId::generate()
    );
    let none = eve.get(&never).await;
    let hers = eve.get(&format!("{server}/policies/new?{PUT}")).await;
    assert_eq!((hers.is(404).status, &hers.text), (none.status, &none.text));
    // Her chooser offers her own servers, of which there are none.
    let chooser = eve.get(USE).await;
    assert!(chooser.text.contains("No server yet") && !chooser.text.contains(&policy));
    // A rule is named, never written, and never another organisation's policy.
    let id = policy.rsplit('/').next().expect("an id");
    for put in [
        id.to_owned(),
        format!("policy%2F{id}"),
        "tool%2Fcircleci%2Fno%2Drule%2Frerun_workflow".to_owned(),
        "tool%2Fcircleci%2Fblock%2Fno_such_tool".to_owned(),
        "%7B%22version%22%3A%221%22%7D".to_owned(),
        "tool%2F%00%2Fblock%2Fx".to_owned(),
    ] {
        ada.get(&format!("{policy}?put={put}")).await.is(404);
    }
}
