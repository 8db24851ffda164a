//! What a declaration says, in the languages it can be written in.

use super::{Kind, Stay};
use crate::catalog::export::Phrases;
use crate::model::finding::Category;

/// Stands behind a purpose that is a general sentence.
pub(super) const GENERAL: &str = "†";

/// The language of a declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Language {
    /// English
    #[default]
    En,
    /// French
    Fr,
    /// German
    De,
    /// Spanish
    Es,
}

impl Language {
    pub(super) fn words(self) -> &'static Words {
        match self {
            Self::En => &ENGLISH,
            Self::Fr => &FRENCH,
            Self::De => &GERMAN,
            Self::Es => &SPANISH,
        }
    }
}

/// One language.
#[derive(Debug)]
pub(super) struct Words {
    /// ISO 639-1.
    pub(super) code: &'static str,
    pub(super) title: &'static str,
    /// With places for sites, date and pages: `{sites}`, `{date}`, `{pages}`.
    subtitle: &'static str,
    page: [&'static str; 2],
    pub(super) nothing: &'static str,
    pub(super) columns: [&'static str; 5],
    pub(super) transfers: &'static str,
    pub(super) transfer_columns: [&'static str; 3],
    /// What is said of each category, in the order of `export::CATEGORIES`.
    categories: [&'static str; 5],
    /// Said once below the tables where a purpose has the mark [`GENERAL`].
    pub(super) general: &'static str,
    /// Names of the kinds, in their order.
    kinds: [&'static str; 7],
    session: &'static str,
    until_deleted: &'static str,
    /// One and many: seconds, minutes, hours, days, months, years.
    units: [[&'static str; 2]; 6],
    /// What an item does, by its role in the catalog.
    roles: [(&'static str, &'static str); 14],
    /// What an item is for when its role is not known, in the order of `export::CATEGORIES`.
    purposes: [&'static str; 5],
}

impl Words {
    /// The line below the title.
    pub(super) fn subtitle(&self, sites: &str, date: &str, pages: usize) -> String {
        let page = self.page[usize::from(pages != 1)];
        let pages = format!("{pages} {page}");
        // The sites come last: what they are called must not be read as a place for something else.
        self.subtitle
            .replace("{date}", date)
            .replace("{pages}", &pages)
            .replace("{sites}", sites)
    }

    /// Title and explanation of a category.
    pub(super) fn category(&self, category: Category) -> (&'static str, &'static str) {
        let title = Phrases::of(self.code).category(category);
        let explained = self.categories[usize::from(super::order(category)).min(4)];
        (title, explained)
    }

    pub(super) fn kind(&self, kind: Kind) -> &'static str {
        self.kinds[kind as usize]
    }

    /// What an entry does, in general; of an identifier also what for, which its role does not tell.
    pub(super) fn purpose(&self, role: Option<&str>, category: Category) -> String {
        let what_for = self.purposes[usize::from(super::order(category)).min(4)];
        let Some((role, does)) = self.roles.iter().find(|(name, _)| Some(*name) == role) else {
            return what_for.to_owned();
        };
        let tells = !matches!(category, Category::Analytics | Category::Marketing);
        if *role != "identifier" || tells {
            return (*does).to_owned();
        }
        format!("{does} {what_for}")
    }

    /// `2 years`, `13 months`, `30 minutes`: the largest unit that tells at least two, days for a month or so.
    pub(super) fn duration(&self, stay: Stay) -> String {
        const LENGTHS: [i64; 6] = [1, 60, 3_600, 86_400, 2_629_800, 31_557_600];
        let seconds = match stay {
            Stay::Session => return self.session.to_owned(),
            Stay::UntilDeleted => return self.until_deleted.to_owned(),
            Stay::Seconds(seconds) => seconds.max(0),
        };
        // Lifetimes are written as so many days of a year: a few days less than two years are two years.
        let counted = |unit: usize| {
            let length = LENGTHS[unit];
            seconds.saturating_add(length / 20) / length
        };
        let exact = |unit: usize| {
            let length = LENGTHS[unit] as f64;
            let count = seconds as f64 / length;
            // Of twenty and more, a part of one tells nobody anything.
            count >= 20.0 || (count - count.round()).abs() < 0.05
        };
        let unit = (0..LENGTHS.len())
            .rev()
            .find(|unit| counted(*unit) >= 1 && (*unit < 4 || exact(*unit)))
            .unwrap_or(0);
        let count = counted(unit);
        format!("{count} {}", self.units[unit][usize::from(count != 1)])
    }
}

static ENGLISH: Words = Words {
    code: "en",
    title: "Cookie declaration",
    subtitle: "Draft for {sites}, from what was observed on {date} on {pages}. Check it before you publish it.",
    page: ["page", "pages"],
    nothing: "Nothing was stored on the pages that were looked at.",
    columns: ["Name", "Provider", "Purpose", "Duration", "Kind"],
    transfers: "Transfers out of the EEA",
    transfer_columns: ["Service", "Country", "Rests on"],
    categories: [
        "These are needed for what you asked for and need no consent.",
        "These remember how you like the site, or show content of others you asked for. They need your consent.",
        "These measure how the site is used. They need your consent.",
        "These serve advertising, also on other sites. They need your consent.",
        "What these are for is not known yet.",
    ],
    general: "The mark † means: the catalog does not say what exactly this is for; the sentence is a general one, by what such entries do. Replace it where you know more.",
    kinds: [
        "Cookie",
        "Local storage",
        "Session storage",
        "Database",
        "Cache",
        "Service worker",
        "Shared storage",
    ],
    session: "until the browser is closed",
    until_deleted: "until it is deleted",
    units: [
        ["second", "seconds"],
        ["minute", "minutes"],
        ["hour", "hours"],
        ["day", "days"],
        ["month", "months"],
        ["year", "years"],
    ],
    roles: [
        ("identifier", "Recognises your browser."),
        ("session", "Ties together what belongs to one visit."),
        ("auth", "Keeps you signed in."),
        ("security", "Guards you and the site against abuse."),
        ("ui-state", "Remembers how parts of the page are shown."),
        ("preference", "Remembers what you prefer."),
        ("consent-record", "Remembers your choice about cookies."),
        ("consent-ui", "Remembers how the cookie banner is shown."),
        (
            "measurement",
            "Counts or limits how often something happens.",
        ),
        (
            "advertising",
            "Selects advertising or settles its accounts.",
        ),
        ("linker", "Carries an identifier to another site."),
        ("test", "Tries whether storing works."),
        ("load-balancing", "Picks the server that answers you."),
        ("cart", "Holds your basket."),
    ],
    purposes: [
        "Needed for the site to work.",
        "Remembers what you prefer.",
        "Measures how the site is used.",
        "Serves advertising.",
        "Not known yet.",
    ],
};

static FRENCH: Words = Words {
    code: "fr",
    title: "Déclaration relative aux cookies",
    subtitle: "Projet pour {sites}, d’après ce qui a été observé le {date} sur {pages}. À vérifier avant publication.",
    page: ["page", "pages"],
    nothing: "Rien n’a été enregistré sur les pages examinées.",
    columns: ["Nom", "Fournisseur", "Finalité", "Durée", "Type"],
    transfers: "Transferts hors de l’EEE",
    transfer_columns: ["Service", "Pays", "Fondement"],
    categories: [
        "Ils sont indispensables au service que vous avez demandé et ne requièrent pas de consentement.",
        "Ils retiennent vos préférences ou affichent des contenus de tiers que vous avez demandés. Ils requièrent votre consentement.",
        "Ils mesurent l’utilisation du site. Ils requièrent votre consentement.",
        "Ils servent à la publicité, y compris sur d’autres sites. Ils requièrent votre consentement.",
        "Leur finalité n’est pas encore connue.",
    ],
    general: "Le signe † signifie : la finalité exacte n’est pas connue dans cette langue ; la phrase est générale, d’après le rôle de l’élément. Remplacez-la si vous en savez davantage.",
    kinds: [
        "Cookie",
        "Stockage local",
        "Stockage de session",
        "Base de données",
        "Cache",
        "Service worker",
        "Stockage partagé",
    ],
    session: "jusqu’à la fermeture du navigateur",
    until_deleted: "jusqu’à sa suppression",
    units: [
        ["seconde", "secondes"],
        ["minute", "minutes"],
        ["heure", "heures"],
        ["jour", "jours"],
        ["mois", "mois"],
        ["an", "ans"],
    ],
    roles: [
        ("identifier", "Reconnaît votre navigateur."),
        ("session", "Relie les éléments d’une même visite."),
        ("auth", "Vous garde connecté."),
        ("security", "Protège le site et vous-même contre les abus."),
        (
            "ui-state",
            "Retient l’affichage de certaines parties de la page.",
        ),
        ("preference", "Retient vos préférences."),
        (
            "consent-record",
            "Retient votre choix en matière de cookies.",
        ),
        ("consent-ui", "Retient l’affichage du bandeau de cookies."),
        (
            "measurement",
            "Compte ou limite la fréquence d’un événement.",
        ),
        (
            "advertising",
            "Sélectionne la publicité ou en établit le décompte.",
        ),
        ("linker", "Transmet un identifiant à un autre site."),
        ("test", "Vérifie que l’enregistrement fonctionne."),
        ("load-balancing", "Choisit le serveur qui vous répond."),
        ("cart", "Conserve votre panier."),
    ],
    purposes: [
        "Nécessaire au fonctionnement du site.",
        "Retient vos préférences.",
        "Mesure l’utilisation du site.",
        "Sert à la publicité.",
        "Pas encore connue.",
    ],
};

static GERMAN: Words = Words {
    code: "de",
    title: "Cookie-Erklärung",
    subtitle: "Entwurf für {sites} nach dem, was am {date} auf {pages} beobachtet wurde. Vor der Veröffentlichung zu prüfen.",
    page: ["Seite", "Seiten"],
    nothing: "Auf den untersuchten Seiten wurde nichts gespeichert.",
    columns: ["Name", "Anbieter", "Zweck", "Dauer", "Art"],
    transfers: "Übermittlungen aus dem EWR",
    transfer_columns: ["Dienst", "Land", "Grundlage"],
    categories: [
        "Sie sind für das nötig, was Sie verlangt haben, und brauchen keine Einwilligung.",
        "Sie merken sich Ihre Einstellungen oder zeigen Inhalte anderer, die Sie verlangt haben. Sie brauchen Ihre Einwilligung.",
        "Sie messen, wie die Website genutzt wird. Sie brauchen Ihre Einwilligung.",
        "Sie dienen der Werbung, auch auf anderen Websites. Sie brauchen Ihre Einwilligung.",
        "Wozu sie dienen, ist noch nicht bekannt.",
    ],
    general: "Das Zeichen † heißt: der genaue Zweck liegt in dieser Sprache nicht vor; der Satz ist allgemein, nach der Rolle des Eintrags. Ersetzen Sie ihn, wo Sie mehr wissen.",
    kinds: [
        "Cookie",
        "Lokaler Speicher",
        "Sitzungsspeicher",
        "Datenbank",
        "Cache",
        "Service Worker",
        "Geteilter Speicher",
    ],
    session: "bis der Browser geschlossen wird",
    until_deleted: "bis zur Löschung",
    units: [
        ["Sekunde", "Sekunden"],
        ["Minute", "Minuten"],
        ["Stunde", "Stunden"],
        ["Tag", "Tage"],
        ["Monat", "Monate"],
        ["Jahr", "Jahre"],
    ],
    roles: [
        ("identifier", "Erkennt Ihren Browser wieder."),
        ("session", "Verbindet, was zu einem Besuch gehört."),
        ("auth", "Hält Sie angemeldet."),
        ("security", "Schützt Sie und die Website vor Missbrauch."),
        (
            "ui-state",
            "Merkt sich, wie Teile der Seite angezeigt werden.",
        ),
        ("preference", "Merkt sich Ihre Einstellungen."),
        (
            "consent-record",
            "Merkt sich Ihre Entscheidung über Cookies.",
        ),
        (
            "consent-ui",
            "Merkt sich, wie das Cookie-Banner angezeigt wird.",
        ),
        (
            "measurement",
            "Zählt oder begrenzt, wie oft etwas geschieht.",
        ),
        ("advertising", "Wählt Werbung aus oder rechnet sie ab."),
        ("linker", "Trägt eine Kennung zu einer anderen Website."),
        ("test", "Prüft, ob Speichern möglich ist."),
        ("load-balancing", "Wählt den Server, der Ihnen antwortet."),
        ("cart", "Enthält Ihren Warenkorb."),
    ],
    purposes: [
        "Für den Betrieb der Website nötig.",
        "Merkt sich Ihre Einstellungen.",
        "Misst, wie die Website genutzt wird.",
        "Dient der Werbung.",
        "Noch nicht bekannt.",
    ],
};

static SPANISH: Words = Words {
    code: "es",
    title: "Declaración de cookies",
    subtitle: "Borrador para {sites}, según lo observado el {date} en {pages}. Revíselo antes de publicarlo.",
    page: ["página", "páginas"],
    nothing: "No se almacenó nada en las páginas examinadas.",
    columns: ["Nombre", "Proveedor", "Finalidad", "Duración", "Tipo"],
    transfers: "Transferencias fuera del EEE",
    transfer_columns: ["Servicio", "País", "Fundamento"],
    categories: [
        "Son imprescindibles para lo que usted ha solicitado y no requieren consentimiento.",
        "Recuerdan sus preferencias o muestran contenidos de terceros que usted ha solicitado. Requieren su consentimiento.",
        "Miden el uso del sitio. Requieren su consentimiento.",
        "Sirven para la publicidad, también en otros sitios. Requieren su consentimiento.",
        "Su finalidad aún no se conoce.",
    ],
    general: "El signo † significa: la finalidad exacta no consta en este idioma; la frase es general, según la función del elemento. Sustitúyala si sabe más.",
    kinds: [
        "Cookie",
        "Almacenamiento local",
        "Almacenamiento de sesión",
        "Base de datos",
        "Caché",
        "Service worker",
        "Almacenamiento compartido",
    ],
    session: "hasta que se cierra el navegador",
    until_deleted: "hasta que se elimina",
    units: [
        ["segundo", "segundos"],
        ["minuto", "minutos"],
        ["hora", "horas"],
        ["día", "días"],
        ["mes", "meses"],
        ["año", "años"],
    ],
    roles: [
        ("identifier", "Reconoce su navegador."),
        ("session", "Une lo que pertenece a una misma visita."),
        ("auth", "Mantiene su sesión iniciada."),
        ("security", "Protege al sitio y a usted frente a abusos."),
        ("ui-state", "Recuerda cómo se muestran partes de la página."),
        ("preference", "Recuerda sus preferencias."),
        ("consent-record", "Recuerda su elección sobre las cookies."),
        (
            "consent-ui",
            "Recuerda cómo se muestra el aviso de cookies.",
        ),
        ("measurement", "Cuenta o limita la frecuencia de un suceso."),
        ("advertising", "Selecciona publicidad o liquida su coste."),
        ("linker", "Lleva un identificador a otro sitio."),
        ("test", "Comprueba si se puede almacenar."),
        ("load-balancing", "Elige el servidor que le responde."),
        ("cart", "Conserva su cesta."),
    ],
    purposes: [
        "Necesaria para el funcionamiento del sitio.",
        "Recuerda sus preferencias.",
        "Mide el uso del sitio.",
        "Sirve para la publicidad.",
        "Aún no se conoce.",
    ],
};

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn durations_read_as_a_person_writes_them() {
        for (stay, words) in [
            (Stay::Session, "until the browser is closed"),
            (Stay::UntilDeleted, "until it is deleted"),
            (Stay::Seconds(-5), "0 seconds"),
            (Stay::Seconds(1), "1 second"),
            (Stay::Seconds(1_800), "30 minutes"),
            (Stay::Seconds(86_400), "1 day"),
            (Stay::Seconds(75 * 86_400), "75 days"),
            (Stay::Seconds(90 * 86_400), "3 months"),
            (Stay::Seconds(365 * 86_400), "1 year"),
            (Stay::Seconds(395 * 86_400), "13 months"),
            (Stay::Seconds(730 * 86_400), "2 years"),
            (Stay::Seconds(400 * 86_400), "400 days"),
            (Stay::Seconds(i64::MAX), "292271023045 years"),
        ] {
            assert_eq!(Language::En.words().duration(stay), words, "{stay:?}");
        }
    }

    #[test]
    fn every_language_says_everything_of_its_own() {
        let all: Vec<&Words> = Language::value_variants()
            .iter()
            .map(|language| language.words())
            .collect();
        for words in &all {
            let filled = words.subtitle("a.test", "2026-01-01", 3);
            assert!(!filled.contains('{'), "{filled}");
            let roles: Vec<&str> = words.roles.iter().map(|(role, _)| *role).collect();
            let english: Vec<&str> = ENGLISH.roles.iter().map(|(role, _)| *role).collect();
            assert_eq!(roles, english);
        }
        for (place, words) in all.iter().enumerate().skip(1) {
            assert_ne!(words.title, all[place - 1].title);
            assert_ne!(words.columns, ENGLISH.columns);
        }
    }
}
