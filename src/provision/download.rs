//! Text from an address the user names.

use std::time::Duration;

/// Longest time for the whole answer.
const TIME_LIMIT: Duration = Duration::from_mins(5);

/// Why an address gave no text.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// No connection, no trust, a status of failure, or too much.
    #[error("{address} cannot be fetched")]
    Fetch {
        /// The address.
        address: String,
        /// What went wrong.
        #[source]
        source: Box<ureq::Error>,
    },
    /// The task that fetched it was ended.
    #[error("{address} was not fetched: the program is being stopped")]
    Stopped {
        /// The address.
        address: String,
    },
}

/// Fetches an address as UTF-8 text of at most `largest` bytes.
pub async fn text(address: &str, largest: u64) -> Result<String, DownloadError> {
    let owned = address.to_owned();
    let fetched = tokio::task::spawn_blocking(move || {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_global(Some(TIME_LIMIT))
            .build()
            .into();
        agent
            .get(&owned)
            .call()?
            .body_mut()
            .with_config()
            .limit(largest)
            .read_to_string()
    })
    .await;
    match fetched {
        Ok(Ok(text)) => Ok(text),
        Ok(Err(source)) => Err(DownloadError::Fetch {
            address: address.to_owned(),
            source: Box::new(source),
        }),
        Err(_) => Err(DownloadError::Stopped {
            address: address.to_owned(),
        }),
    }
}
