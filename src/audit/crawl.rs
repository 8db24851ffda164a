//! Runs a crawl: finds the pages of a site and has each visited in every state, one resumable job.
//!
//! The frontier in the store is the one record of what is to do. A few pages are open at a time; the
//! visits of a page go through the queue, and when the last has ended the page is judged, stored and
//! done, all in one step. What was open when the process died is begun anew, what was stored is not.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::browsing::{Browsing, Task};
use super::policies::{MOST_POLICIES, Wanted, wanted};
use super::{AuditError, PolicySource, Progress, Target, assemble, tell};
use crate::catalog::Catalog;
use crate::crawl::manners::{Answer, Pace, retry_after};
use crate::crawl::{Limits, Manners, Refusal, Robots, Scope, canonical, robots, sitemap};
use crate::judge::naming::state_name;
use crate::judge::{Judge, Profile};
use crate::model::report::{Page, Policy};
use crate::model::value::sha256_hex;
use crate::model::visit::{Choice, ChoiceOutcome, Outcome, State, Visit};
use crate::queue::{Ended, InProcess, Queue, Terms};
use crate::store::{Added, Entry, Frontier, RunRecord, Store, StoreError};

/// How long a visit may be out before it is taken for lost: longer than any visit may last.
const LEASE: Duration = Duration::from_hours(2);
/// Pages open for each visit at once. More keeps everybody busy and costs more when the process dies.
const OPEN_FOR_EACH: usize = 2;
/// Pages looked through for one whose host may be asked now.
const LOOKED_THROUGH: usize = 64;
/// How often a page is put off that its host does not want to give now.
const MOST_PUT_OFF: u32 = 4;
/// Most sitemaps read, and how deep indexes may name indexes.
const MOST_SITEMAPS: usize = 500;
const DEEPEST_INDEX: u32 = 3;
/// Most addresses that are remembered as refused, to count each once.
const MOST_REFUSED: usize = 100_000;
/// Known to the frontier when the sitemaps were read to the end. No address looks like it.
const SITEMAPS_READ: &str = "sitemaps read";

/// What is to be crawled, and how.
#[derive(Debug, Clone)]
pub struct Wishes {
    /// Where to begin.
    pub start: Url,
    /// Further pages to visit, whatever the limits say.
    pub listed: Vec<Url>,
    /// The states each page is visited in.
    pub states: Vec<State>,
    /// A fresh choice on each page, instead of one for the site.
    pub thorough: bool,
    /// How far and how much.
    pub limits: Limits,
    /// How often and how many at once.
    pub pace: Pace,
    /// `robots.txt` is not kept to.
    pub ignore_robots: bool,
    /// Whether the site's cookie policy is read, and where it is.
    pub policy: PolicySource,
    /// Visits at once.
    pub concurrency: usize,
    /// The jurisdiction the judge applies.
    pub profile: Profile,
}

impl Wishes {
    /// The states whose visits keep their profile from page to page.
    pub fn kept_states(&self) -> Vec<State> {
        let keeps = |state: &State| *state != State::Before && !self.thorough;
        self.states.iter().copied().filter(keeps).collect()
    }
}

/// How a crawl came to its end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ending {
    /// Nothing is left to visit; otherwise it was stopped, and can be gone on with.
    pub complete: bool,
    /// How many addresses were left out, and why. Of a job that was gone on with at least so many: it is not
    /// remembered which ones they were.
    pub left_out: BTreeMap<Refusal, u64>,
    /// How many addresses `robots.txt` kept us from.
    pub kept_out: u64,
    /// What else a reader should know, such as a `robots.txt` that could not be read.
    pub remarks: Vec<String>,
}

/// A page that is being visited.
struct Open {
    entry: Entry,
    url: Url,
    visits: Vec<Visit>,
    missing: usize,
}

