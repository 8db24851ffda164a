//! Decodes the IAB's TC string (TCF v2) and Google's AC string.
//!
//! Layout: IAB Tech Lab, "Consent string and vendor list formats v2", core segment.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

use super::snapshot::Grant;

/// Purposes the framework defines; a core segment has room for 24.
const PURPOSES: u8 = 11;

/// Segments read after the core; the framework defines two.
const MOST_SEGMENTS: usize = 4;
/// Longest text tried, in bytes: thousands of vendors fit into a tenth of it.
const LONGEST: usize = 64 * 1024;

/// Deciseconds in 2018 and 2100: a string created outside of these years is no TC string.
const PLAUSIBLE_CREATED: std::ops::Range<u64> = 15_147_648_000..41_024_448_000;

/// The core segment of a TC string, as far as it speaks of the visitor's choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcString {
    /// When the string was first made, in deciseconds since 1970.
    pub created_ds: u64,
    /// The consent platform's number in the IAB's list.
    pub cmp_id: u16,
    /// ISO 639-1 code of the language the banner was shown in, upper case.
    pub language: String,
    /// Version of the vendor list asked about.
    pub vendor_list_version: u16,
    /// Version of the framework's policy.
    pub policy_version: u8,
    /// Made for this site only.
    pub service_specific: bool,
    /// Special features opted in to, from 1.
    pub special_features: Vec<u8>,
    /// Purposes consented to, from 1.
    pub purposes_consent: Vec<u8>,
    /// Purposes whose legitimate interest was disclosed and not objected to, from 1.
    pub purposes_legitimate_interest: Vec<u8>,
    /// The publisher's country asks nobody about purpose 1, so its bit says nothing.
    pub purpose_one_treatment: bool,
    /// Number of vendors consented to.
    pub vendor_consents: usize,
    /// The vendors consented to: first and last of each range.
    consented: Vec<(u16, u16)>,
    /// Number of vendors whose legitimate interest was disclosed and not objected to.
    pub vendor_legitimate_interests: usize,
    /// Purposes the publisher itself was consented to, from 1; of the segment `publisherTC`.
    pub publisher_consents: Vec<u8>,
}

impl TcString {
    /// Decodes the core segment; absent when `text` is no TC string of version 2.
    pub fn parse(text: &str) -> Option<Self> {
        let core = text.split('.').next()?;
        // 29 bytes is the shortest core segment, with empty vendor lists.
        if !core.starts_with('C') || !(36..=LONGEST).contains(&core.len()) {
            return None;
        }
        let bytes = base64_bytes(core)?;
        let mut bits = Bits::new(&bytes);
        if bits.number(6)? != 2 {
            return None;
        }
        let created_ds = bits.number(36)?;
        let updated_ds = bits.number(36)?;
        if !PLAUSIBLE_CREATED.contains(&created_ds) || !PLAUSIBLE_CREATED.contains(&updated_ds) {
            return None;
        }
        let cmp_id = bits.number(12)? as u16;
        // The platform's version and the screen the choice was made on.
        bits.skip(12 + 6)?;
        let language = bits.letters()?;
        let vendor_list_version = bits.number(12)? as u16;
        let policy_version = bits.number(6)? as u8;
        let service_specific = bits.number(1)? == 1;
        // Non-standard texts.
        bits.skip(1)?;
        let special_features = bits.set(12)?;
        let purposes_consent = bits.set(24)?;
        let purposes_legitimate_interest = bits.set(24)?;
        let purpose_one_treatment = bits.number(1)? == 1;
        // The publisher's country.
        bits.skip(12)?;
        let (vendor_consents, consented) = bits.vendors()?;
        // Old and broken strings end here: without vendors there is no legitimate interest either.
        let (vendor_legitimate_interests, _) = bits.vendors().unwrap_or_default();
        Some(Self {
            created_ds,
            cmp_id,
            language,
            vendor_list_version,
            policy_version,
            service_specific,
            special_features,
            purposes_consent,
            purposes_legitimate_interest,
            purpose_one_treatment,
            vendor_consents,
            consented,
            vendor_legitimate_interests,
            publisher_consents: text
                .split('.')
                .skip(1)
                .take(MOST_SEGMENTS)
                .find_map(publisher_consents)
                .unwrap_or_default(),
        })
    }

