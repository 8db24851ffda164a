//! What every page has: its frame, who looks at it, its headers, and what is shown when it cannot be.

use std::fmt;

use askama::Template;
use askama::filters::HtmlSafe;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use url::form_urlencoded;

use super::assets;
use crate::report::{number, shown};
use crate::service::Service;
use crate::service::access::{Caller, MayAudit, MayRead, Posted, Scope};
use crate::service::error::Problem;

/// Longest name of anything, longest address and longest prose shown, in characters.
pub(super) const LONGEST_NAME: usize = 120;
pub(super) const LONGEST_URL: usize = 200;
pub(super) const LONGEST_PROSE: usize = 800;

/// What a page may load and send: from us and to us, nothing that is written into it.
pub(super) const fn policy() -> &'static str {
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}

/// A part of the dashboard, as the navigation names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::service) enum Part {
    Sites,
    Audits,
    Services,
    Compare,
    Catalog,
    Schedules,
    Alerts,
    Settings,
    /// None of them.
    Elsewhere,
}

const NAVIGATION: [(Part, &str, &str); 8] = [
    (Part::Sites, "/", "Sites"),
    (Part::Audits, "/audits", "Audits"),
    (Part::Services, "/services", "Services"),
    (Part::Compare, "/compare", "Compare"),
    (Part::Catalog, "/catalog", "Catalog"),
    (Part::Schedules, "/schedules", "Schedules"),
    (Part::Alerts, "/alerts", "Alerts"),
    (Part::Settings, "/settings", "Settings"),
];

/// What stands around the content of a page.
#[derive(Debug)]
pub(in crate::service) struct Frame {
    pub(in crate::service) title: String,
    pub(in crate::service) here: Part,
    /// As the journal names who looks; empty for nobody.
    pub(in crate::service) caller: String,
    pub(in crate::service) scope: Option<Scope>,
    /// What forms have to carry; empty when they cannot be sent.
    pub(in crate::service) csrf: String,
    /// Load the page again after so many seconds where no script runs.
    pub(in crate::service) again: Option<u32>,
}

impl Frame {
    pub(super) fn new(viewer: &Viewer, here: Part, title: impl Into<String>) -> Self {
        let Caller { name, scope, csrf } = &viewer.0;
        Self {
            title: title.into(),
            here,
            caller: shown(name.strip_prefix("account ").unwrap_or(name), LONGEST_NAME),
            scope: Some(*scope),
            csrf: csrf.clone().unwrap_or_default(),
            again: None,
        }
    }

    /// Around a page that belongs to no part, whoever looks.
    pub(in crate::service) fn around(caller: Option<&Caller>, title: String) -> Self {
        let csrf = caller.and_then(|caller| caller.csrf.clone());
        Self {
            title,
            here: Part::Elsewhere,
            caller: caller.map_or_else(String::new, |caller| shown(&caller.name, LONGEST_NAME)),
            scope: caller.map(|caller| caller.scope),
            csrf: csrf.unwrap_or_default(),
            again: None,
        }
    }

    /// The same, loaded again after so many seconds where no script runs.
    pub(super) fn again(self, seconds: Option<u32>) -> Self {
        Self {
            again: seconds,
            ..self
        }
    }

    #[expect(clippy::unused_self, reason = "templates call methods")]
    pub(in crate::service) fn style(&self) -> &'static str {
        assets::style()
    }

    #[expect(clippy::unused_self, reason = "templates call methods")]
    pub(in crate::service) fn script(&self) -> &'static str {
        assets::script()
    }

    #[expect(clippy::unused_self, reason = "templates call methods")]
    pub(in crate::service) fn icon(&self) -> &'static str {
        assets::icon()
    }

    /// The parts: address, name, whether the page belongs to it.
    pub(in crate::service) fn navigation(
        &self,
    ) -> impl Iterator<Item = (&'static str, &'static str, bool)> {
        NAVIGATION
            .into_iter()
            .map(|(part, address, name)| (address, name, part == self.here))
    }

    /// Whether forms that ask for audits can be sent.
    pub(super) fn may_audit(&self) -> bool {
        self.scope >= Some(Scope::Audit) && !self.csrf.is_empty()
    }

    /// Whether forms that change the service can be sent.
    pub(super) fn may_administer(&self) -> bool {
        self.scope >= Some(Scope::Admin) && !self.csrf.is_empty()
    }

    #[expect(clippy::unused_self, reason = "templates call methods")]
    pub(in crate::service) fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }
}

