//! `consentinel catalog match`: who is behind an observation, and why.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::Place;
use crate::catalog::Catalog;
use crate::catalog::answer::{Answer, Confidence, ObservedKind, Question};
use crate::cli::exit::Exit;
use crate::cli::output::{complain, print, say};
use crate::report::printable;

pub(super) const EXAMPLE: &str = "\
Examples:
  consentinel catalog match --cookie _ga_ABC --host example.com --site shop.example
  consentinel catalog match --local-storage kustomer --host shop.example
  consentinel catalog match --request https://www.facebook.com/tr --site shop.example
  consentinel catalog match --from observations.ndjson > answers.ndjson

--from reads one JSON object a line, with kind (cookie, local-storage, session-storage, indexed-db,
cache-storage, request), name, host and site; - is standard input. For each it writes one line: the
input, and service, category, matched_by, confidence, source, rule, role, ambiguous. A line that
cannot be read gives {\"line\", \"error\", \"input\"}, and the exit code 3 at the end.
A request's name is its path; its whole address may stand there as well.";

/// Longest line read, in bytes.
const LONGEST_LINE: usize = 64 << 10;
/// Most bytes of a line that cannot be read that are given back.
const LONGEST_ECHO: usize = 4 << 10;

#[derive(Debug, clap::Args)]
#[group(id = "what", required = true, multiple = false, args = ["cookie", "local_storage", "session_storage", "indexed_db", "cache_storage", "request", "from"])]
pub(super) struct Arguments {
    /// Name of a cookie
    #[arg(long, value_name = "NAME")]
    cookie: Option<String>,
    /// Key of localStorage
    #[arg(long, value_name = "KEY", alias = "storage")]
    local_storage: Option<String>,
    /// Key of sessionStorage
    #[arg(long, value_name = "KEY")]
    session_storage: Option<String>,
    /// Name of a database
    #[arg(long, value_name = "NAME")]
    indexed_db: Option<String>,
    /// Name of a cache
    #[arg(long, value_name = "NAME")]
    cache_storage: Option<String>,
    /// Address of a request, or its path with --host
    #[arg(long, value_name = "URL")]
    request: Option<String>,
    /// File with one observation a line, - for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["host", "site", "value", "format"])]
    from: Option<PathBuf>,
    /// Domain of the cookie, host of the storage or of the request
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Host of the page it was observed on
    #[arg(long, value_name = "HOST")]
    site: Option<String>,
    /// Value of the cookie or storage entry; some names count only with the right form
    #[arg(long, value_name = "TEXT")]
    value: Option<String>,
    /// Form of the result
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    #[command(flatten)]
    place: Place,
}

/// Form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For a person
    Text,
    /// One JSON object with the answer and all rules that were looked at
    Json,
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    let catalog = match arguments.place.load() {
        Ok(catalog) => catalog,
        Err(exit) => return exit,
    };
    if let Some(path) = &arguments.from {
        return answer_file(&catalog, path);
    }
    let Some(question) = arguments.question() else {
        return Exit::Usage;
    };
    let text = match arguments.format {
        Format::Text => explained(&catalog, &question),
        Format::Json => {
            let record = serde_json::json!({
                "answer": catalog.answer(&question),
                "considered": catalog.considered(&question),
            });
            format!("{record}\n")
        }
    };
    print(&text);
    Exit::Passed
}

impl Arguments {
    fn question(&self) -> Option<Question<'_>> {
        let asked = [
            (ObservedKind::Cookie, &self.cookie),
            (ObservedKind::LocalStorage, &self.local_storage),
            (ObservedKind::SessionStorage, &self.session_storage),
            (ObservedKind::IndexedDb, &self.indexed_db),
            (ObservedKind::CacheStorage, &self.cache_storage),
            (ObservedKind::Request, &self.request),
        ];
        let (kind, name) = asked
            .into_iter()
            .find_map(|(kind, name)| name.as_deref().map(|name| (kind, name)))?;
        Some(Question {
            kind,
            name,
            host: self.host.as_deref(),
            site: self.site.as_deref(),
            value: self.value.as_deref().unwrap_or_default(),
        })
    }
}

