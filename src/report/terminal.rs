//! A summary for a person at a terminal: what failed, who is behind it, what to do.

mod paint;

use super::Options;
use super::facts::{Facts, PageFacts};
use super::outline::{self, Entry, Group, Outline, Owner, PageStanding, Standing};
use super::printable::{counted, number, shown, wrapped};
use super::wording;
use crate::model::finding::{Finding, Verdict};
use crate::model::report::Report;
use crate::model::snapshot::Setter;
use paint::{Paint, Tone};

/// Columns a summary has when nobody says otherwise.
pub const DEFAULT_WIDTH: usize = 96;

/// Fewest columns that still show something.
const NARROWEST: usize = 60;

/// Findings shown for one service; the reports that follow have them all.
const FINDINGS_OF_A_SERVICE: usize = 8;

/// Services whose findings are shown.
const SERVICES: usize = 30;

/// Pages and diagnostics shown.
const LINES: usize = 40;

/// The summary.
pub(super) fn terminal(facts: &Facts, options: &Options) -> String {
    let mut summary = Summary {
        text: String::new(),
        paint: Paint { on: options.colour },
        width: options.width.max(NARROWEST),
    };
    let outline = Outline::of(facts);
    summary.verdict(&outline);
    summary.questions(&outline);
    summary.pages(&outline);
    summary.findings(&outline);
    summary.diagnostics(facts);
    summary.made_with(&facts.head, options);
    summary.text
}

struct Summary {
    text: String,
    paint: Paint,
    width: usize,
}

impl Summary {
    /// One line, indented; what it says is safe already.
    fn line(&mut self, indent: usize, text: &str) {
        if !text.is_empty() {
            self.text.extend(std::iter::repeat_n(' ', indent));
            self.text.push_str(text);
        }
        self.text.push('\n');
    }

    /// Prose, broken into lines that begin below each other.
    fn prose(&mut self, indent: usize, text: &str) {
        self.marked(indent, "", None, text);
    }

    /// Prose with a mark before its first line.
    fn marked(&mut self, indent: usize, mark: &str, tone: Option<Tone>, text: &str) {
        let hang = indent + mark.chars().count();
        let lines = wrapped(text, self.width.saturating_sub(hang));
        for (index, line) in lines.iter().enumerate() {
            if index == 0 {
                let mark = tone.map_or_else(|| mark.to_owned(), |tone| self.paint.tone(tone, mark));
                self.line(indent, &format!("{mark}{line}"));
            } else {
                self.line(hang, line);
            }
        }
    }

    fn heading(&mut self, text: &str) {
        let heading = self.paint.bold(text);
        self.line(0, "");
        self.line(0, &heading);
    }

    fn verdict(&mut self, outline: &Outline<'_>) {
        let tone = tone_of(outline.standing);
        let headline = self.paint.loud(tone, &outline.headline());
        self.line(0, &headline);
        for caveat in outline.caveats() {
            self.prose(0, &caveat);
        }
    }

    fn questions(&mut self, outline: &Outline<'_>) {
        self.heading("Three questions regulators ask");
        for question in outline.questions {
            let (mark, tone) = match question.good() {
                Some(true) => ("ok", Tone::Good),
                Some(false) => ("FAIL", Tone::Bad),
                None => ("?", Tone::Unsure),
            };
            let text = format!("{} {}", question.text, wording::answer(question.answer));
            self.marked(2, &format!("{mark:<6}"), Some(tone), &text);
        }
    }

    fn pages(&mut self, outline: &Outline<'_>) {
        self.heading("Pages");
        // What failed comes first when not all can be shown.
        let mut pages: Vec<&PageStanding<'_>> = outline.pages.iter().collect();
        if pages.len() > LINES {
            pages.sort_by_key(|page| page.standing);
        }
        for page in pages.iter().take(LINES) {
            let word = format!("{:<14}", wording::standing(page.standing));
            let word = self.paint.tone(tone_of(page.standing), &word);
            let mut facts = page.tally.words();
            if page.facts.is_incomplete() {
                if !facts.is_empty() {
                    facts.push_str("; ");
                }
                facts.push_str(&incomplete_words(page.facts));
            }
            let url = shown(&page.facts.url, self.width.saturating_sub(18));
            self.line(2, &format!("{word}  {url}"));
            if !facts.is_empty() {
                self.prose(18, &facts);
            }
        }
        self.more(2, pages.len(), LINES, "page", "pages");
    }

