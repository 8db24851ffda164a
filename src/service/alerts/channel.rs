//! A channel: where alerts go, and which of them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use lettre::message::Mailbox;
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;

use super::secret::Secret;
use super::signature;
use crate::model::finding::Severity;
use crate::service::error::Problem;

/// Most letters of a name, of an address and of anything secret, in bytes.
const LONGEST_NAME: usize = 100;
const LONGEST_ADDRESS: usize = 2_000;
const LONGEST_SECRET: usize = 1_000;
/// Longest certificate of an authority, in bytes.
const LONGEST_CERTIFICATE: usize = 4_000;
/// Most sites a channel names, and most people it writes to.
const MOST_SITES: usize = 100;
const MOST_RECIPIENTS: usize = 20;

/// What an alert is sent for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Occasion {
    /// Findings this channel has not been told of.
    NewFindings,
    /// Findings it was told of are gone.
    FixedFindings,
    /// An audit could not be carried out.
    FailedAudit,
    /// Somebody wants to see whether alerts arrive.
    Test,
}

impl Occasion {
    /// As it is written in JSON and in logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NewFindings => "new-findings",
            Self::FixedFindings => "fixed-findings",
            Self::FailedAudit => "failed-audit",
            Self::Test => "test",
        }
    }
}

/// Where alerts go, and which of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// Its id, made from the name.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Whether anything is sent.
    pub enabled: bool,
    /// Why the service has switched it off.
    pub note: Option<String>,
    /// Where alerts go.
    pub target: Target,
    /// Ids of the sites it hears of; all when none is named.
    pub sites: BTreeSet<String>,
    /// What it hears of.
    pub events: BTreeSet<Occasion>,
    /// Findings less grave are left out.
    pub minimum_severity: Severity,
    /// When it was added.
    pub created: Timestamp,
    /// When it was last changed.
    pub changed: Timestamp,
}

impl Channel {
    /// Whether it wants to hear of this.
    pub fn wants(&self, site: &str, occasion: Occasion) -> bool {
        self.enabled
            && (self.sites.is_empty() || self.sites.contains(site))
            && self.events.contains(&occasion)
    }
}

/// Where alerts go. Secrets are taken in and never shown again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Target {
    /// A program of one's own: JSON, signed.
    Webhook {
        /// Where it is posted to.
        url: Secret,
        /// What it is signed with; made by the service when it is left out, and shown once.
        secret: Option<Secret>,
    },
    /// An incoming webhook of Slack, or of what takes the same, such as Mattermost.
    Slack {
        /// The webhook's address.
        url: Secret,
    },
    /// A workflow of Microsoft Teams that posts what it is sent.
    Teams {
        /// The workflow's address.
        url: Secret,
    },
    /// A room on a Matrix homeserver, by its client-server API.
    Matrix {
        /// The homeserver, such as `https://matrix.example.org`.
        #[schema(value_type = String)]
        homeserver: Url,
        /// The room's id, such as `!abc:example.org`.
        room: String,
        /// Access token of the account that writes.
        access_token: Secret,
    },
    /// People's mailboxes.
    Email {
        /// Who is written to.
        to: Vec<String>,
        /// The mail server; the service's own when it is left out.
        smtp: Option<Smtp>,
    },
}

/// A mail server, and how it is spoken to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Smtp {
    /// Its host.
    pub host: String,
    /// Its port; 587, 465 or 25 when it is left out, as `security` has it.
    pub port: Option<u16>,
    /// How the connection is kept secret.
    #[serde(default)]
    pub security: Security,
    /// Who signs in; nobody when it is left out.
    pub username: Option<String>,
    /// The password. Left out, it stays as it was if host, port and user name do.
    pub password: Option<Secret>,
    /// Who writes, such as `Consentinel <alerts@example.com>`.
    pub from: String,
    /// PEM certificate of an authority that is trusted beside the public ones, for a server inside.
    pub authority: Option<String>,
}

/// How a connection to a mail server is kept secret.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Security {
    /// It begins in the open and goes on in TLS, or not at all.
    #[default]
    Starttls,
    /// TLS from the beginning.
    Tls,
    /// In the open; no password is sent so.
    None,
}

