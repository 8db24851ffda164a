//! Text nobody is shown: passwords, tokens, addresses that let whoever knows them write.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Text that is stored and sent where it belongs, and appears in no log and no answer.
///
/// It is written out when a record is stored; what is shown to people is made of other types.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(value_type = String, format = Password)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Takes it in.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one who has to use it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret(…)")
    }
}
