//! What a login is made of is kept nowhere: not in a snapshot, wherever the page may have repeated it.

use serde_json::Value as Json;
use url::form_urlencoded;

use crate::model::value::fingerprint;
use crate::model::visit::Visit;

/// Shortest secret looked for, in bytes: shorter ones stand in ordinary words.
const SHORTEST: usize = 8;

/// Shortest value of a cookie or an entry that is taken for a secret, in bytes, and only with a digit in it:
/// a profile also brings along `analytics` and `accepted`, which tell nothing and stand in addresses.
const SHORTEST_BROUGHT: usize = 12;

/// Longest string looked through, in bytes: longer ones are pictures.
const LONGEST: usize = 64 * 1024;

/// Values that must not be stored, with the forms they travel in.
#[derive(Clone, Default)]
pub(super) struct Secrets {
    /// What to look for and what stands in its place; the longest first, for one may hold another.
    known: Vec<(String, String)>,
}

impl Secrets {
    /// Of what was filled in, and of the values of cookies and entries that were brought along.
    pub(super) fn of<'a>(
        filled: impl Iterator<Item = &'a str>,
        brought: impl Iterator<Item = &'a str>,
    ) -> Self {
        let brought = brought.filter(|value| {
            value.len() >= SHORTEST_BROUGHT && value.bytes().any(|byte| byte.is_ascii_digit())
        });
        let mut known: Vec<(String, String)> = filled
            .filter(|value| value.len() >= SHORTEST)
            .chain(brought)
            .flat_map(|value| {
                let substitute = format!("secret-{}", fingerprint(value.as_bytes()));
                forms(value).map(move |form| (form, substitute.clone()))
            })
            .collect();
        known.sort_by(|(a, _), (b, _)| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        known.dedup();
        Self { known }
    }

    /// Puts a fingerprint in the place of each secret, wherever in the visit it stands.
    pub(super) fn take_out(&self, visit: &mut Visit) {
        if self.known.is_empty() {
            return;
        }
        let Ok(whole) = serde_json::to_value(&*visit) else {
            return;
        };
        if let Some(safe) = self.without(&whole) {
            *visit = safe;
            return;
        }
        // One of them is a word of our own, such as `accepted`, and no secret: the others are taken out.
        for one in &self.known {
            let one = Self {
                known: vec![one.clone()],
            };
            let safe = serde_json::to_value(&*visit);
            if let Some(safe) = safe.ok().and_then(|whole| one.without(&whole)) {
                *visit = safe;
            }
        }
    }

    /// The visit without them, as long as it is one then.
    fn without(&self, whole: &Json) -> Option<Visit> {
        let mut safe = whole.clone();
        self.hide(&mut safe);
        serde_json::from_value(safe).ok()
    }

    /// Says whether anything was hidden.
    fn hide(&self, json: &mut Json) -> bool {
        match json {
            Json::String(text) if text.len() <= LONGEST => {
                let mut hidden = false;
                for (secret, substitute) in &self.known {
                    if text.contains(secret.as_str()) {
                        *text = text.replace(secret.as_str(), substitute);
                        hidden = true;
                    }
                }
                hidden
            }
            Json::Array(list) => list.iter_mut().fold(false, |any, of| self.hide(of) | any),
            Json::Object(object) => {
                // Names of fields may be the page's, too: of calls, of facts.
                let named: Vec<String> = object
                    .keys()
                    .filter(|name| self.known.iter().any(|(secret, _)| name.contains(secret)))
                    .cloned()
                    .collect();
                let mut hidden = !named.is_empty();
                for name in named {
                    let mut safe = Json::String(name.clone());
                    self.hide(&mut safe);
                    if let (Some(of), Json::String(safe)) = (object.remove(&name), safe) {
                        object.insert(safe, of);
                    }
                }
                for of in object.values_mut() {
                    hidden |= self.hide(of);
                }
                hidden
            }
            _ => false,
        }
    }
}

