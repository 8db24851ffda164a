//! Options shared by the commands that audit. The same names stand in `consentinel.toml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::config::{self, ConfigError};
use super::exit::FailOn;
use crate::audit::extent::{Asked, MOST_REPEATS, visit_limit, visits_at_once};
use crate::audit::{self, Job, PolicySource};
use crate::browser::{BrowserError, LaunchOptions, find};
use crate::judge::Profile;
use crate::judge::baseline::{self, Baseline};
use crate::model::visit::State;
use crate::visit::Manner;
use crate::visit::consent::purposes::PurposesError;
use crate::visit::login::{Login, LoginError, Steps};
use crate::visit::time::ClockKind;

/// Options shared by the commands that audit; each may stand in `consentinel.toml` under the same name.
#[derive(Debug, Clone, Default, clap::Args, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct AuditOptions {
    /// States to visit, separated by commas [default: before,rejected,accepted]
    #[arg(long, value_delimiter = ',', value_enum)]
    pub(super) states: Option<Vec<State>>,
    /// How often each page is visited in each state, 50 times at most; tags that come and go need it [default: 1]
    #[arg(long, value_name = "N")]
    pub(super) repeat: Option<u32>,
    /// Ask by Global Privacy Control not to sell or share the visitor's data, in every state
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "YES")]
    pub(super) gpc: Option<bool>,
    /// Make the visits that rules need beyond the usual: the state withdrawn, a visit with Global Privacy
    /// Control, three visits in each state, one after the cookies were deleted, and the cookie policy
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "YES")]
    pub(super) thorough: Option<bool>,
    /// Read the site's cookie policy: where the page links it, or at this address
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "linked", value_name = "URL")]
    pub(super) policy: Option<String>,
    /// How long each page is watched in each state; late tags need it [default: 30s]
    #[arg(long, value_name = "TIME")]
    pub(super) dwell: Option<String>,
    /// How long a page may take to answer [default: 30s]
    #[arg(long, value_name = "TIME")]
    pub(super) load_timeout: Option<String>,
    /// Visits at once [default: three for each processor core, six with the real clock, fewer where memory is short]
    #[arg(long, value_name = "N")]
    pub(super) concurrency: Option<usize>,
    /// Jurisdiction whose rules are applied [default: eu]
    #[arg(long, value_enum)]
    pub(super) profile: Option<Profile>,
    /// Language the visitor asks for, such as de-DE
    #[arg(long, value_name = "LOCALE")]
    pub(super) locale: Option<String>,
    /// Time zone of the visitor, such as Europe/Berlin
    #[arg(long, value_name = "ZONE")]
    pub(super) timezone: Option<String>,
    /// User agent to send instead of the browser's
    #[arg(long, value_name = "TEXT")]
    pub(super) user_agent: Option<String>,
    /// Say in the user agent and by `navigator.webdriver` that a program visits
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "YES")]
    pub(super) honest_bot: Option<bool>,
    /// What the visitor who says yes allows, in place of everything, such as analytics=no,marketing=yes
    #[arg(long, value_name = "LIST")]
    pub(super) purposes: Option<String>,
    /// Picture the whole page at the end of each visit, not only what fits into the window
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "YES")]
    pub(super) full_page: Option<bool>,
    /// File with cookies the visitor brings along, to audit behind a login: Netscape's form or JSON; never stored
    #[arg(long, value_name = "FILE")]
    pub(super) cookies: Option<PathBuf>,
    /// File with cookies and local storage the visitor brings along, as Playwright writes it; never stored
    #[arg(long, value_name = "FILE")]
    pub(super) storage_state: Option<PathBuf>,
    /// File with the steps of a login, made once before the first visit; secrets come from the environment
    #[arg(long, value_name = "FILE")]
    pub(super) login_steps: Option<PathBuf>,
    /// Accept bad certificates
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "YES")]
    pub(super) insecure: Option<bool>,
    /// Browser to drive: a path, or a name on the search path
    #[arg(long, value_name = "PATH", env = find::BROWSER_VARIABLE)]
    pub(super) browser: Option<PathBuf>,
    /// Argument passed through to the browser; may be repeated
    #[arg(long, value_name = "ARG", allow_hyphen_values = true)]
    pub(super) browser_arg: Option<Vec<String>>,
    /// Folder with a catalog that is laid over the built-in one
    #[arg(long, value_name = "DIR")]
    pub(super) catalog: Option<PathBuf>,
    /// Newer rules for the consent engine: autoconsent's rules.json
    #[arg(long, value_name = "FILE")]
    pub(super) consent_rules: Option<PathBuf>,
    /// Clock the pages live by: `virtual` simulates the time they are watched, `real` waits [default: virtual]
    #[arg(long, value_enum)]
    pub(super) clock: Option<ClockKind>,
    /// Severity from which on findings fail the run [default: low]
    #[arg(long, value_enum)]
    pub(super) fail_on: Option<FailOn>,
    /// File of accepted findings; they fail no run until they expire
    #[arg(long, value_name = "FILE")]
    pub(super) baseline: Option<PathBuf>,
    /// Accepted findings that stand in the configuration file itself.
    #[arg(skip)]
    #[serde(default, skip_serializing)]
    accept: Vec<baseline::Entry>,
}

