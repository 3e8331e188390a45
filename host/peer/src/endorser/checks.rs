//! Records the checks that an endorser makes of a proposal before the execution, for observers of
//! the peer.
//!
//! Does not check anything itself, and costs nothing without an observer.

use std::time::{Duration, Instant};

/// The checks, in the order in which they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The messages can be read, and a chaincode is named.
    Form,
    /// The certificate of the creator has not expired.
    Expiry,
    /// The peer has joined the channel.
    Channel,
    /// Type, epoch, nonce and creator of the headers.
    Headers,
    /// The transaction id is the hash of nonce and creator.
    TxId,
    /// There is a signature.
    Signed,
    /// An organization of the channel knows the creator.
    Creator,
    /// The signature is the creator's.
    Signature,
    /// No transaction of the ledger has this id.
    Duplicate,
    /// The channel's policy lets the creator propose.
    Access,
}

impl Check {
    /// Returns a human-readable text.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Form => "the proposal can be read and names a chaincode",
            Self::Expiry => "the creator's certificate has not expired",
            Self::Channel => "the peer is on the channel",
            Self::Headers => "type, epoch, nonce and creator in the headers",
            Self::TxId => "the transaction id is that of nonce and creator",
            Self::Signed => "there is a signature",
            Self::Creator => "the creator belongs to an organization of the channel",
            Self::Signature => "the signature is the creator's",
            Self::Duplicate => "the transaction is not in the ledger yet",
            Self::Access => "the creator may propose (peer/Propose)",
        }
    }
}

/// A check that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The kind of check.
    pub check: Check,
    /// The result. If a check fails, the proposal is refused without further checks.
    pub passed: bool,
    /// The duration.
    pub took: Duration,
}

/// The checks of one proposal.
#[derive(Debug)]
pub struct Checks {
    /// None: the checks are not recorded.
    made: Option<Vec<Checked>>,
}

impl Checks {
    /// Does not record the checks.
    pub fn unwatched() -> Self {
        Self { made: None }
    }

    /// Records each check.
    pub fn watched() -> Self {
        Self { made: Some(Vec::new()) }
    }

    /// Returns the checks so far, in order.
    pub fn made(&self) -> &[Checked] {
        self.made.as_deref().unwrap_or_default()
    }

    /// Makes a check and records it.
    pub(super) fn make<T, E>(
        &mut self,
        check: Check,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let Some(made) = &mut self.made else { return work() };
        let since = Instant::now();
        let result = work();
        made.push(Checked { check, passed: result.is_ok(), took: since.elapsed() });
        result
    }

    /// Records a check that was made before, and passed.
    pub(super) fn passed(&mut self, check: Check, took: Duration) {
        if let Some(made) = &mut self.made {
            made.push(Checked { check, passed: true, took });
        }
    }
}
