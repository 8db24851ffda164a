//! The frontier of a crawl: every address it knows, what became of each, and which comes next.
//!
//! It lives in the store and not in memory: a crawl of fifty thousand pages needs no more than one of
//! fifty, and goes on where it stopped. A page and what becomes of its address are written in one
//! transaction.

use serde::{Deserialize, Serialize};

use super::records::{Records, decode, encode, key, number_of};
use super::{RunRecord, Store, StoreError};
use crate::model::report::Page;
use crate::model::value::sha256_hex;

/// Most addresses one run knows. A site that offers more is no site but a trap.
pub(super) const MOST_KNOWN: u64 = 1_000_000;

/// Begins the keys of addresses that are known, by digest.
const KNOWN: u8 = b'k';
/// Begins the keys of entries, by number.
const ENTRY: u8 = b'n';

/// What became of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// To be visited.
    Waiting,
    /// Its page is stored, and every visit ran to its end.
    Done,
    /// Its page is stored, and a visit did not run to its end.
    Failed,
    /// Not to be visited, although it was to be: a redirect of it led to a page that is known.
    Dropped,
}

/// An address of the frontier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Where to, in canonical form.
    pub url: String,
    /// Links from the start to here; 0 for the start itself.
    pub depth: u32,
    /// What became of it.
    pub standing: Standing,
}

/// How many addresses there are of each standing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// To be visited.
    pub waiting: u64,
    /// Visited.
    pub done: u64,
    /// Visited, not to the end.
    pub failed: u64,
    /// Not to be visited after all.
    pub dropped: u64,
}

impl Tally {
    /// All of them.
    pub fn found(&self) -> u64 {
        self.waiting + self.done + self.failed + self.dropped
    }

    fn count(&mut self, standing: Standing) -> &mut u64 {
        match standing {
            Standing::Waiting => &mut self.waiting,
            Standing::Done => &mut self.done,
            Standing::Failed => &mut self.failed,
            Standing::Dropped => &mut self.dropped,
        }
    }
}

/// What adding an address did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It is in the frontier now, under this number.
    New(u64),
    /// It was there already.
    Known,
    /// The run knows too many addresses.
    Full,
}

/// The frontier of one run. There is one for each run that is going on.
#[derive(Debug)]
pub struct Frontier {
    store: Store,
    run: RunRecord,
    /// The number of the last entry.
    last: u64,
    tally: Tally,
    /// What was added and is not written yet.
    batch: sled::Batch,
    /// Digests in it, so that no address comes in twice.
    unwritten: std::collections::BTreeSet<Vec<u8>>,
    /// What the pages of the run are packed against.
    like: Option<super::Digest>,
}

impl Frontier {
    /// The frontier of a run as it stands, which is read once from beginning to end.
    ///
    /// Every address is shown to `each`, with its number.
    pub fn open(
        store: &Store,
        run: RunRecord,
        mut each: impl FnMut(u64, &Entry),
    ) -> Result<Self, StoreError> {
        let mut tally = Tally::default();
        let mut last = 0;
        for entry in entries(&store.records, &run.id, 0) {
            let (number, entry) = entry?;
            *tally.count(entry.standing) += 1;
            each(number, &entry);
            last = last.max(number);
        }
        let like = store.first_page(&run.id);
        Ok(Self {
            store: store.clone(),
            run,
            last,
            tally,
            batch: sled::Batch::default(),
            unwritten: std::collections::BTreeSet::new(),
            like,
        })
    }

    /// How far the run is.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Whether an address is known.
    pub fn knows(&self, url: &str) -> Result<bool, StoreError> {
        let known = known_key(&self.run.id, url);
        Ok(self.unwritten.contains(&known) || self.store.records.frontier.contains_key(known)?)
    }

    /// Adds an address to be visited. It is written with the next page, or by [`Frontier::write`].
    pub fn add(&mut self, url: &str, depth: u32) -> Result<Added, StoreError> {
        if self.knows(url)? {
            return Ok(Added::Known);
        }
        if self.last >= MOST_KNOWN {
            return Ok(Added::Full);
        }
        let number = self.last + 1;
        let entry = Entry {
            url: url.to_owned(),
            depth,
            standing: Standing::Waiting,
        };
        let value = encode(&format!("address {number} of run {}", self.run.id), &entry)?;
        let known = known_key(&self.run.id, url);
        self.batch.insert(entry_key(&self.run.id, number), value);
        self.batch.insert(known.as_slice(), &number.to_be_bytes());
        self.unwritten.insert(known);
        self.last = number;
        self.tally.waiting += 1;
        Ok(Added::New(number))
    }

