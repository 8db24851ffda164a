//! Builds foreign npm packages into the program: the consent rule engine, and the hosts of third parties.
//! Writes the entries of the catalog in a form that is read faster than TOML.
//!
//! Both are ordinary npm dependencies, pinned by lock files with integrity hashes, and are embedded as
//! they come. Without npm the build goes on and says so; the report names the engine that ran.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

/// An npm package that is built in.
struct Package {
    /// Folder with its `package.json` and `package-lock.json`.
    manifest: &'static str,
    name: &'static str,
    /// The files that are built in: the field of `BuiltIn` that holds each, and its path in the package.
    files: &'static [(&'static str, &'static str)],
    /// Name of the folder it is installed into, and of the file of Rust that embeds it.
    module: &'static str,
    /// What the program does without it.
    without: &'static str,
}

const PACKAGES: [Package; 2] = [
    Package {
        manifest: "src/visit/consent/engine",
        name: "@duckduckgo/autoconsent",
        files: &[
            ("script", "dist/autoconsent.playwright.js"),
            ("rules", "rules/rules.json"),
            ("package", "package.json"),
        ],
        module: "engine",
        without: "the consent rules are not built in; banners are driven by the built-in heuristics alone",
    },
    Package {
        manifest: "src/catalog/breadth",
        name: "third-party-web",
        files: &[
            ("entities", "dist/entities-nostats.json"),
            ("package", "package.json"),
        ],
        module: "breadth",
        without: "the hosts of third-party-web are not built in; the catalog knows those of its own entries alone",
    },
];

fn main() {
    // Folders that are built in: a new file in them is a change.
    println!("cargo:rerun-if-changed=catalog");
    println!("cargo:rerun-if-changed=fixtures");
    println!(
        "cargo:rustc-env=CONSENTINEL_COMMIT={}",
        commit().unwrap_or_default()
    );
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    if let Err(error) = fs::write(out.join("entries.tsv"), entries()) {
        println!("cargo:warning=the build folder cannot be written: {error}");
    }
    for package in &PACKAGES {
        for file in ["package.json", "package-lock.json"] {
            println!("cargo:rerun-if-changed={}/{file}", package.manifest);
        }
        let code = match install(package, &out) {
            Ok(folder) => {
                let fields = package.files.iter().map(|(field, file)| {
                    format!(
                        "    {field}: include_str!({}),\n",
                        literal(&folder.join(file))
                    )
                });
                format!(
                    "const BUILT_IN: Option<BuiltIn> = Some(BuiltIn {{\n{}}});\n",
                    fields.collect::<String>()
                )
            }
            Err(reason) => {
                println!("cargo:warning={} ({reason})", package.without);
                "const BUILT_IN: Option<BuiltIn> = None;\n".to_owned()
            }
        };
        if let Err(error) = fs::write(out.join(format!("{}.rs", package.module)), code) {
            println!("cargo:warning=the build folder cannot be written: {error}");
        }
    }
}

/// The catalog's entries, one a line: the file's path below `catalog/`, a tab, its content as JSON.
///
/// A file that is no TOML is left out: whoever loads the catalog reads the file itself and says why.
fn entries() -> String {
    let mut lines = Vec::new();
    for folder in ["services", "cmps", "platforms"] {
        let files = fs::read_dir(Path::new("catalog").join(folder));
        for file in files.into_iter().flatten().flatten() {
            let text = fs::read_to_string(file.path()).unwrap_or_default();
            let Ok(content) = toml::from_str::<toml::Value>(&text) else {
                continue;
            };
            if let Ok(json) = serde_json::to_string(&content) {
                let name = file.file_name();
                lines.push(format!("{folder}/{}\t{json}\n", name.to_string_lossy()));
            }
        }
    }
    lines.sort();
    lines.concat()
}

/// Installs a package into the build folder and returns its place there.
fn install(package: &Package, out: &Path) -> Result<PathBuf, String> {
    let folder = out.join(package.module);
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    for file in ["package.json", "package-lock.json"] {
        fs::copy(Path::new(package.manifest).join(file), folder.join(file))
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
    let installed = folder.join("node_modules").join(package.name);
    for (_, file) in package.files {
        if !installed.join(file).is_file() {
            return Err(format!("the package has no {file}"));
        }
    }
    Ok(installed)
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
