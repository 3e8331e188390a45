//! The batch messages of Fabric 3.1.

use wasmcc_types::proto::protos::ChaincodeAdditionalParams;

/// Lower limit: smaller limits are raised to it (fabric-chaincode-go `shim/handler.go`,
/// `defaultMaxSizeWriteBatch` and `defaultMaxSizeGetMultipleKeys`).
const SMALLEST_LIMIT: u32 = 100;

/// The batch messages that a peer supports, each with its maximum number of entries. None: the peer
/// does not support the message, like all peers before 3.1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchLimits {
    /// Records in one WRITE_BATCH_STATE.
    pub write_batch: Option<u32>,
    /// Keys in one GET_STATE_MULTIPLE.
    pub get_multiple: Option<u32>,
}

impl BatchLimits {
    /// Reads the payload of READY as a shim does (`shim/handler.go`, `handleEstablished`).
    pub fn from_params(params: &ChaincodeAdditionalParams) -> Self {
        let limit = |used: bool, size: u32| used.then_some(size.max(SMALLEST_LIMIT));
        Self {
            write_batch: limit(params.use_write_batch, params.max_size_write_batch),
            get_multiple: limit(params.use_get_multiple_keys, params.max_size_get_multiple_keys),
        }
    }

    /// Returns the payload of READY that announces these limits.
    pub fn to_params(self) -> ChaincodeAdditionalParams {
        ChaincodeAdditionalParams {
            use_write_batch: self.write_batch.is_some(),
            max_size_write_batch: self.write_batch.unwrap_or_default(),
            use_get_multiple_keys: self.get_multiple.is_some(),
            max_size_get_multiple_keys: self.get_multiple.unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_limits_are_raised_and_unused_ones_do_not_count() {
        let params = |use_write_batch, max_size_write_batch| ChaincodeAdditionalParams {
            use_write_batch,
            max_size_write_batch,
            ..Default::default()
        };
        let write_batch = |params| BatchLimits::from_params(&params).write_batch;
        assert_eq!(write_batch(params(true, 0)), Some(100));
        assert_eq!(write_batch(params(true, 99)), Some(100));
        assert_eq!(write_batch(params(true, 101)), Some(101));
        assert_eq!(write_batch(params(false, 1000)), None);
    }

    #[test]
    fn limits_survive_the_wire() {
        let limits = BatchLimits { write_batch: Some(1000), get_multiple: None };
        assert_eq!(BatchLimits::from_params(&limits.to_params()), limits);
        assert_eq!(BatchLimits::default().to_params(), ChaincodeAdditionalParams::default());
    }
}
