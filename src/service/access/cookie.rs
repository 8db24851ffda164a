//! The cookie a session is known by.

use axum::http::{HeaderMap, HeaderValue, header};

use super::options::AccessOptions;
use super::secret::Secret;
use super::sessions::LONGEST;

/// Its name. Over TLS it has the prefix by which browsers see to it that no other host and no path of ours
/// has set it (RFC 6265bis, 4.1.3.2).
fn name(options: &AccessOptions) -> &'static str {
    if options.is_secure() {
        "__Host-consentinel"
    } else {
        "consentinel"
    }
}

fn written(value: &str, seconds: i64, options: &AccessOptions) -> Option<HeaderValue> {
    let secure = if options.is_secure() { "; Secure" } else { "" };
    let name = name(options);
    let cookie =
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    HeaderValue::from_str(&cookie).ok()
}

/// Has the browser keep a session.
pub(super) fn set(headers: &mut HeaderMap, session: &Secret, options: &AccessOptions) {
    if let Some(cookie) = written(session.expose(), LONGEST.as_secs(), options) {
        headers.append(header::SET_COOKIE, cookie);
    }
}

/// Has the browser forget it.
pub(super) fn clear(headers: &mut HeaderMap, options: &AccessOptions) {
    if let Some(cookie) = written("", 0, options) {
        headers.append(header::SET_COOKIE, cookie);
    }
}

/// The session a browser sends.
pub(super) fn read<'a>(headers: &'a HeaderMap, options: &AccessOptions) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter();
    let mut cookies = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='));
    let own = cookies.find(|(its_name, _)| *its_name == name(options));
    own.map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::access::options::PublicUrl;

    #[test]
    fn the_own_cookie_is_found_among_others() {
        let plain = AccessOptions::default();
        let secure = AccessOptions {
            public_url: PublicUrl::parse("https://audits.example.com").ok(),
            ..AccessOptions::default()
        };
        for (lines, options, expected) in [
            (vec!["consentinel=abc"], &plain, Some("abc")),
            (vec!["a=b; consentinel=abc; c=d"], &plain, Some("abc")),
            (vec!["a=b", "consentinel=abc"], &plain, Some("abc")),
            (
                vec!["consentinel=abc; consentinel=def"],
                &plain,
                Some("abc"),
            ),
            (vec!["xconsentinel=abc"], &plain, None),
            (vec!["consentinel"], &plain, None),
            (vec![], &plain, None),
            // Over TLS only the one that no other host can have set counts.
            (vec!["consentinel=abc"], &secure, None),
            (vec!["__Host-consentinel=abc"], &secure, Some("abc")),
        ] {
            let mut headers = HeaderMap::new();
            for line in &lines {
                headers.append(header::COOKIE, HeaderValue::from_static(line));
            }
            assert_eq!(read(&headers, options), expected, "{lines:?}");
        }
    }
}
