//! The files in `web/static` and `docs/images`, inside the binary, under names that change with their content.

use std::{fmt::Write as _, sync::OnceLock};

use axum::{
    extract::Path,
    http::header,
    response::{IntoResponse, Response},
};

use crate::SiteError;

struct File {
    name: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

macro_rules! files {
    ($($folder:literal / $name:literal: $kind:literal,)*) => {
        [$(File {
            name: $name,
            kind: $kind,
            bytes: include_bytes!(concat!("../../../", $folder, "/", $name)),
        },)*]
    };
}

const FILES: [File; 12] = files! {
    "docs/images" / "audit.png": "image/png",
    "web/static" / "base.css": "text/css; charset=utf-8",
    "web/static" / "console.css": "text/css; charset=utf-8",
    "web/static" / "copy.js": "text/javascript; charset=utf-8",
    "web/static" / "editor.js": "text/javascript; charset=utf-8",
    "web/static" / "editor.licences.txt": "text/plain; charset=utf-8",
    "web/static" / "enhance.js": "text/javascript; charset=utf-8",
    "web/static" / "preview.png": "image/png",
    "web/static" / "scan.js": "text/javascript; charset=utf-8",
    "web/static" / "site.css": "text/css; charset=utf-8",
    "web/static" / "site.js": "text/javascript; charset=utf-8",
    "web/static" / "logo.svg": "image/svg+xml",
};

/// The path of each file, such as `/static/3f2a…/console.css`, in the order of [`FILES`].
fn paths() -> &'static [String] {
    static PATHS: OnceLock<Vec<String>> = OnceLock::new();
    PATHS.get_or_init(|| {
        FILES
            .iter()
            .map(|file| path(file.name, file.bytes))
            .collect()
    })
}

fn path(name: &str, bytes: &[u8]) -> String {
    let mut path = "/static/".to_owned();
    for byte in &vault::sha256(bytes)[..8] {
        write!(path, "{byte:02x}").expect("a String takes anything");
    }
    path.push('/');
    path.push_str(name);
    path
}

/// Where a page finds the file. Names come from templates, so an unknown one is a mistake of ours
/// that the test below would find.
#[must_use]
pub fn url(name: &str) -> &'static str {
    FILES
        .iter()
        .position(|file| file.name == name)
        .map_or("", |at| paths()[at].as_str())
}

/// What is shown beside a link to any page of the site: its name, for [`url`] and [`size`].
pub(crate) const PREVIEW: &str = "preview.png";

/// Width and height in pixels of a picture, as its header says (PNG specification, 11.2.2 "IHDR");
/// none for anything else.
pub(crate) fn size(name: &str) -> Option<(u32, u32)> {
    let file = FILES.iter().find(|file| file.name == name)?;
    let header = file.bytes.strip_prefix(b"\x89PNG\r\n\x1a\n")?;
    let number = |at: usize| {
        let bytes = header.get(at..at + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    };
    Some((number(8)?, number(12)?))
}

/// `GET /static/{hash}/{name}`: what is under this name never changes, so it is never asked again.
pub(crate) async fn get(Path((hash, name)): Path<(String, String)>) -> Result<Response, SiteError> {
    let wanted = format!("/static/{hash}/{name}");
    let at = paths()
        .iter()
        .position(|path| *path == wanted)
        .ok_or(SiteError::NotFound)?;
    let file = &FILES[at];
    let headers = [
        (header::CONTENT_TYPE, file.kind),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    Ok((headers, file.bytes).into_response())
}

/// `GET /favicon.ico`, which browsers ask for by themselves.
pub(crate) async fn favicon() -> Response {
    let logo = &FILES[FILES.len() - 1];
    let headers = [
        (header::CONTENT_TYPE, logo.kind),
        (header::CACHE_CONTROL, "public, max-age=86400"),
    ];
    (headers, logo.bytes).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a public page loads beside itself and its images.
    const PUBLIC: [&str; 4] = ["base.css", "copy.js", "site.css", "site.js"];
    const BYTES_MAX: usize = 60 * 1024;

    #[test]
    fn a_public_page_is_light() {
        let bytes = |name| {
            let found = FILES.iter().find(|file| file.name == name);
            found.expect("a file of ours").bytes.len()
        };
        let all: usize = PUBLIC.into_iter().map(bytes).sum();
        assert!(all < BYTES_MAX, "{all} bytes of styles and script");
    }

    /// A sheet or script more in the frame of public pages would pass the count above by.
    #[test]
    fn public_pages_load_nothing_else() {
        let frame = concat!(
            include_str!("../../../web/templates/open.html"),
            include_str!("../../../web/templates/parts/head.html"),
        );
        let named = |name: &str| frame.contains(&format!("url(\"{name}\")"));
        for file in &FILES {
            let loaded = PUBLIC.contains(&file.name) || file.name == "logo.svg";
            assert_eq!(named(file.name), loaded, "{}", file.name);
        }
    }
}
