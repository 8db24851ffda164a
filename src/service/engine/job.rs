//! What a site's settings mean: the job that carries them out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use crate::audit::crawl::Wishes;
use crate::audit::extent::{Asked, Extent, visit_limit};
use crate::audit::guard::Guard;
use crate::audit::{CrawlJob, Job, address};
use crate::browser::LaunchOptions;
use crate::crawl::Limits;
use crate::crawl::manners::Pace;
use crate::model::visit::State;
use crate::service::Options;
use crate::service::audit::Audit;
use crate::service::site::Settings;
use crate::store::RunRecord;
use crate::visit::Manner;

/// Pages of one host open at once.
const PER_HOST: usize = 8;

/// A job that carries out an audit.
pub(super) enum Work {
    /// Of the pages that are named.
    Pages(Box<Job>),
    /// Of the pages that are found; how it goes on is known with its run.
    Crawl(Box<CrawlJob>),
}

/// The job of an audit, or why there is none.
pub(super) fn work(audit: &Audit, options: &Options, guard: Arc<Guard>) -> Result<Work, String> {
    let Settings {
        pages,
        max_pages,
        sample,
        include,
        exclude,
        profile,
        ignore_robots,
        ..
    } = audit.settings.clone();
    let settings = &audit.settings;
    let extent = extent(settings);
    let manner = manner(settings, &extent);
    let launch = LaunchOptions {
        global_privacy_control: settings.gpc,
        ..options.launch.clone()
    };
    let shown = shown(settings);
    if max_pages <= 1 {
        let mut addresses = vec![audit.url.clone()];
        addresses.extend(pages.into_iter().filter(|page| *page != audit.url));
        return Ok(Work::Pages(Box::new(Job {
            addresses,
            states: extent.states,
            repeat: extent.repeat,
            manner,
            steps: None,
            launch,
            concurrency: options.concurrency.max(1),
            policy: extent.policy,
            gpc_beside: extent.gpc_beside,
            profile,
            catalog: None,
            consent_rules: None,
            store: None,
            options: shown,
            guard: Some(guard),
        })));
    }
    let read = |given: &String| address(given).map_err(|reason| format!("{given}: {reason}"));
    let description = serde_json::to_vec(settings)
        .map_err(|error| format!("the settings cannot be stored: {error}"))?;
    Ok(Work::Crawl(Box::new(CrawlJob {
        wishes: Wishes {
            start: read(&audit.url)?,
            listed: pages.iter().map(read).collect::<Result<Vec<Url>, _>>()?,
            states: extent.states,
            thorough: settings.thorough,
            limits: Limits {
                include,
                exclude,
                depth: None,
                max_pages: Some(u64::from(max_pages)),
                sample,
            },
            pace: Pace {
                at_once: PER_HOST,
                delay: Duration::ZERO,
            },
            ignore_robots,
            policy: extent.policy,
            concurrency: options.concurrency.max(1),
            profile,
        },
        manner,
        steps: None,
        launch,
        catalog: None,
        consent_rules: None,
        options: shown,
        resumed: None,
        description,
        guard: Some(guard),
    })))
}

/// The same job, as it goes on with a run.
pub(super) fn with_run(job: CrawlJob, record: RunRecord) -> CrawlJob {
    CrawlJob {
        resumed: Some(record),
        ..job
    }
}

/// How much it does. What stands as it is unless somebody says otherwise, a thorough audit does as it needs.
fn extent(settings: &Settings) -> Extent {
    let usual = Settings::default();
    let said = settings.states != usual.states;
    Asked {
        states: said.then(|| settings.states.clone()),
        repeat: (settings.repeat != usual.repeat).then_some(settings.repeat),
        thorough: settings.thorough,
        gpc: settings.gpc,
        policy: None,
    }
    .in_full()
}

fn manner(settings: &Settings, extent: &Extent) -> Manner {
    let manner = Manner {
        dwell: Duration::from_secs(u64::from(settings.dwell_seconds)),
        locale: settings.locale.clone(),
        timezone: settings.timezone.clone(),
        empties: extent.empties,
        ..Manner::default()
    };
    Manner {
        visit_limit: visit_limit(&manner),
        ..manner
    }
}

/// The settings that differ from their defaults, for the report, under the names of the command line.
fn shown(settings: &Settings) -> BTreeMap<String, String> {
    let usual = Settings::default();
    let number = |number: u32, usual: u32| (number != usual).then(|| number.to_string());
    let switch = |on: bool| on.then(|| "yes".to_owned());
    let list = |list: &[String]| (!list.is_empty()).then(|| list.join(" "));
    let states = |states: &[State]| format!("{states:?}").to_lowercase();
    [
        (
            "states",
            (settings.states != usual.states).then(|| states(&settings.states)),
        ),
        ("repeat", number(settings.repeat, usual.repeat)),
        (
            "dwell",
            number(settings.dwell_seconds, usual.dwell_seconds).map(|seconds| seconds + "s"),
        ),
        ("max-pages", number(settings.max_pages, usual.max_pages)),
        ("sample", settings.sample.map(|sample| sample.to_string())),
        ("include", list(&settings.include)),
        ("exclude", list(&settings.exclude)),
        ("thorough", switch(settings.thorough)),
        ("gpc", switch(settings.gpc)),
        ("ignore-robots", switch(settings.ignore_robots)),
        ("locale", settings.locale.clone()),
        ("timezone", settings.timezone.clone()),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::PolicySource;
    use State::{Accepted, Before, Rejected, Withdrawn};

    #[test]
    fn settings_mean_what_the_options_of_those_names_mean() {
        let usual = Settings::default();
        let thorough = Settings {
            thorough: true,
            ..usual.clone()
        };
        for (settings, states, repeat, policy, gpc_beside) in [
            (
                usual,
                vec![Before, Rejected, Accepted],
                1,
                PolicySource::Nowhere,
                false,
            ),
            (
                thorough.clone(),
                vec![Before, Rejected, Accepted, Withdrawn],
                3,
                PolicySource::Linked,
                true,
            ),
            (
                Settings {
                    states: vec![Rejected],
                    repeat: 5,
                    ..thorough
                },
                vec![Rejected],
                5,
                PolicySource::Linked,
                false,
            ),
        ] {
            let extent = extent(&settings);
            assert_eq!(extent.states, states, "{settings:?}");
            assert_eq!(extent.repeat, repeat, "{settings:?}");
            assert_eq!(extent.policy, policy, "{settings:?}");
            assert_eq!(extent.gpc_beside, gpc_beside, "{settings:?}");
            assert_eq!(manner(&settings, &extent).empties, settings.thorough);
        }
    }

    #[test]
    fn only_what_differs_is_shown() {
        assert_eq!(shown(&Settings::default()), BTreeMap::new());
        let settings = Settings {
            dwell_seconds: 5,
            exclude: vec!["/cart*".to_owned()],
            ..Settings::default()
        };
        let expected = [("dwell", "5s"), ("exclude", "/cart*")];
        assert_eq!(
            shown(&settings),
            expected
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into()
        );
    }
}
