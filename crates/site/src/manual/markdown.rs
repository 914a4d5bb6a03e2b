//! From the Markdown of `docs/` to a page: links lead to where the manual is served, headings can be
//! linked to, code can be copied, and HTML in the text is text.

use std::collections::HashMap;

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html::push_html};

use super::{images, shelf};

/// A document as a page shows it and as search reads it.
pub(super) struct Body {
    pub(super) title: String,
    /// The first paragraph, without markup, cut to what search results show.
    pub(super) about: String,
    pub(super) html: String,
    /// The headings below the title.
    pub(super) headings: Vec<Heading>,
    /// The text between headings.
    pub(super) parts: Vec<Part>,
}

/// A heading of the second or third level.
pub(super) struct Heading {
    pub(super) id: String,
    pub(super) words: String,
    pub(super) third: bool,
}

/// A heading and the text under it, without markup.
#[derive(Default)]
pub(super) struct Part {
    /// Empty for the title.
    pub(super) id: String,
    pub(super) heading: String,
    pub(super) text: String,
}

/// The document, read.
pub(super) fn body(text: &str) -> Body {
    let mut events: Vec<Event<'_>> = Parser::new_ext(text, Options::ENABLE_TABLES)
        .map(plain)
        .collect();
    let named = name_headings(&mut events);
    let parts = parts(&events, &named);
    let title = parts
        .first()
        .map_or_else(String::new, |part| part.heading.clone());
    let about = about(&events);
    let mut html = String::new();
    push_html(&mut html, dressed(events).into_iter());
    let headings = named
        .into_iter()
        .filter(|(level, ..)| matches!(level, HeadingLevel::H2 | HeadingLevel::H3))
        .map(|(level, id, words)| Heading {
            id,
            words,
            third: level == HeadingLevel::H3,
        })
        .collect();
    Body {
        title,
        about,
        html,
        headings,
        parts,
    }
}

fn plain(event: Event<'_>) -> Event<'_> {
    match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        other => other,
    }
}

/// Where something is served that a link in a document leads to; none where it is not served.
fn served(link: &str) -> Option<String> {
    if link.starts_with('#') || link.contains("://") {
        return Some(link.to_owned());
    }
    let (file, place) = link.split_once('#').unwrap_or((link, ""));
    let name = file.rsplit('/').next().unwrap_or(file);
    let path = match name.strip_suffix(".md") {
        Some("README") => "/docs/faults".to_owned(),
        Some(name) if shelf::has(name) => format!("/docs/{name}"),
        Some(code) if shelf::has(&format!("faults/{code}")) => super::url(code),
        _ if name == "policy-1.schema.json" => "/schemas/policy-1.json".to_owned(),
        _ if name == "openapi.json" => "/openapi.json".to_owned(),
        _ => return None,
    };
    Some(match place {
        "" => path,
        place => format!("{path}#{place}"),
    })
}

