//! Small records of one kind by key: what the service keeps beside runs, such as sites and schedules.
//!
//! They are part of the store: exported and imported with it, of at most 16 KiB each.

use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::records::{decode, encode, key, run_of};
use super::{Store, StoreError};

/// Longest key, in bytes.
const LONGEST_KEY: usize = 128;

/// Records of type `T`, sorted by their keys. A clone is the same shelf.
///
/// Reading and writing may block on the disk: never on an async thread.
#[derive(Debug)]
pub struct Shelf<T> {
    tree: sled::Tree,
    name: &'static str,
    holds: PhantomData<fn() -> T>,
}

impl<T> Clone for Shelf<T> {
    fn clone(&self) -> Self {
        Self {
            tree: self.tree.clone(),
            name: self.name,
            holds: PhantomData,
        }
    }
}

impl Store {
    /// The shelf of that name, one of `records::TREES`.
    pub fn shelf<T>(&self, name: &'static str) -> Result<Shelf<T>, StoreError> {
        Ok(Shelf {
            tree: self.records.tree(name)?,
            name,
            holds: PhantomData,
        })
    }

    /// Waits until everything that was put on shelves is on disk.
    pub fn flush(&self) -> Result<(), StoreError> {
        self.records.flush()
    }
}

impl<T: Serialize + DeserializeOwned> Shelf<T> {
    fn what(&self, id: &str) -> String {
        let id: String = id.chars().take(LONGEST_KEY).collect();
        format!("{} {id}", self.name)
    }

    /// The key of an id: no id holds a zero byte, so none is the beginning of another.
    fn key(&self, id: &str) -> Result<Vec<u8>, StoreError> {
        if id.is_empty() || id.len() > LONGEST_KEY || id.bytes().any(|byte| byte == 0) {
            return Err(StoreError::NoKey(self.what(id)));
        }
        Ok(key(id, &[]))
    }

    /// The record of that id. An id no record can have has none.
    pub fn get(&self, id: &str) -> Result<Option<T>, StoreError> {
        let Ok(key) = self.key(id) else {
            return Ok(None);
        };
        let value = self.tree.get(key)?;
        value
            .map(|value| decode(&self.what(id), &value))
            .transpose()
    }

    /// Puts a record in the place of the one that was there.
    pub fn put(&self, id: &str, record: &T) -> Result<(), StoreError> {
        let value = encode(&self.what(id), record)?;
        self.tree.insert(self.key(id)?, value)?;
        Ok(())
    }

    /// Puts a record where none is. False when there is one, which stays.
    pub fn add(&self, id: &str, record: &T) -> Result<bool, StoreError> {
        let value = encode(&self.what(id), record)?;
        let swapped =
            self.tree
                .compare_and_swap(self.key(id)?, None::<&[u8]>, Some(value.as_slice()))?;
        Ok(swapped.is_ok())
    }

    /// Changes a record in one step, whoever else changes it at the same time. `change` may be called
    /// more than once and says false when nothing is to be changed; returns the record as it is then.
    pub fn change(
        &self,
        id: &str,
        mut change: impl FnMut(&mut T) -> bool,
    ) -> Result<Option<T>, StoreError> {
        let key = self.key(id)?;
        loop {
            let Some(before) = self.tree.get(&key)? else {
                return Ok(None);
            };
            let mut record = decode(&self.what(id), &before)?;
            if !change(&mut record) {
                return Ok(Some(record));
            }
            let after = encode(&self.what(id), &record)?;
            let swapped =
                self.tree
                    .compare_and_swap(&key, Some(before.as_ref()), Some(after.as_slice()))?;
            if swapped.is_ok() {
                return Ok(Some(record));
            }
        }
    }

    /// Removes a record, and returns whether there was one.
    pub fn remove(&self, id: &str) -> Result<bool, StoreError> {
        let Ok(key) = self.key(id) else {
            return Ok(false);
        };
        Ok(self.tree.remove(key)?.is_some())
    }

    /// All records with their ids, sorted by them; from either end.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = Result<(String, T), StoreError>> + use<T> {
        self.within(self.tree.iter())
    }

    /// The records whose ids are greater than `id`, sorted; from either end.
    pub fn after(
        &self,
        id: &str,
    ) -> impl DoubleEndedIterator<Item = Result<(String, T), StoreError>> + use<T> {
        // The key of an id ends in a zero; no key lies between it and the one that ends in a one.
        let mut from = key(id, &[]);
        if let Some(last) = from.last_mut() {
            *last = 1;
        }
        self.within(self.tree.range(from..))
    }

    /// The records whose ids are less than `id`, sorted; from either end.
    pub fn before(
        &self,
        id: &str,
    ) -> impl DoubleEndedIterator<Item = Result<(String, T), StoreError>> + use<T> {
        self.within(self.tree.range(..key(id, &[])))
    }

    /// The records whose ids begin so, sorted; from either end.
    pub fn beginning(
        &self,
        prefix: &str,
    ) -> impl DoubleEndedIterator<Item = Result<(String, T), StoreError>> + use<T> {
        let mut from = key(prefix, &[]);
        from.pop();
        self.within(self.tree.scan_prefix(from))
    }

    fn within(
        &self,
        entries: sled::Iter,
    ) -> impl DoubleEndedIterator<Item = Result<(String, T), StoreError>> + use<T> {
        let shelf = self.clone();
        entries.map(move |entry| {
            let (key, value) = entry?;
            let id = run_of(&key);
            let record = decode(&shelf.what(&id), &value)?;
            Ok((id, record))
        })
    }
}
