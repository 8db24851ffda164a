//! What a site asks of programs: `robots.txt`, RFC 9309, with the `Crawl-delay` and `Sitemap` many write.

use std::time::Duration;

use url::Url;

/// The name this program goes by.
pub const OUR_NAME: &str = "consentinel";
/// How much of the file is read, in bytes: RFC 9309 asks for 500 KiB at least.
pub const MOST_BYTES: usize = 512 * 1024;
/// Most rules kept.
const MOST_RULES: usize = 10_000;
/// Longest rule, in bytes.
const LONGEST_RULE: usize = 2_000;
/// Most sitemaps kept.
const MOST_SITEMAPS: usize = 1_000;
/// Longest delay that is kept to. Whoever asks for more asks not to be crawled; nobody would wait.
const LONGEST_DELAY: Duration = Duration::from_mins(1);

/// One `Allow` or `Disallow`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    allow: bool,
    pattern: String,
}

/// What a host asks of programs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Robots {
    rules: Vec<Rule>,
    /// How long to wait between two requests.
    pub delay: Option<Duration>,
    /// Where it says its sitemaps are, as written.
    pub sitemaps: Vec<String>,
}

impl Robots {
    /// A host that asks nothing.
    pub fn allow_all() -> Self {
        Self::default()
    }

    /// A host that wants no programs, or whose wish cannot be asked for (RFC 9309, section 2.3.1.4).
    pub fn disallow_all() -> Self {
        Self {
            rules: vec![Rule {
                allow: false,
                pattern: "/".to_owned(),
            }],
            ..Self::default()
        }
    }

    /// What an answer to the question for `robots.txt` means: no file means no wishes, a server in
    /// trouble means not now.
    pub fn of_answer(status: u16, body: &[u8]) -> Self {
        match status {
            200..=299 => Self::parse(&String::from_utf8_lossy(
                body.get(..MOST_BYTES).unwrap_or(body),
            )),
            500..=599 | 429 => Self::disallow_all(),
            _ => Self::allow_all(),
        }
    }

    /// Reads the file: the groups for this program, or, when there are none, those for all.
    pub fn parse(text: &str) -> Self {
        let mut sitemaps = Vec::new();
        let (mut ours, mut everybodys) = (Group::default(), Group::default());
        let (mut is_ours, mut is_everybodys) = (false, false);
        let mut naming = false;
        for line in text.trim_start_matches('\u{feff}').lines() {
            let line = line.split('#').next().unwrap_or_default();
            let Some((name, value)) = line.split_once(':') else {
                continue;
            };
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
            match name.as_str() {
                "user-agent" => {
                    if !naming {
                        (is_ours, is_everybodys) = (false, false);
                    }
                    naming = true;
                    let agent = value.split('/').next().unwrap_or_default().trim();
                    is_ours |= agent.eq_ignore_ascii_case(OUR_NAME);
                    is_everybodys |= agent == "*";
                }
                "sitemap" if sitemaps.len() < MOST_SITEMAPS && !value.is_empty() => {
                    sitemaps.push(value.to_owned());
                }
                "allow" | "disallow" | "crawl-delay" => {
                    naming = false;
                    for (is_it, group) in [(is_ours, &mut ours), (is_everybodys, &mut everybodys)] {
                        if is_it {
                            group.named = true;
                            group.take(&name, value);
                        }
                    }
                }
                _ => {}
            }
            ours.named |= is_ours;
        }
        let group = if ours.named { ours } else { everybodys };
        Self {
            rules: group.rules,
            delay: group.delay,
            sitemaps,
        }
    }

    /// Whether an address may be visited: the longest rule that fits decides, `Allow` between equals.
    pub fn allows(&self, url: &Url) -> bool {
        let query = url
            .query()
            .map_or_else(String::new, |query| format!("?{query}"));
        let path = normal(&format!("{}{query}", url.path()));
        self.rules
            .iter()
            .filter(|rule| fits(rule.pattern.as_bytes(), path.as_bytes()))
            .max_by_key(|rule| (rule.pattern.len(), rule.allow))
            .is_none_or(|rule| rule.allow)
    }
}

#[derive(Default)]
struct Group {
    named: bool,
    rules: Vec<Rule>,
    delay: Option<Duration>,
}

impl Group {
    fn take(&mut self, name: &str, value: &str) {
        if name == "crawl-delay" {
            let seconds = value.parse::<f64>().ok().filter(|seconds| *seconds >= 0.0);
            self.delay = seconds
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
                .map(|delay| delay.min(LONGEST_DELAY))
                .or(self.delay);
            return;
        }
        // An empty rule allows and forbids nothing.
        let usable = !value.is_empty() && value.len() <= LONGEST_RULE;
        if usable && self.rules.len() < MOST_RULES {
            self.rules.push(Rule {
                allow: name == "allow",
                pattern: normal(value),
            });
        }
    }
}

