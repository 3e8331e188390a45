//! VSCC as a system chaincode.
//!
//! Invariant: passes on and judges nothing.

use crate::chaincode::{NativeChaincode, Stub};
use wasmcc_channel::vscc::{Vscc, VsccError};
use wasmcc_types::Response;

impl NativeChaincode for Vscc {
    fn invoke(&self, stub: &mut Stub<'_>) -> Response {
        match self.validate(stub.args) {
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
