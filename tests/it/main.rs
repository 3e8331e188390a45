//! The integration tests of wasmcc, one behaviour a file.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod chaincode_calls;
mod cli;
mod cli_peer;
mod concurrency;
mod conformance;
mod conformance_transactions;
mod crash;
mod determinism;
mod endorsement;
mod endorser_checks;
mod external_calls;
mod external_contract;
mod external_failures;
mod external_node;
mod external_protocol;
mod external_rust;
mod golden;
mod golden_refusals;
mod golden_simulations;
mod hostile;
mod install;
mod launch;
mod ledger_tools;
mod lifecycle;
mod lifecycle_golden;
mod package;
mod persistence;
mod private_data;
mod queries;
mod serve;
mod system_queries;
mod tidy;
mod tls;
mod transactions;
