//! A run at a glance: what can be said of it without reading its pages again.
//!
//! Its pages are read once, so that no raw value of a page is left in the findings; what is kept is
//! small enough to be kept for many runs.

use std::borrow::Cow;
use std::collections::HashMap;

use super::facts::{Facts, PageFacts};
use super::html;
use super::html::findings::{Addresses, FindingView};
use super::html::page::BannerView;
use super::html::{OverviewLine, QuestionView, overview, severities, tone};
use super::outline::{Entry, Outline};
use super::redact;
use crate::model::finding::Finding;
use crate::model::report::{Page, PageError, PageSource, Report};
use crate::model::visit::{Screenshot, State};

/// Characters of a banner's text, and buttons of it.
const BANNER: (usize, usize) = (800, 20);

/// What a run comes to.
#[derive(Debug)]
pub struct Glance {
    pages: Vec<PageFacts>,
    verdict: Verdict,
}

/// The verdict of a run, in words.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// The class of its colours.
    pub(crate) tone: &'static str,
    /// In one line.
    pub(crate) headline: String,
    /// What a reader must know beside it.
    pub(crate) caveats: Vec<String>,
    /// The regulators' three questions.
    pub(crate) questions: Vec<QuestionView>,
    /// How many findings there are of each severity, gravest first.
    pub(crate) severities: Vec<(&'static str, String)>,
    /// A line for each page, worst first when not all can be named.
    pub(crate) pages: Vec<OverviewLine>,
}

impl Glance {
    /// Reads every page once. Beside the glance comes the head of the run without raw values.
    pub fn of(head: &Report, pages: &dyn PageSource) -> Result<(Report, Self), PageError> {
        let facts = Facts::gather(head, pages, true)?;
        let outline = Outline::of(&facts);
        let verdict = Verdict {
            tone: tone(outline.standing),
            headline: outline.headline(),
            caveats: outline.caveats(),
            questions: outline.questions.iter().map(QuestionView::of).collect(),
            severities: severities(&facts.head),
            pages: overview(&outline, &[].into()),
        };
        let glance = Self {
            pages: facts.pages,
            verdict,
        };
        Ok((facts.head, glance))
    }

    /// How many pages the run has.
    pub(crate) fn page_count(&self) -> usize {
        self.pages.len()
    }

    /// What it comes to.
    pub(crate) fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// A finding of the run with its evidence, and all the pages it is on.
    pub(crate) fn finding(&self, finding: &Finding) -> FindingView {
        let facts = self.pages.iter().find(|page| page.url == finding.page);
        let addresses: Addresses<'_> = facts
            .map(|facts| (facts.url.as_str(), facts))
            .into_iter()
            .collect::<HashMap<_, _>>();
        let entry = Entry {
            finding,
            pages: vec![&finding.page],
        };
        FindingView::of(&addresses, 0, &entry)
    }
}

/// The pictures of a page with what they show: the state they belong to, if not to all, and a caption.
pub(crate) fn pictures_of(
    page: &Page,
) -> impl Iterator<Item = (Option<State>, String, &Screenshot)> {
    html::page::pictures_of(page)
}

/// The banner of a page, as it is shown, without raw values.
pub(crate) fn banner(page: Page) -> BannerView {
    let page = redact::shown_page(Cow::Owned(page), true, false);
    BannerView::of(&page.banner, BANNER)
}
