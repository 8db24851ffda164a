//! What a banner made from the catalog says to visitors, in the languages it can be made in.

use crate::model::finding::Category;

/// The categories, in the order visitors read them.
pub const CATEGORIES: [Category; 5] = [
    Category::Necessary,
    Category::Preferences,
    Category::Analytics,
    Category::Marketing,
    Category::Unclassified,
];

/// One language.
#[derive(Debug)]
pub struct Phrases {
    /// ISO 639-1.
    pub language: &'static str,
    /// Titles of the categories, in the order of [`CATEGORIES`].
    categories: [&'static str; 5],
    pub(super) title: &'static str,
    pub(super) question: &'static str,
    pub(super) choose: &'static str,
    pub(super) accept: &'static str,
    pub(super) reject: &'static str,
    pub(super) settings: &'static str,
    pub(super) save: &'static str,
    pub(super) close: &'static str,
    /// Headers of the table of cookies: name, service, purpose, duration.
    pub(super) headers: [&'static str; 4],
}

impl Phrases {
    /// Those of a language; English for one there are none of.
    pub fn of(language: &str) -> &'static Self {
        let known = ALL.iter().find(|phrases| phrases.language == language);
        known.unwrap_or(&ALL[0])
    }

    /// The title of a category.
    pub fn category(&self, category: Category) -> &'static str {
        let [necessary, preferences, analytics, marketing, unclassified] = self.categories;
        match category {
            Category::Necessary => necessary,
            Category::Preferences => preferences,
            Category::Analytics => analytics,
            Category::Marketing => marketing,
            Category::Unclassified => unclassified,
        }
    }

    /// Whether the catalog's own sentences are in this language: it speaks English.
    pub(super) fn is_the_catalogs(&self) -> bool {
        self.language == "en"
    }
}

static ALL: [Phrases; 4] = [
    Phrases {
        language: "en",
        categories: [
            "Necessary",
            "Preferences",
            "Analytics",
            "Marketing",
            "Not classified",
        ],
        title: "Cookies and similar technologies",
        question: "May this site store more on your device than it needs?",
        choose: "Choose what this site may store on your device. You can change it at any time.",
        accept: "Accept all",
        reject: "Reject all",
        settings: "Settings",
        save: "Save",
        close: "Close",
        headers: ["Name", "Service", "Purpose", "Duration"],
    },
    Phrases {
        language: "fr",
        categories: [
            "Nécessaires",
            "Préférences",
            "Mesure d’audience",
            "Marketing",
            "Non classés",
        ],
        title: "Cookies et technologies similaires",
        question: "Ce site peut-il enregistrer sur votre appareil plus que le nécessaire ?",
        choose: "Choisissez ce que ce site peut enregistrer sur votre appareil. Vous pouvez changer d’avis à tout moment.",
        accept: "Tout accepter",
        reject: "Tout refuser",
        settings: "Paramètres",
        save: "Enregistrer",
        close: "Fermer",
        headers: ["Nom", "Service", "Finalité", "Durée"],
    },
    Phrases {
        language: "de",
        categories: [
            "Notwendig",
            "Präferenzen",
            "Statistik",
            "Marketing",
            "Nicht eingeordnet",
        ],
        title: "Cookies und ähnliche Techniken",
        question: "Darf diese Website mehr auf Ihrem Gerät speichern, als sie braucht?",
        choose: "Wählen Sie, was diese Website auf Ihrem Gerät speichern darf. Sie können es jederzeit ändern.",
        accept: "Alle akzeptieren",
        reject: "Alle ablehnen",
        settings: "Einstellungen",
        save: "Speichern",
        close: "Schließen",
        headers: ["Name", "Dienst", "Zweck", "Dauer"],
    },
    Phrases {
        language: "es",
        categories: [
            "Necesarias",
            "Preferencias",
            "Analíticas",
            "Marketing",
            "Sin clasificar",
        ],
        title: "Cookies y tecnologías similares",
        question: "¿Puede este sitio almacenar en su dispositivo más de lo necesario?",
        choose: "Elija qué puede almacenar este sitio en su dispositivo. Puede cambiarlo en cualquier momento.",
        accept: "Aceptar todo",
        reject: "Rechazar todo",
        settings: "Configuración",
        save: "Guardar",
        close: "Cerrar",
        headers: ["Nombre", "Servicio", "Finalidad", "Duración"],
    },
];
