//! `tools/list` on its way back: what the policy does not show is taken out, the rest keeps its
//! text and order.

use json::{Bounds, Document, Kind, Value, quote};

use crate::{
    edit::{Member, object},
    era::replaced,
    routes::{GrantEntry, GrantPolicy},
};

/// The longest page that is filtered, in bytes, and the most tools on one.
pub(crate) const LIST_BYTES_MAX: usize = 16 << 20;
const TOOLS_MAX: usize = 10_000;
/// The deepest nesting of a page; schemas nest more than requests do.
pub(crate) const ANSWER_DEPTH_MAX: u16 = 128;
/// How long a client may keep a list, in milliseconds.
const TTL_MS_MAX: u64 = 5_000;

/// A page that cannot be filtered is not relayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unfit;

/// A filtered page.
#[derive(Debug)]
pub(crate) struct Filtered {
    pub(crate) text: String,
    /// Whether it has a tool that the inventory does not.
    pub(crate) news: bool,
}

/// Filters one message that holds a page. An error of the upstream, and a result without tools on a
/// stream, are left as they are.
pub(crate) fn filter(
    message: &[u8],
    grant: &GrantEntry,
    stateless: bool,
) -> Result<Filtered, Unfit> {
    let bounds = Bounds {
        bytes_max: LIST_BYTES_MAX,
        depth_max: ANSWER_DEPTH_MAX,
    };
    let doc = Document::parse(message, bounds).map_err(|_| Unfit)?;
    let root = doc.root();
    let Some(result) = root
        .get("result")
        .filter(|result| result.kind() == Kind::Object)
    else {
        let error = root
            .get("error")
            .is_some_and(|error| error.kind() == Kind::Object);
        let untouched = Filtered {
            text: root.raw().to_owned(),
            news: false,
        };
        return if error { Ok(untouched) } else { Err(Unfit) };
    };
    // A name that a loose client could take for `tools` would carry the hidden ones past.
    let poses = |name: &str| name != "tools" && name.eq_ignore_ascii_case("tools");
    if result.members().any(|(name, _)| poses(&name)) {
        return Err(Unfit);
    }
    let tools = result
        .get("tools")
        .filter(|tools| tools.kind() == Kind::Array)
        .ok_or(Unfit)?;
    if tools.len() > TOOLS_MAX {
        return Err(Unfit);
    }
    let mut kept = String::with_capacity(tools.raw().len());
    let mut news = false;
    kept.push('[');
    for tool in tools.elements() {
        let name = tool.get("name").and_then(Value::as_str).ok_or(Unfit)?;
        news |= !grant.server.tools.contains(&*name);
        if grant.policy.shows(&name) {
            if kept.len() > 1 {
                kept.push(',');
            }
            kept.push_str(tool.raw());
        }
    }
    kept.push(']');
    let last = kept.len() == 2 && result.get("nextCursor").is_none();
    let notice = last.then(|| notice(grant)).flatten();
    let text = rewritten(result, kept, notice.as_deref(), stateless);
    Ok(Filtered {
        text: replaced(root, "result", &text),
        news,
    })
}

fn rewritten(result: Value<'_>, mut kept: String, notice: Option<&str>, stateless: bool) -> String {
    let mut added = Vec::new();
    let meta = notice.map(|notice| {
        let mut text = String::new();
        quote(notice, &mut text);
        let notice = [("tollgate/notice", text.as_str())];
        let keep = |name: &str, _: Value<'_>| match name {
            "tollgate/notice" => Member::Drop,
            _ => Member::Keep,
        };
        // Without a `_meta`, any value that is no object is written as an empty one.
        object(
            result
                .get("_meta")
                .unwrap_or(result.get("tools").expect("found above")),
            keep,
            &notice,
        )
    });
    if let Some(meta) = &meta
        && result.get("_meta").is_none()
    {
        added.push(("_meta", meta.as_str()));
    }
    let ttl = ttl(result);
    if stateless {
        added.extend(cache_members(result, &ttl));
    }
    let ask = |name: &str, _: Value<'_>| match name {
        "tools" => Member::Replace(std::mem::take(&mut kept)),
        "_meta" => meta.clone().map_or(Member::Keep, Member::Replace),
        "cacheScope" if stateless => Member::Replace("\"private\"".to_owned()),
        "ttlMs" if stateless => Member::Replace(ttl.clone()),
        _ => Member::Keep,
    };
    object(result, ask, &added)
}

/// `ttlMs` as it may be: at most [`TTL_MS_MAX`], and 0 where there is none that can be read.
pub(crate) fn ttl(result: Value<'_>) -> String {
    let said = result
        .get("ttlMs")
        .and_then(Value::as_number)
        .and_then(|text| text.parse().ok());
    said.unwrap_or(0).min(TTL_MS_MAX).to_string()
}

/// What a cacheable result of the stateless era lacks.
pub(crate) fn cache_members<'t>(result: Value<'_>, ttl: &'t str) -> Vec<(&'static str, &'t str)> {
    let mut added = Vec::new();
    if result.get("cacheScope").is_none() {
        added.push(("cacheScope", "\"private\""));
    }
    if result.get("ttlMs").is_none() {
        added.push(("ttlMs", ttl));
    }
    added
}

/// Why a grant's list is empty; it is never left to guess.
fn notice(grant: &GrantEntry) -> Option<String> {
    Some(match &grant.policy {
        GrantPolicy::None => {
            "This grant has no policy, so it shows no tools and every call is refused. An \
             administrator can attach a policy in Tollgate."
                .to_owned()
        }
        GrantPolicy::Unreadable(policy) => format!(
            "The policy “{}” of this grant cannot be read by this gateway, so it shows no tools.",
            policy.name
        ),
        GrantPolicy::Ready(compiled) => format!(
            "The policy “{}” of this grant shows none of this server's tools.",
            compiled.name.name
        ),
    })
}
