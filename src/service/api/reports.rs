//! Reports of a run, in every format, written while they are sent.

use std::io::{self, BufWriter, Write};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt as _;
use serde::Deserialize;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answers::{is_known, name_version, unchanged};
use super::runs::version;
use super::snapshots::Redact;
use crate::browser::paper;
use crate::judge::rules;
use crate::report::{Format, Options, RenderError, RuleHelp, render};
use crate::service::Service;
use crate::service::access::MayRead;
use crate::service::error::Problem;
use crate::service::runs::head_of;
use crate::store::StoredRun;

/// Bytes written before they are handed on, and how many such pieces may wait for the reader.
const PIECE: usize = 64 * 1024;
const PIECES_WAITING: usize = 4;
/// How long a reader may take for one piece.
const SLOWEST: Duration = Duration::from_mins(1);

pub(super) fn router() -> OpenApiRouter<Service> {
    OpenApiRouter::new().routes(routes!(show))
}

/// The form a report is written in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum ReportFormat {
    /// The whole run as one document, `consentinel/report/v1`.
    #[default]
    Json,
    /// One self-contained file, for the screen, for paper and for the record.
    Html,
    /// The HTML report, printed by the browser.
    Pdf,
    /// A summary for a person at a terminal.
    Terminal,
    /// One JSON document a line, for large crawls.
    Ndjson,
    /// A table of the findings.
    Csv,
    /// A table of everything stored and sent.
    CsvItems,
    /// A comment on a pull request.
    Markdown,
    /// Static Analysis Results Interchange Format 2.1.0.
    Sarif,
    /// JUnit XML, for CI.
    Junit,
    /// HTTP Archive 1.2.
    Har,
    /// Cookie jar in Netscape's format.
    CookieJar,
    /// `inspection.json` of the Website Evidence Collector.
    Wec,
}

/// How a format is sent.
struct Sent {
    /// What writes it.
    format: Format,
    /// Its media type.
    kind: &'static str,
    /// How its file's name ends.
    ending: &'static str,
}

impl ReportFormat {
    fn sent(self) -> Sent {
        let (format, kind, ending) = match self {
            Self::Json => (Format::Json, "application/json", "json"),
            Self::Html => (Format::Html, "text/html; charset=utf-8", "html"),
            // Printed from the HTML report.
            Self::Pdf => (Format::Html, "application/pdf", "pdf"),
            Self::Terminal => (Format::Terminal, "text/plain; charset=utf-8", "txt"),
            Self::Ndjson => (Format::Ndjson, "application/x-ndjson", "ndjson"),
            Self::Csv => (Format::Csv, "text/csv; charset=utf-8", "csv"),
            Self::CsvItems => (Format::CsvItems, "text/csv; charset=utf-8", "items.csv"),
            Self::Markdown => (Format::Markdown, "text/markdown; charset=utf-8", "md"),
            Self::Sarif => (Format::Sarif, "application/sarif+json", "sarif"),
            Self::Junit => (Format::Junit, "application/xml", "junit.xml"),
            Self::Har => (Format::Har, "application/har+json", "har"),
            Self::CookieJar => (
                Format::CookieJar,
                "text/plain; charset=utf-8",
                "cookies.txt",
            ),
            Self::Wec => (Format::Wec, "application/json", "inspection.json"),
        };
        Sent {
            format,
            kind,
            ending,
        }
    }
}

/// What formats say of the rules.
pub fn rule_help() -> Vec<RuleHelp> {
    let owned = |text: &str| text.to_owned();
    rules::all()
        .map(|rule| RuleHelp {
            id: owned(rule.id),
            name: owned(rule.name),
            title: owned(rule.title),
            checks: owned(rule.checks),
            severity: rule.severity,
            legal: rule.legal.iter().map(|law| owned(law)).collect(),
            remedy: owned(rule.remedy),
            limits: owned(rule.limits),
        })
        .collect()
}

/// Which report is wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
struct Wanted {
    /// The form it is written in.
    #[param(inline)]
    format: ReportFormat,
    /// `off` for raw values, which only those who administer the service may see.
    #[param(inline)]
    redact: Redact,
}

