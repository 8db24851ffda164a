//! Evidence: what is written, that any change is noticed, and that other people's tools agree.

use std::path::Path;
use std::process::Command;

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{EncapsulatedContentInfo, SignedData, SignerInfos};
use consentinel::evidence::{self, Fault, Options, SigningKey, TimestampError, generate, verify};
use der::asn1::{GeneralizedTime, Int, OctetString, SetOfVec};
use der::oid::ObjectIdentifier;
use der::{Any, Decode, Encode, Tag};
use x509_tsp::{TimeStampReq, TspVersion, TstInfo};

use crate::sample;

/// Evidence of the sample with something of everything.
fn written(options: &Options) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let report = sample::rich();
    evidence::write(&folder.path().join("e"), &report, &report, options).unwrap();
    folder
}

fn every_file(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files
}

#[test]
fn holds_what_was_recorded_and_what_it_was_made_with() {
    let folder = written(&Options::default());
    let place = folder.path().join("e");
    for name in [
        "about.json",
        "report.json",
        "report.html",
        "SHA256SUMS",
        "pages/0001/page.json",
        "pages/0001/before-1/visit.json",
        "pages/0001/before-1/cookies.json",
        "pages/0001/before-1/storage.json",
        "pages/0001/before-1/requests.har",
        "pages/0001/before-1/cookies.txt",
    ] {
        assert!(place.join(name).is_file(), "{name}");
    }
    let read = |name: &str| std::fs::read_to_string(place.join(name)).unwrap();
    let cookies = read("pages/0001/before-1/cookies.json");
    assert!(cookies.contains(sample::SECRET));
    let line = format!(r#""line": "_ga={}; Path=/; Secure""#, sample::SECRET);
    assert!(cookies.contains(&line), "{cookies}");
    let about: serde_json::Value = serde_json::from_str(&read("about.json")).unwrap();
    for field in [
        "tool", "browser", "catalog", "rules", "clock", "started", "pages",
    ] {
        assert!(!about[field].is_null(), "{field}");
    }
    let pictures = every_file(&place)
        .iter()
        .filter(|path| path.extension().is_some_and(|ending| ending == "png"))
        .count();
    assert!(pictures > 0);
}

#[test]
fn redacted_evidence_holds_no_raw_value() {
    let folder = written(&Options {
        redact: true,
        ..Options::default()
    });
    for path in every_file(folder.path()) {
        let bytes = std::fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(sample::SECRET), "{}", path.display());
    }
}

#[test]
fn sha256sum_agrees() {
    let folder = written(&Options::default());
    let output = Command::new("sha256sum")
        .args(["--check", "--strict", "--quiet", "SHA256SUMS"])
        .current_dir(folder.path().join("e"))
        .output();
    match output {
        Ok(output) => assert!(output.status.success(), "{output:?}"),
        // Not every system has it; the sums themselves are checked below.
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound),
    }
    let check = verify(&folder.path().join("e"), None).unwrap();
    assert_eq!(check.faults, []);
    assert!(check.files > 20 && check.signed.is_none() && check.stamp.is_none());
}

#[test]
fn any_change_is_noticed() {
    type Change = fn(&Path);
    let cases: [(Change, Fault); 4] = [
        (
            |place| {
                let path = place.join("report.json");
                let mut bytes = std::fs::read(&path).unwrap();
                bytes[100] ^= 1;
                std::fs::write(path, bytes).unwrap();
            },
            Fault::Changed("report.json".to_owned()),
        ),
        (
            |place| std::fs::remove_file(place.join("about.json")).unwrap(),
            Fault::Missing("about.json".to_owned()),
        ),
        (
            |place| std::fs::write(place.join("pages/extra.txt"), "x").unwrap(),
            Fault::Added("pages/extra.txt".to_owned()),
        ),
        (
            |place| std::fs::write(place.join("SHA256SUMS.tsr"), "x").unwrap(),
            Fault::Timestamp("question or answer is missing".to_owned()),
        ),
    ];
    for (change, fault) in cases {
        let folder = written(&Options::default());
        let place = folder.path().join("e");
        change(&place);
        assert_eq!(verify(&place, None).unwrap().faults, [fault]);
    }
    let folder = written(&Options::default());
    std::fs::remove_file(folder.path().join("e/SHA256SUMS")).unwrap();
    assert!(verify(&folder.path().join("e"), None).is_err());
}

#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    let folder = written(&Options::default());
    let place = folder.path().join("e");
    let path = place.join("report.json");
    let copy = folder.path().join("copy.json");
    std::fs::rename(&path, &copy).unwrap();
    std::os::unix::fs::symlink(&copy, &path).unwrap();
    let faults = verify(&place, None).unwrap().faults;
    assert_eq!(faults, [Fault::Link("report.json".to_owned())]);
}

#[test]
fn a_folder_with_something_in_it_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine.txt"), "x").unwrap();
    let report = sample::clean();
    assert!(evidence::write(folder.path(), &report, &report, &Options::default()).is_err());
    assert_eq!(every_file(folder.path()).len(), 1);
}