impl Smtp {
    /// The port that is connected to.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.security {
            Security::Starttls => 587,
            Security::Tls => 465,
            Security::None => 25,
        })
    }

    /// Makes sure that it can be used. A password that is left out is taken over from `before`.
    pub fn checked(mut self, pointer: &str, before: Option<&Self>) -> Result<Self, Problem> {
        let wrong = |field: &str, detail: &str| {
            Err(Problem::invalid(&format!("{pointer}/{field}"), detail))
        };
        if !is_short(&self.host, 253) || self.host.contains(['/', '@', ' ']) {
            return wrong("host", "expected the name of a mail server");
        }
        if self.password.is_none()
            && let Some(before) = before.filter(|before| {
                before.host == self.host
                    && before.port() == self.port()
                    && before.username == self.username
            })
        {
            self.password = before.password.clone();
        }
        if self
            .username
            .as_ref()
            .is_some_and(|name| !is_short(name, LONGEST_NAME * 2))
        {
            return wrong("username", "expected 1 to 200 letters");
        }
        if self
            .password
            .as_ref()
            .is_some_and(|password| !is_short(password.expose(), LONGEST_SECRET))
        {
            return wrong("password", "expected 1 to 1000 letters");
        }
        if self.username.is_some() != self.password.is_some() {
            return wrong(
                "password",
                "a user name needs a password, and a password a user name",
            );
        }
        if self.password.is_some() && self.security == Security::None {
            return wrong(
                "security",
                "a password is sent over TLS alone: choose `starttls` or `tls`",
            );
        }
        if !is_short(&self.from, 320) || self.from.parse::<Mailbox>().is_err() {
            return wrong(
                "from",
                "expected a mail address, such as `Consentinel <alerts@example.com>`",
            );
        }
        if let Some(authority) = &self.authority
            && (authority.len() > LONGEST_CERTIFICATE
                || !authority.contains("-----BEGIN CERTIFICATE-----"))
        {
            return wrong(
                "authority",
                "expected certificates in PEM of at most 4000 bytes",
            );
        }
        Ok(self)
    }
}

impl Target {
    /// What kind it is, as it is written in JSON.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Webhook { .. } => "webhook",
            Self::Slack { .. } => "slack",
            Self::Teams { .. } => "teams",
            Self::Matrix { .. } => "matrix",
            Self::Email { .. } => "email",
        }
    }

    /// Makes sure that it can be used. What is secret and left out is taken over from `before`, or made;
    /// what was made comes back, to be shown once.
    fn checked(self, before: Option<&Self>) -> Result<(Self, Option<Secret>), Problem> {
        let address = |url: &Secret| {
            let parsed = Url::parse(url.expose()).ok();
            let usable = parsed.is_some_and(|url| is_usable(&url));
            if usable && url.expose().len() <= LONGEST_ADDRESS {
                Ok(())
            } else {
                Err(Problem::invalid(
                    "/target/url",
                    "expected an address that begins with https:// or http://, without user and password",
                ))
            }
        };
        let mut made = None;
        let target = match self {
            Self::Webhook { url, secret } => {
                address(&url)?;
                let kept = match before {
                    Some(Self::Webhook { secret, .. }) => secret.clone(),
                    _ => None,
                };
                let secret = match secret.or(kept) {
                    Some(secret) => {
                        if signature::Key::of(&secret).is_none() {
                            return Err(Problem::invalid(
                                "/target/secret",
                                "expected `whsec_` and 16 to 64 bytes in base64, or 16 to 200 letters",
                            ));
                        }
                        secret
                    }
                    None => made.insert(signature::new_secret()?).clone(),
                };
                Self::Webhook {
                    url,
                    secret: Some(secret),
                }
            }
            Self::Slack { ref url } | Self::Teams { ref url } => {
                address(url)?;
                self
            }
            Self::Matrix {
                ref homeserver,
                ref room,
                ref access_token,
            } => {
                if !is_usable(homeserver) || homeserver.as_str().len() > LONGEST_ADDRESS {
                    return Err(Problem::invalid(
                        "/target/homeserver",
                        "expected the address of a homeserver, such as `https://matrix.example.org`",
                    ));
                }
                if !is_short(room, 255) || !room.starts_with('!') {
                    return Err(Problem::invalid(
                        "/target/room",
                        "expected the id of a room, such as `!abc:example.org`; the room's settings show it",
                    ));
                }
                if !is_short(access_token.expose(), LONGEST_SECRET)
                    || !access_token
                        .expose()
                        .bytes()
                        .all(|byte| byte.is_ascii_graphic())
                {
                    return Err(Problem::invalid(
                        "/target/access_token",
                        "expected an access token",
                    ));
                }
                self
            }
            Self::Email { to, smtp } => {
                if to.is_empty() || to.len() > MOST_RECIPIENTS {
                    return Err(Problem::invalid(
                        "/target/to",
                        "expected 1 to 20 mail addresses",
                    ));
                }
                if let Some(at) = to
                    .iter()
                    .position(|to| !is_short(to, 320) || to.parse::<Mailbox>().is_err())
                {
                    return Err(Problem::invalid(
                        &format!("/target/to/{at}"),
                        "expected a mail address, such as `anna@example.com`",
                    ));
                }
                let known = match before {
                    Some(Self::Email { smtp, .. }) => smtp.as_ref(),
                    _ => None,
                };
                let smtp = smtp
                    .map(|smtp| smtp.checked("/target/smtp", known))
                    .transpose()?;
                Self::Email { to, smtp }
            }
        };
        Ok((target, made))
    }
}

