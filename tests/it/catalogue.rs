//! The whole of a large catalogue, where the folder with it is there.

use std::{
    collections::HashSet,
    fs::File,
    io::{BufRead, BufReader, Write as _},
    path::PathBuf,
    process::Command,
};

use serde_json::Value;
use tests::{TestApp, app::binary, repository};

const FILES: [&str; 4] = [
    "servers.jsonl",
    "platform-metorial.jsonl",
    "platform-composio.jsonl",
    "unscanned.jsonl",
];

/// `TOLLGATE_SHARED/catalog`, or `../shared/catalog` beside the repository.
fn folder() -> Option<PathBuf> {
    let shared = std::env::var_os("TOLLGATE_SHARED").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| repository().join("../shared"));
    let folder = shared.join("catalog");
    folder.join(FILES[0]).exists().then_some(folder)
}

/// As somebody who does not know the importer counts the files.
#[derive(Default)]
struct Counted {
    slugs: HashSet<String>,
    scanned: u64,
    unscanned: u64,
    tools: u64,
}

fn count(folder: &std::path::Path) -> Counted {
    let mut counted = Counted::default();
    for name in FILES {
        let file = File::open(folder.join(name)).expect("a file of the catalogue");
        for line in BufReader::new(file).lines() {
            let line: Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
            counted
                .slugs
                .insert(line["slug"].as_str().expect("a slug").to_owned());
            match line["tools"].as_array() {
                Some(tools) => {
                    counted.scanned += 1;
                    counted.tools += tools.len() as u64;
                }
                None => counted.unscanned += 1,
            }
        }
    }
    counted
}

fn tollgate(app: &TestApp, arguments: &[&str], files: &[PathBuf]) -> (Option<i32>, String) {
    let output = Command::new(binary())
        .args(arguments)
        .args(files)
        .arg("--data")
        .arg(app.data.path())
        .output()
        .expect("tollgate runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    (output.status.code(), text + &errors)
}

fn import(app: &TestApp, files: &[PathBuf]) -> Value {
    let (code, out) = tollgate(app, &["catalog", "import", "-o", "json"], files);
    assert_eq!(code, Some(0), "{out}");
    serde_json::from_str(&out).expect("a report")
}

#[tokio::test]
async fn a_whole_catalogue_is_loaded_and_loading_it_again_does_nothing() {
    let Some(folder) = folder() else {
        let _ = writeln!(
            std::io::stderr(),
            "skipped: there is no ../shared/catalog (set TOLLGATE_SHARED)"
        );
        return;
    };
    let counted = count(&folder);
    assert_eq!((counted.scanned, counted.unscanned), (5_093, 6_800));
    assert_eq!((counted.tools, counted.slugs.len()), (70_668, 11_893));
    let app = TestApp::spawn().await;
    let files = FILES.map(|name| folder.join(name));
    let first = import(&app, &files);
    let number = |report: &Value, field: &str| report[field].as_u64().expect(field);
    // What ships with Tollgate is kept as it is.
    let all = counted.slugs.len() as u64;
    assert_eq!(
        number(&first, "added") + number(&first, "kept"),
        all,
        "{first}"
    );
    assert_eq!(first["faults"], Value::Array(vec![]));
    assert!(number(&first, "tools") <= counted.tools);

    let again = import(&app, &files);
    assert_eq!(
        number(&again, "unchanged"),
        number(&first, "added"),
        "{again}"
    );
    assert_eq!(number(&again, "kept"), number(&first, "kept"));
    assert_eq!((number(&again, "added"), number(&again, "changed")), (0, 0));

    // What was imported comes out as it went in, tool for tool.
    let export = ["catalog", "export", "--origin", "imported"];
    let (code, out) = tollgate(&app, &export, &[]);
    assert_eq!(code, Some(0));
    let lines: Vec<Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len() as u64, number(&first, "added"));
    let tools = lines.iter().filter_map(|line| line["tools"].as_array());
    assert_eq!(
        tools.map(Vec::len).sum::<usize>() as u64,
        number(&first, "tools")
    );
    let kept: HashSet<&str> = lines
        .iter()
        .filter_map(|line| line["slug"].as_str())
        .collect();
    assert!(kept.iter().all(|slug| counted.slugs.contains(*slug)));
}

#[tokio::test]
async fn a_bad_line_is_named_and_the_others_are_loaded() {
    let app = TestApp::spawn().await;
    let file = app.data.path().join("lines.jsonl");
    let lines = concat!(
        r#"{"slug":"one","name":"One","tools":[{"name":"get_it"}],"stars":3}"#,
        "\n\nnonsense\n",
        r#"{"slug":"one","name":"Again"}"#,
        "\n",
        r#"{"slug":"Two","name":"Two"}"#,
    );
    std::fs::write(&file, lines).expect("a file");
    let files = [file];
    let strict = ["catalog", "import", "--strict", "-o", "json"];
    let (code, out) = tollgate(&app, &strict, &files);
    assert_eq!(code, Some(1), "{out}");
    let report: Value = serde_json::from_str(&out).expect("a report");
    assert_eq!(
        (&report["loaded"], &report["added"]),
        (&false.into(), &0.into())
    );
    let (code, out) = tollgate(&app, &["catalog", "import", "-o", "json"], &files);
    assert_eq!(code, Some(1), "{out}");
    let report: Value = serde_json::from_str(&out).expect("a report");
    assert_eq!((&report["added"], &report["tools"]), (&1.into(), &1.into()));
    assert_eq!(report["unknown_fields"]["stars"], 1);
    let faults = report["faults"].as_array().expect("faults");
    let at: Vec<u64> = faults
        .iter()
        .filter_map(|fault| fault["line"].as_u64())
        .collect();
    assert_eq!(at, [3, 4, 5]);

    let correct = [
        "catalog",
        "correct",
        "one",
        "get_it",
        "--class",
        "destructive",
    ];
    let (code, out) = tollgate(&app, &correct, &[]);
    assert_eq!(
        (code, out.trim()),
        (Some(0), "one get_it: destructive, critical risk")
    );
    let (code, _) = tollgate(
        &app,
        &["catalog", "correct", "one", "none", "--class", "read"],
        &[],
    );
    assert_eq!(code, Some(1));
}
