//! Sitemaps: the addresses a site names itself (sitemaps.org), as XML, as plain text, packed with gzip.

use std::io::{BufRead, BufReader, Read};

use flate2::read::MultiGzDecoder;
use quick_xml::Reader;
use quick_xml::events::Event;

/// Most bytes of a sitemap, unpacked: what the protocol allows.
pub const MOST_BYTES: u64 = 50 * 1024 * 1024;
/// Most addresses of one sitemap: what the protocol allows.
const MOST_ADDRESSES: usize = 50_000;
/// Longest address, in bytes.
const LONGEST_ADDRESS: usize = 2_048;
/// What gzip begins with.
const GZIP: &[u8] = &[0x1f, 0x8b];

/// What a sitemap names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sitemap {
    /// Pages.
    pub pages: Vec<String>,
    /// Other sitemaps.
    pub sitemaps: Vec<String>,
    /// It is longer than sitemaps may be, or breaks off.
    pub cut: bool,
}

/// Reads a sitemap. What cannot be read is left out, what stands before it is kept.
pub fn read(bytes: &[u8]) -> Sitemap {
    read_within(bytes, MOST_BYTES)
}

/// Reads a sitemap, no more than so many bytes of it once it is unpacked.
fn read_within(bytes: &[u8], most_bytes: u64) -> Sitemap {
    if bytes.starts_with(GZIP) {
        from(&mut BufReader::new(
            MultiGzDecoder::new(bytes).take(most_bytes),
        ))
    } else {
        from(&mut BufReader::new(bytes.take(most_bytes)))
    }
}

fn from(reader: &mut impl BufRead) -> Sitemap {
    let is_xml = reader.fill_buf().is_ok_and(|start| {
        let first = start
            .strip_prefix(b"\xef\xbb\xbf")
            .unwrap_or(start)
            .iter()
            .find(|byte| !byte.is_ascii_whitespace());
        first == Some(&b'<')
    });
    if is_xml { xml(reader) } else { text(reader) }
}

/// One address a line.
fn text(reader: &mut impl BufRead) -> Sitemap {
    let mut map = Sitemap::default();
    loop {
        let mut line = Vec::new();
        match reader
            .by_ref()
            .take(LONGEST_ADDRESS as u64 + 2)
            .read_until(b'\n', &mut line)
        {
            Ok(0) => return map,
            Ok(_) if map.pages.len() < MOST_ADDRESSES => {
                let line = String::from_utf8_lossy(&line);
                let address = line.trim().trim_start_matches('\u{feff}');
                if address.starts_with("http://") || address.starts_with("https://") {
                    map.pages.push(address.to_owned());
                }
            }
            Ok(_) | Err(_) => {
                map.cut = true;
                return map;
            }
        }
    }
}

/// `<loc>` of `<url>` and of `<sitemap>`, in whatever namespace; nothing else is looked at.
fn xml(reader: &mut impl BufRead) -> Sitemap {
    let mut map = Sitemap::default();
    let mut reader = Reader::from_reader(reader);
    reader.config_mut().check_end_names = false;
    let mut buffer = Vec::new();
    let (mut of_a_map, mut in_loc) = (false, false);
    let mut address = String::new();
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Eof) => return map,
            Err(_) => {
                map.cut = true;
                return map;
            }
            Ok(Event::Start(tag)) => match tag.local_name().as_ref() {
                "sitemap" => of_a_map = true,
                "url" => of_a_map = false,
                "loc" => {
                    // Pictures and videos of a page have a `loc` of their own.
                    in_loc = tag.name().prefix().is_none();
                    address.clear();
                }
                _ => {}
            },
            Ok(Event::Text(text)) if in_loc => {
                push(&mut address, &text);
            }
            Ok(Event::CData(text)) if in_loc => {
                push(&mut address, &text);
            }
            Ok(Event::GeneralRef(entity)) if in_loc => {
                // Only what XML itself defines: entities of the file's own expand to nothing.
                let known = match entity.as_ref() {
                    "amp" => Some('&'),
                    "lt" => Some('<'),
                    "gt" => Some('>'),
                    "quot" => Some('"'),
                    "apos" => Some('\''),
                    _ => entity.resolve_char_ref().ok().flatten(),
                };
                if let Some(known) = known {
                    push(&mut address, known.encode_utf8(&mut [0; 4]));
                }
            }
            Ok(Event::End(tag)) if tag.local_name().as_ref() == "loc" && in_loc => {
                in_loc = false;
                let list = if of_a_map {
                    &mut map.sitemaps
                } else {
                    &mut map.pages
                };
                if list.len() >= MOST_ADDRESSES {
                    map.cut = true;
                    return map;
                }
                let found = address.trim();
                if !found.is_empty() && found.len() <= LONGEST_ADDRESS {
                    list.push(found.to_owned());
                }
            }
            Ok(_) => {}
        }
    }
}

