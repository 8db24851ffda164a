//! One form for each address, so that no page is visited twice under two spellings.

use url::Url;

/// Longest address visited, in bytes. Servers refuse longer ones, and traps grow them.
const LONGEST: usize = 2_000;

/// Parameters that say where a visitor came from and change no page.
const OF_CAMPAIGNS: &[&str] = &[
    "_ga",
    "_gl",
    "_hsenc",
    "_hsmi",
    "_openstat",
    "dclid",
    "epik",
    "fbclid",
    "gad_source",
    "gbraid",
    "gclid",
    "gclsrc",
    "igshid",
    "li_fat_id",
    "mc_cid",
    "mc_eid",
    "mkt_tok",
    "msclkid",
    "pk_campaign",
    "pk_kwd",
    "rb_clickid",
    "s_kwcid",
    "srsltid",
    "ttclid",
    "twclid",
    "vero_id",
    "wbraid",
    "wickedid",
    "yclid",
    "ysclid",
];

/// Parameters that carry a session: each visitor gets another one, and the page is the same.
const OF_SESSIONS: &[&str] = &[
    "aspsessionid",
    "cfid",
    "cftoken",
    "jsessionid",
    "oscsid",
    "phpsessid",
    "s_id",
    "session",
    "session_id",
    "sessionid",
    "sid",
    "sessid",
    "xtc_sid",
    "xtcsid",
    "zenid",
];

/// Endings of addresses behind which there is no page.
const NO_PAGES: &[&str] = &[
    "7z",
    "apk",
    "atom",
    "avi",
    "avif",
    "bmp",
    "bz2",
    "css",
    "csv",
    "dmg",
    "doc",
    "docx",
    "eot",
    "epub",
    "exe",
    "flac",
    "gif",
    "gz",
    "ico",
    "ics",
    "iso",
    "jar",
    "jpeg",
    "jpg",
    "js",
    "json",
    "m4a",
    "m4v",
    "map",
    "md5",
    "mjs",
    "mkv",
    "mov",
    "mp3",
    "mp4",
    "mpeg",
    "mpg",
    "msi",
    "ods",
    "odt",
    "ogg",
    "ogv",
    "otf",
    "pdf",
    "pkg",
    "png",
    "ppt",
    "pptx",
    "ps",
    "rar",
    "rss",
    "rtf",
    "svg",
    "tar",
    "tgz",
    "tif",
    "tiff",
    "ttf",
    "txt",
    "vcf",
    "wasm",
    "wav",
    "webm",
    "webmanifest",
    "webp",
    "wmv",
    "woff",
    "woff2",
    "xls",
    "xlsx",
    "xml",
    "xz",
    "zip",
];

/// The address in the one form it is visited under; `None` when there is no web page behind it.
///
/// Without fragment, campaign and session parameters, user name and password; parameters in order;
/// escapes that need not be are none. What the address means to the server stays.
pub fn canonical(url: &Url) -> Option<Url> {
    if !matches!(url.scheme(), "http" | "https") || url.as_str().len() > LONGEST {
        return None;
    }
    let mut url = url.clone();
    let host = url.host_str()?.trim_end_matches('.').to_owned();
    url.set_host(Some(&host)).ok()?;
    url.set_fragment(None);
    // Neither fails on an address that has a host.
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    let path = without_session(&unescaped(url.path()));
    url.set_path(&path);
    let mut pairs: Vec<&str> = url.query().map_or_else(Vec::new, |query| {
        query
            .split('&')
            .filter(|pair| !pair.is_empty() && !is_noise(pair))
            .collect()
    });
    pairs.sort_unstable();
    pairs.dedup();
    let query = unescaped(&pairs.join("&"));
    url.set_query((!query.is_empty()).then_some(query.as_str()));
    (url.as_str().len() <= LONGEST).then_some(url)
}

/// Whether a page may be behind an address, by the ending of its path.
pub fn may_be_a_page(url: &Url) -> bool {
    let last = url.path().rsplit('/').next().unwrap_or_default();
    match last.rsplit_once('.') {
        Some((_, ending)) => !NO_PAGES.contains(&ending.to_ascii_lowercase().as_str()),
        None => true,
    }
}

