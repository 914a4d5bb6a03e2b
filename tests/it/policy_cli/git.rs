//! Policies in a real Git repository, as `docs/git-workflow.md` keeps them.

use std::path::Path;

use super::*;
use crate::docs::{blocks, read};

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
