//! The API against its own document, by somebody else's program: Schemathesis makes requests that keep to
//! the document and requests that do not, and checks that every answer is one the document knows.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::seeded::Seeded;

/// Requests of each kind for an operation.
const EXAMPLES: &str = "12";
/// The same requests every time.
const SEED: &str = "20261123";

/// Python with Schemathesis, installed below the target folder once.
fn installed() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("schemathesis");
    let wanted =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/service/schemathesis/requirements.txt");
    let list = std::fs::read_to_string(&wanted).unwrap();
    let program = folder.join("bin/st");
    let stamp = folder.join("installed.txt");
    if std::fs::read_to_string(&stamp).is_ok_and(|held| held == list) {
        return program;
    }
    eprintln!("set-up: installing Schemathesis");
    let python = ["python3", "python"]
        .into_iter()
        .find(|name| {
            let asked = Command::new(name).arg("--version").output();
            asked.is_ok_and(|answer| answer.status.success())
        })
        .unwrap_or("python3");
    succeeds(
        Command::new(python)
            .args(["-m", "venv", "--clear"])
            .arg(&folder),
    );
    succeeds(
        Command::new(folder.join("bin/pip"))
            .args(["install", "--quiet", "--disable-pip-version-check", "-r"])
            .arg(&wanted),
    );
    std::fs::write(&stamp, list).unwrap();
    program
}

fn succeeds(command: &mut Command) {
    let ended = command
        .status()
        .unwrap_or_else(|error| panic!("{command:?}: {error}; install Python 3 with venv and pip"));
    assert!(ended.success(), "{command:?}: {ended}");
}

#[test]
fn the_api_keeps_to_its_document() {
    let program = installed();
    let seeded = Seeded::start();
    let folder = tempfile::tempdir().unwrap();
    let answer = Command::new(program)
        .current_dir(folder.path())
        .arg("--config-file")
        .arg(
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("tests/service/schemathesis/schemathesis.toml"),
        )
        .arg("run")
        .arg(seeded.at("/api/v1/openapi.json"))
        .args(["--header", "Authorization: Bearer admin"])
        .args(["--max-examples", EXAMPLES, "--seed", SEED, "--workers", "1"])
        // Events have no end; they are followed in another test.
        .args(["--exclude-path", "/api/v1/events"])
        .args(["--no-color", "--continue-on-failure"])
        .env("PYTHONUNBUFFERED", "1")
        .env_remove("SCHEMATHESIS_HOOKS")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&answer.stdout);
    let wrong = String::from_utf8_lossy(&answer.stderr);
    assert!(answer.status.success(), "{said}\n{wrong}");
    // It did look, at every operation but the events.
    let document = consentinel::service::api::document();
    let paths = document["paths"].as_object().unwrap().values();
    let operations: usize = paths.map(|item| item.as_object().unwrap().len()).sum();
    assert!(operations > 20, "{operations}");
    let tested = format!("Tested: {}\n", operations - 1);
    assert!(said.contains(&tested), "{said}");
}
