//! Traces to an OpenTelemetry collector, over OTLP: only in builds with the feature `otel`, and only when
//! `OTEL_EXPORTER_OTLP_ENDPOINT` names a collector. Names and limits come from the other `OTEL_` variables.

use std::sync::OnceLock;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Subscriber;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer};

use super::output::{chain, say};

/// The variables that name a collector.
const ENDPOINTS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
];

/// What collects spans, to be emptied at the end.
static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// The layer that sends spans, if a collector is named.
pub(super) fn layer<S>() -> Option<impl Layer<S>>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    ENDPOINTS.iter().find_map(std::env::var_os)?;
    let exporter = match SpanExporter::builder().with_http().build() {
        Ok(exporter) => exporter,
        Err(error) => {
            say(&format!("no traces: {}", chain(&error)));
            return None;
        }
    };
    let provider = PROVIDER.get_or_init(|| {
        SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(Resource::builder().with_service_name("consentinel").build())
            .build()
    });
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .from_env_lossy();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("consentinel"));
    Some(layer.with_filter(filter))
}

/// Sends what was collected and not yet sent.
pub(super) fn finish() {
    if let Some(provider) = PROVIDER.get()
        && let Err(error) = provider.shutdown()
    {
        say(&format!("the last traces were not sent: {}", chain(&error)));
    }
}
