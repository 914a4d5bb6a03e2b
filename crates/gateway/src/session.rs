//! Session and event ids on their way through a client.
//!
//! The gateway keeps no session: what it needs to know of one travels with the client, sealed, so
//! that any replica can serve any request. A seal opens for the grant and server it was made for
//! and for no other; what is inside says which upstream origin it belongs to.

use domain::{GrantId, ServerId};
use secrecy::ExposeSecret;
use vault::{Binding, Keyring};

/// The longest upstream session or event id that is sealed.
pub(crate) const UPSTREAM_ID_MAX: usize = 1024;
/// How much of a client's name and version is kept, in characters.
pub(crate) const CLIENT_MAX: usize = 64;

/// An upstream's session, as its client presents it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    /// The upstream's own id.
    pub(crate) upstream_id: String,
    /// The upstream's origin when the session began.
    pub(crate) origin: String,
    /// The protocol version that was agreed on.
    pub(crate) version: String,
    /// The client's own name and version. Self-reported.
    pub(crate) client: String,
    /// When it began, in Unix milliseconds.
    pub(crate) began_ms: u64,
}

const SESSION: &str = "session";
const EVENT: &str = "event";
const LIMITED_EVENT: &str = "event up to";

/// An upstream's event id, as its client presents it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EventMark {
    pub(crate) id: String,
    /// How large a result may be on the stream it was given out on, in bytes. It travels along, or
    /// whoever picks the stream up again would get what was withheld on it.
    pub(crate) result_bytes_max: Option<u64>,
}

impl Session {
    /// The session as its client will hold it. None where the upstream's id is not one that can
    /// be sent back (it must be visible ASCII: MCP 2025-11-25, "Session Management").
    pub(crate) fn seal(&self, keys: &Keyring, server: ServerId, grant: GrantId) -> Option<String> {
        let id = &self.upstream_id;
        if id.is_empty() || id.len() > UPSTREAM_ID_MAX || !id.bytes().all(|b| b.is_ascii_graphic())
        {
            return None;
        }
        let began = self.began_ms;
        let Self {
            origin,
            version,
            client,
            ..
        } = self;
        let plain = format!("{SESSION}\n{id}\n{origin}\n{version}\n{began}\n{client}");
        Some(keys.seal_text(&plain, Binding::McpSession { server, grant }))
    }

    /// The session that a client presents. None where it is altered, another grant's, for another
    /// server, or of an upstream that has since moved: the client is told 404 and starts again.
    pub(crate) fn unseal(
        text: &str,
        keys: &Keyring,
        server: ServerId,
        grant: GrantId,
        origin: &str,
    ) -> Option<Self> {
        let plain = keys
            .unseal_text(text, Binding::McpSession { server, grant })
            .ok()?;
        let mut fields = plain.expose_secret().splitn(6, '\n');
        if fields.next()? != SESSION {
            return None;
        }
        let session = Self {
            upstream_id: fields.next()?.to_owned(),
            origin: fields.next()?.to_owned(),
            version: fields.next()?.to_owned(),
            began_ms: fields.next()?.parse().ok()?,
            client: fields.next()?.to_owned(),
        };
        (session.origin == origin).then_some(session)
    }

    /// An event's id as the client will hold it: good in this session alone.
    pub(crate) fn seal_event(
        &self,
        event: &str,
        result_bytes_max: Option<u64>,
        keys: &Keyring,
        server: ServerId,
        grant: GrantId,
    ) -> Option<String> {
        if event.len() > UPSTREAM_ID_MAX || event.contains(['\n', '\r', '\0']) {
            return None;
        }
        let session = &self.upstream_id;
        let plain = match result_bytes_max {
            None => format!("{EVENT}\n{session}\n{event}"),
            Some(max) => format!("{LIMITED_EVENT}\n{session}\n{max}\n{event}"),
        };
        Some(keys.seal_text(&plain, Binding::McpSession { server, grant }))
    }

    /// The upstream's event id behind a client's `Last-Event-ID`.
    pub(crate) fn unseal_event(
        &self,
        text: &str,
        keys: &Keyring,
        server: ServerId,
        grant: GrantId,
    ) -> Option<EventMark> {
        let plain = keys
            .unseal_text(text, Binding::McpSession { server, grant })
            .ok()?;
        let (kind, rest) = plain.expose_secret().split_once('\n')?;
        let (session, rest) = rest.split_once('\n')?;
        let (max, id) = match kind {
            EVENT => (None, rest),
            LIMITED_EVENT => {
                let (max, id) = rest.split_once('\n')?;
                (Some(max.parse().ok()?), id)
            }
            _ => return None,
        };
        (session == self.upstream_id).then(|| EventMark {
            id: id.to_owned(),
            result_bytes_max: max,
        })
    }
}

