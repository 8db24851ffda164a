//! The store, copied while it is used, and brought back.
//!
//! A copy is made whole on this machine's disk before the first byte of it is sent: somebody who takes it
//! slowly must not keep the store waiting.

use axum::http::StatusCode;
use std::fs::File;
use std::io::{Seek as _, SeekFrom};
use std::path::Path;

use serde::Serialize;
use utoipa::ToSchema;

use crate::service::Service;
use crate::service::audit::{Audit, Standing};
use crate::service::error::Problem;
use crate::store::{Restored, StoreError};

/// Records that are brought back when they are missing: what people have set up, and what audits came to.
///
/// Not: accounts, sessions and tokens, since one that was taken away would come back; deliveries and what
/// channels were told, since alerts would be sent again or never; the journal, which nobody writes into
/// afterwards; answers that were kept for requests that come twice.
const BROUGHT_BACK: [&str; 6] = [
    "accepted",
    "audits",
    "channels",
    "schedules",
    "settings",
    "sites",
];

/// What was brought back, and what was not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct RestoredShown {
    /// Runs that were missing.
    pub runs: usize,
    /// Runs that were there, and stayed as they are.
    pub kept_runs: usize,
    /// Records that were missing: sites, schedules, channels, accepted findings, settings, audits.
    pub records: usize,
    /// Records that were there, and stayed as they are.
    pub kept_records: usize,
    /// Records that are not brought back: accounts, sessions, tokens, deliveries, the journal, audits that
    /// were not over.
    pub left_out: usize,
    /// Pages and pictures that were missing or damaged.
    pub evidence: usize,
}

impl From<Restored> for RestoredShown {
    fn from(restored: Restored) -> Self {
        Self {
            runs: restored.runs,
            kept_runs: restored.kept_runs,
            records: restored.records,
            kept_records: restored.kept_records,
            left_out: restored.left_out,
            evidence: restored.evidence,
        }
    }
}

impl Service {
    /// A copy of the store, in the form of `consentinel store export`, and its length in bytes. It has no
    /// name on the disk and is gone when it is closed.
    pub async fn back_up(&self) -> Result<(File, u64), Problem> {
        let _alone = self.health().whole_store.lock().await;
        self.apart(|service| {
            let folder = service.store().folder();
            let failed = |error| StoreError::File(folder.to_path_buf(), error);
            let mut file = tempfile::tempfile_in(folder).map_err(failed)?;
            let exported = service.store().export_into(&mut file, folder)?;
            if exported.missing > 0 {
                tracing::error!(
                    missing = exported.missing,
                    "evidence is missing in a backup"
                );
            }
            let length = file.stream_position().map_err(failed)?;
            file.seek(SeekFrom::Start(0)).map_err(failed)?;
            tracing::info!(
                bytes = length,
                records = exported.records,
                "the store was backed up"
            );
            Ok((file, length))
        })
        .await
    }

    /// Brings back what is missing out of such a copy.
    pub async fn restore(&self, file: tempfile::TempPath) -> Result<RestoredShown, Problem> {
        let _alone = self.health().whole_store.lock().await;
        self.apart(move |service| {
            let restored = match service.store().restore(&file, is_brought_back) {
                Err(StoreError::NoExport { reason, .. }) => {
                    return Err(Problem::of_status(
                        StatusCode::UNPROCESSABLE_ENTITY,
                        format!("what was sent {reason}"),
                    ));
                }
                restored => restored?,
            };
            service.board().read_again(service.shelves());
            tracing::info!(
                runs = restored.runs,
                records = restored.records,
                "a backup was brought back"
            );
            Ok(restored.into())
        })
        .await
    }

    /// A file in the store's folder, to be filled.
    pub fn temporary(&self) -> Result<tempfile::NamedTempFile, StoreError> {
        let folder: &Path = self.store().folder();
        tempfile::NamedTempFile::new_in(folder)
            .map_err(|error| StoreError::File(folder.to_path_buf(), error))
    }
}

fn is_brought_back(tree: &str, json: &[u8]) -> bool {
    if tree == "audits" {
        // One that waited then would be carried out now.
        return serde_json::from_slice::<Audit>(json).is_ok_and(|audit| {
            matches!(
                audit.standing,
                Standing::Finished | Standing::Failed | Standing::Cancelled
            )
        });
    }
    BROUGHT_BACK.contains(&tree)
}