impl AuditOptions {
    /// Fills what the command line leaves open from the configuration file.
    pub(super) fn with_config(self, file: Option<&Path>) -> Result<Self, ConfigError> {
        let Some(config) = config::load(file)? else {
            return Ok(self);
        };
        Ok(Self {
            states: self.states.or(config.states),
            repeat: self.repeat.or(config.repeat),
            gpc: self.gpc.or(config.gpc),
            thorough: self.thorough.or(config.thorough),
            policy: self.policy.or(config.policy),
            dwell: self.dwell.or(config.dwell),
            load_timeout: self.load_timeout.or(config.load_timeout),
            concurrency: self.concurrency.or(config.concurrency),
            profile: self.profile.or(config.profile),
            locale: self.locale.or(config.locale),
            timezone: self.timezone.or(config.timezone),
            user_agent: self.user_agent.or(config.user_agent),
            honest_bot: self.honest_bot.or(config.honest_bot),
            purposes: self.purposes.or(config.purposes),
            full_page: self.full_page.or(config.full_page),
            cookies: self.cookies.or(config.cookies),
            storage_state: self.storage_state.or(config.storage_state),
            login_steps: self.login_steps.or(config.login_steps),
            insecure: self.insecure.or(config.insecure),
            browser: self.browser.or(config.browser),
            browser_arg: self.browser_arg.or(config.browser_arg),
            catalog: self.catalog.or(config.catalog),
            consent_rules: self.consent_rules.or(config.consent_rules),
            clock: self.clock.or(config.clock),
            fail_on: self.fail_on.or(config.fail_on),
            baseline: self.baseline.or(config.baseline),
            accept: config.accept,
        })
    }

    /// Takes from the configuration file what is accepted today, and nothing else.
    pub(super) fn accepting_by_config(self, file: Option<&Path>) -> Result<Self, ConfigError> {
        let accept = config::load(file)?.map_or_else(Vec::new, |config| config.accept);
        Ok(Self { accept, ..self })
    }

    /// What is accepted: the baseline file's entries, and those of the configuration.
    pub(super) fn accepted(&self) -> Result<Baseline, String> {
        let of_the_file = match &self.baseline {
            None => Baseline::default(),
            Some(path) => {
                let shown = path.display();
                let text = std::fs::read_to_string(path)
                    .map_err(|error| format!("{shown} cannot be read: {error}"))?;
                Baseline::parse(&text).map_err(|error| format!("{shown}: {error}"))?
            }
        };
        of_the_file
            .joined(self.accept.clone())
            .map_err(|error| error.to_string())
    }

    /// How the browser is started.
    pub(super) fn launch(&self) -> Result<LaunchOptions, BrowserError> {
        Ok(LaunchOptions {
            executable: find::find(self.browser.as_deref())?,
            insecure: self.insecure.unwrap_or_default(),
            global_privacy_control: self.gpc.unwrap_or_default(),
            honest_bot: self.honest_bot.unwrap_or_default(),
            arguments: self.browser_arg.clone().unwrap_or_default(),
            ..LaunchOptions::default()
        })
    }