/// A client's name and version as one line, without anything invisible, cut to [`CLIENT_MAX`].
pub(crate) fn client_line(name: &str, version: &str) -> String {
    let blank = if name.is_empty() || version.is_empty() {
        ""
    } else {
        " "
    };
    [name, blank, version]
        .iter()
        .flat_map(|text| text.chars())
        .filter(|c| !c.is_control() && !domain::names::is_invisible(*c))
        .take(CLIENT_MAX)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::keyring;

    fn session() -> Session {
        Session {
            upstream_id: "abc-123".into(),
            origin: "https://mcp.example.com:443".into(),
            version: "2025-11-25".into(),
            client: client_line("a client", "1.0"),
            began_ms: 7,
        }
    }

    #[test]
    fn a_session_opens_for_its_own_grant_server_and_origin_alone() {
        let (keys, session) = (keyring(), session());
        let (server, grant) = (ServerId::generate(), GrantId::generate());
        let sealed = session.seal(&keys, server, grant).expect("sealable");
        assert!(!sealed.contains("abc-123"));
        let origin = session.origin.clone();
        let open = |text: &str, server, grant, origin: &str| {
            Session::unseal(text, &keys, server, grant, origin)
        };
        assert_eq!(open(&sealed, server, grant, &origin), Some(session.clone()));
        assert_eq!(open(&sealed, ServerId::generate(), grant, &origin), None);
        assert_eq!(open(&sealed, server, GrantId::generate(), &origin), None);
        assert_eq!(
            open(&sealed, server, grant, "https://mcp.example.com:444"),
            None
        );
        assert_eq!(open("abc-123", server, grant, &origin), None);
        for at in 0..sealed.len() {
            let mut altered = sealed.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).expect("ASCII");
            assert_eq!(open(&altered, server, grant, &origin), None, "byte {at}");
        }
    }

    #[test]
    fn an_event_id_is_no_session_and_opens_in_its_own_session_alone() {
        let (keys, session) = (keyring(), session());
        let (server, grant) = (ServerId::generate(), GrantId::generate());
        let [limited, sealed] = [Some(2048), None].map(|max| {
            let sealed = session.seal_event("17_x", max, &keys, server, grant);
            let sealed = sealed.expect("sealable");
            let opened = session.unseal_event(&sealed, &keys, server, grant);
            let id = "17_x".to_owned();
            let result_bytes_max = max;
            assert_eq!(
                opened,
                Some(EventMark {
                    id,
                    result_bytes_max
                })
            );
            sealed
        });
        let session_of = |text: &str| Session::unseal(text, &keys, server, grant, &session.origin);
        assert_eq!(session_of(&limited), None);
        assert_eq!(
            Session::unseal(&sealed, &keys, server, grant, &session.origin),
            None
        );
        let whole = session.seal(&keys, server, grant).expect("sealable");
        assert_eq!(session.unseal_event(&whole, &keys, server, grant), None);
        let other = Session {
            upstream_id: "other".into(),
            ..session.clone()
        };
        assert_eq!(other.unseal_event(&sealed, &keys, server, grant), None);
        assert_eq!(
            session.unseal_event(&sealed, &keys, server, GrantId::generate()),
            None
        );
    }

    #[test]
    fn an_id_that_cannot_be_sent_back_is_not_sealed() {
        let keys = keyring();
        for bad in [
            "",
            "a b",
            "a\nsession",
            "é",
            &"x".repeat(UPSTREAM_ID_MAX + 1),
        ] {
            let session = Session {
                upstream_id: bad.into(),
                ..session()
            };
            assert_eq!(
                session.seal(&keys, ServerId::generate(), GrantId::generate()),
                None
            );
        }
    }

    #[test]
    fn a_client_line_is_short_and_visible() {
        assert_eq!(client_line("cursor", "1.2"), "cursor 1.2");
        assert_eq!(client_line("a\u{202E}b\n\u{200B}", ""), "ab");
        assert_eq!(
            client_line(&"é".repeat(100), "1").chars().count(),
            CLIENT_MAX
        );
    }
}
