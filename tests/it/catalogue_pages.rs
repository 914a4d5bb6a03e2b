//! The public catalogue's pages, walked as a crawler does: every page is there, says where it lives,
//! can be kept, leads somewhere, and has a Markdown twin.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use reqwest::{Client, Response, header, redirect};
use serde_json::Value;
use tests::{TestApp, repository};

/// Addresses that one test walks at most.
const WALKED: usize = 240;

fn client() -> Client {
    let client = Client::builder().redirect(redirect::Policy::none());
    client.build().expect("a client")
}

/// A page and what a crawler makes of it.
struct Seen {
    text: String,
    etag: String,
}

struct Crawler {
    app: String,
    client: Client,
}

impl Crawler {
    fn new(app: &TestApp) -> Self {
        Self {
            app: app.url.clone(),
            client: client(),
        }
    }

    async fn get(&self, path: &str) -> Response {
        let answer = self.client.get(format!("{}{path}", self.app)).send().await;
        answer.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// A page that may be kept, and is the same for everyone.
    async fn kept(&self, path: &str, kind: &str) -> Seen {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), 200, "{path}");
        let said = |name: header::HeaderName| {
            let value = answer.headers().get(name);
            value
                .map_or("", |value| value.to_str().expect("text"))
                .to_owned()
        };
        assert_eq!(said(header::CONTENT_TYPE), kind, "{path}");
        assert_eq!(said(header::CACHE_CONTROL), "public, max-age=300", "{path}");
        assert_eq!(said(header::SET_COOKIE), "", "{path}");
        let etag = said(header::ETAG);
        assert!(etag.starts_with("W/\""), "{path}: {etag}");
        let text = answer.text().await.expect("a body");
        Seen { text, etag }
    }

    /// A page of HTML with everything that a public page has.
    async fn page(&self, path: &str) -> Seen {
        let seen = self.kept(path, "text/html; charset=utf-8").await;
        let canonical = format!("<link rel=\"canonical\" href=\"{}{path}\">", self.app);
        assert!(seen.text.contains(&canonical), "{path}: {canonical}");
        for part in [
            "<meta name=\"description\"",
            "property=\"og:title\"",
            "property=\"og:image\"",
            "<link rel=\"alternate\" type=\"text/markdown\"",
        ] {
            assert!(seen.text.contains(part), "{path}: {part}");
        }
        for json in between(
            &seen.text,
            "<script type=\"application/ld+json\">",
            "</script>",
        ) {
            let facts: Value =
                serde_json::from_str(json).unwrap_or_else(|e| panic!("{path}: {e}: {json}"));
            assert_eq!(facts["@context"], "https://schema.org", "{path}");
        }
        let twin = between(&seen.text, "type=\"text/markdown\" href=\"", "\"").remove(0);
        let twin = self.kept(twin, "text/markdown; charset=utf-8").await;
        assert!(twin.text.starts_with("# "), "{path}: {}", twin.text);
        let again = self.client.get(format!("{}{path}", self.app));
        let again = again
            .header(header::IF_NONE_MATCH, &seen.etag)
            .send()
            .await
            .expect("an answer");
        assert_eq!(again.status(), 304, "{path}");
        assert_eq!(again.headers()[header::ETAG], seen.etag.as_str(), "{path}");
        seen
    }

    /// Every address of the sitemap, in the order of its files.
    async fn sitemap(&self) -> Vec<String> {
        let index = self
            .kept("/sitemap.xml", "application/xml; charset=utf-8")
            .await;
        well_formed(&index.text);
        let mut all = Vec::new();
        for file in between(&index.text, "<loc>", "</loc>") {
            let path = file
                .strip_prefix(self.app.as_str())
                .expect("a file of ours");
            let file = self.kept(path, "application/xml; charset=utf-8").await;
            well_formed(&file.text);
            let lines = between(&file.text, "<loc>", "</loc>");
            assert!(
                (1..=2_500).contains(&lines.len()),
                "{path}: {}",
                lines.len()
            );
            for address in lines {
                let path = address
                    .strip_prefix(self.app.as_str())
                    .expect("a page of ours");
                all.push(path.replace("&amp;", "&"));
            }
        }
        all
    }

    /// Pages of the catalogue, and every link on them.
    async fn walk(&self, paths: &[String]) {
        let mut links = BTreeMap::new();
        let mut titles = BTreeSet::new();
        for path in paths {
            let seen = self.page(path).await;
            let title = between(&seen.text, "<title>", "</title>")
                .remove(0)
                .to_owned();
            titles.insert(title);
            for link in links_on(&seen.text) {
                links.entry(link).or_insert(path);
            }
        }
        assert!(
            titles.len() * 10 > paths.len() * 9,
            "titles tell pages apart"
        );
        let known: BTreeSet<&String> = paths.iter().collect();
        let unknown = links.iter().filter(|(link, _)| !known.contains(link));
        for (link, on) in spread(unknown.collect(), WALKED) {
            self.leads_on(link, on).await;
        }
    }

    /// A link on a page leads to a page; what needs a session sends to the sign-in, and back from there.
    async fn leads_on(&self, link: &str, on: &str) {
        let answer = self.get(link).await;
        let (path, _) = link.split_once('?').unwrap_or((link, ""));
        let for_members = path.ends_with("/use") || path == "/servers/new";
        if !for_members {
            assert_eq!(answer.status(), 200, "{link} on {on}");
            return;
        }
        assert_eq!(answer.status(), 303, "{link} on {on}");
        let to = answer.headers()[header::LOCATION].to_str().expect("text");
        let to = reqwest::Url::parse(&format!("{}{to}", self.app)).expect("an address");
        let next = to.query_pairs().find(|(name, _)| name == "next");
        assert_eq!(to.path(), "/sign-in", "{link} on {on}");
        assert_eq!(next.expect("a way back").1, link, "{link} on {on}");
    }
}

