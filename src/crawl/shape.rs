//! The shape of an address: one product page stands for ten thousand.
//!
//! Pages made from one template have addresses of one shape. So have the endless pages of a calendar
//! and of a filter, which is why shapes also tell a site from a trap.

use std::collections::HashMap;

use url::Url;

use crate::model::value::sha256_hex;

/// Parts of a path that a person reads as numbers, dates, digests or titles stand for any such.
const ANY: &str = "*";
/// A part of a path is a title when it has so many words.
const WORDS_OF_A_TITLE: usize = 3;
/// Longest part of a path that is taken for a name.
const LONGEST_NAME: usize = 24;
/// Most pages of one path that differ by their parameters alone: facets, sorting, sessions.
const MOST_VARIANTS: u32 = 50;
/// Most pages of one shape with two numbers or dates in it: calendars have no end.
const MOST_OF_A_CALENDAR: u32 = 400;
/// Most parts of a path, and most times one may come in it: relative links gone wrong grow for ever.
const MOST_PARTS: usize = 16;
const MOST_REPETITIONS: usize = 2;
/// Most parameters of an address.
const MOST_PARAMETERS: usize = 8;
/// Most shapes and paths counted; from then on nothing new is let in.
const MOST_COUNTED: usize = 200_000;

/// Why an address is not visited although it belongs to the site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Excess {
    /// The address grows without end, or its pages do.
    Trap,
    /// Enough pages of this shape were taken.
    Sampled,
}

/// The shape of an address: host, path with what varies replaced, names of the parameters.
pub fn shape(url: &Url) -> String {
    let parts: Vec<&str> = url.path().split('/').skip(1).collect();
    let last = parts.len().saturating_sub(1);
    let path: Vec<&str> = parts
        .iter()
        .enumerate()
        .map(|(at, part)| {
            // What lies in a folder is one of many.
            let in_a_folder = at == last && at > 0 && !part.is_empty();
            if in_a_folder || varies(part) {
                ANY
            } else {
                part
            }
        })
        .collect();
    let mut names: Vec<String> = url
        .query_pairs()
        .map(|(name, _)| name.into_owned())
        .collect();
    names.sort_unstable();
    names.dedup();
    let query = if names.is_empty() {
        String::new()
    } else {
        format!("?{}", names.join("&"))
    };
    let host = url.host_str().unwrap_or_default();
    format!("{host}/{}{query}", path.join("/"))
}

fn varies(part: &str) -> bool {
    part.bytes().any(|byte| byte.is_ascii_digit())
        || part.contains('%')
        || part.len() > LONGEST_NAME
        || part.split(['-', '_', '+']).count() >= WORDS_OF_A_TITLE
}

/// How many pages there are of each shape.
#[derive(Debug, Default)]
pub struct Shapes {
    /// Pages of each shape, and of each path; by the beginning of the digest.
    counts: HashMap<u64, u32>,
    /// Most pages of one shape.
    sample: Option<u32>,
}

impl Shapes {
    /// Nothing counted yet.
    pub fn new(sample: Option<u32>) -> Self {
        Self {
            counts: HashMap::new(),
            sample,
        }
    }

    /// Whether one more page of this address's shape is wanted, and if so, counts it.
    pub fn admit(&mut self, url: &Url) -> Result<(), Excess> {
        if is_endless(url) {
            return Err(Excess::Trap);
        }
        let limits = self.limits(url);
        for (key, limit, excess) in &limits {
            let count = self.counts.get(key).copied();
            if count.unwrap_or_default() >= *limit {
                return Err(*excess);
            }
            if count.is_none() && self.counts.len() >= MOST_COUNTED {
                return Err(Excess::Trap);
            }
        }
        self.add(&limits);
        Ok(())
    }

    /// Counts a page that was let in already, whatever the limits say.
    pub fn count(&mut self, url: &Url) {
        let limits = self.limits(url);
        self.add(&limits);
    }

    fn add(&mut self, limits: &[Limit]) {
        for (key, ..) in limits {
            *self.counts.entry(*key).or_default() += 1;
        }
    }

