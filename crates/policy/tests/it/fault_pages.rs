//! Each code has a page in `docs/faults`, and what the page shows is true.

use std::{collections::BTreeSet, fs, path::PathBuf};

use domain::Tool;
use policy::{FAULT_CODES, Fault, Report, WARNING_CODES, check};

use crate::common::{classed, tool};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/faults")
}

fn codes() -> BTreeSet<&'static str> {
    FAULT_CODES.iter().chain(WARNING_CODES).copied().collect()
}

/// A fenced block: the words behind its backticks, and what stands in it.
struct Fence<'p> {
    info: &'p str,
    text: &'p str,
}

fn fences(page: &str) -> Vec<Fence<'_>> {
    let mut parts = page.split("```");
    parts.next();
    let mut fences = Vec::new();
    while let (Some(block), Some(_)) = (parts.next(), parts.next()) {
        let (info, text) = block
            .split_once('\n')
            .expect("a fence has a line of its own");
        fences.push(Fence { info, text });
    }
    fences
}

/// An option of a fence, such as `expand=33`.
fn option<'p>(fence: &Fence<'p>, name: &str) -> Option<&'p str> {
    let mut words = fence.info.split(' ');
    words.find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

/// The document, with what stands in «…» as often as the page says.
fn document(fence: &Fence<'_>) -> String {
    let Some(times) = option(fence, "expand") else {
        return fence.text.to_owned();
    };
    let (before, rest) = fence.text.split_once('«').expect("something to repeat");
    let (repeated, after) = rest.split_once('»').expect("its end");
    let between = if repeated.starts_with('{') { "," } else { "" };
    let times = times.parse().expect("a number");
    format!("{before}{}{after}", vec![repeated; times].join(between))
}

/// The tools of the page's server, such as `get_a,delete_b:destructive`.
fn inventory(fence: &Fence<'_>) -> Option<Vec<Tool>> {
    let list = option(fence, "tools")?.split(',');
    Some(
        list.map(|entry| match entry.split_once(':') {
            Some((name, class)) => classed(name, class.parse().expect("a class")),
            None => tool(entry),
        })
        .collect(),
    )
}

/// Findings as the pages show them.
fn told(report: &Report) -> String {
    let findings = report.faults.iter().chain(&report.warnings);
    findings.map(one).collect::<Vec<_>>().join("\n")
}

fn one(fault: &Fault) -> String {
    let place = match fault.pointer.as_str() {
        "" => String::new(),
        pointer => format!(", {pointer}"),
    };
    let mut text = format!("line {}, column {}{place}\n", fault.line, fault.column);
    text += &format!("  {}: {}\n", fault.code, fault.detail);
    if let Some(got) = &fault.got {
        text += &format!("  got {got}\n");
    }
    if let Some(hint) = &fault.hint {
        text += &format!("  nearest: {hint}\n");
    }
    text
}

/// The example has the code, the output is what the check says to the letter, and what the page
/// says would be right is. `TOLLGATE_WRITE_FAULTS=1` writes the outputs anew.
#[test]
fn every_page_shows_its_code_and_how_to_put_it_right() {
    for code in codes() {
        let path = folder().join(format!("{code}.md"));
        let page = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{code}: {error}"));
        assert!(page.starts_with(&format!("# `{code}`\n")), "{code}");
        for heading in ["\n## How to put it right\n", "\n## Why\n"] {
            assert!(page.contains(heading), "{code} has no{heading}");
        }
        let fences = fences(&page);
        let [bad, output, good @ ..] = &fences[..] else {
            panic!("{code} has an example and its output");
        };
        assert!(
            bad.info.starts_with("json fault") && output.info == "text",
            "{code}"
        );
        let tools = inventory(bad);
        let report = check(&document(bad), tools.as_deref());
        let mut findings = report.faults.iter().chain(&report.warnings);
        assert!(
            findings.any(|fault| fault.code == code),
            "{code}: {report:#?}"
        );
        if std::env::var_os("TOLLGATE_WRITE_FAULTS").is_some() {
            let shown = format!("```text\n{}```", output.text);
            let now = format!("```text\n{}```", told(&report));
            fs::write(&path, page.replacen(&shown, &now, 1)).expect("docs can be written");
        } else {
            assert_eq!(output.text, told(&report), "{code}");
        }
        assert!(!good.is_empty(), "{code} shows what is right");
        for fence in good {
            assert_eq!(fence.info, "json", "{code}");
            let report = check(fence.text, tools.as_deref());
            assert!(report.valid, "{code}: {report:#?}");
            assert!(
                report.warnings.iter().all(|it| it.code != code),
                "{code}: {report:#?}"
            );
        }
    }
}

#[test]
fn there_is_no_page_without_a_code_and_the_index_has_all() {
    let files = fs::read_dir(folder()).expect("there is a folder of pages");
    let names: BTreeSet<String> = files
        .map(|file| {
            file.expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| name != "README.md")
        .collect();
    let expected: BTreeSet<String> = codes().iter().map(|code| format!("{code}.md")).collect();
    assert_eq!(names, expected);
    let index = fs::read_to_string(folder().join("README.md")).expect("there is an index");
    for code in codes() {
        assert!(index.contains(&format!("[`{code}`]({code}.md)")), "{code}");
    }
}
