//! Starts a browser with a profile of its own and ends it cleanly.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use chromiumoxide::cdp::browser_protocol::browser::{
    CloseParams, GetVersionParams, SetDownloadBehaviorBehavior, SetDownloadBehaviorParams,
};
use chromiumoxide::cdp::browser_protocol::target::{
    CreateBrowserContextParams, DisposeBrowserContextParams, FilterEntry, SetAutoAttachParams,
    TargetFilter,
};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStderr, Command};

use super::connection::Connection;
use super::error::BrowserError;
use super::self_test::Capabilities;
use super::session::Session;
use super::watchdog::Watchdog;
use crate::model::report::BrowserInfo;

/// How long a browser may take to open its debugging port.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How long a browser may take to end when asked to.
const END_LIMIT: Duration = Duration::from_secs(5);

/// Without these, Debian's Chromium stores no third-party cookie, and a tool that looks for them
/// would find every site innocent. Either of them alone does not help.
const PREFERENCES: &str = r#"{"profile":{"cookie_controls_mode":0,"block_third_party_cookies":false},"intl":{"accept_languages":"en-US,en"}}"#;

/// Without it `navigator.webdriver` is true, and some banners do not show themselves.
const HIDES_AUTOMATION: &str = "--disable-blink-features=AutomationControlled";

/// Keeps the browser from talking to its maker, throttling hidden pages or showing that it is driven.
const FLAGS: &[&str] = &[
    "--disable-background-networking",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    HIDES_AUTOMATION,
    "--disable-breakpad",
    "--disable-client-side-phishing-detection",
    "--disable-component-update",
    // Nobody is there to answer; pages are told no, not left waiting.
    "--deny-permission-prompts",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-features=AutofillServerCommunication,MediaRouter,OptimizationHints,Translate",
    "--disable-hang-monitor",
    "--disable-renderer-backgrounding",
    // A wheel's turn is one picture, not twenty.
    "--disable-smooth-scrolling",
    "--disable-sync",
    "--hide-scrollbars",
    "--metrics-recording-only",
    "--mute-audio",
    "--no-default-browser-check",
    "--no-first-run",
    "--no-service-autorun",
    "--password-store=basic",
    "--remote-debugging-port=0",
    // Without it nothing is painted while the virtual clock stands, and a click stops it for good.
    "--run-all-compositor-stages-before-draw",
    "--use-mock-keychain",
    "--window-size=1366,900",
];

/// The browser's own Global Privacy Control, off by default and without a switch for the user.
///
/// Switched on, `Sec-GPC: 1` goes with every request, and `navigator.globalPrivacyControl` is true in
/// pages, frames and workers of every kind. Nothing is scripted, so there is nothing for a page to see.
const GLOBAL_PRIVACY_CONTROL: &str = "GlobalPrivacyControl,GlobalPrivacyControlForce";

/// How to start a browser.
#[derive(Debug, Clone, Default)]
pub struct LaunchOptions {
    /// The executable.
    pub executable: PathBuf,
    /// Accept bad certificates. Switches the HTTP cache off, says the browser.
    pub insecure: bool,
    /// Certificates to trust, as base64 SHA-256 of their public keys. Leaves the HTTP cache on.
    pub trusted_keys: Vec<String>,
    /// Host-resolver rules put before the user's own.
    pub resolver_rules: Vec<String>,
    /// Tell sites by Global Privacy Control not to sell or share the visitor's data.
    pub global_privacy_control: bool,
    /// Say in the user agent and by `navigator.webdriver` that a program visits, for sites that want to know.
    pub honest_bot: bool,
    /// The user's own arguments, as typed, such as `--lang=de`.
    pub arguments: Vec<String>,
}