    fn findings(&mut self, outline: &Outline<'_>) {
        if outline.groups.is_empty() {
            return;
        }
        self.heading("Findings by service");
        for group in outline.groups.iter().take(SERVICES) {
            self.group(group);
        }
        self.more(2, outline.groups.len(), SERVICES, "service", "services");
    }

    fn group(&mut self, group: &Group<'_>) {
        self.line(0, "");
        let name = shown(&group.name(), self.width.saturating_sub(2));
        let name = self.paint.bold(&name);
        self.line(2, &name);
        let mut facts = Vec::new();
        if let Some(service) = group.service {
            facts.extend(service.vendor.as_deref().map(|vendor| shown(vendor, 40)));
            facts.extend(service.country.as_deref().map(|country| shown(country, 8)));
            facts.push(wording::category(service.category).to_owned());
        } else if matches!(group.owner, Owner::Unknown(_)) {
            facts.push("not in the catalog".to_owned());
        }
        facts.push(counted(group.count, "finding", "findings"));
        self.prose(2, &facts.join(", "));
        for entry in group.entries.iter().take(FINDINGS_OF_A_SERVICE) {
            self.finding(entry);
        }
        self.more(
            4,
            group.entries.len(),
            FINDINGS_OF_A_SERVICE,
            "finding",
            "findings",
        );
        let steps = group.steps();
        if !steps.is_empty() {
            let label = self.paint.bold("What to do");
            self.line(4, &label);
            for (index, step) in steps.iter().take(FINDINGS_OF_A_SERVICE).enumerate() {
                self.marked(6, &format!("{}. ", index + 1), None, &shown(step, 600));
            }
        }
    }

    fn finding(&mut self, entry: &Entry<'_>) {
        let finding = entry.finding;
        let severity = format!("{:<10}", wording::severity(finding.severity).to_uppercase());
        let verdict = match finding.verdict {
            Verdict::Violation => String::new(),
            other => format!(" ({})", wording::verdict(other)),
        };
        let accepted = finding
            .accepted
            .as_ref()
            .map_or_else(String::new, |accepted| {
                format!(", accepted until {}", shown(&accepted.until, 12))
            });
        let title = format!(
            "{} {}{verdict}{accepted}",
            shown(&finding.rule, 12),
            shown(&finding.title, 200)
        );
        self.marked(4, &severity, Some(Tone::of(finding.severity)), &title);
        self.prose(14, &wording::subject(finding, 80));
        self.prose(14, &circumstances(finding));
        if let Some(chain) = loaded_by(finding) {
            self.prose(14, &chain);
        }
        if entry.pages.len() > 1 {
            self.prose(
                14,
                &format!("on {}", counted(entry.pages.len(), "page", "pages")),
            );
        } else if let Some(page) = entry.pages.first() {
            self.line(
                14,
                &format!("on {}", shown(page, self.width.saturating_sub(17))),
            );
        }
    }

    fn diagnostics(&mut self, facts: &Facts) {
        let unjudged = outline::unjudged(&facts.head);
        if facts.told.is_empty() && unjudged.is_empty() {
            return;
        }
        self.heading("What limits this audit");
        for told in facts.told.iter().take(LINES) {
            let mut text = format!(
                "{}: {}",
                wording::code(&told.code),
                shown(&told.message, 300)
            );
            let places: Vec<String> = wording::pages_told(told, 80)
                .into_iter()
                .chain(told.visits.clone())
                .collect();
            if !places.is_empty() {
                text = format!("{text} ({})", places.join(", "));
            }
            self.marked(2, "- ", None, &text);
        }
        let there = facts.told.len() + facts.more_told;
        self.more(2, there, LINES, "diagnostic", "diagnostics");
        for text in unjudged.iter().take(LINES) {
            self.marked(2, "- ", None, &shown(text, 400));
        }
    }

