//! The hosts of `third-party-web` (npm, MIT), built in unmodified: breadth for hosts no entry knows.

use std::borrow::Cow;

use serde::Deserialize;

use super::dataset::{Dataset, Origin};
use super::import::{ImportError, third_party_web};
use super::load::File;

/// The name the file of entities goes by among the catalog's files.
pub(super) const FILE: &str = "third-party-web.json";

/// The files of the npm package, as `build.rs` embeds them.
struct BuiltIn {
    entities: &'static str,
    package: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/breadth.rs"));

#[derive(Deserialize)]
struct Package {
    version: String,
}

/// The file of entities; absent when the program was built without npm.
pub(super) fn file() -> Option<File> {
    BUILT_IN.map(|built_in| File {
        path: FILE.to_owned(),
        shown: FILE.to_owned(),
        text: Cow::Borrowed(built_in.entities),
        compiled: None,
    })
}

/// What the file says.
pub(super) fn dataset(text: &str) -> Result<Dataset, ImportError> {
    let version = BUILT_IN
        .and_then(|built_in| serde_json::from_str::<Package>(built_in.package).ok())
        .map(|package| package.version);
    let origin = Origin {
        version,
        ..third_party_web::origin()
    };
    Ok(Dataset {
        schema: super::dataset::DatasetSchema::V1,
        origin,
        services: third_party_web::services(text)?.services,
    })
}