/// Runs a crawl until nothing is left, or until `stop` is heard: then the pages that are open are
/// finished. `cancel` ends the visits, too.
pub async fn crawl<B: Browsing>(
    wishes: &Wishes,
    record: &RunRecord,
    store: &Store,
    catalog: &Catalog,
    browsing: &B,
    progress: &mpsc::UnboundedSender<Progress>,
    (stop, cancel): (&CancellationToken, &CancellationToken),
) -> Result<Ending, AuditError> {
    let mut scope = Scope::new(&wishes.start, &wishes.limits)?;
    let (frontier, scope) = {
        let (store, record) = (store.clone(), record.clone());
        apart(move || {
            let frontier = Frontier::open(&store, record, |_, entry| {
                if let Ok(url) = Url::parse(&entry.url) {
                    scope.count(&url);
                }
            })?;
            Ok((frontier, scope))
        })
        .await?
    };
    let queue = InProcess::new(Terms {
        lease: LEASE,
        ..Terms::default()
    });
    let kept = wishes.kept_states();
    let fresh_workers = wishes.concurrency.saturating_sub(kept.len()).max(1);
    let has_fresh = kept.len() < wishes.states.len();
    let workers = FuturesUnordered::new();
    for state in &kept {
        workers.push(work(&queue, browsing, topic(*state, &kept), cancel));
    }
    if has_fresh {
        for _ in 0..fresh_workers {
            workers.push(work(&queue, browsing, FRESH, cancel));
        }
    }
    let mut coordinator = Coordinator {
        wishes,
        catalog,
        browsing,
        queue: &queue,
        progress,
        window: (workers.len() * OPEN_FOR_EACH).max(2),
        kept: &kept,
        frontier: Some(frontier),
        scope,
        manners: Manners::new(wishes.pace),
        robots: BTreeMap::new(),
        refused: HashSet::new(),
        candidates: VecDeque::new(),
        cursor: 0,
        open: BTreeMap::new(),
        put_off: BTreeMap::new(),
        answers: BTreeMap::new(),
        policies: HashMap::new(),
        ending: Ending::default(),
        left_out_before: BTreeMap::new(),
    };
    let all_workers = workers.collect::<Vec<()>>();
    let coordinated = async {
        let done = coordinator.run(stop).await;
        queue.close().await;
        done
    };
    let (done, _) = tokio::join!(coordinated, all_workers);
    done.map(|()| {
        let Coordinator {
            mut ending,
            left_out_before,
            ..
        } = coordinator;
        for (refusal, before) in left_out_before {
            let now = ending.left_out.entry(refusal).or_default();
            *now = before.max(*now);
        }
        ending
    })
}

/// Known to the frontier beside the number of addresses that were left out for that reason. No address looks like it.
fn left_out_mark(refusal: Refusal) -> String {
    format!("left out: {}", refusal.in_words())
}

/// The topic of visits in profiles nobody used before.
const FRESH: &str = "fresh";

/// The topic of a state's visits: those of a kept profile are taken one by one.
fn topic(state: State, kept: &[State]) -> &'static str {
    if !kept.contains(&state) {
        return FRESH;
    }
    state_name(state)
}

/// Takes visits and makes them until the queue is closed.
async fn work<B: Browsing>(
    queue: &InProcess<Task, Visit>,
    browsing: &B,
    topic: &str,
    cancel: &CancellationToken,
) {
    while let Ok(Some(lease)) = queue.take(topic).await {
        let visit = browsing.visit(&lease.job, cancel).await;
        if let Err(error) = queue.finish(lease, visit).await {
            tracing::warn!(%error, "a visit took too long and is made again");
        }
    }
}

/// Does what blocks on a thread that may.
pub(super) async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, AuditError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => Ok(done?),
        Err(error) => Err(AuditError::Store(StoreError::Worker(error.to_string()))),
    }
}

/// Knows what is to do, hands it out, and takes in what comes of it.
struct Coordinator<'a, B> {
    wishes: &'a Wishes,
    catalog: &'a Catalog,
    browsing: &'a B,
    queue: &'a InProcess<Task, Visit>,
    progress: &'a mpsc::UnboundedSender<Progress>,
    /// Most pages open at once.
    window: usize,
    kept: &'a [State],
    /// Absent while another thread has it.
    frontier: Option<Frontier>,
    scope: Scope,
    manners: Manners,
    /// What each host asks for, by origin.
    robots: BTreeMap<String, Robots>,
    refused: HashSet<u64>,
    /// The next pages, in their order.
    candidates: VecDeque<(u64, Entry)>,
    /// The number of the last one that was looked up.
    cursor: u64,
    open: BTreeMap<u64, Open>,
    /// How often each page was put off that is waiting or open.
    put_off: BTreeMap<u64, u32>,
    /// What was answered in each state, once it is known what became of it.
    answers: BTreeMap<(State, String), Choice>,
    /// The policies that were read, each address once.
    policies: HashMap<Url, Policy>,
    ending: Ending,
    /// How many addresses were left out in earlier lives of the job.
    left_out_before: BTreeMap<Refusal, u64>,
}