    /// The job these options describe, without its browser.
    pub(super) fn job(&self, addresses: Vec<String>, launch: LaunchOptions) -> Result<Job, String> {
        if self.states.as_ref().is_some_and(Vec::is_empty) {
            return Err(
                "--states is empty; name at least one of before, rejected, accepted, withdrawn"
                    .to_owned(),
            );
        }
        if let Some(repeat) = self.repeat.filter(|it| !(1..=MOST_REPEATS).contains(it)) {
            return Err(format!(
                "--repeat {repeat}: a page can be visited 1 to {MOST_REPEATS} times in each state"
            ));
        }
        let extent = Asked {
            states: self.states.clone(),
            repeat: self.repeat,
            thorough: self.thorough.unwrap_or_default(),
            gpc: launch.global_privacy_control,
            policy: self.policy_source()?,
        }
        .in_full();
        let defaults = Manner::default();
        let time = |name: &str, text: Option<&String>, default: Duration| {
            text.map_or(Ok(default), |text| {
                duration(text).map_err(|reason| format!("--{name} {text}: {reason}"))
            })
        };
        let clock = self.clock.unwrap_or_default();
        let purposes = self.purposes.as_deref().map(str::parse).transpose();
        let manner = Manner {
            clock,
            dwell: time("dwell", self.dwell.as_ref(), defaults.dwell)?,
            load_limit: time(
                "load-timeout",
                self.load_timeout.as_ref(),
                defaults.load_limit,
            )?,
            full_page: self.full_page.unwrap_or_default(),
            locale: self.locale.clone(),
            timezone: self.timezone.clone(),
            user_agent: self.user_agent.clone(),
            empties: extent.empties,
            login: self.login()?.map(Arc::new),
            purposes: purposes.map_err(|error: PurposesError| format!("--purposes {error}"))?,
            ..defaults
        };
        Ok(Job {
            addresses,
            states: extent.states,
            repeat: extent.repeat,
            manner: Manner {
                visit_limit: visit_limit(&manner),
                ..manner
            },
            policy: extent.policy,
            gpc_beside: extent.gpc_beside,
            steps: self.steps()?,
            launch,
            concurrency: self
                .concurrency
                .unwrap_or_else(|| visits_at_once(clock))
                .clamp(1, 64),
            profile: self.profile.unwrap_or_default(),
            catalog: self.catalog.clone(),
            consent_rules: self.consent_rules.clone(),
            options: self.for_the_report(),
            guard: None,
        })
    }

    /// Whether the cookie policy is read, and where it is, where that was said.
    fn policy_source(&self) -> Result<Option<PolicySource>, String> {
        match self.policy.as_deref() {
            None => Ok(None),
            Some("no") => Ok(Some(PolicySource::Nowhere)),
            Some("linked") => Ok(Some(PolicySource::Linked)),
            Some(url) => audit::address(url)
                .map(|url| Some(PolicySource::At(url)))
                .map_err(|reason| format!("--policy {url}: {reason}")),
        }
    }

    /// What the visitor brings along.
    fn login(&self) -> Result<Option<Login>, String> {
        let read = |path: &PathBuf| {
            std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
        };
        let wrong = |path: &PathBuf, error: LoginError| format!("{} {error}", path.display());
        let mut login = Login::default();
        if let Some(path) = &self.cookies {
            login
                .add_cookies(&read(path)?)
                .map_err(|error| wrong(path, error))?;
        }
        if let Some(path) = &self.storage_state {
            login
                .add_storage_state(&read(path)?)
                .map_err(|error| wrong(path, error))?;
        }
        Ok((self.cookies.is_some() || self.storage_state.is_some()).then_some(login))
    }

    /// The steps of a login.
    fn steps(&self) -> Result<Option<Steps>, String> {
        let Some(path) = &self.login_steps else {
            return Ok(None);
        };
        let wrong = |reason: &dyn std::fmt::Display| format!("{}: {reason}", path.display());
        let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
        let steps = Steps::parse(&text, &|name| std::env::var(name).ok());
        steps.map(Some).map_err(|error| wrong(&error))
    }

