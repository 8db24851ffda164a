//! Who gets at the service: its options, and the accounts and tokens that are made at the command line.

use std::io::{IsTerminal as _, stdin};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};

use super::super::exit::Exit;
use super::super::output::{chain, complain, print, say};
use super::super::store::Place;
use crate::report::printable;
use crate::service::access::accounts::account_name;
use crate::service::access::journal::Entry;
use crate::service::access::options::{AccessOptions, PublicUrl, REQUESTS_A_MINUTE, TlsFiles};
use crate::service::access::password::{self, Password};
use crate::service::access::{Access, Scope};

/// Variable with the password of an account that is added or changed.
const PASSWORD: &str = "CONSENTINEL_PASSWORD";

/// As the journal names whoever sits at the machine.
const WHO: &str = "command line";

#[derive(Debug, clap::Args)]
pub(super) struct AccessArguments {
    /// Address people reach it at through a reverse proxy, such as https://audits.example.com
    #[arg(long, value_name = "URL", value_parser = PublicUrl::parse, env = "CONSENTINEL_PUBLIC_URL")]
    public_url: Option<PublicUrl>,
    /// Address or network of a reverse proxy whose X-Forwarded-For is believed; can be repeated
    #[arg(long, value_name = "CIDR", value_parser = network)]
    trusted_proxy: Vec<IpNet>,
    /// Certificate for TLS with those that vouch for it, in PEM; read again every hour
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key of the certificate, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Most requests of one caller in a minute
    #[arg(
        long,
        value_name = "REQUESTS",
        default_value_t = REQUESTS_A_MINUTE,
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    rate_limit: u32,
}

/// A network, or an address that is one by itself.
fn network(text: &str) -> Result<IpNet, String> {
    let address = || text.parse::<IpAddr>().map(IpNet::from);
    let network = text.parse().or_else(|_| address());
    network.map_err(|error: std::net::AddrParseError| {
        format!("{error}; expected an address or a network such as 10.0.0.0/8")
    })
}

impl AccessArguments {
    pub(super) fn options(self) -> AccessOptions {
        AccessOptions {
            public_url: self.public_url,
            trusted_proxies: self.trusted_proxy,
            tls: self
                .tls_cert
                .zip(self.tls_key)
                .map(|(certificate, key)| TlsFiles { certificate, key }),
            requests_a_minute: self.rate_limit,
        }
    }
}

/// Says where the service is, how to make the first account, and what to mind.
pub(super) fn greet(
    access: &Access,
    options: &AccessOptions,
    address: SocketAddr,
) -> Result<(), String> {
    let scheme = if options.tls.is_some() {
        "https"
    } else {
        "http"
    };
    let own = format!("{scheme}://{address}");
    let is_bare = !options.is_secure() && options.trusted_proxies.is_empty();
    if !address.ip().is_loopback() && is_bare {
        say(
            "warning: passwords cross the network in the clear; use --tls-cert, or a proxy with TLS and --public-url",
        );
    }
    let link = access.first_link(Timestamp::now());
    if let Some(secret) = link.map_err(|error| chain(&error))? {
        let public = options.public_url.as_ref();
        let base = public.map_or_else(|| own.clone(), PublicUrl::origin);
        say("no account yet; make the first one within an hour, with this link that counts once:");
        say(&format!("{base}/first-account?key={}", secret.expose()));
    }
    say(&format!("listening on {own}"));
    Ok(())
}

/// Looks after accounts and tokens while the service does not run.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Add, list, change and remove accounts
    #[command(subcommand)]
    Account(AccountCommand),
    /// Make tokens for programs
    #[command(subcommand)]
    Token(TokenCommand),
}

#[derive(Debug, clap::Subcommand)]
pub(super) enum AccountCommand {
    /// Add an account
    ///
    /// The password comes from CONSENTINEL_PASSWORD, or is asked for, or is the first line of standard input.
    Add {
        /// Its name
        name: String,
        /// What it may do
        #[arg(long, value_enum, default_value = "admin")]
        scope: Scope,
        #[command(flatten)]
        place: Place,
    },
    /// List accounts
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Set an account's password, which ends its sessions
    ///
    /// The password comes from CONSENTINEL_PASSWORD, or is asked for, or is the first line of standard input.
    Password {
        /// Its name
        name: String,
        #[command(flatten)]
        place: Place,
    },
    /// Remove an account with its sessions and tokens
    Remove {
        /// Its name
        name: String,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, clap::Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token, and print it: the only time it is shown
    Add {
        /// What it is called
        name: String,
        /// The account it acts for
        #[arg(long, value_name = "NAME")]
        account: String,
        /// What it may do
        #[arg(long, value_enum, default_value = "read")]
        scope: Scope,
        /// How many days it lasts
        #[arg(
            long,
            value_name = "DAYS",
            default_value_t = 90,
            value_parser = clap::value_parser!(u32).range(1..=3_650)
        )]
        days: u32,
        #[command(flatten)]
        place: Place,
    },
}

