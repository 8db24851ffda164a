//! What the judge and the reports ask of an entry.

use super::schema::words::ServiceStatus;
use super::schema::{Service, Text};

/// The European Economic Area, ISO 3166-1 alpha-2, and the words sources use for it.
const EEA: [&str; 32] = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS",
    "IT", "LI", "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK", "EU",
    "EEA",
];

impl Service {
    /// Who offers it.
    pub fn vendor_name(&self) -> Option<&str> {
        self.vendor.as_ref().map(|vendor| vendor.name.as_str())
    }

    /// The vendor's country, ISO 3166-1 alpha-2.
    pub fn vendor_country(&self) -> Option<&str> {
        self.vendor.as_ref()?.country.as_deref()
    }

    /// The last owner of the vendor that no source disputes.
    pub fn owner(&self) -> Option<&str> {
        let owners = &self.vendor.as_ref()?.owner;
        owners
            .iter()
            .rfind(|owner| !owner.disputed)
            .map(|owner| owner.name.as_str())
    }

    /// The countries outside the EEA it sends data to, in the order of the entry.
    pub fn transfer_countries(&self) -> Vec<&str> {
        let mut countries = Vec::new();
        for transfer in &self.transfer {
            let country = transfer.to.as_str();
            if !EEA.contains(&country) && !countries.contains(&country) {
                countries.push(country);
            }
        }
        countries
    }

    /// What to do before it may load; in English where the language is missing.
    pub fn steps(&self, language: &str) -> &[String] {
        self.text_in(language, |text| {
            (!text.steps.is_empty()).then_some(text.steps.as_slice())
        })
        .unwrap_or_default()
    }

    /// Text for the banner, its placeholders filled in; in English where the language is missing.
    pub fn notice(&self, language: &str) -> Option<String> {
        self.text_in(language, |text| text.notice.as_deref())
            .map(|notice| self.fill(notice))
    }

    /// Whether it is no longer offered.
    pub fn is_defunct(&self) -> bool {
        self.status == Some(ServiceStatus::Defunct)
    }

    /// Replaces `{name}`, `{vendor}` and `{owner}`; what is not known becomes the next best name.
    pub fn fill(&self, prose: &str) -> String {
        let vendor = self.vendor_name().unwrap_or(&self.name);
        let owner = self.owner().unwrap_or(vendor);
        let mut filled = String::with_capacity(prose.len());
        let mut rest = prose;
        while let Some(start) = rest.find('{') {
            let (before, from) = rest.split_at(start);
            filled.push_str(before);
            let known = [
                ("{name}", self.name.as_str()),
                ("{vendor}", vendor),
                ("{owner}", owner),
            ]
            .into_iter()
            .find_map(|(placeholder, value)| {
                from.strip_prefix(placeholder).map(|after| (value, after))
            });
            rest = if let Some((value, after)) = known {
                filled.push_str(value);
                after
            } else {
                filled.push('{');
                &from[1..]
            };
        }
        filled.push_str(rest);
        filled
    }

    pub(super) fn text_in<'a, T>(
        &'a self,
        language: &str,
        part: impl Fn(&'a Text) -> Option<T>,
    ) -> Option<T> {
        [language, "en"]
            .into_iter()
            .find_map(|language| self.text.get(language).and_then(&part))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    fn service(more: &str) -> Service {
        let head = "schema = 1\nid = \"x\"\nname = \"Widget\"\nkind = \"service\"\nsector = \"s\"\ncategory = \"analytics\"\nsrc = []\nsource = []\n";
        toml::from_str(&format!("{head}{more}")).unwrap()
    }

    #[test]
    fn the_owner_is_the_last_undisputed_one() {
        let owned = "[vendor]\nname = \"V\"\n[[vendor.owner]]\nname = \"A\"\n[[vendor.owner]]\nname = \"B\"\n";
        assert_eq!(service(owned).owner(), Some("B"));
        assert_eq!(
            service(&format!("{owned}disputed = true\n")).owner(),
            Some("A")
        );
        assert_eq!(service("").owner(), None);
    }

    #[test]
    fn only_countries_outside_the_eea_count_as_transfers() {
        let transfers: Vec<String> = ["US", "DE", "US", "RU", "NO"]
            .iter()
            .map(|country| {
                format!(
                    "[[transfer]]
to = \"{country}\"
"
                )
            })
            .collect();
        assert_eq!(
            service(&transfers.concat()).transfer_countries(),
            ["US", "RU"]
        );
    }

    #[test]
    fn placeholders_are_filled_once() {
        let service = service("[vendor]\nname = \"{owner} Ltd\"\n");
        for (prose, filled) in [
            ("{name} by {vendor}", "Widget by {owner} Ltd"),
            ("{owner}", "{owner} Ltd"),
            ("{other} {", "{other} {"),
            ("", ""),
        ] {
            assert_eq!(service.fill(prose), filled, "{prose}");
        }
    }

    #[test]
    fn missing_languages_fall_back_to_english() {
        let service = service(
            "[text.en]\nnotice = \"hello {name}\"\nsteps = [\"one\"]\n[text.de]\nnotice = \"hallo\"\n",
        );
        assert_eq!(service.notice("de").unwrap(), "hallo");
        assert_eq!(service.notice("fr").unwrap(), "hello Widget");
        assert_eq!(service.steps("de"), ["one"]);
    }
}
