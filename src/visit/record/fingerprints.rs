//! What scripts read that fingerprints of a device are made of, and the techniques that gives.
//!
//! The thresholds are those of the measurement literature (Englehardt and Narayanan, "Online tracking:
//! a 1-million-site measurement", 2016): they leave out emoji tests, charts and games.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::Value as Json;

use super::scripts::Told;
use super::{Clock, cut};
use crate::model::party::{host_of, party_of};
use crate::model::snapshot::{FingerprintRead, ScriptPlace, Technique};
use crate::model::visit::PhaseName;

/// Most scripts kept.
const MOST_SCRIPTS: usize = 500;
/// Most different texts kept of one script and kind.
const MOST_DIFFERENT: usize = 400;

/// A canvas is read for a fingerprint when it is larger than this, in pixels, …
const SMALLEST_AREA: f64 = 16.0 * 16.0;
/// … and so many different characters or colours were drawn on it.
const DISTINCT_CHARACTERS: usize = 10;
const DISTINCT_COLOURS: usize = 2;
/// So many fonts are measured to find out which are installed.
const DISTINCT_FONTS: usize = 50;
/// So many parameters and extensions of the graphics card.
const DISTINCT_PARAMETERS: usize = 10;
const DISTINCT_EXTENSIONS: usize = 5;
/// `UNMASKED_VENDOR_WEBGL` and `UNMASKED_RENDERER_WEBGL`: the name of the graphics card.
const UNMASKED: [&str; 2] = ["37445", "37446"];

/// One canvas of one document.
type Canvas = (String, i64, i64);

#[derive(Debug, Default)]
struct Drawn {
    characters: BTreeSet<char>,
    colours: BTreeSet<String>,
    /// Saves and restores its state: a picture that is worked on, not a test card.
    worked_on: bool,
    read: bool,
}

impl Drawn {
    fn is_fingerprint(&self) -> bool {
        self.read
            && !self.worked_on
            && (self.characters.len() >= DISTINCT_CHARACTERS
                || self.colours.len() >= DISTINCT_COLOURS)
    }
}

/// What one script read in one phase in the frames of one origin.
#[derive(Debug)]
struct Reader {
    at_ms: u64,
    stack: Vec<ScriptPlace>,
    calls: BTreeMap<String, u64>,
    fonts: HashSet<String>,
    parameters: HashSet<String>,
    extensions: HashSet<String>,
    canvases: BTreeMap<Canvas, Drawn>,
}

/// Everything heard of such reads.
#[derive(Debug, Default)]
pub(super) struct FingerprintLog {
    readers: BTreeMap<(String, String, u8), (PhaseName, Reader)>,
}

fn keep(set: &mut HashSet<String>, report: &Json, field: &str) {
    if let Some(text) = report[field].as_str()
        && set.len() < MOST_DIFFERENT
    {
        set.insert(cut(text).to_owned());
    }
}

impl FingerprintLog {
    /// A report of the hook of kind `read`.
    pub(super) fn read(
        &mut self,
        clock: &Clock,
        at_ms: u64,
        told: &Told<'_>,
        stack: Vec<ScriptPlace>,
    ) {
        let report = told.report;
        let Some(api) = report["api"].as_str().filter(|api| api.len() <= 64) else {
            return;
        };
        let script = stack
            .first()
            .map_or_else(String::new, |place| place.url.clone());
        let origin = cut(report["origin"].as_str().unwrap_or_default()).to_owned();
        let phase = clock.phase_at(at_ms);
        let key = (script, origin, phase as u8);
        if self.readers.len() >= MOST_SCRIPTS && !self.readers.contains_key(&key) {
            return;
        }
        let (_, reader) = self.readers.entry(key).or_insert_with(|| {
            let reader = Reader {
                at_ms,
                stack,
                calls: BTreeMap::new(),
                fonts: HashSet::new(),
                parameters: HashSet::new(),
                extensions: HashSet::new(),
                canvases: BTreeMap::new(),
            };
            (phase, reader)
        });
        *reader.calls.entry(api.to_owned()).or_default() += 1;
        match api {
            "canvas.measureText" | "fonts.check" => keep(&mut reader.fonts, report, "font"),
            "webgl.getParameter" => keep(&mut reader.parameters, report, "argument"),
            "webgl.getExtension" => keep(&mut reader.extensions, report, "argument"),
            _ => {}
        }
        let Some(number) = report["canvas"].as_i64() else {
            return;
        };
        let (session, context) = told.document;
        let canvas = (session.to_owned(), context, number);
        if reader.canvases.len() >= MOST_DIFFERENT && !reader.canvases.contains_key(&canvas) {
            return;
        }
        let drawn = reader.canvases.entry(canvas).or_default();
        match api {
            "canvas.fillText" | "canvas.strokeText" => {
                drawn
                    .characters
                    .extend(report["text"].as_str().unwrap_or_default().chars());
                if drawn.colours.len() < MOST_DIFFERENT {
                    drawn
                        .colours
                        .insert(cut(report["style"].as_str().unwrap_or_default()).to_owned());
                }
            }
            "canvas.save" | "canvas.restore" => drawn.worked_on = true,
            _ => {
                let side = |name: &str| report[name].as_f64().unwrap_or_default().abs();
                drawn.read |= side("width") * side("height") > SMALLEST_AREA;
            }
        }
    }