/// Who looks at a page. Somebody who is not signed in is led to where they can.
#[derive(Debug)]
pub(super) struct Viewer(pub(super) Caller);

impl Viewer {
    /// Keeps out who may not change the service itself.
    pub(super) fn administers(&self) -> Result<(), Problem> {
        if self.0.scope >= Scope::Admin {
            return Ok(());
        }
        Err(Problem::forbidden(
            "this is for those who administer the service; ask one of them",
        ))
    }
}

impl FromRequestParts<Service> for Viewer {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Response> {
        let asked = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let login = login(asked);
        match MayRead::from_request_parts(parts, service).await {
            Ok(MayRead(caller)) => Ok(Self(caller)),
            Err(problem) => Err(refused(problem, &login)),
        }
    }
}

/// A form of ours, sent by somebody who may ask for audits.
#[derive(Debug)]
pub(super) struct Sent<T> {
    pub(super) viewer: Viewer,
    pub(super) form: T,
}

impl<T: DeserializeOwned> FromRequest<Service> for Sent<T> {
    type Rejection = Response;

    async fn from_request(request: Request, service: &Service) -> Result<Self, Response> {
        let login = login("/");
        let (mut parts, body) = request.into_parts();
        let MayAudit(caller) = MayAudit::from_request_parts(&mut parts, service)
            .await
            .map_err(|problem| refused(problem, &login))?;
        let request = Request::from_parts(parts, body);
        let Posted(form) = Posted::from_request(request, service)
            .await
            .map_err(|problem| refused(problem, &login))?;
        Ok(Self {
            viewer: Viewer(caller),
            form,
        })
    }
}

/// Nothing but what every form carries.
#[derive(Debug, serde::Deserialize)]
pub(super) struct Empty {}

/// Where to sign in, and be led back from.
fn login(asked: &str) -> String {
    let next: String = form_urlencoded::byte_serialize(asked.as_bytes()).collect();
    format!("/sign-in?to={next}")
}

fn refused(problem: Problem, login: &str) -> Response {
    if problem.status == StatusCode::UNAUTHORIZED.as_u16() {
        Redirect::to(login).into_response()
    } else {
        Refusal::from(problem).into_response()
    }
}

/// A page that is shown.
pub(super) struct Shown<T>(pub(super) T);

impl<T: Template> IntoResponse for Shown<T> {
    fn into_response(self) -> Response {
        match self.0.render() {
            Ok(page) => (
                [
                    (header::CONTENT_SECURITY_POLICY, policy()),
                    (header::CACHE_CONTROL, "no-store"),
                    (header::REFERRER_POLICY, "same-origin"),
                    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
                ],
                Html(page),
            )
                .into_response(),
            Err(error) => Problem::internal(&error).into_response(),
        }
    }
}

/// What a handler answers.
pub(super) type Answer<T> = Result<Shown<T>, Refusal>;

/// A page that cannot be shown, and why.
#[derive(Debug)]
pub(super) struct Refusal(Problem);

impl<E: Into<Problem>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

#[derive(Template)]
#[template(path = "refusal.html", config = "src/service/dashboard/askama.toml")]
struct RefusalPage {
    frame: Frame,
    detail: String,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Problem {
            title,
            status,
            detail,
            ..
        } = self.0;
        let frame = Frame::around(None, title);
        let detail = shown(&detail, LONGEST_PROSE);
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Shown(RefusalPage { frame, detail })).into_response()
    }
}

/// A moment, for a template: a `time` element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment(pub(super) Timestamp);

impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "<time datetime=\"{}\">{}</time>",
            self.0.strftime("%Y-%m-%dT%H:%M:%SZ"),
            self.words()
        )
    }
}

// Digits and letters alone.
impl HtmlSafe for Moment {}

impl Moment {
    /// Such as `23 Nov 2026, 03:10 UTC`.
    pub(super) fn words(self) -> String {
        self.0.strftime("%-d %b %Y, %H:%M UTC").to_string()
    }
}

/// A time from one moment to another, in words: `42 s`, `3 min 5 s`, `2 h 10 min`.
pub(super) fn took(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.as_second().saturating_sub(from.as_second()).max(0);
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{} h {minutes} min", number(hours as usize)),
    }
}

