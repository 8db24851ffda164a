//! Whatever stands in a catalog file, reading and checking it ends without a panic.
//!
//! `cargo +nightly fuzz run catalog`
#![no_main]

use consentinel::catalog::lint::check_text;
use jiff::civil::date;
use libfuzzer_sys::fuzz_target;

/// The files a catalog may hold; the first byte of the input chooses.
const PATHS: [&str; 6] = [
    "services/x.toml",
    "overrides.toml",
    "exemptions.toml",
    "disabled.toml",
    "imported/x.json",
    "sections.toml",
];

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    if let Ok(text) = std::str::from_utf8(rest) {
        check_text(PATHS[usize::from(*first) % PATHS.len()], text, date(2026, 11, 22));
    }
});
