//! A comparison as a document, for whatever format.

use super::{Change, Comparison, Difference, PageChange, name_of};
use crate::judge::naming::{kind_name, state_name};
use crate::model::sheet::{Block, Sheet};

/// Most rows of a table and most pages listed; the JSON form has them all.
const MOST_ROWS: usize = 500;
/// Most items named for one page.
const MOST_NAMED: usize = 20;

/// The two states that are compared, where they are two: what is found in one of them was not mended in the other.
fn two_states(comparison: &Comparison) -> Option<[&'static str; 2]> {
    let [one, other] = [comparison.before.state?, comparison.after.state?];
    (one != other).then(|| [one, other].map(state_name))
}

/// The comparison as a document.
pub fn sheet(comparison: &Comparison) -> Sheet {
    let Comparison {
        before,
        after,
        items,
        services,
        findings,
        pages,
        ..
    } = comparison;
    let mut sheet = Sheet {
        title: format!("{} compared with {}", name_of(after), name_of(before)),
        subtitle: format!(
            "before: {} pages of {}; after: {} pages of {}",
            before.pages,
            before.started.strftime("%Y-%m-%d %H:%M UTC"),
            after.pages,
            after.started.strftime("%Y-%m-%d %H:%M UTC"),
        ),
        language: "en".to_owned(),
        sections: Vec::new(),
    };
    sheet.add("In short", vec![Block::Facts(in_short(comparison))]);
    let mut remarks = Vec::new();
    for side in [before, after] {
        if side.unreadable_pages > 0 {
            remarks.push(format!(
                "{} pages of {} could not be read and are missing here",
                side.unreadable_pages,
                name_of(side)
            ));
        }
    }
    if before.catalog != after.catalog {
        remarks.push(
            "the two were judged with different catalogs, so findings may differ that nobody changed; items and services are compared by today's catalog"
                .to_owned(),
        );
    }
    sheet.add("To be known", vec![Block::List(remarks)]);
    let titles = match two_states(comparison) {
        None => ["New findings", "Fixed findings"].map(str::to_owned),
        Some([one, other]) => {
            [other, one].map(|state| format!("Findings in the state {state} alone"))
        }
    };
    for (change, title) in [Change::New, Change::Gone].into_iter().zip(&titles) {
        let rows = findings
            .iter()
            .filter(|finding| finding.change == change)
            .map(|finding| {
                vec![
                    format!("{:?}", finding.severity).to_lowercase(),
                    finding.rule.clone(),
                    finding.title.clone(),
                    finding.page.clone(),
                    finding.id.clone(),
                ]
            });
        sheet.add(
            title,
            table(
                &["Severity", "Rule", "Finding", "Page", "Id"],
                rows.collect(),
            ),
        );
    }
    let rows = services.iter().map(|service| {
        vec![
            word(service.change).to_owned(),
            service.name.clone(),
            service.category.as_str().to_owned(),
        ]
    });
    sheet.add(
        "Services",
        table(&["", "Service", "Category"], rows.collect()),
    );
    for (change, title) in [
        (Change::New, "New items"),
        (Change::Gone, "Items that are gone"),
        (Change::Changed, "Items that changed"),
    ] {
        let rows = items
            .iter()
            .filter(|item| item.change == change)
            .map(|item| {
                let mut row = vec![
                    kind_name(item.kind).to_owned(),
                    format!("{} {}", item.host, item.name),
                    item.service.clone().unwrap_or_else(|| "unknown".to_owned()),
                    item.category.as_str().to_owned(),
                    item.pages.to_string(),
                ];
                if change == Change::Changed {
                    row.push(in_words(&item.differences));
                }
                row
            });
        let mut columns = vec!["Kind", "Item", "Service", "Category", "Pages"];
        if change == Change::Changed {
            columns.push("What changed");
        }
        sheet.add(title, table(&columns, rows.collect()));
    }
    let shown = pages.iter().take(MOST_ROWS);
    sheet.add("Page by page", shown.flat_map(of_page).collect());
    let more = pages.len().saturating_sub(MOST_ROWS);
    if more > 0 {
        let text = format!("and {more} more pages; --format json has them all");
        sheet.add("More pages", vec![Block::Paragraph(text)]);
    }
    sheet
}

