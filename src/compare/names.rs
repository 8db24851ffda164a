//! Names that are the same although a visitor's id stands in them.
//!
//! Ids of containers and sites stand in names, too, and another one is another item: `_ga_AB12` and
//! `_ga_CD34` are two. What tells them apart is that the site's own ids stay from visit to visit.

/// Shortest runs that can be a visitor's: hexadecimal digits, and decimal ones.
const SHORTEST_HEX: usize = 16;
const SHORTEST_DECIMAL: usize = 9;
/// Length of a UUID.
const UUID: usize = 36;

/// A name with `#` in the place of what may be a visitor's or a visit's id: UUIDs, digests, times.
pub(super) fn without_ids(name: &str) -> String {
    let bytes = name.as_bytes();
    let mut plain = String::with_capacity(name.len());
    let (mut at, mut copied) = (0, 0);
    while at < bytes.len() {
        let rest = bytes.get(at..).unwrap_or_default();
        let run = rest
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric())
            .count();
        let id = if is_uuid(rest) {
            UUID
        } else if is_id(rest.get(..run).unwrap_or_default()) {
            run
        } else {
            0
        };
        if id > 0 {
            plain.push_str(name.get(copied..at).unwrap_or_default());
            plain.push('#');
            copied = at + id;
        }
        at += id.max(run).max(1);
    }
    plain.push_str(name.get(copied..).unwrap_or_default());
    plain
}

fn is_id(run: &[u8]) -> bool {
    let digits = run.iter().filter(|byte| byte.is_ascii_digit()).count();
    let hexadecimal = run.iter().all(u8::is_ascii_hexdigit);
    digits == run.len() && run.len() >= SHORTEST_DECIMAL
        || hexadecimal && digits > 0 && run.len() >= SHORTEST_HEX
}

fn is_uuid(bytes: &[u8]) -> bool {
    bytes.get(..UUID).is_some_and(|bytes| {
        bytes.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_of_visitors_go_and_names_stay() {
        for (name, expected) in [
            ("_ga_AB12CD34EF", "_ga_AB12CD34EF"),
            ("_ga_AB12", "_ga_AB12"),
            ("_hjSession_1234567", "_hjSession_1234567"),
            ("session_1700000000123", "session_#"),
            ("u-123e4567-e89b-12d3-a456-426614174000-x", "u-#-x"),
            ("k.d41d8cd98f00b204e9800998ecf8427e", "k.#"),
            ("deadbeefdeadbeefcafe", "deadbeefdeadbeefcafe"),
            ("ünïcode_1700000000", "ünïcode_#"),
        ] {
            assert_eq!(without_ids(name), expected);
        }
    }

    proptest! {
        #[test]
        fn no_name_breaks_it(name in ".{0,80}") {
            without_ids(&name);
        }
    }
}
