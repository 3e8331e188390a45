//! Launches chaincodes and executes transactions on them.
//!
//! Does not endorse what they return.

mod callee;
mod execution;
mod handler;
mod invoke;
mod invoke_target;
mod launch;
mod launch_threads;
mod lookup;
mod registry;
mod stand_ins;
mod standing;
mod support;

pub(crate) use callee::Callee;
pub use execution::{ExecuteError, Execution};
pub use invoke::InfoError;
pub use launch::SECRET_SEPARATOR;
pub use lookup::{ChaincodeInfo, Found, defined_names};
pub use stand_ins::{StandIn, StandInError, StandIns};
pub use support::{ChaincodeSupport, SYSTEM_VERSION, SupportConfig};
