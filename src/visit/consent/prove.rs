//! Proves that a choice was recorded: something independent of the click has to say so.
//!
//! In order: the platform's own record (cookie, storage, function, TC string, consent-mode update),
//! then a record whose name speaks of consent and whose value speaks of the answer.

use std::collections::BTreeMap;
use std::time::Duration;

use super::purposes::{Purposes, purpose_of};
use super::record::{self, Answer, Change, Record, Source};
use crate::model::snapshot::{Signal, StorageKind};
use crate::model::visit::{PhaseName, ProofStrength};
use crate::visit::stage::{Stage, World};

/// How often a record is looked for.
const PAUSE: Duration = Duration::from_millis(300);

/// What the site says of the visitor's consent at one moment.
#[derive(Debug, Clone, Default)]
pub struct Testimony {
    /// Cookies and storage entries by area and name.
    values: BTreeMap<(Option<StorageKind>, String), String>,
    /// What the page's functions say.
    probed: Vec<Record>,
    /// What the page tells its tags: reported, never a proof.
    told: Vec<Signal>,
}

impl Testimony {
    /// Whether a consent platform on the page says that the visitor has not answered it yet.
    pub fn waits_for_an_answer(&self) -> bool {
        let platforms = self
            .probed
            .iter()
            .filter(|record| record.kind == record::CMP_API || record.kind == record::TC_STRING);
        let mut waiting = platforms.filter(|record| !record.explicit).peekable();
        waiting.peek().is_some()
            && !self
                .probed
                .iter()
                .any(|record| record.explicit && record.kind != record::CONSENT_MODE)
    }
}

/// What the visitor says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish<'a> {
    /// Yes to everything.
    Everything,
    /// No to everything that can be refused.
    Nothing,
    /// Yes to some purposes, no to the rest.
    Some(&'a Purposes),
}

impl Wish<'_> {
    /// Whether the visitor allows what is called so.
    pub fn allows(self, name: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Nothing => false,
            Self::Some(purposes) => purposes.allows(name),
        }
    }
}

/// What was proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// The record says what the visitor said.
    Confirmed {
        /// Which record says so.
        how: String,
        /// How strong that is.
        strength: ProofStrength,
    },
    /// The record says something else.
    Contradicted {
        /// Which record says what.
        how: String,
    },
    /// Nothing says anything.
    Unconfirmed {
        /// What was seen instead.
        how: String,
    },
}

/// Hears what the site says now. `beside` is the host of the frame the banner stands in.
pub async fn testimony(stage: &Stage, beside: Option<&str>) -> Testimony {
    let site = crate::model::party::host_of(&stage.page_state().url);
    let mut values = BTreeMap::new();
    {
        let recording = stage.recording();
        for host in std::iter::once(site.as_str()).chain(beside) {
            for (name, value, area) in recording.values_of(host) {
                values.insert((area, name), value);
            }
        }
    }
    let (probed, told) = match stage.worlds().top_page_world(stage.main_frame()) {
        Some(world) => probe(stage, &world).await,
        None => (Vec::new(), Vec::new()),
    };
    Testimony {
        values,
        probed,
        told,
    }
}

async fn probe(stage: &Stage, world: &World) -> (Vec<Record>, Vec<Signal>) {
    match stage.ask_patiently(world, record::PROBE).await {
        Ok(answer) => (
            record::read_probe(&answer),
            record::signals::read_signals(&answer),
        ),
        Err(error) => {
            tracing::debug!(%error, "the page's consent functions could not be asked");
            (Vec::new(), Vec::new())
        }
    }
}

/// Notes everything the site says as signals of the snapshot.
pub fn note(stage: &Stage, testimony: &Testimony) {
    let mut recording = stage.recording();
    let at_ms = recording.now_ms();
    let stored = testimony.values.iter().filter_map(|((area, name), value)| {
        Some((name.clone(), record::read(name, value, source(*area))?))
    });
    let asked = testimony
        .probed
        .iter()
        .map(|record| (record.platform.to_owned(), record.clone()));
    for (source, record) in stored.chain(asked) {
        recording.on_signal(Signal {
            source,
            ..record.signal(at_ms, PhaseName::Idle)
        });
    }
    for signal in &testimony.told {
        recording.on_signal(Signal {
            at_ms,
            ..signal.clone()
        });
    }
}

/// Waits, `limit` at most, until something says that the visitor's answer was recorded.
pub async fn prove(
    stage: &Stage,
    wish: Wish<'_>,
    before: &Testimony,
    beside: Option<&str>,
    limit: Duration,
) -> Proof {
    let until_ms = stage.after(limit);
    loop {
        stage.take_stock().await;
        let now = testimony(stage, beside).await;
        note(stage, &now);
        let proof = compare(wish, before, &now);
        if matches!(proof, Proof::Confirmed { .. }) || stage.time().now_ms() >= until_ms {
            return proof;
        }
        stage.pass_in_view(PAUSE).await;
    }
}

fn source(area: Option<StorageKind>) -> Source<'static> {
    match area {
        None => Source::Cookie,
        Some(StorageKind::SessionStorage) => Source::SessionStorage,
        // No other storage is among the values.
        Some(_) => Source::LocalStorage,
    }
}

