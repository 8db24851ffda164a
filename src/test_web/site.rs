//! The sites of the test web: what each is about, where it is, and what is true of it.

use include_dir::{Dir, include_dir};
use serde::Deserialize;

use super::TestWebError;
use super::route::Route;
use super::truth::Truth;

/// `fixtures/sites`, built in.
static SITES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/fixtures/sites");

/// A site's own words about itself.
const ABOUT_FILE: &str = "site.toml";

/// What is true of a site, written by hand.
const TRUTH_FILE: &str = "truth.toml";

/// The page of sites that are about their banner alone: `/site.js` makes it.
const COMMON_PAGE: &str = include_str!("../../fixtures/shared/page.html");

/// Where numbered pages lie.
const NUMBERED: &str = "/livres/";

/// One site of the test web.
#[derive(Debug, Clone)]
pub struct Site {
    /// The name of its folder.
    pub name: String,
    /// What it does, in one sentence.
    pub about: String,
    /// Its host name.
    pub host: String,
    /// The language of its texts, ISO 639-1.
    pub language: String,
    /// Its consent banner: an npm package, `emulated`, `own` or `none`.
    pub banner: String,
    /// The consent platform behind the banner, by its id in the catalog or by its own name.
    pub platform: Option<String>,
    /// The address to audit.
    pub url: String,
    /// What an audit has to find.
    pub truth: Truth,
    /// What stands on the common page, for a site that has no page of its own.
    title: Option<String>,
    /// How many pages are made of `page.html`, and named in a sitemap.
    numbered_pages: u32,
    /// Answers that are more than a file.
    pub(super) routes: Vec<Route>,
}

/// `site.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    about: String,
    host: String,
    language: String,
    banner: String,
    platform: Option<String>,
    title: Option<String>,
    url: String,
    #[serde(default)]
    numbered_pages: u32,
    #[serde(default, rename = "route")]
    routes: Vec<Route>,
}

impl Site {
    /// Whether the site is about its banner alone: nothing on its page comes late.
    pub fn is_about_consent_only(&self) -> bool {
        self.title.is_some()
    }

    /// The common page in this site's words, if the site has a title and `path` is its address.
    pub(super) fn common_page(&self, path: &str) -> Option<String> {
        let title = self.title.as_deref().filter(|_| path == "/")?;
        Some(
            COMMON_PAGE
                .replace("LANGUAGE", &self.language)
                .replace("TITLE", title),
        )
    }

    /// A page made of `page.html`, or the sitemap that names them all; with the name of such a file.
    pub(super) fn numbered(&self, path: &str) -> Option<(&'static str, String)> {
        let address = |number: u32| format!("https://{}{NUMBERED}{number}", self.host);
        if self.numbered_pages > 0 && path == "/sitemap.xml" {
            let entries: Vec<String> = (1..=self.numbered_pages)
                .map(|number| format!("<url><loc>{}</loc></url>\n", address(number)))
                .collect();
            let entries = entries.concat();
            let map = format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n{entries}</urlset>\n"
            );
            return Some(("sitemap.xml", map));
        }
        let number: u32 = path.strip_prefix(NUMBERED)?.parse().ok()?;
        if !(1..=self.numbered_pages).contains(&number) {
            return None;
        }
        let (_, page) = self.file("page.html")?;
        let next = number % self.numbered_pages + 1;
        let page = String::from_utf8_lossy(page)
            .replace("NUMBER", &number.to_string())
            .replace("NEXT", &next.to_string());
        Some(("page.html", page))
    }

    /// The file of this site that the path `path` names, a directory's `index.html` included.
    pub(super) fn file(&self, path: &str) -> Option<(&'static str, &'static [u8])> {
        let relative = path.trim_start_matches('/');
        let relative = if relative.is_empty() {
            "index.html"
        } else {
            relative
        };
        if relative == ABOUT_FILE || relative == TRUTH_FILE {
            return None;
        }
        let file = SITES.get_file(format!("{}/{relative}", self.name))?;
        Some((file.path().to_str()?, file.contents()))
    }
}

/// The sites of the test web, by name.
pub fn sites() -> Result<Vec<Site>, TestWebError> {
    let mut sites = SITES.dirs().map(read).collect::<Result<Vec<_>, _>>()?;
    sites.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(sites)
}

/// Reads one folder of `fixtures/sites`.
fn read(folder: &'static Dir<'static>) -> Result<Site, TestWebError> {
    let name = folder.path().to_string_lossy().into_owned();
    let description: Description = parse("sites", folder, ABOUT_FILE)?;
    let truth: Truth = parse("sites", folder, TRUTH_FILE)?;
    Ok(Site {
        name,
        about: description.about,
        host: description.host,
        language: description.language,
        banner: description.banner,
        platform: description.platform,
        title: description.title,
        numbered_pages: description.numbered_pages,
        url: description.url,
        truth,
        routes: description.routes,
    })
}

/// Reads one TOML file of a folder below `fixtures/AREA`.
pub(super) fn parse<T: serde::de::DeserializeOwned>(
    area: &str,
    folder: &'static Dir<'static>,
    name: &str,
) -> Result<T, TestWebError> {
    let path = folder.path().join(name);
    let wrong = |reason: String| TestWebError::Fixture {
        file: format!("{area}/{}", path.display()),
        reason,
    };
    let text = folder
        .get_file(&path)
        .and_then(include_dir::File::contents_utf8)
        .ok_or_else(|| wrong("missing or not UTF-8".to_owned()))?;
    toml::from_str(text).map_err(|error| wrong(error.to_string()))
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        reason = "a fixture that does not parse fails the test"
    )]

    use super::*;

    #[test]
    fn the_files_about_a_site_are_not_served() {
        for site in sites().unwrap() {
            assert!(
                site.file("/").is_some() != site.common_page("/").is_some(),
                "{} has no page, or two",
                site.name
            );
            for hidden in [
                "/site.toml",
                "/truth.toml",
                "//truth.toml",
                "/../clean-opt-in/truth.toml",
            ] {
                assert!(site.file(hidden).is_none(), "{} serves {hidden}", site.name);
            }
        }
    }
}
