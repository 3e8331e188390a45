//! Launches chaincodes and executes transactions on them.
//!
//! Does not endorse their results.

mod callee;
mod error;
mod execution;
mod handler;
mod install;
mod invoke;
mod invoke_target;
mod launch;
mod launch_threads;
mod lookup;
mod not_ended;
mod registry;
mod stand_ins;
mod standing;
mod support;

pub(crate) use callee::Callee;
pub use error::{ExecuteCause, ExecuteError, InvocationError, LaunchError};
pub use execution::Execution;
pub use invoke::{InfoError, LegacyError, SecurityError};
pub use lookup::{
    ChaincodeInfo, FoundDefinition, FoundError, LookUpError, SequenceError, defined_names,
};
pub use not_ended::NotEnded;
pub use stand_ins::{NoStandIn, NotAStandIn, StandIn, StandInError, StandIns};
pub use standing::StandingError;
pub use support::{ChaincodeSupport, SYSTEM_VERSION, SupportConfig};
