//! Reads other people's data sets into the form of [`super::dataset`]. Pure: text in, data set out.
//!
//! What a data set calls functional becomes `preferences`; what it calls necessary stays
//! `unclassified`: that a service is necessary is for a person to say. A content host, a CDN or a tag
//! manager has a sector and no consent category.

use jiff::civil::Date;

use super::dataset::{Dataset, DatasetSchema, ImportedService, Origin};
use crate::model::value::sha256_hex;

mod builder;
mod categories;
mod declaration;
mod disconnect;
#[cfg(feature = "filterlists")]
mod filter_list;
mod iab;
mod lifetime;
mod open_cookie_database;
pub(super) mod third_party_web;
mod tracker_radar;
mod trackerdb;

pub use builder::{Found, Skipped};

/// The shape of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Format {
    /// Open Cookie Database, CSV or JSON
    OpenCookieDatabase,
    /// DuckDuckGo Tracker Radar: files of domains or entities, or a tds.json
    TrackerRadar,
    /// Disconnect's services.json
    Disconnect,
    /// Ghostery's trackerdb.json
    Trackerdb,
    /// Filter list in the syntax of EasyPrivacy; needs a build with `--features filterlists`
    FilterList,
    /// IAB Global Vendor List
    IabVendorList,
    /// IAB device storage disclosure of one vendor
    IabDisclosure,
    /// third-party-web's entities.json
    ThirdPartyWeb,
    /// Cookiebot: answer of its cookies interface, cc.js, or a table
    Cookiebot,
    /// OneTrust: its domain data in JSON, or a table
    Onetrust,
    /// CookieYes: JSON or a table
    Cookieyes,
}

impl Format {
    /// Where data of this shape usually come from.
    fn origin(self) -> Origin {
        let origin = |id: &str, title: &str, rights: &str, url: Option<&str>| Origin {
            id: id.to_owned(),
            title: title.to_owned(),
            rights: rights.to_owned(),
            url: url.map(str::to_owned),
            version: None,
            retrieved: None,
            sha256: None,
        };
        match self {
            Self::OpenCookieDatabase => origin(
                "open-cookie-database",
                "Open Cookie Database",
                "Apache-2.0",
                Some("https://github.com/jkwakman/Open-Cookie-Database"),
            ),
            Self::TrackerRadar => origin(
                "tracker-radar",
                "DuckDuckGo Tracker Radar",
                "CC-BY-NC-SA-4.0",
                Some("https://github.com/duckduckgo/tracker-radar"),
            ),
            Self::Disconnect => origin(
                "disconnect",
                "Disconnect Tracking Protection",
                "CC-BY-NC-SA-4.0",
                Some("https://github.com/disconnectme/disconnect-tracking-protection"),
            ),
            Self::Trackerdb => origin(
                "trackerdb",
                "Ghostery Tracker Database",
                "CC-BY-NC-SA-4.0",
                Some("https://github.com/ghostery/trackerdb"),
            ),
            Self::FilterList => origin("filter-list", "Filter list", UNKNOWN_RIGHTS, None),
            Self::IabVendorList => origin(
                "iab-vendor-list",
                "IAB Europe Global Vendor List",
                UNKNOWN_RIGHTS,
                Some("https://iabeurope.eu/vendor-list-tcf/"),
            ),
            Self::IabDisclosure => origin(
                "iab-disclosure",
                "Device storage disclosure",
                UNKNOWN_RIGHTS,
                None,
            ),
            Self::ThirdPartyWeb => third_party_web::origin(),
            Self::Cookiebot => origin(
                "cookiebot-declaration",
                "Cookiebot declaration",
                UNKNOWN_RIGHTS,
                None,
            ),
            Self::Onetrust => origin(
                "onetrust-declaration",
                "OneTrust declaration",
                UNKNOWN_RIGHTS,
                None,
            ),
            Self::Cookieyes => origin(
                "cookieyes-declaration",
                "CookieYes declaration",
                UNKNOWN_RIGHTS,
                None,
            ),
        }
    }
}

/// What stands where a licence is not known.
pub const UNKNOWN_RIGHTS: &str = "not stated";

