//! `tollgate policy diff`, `push` and `pull` against a real Tollgate, and policies in a real Git
//! repository as `docs/git-workflow.md` keeps them.

use std::{
    path::Path,
    process::{Command, Output},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    response::Response,
};
use serde_json::{Value, json};
use tests::{
    Agent, Scripted, TestApp,
    agent::said,
    app::{Organisation, binary},
    eventually,
};

use super::docs::{blocks, read};

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

/// Stands before a Tollgate and hands everything on; before the first `POST` to a path that ends so,
/// somebody else edits the policy.
struct Meanwhile {
    app: String,
    ending: &'static str,
    edit: Box<dyn Fn() -> futures_util::future::BoxFuture<'static, ()> + Send + Sync>,
    done: AtomicBool,
}

async fn hand_on(State(meanwhile): State<Arc<Meanwhile>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let path = head
        .uri
        .path_and_query()
        .expect("a path")
        .as_str()
        .to_owned();
    if head.method == "POST"
        && path.ends_with(meanwhile.ending)
        && !meanwhile.done.swap(true, Ordering::SeqCst)
    {
        (meanwhile.edit)().await;
    }
    let mut headers = head.headers;
    headers.remove("host");
    headers.remove("content-length");
    let body = to_bytes(body, 1 << 20).await.expect("a body");
    let request = reqwest::Client::new().request(head.method, format!("{}{path}", meanwhile.app));
    let answer = request
        .headers(headers)
        .body(body)
        .send()
        .await
        .expect("the app answers");
    let mut response = Response::builder().status(answer.status());
    for name in ["content-type", "etag"] {
        if let Some(value) = answer.headers().get(name) {
            response = response.header(name, value);
        }
    }
    response
        .body(Body::from(answer.bytes().await.expect("a body")))
        .expect("a response")
}

/// Two people push at once: the second is told, and neither's work is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_race_is_told_and_overwrites_nothing() {
    let place = Place::new().await;
    place.write("p.yaml", POLICY);
    let id = place
        .policy("push p.yaml --server circleci --name agents -o json")
        .ends(0)
        .json();
    let id = id["policy"].as_str().expect("an id").to_owned();
    for (ending, limit, state) in [
        ("/versions", 4, "Nothing was saved"),
        ("/publish", 3, "is saved and not published"),
    ] {
        let before = place.versions(&id).await;
        let (api, policy) = (place.acme.api.clone(), id.clone());
        let edit = move || -> futures_util::future::BoxFuture<'static, ()> {
            let (api, path) = (api.clone(), format!("/policies/{policy}/versions"));
            let document = json!({ "version": "1", "default": "allow" });
            Box::pin(async move {
                api.post(&path, &json!({ "document": document })).await.ok();
            })
        };
        let meanwhile = Meanwhile {
            app: place.app.url.clone(),
            ending,
            edit: Box::new(edit),
            done: AtomicBool::new(false),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let router = Router::new()
            .fallback(hand_on)
            .with_state(Arc::new(meanwhile));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await });
        place.write(
            "p.yaml",
            &POLICY.replace("max: 5", &format!("max: {limit}")),
        );
        let told = place
            .policy_at(&url, &format!("push p.yaml --policy {id}"))
            .ends(1);
        serving.abort();
        assert!(told.err.contains("changed by someone else"), "{}", told.err);
        assert!(told.err.contains(state), "{}", told.err);
        assert_eq!(
            place.versions(&id).await.1,
            before.1,
            "what decides is as it was"
        );
    }
}

