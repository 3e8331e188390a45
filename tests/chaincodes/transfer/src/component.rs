//! The contract as a component: the WIT's imports are its ledger, the WIT's exports its entry
//! points.
//!
//! Invariant: it contains no rules; it converts between generated types and the contract's.

#![allow(unsafe_code, reason = "generated bindings speak the canonical ABI")]

use crate::{Ledger, Refusal};

wit_bindgen::generate!({ path: "../../../wit", world: "chaincode", generate_all });

use exports::fabric::chaincode::contract::{Guest, Response};
use fabric::chaincode::{state, transaction, types};

struct Peer;

impl Ledger for Peer {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Refusal> {
        state::get_state(key).map_err(words)
    }

    fn put(&self, key: &str, value: &[u8]) -> Result<(), Refusal> {
        state::put_state(key, value).map_err(words)
    }
}

fn words(error: types::Error) -> Refusal {
    error.to_string()
}

struct Component;

impl Guest for Component {
    fn init() -> Response {
        Response { status: 200, message: String::new(), payload: Vec::new() }
    }

    fn invoke() -> Response {
        let mut args = transaction::get_args()
            .into_iter()
            .map(|arg| String::from_utf8_lossy(&arg).into_owned());
        let function = args.next().unwrap_or_default();
        let args: Vec<String> = args.collect();
        match crate::invoke(&Peer, &function, &args) {
            Ok(()) => Response { status: 200, message: String::new(), payload: Vec::new() },
            Err(refusal) => Response { status: 500, message: refusal, payload: Vec::new() },
        }
    }
}

export!(Component);
