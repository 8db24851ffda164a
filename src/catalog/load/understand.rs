//! Understands the entries of a layer, several at a time: they are most of what there is to load.

use std::collections::HashMap;
use std::num::NonZero;
use std::sync::LazyLock;
use std::thread;

use super::File;
use crate::catalog::schema::Service;

/// What became of one entry.
pub(super) type Understood = Result<Service, toml::de::Error>;

/// Fewer entries than this are read one after the other: a thread costs more than it saves.
const ENOUGH_TO_SHARE: usize = 32;
/// Most threads.
const MOST_THREADS: usize = 8;

/// The built-in entries as JSON, by their path below `catalog/`: `build.rs` writes them.
static COMPILED: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    include_str!(concat!(env!("OUT_DIR"), "/entries.tsv"))
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .collect()
});

/// The JSON of a built-in entry, if it was compiled in.
pub(super) fn compiled(path: &str) -> Option<&'static str> {
    COMPILED.get(path).copied()
}

/// Reads the entries among files; in their order, and nothing for files that are none.
pub(super) fn entries(files: &[File]) -> Vec<Option<Understood>> {
    let threads = thread::available_parallelism()
        .map_or(1, NonZero::get)
        .min(MOST_THREADS);
    if files.len() < ENOUGH_TO_SHARE || threads == 1 {
        return files.iter().map(entry).collect();
    }
    // Dealt out in turn: neighbours may be large together.
    let mut understood: Vec<Option<Understood>> = files.iter().map(|_| None).collect();
    let shares = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|first| {
                scope.spawn(move || {
                    let share = files.iter().enumerate().skip(first).step_by(threads);
                    share
                        .map(|(place, file)| (place, entry(file)))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        workers
            .into_iter()
            .map(thread::ScopedJoinHandle::join)
            .collect::<Vec<_>>()
    });
    for (place, entry) in shares.into_iter().flatten().flatten() {
        understood[place] = entry;
    }
    understood
}

fn entry(file: &File) -> Option<Understood> {
    if !file.is_entry() {
        return None;
    }
    // Only the file itself can tell what is wrong and where.
    let swift = file
        .compiled
        .and_then(|json| serde_json::from_str(json).ok());
    Some(match swift {
        Some(service) => Ok(service),
        None => toml::from_str(&file.text),
    })
}
