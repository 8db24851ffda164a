//! Which link leads to a site's policy, by its words: the 24 official languages of the European Union.

/// Beginnings and middles of words that name cookies.
const COOKIES: [&str; 14] = [
    "cookie",
    "küpsis",
    "slapuk",
    "sīkdat",
    "sīkfail",
    "piškot",
    "kolačić",
    "μπισκότ",
    "бисквитк",
    "eväste",
    "süti",
    "kakor",
    "fianán",
    "kukij",
];

/// Words that name privacy and the protection of data.
const PRIVACY: [&str; 50] = [
    "privacy",
    "gdpr",
    "dsgvo",
    "rgpd",
    "datenschutz",
    "confidentialit",
    "vie privée",
    "vie-privee",
    "données personnelles",
    "donnees-personnelles",
    "privacidad",
    "protección de datos",
    "privacidade",
    "proteção de dados",
    "riservatezza",
    "dati personali",
    "persoonsgegevens",
    "gegevensbescherming",
    "privatliv",
    "persondata",
    "personoplysning",
    "integritet",
    "personuppgift",
    "tietosuoja",
    "yksityisyy",
    "prywatno",
    "danych osobowych",
    "soukromí",
    "osobních údaj",
    "súkromi",
    "osobných údaj",
    "adatvédel",
    "adatkezel",
    "απορρήτ",
    "απόρρητ",
    "προσωπικών δεδομένων",
    "προσωπικά δεδομένα",
    "поверителност",
    "лични данни",
    "privatum",
    "asmens duomen",
    "privātum",
    "personas dat",
    "privaatsus",
    "isikuandme",
    "zasebnost",
    "varstvo podatkov",
    "privatnost",
    "príobháid",
    "confidențialit",
];

/// Other words of links that are read and answer nothing: imprints, terms, partners, "learn more".
const READING: [&str; 62] = [
    "policy",
    "imprint",
    "legal",
    "terms",
    "partner",
    "vendor",
    "learn",
    "read",
    "more",
    "detail",
    "info",
    "notice",
    "impressum",
    "mehr",
    "richtlinie",
    "anbieter",
    "politique",
    "savoir",
    "mentions",
    "partenaire",
    "política",
    "politica",
    "más",
    "mais",
    "saber",
    "socio",
    "parceiro",
    "più",
    "scopri",
    "fornitor",
    "meer",
    "beleid",
    "verklaring",
    "lees",
    "mere",
    "læs",
    "politik",
    "läs",
    "mer ",
    "policyn",
    "lisätie",
    "käytänt",
    "więcej",
    "polityk",
    "více",
    "zásad",
    "viac",
    "további",
    "tájékoztat",
    "szabályzat",
    "περισσότερ",
    "πολιτικ",
    "повече",
    "политик",
    "daugiau",
    "vairāk",
    "rohkem",
    "poliitik",
    "več",
    "više",
    "tuilleadh",
    "mai mult",
];

/// What a link leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Leads {
    /// To something to read: an imprint, terms, partners, more of the same.
    Reading,
    /// To a policy on privacy.
    Privacy,
    /// To a policy on cookies.
    Cookies,
}

/// Where a link leads, by its text or its address; nothing when neither says so.
pub fn leads(text: &str) -> Option<Leads> {
    let text = text.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if says(&COOKIES) {
        Some(Leads::Cookies)
    } else if says(&PRIVACY) {
        Some(Leads::Privacy)
    } else {
        says(&READING).then_some(Leads::Reading)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_every_language() {
        for (text, expected) in [
            ("Cookie Policy", Some(Leads::Cookies)),
            ("Политика за бисквитки", Some(Leads::Cookies)),
            ("Zásady ochrany soukromí", Some(Leads::Privacy)),
            ("Privatlivspolitik", Some(Leads::Privacy)),
            ("Datenschutzerklärung", Some(Leads::Privacy)),
            ("Πολιτική απορρήτου", Some(Leads::Privacy)),
            ("Privacy notice", Some(Leads::Privacy)),
            ("Política de privacidad", Some(Leads::Privacy)),
            ("Küpsiste poliitika", Some(Leads::Cookies)),
            ("Tietosuojaseloste", Some(Leads::Privacy)),
            ("Politique de confidentialité", Some(Leads::Privacy)),
            ("Polasaí príobháideachais", Some(Leads::Privacy)),
            ("Pravila o privatnosti", Some(Leads::Privacy)),
            ("Adatvédelmi tájékoztató", Some(Leads::Privacy)),
            ("Informativa sulla privacy", Some(Leads::Privacy)),
            ("Slapukų politika", Some(Leads::Cookies)),
            ("Sīkdatņu politika", Some(Leads::Cookies)),
            ("Politika tal-cookies", Some(Leads::Cookies)),
            ("Privacyverklaring", Some(Leads::Privacy)),
            ("Polityka prywatności", Some(Leads::Privacy)),
            ("Política de Privacidade", Some(Leads::Privacy)),
            ("Politica de confidențialitate", Some(Leads::Privacy)),
            ("Zásady ochrany osobných údajov", Some(Leads::Privacy)),
            ("Pravilnik o zasebnosti", Some(Leads::Privacy)),
            ("Integritetspolicy", Some(Leads::Privacy)),
            ("Więcej informacji", Some(Leads::Reading)),
            ("Read more", Some(Leads::Reading)),
            ("No thanks", None),
            ("Alle ablehnen", None),
            ("", None),
        ] {
            assert_eq!(leads(text), expected, "{text}");
        }
    }
}
