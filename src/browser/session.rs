//! One attached target: page, frame of another origin, worker.

use std::time::Duration;

use chromiumoxide::types::Command;
use serde_json::Value;

use super::connection::{Connection, Reply};
use super::error::BrowserError;

/// How long one command may take: a busy page never answers.
pub const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// A CDP session: everything said through it goes to one target.
#[derive(Debug, Clone)]
pub struct Session {
    connection: Connection,
    id: Option<String>,
}

impl Session {
    /// The session with the browser itself.
    pub fn root(connection: Connection) -> Self {
        Self {
            connection,
            id: None,
        }
    }

    /// The session with an attached target.
    pub fn attached(connection: Connection, id: impl Into<String>) -> Self {
        Self {
            connection,
            id: Some(id.into()),
        }
    }

    /// Its CDP session id; absent for the browser itself.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Sends a command and does not wait. The answer can be awaited later, or dropped.
    pub fn send<C: Command>(&self, command: C) -> Reply {
        let method = command.identifier();
        match serde_json::to_value(command) {
            Ok(params) => self.connection.submit(method, self.id.clone(), params),
            Err(error) => Reply::failed(method, error.to_string()),
        }
    }

    /// Sends a command and waits for the answer, [`ANSWER_LIMIT`] at most.
    pub async fn call<C: Command>(&self, command: C) -> Result<Value, BrowserError> {
        self.send(command).within(ANSWER_LIMIT).await
    }

    /// Sends a command and waits for the answer, `limit` at most.
    pub async fn call_within<C: Command>(
        &self,
        command: C,
        limit: Duration,
    ) -> Result<Value, BrowserError> {
        self.send(command).within(limit).await
    }
}