/// A value as it is, as addresses and cookies carry it, and as it is when it was carried so.
fn forms(value: &str) -> impl Iterator<Item = String> {
    let of_forms: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
    let of_addresses = of_forms.replace('+', "%20");
    // `encodeURIComponent` leaves these as they are.
    let of_scripts = [
        ("%21", "!"),
        ("%27", "'"),
        ("%28", "("),
        ("%29", ")"),
        ("%7E", "~"),
    ]
    .into_iter()
    .fold(of_addresses.clone(), |text, (escaped, letter)| {
        text.replace(escaped, letter)
    });
    // Only the first pair: a value with an ampersand in it is none of an address.
    let read = (value.contains('%') && !value.contains(['&', '=', '+']))
        .then(|| form_urlencoded::parse(value.as_bytes()).next())
        .flatten()
        .map(|(read, _)| read.into_owned())
        .filter(|read| read.len() >= SHORTEST);
    // Inside of JSON, which pages keep in storage.
    let in_json = Json::String(value.to_owned()).to_string();
    let in_json = in_json.trim_matches('"').to_owned();
    let mut forms = vec![
        value.to_owned(),
        of_forms,
        of_addresses,
        of_scripts,
        in_json,
    ];
    forms.extend(read);
    forms.sort();
    forms.dedup();
    forms.into_iter()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hidden(secrets: &[&str], mut json: Json) -> Json {
        Secrets::of(secrets.iter().copied(), std::iter::empty()).hide(&mut json);
        json
    }

    #[test]
    fn secrets_are_taken_out_in_every_form_they_travel_in() {
        let secret = "pass word/ü!&1";
        let substitute = format!("secret-{}", fingerprint(secret.as_bytes()));
        for form in [
            secret,
            "pass+word%2F%C3%BC%21%261",
            "pass%20word%2F%C3%BC%21%261",
            "pass%20word%2F%C3%BC!%261",
        ] {
            let json = json!({"a": [format!("x={form}&y=1")], form: 1});
            let expected = json!({"a": [format!("x={substitute}&y=1")], substitute.as_str(): 1});
            assert_eq!(hidden(&[secret], json), expected, "{form}");
        }
        let quoted = json!({"text": json!({"token": "a\"b\"c\"d\"e"}).to_string()});
        let quoted = hidden(&["a\"b\"c\"d\"e"], quoted).to_string();
        assert!(
            quoted.contains("secret-") && !quoted.contains("\\\"b"),
            "{quoted}"
        );
        // A cookie is kept escaped, and a page reads it as it was.
        let read = hidden(&["mail%40shop.test"], json!("mail@shop.test"));
        assert_ne!(read, json!("mail@shop.test"));
    }

    #[test]
    fn of_two_secrets_the_longer_one_goes_first() {
        let text = hidden(&["12345678", "1234567890"], json!("1234567890"));
        assert_eq!(
            text,
            json!(format!("secret-{}", fingerprint(b"1234567890")))
        );
    }

    #[test]
    fn words_of_a_profile_are_no_secrets() {
        let brought = [
            "analytics",
            "accepted",
            "marketing-all-of-it",
            "v=2",
            "a1b2c3d4e5f6",
        ];
        let secrets = Secrets::of(std::iter::empty(), brought.into_iter());
        let mut json = json!([brought]);
        secrets.hide(&mut json);
        let substitute = format!("secret-{}", fingerprint(b"a1b2c3d4e5f6"));
        let expected = [
            "analytics",
            "accepted",
            "marketing-all-of-it",
            "v=2",
            &substitute,
        ];
        assert_eq!(json, json!([expected]));
    }

    #[test]
    fn everything_else_stays_and_so_do_words_that_are_too_short() {
        for text in ["short demo page", "", "1234567"] {
            assert_eq!(hidden(&["demo", "1234567"], json!([text])), json!([text]));
        }
    }
}
