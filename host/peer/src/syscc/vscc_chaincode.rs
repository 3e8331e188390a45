//! VSCC as a system chaincode.
//!
//! Does not judge transactions itself.

use crate::chaincode::{Lent, NativeChaincode, NativeError, Stub};
use wasmcc_channel::vscc::{Vscc, VsccError};

impl NativeChaincode for Vscc {
    fn invoke(&self, stub: &mut Stub<'_>) -> Result<Vec<u8>, NativeError> {
        let judged = match stub.lent {
            Lent::Transaction(opened) => self.validate_lent(opened, stub.args),
            Lent::Nothing | Lent::Endorsement(_) | Lent::Install(_) => self.validate(stub.args),
        };
        match judged {
            Ok(()) => Ok(Vec::new()),
            Err(VsccError::Invalid(reason)) => Err(NativeError::Failed(reason)),
            Err(VsccError::Unavailable(message)) => {
                Err(NativeError::Status { status: Vscc::UNAVAILABLE, message })
            }
        }
    }

    fn is_built_in(&self) -> bool {
        false
    }
}
