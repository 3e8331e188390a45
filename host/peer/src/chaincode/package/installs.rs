//! Schedules installs: decides which organization's package is compiled next.
//!
//! An install compiles, which may take minutes of processor time. So only a few run at a time, and
//! further ones wait in a queue without a thread. A caller that stops waiting loses only its place
//! in the queue.
//!
//! Invariant: the next turn is for the organization whose last turn was longest ago. So an
//! organization waits for at most one install of each other organization, however many these have
//! queued.

use std::collections::{BTreeMap, HashMap};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use wasmcc_types::{Share, ShareFull, Shares, hex};

/// Limit on installs that run at a time.
const AT_ONCE: usize = 2;
/// Limit on those of one organization.
const OF_ONE_ORGANIZATION: usize = 1;
/// Limit on waiting packages, in MiB; each is rounded up. The packages of waiting requests take
/// memory that all requests share.
const WAITING_MIB: usize = 64;

/// The schedule of a peer's installs.
pub(super) struct Installs {
    line: Mutex<Line>,
    changed: Notify,
    waiting: Arc<Shares>,
}

#[derive(Default)]
struct Line {
    /// The organizations of the running installs.
    running: Vec<Arc<str>>,
    /// The organizations of the waiting installs, in the order of their arrival.
    waiting: BTreeMap<u64, Arc<str>>,
    /// The time of each organization's last turn. Only organizations of this peer have one.
    turns: HashMap<Arc<str>, u64>,
    last: u64,
}

/// The right to install one package now; dropping it passes the right on.
pub struct InstallTurn {
    of: Arc<Installs>,
    organization: Arc<str>,
}

/// A place in the queue, given up when it is dropped.
struct InLine<'a> {
    of: &'a Arc<Installs>,
    number: u64,
}

impl Default for Installs {
    fn default() -> Self {
        let waiting = Shares::new("MiB of packages that wait to be installed", WAITING_MIB);
        Self { line: Mutex::default(), changed: Notify::new(), waiting }
    }
}

