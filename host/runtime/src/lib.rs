//! Runs chaincode components in fresh, limited, deterministic instances.
//!
//! A component is admitted and compiled once ([`Runtime::load`]). Every transaction then runs in
//! its own instance ([`Runtime::invoke`]), which is dropped when the call ends.
//!
//! Invariant: no Fabric messages and no ledger. All requests of a transaction to its peer go
//! through the trait [`Backend`]; this crate does not depend on its implementation.

mod admission;
mod ahead;
mod backend;
mod bindings;
mod by_tx;
mod cache;
mod code_limits;
mod compiler;
mod compiler_line;
mod compiler_process;
mod component;
mod cost;
mod engine;
mod failure;
mod files;
mod folder;
mod fuel_gauge;
mod guest_memory;
mod held;
mod hooks;
mod imports;
mod instance;
mod instance_count;
mod largest;
mod limits;
mod loaded;
mod memory;
mod names;
mod network;
mod outline;
mod output;
mod parts;
mod profile;
mod ready;
mod resident;
mod rules;
mod runtime;
mod source_lines;
mod spent;
mod ticker;
mod time_left;
mod tx_state;
mod variation;
mod versions;
mod wait;
mod wanted;
mod wasi;
mod wit;

pub use admission::{AdmissionError, Report, inspect};
pub use backend::{
    Backend, BackendError, CARRIED_BYTES, ErrorKind, KeyModification, KeyValue, PageRequest,
    ProposalPart, QueryBatch, RESULT_BYTES, Reply,
};
pub use code_limits::CodeLimits;
pub use compiler::{ChildCompiler, Compiler};
pub use compiler_process::{COMPILE_VERB, compile_for_parent};
pub use component::{Component, LoadError};
pub use failure::Failure;
pub use files::launched_components;
pub use fuel_gauge::FuelGauge;
pub use guest_memory::SharedMemory;
pub use instance::{Instance, Invocation, Outcome};
pub use instance_count::Needs;
pub use largest::largest_function;
pub use limits::{BeyondLimits, Limits, MAX_COMPONENT_BYTES, PackageLimits, carried_bytes};
pub use profile::{Function, FunctionKind, Profile, Profiling, StackedCall, Unprobed, with_probes};
pub use rules::{RuleError, create_composite_key, split_composite_key};
pub use runtime::{Runtime, RuntimeConfig, RuntimeError};
pub use source_lines::SourcePlace;
pub use variation::{HostCall, Recording, Variation};
pub use wait::wait;
pub use wanted::{Waiter, Waiting};
pub use wit::{WIT, WIT_0_1};
