//! Passwords: argon2id, hashed away from the async threads, a few at once.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

/// Source: OWASP, Password Storage Cheat Sheet: argon2id, 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// How many are hashed at once: each takes 19 MiB and some 20 ms of one core.
const AT_ONCE: usize = 4;
/// How many more may wait for their turn: a second's work or two. Whoever comes then is told to come
/// again, so that a flood from many addresses, which no throttle bounds, piles nothing up.
const WAITING: usize = 64;
/// The fewest and most characters of a new password. The upper bound keeps a request from buying
/// an unreasonable amount of work; nobody's password manager reaches it.
pub(crate) const LENGTH_MIN: usize = 12;
const LENGTH_MAX: usize = 256;

/// Why a password cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPassword {
    /// Fewer than 12 characters.
    #[error("must be at least {LENGTH_MIN} characters long; a short sentence is a good password")]
    Short,
    /// More than 256 characters.
    #[error("must be at most {LENGTH_MAX} characters long")]
    Long,
    /// The address itself, or hardly more than one character again and again.
    #[error(
        "is too easy to guess; use something that is not your address or one repeated character"
    )]
    Obvious,
}

/// A password that may be set.
pub(crate) struct NewPassword(SecretString);

impl NewPassword {
    /// Length is what counts (NIST SP 800-63B, section 3.1.1.2); no rules about kinds of characters.
    pub(crate) fn parse(text: &str, email: &str) -> Result<Self, BadPassword> {
        let length = text.chars().count();
        if length < LENGTH_MIN {
            return Err(BadPassword::Short);
        }
        if length > LENGTH_MAX {
            return Err(BadPassword::Long);
        }
        let mut kinds = text.chars().collect::<Vec<_>>();
        kinds.sort_unstable();
        kinds.dedup();
        if kinds.len() < 4 || text.eq_ignore_ascii_case(email) {
            return Err(BadPassword::Obvious);
        }
        Ok(Self(text.into()))
    }
}

/// Checks and hashes a password on the calling thread, which takes some 20 ms: for the command line.
///
/// # Errors
/// [`BadPassword`] says what a good one is like, to be read after "password".
pub fn hash_password(
    email: &domain::Email,
    password: &SecretString,
) -> Result<String, BadPassword> {
    let password = NewPassword::parse(password.expose_secret(), email.as_str())?;
    Ok(hash(password.0.expose_secret()))
}

/// Too many passwords wait to be hashed already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Busy;

/// The hasher.
pub(crate) struct Passwords {
    permits: Arc<Semaphore>,
    places: Semaphore,
}

impl Passwords {
    pub(crate) fn new() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(AT_ONCE)),
            places: Semaphore::new(AT_ONCE + WAITING),
        }
    }

    /// The PHC string to be stored.
    ///
    /// # Errors
    /// [`Busy`], here and below.
    pub(crate) async fn hash(&self, password: NewPassword) -> Result<String, Busy> {
        self.work(move || hash(password.0.expose_secret())).await
    }

    /// Whether the password is the one that was hashed. Takes as long where there is no account
    /// (`stored` is none), so that the time does not say whether there is one.
    pub(crate) async fn verify(
        &self,
        password: SecretString,
        stored: Option<String>,
    ) -> Result<bool, Busy> {
        self.work(move || {
            let known = stored.is_some();
            let stored = stored.unwrap_or_else(|| NOBODYS.to_owned());
            let right = PasswordHash::new(&stored).is_ok_and(|parsed| {
                hasher()
                    .verify_password(password.expose_secret().as_bytes(), &parsed)
                    .is_ok()
            });
            right && known
        })
        .await
    }

    async fn work<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let _place = self.places.try_acquire().map_err(|_| Busy)?;
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .expect("never closed");
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            job()
        });
        Ok(done
            .await
            .expect("hashing does not panic and is not cancelled"))
    }
}

fn hasher() -> Argon2<'static> {
    let params =
        Params::new(MEMORY_KIB, PASSES, LANES, None).expect("OWASP's parameters are valid");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn hash(password: &str) -> String {
    hasher()
        .hash_password(password.as_bytes())
        .expect("the system gives randomness")
        .to_string()
}

/// A hash that no password is compared with but those for unknown accounts. It is well-formed, so
/// comparing costs what it costs elsewhere, and nobody knows a password to it.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IG5vYm9keSBubw$\
     AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_long_and_not_obvious() {
        let parse = |text: &str| NewPassword::parse(text, "someone@example.com").err();
        assert_eq!(parse("correct horse"), None);
        assert_eq!(parse("elevenchars"), Some(BadPassword::Short));
        assert_eq!(parse(&"ab".repeat(200)), Some(BadPassword::Long));
        assert_eq!(parse("aaaaaaaaaaaaaaa"), Some(BadPassword::Obvious));
        assert_eq!(parse("Someone@Example.com"), Some(BadPassword::Obvious));
    }

    #[tokio::test]
    async fn only_the_right_password_is_right() {
        let passwords = Passwords::new();
        let hash = passwords
            .hash(NewPassword::parse("correct horse", "").expect("long"))
            .await
            .expect("nobody else is here");
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        let verify = async |password: &str, stored: Option<&str>| {
            let stored = stored.map(ToOwned::to_owned);
            passwords.verify(password.into(), stored).await
        };
        assert_eq!(verify("correct horse", Some(&hash)).await, Ok(true));
        assert_eq!(verify("correct horsf", Some(&hash)).await, Ok(false));
        assert_eq!(verify("correct horse", Some("rubbish")).await, Ok(false));
        assert_eq!(verify("nobody's", None).await, Ok(false));
    }

    #[tokio::test]
    async fn a_flood_is_turned_away_and_the_queue_served() {
        let passwords = Passwords::new();
        let long = || std::thread::sleep(std::time::Duration::from_millis(50));
        let flood = (0..AT_ONCE + WAITING + 20).map(|_| passwords.work(long));
        let answers = futures_util::future::join_all(flood).await;
        let busy = answers.iter().filter(|answer| answer.is_err()).count();
        assert_eq!(busy, 20);
        assert_eq!(passwords.work(|| ()).await, Ok(()));
    }

    #[test]
    fn an_unknown_account_costs_what_a_known_one_costs() {
        let parameters = |hash: &str| {
            let parsed = PasswordHash::new(hash).expect("well-formed");
            (
                parsed.algorithm.to_string(),
                parsed.params.to_string(),
                parsed.hash.map(|h| h.len()),
            )
        };
        assert_eq!(parameters(NOBODYS), parameters(&hash("anybody's")));
    }
}