    /// What an address counts for, how many there may be of that, and what more would be.
    fn limits(&self, url: &Url) -> Vec<Limit> {
        let shape = shape(url);
        let mut limits = Vec::with_capacity(3);
        if let Some(sample) = self.sample {
            limits.push((key("shape", &shape), sample, Excess::Sampled));
        }
        let numbers = url.path().split('/').filter(|part| is_number(part)).count();
        if numbers >= 2 {
            limits.push((key("calendar", &shape), MOST_OF_A_CALENDAR, Excess::Trap));
        }
        if url.query().is_some() {
            let path = format!("{}{}", url.host_str().unwrap_or_default(), url.path());
            limits.push((key("path", &path), MOST_VARIANTS, Excess::Trap));
        }
        limits
    }
}

/// What is counted, by the beginning of a digest; how many there may be; what more would be.
type Limit = (u64, u32, Excess);

fn key(kind: &str, text: &str) -> u64 {
    // Sixteen digits of a digest are eight bytes.
    u64::from_str_radix(&sha256_hex(format!("{kind} {text}").as_bytes())[..16], 16)
        .unwrap_or_default()
}

fn is_number(part: &str) -> bool {
    !part.is_empty()
        && part
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'-')
}

fn is_endless(url: &Url) -> bool {
    let parts: Vec<&str> = url
        .path()
        .split('/')
        .filter(|part| !part.is_empty())
        .collect();
    let repeated = |part: &&str| parts.iter().filter(|other| *other == part).count();
    parts.len() > MOST_PARTS
        || url.query_pairs().count() > MOST_PARAMETERS
        || parts.iter().any(|part| repeated(part) > MOST_REPETITIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn pages_of_one_template_have_one_shape() {
        for (one, other, same) in [
            ("https://a.test/p/1", "https://a.test/p/22", true),
            ("https://a.test/p/red-shoe", "https://a.test/p/hat", true),
            (
                "https://a.test/blog/2024/05/x",
                "https://a.test/blog/2023/11/y",
                true,
            ),
            (
                "https://a.test/how-to-tie-a-knot",
                "https://a.test/what-is-a-knot",
                true,
            ),
            ("https://a.test/l?page=1", "https://a.test/l?page=2", true),
            ("https://a.test/about", "https://a.test/contact", false),
            ("https://a.test/p/1", "https://a.test/q/1", false),
            ("https://a.test/p/", "https://a.test/p/1", false),
            ("https://a.test/l?page=1", "https://a.test/l?sort=a", false),
            ("https://a.test/p/1", "https://b.a.test/p/1", false),
        ] {
            assert_eq!(
                shape(&url(one)) == shape(&url(other)),
                same,
                "{one} {other}"
            );
        }
    }

    #[test]
    fn a_sample_takes_so_many_of_each_shape() {
        let mut shapes = Shapes::new(Some(3));
        let admitted = (0..100)
            .filter(|number| {
                shapes
                    .admit(&url(&format!("https://a.test/p/{number}")))
                    .is_ok()
            })
            .count();
        assert_eq!(admitted, 3);
        assert!(shapes.admit(&url("https://a.test/about")).is_ok());
        assert_eq!(
            shapes.admit(&url("https://a.test/p/x")),
            Err(Excess::Sampled)
        );
    }

    #[test]
    fn traps_are_bounded_and_sites_are_not() {
        let count = |address: &dyn Fn(u32) -> String| {
            let mut shapes = Shapes::new(None);
            (0..5_000)
                .filter(|number| shapes.admit(&url(&address(*number))).is_ok())
                .count()
        };
        for (trap, address) in [
            (
                true,
                (&|n: u32| format!("https://a.test/c/{}/{}/{}", n / 400, n / 31, n % 31))
                    as &dyn Fn(u32) -> String,
            ),
            (true, &|n: u32| format!("https://a.test/l?from={n}")),
            (true, &|n: u32| {
                format!("https://a.test/l?color={}&size={}", n % 70, n / 70)
            }),
            (true, &|n: u32| {
                format!("https://a.test/{}", "a/".repeat(n as usize % 300 + 3))
            }),
            (false, &|n: u32| format!("https://a.test/p/{n}")),
            (false, &|n: u32| format!("https://a.test/{n}")),
        ] {
            let admitted = count(address);
            assert_eq!(admitted < 500, trap, "{}: {admitted}", address(1));
        }
    }
}
