//! Builds the consent rule engine into the program.
//!
//! `@duckduckgo/autoconsent` is an ordinary npm dependency, pinned by a lock file with integrity
//! hashes, and is embedded as it comes. Without npm the build goes on, says so, and the report
//! names the engine that ran.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

const MANIFEST: &str = "src/visit/consent/engine";

fn main() {
    println!("cargo:rerun-if-changed={MANIFEST}/package.json");
    println!("cargo:rerun-if-changed={MANIFEST}/package-lock.json");
    println!(
        "cargo:rustc-env=CONSENTINEL_COMMIT={}",
        commit().unwrap_or_default()
    );
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let code = match embed(&out) {
        Ok(package) => format!(
            "const BUILT_IN: Option<BuiltIn> = Some(BuiltIn {{\n    script: include_str!({}),\n    \
             rules: include_str!({}),\n    package: include_str!({}),\n}});\n",
            literal(&package.join("dist/autoconsent.playwright.js")),
            literal(&package.join("rules/rules.json")),
            literal(&package.join("package.json")),
        ),
        Err(reason) => {
            println!(
                "cargo:warning=the consent rules are not built in ({reason}); banners are driven by the built-in heuristics alone"
            );
            "const BUILT_IN: Option<BuiltIn> = None;\n".to_owned()
        }
    };
    if let Err(error) = fs::write(out.join("engine.rs"), code) {
        println!("cargo:warning=the build folder cannot be written: {error}");
    }
}

/// Installs the package into the build folder and returns its place there.
fn embed(out: &Path) -> Result<PathBuf, String> {
    let folder = out.join("engine");
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    for file in ["package.json", "package-lock.json"] {
        fs::copy(Path::new(MANIFEST).join(file), folder.join(file))
            .map_err(|error| format!("{file}: {error}"))?;
    }
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let status = Command::new(npm)
        .args([
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ])
        .current_dir(&folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .map_err(|error| format!("npm: {error}"))?;
    if !status.success() {
        return Err(format!("npm ended with {status}"));
    }
    let package = folder.join("node_modules/@duckduckgo/autoconsent");
    for file in ["dist/autoconsent.playwright.js", "rules/rules.json"] {
        if !package.join(file).is_file() {
            return Err(format!("the package has no {file}"));
        }
    }
    Ok(package)
}

/// A path as a string literal of Rust.
fn literal(path: &Path) -> String {
    format!("\"{}\"", path.display().to_string().escape_default())
}

/// The commit the program is built from, where there is a repository.
fn commit() -> Option<String> {
    if Path::new(".git/HEAD").exists() {
        println!("cargo:rerun-if-changed=.git/HEAD");
    }
    let output = Command::new("git")
        .args(["rev-parse", "--short=12", "HEAD"])
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
