//! Who validates the transactions of a chaincode, as its definition names it.
//!
//! Invariant: knows the validators that every peer has, and runs none.

/// A validator that peers have. A definition may name any: the channel takes it, and no transaction
/// on that chaincode is valid until another definition names one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validator {
    /// Fabric's own: the endorsement policies.
    Vscc,
}

impl Validator {
    /// The validator of this name; None if no peer has it.
    pub fn named(name: &str) -> Option<Self> {
        (name == Self::Vscc.name()).then_some(Self::Vscc)
    }

    /// The name by which definitions ask for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Vscc => "vscc",
        }
    }
}
