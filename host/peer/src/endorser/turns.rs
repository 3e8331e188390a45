//! Lets organizations of one process simulate the same transaction one after the other.
//!
//! The peers of several organizations in one process run the same chaincodes, and a chaincode runs
//! a transaction only once at a time. So organizations take turns; calls of one organization do not
//! wait for each other.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Transactions that are being simulated, each for one organization.
#[derive(Debug, Default)]
pub struct Turns {
    running: Mutex<HashMap<String, Running>>,
    changed: Notify,
}

#[derive(Debug)]
struct Running {
    org: Arc<str>,
    simulations: usize,
}

/// Ends the turn when dropped.
pub struct Turn<'a> {
    turns: &'a Turns,
    tx_id: &'a str,
}

impl Turns {
    /// Waits until no other organization simulates the transaction.
    pub async fn take<'a>(&'a self, tx_id: &'a str, org: &Arc<str>) -> Turn<'a> {
        loop {
            let mut changed = pin!(self.changed.notified());
            // No change is missed after this.
            changed.as_mut().enable();
            if self.try_take(tx_id, org) {
                return Turn { turns: self, tx_id };
            }
            changed.await;
        }
    }

    fn try_take(&self, tx_id: &str, org: &Arc<str>) -> bool {
        let mut running = self.lock();
        match running.get_mut(tx_id) {
            None => {
                let turn = Running { org: Arc::clone(org), simulations: 1 };
                running.insert(tx_id.to_owned(), turn);
            }
            Some(turn) if turn.org == *org => turn.simulations += 1,
            Some(_) => return false,
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut running = self.turns.lock();
        let Some(turn) = running.get_mut(self.tx_id) else { return };
        turn.simulations -= 1;
        if turn.simulations == 0 {
            running.remove(self.tx_id);
            self.turns.changed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmcc_runtime::wait;

    #[test]
    fn organizations_take_turns_and_one_of_them_does_not_wait_for_itself() {
        let turns = Turns::default();
        let (one, two): (Arc<str>, Arc<str>) = ("Org1MSP".into(), "Org2MSP".into());
        let first = wait(turns.take("tx", &one));
        let second = wait(turns.take("tx", &one));
        let other = wait(turns.take("other", &two));
        drop(first);
        let order = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _turn = wait(turns.take("tx", &two));
                order.lock().unwrap().push("two");
            });
            order.lock().unwrap().push("one");
            drop(second);
        });
        drop(other);
        assert_eq!(*order.lock().unwrap(), ["one", "two"]);
        assert!(turns.lock().is_empty());
    }
}
