//! The wire: one task owns the socket, sends commands in order and hands events to whoever listens.
//!
//! Events are routed by browser context, so a visit hears its own page, frames and workers and
//! nobody else's. Events stay raw JSON: a field or value this program does not know never costs an event.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use chromiumoxide::conn::Connection as Socket;
use chromiumoxide::types::{CallId, EventMessage, Message, Method, MethodId};
use futures::StreamExt;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use super::error::BrowserError;

/// An event as the browser sent it.
#[derive(Debug, Clone, Deserialize)]
pub struct Event {
    /// Such as `Network.requestWillBeSent`.
    pub method: Cow<'static, str>,
    /// The session it came from; absent for the browser itself.
    #[serde(rename = "sessionId", default)]
    pub session: Option<String>,
    /// Its parameters.
    #[serde(default)]
    pub params: Value,
}

impl Method for Event {
    fn identifier(&self) -> MethodId {
        self.method.clone()
    }
}

impl EventMessage for Event {
    fn session_id(&self) -> Option<&str> {
        self.session.as_deref()
    }
}

/// What a listener hears.
#[derive(Debug)]
pub enum Heard {
    /// An event of one of its targets.
    Event(Event),
    /// A message of the browser could not be read; something may be missing.
    Unreadable,
}

enum Order {
    Submit {
        method: MethodId,
        session: Option<String>,
        params: Value,
        answer: oneshot::Sender<Result<Value, String>>,
    },
    Listen {
        context: String,
        to: mpsc::UnboundedSender<Heard>,
    },
    Unlisten {
        context: String,
    },
}

/// The connection to one browser. Clones share it.
#[derive(Debug, Clone)]
pub struct Connection {
    orders: mpsc::UnboundedSender<Order>,
}

/// The answer to a command, to be awaited or dropped.
#[derive(Debug)]
pub struct Reply {
    method: MethodId,
    answer: oneshot::Receiver<Result<Value, String>>,
}

impl Reply {
    pub(super) fn failed(method: MethodId, message: String) -> Self {
        let (sender, answer) = oneshot::channel();
        // The receiver is held right here, so this cannot fail.
        drop(sender.send(Err(message)));
        Self { method, answer }
    }

    /// Waits for the answer.
    pub async fn within(self, limit: Duration) -> Result<Value, BrowserError> {
        match tokio::time::timeout(limit, self.answer).await {
            Ok(Ok(Ok(value))) => Ok(value),
            Ok(Ok(Err(message))) => Err(BrowserError::Refused {
                method: self.method.into_owned(),
                message,
            }),
            Ok(Err(_closed)) => Err(BrowserError::Disconnected(format!(
                "during {}",
                self.method
            ))),
            Err(_elapsed) => Err(BrowserError::Unanswered {
                method: self.method.into_owned(),
                limit,
            }),
        }
    }
}

impl Connection {
    /// Opens the socket and starts the task that owns it.
    pub async fn open(url: &str) -> Result<Self, BrowserError> {
        let socket = Socket::<Event>::connect(url)
            .await
            .map_err(|error| BrowserError::Disconnected(error.to_string()))?;
        let (orders, inbox) = mpsc::unbounded_channel();
        tokio::spawn(Router::new(socket).run(inbox));
        Ok(Self { orders })
    }

    pub(super) fn submit(&self, method: MethodId, session: Option<String>, params: Value) -> Reply {
        let (answer, receiver) = oneshot::channel();
        // A closed channel drops `answer`, which the receiver reports as a broken connection.
        drop(self.orders.send(Order::Submit {
            method: method.clone(),
            session,
            params,
            answer,
        }));
        Reply {
            method,
            answer: receiver,
        }
    }

    /// Hears everything that happens in a browser context, from now on.
    pub fn listen(&self, context: &str) -> mpsc::UnboundedReceiver<Heard> {
        let (to, heard) = mpsc::unbounded_channel();
        drop(self.orders.send(Order::Listen {
            context: context.to_owned(),
            to,
        }));
        heard
    }

