//! The answer of a transaction of the mock ledger.
//!
//! Does not do more than hold data.

use serde::de::DeserializeOwned;

/// The answer of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The id of the transaction.
    pub tx_id: String,
    /// Below 400.
    pub status: i32,
    /// The result.
    pub payload: Vec<u8>,
    /// Name and payload of the event, if one was set.
    pub event: Option<(String, Vec<u8>)>,
}

impl Answer {
    /// Returns the payload as text; bytes that are not UTF-8 become U+FFFD.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.payload).into_owned()
    }

    /// Returns the payload, read as JSON.
    ///
    /// # Panics
    /// Panics at the caller if the payload is not the JSON of a `T`.
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        match serde_json::from_slice(&self.payload) {
            Ok(value) => value,
            #[expect(clippy::panic, reason = "for tests only, and the text is for their author")]
            Err(error) => panic!("{error}: {}", self.text()),
        }
    }
}