/// The report of a finished run. It is written while it is sent: one that breaks off is not whole.
#[utoipa::path(
    get,
    path = "/runs/{id}/report",
    tag = "reports",
    params(("id" = String, Path, description = "The run's id, or `last`"), Wanted),
    responses(
        (status = OK, description = "The report", content(
            (serde_json::Value = "application/json"),
            (serde_json::Value = "application/har+json"),
            (String = "application/pdf"),
            (serde_json::Value = "application/sarif+json"),
            (String = "application/x-ndjson"),
            (String = "application/xml"),
            (String = "text/csv"),
            (String = "text/html"),
            (String = "text/markdown"),
            (String = "text/plain"),
        )),
        (status = CONFLICT, description = "The run has not come to its end", body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn show(
    State(service): State<Service>,
    MayRead(caller): MayRead,
    Path(id): Path<String>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let redact = wanted.redact.check(&caller)?;
    let run = service
        .apart(move |service| Ok(service.store().run(&id)?))
        .await?;
    let sent = wanted.format.sent();
    let form = format!("{:?} {redact}", wanted.format);
    let tag = version(run.record(), &[&form]);
    if is_known(&headers, &tag) {
        return Ok(unchanged(&tag));
    }
    let name = format!("consentinel-{}.{}", run.record().id, sent.ending);
    let options = Options {
        redact,
        rules: rule_help(),
        ..Options::default()
    };
    let body = if wanted.format == ReportFormat::Pdf {
        printed(&service, run, options).await?
    } else {
        written(&service, run, sent.format, options).await?
    };
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(sent.kind));
    // A report quotes what hostile pages said: it is a file, and never a page of ours.
    let place = format!("attachment; filename=\"{name}\"");
    if let Ok(place) = HeaderValue::from_str(&place) {
        headers.insert(header::CONTENT_DISPOSITION, place);
    }
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("sandbox"),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    name_version(headers, &tag);
    Ok(response)
}

/// Takes bytes in on a thread that may block, and hands them to the reader in pieces.
struct Pieces {
    sender: mpsc::Sender<Result<Bytes, io::Error>>,
    runtime: Handle,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let piece = Ok(Bytes::copy_from_slice(bytes));
        let sending = tokio::time::timeout(SLOWEST, self.sender.send(piece));
        match self.runtime.block_on(sending) {
            Ok(Ok(())) => Ok(bytes.len()),
            Ok(Err(_gone)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(_elapsed) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A report that is written while it is sent. Nothing is answered before its first piece stands there,
/// so that a run that cannot be read is a problem and no broken file.
async fn written(
    service: &Service,
    run: StoredRun,
    format: Format,
    options: Options,
) -> Result<Body, Problem> {
    let turn = service.turn().await?;
    let (sender, mut pieces) = mpsc::channel(PIECES_WAITING);
    let runtime = Handle::current();
    tokio::spawn(async move {
        // Held until the last piece is written.
        let _turn = turn;
        let failed = sender.clone();
        let written = tokio::task::spawn_blocking(move || {
            let mut out = BufWriter::with_capacity(PIECE, Pieces { sender, runtime });
            let head = head_of(&run).map_err(|error| io::Error::other(error.to_string()))?;
            render(format, head, &run, &options, &mut out)?;
            Ok::<(), RenderError>(out.flush()?)
        });
        let error = match written.await {
            Ok(Ok(())) => return,
            Ok(Err(RenderError::Write(error))) if is_gone(&error) => return,
            Ok(Err(error)) => io::Error::other(error),
            Err(error) => io::Error::other(error),
        };
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "a report cannot be written"
        );
        drop(failed.send(Err(error)).await);
    });
    let first = match pieces.recv().await {
        Some(Ok(first)) => first,
        Some(Err(error)) => return Err(Problem::internal(&error)),
        None => Bytes::new(),
    };
    let rest = futures::stream::unfold(pieces, |mut pieces| async move {
        let piece = pieces.recv().await?;
        Some((piece, pieces))
    });
    let first = futures::stream::iter([Ok(first)]);
    // What packs answers asks once more after the end.
    Ok(Body::from_stream(first.chain(rest).fuse()))
}

/// The reader has gone, or is too slow.
fn is_gone(error: &io::Error) -> bool {
    [io::ErrorKind::BrokenPipe, io::ErrorKind::TimedOut].contains(&error.kind())
}

/// The HTML report, printed by a browser of its own.
async fn printed(service: &Service, run: StoredRun, options: Options) -> Result<Body, Problem> {
    let _turn = service.turn().await?;
    let page = service
        .apart(move |_| {
            let failed = |error: &(dyn std::error::Error + 'static)| Problem::internal(error);
            let mut page = tempfile::Builder::new()
                .suffix(".html")
                .tempfile()
                .map_err(|error| failed(&error))?;
            let head = head_of(&run)?;
            let mut out = BufWriter::new(page.as_file_mut());
            render(Format::Html, head, &run, &options, &mut out)
                .and_then(|()| Ok(out.flush()?))
                .map_err(|error| failed(&error))?;
            drop(out);
            Ok(page)
        })
        .await?;
    let printed = paper::print(&service.options().launch, page.path()).await;
    printed
        .map(Body::from)
        .map_err(|error| Problem::internal(&error))
}
