//! Makes strings of hostile pages safe to show, and short enough to read.

/// `text` with everything that could steer a terminal or reorder a line spelled out.
///
/// Control characters (ANSI escapes begin with one), line and paragraph separators, bidirectional
/// overrides and invisible format characters become `\u{1b}`-like escapes; what a reader can see
/// stays as it is.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            _ if character.is_control() || is_invisible(character) => {
                shown.extend(character.escape_unicode());
            }
            _ => shown.push(character),
        }
    }
    shown
}

/// Characters that show nothing themselves but change how others are shown.
///
/// The joiners U+200C and U+200D are left out: Persian and emoji need them.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// [`printable`], and at most `limit` characters long: an ellipsis stands for the rest.
pub fn shown(text: &str, limit: usize) -> String {
    // A page can make a name megabytes long: only what may be shown is worth escaping.
    let end = text
        .char_indices()
        .nth(limit + 1)
        .map_or(text.len(), |(end, _)| end);
    let safe = printable(&text[..end]);
    if safe.chars().nth(limit).is_none() {
        return safe;
    }
    safe.chars()
        .take(limit.saturating_sub(1))
        .chain(['…'])
        .collect()
}

/// `count` with a thousands separator: `12,345`.
pub fn number(count: usize) -> String {
    let digits = count.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 cookie`, `12 cookies`.
pub fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { many })
}

/// `text` broken between words into lines of at most `width` characters; longer words are split.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        let mut rest: Vec<char> = word.chars().collect();
        if length > 0 && length + 1 + rest.len() > width {
            lines.push(std::mem::take(&mut line));
            length = 0;
        }
        if length > 0 {
            line.push(' ');
            length += 1;
        }
        while rest.len() > width {
            let tail = rest.split_off(width);
            lines.push(rest.into_iter().collect());
            rest = tail;
        }
        length += rest.len();
        line.extend(rest);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_steers_a_terminal_is_spelled_out() {
        for (given, expected) in [
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("a\r\nb\tc", "a\\r\\nb\\tc"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("\u{202e}gpj.exe", "\\u{202e}gpj.exe"),
            ("\u{2066}x\u{2069}", "\\u{2066}x\\u{2069}"),
            ("bell\u{7}", "bell\\u{7}"),
            ("tag\u{e0041}", "tag\\u{e0041}"),
        ] {
            assert_eq!(printable(given), expected);
        }
    }

    #[test]
    fn what_a_reader_can_see_stays() {
        for text in [
            "_ga",
            "Überwachung",
            "شناسه",
            "标识符",
            "👩‍🔧",
            "<script>",
            "a b",
        ] {
            assert_eq!(printable(text), text);
        }
    }

    #[test]
    fn long_texts_end_in_an_ellipsis_and_fitting_ones_do_not() {
        assert_eq!(shown("abcdef", 6), "abcdef");
        assert_eq!(shown("abcdefg", 6), "abcde…");
        assert_eq!(shown("\u{1b}\u{1b}", 8), "\\u{1b}\\…");
    }

    #[test]
    fn numbers_are_grouped() {
        for (given, expected) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(number(given), expected);
        }
        assert_eq!(counted(1, "entry", "entries"), "1 entry");
        assert_eq!(counted(0, "entry", "entries"), "0 entries");
    }

    #[test]
    fn lines_break_between_words_and_inside_giants() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("ab abcdefgh", 3), ["ab", "abc", "def", "gh"]);
        assert!(wrapped("  ", 10).is_empty());
    }

    proptest! {
        #[test]
        fn shown_text_is_short_and_steers_nothing(text in any::<String>(), limit in 1_usize..80) {
            let safe = shown(&text, limit);
            prop_assert!(safe.chars().count() <= limit);
            prop_assert!(!safe.chars().any(|character| character.is_control() || is_invisible(character)));
        }

        #[test]
        fn wrapping_keeps_every_character_that_is_not_a_space(text in "[a-zé ]{0,200}", width in 1_usize..40) {
            let lines = wrapped(&text, width);
            prop_assert!(lines.iter().all(|line| line.chars().count() <= width));
            let letters = |text: &str| text.chars().filter(|character| !character.is_whitespace()).collect::<String>();
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }
    }
}