    /// Whether it consents to the vendor of that number in the IAB's list.
    pub fn consents_to_vendor(&self, number: u16) -> bool {
        self.consented
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&number))
    }

    /// Whether anything in it is a consent. Legitimate interest is none.
    pub fn consents(&self) -> bool {
        self.vendor_consents > 0
            || !self.purposes_consent.is_empty()
            || !self.special_features.is_empty()
            || !self.publisher_consents.is_empty()
    }

    /// Its purposes and special features as grants. Legitimate interest is no consent and left out.
    pub fn grants(&self) -> Vec<Grant> {
        let beyond = self
            .purposes_consent
            .iter()
            .copied()
            .filter(|purpose| *purpose > PURPOSES);
        let purposes = (1..=PURPOSES).chain(beyond).map(|purpose| Grant {
            name: purpose_name(purpose),
            granted: self.purposes_consent.contains(&purpose),
            necessary: false,
        });
        let features = self.special_features.iter().map(|feature| Grant {
            name: format!("special feature {feature}"),
            granted: true,
            necessary: false,
        });
        purposes.chain(features).collect()
    }

    /// Like [`Self::grants`], but without refused purposes beside granted ones: the string does not
    /// tell which purposes were asked for, so those that were not look refused.
    pub fn decided(&self) -> Vec<Grant> {
        let mut grants = self.grants();
        if !self.purposes_consent.is_empty() {
            grants.retain(|grant| grant.granted);
        }
        grants
    }
}

/// What a purpose is called in grants.
pub fn purpose_name(purpose: u8) -> String {
    format!("purpose {purpose}")
}

/// The publisher's own purposes of a segment of type 3; absent for other segments.
fn publisher_consents(segment: &str) -> Option<Vec<u8>> {
    let bytes = base64_bytes(segment)?;
    let mut bits = Bits::new(&bytes);
    (bits.number(3)? == 3).then(|| bits.set(24)).flatten()
}

fn base64_bytes(text: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    const ENGINE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);
    let plain = !text.contains('=') && text.len() <= LONGEST;
    plain.then(|| ENGINE.decode(text).ok()).flatten()
}

/// Number of vendors outside of the framework that an AC string (`2~1.35.41~dv.…`) consents to.
pub fn additional_vendors(text: &str) -> Option<usize> {
    let mut parts = text.split('~');
    let version = parts.next()?;
    let consented = parts.next()?;
    let numeric = |part: &str| {
        part.bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.')
    };
    if !matches!(version, "1" | "2") || !numeric(consented) {
        return None;
    }
    if parts
        .next()
        .is_some_and(|disclosed| !disclosed.starts_with("dv.") && disclosed != "dv")
    {
        return None;
    }
    Some(consented.split('.').filter(|id| !id.is_empty()).count())
}

/// Reads numbers of any width from bytes, first bit first.
struct Bits<'bytes> {
    bytes: &'bytes [u8],
    at: usize,
}

