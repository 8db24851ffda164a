//! Finds words that an entry has in common with a text somebody else wrote: facts carry over, sentences do not.

use std::collections::HashSet;

use super::super::load::File;
use super::{Lint, LintCode};

/// So many words in a row are no coincidence.
const IN_A_ROW: usize = 8;

/// Other people's texts, as their runs of words.
#[derive(Debug, Default)]
pub struct ForeignTexts {
    runs: HashSet<String>,
}

impl ForeignTexts {
    /// Takes in a text.
    pub fn add(&mut self, text: &str) {
        let words = words_of(text);
        self.runs
            .extend(words.windows(IN_A_ROW).map(|run| run.join(" ")));
    }

    /// The first run of words that a line has in common with the texts.
    fn shared_with(&self, line: &str) -> Option<String> {
        words_of(line)
            .windows(IN_A_ROW)
            .map(|run| run.join(" "))
            .find(|run| self.runs.contains(run))
    }

    /// What files have in common with the texts, one finding a line.
    pub(super) fn check(&self, files: &[File]) -> Vec<Lint> {
        let lines = files
            .iter()
            .flat_map(|file| (1..).zip(file.text.lines()).map(move |line| (file, line)));
        lines
            .filter_map(|(file, (number, line))| {
                let run = self.shared_with(line)?;
                Some(Lint {
                    file: file.shown.clone(),
                    line: number,
                    code: LintCode::CopiedWords,
                    message: format!("\"{run}\" stands word for word in another text"),
                })
            })
            .collect()
    }
}

/// Words without case and punctuation.
fn words_of(text: &str) -> Vec<String> {
    text.split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_words_in_a_row_are_found_and_seven_are_not() {
        let mut foreign = ForeignTexts::default();
        foreign.add("The widget writes cookies on your device,\nand processes your messages.");
        foreign.add("too short");
        for (line, shared) in [
            (
                "purpose = \"The widget WRITES cookies on your device and more\"",
                true,
            ),
            (
                "purpose = \"your device, and processes your messages daily\"",
                false,
            ),
            ("The widget writes cookies on your device: or not", false),
            ("", false),
        ] {
            assert_eq!(foreign.shared_with(line).is_some(), shared, "{line}");
        }
        assert_eq!(
            ForeignTexts::default().shared_with(&"the ".repeat(50)),
            None
        );
    }
}
