//! Ids of what the service keeps.

use jiff::Timestamp;

/// An id nobody had before; sorts by time, to the millisecond.
pub fn new_id() -> String {
    let mut random = [0_u8; 4];
    // Without randomness two ids of one millisecond could be equal; whoever adds a record sees it.
    if let Err(error) = getrandom::fill(&mut random) {
        tracing::warn!(%error, "the system has no random bytes");
    }
    format!(
        "{}-{:08x}",
        Timestamp::now().strftime("%Y%m%dT%H%M%S%3fZ"),
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
    fn ids_differ() {
        assert_ne!(new_id(), new_id());
    }
}
