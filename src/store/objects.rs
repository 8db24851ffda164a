//! Evidence: packed files named by the SHA-256 of what is in them.
//!
//! A file is a small header and a zstd frame. Pages of one site are much alike, so a page is packed
//! against another one of its run, which the header names: what is the same in both costs nothing.
//! That one stands alone, so that no chain has to be followed.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use futures::StreamExt as _;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Place;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, PutOptions};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

use super::StoreError;
use crate::model::value::sha256_hex;

/// First bytes of every file: what it is, and the version of its form.
const MAGIC: &[u8; 4] = b"CSE\x01";
/// The header: the first bytes, whether the frame is packed against other evidence, that one's
/// digest or zeros, and the length of what is packed.
const HEADER_BYTES: usize = 4 + 1 + 64 + 8;
/// Effort of packing; more makes visits wait and saves little.
const LEVEL: i32 = 3;
/// Largest evidence that others are packed against, in bytes: it is read for each of them.
const LARGEST_BASE: usize = 4 * 1024 * 1024;
/// Largest evidence, unpacked, in bytes.
const LARGEST: u64 = 1024 * 1024 * 1024;
/// Folder of the evidence in a store.
const FOLDER: &str = "evidence";

/// The SHA-256 of evidence, in 64 hexadecimal digits of lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(String);

impl Digest {
    /// Its digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.0
    }
}

impl TryFrom<String> for Digest {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let digits = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == 64 && text.bytes().all(digits) {
            Ok(Self(text))
        } else {
            Err("a digest has 64 hexadecimal digits of lower case")
        }
    }
}

/// Evidence that was stored.
pub(super) struct Stored {
    /// Its digest.
    pub(super) digest: Digest,
    /// What it is packed against.
    pub(super) base: Option<Digest>,
}

/// The evidence of a store.
#[derive(Debug, Clone)]
pub(super) struct Objects {
    store: Arc<dyn ObjectStore>,
    worker: Arc<Worker>,
}

/// Runs the requests, so that whoever makes them needs to know nothing of asynchronous code.
#[derive(Debug)]
struct Worker(Option<Runtime>);

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // Waiting for it is not allowed on threads of another runtime.
            runtime.shutdown_background();
        }
    }
}

impl Worker {
    fn start() -> Result<Self, StoreError> {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("evidence")
            .enable_all()
            .build()
            .map(|runtime| Self(Some(runtime)))
            .map_err(|error| StoreError::Worker(error.to_string()))
    }

    fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let gone = || StoreError::Worker("it ended too early".to_owned());
        let runtime = self.0.as_ref().ok_or_else(gone)?;
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        drop(runtime.spawn(async move { sender.send(work.await) }));
        receiver.recv().map_err(|_closed| gone())
    }
}

/// A file, taken apart.
struct Packed<'a> {
    base: Option<Digest>,
    length: u64,
    frame: &'a [u8],
}

impl<'a> Packed<'a> {
    fn read(file: &'a [u8]) -> Option<Self> {
        let (header, frame) = file.split_at_checked(HEADER_BYTES)?;
        let rest = header.strip_prefix(MAGIC)?;
        let (&has_base, rest) = rest.split_first()?;
        let (base, length) = rest.split_at_checked(64)?;
        let base = match has_base {
            0 => None,
            1 => Some(Digest::try_from(String::from_utf8(base.to_vec()).ok()?).ok()?),
            _ => return None,
        };
        Some(Self {
            base,
            length: u64::from_be_bytes(length.try_into().ok()?),
            frame,
        })
    }
}