/// Gives each heading the name that links to it use: its words, in small letters, with hyphens; a
/// second one of the same words gets a number. Answers them all.
fn name_headings(events: &mut [Event<'_>]) -> Vec<(HeadingLevel, String, String)> {
    let mut open = None;
    let mut words = String::new();
    let mut named = Vec::new();
    let mut seen: HashMap<String, usize> = HashMap::new();
    for at in 0..events.len() {
        match &events[at] {
            Event::Start(Tag::Heading { .. }) => {
                open = Some(at);
                words.clear();
            }
            Event::Text(text) | Event::Code(text) if open.is_some() => words.push_str(text),
            Event::End(TagEnd::Heading(level)) => {
                let level = *level;
                let slug = slug(&words);
                let times = seen.entry(slug.clone()).or_default();
                let name = match *times {
                    0 => slug,
                    times => format!("{slug}-{times}"),
                };
                *times += 1;
                if let Some(Event::Start(Tag::Heading { id, .. })) =
                    open.take().and_then(|at| events.get_mut(at))
                {
                    *id = Some(name.clone().into());
                }
                named.push((level, name, words.clone()));
            }
            _ => {}
        }
    }
    named
}

fn slug(words: &str) -> String {
    let kept = words
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// The text under each heading.
fn parts(events: &[Event<'_>], named: &[(HeadingLevel, String, String)]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut named = named.iter();
    let mut in_heading = false;
    for event in events {
        match event {
            Event::Start(Tag::Heading { .. }) => {
                let (_, id, words) = named.next().expect("every heading was named");
                parts.push(Part {
                    id: if parts.is_empty() {
                        String::new()
                    } else {
                        id.clone()
                    },
                    heading: words.clone(),
                    text: String::new(),
                });
                in_heading = true;
            }
            Event::End(TagEnd::Heading(_)) => in_heading = false,
            Event::Text(text) | Event::Code(text) if !in_heading => {
                if let Some(part) = parts.last_mut() {
                    part.text.push_str(text);
                }
            }
            Event::SoftBreak | Event::HardBreak | Event::End(_) if !in_heading => {
                if let Some(part) = parts.last_mut().filter(|part| !part.text.ends_with(' '))
                    && !matches!(
                        event,
                        Event::End(TagEnd::Strong | TagEnd::Emphasis | TagEnd::Link)
                    )
                {
                    part.text.push(' ');
                }
            }
            _ => {}
        }
    }
    parts
}

/// The first paragraph in plain words.
fn about(events: &[Event<'_>]) -> String {
    const CHARS_MAX: usize = 200;
    let begin = events
        .iter()
        .position(|event| matches!(event, Event::Start(Tag::Paragraph)));
    let mut text = String::new();
    for event in events.iter().skip(begin.unwrap_or(events.len())) {
        match event {
            Event::Text(words) | Event::Code(words) => text.push_str(words),
            Event::SoftBreak | Event::HardBreak => text.push(' '),
            Event::End(TagEnd::Paragraph) => break,
            _ => {}
        }
    }
    if text.chars().count() <= CHARS_MAX {
        return text;
    }
    let cut: String = text.chars().take(CHARS_MAX).collect();
    let whole = cut.rsplit_once(' ').map_or(cut.as_str(), |(head, _)| head);
    format!("{}…", whole.trim_end_matches([',', ';', ':']))
}

/// The events with links that lead somewhere, images that have sizes, a mark beside each heading that
/// links to it, and a button beside each piece of code.
fn dressed(events: Vec<Event<'_>>) -> Vec<Event<'_>> {
    let mut out = Vec::with_capacity(events.len());
    let mut links = Vec::new();
    let mut image: Option<(CowStr<'_>, String)> = None;
    let mut anchor = None;
    for event in events {
        if let Some((_, alt)) = &mut image
            && let Event::Text(text) | Event::Code(text) = &event
        {
            alt.push_str(text);
            continue;
        }
        match event {
            Event::Start(Tag::Link {
                link_type,
                dest_url,
                title,
                id,
            }) => {
                let to = served(&dest_url);
                links.push(to.is_some());
                if let Some(to) = to {
                    let dest_url = to.into();
                    out.push(Event::Start(Tag::Link {
                        link_type,
                        dest_url,
                        title,
                        id,
                    }));
                }
            }
            Event::End(TagEnd::Link) => {
                if links.pop().unwrap_or(false) {
                    out.push(Event::End(TagEnd::Link));
                }
            }
            Event::Start(Tag::Image { dest_url, .. }) => image = Some((dest_url, String::new())),
            Event::End(TagEnd::Image) => {
                if let Some((of, alt)) = image.take() {
                    out.push(Event::InlineHtml(images::html(&of, &alt).into()));
                }
            }
            Event::Start(Tag::Heading {
                level,
                id,
                classes,
                attrs,
            }) => {
                anchor = id.clone().filter(|_| level != HeadingLevel::H1);
                out.push(Event::Start(Tag::Heading {
                    level,
                    id,
                    classes,
                    attrs,
                }));
            }
            Event::End(TagEnd::Heading(level)) => {
                if let Some(id) = anchor.take() {
                    let link = format!(
                        " <a class=\"anchor\" href=\"#{id}\" aria-label=\"Link to this section\">#</a>"
                    );
                    out.push(Event::InlineHtml(link.into()));
                }
                out.push(Event::End(TagEnd::Heading(level)));
            }
            Event::Start(Tag::CodeBlock(kind)) => {
                out.push(Event::Html("<div class=\"code\">".into()));
                out.push(Event::Start(Tag::CodeBlock(kind)));
            }
            Event::End(TagEnd::CodeBlock) => {
                out.push(Event::End(TagEnd::CodeBlock));
                let button =
                    "<button type=\"button\" class=\"copy\" data-copy>Copy</button></div>\n";
                out.push(Event::Html(button.into()));
            }
            Event::Start(Tag::Table(alignment)) => {
                out.push(Event::Html(
                    "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Table\">"
                        .into(),
                ));
                out.push(Event::Start(Tag::Table(alignment)));
            }
            Event::End(TagEnd::Table) => {
                out.push(Event::End(TagEnd::Table));
                out.push(Event::Html("</div>\n".into()));
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(text: &str) -> String {
        body(text).html
    }

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
            ("clients.md", "/docs/clients"),
            ("policy-1.schema.json", "/schemas/policy-1.json"),
            ("#limits", "#limits"),
            ("https://example.com/a.md", "https://example.com/a.md"),
        ] {
            let html = html(&format!("[x]({link})"));
            assert_eq!(html, format!("<p><a href=\"{served}\">x</a></p>\n"));
        }
        // What is in the repository and nowhere else is not linked to.
        assert_eq!(html("[x](../deploy/Dockerfile)"), "<p>x</p>\n");
        assert_eq!(html("[x](javascript:alert)"), "<p>x</p>\n");
    }

    #[test]
    fn headings_can_be_linked_to_and_are_listed() {
        let body = body(
            "# T\n\nFirst `a` [b](x).\n\n## Who, `exists`\n\nText.\n\n## Who, `exists`\n\n### Third\n",
        );
        assert!(
            body.html
                .contains("<h2 id=\"who-exists\">Who, <code>exists</code> <a class")
        );
        assert!(
            body.html.contains("<h2 id=\"who-exists-1\">"),
            "{}",
            body.html
        );
        assert_eq!(
            (body.title.as_str(), body.about.as_str()),
            ("T", "First a b.")
        );
        let listed: Vec<_> = body
            .headings
            .iter()
            .map(|h| (h.id.as_str(), h.third))
            .collect();
        assert_eq!(
            listed,
            [
                ("who-exists", false),
                ("who-exists-1", false),
                ("third", true)
            ]
        );
        assert_eq!(body.parts[1].text.trim(), "Text.");
    }

    #[test]
    fn code_can_be_copied_and_images_have_sizes() {
        assert!(html("```sh\nls\n```").contains("data-copy>Copy</button></div>"));
        let image = html("![A <log>](images/audit.png)");
        assert!(
            image.contains(" width=\"1440\" height=\"926\"")
                && image.contains("alt=\"A &lt;log&gt;\""),
            "{image}"
        );
        assert_eq!(html("![A](images/none.png)"), "<p>A</p>\n");
    }
}