    /// Writes what was added. On return it is on disk.
    pub fn write(&mut self) -> Result<(), StoreError> {
        let batch = self.take_batch();
        self.store.records.frontier.apply_batch(batch)?;
        self.store.records.flush()
    }

    fn take_batch(&mut self) -> sled::Batch {
        self.unwritten.clear();
        std::mem::take(&mut self.batch)
    }

    /// The next address to be visited after that number.
    pub fn next(&self, after: u64) -> Result<Option<(u64, Entry)>, StoreError> {
        for entry in entries(&self.store.records, &self.run.id, after.saturating_add(1)) {
            let (number, entry) = entry?;
            if entry.standing == Standing::Waiting {
                return Ok(Some((number, entry)));
            }
        }
        Ok(None)
    }

    /// Stores the page of an address, with everything that was added. On return it is on disk: the
    /// address is done, and will not be visited again.
    pub fn finish(&mut self, number: u64, entry: &Entry, page: &Page) -> Result<(), StoreError> {
        let store = self.store.clone();
        let _unswept = store.unswept();
        let record = store.put_page_object(page, self.like.as_ref())?;
        self.like.get_or_insert_with(|| record.digest.clone());
        let standing = if record.complete {
            Standing::Done
        } else {
            Standing::Failed
        };
        self.set(number, entry, standing)?;
        let batch = self.take_batch();
        store
            .records
            .put_page_and_frontier(&self.run.id, number, &record, &batch)?;
        store.records.flush()
    }

    /// Takes an address out: its page is known under another one. Written with the next page.
    pub fn drop_entry(&mut self, number: u64, entry: &Entry) -> Result<(), StoreError> {
        self.set(number, entry, Standing::Dropped)
    }

    /// Notes an address as known that is not to be visited by itself: where a redirect led.
    pub fn note(&mut self, url: &str, number: u64) {
        let known = known_key(&self.run.id, url);
        self.batch.insert(known.as_slice(), &number.to_be_bytes());
        self.unwritten.insert(known);
    }

    /// The number that was last noted beside that address and written; absent when there is none.
    pub fn noted(&self, url: &str) -> Result<Option<u64>, StoreError> {
        let found = self
            .store
            .records
            .frontier
            .get(known_key(&self.run.id, url))?;
        Ok(found.and_then(|bytes| Some(u64::from_be_bytes(bytes.as_ref().try_into().ok()?))))
    }

    fn set(&mut self, number: u64, entry: &Entry, standing: Standing) -> Result<(), StoreError> {
        let what = format!("address {number} of run {}", self.run.id);
        let changed = Entry {
            standing,
            ..entry.clone()
        };
        self.batch
            .insert(entry_key(&self.run.id, number), encode(&what, &changed)?);
        let waiting = self.tally.count(Standing::Waiting);
        *waiting = waiting.saturating_sub(1);
        *self.tally.count(standing) += 1;
        Ok(())
    }
}

/// The entries of a run from a number on.
fn entries(
    records: &Records,
    run: &str,
    from: u64,
) -> impl Iterator<Item = Result<(u64, Entry), StoreError>> + use<> {
    let run = run.to_owned();
    records
        .frontier
        .range(entry_key(&run, from)..=entry_key(&run, u64::MAX))
        .map(move |item| {
            let (key, value) = item?;
            let number = number_of(&key);
            let entry = decode(&format!("address {number} of run {run}"), &value)?;
            Ok((number, entry))
        })
}

fn entry_key(run: &str, number: u64) -> Vec<u8> {
    let mut rest = vec![ENTRY];
    rest.extend_from_slice(&number.to_be_bytes());
    key(run, &rest)
}

fn known_key(run: &str, url: &str) -> Vec<u8> {
    // Half a digest: two of a million addresses meet by a chance of one in 10^26.
    let digest = sha256_hex(url.as_bytes());
    let mut rest = vec![KNOWN];
    rest.extend_from_slice(digest.as_bytes().get(..32).unwrap_or_default());
    key(run, &rest)
}