/// Where the links, styles, scripts and pictures of a page are, as far as that is here.
fn links_on(page: &str) -> Vec<String> {
    let all = ["href", "src", "action"].map(|name| between(page, &format!(" {name}=\""), "\""));
    all.into_iter()
        .flatten()
        .filter(|link| link.starts_with('/'))
        .filter_map(|link| link.split('#').next())
        .map(|link| link.replace("&amp;", "&").replace("&#38;", "&"))
        .collect()
}

fn between<'t>(text: &'t str, from: &str, to: &str) -> Vec<&'t str> {
    let parts = text.split(from).skip(1);
    parts
        .filter_map(|part| Some(part.split_once(to)?.0))
        .collect()
}

/// At most `max` of them, evenly from all.
fn spread<T>(all: Vec<T>, max: usize) -> Vec<T> {
    let step = all.len().div_ceil(max).max(1);
    all.into_iter().step_by(step).collect()
}

/// Every element is closed by its own name, and nothing is left over.
fn well_formed(xml: &str) {
    let body = xml
        .strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>")
        .expect("a declaration");
    let mut open: Vec<&str> = Vec::new();
    for part in body.split('<').skip(1) {
        let (tag, text) = part.split_once('>').expect("a tag ends");
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None => open.push(tag.split(' ').next().expect("a name")),
        }
        for entity in text.split('&').skip(1) {
            assert!(
                ["amp;", "lt;"]
                    .iter()
                    .any(|known| entity.starts_with(known)),
                "&{entity}"
            );
        }
        assert!(!text.contains('>'), "{text}");
    }
    assert_eq!(open, Vec::<&str>::new());
}

/// Loads lines of the documented format, as an operator does. Lines that are bad are passed over, and
/// said to be so by the command's exit code; answers whether there were none.
fn import(app: &TestApp, file: &std::path::Path) -> bool {
    let path = |path: &std::path::Path| path.to_str().expect("a path").to_owned();
    let (file, data) = (path(file), path(app.data.path()));
    let done = app.run(&["catalog", "import", &file, "--data", &data]);
    done.status.success()
}