impl LaunchOptions {
    /// The whole command line after the executable.
    fn command_line(&self, profile: &Path, user_agent: Option<&str>, sandbox: bool) -> Vec<String> {
        let mut arguments: Vec<String> = FLAGS
            .iter()
            .filter(|&&flag| !(self.honest_bot && flag == HIDES_AUTOMATION))
            .map(|&flag| flag.to_owned())
            .collect();
        arguments.push(
            if is_headless_shell(&self.executable) {
                "--headless"
            } else {
                "--headless=new"
            }
            .to_owned(),
        );
        arguments.push(format!("--user-data-dir={}", profile.display()));
        if let Some(user_agent) = user_agent {
            arguments.push(format!("--user-agent={user_agent}"));
        }
        if !sandbox {
            arguments.push("--no-sandbox".to_owned());
        }
        if self.insecure {
            arguments.push("--ignore-certificate-errors".to_owned());
        }
        if !self.trusted_keys.is_empty() {
            arguments.push(format!(
                "--ignore-certificate-errors-spki-list={}",
                self.trusted_keys.join(",")
            ));
        }
        let mut rules = self.resolver_rules.clone();
        let mut features = Vec::new();
        if self.global_privacy_control {
            features.push(GLOBAL_PRIVACY_CONTROL.to_owned());
        }
        for argument in &self.arguments {
            // The browser keeps only the last of two equal switches, so theirs are joined to ours.
            if let Some(theirs) = argument.strip_prefix("--host-resolver-rules=") {
                rules.push(theirs.to_owned());
            } else if let Some(theirs) = argument.strip_prefix("--enable-features=") {
                features.push(theirs.to_owned());
            } else {
                arguments.push(argument.clone());
            }
        }
        for (switch, values) in [
            ("--host-resolver-rules", rules),
            ("--enable-features", features),
        ] {
            if !values.is_empty() {
                arguments.push(format!("{switch}={}", values.join(",")));
            }
        }
        arguments.push("about:blank".to_owned());
        arguments
    }
}

/// A running browser. Dropping it kills it; [`Browser::close`] ends it cleanly.
#[derive(Debug)]
pub struct Browser {
    root: Session,
    connection: Connection,
    child: Child,
    info: BrowserInfo,
    /// Ends the browser when this process is killed and cannot do so itself.
    _watchdog: Option<Watchdog>,
    /// Removed with the browser: nothing of one run reaches another.
    _profile: TempDir,
}