#[test]
fn signatures_hold_for_their_key_and_their_sums_alone() {
    let (secret, public) = generate().unwrap();
    let (_, other) = generate().unwrap();
    let folder = written(&Options {
        key: Some(SigningKey::read(&secret, None).unwrap()),
        ..Options::default()
    });
    let place = folder.path().join("e");
    let check = verify(&place, Some(&public)).unwrap();
    assert_eq!(check.faults, []);
    assert!(check.signed.unwrap().contains("20261007T090000-3f9a"));
    assert!(matches!(
        verify(&place, Some(&other)).unwrap().faults.as_slice(),
        [Fault::Signature(_)]
    ));
    // Sums made anew fit the changed file, and not the signature.
    let sums = place.join("SHA256SUMS");
    let text = std::fs::read_to_string(&sums).unwrap();
    let fewer: Vec<&str> = text.lines().skip(1).collect();
    std::fs::write(&sums, fewer.join("\n") + "\n").unwrap();
    let faults = verify(&place, Some(&public)).unwrap().faults;
    assert!(
        matches!(faults.as_slice(), [Fault::Added(_), Fault::Signature(_)]),
        "{faults:?}"
    );
    // A key asks for a signature.
    std::fs::remove_file(place.join("SHA256SUMS.minisig")).unwrap();
    assert!(
        verify(&place, Some(&public))
            .unwrap()
            .faults
            .contains(&Fault::Signature("there is none".to_owned()))
    );
    assert!(SigningKey::read("no key", None).is_err());
}

/// How a time-stamp server answers.
#[derive(Clone, Copy)]
enum Manner {
    Honest,
    OtherSums,
    OtherNonce,
    Refuses,
    Nonsense,
}

/// An answer in the form of RFC 3161, without a signer: who signs is not asked here.
fn answer(question: &[u8], manner: Manner) -> Vec<u8> {
    if matches!(manner, Manner::Nonsense) {
        return b"<html>502</html>".to_vec();
    }
    if matches!(manner, Manner::Refuses) {
        // PKIStatus rejection.
        return vec![0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x02];
    }
    let question = TimeStampReq::from_der(question).unwrap();
    let mut imprint = question.message_imprint.clone();
    if matches!(manner, Manner::OtherSums) {
        imprint.hashed_message = OctetString::new([0; 32]).unwrap();
    }
    let nonce = match manner {
        Manner::OtherNonce => Some(Int::new(&[1, 2, 3]).unwrap()),
        _ => question.nonce,
    };
    let time = std::time::Duration::from_hours(500_000);
    let stamp = TstInfo {
        version: TspVersion::V1,
        policy: ObjectIdentifier::new_unwrap("1.2.3.4.1"),
        message_imprint: imprint,
        serial_number: Int::new(&[4]).unwrap(),
        gen_time: GeneralizedTime::from_unix_duration(time).unwrap(),
        accuracy: None,
        ordering: false,
        nonce,
        tsa: None,
        extensions: None,
    };
    let signed = SignedData {
        version: CmsVersion::V3,
        digest_algorithms: SetOfVec::new(),
        encap_content_info: EncapsulatedContentInfo {
            econtent_type: ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4"),
            econtent: Some(Any::new(Tag::OctetString, stamp.to_der().unwrap()).unwrap()),
        },
        certificates: None,
        crls: None,
        signer_infos: SignerInfos(SetOfVec::new()),
    };
    let token = ContentInfo {
        content_type: ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2"),
        content: Any::from_der(&signed.to_der().unwrap()).unwrap(),
    };
    let mut body = vec![0x30, 0x03, 0x02, 0x01, 0x00];
    body.extend(token.to_der().unwrap());
    Any::new(Tag::Sequence, body).unwrap().to_der().unwrap()
}

/// Writes evidence with a time stamp of a server of that manner.
fn stamped(
    manner: Manner,
) -> (
    tempfile::TempDir,
    Result<evidence::Written, evidence::EvidenceError>,
) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listener = runtime
        .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
        .unwrap();
    let server = format!("http://{}/", listener.local_addr().unwrap());
    let router = Router::new().route(
        "/",
        post(move |question: Bytes| async move { answer(&question, manner) }),
    );
    runtime.spawn(async move { axum::serve(listener, router).await.unwrap() });
    let folder = tempfile::tempdir().unwrap();
    let report = sample::clean();
    let options = Options {
        timestamp_server: Some(server.parse().unwrap()),
        ..Options::default()
    };
    let result = evidence::write(&folder.path().join("e"), &report, &report, &options);
    (folder, result)
}

#[test]
fn a_time_stamp_is_kept_when_it_answers_this_question() {
    let (folder, written) = stamped(Manner::Honest);
    let stamp = written.unwrap().stamp.unwrap();
    assert_eq!(stamp.time.as_second(), 1_800_000_000);
    assert!(stamp.offset_ms.is_some());
    let check = verify(&folder.path().join("e"), None).unwrap();
    assert_eq!(check.faults, []);
    assert_eq!(check.stamp.unwrap().time, stamp.time);
    for (manner, name) in [
        (Manner::OtherSums, "other sums"),
        (Manner::OtherNonce, "other nonce"),
        (Manner::Refuses, "refuses"),
        (Manner::Nonsense, "nonsense"),
    ] {
        let (folder, written) = stamped(manner);
        let error = match written {
            Err(evidence::EvidenceError::Timestamp(error)) => error,
            other => panic!("{name}: {other:?}"),
        };
        assert!(
            matches!(
                (manner, &error),
                (Manner::OtherSums, TimestampError::OtherSums)
                    | (Manner::OtherNonce, TimestampError::OtherNonce)
                    | (Manner::Refuses, TimestampError::Refused)
                    | (Manner::Nonsense, TimestampError::Form(_))
            ),
            "{name}: {error}"
        );
        // The evidence stands, without a stamp.
        let check = verify(&folder.path().join("e"), None).unwrap();
        assert!(check.faults.is_empty() && check.stamp.is_none(), "{name}");
    }
}
