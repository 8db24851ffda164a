//! Records that every request asks for: all of them in memory, each on a shelf.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::store::{Shelf, StoreError};

/// A shelf whose records are in memory too. Reading costs no disk; writing does, before it is read.
#[derive(Debug)]
pub(super) struct Kept<T> {
    shelf: Shelf<T>,
    records: RwLock<BTreeMap<String, T>>,
    /// One writes at a time, so that memory and disk see changes in the same order.
    writing: Mutex<()>,
}

impl<T: Clone + Serialize + DeserializeOwned> Kept<T> {
    /// Reads the shelf.
    pub(super) fn read(shelf: Shelf<T>) -> Result<Self, StoreError> {
        let records = shelf.all().collect::<Result<_, _>>()?;
        Ok(Self {
            shelf,
            records: RwLock::new(records),
            writing: Mutex::new(()),
        })
    }

    fn records(&self) -> RwLockReadGuard<'_, BTreeMap<String, T>> {
        self.records.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn records_to_write(&self) -> RwLockWriteGuard<'_, BTreeMap<String, T>> {
        self.records.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The record of that id.
    pub(super) fn get(&self, id: &str) -> Option<T> {
        self.records().get(id).cloned()
    }

    /// All records with their ids, sorted by them.
    pub(super) fn all(&self) -> Vec<(String, T)> {
        let records = self.records();
        let copies = records.iter().map(|(id, it)| (id.clone(), it.clone()));
        copies.collect()
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.records().len()
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.records().is_empty()
    }

    /// Puts a record in the place of the one that was there. May block.
    pub(super) fn put(&self, id: &str, record: T) -> Result<(), StoreError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.shelf.put(id, &record)?;
        self.records_to_write().insert(id.to_owned(), record);
        Ok(())
    }

    /// Removes a record, and returns whether there was one. May block.
    pub(super) fn remove(&self, id: &str) -> Result<bool, StoreError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let removed = self.shelf.remove(id)?;
        self.records_to_write().remove(id);
        Ok(removed)
    }

    /// Removes those that are not wanted, and returns how many. May block.
    pub(super) fn remove_if(&self, unwanted: impl Fn(&str, &T) -> bool) -> Result<u64, StoreError> {
        let ids: Vec<String> = {
            let records = self.records();
            let unwanted = records.iter().filter(|(id, record)| unwanted(id, record));
            unwanted.map(|(id, _)| id.clone()).collect()
        };
        let mut removed = 0;
        for id in ids {
            removed += u64::from(self.remove(&id)?);
        }
        Ok(removed)
    }

    /// Changes a record in memory alone; [`Kept::save`] brings it to the disk.
    pub(super) fn touch(&self, id: &str, change: impl FnOnce(&mut T)) {
        if let Some(record) = self.records_to_write().get_mut(id) {
            change(record);
        }
    }

    /// Writes a record as it is in memory, if it is still there. May block.
    pub(super) fn save(&self, id: &str) -> Result<(), StoreError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        match self.get(id) {
            Some(record) => self.shelf.put(id, &record),
            None => Ok(()),
        }
    }
}