fn in_short(comparison: &Comparison) -> Vec<(String, String)> {
    let items = |change: Change| {
        let of = comparison.items.iter().filter(|item| item.change == change);
        of.count()
    };
    let findings = |change: Change| {
        let of = comparison
            .findings
            .iter()
            .filter(|finding| finding.change == change);
        of.count()
    };
    let services = |change: Change| {
        let of = comparison
            .services
            .iter()
            .filter(|service| service.change == change);
        of.count()
    };
    [
        ("Findings", {
            let (new, gone) = (findings(Change::New), findings(Change::Gone));
            let both = comparison.unchanged_findings;
            match two_states(comparison) {
                None => format!("{new} new, {gone} fixed, {both} unchanged"),
                Some([one, other]) => {
                    format!("{new} in {other} alone, {gone} in {one} alone, {both} in both")
                }
            }
        }),
        (
            "Services",
            format!(
                "{} new, {} gone, {} unchanged",
                services(Change::New),
                services(Change::Gone),
                comparison.unchanged_services
            ),
        ),
        (
            "Items",
            format!(
                "{} new, {} gone, {} changed, {} unchanged",
                items(Change::New),
                items(Change::Gone),
                items(Change::Changed),
                comparison.unchanged_items
            ),
        ),
        (
            "Pages",
            format!(
                "{} with changes, {} without",
                comparison.pages.len(),
                comparison.unchanged_pages
            ),
        ),
    ]
    .map(|(name, text)| (name.to_owned(), text))
    .to_vec()
}

fn table(columns: &[&str], mut rows: Vec<Vec<String>>) -> Vec<Block> {
    let more = rows.len().saturating_sub(MOST_ROWS);
    rows.truncate(MOST_ROWS);
    if rows.is_empty() {
        return Vec::new();
    }
    let columns = columns.iter().map(|title| (*title).to_owned()).collect();
    let mut blocks = vec![Block::Table { columns, rows }];
    if more > 0 {
        blocks.push(Block::Paragraph(format!(
            "and {more} more; --format json has them all"
        )));
    }
    blocks
}

fn of_page(page: &PageChange) -> Vec<Block> {
    let mut points = Vec::new();
    match page.change {
        Some(Change::New) => points.push("the page is only in the second".to_owned()),
        Some(_) => points.push("the page is only in the first".to_owned()),
        None => {}
    }
    for (what, names) in [
        ("new", &page.new),
        ("gone", &page.gone),
        ("changed", &page.changed),
    ] {
        points.extend(
            names
                .iter()
                .take(MOST_NAMED)
                .map(|name| format!("{what}: {name}")),
        );
        let more = names.len().saturating_sub(MOST_NAMED);
        if more > 0 {
            points.push(format!("{what}: {more} more"));
        }
    }
    for (what, differences) in [("banner", &page.banner), ("consent", &page.signals)] {
        points.extend(
            differences
                .iter()
                .take(MOST_NAMED)
                .map(|difference| format!("{what}: {}", one_in_words(difference))),
        );
    }
    vec![Block::Paragraph(page.url.clone()), Block::List(points)]
}

fn in_words(differences: &[Difference]) -> String {
    let words: Vec<String> = differences.iter().map(one_in_words).collect();
    words.join("; ")
}

fn one_in_words(difference: &Difference) -> String {
    let shown = |text: &str| {
        if text.is_empty() {
            "nothing".to_owned()
        } else {
            text.to_owned()
        }
    };
    format!(
        "{}: {} → {}",
        difference.what,
        shown(&difference.before),
        shown(&difference.after)
    )
}

fn word(change: Change) -> &'static str {
    match change {
        Change::New => "new",
        Change::Gone => "gone",
        Change::Changed => "changed",
    }
}
