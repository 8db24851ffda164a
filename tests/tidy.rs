//! The house keeps its own order: who may use whom, who may print, and what no file may hold.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms of `src`, each with the other rooms it may use. Rooms stand above what they use.
const MAY_USE: &[(&str, &[&str])] = &[
    ("main", &["cli"]),
    (
        "cli",
        &[
            "audit",
            "browser",
            "catalog",
            "compare",
            "crawl",
            "declare",
            "evidence",
            "judge",
            "model",
            "provision",
            "report",
            "service",
            "store",
            "test_web",
            "visit",
        ],
    ),
    (
        "service",
        &[
            "audit", "browser", "catalog", "compare", "crawl", "judge", "model", "proxy", "report",
            "store", "visit",
        ],
    ),
    (
        "audit",
        &[
            "browser", "catalog", "crawl", "judge", "model", "proxy", "queue", "store", "visit",
        ],
    ),
    ("provision", &["browser", "model"]),
    ("visit", &["browser", "model"]),
    ("judge", &["catalog", "model"]),
    ("declare", &["catalog", "model"]),
    ("evidence", &["model", "report"]),
    ("report", &["model"]),
    ("store", &["model"]),
    ("queue", &[]),
    ("crawl", &["model"]),
    ("compare", &["catalog", "judge", "model"]),
    ("catalog", &["model"]),
    ("browser", &["model"]),
    ("proxy", &[]),
    ("test_web", &["model"]),
    ("model", &[]),
    ("lib", &[]),
];

/// Most lines of a file of `src`.
const MOST_LINES: usize = 800;

/// Folders that are no part of the repository.
const NOT_OURS: &[&str] = &[".git", "target", "node_modules"];

/// A file of `src`.
struct Source {
    /// Its path below `src`.
    path: String,
    /// The room it belongs to.
    room: String,
    /// Its text.
    text: String,
}

impl Source {
    /// Its lines that are no comments, with their numbers.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..)
            .zip(self.text.lines())
            .filter(|(_, line)| !is_comment(line))
    }

    /// Where one of `words` stands in its code: path, line and word.
    fn places_of(&self, words: &[&str]) -> Vec<String> {
        self.code()
            .flat_map(|(number, line)| {
                words
                    .iter()
                    .filter(move |word| line.contains(**word))
                    .map(move |word| format!("src/{}:{number}: {word}", self.path))
            })
            .collect()
    }
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a folder of the repository.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            let is_ours = !NOT_OURS
                .iter()
                .any(|name| entry.file_name().as_os_str() == *name);
            if kind.is_dir() && is_ours {
                folders.push(entry.path());
            } else if kind.is_file() && is_ours {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    files
}

/// Every file of Rust below `src`.
fn sources() -> Vec<Source> {
    let src = repository().join("src");
    files_below(&src)
        .into_iter()
        .filter(|file| file.extension().is_some_and(|ending| ending == "rs"))
        .map(|file| {
            let inner = file.strip_prefix(&src).unwrap();
            let parts: Vec<&str> = inner.iter().map(|part| part.to_str().unwrap()).collect();
            let path = parts.join("/");
            let first = parts.first().copied().unwrap_or_default();
            Source {
                room: first.strip_suffix(".rs").unwrap_or(first).to_owned(),
                text: fs::read_to_string(&file).unwrap(),
                path,
            }
        })
        .collect()
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn first_word(text: &str) -> &str {
    let end = text.find(|letter| !is_word(letter)).unwrap_or(text.len());
    &text[..end]
}

/// The names that follow `root` in code: `crate::a::b` names `a`, `crate::{a, b::c}` names `a` and `b`.
fn names_after<'a>(root: &str, code: &'a str) -> BTreeSet<&'a str> {
    code.match_indices(root)
        .filter(|(at, _)| !code[..*at].ends_with(is_word))
        .flat_map(|(at, _)| first_names(&code[at + root.len()..]))
        .collect()
}

/// The first name of a path, or the first names of a group of paths.
fn first_names(path: &str) -> Vec<&str> {
    let Some(group) = path.strip_prefix('{') else {
        return vec![first_word(path)];
    };
    let mut names = Vec::new();
    let mut depth = 1;
    let mut begins = true;
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 1 => break,
            '}' => depth -= 1,
            ',' if depth == 1 => begins = true,
            _ if begins && is_word(letter) => {
                names.push(first_word(&group[at..]));
                begins = false;
            }
            _ => {}
        }
    }
    names
}

fn assert_none(wrong: &[String], rule: &str) {
    assert!(wrong.is_empty(), "{rule}:\n{}", wrong.join("\n"));
}

#[test]
fn names_are_read_out_of_paths() {
    for (code, expected) in [
        ("use crate::judge::rules;", vec!["judge"]),
        ("let a = crate::model::party::host_of(b);", vec!["model"]),
        (
            "use crate::{browser, visit::{Plan, Manner}, model};",
            vec!["browser", "model", "visit"],
        ),
        ("use crate::{\n    audit,\n};", vec!["audit"]),
        ("pub(crate) fn judge() {}", vec![]),
        ("use my_crate::judge;", vec![]),
        ("use super::judge;", vec![]),
    ] {
        let names: Vec<&str> = names_after("crate::", code).into_iter().collect();
        assert_eq!(names, expected, "{code}");
    }
}

