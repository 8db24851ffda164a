//! Reads the cookie policies of the pages of a job, each address once.

use std::collections::HashMap;

use tokio_util::sync::CancellationToken;
use url::Url;

use super::fleet::Fleet;
use super::{Job, PolicySource, Target};
use crate::model::report::Policy;
use crate::model::visit::{State, Visit};

/// Most policies read for one job: a site has one or two.
const MOST_POLICIES: usize = 100;

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
        let address = match &job.policy {
            PolicySource::Nowhere => continue,
            PolicySource::At(url) => Some(url.clone()),
            PolicySource::Linked => {
                let mut untouched = visits
                    .iter()
                    .filter(|(of, visit)| *of == index && visit.state == State::Before)
                    .peekable();
                if untouched.peek().is_none() {
                    // Only an untouched visit notes the link.
                    continue;
                }
                untouched
                    .find_map(|(_, visit)| visit.snapshot.policy_link.as_deref())
                    .and_then(|link| Url::parse(link).ok())
            }
        };
        let policy = match address {
            None => Policy::default(),
            Some(url) => match known.get(&url) {
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
