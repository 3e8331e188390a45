//! Cuts a stream of messages into batches by count and size. Fabric:
//! `orderer/common/blockcutter/blockcutter.go`.
//!
//! Invariant: pure, without a clock: the caller starts a timer when messages begin to wait and
//! calls `cut` when it expires.

use wasmcc_msp::BatchLimits;

/// Collects messages until a batch is full.
#[derive(Debug)]
pub(crate) struct BlockCutter<M> {
    waiting: Vec<M>,
    waiting_bytes: usize,
}

/// The outcome for a message.
#[derive(Debug, PartialEq)]
pub(crate) struct CutBatches<M> {
    /// The batches that this message completed, at most two, none of them empty.
    pub(crate) batches: Vec<Vec<M>>,
    /// True if messages are waiting now, so that a timer must run.
    pub(crate) pending: bool,
}

/// A message that is too large for a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("message payload is {bytes} bytes and exceeds maximum allowed {limit} bytes")]
pub struct MessageTooLarge {
    /// The message's size.
    pub bytes: usize,
    /// `BatchLimits::absolute_max_bytes`.
    pub limit: usize,
}

/// Checks the size of a message as Fabric's broadcast does (`msgprocessor/sizefilter.go`): the size
/// of payload and signature, without the few bytes of their encoding.
pub(crate) fn check_size(limits: &BatchLimits, bytes: usize) -> Result<(), MessageTooLarge> {
    let limit = limits.absolute_max_bytes as usize;
    if bytes > limit { Err(MessageTooLarge { bytes, limit }) } else { Ok(()) }
}

impl<M> BlockCutter<M> {
    /// Starts without waiting messages.
    pub(crate) fn new() -> Self {
        Self { waiting: Vec::new(), waiting_bytes: 0 }
    }

    /// Takes the next message, which has this size. A message above the preferred size gets a batch
    /// of its own.
    pub(crate) fn ordered(
        &mut self,
        limits: &BatchLimits,
        message: M,
        bytes: usize,
    ) -> Result<CutBatches<M>, MessageTooLarge> {
        check_size(limits, bytes)?;
        let preferred = limits.preferred_max_bytes as usize;
        let mut batches = Vec::new();
        if self.waiting_bytes + bytes > preferred {
            batches.extend(self.cut());
        }
        self.waiting.push(message);
        self.waiting_bytes += bytes;
        if bytes > preferred || self.waiting.len() >= limits.max_message_count as usize {
            batches.extend(self.cut());
        }
        Ok(CutBatches { batches, pending: !self.waiting.is_empty() })
    }

    /// Returns the waiting messages as a batch; None if there are none.
    pub(crate) fn cut(&mut self) -> Option<Vec<M>> {
        self.waiting_bytes = 0;
        let batch = std::mem::take(&mut self.waiting);
        (!batch.is_empty()).then_some(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: BatchLimits = BatchLimits {
        max_message_count: 3,
        absolute_max_bytes: 100,
        preferred_max_bytes: 10,
        timeout: std::time::Duration::from_secs(1),
    };

    /// Returns the sizes of the messages in each batch, and whether messages wait.
    fn order(cutter: &mut BlockCutter<usize>, bytes: usize) -> (Vec<Vec<usize>>, bool) {
        let CutBatches { batches, pending } = cutter.ordered(&LIMITS, bytes, bytes).unwrap();
        (batches, pending)
    }

    #[test]
    fn a_batch_is_cut_when_it_has_enough_messages() {
        let mut cutter = BlockCutter::new();
        assert_eq!(order(&mut cutter, 1), (vec![], true));
        assert_eq!(order(&mut cutter, 2), (vec![], true));
        assert_eq!(order(&mut cutter, 3), (vec![vec![1, 2, 3]], false));
        assert_eq!(cutter.cut(), None);
    }

    #[test]
    fn a_message_that_would_overflow_starts_the_next_batch() {
        let mut cutter = BlockCutter::new();
        assert_eq!(order(&mut cutter, 6), (vec![], true));
        assert_eq!(order(&mut cutter, 4), (vec![], true));
        assert_eq!(order(&mut cutter, 1), (vec![vec![6, 4]], true));
        assert_eq!(cutter.cut().map(|batch| batch.len()), Some(1));
    }

    #[test]
    fn a_message_above_the_preferred_size_goes_alone() {
        let mut cutter = BlockCutter::new();
        assert_eq!(order(&mut cutter, 11), (vec![vec![11]], false));
        assert_eq!(order(&mut cutter, 1), (vec![], true));
        assert_eq!(order(&mut cutter, 11), (vec![vec![1], vec![11]], false));
        assert_eq!(order(&mut cutter, 10), (vec![], true));
    }

    #[test]
    fn one_message_a_block_cuts_twice_at_most() {
        let limits = BatchLimits { max_message_count: 1, ..LIMITS };
        let mut cutter = BlockCutter::new();
        for bytes in [1, 10, 11] {
            let ordered = cutter.ordered(&limits, bytes, bytes).unwrap();
            assert_eq!((ordered.batches.len(), ordered.pending), (1, false));
        }
    }

    #[test]
    fn a_message_above_the_absolute_size_is_refused_and_nothing_changes() {
        let mut cutter = BlockCutter::new();
        assert_eq!(order(&mut cutter, 1), (vec![], true));
        assert_eq!(order(&mut cutter, 100), (vec![vec![1], vec![100]], false));
        assert_eq!(order(&mut cutter, 1), (vec![], true));
        let error = cutter.ordered(&LIMITS, 101, 101).unwrap_err();
        assert_eq!(error, MessageTooLarge { bytes: 101, limit: 100 });
        assert_eq!(cutter.cut().map(|batch| batch.len()), Some(1));
    }
}
