//! Records the channels from which the orderer of a process was removed.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use wasmcc_ledger::{LedgerError, Ledgers};
use wasmcc_types::ChannelId;

/// The key under which they are stored beside the ledgers, one per line.
const KEY: &str = "left";

/// The channels that the orderer was removed from.
///
/// Invariant: every channel in memory is also on disk.
pub(crate) struct Left {
    ledgers: Arc<Ledgers>,
    /// Every submission reads it, so nothing is written to disk with its lock held.
    known: RwLock<BTreeSet<String>>,
    changing: Mutex<()>,
}

impl Left {
    /// Reads the stored channels.
    pub(crate) fn open(ledgers: Arc<Ledgers>) -> Result<Self, LedgerError> {
        let id = |line: &str| ChannelId::parse(line).ok().map(|id| id.as_str().to_owned());
        let known = ledgers.peer_value_lines(KEY, "the name of a channel", id)?;
        let known = RwLock::new(known.into_iter().collect());
        Ok(Self { ledgers, known, changing: Mutex::default() })
    }

    /// True if the orderer was removed from the channel.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.known().contains(id)
    }

    /// Records that the orderer was removed from a channel or, with false, that it is back.
    pub(crate) fn set(&self, id: &str, has_left: bool) -> Result<(), LedgerError> {
        let _alone = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = self.known().clone();
        let is_new = if has_left { changed.insert(id.to_owned()) } else { changed.remove(id) };
        if is_new {
            let lines: String = changed.iter().map(|id| format!("{id}\n")).collect();
            self.ledgers.put_peer_value(KEY, lines.as_bytes())?;
            *self.known.write().unwrap_or_else(PoisonError::into_inner) = changed;
        }
        Ok(())
    }

    fn known(&self) -> RwLockReadGuard<'_, BTreeSet<String>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use wasmcc_ledger::LedgerConfig;

    use super::*;

    #[test]
    fn a_removal_is_remembered_until_the_orderer_is_back() {
        let dir = tempfile::tempdir().unwrap();
        let open = || {
            let ledgers = Ledgers::open(dir.path(), LedgerConfig::default()).unwrap();
            Left::open(Arc::new(ledgers)).unwrap()
        };
        let left = open();
        assert!(!left.has("one"));
        left.set("one", true).unwrap();
        left.set("two", true).unwrap();
        drop(left);
        let left = open();
        assert!(left.has("one") && left.has("two"));
        left.set("one", false).unwrap();
        drop(left);
        let left = open();
        assert!(!left.has("one") && left.has("two"));
        left.ledgers.put_peer_value(KEY, b"two\nth").unwrap();
        let error = Left::open(Arc::clone(&left.ledgers)).err().expect("it is cut").to_string();
        assert!(error.ends_with("left"), "{error}");
    }
}
