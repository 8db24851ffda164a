//! A small HTTP client that sends exactly what it is told, and follows nothing.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// Longest wait for an answer: unoptimised builds take seconds for a password.
const PATIENCE: Duration = Duration::from_mins(2);

/// A request, put together bit by bit.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Request {
    pub(crate) fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: String::new(),
        }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// A form as a browser sends it from a page of the same service.
    pub(crate) fn form(path: &str, fields: &[(&str, &str)]) -> Self {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        Self::new("POST", path)
            .with("content-type", "application/x-www-form-urlencoded")
            .with("sec-fetch-site", "same-origin")
            .with_body(&body)
    }

    pub(crate) fn json(method: &str, path: &str, body: &str) -> Self {
        Self::new(method, path)
            .with("content-type", "application/json")
            .with_body(body)
    }

    /// Puts a header in the place of those of the same name.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self = self.without(name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a header to those of the same name.
    pub(crate) fn and(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(own, _)| own != name);
        self
    }

    pub(crate) fn with_body(mut self, body: &str) -> Self {
        body.clone_into(&mut self.body);
        self
    }

    pub(crate) fn token(self, token: &str) -> Self {
        self.with("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn cookie(self, cookie: &str) -> Self {
        self.with("cookie", cookie)
    }

    fn text(&self, host: &str) -> String {
        let mut text = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        let mut header = |name: &str, value: &str| {
            text.push_str(name);
            text.push_str(": ");
            text.push_str(value);
            text.push_str("\r\n");
        };
        if !self.headers.iter().any(|(name, _)| name == "host") {
            header("host", host);
        }
        header("connection", "close");
        header("content-length", &self.body.len().to_string());
        for (name, value) in &self.headers {
            header(name, value);
        }
        format!("{text}\r\n{}", self.body)
    }

    /// Sends it to a port of loopback in the clear.
    pub(crate) fn send(&self, port: u16) -> Answer {
        let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        self.exchange(stream, &format!("127.0.0.1:{port}"))
    }

    /// Sends it to a port of loopback over TLS with that certificate, which has to be of `localhost`.
    pub(crate) fn send_over_tls(&self, port: u16, certificate: &[u8]) -> std::io::Result<Answer> {
        let mut roots = RootCertStore::empty();
        let certificate = CertificateDer::from(certificate.to_vec());
        roots.add(certificate).map_err(std::io::Error::other)?;
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(std::io::Error::other)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").map_err(std::io::Error::other)?;
        let mut connection =
            ClientConnection::new(Arc::new(config), name).map_err(std::io::Error::other)?;
        let mut socket = TcpStream::connect(("127.0.0.1", port))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        while connection.is_handshaking() {
            connection.complete_io(&mut socket)?;
        }
        let stream = StreamOwned::new(connection, socket);
        Ok(self.exchange(stream, &format!("localhost:{port}")))
    }

    fn exchange(&self, mut stream: impl Read + Write, host: &str) -> Answer {
        stream.write_all(self.text(host).as_bytes()).unwrap();
        let mut bytes = Vec::new();
        // A TLS end without farewell is no matter: the answer says how long it is.
        drop(stream.read_to_end(&mut bytes));
        Answer::read(&bytes)
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let headers = lines.filter_map(|line| line.split_once(':'));
        Self {
            status: status.and_then(|it| it.parse().ok()).unwrap_or_default(),
            headers: headers
                .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
                .collect(),
            body: body.to_owned(),
        }
    }

    /// The first header of that name, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut headers = self.headers.iter();
        let header = headers.find(|(own, _)| own == name);
        header.map_or("", |(_, value)| value.as_str())
    }

    /// The cookie that is set, as it is sent back: `name=value`.
    pub(crate) fn cookie(&self) -> String {
        let cookie = self.header("set-cookie");
        cookie.split(';').next().unwrap_or_default().to_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The value of the first hidden field of that name on a page.
    pub(crate) fn field(&self, name: &str) -> String {
        let field = format!("name=\"{name}\" value=\"");
        let (_, rest) = self.body.split_once(&field).unwrap_or_default();
        rest.split('"').next().unwrap_or_default().to_owned()
    }
}
