//! `tollgate policy diff`, `push` and `pull` against a real Tollgate.

mod git;
mod race;

use std::process::{Command, Output};

use serde_json::{Value, json};
use tests::{
    Agent, Scripted, TestApp,
    agent::said,
    app::{Organisation, binary},
    eventually,
};

/// A Tollgate with an organisation and a server that was discovered, and a folder to work in.
struct Place {
    app: TestApp,
    acme: Organisation,
    server: String,
    _upstream: Scripted,
    folder: tempfile::TempDir,
}

struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Ended {
    fn of(output: &Output, key: &str) -> Self {
        let ended = Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        assert!(
            !ended.out.contains(key) && !ended.err.contains(key),
            "the key stays secret"
        );
        ended
    }

    #[track_caller]
    fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        self
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("{}{}", self.out, self.err))
    }
}

const POLICY: &str = r#"version: "1"
default: deny
tools:
  # Agents may build.
  build:
    rate_limit: { max: 5, window: minute }
tests:
  - { name: the sixth is refused, tool: build, repeat: 6, expect: deny }
"#;

impl Place {
    async fn new() -> Self {
        let (app, upstream) = tokio::join!(TestApp::spawn(), Scripted::start(&["build", "read"]));
        let acme = app.bootstrap("Acme");
        let (server, _) = acme
            .api
            .register("CircleCI", &upstream.url, json!({}))
            .await;
        let folder = tempfile::tempdir().expect("a folder");
        Self {
            app,
            acme,
            server,
            _upstream: upstream,
            folder,
        }
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).expect("a file");
    }

    fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).expect(name)
    }

    fn policy(&self, line: &str) -> Ended {
        self.policy_at(&self.app.url, line)
    }

    fn policy_at(&self, url: &str, line: &str) -> Ended {
        let mut command = Command::new(binary());
        command
            .arg("policy")
            .args(line.split(' '))
            .current_dir(self.folder.path());
        let output = command
            .env("TOLLGATE_URL", url)
            .env("TOLLGATE_API_KEY", self.acme.api.key())
            .output()
            .expect("tollgate starts");
        Ended::of(&output, self.acme.api.key())
    }

    async fn get(&self, path: &str) -> Value {
        self.acme.api.get(path).await.ok()
    }

    /// How many versions there are, and which is published.
    async fn versions(&self, policy: &str) -> (Value, Value) {
        let policy = self.get(&format!("/policies/{policy}")).await;
        (
            policy["latest_version"].clone(),
            policy["published_version"].clone(),
        )
    }
}

/// A file becomes a policy, a version, a published version; pushed again it is left alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_is_pushed_compared_and_pulled() {
    let place = Place::new().await;
    place.write("p.yaml", POLICY);
    let by_name = "p.yaml --server circleci --name agents";

    let told = place
        .policy(&format!("push {by_name} --dry-run -o json"))
        .ends(0)
        .json();
    assert_eq!(
        (&told["action"], &told["dry_run"]),
        (&json!("create"), &json!(true))
    );
    let none = place
        .get(&format!("/servers/{}/policies", place.server))
        .await;
    assert_eq!(none["items"], json!([]), "a dry run does nothing");

    let told = place
        .policy(&format!("push {by_name} -o json"))
        .ends(0)
        .json();
    assert_eq!(
        (&told["action"], &told["published_version"]),
        (&json!("create"), &json!(1))
    );
    let id = told["policy"].as_str().expect("an id").to_owned();
    let again = place.policy(&format!("push {by_name}")).ends(0);
    assert!(
        again.out.contains("version 1 says the same; nothing to do"),
        "{}",
        again.out
    );
    assert_eq!(place.versions(&id).await, (json!(1), json!(1)));

    // Comments, order and spelling are no difference.
    place.write("p.yaml", &POLICY.replace("# Agents may build.", "# Still."));
    place.policy(&format!("push p.yaml --policy {id}")).ends(0);
    assert_eq!(place.versions(&id).await, (json!(1), json!(1)));

    // It is stored as JSON that reads well, and comes back as JSON or YAML that means the same.
    let pulled = place.policy(&format!("pull {id}")).ends(0).out;
    assert!(
        pulled.starts_with("{\n  \"version\": \"1\",\n  \"default\": \"deny\",\n"),
        "{pulled}"
    );
    place
        .policy("pull q.json --server circleci --policy agents")
        .ends(0);
    assert_eq!(place.file("q.json"), pulled);
    place
        .policy("pull q.yaml --server circleci --policy agents")
        .ends(0);
    place
        .policy(&format!("diff q.yaml --policy {id} --exit-code"))
        .ends(0);
    place
        .policy("diff q.yaml --with p.yaml --exit-code")
        .ends(0);
    let printed = place.policy(&format!("pull {id} -o json")).ends(0).json();
    assert_eq!(
        (&printed["version"], &printed["document"]["default"]),
        (&json!(1), &json!("deny"))
    );

    // A change is saved, then published as what was saved; a note says why.
    place.write("p.yaml", &POLICY.replace("max: 5", "max: 3"));
    let saved = place
        .policy(&format!(
            "push p.yaml --policy {id} --no-publish --note slower"
        ))
        .ends(0);
    assert!(
        saved.out.contains("version 2 is saved and not published"),
        "{}",
        saved.out
    );
    assert_eq!(place.versions(&id).await, (json!(2), json!(1)));
    place
        .policy(&format!("push p.yaml --policy {id} --no-publish"))
        .ends(0);
    assert_eq!(place.versions(&id).await, (json!(2), json!(1)));
    let told = place
        .policy(&format!("push p.yaml --policy {id} -o json"))
        .ends(0)
        .json();
    assert_eq!(told["action"], "publish");
    assert_eq!(place.versions(&id).await, (json!(2), json!(2)));
    let version = place.get(&format!("/policies/{id}/versions/2")).await;
    assert_eq!(version["note"], "slower");

    // What stands in a file is not written over unasked.
    let told = place.policy(&format!("pull q.yaml --policy {id}")).ends(1);
    assert!(
        told.err.contains("q.yaml says something else"),
        "{}",
        told.err
    );
    place
        .policy(&format!("pull q.yaml --policy {id} --force"))
        .ends(0);
    place.policy(&format!("pull q.yaml --policy {id}")).ends(0);
    assert!(place.file("q.yaml").contains("max: 3"));
    place
        .policy(&format!("pull old.yaml --policy {id} --version 1"))
        .ends(0);
    assert!(place.file("old.yaml").contains("max: 5"));
}

