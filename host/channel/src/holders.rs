//! Records which organizations of a process have an item that exists once in the process: a joined
//! channel or an installed package.
//!
//! To clients, several organizations in one process are several peers. Internally they share the
//! ledgers and the packages, so this module records which of these peers would have an item.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use wasmcc_ledger::{LedgerError, Ledgers};

/// The MSP ids of each item's holders. Stored beside the ledgers, one line for each item: the item
/// and its holders, separated by tabs.
///
/// Invariant: an item without a line belongs to all organizations of the process. It was made for
/// all, or by an earlier version.
pub struct Holders {
    ledgers: Arc<Ledgers>,
    key: &'static str,
    /// Proposals read it, so nothing is written to disk with its lock held.
    known: RwLock<Known>,
    changing: Mutex<()>,
}

type Known = BTreeMap<String, BTreeSet<String>>;

impl Holders {
    /// Reads the holders that are stored under `key`. Refuses a damaged line: without it, its item
    /// would belong to all organizations.
    pub fn open(ledgers: Arc<Ledgers>, key: &'static str) -> Result<Self, LedgerError> {
        let expected = "a name and MSP ids, separated by tabs";
        let known = ledgers.peer_value_lines(key, expected, read_line)?.into_iter().collect();
        Ok(Self { ledgers, key, known: RwLock::new(known), changing: Mutex::default() })
    }

    /// True if an organization has an item, provided that the process has it.
    pub fn holds(&self, msp_id: &str, item: &str) -> bool {
        self.known().get(item).is_none_or(|holders| holders.contains(msp_id))
    }

    /// True if an organization has an item that does not belong to all.
    pub(crate) fn names(&self, msp_id: &str, item: &str) -> bool {
        self.known().get(item).is_some_and(|holders| holders.contains(msp_id))
    }

    /// Makes an organization the only holder of an item that is new or belonged to all.
    pub fn set(&self, msp_id: &str, item: &str) -> Result<(), LedgerError> {
        self.change(|known| known.insert(item.to_owned(), [msp_id.to_owned()].into()))
    }

    /// Adds an organization to the holders of an item.
    pub fn add(&self, msp_id: &str, item: &str) -> Result<(), LedgerError> {
        if self.holds(msp_id, item) {
            return Ok(());
        }
        self.change(|known| known.entry(item.to_owned()).or_default().insert(msp_id.to_owned()))
    }

    /// Makes an item belong to all organizations.
    pub fn clear(&self, item: &str) -> Result<(), LedgerError> {
        if !self.known().contains_key(item) {
            return Ok(());
        }
        self.change(|known| known.remove(item))
    }

    fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes memory only after the file was written.
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