/// Which page of a long list is shown, and how to reach its neighbours.
#[derive(Debug, Default)]
pub(super) struct Paging {
    pub(super) previous: Option<String>,
    pub(super) next: Option<String>,
    /// Such as `26 to 50 of 312 sites`.
    pub(super) words: String,
}

impl Paging {
    /// The part of `all` on page `page`, from 1. `address` is the list's own, `query` what it was asked
    /// with, the page aside.
    pub(super) fn cut<T>(
        all: Vec<T>,
        page: usize,
        on_a_page: usize,
        what: (&str, &str),
        address: &str,
        query: &[(&str, &str)],
    ) -> (Vec<T>, Self) {
        let count = all.len();
        let last = count.div_ceil(on_a_page).max(1);
        let page = page.clamp(1, last);
        let first = (page - 1) * on_a_page;
        let part: Vec<T> = all.into_iter().skip(first).take(on_a_page).collect();
        let link = |to: usize| {
            let mut pairs = form_urlencoded::Serializer::new(String::new());
            for (name, value) in query.iter().filter(|(_, value)| !value.is_empty()) {
                pairs.append_pair(name, value);
            }
            pairs.append_pair("page", &to.to_string());
            format!("{address}?{}", pairs.finish())
        };
        let words = match count {
            0 => format!("no {}", what.1),
            1 => format!("1 {}", what.0),
            _ if last == 1 => format!("{} {}", number(count), what.1),
            _ => format!(
                "{} to {} of {} {}",
                number(first + 1),
                number(first + part.len()),
                number(count),
                what.1
            ),
        };
        let paging = Self {
            previous: (page > 1).then(|| link(page - 1)),
            next: (page < last).then(|| link(page + 1)),
            words,
        };
        (part, paging)
    }
}

/// A choice of a filter: its value, its words, whether it is chosen.
pub(super) type Choice = (String, String, bool);

/// The choices of a filter; the first takes everything.
pub(super) fn choices<'a>(
    chosen: &str,
    everything: &'a str,
    others: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Vec<Choice> {
    std::iter::once(("", everything))
        .chain(others)
        .map(|(value, words)| (value.to_owned(), words.to_owned(), value == chosen))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    #[test]
    fn moments_are_elements() {
        let moment = Moment("2026-11-03T03:10:42.5Z".parse().unwrap());
        assert_eq!(
            moment.to_string(),
            "<time datetime=\"2026-11-03T03:10:42Z\">3 Nov 2026, 03:10 UTC</time>"
        );
    }

    #[test]
    fn spans_change_unit() {
        let zero = Timestamp::UNIX_EPOCH;
        for (seconds, words) in [
            (-5, "0 s"),
            (59, "59 s"),
            (60, "1 min 0 s"),
            (3_599, "59 min 59 s"),
            (3_600, "1 h 0 min"),
        ] {
            assert_eq!(took(zero, Timestamp::from_second(seconds).unwrap()), words);
        }
    }

    #[test]
    fn lists_are_cut_into_pages() {
        let cut = |count: usize, page: usize| {
            let query = [("q", "a&b"), ("state", "")];
            Paging::cut(
                (1..=count).collect(),
                page,
                10,
                ("site", "sites"),
                "/",
                &query,
            )
        };
        for (count, page, first, previous, next, words) in [
            (0, 1, None, None, None, "no sites"),
            (1, 1, Some(1), None, None, "1 site"),
            (10, 9, Some(1), None, None, "10 sites"),
            (
                25,
                2,
                Some(11),
                Some("/?q=a%26b&page=1"),
                Some("/?q=a%26b&page=3"),
                "11 to 20 of 25 sites",
            ),
            (
                25,
                99,
                Some(21),
                Some("/?q=a%26b&page=2"),
                None,
                "21 to 25 of 25 sites",
            ),
            (
                25,
                0,
                Some(1),
                None,
                Some("/?q=a%26b&page=2"),
                "1 to 10 of 25 sites",
            ),
        ] {
            let (part, paging) = cut(count, page);
            assert_eq!(part.first().copied(), first, "{count}, page {page}");
            assert_eq!(paging.previous.as_deref(), previous);
            assert_eq!(paging.next.as_deref(), next);
            assert_eq!(paging.words, words);
        }
    }
}
