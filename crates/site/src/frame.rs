//! What surrounds every public page: navigation, footer, and what search engines and previews read.

use time::{Date, format_description::BorrowedFormatItem, macros::format_description};

use crate::{Settings, statics};

const DAY: &[BorrowedFormatItem<'_>] =
    format_description!("[day padding:none] [month repr:long] [year]");

/// What `open.html` needs to know of the page inside it, as its field `frame`.
///
/// ```ignore
/// site.settings.frame("/catalog").titled("Catalogue").about("Every known …").with_twin()
/// ```
///
/// gives the page its title, description, canonical link, OpenGraph properties and the link to its
/// Markdown twin. A page without an address ([`Frame::unlisted`]) is not indexed.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    /// In the browser's tab and in previews, without the product's name.
    pub title: String,
    /// One or two sentences for search results and previews; empty where there is nothing to say.
    pub description: String,
    /// Whether the navigation offers to sign up.
    pub sign_up: bool,
    /// Whether search engines may list the page.
    pub listed: bool,
    /// The day that the catalogue's data is from, in words.
    pub dated: Option<String>,
    /// JSON-LD documents, ready to stand in a script element.
    pub facts: Vec<String>,
    base: String,
    path: String,
    twin: bool,
}

impl Settings {
    /// The frame of the page that lives at `path`, which begins with a slash and has no query.
    #[must_use]
    pub fn frame(&self, path: impl Into<String>) -> Frame {
        Frame {
            sign_up: self.sign_up_open,
            listed: true,
            base: self.public_url.clone(),
            path: path.into(),
            ..Frame::default()
        }
    }
}

impl Frame {
    /// The frame of a page that is not to be found by search: a form, an error.
    #[must_use]
    pub fn unlisted(sign_up: bool) -> Self {
        Self {
            sign_up,
            ..Self::default()
        }
    }

    /// With this title.
    #[must_use]
    pub fn titled(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// With this description.
    #[must_use]
    pub fn about(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// With a link to its Markdown twin, at the same path and `.md` (`/index.md` for the first page).
    #[must_use]
    pub fn with_twin(mut self) -> Self {
        self.twin = true;
        self
    }

    /// With the day of the catalogue's data in the footer.
    #[must_use]
    pub fn dated(mut self, day: Option<Date>) -> Self {
        self.dated = day.and_then(|day| day.format(DAY).ok());
        self
    }

    /// With one more JSON-LD document.
    #[must_use]
    pub fn with_facts(mut self, facts: &serde_json::Value) -> Self {
        self.facts.push(in_script(facts));
        self
    }

    /// Where search engines should not list this state of the page, such as its search results.
    #[must_use]
    pub fn hidden(mut self) -> Self {
        self.listed = false;
        self
    }

    /// The page's one address; none where it has none of its own.
    pub(crate) fn address(&self) -> Option<String> {
        (!self.path.is_empty()).then(|| format!("{}{}", self.base, self.path))
    }

    /// Where its Markdown twin is.
    pub(crate) fn twin_path(&self) -> Option<String> {
        self.twin.then(|| match self.path.as_str() {
            "/" => "/index.md".to_owned(),
            path => format!("{path}.md"),
        })
    }

    /// The mark of the navigation's entry that the page belongs to.
    #[must_use]
    pub fn mark(&self, entry: &str) -> &'static str {
        let under = |root: &str| {
            self.path
                .strip_prefix(root)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let is = under(entry) && (entry != "/catalog" || !under("/catalog/attacks"));
        if is { " aria-current=\"true\"" } else { "" }
    }

    /// The canonical link and its kin, for the head of the page.
    #[must_use]
    pub fn links(&self) -> Links {
        let picture = |(width, height)| Picture {
            address: format!("{}{}", self.base, statics::url(statics::PREVIEW)),
            width,
            height,
        };
        Links {
            address: self.address(),
            twin: self.twin_path(),
            preview: statics::size(statics::PREVIEW).map(picture),
        }
    }
}

/// Addresses for the head of a page.
#[derive(Debug)]
pub struct Links {
    /// The canonical one.
    pub address: Option<String>,
    /// The Markdown twin's.
    pub twin: Option<String>,
    /// What previews of links show.
    pub preview: Option<Picture>,
}

/// A picture that other sites load.
#[derive(Debug)]
pub struct Picture {
    /// The whole address.
    pub address: String,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

/// JSON that cannot end the script element it stands in, nor open a comment.
fn in_script(value: &serde_json::Value) -> String {
    value.to_string().replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            public_url: "https://tollgate.example".to_owned(),
            sign_up_open: true,
            version: "0",
        }
    }

    #[test]
    fn a_page_has_one_address_and_a_twin_beside_it() {
        let page = settings().frame("/catalog/servers/circleci").with_twin();
        let address = "https://tollgate.example/catalog/servers/circleci";
        assert_eq!(page.address().as_deref(), Some(address));
        assert_eq!(
            page.twin_path().as_deref(),
            Some("/catalog/servers/circleci.md")
        );
        let first = settings().frame("/").with_twin();
        assert_eq!(first.twin_path().as_deref(), Some("/index.md"));
        assert_eq!(Frame::unlisted(true).address(), None);
        let preview = first.links().preview.expect("a picture of ours");
        assert_eq!((preview.width, preview.height), (1200, 630));
        let base = "https://tollgate.example/static/";
        assert!(preview.address.starts_with(base), "{}", preview.address);
        assert!(!Frame::unlisted(true).listed && first.listed);
    }

    #[test]
    fn the_navigation_marks_one_entry() {
        for (path, marked) in [
            ("/catalog/servers/x", "/catalog"),
            ("/catalog", "/catalog"),
            ("/catalog/attacks/y", "/catalog/attacks"),
            ("/docs/policy", "/docs"),
        ] {
            let page = settings().frame(path);
            let found = ["/catalog", "/catalog/attacks", "/docs"]
                .into_iter()
                .filter(|entry| !page.mark(entry).is_empty());
            assert_eq!(found.collect::<Vec<_>>(), [marked], "{path}");
        }
        assert_eq!(settings().frame("/docsy").mark("/docs"), "");
    }

    #[test]
    fn facts_cannot_leave_their_script() {
        let facts = serde_json::json!({"name": "</script><script>alert(1)</script><!--"});
        let page = settings().frame("/").with_facts(&facts);
        assert!(!page.facts[0].contains('<'), "{}", page.facts[0]);
        let back: serde_json::Value = serde_json::from_str(&page.facts[0]).expect("JSON");
        assert_eq!(back, facts);
    }
}
