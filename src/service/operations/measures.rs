//! What the service counts, as Prometheus reads it.
//!
//! Labels are of small sets: routes, not addresses; kinds, not names.

use std::sync::OnceLock;
use std::time::Duration;

use axum::extract::{ConnectInfo, FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use metrics::{counter, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::sync::broadcast::error::RecvError;

use crate::service::Service;
use crate::service::access::Caller;
use crate::service::audit::Standing;
use crate::service::error::Problem;
use crate::service::event::Event;

/// Upper bounds of the classes answers are counted in by their time, in seconds.
const SECONDS: [f64; 11] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];

/// Begins to count, once in a process.
pub(super) fn begin() {
    counted();
}

/// What was counted in this process.
fn counted() -> Option<&'static PrometheusHandle> {
    static COUNTED: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    let handle = COUNTED.get_or_init(|| {
        let name = Matcher::Full("consentinel_http_request_duration_seconds".to_owned());
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(name, &SECONDS)
            .ok()?
            .build_recorder();
        let handle = recorder.handle();
        if let Err(error) = metrics::set_global_recorder(recorder) {
            tracing::warn!(%error, "nothing is counted");
            return None;
        }
        describe();
        Some(handle)
    });
    handle.as_ref()
}

fn describe() {
    use metrics::{
        describe_counter as counts, describe_gauge as measures, describe_histogram as times,
    };
    counts!(
        "consentinel_http_requests_total",
        "Requests that were answered."
    );
    times!(
        "consentinel_http_request_duration_seconds",
        "Time until a request was answered."
    );
    counts!(
        "consentinel_audits_total",
        "Audits that are over, by how they ended."
    );
    counts!(
        "consentinel_visits_total",
        "Visits, or pages of crawls, that ended."
    );
    counts!(
        "consentinel_new_findings_total",
        "Findings the audit before did not have."
    );
    measures!(
        "consentinel_open_findings",
        "Findings of the last finished audit of every site."
    );
    measures!("consentinel_audits_open", "Audits that wait or run.");
    measures!(
        "consentinel_oldest_waiting_seconds",
        "How long the audit that waits longest has waited."
    );
    measures!(
        "consentinel_schedule_lag_seconds",
        "How long the schedule that is overdue longest has been due."
    );
    counts!(
        "consentinel_delivery_attempts_total",
        "Tries to deliver an alert."
    );
    measures!(
        "consentinel_deliveries_waiting",
        "Alerts that wait to be sent."
    );
    measures!("consentinel_store_bytes", "Bytes of the store on disk.");
    counts!(
        "consentinel_events_missed_total",
        "Events nobody had time to count."
    );
    measures!("consentinel_info", "1; the version is its label.");
    measures!(
        "process_resident_memory_bytes",
        "Memory of this process, without its browsers."
    );
    counts!(
        "process_cpu_seconds_total",
        "Processor time of this process, without its browsers."
    );
    measures!(
        "process_open_fds",
        "Files and connections this process has open."
    );
}

/// Whoever may see what is counted: somebody on this machine, or a caller who may read.
pub(super) struct MayScrape;

impl FromRequestParts<Service> for MayScrape {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Service) -> Result<Self, Problem> {
        let has_caller = parts.extensions.get::<Caller>().is_some();
        let is_near = parts
            .extensions
            .get::<ConnectInfo<std::net::SocketAddr>>()
            .is_some_and(|ConnectInfo(address)| address.ip().to_canonical().is_loopback());
        // A reverse proxy on this machine asks for somebody who is not.
        let is_passed_on = ["forwarded", "x-forwarded-for", "x-real-ip", "via"]
            .iter()
            .any(|name| parts.headers.contains_key(*name));
        if has_caller || (is_near && !is_passed_on) {
            Ok(Self)
        } else {
            Err(Problem::unauthorized(
                "ask from the machine itself, or send a token that may read as `Authorization: Bearer …`",
            ))
        }
    }
}

/// `GET /metrics`.
pub(super) async fn scrape(
    State(service): State<Service>,
    _: MayScrape,
) -> Result<Response, Problem> {
    let text = service
        .apart(|service| {
            measure(service)?;
            Ok(counted().map(PrometheusHandle::render).unwrap_or_default())
        })
        .await?;
    let form = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, form)], text).into_response())
}

