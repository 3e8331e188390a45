//! Bounds the files that components keep open: one for each memory whose initial contents they map.
//!
//! A process with few available files therefore keeps fewer components in memory. The server
//! reserves these files (`api::descriptors`).

/// One component may be launched for this many files that the process may have open.
const OF_LAUNCHED: u64 = 16;
/// Lower bound, even with few files.
const FEWEST_LAUNCHED: u64 = 16;
/// One unused component may stay in memory for this many files.
const OF_UNUSED: u64 = 32;
/// Upper bound: 256 components of usual size take a few hundred megabytes.
const MOST_UNUSED: u64 = 256;

/// Returns the number of components that a process should have launched at a time. Launching
/// another one from its compiled code takes some milliseconds.
pub fn launched_components() -> usize {
    launched(open_files())
}

/// Returns how many unused components and refusals stay in memory.
pub(crate) fn unused_components() -> usize {
    unused(open_files())
}

fn launched(files: Option<u64>) -> usize {
    let count = files.map_or(u64::MAX, |files| (files / OF_LAUNCHED).max(FEWEST_LAUNCHED));
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn unused(files: Option<u64>) -> usize {
    let count = files.map_or(MOST_UNUSED, |files| (files / OF_UNUSED).min(MOST_UNUSED));
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// Returns the limit on open files of this process; None: no limit.
fn open_files() -> Option<u64> {
    #[cfg(unix)]
    return rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    #[cfg(not(unix))]
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_files_are_few_components() {
        assert_eq!((launched(Some(100)), unused(Some(100))), (16, 3));
        assert_eq!((launched(Some(1_024)), unused(Some(1_024))), (64, 32));
        assert_eq!((launched(Some(1 << 20)), unused(Some(1 << 20))), (1 << 16, 256));
        assert_eq!((launched(None), unused(None)), (usize::MAX, 256));
    }
}
