//! From the Markdown of `docs/` to a page: links lead to where the manual is served, headings can be
//! linked to, and HTML in the text is text.

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html::push_html};

/// The text as HTML.
pub(super) fn html(text: &str) -> String {
    let mut events: Vec<Event<'_>> = Parser::new_ext(text, Options::ENABLE_TABLES)
        .map(plain)
        .collect();
    name_headings(&mut events);
    let mut html = String::new();
    push_html(&mut html, events.into_iter());
    html
}

fn plain(event: Event<'_>) -> Event<'_> {
    match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        Event::Start(Tag::Link {
            link_type,
            dest_url,
            title,
            id,
        }) => Event::Start(Tag::Link {
            link_type,
            dest_url: served(dest_url),
            title,
            id,
        }),
        other => other,
    }
}

/// Where the file is served that a link between documents leads to.
fn served(link: CowStr<'_>) -> CowStr<'_> {
    let (file, place) = link.split_once('#').unwrap_or((&link, ""));
    let Some(name) = file.strip_suffix(".md").filter(|_| !file.contains("://")) else {
        return link;
    };
    let path = match name.rsplit('/').next().unwrap_or(name) {
        "policy" => "/docs/policy".to_owned(),
        "README" => "/docs/faults".to_owned(),
        code => super::url(code),
    };
    match place {
        "" => path.into(),
        place => format!("{path}#{place}").into(),
    }
}

/// Gives each heading the name that links to it use: its words, in small letters, with hyphens.
fn name_headings(events: &mut [Event<'_>]) {
    let mut open = None;
    let mut words = String::new();
    for at in 0..events.len() {
        match &events[at] {
            Event::Start(Tag::Heading { .. }) => {
                open = Some(at);
                words.clear();
            }
            Event::Text(text) | Event::Code(text) if open.is_some() => words.push_str(text),
            Event::End(TagEnd::Heading(_)) => {
                if let Some(Event::Start(Tag::Heading { id, .. })) =
                    open.take().and_then(|at| events.get_mut(at))
                {
                    *id = Some(slug(&words).into());
                }
            }
            _ => {}
        }
    }
}

fn slug(words: &str) -> String {
    let kept = words
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_in_the_text_is_text() {
        for text in ["<script>x</script>", "a <b onclick=x>b</b>", "<!-- c -->"] {
            let html = html(text);
            assert!(
                !html.contains("<script") && !html.contains("<b") && !html.contains("<!--"),
                "{html}"
            );
        }
    }

    #[test]
    fn links_between_documents_lead_to_where_they_are_served() {
        for (link, served) in [
            ("bad_json.md", "/docs/faults/bad_json"),
            ("faults/bad_json.md", "/docs/faults/bad_json"),
            ("faults/README.md", "/docs/faults"),
            (
                "../policy.md#what-cannot-be-told",
                "/docs/policy#what-cannot-be-told",
            ),
            ("#limits", "#limits"),
            ("https://example.com/a.md", "https://example.com/a.md"),
        ] {
            let html = html(&format!("[x]({link})"));
            assert_eq!(html, format!("<p><a href=\"{served}\">x</a></p>\n"));
        }
    }

    #[test]
    fn headings_can_be_linked_to() {
        let html = html("## What cannot be told, `exists` too");
        assert!(
            html.starts_with("<h2 id=\"what-cannot-be-told-exists-too\">"),
            "{html}"
        );
    }
}
