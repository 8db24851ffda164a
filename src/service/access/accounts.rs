//! Accounts: who may sign in, and what they may then.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::password::Hashed;
use super::{Access, AccessError, Scope};

/// Most accounts.
const MOST: usize = 1_000;

/// Longest name.
const LONGEST_NAME: usize = 64;

/// An account, without what only the service has to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Account {
    /// Its name: letters, digits and `. _ @ + -`, in lower case.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// When it was added.
    pub created: Timestamp,
    /// When its password was set last.
    pub password_set: Timestamp,
}

/// An account as it is kept, under its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRecord {
    scope: Scope,
    password: String,
    created: Timestamp,
    password_set: Timestamp,
}

impl AccountRecord {
    fn shown(self, name: String) -> Account {
        Account {
            name,
            scope: self.scope,
            created: self.created,
            password_set: self.password_set,
        }
    }
}

/// A name as accounts have it, if it can be one: so plain that no two of them look alike.
pub fn account_name(typed: &str) -> Result<String, AccessError> {
    let name = typed.trim().to_ascii_lowercase();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._@+-".contains(&byte);
    let begins = name
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_alphanumeric());
    if begins && name.len() <= LONGEST_NAME && name.bytes().all(is_plain) {
        Ok(name)
    } else {
        Err(AccessError::Name)
    }
}

impl Access {
    /// Whether anybody can sign in.
    pub fn has_accounts(&self) -> bool {
        !self.accounts.is_empty()
    }

    /// All accounts, by name.
    pub fn accounts(&self) -> Vec<Account> {
        let accounts = self.accounts.all().into_iter();
        accounts.map(|(name, record)| record.shown(name)).collect()
    }

    /// The account of that name.
    pub fn account(&self, name: &str) -> Option<Account> {
        let record = self.accounts.get(name)?;
        Some(record.shown(name.to_owned()))
    }

    /// What is kept of an account's password.
    pub(super) fn password_of(&self, name: &str) -> Option<Hashed> {
        let record = self.accounts.get(name)?;
        Some(Hashed(record.password))
    }

    /// Adds an account. May block.
    pub fn add_account(
        &self,
        name: &str,
        scope: Scope,
        password: Hashed,
    ) -> Result<Account, AccessError> {
        let name = account_name(name)?;
        let _changing = self.changing();
        self.add(name, scope, password)
    }

    /// Adds the first account, unless there is one. May block.
    pub(super) fn add_first_account(
        &self,
        name: &str,
        password: Hashed,
        is_asked: impl FnOnce() -> Result<(), AccessError>,
    ) -> Result<Account, AccessError> {
        let name = account_name(name)?;
        let _changing = self.changing();
        if self.has_accounts() {
            return Err(AccessError::Link);
        }
        is_asked()?;
        self.add(name, Scope::Admin, password)
    }

    fn add(&self, name: String, scope: Scope, password: Hashed) -> Result<Account, AccessError> {
        if self.accounts.get(&name).is_some() {
            return Err(AccessError::Taken(name));
        }
        if self.accounts.len() >= MOST {
            return Err(AccessError::TooMany(
                "accounts; remove one that nobody uses",
            ));
        }
        let now = Timestamp::now();
        let record = AccountRecord {
            scope,
            password: password.0,
            created: now,
            password_set: now,
        };
        self.accounts.put(&name, record.clone())?;
        self.store.flush()?;
        Ok(record.shown(name))
    }

    /// Changes what an account may do, its password, or both. A new password ends its sessions but the one
    /// of the digest `but`. May block.
    pub fn change_account(
        &self,
        name: &str,
        scope: Option<Scope>,
        password: Option<Hashed>,
        but: Option<&str>,
    ) -> Result<Account, AccessError> {
        let _changing = self.changing();
        let mut record = self.record(name)?;
        if let Some(scope) = scope {
            if scope < Scope::Admin {
                self.leave_an_administrator(name)?;
            }
            record.scope = scope;
        }
        let has_new_password = password.is_some();
        if let Some(password) = password {
            record.password = password.0;
            record.password_set = Timestamp::now();
        }
        self.accounts.put(name, record.clone())?;
        if has_new_password {
            self.end_sessions_of(name, but)?;
        }
        self.store.flush()?;
        Ok(record.shown(name.to_owned()))
    }

    /// Removes an account with its sessions and tokens. May block.
    pub fn remove_account(&self, name: &str) -> Result<(), AccessError> {
        let _changing = self.changing();
        self.record(name)?;
        self.leave_an_administrator(name)?;
        self.accounts.remove(name)?;
        self.end_sessions_of(name, None)?;
        self.remove_tokens_of(name)?;
        self.store.flush()?;
        Ok(())
    }

    fn record(&self, name: &str) -> Result<AccountRecord, AccessError> {
        let record = self.accounts.get(name);
        record.ok_or_else(|| AccessError::Unknown(name.chars().take(LONGEST_NAME).collect()))
    }

    /// Says no when nobody but this account may do everything.
    fn leave_an_administrator(&self, name: &str) -> Result<(), AccessError> {
        let others = self.accounts.all().into_iter();
        let mut others = others.filter(|(other, _)| other != name);
        if others.any(|(_, record)| record.scope == Scope::Admin) {
            Ok(())
        } else {
            Err(AccessError::LastAdministrator)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for (typed, expected) in [
            ("anna", Some("anna")),
            (" Anna@Example.COM ", Some("anna@example.com")),
            ("a.b_c+d-e@f", Some("a.b_c+d-e@f")),
            ("", None),
            ("  ", None),
            ("two words", None),
            ("../anna", None),
            (".anna", None),
            ("anna/bob", None),
            ("аnna", None),
            ("anna\n", Some("anna")),
            ("an\nna", None),
        ] {
            assert_eq!(account_name(typed).ok().as_deref(), expected, "{typed:?}");
        }
        assert!(account_name(&"a".repeat(64)).is_ok());
        assert!(account_name(&"a".repeat(65)).is_err());
    }
}
