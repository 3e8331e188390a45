//! Keeps payloads of calls that are too long for an answer, until the user saves them.
//!
//! Invariant: bounded in number and bytes; the newest one is always kept. A peer limits the size of
//! each.

use std::collections::VecDeque;
use std::sync::Mutex;

use crate::web::site::{lock, random_id};

/// The number of payloads that are kept.
const PAYLOADS: usize = 8;
/// Limit on the bytes of all payloads, unless there is only one.
const BYTES: usize = 128 << 20;
/// The length of an id in bytes; ids cannot be guessed.
const ID_BYTES: usize = 16;

/// See the head of this file.
#[derive(Default)]
pub(super) struct Payloads(Mutex<VecDeque<(String, Vec<u8>)>>);

impl Payloads {
    /// Keeps a payload; returns its id.
    pub(super) fn keep(&self, payload: Vec<u8>) -> String {
        let id = random_id::<ID_BYTES>();
        let mut kept = lock(&self.0);
        kept.push_back((id.clone(), payload));
        let bytes = |kept: &VecDeque<(String, Vec<u8>)>| -> usize {
            kept.iter().map(|(_, payload)| payload.len()).sum()
        };
        while kept.len() > PAYLOADS || (kept.len() > 1 && bytes(&kept) > BYTES) {
            kept.pop_front();
        }
        id
    }

    /// Returns the payload with this id, if it is still kept.
    pub(super) fn get(&self, id: &str) -> Option<Vec<u8>> {
        let kept = lock(&self.0);
        kept.iter().find(|(known, _)| known == id).map(|(_, payload)| payload.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_payloads_are_kept() {
        let payloads = Payloads::default();
        let ids: Vec<String> = (0..=PAYLOADS).map(|n| payloads.keep(vec![0; n])).collect();
        assert_eq!((payloads.get(&ids[0]), payloads.get("")), (None, None));
        assert_eq!(payloads.get(&ids[1]).unwrap(), [0]);
        let long = payloads.keep(vec![1; BYTES + 1]);
        assert_eq!(payloads.get(&ids[PAYLOADS]), None);
        assert_eq!(payloads.get(&long).unwrap().len(), BYTES + 1);
    }
}
