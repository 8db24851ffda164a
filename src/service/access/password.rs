//! Passwords: which are taken, and how they are kept.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use serde::Deserialize;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use utoipa::ToSchema;

use super::AccessError;

/// Shortest password, in characters: NIST SP 800-63B asks for 8, or 15 where nothing else is asked; rate
/// limits lie between.
const SHORTEST: usize = 12;

/// Longest password, in bytes, so that nobody sends us a book to hash.
const LONGEST: usize = 1_024;

/// Fewest different characters.
const FEWEST_DIFFERENT: usize = 5;

/// Passwords hashed at once: each takes 19 MiB and a core for a moment.
const AT_ONCE: usize = 2;

/// How long somebody waits for their turn.
const PATIENCE: Duration = Duration::from_secs(15);

/// Hashed when there is no account of that name, so that this takes as long: no password is known to fit.
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$Y29uc2VudGluZWwtZGVjb3k\
                     $kGzvfyTsCUjPTCUVKBlRz9rrbmnwMCXCVEGs1bSZ7Wg";

/// A password as somebody sent it. It shows nowhere.
#[derive(Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[schema(value_type = String, min_length = 12, max_length = 1_024)]
pub struct Password(String);

impl Password {
    /// A password that was typed.
    pub fn new(typed: impl Into<String>) -> Self {
        Self(typed.into())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Password(…)")
    }
}

/// What is kept of a password: Argon2id in the form of the Password Hashing Competition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hashed(pub(super) String);

/// Argon2id with 19 MiB, two passes and one lane, as the OWASP password storage cheat sheet has it.
fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

/// Why a password is not good enough for the account of that name, if it is not.
pub fn objection(password: &Password, name: &str) -> Option<&'static str> {
    let Password(password) = password;
    let letters = password.chars().count();
    let mut different: Vec<char> = password.chars().collect();
    different.sort_unstable();
    different.dedup();
    if letters < SHORTEST {
        Some("a password has at least 12 characters; several words are easy to remember")
    } else if password.len() > LONGEST {
        Some("a password has at most 1,024 bytes")
    } else if different.len() < FEWEST_DIFFERENT || password.eq_ignore_ascii_case(name) {
        Some("this password is guessed first; choose one that does not repeat itself or the name")
    } else {
        None
    }
}

/// What is kept of a new password. Takes a moment of a core: never on an async thread.
pub fn hash(password: &Password, name: &str) -> Result<Hashed, AccessError> {
    if let Some(objection) = objection(password, name) {
        return Err(AccessError::Password(objection));
    }
    let hashed: PasswordHash = hasher()
        .hash_password(password.0.as_bytes())
        .map_err(AccessError::Hashing)?;
    Ok(Hashed(hashed.to_string()))
}

/// Whether it is the password that was hashed. Without a hash it is not, and takes as long.
fn fits(password: &Password, kept: Option<&Hashed>) -> bool {
    // Nobody could set a longer one; hashing it would be work for nothing.
    if password.0.len() > LONGEST {
        return false;
    }
    let hash = kept.map_or(DECOY, |hashed| hashed.0.as_str());
    let fits = PasswordHash::new(hash).is_ok_and(|hash| {
        hasher()
            .verify_password(password.0.as_bytes(), &hash)
            .is_ok()
    });
    fits && kept.is_some()
}

/// Hashes passwords on threads that may block, few at once.
#[derive(Debug)]
pub(super) struct Hashing(Arc<Semaphore>);

impl Hashing {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }

    async fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AccessError> {
        let turn = timeout(PATIENCE, Arc::clone(&self.0).acquire_owned()).await;
        let Ok(Ok(turn)) = turn else {
            return Err(AccessError::Busy);
        };
        let work = move || {
            let done = work();
            // Whoever asked may be gone; the core is free only now.
            drop(turn);
            done
        };
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|error| {
            tracing::error!(%error, "a password was not worked on");
            AccessError::Busy
        })
    }

    /// What is kept of a new password.
    pub(super) async fn hash(&self, password: Password, name: &str) -> Result<Hashed, AccessError> {
        let name = name.to_owned();
        self.apart(move || hash(&password, &name)).await?
    }

    /// Whether it is the password that was hashed.
    pub(super) async fn fits(
        &self,
        password: Password,
        kept: Option<Hashed>,
    ) -> Result<bool, AccessError> {
        self.apart(move || fits(&password, kept.as_ref())).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_passwords_are_objected_to() {
        for (password, good) in [
            ("", false),
            ("short", false),
            ("eleven char", false),
            ("twelve chars", true),
            ("aaaaaaaaaaaaaaaa", false),
            ("abababababab", false),
            ("Anna@Example.com", false),
            ("zwölf Zeichen", true),
            ("correct horse battery staple", true),
        ] {
            let objection = objection(&Password::new(password), "anna@example.com");
            assert_eq!(objection.is_none(), good, "{password}: {objection:?}");
        }
        let endless = Password::new("abcdefgh".repeat(200));
        assert!(objection(&endless, "anna").is_some());
        assert!(matches!(
            hash(&Password::new("short"), "anna"),
            Err(AccessError::Password(_))
        ));
    }

    #[test]
    fn a_hash_fits_its_password_alone() {
        let password = Password::new("correct horse battery staple");
        let hashed = hash(&password, "anna").unwrap();
        assert!(hashed.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(fits(&password, Some(&hashed)));
        assert!(!fits(
            &Password::new("correct horse battery stable"),
            Some(&hashed)
        ));
        assert_eq!(format!("{password:?}"), "Password(…)");
    }

    #[test]
    fn an_unknown_account_costs_as_much() {
        let decoy = PasswordHash::new(DECOY).unwrap();
        let params = Params::try_from(&decoy).unwrap();
        assert_eq!(
            (params.m_cost(), params.t_cost(), params.p_cost()),
            (
                Params::DEFAULT.m_cost(),
                Params::DEFAULT.t_cost(),
                Params::DEFAULT.p_cost()
            )
        );
        assert_eq!(decoy.algorithm.as_str(), "argon2id");
        assert!(decoy.salt.is_some());
        assert_eq!(decoy.hash.map(|hash| hash.as_bytes().len()), Some(32));
        assert!(!fits(&Password::new("correct horse battery staple"), None));
    }

    #[test]
    fn a_damaged_hash_fits_nothing() {
        for damaged in ["", "$argon2id$", "plain text"] {
            let kept = Hashed(damaged.to_owned());
            assert!(!fits(&Password::new(damaged), Some(&kept)), "{damaged}");
        }
    }
}
