//! Who someone is and what they may do
//!
//! Invariant:  X.509 identities, signers, signature policies, channel policies.:no ledger, no chaincode; nothing here keeps state that changes with blocks.
