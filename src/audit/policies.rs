//! Reads the cookie policies of the pages of a job, each address once.

use std::collections::HashMap;

use tokio_util::sync::CancellationToken;
use url::Url;

use super::fleet::Fleet;
use super::{Job, PolicySource, Target};
use crate::model::report::Policy;
use crate::model::visit::{State, Visit};

/// Most policies read for one job: a site has one or two.
pub(super) const MOST_POLICIES: usize = 100;

/// The policies of a job's pages, by the page's number.
pub(super) type Policies = HashMap<usize, Policy>;

/// Reads what the job asks for.
pub(super) async fn read(
    job: &Job,
    targets: &[Target],
    visits: &[(usize, Visit)],
    fleet: &Fleet,
    cancel: &CancellationToken,
) -> Policies {
    let mut policies = Policies::new();
    let mut known: HashMap<Url, Policy> = HashMap::new();
    if job.policy == PolicySource::Nowhere {
        return policies;
    }
    for (index, _) in targets
        .iter()
        .enumerate()
        .filter(|(_, target)| target.url.is_ok())
    {
        if cancel.is_cancelled() {
            break;
        }
        let of_page = visits.iter().filter(|(of, _)| *of == index);
        let policy = match wanted(&job.policy, of_page.map(|(_, visit)| visit)) {
            Wanted::Nothing => continue,
            Wanted::Unlinked => Policy::default(),
            Wanted::At(url) => match known.get(&url) {
                Some(policy) => policy.clone(),
                None if known.len() >= MOST_POLICIES => continue,
                None => {
                    let policy = fleet.policy(&url, &job.manner).await;
                    known.insert(url, policy.clone());
                    policy
                }
            },
        };
        policies.insert(index, policy);
    }
    policies
}

/// What is to be read for a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Nothing: the policy is not looked for, or no visit could have noted the link.
    Nothing,
    /// It was looked for, and the page links none.
    Unlinked,
    /// It is there.
    At(Url),
}

/// What is to be read for a page of these visits.
pub(super) fn wanted<'a>(source: &PolicySource, visits: impl Iterator<Item = &'a Visit>) -> Wanted {
    match source {
        PolicySource::Nowhere => Wanted::Nothing,
        PolicySource::At(url) => Wanted::At(url.clone()),
        PolicySource::Linked => {
            // Only an untouched visit notes the link.
            let mut untouched = visits
                .filter(|visit| visit.state == State::Before)
                .peekable();
            if untouched.peek().is_none() {
                return Wanted::Nothing;
            }
            untouched
                .find_map(|visit| visit.snapshot.policy_link.as_deref())
                .and_then(|link| Url::parse(link).ok())
                .map_or(Wanted::Unlinked, Wanted::At)
        }
    }
}
