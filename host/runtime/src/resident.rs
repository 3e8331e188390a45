//! Keeps the pages that transactions write in large memories from one transaction to the next.
//!
//! wasmtime 48 resets the first 32 ranges of written pages and returns all memory behind them to
//! the kernel, so the next transaction takes a page fault for each page there. The heap of an
//! interpreter is written in more places. So the pages between neighbouring ranges are made
//! writable, too: fewer, larger ranges are left, all of which wasmtime resets. wasmtime 50 has no
//! such limit and does not need this module.
//!
//! Does not change or read what is in the memory.

use std::collections::HashMap;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, PoisonError};

#[cfg(target_os = "linux")]
use rustix::mm::{Advice, madvise};
use rustix::param::page_size;
use wasmtime::component::__internal::{CanonicalAbiInfo, InstanceType, InterfaceType, LiftContext};
use wasmtime::component::{ComponentType, Lift};

/// Ranges of written pages that wasmtime resets in one memory.
const RANGES: usize = 32;
/// Ranges that are left. Fewer than wasmtime resets, because the next transaction may write pages
/// that no other has written.
const LEFT: usize = 28;
/// Limit on the written pages of one memory that wasmtime resets, in bytes. It copies them, so
/// beyond this, page faults cost less.
pub(crate) const KEPT_BYTES: usize = 2 << 20;
/// Smaller memories (in bytes) are not checked: compiled contracts write few ranges.
const LARGE_BYTES: usize = 4 << 20;
/// Transactions in one slot of the pool between two checks of its memory: ranges stay merged while
/// the slot is used for the same component.
const EVERY: u32 = 16;

/// Merges ranges of written pages.
pub(crate) struct ResidentPages {
    /// The state of this process's pages. None if wasmtime does not read it either.
    pagemap: Option<File>,
    /// Transactions in each slot of the pool, by the address of its memory.
    uses: Mutex<HashMap<usize, u32>>,
}

/// The address and the size of an instance's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    start: usize,
    bytes: usize,
}

/// A result of the guest, and the location of the memory that it came from.
pub(crate) struct Located<T> {
    pub(crate) value: T,
    pub(crate) memory: Location,
}

impl ResidentPages {
    /// Makes the state; `is_scanned` is true if wasmtime resets only written pages.
    pub(crate) fn new(is_scanned: bool) -> Self {
        let pagemap = is_scanned.then(|| File::open("/proc/self/pagemap").ok()).flatten();
        Self { pagemap, uses: Mutex::default() }
    }

    /// Returns true if a memory of so many bytes is to be passed to [`after`](Self::after).
    pub(crate) fn concern(&self, bytes: usize) -> bool {
        bytes >= LARGE_BYTES && self.pagemap.is_some()
    }

    /// Checks the memory of a transaction that has ended, if that is due. No guest may run in it,
    /// and its instance must not be dropped meanwhile.
    pub(crate) fn after(&self, memory: Location) {
        if self.is_due(memory.start) {
            self.merge(memory);
        }
    }

    fn is_due(&self, start: usize) -> bool {
        let mut uses = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
        let uses = uses.entry(start).or_default();
        *uses = uses.wrapping_add(1);
        *uses % EVERY == 1
    }

    /// Merges the ranges of a memory if wasmtime would not reset all of them.
    fn merge(&self, memory: Location) {
        let page = page_size();
        for range in merged(self.written(memory, page), KEPT_BYTES / page) {
            let (start, bytes) = (memory.start + range.start * page, range.len() * page);
            if !make_writable(start, bytes) {
                // Without memory, or on an old kernel. Only time is lost.
                return;
            }
        }
    }

    /// Returns the ranges of written pages, as numbers of pages. Pages without a file that were
    /// only read count as written.
    fn written(&self, memory: Location, page: usize) -> Vec<Range<usize>> {
        const BYTES: usize = size_of::<u64>();
        let mut entries = vec![0; memory.bytes / page * BYTES];
        let first = memory.start / page * BYTES;
        let read = self.pagemap.as_ref().map(|map| map.read_exact_at(&mut entries, first as u64));
        if !matches!(read, Some(Ok(()))) {
            return Vec::new();
        }
        let mut ranges: Vec<Range<usize>> = Vec::new();
        for (number, entry) in entries.chunks_exact(BYTES).enumerate() {
            let entry = entry.try_into().map_or(0, u64::from_ne_bytes);
            // Present, and not a page of the image in the file (Linux: admin-guide/mm/pagemap.rst).
            if entry >> 63 & 1 == 0 || entry >> 61 & 1 == 1 {
                continue;
            }
            match ranges.last_mut() {
                Some(last) if last.end == number => last.end += 1,
                _ => ranges.push(number..number + 1),
            }
        }
        ranges
    }
}