/// A change is told by rule, with what it does to calls; offline and online the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_difference_is_told_by_rule() {
    let place = Place::new().await;
    place.write("old.yaml", POLICY);
    place
        .policy("push old.yaml --server circleci --name agents")
        .ends(0);
    place.write(
        "p.yaml",
        &POLICY
            .replace("max: 5", "max: 3")
            .replace("tests:", "  read: {}\ntests:"),
    );
    let online = place
        .policy("diff p.yaml --server circleci --policy agents -o json --exit-code")
        .ends(3)
        .json();
    let offline = place
        .policy("diff p.yaml --with old.yaml -o json")
        .ends(0)
        .json();
    assert_eq!(online["published_version"], 1);
    assert_eq!(offline["with"], "old.yaml");
    for told in [&online, &offline] {
        let changes = told["changes"].as_array().expect("a list");
        let effect = |pointer: &str| {
            let change = changes.iter().find(|c| {
                c["pointer"]
                    .as_str()
                    .is_some_and(|p| p.starts_with(pointer))
            });
            change.map(|change| change["effect"].clone())
        };
        assert_eq!(effect("/tools/build"), Some(json!("tightens")), "{told}");
        assert_eq!(effect("/tools/read"), Some(json!("loosens")), "{told}");
    }
    let told = place
        .policy("push p.yaml --server circleci --policy agents --dry-run")
        .ends(0);
    assert!(told.out.contains("tightens  /tools/build"), "{}", told.out);
    assert!(
        told.out.contains("version 2 would be saved and published"),
        "{}",
        told.out
    );
}

/// What must not decide is not published, and nothing is saved on the way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_would_not_be_kept_is_refused() {
    let place = Place::new().await;
    place.write("p.yaml", POLICY);
    let id = place
        .policy("push p.yaml --server circleci --name agents -o json")
        .ends(0)
        .json();
    let id = id["policy"].as_str().expect("an id").to_owned();
    let failing = POLICY.replace("repeat: 6", "repeat: 5");
    let later = POLICY.replace("  build:\n", "  build:\n    concurrent: { max: 1 }\n");
    let unknown = POLICY.replace("rate_limit", "rate_limits");
    for (text, code) in [
        (&failing, "test_failed"),
        (&later, "not_available"),
        (&unknown, "unknown_field"),
    ] {
        place.write("bad.yaml", text);
        let told = place
            .policy(&format!("push bad.yaml --policy {id} -o json"))
            .ends(3)
            .json();
        assert_eq!(told["faults"][0]["code"], code, "{told}");
        assert_eq!(place.versions(&id).await, (json!(1), json!(1)), "{code}");
    }
    // A version that is only saved may have failing tests and what is not enforced yet.
    for (text, latest) in [(&failing, 2), (&later, 3)] {
        place.write("bad.yaml", text);
        place
            .policy(&format!("push bad.yaml --policy {id} --no-publish"))
            .ends(0);
        assert_eq!(place.versions(&id).await, (json!(latest), json!(1)));
    }
    place.write("bad.yaml", &POLICY.replace("max: 5", "max: 4"));
    let told = place
        .policy(&format!(
            "push bad.yaml --policy {id} --note {}",
            "x".repeat(501)
        ))
        .ends(1);
    assert!(
        told.err.contains("/note: is longer than 500 characters"),
        "{}",
        told.err
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_is_named() {
    let place = Place::new().await;
    place.write("p.yaml", POLICY);
    for (line, sentence) in [
        (
            "diff p.yaml --server nobody --policy x",
            "there is no server nobody",
        ),
        (
            "diff p.yaml --server circleci --policy x",
            "server circleci has no policy x",
        ),
        (
            "push p.yaml --server circleci --policy x",
            "server circleci has no policy x",
        ),
        (
            "pull pol_0198f0c27d6a7c10a4b2f1b3c5d7e9f1",
            "there is no policy pol_0198f0c27d6a7c10a4b2f1b3c5d7e9f1",
        ),
    ] {
        let told = place.policy(line).ends(1);
        assert!(told.err.contains(sentence), "{line}: {}", told.err);
    }
    place
        .policy("push p.yaml --server circleci --name agents --no-publish")
        .ends(0);
    let told = place
        .policy("pull --server circleci --policy agents")
        .ends(1);
    assert!(
        told.err.contains("no version of it is published"),
        "{}",
        told.err
    );
    let told = place
        .policy("pull --server circleci --policy agents --version 9")
        .ends(1);
    assert!(told.err.contains("has no version 9"), "{}", told.err);
    let line = [
        "policy",
        "pull",
        "--server",
        "circleci",
        "--policy",
        "agents",
        "--url",
        &place.app.url,
        "--api-key",
        "tg_key_wrong",
    ];
    let told = Ended::of(&place.app.run(&line), "tg_key_wrong").ends(1);
    assert!(told.err.contains("API key"), "{}", told.err);
}