impl Command {
    fn place(&self) -> &Place {
        match self {
            Self::Account(
                AccountCommand::Add { place, .. }
                | AccountCommand::List { place }
                | AccountCommand::Password { place, .. }
                | AccountCommand::Remove { place, .. },
            )
            | Self::Token(TokenCommand::Add { place, .. }) => place,
        }
    }
}

/// Carries out a command. `outer` is the store named before the command.
pub(super) fn run(command: &Command, outer: &Place) -> Exit {
    let inner = command.place();
    let place = if inner.store.is_some() { inner } else { outer };
    match carry_out(command, place) {
        Ok(()) => Exit::Passed,
        Err(message) => {
            complain(&message, None);
            Exit::Usage
        }
    }
}

fn carry_out(command: &Command, place: &Place) -> Result<(), String> {
    let store = place.open().map_err(|error| chain(&error))?;
    let access = Access::open(&store, &AccessOptions::default()).map_err(|error| chain(&error))?;
    let failed = |error| chain(&error);
    let note = |action: &str, subject: &str| {
        let written = access.write(&Entry::new(WHO, action, subject));
        written.map_err(|error| chain(&error))
    };
    match command {
        Command::Account(AccountCommand::Add {
            name, scope: may, ..
        }) => {
            let name = account_name(name).map_err(failed)?;
            if access.account(&name).is_some() {
                return Err(format!(
                    "there is an account {name} already; `consentinel serve account password {name}` sets its password"
                ));
            }
            let hashed = password::hash(&ask_password(&name)?, &name).map_err(failed)?;
            let account = access.add_account(&name, *may, hashed).map_err(failed)?;
            let scope = account.scope.name();
            note("account added", &format!("{name}, scope {scope}"))?;
            say(&format!("added {name} with scope {scope}"));
        }
        Command::Account(AccountCommand::List { .. }) => {
            let accounts = access.accounts();
            let width = accounts.iter().map(|it| it.name.len()).max().unwrap_or(0);
            let lines = accounts.iter().map(|account| {
                let name = printable(&account.name);
                format!("{name:width$}  {}\n", account.scope.name())
            });
            print(&lines.collect::<String>());
        }
        Command::Account(AccountCommand::Password { name, .. }) => {
            let name = account_name(name).map_err(failed)?;
            if access.account(&name).is_none() {
                return Err(format!("there is no account {name}"));
            }
            let hashed = password::hash(&ask_password(&name)?, &name).map_err(failed)?;
            access
                .change_account(&name, None, Some(hashed), None)
                .map_err(failed)?;
            note("account changed, new password", &name)?;
            say(&format!("set the password of {name}"));
        }
        Command::Account(AccountCommand::Remove { name, .. }) => {
            let name = account_name(name).map_err(failed)?;
            access.remove_account(&name).map_err(failed)?;
            note("account removed", &name)?;
            say(&format!("removed {name}"));
        }
        Command::Token(TokenCommand::Add {
            name,
            account,
            scope,
            days,
            ..
        }) => {
            let account = account_name(account).map_err(failed)?;
            let expires = Timestamp::now() + SignedDuration::from_hours(24 * i64::from(*days));
            let (token, secret) = access
                .make_token(&account, name, *scope, expires)
                .map_err(failed)?;
            note("token made", &token.told())?;
            print(&format!("{}\n", secret.expose()));
        }
    }
    Ok(())
}

/// The password of an account: from the environment, from whoever sits there, or from another program.
fn ask_password(name: &str) -> Result<Password, String> {
    if let Ok(password) = std::env::var(PASSWORD) {
        return Ok(Password::new(password));
    }
    let unread = |error: std::io::Error| {
        format!("the password cannot be read: {error}; it can also stand in {PASSWORD}")
    };
    if !stdin().is_terminal() {
        let mut line = String::new();
        stdin().read_line(&mut line).map_err(unread)?;
        let line = line.strip_suffix('\n').unwrap_or(&line);
        let line = line.strip_suffix('\r').unwrap_or(line);
        return Ok(Password::new(line));
    }
    let first = rpassword::prompt_password(format!("Password of {name}: ")).map_err(unread)?;
    let second = rpassword::prompt_password("Once more: ").map_err(unread)?;
    if first == second {
        Ok(Password::new(first))
    } else {
        Err("the two passwords differ; try again".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxies_are_addresses_or_networks() {
        for (text, expected) in [
            ("10.0.0.0/8", Some("10.0.0.0/8")),
            ("10.1.2.3", Some("10.1.2.3/32")),
            ("::1", Some("::1/128")),
            ("proxy.example", None),
            ("10.0.0.0/33", None),
            ("", None),
        ] {
            let read = network(text).ok().map(|network| network.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }
}
