//! The benchmark contract: accounts as JSON records, a transfer as two reads and two writes.
//!
//! It uses the WIT without the SDK, so that measurements do not include the SDK.
//!
//! Invariant: every answer depends only on the arguments and the committed state.

extern crate alloc;

mod contract;

pub use contract::{Account, Ledger, Refusal, invoke};

#[cfg(target_os = "wasi")]
mod component;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::load;
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    #[derive(Default)]
    struct Map(RefCell<BTreeMap<String, Vec<u8>>>);

    impl Ledger for Map {
        fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Refusal> {
            Ok(self.0.borrow().get(key).cloned())
        }

        fn put(&self, key: &str, value: &[u8]) -> Result<(), Refusal> {
            self.0.borrow_mut().insert(key.to_owned(), value.to_owned());
            Ok(())
        }
    }

    fn call(ledger: &Map, function: &str, args: &[&str]) -> Result<(), Refusal> {
        invoke(ledger, function, &args.iter().map(|a| a.to_string()).collect::<Vec<_>>())
    }

    #[test]
    fn a_transfer_moves_money_and_creates_none() {
        let ledger = Map::default();
        call(&ledger, "open", &["alice", "100"]).unwrap();
        call(&ledger, "open", &["bob", "5"]).unwrap();
        call(&ledger, "transfer", &["alice", "bob", "30"]).unwrap();
        assert_eq!(load(&ledger, "alice").unwrap().balance, 70);
        assert_eq!(ledger.get("bob").unwrap().unwrap(), br#"{"owner":"bob","balance":35}"#);
    }

    #[test]
    fn a_transfer_that_cannot_be_is_refused() {
        let ledger = Map::default();
        call(&ledger, "open", &["alice", "1"]).unwrap();
        let refused = |args: &[&str]| call(&ledger, "transfer", args).unwrap_err();
        assert_eq!(refused(&["alice", "bob", "1"]), "no account bob");
        assert_eq!(refused(&["alice", "alice", "1"]), "alice cannot pay itself");
        call(&ledger, "open", &["bob", "1"]).unwrap();
        assert_eq!(refused(&["alice", "bob", "2"]), "alice has too little");
        assert_eq!(refused(&["alice"]), "no function transfer with 1 arguments");
    }

    #[test]
    fn a_copy_writes_what_it_reads() {
        let ledger = Map::default();
        assert_eq!(call(&ledger, "copy", &["alice"]).unwrap_err(), "no key alice");
        call(&ledger, "open", &["alice", "1"]).unwrap();
        call(&ledger, "copy", &["alice"]).unwrap();
        assert_eq!(load(&ledger, "alice").unwrap().balance, 1);
    }
}
