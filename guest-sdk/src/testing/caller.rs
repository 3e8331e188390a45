//! Typed clients on the mock ledger.
//!
//! Invariant: evaluated calls are not committed.

use crate::testing::MockLedger;
use crate::{Caller, Error, Result};

/// The client calls the chaincode under test.
impl Caller for &mut MockLedger {
    type Error = Error;

    fn call(&mut self, function: &str, evaluate: bool, args: Vec<Vec<u8>>) -> Result<Vec<u8>> {
        let answer = match evaluate {
            true => self.evaluate(function, args),
            false => self.submit(function, args),
        };
        Ok(answer?.payload)
    }
}