/// Measures what is there now.
fn measure(service: &Service) -> Result<(), Problem> {
    let mut waiting = 0_u32;
    let mut running = 0_u32;
    let mut oldest: Option<String> = None;
    let mut findings = std::collections::BTreeMap::<String, u64>::new();
    service.board().for_each(|_, site| {
        for (id, standing) in &site.open {
            if *standing == Standing::Running {
                running += 1;
                continue;
            }
            waiting += 1;
            if oldest.as_ref().is_none_or(|oldest| id < oldest) {
                oldest = Some(id.clone());
            }
        }
        for (severity, count) in site
            .last_finished()
            .iter()
            .flat_map(|point| &point.findings)
        {
            *findings.entry(severity.clone()).or_default() += count;
        }
    });
    gauge!("consentinel_audits_open", "standing" => "waiting").set(waiting);
    gauge!("consentinel_audits_open", "standing" => "running").set(running);
    for severity in ["info", "low", "medium", "high", "critical"] {
        let count = findings.get(severity).copied().unwrap_or_default();
        gauge!("consentinel_open_findings", "severity" => severity).set(count as f64);
    }
    let oldest = oldest
        .map(|id| service.shelves().audits.get(&id))
        .transpose()?;
    let waited = oldest.flatten().map_or(0.0, |audit| {
        Timestamp::now()
            .duration_since(audit.asked)
            .as_secs_f64()
            .max(0.0)
    });
    gauge!("consentinel_oldest_waiting_seconds").set(waited);
    let lag = service.timer().first().map_or(0.0, |due| {
        Timestamp::now().duration_since(due).as_secs_f64().max(0.0)
    });
    gauge!("consentinel_schedule_lag_seconds").set(lag);
    gauge!("consentinel_deliveries_waiting").set(service.outbox().len() as f64);
    gauge!("consentinel_store_bytes", "part" => "records")
        .set(service.store().record_bytes()? as f64);
    gauge!("consentinel_info", "version" => env!("CARGO_PKG_VERSION")).set(1);
    measure_process();
    Ok(())
}

/// What Linux says of this process. Elsewhere nothing does.
fn measure_process() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(bytes) = resident_bytes(&status) {
        gauge!("process_resident_memory_bytes").set(bytes as f64);
    }
    #[cfg(target_os = "linux")]
    {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        if let Some(ticks) = processor_ticks(&stat) {
            let seconds = ticks / rustix::param::clock_ticks_per_second();
            counter!("process_cpu_seconds_total").absolute(seconds);
        }
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        gauge!("process_open_fds").set(open.count() as f64);
    }
}

/// `VmRSS:   123 kB` of `/proc/self/status`.
fn resident_bytes(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1_024)
}

/// Fields 14 and 15 of `/proc/self/stat`, after a name that may hold anything, in brackets.
#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "there is no such file")
)]
fn processor_ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

/// Counts what happened.
pub(super) async fn follow(service: &Service, event: Result<Event, RecvError>) {
    match event {
        Ok(Event::Audit { id, standing, .. }) if standing.is_over() => {
            let outcome = match standing {
                Standing::Finished => "finished",
                Standing::Failed => "failed",
                _ => "cancelled",
            };
            counter!("consentinel_audits_total", "outcome" => outcome).increment(1);
            let audit = service
                .apart(move |service| Ok(service.shelves().audits.get(&id)?))
                .await;
            let result = audit.ok().flatten().and_then(|audit| audit.result);
            if let Some(result) = result {
                counter!("consentinel_new_findings_total").increment(result.new_count);
            }
        }
        Ok(Event::Progress { .. }) => counter!("consentinel_visits_total").increment(1),
        Ok(_) => {}
        Err(RecvError::Lagged(missed)) => {
            counter!("consentinel_events_missed_total").increment(missed);
        }
        // The service holds its own end: it is gone when the service is.
        Err(RecvError::Closed) => tokio::time::sleep(Duration::from_secs(1)).await,
    }
}

/// Puts together what was counted since; what is not put together takes memory.
pub(super) fn sum() {
    if let Some(counted) = counted() {
        counted.run_upkeep();
    }
}

/// Weighs the store.
pub(super) async fn weigh(service: &Service) {
    let weighed = service.apart(|service| Ok(service.store().size()?)).await;
    if let Ok((_, evidence)) = weighed {
        gauge!("consentinel_store_bytes", "part" => "evidence").set(evidence as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_linux_says_is_read() {
        let status = "Name:\tconsentinel\nVmPeak:\t  999 kB\nVmRSS:\t    1234 kB\n";
        assert_eq!(resident_bytes(status), Some(1_234 * 1_024));
        assert_eq!(resident_bytes("VmRSS: much"), None);
        let stat = "7 (a) b) S 1 7 7 0 -1 4194304 100 0 0 0 250 150 0 0 20 0 1 0 5 6 7";
        assert_eq!(processor_ticks(stat), Some(400));
        assert_eq!(processor_ticks("7 (a)"), None);
    }
}