/// Of one line, not empty and not too long.
fn is_short(text: &str, most: usize) -> bool {
    !text.is_empty() && text.len() <= most && !text.contains(char::is_control)
}

fn is_usable(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
}

/// What a channel is to be. To change one, only what is to be another has to be given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Wanted {
    /// What people call it; needed for a new one.
    pub name: Option<String>,
    /// Whether anything is sent; yes unless said.
    pub enabled: Option<bool>,
    /// Where alerts go; needed for a new one.
    pub target: Option<Target>,
    /// Ids of the sites it hears of; all when none is named.
    pub sites: Option<BTreeSet<String>>,
    /// What it hears of: `new-findings`, `fixed-findings`, `failed-audit`; all of them unless said.
    pub events: Option<BTreeSet<Occasion>>,
    /// Findings less grave are left out: `info`, `low`, `medium`, `high`, `critical`; `low` unless said.
    #[schema(value_type = Option<String>)]
    pub minimum_severity: Option<Severity>,
}

impl Wanted {
    /// A new channel, and the secret that was made for it.
    pub(super) fn new_channel(self, id: &str) -> Result<(Channel, Option<Secret>), Problem> {
        let now = Timestamp::now();
        let name = checked_name(
            self.name
                .ok_or_else(|| Problem::invalid("/name", "a channel needs a name"))?,
        )?;
        let target = self
            .target
            .ok_or_else(|| Problem::invalid("/target", "a channel needs somewhere to send to"))?;
        let (target, made) = target.checked(None)?;
        let all = [
            Occasion::NewFindings,
            Occasion::FixedFindings,
            Occasion::FailedAudit,
        ];
        let channel = Channel {
            id: id.to_owned(),
            name,
            enabled: self.enabled.unwrap_or(true),
            note: None,
            target,
            sites: checked_sites(self.sites.unwrap_or_default())?,
            events: checked_events(self.events.unwrap_or_else(|| all.into()))?,
            minimum_severity: self.minimum_severity.unwrap_or(Severity::Low),
            created: now,
            changed: now,
        };
        Ok((channel, made))
    }

    /// The channel with what is wanted changed, and the secret that was made for it.
    pub(super) fn changed(self, before: &Channel) -> Result<(Channel, Option<Secret>), Problem> {
        let (target, made) = match self.target {
            Some(target) => target.checked(Some(&before.target))?,
            None => (before.target.clone(), None),
        };
        let enabled = self.enabled.unwrap_or(before.enabled);
        let channel = Channel {
            id: before.id.clone(),
            name: self
                .name
                .map_or_else(|| Ok(before.name.clone()), checked_name)?,
            enabled,
            // Whoever switches it on again has read it.
            note: before.note.clone().filter(|_| !enabled),
            target,
            sites: self
                .sites
                .map_or_else(|| Ok(before.sites.clone()), checked_sites)?,
            events: self
                .events
                .map_or_else(|| Ok(before.events.clone()), checked_events)?,
            minimum_severity: self.minimum_severity.unwrap_or(before.minimum_severity),
            created: before.created,
            changed: Timestamp::now(),
        };
        Ok((channel, made))
    }
}

fn checked_name(name: String) -> Result<String, Problem> {
    if is_short(&name, LONGEST_NAME) && !name.trim().is_empty() {
        Ok(name)
    } else {
        Err(Problem::invalid(
            "/name",
            "expected one line of 1 to 100 letters",
        ))
    }
}