/// Escapes in one spelling, so that rules and addresses can be compared.
fn normal(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let rest = bytes.clone();
            let digits: Vec<u8> = rest.take(2).collect();
            if digits.len() == 2 && digits.iter().all(u8::is_ascii_hexdigit) {
                let value = u8::from_str_radix(&String::from_utf8_lossy(&digits), 16);
                bytes.nth(1);
                match value {
                    Ok(value) if value.is_ascii_alphanumeric() || b"-._~".contains(&value) => {
                        plain.push(char::from(value));
                    }
                    _ => {
                        plain.push('%');
                        plain.push_str(&String::from_utf8_lossy(&digits).to_ascii_uppercase());
                    }
                }
                continue;
            }
        }
        if byte.is_ascii() {
            plain.push(char::from(byte));
        } else {
            plain.push('%');
            plain.push_str(&crate::model::value::hexadecimal(&[byte]).to_ascii_uppercase());
        }
    }
    plain
}

/// Whether a pattern with `*` and `$` fits the beginning of a path. Takes time of length by length, no more.
fn fits(pattern: &[u8], path: &[u8]) -> bool {
    let (pattern, to_the_end) = match pattern.strip_suffix(b"$") {
        Some(pattern) => (pattern, true),
        None => (pattern, false),
    };
    let (mut at, mut of) = (0, 0);
    // Where to go on when what follows the last star does not fit.
    let mut star: Option<(usize, usize)> = None;
    loop {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at + 1, of));
                at += 1;
            }
            Some(byte) if path.get(of) == Some(byte) => {
                at += 1;
                of += 1;
            }
            None if !to_the_end || of == path.len() => return true,
            _ => match &mut star {
                Some((after, from)) if *from < path.len() => {
                    *from += 1;
                    at = *after;
                    of = *from;
                }
                _ => return false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn allows(robots: &str, path: &str) -> bool {
        let url = Url::parse(&format!("https://shop.test{path}")).unwrap();
        Robots::parse(robots).allows(&url)
    }

    #[test]
    fn the_longest_rule_decides() {
        // The examples of RFC 9309, section 5, and of Google's own tests.
        for (robots, path, expected) in [
            ("user-agent: *\ndisallow: /", "/", false),
            ("user-agent: *\ndisallow:", "/a", true),
            ("", "/a", true),
            ("user-agent: *\nallow: /p\ndisallow: /", "/page", true),
            (
                "user-agent: *\nallow: /folder\ndisallow: /folder",
                "/folder/page",
                true,
            ),
            (
                "user-agent: *\nallow: /page\ndisallow: /*.htm",
                "/page.htm",
                false,
            ),
            ("user-agent: *\nallow: /$\ndisallow: /", "/", true),
            ("user-agent: *\nallow: /$\ndisallow: /", "/page.htm", false),
            ("user-agent: *\ndisallow: /*.php$", "/a.php", false),
            ("user-agent: *\ndisallow: /*.php$", "/a.php?x", true),
            (
                "user-agent: *\ndisallow: /fish*.php",
                "/fishheads/cat.php?x",
                false,
            ),
            ("user-agent: *\ndisallow: /fish", "/Fish", true),
            ("user-agent: *\ndisallow: /a%3cd.html", "/a%3Cd.html", false),
            ("user-agent: *\ndisallow: /%7Ejoe", "/~joe/x", false),
            ("user-agent: *\ndisallow: /ä", "/%C3%A4/x", false),
            ("disallow: /", "/a", true),
        ] {
            assert_eq!(allows(robots, path), expected, "{robots} {path}");
        }
    }

    #[test]
    fn our_own_group_comes_before_everybodys() {
        let robots = "\u{feff}User-Agent: other\nUser-agent: Consentinel/1.0 # us\nDisallow: /ours\n\
            Crawl-delay: 1.5\n\nUser-agent: *\nDisallow: /\nCrawl-delay: 900\nSitemap: /map.xml\n\
            user-agent: consentinel\ndisallow: /more";
        for (path, expected) in [
            ("/", true),
            ("/ours", false),
            ("/more", false),
            ("/x", true),
        ] {
            assert_eq!(allows(robots, path), expected, "{path}");
        }
        let read = Robots::parse(robots);
        assert_eq!(read.delay, Some(Duration::from_millis(1_500)));
        assert_eq!(read.sitemaps, ["/map.xml"]);
        let everybody = Robots::parse("user-agent: *\ncrawl-delay: 900");
        assert_eq!(everybody.delay, Some(LONGEST_DELAY));
    }

    #[test]
    fn no_file_means_no_wishes_and_trouble_means_not_now() {
        let url = Url::parse("https://shop.test/").unwrap();
        for (status, expected) in [
            (404, true),
            (403, true),
            (503, false),
            (429, false),
            (200, false),
        ] {
            let robots = Robots::of_answer(status, b"user-agent: *\ndisallow: /");
            assert_eq!(robots.allows(&url), expected, "{status}");
        }
    }

    proptest! {
        #[test]
        fn no_file_breaks_it(text in "(?s).{0,300}", path in "/[ -~]{0,60}") {
            if let Ok(url) = Url::parse(&format!("https://shop.test{path}")) {
                Robots::parse(&text).allows(&url);
            }
        }

        #[test]
        fn a_pattern_without_stars_is_a_prefix(pattern in "/[a-c/]{0,5}", path in "/[a-c/]{0,8}") {
            prop_assert_eq!(fits(pattern.as_bytes(), path.as_bytes()), path.starts_with(&pattern));
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        let pattern = format!("/{}b", "*a".repeat(500));
        let path = format!("/{}", "a".repeat(5_000));
        assert!(!fits(pattern.as_bytes(), path.as_bytes()));
    }
}