#[tokio::test]
async fn the_shipped_catalogue_can_be_walked() {
    let app = TestApp::spawn().await;
    let crawler = Crawler::new(&app);
    let all = crawler.sitemap().await;
    let unique: BTreeSet<&String> = all.iter().collect();
    assert_eq!(unique.len(), all.len(), "an address stands once");
    for wanted in [
        "/catalog",
        "/catalog/classes/execute",
        "/catalog/risks/critical",
        "/catalog/servers/circleci",
        "/catalog/servers/circleci/tools/rerun_workflow",
    ] {
        assert!(all.iter().any(|path| path == wanted), "{wanted}");
    }
    // Attack pages are walked by a test of their own.
    let ours =
        |path: &&String| path.starts_with("/catalog") && !path.starts_with("/catalog/attacks");
    let ours: Vec<String> = all.iter().filter(ours).cloned().collect();
    crawler.walk(&spread(ours, WALKED)).await;
}

/// Not some of them, as above, but each: catalogue, attacks, manual, first page, contact, sign-up.
#[tokio::test]
async fn every_link_of_every_public_page_leads_somewhere() {
    let app = TestApp::spawn().await;
    let crawler = Crawler::new(&app);
    let mut pages = crawler.sitemap().await;
    assert!(pages.len() > 450, "{} pages", pages.len());
    let beside = [
        "/contact",
        "/sign-in",
        "/sign-up",
        "/docs/api",
        "/docs/search?q=limit",
    ];
    pages.extend(beside.map(str::to_owned));
    let mut links: BTreeMap<String, String> = BTreeMap::new();
    for path in &pages {
        let answer = crawler.get(path).await;
        assert_eq!(answer.status(), 200, "{path}");
        for link in links_on(&answer.text().await.expect("a page")) {
            links.entry(link).or_insert_with(|| path.clone());
        }
    }
    let put = links.keys().filter(|link| link.contains("/use?rule="));
    assert!(put.count() > 500, "the ways to a rule are among them");
    let walked: BTreeSet<String> = pages.into_iter().collect();
    for (link, on) in links.iter().filter(|(link, _)| !walked.contains(*link)) {
        crawler.leads_on(link, on).await;
    }
}

#[tokio::test]
async fn the_seed_page_has_everything() {
    let app = TestApp::spawn().await;
    let page = Crawler::new(&app)
        .page("/catalog/servers/circleci/tools/rerun_workflow")
        .await;
    for part in [
        "High risk",
        "execute",
        "args.<wbr>params.<wbr>workflowId",
        "&#34;rerun_workflow&#34;: {",
        "/catalog/servers/circleci/tools/rerun_workflow/use?rule=recommended",
        "/catalog/servers/circleci/tools/rerun_workflow/use?rule=hide",
        "Put this rule on my server",
        "/catalog/servers/circleci/tools/run_pipeline",
        "/catalog/attacks/",
        "\"@type\":\"FAQPage\"",
        "\"@type\":\"BreadcrumbList\"",
        "0.20.0",
    ] {
        assert!(page.text.contains(part), "{part} in\n{}", page.text);
    }
    let server = Crawler::new(&app).page("/catalog/servers/circleci").await;
    for part in [
        "/servers/new?catalog=circleci",
        "\"@type\":\"SoftwareApplication\"",
        "0.20.0",
        "13 tools",
    ] {
        assert!(server.text.contains(part), "{part} in\n{}", server.text);
    }
}