fn checked_sites(sites: BTreeSet<String>) -> Result<BTreeSet<String>, Problem> {
    if sites.len() <= MOST_SITES && sites.iter().all(|site| is_short(site, 64)) {
        Ok(sites)
    } else {
        Err(Problem::invalid(
            "/sites",
            "expected ids of at most 100 sites",
        ))
    }
}

fn checked_events(events: BTreeSet<Occasion>) -> Result<BTreeSet<Occasion>, Problem> {
    if events.is_empty() || events.contains(&Occasion::Test) {
        Err(Problem::invalid(
            "/events",
            "expected some of `new-findings`, `fixed-findings`, `failed-audit`",
        ))
    } else {
        Ok(events)
    }
}

/// A channel as it is shown: without anything secret. Addresses of webhooks are secrets, too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChannelShown {
    /// Its id, made from the name.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Whether anything is sent.
    pub enabled: bool,
    /// Why the service has switched it off.
    pub note: Option<String>,
    /// Where alerts go.
    pub target: TargetShown,
    /// Ids of the sites it hears of; all when none is named.
    pub sites: BTreeSet<String>,
    /// What it hears of.
    pub events: BTreeSet<Occasion>,
    /// Findings less grave are left out.
    #[schema(value_type = String)]
    pub minimum_severity: Severity,
    /// When it was added.
    pub created: Timestamp,
    /// When it was last changed.
    pub changed: Timestamp,
    /// The secret alerts are signed with, in the one answer to the request that had it made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// Where alerts go, without anything secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TargetShown {
    /// `webhook`, `slack`, `teams`, `matrix` or `email`.
    pub kind: String,
    /// The host alerts are sent to, with scheme and port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The room, for Matrix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room: Option<String>,
    /// Who is written to, by e-mail.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
    /// The channel's own mail server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smtp: Option<SmtpShown>,
}

/// A mail server, without its password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SmtpShown {
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is kept secret.
    pub security: Security,
    /// Who signs in.
    pub username: Option<String>,
    /// Whether there is a password.
    pub has_password: bool,
    /// Who writes.
    pub from: String,
    /// Whether an authority of one's own is trusted.
    pub has_authority: bool,
}

impl From<&Smtp> for SmtpShown {
    fn from(smtp: &Smtp) -> Self {
        Self {
            host: smtp.host.clone(),
            port: smtp.port(),
            security: smtp.security,
            username: smtp.username.clone(),
            has_password: smtp.password.is_some(),
            from: smtp.from.clone(),
            has_authority: smtp.authority.is_some(),
        }
    }
}

impl From<&Target> for TargetShown {
    fn from(target: &Target) -> Self {
        let origin = |url: &str| {
            let url = Url::parse(url).ok()?;
            Some(url.origin().ascii_serialization())
        };
        let mut shown = Self {
            kind: target.kind().to_owned(),
            origin: None,
            room: None,
            to: Vec::new(),
            smtp: None,
        };
        match target {
            Target::Webhook { url, .. } | Target::Slack { url } | Target::Teams { url } => {
                shown.origin = origin(url.expose());
            }
            Target::Matrix {
                homeserver, room, ..
            } => {
                shown.origin = origin(homeserver.as_str());
                shown.room = Some(room.clone());
            }
            Target::Email { to, smtp } => {
                shown.to.clone_from(to);
                shown.smtp = smtp.as_ref().map(SmtpShown::from);
            }
        }
        shown
    }
}