#[test]
fn every_room_is_in_the_table() {
    let rooms: BTreeSet<String> = sources().into_iter().map(|source| source.room).collect();
    let named: BTreeSet<String> = MAY_USE.iter().map(|(room, _)| (*room).to_owned()).collect();
    assert_eq!(rooms, named);
}

#[test]
fn the_table_has_no_circles() {
    // Whatever uses nothing that is left can be taken away; what remains goes in circles.
    let mut left: Vec<_> = MAY_USE.to_vec();
    loop {
        let names: BTreeSet<&str> = left.iter().map(|(room, _)| *room).collect();
        let before = left.len();
        left.retain(|(_, uses)| uses.iter().any(|used| names.contains(used)));
        if left.len() == before {
            break;
        }
    }
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn imports_point_down() {
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for source in sources() {
        let may_use = MAY_USE
            .iter()
            .find(|(room, _)| *room == source.room)
            .map(|(_, uses)| *uses)
            .unwrap_or_default();
        let root = if source.room == "main" {
            "consentinel::"
        } else {
            "crate::"
        };
        let code: Vec<&str> = source.code().map(|(_, line)| line).collect();
        for name in names_after(root, &code.join("\n")) {
            if name == source.room {
                continue;
            }
            if may_use.contains(&name) {
                seen.insert((source.room.clone(), name.to_owned()));
            } else {
                wrong.push(format!("src/{} uses {name}", source.path));
            }
        }
    }
    assert_none(
        &wrong,
        "a room may use only what stands below it (the table in this file)",
    );
    // What nobody uses does not have to be allowed.
    for (room, uses) in MAY_USE {
        for used in *uses {
            let pair = ((*room).to_owned(), (*used).to_owned());
            assert!(seen.contains(&pair), "{room} may use {used} and does not");
        }
    }
}

/// The code of one room says some of `words`, that of no other room says any.
fn assert_only_in(room: &str, words: &[&str], rule: &str) {
    let (inside, outside): (Vec<Source>, Vec<Source>) = sources()
        .into_iter()
        .partition(|source| source.room == room);
    let places = |sources: &[Source]| -> Vec<String> {
        let places = sources.iter().flat_map(|source| source.places_of(words));
        places.collect()
    };
    assert_none(&places(&outside), rule);
    assert!(!places(&inside).is_empty());
}

#[test]
fn only_the_browser_room_names_chromiumoxide() {
    assert_only_in(
        "browser",
        &["chromiumoxide"],
        "chromiumoxide is named in src/browser alone",
    );
}

#[test]
fn only_the_command_line_prints() {
    // The words for standard error end in these.
    assert_only_in(
        "cli",
        &["print!(", "println!(", "dbg!(", "stdout()", "stderr()"],
        "what is printed is printed in src/cli alone",
    );
}

#[test]
fn nothing_is_left_to_do_in_the_code() {
    let wrong: Vec<String> = sources()
        .iter()
        .flat_map(|source| source.places_of(&["todo!(", "unimplemented!("]))
        .collect();
    assert_none(&wrong, "code that is not written yet is not merged");
}

#[test]
fn files_have_a_size_a_person_can_read() {
    let wrong: Vec<String> = sources()
        .iter()
        .filter(|source| source.text.lines().count() > MOST_LINES)
        .map(|source| format!("src/{}", source.path))
        .collect();
    assert_none(&wrong, &format!("at most {MOST_LINES} lines a file"));
}

#[test]
fn rooms_are_files_beside_their_folders() {
    let wrong: Vec<String> = files_below(repository())
        .into_iter()
        .filter(|file| file.file_name().is_some_and(|name| name == "mod.rs"))
        .map(|file| file.display().to_string())
        .collect();
    assert_none(&wrong, "`room.rs` and `room/`, no `mod.rs`");
}

#[test]
fn no_file_names_a_registry_or_a_place_outside() {
    // Put together here, so that this file does not hold them.
    let words = [
        concat!("registry.", "npmjs."),
        concat!("registry.", "yarnpkg."),
        concat!("static.", "crates.io"),
        concat!("index.", "crates.io"),
        concat!("proxy.", "golang."),
        concat!("python", "hosted.org"),
        concat!("../", "shared"),
    ];
    let mut wrong = Vec::new();
    let files = files_below(repository());
    assert!(files.contains(&repository().join("Cargo.toml")));
    for file in files {
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).to_ascii_lowercase();
        for word in words {
            if text.contains(word) {
                wrong.push(format!("{}: {word}", file.display()));
            }
        }
    }
    assert_none(
        &wrong,
        "the repository works with any registry and without its neighbours",
    );
}

#[test]
fn npm_lock_files_name_digests_and_no_addresses() {
    let locks: Vec<PathBuf> = files_below(repository())
        .into_iter()
        .filter(|file| {
            file.file_name()
                .is_some_and(|name| name == "package-lock.json")
        })
        .collect();
    assert!(!locks.is_empty());
    for lock in locks {
        let text = fs::read_to_string(&lock).unwrap();
        let place = lock.display();
        assert!(text.contains("\"integrity\""), "{place}");
        assert!(!text.contains("\"resolved\""), "{place}");
    }
}
