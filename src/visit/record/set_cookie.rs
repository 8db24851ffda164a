//! Reads `Set-Cookie` lines and what scripts write to `document.cookie` as a browser does (RFC 6265bis, 5.6).
//!
//! What a strict parser would refuse, browsers store: cookies without a name, without an equals sign,
//! with dates no server should write. Nothing here fails; what the browser refuses, the browser says.

use jiff::civil;
use jiff::tz::TimeZone;

/// Longest date read, in bytes: longer ones are no dates.
const LONGEST_DATE: usize = 200;

/// One cookie as it was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct SetCookie {
    /// Empty for a cookie without a name.
    pub(super) name: String,
    pub(super) value: String,
    /// In lower case, without its leading dot; absent when the line names none, or an empty one.
    pub(super) domain: Option<String>,
    /// Absent when the line names none that begins with a slash.
    pub(super) path: Option<String>,
    pub(super) end: End,
    pub(super) secure: bool,
    pub(super) http_only: bool,
    /// `Strict`, `Lax` or `None`; absent for anything else.
    pub(super) same_site: Option<&'static str>,
    pub(super) partitioned: bool,
}

/// When a cookie ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum End {
    /// With the browser.
    #[default]
    Session,
    /// After that many seconds; zero or less deletes it.
    After(i64),
    /// At that second since 1970.
    At(i64),
}

impl SetCookie {
    /// Reads one line; nothing when it has neither name nor value, or a control character ends its life.
    pub(super) fn parse(line: &str) -> Option<Self> {
        // Tabs are allowed; any other control character makes browsers drop the line.
        if line
            .bytes()
            .any(|byte| byte.is_ascii_control() && byte != b'\t')
        {
            return None;
        }
        let mut parts = line.split(';');
        let pair = parts.next().unwrap_or_default();
        let (name, value) = match pair.split_once('=') {
            Some((name, value)) => (trimmed(name), trimmed(value)),
            None => ("", trimmed(pair)),
        };
        if name.is_empty() && value.is_empty() {
            return None;
        }
        let mut cookie = Self {
            name: name.to_owned(),
            value: value.to_owned(),
            ..Self::default()
        };
        let (mut max_age, mut expires) = (None, None);
        for part in parts {
            let (attribute, value) = part.split_once('=').unwrap_or((part, ""));
            let (attribute, value) = (trimmed(attribute), trimmed(value));
            // The last of several counts.
            match attribute.to_ascii_lowercase().as_str() {
                "max-age" => max_age = seconds(value).or(max_age),
                "expires" => expires = date(value).or(expires),
                "domain" => {
                    let domain = value.strip_prefix('.').unwrap_or(value);
                    cookie.domain = (!domain.is_empty()).then(|| domain.to_ascii_lowercase());
                }
                "path" => cookie.path = value.starts_with('/').then(|| value.to_owned()),
                "secure" => cookie.secure = true,
                "httponly" => cookie.http_only = true,
                "partitioned" => cookie.partitioned = true,
                "samesite" => {
                    cookie.same_site = ["Strict", "Lax", "None"]
                        .into_iter()
                        .find(|known| known.eq_ignore_ascii_case(value));
                }
                _ => {}
            }
        }
        cookie.end = match (max_age, expires) {
            (Some(age), _) => End::After(age),
            (None, Some(date)) => End::At(date),
            (None, None) => End::Session,
        };
        Some(cookie)
    }

    /// The lifetime asked for in seconds, counted from `now` in seconds since 1970; absent for a session cookie.
    pub(super) fn lifetime_s(&self, now: i64) -> Option<i64> {
        match self.end {
            End::Session => None,
            End::After(seconds) => Some(seconds),
            End::At(date) => Some(date.saturating_sub(now)),
        }
    }

    /// Whether a host may set a cookie for the domain it names: its own, or one above it that is no public suffix.
    pub(super) fn belongs_to(&self, host: &str) -> bool {
        let Some(domain) = &self.domain else {
            return true;
        };
        let host = host.to_ascii_lowercase();
        if *domain == host {
            return true;
        }
        let above = host
            .strip_suffix(domain.as_str())
            .is_some_and(|rest| rest.ends_with('.'));
        let address = host.parse::<std::net::Ipv4Addr>().is_ok() || host.starts_with('[');
        above && !address && psl::suffix_str(domain) != Some(domain.as_str())
    }
}