fn is_noise(pair: &str) -> bool {
    let name = pair
        .split('=')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    name.starts_with("utm_")
        || name.starts_with("aspsessionid")
        || OF_CAMPAIGNS.contains(&name.as_str())
        || OF_SESSIONS.contains(&name.as_str())
}

/// A path without `;jsessionid=…` and its like.
fn without_session(path: &str) -> String {
    let segments: Vec<&str> = path
        .split('/')
        .map(|segment| match segment.split_once(';') {
            Some((name, parameters)) if is_noise(parameters) => name,
            _ => segment,
        })
        .collect();
    segments.join("/")
}

/// Escapes in one spelling: upper case, and none where none is needed (RFC 3986, section 6.2.2).
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        plain.push_str(before);
        let digits = after.get(..2);
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if digits.is_some_and(|digits| !digits.starts_with('+')) => {
                let needless = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
                if needless {
                    plain.push(char::from(byte));
                } else {
                    plain.push('%');
                    plain.push_str(&digits.unwrap_or_default().to_ascii_uppercase());
                }
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                plain.push('%');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn form(text: &str) -> Option<String> {
        canonical(&Url::parse(text).ok()?).map(String::from)
    }

    #[test]
    fn one_page_has_one_form() {
        for (spellings, expected) in [
            (
                vec![
                    "https://shop.test/a",
                    "HTTPS://Shop.Test:443/a#top",
                    "https://shop.test./b/../a",
                    "https://shop.test/%61",
                    "https://user:word@shop.test/a?",
                    "https://shop.test/a?utm_source=x&gclid=1",
                    "https://shop.test/a;jsessionid=0123?PHPSESSID=1",
                ],
                "https://shop.test/a",
            ),
            (
                vec![
                    "https://shop.test/?b=2&a=1",
                    "https://shop.test/?a=1&b=2&a=1&fbclid=x",
                ],
                "https://shop.test/?a=1&b=2",
            ),
            (
                vec![
                    "https://shop.test/%c3%a4?q=%2f",
                    "https://shop.test/ä?q=%2F",
                ],
                "https://shop.test/%C3%A4?q=%2F",
            ),
        ] {
            for spelling in spellings {
                assert_eq!(form(spelling).as_deref(), Some(expected), "{spelling}");
            }
        }
    }

    #[test]
    fn what_may_be_another_page_stays_another() {
        for (one, other) in [
            ("https://shop.test/a", "https://shop.test/a/"),
            ("https://shop.test/a", "https://shop.test/A"),
            ("https://shop.test/?page=1", "https://shop.test/?page=2"),
            ("https://shop.test/", "http://shop.test/"),
            ("https://shop.test/a%2Fb", "https://shop.test/a/b"),
            ("https://shop.test/a;v=1", "https://shop.test/a"),
        ] {
            assert_ne!(form(one), form(other), "{one} {other}");
        }
    }

    #[test]
    fn only_pages_of_the_web() {
        for none in [
            "mailto:a@b.test",
            "javascript:1",
            "data:,x",
            "ftp://a.test/",
        ] {
            assert_eq!(form(none), None, "{none}");
        }
        assert_eq!(form(&format!("https://a.test/{}", "a".repeat(2_000))), None);
        for (url, page) in [
            ("https://a.test/", true),
            ("https://a.test/b.html", true),
            ("https://a.test/v1.2/about", true),
            ("https://a.test/b.PDF", false),
            ("https://a.test/feed.xml?x=.html", false),
        ] {
            assert_eq!(may_be_a_page(&Url::parse(url).unwrap()), page, "{url}");
        }
    }

    proptest! {
        #[test]
        fn the_form_of_a_form_is_itself(text in "https?://[a-z]{1,5}\\.test/[ -~é]{0,60}") {
            if let Some(once) = form(&text) {
                prop_assert_eq!(form(&once), Some(once.clone()));
            }
        }
    }
}
