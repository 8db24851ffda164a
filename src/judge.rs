//! Classifies items and applies rules. Pure: snapshots, catalog and profile in, findings out.

pub mod baseline;
pub mod changes;
mod classify;
mod consent_mode;
mod consent_strings;
mod declaration;
mod diagnostics;
mod earlier;
pub mod handbook;
mod identifier;
mod index;
mod item;
mod joined;
mod knowledge;
pub mod measure;
pub(crate) mod naming;
mod outcomes;
pub mod profile;
mod remedy;
pub mod rules;
mod summary;
#[cfg(test)]
pub(crate) mod tests_support;

use crate::catalog::Catalog;
use crate::model::finding::{Finding, RuleOutcome};
use crate::model::report::{Page, ServiceSeen, Summary};
use crate::model::visit::Diagnostic;

pub use earlier::Earlier;
use index::PageIndex;
use joined::Findings;
use knowledge::Knowledge;
use outcomes::Gaps;
pub use profile::Profile;
use rules::Checked;
use summary::{Services, Tally};

/// What the judge says of a run.
#[derive(Debug, Clone, Default)]
pub struct Judgement {
    /// What should not have happened, gravest first.
    pub findings: Vec<Finding>,
    /// The services seen.
    pub services: Vec<ServiceSeen>,
    /// What came of every rule, by id.
    pub rules: Vec<RuleOutcome>,
    /// The answers in short.
    pub summary: Summary,
    /// What a reader must know of each page, in the order of the pages.
    told: Vec<Told>,
}

impl Judgement {
    /// Puts what it says of the pages into them, in the place of what another judgement said.
    pub fn tell(&mut self, pages: &mut [Page]) {
        for (page, told) in pages.iter_mut().zip(std::mem::take(&mut self.told)) {
            told.put_into(page);
        }
    }
}

/// Judges the pages of a run one after another: what is kept of a page is what is said of it.
///
/// ```
/// # use consentinel::{catalog::Catalog, judge::{Judge, Profile}, model::report::Page};
/// # fn judge(catalog: &Catalog, pages: Vec<Page>) {
/// let mut judge = Judge::new(catalog, Profile::Eu);
/// for mut page in pages {
///     judge.page(&page).put_into(&mut page);
/// }
/// let judgement = judge.finish();
/// # }
/// ```
pub struct Judge<'k> {
    knowledge: &'k dyn Knowledge,
    profile: Profile,
    earlier: Option<&'k Earlier>,
    findings: Findings,
    gaps: Gaps,
    services: Services,
    tally: Tally,
}

impl<'k> Judge<'k> {
    /// A judge of that jurisdiction who knows that catalog and has not seen a page yet.
    pub fn new(catalog: &'k Catalog, profile: Profile) -> Self {
        Self::with(catalog, profile)
    }

    fn with(knowledge: &'k dyn Knowledge, profile: Profile) -> Self {
        Self {
            knowledge,
            profile,
            earlier: None,
            findings: Findings::default(),
            gaps: Gaps::default(),
            services: Services::default(),
            tally: Tally::default(),
        }
    }

    /// The same, who has seen earlier runs of the same pages.
    #[must_use]
    pub fn beside(self, earlier: &'k Earlier) -> Self {
        Self {
            earlier: Some(earlier),
            ..self
        }
    }

    /// Judges one page, in the order of the run.
    pub fn page(&mut self, page: &Page) -> Told {
        let index = PageIndex::new(page, self.knowledge, self.profile);
        let index = match self.earlier {
            Some(earlier) => index.beside(earlier),
            None => index,
        };
        let Checked { found, gaps } = rules::check(&index);
        self.tally
            .add(page, found.iter().map(|found| &found.finding));
        self.findings.add(found);
        self.gaps.add(gaps);
        self.services.add(&index);
        Told(diagnostics::of(&index))
    }

    /// What is to be said of all the pages.
    pub fn finish(self) -> Judgement {
        let findings = self.findings.gravest_first();
        Judgement {
            services: self.services.seen(),
            rules: self.gaps.outcomes(&findings, self.tally.is_empty()),
            summary: self.tally.summary(&findings),
            findings,
            told: Vec::new(),
        }
    }
}

/// What a reader must know of a page to weigh the findings, found out by the judge.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told(Vec<Diagnostic>);

impl Told {
    /// Puts it into its page, in the place of what another judgement said.
    pub fn put_into(self, page: &mut Page) {
        diagnostics::replace(page, self.0);
    }
}

/// Judges pages that stand in memory, beside pages of earlier runs.
pub fn judge_beside(
    pages: &[Page],
    earlier: &[Page],
    catalog: &Catalog,
    profile: Profile,
) -> Judgement {
    let mut known = Earlier::default();
    for page in earlier {
        known.add(page, catalog, profile);
    }
    let mut judge = Judge::new(catalog, profile).beside(&known);
    let told = pages.iter().map(|page| judge.page(page)).collect();
    Judgement {
        told,
        ..judge.finish()
    }
}

/// Judges the pages of a run that stand in memory.
pub fn judge(pages: &[Page], catalog: &Catalog, profile: Profile) -> Judgement {
    judge_with(pages, catalog, profile)
}

fn judge_with(pages: &[Page], knowledge: &dyn Knowledge, profile: Profile) -> Judgement {
    let mut judge = Judge::with(knowledge, profile);
    let told = pages.iter().map(|page| judge.page(page)).collect();
    Judgement {
        told,
        ..judge.finish()
    }
}

#[cfg(test)]
mod tests;