impl<'bytes> Bits<'bytes> {
    fn new(bytes: &'bytes [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn bit(&mut self) -> Option<bool> {
        let byte = *self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    /// A number of `width` bits, at most 64.
    fn number(&mut self, width: usize) -> Option<u64> {
        let mut number = 0;
        for _ in 0..width {
            number = number << 1 | u64::from(self.bit()?);
        }
        Some(number)
    }

    fn skip(&mut self, width: usize) -> Option<()> {
        self.at += width;
        (self.at <= self.bytes.len() * 8).then_some(())
    }

    /// Two letters of six bits each, A = 0.
    fn letters(&mut self) -> Option<String> {
        (0..2)
            .map(|_| {
                let letter = u8::try_from(self.number(6)?).ok()?;
                (letter < 26).then(|| char::from(b'A' + letter))
            })
            .collect()
    }

    /// The places, from 1, of the bits that are set in a field of `width` bits.
    fn set(&mut self, width: u8) -> Option<Vec<u8>> {
        let mut set = Vec::new();
        for place in 1..=width {
            if self.bit()? {
                set.push(place);
            }
        }
        Some(set)
    }

    /// The vendors of a vendor section, written as a bit field or as ranges: how many, and in which ranges.
    fn vendors(&mut self) -> Option<(usize, Vec<(u16, u16)>)> {
        let highest = self.number(16)? as u16;
        let mut ranges: Vec<(u16, u16)> = Vec::new();
        let mut count = 0_usize;
        if !self.bit()? {
            for vendor in 1..=highest {
                if !self.bit()? {
                    continue;
                }
                count += 1;
                match ranges.last_mut() {
                    Some((_, last)) if *last + 1 == vendor => *last = vendor,
                    _ => ranges.push((vendor, vendor)),
                }
            }
            return Some((count, ranges));
        }
        let entries = self.number(12)?;
        for _ in 0..entries {
            let is_range = self.bit()?;
            let start = self.number(16)? as u16;
            let end = if is_range {
                self.number(16)? as u16
            } else {
                start
            };
            let many = (usize::from(end) + 1).saturating_sub(usize::from(start));
            // Overlapping ranges are malformed and would be counted twice: never above the highest.
            count = (count + many).min(usize::from(highest));
            ranges.push((start, end));
        }
        Some((count, ranges))
    }
}

/// What a test wants to stand in a string, so that what is read can be compared with what was meant.
#[cfg(test)]
#[derive(Debug, Clone)]
pub(crate) struct Written {
    /// When it was made, in deciseconds since 1970.
    pub(crate) created_ds: u64,
    /// The consent platform.
    pub(crate) cmp_id: u16,
    /// Special features, the first in the highest of 12 bits.
    pub(crate) special: u16,
    /// Purposes consented to, the first in the highest of 24 bits.
    pub(crate) consents: u32,
    /// Legitimate interests, likewise.
    pub(crate) interests: u32,
    /// Purpose one treatment.
    pub(crate) treated: bool,
    /// Ranges of vendors consented to.
    pub(crate) vendors: Vec<(u16, u16)>,
    /// Ranges of vendors with a legitimate interest.
    pub(crate) interested: Vec<(u16, u16)>,
}

#[cfg(test)]
impl Default for Written {
    fn default() -> Self {
        Self {
            created_ds: 17_489_088_000,
            cmp_id: 7,
            special: 0,
            consents: 0,
            interests: 0,
            treated: false,
            vendors: Vec::new(),
            interested: Vec::new(),
        }
    }
}

#[cfg(test)]
impl Written {
    /// The string.
    pub(crate) fn text(&self) -> String {
        fn put(bits: &mut Vec<u8>, number: u64, width: usize) {
            bits.extend(format!("{number:0width$b}").bytes());
        }
        fn put_vendors(bits: &mut Vec<u8>, ranges: &[(u16, u16)]) {
            put(bits, 2_000, 16);
            put(bits, 1, 1);
            put(bits, ranges.len() as u64, 12);
            for (start, end) in ranges {
                put(bits, u64::from(start != end), 1);
                put(bits, u64::from(*start), 16);
                if start != end {
                    put(bits, u64::from(*end), 16);
                }
            }
        }
        let mut bits: Vec<u8> = Vec::new();
        for (number, width) in [
            (2, 6),
            (self.created_ds, 36),
            (self.created_ds, 36),
            (u64::from(self.cmp_id), 12),
            (1, 12),
            (1, 6),
            (3, 6),
            (4, 6),
            (48, 12),
            (4, 6),
            (1, 1),
            (0, 1),
            (u64::from(self.special), 12),
            (u64::from(self.consents), 24),
            (u64::from(self.interests), 24),
            (u64::from(self.treated), 1),
            (3, 6),
            (4, 6),
        ] {
            put(&mut bits, number, width);
        }
        put_vendors(&mut bits, &self.vendors);
        put_vendors(&mut bits, &self.interested);
        let bytes: Vec<u8> = bits
            .chunks(8)
            .map(|chunk| {
                chunk
                    .iter()
                    .chain(std::iter::repeat(&b'0'))
                    .take(8)
                    .fold(0, |byte, digit| byte << 1 | (digit - b'0'))
            })
            .collect();
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use proptest::prelude::*;

    use super::*;

    /// Sample of the IAB's specification: vendors without a single purpose.
    const SAMPLE: &str =
        "CQSbk4AQSbk4ANwAAAENAwCgAAAAAAAAAAYgACPAAAAA.IDKQA4AAgAKAGQAygAAA.YAAAAAAAAAAA";

    #[test]
    fn the_specification_s_sample() {
        let tc = TcString::parse(SAMPLE).unwrap();
        // 3 June 2025, 00:00 UTC, is 1 748 908 800 s.
        assert_eq!(tc.created_ds, 17_489_088_000);
        assert_eq!(tc.cmp_id, 880);
        assert_eq!(tc.language, "EN");
        assert_eq!(tc.vendor_list_version, 48);
        assert_eq!(tc.policy_version, 2);
        assert!(tc.service_specific);
        assert!(tc.purposes_consent.is_empty());
        assert!(tc.purposes_legitimate_interest.is_empty());
        assert!(tc.special_features.is_empty());
        assert_eq!(tc.vendor_consents, 4);
        let vendors = [0, 1, 4, 5, 100].map(|number| tc.consents_to_vendor(number));
        assert_eq!(vendors, [false, true, true, false, false]);
        assert!(!tc.purpose_one_treatment);
        assert_eq!(tc.vendor_legitimate_interests, 0);
        assert!(tc.publisher_consents.is_empty());
        assert!(tc.consents(), "vendors without a purpose are consents, too");
        assert!(tc.grants().iter().all(|grant| !grant.granted));
    }

    fn written(special: u16, consents: u32, interests: u32, vendors: &[(u16, u16)]) -> String {
        Written {
            special,
            consents,
            interests,
            vendors: vendors.to_vec(),
            ..Written::default()
        }
        .text()
    }

    #[test]
    fn consents_interests_and_ranges_are_told_apart() {
        // Purpose 1 is the highest of 24 bits, special feature 1 the highest of 12.
        let text = written(1 << 11, 0b101 << 21, 1 << 22, &[(1, 10), (28, 28)]);
        let tc = TcString::parse(&text).unwrap();
        assert_eq!(tc.language, "DE");
        assert_eq!(tc.special_features, [1]);
        assert_eq!(tc.purposes_consent, [1, 3]);
        assert_eq!(tc.purposes_legitimate_interest, [2]);
        assert_eq!(tc.vendor_consents, 11);
        let vendors = [1, 10, 11, 27, 28, 29].map(|number| tc.consents_to_vendor(number));
        assert_eq!(vendors, [true, true, false, false, true, false]);
        let granted: Vec<String> = tc
            .grants()
            .into_iter()
            .filter(|grant| grant.granted)
            .map(|grant| grant.name)
            .collect();
        assert_eq!(granted, ["purpose 1", "purpose 3", "special feature 1"]);
    }

    #[test]
    fn other_texts_are_no_tc_strings() {
        for text in [
            "",
            "C",
            "COOKIE",
            "CAISNQgQEitib3FfaWRlbnRpdHlmcm9udGVuZHVpc2VydmVy",
            // Version 1 of the framework.
            "BPuKNGaPuKNGaAfEHBFIABAAAAA_mABAfyABPuKNGaPuKNGa",
            // Cut short.
            "CQSbk4AQSbk4ANwAAAENAwCgAAAAAAAAAAYg",
            // Created in the year 1970.
            "CAAAAAAAAAAAANwAAAENAwCgAAAAAAAAAAYgACPAAAAA",
        ] {
            assert_eq!(TcString::parse(text), None, "{text}");
        }
    }

    #[test]
    fn additional_vendors_are_counted() {
        for (text, expected) in [
            ("1~", Some(0)),
            ("1~1.35.41.101", Some(4)),
            ("2~~dv.6.9", Some(0)),
            ("2~7.12~dv.6.9", Some(2)),
            ("3~1", None),
            ("1", None),
            ("1~abc", None),
            ("", None),
        ] {
            assert_eq!(additional_vendors(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reader(text in "C[A-Za-z0-9_.-]{0,200}") {
            if let Some(tc) = TcString::parse(&text) {
                prop_assert!(u16::try_from(tc.vendor_consents).is_ok());
            }
            let _ = additional_vendors(&text);
        }

        #[test]
        fn what_was_written_is_read(consents in 0_u32..1 << 24, interests in 0_u32..1 << 24) {
            let tc = TcString::parse(&written(0, consents, interests, &[])).unwrap();
            prop_assert_eq!(tc.purposes_consent.len(), consents.count_ones() as usize);
            prop_assert_eq!(tc.purposes_legitimate_interest.len(), interests.count_ones() as usize);
        }
    }
}
