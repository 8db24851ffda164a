//! Documents in the formats people read: terminal, HTML, Markdown.

use askama::Template;

use super::RenderError;
use super::printable::{printable, wrapped};
use crate::model::sheet::{Block, Sheet};

/// The form a document is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum SheetFormat {
    /// Lines for a person at a terminal
    Terminal,
    /// One self-contained file
    Html,
    /// Markdown with tables
    Markdown,
}

/// Writes a document; lines of the terminal format have at most `width` characters, tables aside.
pub fn render(format: SheetFormat, sheet: &Sheet, width: usize) -> Result<String, RenderError> {
    match format {
        SheetFormat::Terminal => Ok(terminal(sheet, width)),
        SheetFormat::Markdown => Ok(markdown(sheet)),
        SheetFormat::Html => Ok(HtmlSheet { sheet }.render()?),
    }
}

#[derive(Template)]
#[template(path = "sheet.html", config = "src/report/html/askama.toml")]
struct HtmlSheet<'a> {
    sheet: &'a Sheet,
}

fn terminal(sheet: &Sheet, width: usize) -> String {
    let mut lines = vec![printable(&sheet.title)];
    lines.extend(wrapped(&printable(&sheet.subtitle), width));
    for section in &sheet.sections {
        lines.push(String::new());
        lines.push(printable(&section.title).to_uppercase());
        for (place, block) in section.blocks.iter().enumerate() {
            if place > 0 {
                lines.push(String::new());
            }
            lines.extend(terminal_block(block, width));
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

fn terminal_block(block: &Block, width: usize) -> Vec<String> {
    match block {
        Block::Paragraph(text) => hanging("  ", text, width),
        Block::List(points) => points
            .iter()
            .flat_map(|point| hanging("  - ", point, width))
            .collect(),
        Block::Steps(steps) => (1..)
            .zip(steps)
            .flat_map(|(number, step)| hanging(&format!("  {number}. "), step, width))
            .collect(),
        Block::Facts(facts) => {
            let longest = facts
                .iter()
                .map(|(name, _)| name.chars().count())
                .max()
                .unwrap_or(0);
            facts
                .iter()
                .flat_map(|(name, fact)| {
                    let name = printable(name);
                    hanging(&format!("  {name:<longest$}  "), fact, width)
                })
                .collect()
        }
        Block::Table { columns, rows } => terminal_table(columns, rows, width),
    }
}

/// A text whose first line begins with `start`, the others with as much space.
fn hanging(start: &str, text: &str, width: usize) -> Vec<String> {
    let indent = start.chars().count();
    let space = " ".repeat(indent);
    let lines = wrapped(&printable(text), width.saturating_sub(indent).max(20));
    let starts = std::iter::once(start).chain(std::iter::repeat(space.as_str()));
    if lines.is_empty() {
        return vec![start.trim_end().to_owned()];
    }
    starts
        .zip(lines)
        .map(|(start, line)| format!("{start}{line}"))
        .collect()
}

/// Columns side by side; the last one takes what is left of the line and is broken.
fn terminal_table(columns: &[String], rows: &[Vec<String>], width: usize) -> Vec<String> {
    let shown: Vec<Vec<String>> = std::iter::once(columns)
        .chain(rows.iter().map(Vec::as_slice))
        .map(|cells| cells.iter().map(|cell| printable(cell)).collect())
        .collect();
    let last = columns.len().saturating_sub(1);
    let widths: Vec<usize> = (0..last)
        .map(|column| {
            let cells = shown.iter().filter_map(|cells| cells.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let mut lines = Vec::new();
    for (number, cells) in shown.iter().enumerate() {
        let start: String = widths
            .iter()
            .zip(cells)
            .map(|(width, cell)| format!("{cell:<width$}  "))
            .collect::<Vec<_>>()
            .concat();
        let text = cells.get(last).map_or("", String::as_str);
        lines.extend(hanging(&format!("  {start}"), text, width));
        if number == 0 {
            let rule: usize = widths.iter().map(|width| width + 2).sum();
            lines.push(format!("  {}", "-".repeat((rule + 12).min(width))));
        }
    }
    lines
        .iter()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

fn markdown(sheet: &Sheet) -> String {
    let mut lines = vec![format!("# {}", escaped(&sheet.title))];
    if !sheet.subtitle.is_empty() {
        lines.extend([String::new(), escaped(&sheet.subtitle)]);
    }
    for section in &sheet.sections {
        lines.extend([String::new(), format!("## {}", escaped(&section.title))]);
        for block in &section.blocks {
            lines.push(String::new());
            lines.extend(markdown_block(block));
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

fn markdown_block(block: &Block) -> Vec<String> {
    match block {
        Block::Paragraph(text) => vec![escaped(text)],
        Block::List(points) => points
            .iter()
            .map(|point| format!("- {}", escaped(point)))
            .collect(),
        Block::Steps(steps) => (1..)
            .zip(steps)
            .map(|(number, step)| format!("{number}. {}", escaped(step)))
            .collect(),
        Block::Facts(facts) => facts
            .iter()
            .map(|(name, fact)| format!("- **{}**: {}", escaped(name), escaped(fact)))
            .collect(),
        Block::Table { columns, rows } => {
            let line = |cells: &[String]| {
                let cells: Vec<String> = cells.iter().map(|cell| escaped(cell)).collect();
                format!("| {} |", cells.join(" | "))
            };
            let mut lines = vec![
                line(columns),
                format!("|{}", " --- |".repeat(columns.len())),
            ];
            lines.extend(rows.iter().map(|row| line(row)));
            lines
        }
    }
}

/// A text in one line that Markdown shows as it is.
pub(super) fn escaped(text: &str) -> String {
    let line: Vec<&str> = text.split_whitespace().collect();
    let mut safe = String::with_capacity(text.len());
    for character in printable(&line.join(" ")).chars() {
        match character {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' => {
                safe.push('\\');
                safe.push(character);
            }
            _ => safe.push(character),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    fn sheet() -> Sheet {
        let mut sheet = Sheet {
            title: "A <b>\u{1b}[2J".to_owned(),
            subtitle: "one | two".to_owned(),
            language: "en".to_owned(),
            ..Sheet::default()
        };
        sheet.add("Empty", vec![Block::List(Vec::new())]);
        sheet.add(
            "Facts",
            vec![
                Block::Facts(vec![("Name".to_owned(), "_ga*".to_owned())]),
                Block::Table {
                    columns: vec!["Name".to_owned(), "Purpose".to_owned()],
                    rows: vec![vec!["a|b".to_owned(), "<script>".to_owned()]],
                },
                Block::Steps(vec!["first".to_owned()]),
            ],
        );
        sheet
    }

    #[test]
    fn nothing_steers_a_terminal_or_leaves_its_cell() {
        let text = render(SheetFormat::Terminal, &sheet(), 60).unwrap();
        assert!(!text.contains('\u{1b}') && text.contains("FACTS") && text.contains("  1. first"));
        assert!(!text.contains("EMPTY"), "empty parts are left out");
        let text = render(SheetFormat::Markdown, &sheet(), 60).unwrap();
        assert!(text.contains("- **Name**: \\_ga\\*\n"), "{text}");
        assert!(text.contains("| a\\|b | &lt;script&gt; |\n"), "{text}");
        let text = render(SheetFormat::Html, &sheet(), 60).unwrap();
        assert!(
            text.contains("<td>&#60;script&#62;</td>") && !text.contains("<script"),
            "{text}"
        );
    }

    #[test]
    fn lines_are_no_longer_than_asked() {
        let mut long = Sheet::default();
        long.add(
            "Text",
            vec![
                Block::Paragraph("word ".repeat(100)),
                Block::List(vec!["point ".repeat(50)]),
            ],
        );
        let text = render(SheetFormat::Terminal, &long, 50).unwrap();
        assert!(text.lines().all(|line| line.chars().count() <= 50));
    }
}
