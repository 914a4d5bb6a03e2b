//! `tollgate policy check`, `test`, `decide` and `diff`, without a server and without configuration.

#![expect(
    clippy::unwrap_used,
    reason = "what a test needs and does not get ends the test"
)]

mod decide;

use std::{
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

/// A folder with files, to run commands in.
struct Folder(TempDir);

/// What a command said and how it ended.
struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Self(folder)
    }

    fn policy(&self, line: &[&str]) -> Ended {
        self.policy_with(line, "")
    }

    fn policy_with(&self, line: &[&str], input: &str) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("TOLLGATE_") {
                command.env_remove(name);
            }
        }
        let mut child = command
            .arg("policy")
            .args(line)
            .current_dir(self.0.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that does not read its input closes it.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let Output {
            status,
            stdout,
            stderr,
        } = child.wait_with_output().unwrap();
        Ended {
            code: status.code(),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        }
    }
}

impl Ended {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("{}{}", self.out, self.err))
    }

    /// Each line as JSON.
    fn lines(&self) -> Vec<Value> {
        let lines = self.out.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[track_caller]
    fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        self
    }
}

/// What a command prints, word for word; `TOLLGATE_BLESS=1` writes it anew.
#[track_caller]
fn golden(name: &str, printed: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/policy")
        .join(name);
    if std::env::var_os("TOLLGATE_BLESS").is_some() {
        std::fs::write(&path, printed).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert_eq!(printed, expected, "{}", path.display());
}

const BAD_YAML: &str = r#"# Agents that build.
version: "1"
default: deny
tools:
  rerun_workflow:
    require:
      - conditions:
          - { path: args.params.workflowId, op: regexp, value: "^[0-9a-f-]{36}$" }
    limit: []
    limits:
      - counter: reruns
        window: minute
        max: ten
    rate_limit: { max: 1, window: 60, max: 2 }
"#;

const UUID: &str = "8c2f7d3e-6a54-4f0e-9d3b-2f1f0c7f9a11";

const GOOD_YAML: &str = r#"version: "1"
default: deny
hide: [run_rollback_pipeline]
tools:
  rerun_workflow:
    require:
      - conditions:
          - { path: args.params.workflowId, op: regex, value: "^[0-9a-f-]{36}$" }
        on_deny: workflowId must be a UUID.
    rate_limit: { max: 2, window: minute }
  spend:
    deny_if:
      - { conditions: [{ path: args.amount, op: gt, value: 100 }], missing: pass }
tests:
  - name: a UUID passes
    tool: rerun_workflow
    args: { params: { workflowId: 8c2f7d3e-6a54-4f0e-9d3b-2f1f0c7f9a11 } }
    expect: allow
  - name: the third in a minute is refused
    tool: rerun_workflow
    args: { params: { workflowId: 8c2f7d3e-6a54-4f0e-9d3b-2f1f0c7f9a11 } }
    repeat: 3
    expect: deny
    rule: /tools/rerun_workflow/rate_limit
"#;

/// One of its tests expects what does not happen.
fn failing() -> String {
    GOOD_YAML.replace("repeat: 3", "repeat: 2")
}

#[test]
fn faults_are_told_at_the_lines_and_columns_of_the_yaml() {
    let folder = Folder::new(&[("bad.yaml", BAD_YAML)]);
    let told = folder.policy(&["check", "bad.yaml"]).ends(3);
    golden("bad.txt", &told.out);
    let report = folder
        .policy(&["check", "bad.yaml", "-o", "json"])
        .ends(3)
        .json();
    golden("bad.json", &format!("{report:#}\n"));
    let places: Vec<_> = report["faults"].as_array().unwrap().iter().collect();
    for (code, needle) in [
        ("unknown_operator", "regexp"),
        ("unknown_field", "limit: []"),
        ("wrong_type", "ten"),
        ("duplicate_key", "max: 2"),
    ] {
        let fault = places.iter().find(|fault| fault["code"] == code).unwrap();
        let line = BAD_YAML
            .lines()
            .position(|line| line.contains(needle))
            .unwrap();
        let column = BAD_YAML.lines().nth(line).unwrap().find(needle).unwrap();
        assert_eq!(
            (&fault["line"], &fault["column"]),
            (&json!(line + 1), &json!(column + 1))
        );
    }
}

/// The JSON of a YAML file has the same faults, by pointer and code, in whichever of the two it is
/// written.
#[test]
fn json_and_yaml_have_the_same_faults() {
    let json =
        r#"{"version":"1","default":"dney","tools":{"a":{"limits":[{"counter":"c"}]}},"x":1}"#;
    let yaml = "version: '1'\ndefault: dney\ntools:\n  a:\n    limits:\n    - counter: c\nx: 1\n";
    let folder = Folder::new(&[("a.json", json), ("a.yml", yaml)]);
    let of = |file| {
        let report = folder.policy(&["check", file, "-o", "json"]).ends(3).json();
        let faults = report["faults"].as_array().unwrap().clone();
        let mut faults: Vec<_> = faults
            .iter()
            .map(|f| (f["pointer"].to_string(), f["code"].to_string()))
            .collect();
        faults.sort();
        faults
    };
    assert_eq!(of("a.json"), of("a.yml"));
    assert!(of("a.json").len() >= 4);
}

#[test]
fn a_valid_policy_is_called_valid_from_a_file_and_from_standard_input() {
    let folder = Folder::new(&[("good.yaml", GOOD_YAML)]);
    let told = folder.policy(&["check", "good.yaml"]).ends(0);
    assert_eq!(told.out, "good.yaml: valid; 2 tests passed\n");
    for (input, name) in [
        (GOOD_YAML, "-"),
        (r#"{"version":"1","default":"deny"}"#, "-"),
    ] {
        let told = folder
            .policy_with(&["check", name, "-o", "json"], input)
            .ends(0);
        assert_eq!(
            told.json(),
            json!({ "valid": true, "faults": [], "warnings": [] })
        );
    }
}

#[test]
fn several_files_are_checked_at_once() {
    let folder = Folder::new(&[("good.yaml", GOOD_YAML), ("bad.yaml", BAD_YAML)]);
    let reports = folder
        .policy(&["check", "good.yaml", "bad.yaml", "-o", "json"])
        .ends(3)
        .json();
    assert_eq!(reports[0]["file"], "good.yaml");
    assert_eq!(reports[0]["valid"], true);
    assert_eq!(reports[1]["valid"], false);
}

#[test]
fn a_failing_test_is_a_fault_and_says_what_came_out() {
    let folder = Folder::new(&[("a.yaml", &failing())]);
    let report = folder
        .policy(&["check", "a.yaml", "-o", "json"])
        .ends(3)
        .json();
    let fault = &report["faults"][0];
    assert_eq!(
        (&fault["code"], &fault["pointer"]),
        (&json!("test_failed"), &json!("/tests/1"))
    );
    assert_eq!(fault["line"], 19);
    let told = folder.policy(&["test", "a.yaml"]).ends(3);
    golden("failing.txt", &told.out);
    let tests = folder
        .policy(&["test", "a.yaml", "-o", "json"])
        .ends(3)
        .json();
    assert_eq!((&tests["passed"], &tests["failed"]), (&json!(1), &json!(1)));
    assert_eq!(
        tests["tests"][1]["name"],
        "the third in a minute is refused"
    );
    assert_eq!(tests["tests"][1]["passed"], false);
}

#[test]
fn a_document_without_tests_says_so_and_a_bad_one_has_none_to_run() {
    let folder = Folder::new(&[
        ("a.json", r#"{"version":"1","default":"deny"}"#),
        ("bad.yaml", BAD_YAML),
    ]);
    let told = folder.policy(&["test", "a.json"]).ends(0);
    assert_eq!(told.out, "a.json: the document has no tests\n");
    let told = folder.policy(&["test", "bad.yaml"]).ends(3);
    assert!(told.out.contains("unknown_operator"));
}

#[test]
fn what_is_no_file_or_no_document_ends_with_a_sentence() {
    let folder = Folder::new(&[
        ("empty.json", ""),
        ("empty.yaml", ""),
        ("two.yaml", "a: 1\n---\nb: 2\n"),
    ]);
    let told = folder.policy(&["check", "nothing.yaml"]).ends(2);
    assert!(
        told.err.contains("cannot read nothing.yaml"),
        "{}",
        told.err
    );
    for (file, code) in [
        ("empty.json", "bad_json"),
        ("empty.yaml", "bad_yaml"),
        ("two.yaml", "bad_yaml"),
    ] {
        let report = folder.policy(&["check", file, "-o", "json"]).ends(3).json();
        assert_eq!(report["faults"][0]["code"], code, "{file}");
    }
    std::fs::write(folder.0.path().join("latin.json"), b"{\"a\": \"\xE9\"}").unwrap();
    let report = folder
        .policy(&["check", "latin.json", "-o", "json"])
        .ends(3)
        .json();
    assert_eq!(report["faults"][0]["column"], 8);
    let large = format!(
        "{{\"version\":\"1\",\"description\":\"{}\"}}",
        "x".repeat(300 << 10)
    );
    std::fs::write(folder.0.path().join("large.json"), large).unwrap();
    let report = folder
        .policy(&["check", "large.json", "-o", "json"])
        .ends(3)
        .json();
    assert_eq!(report["faults"][0]["code"], "document_too_large");
}

/// Neither a terminal nor a reader is deceived by what stands in a file.
#[test]
fn nothing_in_a_file_reaches_the_terminal_unseen() {
    let text = "{\"version\":\"1\",\"default\":\"deny\",\"tools\":{\"a\u{202e}b\":{},\"c\\u001b[2J\":{\"nope\u{200b}\":1}}}";
    let folder = Folder::new(&[("a.json", text)]);
    let told = folder.policy(&["check", "a.json"]).ends(3);
    assert!(told.out.contains("<U+202E>"), "{}", told.out);
    let json = folder.policy(&["check", "a.json", "-o", "json"]).ends(3);
    for said in [&told, &json] {
        let seen = |c: char| c == '\n' || !(c.is_control() || "\u{202e}\u{200b}".contains(c));
        assert!(said.out.chars().all(seen), "{}", said.out);
    }
    assert!(
        json.json()["faults"].to_string().contains('\u{202e}'),
        "it means the same"
    );
}

/// A command that needs Tollgate says that it is not there, and never says the key.
#[test]
fn a_tollgate_that_is_not_there_ends_with_4_and_the_key_stays_secret() {
    let folder = Folder::new(&[("p.yaml", GOOD_YAML)]);
    let key = "tg_key_0123456789abcdefghijklmnopqrstuvwxyz";
    let policy = "pol_0198f0c27d6a7c10a4b2f1b3c5d7e9f1";
    for command in ["push", "diff", "pull"] {
        let line = [
            command,
            "p.yaml",
            "--policy",
            policy,
            "--url",
            "http://127.0.0.1:1",
            "--api-key",
            key,
        ];
        let told = folder.policy(&line).ends(4);
        assert!(
            told.err
                .contains("Tollgate at http://127.0.0.1:1 cannot be reached"),
            "{}",
            told.err
        );
        assert!(!told.err.contains(key) && !told.out.contains(key));
        let line = [command, "p.yaml", "--policy", policy, "--api-key", key];
        let told = folder.policy(&line).ends(2);
        assert!(
            told.err.contains("TOLLGATE_URL") && !told.err.contains(key),
            "{}",
            told.err
        );
    }
    // An API key does not cross a public network in the clear.
    let line = [
        "pull",
        "--policy",
        policy,
        "--url",
        "http://1.1.1.1",
        "--api-key",
        key,
    ];
    let told = folder.policy(&line).ends(4);
    assert!(told.err.contains("use https"), "{}", told.err);
}
