//! One stored thing over all visits of a page: who wrote it, when, for how long, and where it went.

use std::cmp::Ordering;

use crate::model::finding::SubjectKind;
use crate::model::party::{Party, host_of};
use crate::model::snapshot::{Cookie, Sent, Setter, StorageEntry, StorageKind, Write};
use crate::model::value::Value;
use crate::model::visit::PhaseName;

/// An item deleted this soon after it was written was a probe, in milliseconds.
const PROBE_MS: u64 = 1_000;
/// One day, in seconds.
pub(crate) const DAY_S: i64 = 86_400;

/// How long an item was meant to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lifetime {
    /// Until the browser or the tab closes.
    Session,
    /// That many seconds.
    Seconds(i64),
    /// Until somebody deletes it.
    Unbounded,
}

impl Lifetime {
    /// Longer than `days` days.
    pub(crate) fn exceeds_days(self, days: i64) -> bool {
        self > Self::Seconds(days.saturating_mul(DAY_S))
    }

    /// In words, such as `396 days`, `30 minutes` or `session`.
    pub(crate) fn in_words(self) -> String {
        let seconds = match self {
            Self::Session => return "session".to_owned(),
            Self::Unbounded => return "until deleted".to_owned(),
            Self::Seconds(seconds) => seconds,
        };
        let (amount, unit) = match seconds {
            i64::MIN..120 => (seconds, "second"),
            120..7_200 => (seconds / 60, "minute"),
            7_200..172_800 => (seconds / 3_600, "hour"),
            _ => (seconds / DAY_S, "day"),
        };
        format!("{amount} {unit}{}", if amount == 1 { "" } else { "s" })
    }
}

/// The record of an item in one visit's snapshot.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Record<'a> {
    /// A cookie.
    Cookie(&'a Cookie),
    /// An entry of any other storage.
    Storage(&'a StorageEntry),
}

/// One write that left something behind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stored<'a> {
    /// In milliseconds since the visit began.
    pub(crate) at_ms: u64,
    /// In which phase.
    pub(crate) phase: PhaseName,
    /// What was written.
    pub(crate) value: &'a Value,
    /// How long it was meant to live.
    pub(crate) lifetime: Lifetime,
    /// Who wrote.
    pub(crate) set_by: Option<&'a Setter>,
}

impl<'a> Record<'a> {
    /// What kind of thing it is.
    pub(crate) fn kind(self) -> SubjectKind {
        match self {
            Self::Cookie(_) => SubjectKind::Cookie,
            Self::Storage(entry) => match entry.kind {
                StorageKind::LocalStorage => SubjectKind::LocalStorage,
                StorageKind::SessionStorage => SubjectKind::SessionStorage,
                StorageKind::IndexedDb => SubjectKind::IndexedDb,
                StorageKind::CacheStorage => SubjectKind::CacheStorage,
                StorageKind::ServiceWorker => SubjectKind::ServiceWorker,
                StorageKind::SharedStorage => SubjectKind::SharedStorage,
            },
        }
    }

    /// Cookie domain, or host of the storage's origin.
    pub(crate) fn host(self) -> String {
        match self {
            Self::Cookie(cookie) => cookie.domain.trim_start_matches('.').to_ascii_lowercase(),
            Self::Storage(entry) => host_of(&entry.origin),
        }
    }

