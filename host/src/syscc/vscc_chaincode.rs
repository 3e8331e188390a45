//! VSCC as a system chaincode.
//!
//! Invariant: passes on and judges nothing.

use crate::chaincode::{NativeChaincode, Stub};
use crate::syscc::vscc::{Vscc, VsccError};
use crate::types::Response;

impl Vscc {
    /// The status of an answer that says nothing about the transaction.
    pub const UNAVAILABLE: i32 = 503;
}

impl NativeChaincode for Vscc {
    fn invoke(&self, stub: &mut Stub<'_>) -> Response {
        match self.validate(stub.args) {
            Ok(()) => Response::success(""),
            Err(VsccError::Invalid(reason)) => Response::error(reason),
            Err(VsccError::Unavailable(reason)) => {
                Response { status: Self::UNAVAILABLE, message: reason, payload: Vec::new() }
            }
        }
    }

    fn is_built_in(&self) -> bool {
        false
    }
}
