//! The gate every request passes: under which name it asks, who asks, how often, from which page; and
//! afterwards, what they did.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Instant;

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};
use jiff::Timestamp;

use super::journal::{Deed, Entry};
use super::origin::{self, Provenance};
use super::{Caller, Client, Identity, Means, Service, cookie, limits, secret};
use crate::service::error::{PROBLEM, Problem};

/// Under this everything is for callers alone.
const API: &str = "/api/";

/// The header that carries [`Caller::csrf`] to the API.
const CSRF: &str = "x-csrf-token";

/// Somebody who is known.
struct Known {
    caller: Caller,
    identity: Identity,
}

/// Lets a request through to its handler, or not.
pub(super) async fn pass(
    State(service): State<Service>,
    mut request: Request,
    next: Next,
) -> Response {
    let asks_for_page = asks_for_page(&request);
    let path = request.uri().path().to_owned();
    let whole = request
        .uri()
        .path_and_query()
        .map_or("/", axum::http::uri::PathAndQuery::as_str)
        .to_owned();
    let method = request.method().clone();
    let response = match admit(&service, &mut request) {
        Ok(()) => {
            let may_change = !method.is_safe();
            let entry = may_change.then(|| Draft::of(&method, &path, &request));
            let response = next.run(request).await;
            match entry {
                Some(draft) => draft.written(&service, response).await,
                None => response,
            }
        }
        Err(problem) => problem.into_response(),
    };
    let content = response.headers().get(header::CONTENT_TYPE);
    let is_problem = content.is_some_and(|content| content == PROBLEM);
    if asks_for_page && is_problem && response.status() == StatusCode::UNAUTHORIZED {
        let back = (method == Method::GET).then_some(whole.as_str());
        return to_sign_in(back);
    }
    response
}

/// Whether a person waits for a page.
fn asks_for_page(request: &Request) -> bool {
    let accepts = request.headers().get(header::ACCEPT);
    let accepts = accepts.and_then(|accepts| accepts.to_str().ok());
    accepts.is_some_and(|accepts| accepts.contains("text/html"))
}

/// Has somebody sign in first, and come back afterwards.
fn to_sign_in(back: Option<&str>) -> Response {
    let back = back
        .filter(|back| *back != "/")
        .map_or_else(String::new, |back| {
            let back: String = url::form_urlencoded::byte_serialize(back.as_bytes()).collect();
            format!("?to={back}")
        });
    Redirect::to(&format!("/sign-in{back}")).into_response()
}

/// Finds out who asks, and tells the handler. The error is the answer of those who are not let in.
fn admit(service: &Service, request: &mut Request) -> Result<(), Problem> {
    let options = &service.options().access;
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
    let client = Client(origin::address(peer, request.headers(), options));
    let listen = service.options().listen.ip();
    let host = origin::host(request.headers(), request.uri()).unwrap_or_default();
    if !origin::is_ours(host, listen, options) {
        return Err(Problem::misdirected(
            "the service does not go by this name; start it with --public-url and the address people use",
        ));
    }
    // Who is known before this was made known by ourselves: nothing that comes in over the network is an
    // extension.
    let known = match request.extensions().get::<Caller>() {
        Some(_) => None,
        None => identify(service, request.headers())?,
    };
    let key = known.as_ref().map_or_else(
        || limits::key_of(client.0),
        |known| known.caller.name.clone(),
    );
    let requests = &service.access().requests;
    requests
        .take(&key, Instant::now())
        .map_err(|wait| Problem::too_many("fewer requests, please", wait))?;
    let by_token = known
        .as_ref()
        .is_some_and(|known| known.caller.csrf.is_none());
    let is_api = request.uri().path().starts_with(API);
    if !request.method().is_safe() && !by_token {
        let from = origin::provenance(request.headers(), host, options);
        let caller = known.as_ref().map(|known| &known.caller);
        check_provenance(from, caller, is_api, request.headers())?;
    }
    if is_api && known.is_none() && request.extensions().get::<Caller>().is_none() {
        return Err(super::nobody());
    }
    let extensions = request.extensions_mut();
    extensions.insert(client);
    if let Some(known) = known {
        extensions.insert(known.caller);
        extensions.insert(known.identity);
    }
    Ok(())
}

/// Who asks: by the token they send, else by the session their browser has. A token that is none is an
/// error; a session that is none is nobody.
fn identify(service: &Service, headers: &HeaderMap) -> Result<Option<Known>, Problem> {
    let access = service.access();
    let now = Timestamp::now();
    let authorization = headers.get(header::AUTHORIZATION);
    let authorization = authorization.map(|value| value.to_str().unwrap_or_default());
    // Other schemes are the business of proxies before us.
    if let Some(token) = authorization.and_then(bearer) {
        let Some((digest, token)) = access.token(token, now) else {
            return Err(Problem::unauthorized(
                "the token is not known or has expired; make another one under Tokens",
            ));
        };
        if access.use_token(&digest, &token, now) {
            later(service, move |service| service.access().save_token(&digest));
        }
        return Ok(Some(Known {
            caller: Caller {
                name: format!("token {} of {}", token.name, token.account),
                scope: token.scope,
                csrf: None,
            },
            identity: Identity {
                account: token.account,
                means: Means::Token { id: token.id },
            },
        }));
    }
    let sent = cookie::read(headers, &service.options().access);
    let Some((sent, (digest, session))) =
        sent.and_then(|sent| Some((sent, access.session(sent, now)?)))
    else {
        return Ok(None);
    };
    let Some(account) = access.account(&session.account) else {
        return Ok(None);
    };
    if access.use_session(&digest, &session, now) {
        let digest = digest.clone();
        later(service, move |service| {
            service.access().save_session(&digest)
        });
    }
    Ok(Some(Known {
        caller: Caller {
            name: format!("account {}", account.name),
            scope: account.scope,
            csrf: Some(secret::for_forms(sent)),
        },
        identity: Identity {
            account: account.name,
            means: Means::Session { digest },
        },
    }))
}

