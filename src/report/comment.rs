//! Markdown for a comment on a pull request: short, folded, and within what such a comment may hold.

use super::facts::Facts;
use super::outline::{self, Group, Outline};
use super::printable::{counted, shown};
use super::sheet::escaped;
use super::wording;
use crate::model::finding::Severity;

/// Longest comment in bytes: GitHub takes 65,536 characters, GitLab more.
const LONGEST: usize = 60_000;

/// Findings told of one service, pages and diagnostics told.
const MOST_FINDINGS: usize = 20;
const MOST_LINES: usize = 30;

/// First line, by which a CI job finds its own comment again to replace it.
pub const MARK: &str = "<!-- consentinel -->";

/// The comment.
pub(super) fn comment(facts: &Facts) -> String {
    let outline = Outline::of(facts);
    let mut text = Comment {
        text: String::new(),
        left_out: 0,
    };
    text.part(&head(facts, &outline));
    for group in &outline.groups {
        text.part(&group_part(group, outline.pages.len()));
    }
    if outline.pages.len() > 1 {
        text.part(&pages_part(&outline));
    }
    text.part(&limits_part(facts));
    let end = end_part(facts);
    if text.left_out > 0 {
        let parts = counted(text.left_out, "part", "parts");
        let line = format!("\n{parts} left out: the HTML report has everything.\n");
        text.text.push_str(&line);
    }
    text.text.push_str(&end);
    text.text
}

struct Comment {
    text: String,
    left_out: usize,
}

impl Comment {
    fn part(&mut self, part: &str) {
        if self.text.len() + part.len() > LONGEST {
            self.left_out += 1;
        } else {
            self.text.push_str(part);
        }
    }
}

fn head(facts: &Facts, outline: &Outline<'_>) -> String {
    let mut lines = vec![
        MARK.to_owned(),
        format!("## {}", quoted(&outline.headline())),
        String::new(),
    ];
    lines.extend(outline.caveats().iter().map(|caveat| quoted(caveat)));
    if let Some((host, more)) = facts.hosts() {
        let host = shown(&host, 80);
        let others = match more {
            0 => String::new(),
            more => format!(" and {}", counted(more, "more site", "more sites")),
        };
        let pages = counted(outline.pages.len(), "page", "pages");
        let line = format!(
            "{pages} of {host}{others}, profile {}",
            facts.head.run.profile
        );
        lines.extend([String::new(), format!("{}.", quoted(&line))]);
    }
    lines.extend([
        String::new(),
        "| Question | Answer | |".to_owned(),
        "| --- | --- | --- |".to_owned(),
    ]);
    for question in outline.questions {
        let mark = match question.good() {
            Some(true) => "✅ as it should be",
            Some(false) => "❌ must change",
            None => "❔ no answer without more evidence",
        };
        lines.push(format!(
            "| {} | {} | {mark} |",
            question.text,
            wording::answer(question.answer)
        ));
    }
    lines.push(String::new());
    lines.join("\n") + "\n"
}

fn group_part(group: &Group<'_>, pages: usize) -> String {
    let mut lines = vec![
        "<details>".to_owned(),
        format!(
            "<summary>{} {}: {}</summary>",
            icon(group.worst),
            quoted_html(&group.name()),
            counted(group.count, "finding", "findings")
        ),
        String::new(),
    ];
    let mut head = "| Severity | Rule | What | Where | Verdict |".to_owned();
    let mut rule = "| --- | --- | --- | --- | --- |".to_owned();
    if pages > 1 {
        head.push_str(" Pages |");
        rule.push_str(" --- |");
    }
    lines.extend([head, rule]);
    for entry in group.entries.iter().take(MOST_FINDINGS) {
        let finding = entry.finding;
        let verdict = match &finding.accepted {
            Some(accepted) => format!("accepted until {}", shown(&accepted.until, 12)),
            None => wording::verdict(finding.verdict).to_owned(),
        };
        let mut line = format!(
            "| {} | {} | {}<br>{} | state {}, phase {} | {verdict} |",
            wording::severity(finding.severity),
            quoted(&shown(&finding.rule, 12)),
            quoted(&shown(&finding.title, 200)),
            quoted(&wording::subject(finding, 80)),
            wording::state(finding.state),
            wording::phase(finding.phase),
        );
        if pages > 1 {
            let count = match entry.pages.as_slice() {
                [page] => quoted(&shown(page, 80)),
                pages => pages.len().to_string(),
            };
            line = format!("{line} {count} |");
        }
        lines.push(line);
    }
    if group.entries.len() > MOST_FINDINGS {
        let more = counted(group.entries.len() - MOST_FINDINGS, "finding", "findings");
        lines.extend([String::new(), format!("and {more} more")]);
    }
    let steps = group.steps();
    if !steps.is_empty() {
        lines.extend([String::new(), "**What to do**".to_owned(), String::new()]);
        lines.extend(
            (1..)
                .zip(steps.into_iter().take(MOST_FINDINGS))
                .map(|(number, step)| format!("{number}. {}", quoted(&shown(step, 400)))),
        );
    }
    lines.extend([String::new(), "</details>".to_owned(), String::new()]);
    lines.join("\n")
}