/// Compares what the site said before the click with what it says now.
///
/// Records are heard together: a platform's function knows which of the services its cookie lists
/// cannot be refused.
fn compare(wish: Wish<'_>, before: &Testimony, now: &Testimony) -> Proof {
    let changed: Vec<(&(Option<StorageKind>, String), &String)> = now
        .values
        .iter()
        .filter(|(key, value)| before.values.get(*key) != Some(*value))
        .collect();
    let stored: Vec<(String, Record)> = changed
        .iter()
        .filter_map(|((area, name), value)| {
            let record = record::read(name, value, source(*area))?;
            Some((format!("{} `{name}`", place(*area)), record))
        })
        .collect();
    // What a platform's function says counts when it changed, and also when the platform has just
    // written that the visitor answered: a refusal may well equal the default.
    let answered = |platform: &str| {
        stored
            .iter()
            .any(|(_, record)| record.explicit && record.platform == platform)
    };
    let asked = now
        .probed
        .iter()
        .filter(|record| !before.probed.contains(record) || answered(record.platform))
        .map(|record| (record.source.clone(), record.clone()));
    let (sources, records): (Vec<String>, Vec<Record>) =
        stored.iter().cloned().chain(asked).unzip();
    let said = record::says_explicitly(&records).map(|answer| {
        let speaker = sources.first().map_or("a record", String::as_str);
        let platform = records.first().map_or("", |record| record.platform);
        (
            answer,
            format!("{speaker} ({platform}) says {}", words(answer)),
        )
    });
    if let Some((answer, how)) = &said
        && (agrees(wish, *answer) && !matches!(wish, Wish::Some(_)) || grants_as(wish, &records))
    {
        return Proof::Confirmed {
            how: how.clone(),
            strength: ProofStrength::Record,
        };
    }
    let changes: Vec<Change<'_>> = changed
        .iter()
        .map(|(key, value)| Change {
            name: &key.1,
            old: before.values.get(*key).map(String::as_str),
            new: value,
            source: source(key.0),
        })
        .collect();
    match (record::infer(&changes), said) {
        (Some(inferred), None) if agrees(wish, inferred.answer) => Proof::Confirmed {
            how: format!("inferred: {}", inferred.because),
            strength: ProofStrength::Inferred,
        },
        (_, Some((_, how))) => Proof::Contradicted { how },
        (Some(inferred), None) if inferred.answer != Answer::Unclear => Proof::Contradicted {
            how: inferred.because,
        },
        (Some(inferred), None) => Proof::Unconfirmed {
            how: inferred.because,
        },
        (None, None) => Proof::Unconfirmed {
            how: "no record of an answer was found".to_owned(),
        },
    }
}

fn agrees(wish: Wish<'_>, answer: Answer) -> bool {
    match wish {
        Wish::Nothing => answer == Answer::Denied,
        Wish::Everything => answer == Answer::Granted,
        // Every switch was put as wished; a record in plain words tells no more than that they differ.
        Wish::Some(_) => answer == Answer::Mixed,
    }
}

/// Whether the records grant the purposes the visitor allows and none of the others.
///
/// A grant whose name tells no purpose cannot be held against the wish.
fn grants_as(wish: Wish<'_>, records: &[Record]) -> bool {
    let Wish::Some(purposes) = wish else {
        return false;
    };
    let mut told = records
        .iter()
        .flat_map(|record| &record.grants)
        .filter(|grant| !grant.necessary && purpose_of(&grant.name).is_some())
        .peekable();
    told.peek().is_some() && told.all(|grant| grant.granted == purposes.allows(&grant.name))
}

fn words(answer: Answer) -> &'static str {
    match answer {
        Answer::Granted => "everything is granted",
        Answer::Denied => "everything optional is denied",
        Answer::Mixed => "some is granted, some denied",
        Answer::Unclear => "the banner was answered, not how",
    }
}

fn place(area: Option<StorageKind>) -> &'static str {
    match area {
        None => "cookie",
        Some(StorageKind::SessionStorage) => "session storage",
        Some(_) => "local storage",
    }
}

/// The host whose records count beside the page's own: the frame the banner stands in.
pub fn host_beside(origin: &str) -> Option<String> {
    Some(crate::model::party::host_of(origin)).filter(|host| !host.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saying(values: &[(&str, &str)]) -> Testimony {
        let values = values
            .iter()
            .map(|(name, value)| ((None, (*name).to_owned()), (*value).to_owned()))
            .collect();
        Testimony {
            values,
            probed: Vec::new(),
            told: Vec::new(),
        }
    }

    #[test]
    fn only_what_changed_is_a_proof() {
        let before = saying(&[("klaro", r#"{"ga":false}"#)]);
        assert!(matches!(
            compare(Wish::Nothing, &before, &before),
            Proof::Unconfirmed { .. }
        ));
        let proof = compare(Wish::Nothing, &saying(&[]), &before);
        assert!(
            matches!(&proof, Proof::Confirmed { how, .. } if how.contains("klaro")),
            "{proof:?}"
        );
    }

    #[test]
    fn a_record_that_says_yes_contradicts_a_no() {
        let proof = compare(
            Wish::Nothing,
            &saying(&[]),
            &saying(&[("klaro", r#"{"ga":true}"#)]),
        );
        assert!(matches!(proof, Proof::Contradicted { .. }), "{proof:?}");
    }

    #[test]
    fn hiding_the_banner_proves_nothing() {
        let proof = compare(Wish::Nothing, &saying(&[]), &saying(&[("session", "8f3a")]));
        assert!(matches!(proof, Proof::Unconfirmed { .. }), "{proof:?}");
    }
}