    /// Stops hearing a browser context.
    pub fn unlisten(&self, context: &str) {
        drop(self.orders.send(Order::Unlisten {
            context: context.to_owned(),
        }));
    }

    /// Whether the browser is gone.
    pub fn is_closed(&self) -> bool {
        self.orders.is_closed()
    }
}

/// Owns the socket, the unanswered commands, and who listens to which context.
struct Router {
    socket: Socket<Event>,
    unanswered: HashMap<CallId, oneshot::Sender<Result<Value, String>>>,
    listeners: HashMap<String, mpsc::UnboundedSender<Heard>>,
    /// Which context a session belongs to; children inherit their parent's.
    contexts: HashMap<String, String>,
}

impl Router {
    fn new(socket: Socket<Event>) -> Self {
        Self {
            socket,
            unanswered: HashMap::new(),
            listeners: HashMap::new(),
            contexts: HashMap::new(),
        }
    }

    async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Order>) {
        loop {
            tokio::select! {
                order = inbox.recv() => match order {
                    Some(order) => self.carry_out(order),
                    None => break,
                },
                message = self.socket.next() => match message {
                    Some(Ok(Message::Response(response))) => {
                        if let Some(answer) = self.unanswered.remove(&response.id) {
                            let outcome = match response.error {
                                Some(error) => Err(error.message),
                                None => Ok(response.result.unwrap_or_default()),
                            };
                            // Whoever asked may have stopped waiting.
                            drop(answer.send(outcome));
                        }
                    }
                    Some(Ok(Message::Event(event))) => self.hand_on(event),
                    Some(Err(error)) => {
                        tracing::warn!(%error, "a message of the browser could not be read");
                        if matches!(error, chromiumoxide::error::CdpError::Ws(_)) {
                            break;
                        }
                        for listener in self.listeners.values() {
                            drop(listener.send(Heard::Unreadable));
                        }
                    }
                    None => break,
                },
            }
        }
    }

    fn carry_out(&mut self, order: Order) {
        match order {
            Order::Submit {
                method,
                session,
                params,
                answer,
            } => {
                match self
                    .socket
                    .submit_command(method, session.map(Into::into), params)
                {
                    Ok(id) => {
                        self.unanswered.insert(id, answer);
                    }
                    Err(error) => drop(answer.send(Err(error.to_string()))),
                }
            }
            Order::Listen { context, to } => {
                self.listeners.insert(context, to);
            }
            Order::Unlisten { context } => {
                self.listeners.remove(&context);
                self.contexts.retain(|_, owner| *owner != context);
            }
        }
    }

    fn hand_on(&mut self, event: Event) {
        let context = if event.method == "Target.attachedToTarget" {
            let context = event.params["targetInfo"]["browserContextId"]
                .as_str()
                .map(str::to_owned)
                .or_else(|| {
                    event
                        .session
                        .as_ref()
                        .and_then(|session| self.contexts.get(session).cloned())
                });
            if let (Some(context), Some(session)) = (&context, event.params["sessionId"].as_str()) {
                if self.listeners.contains_key(context) {
                    self.contexts.insert(session.to_owned(), context.clone());
                } else {
                    self.release(session);
                }
            }
            context
        } else {
            let session = event
                .session
                .as_deref()
                .or_else(|| event.params["sessionId"].as_str());
            session.and_then(|session| self.contexts.get(session).cloned())
        };
        if let Some(listener) = context.and_then(|context| self.listeners.get(&context)) {
            // A visit that ended no longer listens.
            drop(listener.send(Heard::Event(event)));
        }
    }

    /// Lets a target run that no visit asked for, such as the tab the browser opens with.
    fn release(&mut self, session: &str) {
        let resumed = self.socket.submit_command(
            Cow::Borrowed("Runtime.runIfWaitingForDebugger"),
            Some(session.to_owned().into()),
            json!({}),
        );
        if let Err(error) = resumed {
            tracing::warn!(%error, "a target nobody asked for could not be released");
        }
    }
}
