//! Limits the memory of all guests of a process together.
//!
//! Half of it is divided evenly: every instance may use its part without a reservation. The other
//! half is for guests that need more. It is limited per client, chaincode and channel, so that none
//! takes all of it. If no memory is left, a guest fails with a failure of this host, which is never
//! endorsed: the memory that other guests use differs between peers.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::failure::Failure;
use wasmcc_types::{Place, Share, Shares};

/// The memory of all guests of a runtime.
#[derive(Clone, Debug)]
pub(crate) struct GuestMemory {
    /// Bytes that each instance may use without a reservation.
    part: usize,
    more: Arc<Shares>,
}

/// The memory of one instance; dropping it releases the memory.
pub(crate) struct UsedMemory {
    part: usize,
    more: Arc<Shares>,
    share: Arc<Share>,
    /// Its reservation in the shared half.
    place: Option<Place>,
}

/// The use of the memory that guests share, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedMemory {
    /// In use by all guests together.
    pub used: usize,
    /// Its size.
    pub limit: usize,
}

impl GuestMemory {
    /// Divides `bytes` among at most `instances` guests.
    pub(crate) fn new(bytes: usize, instances: u32) -> Self {
        let half = bytes / 2;
        let part = half / usize::try_from(instances).unwrap_or(usize::MAX).max(1);
        Self { part, more: Shares::new("bytes of memory for guests", bytes - half) }
    }

    /// Returns the use of the shared half.
    pub(crate) fn shared(&self) -> SharedMemory {
        SharedMemory { used: self.more.taken(), limit: self.more.limit() }
    }

    /// Returns the account of a new instance; `share` names its client, chaincode and channel.
    pub(crate) fn begin(&self, share: Arc<Share>) -> UsedMemory {
        UsedMemory { part: self.part, more: Arc::clone(&self.more), share, place: None }
    }
}

impl UsedMemory {
    /// Reserves memory for an instance that uses `bytes` in total. Memory is released only at the
    /// end of the instance, since memories of WebAssembly only grow.
    ///
    /// # Errors
    /// The shared half has no memory left for this client, chaincode or channel.
    pub(crate) fn reserve(&mut self, bytes: usize) -> Result<(), Failure> {
        let beyond = bytes.saturating_sub(self.part);
        let taken = self.place.as_ref().map_or(0, Place::count);
        let Some(more) = beyond.checked_sub(taken).filter(|more| *more > 0) else { return Ok(()) };
        let grown = match &mut self.place {
            Some(place) => place.grow(more),
            none => self.more.take(&self.share, more).map(|place| *none = Some(place)),
        };
        grown.map_err(|full| Failure::Host(full.to_string()))
    }
}

/// Returns half of the memory that this process may use: of the machine's memory, or of its control
/// group's limit.
pub(crate) fn default_bytes() -> usize {
    let read = |path: &str| fs::read_to_string(Path::new(path)).unwrap_or_default();
    let limits = [
        machine_bytes(&read("/proc/meminfo")),
        read("/sys/fs/cgroup/memory.max").trim().parse().ok(),
        read("/sys/fs/cgroup/memory/memory.limit_in_bytes").trim().parse().ok(),
    ];
    let least: Option<u64> = limits.into_iter().flatten().min();
    // Assume a small machine if neither can be read.
    usize::try_from(least.unwrap_or(4 << 30) / 2).unwrap_or(usize::MAX)
}

fn machine_bytes(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_instance_has_its_part_and_the_rest_is_shared() {
        let memory = GuestMemory::new(2_000, 10);
        let share = |client: &str| Arc::new(Share::new("ch", "cc", client.as_bytes()));
        let mut one = memory.begin(share("one"));
        one.reserve(100).unwrap();
        assert_eq!(memory.more.taken(), 0);
        one.reserve(600).unwrap();
        assert_eq!(memory.more.taken(), 500);
        let refused = one.reserve(601).unwrap_err();
        assert!(!refused.is_deterministic());
        assert!(refused.to_string().contains("the client has 500 bytes"), "{refused}");
        // Each may use its part, however much the others use.
        let mut others: Vec<_> = (0..9).map(|_| memory.begin(share("one"))).collect();
        others.iter_mut().for_each(|other| other.reserve(100).unwrap());
        drop(one);
        assert_eq!(memory.more.taken(), 0);
        others[0].reserve(600).unwrap();
    }

    #[test]
    fn the_machines_memory_is_found() {
        let text = "MemTotal:       24659716 kB\nMemFree:          1 kB\n";
        assert_eq!(machine_bytes(text), Some(24_659_716 * 1_024));
        assert_eq!(machine_bytes("MemTotal: many"), None);
        assert!(default_bytes() > 1 << 20);
    }
}