/// Most people type what a tool does, and look among servers first.
#[tokio::test]
async fn words_that_no_server_has_find_tools() {
    let app = TestApp::spawn().await;
    let crawler = Crawler::new(&app);
    let text = async |path: &str| crawler.get(path).await.text().await.expect("a body");
    let tools = text("/catalog?q=navigate+back").await;
    for part in [
        "No server has these words. These tools do:",
        "browser_navigate_back",
    ] {
        assert!(tools.contains(part), "{part} in\n{tools}");
    }
    assert!(
        !tools.contains("name=\"kind\""),
        "other words may be a server's"
    );
    let twin = text("/catalog.md?q=navigate+back").await;
    assert!(twin.contains("No server has these words"), "{twin}");
    let servers = text("/catalog?q=playwright").await;
    assert!(!servers.contains("No server has these words"), "{servers}");
    let nothing = text("/catalog?q=zzqqxxyyww").await;
    assert!(nothing.contains("Nothing was found"), "{nothing}");
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_what_cannot_be_is_said() {
    let app = TestApp::spawn().await;
    let crawler = Crawler::new(&app);
    for (path, status) in [
        ("/catalog/servers/no-such", 404),
        ("/catalog/servers/no-such.md", 404),
        ("/catalog/servers/%00", 404),
        ("/catalog/servers/circleci/tools/no_such", 404),
        ("/catalog/servers/circleci/tools/rerun_workflow%00", 404),
        ("/catalog/classes/dangerous", 404),
        ("/catalog/risks/none", 404),
        ("/catalog?class=dangerous", 400),
        ("/catalog?page=0", 400),
        ("/catalog?q=%00%FF", 200),
        ("/catalog?q=%27%3B--&kind=tools&page=250", 200),
        ("/sitemaps/999.xml", 404),
        ("/sitemaps/0", 404),
        ("/sitemaps/00.xml", 404),
        ("/llms.txt", 200),
        ("/robots.txt", 200),
    ] {
        let answer = crawler.get(path).await;
        assert_eq!(answer.status(), status, "{path}");
        assert!(answer.headers().get(header::SET_COOKIE).is_none(), "{path}");
    }
}

/// Names that paths, twins and pages could trip over.
#[tokio::test]
async fn a_tool_may_be_called_anything() {
    let app = TestApp::spawn().await;
    let names = [
        "a/b".to_owned(),
        "notes".into(),
        "notes.md".into(),
        "q?x=1#y&z".into(),
        "50% off".into(),
        "\"><script>alert(1)</script>".into(),
        "`code` [x](javascript:alert(1))".into(),
        "..%2f..".into(),
        "שלום".into(),
        "x".repeat(200),
    ];
    let tools: Vec<Value> = names
        .iter()
        .map(|name| serde_json::json!({ "name": name, "description": "</script><b>bold</b> ]]> ``` | x" }))
        .collect();
    let line = serde_json::json!({ "slug": "odd-names", "name": "<i>Odd</i>", "tools": tools });
    let file = app.data.path().join("odd.jsonl");
    std::fs::write(&file, format!("{line}\n")).expect("a file");
    assert!(import(&app, &file));
    let crawler = Crawler::new(&app);
    let all = crawler.sitemap().await;
    let odd: Vec<String> = all
        .into_iter()
        .filter(|path| path.contains("/odd-names"))
        .collect();
    assert_eq!(odd.len(), names.len() + 1);
    for path in &odd {
        if path.ends_with("/notes") {
            // The page of `notes.md` stands where its twin would.
            let page = crawler
                .get(&format!("{path}.md"))
                .await
                .text()
                .await
                .expect("a body");
            assert!(
                page.contains("<h1 class=\"mono\">notes.<wbr>md</h1>"),
                "{page}"
            );
            continue;
        }
        let seen = crawler.page(path).await;
        for broken in ["<script>alert", "<b>bold", "<i>Odd", "href=\"javascript"] {
            assert!(!seen.text.contains(broken), "{path}: {broken}");
        }
    }
}

/// The operator's own data, thousands of servers, where they are at hand.
#[tokio::test]
async fn the_whole_catalogue_can_be_walked() {
    let beside = || repository().join("../shared");
    let shared = std::env::var_os("TOLLGATE_SHARED").map_or_else(beside, PathBuf::from);
    let folder = shared.join("catalog");
    if !folder.join("servers.jsonl").exists() {
        eprintln!("skipped: there is no catalog/servers.jsonl in TOLLGATE_SHARED or ../shared");
        return;
    }
    let app = TestApp::spawn().await;
    for file in [
        "servers",
        "platform-metorial",
        "platform-composio",
        "unscanned",
    ] {
        import(&app, &folder.join(format!("{file}.jsonl")));
    }
    let crawler = Crawler::new(&app);
    let all = crawler.sitemap().await;
    assert!(all.len() > 75_000, "{}", all.len());
    let ours = |path: &&String| path.starts_with("/catalog/servers");
    let ours: Vec<String> = all.iter().filter(ours).cloned().collect();
    crawler.walk(&spread(ours, WALKED)).await;
    for path in [
        "/catalog",
        "/catalog/classes/read",
        "/catalog/risks/critical",
        "/catalog/servers/secops-soar",
    ] {
        crawler.page(path).await;
    }
}