impl Installs {
    /// Waits for the turn of an install; `bytes` is the size of its request.
    ///
    /// # Errors
    /// It would have to wait, and too many installs wait: in total, of its organization or of its
    /// client.
    pub(super) async fn turn(
        self: &Arc<Self>,
        share: &Share,
        bytes: usize,
    ) -> Result<InstallTurn, ShareFull> {
        let in_line = InLine::join(self, &share.organization);
        let mut place = None;
        loop {
            let mut changed = pin!(self.changed.notified());
            // No change is missed after this.
            changed.as_mut().enable();
            if let Some(turn) = in_line.begin() {
                return Ok(turn);
            }
            if place.is_none() {
                place = Some(self.waiting.take(&among_installs(share), 1 + (bytes >> 20))?);
            }
            changed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the shares of installs. All of them call the same chaincodes on no channel, so only
/// clients and organizations divide the places.
fn among_installs(share: &Share) -> Share {
    let (channel, chaincode) = (Arc::clone(&share.organization), hex(&share.client).into());
    Share { channel, chaincode, ..share.clone() }
}

impl Line {
    /// Returns the number of the next install, if one may run.
    fn next(&self) -> Option<u64> {
        if self.running.len() >= AT_ONCE {
            return None;
        }
        let may_run = |organization: &Arc<str>| {
            let running = self.running.iter().filter(|other| *other == organization);
            running.count() < OF_ONE_ORGANIZATION
        };
        let last_turn = |organization| self.turns.get(organization).copied().unwrap_or(0);
        let next = self.waiting.iter().filter(|(_, organization)| may_run(organization));
        let next = next.min_by_key(|(number, organization)| (last_turn(*organization), **number));
        next.map(|(number, _)| *number)
    }
}

impl<'a> InLine<'a> {
    fn join(of: &'a Arc<Installs>, organization: &Arc<str>) -> Self {
        let mut line = of.lock();
        line.last += 1;
        let number = line.last;
        line.waiting.insert(number, Arc::clone(organization));
        Self { of, number }
    }

    /// Begins, if this install is the next one and may run.
    fn begin(&self) -> Option<InstallTurn> {
        let mut line = self.of.lock();
        line.next().filter(|number| *number == self.number)?;
        let organization = line.waiting.remove(&self.number)?;
        line.last += 1;
        let now = line.last;
        line.turns.insert(Arc::clone(&organization), now);
        line.running.push(Arc::clone(&organization));
        drop(line);
        // The next install may be able to run, too.
        self.of.changed.notify_waiters();
        Some(InstallTurn { of: Arc::clone(self.of), organization })
    }
}

impl Drop for InLine<'_> {
    fn drop(&mut self) {
        if self.of.lock().waiting.remove(&self.number).is_some() {
            self.of.changed.notify_waiters();
        }
    }
}

impl Drop for InstallTurn {
    fn drop(&mut self) {
        let mut line = self.of.lock();
        if let Some(at) = line.running.iter().position(|other| *other == self.organization) {
            line.running.swap_remove(at);
        }
        drop(line);
        self.of.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    const KIB: usize = 1 << 10;

    type Turn = Result<InstallTurn, ShareFull>;
    type Waits = Pin<Box<dyn Future<Output = Turn>>>;

    /// Calls of clients, each with a name.
    struct Calls {
        installs: Arc<Installs>,
        waiting: Vec<(&'static str, Waits)>,
    }

    impl Calls {
        fn new() -> Self {
            Self { installs: Arc::default(), waiting: Vec::new() }
        }

        fn call(&mut self, name: &'static str, org: &str, client: u8, bytes: usize) {
            let creator = [&[0x0a, org.len() as u8][..], org.as_bytes(), &[0x12, 1, client]];
            let share = Share::new("", "cc", &creator.concat());
            let installs = Arc::clone(&self.installs);
            self.waiting.push((name, Box::pin(async move { installs.turn(&share, bytes).await })));
        }

        /// Returns the calls that have their turn now, or are refused.
        fn ready(&mut self) -> Vec<(&'static str, Turn)> {
            let mut ready = Vec::new();
            let mut context = Context::from_waker(Waker::noop());
            // Twice, since a call that begins may allow one before it to begin.
            for _ in 0..2 {
                self.waiting.retain_mut(|(name, call)| match call.as_mut().poll(&mut context) {
                    Poll::Ready(turn) => {
                        ready.push((*name, turn));
                        false
                    }
                    Poll::Pending => true,
                });
            }
            ready
        }

        /// Returns the only call that has its turn now.
        fn next(&mut self) -> (&'static str, InstallTurn) {
            let mut ready = self.ready();
            assert_eq!(ready.len(), 1);
            let (name, turn) = ready.pop().unwrap();
            (name, turn.unwrap())
        }

        /// Returns the text of a refusal.
        fn refused(&mut self, org: &str, client: u8, bytes: usize) -> String {
            self.call("refused", org, client, bytes);
            let mut ready = self.ready();
            assert_eq!(ready.len(), 1);
            ready.pop().unwrap().1.err().unwrap().to_string()
        }
    }

    #[test]
    fn organizations_take_turns_however_many_wait_of_one() {
        let mut calls = Calls::new();
        for name in ["a1", "a2", "a3", "a4"] {
            calls.call(name, "A", 1, KIB);
        }
        let (name, a) = calls.next();
        assert_eq!(name, "a1", "one of an organization");
        calls.call("b1", "B", 1, KIB);
        let (name, b) = calls.next();
        assert_eq!(name, "b1", "beside those of another one");
        calls.call("c1", "C", 1, KIB);
        assert!(calls.ready().is_empty(), "no more at a time");
        drop(a);
        let (name, c) = calls.next();
        assert_eq!(name, "c1", "it had no turn yet");
        drop((b, c));
        let (name, a) = calls.next();
        assert_eq!(name, "a2");
        calls.waiting.retain(|(name, _)| *name != "a3");
        drop(a);
        assert_eq!(calls.next().0, "a4", "the one before it has left");
        let line = calls.installs.lock();
        assert!(line.running.is_empty() && line.waiting.is_empty());
        drop(line);
        assert_eq!(calls.installs.waiting.taken(), 0);
    }

    #[test]
    fn nobody_fills_the_line() {
        let mut calls = Calls::new();
        calls.call("runs", "A", 1, 100 << 20);
        let (_, running) = calls.next();
        for _ in 0..4 {
            calls.call("waits", "A", 1, 7 << 20);
        }
        assert!(calls.ready().is_empty());
        let text = "the peer is busy: the client has 32 MiB of packages that wait to be installed, \
                    and may have 32 of them; try again later";
        assert_eq!(calls.refused("A", 1, 0), text);
        calls.call("waits", "A", 2, 7 << 20);
        assert!(calls.ready().is_empty());
        let refused = calls.refused("A", 3, KIB);
        assert!(refused.contains("organization A has 40 MiB of packages "), "{refused}");
        calls.call("b1", "B", 1, 100 << 20);
        assert_eq!(calls.next().0, "b1", "what need not wait takes no place");
        drop(running);
        assert_eq!(calls.next().0, "waits");
    }
}
