//! VSCC as a system chaincode.
//!
//! Invariant: passes on and judges nothing.

use crate::chaincode::{Lent, NativeChaincode, Stub};
use wasmcc_channel::vscc::{Vscc, VsccError};
use wasmcc_types::Response;

impl NativeChaincode for Vscc {
    fn invoke(&self, stub: &mut Stub<'_>) -> Response {
        let judged = match stub.lent {
            Lent::Transaction(opened) => self.validate_lent(opened, stub.args),
            Lent::Nothing | Lent::Endorsement(_) => self.validate(stub.args),
        };
        match judged {
            Ok(()) => Response::success(""),
            Err(VsccError::Invalid(reason)) => Response::error(reason),
            Err(VsccError::Unavailable(reason)) => {
                Response { status: Vscc::UNAVAILABLE, message: reason, payload: Vec::new() }
            }
        }
    }

    fn is_built_in(&self) -> bool {
        false
    }
}