impl<B: Browsing> Coordinator<'_, B> {
    async fn run(&mut self, stop: &CancellationToken) -> Result<(), AuditError> {
        self.begin(stop).await?;
        loop {
            let stopped = stop.is_cancelled();
            let ready = if stopped {
                None
            } else {
                self.hand_out().await?
            };
            if self.open.is_empty() && (stopped || ready.is_none()) {
                self.ending.complete = !stopped;
                return Ok(());
            }
            tokio::select! {
                ended = self.queue.ended(), if !self.open.is_empty() => match ended {
                    Ok(Some(ended)) => self.take_in(ended).await?,
                    Ok(None) | Err(_) => return Ok(()),
                },
                () = until(ready), if ready.is_some() => {}
                () = stop.cancelled(), if !stopped => {}
            }
        }
    }

    /// The frontier. It is there whenever this is asked: whoever takes it brings it back.
    async fn with_frontier<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Frontier) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, AuditError> {
        let gone = || AuditError::Store(StoreError::Worker("the frontier is gone".to_owned()));
        let mut frontier = self.frontier.take().ok_or_else(gone)?;
        let (frontier, done) = apart(move || {
            let done = work(&mut frontier);
            Ok((frontier, done))
        })
        .await?;
        self.frontier = Some(frontier);
        Ok(done?)
    }

    /// Puts the first addresses into the frontier: the start, what was listed, what the sitemaps name.
    async fn begin(&mut self, stop: &CancellationToken) -> Result<(), AuditError> {
        let mut first = vec![self.wishes.start.clone()];
        first.extend(self.wishes.listed.iter().cloned());
        let first: Vec<Url> = first.iter().filter_map(canonical).collect();
        let added = self
            .with_frontier(move |frontier| {
                let mut added = Vec::new();
                for url in first {
                    if let Added::New(_) = frontier.add(url.as_str(), 0)? {
                        added.push(url);
                    }
                }
                frontier.write()?;
                Ok(added)
            })
            .await?;
        for url in added {
            self.scope.count(&url);
        }
        let (read, before) = self
            .with_frontier(|frontier| {
                let mut before = BTreeMap::new();
                for refusal in Refusal::ALL {
                    if let Some(count) = frontier.noted(&left_out_mark(refusal))? {
                        before.insert(refusal, count);
                    }
                }
                Ok((frontier.knows(SITEMAPS_READ)?, before))
            })
            .await?;
        self.left_out_before = before;
        if !read {
            self.read_sitemaps(stop).await?;
        }
        let tally = self.with_frontier(|frontier| Ok(frontier.tally())).await?;
        tell(self.progress, Progress::Crawling { tally });
        Ok(())
    }

    /// Reads what `robots.txt` declares, or `/sitemap.xml`, and what those name in turn.
    async fn read_sitemaps(&mut self, stop: &CancellationToken) -> Result<(), AuditError> {
        let start = self.wishes.start.clone();
        self.ask_robots(&start).await;
        let declared = self
            .robots
            .get(&origin(&start))
            .map_or_else(Vec::new, |robots| robots.sitemaps.clone());
        let mut wanted: VecDeque<(Url, u32)> = declared
            .iter()
            .filter_map(|address| start.join(address).ok())
            .map(|url| (url, 0))
            .collect();
        if wanted.is_empty() {
            wanted.extend(start.join("/sitemap.xml").ok().map(|url| (url, 0)));
        }
        let mut seen = HashSet::new();
        while let Some((url, depth)) = wanted.pop_front() {
            if stop.is_cancelled() {
                return Ok(());
            }
            // A sitemap on another host is the site's own when its robots.txt says so; not when an index does.
            let is_ours = depth == 0 || self.scope.is_of_the_site(&url);
            let is_web = matches!(url.scheme(), "http" | "https");
            if !is_ours || !is_web || seen.len() >= MOST_SITEMAPS || !seen.insert(url.clone()) {
                continue;
            }
            let limit = sitemap::MOST_BYTES as usize;
            let map = match self.browsing.fetch(&url, limit).await {
                Ok(fetched) if (200..300).contains(&fetched.status) => sitemap::read(&fetched.body),
                Ok(_) | Err(_) => continue,
            };
            if depth < DEEPEST_INDEX {
                let inner = map
                    .sitemaps
                    .iter()
                    .filter_map(|address| url.join(address).ok());
                wanted.extend(inner.map(|url| (url, depth + 1)));
            }
            if map.cut {
                let remark =
                    format!("the sitemap {url} is longer than sitemaps may be, or breaks off");
                self.ending.remarks.push(remark);
            }
            self.add(map.pages, 0).await?;
            self.with_frontier(Frontier::write).await?;
        }
        self.with_frontier(|frontier| {
            frontier.note(SITEMAPS_READ, 0);
            frontier.write()
        })
        .await
    }

    /// Adds addresses that belong to the site and are new. They are written with the next page.
    async fn add(&mut self, addresses: Vec<String>, depth: u32) -> Result<(), AuditError> {
        let urls: Vec<Url> = addresses
            .iter()
            .filter_map(|address| canonical(&Url::parse(address).ok()?))
            .collect();
        // What is known is asked for on the other thread, what is wanted is decided here.
        let new = self
            .with_frontier(move |frontier| {
                let mut new = Vec::new();
                let mut seen = HashSet::new();
                for url in urls {
                    if seen.insert(url.clone()) && !frontier.knows(url.as_str())? {
                        new.push(url);
                    }
                }
                Ok(new)
            })
            .await?;
        let admitted: Vec<Url> = new
            .into_iter()
            .filter(|url| match self.scope.admit(url, depth) {
                Ok(()) => true,
                Err(refusal) => {
                    self.note_refused(url, refusal);
                    false
                }
            })
            .collect();
        self.with_frontier(move |frontier| {
            for url in admitted {
                if frontier.add(url.as_str(), depth)? == Added::Full {
                    break;
                }
            }
            Ok(())
        })
        .await
    }

    fn note_refused(&mut self, url: &Url, refusal: Refusal) {
        let digest = sha256_hex(url.as_str().as_bytes());
        let short = u64::from_str_radix(&digest[..16], 16).unwrap_or_default();
        if self.refused.len() < MOST_REFUSED && self.refused.insert(short) {
            *self.ending.left_out.entry(refusal).or_default() += 1;
        }
    }

    /// Asks a host what it asks of programs, once.
    async fn ask_robots(&mut self, url: &Url) {
        let origin = origin(url);
        if self.robots.contains_key(&origin) {
            return;
        }
        let answer = match url.join("/robots.txt") {
            Ok(address) => self.browsing.fetch(&address, robots::MOST_BYTES).await,
            Err(error) => Err(error.to_string()),
        };
        let robots = match answer {
            Ok(fetched) => {
                let robots = Robots::of_answer(fetched.status, &fetched.body);
                let not_now = fetched.status >= 500 || fetched.status == 429;
                if not_now && !self.wishes.ignore_robots {
                    self.ending.remarks.push(format!(
                        "{origin} answers the question for robots.txt with an error ({}), so it was not visited; --ignore-robots does so on your own site",
                        fetched.status
                    ));
                }
                robots
            }
            Err(error) => {
                // Where nobody answers, visits will say so themselves.
                tracing::debug!(%error, origin, "robots.txt could not be fetched");
                Robots::allow_all()
            }
        };
        if !self.wishes.ignore_robots
            && let Some(delay) = robots.delay
        {
            self.manners.wish(&host_of(url), delay);
        }
        self.robots.insert(origin, robots);
    }

    /// Opens pages while there is room. Returns when the next one may be opened, if one is waiting.
    async fn hand_out(&mut self) -> Result<Option<Instant>, AuditError> {
        loop {
            self.look_ahead().await?;
            if self.candidates.is_empty() {
                return Ok(None);
            }
            // A page that ends wakes us; nothing else makes room.
            if self.open.len() >= self.window {
                return Ok(None);
            }
            let now = Instant::now();
            let mut earliest: Option<Instant> = None;
            let mut next = None;
            for (at, (_, entry)) in self.candidates.iter().enumerate() {
                let host =
                    Url::parse(&entry.url).map_or_else(|_| String::new(), |url| host_of(&url));
                match self.manners.ready_at(&host, now) {
                    Some(ready) if ready <= now => {
                        next = Some(at);
                        break;
                    }
                    Some(ready) => {
                        earliest = Some(earliest.map_or(ready, |known| known.min(ready)));
                    }
                    None => {}
                }
            }
            let Some((number, entry)) = next.and_then(|at| self.candidates.remove(at)) else {
                return Ok(earliest);
            };
            self.open_page(number, entry).await?;
        }
    }

    async fn look_ahead(&mut self) -> Result<(), AuditError> {
        if self.candidates.len() >= LOOKED_THROUGH / 2 {
            return Ok(());
        }
        let (mut cursor, wanted) = (self.cursor, LOOKED_THROUGH - self.candidates.len());
        let (cursor, found) = self
            .with_frontier(move |frontier| {
                let mut found = Vec::new();
                while found.len() < wanted
                    && let Some((number, entry)) = frontier.next(cursor)?
                {
                    cursor = number;
                    found.push((number, entry));
                }
                Ok((cursor, found))
            })
            .await?;
        self.cursor = cursor;
        self.candidates.extend(found);
        Ok(())
    }

    /// Offers the visits of a page, unless its host does not want it visited.
    async fn open_page(&mut self, number: u64, entry: Entry) -> Result<(), AuditError> {
        let Ok(url) = Url::parse(&entry.url) else {
            return self.drop_page(number, entry).await;
        };
        self.ask_robots(&url).await;
        let allowed = self.wishes.ignore_robots
            || self
                .robots
                .get(&origin(&url))
                .is_none_or(|robots| robots.allows(&url));
        if !allowed {
            self.ending.kept_out += 1;
            return self.drop_page(number, entry).await;
        }
        self.manners.begin(&host_of(&url), Instant::now());
        for state in &self.wishes.states {
            let task = Task {
                number,
                url: url.clone(),
                state: *state,
            };
            let id = format!("{number} {}", state_name(*state));
            self.queue
                .offer(&id, topic(*state, self.kept), task)
                .await?;
        }
        let missing = self.wishes.states.len();
        let open = Open {
            entry,
            url,
            visits: Vec::with_capacity(missing),
            missing,
        };
        self.open.insert(number, open);
        Ok(())
    }

    async fn drop_page(&mut self, number: u64, entry: Entry) -> Result<(), AuditError> {
        self.scope.discount();
        self.with_frontier(move |frontier| {
            frontier.drop_entry(number, &entry)?;
            frontier.write()
        })
        .await
    }

    /// Takes in a visit; the last one of a page finishes the page.
    async fn take_in(&mut self, ended: Ended<Visit>) -> Result<(), AuditError> {
        let (id, visit) = match ended {
            Ended::Finished { id, result } => (id, Some(result)),
            Ended::GivenUp { id } => (id, None),
        };
        self.queue.acknowledge(&id).await?;
        let number = id.split(' ').next().and_then(|number| number.parse().ok());
        let Some(number) = number else {
            return Ok(());
        };
        let Some(open) = self.open.get_mut(&number) else {
            return Ok(());
        };
        open.missing = open.missing.saturating_sub(1);
        open.visits.extend(visit);
        if open.missing > 0 {
            return Ok(());
        }
        let Some(open) = self.open.remove(&number) else {
            return Ok(());
        };
        let answer = answer_of(&open.visits);
        let enough = self
            .manners
            .end(&host_of(&open.url), Instant::now(), answer);
        let put_off = self.put_off.get(&number).copied().unwrap_or_default();
        if enough && put_off < MOST_PUT_OFF {
            self.put_off.insert(number, put_off + 1);
            self.candidates.push_back((number, open.entry));
            return Ok(());
        }
        self.put_off.remove(&number);
        self.finish_page(number, open).await
    }

    /// Judges, stores and forgets a page, and takes its links into the frontier.
    async fn finish_page(&mut self, number: u64, open: Open) -> Result<(), AuditError> {
        let Open {
            entry, url, visits, ..
        } = open;
        let interrupted = visits.is_empty()
            || visits
                .iter()
                .any(|visit| visit.outcome == Outcome::Interrupted);
        if interrupted {
            // It stays to be visited.
            return Ok(());
        }
        let links: Vec<String> = visits
            .iter()
            .flat_map(|visit| visit.snapshot.links.iter().cloned())
            .collect();
        let policy = self.policy_of(&visits).await;
        let page = self.page(&entry, url.clone(), visits, policy);
        let Some(page) = page else {
            return Ok(());
        };
        let arrived = Url::parse(&page.final_url)
            .ok()
            .and_then(|url| canonical(&url))
            .filter(|arrived| *arrived != url);
        if let Some(arrived) = arrived {
            let address = arrived.to_string();
            let known = self
                .with_frontier(move |frontier| {
                    let known = frontier.knows(&address)?;
                    if !known {
                        frontier.note(&address, number);
                    }
                    Ok(known)
                })
                .await?;
            if known {
                return self.drop_page(number, entry).await;
            }
        }
        self.add(links, entry.depth.saturating_add(1)).await?;
        let summary = in_one_line(&page);
        let address = page.url.clone();
        let left_out = self.ending.left_out.clone();
        let before = self.left_out_before.clone();
        let tally = self
            .with_frontier(move |frontier| {
                for (refusal, count) in left_out {
                    let before = before.get(&refusal).copied().unwrap_or_default();
                    frontier.note(&left_out_mark(refusal), count.max(before));
                }
                frontier.finish(number, &entry, &page)?;
                Ok(frontier.tally())
            })
            .await?;
        let event = Progress::Page {
            url: address,
            summary,
            tally,
        };
        tell(self.progress, event);
        Ok(())
    }

    /// The policy of a page of these visits, read once for all pages that link it.
    async fn policy_of(&mut self, visits: &[Visit]) -> Option<Policy> {
        match wanted(&self.wishes.policy, visits.iter()) {
            Wanted::Nothing => None,
            Wanted::Unlinked => Some(Policy::default()),
            Wanted::At(url) => {
                if let Some(known) = self.policies.get(&url) {
                    return Some(known.clone());
                }
                if self.policies.len() >= MOST_POLICIES {
                    return None;
                }
                let policy = self.browsing.policy(&url).await;
                self.policies.insert(url, policy.clone());
                Some(policy)
            }
        }
    }

    /// The page, put together and with what the judge has to say of it.
    fn page(
        &mut self,
        entry: &Entry,
        url: Url,
        visits: Vec<Visit>,
        policy: Option<Policy>,
    ) -> Option<Page> {
        let target = Target {
            given: entry.url.clone(),
            url: Ok(url),
        };
        let visits = visits.into_iter().map(|visit| (0, visit)).collect();
        let policies = policy.map(|policy| (0, policy)).into_iter().collect();
        let mut page = assemble::pages(&[target], visits, policies, self.catalog).pop()?;
        for visit in &mut page.visits {
            self.carry(&entry.url, visit);
        }
        let told = Judge::new(self.catalog, self.wishes.profile).page(&page);
        told.put_into(&mut page);
        Some(page)
    }

    /// What became of an answer is known when the page it was given on is put together: other pages
    /// get to know it here.
    fn carry(&mut self, page: &str, visit: &mut Visit) {
        match &visit.choice.carried_from {
            None if visit.choice.made => {
                let choice = Choice {
                    carried_from: Some(page.to_owned()),
                    clicked_ms: None,
                    confirmed_ms: None,
                    ..visit.choice.clone()
                };
                self.answers.insert((visit.state, page.to_owned()), choice);
            }
            None => {}
            Some(from) => {
                if let Some(known) = self.answers.get(&(visit.state, from.clone())) {
                    let asked_again = visit.choice.outcomes.clone();
                    visit.choice = known.clone();
                    for outcome in asked_again {
                        if outcome == ChoiceOutcome::Reappeared
                            && !visit.choice.outcomes.contains(&outcome)
                        {
                            visit.choice.outcomes.push(outcome);
                        }
                    }
                }
            }
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

fn host_of(url: &Url) -> String {
    url.host_str().unwrap_or_default().to_owned()
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// What the host answered: enough, if it said so in any visit.
fn answer_of(visits: &[Visit]) -> Answer {
    let answer = |visit: &Visit| Answer {
        status: visit.status,
        retry_after: visit
            .snapshot
            .retry_after
            .as_deref()
            .and_then(|text| retry_after(text, visit.timing.started)),
    };
    visits
        .iter()
        .map(answer)
        .filter(|answer| answer.is_enough())
        .max_by_key(|answer| answer.retry_after)
        .unwrap_or_default()
}

/// How the visits of a page went, in one line.
fn in_one_line(page: &Page) -> String {
    let lines: Vec<String> = page
        .visits
        .iter()
        .map(|visit| {
            let state = state_name(visit.state);
            format!("{state}: {}", assemble::in_one_line(visit))
        })
        .collect();
    lines.join("; ")
}
