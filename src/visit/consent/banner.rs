//! Finds the banner: asks every frame what might be one, and reads the buttons' words.

mod marks;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;
use serde_json::Value as Json;

use super::closed;
use super::words::Lexicon;
use crate::model::visit::{Banner, Button, ButtonRole, Route, Routes, Switch};
use crate::visit::stage::{World, Worlds};
use marks::{BY_MARK, role_by_mark, switched_by_mark, switched_by_word};

/// Longest text of a switch put into a report, in characters.
const LONGEST_SWITCH: usize = 120;
/// Longest text of a banner put into a report, in characters.
const LONGEST_TEXT: usize = 600;

/// The script that finds banners, for our own world of every frame.
pub fn script() -> String {
    let pattern = serde_json::Value::String(Lexicon::builtin().consent_pattern()).to_string();
    include_str!("banner.js").replace("\"CONSENT\"", &pattern)
}

/// What one frame answers.
#[derive(Debug, Deserialize)]
struct Scan {
    #[serde(default)]
    banners: Vec<ScannedBanner>,
    #[serde(default)]
    origin: String,
    #[serde(default)]
    locked: bool,
    #[serde(default)]
    kept: u64,
}

impl Scan {
    /// Those of the candidates that are consent banners.
    fn live<'a>(&'a self, world: &'a World) -> impl Iterator<Item = LiveBanner> + 'a {
        self.banners
            .iter()
            .filter_map(move |banner| read(banner, world, self))
    }
}

#[derive(Debug, Clone, Deserialize)]
struct ScannedBanner {
    id: u64,
    text: String,
    #[serde(default)]
    lang: String,
    #[serde(default)]
    overlay: bool,
    #[serde(default)]
    spoken: bool,
    #[serde(default)]
    form: bool,
    #[serde(default)]
    hint: String,
    buttons: Vec<ScannedButton>,
    #[serde(default)]
    toggles: Vec<Toggle>,
    #[serde(default)]
    options: Vec<Choosable>,
    #[serde(default)]
    share: f64,
}

#[derive(Debug, Clone, Deserialize)]
struct ScannedButton {
    id: u64,
    text: String,
    #[serde(default)]
    mark: String,
    #[serde(default)]
    link: bool,
    #[serde(default)]
    disabled: bool,
    place: [f64; 4],
    #[serde(default)]
    contrast: Option<f64>,
    #[serde(default)]
    fill: Option<String>,
    #[serde(default)]
    font: Option<f64>,
}

/// A switch of the banner.
#[derive(Debug, Clone, Deserialize)]
pub struct Toggle {
    /// Under which our own world keeps it.
    pub id: u64,
    /// What it is for, by its label or the words beside it.
    #[serde(default)]
    pub text: String,
    /// On or off.
    pub checked: bool,
    /// Cannot be changed.
    pub disabled: bool,
}

impl Toggle {
    /// On, and can be switched off.
    pub fn is_on(&self) -> bool {
        self.checked && !self.disabled
    }
}

/// One of several answers to a question, of which one can be chosen: a radio button.
#[derive(Debug, Clone, Deserialize)]
struct Choosable {
    id: u64,
    #[serde(default)]
    text: String,
    #[serde(default)]
    mark: String,
    #[serde(default)]
    about: String,
    #[serde(default)]
    question: String,
    checked: bool,
    disabled: bool,
}

/// A question of the banner with a yes and a no to choose from.
#[derive(Debug, Clone)]
pub struct Question {
    /// What it is about.
    pub text: String,
    /// Under which our own world keeps the answer that allows.
    pub yes: Option<u64>,
    /// Under which our own world keeps the answer that refuses.
    pub no: u64,
    /// The refusal is chosen.
    pub refused: bool,
}

/// A button that can be clicked.
#[derive(Debug, Clone)]
pub struct LiveButton {
    /// Under which our own world keeps it.
    pub id: u64,
    /// What it does.
    pub role: ButtonRole,
    /// What it says.
    pub text: String,
    /// The language its words were recognised in.
    pub language: String,
    /// It cannot be pressed yet.
    disabled: bool,
    place: [f64; 4],
    contrast: Option<f64>,
    fill: Option<String>,
    font: Option<f64>,
}