fn push(address: &mut String, text: &str) {
    // One byte more than an address may have is enough to know that it has too many.
    if address.len() <= LONGEST_ADDRESS {
        address.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    const MAP: &str =
        "<?xml version=\"1.0\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\"
        xmlns:image=\"http://www.google.com/schemas/sitemap-image/1.1\">
        <url><loc> https://a.test/?a=1&amp;b=&#x32; </loc><lastmod>2026-01-01</lastmod>
        <image:image><image:loc>https://a.test/x.png</image:loc></image:image></url>
        <url><loc><![CDATA[https://a.test/b]]></loc></url></urlset>";

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(bytes).unwrap();
        packer.finish().unwrap()
    }

    #[test]
    fn every_form_of_a_sitemap_is_read() {
        let index =
            "<sitemapindex><sitemap><loc>https://a.test/m1.xml.gz</loc></sitemap></sitemapindex>";
        let pages = ["https://a.test/?a=1&b=2", "https://a.test/b"];
        for (bytes, pages, maps) in [
            (MAP.as_bytes().to_vec(), pages.as_slice(), [].as_slice()),
            (packed(MAP.as_bytes()), &pages, &[]),
            (
                index.as_bytes().to_vec(),
                &[],
                &["https://a.test/m1.xml.gz"],
            ),
            (
                b"\xef\xbb\xbfhttps://a.test/x\r\nno address\n".to_vec(),
                &["https://a.test/x"],
                &[],
            ),
            (b"<html><p>Not found".to_vec(), &[], &[]),
            (Vec::new(), &[], &[]),
        ] {
            let map = read(&bytes);
            assert_eq!((map.pages, map.sitemaps), (owned(pages), owned(maps)));
        }
    }

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn bombs_do_not_go_off() {
        let entities = "<!DOCTYPE a [<!ENTITY b \"&c;&c;\"><!ENTITY c \"https://a.test/\">]><urlset><url><loc>&b;</loc></url></urlset>";
        assert_eq!(read(entities.as_bytes()).pages, Vec::<String>::new());
        let long = format!(
            "<urlset><url><loc>https://a.test/{}</loc></url></urlset>",
            "a".repeat(100_000)
        );
        assert_eq!(read(long.as_bytes()).pages, Vec::<String>::new());
        // A megabyte of blanks in a kilobyte.
        let mut bomb = b"<urlset>".to_vec();
        bomb.resize(1024 * 1024, b' ');
        bomb.extend_from_slice(b"<url><loc>https://a.test/late</loc></url></urlset>");
        let bomb = packed(&bomb);
        assert_eq!(read_within(&bomb, 1024 * 1024).pages, Vec::<String>::new());
        assert_eq!(read(&bomb).pages, ["https://a.test/late"]);
        let many = "<url><loc>https://a.test/</loc></url>".repeat(60_000);
        let map = read(format!("<urlset>{many}</urlset>").as_bytes());
        assert_eq!((map.pages.len(), map.cut), (MOST_ADDRESSES, true));
    }

    #[test]
    fn what_stands_before_a_break_is_kept() {
        let whole = packed(MAP.as_bytes());
        let map = read(&whole[..whole.len() - 20]);
        assert!(map.pages.len() <= 2);
        let map = read(&MAP.as_bytes()[..MAP.len() - 60]);
        assert_eq!(map.pages, ["https://a.test/?a=1&b=2"]);
    }

    proptest! {
        #[test]
        fn no_file_breaks_it(bytes in proptest::collection::vec(any::<u8>(), 0..300), xml in "(?s)<[ -~]{0,200}") {
            read(&bytes);
            read(xml.as_bytes());
        }
    }
}