impl Objects {
    /// Opens the evidence of a store: in its folder, or at an address such as `s3://bucket/path`.
    ///
    /// Keys and regions of an address come from the environment, under the names of its vendor's tools.
    pub(super) fn open(folder: &Path, place: Option<&str>) -> Result<Self, StoreError> {
        let store: Arc<dyn ObjectStore> = match place {
            None => {
                let folder = folder.join(FOLDER);
                std::fs::create_dir_all(&folder)
                    .map_err(|error| StoreError::File(folder.clone(), error))?;
                let local = LocalFileSystem::new_with_prefix(&folder).map_err(|error| {
                    StoreError::EvidencePlace(folder.display().to_string(), error)
                })?;
                Arc::new(local.with_fsync(true).with_automatic_cleanup(true))
            }
            Some(place) => at_address(place)?,
        };
        Ok(Self {
            store,
            worker: Arc::new(Worker::start()?),
        })
    }

    /// Stores evidence, packed against other evidence that stands alone. On return it is on disk.
    pub(super) fn put(&self, bytes: &[u8], like: Option<&Digest>) -> Result<Stored, StoreError> {
        let digest = Digest(sha256_hex(bytes));
        if bytes.len() as u64 > LARGEST {
            return Err(StoreError::TooLarge {
                what: digest.0,
                bytes: bytes.len(),
            });
        }
        if let Some(header) = self.header(&digest)? {
            return Ok(Stored {
                base: Packed::read(&header).and_then(|packed| packed.base),
                digest,
            });
        }
        let (base, base_bytes) = self.base(like.filter(|like| **like != digest));
        let mut file = Vec::with_capacity(HEADER_BYTES + bytes.len() / 4);
        file.extend_from_slice(MAGIC);
        file.push(u8::from(base.is_some()));
        match &base {
            Some(base) => file.extend_from_slice(base.0.as_bytes()),
            None => file.extend_from_slice(&[0; 64]),
        }
        file.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        pack(bytes, &base_bytes, &mut file)
            .map_err(|error| StoreError::Packing(digest.0.clone(), error))?;
        self.write(&digest, file, PutMode::Create)?;
        Ok(Stored { digest, base })
    }

    /// What to pack against: nothing, if it is too large, itself packed so, or cannot be read.
    fn base(&self, like: Option<&Digest>) -> (Option<Digest>, Vec<u8>) {
        let read = |like: &Digest| {
            let file = self.file(like).ok()?;
            let stands_alone = Packed::read(&file)?.base.is_none();
            let bytes = stands_alone.then(|| self.unpacked(like, &file).ok())??;
            (bytes.len() <= LARGEST_BASE).then_some((Some(like.clone()), bytes))
        };
        like.and_then(read).unwrap_or_default()
    }

    /// The evidence of that digest, which is proven to be it.
    pub(super) fn get(&self, digest: &Digest) -> Result<Vec<u8>, StoreError> {
        self.unpacked(digest, &self.file(digest)?)
    }

    fn unpacked(&self, digest: &Digest, file: &[u8]) -> Result<Vec<u8>, StoreError> {
        let changed = || StoreError::Changed(digest.0.clone());
        let packed = Packed::read(file).ok_or_else(changed)?;
        let base = match &packed.base {
            Some(base) => {
                let file = self.file(base)?;
                let alone = Packed::read(&file).is_some_and(|packed| packed.base.is_none());
                if !alone {
                    return Err(changed());
                }
                self.unpacked(base, &file)?
            }
            None => Vec::new(),
        };
        if packed.length > LARGEST {
            return Err(changed());
        }
        let bytes = unpack(&packed, &base).map_err(|_broken| changed())?;
        if sha256_hex(&bytes) == digest.0 {
            Ok(bytes)
        } else {
            Err(changed())
        }
    }

    /// A file as it lies there, packed.
    pub(super) fn file(&self, digest: &Digest) -> Result<Vec<u8>, StoreError> {
        let (store, place) = (Arc::clone(&self.store), place_of(digest));
        self.worker
            .run(async move { store.get(&place).await?.bytes().await })?
            .map(|bytes| bytes.to_vec())
            .map_err(|error| StoreError::Evidence(digest.0.clone(), error))
    }

    /// That there is such evidence; whether it is whole, only reading tells.
    pub(super) fn is_there(&self, digest: &Digest) -> Result<(), StoreError> {
        let (store, place) = (Arc::clone(&self.store), place_of(digest));
        self.worker
            .run(async move { store.head(&place).await })?
            .map(drop)
            .map_err(|error| StoreError::Evidence(digest.0.clone(), error))
    }

