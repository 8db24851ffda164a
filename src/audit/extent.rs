//! How much an audit does: what was asked for in few words, spelled out the same way for everybody who
//! asks.

use std::time::Duration;

use super::PolicySource;
use crate::model::visit::State;
use crate::visit::Manner;
use crate::visit::time::ClockKind;

/// Most visits of one page in one state.
pub const MOST_REPEATS: u32 = 50;
/// Visits of one page in one state in a thorough audit: what it takes to tell a habit from chance.
const THOROUGH_REPEATS: u32 = 3;
/// Memory the browser may need for one visit, in bytes.
const VISIT_BYTES: u64 = 400 * 1024 * 1024;

/// What is asked of an audit. What is left open is as usual, or as a thorough audit needs it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// The states each page is visited in.
    pub states: Option<Vec<State>>,
    /// How often each page is visited in each state.
    pub repeat: Option<u32>,
    /// Make the visits that rules need beyond the usual.
    pub thorough: bool,
    /// Every visit asks by Global Privacy Control not to sell or share the visitor's data.
    pub gpc: bool,
    /// Whether the site's cookie policy is read, and where it is.
    pub policy: Option<PolicySource>,
}

/// How much an audit does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extent {
    /// The states each page is visited in, in their order, each once.
    pub states: Vec<State>,
    /// How often each page is visited in each state.
    pub repeat: u32,
    /// At the end of an accepted visit the browser's cookies are deleted and the page is opened again.
    pub empties: bool,
    /// Each page is visited once more with Global Privacy Control.
    pub gpc_beside: bool,
    /// Whether the site's cookie policy is read, and where it is.
    pub policy: PolicySource,
}

impl Asked {
    /// The whole of it.
    pub fn in_full(self) -> Extent {
        let thorough = self.thorough;
        let mut states = self.states.unwrap_or_else(|| {
            let mut states = vec![State::Before, State::Rejected, State::Accepted];
            states.extend(thorough.then_some(State::Withdrawn));
            states
        });
        states.sort_unstable();
        states.dedup();
        let usual = if thorough { THOROUGH_REPEATS } else { 1 };
        Extent {
            repeat: self.repeat.unwrap_or(usual),
            empties: thorough,
            gpc_beside: thorough && !self.gpc && states.contains(&State::Before),
            policy: self.policy.unwrap_or(if thorough {
                PolicySource::Linked
            } else {
                PolicySource::Nowhere
            }),
            states,
        }
    }
}

/// How long a whole visit may take, whatever the page does: twice what its parts may, and some more.
pub fn visit_limit(manner: &Manner) -> Duration {
    let needed = manner.dwell * 2 + manner.load_limit * 2 + Duration::from_mins(2);
    Manner::default().visit_limit.max(needed)
}

/// How many visits at once this machine can take: by its cores, and by the memory that is free.
pub fn visits_at_once(clock: ClockKind) -> usize {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let by_memory = free_memory().map_or(usize::MAX, |bytes| {
        usize::try_from(bytes / VISIT_BYTES).unwrap_or(usize::MAX)
    });
    (cores * visits_for_each_core(clock)).min(by_memory).max(1)
}

/// Visits at once: waiting costs nothing, painting and running scripts do.
fn visits_for_each_core(clock: ClockKind) -> usize {
    match clock {
        ClockKind::Virtual => 3,
        ClockKind::Real => 6,
    }
}

/// Memory that is free for programs, in bytes, where the system says so.
fn free_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use State::{Accepted, Before, Rejected, Withdrawn};

    #[test]
    fn what_is_left_open_is_filled_in() {
        let usual = vec![Before, Rejected, Accepted];
        let thorough = Asked {
            thorough: true,
            ..Asked::default()
        };
        for (asked, states, repeat, gpc_beside, policy) in [
            (Asked::default(), usual, 1, false, PolicySource::Nowhere),
            (
                thorough.clone(),
                vec![Before, Rejected, Accepted, Withdrawn],
                3,
                true,
                PolicySource::Linked,
            ),
            (
                Asked {
                    states: Some(vec![Accepted, Rejected, Accepted]),
                    repeat: Some(1),
                    ..thorough.clone()
                },
                vec![Rejected, Accepted],
                1,
                false,
                PolicySource::Linked,
            ),
            (
                Asked {
                    gpc: true,
                    policy: Some(PolicySource::Nowhere),
                    ..thorough
                },
                vec![Before, Rejected, Accepted, Withdrawn],
                3,
                false,
                PolicySource::Nowhere,
            ),
        ] {
            let extent = asked.clone().in_full();
            assert_eq!(extent.states, states, "{asked:?}");
            assert_eq!(extent.repeat, repeat, "{asked:?}");
            assert_eq!(extent.gpc_beside, gpc_beside, "{asked:?}");
            assert_eq!(extent.policy, policy, "{asked:?}");
            assert_eq!(extent.empties, asked.thorough, "{asked:?}");
        }
    }

    #[test]
    fn a_long_look_gets_its_time() {
        let patient = Manner {
            dwell: Duration::from_mins(10),
            ..Manner::default()
        };
        assert!(visit_limit(&patient) > Duration::from_mins(20));
        assert!(visit_limit(&Manner::default()) >= Manner::default().visit_limit);
    }
}
