//! Files of the npm packages, from the directory they were provisioned in.

use std::path::{Path, PathBuf};

/// Largest file served, in bytes: the biggest consent banner has less than a tenth of it.
const LARGEST_FILE: u64 = 8 * 1024 * 1024;

/// A `node_modules` directory.
#[derive(Debug)]
pub(super) struct Packages {
    root: PathBuf,
}

impl Packages {
    /// Serves what lies below `root`.
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// The file `PACKAGE/PATH`, or nothing when there is none, when it lies outside, or when it is too large.
    pub(super) async fn read(&self, path: &str) -> Option<Vec<u8>> {
        let relative = plain_path(path)?;
        let root = tokio::fs::canonicalize(&self.root).await.ok()?;
        let file = tokio::fs::canonicalize(root.join(relative)).await.ok()?;
        // A link inside a package may point anywhere.
        if !file.starts_with(&root) {
            return None;
        }
        let about = tokio::fs::metadata(&file).await.ok()?;
        if !about.is_file() || about.len() > LARGEST_FILE {
            return None;
        }
        tokio::fs::read(file).await.ok()
    }
}

/// `path` when all its parts are ordinary names, so that it can only lead downwards.
fn plain_path(path: &str) -> Option<&Path> {
    let ordinary = |part: &str| {
        !part.starts_with('.')
            && !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"@._-".contains(&byte))
    };
    (path.contains('/') && path.split('/').all(ordinary)).then(|| Path::new(path))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_plain_paths_pass() {
        for (path, expected) in [
            ("klaro/dist/klaro.js", true),
            ("@scope/package/file.min.js", true),
            ("klaro", false),
            ("../secret", false),
            ("klaro/../../secret", false),
            ("klaro/%2e%2e/secret", false),
            ("klaro/..%2fsecret", false),
            ("/etc/passwd", false),
            ("klaro//etc/passwd", false),
            ("klaro\\..\\secret", false),
            (".bin/klaro", false),
            ("klaro/", false),
            ("C:/secret", false),
            ("klaro/a\0b", false),
        ] {
            assert_eq!(plain_path(path).is_some(), expected, "{path}");
        }
    }

    proptest! {
        #[test]
        fn no_path_leads_upwards(path in "[a-z./%@\\\\]{0,24}") {
            if let Some(plain) = plain_path(&path) {
                prop_assert!(plain.components().all(|part| matches!(part, std::path::Component::Normal(_))));
            }
        }
    }
}