/// Why a data set cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Not JSON, or not of the expected shape.
    #[error("it is not the expected JSON")]
    Json(#[from] serde_json::Error),
    /// Not a table.
    #[error("it is not the expected table")]
    Table(#[from] csv::Error),
    /// Readable, but without what the format has.
    #[error("{0}")]
    Shape(&'static str),
    /// Nothing in it says anything of a host or an item.
    #[error("nothing in it names a host, a cookie or a vendor; is it of another format?")]
    Nothing,
    /// The id cannot be used.
    #[error("`{0}` cannot be the id of a data set: letters a-z, digits and `-`")]
    Id(String),
    /// The program was built without that format.
    #[error("this build reads no filter lists; build it with `--features filterlists`")]
    NotBuiltIn,
}

impl ImportError {
    /// What it says and what caused it, in one line.
    pub(super) fn in_words(&self) -> String {
        match self {
            Self::Json(error) => format!("{self}: {error}"),
            Self::Table(error) => format!("{self}: {error}"),
            _ => self.to_string(),
        }
    }

    /// The line it is on, from 1; zero when unknown.
    pub(super) fn line(&self) -> usize {
        match self {
            Self::Json(error) => error.line(),
            Self::Table(error) => error
                .position()
                .map_or(0, |position| usize::try_from(position.line()).unwrap_or(0)),
            _ => 0,
        }
    }
}

/// What the person who imports knows of a data set; absent where the format's own description holds.
#[derive(Debug, Clone, Default)]
pub struct Description {
    /// Its id: the file's name, and what the ids of its services begin with.
    pub id: Option<String>,
    /// Its title.
    pub title: Option<String>,
    /// Its licence.
    pub rights: Option<String>,
    /// Where it was read.
    pub url: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// The vendor a disclosure speaks for.
    pub vendor: Option<String>,
    /// The day it was read.
    pub retrieved: Option<Date>,
}

/// A data set that was read.
#[derive(Debug)]
pub struct Imported {
    /// What goes into the catalog.
    pub dataset: Dataset,
    /// What does not, and why.
    pub skipped: Skipped,
}

/// Reads a data set.
pub fn import(format: Format, text: &str, about: Description) -> Result<Imported, ImportError> {
    // Files of spreadsheets begin with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let found = match format {
        Format::OpenCookieDatabase => open_cookie_database::services(text)?,
        Format::TrackerRadar => tracker_radar::services(text)?,
        Format::Disconnect => disconnect::services(text)?,
        Format::Trackerdb => trackerdb::services(text)?,
        #[cfg(feature = "filterlists")]
        Format::FilterList => filter_list::services(text),
        #[cfg(not(feature = "filterlists"))]
        Format::FilterList => return Err(ImportError::NotBuiltIn),
        Format::IabVendorList => iab::vendors(text)?,
        Format::IabDisclosure => {
            iab::disclosure(text, about.vendor.as_deref().unwrap_or("Unnamed vendor"))?
        }
        Format::ThirdPartyWeb => third_party_web::services(text)?,
        Format::Cookiebot | Format::Onetrust | Format::Cookieyes => declaration::services(text)?,
    };
    if found.services.iter().all(is_empty) && format != Format::IabVendorList {
        return Err(ImportError::Nothing);
    }
    let usual = format.origin();
    let id = about.id.unwrap_or(usual.id);
    let is_id = !id.is_empty()
        && id.len() <= 64
        && id
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !is_id {
        return Err(ImportError::Id(id.chars().take(80).collect()));
    }
    Ok(Imported {
        dataset: Dataset {
            schema: DatasetSchema::V1,
            origin: Origin {
                id,
                title: about.title.unwrap_or(usual.title),
                rights: about.rights.or(found.rights).unwrap_or(usual.rights),
                url: about.url.or(usual.url),
                version: about.version.or(found.version),
                retrieved: about.retrieved,
                sha256: Some(sha256_hex(text.as_bytes())),
            },
            services: found.services,
        },
        skipped: found.skipped,
    })
}

fn is_empty(service: &ImportedService) -> bool {
    service.request.is_empty() && service.cookie.is_empty() && service.storage.is_empty()
}

#[cfg(test)]
mod tests;