/// Makes the pages of a range of an instance's memory present and writable; false if that fails.
#[cfg(target_os = "linux")]
fn make_writable(start: usize, bytes: usize) -> bool {
    // SAFETY: nothing that is in the pages changes.
    #[allow(unsafe_code)]
    unsafe { madvise(start as *mut _, bytes, Advice::LinuxPopulateWrite) }.is_ok()
}

/// Other systems have no pagemap, so there are no ranges.
#[cfg(not(target_os = "linux"))]
fn make_writable(_: usize, _: usize) -> bool {
    false
}

/// Closes the smallest gaps between ranges until few are left. Returns nothing if that is not
/// necessary, or if they would have more than `most` pages.
fn merged(ranges: Vec<Range<usize>>, most: usize) -> Vec<Range<usize>> {
    if ranges.len() <= RANGES {
        return Vec::new();
    }
    let mut gaps: Vec<usize> = ranges.windows(2).map(|two| two[1].start - two[0].end).collect();
    gaps.sort_unstable();
    let closed = ranges.len() - LEFT;
    let largest = gaps[closed - 1];
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(LEFT);
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start - last.end <= largest => last.end = range.end,
            _ => merged.push(range),
        }
    }
    let pages: usize = merged.iter().map(|range| range.len()).sum();
    if pages > most { Vec::new() } else { merged }
}

// SAFETY: everything is that of `T`.
#[allow(unsafe_code)]
unsafe impl<T: ComponentType> ComponentType for Located<T> {
    type Lower = T::Lower;
    const ABI: CanonicalAbiInfo = T::ABI;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> wasmtime::Result<()> {
        T::typecheck(ty, types)
    }
}

// SAFETY: the value is lifted by `T`, whose layout this type has.
#[allow(unsafe_code)]
unsafe impl<T: Lift> Lift for Located<T> {
    fn linear_lift_from_flat(
        cx: &mut LiftContext<'_>,
        ty: InterfaceType,
        src: &Self::Lower,
    ) -> wasmtime::Result<Self> {
        let memory = Location::of(cx);
        Ok(Self { value: T::linear_lift_from_flat(cx, ty, src)?, memory })
    }

    fn linear_lift_from_memory(
        cx: &mut LiftContext<'_>,
        ty: InterfaceType,
        bytes: &[u8],
    ) -> wasmtime::Result<Self> {
        let memory = Location::of(cx);
        Ok(Self { value: T::linear_lift_from_memory(cx, ty, bytes)?, memory })
    }
}

impl Location {
    fn of(cx: &LiftContext<'_>) -> Self {
        let memory = cx.memory();
        Self { start: memory.as_ptr().addr(), bytes: memory.len() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_gaps_are_closed() {
        let ranges: Vec<_> = (0..40).map(|n| n * 10 + n % 3..n * 10 + 4).collect();
        let merged = merged(ranges.clone(), 1_000);
        assert!(merged.len() <= LEFT, "{}", merged.len());
        for range in &ranges {
            assert!(merged.iter().any(|m| m.start <= range.start && range.end <= m.end));
        }
        assert_eq!(super::merged(ranges[..RANGES].to_vec(), 1_000), []);
        assert_eq!(super::merged(ranges, 100), [], "too many pages");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn pages_between_are_made_writable_and_keep_what_they_have() {
        let pages = ResidentPages::new(true);
        let page = page_size();
        // The allocator maps so much anew each time, so its pages are not there yet.
        let mut memory = vec![0_u8; 40 << 20];
        let start = memory.as_ptr().addr().next_multiple_of(page);
        let location = Location { start, bytes: 1_900 * page };
        let first = start - memory.as_ptr().addr();
        // SAFETY: that is about the size of pages only.
        #[allow(unsafe_code)]
        unsafe { madvise(start as *mut _, location.bytes, Advice::LinuxNoHugepage) }.unwrap();
        let places = || (0..60).map(|n| first + page * if n < 40 { n * 3 } else { n * 30 });
        places().for_each(|at| memory[at] = 7);
        assert_eq!(pages.written(location, page).len(), 60);
        pages.merge(location);
        let after = pages.written(location, page);
        assert!(after.len() <= LEFT, "{after:?}");
        assert!(places().all(|at| memory[at] == 7));
        assert_eq!(memory.iter().filter(|byte| **byte != 0).count(), 60);
        assert!(ResidentPages::new(false).written(location, page).is_empty());
    }

    #[test]
    fn each_large_memory_is_checked_when_it_is_new_and_at_times() {
        let pages = ResidentPages::new(true);
        assert!(pages.concern(LARGE_BYTES) && !pages.concern(LARGE_BYTES - 1));
        assert!(!ResidentPages::new(false).concern(LARGE_BYTES));
        for start in [1 << 20, 1 << 30] {
            let due: Vec<bool> = (0..2 * EVERY).map(|_| pages.is_due(start)).collect();
            assert!(due[0] && due[EVERY as usize]);
            assert_eq!(due.iter().filter(|due| **due).count(), 2);
        }
    }
}