/// The token of an `Authorization` header of that kind (RFC 6750).
fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Writes what nobody waits for.
fn later(
    service: &Service,
    write: impl FnOnce(&Service) -> Result<(), super::AccessError> + Send + 'static,
) {
    let service = service.clone();
    tokio::task::spawn_blocking(move || {
        if let Err(error) = write(&service) {
            tracing::warn!(%error, "the use of a session or a token was not written down");
        }
    });
}

/// Keeps pages of somebody else from changing anything with a browser that is signed in here.
fn check_provenance(
    from: Provenance,
    caller: Option<&Caller>,
    is_api: bool,
    headers: &HeaderMap,
) -> Result<(), Problem> {
    let foreign = || Problem::forbidden("this was sent from a page of another site");
    if from == Provenance::Foreign {
        return Err(foreign());
    }
    let Some(expected) = caller.and_then(|caller| caller.csrf.as_deref()) else {
        return Ok(());
    };
    let sent = headers.get(CSRF).and_then(|value| value.to_str().ok());
    let has_secret = sent.is_some_and(|sent| secret::same(sent, expected));
    if is_api && !has_secret {
        return Err(Problem::forbidden(
            "a browser that is signed in has to send `X-CSRF-Token`; `GET /api/v1/session` says which",
        ));
    }
    // A form carries the secret in its body, where `Posted` looks; that it was sent here is said by every
    // browser that has a session.
    if from == Provenance::Untold && !has_secret {
        return Err(foreign());
    }
    Ok(())
}

/// What will be an entry of the journal when the request was answered.
struct Draft {
    who: Option<String>,
    client: Option<Client>,
    action: String,
    path: String,
}

impl Draft {
    fn of(method: &Method, path: &str, request: &Request) -> Self {
        let extensions = request.extensions();
        let route = extensions.get::<MatchedPath>().map(MatchedPath::as_str);
        Self {
            who: extensions.get::<Caller>().map(|caller| caller.name.clone()),
            client: extensions.get::<Client>().copied(),
            action: format!("{method} {}", route.unwrap_or("elsewhere")),
            path: path.to_owned(),
        }
    }

    /// What somebody known did or was not allowed to do, and what a handler said was done.
    fn entry(self, response: &Response) -> Option<Entry> {
        let status = response.status();
        let deed = response.extensions().get::<Deed>();
        let who = deed.and_then(|deed| deed.who.clone()).or(self.who)?;
        let mut entry = if let Some(deed) = deed {
            Entry::new(&who, deed.action, &deed.subject)
        } else {
            let is_done = status.is_success() || status.is_redirection();
            if !is_done && status != StatusCode::FORBIDDEN {
                return None;
            }
            let made = response.headers().get(header::LOCATION);
            let made = made.filter(|_| status == StatusCode::CREATED);
            let made = made.and_then(|made| made.to_str().ok());
            Entry::new(&who, &self.action, made.unwrap_or(&self.path))
        };
        entry.address = self.client.map(|client| client.0);
        entry.status = Some(status.as_u16());
        Some(entry)
    }

    /// Writes the entry before anybody is told that it was done.
    async fn written(self, service: &Service, response: Response) -> Response {
        if let Some(entry) = self.entry(&response) {
            // A failure to write is in the log; what was done is done, and the answer says so.
            let written = service
                .apart(move |service| Ok(service.access().write(&entry)?))
                .await;
            drop(written);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn tokens_are_read_out_of_their_header() {
        for (authorization, expected) in [
            ("Bearer csn_abc", Some("csn_abc")),
            ("bearer csn_abc ", Some("csn_abc")),
            ("Bearer", None),
            ("Basic YTpi", None),
            ("csn_abc", None),
            ("", None),
        ] {
            assert_eq!(bearer(authorization), expected, "{authorization}");
        }
    }

    #[test]
    fn foreign_pages_change_nothing() {
        use Provenance::{Foreign, Own, Untold};
        let session = Caller {
            name: "account anna".to_owned(),
            scope: super::super::Scope::Admin,
            csrf: Some("secret".to_owned()),
        };
        for (from, caller, is_api, sent, allowed) in [
            (Own, Some(&session), false, None, true),
            (Own, Some(&session), true, None, false),
            (Own, Some(&session), true, Some("wrong"), false),
            (Own, Some(&session), true, Some("secret"), true),
            (Untold, Some(&session), true, Some("secret"), true),
            (Untold, Some(&session), true, None, false),
            (Untold, Some(&session), false, None, false),
            (Untold, Some(&session), false, Some("secret"), true),
            (Foreign, Some(&session), false, Some("secret"), false),
            (Foreign, Some(&session), true, Some("secret"), false),
            (Foreign, None, false, None, false),
            (Untold, None, false, None, true),
            (Own, None, false, None, true),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(sent) = sent {
                headers.insert(CSRF, HeaderValue::from_static(sent));
            }
            let checked = check_provenance(from, caller, is_api, &headers);
            assert_eq!(checked.is_ok(), allowed, "{from:?} {is_api} {sent:?}");
        }
    }
}
