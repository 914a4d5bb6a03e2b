//! The documents: every file of `docs/` that is for users, built into the binary.

use std::sync::LazyLock;

use super::markdown;

/// A document as it was written.
pub(super) struct Document {
    /// Its page is `/docs/` and this.
    pub(super) name: &'static str,
    pub(super) text: &'static str,
}

/// Documents that belong together on the index.
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) documents: &'static [Document],
}

macro_rules! documents {
    ($($name:literal,)*) => {
        &[$(Document {
            name: $name,
            text: include_str!(concat!("../../../../docs/", $name, ".md")),
        },)*]
    };
}

/// Everything but the pages of faults. A test looks for files that are missing here.
pub(super) const SECTIONS: [Section; 4] = [
    Section {
        title: "Start",
        documents: documents! { "quick-start", "clients", },
    },
    Section {
        title: "Policies",
        documents: &[
            POLICY,
            CLI,
            GIT,
            Document {
                name: "faults",
                text: include_str!("../../../../docs/faults/README.md"),
            },
        ],
    },
    Section {
        title: "What servers can do",
        documents: documents! { "scan", "catalogue-for-programs", "attacks", },
    },
    Section {
        title: "Operation",
        documents: documents! { "running", "catalogue", "performance", },
    },
];

const POLICY: Document = Document {
    name: "policy",
    text: include_str!("../../../../docs/policy.md"),
};
const CLI: Document = Document {
    name: "cli",
    text: include_str!("../../../../docs/cli.md"),
};
const GIT: Document = Document {
    name: "git-workflow",
    text: include_str!("../../../../docs/git-workflow.md"),
};

macro_rules! faults {
    ($($code:literal,)*) => {
        &[$(Document {
            name: concat!("faults/", $code),
            text: include_str!(concat!("../../../../docs/faults/", $code, ".md")),
        },)*]
    };
}

/// The page of each code, in the order of their index.
pub(super) const FAULTS: &[Document] = faults! {
    "bad_json",
    "duplicate_key",
    "document_too_large",
    "too_deep",
    "unknown_field",
    "missing_field",
    "wrong_type",
    "bad_value",
    "out_of_range",
    "too_many",
    "empty_list",
    "text_too_long",
    "unsupported_version",
    "unknown_operator",
    "bad_path",
    "bad_regex",
    "regex_too_large",
    "bad_glob",
    "bad_cidr",
    "bad_host",
    "bad_counter",
    "counter_twice",
    "counter_disagrees",
    "action_allow_in_all_tools",
    "approval_twice",
    "test_failed",
    "unknown_tool",
    "glob_matches_nothing",
    "hidden_anyway",
    "compares_with_null",
    "nothing_required",
    "unanchored_pattern",
    "unknown_annotation",
    "reason_unused",
    "scope_not_safe",
    "class_bypassed",
    "limit_unbounded",
    "argument_unconstrained",
    "not_available",
};

/// A document, made ready once.
pub(super) struct Page {
    pub(super) document: &'static Document,
    pub(super) title: String,
    /// Its first paragraph, without markup.
    pub(super) about: String,
    pub(super) body: markdown::Body,
}

impl Page {
    pub(super) fn path(&self) -> String {
        format!("/docs/{}", self.document.name)
    }

    /// Whether it is the page of one fault or warning.
    pub(super) fn is_fault(&self) -> bool {
        self.document.name.starts_with("faults/")
    }
}

/// All of them, the sections' first.
pub(super) static PAGES: LazyLock<Vec<Page>> = LazyLock::new(|| {
    let sections = SECTIONS.iter().flat_map(|section| section.documents);
    sections
        .chain(FAULTS)
        .map(|document| {
            let body = markdown::body(document.text);
            Page {
                title: body.title.clone(),
                about: body.about.clone(),
                document,
                body,
            }
        })
        .collect()
});

pub(super) fn page(name: &str) -> Option<&'static Page> {
    PAGES.iter().find(|page| page.document.name == name)
}

/// Whether a document of this name is served.
pub(super) fn has(name: &str) -> bool {
    let sections = SECTIONS.iter().flat_map(|section| section.documents);
    sections.chain(FAULTS).any(|document| document.name == name)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    fn files(folder: &str) -> BTreeSet<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
        fs::read_dir(root.join(folder))
            .expect("the folder")
            .filter_map(|entry| {
                let name = entry.expect("an entry").file_name();
                name.to_str()?.strip_suffix(".md").map(str::to_owned)
            })
            .collect()
    }

    #[test]
    fn every_document_is_on_the_shelf() {
        for name in files("") {
            assert!(has(&name), "docs/{name}.md belongs into SECTIONS");
        }
        for name in files("faults") {
            let served = name == "README" || has(&format!("faults/{name}"));
            assert!(served, "docs/faults/{name}.md belongs into FAULTS");
        }
    }

    /// A new code without a page here would be a link to nowhere.
    #[test]
    fn every_code_has_its_page() {
        let pages: Vec<_> = FAULTS
            .iter()
            .map(|document| document.name.trim_start_matches("faults/"))
            .collect();
        assert_eq!(pages, [policy::FAULT_CODES, policy::WARNING_CODES].concat());
    }

    #[test]
    fn every_page_says_what_it_is() {
        for page in PAGES.iter() {
            let name = page.document.name;
            assert!(!page.title.is_empty(), "{name} has a title");
            assert!(page.about.len() > 20, "{name}: {:?}", page.about);
            assert!(!page.about.contains(['`', '[']), "{name}: {}", page.about);
            assert_eq!(
                page.body.html.matches("<h1").count(),
                1,
                "{name} has one h1"
            );
        }
    }

    /// Every link of ours between documents leads somewhere, to a heading that is there.
    #[test]
    fn no_link_between_documents_is_broken() {
        let mut links = 0;
        for page in PAGES.iter() {
            for part in page.body.html.split("href=\"").skip(1) {
                let link = part.split('"').next().unwrap_or_default();
                let (path, place) = link.split_once('#').unwrap_or((link, ""));
                let target = match path.strip_prefix("/docs/") {
                    _ if path.is_empty() => Some(page),
                    Some("api") | None => {
                        let known = ["/docs/api", "/schemas/policy-1.json", "/openapi.json"];
                        let outside = path.starts_with("http") || known.contains(&path);
                        assert!(outside, "{}: {link}", page.document.name);
                        continue;
                    }
                    Some(name) => super::page(name),
                };
                let target = target.unwrap_or_else(|| panic!("{}: {link}", page.document.name));
                let there =
                    place.is_empty() || target.body.html.contains(&format!("id=\"{place}\""));
                assert!(there, "{}: {link}", page.document.name);
                links += 1;
            }
        }
        assert!(links > 40, "{links} links");
    }
}
