//! The site's cookie policy: finds the link to it, opens it in a profile of its own, reads its tables.

use std::time::Duration;

use serde::Deserialize;
use url::Url;

use super::stage::{Preparation, Stage};
use super::{Manner, unguessable};
use crate::browser::Browser;
use crate::model::policy::{Leads, leads};
use crate::model::report::{Policy, PolicyTable};
use crate::model::value::fingerprint;

/// Lists the page's links.
const LINKS: &str = include_str!("policy/links.js");
/// Reads a policy's tables.
const TABLES: &str = include_str!("policy/tables.js");
/// How long a policy is given to build its tables after it has loaded.
const TABLES_COME: Duration = Duration::from_secs(3);
/// How long a policy's load event is waited for.
const LOAD_PATIENCE: Duration = Duration::from_secs(10);
/// Beginnings of words for storing in the browser, where a policy does not say "cookie".
const STORING: [&str; 6] = [
    "local storage",
    "localstorage",
    "web storage",
    "webstorage",
    "web beacon",
    "tracking",
];

/// The address of the policy that the page on the stage links, if it does.
pub(super) async fn link(stage: &Stage) -> Option<String> {
    let world = stage.worlds().own_worlds().into_iter().next()?;
    let links = stage.worlds().evaluate(&world, LINKS).await.ok()?;
    let links: Vec<(String, String)> = serde_json::from_value(links).ok()?;
    best(&links)
}

/// The link that most likely leads to the policy; of equals the first, which stands last on the page.
fn best(links: &[(String, String)]) -> Option<String> {
    let mut best: Option<(Leads, &String)> = None;
    for (text, address) in links {
        let path = Url::parse(address).map(|url| url.path().to_owned());
        let led = leads(text).max(path.ok().and_then(|path| leads(&path)));
        let Some(led) = led.filter(|led| *led > Leads::Reading) else {
            continue;
        };
        if best.is_none_or(|(known, _)| led > known) {
            best = Some((led, address));
        }
    }
    best.map(|(_, address)| address.clone())
}

/// What [`TABLES`] returns.
#[derive(Debug, Deserialize)]
struct Read {
    tables: Vec<ReadTable>,
    text: String,
}

#[derive(Debug, Deserialize)]
struct ReadTable {
    heading: String,
    rows: Vec<Vec<String>>,
}

/// Opens a policy in a profile nobody used before. What goes wrong is in the answer.
pub async fn read(browser: &Browser, url: &Url, manner: &Manner) -> Policy {
    let mut policy = Policy {
        url: Some(url.to_string()),
        ..Policy::default()
    };
    let secret = fingerprint(unguessable().as_bytes());
    let preparation = Preparation {
        hook_channel: format!("h{secret}"),
        engine_channel: format!("e{secret}"),
        user_agent: manner
            .user_agent
            .clone()
            .unwrap_or_else(|| browser.info().user_agent.clone()),
        locale: manner.locale.clone(),
        timezone: manner.timezone.clone(),
        ..Preparation::default()
    };
    let stage = match Stage::open(browser, None, preparation, manner).await {
        Ok(stage) => stage,
        Err(error) => {
            tracing::debug!(%error, "no page could be opened for the policy");
            return policy;
        }
    };
    if let Ok(answer) = stage.navigate(url.as_str(), manner.load_limit).await
        && answer["errorText"].is_null()
    {
        stage
            .wait_for(LOAD_PATIENCE, |page| {
                page.loads >= 1 || page.crashed || page.download
            })
            .await;
        stage.watch(TABLES_COME).await;
        let loader = answer["loaderId"].as_str().unwrap_or_default();
        policy.status = stage.recording().document(loader).map(|(status, _)| status);
        if let Some(world) = stage.worlds().own_worlds().into_iter().next() {
            match stage.worlds().evaluate(&world, TABLES).await {
                Ok(found) => take(&mut policy, found),
                Err(error) => tracing::debug!(%error, "the policy could not be read"),
            }
        }
    }
    drop(stage.close(browser).await);
    policy
}

fn take(policy: &mut Policy, found: serde_json::Value) {
    let Ok(found) = serde_json::from_value::<Read>(found) else {
        return;
    };
    policy.speaks_of_cookies = leads(&found.text) == Some(Leads::Cookies)
        || STORING.iter().any(|words| found.text.contains(words));
    policy.tables = found
        .tables
        .into_iter()
        .map(|table| PolicyTable {
            heading: table.heading,
            rows: table.rows,
        })
        .collect();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_on_cookies_before_the_one_on_privacy() {
        let links = |all: &[(&str, &str)]| -> Vec<(String, String)> {
            all.iter()
                .map(|(text, address)| ((*text).to_owned(), (*address).to_owned()))
                .collect()
        };
        for (all, expected) in [
            (
                &[
                    ("Impressum", "https://a.test/impressum"),
                    ("Datenschutz", "https://a.test/datenschutz"),
                    ("Cookies", "https://a.test/c"),
                ][..],
                Some("https://a.test/c"),
            ),
            (
                &[("Read this", "https://a.test/privacy-policy")][..],
                Some("https://a.test/privacy-policy"),
            ),
            (&[("Learn more", "https://a.test/about")][..], None),
            (&[][..], None),
        ] {
            assert_eq!(best(&links(all)).as_deref(), expected, "{all:?}");
        }
    }
}