/// White space in a cookie line is space and tab.
fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// The longest lifetime told apart, in seconds: more digits than a JSON number can hold.
const FOR_EVER: i64 = 9_007_199_254_740_991;

/// `Max-Age`: digits, perhaps after a minus. More than can be counted is for ever.
fn seconds(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let amount = digits.parse().unwrap_or(FOR_EVER).min(FOR_EVER);
    Some(if text.starts_with('-') {
        -amount
    } else {
        amount
    })
}

/// A cookie's date in seconds since 1970: its tokens in any order, between any delimiters (RFC 6265bis, 5.1.1).
pub(super) fn date(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    if text.len() > LONGEST_DATE {
        return None;
    }
    let is_delimiter =
        |letter: char| matches!(letter, '\t' | ' '..='/' | ';'..='@' | '['..='`' | '{'..='~');
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    for token in text.split(is_delimiter).filter(|token| !token.is_empty()) {
        if time.is_none()
            && let Some(found) = time_of(token)
        {
            time = Some(found);
        } else if day.is_none()
            && let Some(found) = leading_number(token, 2)
        {
            day = Some(found);
        } else if month.is_none()
            && let Some(found) = token.get(..3).and_then(|name| {
                MONTHS
                    .iter()
                    .position(|known| known.eq_ignore_ascii_case(name))
            })
        {
            month = Some(found);
        } else if year.is_none()
            && let Some(found) = leading_number(token, 4)
        {
            year = Some(match found {
                70..=99 => found + 1900,
                0..=69 => found + 2000,
                _ => found,
            });
        }
    }
    let ((hour, minute, second), day, month, year) = (time?, day?, month?, year?);
    if year < 1601 {
        return None;
    }
    let moment = civil::DateTime::new(
        i16::try_from(year).ok()?,
        i8::try_from(month).ok()? + 1,
        i8::try_from(day).ok()?,
        i8::try_from(hour).ok()?,
        i8::try_from(minute).ok()?,
        i8::try_from(second).ok()?,
        0,
    )
    .ok()?;
    let zoned = moment.to_zoned(TimeZone::UTC).ok()?;
    Some(zoned.timestamp().as_second())
}

/// `hh:mm:ss`, each of one or two digits; whatever follows is left out.
fn time_of(token: &str) -> Option<(u32, u32, u32)> {
    let mut parts = token.splitn(3, ':');
    let whole = |part: &str| (part.len() <= 2).then(|| leading_number(part, 2)).flatten();
    Some((
        whole(parts.next()?)?,
        whole(parts.next()?)?,
        leading_number(parts.next()?, 2)?,
    ))
}

