//! What other people's categories mean in ours. None of them makes anything necessary.

use crate::model::finding::Category;

/// What a word of somebody else's means: the consent category, and the sector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Meaning {
    pub(super) category: Category,
    pub(super) sector: &'static str,
}

/// Words of data sets, in lower case, letters and digits only.
const WORDS: &[(&[&str], Category, &str)] = &[
    (
        &[
            "advertising",
            "ad",
            "ads",
            "advertisement",
            "admotivatedtracking",
            "actionpixels",
            "pornvertising",
            "remarketing",
            "targeting",
            "targetingcookies",
            "thirdpartyanalyticsmarketing",
            "adult",
        ],
        Category::Marketing,
        "advertising",
    ),
    (
        &["marketing", "marketingcookies", "email", "emailaggressive"],
        Category::Marketing,
        "marketing",
    ),
    (
        &[
            "social",
            "socialmedia",
            "socialmediacookies",
            "socialnetwork",
            "federatedlogin",
            "socialcomment",
            "socialshare",
        ],
        Category::Marketing,
        "social",
    ),
    (
        &[
            "analytics",
            "analytic",
            "analyticscookies",
            "siteanalytics",
            "audiencemeasurement",
            "statistics",
            "statistic",
            "statistical",
            "performance",
            "performancecookies",
            "measurement",
            "thirdpartyanalyticsmarketinganalytics",
            "statisticsanonymous",
            "analyticsperformance",
        ],
        Category::Analytics,
        "analytics",
    ),
    (&["sessionreplay"], Category::Analytics, "session-replay"),
    (
        &[
            "customersuccess",
            "customerinteraction",
            "supportchatwidget",
            "support",
            "chat",
        ],
        Category::Preferences,
        "customer-support",
    ),
    (
        &[
            "functional",
            "functionality",
            "functionalcookies",
            "functionalitycookies",
            "preferences",
            "preference",
            "preferencecookies",
            "personalization",
            "personalisation",
            "experience",
            "comments",
            "userexperience",
        ],
        Category::Preferences,
        "utility",
    ),
    (
        &[
            "consentprovider",
            "consent",
            "consentmanagers",
            "consentmanagementplatform",
        ],
        Category::Unclassified,
        "consent-management",
    ),
    (&["cdn"], Category::Unclassified, "cdn"),
    (&["hosting"], Category::Unclassified, "hosting"),
    (
        &["tagmanager", "tagmanagement"],
        Category::Unclassified,
        "tag-manager",
    ),
    (
        &["video", "audiovideoplayer", "embeddedcontent"],
        Category::Unclassified,
        "video",
    ),
    (
        &["onlinepayment", "payment"],
        Category::Unclassified,
        "payment",
    ),
    (
        &["ssosinglesignon", "sso", "singlesignon"],
        Category::Unclassified,
        "identity",
    ),
    (
        &["fraudprevention", "antifraud"],
        Category::Unclassified,
        "bot-protection",
    ),
];

/// What a word means; what nobody has thought of is `unclassified`.
pub(super) fn meaning(word: &str) -> Meaning {
    let plain: String = word
        .chars()
        .filter(|character| character.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .take(80)
        .collect();
    WORDS
        .iter()
        .find(|(words, ..)| words.contains(&plain.as_str()))
        .map_or(
            Meaning {
                category: Category::Unclassified,
                sector: "utility",
            },
            |(_, category, sector)| Meaning {
                category: *category,
                sector,
            },
        )
}

/// What several words mean together: the one that asks for most.
pub(super) fn strictest<'a>(words: impl Iterator<Item = &'a str>) -> Meaning {
    words
        .map(meaning)
        .max_by_key(|meaning| meaning.category.strictness())
        .unwrap_or_else(|| meaning(""))
}