/// The answer for a person, with everything that was looked at.
fn explained(catalog: &Catalog, question: &Question<'_>) -> String {
    let answer = catalog.answer(question);
    let mut lines = Vec::new();
    let mut fact = |name: &str, text: &str| {
        if !text.is_empty() {
            lines.push(format!("{name:<11} {}", printable(text)));
        }
    };
    match &answer.service {
        Some(id) => {
            let name = catalog
                .service(id)
                .map_or(id.as_str(), |service| &service.name);
            fact("Service", &format!("{name} ({id})"));
        }
        None if answer.matched_by.is_some() => fact("Service", "of any"),
        None => fact("Service", "not known"),
    }
    fact("Category", answer.category.as_str());
    if let Some(matched_by) = answer.matched_by {
        fact("Matched", matched_by.in_words());
    }
    fact("Rule", answer.rule.as_deref().unwrap_or_default());
    fact("Confidence", confidence(&answer));
    fact("Source", answer.source.as_deref().unwrap_or_default());
    fact("Role", answer.role.as_deref().unwrap_or_default());
    fact("Purpose", answer.purpose.as_deref().unwrap_or_default());
    fact("Duration", answer.duration.as_deref().unwrap_or_default());
    fact("Also fits", &answer.ambiguous.join(", "));
    let considered = catalog.considered(question);
    if !considered.is_empty() {
        lines.push(String::new());
        lines.push("Rules that were looked at, the best first:".to_owned());
    }
    for rule in considered {
        let mark = if rule.fits { "+" } else { "-" };
        lines.push(printable(&format!(
            "  {mark} {} of {}: {}",
            rule.rule, rule.service, rule.why
        )));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn confidence(answer: &Answer) -> &'static str {
    match answer.confidence {
        Some(Confidence::High) => "high",
        Some(Confidence::Medium) => "medium",
        Some(Confidence::Low) => "low",
        None => "",
    }
}

/// Answers every line of a file; memory does not grow with it.
fn answer_file(catalog: &Catalog, path: &Path) -> Exit {
    let opened: Result<Box<dyn BufRead>, std::io::Error> = if path == Path::new("-") {
        Ok(Box::new(BufReader::new(std::io::stdin())))
    } else {
        File::open(path).map(|file| Box::new(BufReader::new(file)) as Box<dyn BufRead>)
    };
    let mut reader = match opened {
        Ok(reader) => reader,
        Err(error) => {
            complain(&format!("cannot read {}: {error}", path.display()), None);
            return Exit::Usage;
        }
    };
    let mut unread = 0_usize;
    for number in 1_usize.. {
        let line = match next_line(&mut reader) {
            Ok(Some(line)) => line,
            Ok(None) => break,
            Err(error) => {
                complain(
                    &format!(
                        "cannot read {} from line {number} on: {error}",
                        path.display()
                    ),
                    None,
                );
                return Exit::Incomplete;
            }
        };
        if line.bytes.trim_ascii().is_empty() && !line.cut {
            continue;
        }
        let answered = if line.cut {
            Err(format!("the line has more than {LONGEST_LINE} bytes"))
        } else {
            answer_line(catalog, &line.bytes)
        };
        match answered {
            Ok(text) => print(&text),
            Err(error) => {
                unread += 1;
                let echo = &line.bytes[..line.bytes.len().min(LONGEST_ECHO)];
                let record = serde_json::json!({
                    "line": number,
                    "error": error,
                    "input": String::from_utf8_lossy(echo),
                });
                print(&format!("{record}\n"));
            }
        }
    }
    if unread == 0 {
        return Exit::Passed;
    }
    say(&format!(
        "{unread} lines could not be read; their answers say why"
    ));
    Exit::Incomplete
}

/// A line, or as much of it as is read.
struct Line {
    bytes: Vec<u8>,
    /// It was longer.
    cut: bool,
}

fn next_line(reader: &mut impl BufRead) -> std::io::Result<Option<Line>> {
    let mut bytes = Vec::new();
    let limit = LONGEST_LINE as u64 + 1;
    let read = reader.by_ref().take(limit).read_until(b'\n', &mut bytes)?;
    if read == 0 {
        return Ok(None);
    }
    let ended = bytes.last() == Some(&b'\n');
    if ended {
        bytes.pop();
    }
    let cut = bytes.len() > LONGEST_LINE;
    if cut {
        bytes.truncate(LONGEST_LINE);
        skip_line(reader)?;
    }
    Ok(Some(Line { bytes, cut }))
}

/// Reads on to the end of the line without keeping it.
fn skip_line(reader: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let held = reader.fill_buf()?;
        if held.is_empty() {
            return Ok(());
        }
        let end = held.iter().position(|byte| *byte == b'\n');
        let used = end.map_or(held.len(), |end| end + 1);
        reader.consume(used);
        if end.is_some() {
            return Ok(());
        }
    }
}

