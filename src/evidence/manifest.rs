//! The sums of the files of a folder, in the form `sha256sum` writes and reads.

use std::collections::BTreeMap;
use std::io::{self, Write};

use sha2::{Digest as _, Sha256};

use crate::model::value::hexadecimal;

/// SHA-256 by path within the folder.
pub(super) type Sums = BTreeMap<String, String>;

/// Digits of a sum.
const DIGITS: usize = 64;

/// Passes bytes on and sums them up.
pub(super) struct Summing<W> {
    inner: W,
    sum: Sha256,
}

impl<W: Write> Summing<W> {
    pub(super) fn new(inner: W) -> Self {
        Self {
            inner,
            sum: Sha256::new(),
        }
    }

    /// The sum of everything that went through, when it has arrived.
    pub(super) fn finish(mut self) -> io::Result<String> {
        self.inner.flush()?;
        Ok(hexadecimal(&self.sum.finalize()))
    }
}

impl<W: Write> Write for Summing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.sum.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// The sum of a stream.
pub(super) fn sum_of(mut source: impl io::Read) -> io::Result<String> {
    let mut summing = Summing::new(io::sink());
    io::copy(&mut source, &mut summing)?;
    summing.finish()
}

/// One line for each file: sum, two spaces, path.
pub(super) fn written(sums: &Sums) -> String {
    let mut text = String::new();
    for (path, sum) in sums {
        for part in [sum, "  ", path, "\n"] {
            text.push_str(part);
        }
    }
    text
}

/// Reads the lines; an error is the number of the first that is none of ours.
///
/// Paths stay inside the folder: no absolute ones, no `..`, no names with a control character.
pub(super) fn read(text: &str) -> Result<Sums, usize> {
    let mut sums = Sums::new();
    for (number, line) in (1..).zip(text.lines()) {
        let (sum, path) = line.split_once("  ").ok_or(number)?;
        let is_sum = sum.len() == DIGITS
            && sum
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        let stays = !path.is_empty()
            && !path.contains(['\\', ':'])
            && !path.chars().any(char::is_control)
            && path
                .split('/')
                .all(|part| !part.is_empty() && part != "." && part != "..");
        if !is_sum || !stays || sums.insert(path.to_owned(), sum.to_owned()).is_some() {
            return Err(number);
        }
    }
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_paths_of_the_folder_are_read() {
        let sum = "0".repeat(DIGITS);
        for (line, is_good) in [
            (format!("{sum}  report.json"), true),
            (format!("{sum}  pages/0001/page.json"), true),
            (format!("{sum} report.json"), false),
            (format!("{sum}  ../outside"), false),
            (format!("{sum}  /etc/passwd"), false),
            (format!("{sum}  pages//x"), false),
            (format!("{sum}  C:\\x"), false),
            (
                format!("{}  report.json", sum.to_uppercase().replace('0', "F")),
                false,
            ),
            (format!("{}  report.json", &sum[1..]), false),
            (format!("{sum}  a\n{sum}  a"), false),
            (String::new(), true),
        ] {
            assert_eq!(read(&line).is_ok(), is_good, "{line:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(names in proptest::collection::btree_set("[a-z]{1,8}(/[a-z0-9.-]{1,8}x){0,3}", 0..20)) {
            let sums: Sums = names.into_iter().map(|name| {
                let sum = sum_of(name.as_bytes()).unwrap();
                (name, sum)
            }).collect();
            prop_assert_eq!(read(&written(&sums)), Ok(sums));
        }

        #[test]
        fn nothing_makes_it_panic(text in any::<String>()) {
            drop(read(&text));
        }
    }
}
