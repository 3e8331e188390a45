//! Orders transactions into blocks, validates and commits them.
//!
//! `Solo` takes envelopes and cuts them into blocks, `Committer` validates and commits a block, and
//! `Notifier` wakes waiters. `EndorsementValidator` checks endorsements against policies; the
//! composition root connects it to the chaincode `vscc`.
//!
//! Invariant: does not simulate, and verdicts do not depend on this peer's clock, threads or
//! identity.

mod accepted_log;
mod aftermath;
mod block_cutter;
mod block_writer;
mod collection_rules;
mod commit;
mod definitions;
mod deploy_listener;
mod endorsement_validator;
mod entry;
mod error;
mod explain;
mod fatal;
mod health;
#[cfg(any(test, fuzzing))]
pub mod hostile;
mod invocation;
mod keeper;
mod lanes;
mod maintenance;
mod msg_processor;
mod needed_policies;
mod notifier;
mod opened_tx;
mod order_error;
mod order_queue;
mod prepared;
mod required_policies;
mod solo;
mod solo_chain;
mod v14_rules;
mod validator;
mod verdict;

#[cfg(test)]
mod tests;

pub use block_cutter::MessageTooLarge;
pub use collection_rules::StateRules;
pub use commit::Committer;
pub use deploy_listener::{Approvals, DeployListener};
pub use endorsement_validator::{EndorsementValidator, ValidationFailure, ValidationRequest};
pub use error::CommitError;
pub use explain::{explain, verdicts};
pub use fatal::Fatal;
pub use maintenance::{Change, MaintenanceError};
pub use needed_policies::{NeverValid, NoPolicies, check_interest, interest_policies};
pub use notifier::{Notifier, Subscription, TxVerdict, Watch};
pub use order_error::OrderError;
pub use prepared::PreparedBlock;
pub use solo::{Ordered, Solo, SoloConfig, Times};
