//! Alerts by e-mail, at a mail server of the test's own.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use consentinel::service::alerts::delivery::Standing;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;

use crate::alerts::Sending;
use crate::stored::{found, site};

/// What a mail server was told.
#[derive(Debug, Clone, Default)]
struct Told {
    /// Every line but those of the letter.
    commands: Vec<String>,
    letter: String,
    /// The letter came over TLS.
    over_tls: bool,
}

/// A mail server that takes one letter after another.
struct MailServer {
    port: u16,
    told: Arc<Mutex<Vec<Told>>>,
    /// PEM certificate of who signed its own.
    authority: String,
}

enum Line {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Read for Line {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(bytes),
            Self::Tls(stream) => stream.read(bytes),
        }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

impl MailServer {
    /// `refuses` is what it answers to recipients, when it does not take them.
    fn start(refuses: Option<&'static str>) -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let told: Arc<Mutex<Vec<Told>>> = Arc::default();
        let all = Arc::clone(&told);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let mut heard = Told::default();
                // Whoever breaks off is heard all the same.
                drop(converse(stream, &config, refuses, &mut heard));
                all.lock().unwrap().push(heard);
            }
        });
        Self {
            port,
            told,
            authority: made.cert.pem(),
        }
    }
}

fn converse(
    stream: TcpStream,
    config: &Arc<ServerConfig>,
    refuses: Option<&str>,
    told: &mut Told,
) -> std::io::Result<()> {
    let mut line = BufReader::new(Line::Plain(stream));
    line.get_mut().write_all(b"220 mail.test ready\r\n")?;
    loop {
        let mut text = String::new();
        if line.read_line(&mut text)? == 0 {
            return Ok(());
        }
        let text = text.trim_end().to_owned();
        let word = text
            .split(' ')
            .next()
            .unwrap_or_default()
            .to_ascii_uppercase();
        told.commands.push(text);
        let answer = match word.as_str() {
            "EHLO" if told.over_tls => "250-mail.test\r\n250 AUTH PLAIN\r\n",
            "EHLO" => "250-mail.test\r\n250 STARTTLS\r\n",
            "STARTTLS" => {
                line.get_mut().write_all(b"220 go on\r\n")?;
                let Line::Plain(stream) = line.into_inner() else {
                    return Ok(());
                };
                let connection =
                    ServerConnection::new(Arc::clone(config)).map_err(std::io::Error::other)?;
                line = BufReader::new(Line::Tls(Box::new(StreamOwned::new(connection, stream))));
                told.over_tls = true;
                continue;
            }
            "AUTH" => "235 welcome\r\n",
            "RCPT" => refuses.unwrap_or("250 fine\r\n"),
            "DATA" => {
                line.get_mut().write_all(b"354 go on\r\n")?;
                loop {
                    let mut text = String::new();
                    line.read_line(&mut text)?;
                    if text == ".\r\n" || text.is_empty() {
                        break;
                    }
                    told.letter.push_str(&text);
                }
                "250 taken\r\n"
            }
            "QUIT" => {
                line.get_mut().write_all(b"221 bye\r\n")?;
                return Ok(());
            }
            _ => "250 fine\r\n",
        };
        line.get_mut().write_all(answer.as_bytes())?;
    }
}

#[test]
fn a_letter_arrives_in_plain_text_and_html() {
    let server = MailServer::start(None);
    let folder = tempfile::tempdir().unwrap();
    let sending = Sending::start(folder.path());
    sending.add(json!({"name": "people", "target": {"kind": "email", "to": ["anna@shop.test", "Bert <bert@shop.test>"],
        "smtp": {"host": "127.0.0.1", "port": server.port, "security": "none", "from": "Watch <watch@watch.test>"}}}));
    let shop = site(&sending.service, "shop");
    found(&sending.service, &shop, &[("R02-a", "high")]);
    let done = sending.over();
    assert_eq!(
        (done.standing, done.last.unwrap().status),
        (Standing::Delivered, Some(250))
    );
    let told = crate::harness::until("the letter is there", || {
        server.told.lock().unwrap().first().cloned()
    });
    for command in [
        "MAIL FROM:<watch@watch.test>",
        "RCPT TO:<anna@shop.test>",
        "RCPT TO:<bert@shop.test>",
    ] {
        assert!(
            told.commands.iter().any(|told| told.starts_with(command)),
            "{told:?}"
        );
    }
    for part in [
        "Subject: The shop: 1 new finding (1 high)",
        "Auto-Submitted: auto-generated",
        "Content-Type: text/plain",
        "Content-Type: text/html",
        "cookie-R02-a",
        "<code>cookie cookie-R02-a of shop.test</code>",
        "https://watch.test/runs/",
    ] {
        // Long lines are broken with `=` in the encoding of mails.
        let letter = told.letter.replace("=\r\n", "").replace("=3D", "=");
        assert!(letter.contains(part), "{part} in {letter}");
    }
}

#[test]
fn a_password_goes_over_tls_to_a_server_that_is_trusted() {
    let server = MailServer::start(None);
    for (authority, expected) in [
        (None, Standing::Waiting),
        (Some(&server.authority), Standing::Delivered),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let sending = Sending::start(folder.path());
        let channel = sending.add(
            json!({"name": "people", "target": {"kind": "email", "to": ["anna@shop.test"],
            "smtp": {"host": "localhost", "port": server.port, "from": "watch@watch.test",
                "username": "watch", "password": "word", "authority": authority}}}),
        );
        sending.service.test_channel(&channel).unwrap();
        let tried = sending.delivery("it was tried", |delivery| delivery.attempts == 1);
        assert_eq!(tried.standing, expected, "{tried:#?}");
    }
    let told = server.told.lock().unwrap().clone();
    let with_password: Vec<&Told> = told
        .iter()
        .filter(|told| {
            told.commands
                .iter()
                .any(|command| command.starts_with("AUTH"))
        })
        .collect();
    assert_eq!(with_password.len(), 1, "{told:?}");
    assert!(with_password[0].over_tls);
}

#[test]
fn what_a_mail_server_refuses_for_good_is_given_up() {
    for (answer, standing, status) in [
        ("550 nobody of that name\r\n", Standing::GivenUp, 550),
        ("451 later\r\n", Standing::Waiting, 451),
    ] {
        let server = MailServer::start(Some(answer));
        let folder = tempfile::tempdir().unwrap();
        let sending = Sending::start(folder.path());
        let channel = sending.add(json!({"name": "people", "target": {"kind": "email", "to": ["anna@shop.test"],
            "smtp": {"host": "127.0.0.1", "port": server.port, "security": "none", "from": "watch@watch.test"}}}));
        sending.service.test_channel(&channel).unwrap();
        let tried = sending.delivery("it was tried", |delivery| delivery.attempts == 1);
        assert_eq!(
            (tried.standing, tried.last.unwrap().status),
            (standing, Some(status))
        );
    }
}
