//! Open files: how many this process may have, and who gets them.
//!
//! Invariant: connections never take those that the ledgers, components in memory, the streams to
//! chaincode servers and compilations need.

use crate::connection_table::REFUSING;

/// At least so many are for everything but connections: the databases and block files of the
/// ledgers, streams to chaincode servers, pipes of compilations, the runtime.
const RESERVED: u64 = 256;
/// Of these, what is neither for channels nor for components.
const BESIDE: u64 = 128;
/// One file in so many may be a channel's (`channel::quota`).
const OF_CHANNELS: u64 = 8;
/// One in so many may be a component's (`runtime::files`). Most have one, JavaScript's two.
const OF_COMPONENTS: u64 = 8;
/// With fewer connections a peer does not start.
const FEWEST: u64 = 16;

/// How many files a process may have open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptors {
    /// None: the system has no limit that is known.
    limit: Option<u64>,
}

/// There is no room for connections.
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
    /// Raises this process's limit as far as the system lets it, and reads it.
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

    /// How many of `wanted` connections there may be at so many addresses together.
    ///
    /// # Errors
    /// If there is no room for a few.
    pub fn connections(self, wanted: u64, addresses: usize) -> Result<u64, DescriptorsError> {
        let Some(limit) = self.limit else { return Ok(wanted) };
        let addresses = (addresses as u64).max(1);
        // The listeners, and connections that are only refused.
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
