//! Alerts by e-mail, over SMTP.

use std::net::IpAddr;
use std::time::Duration;

use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};

use super::channel::{Security, Smtp};
use super::delivery::Delivery;
use super::forms;
use super::outside::{NoAnswer, Vetted};
use crate::report::shown;

/// Longest time for one step of the conversation, and for all of it.
const STEP_LIMIT: Duration = Duration::from_secs(15);
const TIME_LIMIT: Duration = Duration::from_mins(1);
/// How much of an answer is kept, in characters.
const KEPT: usize = 200;
/// Addresses of a server that are tried.
const MOST_ADDRESSES: usize = 4;

/// What the server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Taken {
    /// The code, such as 250.
    pub(super) status: u16,
    /// The words.
    pub(super) text: String,
}

/// Why a mail was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotSent {
    /// It never will be.
    #[error("{error}")]
    Never {
        /// The server's code.
        status: Option<u16>,
        /// Why.
        error: String,
    },
    /// It may be later.
    #[error("{error}")]
    Later {
        /// The server's code.
        status: Option<u16>,
        /// Why.
        error: String,
    },
}

impl NotSent {
    fn never(error: &dyn std::fmt::Display) -> Self {
        Self::Never {
            status: None,
            error: shown(&error.to_string(), KEPT),
        }
    }

    fn later(error: &str) -> Self {
        Self::Later {
            status: None,
            error: error.to_owned(),
        }
    }
}

/// Sends a delivery by mail.
pub(super) async fn send(
    smtp: &Smtp,
    to: &[String],
    delivery: &Delivery,
    vetted: &Vetted,
) -> Result<Taken, NotSent> {
    let addresses = vetted
        .addresses(&smtp.host)
        .await
        .map_err(|error| match error {
            NoAnswer::Inside => NotSent::never(&error),
            NoAnswer::Failed(error) => NotSent::later(&error),
        })?;
    let letter = letter(smtp, to, delivery)?;
    let mut failed = NotSent::later("the mail server has no address");
    for address in addresses.into_iter().take(MOST_ADDRESSES) {
        let transport = transport(smtp, address)?;
        let sent = tokio::time::timeout(TIME_LIMIT, transport.send(letter.clone())).await;
        failed = match sent {
            Ok(Ok(response)) => {
                let text: Vec<&str> = response.message().collect();
                return Ok(Taken {
                    status: response.code().into(),
                    text: shown(&text.join(" "), KEPT),
                });
            }
            Ok(Err(error)) => {
                let status = error.status().map(u16::from);
                let words = shown(&chain(&error), KEPT);
                if error.is_permanent() {
                    return Err(NotSent::Never {
                        status,
                        error: words,
                    });
                }
                let later = NotSent::Later {
                    status,
                    error: words,
                };
                if status.is_some() || error.is_tls() {
                    return Err(later);
                }
                later
            }
            Err(_) => NotSent::later("the mail server took more than a minute"),
        };
    }
    Err(failed)
}

/// An error with what caused it: alone it says little.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}

/// What is spoken to the server: its certificate has to be for its name, whatever address it has.
fn transport(smtp: &Smtp, address: IpAddr) -> Result<AsyncSmtpTransport<Tokio1Executor>, NotSent> {
    let parameters = || {
        let mut builder = TlsParameters::builder(smtp.host.clone());
        if let Some(authority) = &smtp.authority {
            let certificate = Certificate::from_pem(authority.as_bytes())
                .map_err(|error| NotSent::never(&error))?;
            builder = builder.add_root_certificate(certificate);
        }
        builder.build().map_err(|error| NotSent::never(&error))
    };
    let tls = match smtp.security {
        Security::Starttls => Tls::Required(parameters()?),
        Security::Tls => Tls::Wrapper(parameters()?),
        Security::None => Tls::None,
    };
    let domain = smtp.from.parse::<Mailbox>().map_or_else(
        |_| "localhost".to_owned(),
        |from| from.email.domain().to_owned(),
    );
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address.to_string())
        .port(smtp.port())
        .tls(tls)
        .hello_name(ClientId::Domain(domain))
        .timeout(Some(STEP_LIMIT));
    if let (Some(username), Some(password)) = (&smtp.username, &smtp.password) {
        builder = builder.credentials(Credentials::new(
            username.clone(),
            password.expose().to_owned(),
        ));
    }
    Ok(builder.build())
}

/// The mail: plain text, and simple HTML.
fn letter(smtp: &Smtp, to: &[String], delivery: &Delivery) -> Result<lettre::Message, NotSent> {
    let from: Mailbox = smtp.from.parse().map_err(|error| NotSent::never(&error))?;
    let number = delivery.again;
    let id = format!("<{}.{number}@{}>", delivery.id, from.email.domain());
    let mut builder = lettre::Message::builder()
        .from(from)
        .subject(delivery.message.outline().headline)
        .message_id(Some(id))
        .date_now()
        .header(AutoSubmitted);
    for to in to {
        builder = builder.to(to.parse().map_err(|error| NotSent::never(&error))?);
    }
    builder
        .multipart(MultiPart::alternative_plain_html(
            forms::plain(&delivery.message),
            forms::html(&delivery.message),
        ))
        .map_err(|error| NotSent::never(&error))
}

/// Nobody's absence is answered to it (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl lettre::message::header::Header for AutoSubmitted {
    fn name() -> lettre::message::header::HeaderName {
        lettre::message::header::HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> lettre::message::header::HeaderValue {
        lettre::message::header::HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}