impl Browser {
    /// Starts a browser and connects to it.
    pub async fn launch(options: &LaunchOptions) -> Result<Self, BrowserError> {
        let profile = new_profile().map_err(BrowserError::Profile)?;
        let version = version_of(&options.executable).await;
        let user_agent = version.as_deref().map(|version| {
            let ordinary = user_agent_of(version);
            if options.honest_bot {
                format!("{ordinary} Consentinel/{}", env!("CARGO_PKG_VERSION"))
            } else {
                ordinary
            }
        });
        let sandbox = !runs_as_root();
        let mut command = Command::new(&options.executable);
        // A group of its own: an interrupt at the terminal is for us, and what a system puts before the
        // browser, such as a shell script, ends together with it.
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command
            .args(options.command_line(profile.path(), user_agent.as_deref(), sandbox))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| BrowserError::Launch {
                path: options.executable.clone(),
                source,
            })?;
        let watchdog = child
            .id()
            .and_then(|process| Watchdog::over(process, profile.path()));
        let address = match child.stderr.take() {
            Some(stderr) => debugging_address(stderr, &options.executable).await?,
            None => return Err(BrowserError::Disconnected("no error stream".to_owned())),
        };
        let connection = Connection::open(&address).await?;
        let root = Session::root(connection.clone());
        let about = root.call(GetVersionParams {}).await?;
        let product = about["product"].as_str().unwrap_or_default().to_owned();
        let info = BrowserInfo {
            name: options
                .executable
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            version: product.rsplit('/').next().unwrap_or_default().to_owned(),
            engine: if is_headless_shell(&options.executable) {
                "headless-shell"
            } else {
                "headless"
            }
            .to_owned(),
            user_agent: about["userAgent"].as_str().unwrap_or_default().to_owned(),
            sandbox,
            third_party_cookies: false,
            global_privacy_control: false,
        };
        root.call(attach_to_everything()).await?;
        Ok(Self {
            root,
            connection,
            child,
            info,
            _watchdog: watchdog,
            _profile: profile,
        })
    }

    /// Name, version, user agent.
    pub fn info(&self) -> &BrowserInfo {
        &self.info
    }

    /// Notes what the self-test found.
    pub fn note_self_test(&mut self, found: Capabilities) {
        self.info.third_party_cookies = found.third_party_cookies;
        self.info.global_privacy_control = found.global_privacy_control;
    }

    /// The session with the browser itself.
    pub fn root(&self) -> &Session {
        &self.root
    }

    /// The connection, to listen on.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Opens a profile nobody used before, isolated in cookies, cache, storage and service workers. Nothing
    /// can be downloaded in it.
    pub async fn new_context(&self) -> Result<String, BrowserError> {
        let answer = self
            .root
            .call(
                CreateBrowserContextParams::builder()
                    .dispose_on_detach(true)
                    .build(),
            )
            .await?;
        let context = answer["browserContextId"]
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| BrowserError::Disconnected("no browser context id".to_owned()))?;
        let deny = SetDownloadBehaviorParams {
            behavior: SetDownloadBehaviorBehavior::Deny,
            browser_context_id: Some(context.clone().into()),
            download_path: None,
            events_enabled: None,
        };
        // Commands are carried out in order, so no page of the profile comes before it.
        drop(self.root.send(deny));
        Ok(context)
    }

    /// Throws a profile away with everything in it.
    pub async fn dispose_context(&self, context: &str) -> Result<(), BrowserError> {
        self.root
            .call(DisposeBrowserContextParams::new(context.to_owned()))
            .await
            .map(drop)
    }

    /// Memory all of its processes take, in bytes, where the system tells it.
    pub fn memory(&self) -> Option<u64> {
        super::memory::of_group(self.process_group()?)
    }

    /// The number of the group its processes belong to; absent when it has ended.
    pub fn process_group(&self) -> Option<u32> {
        self.child.id()
    }

    /// Ends the browser.
    pub async fn close(mut self) {
        if let Err(error) = self.root.call_within(CloseParams {}, END_LIMIT).await {
            tracing::debug!(%error, "the browser did not take its leave");
        }
        if tokio::time::timeout(END_LIMIT, self.child.wait())
            .await
            .is_err()
        {
            self.kill();
        }
    }

    /// Kills the browser with everything it was started by.
    fn kill(&mut self) {
        // Absent when it has ended.
        let Some(process) = self.child.id() else {
            return;
        };
        #[cfg(unix)]
        if let Some(group) = i32::try_from(process)
            .ok()
            .and_then(rustix::process::Pid::from_raw)
            && let Err(error) =
                rustix::process::kill_process_group(group, rustix::process::Signal::KILL)
        {
            tracing::debug!(%error, "the browser's processes could not be killed");
        }
        if let Err(error) = self.child.start_kill() {
            tracing::debug!(%error, process, "the browser could not be killed");
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Attach to every target, paused, before its first line of script runs.
///
/// `browser_ui` targets of new headless are no pages; allowing both `tab` and `page` is an error.
pub fn attach_to_everything() -> SetAutoAttachParams {
    let exclude = |kind: &str| FilterEntry {
        exclude: Some(true),
        r#type: Some(kind.to_owned()),
    };
    let everything_else = FilterEntry {
        exclude: None,
        r#type: None,
    };
    SetAutoAttachParams {
        auto_attach: true,
        wait_for_debugger_on_start: true,
        flatten: Some(true),
        filter: Some(TargetFilter::new(vec![
            exclude("browser"),
            exclude("tab"),
            exclude("browser_ui"),
            everything_else,
        ])),
    }
}

/// Whether the sandbox must be off: Chromium refuses to run as root with it.
pub fn runs_as_root() -> bool {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::fs::MetadataExt as _;
        std::fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
    }
    #[cfg(not(target_os = "linux"))]
    {
        false
    }
}

fn is_headless_shell(executable: &Path) -> bool {
    executable
        .file_name()
        .is_some_and(|name| name.to_string_lossy().contains("headless-shell"))
}

fn new_profile() -> std::io::Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("consentinel-").tempdir()?;
    std::fs::create_dir_all(folder.path().join("Default"))?;
    std::fs::write(
        folder.path().join("Default").join("Preferences"),
        PREFERENCES,
    )?;
    Ok(folder)
}

/// Asks the executable for its version, such as `156.0.8078.79`.
async fn version_of(executable: &Path) -> Option<String> {
    let asked = Command::new(executable)
        .arg("--version")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(END_LIMIT, asked).await.ok()?.ok()?;
    version_in(&String::from_utf8_lossy(&output.stdout)).map(str::to_owned)
}

fn version_in(text: &str) -> Option<&str> {
    text.split_whitespace().find(|word| {
        word.contains('.')
            && word
                .split('.')
                .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
    })
}

/// The user agent of an ordinary Chrome of that version: banners hide from `HeadlessChrome`.
fn user_agent_of(version: &str) -> String {
    let major = version.split('.').next().unwrap_or(version);
    let platform = if cfg!(target_os = "macos") {
        "Macintosh; Intel Mac OS X 10_15_7"
    } else if cfg!(windows) {
        "Windows NT 10.0; Win64; x64"
    } else {
        "X11; Linux x86_64"
    };
    format!(
        "Mozilla/5.0 ({platform}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.0.0 Safari/537.36"
    )
}

