//! Who is asking. What is remembered of a token is only that its signature was good; everything
//! else is asked of the snapshot at every request.

use std::{net::IpAddr, sync::Arc};

use axum::http::{HeaderMap, header::AUTHORIZATION};
use domain::{GrantId, OrgId};
use ipnet::IpNet;
use parking_lot::RwLock;
use vault::{Claims, Keyring, Verifier};

use crate::{
    refusal::Door,
    routes::{GrantEntry, Map, OrgRoutes, Table},
    throttle::Throttle,
};

/// The keys in force, and the signatures that were found good by them.
pub(crate) struct Keys {
    pub(crate) verifier: Verifier,
    pub(crate) keyring: Arc<Keyring>,
    seen: [RwLock<Map<[u8; 32], Arc<Claims>>>; SHARDS],
}

const SHARDS: usize = 16;
/// Tokens remembered in one shard. A full shard starts anew: verifying again costs microseconds.
const SHARD_MAX: usize = 8_192;

impl Keys {
    pub(crate) fn new(verifier: Verifier, keyring: Arc<Keyring>) -> Self {
        Self {
            verifier,
            keyring,
            seen: std::array::from_fn(|_| RwLock::default()),
        }
    }

    fn shard(&self, digest: &[u8; 32]) -> &RwLock<Map<[u8; 32], Arc<Claims>>> {
        &self.seen[usize::from(digest[0]) % SHARDS]
    }

    fn remembered(&self, digest: &[u8; 32]) -> Option<Arc<Claims>> {
        self.shard(digest).read().get(digest).cloned()
    }

    fn remember(&self, digest: [u8; 32], claims: &Arc<Claims>) {
        let mut shard = self.shard(&digest).write();
        if shard.len() >= SHARD_MAX {
            shard.clear();
        }
        shard.insert(digest, Arc::clone(claims));
    }
}

/// A grant that is good now, with the routes it was found in.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) org: Arc<OrgRoutes>,
    pub(crate) grant: Arc<GrantEntry>,
    /// What the token said, to be asked again on streams.
    claims: Arc<Claims>,
    pub(crate) address: Option<IpAddr>,
}

/// What a request's token says, once its signature was found good.
pub(crate) struct Proven {
    claims: Arc<Claims>,
    address: Option<IpAddr>,
}

/// How long ago a token may have been signed for it to be ahead of the routes, in seconds.
const NEWS_S: u64 = 10;

impl Proven {
    /// Reads the request's one `Authorization` header.
    pub(crate) fn read(
        headers: &HeaderMap,
        keys: &Keys,
        throttle: &Throttle,
        address: Option<IpAddr>,
        now_ms: u64,
    ) -> Result<Self, Door> {
        let token = bearer(headers)?;
        let digest = vault::sha256(token.as_bytes());
        let claims = match keys.remembered(&digest) {
            Some(claims) => claims,
            None => {
                // An address that keeps failing costs no more signatures.
                if let Some(wait_s) = address.and_then(|from| throttle.wait_s(from, now_ms)) {
                    return Err(Door::Throttled { wait_s });
                }
                let claims = keys.verifier.verify(token);
                let claims = claims.map_err(|_| turned_away(throttle, address, now_ms))?;
                let claims = Arc::new(claims);
                keys.remember(digest, &claims);
                claims
            }
        };
        Ok(Self { claims, address })
    }

    /// Whether the token was signed a moment ago for a grant, or a version of one, that the routes
    /// have not heard of: whoever issued it sees it work at once, if it is waited for.
    pub(crate) fn is_ahead(&self, table: &Table, now_ms: u64) -> bool {
        let claims = &self.claims;
        let age_s = (now_ms / 1000).abs_diff(claims.issued_at_s);
        let org = table.orgs.get(&claims.org);
        let known = org.and_then(|org| org.grants.get(&claims.grant));
        let revoked = org.is_some_and(|org| org.gone.contains_key(&claims.grant));
        age_s <= NEWS_S
            && !revoked
            && known.is_none_or(|grant| grant.route.token_version < claims.version)
    }

    /// The caller, if the routes say that its grant is good now.
    pub(crate) fn stand(
        self,
        table: &Table,
        throttle: &Throttle,
        now_ms: u64,
    ) -> Result<Caller, Door> {
        let Self { claims, address } = self;
        let (org, grant) = standing(&claims, table, now_ms)
            .ok_or_else(|| turned_away(throttle, address, now_ms))?;
        Ok(Caller {
            org,
            grant,
            claims,
            address,
        })
    }
}

/// Counts a failure of an address, and says what it is told.
fn turned_away(throttle: &Throttle, address: Option<IpAddr>, now_ms: u64) -> Door {
    let wait_s = address.and_then(|from| {
        throttle.failed(from, now_ms);
        throttle.wait_s(from, now_ms)
    });
    wait_s.map_or(Door::BadToken, |wait_s| Door::Throttled { wait_s })
}

impl Caller {
    /// The same caller by the routes of now. None where its grant is no longer good.
    pub(crate) fn again(&self, table: &Table, now_ms: u64) -> Option<Self> {
        let (org, grant) = standing(&self.claims, table, now_ms)?;
        Some(Self {
            org,
            grant,
            claims: Arc::clone(&self.claims),
            address: self.address,
        })
    }

