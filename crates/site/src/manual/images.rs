//! The pictures of `docs/images`, with their sizes, so that nothing moves when they arrive.

use crate::statics;

/// An `img` for a picture that a document names, or its words where there is no such picture.
pub(super) fn html(link: &str, alt: &str) -> String {
    let alt = escaped(alt);
    let name = link.rsplit('/').next().unwrap_or(link);
    let Some((width, height)) = statics::size(name) else {
        return alt;
    };
    let url = statics::url(name);
    format!(
        "<img src=\"{url}\" width=\"{width}\" height=\"{height}\" alt=\"{alt}\" loading=\"lazy\" decoding=\"async\">"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
