//! Files that components hold open: one for each memory whose first contents they map.
//!
//! So there are fewer components in memory where this process may have few open files. The server
//! has these files aside (`api::descriptors`).

/// For so many files that this process may have open, one component may be launched.
const OF_LAUNCHED: u64 = 16;
/// However few files there may be.
const FEWEST_LAUNCHED: u64 = 16;
/// For so many, one may stay in memory that nobody uses.
const OF_UNUSED: u64 = 32;
/// 256 of usual size are a few hundred megabytes.
const MOST_UNUSED: u64 = 256;

/// How many components a process should have launched at a time. One that is not can be launched
/// from its compiled code, which takes some milliseconds.
pub fn launched_components() -> usize {
    launched(open_files())
}

/// How many components, and refusals, stay in memory that nobody uses.
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

/// How many this process may have open now. None: any number.
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
