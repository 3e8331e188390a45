//! Organizations that this process has set up. Configurations share an organization that is the
//! same in them: those before and after an update, and those of several channels.
//!
//! An organization depends only on its configuration's bytes and the channel's rules, and neither a
//! channel nor the clock can make an entry wrong.
//!
//! Invariant: the table does not keep organizations alive.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::membership::{Msp, MspVersion};

/// With fewer entries, the table is not cleaned up.
const FEW: usize = 64;

/// The organizations of this process.
pub(crate) static SHARED: SharedMsps = SharedMsps::new();

/// The SHA-256 of an organization's configuration, and the rules.
type Key = ([u8; 32], MspVersion);

/// Organizations by their configuration and rules.
pub(crate) struct SharedMsps {
    table: Mutex<Table>,
}

struct Table {
    entries: BTreeMap<Key, Weak<Msp>>,
    /// When the table has this number of entries, entries of dropped organizations are removed.
    full: usize,
}

impl SharedMsps {
    const fn new() -> Self {
        Self { table: Mutex::new(Table { entries: BTreeMap::new(), full: FEW }) }
    }

    /// Returns the organization if a configuration is using it.
    pub(crate) fn get(&self, key: &Key) -> Option<Arc<Msp>> {
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.entries.get(key)?.upgrade()
    }

    pub(crate) fn insert(&self, key: Key, msp: &Arc<Msp>) {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if table.entries.len() >= table.full {
            table.entries.retain(|_, msp| msp.strong_count() > 0);
            table.full = (2 * table.entries.len()).max(FEW);
        }
        table.entries.insert(key, Arc::downgrade(msp));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Network, NetworkSpec};

    #[test]
    fn those_that_are_gone_leave_the_table() {
        let network = Network::in_memory(&NetworkSpec::default()).unwrap();
        let msp = || Arc::new(Msp::from_config(network.orgs()[0].msp_config()).unwrap());
        let shared = SharedMsps::new();
        let key = |hash| (hash, MspVersion::V1_4_3);
        let (kept, gone) = (msp(), msp());
        shared.insert(key([0; 32]), &kept);
        for number in 1..=u8::MAX {
            shared.insert(key([number; 32]), &gone);
        }
        assert!(shared.get(&key([9; 32])).is_some_and(|found| Arc::ptr_eq(&found, &gone)));
        assert!(shared.get(&([9; 32], MspVersion::V1_3)).is_none());
        drop(gone);
        assert!(shared.get(&key([9; 32])).is_none());
        let next = msp();
        for number in 1..=u8::MAX {
            shared.insert(key([number, 1].repeat(16).try_into().unwrap()), &next);
        }
        assert!(shared.get(&key([0; 32])).is_some_and(|found| Arc::ptr_eq(&found, &kept)));
        let entries = shared.table.lock().unwrap().entries.len();
        assert!(entries < 2 * usize::from(u8::MAX), "{entries}");
    }
}