impl From<Channel> for ChannelShown {
    fn from(channel: Channel) -> Self {
        Self {
            target: TargetShown::from(&channel.target),
            id: channel.id,
            name: channel.name,
            enabled: channel.enabled,
            note: channel.note,
            sites: channel.sites,
            events: channel.events,
            minimum_severity: channel.minimum_severity,
            created: channel.created,
            changed: channel.changed,
            secret: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn wanted(value: serde_json::Value) -> Wanted {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_channel_that_cannot_work_is_refused_and_the_field_named() {
        let smtp = |more: serde_json::Value| {
            let mut smtp = json!({"host": "mail.test", "from": "a@b.test"});
            smtp.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            json!({"name": "n", "target": {"kind": "email", "to": ["a@b.test"], "smtp": smtp}})
        };
        let webhook = |url: &str| json!({"name": "n", "target": {"kind": "webhook", "url": url}});
        for (value, pointer) in [
            (
                json!({"target": {"kind": "slack", "url": "https://a.test/"}}),
                "/name",
            ),
            (json!({"name": "n"}), "/target"),
            (
                json!({"name": "a\nb", "target": {"kind": "slack", "url": "https://a.test/"}}),
                "/name",
            ),
            (webhook("ftp://a.test/"), "/target/url"),
            (webhook("https://user:word@a.test/"), "/target/url"),
            (webhook("file:///etc/passwd"), "/target/url"),
            (webhook("not an address"), "/target/url"),
            (
                json!({"name": "n", "target": {"kind": "webhook", "url": "https://a.test/", "secret": "short"}}),
                "/target/secret",
            ),
            (
                json!({"name": "n", "target": {"kind": "matrix", "homeserver": "https://a.test", "room": "#a:b", "access_token": "t"}}),
                "/target/room",
            ),
            (
                json!({"name": "n", "target": {"kind": "email", "to": []}}),
                "/target/to",
            ),
            (
                json!({"name": "n", "target": {"kind": "email", "to": ["a@b.test", "b"]}}),
                "/target/to/1",
            ),
            (smtp(json!({"username": "u"})), "/target/smtp/password"),
            (
                smtp(json!({"username": "u", "password": "p", "security": "none"})),
                "/target/smtp/security",
            ),
            (smtp(json!({"from": "nobody"})), "/target/smtp/from"),
            (smtp(json!({"host": "a/b"})), "/target/smtp/host"),
            (
                json!({"name": "n", "events": ["test"], "target": {"kind": "slack", "url": "https://a.test/"}}),
                "/events",
            ),
        ] {
            let problem = wanted(value.clone()).new_channel("n").unwrap_err();
            assert_eq!(problem.pointer.as_deref(), Some(pointer), "{value}");
        }
        assert!(
            wanted(webhook("https://a.test/hook"))
                .new_channel("n")
                .is_ok()
        );
        assert!(
            wanted(smtp(json!({"username": "u", "password": "p"})))
                .new_channel("n")
                .is_ok()
        );
    }

    #[test]
    fn nothing_secret_is_shown() {
        let secrets = [
            "hook-token",
            "whsec_c2VjcmV0c2VjcmV0c2VjcmV0",
            "matrix-token",
            "mail-word",
        ];
        for target in [
            json!({"kind": "webhook", "url": "https://a.test/hook-token", "secret": secrets[1]}),
            json!({"kind": "slack", "url": "https://a.test/hook-token"}),
            json!({"kind": "teams", "url": "https://a.test/?sig=hook-token"}),
            json!({"kind": "matrix", "homeserver": "https://a.test", "room": "!a:b", "access_token": secrets[2]}),
            json!({"kind": "email", "to": ["a@b.test"], "smtp": {"host": "m.test", "from": "a@b.test",
                "username": "u", "password": secrets[3]}}),
        ] {
            let (channel, made) = wanted(json!({"name": "n", "target": target}))
                .new_channel("n")
                .unwrap();
            assert_eq!(made, None);
            let shown = format!(
                "{channel:?}{}",
                serde_json::to_string(&ChannelShown::from(channel.clone())).unwrap()
            );
            for secret in secrets {
                assert!(!shown.contains(secret), "{shown}");
            }
        }
    }

    #[test]
    fn a_password_is_kept_for_its_server_alone() {
        let smtp = |host: &str, password: Option<&str>| {
            wanted(
                json!({"name": "n", "target": {"kind": "email", "to": ["a@b.test"], "smtp":
                {"host": host, "from": "a@b.test", "username": "u", "password": password}}}),
            )
        };
        let (channel, _) = smtp("m.test", Some("word")).new_channel("n").unwrap();
        assert!(smtp("m.test", None).changed(&channel).is_ok());
        assert!(smtp("evil.test", None).changed(&channel).is_err());
    }

    #[test]
    fn a_secret_is_made_once_and_kept() {
        let webhook = || {
            wanted(json!({"name": "n", "target": {"kind": "webhook", "url": "https://a.test/"}}))
        };
        let (channel, made) = webhook().new_channel("n").unwrap();
        assert!(made.unwrap().expose().starts_with("whsec_"));
        let (changed, made) = webhook().changed(&channel).unwrap();
        assert_eq!((changed.target, made), (channel.target, None));
    }
}
