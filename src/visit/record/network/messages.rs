//! Messages on open connections: frames of WebSockets, events of event streams.

use serde_json::Value as Json;

use super::super::{Clock, cut};
use crate::model::snapshot::Message;
use crate::model::value::Value;

/// Most messages of one connection kept: enough to see what is sent, too few to follow a chat.
const MOST_MESSAGES: usize = 50;
/// Most messages of one visit kept.
pub(super) const MOST_IN_A_VISIT: usize = 1_000;

/// The messages of one connection.
#[derive(Debug, Default)]
pub(super) struct Messages {
    kept: Vec<Kept>,
    pub(super) left_out: u32,
}

#[derive(Debug)]
struct Kept {
    sent: bool,
    at_ms: u64,
    opcode: Option<u8>,
    event: Option<String>,
    length: usize,
    payload: Value,
}

impl Messages {
    /// Takes `Network.webSocketFrameSent`, `webSocketFrameReceived` or `eventSourceMessageReceived`.
    ///
    /// Says whether it was kept; it is not when there is no `room`.
    pub(super) fn take(&mut self, at_ms: u64, method: &str, params: &Json, room: bool) -> bool {
        if !room || self.kept.len() >= MOST_MESSAGES {
            self.left_out = self.left_out.saturating_add(1);
            return false;
        }
        let kept = if method == "Network.eventSourceMessageReceived" {
            let data = params["data"].as_str().unwrap_or_default();
            Kept {
                sent: false,
                at_ms,
                opcode: None,
                event: params["eventName"]
                    .as_str()
                    .map(|name| cut(name).to_owned()),
                length: data.len(),
                payload: Value::new(data),
            }
        } else {
            let frame = &params["response"];
            let data = frame["payloadData"].as_str().unwrap_or_default();
            let opcode = frame["opcode"]
                .as_f64()
                .map(|opcode| opcode.clamp(0.0, 15.0) as u8);
            Kept {
                sent: method == "Network.webSocketFrameSent",
                at_ms,
                opcode,
                event: None,
                length: if opcode == Some(1) {
                    data.len()
                } else {
                    length_in_base64(data)
                },
                payload: Value::new(data),
            }
        };
        self.kept.push(kept);
        true
    }

    pub(super) fn to_model(&self, clock: &Clock) -> Vec<Message> {
        self.kept
            .iter()
            .map(|kept| Message {
                sent: kept.sent,
                at_ms: kept.at_ms,
                phase: clock.phase_at(kept.at_ms),
                opcode: kept.opcode,
                event: kept.event.clone(),
                length: kept.length,
                payload: kept.payload.clone(),
            })
            .collect()
    }
}

/// How many bytes a text in base64 stands for.
fn length_in_base64(text: &str) -> usize {
    let digits = text.trim_end_matches('=').len();
    digits * 3 / 4
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;

    proptest::proptest! {
        #[test]
        fn lengths_are_read_off_base64(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..40)) {
            let text = base64::engine::general_purpose::STANDARD.encode(&bytes);
            proptest::prop_assert_eq!(length_in_base64(&text), bytes.len());
        }
    }
}
