//! `consentinel catalog import`: somebody else's data set, put into a catalog folder.

use std::path::{Path, PathBuf};

use crate::catalog::dataset::Dataset;
use crate::catalog::import::{self, Description, Format, Imported};
use crate::cli::exit::Exit;
use crate::cli::output::{chain, complain, print, say};
use crate::provision::download;
use crate::report::printable;

pub(super) const EXAMPLE: &str = "\
Examples:
  consentinel catalog import open-cookie-database.csv --from-format open-cookie-database --into my-catalog
  consentinel catalog import https://example.com/services.json --from-format disconnect --into my-catalog
  consentinel catalog import declaration.json --from-format onetrust --id my-site --rights 'own data' --into my-catalog
  consentinel audit https://www.example.com --catalog my-catalog

Imported data count where no entry written by hand does, and never make anything necessary. Their
licence is written into my-catalog/imported/ID.json and shown beside every answer.";

/// Largest file read, in bytes.
const LARGEST: u64 = 64 << 20;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// File or address of the data set
    #[arg(value_name = "FILE|URL")]
    from: String,
    /// Its shape
    #[arg(long, value_enum, value_name = "FORMAT")]
    from_format: Format,
    /// Catalog folder it is put into; without one, the import is only tried
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
    /// Id of the data set, its file's name [default: by the format]
    #[arg(long)]
    id: Option<String>,
    /// Title of the data set [default: by the format]
    #[arg(long)]
    title: Option<String>,
    /// Its licence, where it differs from the one usual for the format
    #[arg(long, value_name = "LICENCE")]
    rights: Option<String>,
    /// Its version
    #[arg(long, value_name = "TEXT")]
    data_version: Option<String>,
    /// The vendor a device storage disclosure speaks for
    #[arg(long, value_name = "NAME")]
    vendor: Option<String>,
}

pub(super) async fn run(arguments: Arguments) -> Exit {
    let is_address = ["http://", "https://"]
        .iter()
        .any(|scheme| arguments.from.starts_with(scheme));
    let text = if is_address {
        download::text(&arguments.from, LARGEST)
            .await
            .map_err(|error| chain(&error))
    } else {
        read(Path::new(&arguments.from))
    };
    let text = match text {
        Ok(text) => text,
        Err(message) => {
            complain(&message, None);
            return Exit::Usage;
        }
    };
    let about = Description {
        id: arguments.id.clone(),
        title: arguments.title.clone(),
        rights: arguments.rights.clone(),
        url: is_address.then(|| arguments.from.clone()),
        version: arguments.data_version.clone(),
        vendor: arguments.vendor.clone(),
        retrieved: Some(jiff::Zoned::now().date()),
    };
    match import::import(arguments.from_format, &text, about) {
        Ok(imported) => keep(&imported, arguments.into.as_deref()),
        Err(error) => {
            complain(
                &format!("{} cannot be imported: {}", arguments.from, chain(&error)),
                Some("`consentinel catalog import --help` names the formats"),
            );
            Exit::Usage
        }
    }
}

fn read(path: &Path) -> Result<String, String> {
    use std::io::Read as _;
    let failed = |error: std::io::Error| format!("cannot read {}: {error}", path.display());
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .map_err(failed)?
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > LARGEST {
        return Err(format!("{} has more than 64 MiB", path.display()));
    }
    String::from_utf8(bytes)
        .map_err(|error| format!("{} is no UTF-8 text: {error}", path.display()))
}

/// Writes the data set into its folder and tells what it holds.
fn keep(imported: &Imported, into: Option<&Path>) -> Exit {
    let dataset = &imported.dataset;
    print(&summary(imported));
    let Some(folder) = into else {
        say("nothing was written; --into DIR puts it into a catalog folder");
        return Exit::Passed;
    };
    match write(dataset, folder) {
        Ok(path) => {
            say(&format!(
                "written to {}; use it with --catalog {}",
                path.display(),
                folder.display()
            ));
            Exit::Passed
        }
        Err(message) => {
            complain(&message, None);
            Exit::Internal
        }
    }
}

fn write(dataset: &Dataset, folder: &Path) -> Result<PathBuf, String> {
    let folder = folder.join("imported");
    let path = folder.join(format!("{}.json", dataset.origin.id));
    let failed = |error: std::io::Error| format!("{} cannot be written: {error}", path.display());
    let text = serde_json::to_string(dataset).map_err(|error| error.to_string())?;
    if text.len() as u64 > LARGEST {
        return Err("the data set has more than 64 MiB".to_owned());
    }
    std::fs::create_dir_all(&folder).map_err(failed)?;
    // Written beside and moved into place: what was there before stays whole until then.
    let mut beside = tempfile::NamedTempFile::new_in(&folder).map_err(failed)?;
    std::io::Write::write_all(&mut beside, text.as_bytes()).map_err(failed)?;
    beside.persist(&path).map_err(|error| failed(error.error))?;
    Ok(path)
}

fn summary(imported: &Imported) -> String {
    let dataset = &imported.dataset;
    let count = |number: fn(&crate::catalog::dataset::ImportedService) -> usize| {
        dataset.services.iter().map(number).sum::<usize>()
    };
    let mut lines = vec![
        format!("{} ({})", dataset.origin.title, dataset.origin.id),
        format!("licence   {}", dataset.origin.rights),
        format!("services  {}", dataset.services.len()),
        format!("hosts     {}", count(|service| service.request.len())),
        format!("cookies   {}", count(|service| service.cookie.len())),
        format!("storage   {}", count(|service| service.storage.len())),
    ];
    for (reason, number) in &imported.skipped.reasons {
        lines.push(format!("left out  {number}: {reason}"));
    }
    if !imported.skipped.examples.is_empty() {
        lines.push(format!(
            "such as   {}",
            imported.skipped.examples.join(", ")
        ));
    }
    lines.iter().map(|line| printable(line) + "\n").collect()
}