/// The banner as it stands on the page right now.
#[derive(Debug, Clone)]
pub struct LiveBanner {
    /// The world of the frame it stands in.
    pub world: World,
    /// Under which our own world keeps it.
    pub id: u64,
    /// Origin of that frame.
    pub origin: String,
    /// Its recognised buttons.
    pub buttons: Vec<LiveButton>,
    /// Its switches.
    pub toggles: Vec<Toggle>,
    /// Its questions with answers to choose from.
    pub questions: Vec<Question>,
    /// Which part of the window it takes, with the veil behind it, from 0 to 1.
    pub share: f64,
    /// The page behind it cannot be scrolled.
    pub locked: bool,
    /// It stands above the page.
    overlay: bool,
    /// Elements our own world knew when it was seen: what has a higher id came later.
    known: u64,
    text: String,
    languages: Vec<String>,
    score: u32,
}

impl LiveBanner {
    /// The button for a role.
    pub fn button(&self, role: ButtonRole) -> Option<&LiveButton> {
        self.buttons(role).next()
    }

    /// All buttons for a role.
    pub fn buttons(&self, role: ButtonRole) -> impl Iterator<Item = &LiveButton> {
        self.buttons
            .iter()
            .filter(move |button| button.role == role && !button.disabled)
    }

    /// The button that closes it, where it has no other.
    pub fn only_close(&self) -> Option<&LiveButton> {
        let others =
            |button: &LiveButton| !matches!(button.role, ButtonRole::Close | ButtonRole::Link);
        self.button(ButtonRole::Close)
            .filter(|_| !self.buttons.iter().any(others))
    }

    /// Whether it has buttons that cannot be pressed yet.
    pub fn holds_back(&self) -> bool {
        self.buttons.iter().any(|button| button.disabled)
    }

    /// Whether something on it is allowed that can be refused.
    pub fn allows_something(&self) -> bool {
        self.toggles.iter().any(Toggle::is_on)
            || self.questions.iter().any(|question| !question.refused)
    }

    /// The same buttons saying the same things: nothing moved since.
    pub fn is_like(&self, other: &Self) -> bool {
        let words = |banner: &Self| -> Vec<(ButtonRole, String, [i64; 2])> {
            banner
                .buttons
                .iter()
                .map(|button| {
                    (
                        button.role,
                        button.text.clone(),
                        [button.place[0] as i64, button.place[1] as i64],
                    )
                })
                .collect()
        };
        words(self) == words(other) && self.toggles.len() == other.toggles.len()
    }

    /// Whether it asks again what a banner asked before: it has a button that says the same.
    pub fn asks_like(&self, banner: &Banner) -> bool {
        self.buttons.iter().any(|button| {
            button.role != ButtonRole::Link
                && banner
                    .buttons
                    .iter()
                    .any(|known| known.role == button.role && known.text == button.text)
        })
    }

    /// What a report says of it, as the given layer.
    pub fn describe(&self, layer: u8, seen_ms: u64) -> Banner {
        // Where every answer waits until the text was read, each is a way.
        let waits = |role| {
            let waiting = |role| {
                self.buttons
                    .iter()
                    .any(|button| button.role == role && button.disabled)
            };
            waiting(role) && waiting(ButtonRole::Accept)
        };
        let route = |role| {
            if self.button(role).is_some() || waits(role) {
                Route::FirstLayer
            } else {
                Route::None
            }
        };
        Banner {
            found: true,
            cmp: None,
            languages: self.languages.clone(),
            routes: Routes {
                accept: route(ButtonRole::Accept),
                reject: route(ButtonRole::Reject),
            },
            buttons: self.describe_buttons(layer),
            switches: self.describe_switches(layer),
            text: self.text.chars().take(LONGEST_TEXT).collect(),
            frame: Some(self.origin.clone()),
            seen_ms: Some(seen_ms),
            share: self.share,
            locks_page: self.locked,
            screenshot: None,
        }
    }

    /// Its buttons, as the given layer.
    pub fn describe_buttons(&self, layer: u8) -> Vec<Button> {
        self.buttons
            .iter()
            .map(|button| Button {
                role: button.role,
                text: button.text.clone(),
                layer,
                place: button.place,
                contrast: button.contrast.map(|ratio| (ratio * 100.0).round() / 100.0),
                background: button.fill.clone(),
                font_px: button.font,
            })
            .collect()
    }