    pub(crate) fn org_id(&self) -> OrgId {
        self.org.snapshot.org
    }

    pub(crate) fn grant_id(&self) -> GrantId {
        self.grant.route.id
    }
}

/// Whether a token with a good signature is good now: its organisation works, its grant is there,
/// neither paused nor expired, for the server it names and in a version that is accepted.
fn standing(
    claims: &Claims,
    table: &Table,
    now_ms: u64,
) -> Option<(Arc<OrgRoutes>, Arc<GrantEntry>)> {
    let org = table.orgs.get(&claims.org)?;
    let grant = org.grants.get(&claims.grant)?;
    let route = &grant.route;
    let current = claims.version == route.token_version
        || route
            .overlap
            .is_some_and(|(old, until)| claims.version == old && now_ms < until);
    let lives = claims
        .expires_at_s
        .is_none_or(|at| now_ms < at.saturating_mul(1000))
        && route.expires_at_ms.is_none_or(|at| now_ms < at);
    let good = !org.snapshot.suspended
        && !route.paused
        && current
        && lives
        && claims.server == route.server;
    good.then(|| (Arc::clone(org), Arc::clone(grant)))
}

/// The token of the one `Authorization` header. The scheme's name is compared without case
/// (RFC 9110, section 11.1).
fn bearer(headers: &HeaderMap) -> Result<&str, Door> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Err(Door::NoToken);
    };
    if values.next().is_some() {
        return Err(Door::BadToken);
    }
    let (scheme, token) = value
        .to_str()
        .ok()
        .and_then(|v| v.split_once(' '))
        .ok_or(Door::BadToken)?;
    let token = token.trim_matches(' ');
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() || token.contains(' ') {
        return Err(Door::BadToken);
    }
    Ok(token)
}

/// Where a request comes from: the peer, or, where the peer is a trusted proxy, the nearest
/// address in `X-Forwarded-For` that is none. A header that cannot be read counts for nothing.
pub(crate) fn address_of(
    peer: Option<IpAddr>,
    headers: &HeaderMap,
    trusted: &[IpNet],
) -> Option<IpAddr> {
    let peer = peer?.to_canonical();
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    if trusted.is_empty() || !is_trusted(&peer) {
        return Some(peer);
    }
    let mut nearest = peer;
    for value in headers.get_all("x-forwarded-for").iter().rev() {
        let Ok(text) = value.to_str() else {
            return Some(nearest);
        };
        for hop in text.rsplit(',').map(str::trim) {
            let Ok(address) = hop.parse::<IpAddr>() else {
                return Some(nearest);
            };
            nearest = address.to_canonical();
            if !is_trusted(&nearest) {
                return Some(nearest);
            }
        }
    }
    Some(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn forwarded(peer: &str, values: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(
                "x-forwarded-for",
                HeaderValue::from_str(value).expect("a value"),
            );
        }
        let trusted: Vec<IpNet> = trusted
            .iter()
            .map(|net| net.parse().expect("a net"))
            .collect();
        let peer = peer.parse().expect("an address");
        address_of(Some(peer), &headers, &trusted)
            .expect("an address")
            .to_string()
    }

    #[test]
    fn only_a_trusted_proxy_says_where_a_request_comes_from() {
        assert_eq!(forwarded("192.0.2.1", &["198.51.100.7"], &[]), "192.0.2.1");
        assert_eq!(
            forwarded("192.0.2.1", &["198.51.100.7"], &["10.0.0.0/8"]),
            "192.0.2.1"
        );
        let trusted = &["10.0.0.0/8"][..];
        assert_eq!(
            forwarded("10.0.0.1", &["198.51.100.7"], trusted),
            "198.51.100.7"
        );
        assert_eq!(
            forwarded("::ffff:10.0.0.1", &["198.51.100.7"], trusted),
            "198.51.100.7"
        );
        // What stands left of the first untrusted hop is whatever the client wrote.
        assert_eq!(
            forwarded("10.0.0.1", &["1.1.1.1, 198.51.100.7, 10.0.0.2"], trusted),
            "198.51.100.7"
        );
        assert_eq!(
            forwarded("10.0.0.1", &["1.1.1.1", "198.51.100.7"], trusted),
            "198.51.100.7"
        );
        assert_eq!(forwarded("10.0.0.1", &["rubbish"], trusted), "10.0.0.1");
        assert_eq!(forwarded("10.0.0.1", &[], trusted), "10.0.0.1");
    }

    #[test]
    fn there_is_one_way_to_write_a_bearer_token() {
        let read = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(
                    AUTHORIZATION,
                    HeaderValue::from_str(value).expect("a value"),
                );
            }
            bearer(&headers).map(str::to_owned)
        };
        assert_eq!(read(&["Bearer x"]).as_deref(), Ok("x"));
        assert_eq!(read(&["bEARER  x"]).as_deref(), Ok("x"));
        assert_eq!(read(&[]), Err(Door::NoToken));
        for bad in [
            &["Bearer x", "Bearer x"][..],
            &["Basic x"],
            &["Bearer"],
            &["Bearer "],
            &["x"],
            &["Bearer x y"],
            &[""],
        ] {
            assert_eq!(read(bad), Err(Door::BadToken), "{bad:?}");
        }
    }
}