fn pages_part(outline: &Outline<'_>) -> String {
    let mut pages: Vec<_> = outline.pages.iter().collect();
    pages.sort_by_key(|page| page.standing);
    let mut lines = vec![
        "<details>".to_owned(),
        format!(
            "<summary>{}</summary>",
            counted(pages.len(), "page", "pages")
        ),
        String::new(),
        "| Page | Result | Found |".to_owned(),
        "| --- | --- | --- |".to_owned(),
    ];
    for page in pages.iter().take(MOST_LINES) {
        lines.push(format!(
            "| {} | {} | {} |",
            quoted(&shown(&page.facts.url, 120)),
            wording::standing(page.standing),
            page.tally.words()
        ));
    }
    if pages.len() > MOST_LINES {
        lines.extend([
            String::new(),
            format!("and {} more", pages.len() - MOST_LINES),
        ]);
    }
    lines.extend([String::new(), "</details>".to_owned(), String::new()]);
    lines.join("\n")
}

fn limits_part(facts: &Facts) -> String {
    let unjudged = outline::unjudged(&facts.head);
    if facts.told.is_empty() && unjudged.is_empty() {
        return String::new();
    }
    let mut lines = vec![
        "<details>".to_owned(),
        "<summary>What limits this audit</summary>".to_owned(),
        String::new(),
    ];
    for told in facts.told.iter().take(MOST_LINES) {
        let place = wording::pages_told(told, 80)
            .map(|place| format!(" ({place})"))
            .unwrap_or_default();
        let line = format!("{}: {}{place}", wording::code(&told.code), told.message);
        lines.push(format!("- {}", quoted(&shown(&line, 400))));
    }
    for text in unjudged.iter().take(MOST_LINES) {
        lines.push(format!("- {}", quoted(&shown(text, 400))));
    }
    lines.extend([String::new(), "</details>".to_owned(), String::new()]);
    lines.join("\n")
}

fn end_part(facts: &Facts) -> String {
    let run = &facts.head.run;
    let line = format!(
        "Run {}, Consentinel {}, catalog {}.",
        shown(&run.id, 60),
        shown(&run.tool.version, 40),
        shown(&run.catalog.version, 40)
    );
    format!("\n{}\n", quoted(&line))
}

fn icon(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "🔴",
        Severity::Medium => "🟠",
        Severity::Low => "🔵",
        Severity::Info => "⚪",
    }
}

/// A text that Markdown shows as it is, and that calls nobody and links to no issue.
///
/// What code hosts look for after Markdown is done, an empty comment hides from them.
fn quoted(text: &str) -> String {
    harmless(&escaped(text))
}

/// The same inside an element of HTML, where Markdown's own signs mean nothing.
fn quoted_html(text: &str) -> String {
    let text = shown(text, 120)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    harmless(&text)
}

fn harmless(text: &str) -> String {
    text.replace('@', "@<!-- -->").replace('#', "#<!-- -->")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_call_nobody_and_link_to_no_issue() {
        for (given, expected) in [
            (
                "@everyone fixes #12",
                "@<!-- -->everyone fixes \\#<!-- -->12",
            ),
            ("_ga", "\\_ga"),
        ] {
            assert_eq!(quoted(given), expected);
        }
        assert_eq!(quoted_html("@a <b>"), "@<!-- -->a &lt;b&gt;");
    }
}
