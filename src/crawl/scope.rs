//! What belongs to a crawl: the site, the user's own words, and how far and how much.

use regex::{Regex, RegexBuilder};
use url::Url;

use super::address::may_be_a_page;
use super::shape::{Excess, Shapes};
use crate::model::party::registrable_domain;

/// Longest pattern, in characters.
const LONGEST_PATTERN: usize = 1_000;
/// Memory a pattern may take once it is read, in bytes.
const PATTERN_BYTES: usize = 1024 * 1024;

/// How far and how much.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// Patterns of which one must fit; every address when empty.
    pub include: Vec<String>,
    /// Patterns of which none may fit.
    pub exclude: Vec<String>,
    /// Most links from the start.
    pub depth: Option<u32>,
    /// Most pages.
    pub max_pages: Option<u64>,
    /// Most pages of one shape.
    pub sample: Option<u32>,
}

/// Why an address is not visited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// It belongs to another site.
    OtherSite,
    /// There is no page behind it.
    NoPage,
    /// `--include` or `--exclude` say so.
    Patterns,
    /// It is too many links away.
    Depth,
    /// There are enough pages.
    MaxPages,
    /// There are enough pages of its shape.
    Sampled,
    /// Its like go on for ever.
    Trap,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::OtherSite,
        Self::NoPage,
        Self::Patterns,
        Self::Depth,
        Self::MaxPages,
        Self::Sampled,
        Self::Trap,
    ];

    /// Why, in words that follow "addresses were left out: ".
    pub fn in_words(self) -> &'static str {
        match self {
            Self::OtherSite => "of another site",
            Self::NoPage => "no page",
            Self::Patterns => "by --include or --exclude",
            Self::Depth => "beyond --depth",
            Self::MaxPages => "beyond --max-pages",
            Self::Sampled => "enough of the same shape (--sample)",
            Self::Trap => "of an endless kind, such as calendars and filters",
        }
    }
}

/// A pattern that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the pattern `{pattern}` {reason}")]
pub struct PatternError {
    /// The pattern.
    pub pattern: String,
    /// What is wrong with it.
    pub reason: String,
}

/// What belongs to a crawl.
#[derive(Debug)]
pub struct Scope {
    site: String,
    include: Vec<Pattern>,
    exclude: Vec<Pattern>,
    depth: Option<u32>,
    max_pages: Option<u64>,
    shapes: Shapes,
    admitted: u64,
}

impl Scope {
    /// The site of `start`, within limits.
    pub fn new(start: &Url, limits: &Limits) -> Result<Self, PatternError> {
        let patterns = |texts: &[String]| {
            texts
                .iter()
                .map(|text| Pattern::read(text))
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(Self {
            site: registrable_domain(start.host_str().unwrap_or_default()).to_owned(),
            include: patterns(&limits.include)?,
            exclude: patterns(&limits.exclude)?,
            depth: limits.depth,
            max_pages: limits.max_pages,
            shapes: Shapes::new(limits.sample),
            admitted: 0,
        })
    }

    /// Whether an address belongs to the site.
    pub fn is_of_the_site(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        registrable_domain(host).eq_ignore_ascii_case(&self.site)
    }

    /// Whether an address in its canonical form is to be visited, and if so, counts it.
    pub fn admit(&mut self, url: &Url, depth: u32) -> Result<(), Refusal> {
        if !self.is_of_the_site(url) {
            return Err(Refusal::OtherSite);
        }
        if !may_be_a_page(url) {
            return Err(Refusal::NoPage);
        }
        let fits = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.fits(url));
        if !self.include.is_empty() && !fits(&self.include) || fits(&self.exclude) {
            return Err(Refusal::Patterns);
        }
        if self.depth.is_some_and(|most| depth > most) {
            return Err(Refusal::Depth);
        }
        if self.max_pages.is_some_and(|most| self.admitted >= most) {
            return Err(Refusal::MaxPages);
        }
        self.shapes.admit(url).map_err(|excess| match excess {
            Excess::Trap => Refusal::Trap,
            Excess::Sampled => Refusal::Sampled,
        })?;
        self.admitted += 1;
        Ok(())
    }

    /// Counts an address that was let in already: by the user, or before the job was broken off.
    pub fn count(&mut self, url: &Url) {
        self.admitted += 1;
        self.shapes.count(url);
    }

