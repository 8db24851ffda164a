//! Names and paths with `*`.

/// Whether `text` fits `pattern`, in which every `*` stands for any run of characters, also none.
///
/// Takes time in proportion to the product of both lengths at worst.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at_pattern, mut at_text) = (0, 0);
    // Where to go on when the characters after the last star turn out not to fit.
    let mut last_star: Option<(usize, usize)> = None;
    while at_text < text.len() {
        if pattern.get(at_pattern) == Some(&b'*') {
            last_star = Some((at_pattern, at_text));
            at_pattern += 1;
        } else if pattern.get(at_pattern) == Some(&text[at_text]) {
            at_pattern += 1;
            at_text += 1;
        } else if let Some((star, start)) = last_star {
            at_pattern = star + 1;
            at_text = start + 1;
            last_star = Some((star, start + 1));
        } else {
            return false;
        }
    }
    pattern[at_pattern..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn stars_stand_for_any_run() {
        for (pattern, text, expected) in [
            ("/gtag/js", "/gtag/js", true),
            ("/gtag/js", "/gtag/js2", false),
            ("/c/hotjar-*.js", "/c/hotjar-3412.js", true),
            ("/c/hotjar-*.js", "/c/hotjar-3412.css", false),
            ("_ga_*", "_ga_", true),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("**", "anything", true),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }

    proptest! {
        #[test]
        fn a_pattern_fits_what_it_was_made_from(parts in proptest::collection::vec("[a-z_/.]{0,6}", 1..5), fill in "[a-z*é]{0,8}") {
            let pattern = parts.join("*");
            prop_assert!(fits(&pattern, &parts.join(&fill)));
        }

        #[test]
        fn without_a_star_only_the_same_text_fits(pattern in "[a-z/]{0,8}", text in "[a-z/]{0,8}") {
            prop_assert_eq!(fits(&pattern, &text), pattern == text);
        }
    }
}