    /// The beginning of a file, if there is such a file.
    fn header(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        let (store, place) = (Arc::clone(&self.store), place_of(digest));
        let range = 0..HEADER_BYTES as u64;
        match self
            .worker
            .run(async move { store.get_range(&place, range).await })?
        {
            Ok(bytes) => Ok(Some(bytes.to_vec())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(StoreError::Evidence(digest.0.clone(), error)),
        }
    }

    /// Takes a file as it lay in another store.
    pub(super) fn put_file(&self, digest: &Digest, file: Vec<u8>) -> Result<(), StoreError> {
        self.write(digest, file, PutMode::Overwrite)
    }

    fn write(&self, digest: &Digest, file: Vec<u8>, mode: PutMode) -> Result<(), StoreError> {
        let (store, place) = (Arc::clone(&self.store), place_of(digest));
        let options = PutOptions::from(mode);
        match self
            .worker
            .run(async move { store.put_opts(&place, file.into(), options).await })?
        {
            // Somebody else stored the same.
            Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => Ok(()),
            Err(error) => Err(StoreError::Evidence(digest.0.clone(), error)),
        }
    }

    /// Removes a file.
    pub(super) fn delete(&self, digest: &Digest) -> Result<(), StoreError> {
        let (store, place) = (Arc::clone(&self.store), place_of(digest));
        self.worker
            .run(async move { store.delete(&place).await })?
            .map_err(|error| StoreError::Evidence(digest.0.clone(), error))
    }

    /// Every file: its digest and its size in bytes. Files that are named otherwise are none of ours.
    pub(super) fn list(&self) -> Result<Vec<(Digest, u64)>, StoreError> {
        let store = Arc::clone(&self.store);
        let files = self
            .worker
            .run(async move { store.list(None).collect::<Vec<_>>().await })?;
        files
            .into_iter()
            .map(|file| file.map_err(|error| StoreError::Evidence("of all runs".to_owned(), error)))
            .filter_map(|file| match file {
                Ok(file) => {
                    let name: String = file
                        .location
                        .parts()
                        .map(|part| part.as_ref().to_owned())
                        .collect();
                    Digest::try_from(name)
                        .ok()
                        .map(|digest| Ok((digest, file.size)))
                }
                Err(error) => Some(Err(error)),
            })
            .collect()
    }
}

fn at_address(place: &str) -> Result<Arc<dyn ObjectStore>, StoreError> {
    let wrong = |error| StoreError::EvidencePlace(place.to_owned(), error);
    let url = url::Url::parse(place).map_err(|error| {
        wrong(object_store::Error::Generic {
            store: "address",
            source: Box::new(error),
        })
    })?;
    let environment = std::env::vars().map(|(name, value)| (name.to_ascii_lowercase(), value));
    let (store, prefix) = object_store::parse_url_opts(&url, environment).map_err(wrong)?;
    Ok(Arc::new(object_store::prefix::PrefixStore::new(
        store, prefix,
    )))
}

/// Two digits of folder: no folder gets too many files.
fn place_of(digest: &Digest) -> Place {
    let (first, rest) = digest.0.split_at(2);
    Place::from_iter([first, rest])
}

fn pack(bytes: &[u8], base: &[u8], into: &mut Vec<u8>) -> std::io::Result<()> {
    let mut packer = zstd::stream::Encoder::with_dictionary(into, LEVEL, base)?;
    packer.write_all(bytes)?;
    packer.finish()?;
    Ok(())
}

fn unpack(packed: &Packed<'_>, base: &[u8]) -> std::io::Result<Vec<u8>> {
    let unpacker = zstd::stream::Decoder::with_dictionary(packed.frame, base)?;
    let mut bytes = Vec::new();
    // One byte more than there should be gives a longer file away.
    unpacker.take(packed.length + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