    /// Takes one out again that was let in, and is not visited after all.
    pub fn discount(&mut self) {
        self.admitted = self.admitted.saturating_sub(1);
    }
}

/// A pattern of addresses: `*` stands for any run of characters.
///
/// One with `://` is held against the whole address, one that begins with `/` against path and
/// query, any other against every part of the address.
#[derive(Debug)]
struct Pattern {
    regex: Regex,
    of_the_path: bool,
}

impl Pattern {
    fn read(text: &str) -> Result<Self, PatternError> {
        let wrong = |reason: &str| PatternError {
            pattern: text.chars().take(100).collect(),
            reason: reason.to_owned(),
        };
        if text.is_empty() {
            return Err(wrong("is empty"));
        }
        if text.chars().count() > LONGEST_PATTERN {
            return Err(wrong("is too long"));
        }
        let inner = text
            .split('*')
            .map(regex::escape)
            .collect::<Vec<_>>()
            .join(".*");
        let of_the_path = text.starts_with('/');
        let anchored = of_the_path || text.contains("://");
        let regex = if anchored {
            format!("^{inner}$")
        } else {
            inner
        };
        let regex = RegexBuilder::new(&regex)
            .size_limit(PATTERN_BYTES)
            .build()
            .map_err(|error| wrong(&format!("cannot be used: {error}")))?;
        Ok(Self { regex, of_the_path })
    }

    fn fits(&self, url: &Url) -> bool {
        if self.of_the_path {
            let query = url
                .query()
                .map_or_else(String::new, |query| format!("?{query}"));
            self.regex.is_match(&format!("{}{query}", url.path()))
        } else {
            self.regex.is_match(url.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn scope(limits: &Limits) -> Scope {
        Scope::new(&url("https://www.shop.test/"), limits).unwrap()
    }

    #[test]
    fn the_site_is_its_registrable_domain() {
        let mut scope = scope(&Limits::default());
        for (address, expected) in [
            ("https://www.shop.test/a", Ok(())),
            ("https://blog.shop.test/", Ok(())),
            ("http://shop.test:8080/", Ok(())),
            ("https://notshop.test/", Err(Refusal::OtherSite)),
            ("https://shop.test.evil.test/", Err(Refusal::OtherSite)),
            ("https://shop.test/terms.pdf", Err(Refusal::NoPage)),
        ] {
            assert_eq!(scope.admit(&url(address), 0), expected, "{address}");
        }
    }

    #[test]
    fn patterns_say_what_is_in() {
        let mut scope = scope(&Limits {
            include: vec!["/shop/*".to_owned(), "https://blog.shop.test/*".to_owned()],
            exclude: vec!["/shop/cart*".to_owned(), "print=1".to_owned()],
            ..Limits::default()
        });
        for (address, admitted) in [
            ("https://shop.test/shop/a", true),
            ("https://shop.test/shop/", true),
            ("https://shop.test/shop", false),
            ("https://shop.test/x/shop/a", false),
            ("https://blog.shop.test/x", true),
            ("https://shop.test/shop/cart?x=1", false),
            ("https://shop.test/shop/a?print=1", false),
            ("https://shop.test/shop/a?print=2", true),
        ] {
            assert_eq!(scope.admit(&url(address), 0).is_ok(), admitted, "{address}");
        }
        assert!(Pattern::read("").is_err());
        // Nothing in a pattern is anything but itself, save the star.
        assert!(
            !Pattern::read("/a.c")
                .unwrap()
                .fits(&url("https://a.test/abc"))
        );
    }

    #[test]
    fn depth_and_number_are_bounded() {
        let mut scope = scope(&Limits {
            depth: Some(2),
            max_pages: Some(3),
            ..Limits::default()
        });
        assert_eq!(scope.admit(&url("https://shop.test/a"), 2), Ok(()));
        assert_eq!(
            scope.admit(&url("https://shop.test/b"), 3),
            Err(Refusal::Depth)
        );
        scope.count(&url("https://shop.test/before"));
        assert_eq!(scope.admit(&url("https://shop.test/c"), 0), Ok(()));
        assert_eq!(
            scope.admit(&url("https://shop.test/d"), 0),
            Err(Refusal::MaxPages)
        );
    }
}
