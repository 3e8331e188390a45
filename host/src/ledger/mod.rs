//! One channel's blocks, state and history on sled, and the simulator over them.
//!
//! Invariant: no signatures and no policies.