/// The blocks of `docs/git-workflow.md`, in a real repository: a change that holds is published by
/// the merge's script and decides calls; one that does not is refused by the pull request's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn policies_in_git_work_as_the_document_says() {
    let (app, upstream) = tokio::join!(TestApp::spawn(), Scripted::start(&["rerun_workflow"]));
    let acme = app.bootstrap("Acme");
    let (server, proxy_url) = acme
        .api
        .register("CircleCI", &upstream.url, json!({}))
        .await;
    let open = json!({ "version": "1", "default": "deny", "tools": { "rerun_workflow": {} } });
    let path = format!("/servers/{server}/policies");
    let new = json!({ "name": "ci-agents", "publish": true, "document": open });
    let made = acme.api.post(&path, &new).await.ok();
    let policy = made["id"].as_str().expect("an id").to_owned();
    let path = format!("/servers/{server}/grants");
    let new = json!({ "label": "ci", "policy_id": policy });
    let made = acme.api.post(&path, &new).await.ok();
    let token = made["token"].as_str().expect("a token").to_owned();

    let folder = tempfile::tempdir().expect("a folder");
    let text = read("docs/git-workflow.md");
    let shell = |at: &Path, script: &str| {
        let path = std::env::var("PATH").expect("a PATH");
        let bin = binary();
        let output = Command::new("bash")
            .args(["-euo", "pipefail", "-c", script])
            .current_dir(at)
            .env(
                "PATH",
                format!("{}:{path}", bin.parent().expect("a folder").display()),
            )
            .env("TOLLGATE_URL", &app.url)
            .env("TOLLGATE_API_KEY", acme.api.key())
            .envs([
                ("GIT_AUTHOR_NAME", "Ada"),
                ("GIT_AUTHOR_EMAIL", "ada@example.com"),
            ])
            .envs([
                ("GIT_COMMITTER_NAME", "Ada"),
                ("GIT_COMMITTER_EMAIL", "ada@example.com"),
            ])
            .envs([
                ("GIT_CONFIG_GLOBAL", "/dev/null"),
                ("GIT_CONFIG_SYSTEM", "/dev/null"),
            ])
            .output()
            .expect("bash runs");
        Ended::of(&output, acme.api.key())
    };

    // As pasted, from an empty folder to a repository that differs from nothing.
    let script = blocks(&text, "sh").join("\n");
    let told = shell(folder.path(), &script).ends(0);
    assert!(
        told.out.contains("version 1 says the same; nothing to do"),
        "{}{}",
        told.out,
        told.err
    );
    let repository = folder.path().join("agent-policies");
    let file = repository.join("policies/circleci/ci-agents.yaml");

    // A bad edit never gets past the pull request, nor past the merge.
    let [edited] = &blocks(&text, "yaml policy")[..] else {
        panic!("one policy")
    };
    for (right, wrong) in [("op: regex", "op: regexp"), ("max: 3", "max: 4")] {
        assert!(edited.contains(right));
        std::fs::write(&file, edited.replacen(right, wrong, 1)).expect("a file");
        let told = shell(
            &repository,
            "git commit --quiet --all -m 'A mistake'; policies/check",
        )
        .ends(3);
        assert!(
            told.out.contains("policies/circleci/ci-agents.yaml:"),
            "{}",
            told.out
        );
        shell(&repository, "policies/publish").ends(3);
    }
    let now = acme.api.get(&format!("/policies/{policy}")).await.ok();
    assert_eq!(
        (&now["latest_version"], &now["published_version"]),
        (&json!(1), &json!(1))
    );

    // A good one is previewed, then published, and then it decides.
    std::fs::write(&file, format!("{edited}\n")).expect("a file");
    let told = shell(
        &repository,
        "git commit --quiet --all -m 'Three reruns'; policies/check; policies/publish --dry-run",
    )
    .ends(0);
    assert!(
        told.out.contains("version 2 would be saved and published"),
        "{}",
        told.out
    );
    let told = shell(&repository, "policies/publish; policies/publish").ends(0);
    assert!(
        told.out.contains("version 2 is saved and published"),
        "{}",
        told.out
    );
    assert!(
        told.out.contains("version 2 says the same; nothing to do"),
        "{}",
        told.out
    );
    let version = acme
        .api
        .get(&format!("/policies/{policy}/versions/2"))
        .await
        .ok();
    let commit = shell(&repository, "git log -1 --format=%h").ends(0).out;
    assert_eq!(version["note"], format!("commit {}", commit.trim()));

    let agent = Agent::connect(&proxy_url, &token).await;
    eventually("the published version", async || {
        let refused = agent
            .call("rerun_workflow", json!({}))
            .await
            .expect("an answer");
        (refused.is_error == Some(true)).then_some(())
    })
    .await;
    for n in 1..=4 {
        let result = agent.rerun().await.expect("an answer");
        assert_eq!(
            result.is_error == Some(true),
            n == 4,
            "rerun {n}: {}",
            said(&result)
        );
    }

    // Somebody edits in the browser: the nightly job notices.
    let path = format!("/policies/{policy}/versions");
    acme.api
        .post(
            &path,
            &json!({ "document": { "version": "1", "default": "allow" } }),
        )
        .await
        .ok();
    acme.api
        .post(
            &format!("/policies/{policy}/publish"),
            &json!({ "version": 3 }),
        )
        .await
        .ok();
    let nightly = blocks(&text, "sh").pop().expect("a block");
    shell(&repository, &nightly).ends(3);

    // The CI files are YAML and run these scripts, whole.
    let ci = blocks(&text, "yaml ci");
    assert_eq!(ci.len(), 2);
    for config in ci {
        for event in saphyr_parser::Parser::new_from_str(&config) {
            event.unwrap_or_else(|error| panic!("{error}:\n{config}"));
        }
        assert!(config.contains("- run: policies/check\n"), "{config}");
        assert!(config.contains("- run: policies/publish"), "{config}");
    }
}
