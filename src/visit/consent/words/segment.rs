//! Splits texts of scripts that put no space between words, at the words the lexicon knows.

use std::collections::HashSet;

/// The words of scripts without spaces that the lexicon knows, folded.
#[derive(Debug, Default)]
pub(super) struct Segments {
    known: HashSet<String>,
    /// Letters of the longest of them.
    longest: usize,
}

impl Segments {
    /// Takes in a word, if it is of such a script.
    pub(super) fn learn(&mut self, word: &str) {
        if word.chars().all(is_unspaced) {
            self.longest = self.longest.max(word.chars().count());
            self.known.insert(word.to_owned());
        }
    }

    /// Splits words at those known, the longest first; what lies between them stays together.
    pub(super) fn split(&self, words: Vec<String>) -> Vec<String> {
        if !words.iter().any(|word| word.chars().any(is_unspaced)) {
            return words;
        }
        words
            .iter()
            .flat_map(|word| self.split_word(word))
            .collect()
    }

    fn split_word(&self, word: &str) -> Vec<String> {
        let letters: Vec<char> = word.chars().collect();
        let mut found = Vec::new();
        let mut between = String::new();
        let mut start = 0;
        while let Some(letter) = letters.get(start) {
            if let Some(known) = self.longest_at(&letters[start..]) {
                start += known.chars().count();
                found.extend([std::mem::take(&mut between), known]);
                continue;
            }
            // Letters of other scripts make a word of their own.
            if between
                .chars()
                .next_back()
                .is_some_and(|last| is_unspaced(last) != is_unspaced(*letter))
            {
                found.push(std::mem::take(&mut between));
            }
            between.push(*letter);
            start += 1;
        }
        found.push(between);
        found.retain(|word| !word.is_empty());
        found
    }

    /// The longest known word that some letters begin with.
    fn longest_at(&self, letters: &[char]) -> Option<String> {
        let unspaced = letters
            .iter()
            .take(self.longest)
            .take_while(|letter| is_unspaced(**letter))
            .count();
        (1..=unspaced)
            .rev()
            .map(|length| letters[..length].iter().collect::<String>())
            .find(|word| self.known.contains(word))
    }
}

/// Whether a phrase is of a script without spaces and long enough to be several words.
pub(super) fn is_several_words(phrase: &str) -> bool {
    const LETTERS: usize = 4;
    phrase.chars().filter(|letter| is_unspaced(*letter)).count() >= LETTERS
}

/// Letters of Thai, Lao, Burmese, Khmer, Japanese, Chinese and Korean.
fn is_unspaced(letter: char) -> bool {
    matches!(letter,
        '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_split_at_known_words() {
        let mut segments = Segments::default();
        for word in ["全部", "接受", "全部接受", "を", "許可", "accept"] {
            segments.learn(word);
        }
        for (text, expected) in [
            ("全部接受", vec!["全部接受"]),
            ("接受全部", vec!["接受", "全部"]),
            ("全部cookieを許可", vec!["全部", "cookie", "を", "許可"]),
            ("登录账户接受", vec!["登录账户", "接受"]),
            ("账户cookie", vec!["账户", "cookie"]),
            ("accepted", vec!["accepted"]),
        ] {
            assert_eq!(segments.split(vec![text.to_owned()]), expected, "{text}");
        }
    }
}
