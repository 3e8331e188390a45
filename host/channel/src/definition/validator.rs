//! The validators that a chaincode's definition may name.
//!
//! Does not run them.

use wasmcc_types::VSCC;

/// A validator that peers have. A definition may name any plugin and is accepted, but no
/// transaction of that chaincode is valid until another definition names one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validator {
    /// Fabric's own, which evaluates endorsement policies.
    Vscc,
}

impl Validator {
    /// Returns the validator of this name; None if no peer has it.
    pub fn named(name: &str) -> Option<Self> {
        (name == Self::Vscc.name()).then_some(Self::Vscc)
    }

    /// The name in definitions.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vscc => VSCC,
        }
    }
}
