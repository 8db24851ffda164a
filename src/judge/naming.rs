//! Names that stay the same from run to run, and the identity of findings built on them.

use url::Url;

use crate::model::finding::SubjectKind;
use crate::model::value::sha256_hex;
use crate::model::visit::State;

/// Shortest run of digits that stands for a number which varies.
const SHORTEST_RUN: usize = 4;
/// Longest name or path shown, in characters.
const LONGEST_SHOWN: usize = 300;

/// A name with everything that varies from run to run replaced by `#`: UUIDs, and runs of four or
/// more digits or hexadecimal digits. A hexadecimal run without any digit is a word such as `feed`.
pub(crate) fn normalised(name: &str) -> String {
    let bytes = name.as_bytes();
    let mut normal = String::with_capacity(name.len());
    let mut at = 0;
    let mut copied = 0;
    while at < bytes.len() {
        let run = if is_uuid(&bytes[at..]) {
            36
        } else {
            varying_run(&bytes[at..])
        };
        if run == 0 {
            at += bytes[at..]
                .iter()
                .take_while(|byte| byte.is_ascii_hexdigit())
                .count()
                .max(1);
        } else {
            normal.push_str(&name[copied..at]);
            normal.push('#');
            at += run;
            copied = at;
        }
    }
    normal.push_str(&name[copied..]);
    normal
}

fn varying_run(bytes: &[u8]) -> usize {
    let run = bytes
        .iter()
        .take_while(|byte| byte.is_ascii_hexdigit())
        .count();
    if run >= SHORTEST_RUN && bytes[..run].iter().any(u8::is_ascii_digit) {
        run
    } else {
        0
    }
}

fn is_uuid(bytes: &[u8]) -> bool {
    bytes.len() >= 36
        && bytes[..36].iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Host and normalised path of a page: what its findings are filed under.
pub(crate) fn page_pattern(address: &str) -> String {
    Url::parse(address).map_or_else(
        |_| normalised(address),
        |url| {
            let path = normalised(url.path().trim_end_matches('/'));
            format!("{}{path}", url.host_str().unwrap_or_default())
        },
    )
}

/// A text short enough to show.
pub(crate) fn shown(text: &str) -> String {
    match text.char_indices().nth(LONGEST_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A script's address for a reader: without query and fragment, except the id of a tag or container.
pub(crate) fn shown_address(address: &str) -> String {
    let Ok(mut url) = Url::parse(address) else {
        return shown(address);
    };
    let id = url
        .query_pairs()
        .find(|(name, _)| name == "id")
        .map(|(_, value)| value.into_owned());
    let is_tag = |id: &String| {
        ["GTM-", "G-", "AW-", "UA-", "DC-"]
            .iter()
            .any(|prefix| id.starts_with(prefix))
    };
    url.set_fragment(None);
    url.set_query(id.filter(is_tag).map(|id| format!("id={id}")).as_deref());
    shown(url.as_str())
}

/// The name of a subject's kind in reports.
pub(crate) fn kind_name(kind: SubjectKind) -> &'static str {
    match kind {
        SubjectKind::Cookie => "cookie",
        SubjectKind::LocalStorage => "local-storage",
        SubjectKind::SessionStorage => "session-storage",
        SubjectKind::IndexedDb => "indexed-db",
        SubjectKind::CacheStorage => "cache-storage",
        SubjectKind::ServiceWorker => "service-worker",
        SubjectKind::SharedStorage => "shared-storage",
        SubjectKind::Request => "request",
        SubjectKind::Signal => "signal",
        SubjectKind::Banner => "banner",
    }
}

/// The name of a state in reports.
pub(crate) fn state_name(state: State) -> &'static str {
    match state {
        State::Before => "before",
        State::Rejected => "rejected",
        State::Accepted => "accepted",
        State::Withdrawn => "withdrawn",
    }
}

/// A finding's id: rule, then twelve hexadecimal digits of what it is about.
pub(crate) fn finding_id(
    rule: &str,
    state: State,
    kind: SubjectKind,
    host: &str,
    stable_name: &str,
    page_pattern: &str,
) -> String {
    let identity = [
        rule,
        state_name(state),
        kind_name(kind),
        host,
        stable_name,
        page_pattern,
    ]
    .join("|");
    format!("{rule}-{}", &sha256_hex(identity.as_bytes())[..12])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_varies_is_replaced() {
        for (name, expected) in [
            ("_ga", "_ga"),
            ("_hjSession_123456", "_hjSession_#"),
            ("_pk_id.1.1fff", "_pk_id.1.#"),
            (
                "amocrm_chat_widget_550e8400-e29b-41d4-a716-446655440000",
                "amocrm_chat_widget_#",
            ),
            ("550e8400-abcd-abcd-abcd-abcdefabcdef.js", "#.js"),
            ("feed", "feed"),
            ("facebook", "facebook"),
            ("data-v12", "data-v12"),
            ("größe_2026", "größe_#"),
            ("", ""),
        ] {
            assert_eq!(normalised(name), expected, "{name}");
        }
    }

    #[test]
    fn pages_are_filed_under_host_and_path() {
        for (address, expected) in [
            ("https://shop.test/", "shop.test"),
            ("https://shop.test", "shop.test"),
            (
                "https://shop.test/product/12345?x=1#y",
                "shop.test/product/#",
            ),
            ("http://shop.test/de/", "shop.test/de"),
            ("no address 12345", "no address #"),
        ] {
            assert_eq!(page_pattern(address), expected, "{address}");
        }
    }

    #[test]
    fn addresses_lose_their_query_but_not_the_container() {
        for (address, expected) in [
            (
                "https://www.googletagmanager.com/gtm.js?id=GTM-ABC&l=d",
                "https://www.googletagmanager.com/gtm.js?id=GTM-ABC",
            ),
            ("https://a.test/x.js?id=visitor#y", "https://a.test/x.js"),
        ] {
            assert_eq!(shown_address(address), expected);
        }
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(name in "\\PC{0,60}") {
            let once = normalised(&name);
            prop_assert_eq!(normalised(&once), once.clone());
        }
    }
}
