//! Which organizations of a process have something that the process has once: a channel that they
//! joined, a package that they installed.
//!
//! Several organizations in one process are several peers for their clients. They share a ledger
//! and the packages, so this remembers who would have them if each had a peer of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use wasmcc_ledger::{LedgerError, Ledgers};

/// By item, the MSP ids of those who have it; kept beside the ledgers as lines of an item and its
/// holders, separated by tabs.
///
/// Invariant: an item without a line is everybody's. It was made for all, or by an earlier version.
pub struct Holders {
    ledgers: Arc<Ledgers>,
    key: &'static str,
    /// Proposals read it, so nothing is written to disk with its lock held.
    known: RwLock<Known>,
    changing: Mutex<()>,
}

type Known = BTreeMap<String, BTreeSet<String>>;

impl Holders {
    /// Reads those that are kept under `key`. A damaged line is refused: without it, its item would
    /// be everybody's.
    pub fn open(ledgers: Arc<Ledgers>, key: &'static str) -> Result<Self, LedgerError> {
        let expected = "a name and MSP ids, with tabs between";
        let known = ledgers.peer_value_lines(key, expected, read_line)?.into_iter().collect();
        Ok(Self { ledgers, key, known: RwLock::new(known), changing: Mutex::default() })
    }

    /// Whether an organization has an item, if the process has it.
    pub fn holds(&self, msp_id: &str, item: &str) -> bool {
        self.known().get(item).is_none_or(|holders| holders.contains(msp_id))
    }

    /// Whether an organization has an item that is not everybody's.
    pub(crate) fn names(&self, msp_id: &str, item: &str) -> bool {
        self.known().get(item).is_some_and(|holders| holders.contains(msp_id))
    }

    /// An item that is new in the process, or was everybody's, becomes the organization's alone.
    pub fn set(&self, msp_id: &str, item: &str) -> Result<(), LedgerError> {
        self.change(|known| known.insert(item.to_owned(), [msp_id.to_owned()].into()))
    }

    /// An organization gets an item that others have.
    pub fn add(&self, msp_id: &str, item: &str) -> Result<(), LedgerError> {
        if self.holds(msp_id, item) {
            return Ok(());
        }
        self.change(|known| known.entry(item.to_owned()).or_default().insert(msp_id.to_owned()))
    }

    /// An item becomes everybody's.
    pub fn clear(&self, item: &str) -> Result<(), LedgerError> {
        if !self.known().contains_key(item) {
            return Ok(());
        }
        self.change(|known| known.remove(item))
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is not on disk is not known.
    fn change<T>(&self, change: impl FnOnce(&mut Known) -> T) -> Result<(), LedgerError> {
        let _alone = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = self.known().clone();
        change(&mut changed);
        self.ledgers.put_peer_value(self.key, write(&changed).as_bytes())?;
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = changed;
        Ok(())
    }
}

fn read_line(line: &str) -> Option<(String, BTreeSet<String>)> {
    let (item, holders) = line.split_once('\t')?;
    let holders: BTreeSet<String> = holders.split('\t').map(str::to_owned).collect();
    let is_sound = !item.is_empty() && holders.iter().all(|holder| !holder.is_empty());
    is_sound.then(|| (item.to_owned(), holders))
}

fn write(known: &Known) -> String {
    let line = |(item, holders): (&String, &BTreeSet<String>)| {
        let words = std::iter::once(item).chain(holders).map(String::as_str);
        words.collect::<Vec<_>>().join("\t") + "\n"
    };
    known.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use wasmcc_ledger::LedgerConfig;

    use super::*;

    #[test]
    fn what_nobody_was_named_for_is_everybodys() {
        let dir = tempfile::tempdir().unwrap();
        let open = || {
            let ledgers = Ledgers::open(dir.path(), LedgerConfig::default()).unwrap();
            Holders::open(Arc::new(ledgers), "joined").unwrap()
        };
        let holders = open();
        assert!(holders.holds("A", "one"));
        holders.set("A", "one").unwrap();
        assert!(holders.holds("A", "one") && !holders.holds("B", "one"));
        holders.set("C", "two").unwrap();
        holders.add("B", "one").unwrap();
        drop(holders);
        let holders = open();
        assert!(holders.holds("A", "one") && holders.holds("B", "one"));
        assert!(!holders.holds("A", "two") && holders.holds("A", "three"));
        assert!(holders.names("A", "one") && !holders.names("A", "three"));
        holders.clear("two").unwrap();
        assert!(holders.holds("A", "two"));
    }

    #[test]
    fn a_damaged_line_does_not_make_its_item_everybodys() {
        let ledgers = Arc::new(Ledgers::temporary(LedgerConfig::default()).unwrap());
        let open = |stored: &str| {
            ledgers.put_peer_value("joined", stored.as_bytes()).unwrap();
            Holders::open(Arc::clone(&ledgers), "joined")
        };
        assert!(open("one\tA\tB\ntwo\tC\n").unwrap().holds("B", "one"));
        assert!(open("").is_ok());
        for damaged in ["one\tA\ntwo\tC", "one\n", "one\t\n", "\tA\n", "\n", "one\tA\t\tB\n"] {
            let error = open(damaged).err().expect(damaged).to_string();
            assert!(error.starts_with("cannot read ") && error.ends_with("joined"), "{error}");
        }
    }
}
