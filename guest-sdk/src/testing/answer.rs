//! What a transaction of the mock ledger answered.
//!
//! Has data only.

use serde::de::DeserializeOwned;

/// What a transaction answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its id.
    pub tx_id: String,
    /// Below 400.
    pub status: i32,
    /// The result.
    pub payload: Vec<u8>,
    /// Name and payload of the event, if one was set.
    pub event: Option<(String, Vec<u8>)>,
}

impl Answer {
    /// The payload as text; bytes that are no UTF-8 become U+FFFD.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.payload).into_owned()
    }

    /// The payload as JSON.
    ///
    /// # Panics
    /// The payload is not the JSON of a `T`; the message has the place of the call.
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        match serde_json::from_slice(&self.payload) {
            Ok(value) => value,
            #[expect(clippy::panic, reason = "for tests only, and the text is for their author")]
            Err(error) => panic!("{error}: {}", self.text()),
        }
    }
}
