//! A cookie jar in the format of Netscape's browser, as curl, wget and yt-dlp read it.

use std::collections::BTreeMap;
use std::io::Write;

use super::RenderError;
use super::printable::printable;
use super::redact::shown_page;
use crate::model::report::{Page, PageSource};
use crate::model::snapshot::Cookie;
use crate::model::visit::Visit;
use crate::report::wording;

/// Says in the place of a value that there was one.
const REDACTED: &str = "redacted";

/// The cookies each visit ended with, under a comment that names it.
pub(super) fn cookie_jar(
    source: &dyn PageSource,
    redact: bool,
    out: &mut dyn Write,
) -> Result<(), RenderError> {
    begin(out)?;
    for page in source.pages() {
        let page = shown_page(page?, redact, false);
        for visit in &page.visits {
            of_visit(&page, visit, out)?;
        }
    }
    Ok(())
}

/// The jar of one visit.
pub fn jar_of_visit(page: &Page, visit: &Visit, out: &mut dyn Write) -> Result<(), RenderError> {
    begin(out)?;
    of_visit(page, visit, out)
}

fn begin(out: &mut dyn Write) -> Result<(), RenderError> {
    // Readers know the format by this line.
    out.write_all(b"# Netscape HTTP Cookie File\n")?;
    Ok(())
}

fn of_visit(page: &Page, visit: &Visit, out: &mut dyn Write) -> Result<(), RenderError> {
    writeln!(
        out,
        "\n# {}, state {}",
        printable(&page.url),
        wording::visit(page, visit)
    )?;
    // A jar holds one cookie of each name, domain and path; of partitions it knows nothing.
    let mut jar: BTreeMap<(&str, &str, &str), &Cookie> = BTreeMap::new();
    let mut left_out = 0_usize;
    for cookie in &visit.snapshot.cookies {
        if !cookie.alive || !cookie.blocked.is_empty() {
            continue;
        }
        let fields = [&cookie.domain, &cookie.path, &cookie.name];
        let breaks = |text: &str| text.chars().any(char::is_control);
        if fields.iter().any(|field| breaks(field))
            || breaks(cookie.value.text())
            || cookie.domain.is_empty()
            || cookie.domain.starts_with('#')
        {
            left_out += 1;
            continue;
        }
        jar.insert((&cookie.domain, &cookie.path, &cookie.name), cookie);
    }
    for cookie in jar.into_values() {
        line(visit, cookie, out)?;
    }
    if left_out > 0 {
        writeln!(
            out,
            "# {left_out} left out: this format cannot hold their names or values"
        )?;
    }
    Ok(())
}

/// `#HttpOnly_.shop.test TRUE / TRUE 1795348800 _ga GA1.1.…`, with tabs between.
fn line(visit: &Visit, cookie: &Cookie, out: &mut dyn Write) -> Result<(), RenderError> {
    let flag = |held: bool| if held { "TRUE" } else { "FALSE" };
    // Zero is the format's word for a cookie of the session.
    let expires = cookie
        .stored_lifetime_s
        .or(cookie.lifetime_s)
        .map_or(0, |seconds| {
            let written = i64::try_from(cookie.at_ms / 1_000).unwrap_or(i64::MAX);
            visit
                .timing
                .started
                .as_second()
                .saturating_add(written)
                .saturating_add(seconds)
                .max(1)
        });
    writeln!(
        out,
        "{}{}{}\t{}\t{}\t{}\t{expires}\t{}\t{}",
        if cookie.http_only { "#HttpOnly_" } else { "" },
        if cookie.host_only { "" } else { "." },
        cookie.domain,
        flag(!cookie.host_only),
        if cookie.path.is_empty() {
            "/"
        } else {
            &cookie.path
        },
        flag(cookie.secure),
        cookie.name,
        cookie.value.text.as_deref().unwrap_or(REDACTED),
    )?;
    Ok(())
}
