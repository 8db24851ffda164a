//! Ids of what the service keeps.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

/// The moment of the last id, in milliseconds since 1970.
static LAST: AtomicI64 = AtomicI64::new(0);

/// The moment of an id: now, or right after that of the last one.
fn moment() -> Timestamp {
    let now = Timestamp::now();
    let after = |last: i64| now.as_millisecond().max(last.saturating_add(1));
    let last = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
        Some(after(last))
    });
    let moment = last.ok().map(after).map(Timestamp::from_millisecond);
    moment.and_then(Result::ok).unwrap_or(now)
}

/// An id nobody had before; sorts by time, and after every id this process gave before.
pub fn new_id() -> String {
    let mut random = [0_u8; 4];
    // Without randomness two ids of one millisecond could be equal; whoever adds a record sees it.
    if let Err(error) = getrandom::fill(&mut random) {
        tracing::warn!(%error, "the system has no random bytes");
    }
    format!(
        "{}-{:08x}",
        moment().strftime("%Y%m%dT%H%M%S%3fZ"),
        u32::from_be_bytes(random)
    )
}

/// The id of something with a name: its letters and digits in lower case, hyphens between them.
pub fn slug(name: &str) -> String {
    let mut slug = String::new();
    for letter in name.chars().take(200) {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() >= 60 {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "site" } else { slug }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_names() {
        for (name, expected) in [
            ("Shop", "shop"),
            ("www.shop.example", "www-shop-example"),
            ("  Müller & Söhne  ", "m-ller-s-hne"),
            ("../../etc", "etc"),
            ("---", "site"),
            ("店", "site"),
        ] {
            assert_eq!(slug(name), expected, "{name}");
        }
        assert!(slug(&"a".repeat(1_000)).len() <= 60);
    }

    #[test]
    fn ids_sort_as_they_were_given() {
        let ids: Vec<String> = (0..100).map(|_| new_id()).collect();
        assert!(
            ids.is_sorted() && ids.windows(2).all(|two| two[0] != two[1]),
            "{ids:?}"
        );
    }
}
