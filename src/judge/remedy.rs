//! What to do, said so that a developer finds the place: the tag, who loads it, the category it belongs behind.

use crate::model::finding::Category;
use crate::model::party::{Party, host_of, party_of};
use crate::model::snapshot::{InitiatorStep, Setter};

use super::classify::category_name;
use super::index::PageIndex;
use super::naming::{shown, shown_address};

/// "Put … behind the … category of the consent platform", with the place it is loaded from.
pub(crate) fn put_behind_consent(
    page: &PageIndex<'_>,
    tag: &str,
    category: Category,
    chain: &[InitiatorStep],
) -> String {
    let known = category;
    let category = match category {
        Category::Unclassified | Category::Necessary => "fitting".to_owned(),
        known => category_name(known).to_owned(),
    };
    let cmp = page.page.banner.cmp.as_deref();
    let platform = cmp.map_or_else(
        || "the consent platform".to_owned(),
        |name| format!("the consent platform ({})", shown(name)),
    );
    let loader = Loader::of(page, chain);
    let place = loader
        .as_ref()
        .map(|loader| format!("; it is loaded by {}", loader.in_words()))
        .unwrap_or_default();
    let how = match &loader {
        // What a container loads is held back in the container; the page does not know the tag.
        Some(Loader::Container { types, .. }) => in_container(known, *types),
        Some(Loader::Place(_)) | None => cmp.and_then(|name| in_platform(name, known)),
    };
    let how = how.map(|how| format!(" {how}")).unwrap_or_default();
    format!(
        "Put {tag} behind the {category} category of {platform}, so that it loads only after consent{place}.{how}"
    )
}

/// How a container holds a tag back.
fn in_container(category: Category, is_container: bool) -> Option<String> {
    let types = match category {
        Category::Analytics => "analytics_storage",
        Category::Marketing => "ad_storage, ad_user_data and ad_personalization",
        Category::Preferences => "functionality_storage",
        Category::Unclassified | Category::Necessary => return None,
    };
    is_container.then(|| {
        format!("In the container: in the tag's consent settings, require additional consent for {types}.")
    })
}

/// How a platform holds a tag of the page back.
enum Way {
    /// By attributes of its tag, with the word for preferences, analytics or marketing in the place of `{}`.
    Mark(&'static str, [&'static str; 3]),
    /// By what else has to be done, whatever the category.
    Do(&'static str),
}

/// What a tag waits for where the platform knows the IAB's framework only.
const BY_THE_FRAMEWORK: &str = "In the page, load it from the callback of __tcfapi('addEventListener', 2, …), once the event is tcloaded or useractioncomplete and tcData.purpose.consents[1] and tcData.vendor.consents[its number] are true.";