    /// Cookie name or storage key.
    pub(crate) fn name(self) -> &'a str {
        match self {
            Self::Cookie(cookie) => &cookie.name,
            Self::Storage(entry) => &entry.key,
        }
    }

    /// The site it is partitioned by.
    pub(crate) fn partition(self) -> Option<&'a str> {
        match self {
            Self::Cookie(cookie) => cookie.partition_key.as_deref(),
            Self::Storage(entry) => entry.partition.as_deref(),
        }
    }

    /// First or third party.
    pub(crate) fn party(self) -> Party {
        match self {
            Self::Cookie(cookie) => cookie.party,
            Self::Storage(entry) => entry.party,
        }
    }

    /// A database or an object store without a record in it: a fact, nothing kept.
    pub(crate) fn is_empty(self) -> bool {
        matches!(self, Self::Storage(entry) if entry.is_empty_store())
    }

    /// There at the end of the visit.
    pub(crate) fn alive(self) -> bool {
        match self {
            Self::Cookie(cookie) => cookie.alive,
            Self::Storage(entry) => entry.alive,
        }
    }

    /// Where the browser sent it by itself.
    pub(crate) fn sent(self) -> &'a [Sent] {
        match self {
            Self::Cookie(cookie) => &cookie.sent,
            Self::Storage(_) => &[],
        }
    }

    /// The browser refused it every time.
    pub(crate) fn attempted_only(self) -> bool {
        match self {
            Self::Cookie(cookie) => {
                !cookie.blocked.is_empty()
                    && !cookie.alive
                    && cookie.sent.is_empty()
                    && cookie.stored_lifetime_s.is_none()
            }
            Self::Storage(_) => false,
        }
    }

    /// The writes that left something behind, in order: no deletions, nothing deleted at once.
    pub(crate) fn stored(self) -> Vec<Stored<'a>> {
        let (writes, kind) = match self {
            Self::Cookie(cookie) => (&cookie.writes, None),
            Self::Storage(entry) => (&entry.writes, Some(entry.kind)),
        };
        let lifetime = |seconds: Option<i64>| match (kind, seconds) {
            (Some(kind), _) => lifetime_in(kind),
            (None, None) => Lifetime::Session,
            (None, Some(seconds)) => Lifetime::Seconds(seconds),
        };
        if writes.is_empty() {
            let (at_ms, phase, value, seconds, set_by) = match self {
                Self::Cookie(cookie) => {
                    let seconds = cookie.lifetime_s.max(cookie.stored_lifetime_s);
                    (
                        cookie.at_ms,
                        cookie.phase,
                        &cookie.value,
                        seconds,
                        cookie.set_by.as_ref(),
                    )
                }
                Self::Storage(entry) => (
                    entry.at_ms,
                    entry.phase,
                    &entry.value,
                    None,
                    entry.set_by.as_ref(),
                ),
            };
            let only = Stored {
                at_ms,
                phase,
                value,
                lifetime: lifetime(seconds),
                set_by,
            };
            return if seconds.is_some_and(|seconds| seconds <= 0) {
                Vec::new()
            } else {
                vec![only]
            };
        }
        let mut in_order: Vec<_> = writes.iter().collect();
        in_order.sort_by_key(|write| write.at_ms);
        let mut deleted_at = None;
        let mut stored: Vec<Stored<'a>> = Vec::new();
        for write in in_order.into_iter().rev() {
            if self.deletes(write) {
                deleted_at = Some(write.at_ms);
            } else if deleted_at.is_none_or(|deleted_at: u64| deleted_at - write.at_ms > PROBE_MS) {
                stored.push(Stored {
                    at_ms: write.at_ms,
                    phase: write.phase,
                    value: &write.value,
                    lifetime: lifetime(write.lifetime_s),
                    set_by: write.set_by.as_ref(),
                });
            }
        }
        stored.reverse();
        stored
    }

    /// Whether the last write up to the end of the phases `within` left it in place.
    pub(crate) fn left_in_place(self, within: fn(PhaseName) -> bool) -> bool {
        let writes = match self {
            Self::Cookie(cookie) => &cookie.writes,
            Self::Storage(entry) => &entry.writes,
        };
        let last = writes
            .iter()
            .filter(|write| within(write.phase))
            .max_by_key(|write| write.at_ms);
        !last.is_some_and(|write| self.deletes(write))
    }

    /// Whether a write removes the item; a cookie is also removed by a lifetime that has passed.
    fn deletes(self, write: &Write) -> bool {
        let passed = || write.lifetime_s.is_some_and(|seconds| seconds <= 0);
        write.deleted || (matches!(self, Self::Cookie(_)) && passed())
    }

    /// The longest lifetime any write asked for.
    pub(crate) fn lifetime(self) -> Lifetime {
        let of_the_record = match self {
            Self::Cookie(cookie) => cookie
                .lifetime_s
                .max(cookie.stored_lifetime_s)
                .map_or(Lifetime::Session, Lifetime::Seconds),
            Self::Storage(entry) => lifetime_in(entry.kind),
        };
        self.stored()
            .iter()
            .map(|stored| stored.lifetime)
            .fold(of_the_record, Ord::max)
    }

    /// Who wrote it first, as far as known.
    pub(crate) fn set_by(self) -> Option<&'a Setter> {
        match self {
            Self::Cookie(cookie) => cookie.set_by.as_ref(),
            Self::Storage(entry) => entry.set_by.as_ref(),
        }
    }

    /// The last value.
    pub(crate) fn value(self) -> &'a Value {
        match self {
            Self::Cookie(cookie) => &cookie.value,
            Self::Storage(entry) => &entry.value,
        }
    }
}

/// How long the browser keeps what is in a storage.
fn lifetime_in(kind: StorageKind) -> Lifetime {
    /// Shared Storage forgets an entry that long after its last write.
    const SHARED_STORAGE_DAYS: i64 = 30;
    match kind {
        StorageKind::SessionStorage => Lifetime::Session,
        StorageKind::SharedStorage => Lifetime::Seconds(SHARED_STORAGE_DAYS * DAY_S),
        StorageKind::LocalStorage
        | StorageKind::IndexedDb
        | StorageKind::CacheStorage
        | StorageKind::ServiceWorker => Lifetime::Unbounded,
    }
}

/// Whether a value only says that the visitor has opted out.
pub(crate) fn is_opt_out(value: &str) -> bool {
    let plain = value.trim().trim_matches('"');
    plain == "0"
        || ["OPT_OUT", "optout", "opt-out"]
            .iter()
            .any(|flag| plain.eq_ignore_ascii_case(flag))
}

/// What makes two records one item: kind, host, name and partition.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ItemKey {
    /// What kind of thing.
    pub(crate) kind: SubjectKind,
    /// Cookie domain, or host of the storage's origin.
    pub(crate) host: String,
    /// Cookie name or storage key.
    pub(crate) name: String,
    /// The site it is partitioned by.
    pub(crate) partition: Option<String>,
}

impl ItemKey {
    /// The key of a record.
    pub(crate) fn of(record: Record<'_>) -> Self {
        Self {
            kind: record.kind(),
            host: record.host(),
            name: record.name().to_owned(),
            partition: record.partition().map(str::to_owned),
        }
    }
}

/// Earlier first; of two at the same time, the smaller fingerprint.
pub(crate) fn earlier(left: &Stored<'_>, right: &Stored<'_>) -> Ordering {
    left.at_ms
        .cmp(&right.at_ms)
        .then_with(|| left.value.fingerprint.cmp(&right.value.fingerprint))
}
