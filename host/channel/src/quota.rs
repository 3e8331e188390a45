//! Limits the channels of a process. Each channel has files open as long as the process runs, and
//! connections need file descriptors as well.
//!
//! Only channels that an organization has joined count against it. Channels that belong to all
//! organizations were made by the process's operator, who has no limit.

use crate::ChannelError;

/// Channels may have one in `FILES` of the process's file descriptors; the server reserves as many
/// for them (`api::descriptors`).
const FILES: u64 = 8;
/// The lower limit, even if few files may be open.
const FEWEST: u64 = 16;
const MOST: u64 = 10_000;

/// The limit of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quota {
    all: usize,
}

impl Quota {
    /// Returns the quota of a process that may have `limit` files open; None: any number.
    fn of_files(limit: Option<u64>) -> Self {
        let channels = limit.map_or(MOST, |limit| (limit / FILES).clamp(FEWEST, MOST));
        Self { all: usize::try_from(channels).unwrap_or(usize::MAX) }
    }

    /// Returns the quota of this process.
    pub(crate) fn of_process() -> Self {
        #[cfg(unix)]
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        #[cfg(not(unix))]
        let limit = None;
        Self::of_files(limit)
    }

    /// Checks that one more channel is allowed beside `all`. `own` is the organization that makes
    /// it and the number of channels that it has joined; it may have half of the limit.
    pub(crate) fn check(
        self,
        channel: &str,
        all: usize,
        own: Option<(&str, usize)>,
    ) -> Result<(), ChannelError> {
        let full = |whose: &str, limit| {
            let (channel, whose) = (channel.to_owned(), whose.to_owned());
            Err(ChannelError::TooMany { channel, whose, limit })
        };
        match own {
            Some((org, own)) if own >= self.all / 2 => full(org, self.all / 2),
            _ if all >= self.all => full("all organizations of this process together", self.all),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{Channels, ORDERER};
    use wasmcc_ledger::{LedgerConfig, Ledgers};
    use wasmcc_msp::{Network, NetworkSpec};
    use wasmcc_types::ChannelId;
    use wasmcc_types::proto::common::Block;

    #[test]
    fn channels_have_an_eighth_of_the_files() {
        let of = |limit| Quota::of_files(limit).all;
        assert_eq!((of(Some(1_024)), of(Some(65_536))), (128, 8_192));
        assert_eq!((of(Some(10)), of(Some(u64::MAX)), of(None)), (16, 10_000, 10_000));
    }

    #[test]
    fn one_organization_makes_half_of_the_channels_and_joins_any_of_them() {
        let network = Network::in_memory(&NetworkSpec::with_orgs(2)).unwrap();
        let config = LedgerConfig { cache_bytes: 1 << 20, ..LedgerConfig::default() };
        let ledgers = Arc::new(Ledgers::temporary(config).unwrap());
        let mut channels = Channels::open(ledgers).unwrap();
        channels.quota = Quota { all: 4 };
        let genesis = |name: &str| -> Block {
            network.genesis(ChannelId::parse(name).unwrap()).block().unwrap()
        };
        channels.join_as("A", &genesis("a1")).unwrap();
        channels.join_as("A", &genesis("a2")).unwrap();
        let refused = channels.join_as("A", &genesis("a3")).err().unwrap().to_string();
        assert!(refused.contains("A may have 2 channels"), "{refused}");
        assert!(channels.get("a3").is_none(), "nothing was made");
        channels.join_as("B", &genesis("b1")).unwrap();
        // Joining an existing channel opens no files.
        channels.join_as("A", &genesis("b1")).unwrap();
        channels.join_as_orderer(&genesis("o1")).unwrap();
        for who in ["B", ORDERER] {
            let refused = channels.join_as(who, &genesis("b2")).err().unwrap().to_string();
            assert!(refused.contains("process together may have 4"), "{refused}");
        }
        // The operator has no limit.
        channels.join(&genesis("ours")).unwrap();
    }
}
