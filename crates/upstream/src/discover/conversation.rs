//! A conversation with one server, whatever carries it.

use super::{
    STATELESS_VERSION, client_info,
    message::{Failed, clean},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Era {
    Session,
    Stateless,
}

/// What discovery needs of a server. The future of each call is dropped when discovery's time is up.
pub(super) trait Conversation {
    /// From here on requests are those of this era.
    fn set_era(&mut self, era: Era);

    /// From here on every request names this revision.
    fn set_version(&mut self, method: &'static str, version: &str) -> Result<(), Failed>;

    /// Sends a request with these members of `params` and returns the message that answers it.
    async fn request(&mut self, method: &'static str, params: &str) -> Result<Vec<u8>, Failed>;

    /// Sends a notification. What the server makes of it is its business.
    async fn notify(&mut self, method: &'static str) -> Result<(), Failed>;

    /// Whether the server speaks the transport of 2024-11-05 that is no longer spoken.
    async fn speaks_the_old_transport(&mut self) -> bool;
}

/// A request as it is sent, without a line break.
pub(super) fn request_body(era: Era, id: u64, method: &str, params: &str) -> String {
    let meta = match era {
        Era::Session => String::new(),
        Era::Stateless => format!(
            r#"{}"_meta":{{"io.modelcontextprotocol/protocolVersion":"{STATELESS_VERSION}","io.modelcontextprotocol/clientCapabilities":{{}},"io.modelcontextprotocol/clientInfo":{}}}"#,
            if params.is_empty() { "" } else { "," },
            client_info(),
        ),
    };
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{{{params}{meta}}}}}"#)
}

/// A revision's name, if it can be one.
pub(super) fn plain_version<'v>(method: &'static str, version: &'v str) -> Result<&'v str, Failed> {
    let plain = (1..=32).contains(&version.len())
        && version
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
    if plain {
        return Ok(version);
    }
    let detail = format!("its protocolVersion is “{}”", clean(version, 40));
    Err(Failed::NotMcp { method, detail })
}