    /// One entry for each script, origin and phase.
    pub(super) fn reads(self, site: &str) -> Vec<FingerprintRead> {
        let mut reads: Vec<FingerprintRead> = self
            .readers
            .into_iter()
            .map(|((script, origin, _), (phase, reader))| FingerprintRead {
                party: party_of(&host_of(&script), site),
                techniques: techniques(&reader),
                script,
                origin,
                at_ms: reader.at_ms,
                phase,
                calls: reader.calls,
                stack: reader.stack,
            })
            .collect();
        reads.sort_by_key(|read| read.at_ms);
        reads
    }
}

fn techniques(reader: &Reader) -> Vec<Technique> {
    let called = |api: &str| reader.calls.contains_key(api);
    let any = |group: &str| reader.calls.keys().any(|api| api.starts_with(group));
    let measured = called("canvas.measureText") || called("fonts.check");
    let unmasked = UNMASKED
        .iter()
        .any(|parameter| reader.parameters.contains(*parameter));
    [
        (
            Technique::Canvas,
            reader.canvases.values().any(Drawn::is_fingerprint),
        ),
        (
            Technique::Fonts,
            measured && reader.fonts.len() >= DISTINCT_FONTS,
        ),
        (
            Technique::Webgl,
            (unmasked || reader.parameters.len() >= DISTINCT_PARAMETERS)
                && (called("webgl.getSupportedExtensions")
                    || reader.extensions.len() >= DISTINCT_EXTENSIONS
                    || called("webgl.getShaderPrecisionFormat")),
        ),
        (
            Technique::Audio,
            called("audio.startRendering") && called("audio.getChannelData"),
        ),
        (
            Technique::Webrtc,
            called("webrtc.createDataChannel") && called("webrtc.createOffer"),
        ),
        (
            Technique::ClientHints,
            called("client-hints.getHighEntropyValues"),
        ),
        (Technique::Battery, any("battery.")),
        (Technique::Sensors, any("sensor.")),
    ]
    .into_iter()
    .filter_map(|(technique, used)| used.then_some(technique))
    .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::real_clock;
    use super::*;

    fn techniques_of(reports: &[Json]) -> Vec<Technique> {
        let (clock, mut log) = (real_clock(), FingerprintLog::default());
        for report in reports {
            let told = Told {
                report,
                stack: &Json::Null,
                epoch_ms: None,
                document: ("S", 1),
            };
            log.read(&clock, 0, &told, Vec::new());
        }
        log.reads("shop.test")
            .into_iter()
            .flat_map(|read| read.techniques)
            .collect()
    }

    fn text(canvas: i64, text: &str, style: &str) -> Json {
        json!({"api": "canvas.fillText", "canvas": canvas, "text": text, "style": style})
    }

    fn read(canvas: i64, width: i64, height: i64) -> Json {
        json!({"api": "canvas.toDataURL", "canvas": canvas, "width": width, "height": height})
    }

    #[test]
    fn canvases_are_fingerprints_when_enough_was_drawn_and_then_read() {
        let pangram = "Cwm fjordbank glyphs vext quiz";
        for (reports, expected) in [
            (vec![text(1, pangram, "#f60"), read(1, 240, 60)], true),
            (
                vec![
                    text(1, "ab", "#f60"),
                    text(1, "a", "#069"),
                    read(1, 240, 60),
                ],
                true,
            ),
            // An emoji test, a tiny one, another canvas, one that is worked on, one that is never read.
            (vec![text(1, "😀", "#000"), read(1, 40, 40)], false),
            (vec![text(1, pangram, "#f60"), read(1, 16, 16)], false),
            (vec![text(1, pangram, "#f60"), read(2, 240, 60)], false),
            (
                vec![
                    text(1, pangram, "#f60"),
                    json!({"api": "canvas.save", "canvas": 1}),
                    read(1, 240, 60),
                ],
                false,
            ),
            (vec![text(1, pangram, "#f60")], false),
        ] {
            assert_eq!(
                techniques_of(&reports) == [Technique::Canvas],
                expected,
                "{reports:?}"
            );
        }
    }

    #[test]
    fn thresholds_of_the_other_techniques() {
        let fonts = |count: usize| -> Vec<Json> {
            (0..count)
                .map(|number| json!({"api": "canvas.measureText", "font": format!("12px f{number}")}))
                .collect()
        };
        assert_eq!(techniques_of(&fonts(50)), [Technique::Fonts]);
        assert!(techniques_of(&fonts(49)).is_empty());
        for (apis, expected) in [
            (
                vec!["audio.startRendering", "audio.getChannelData"],
                Some(Technique::Audio),
            ),
            (vec!["audio.startRendering"], None),
            (
                vec!["webrtc.createDataChannel", "webrtc.createOffer"],
                Some(Technique::Webrtc),
            ),
            (vec!["webrtc.createOffer"], None),
            (
                vec!["client-hints.getHighEntropyValues"],
                Some(Technique::ClientHints),
            ),
            (vec!["battery.getBattery"], Some(Technique::Battery)),
            (vec!["sensor.start"], Some(Technique::Sensors)),
            (vec!["media.enumerateDevices"], None),
        ] {
            let reports: Vec<Json> = apis.iter().map(|api| json!({"api": api})).collect();
            assert_eq!(
                techniques_of(&reports).first().copied(),
                expected,
                "{apis:?}"
            );
        }
        let card = json!({"api": "webgl.getParameter", "argument": "37446"});
        let list = json!({"api": "webgl.getSupportedExtensions", "argument": ""});
        assert_eq!(techniques_of(&[card.clone(), list]), [Technique::Webgl]);
        assert!(techniques_of(&[card]).is_empty());
    }
}