/// Parts of a platform's name, and how it holds tags back. Names of attributes are those of the platforms'
/// documentation.
const PLATFORMS: [(&[&str], Way); 17] = [
    (
        &["onetrust", "cookiepro"],
        Way::Mark(
            "type=\"text/plain\" class=\"optanon-category-{}\"",
            ["C0003", "C0002", "C0004"],
        ),
    ),
    (
        &["cookiebot"],
        Way::Mark(
            "type=\"text/plain\" data-cookieconsent=\"{}\"",
            ["preferences", "statistics", "marketing"],
        ),
    ),
    (
        &["usercentrics"],
        Way::Do(
            "In the page, mark its tag: <script type=\"text/plain\" data-usercentrics=\"…\"> with the service's name in Usercentrics.",
        ),
    ),
    (
        &["consentmanager"],
        Way::Do(
            "In the page, mark its tag: <script type=\"text/plain\" class=\"cmplazyload\" data-cmp-vendor=\"…\"> with the vendor's number in consentmanager.",
        ),
    ),
    (&["sourcepoint"], Way::Do(BY_THE_FRAMEWORK)),
    (
        &[
            "funding-choices",
            "funding choices",
            "google-cmp",
            "googlefc",
        ],
        Way::Do(BY_THE_FRAMEWORK),
    ),
    (&["quantcast", "inmobi"], Way::Do(BY_THE_FRAMEWORK)),
    (
        &["didomi"],
        Way::Do(
            "In the page, mark its tag: <script type=\"didomi/javascript\" data-vendor=\"…\"> with the vendor's id.",
        ),
    ),
    (
        &["cookieyes"],
        Way::Mark(
            "type=\"text/plain\" data-cookieyes=\"cookieyes-{}\"",
            ["functional", "analytics", "advertisement"],
        ),
    ),
    (
        &["complianz"],
        Way::Mark(
            "type=\"text/plain\" data-category=\"{}\"",
            ["preferences", "statistics", "marketing"],
        ),
    ),
    (
        &["cookiefirst"],
        Way::Mark(
            "type=\"text/plain\" data-cookiefirst-category=\"{}\"",
            ["functional", "performance", "advertising"],
        ),
    ),
    (
        &["cookie-script", "cookiescript"],
        Way::Mark(
            "type=\"text/plain\" data-cookiescript=\"accepted\" data-cookiecategory=\"{}\"",
            ["functionality", "performance", "targeting"],
        ),
    ),
    (
        &["vanilla-cookieconsent"],
        Way::Mark(
            "type=\"text/plain\" data-category=\"{}\"",
            ["functionality", "analytics", "marketing"],
        ),
    ),
    (
        &["iubenda"],
        Way::Mark(
            "type=\"text/plain\" class=\"_iub_cs_activate\" data-iub-purposes=\"{}\"",
            ["2", "4", "5"],
        ),
    ),
    (
        &["borlabs"],
        Way::Do(
            "In WordPress, let Borlabs Cookie's script blocker hold its script back, by its address, and name it in a service of the category.",
        ),
    ),
    (
        &["klaro"],
        Way::Do(
            "In the page, mark its tag: <script type=\"text/plain\" data-type=\"application/javascript\" data-name=\"…\"> with the service's name in the configuration.",
        ),
    ),
    (
        &["tarteaucitron"],
        Way::Do(
            "In the page, replace its tag by (tarteaucitron.job = tarteaucitron.job || []).push('…') with the service's key.",
        ),
    ),
];

/// How a tag in the page is held back by the platform of that name; nothing where nobody wrote it down.
fn in_platform(name: &str, category: Category) -> Option<String> {
    let name = name.to_ascii_lowercase();
    let (_, way) = PLATFORMS
        .iter()
        .find(|(parts, _)| parts.iter().any(|part| name.contains(part)))?;
    match way {
        Way::Do(what) => Some((*what).to_owned()),
        Way::Mark(attributes, [preferences, analytics, marketing]) => {
            let word = match category {
                Category::Preferences => preferences,
                Category::Analytics => analytics,
                Category::Marketing => marketing,
                Category::Unclassified | Category::Necessary => return None,
            };
            let tag = attributes.replace("{}", word);
            Some(format!("In the page, mark its tag: <script {tag}>."))
        }
    }
}

/// The tag behind a stored item: the service, and the script or response that wrote it.
pub(crate) fn tag_of_item(
    page: &PageIndex<'_>,
    service: Option<&str>,
    setter: Option<&Setter>,
) -> String {
    let writer = setter.map(|setter| match setter {
        Setter::Response { url } => format!("the response of {}", shown_address(url)),
        Setter::Script { stack } => match stack.first() {
            Some(place) => format!(
                "the script {} line {}",
                shown_address(&place.url),
                place.line
            ),
            None => "a script".to_owned(),
        },
    });
    match (service.map(|id| page.service_name(id)), writer) {
        (Some(service), Some(writer)) => format!("{} ({writer})", shown(service)),
        (Some(service), None) => shown(service),
        (None, Some(writer)) => writer,
        (None, None) => "whatever writes it".to_owned(),
    }
}

