//! Divides the process's file descriptors.
//!
//! Invariant: connections never use the descriptors that ledgers, components in memory, streams to
//! chaincode servers and compilations need.

use crate::connection_table::REFUSING;

/// Minimum number that is reserved for everything except connections: databases and block files of
/// the ledgers, streams to chaincode servers, pipes of compilations, the runtime.
const RESERVED: u64 = 256;
/// The reserved number that is neither for channels nor for components.
const BESIDE: u64 = 128;
/// One in this many descriptors may be used by channels (`channel::quota`).
const OF_CHANNELS: u64 = 8;
/// One in this many may be used by components (`runtime::files`). Most use one, JavaScript's two.
const OF_COMPONENTS: u64 = 8;
/// Minimum number of connections; with fewer a peer does not start.
const FEWEST: u64 = 16;

/// The limit of open files of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptors {
    /// None: the system has no known limit.
    limit: Option<u64>,
}

/// The limit of open files leaves too few for connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this process may have {limit} files open, and a peer that listens on {addresses} addresses \
     needs at least {needed}: raise the limit (ulimit -n, or LimitNOFILE of systemd)"
)]
pub struct DescriptorsError {
    limit: u64,
    addresses: u64,
    needed: u64,
}

impl Descriptors {
    /// Raises this process's limit as far as the system allows, and returns it.
    pub fn raise() -> Self {
        #[cfg(unix)]
        {
            use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
            let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
            if current == maximum {
                return Self { limit: current };
            }
            match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
                Ok(()) => Self { limit: maximum },
                Err(error) => {
                    tracing::warn!(%error, "cannot raise the limit of open files");
                    Self { limit: current }
                }
            }
        }
        #[cfg(not(unix))]
        Self { limit: None }
    }

    /// Returns how many of `wanted` connections are possible at this number of addresses together.
    ///
    /// # Errors
    /// Even the minimum number of connections is not possible.
    pub fn connections(self, wanted: u64, addresses: usize) -> Result<u64, DescriptorsError> {
        let Some(limit) = self.limit else { return Ok(wanted) };
        let addresses = (addresses as u64).max(1);
        // The listeners, and the connections on which calls are only refused.
        let own = REFUSING as u64 + addresses;
        let reserved = RESERVED.max(limit / OF_CHANNELS + limit / OF_COMPONENTS + BESIDE);
        let room = limit.saturating_sub(reserved.saturating_add(own));
        if room < wanted.min(FEWEST) {
            let needed = RESERVED + FEWEST + own;
            return Err(DescriptorsError { limit, addresses, needed });
        }
        Ok(wanted.min(room))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_get_what_is_not_reserved() {
        let of = |limit, wanted, addresses| {
            Descriptors { limit: Some(limit) }.connections(wanted, addresses).ok()
        };
        assert_eq!(of(65_536, 900, 2), Some(900));
        assert_eq!(of(1_024, 900, 1), Some(623));
        assert_eq!(of(1_024, 900, 2), Some(622));
        assert_eq!(of(1_024, 5, 2), Some(5));
        assert_eq!(of(8_192, 8_192, 1), Some(8_192 - 2_048 - 128 - 17), "channels have theirs");
        assert_eq!(of(u64::MAX, 900, 1), Some(900));
        assert_eq!(of(289, 900, 1), Some(16));
        assert_eq!(of(288, 900, 1), None);
        assert_eq!(of(0, 900, 1), None);
        assert_eq!(Descriptors { limit: None }.connections(900, 3), Ok(900));
    }

    #[test]
    fn the_limit_is_raised_once() {
        let raised = Descriptors::raise();
        assert_eq!(Descriptors::raise(), raised);
    }
}