    /// Its switches as a report lists them, as they stand now.
    pub fn describe_switches(&self, layer: u8) -> Vec<Switch> {
        self.toggles
            .iter()
            .map(|toggle| Switch {
                text: toggle.text.chars().take(LONGEST_SWITCH).collect(),
                layer,
                on: toggle.checked,
                locked: toggle.disabled,
            })
            .collect()
    }
}

/// Looks at every frame and returns what is most likely the banner.
pub async fn look(worlds: &Worlds) -> Option<LiveBanner> {
    candidates(worlds)
        .await
        .into_iter()
        .reduce(|best, live| if live.score > best.score { live } else { best })
}

/// Looks for the layer that was opened from a first one, which may go on standing beside it.
pub async fn look_beyond(worlds: &Worlds, first: &LiveBanner) -> Option<LiveBanner> {
    let fresh = |live: &LiveBanner| {
        live.world.context != first.world.context
            || !live
                .buttons
                .iter()
                .any(|button| first.buttons.iter().any(|known| known.id == button.id))
    };
    candidates(worlds)
        .await
        .into_iter()
        .filter(|live| !live.is_like(first))
        .max_by_key(|live| (fresh(live), live.score))
}

/// Banners of other makers that stand above the page beside one, and want an answer of their own.
pub async fn beside(worlds: &Worlds, live: &LiveBanner) -> Vec<LiveBanner> {
    let apart = |other: &LiveBanner| {
        other.world.context != live.world.context
            || !other
                .buttons
                .iter()
                .any(|button| live.buttons.iter().any(|known| known.id == button.id))
    };
    let asks = |other: &LiveBanner| {
        other.button(ButtonRole::Accept).is_some()
            && (other.button(ButtonRole::Reject).is_some()
                || other.button(ButtonRole::Settings).is_some())
    };
    candidates(worlds)
        .await
        .into_iter()
        .filter(|other| other.overlay && asks(other) && apart(other))
        .collect()
}

/// Looks at a layer again: the candidate that has one of its buttons.
pub async fn look_at(worlds: &Worlds, layer: &LiveBanner) -> Option<LiveBanner> {
    candidates(worlds)
        .await
        .into_iter()
        .filter(|live| {
            live.world.context == layer.world.context
                && live
                    .buttons
                    .iter()
                    .any(|button| layer.buttons.iter().any(|known| known.id == button.id))
        })
        .max_by_key(|live| live.score)
}

/// Everything in every frame that is a consent banner or a layer of one.
async fn candidates(worlds: &Worlds) -> Vec<LiveBanner> {
    let mut found = Vec::new();
    for world in worlds.own_worlds() {
        let Some(scan) = ask(worlds, &world).await else {
            continue;
        };
        found.extend(scan.live(&world));
    }
    found
}

/// Looks for what stands once something on a banner was clicked: a question whether the visitor is
/// sure may offer nothing but the answer itself.
pub async fn look_again(worlds: &Worlds, first: &LiveBanner) -> Option<LiveBanner> {
    if let Some(live) = look(worlds).await {
        return Some(live);
    }
    let scan = ask(worlds, &first.world).await?;
    scan.banners.iter().find_map(|banner| {
        let came_later = |button: &ScannedButton| button.id >= first.known;
        if !banner.overlay || !banner.spoken || !banner.buttons.iter().all(came_later) {
            return None;
        }
        let live = understand(banner, &first.world, &scan, 0);
        live.button(ButtonRole::Reject).is_some().then_some(live)
    })
}

/// Asks one frame what might be a banner; where nothing is, also what the browser alone can see, and
/// words that nothing shows to be buttons.
async fn ask(worlds: &Worlds, world: &World) -> Option<Scan> {
    let scan = async || {
        let answer = worlds
            .evaluate(world, "globalThis.consentinel?.scan()")
            .await;
        serde_json::from_value::<Scan>(answer.ok()?).ok()
    };
    let says = async |question: &str| {
        let answer = worlds
            .evaluate(world, format!("globalThis.consentinel?.{question}()"))
            .await;
        matches!(answer, Ok(Json::Bool(true)))
    };
    let is_there = |scan: &Scan| scan.live(world).next().is_some();
    let mut found = scan().await?;
    if is_there(&found) {
        return Some(found);
    }
    if says("veiled").await {
        match closed::open(world).await {
            Ok(0) => {}
            Ok(_) => found = scan().await?,
            Err(error) => {
                tracing::debug!(%error, "closed shadow roots could not be looked into");
            }
        }
    }
    if !is_there(&found) && says("lookCloser").await {
        let closer = scan().await?;
        if is_there(&closer) {
            return Some(closer);
        }
        says("lookAway").await;
    }
    Some(found)
}

