//! Everything the browser ran for the page, from its attachment to its end.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::{Clock, MOST_ITEMS, cut};
use crate::model::snapshot::Target;

/// Every target of a visit, in the order they were attached.
#[derive(Debug, Default)]
pub(super) struct TargetLog {
    targets: Vec<Target>,
    by_id: HashMap<String, usize>,
    /// The page is being left: what ends from now on was there to the end.
    leaving: bool,
}

impl TargetLog {
    /// A target was attached. `info` is CDP `Target.TargetInfo`, `parent` the target it hangs on.
    pub(super) fn attached(&mut self, clock: &Clock, info: &Json, parent: Option<&str>) {
        let Some(id) = info["targetId"].as_str().map(cut) else {
            return;
        };
        // A service worker is attached through the browser and through its page.
        if let Some(known) = self.get(id) {
            known.detached_ms = None;
            return;
        }
        if self.targets.len() >= MOST_ITEMS || self.leaving {
            return;
        }
        let text = |field: &str| info[field].as_str().map(|text| cut(text).to_owned());
        let kind = text("type").unwrap_or_else(|| "other".to_owned());
        let role = match info["subtype"].as_str().unwrap_or_default() {
            "" if kind == "page" && !self.targets.is_empty() => Some("pop-up".to_owned()),
            "" => None,
            "fenced" | "fenced_frame" | "fencedframe" => Some("fenced-frame".to_owned()),
            subtype => Some(cut(subtype).to_owned()),
        };
        let at_ms = clock.now_ms();
        self.by_id.insert(id.to_owned(), self.targets.len());
        self.targets.push(Target {
            id: id.to_owned(),
            role,
            url: text("url").unwrap_or_default(),
            parent: parent.map(|parent| cut(parent).to_owned()),
            opener: text("openerId"),
            kind,
            attached_ms: at_ms,
            phase: clock.phase_at(at_ms),
            detached_ms: None,
            crashed: false,
        });
    }

    fn get(&mut self, id: &str) -> Option<&mut Target> {
        self.by_id
            .get(id)
            .and_then(|index| self.targets.get_mut(*index))
    }

    /// A target shows another address.
    pub(super) fn moved(&mut self, id: &str, url: &str) {
        if self.leaving {
            return;
        }
        if let Some(known) = self.get(id) {
            cut(url).clone_into(&mut known.url);
        }
    }

    /// A target ended.
    pub(super) fn detached(&mut self, at_ms: u64, id: &str) {
        if self.leaving {
            return;
        }
        if let Some(known) = self.get(id) {
            known.detached_ms.get_or_insert(at_ms);
        }
    }

    /// A target's process crashed, or so the browser says (`Inspector.targetCrashed`).
    ///
    /// It says so of every shared worker and service worker that ends.
    pub(super) fn crashed(&mut self, at_ms: u64, id: &str) {
        if self.leaving {
            return;
        }
        if let Some(known) = self.get(id) {
            known.crashed = !matches!(known.kind.as_str(), "shared_worker" | "service_worker");
            known.detached_ms.get_or_insert(at_ms);
        }
    }

    /// A target runs again: service workers stop and start (`Inspector.targetReloadedAfterCrash`).
    pub(super) fn back(&mut self, id: &str) {
        if let Some(known) = self.get(id) {
            known.detached_ms = None;
        }
    }

    /// The page is being left.
    pub(super) fn leave(&mut self) {
        self.leaving = true;
    }

    /// Hands out what was recorded.
    pub(super) fn finish(self) -> Vec<Target> {
        self.targets
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn info(id: &str, kind: &str, subtype: &str) -> Json {
        json!({"targetId": id, "type": kind, "url": format!("https://shop.test/{id}"), "subtype": subtype})
    }

    fn log() -> TargetLog {
        let clock = crate::visit::record::real_clock();
        let mut log = TargetLog::default();
        for (id, kind, subtype) in [
            ("top", "page", ""),
            ("frame", "iframe", ""),
            ("worker", "service_worker", ""),
            ("opened", "page", ""),
            ("ahead", "page", "prerender"),
            ("fenced", "iframe", "fenced"),
        ] {
            log.attached(&clock, &info(id, kind, subtype), Some("top"));
        }
        log
    }

    #[test]
    fn roles() {
        let roles: Vec<_> = log()
            .finish()
            .into_iter()
            .map(|target| target.role)
            .collect();
        let expected = [
            None,
            None,
            None,
            Some("pop-up"),
            Some("prerender"),
            Some("fenced-frame"),
        ];
        assert_eq!(roles, expected.map(|role| role.map(str::to_owned)));
    }

    #[test]
    fn what_ends_is_kept_and_what_we_end_was_there_to_the_end() {
        let mut log = log();
        log.detached(5, "frame");
        log.crashed(6, "opened");
        log.crashed(6, "worker");
        log.back("worker");
        log.moved("top", "https://shop.test/moved");
        log.leave();
        log.moved("top", "about:blank");
        log.detached(9, "worker");
        log.detached(9, "unknown");
        let ends: Vec<_> = log
            .finish()
            .into_iter()
            .map(|target| {
                (
                    target.url.replace("https://shop.test/", ""),
                    target.detached_ms,
                    target.crashed,
                )
            })
            .collect();
        let expected = [
            ("moved", None, false),
            ("frame", Some(5), false),
            ("worker", None, false),
            ("opened", Some(6), true),
            ("ahead", None, false),
            ("fenced", None, false),
        ];
        assert_eq!(
            ends,
            expected.map(|(id, end, crashed)| (id.to_owned(), end, crashed))
        );
    }

    #[test]
    fn attached_twice_is_one_target() {
        let mut log = log();
        log.detached(5, "worker");
        log.attached(
            &crate::visit::record::real_clock(),
            &info("worker", "service_worker", ""),
            None,
        );
        let targets = log.finish();
        assert_eq!(targets.len(), 6);
        assert_eq!(targets[2].detached_ms, None);
    }
}