/// What everything goes back to.
enum Loader {
    /// A tag manager's container, or Google's tag.
    Container {
        /// Its address, with its id.
        address: String,
        /// Tags in it have consent settings.
        types: bool,
    },
    /// A tag in the page, or a script.
    Place(String),
}

impl Loader {
    fn of(page: &PageIndex<'_>, chain: &[InitiatorStep]) -> Option<Self> {
        let container = chain.iter().find(|step| {
            let url = step.url.as_str();
            url.contains("/gtm.js?") || url.contains("/gtag/js?")
        });
        if let Some(step) = container {
            return Some(Self::Container {
                address: shown_address(&step.url),
                types: step.url.contains("/gtm.js?"),
            });
        }
        let root = chain.iter().rev().find(|step| !step.url.is_empty())?;
        let line = if root.line > 0 {
            format!(" line {}", root.line)
        } else {
            String::new()
        };
        let host = host_of(&root.url);
        let what = if party_of(&host, &page.site) == Party::First && root.kind != "script" {
            "the tag in"
        } else {
            "the script"
        };
        Some(Self::Place(format!(
            "{what} {}{line}",
            shown_address(&root.url)
        )))
    }

    fn in_words(&self) -> String {
        match self {
            Self::Container { address, .. } => format!("the tag manager container {address}"),
            Self::Place(place) => place.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Profile;
    use crate::judge::tests_support::*;
    use crate::model::visit::{Banner, State};

    /// The remedy for `_ga`, loaded as `chain` says, on a page of that platform.
    fn remedy(platform: Option<&str>, container: bool) -> String {
        let mut made = page(vec![visit(State::Before), visit(State::Rejected)]);
        made.banner = Banner {
            found: true,
            cmp: platform.map(str::to_owned),
            ..Banner::default()
        };
        for visit in &mut made.visits {
            visit.banner.found = true;
            let mut pixel = request("https://www.facebook.com/tr?id=1", "Image");
            if container {
                pixel.initiator_chain.insert(
                    0,
                    InitiatorStep {
                        kind: "script".to_owned(),
                        url: "https://www.googletagmanager.com/gtm.js?id=GTM-ABC".to_owned(),
                        line: 1,
                        column: 1,
                    },
                );
            }
            visit.snapshot.requests.push(pixel);
        }
        findings(&made, Profile::Eu, "R06")[0].remedy.clone()
    }

    #[test]
    fn the_platform_says_how() {
        for (platform, mark) in [
            ("onetrust", "optanon-category-C0004"),
            ("Cookiebot", "data-cookieconsent=\"marketing\""),
            ("cookieyes", "cookieyes-advertisement"),
            ("complianz", "data-category=\"marketing\""),
            ("vanilla-cookieconsent", "data-category=\"marketing\""),
            ("iubenda", "data-iub-purposes=\"5\""),
            ("didomi", "didomi/javascript"),
            ("usercentrics", "data-usercentrics"),
            ("klaro", "data-name"),
            ("tarteaucitron", "tarteaucitron.job"),
            ("consentmanager", "class=\"cmplazyload\""),
            ("sourcepoint", "__tcfapi"),
            ("funding-choices", "__tcfapi"),
            ("Quantcast-banner", "__tcfapi"),
            ("cookiefirst", "data-cookiefirst-category=\"advertising\""),
            ("cookie-script", "data-cookiecategory=\"targeting\""),
            ("borlabs", "script blocker"),
        ] {
            let text = remedy(Some(platform), false);
            assert!(text.contains(mark), "{text}");
            assert!(
                text.contains("the tag in https://shop.test/ line 12"),
                "{text}"
            );
        }
        for unknown in [None, Some("some-platform")] {
            assert!(!remedy(unknown, false).contains("<script"), "{unknown:?}");
        }
    }

    #[test]
    fn a_container_holds_its_tags_back_itself() {
        let text = remedy(Some("onetrust"), true);
        assert!(
            text.contains("GTM-ABC") && text.contains("ad_storage"),
            "{text}"
        );
        assert!(!text.contains("optanon"), "{text}");
    }
}