    /// Options that differ from their defaults.
    fn for_the_report(&self) -> BTreeMap<String, String> {
        let shown = |path: &PathBuf| path.display().to_string();
        let switch = |on: Option<bool>| on.filter(|on| *on).map(|_| "yes".to_owned());
        [
            (
                "states",
                self.states
                    .as_ref()
                    .map(|states| format!("{states:?}").to_lowercase()),
            ),
            ("repeat", self.repeat.map(|number| number.to_string())),
            ("dwell", self.dwell.clone()),
            ("load-timeout", self.load_timeout.clone()),
            (
                "concurrency",
                self.concurrency.map(|number| number.to_string()),
            ),
            ("locale", self.locale.clone()),
            ("timezone", self.timezone.clone()),
            ("user-agent", self.user_agent.clone()),
            ("gpc", switch(self.gpc)),
            ("thorough", switch(self.thorough)),
            ("policy", self.policy.clone()),
            ("honest-bot", switch(self.honest_bot)),
            ("purposes", self.purposes.clone()),
            ("full-page", switch(self.full_page)),
            ("cookies", self.cookies.as_ref().map(shown)),
            ("storage-state", self.storage_state.as_ref().map(shown)),
            ("login-steps", self.login_steps.as_ref().map(shown)),
            ("insecure", switch(self.insecure)),
            (
                "browser-arg",
                self.browser_arg
                    .as_ref()
                    .map(|arguments| arguments.join(" ")),
            ),
            ("catalog", self.catalog.as_ref().map(shown)),
            ("consent-rules", self.consent_rules.as_ref().map(shown)),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
    }
}

/// Reads a time such as `30s`, `1m 30s`, `500ms`; a bare number is seconds. One hour at most.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    const LONGEST: Duration = Duration::from_hours(1);
    let time = any_duration(text)?;
    if time > LONGEST {
        Err("more than an hour".to_owned())
    } else {
        Ok(time)
    }
}

/// Reads a time such as `30s`, `6h`; a bare number is seconds.
pub(super) fn any_duration(text: &str) -> Result<Duration, String> {
    match text.trim().parse::<u64>() {
        Ok(seconds) => Ok(Duration::from_secs(seconds)),
        Err(_) => text
            .parse::<jiff::SignedDuration>()
            .ok()
            .and_then(|time| Duration::try_from(time).ok())
            .ok_or_else(|| "not a time; write it like 30s, 500ms, 2m or 6h".to_owned()),
    }
}

/// Reads a number of bytes such as `500MB`, `20GB`, `6GiB`; a bare number is bytes.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let end = text
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "kib" => 1 << 10,
        "mb" => 1_000_000,
        "mib" => 1 << 20,
        "gb" => 1_000_000_000,
        "gib" => 1 << 30,
        "tb" => 1_000_000_000_000,
        "tib" => 1 << 40,
        _ => 0,
    };
    let number = number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(unit));
    number
        .filter(|_| unit > 0)
        .ok_or_else(|| "not a number of bytes; write it like 500MB, 20GB or 6GiB".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (text, expected) in [
            ("30s", Some(30_000)),
            ("30", Some(30_000)),
            ("500ms", Some(500)),
            ("1m 30s", Some(90_000)),
            ("2h", None),
            ("-5s", None),
            ("soon", None),
            ("", None),
        ] {
            let read = duration(text).ok().map(|time| time.as_millis());
            assert_eq!(read, expected, "{text}");
        }
    }

    #[test]
    fn numbers_of_bytes() {
        for (text, expected) in [
            ("20GB", Some(20_000_000_000)),
            ("6 GiB", Some(6 << 30)),
            ("500mb", Some(500_000_000)),
            ("1024", Some(1_024)),
            ("0", Some(0)),
            ("GB", None),
            ("1.5GB", None),
            ("-1", None),
            ("5 parsecs", None),
            ("99999999999TB", None),
            ("", None),
        ] {
            assert_eq!(bytes(text).ok(), expected, "{text}");
        }
    }
}