/// The number a token begins with, when it has no more digits than that.
fn leading_number(token: &str, most_digits: usize) -> Option<u32> {
    let digits = token.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 || digits > most_digits {
        return None;
    }
    token[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> SetCookie {
        SetCookie::parse(line).unwrap()
    }

    #[test]
    fn names_and_values() {
        for (line, name, value) in [
            ("a=1", "a", "1"),
            (" a \t= 1 ; Path=/", "a", "1"),
            ("a=b=c", "a", "b=c"),
            ("=v", "", "v"),
            ("v", "", "v"),
            ("a=", "a", ""),
            ("a=\"q\"", "a", "\"q\""),
            ("__Host-a=1; Secure; Path=/", "__Host-a", "1"),
            ("a=1,b=2", "a", "1,b=2"),
            ("ä=ö", "ä", "ö"),
        ] {
            let cookie = parsed(line);
            assert_eq!(
                (cookie.name.as_str(), cookie.value.as_str()),
                (name, value),
                "{line}"
            );
        }
        for line in [
            "",
            "=",
            " ; Secure",
            "a=1\u{0}",
            "a\u{7}=1",
            "a=1; Path=/\u{1}",
        ] {
            assert_eq!(SetCookie::parse(line), None, "{line:?}");
        }
    }

    #[test]
    fn attributes() {
        let cookie = parsed(
            "a=1; domain=.Shop.TEST; PATH=/x; secure; HttpOnly=yes; samesite=none; Partitioned; unknown=1",
        );
        assert_eq!(
            (
                cookie.domain.as_deref(),
                cookie.path.as_deref(),
                cookie.secure,
                cookie.http_only,
                cookie.same_site,
                cookie.partitioned
            ),
            (
                Some("shop.test"),
                Some("/x"),
                true,
                true,
                Some("None"),
                true
            )
        );
        let odd = parsed("a=1; Domain=; Path=x; SameSite=maybe");
        assert_eq!((odd.domain, odd.path, odd.same_site), (None, None, None));
        assert_eq!(
            parsed("a=1; Path=/x; Path=").path,
            None,
            "the last one counts"
        );
    }

    #[test]
    fn ends() {
        for (line, end) in [
            ("a=1", End::Session),
            ("a=1; Max-Age=60", End::After(60)),
            ("a=1; Max-Age=-1", End::After(-1)),
            ("a=1; Max-Age=0", End::After(0)),
            ("a=1; Max-Age=99999999999999999999", End::After(FOR_EVER)),
            ("a=1; Max-Age=1.5", End::Session),
            ("a=1; Max-Age=+60", End::Session),
            ("a=1; Max-Age=", End::Session),
            (
                "a=1; Expires=Thu, 22 Oct 2026 07:28:00 GMT; Max-Age=5",
                End::After(5),
            ),
            ("a=1; Expires=nonsense", End::Session),
        ] {
            assert_eq!(parsed(line).end, end, "{line}");
        }
    }

    #[test]
    fn dates() {
        // 784111777 is the example of RFC 9110, 5.6.7.
        for (text, expected) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777)),
            ("Sun Nov  6 08:49:37 1994", Some(784_111_777)),
            ("6 nov 1994 8:49:37", Some(784_111_777)),
            ("1994 Nov 6 08:49:37", Some(784_111_777)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Thu, 01-Jan-70 00:00:00 GMT", Some(0)),
            ("Fri, 01-Jan-69 00:00:00 GMT", Some(3_124_224_000)),
            ("Thu, 31 Feb 2026 00:00:00 GMT", None),
            ("Thu, 01 Jan 1600 00:00:00 GMT", None),
            ("Thu, 01 Jan 2026 24:00:00 GMT", None),
            ("Thu, 01 Jan 2026", None),
            ("0", None),
            ("", None),
        ] {
            assert_eq!(date(text), expected, "{text}");
        }
    }

    #[test]
    fn domains_of_others_are_refused() {
        for (domain, host, fits) in [
            ("shop.test", "www.shop.test", true),
            ("www.shop.test", "www.shop.test", true),
            (".shop.test", "shop.test", true),
            ("www.shop.test", "shop.test", false),
            ("other.test", "shop.test", false),
            ("op.test", "shop.test", false),
            ("co.uk", "shop.co.uk", false),
            ("com", "shop.com", false),
            ("github.io", "github.io", true),
            ("0.0.1", "127.0.0.1", false),
            ("127.0.0.1", "127.0.0.1", true),
        ] {
            assert_eq!(
                parsed(&format!("a=1; Domain={domain}")).belongs_to(host),
                fits,
                "{domain} on {host}"
            );
        }
        assert!(parsed("a=1").belongs_to("shop.test"));
    }

    proptest::proptest! {
        #[test]
        fn any_line_is_survived(line in "\\PC{0,300}") {
            if let Some(cookie) = SetCookie::parse(&line) {
                proptest::prop_assert!(!cookie.name.is_empty() || !cookie.value.is_empty());
                cookie.lifetime_s(0);
            }
        }

        #[test]
        fn any_date_is_survived(text in ".{0,60}", year in 0u32..12_000, day in 0u8..40, time in "[0-9:]{0,9}") {
            date(&text);
            date(&format!("Mon, {day} Jan {year} {time} GMT"));
        }

        #[test]
        fn every_second_comes_back(second in 0i64..4_102_444_800) {
            let moment = jiff::Timestamp::from_second(second).unwrap();
            proptest::prop_assert_eq!(date(&moment.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()), Some(second));
        }
    }
}