/// Reads the address the browser writes to its error stream, and keeps reading afterwards: a full
/// pipe would stop the browser.
async fn debugging_address(stderr: ChildStderr, executable: &Path) -> Result<String, BrowserError> {
    let mut lines = BufReader::new(stderr).lines();
    let mut said = String::new();
    let found = tokio::time::timeout(START_LIMIT, async {
        while let Ok(Some(line)) = lines.next_line().await {
            if let Some(address) = line.trim().strip_prefix("DevTools listening on ") {
                return Some(address.to_owned());
            }
            if !line.trim().is_empty() {
                said = line;
            }
        }
        None
    })
    .await;
    match found {
        Ok(Some(address)) => {
            tokio::spawn(async move {
                while let Ok(Some(line)) = lines.next_line().await {
                    if is_of_the_browser(&line) {
                        tracing::trace!(target: "consentinel::browser::stderr", "{line}");
                    }
                }
            });
            Ok(address)
        }
        Ok(None) => Err(BrowserError::EndedAtOnce {
            path: executable.to_path_buf(),
            said,
        }),
        Err(_elapsed) => Err(BrowserError::Silent {
            path: executable.to_path_buf(),
            limit: START_LIMIT,
        }),
    }
}

/// Whether a line of the error stream is the browser's own trouble. It also repeats there what pages say on
/// their consoles, our hooks' reports with the values of pages among it, and no log may hold those.
fn is_of_the_browser(line: &str) -> bool {
    let Some((head, _)) = line.strip_prefix('[').and_then(|line| line.split_once(']')) else {
        return false;
    };
    let mut fields = head.split(':');
    fields.any(|field| matches!(field, "WARNING" | "ERROR" | "FATAL")) && !head.contains("CONSOLE")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_browsers_print() {
        for (text, expected) in [
            (
                "Chromium 156.0.8078.79 built on Debian GNU/Linux 12 (bookworm)",
                Some("156.0.8078.79"),
            ),
            ("Google Chrome 156.0.8078.79 ", Some("156.0.8078.79")),
            ("no version here.", None),
        ] {
            assert_eq!(version_in(text), expected);
        }
    }

    #[test]
    fn what_pages_say_reaches_no_log() {
        for (line, logged) in [
            (
                "[12:34:1123/035640.633314:ERROR:gpu/init.cc:5] no display",
                true,
            ),
            ("[1123/035640.633314:WARNING:sandbox.cc:5] none", true),
            (
                r#"[1123/035640.633314:INFO:CONSOLE:74] "{"value":"ERROR:secret"}""#,
                false,
            ),
            (r#"[1123/035640.633314:ERROR:CONSOLE:74] "secret""#, false),
            ("the second line of what a page says", false),
            ("", false),
        ] {
            assert_eq!(is_of_the_browser(line), logged, "{line}");
        }
    }

    #[test]
    fn the_users_resolver_rules_are_joined_to_ours() {
        let options = LaunchOptions {
            executable: "chromium".into(),
            resolver_rules: vec!["MAP a 1.2.3.4".to_owned()],
            arguments: vec![
                "--host-resolver-rules=MAP * 127.0.0.1:8443".to_owned(),
                "--lang=de".to_owned(),
            ],
            ..LaunchOptions::default()
        };
        let line = options.command_line(Path::new("/profile"), None, true);
        assert!(
            line.contains(&"--host-resolver-rules=MAP a 1.2.3.4,MAP * 127.0.0.1:8443".to_owned())
        );
        assert!(line.contains(&"--lang=de".to_owned()));
        assert!(line.contains(&"--headless=new".to_owned()));
        assert!(!line.contains(&"--no-sandbox".to_owned()));
    }

    #[test]
    fn global_privacy_control_stands_beside_the_users_features() {
        let line = |global_privacy_control, theirs: &str| {
            let options = LaunchOptions {
                executable: "chromium".into(),
                global_privacy_control,
                arguments: vec![theirs.to_owned()],
                ..LaunchOptions::default()
            };
            options
                .command_line(Path::new("/profile"), None, true)
                .into_iter()
                .filter(|argument| argument.starts_with("--enable-features"))
                .collect::<Vec<_>>()
        };
        let both = format!("--enable-features={GLOBAL_PRIVACY_CONTROL},Theirs");
        assert_eq!(line(true, "--enable-features=Theirs"), [both]);
        let ours = format!("--enable-features={GLOBAL_PRIVACY_CONTROL}");
        assert_eq!(line(true, "--lang=de"), [ours]);
        assert_eq!(line(false, "--lang=de"), Vec::<String>::new());
    }

    #[test]
    fn the_user_agent_does_not_tell() {
        let user_agent = user_agent_of("156.0.8078.79");
        assert!(user_agent.contains("Chrome/156.0.0.0"));
        assert!(!user_agent.contains("Headless"));
    }
}
