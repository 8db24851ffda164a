//! Pictures of the page, bounded in size: they are evidence that goes into reports.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;

use super::Stage;
use crate::browser::browser_protocol::page::{
    CaptureScreenshotFormat, CaptureScreenshotParams, GetLayoutMetricsParams, Viewport,
};
use crate::model::value::sha256_hex;
use crate::model::visit::Screenshot;

/// Quality of the pictures, of 100.
const QUALITY: i64 = 60;
/// Largest picture kept, in bytes.
const LARGEST: usize = 3 * 1024 * 1024;
/// Widest and highest stretch of a page that is pictured, in CSS pixels.
const WIDEST: f64 = 2_000.0;
const HIGHEST: f64 = 12_000.0;
/// How much smaller a picture is made when it is too large.
const SMALLER: f64 = 0.5;

impl Stage {
    /// What a visitor sees now, as JPEG; nothing when the page does not let itself be pictured.
    pub async fn picture(&self) -> Option<Screenshot> {
        let at_ms = self.recording().now_ms();
        described(at_ms, self.capture(None).await?)
    }

    /// The whole page from its top, as far as it can be kept; what a visitor sees when that fails.
    pub async fn picture_of_whole_page(&self) -> Option<Screenshot> {
        let at_ms = self.recording().now_ms();
        let size = match self.page().call(GetLayoutMetricsParams::default()).await {
            Ok(metrics) => page_size(&metrics),
            Err(error) => {
                tracing::debug!(%error, "the size of the page is not known");
                None
            }
        };
        if let Some((width, height)) = size {
            for scale in [1.0, SMALLER] {
                let clip = Viewport {
                    x: 0.0,
                    y: 0.0,
                    width,
                    height,
                    scale,
                };
                if let Some(picture) = self
                    .capture(Some(clip))
                    .await
                    .and_then(|data| described(at_ms, data))
                {
                    return Some(Screenshot {
                        full_page: true,
                        ..picture
                    });
                }
            }
        }
        self.picture().await
    }

    /// A picture in base64: of a part of the page, or of what is in the window.
    async fn capture(&self, clip: Option<Viewport>) -> Option<String> {
        let capture = CaptureScreenshotParams {
            format: Some(CaptureScreenshotFormat::Jpeg),
            quality: Some(QUALITY),
            capture_beyond_viewport: Some(clip.is_some()),
            clip,
            ..CaptureScreenshotParams::default()
        };
        match self.page().call(capture).await {
            Ok(answer) => answer["data"].as_str().map(str::to_owned),
            Err(error) => {
                tracing::debug!(%error, "no screenshot");
                None
            }
        }
    }
}

/// Width and height of the page in CSS pixels (CDP `Page.getLayoutMetrics`), as far as they are pictured.
fn page_size(metrics: &Json) -> Option<(f64, f64)> {
    let side = |name: &str, longest: f64| {
        metrics["cssContentSize"][name]
            .as_f64()
            .filter(|length| *length >= 1.0)
            .map(|length| length.min(longest))
    };
    Some((side("width", WIDEST)?, side("height", HIGHEST)?))
}

/// A picture with its digest; nothing when it is none or too large to keep.
fn described(at_ms: u64, data: String) -> Option<Screenshot> {
    if data.len() > LARGEST / 3 * 4 {
        return None;
    }
    let bytes = STANDARD.decode(&data).ok()?;
    Some(Screenshot {
        at_ms,
        full_page: false,
        media_type: "image/jpeg".to_owned(),
        sha256: sha256_hex(&bytes),
        data: Some(data),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sizes_are_bounded() {
        for (metrics, expected) in [
            (
                json!({"cssContentSize": {"width": 1366, "height": 4000.5}}),
                Some((1366.0, 4000.5)),
            ),
            (
                json!({"cssContentSize": {"width": 9e9, "height": 1e300}}),
                Some((WIDEST, HIGHEST)),
            ),
            (json!({"cssContentSize": {"width": 0, "height": 10}}), None),
            (json!({"cssContentSize": {"width": "wide"}}), None),
            (json!({}), None),
        ] {
            assert_eq!(page_size(&metrics), expected, "{metrics}");
        }
    }

    #[test]
    fn what_is_no_picture_or_too_large_is_not_kept() {
        let picture = described(7, STANDARD.encode("abc")).map(|kept| (kept.at_ms, kept.sha256));
        // FIPS 180-4 example value.
        let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(picture, Some((7, digest.to_owned())));
        assert_eq!(described(7, "no base64 !".to_owned()), None);
        assert_eq!(described(7, STANDARD.encode(vec![0; LARGEST + 3])), None);
    }
}
