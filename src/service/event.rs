//! What happens in the service, as its other parts and its readers hear of it.

use serde::Serialize;
use utoipa::ToSchema;

use super::audit::Standing;

/// Something that happened. Whoever listens too slowly misses some, and is told how many.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum Event {
    /// An audit is somewhere else than before.
    Audit {
        /// The audit.
        id: String,
        /// Its site.
        site: String,
        /// How far it is now.
        standing: Standing,
    },
    /// A visit or a page of an audit ended.
    Progress {
        /// The audit.
        id: String,
        /// Its site.
        site: String,
        /// Visits, or pages of a crawl, that ended.
        done: u64,
        /// How many there will be, as far as is known.
        of: u64,
        /// The page.
        url: String,
        /// In one line: how it went.
        summary: String,
    },
}