/// Reads a candidate's words. `None` when it is no consent banner.
fn read(banner: &ScannedBanner, world: &World, scan: &Scan) -> Option<LiveBanner> {
    let live = understand(banner, world, scan, 0);
    let score = score(banner, &live.buttons)?;
    Some(LiveBanner { score, ..live })
}

/// Reads the words on a candidate's buttons.
fn understand(banner: &ScannedBanner, world: &World, scan: &Scan, score: u32) -> LiveBanner {
    let lexicon = Lexicon::builtin();
    let mut buttons: Vec<LiveButton> = Vec::new();
    for button in &banner.buttons {
        let meaning = lexicon
            .classify(&button.text)
            .map(|meaning| (meaning.role, meaning.language));
        let Some((role, language)) =
            meaning.or_else(|| Some((role_by_mark(&button.mark)?, BY_MARK.to_owned())))
        else {
            continue;
        };
        // "OK" on a link that leads away takes note of nothing.
        let role = if button.link && role == ButtonRole::Acknowledge {
            ButtonRole::Link
        } else {
            role
        };
        buttons.push(LiveButton {
            id: button.id,
            role,
            text: button.text.clone(),
            language,
            disabled: button.disabled,
            place: button.place,
            contrast: button.contrast,
            fill: button.fill.clone(),
            font: button.font,
        });
    }
    let mut languages = lexicon.languages_of(&banner.text);
    let declared = banner
        .lang
        .split('-')
        .next()
        .unwrap_or_default()
        .to_lowercase();
    if languages.is_empty() && declared.len() == 2 {
        languages.push(declared);
    }
    LiveBanner {
        world: world.clone(),
        id: banner.id,
        origin: scan.origin.clone(),
        buttons,
        toggles: banner.toggles.clone(),
        questions: questions(&banner.options),
        share: banner.share,
        locked: scan.locked,
        overlay: banner.overlay,
        known: scan.kept,
        text: banner.text.clone(),
        languages,
        score,
    }
}

/// The questions among radio buttons: those of whose answers one is known to refuse.
fn questions(options: &[Choosable]) -> Vec<Question> {
    let lexicon = Lexicon::builtin();
    let mut by_question: BTreeMap<&str, Vec<&Choosable>> = BTreeMap::new();
    for option in options.iter().filter(|option| !option.disabled) {
        by_question
            .entry(&option.question)
            .or_default()
            .push(option);
    }
    let role = |option: &Choosable| {
        let said = lexicon.classify(&option.text).map(|meaning| meaning.role);
        said.or_else(|| switched_by_word(&option.text))
            .or_else(|| role_by_mark(&option.mark))
            .or_else(|| switched_by_mark(&option.mark))
    };
    by_question
        .into_values()
        .filter_map(|options| {
            let of = |wanted| {
                options
                    .iter()
                    .find(|option| role(option) == Some(wanted))
                    .copied()
            };
            let no = of(ButtonRole::Reject)?;
            Some(Question {
                text: options
                    .iter()
                    .map(|option| option.about.as_str())
                    .find(|about| !about.is_empty())
                    .unwrap_or_default()
                    .to_owned(),
                yes: of(ButtonRole::Accept).map(|option| option.id),
                no: no.id,
                refused: no.checked,
            })
        })
        .collect()
}

