//! Evaluates policies for the mock ledger.
//!
//! Does not check signatures: an organization's peer endorses or does not.

use std::collections::BTreeSet;

use crate::policy::{Policy, Role, Rule};

impl Policy {
    /// Returns true if the peers of these organizations satisfy the policy.
    pub(crate) fn is_satisfied_by(&self, msp_ids: &BTreeSet<String>) -> bool {
        self.0.holds(&|role, msp_id| {
            matches!(role, Role::Member | Role::Peer) && msp_ids.contains(msp_id)
        })
    }

    /// Returns true if a client of this organization is one of the signers.
    pub(crate) fn is_satisfied_by_client(&self, of: &str) -> bool {
        self.0.holds(&|role, msp_id| matches!(role, Role::Member | Role::Client) && msp_id == of)
    }
}

impl Rule {
    fn holds(&self, is_signer: &impl Fn(Role, &str) -> bool) -> bool {
        match self {
            Self::SignedBy(role, msp_id) => is_signer(*role, msp_id),
            Self::OutOf(n, rules) => {
                rules.iter().filter(|rule| rule.holds(is_signer)).count() >= *n
            }
        }
    }
}