/// The input of a line with the answer beside it.
fn answer_line(catalog: &Catalog, line: &[u8]) -> Result<String, String> {
    let mut input: Map<String, Value> =
        serde_json::from_slice(line).map_err(|error| format!("no JSON object: {error}"))?;
    let text = |field: &str| match input.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
        Some(_) => Err(format!("`{field}` is no text")),
    };
    let kind = text("kind")?.ok_or("`kind` is missing: cookie, local-storage, session-storage, indexed-db, cache-storage or request")?;
    let Ok(kind) = serde_json::from_value::<ObservedKind>(Value::String(kind.to_owned())) else {
        return Err(format!(
            "`{kind}` is no kind: cookie, local-storage, session-storage, indexed-db, cache-storage or request"
        ));
    };
    let (name, host) = (text("name")?, text("host")?);
    if name.is_none() && (kind != ObservedKind::Request || host.is_none()) {
        return Err("`name` is missing".to_owned());
    }
    let answer = catalog.answer(&Question {
        kind,
        name: name.unwrap_or_default(),
        host,
        site: text("site")?,
        value: text("value")?.unwrap_or_default(),
    });
    let Ok(Value::Object(fields)) = serde_json::to_value(&answer) else {
        return Err("the answer cannot be written".to_owned());
    };
    // What the input says under a name of ours is kept beside it.
    let mut hidden = Map::new();
    for (field, value) in fields {
        if let Some(own) = input.insert(field.clone(), value) {
            hidden.insert(field, own);
        }
    }
    if !hidden.is_empty() {
        input.insert("input".to_owned(), Value::Object(hidden));
    }
    Ok(format!("{}\n", Value::Object(input)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    #[test]
    fn lines_are_read_with_bounded_memory() {
        let long = "x".repeat(LONGEST_LINE + 7);
        let text = format!("one\n{long}\n\nlast");
        let mut reader = BufReader::with_capacity(16, text.as_bytes());
        let mut lines = Vec::new();
        while let Some(line) = next_line(&mut reader).unwrap() {
            lines.push((line.bytes.len(), line.cut));
        }
        assert_eq!(
            lines,
            [(3, false), (LONGEST_LINE, true), (0, false), (4, false)]
        );
    }

    #[test]
    fn a_line_keeps_its_input_and_gains_the_answer() {
        let catalog = Catalog::builtin().unwrap();
        let ask = |line: &str| answer_line(&catalog, line.as_bytes());
        let answered: Value = serde_json::from_str(
            &ask(r#"{"kind":"cookie","name":"_ga","host":"shop.example","site":"shop.example","more":[1],"category":"mine"}"#).unwrap(),
        )
        .unwrap();
        assert_eq!(answered["service"], "google-analytics");
        assert_eq!(answered["category"], "analytics");
        assert_eq!(answered["more"][0], 1);
        assert_eq!(answered["input"]["category"], "mine");
        for (line, part) in [
            ("[]", "no JSON object"),
            ("{\"kind\":\"cookie\"}", "`name` is missing"),
            ("{\"name\":\"x\"}", "`kind` is missing"),
            ("{\"kind\":\"pie\",\"name\":\"x\"}", "`pie` is no kind"),
            ("{\"kind\":\"cookie\",\"name\":7}", "`name` is no text"),
        ] {
            let error = ask(line).unwrap_err();
            assert!(error.contains(part), "{error} for {line}");
        }
        assert!(ask(r#"{"kind":"request","host":"www.google-analytics.com"}"#).is_ok());
    }
}