/// How likely a candidate is the banner; `None` when it cannot be.
fn score(banner: &ScannedBanner, buttons: &[LiveButton]) -> Option<u32> {
    static HINT: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?i)cookie|consent|gdpr|rgpd|dsgvo|cmp|ccpa|orejime|onetrust|klaro|didomi|tarteaucitron|privacy.?(?:banner|notice|pop|modal|dialog|manager|cent|bar)").ok()
    });
    static PLACED: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?i)privacy|notice|banner").ok());
    let has = |role| buttons.iter().any(|button| button.role == role);
    let fits = |pattern: &LazyLock<Option<Regex>>| {
        pattern
            .as_ref()
            .is_some_and(|pattern| pattern.is_match(&banner.hint))
    };
    let hinted = fits(&HINT);
    let refuses_by_name = buttons.iter().any(|button| {
        button.role == ButtonRole::Reject && Lexicon::builtin().topics(&button.text).0 > 0
    });
    let answers_plainly = has(ButtonRole::Accept) || has(ButtonRole::Reject);
    let asks_for_a_choice = has(ButtonRole::Settings) || has(ButtonRole::Save);
    let answers = [
        (ButtonRole::Accept, 40),
        (ButtonRole::Reject, 40),
        (ButtonRole::Settings, 15),
        (ButtonRole::Save, 15),
        (ButtonRole::Acknowledge, 10),
        (ButtonRole::Pay, 5),
    ];
    let mut score: u32 = answers
        .iter()
        .filter(|(role, _)| has(*role))
        .map(|(_, points)| points)
        .sum();
    // A second layer may have nothing but switches and a button that saves them.
    let switches =
        has(ButtonRole::Save) && !(banner.toggles.is_empty() && banner.options.is_empty());
    let answerable = has(ButtonRole::Accept)
        // "No" alone refuses anything; where it or its banner's name speaks of consent, it refuses this.
        || has(ButtonRole::Reject) && (hinted || asks_for_a_choice || refuses_by_name)
        || has(ButtonRole::Acknowledge)
        || (has(ButtonRole::Settings) && has(ButtonRole::Save))
        || switches
        // A notice that asks nothing and can only be closed.
        || has(ButtonRole::Close) && banner.overlay && banner.spoken && hinted && !banner.form;
    if !answerable {
        return None;
    }
    // Who asks for an address, a password or a birthday asks something else.
    if banner.form && !hinted && !asks_for_a_choice {
        return None;
    }
    if !hinted
        && !asks_for_a_choice
        && !has(ButtonRole::Pay)
        && is_about_something_else(banner, answers_plainly)
    {
        return None;
    }
    // An age gate that links to a cookie policy asks something else.
    if !banner.spoken && !hinted && !has(ButtonRole::Settings) {
        return None;
    }
    // Links at the end of a page that lead to the settings ask nothing.
    let asks = has(ButtonRole::Accept) || has(ButtonRole::Acknowledge) || has(ButtonRole::Save);
    if !banner.overlay && !asks {
        return None;
    }
    // A placeholder in the middle of an article ("accept to see this video") is no banner.
    let full = switches
        || has(ButtonRole::Accept) && (has(ButtonRole::Reject) || has(ButtonRole::Settings));
    if !banner.overlay && !hinted && !fits(&PLACED) && !full && !has(ButtonRole::Reject) {
        return None;
    }
    if banner.overlay {
        score += 20;
    }
    if hinted {
        score += 10;
    }
    Some(score)
}

/// Whether it asks for an age, or for something else: a newsletter, an account, a chat.
///
/// What its buttons say weighs more than its text: a banner may well speak of carts and accounts.
fn is_about_something_else(banner: &ScannedBanner, answers: bool) -> bool {
    static AGE: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(?:^|\D)(?:1[3-9]|2[01])(?:\D|$)").ok());
    let lexicon = Lexicon::builtin();
    let names_an_age = |text: &str| AGE.as_ref().is_some_and(|age| age.is_match(text));
    let (consent, elsewhere) = lexicon.topics(&banner.text);
    let other_buttons = || {
        banner
            .buttons
            .iter()
            .filter(|button| lexicon.classify(&button.text).is_none())
    };
    // What speaks of consent only in the name of a policy asks for something else, if it says so.
    if consent == 0 && elsewhere > 0 {
        return true;
    }
    other_buttons().any(|button| names_an_age(&button.text))
        || (consent <= 1 && names_an_age(&banner.text))
        || (!answers && elsewhere > consent)
        || (elsewhere >= consent
            && other_buttons().any(|button| lexicon.topics(&button.text).1 > 0))
}