    fn made_with(&mut self, report: &Report, options: &Options) {
        let run = &report.run;
        let browser = run.browser.as_ref().map_or_else(
            || "no browser".to_owned(),
            |browser| {
                format!(
                    "{} {}",
                    shown(&browser.name, 40),
                    shown(&browser.version, 40)
                )
            },
        );
        let text = format!(
            "Run {}: Consentinel {}, {browser}, catalog {} with {}, {}, profile {}, {} clock.",
            shown(&run.id, 60),
            shown(&run.tool.version, 40),
            shown(&run.catalog.version, 40),
            counted(run.catalog.services, "service", "services"),
            shown(&run.consent_engine, 60),
            shown(&run.profile, 12),
            shown(&run.clock, 12),
        );
        self.line(0, "");
        self.prose(0, &text);
        if let Some(path) = &options.html_path {
            // Not wrapped and not cut: a path is there to be copied.
            let path = super::printable(path);
            self.line(0, &format!("Full report: {path}"));
        }
    }

    fn more(&mut self, indent: usize, there: usize, limit: usize, one: &str, many: &str) {
        if there > limit {
            let rest = there - limit;
            self.line(
                indent,
                &format!(
                    "and {} more {}",
                    number(rest),
                    if rest == 1 { one } else { many }
                ),
            );
        }
    }
}

/// `state before, phase idle, at 420 ms, lifetime 730 days, seen in 3 of 3 visits`.
fn circumstances(finding: &Finding) -> String {
    let mut facts = vec![format!(
        "state {}, phase {}",
        wording::state(finding.state),
        wording::phase(finding.phase)
    )];
    if let Some(at_ms) = finding.evidence.at_ms {
        facts.push(format!("at {}", wording::moment(at_ms)));
    }
    if let Some(lifetime) = &finding.evidence.lifetime {
        facts.push(format!("lifetime {}", shown(lifetime, 40)));
    }
    if finding.seen.of > 1 {
        facts.push(format!(
            "seen in {} of {} visits",
            finding.seen.k, finding.seen.of
        ));
    }
    facts.join(", ")
}

/// Who brought it, from the page inwards.
fn loaded_by(finding: &Finding) -> Option<String> {
    /// Steps shown: the page's own tag and the innermost scripts say most.
    const STEPS: usize = 4;
    let place = |url: &str, line: u32| match line {
        0 => shown(url, 90),
        _ => format!("{}:{line}", shown(url, 90)),
    };
    let mut steps: Vec<String> = finding
        .evidence
        .initiator_chain
        .iter()
        .rev()
        .map(|step| place(&step.url, step.line))
        .collect();
    match &finding.evidence.set_by {
        Some(Setter::Response { url }) => steps.push(format!("Set-Cookie from {}", shown(url, 90))),
        Some(Setter::Script { stack }) => steps.extend(
            stack
                .first()
                .map(|innermost| place(&innermost.url, innermost.line)),
        ),
        None => {}
    }
    steps.dedup();
    if steps.len() > STEPS {
        steps.splice(1..=steps.len() - STEPS, ["…".to_owned()]);
    }
    (!steps.is_empty()).then(|| format!("loaded by {}", steps.join(" > ")))
}

fn incomplete_words(page: &PageFacts) -> String {
    if page.visits.is_empty() {
        return "not visited".to_owned();
    }
    let parts: Vec<String> = page
        .incomplete()
        .map(|(name, outcome)| format!("{name}: {}", wording::outcome(*outcome)))
        .collect();
    parts.join(", ")
}

fn tone_of(standing: Standing) -> Tone {
    match standing {
        Standing::Fails => Tone::Bad,
        Standing::ProbablyFails | Standing::Incomplete | Standing::Review => Tone::Unsure,
        Standing::Passes => Tone::Good,
    }
}
