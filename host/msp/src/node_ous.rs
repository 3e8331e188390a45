//! Roles that an organization assigns by organizational unit.
//!
//! Does not know certificates: the organization's trust computes the certifiers identifier.

use crate::error::Refusal;

/// The role of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Submits transactions.
    Client,
    /// Endorses and commits.
    Peer,
    /// Administers the organization.
    Admin,
    /// Orders transactions.
    Orderer,
}

/// The units that name roles. Without them, roles are not distinguished.
#[derive(Debug, Default)]
pub(crate) struct NodeOus {
    rules: Vec<NodeOu>,
}

/// A unit that names a role.
#[derive(Debug)]
pub(crate) struct NodeOu {
    pub(crate) role: Role,
    pub(crate) ou: String,
    /// The chain of CAs under which the unit is valid; None for any chain.
    pub(crate) certifiers: Option<[u8; 32]>,
}

impl NodeOus {
    pub(crate) fn new(rules: Vec<NodeOu>) -> Self {
        Self { rules }
    }

    pub(crate) fn are_enforced(&self) -> bool {
        !self.rules.is_empty()
    }

    /// True if the unit names the role, under any CA.
    pub(crate) fn is_of(&self, ou: &str, role: Role) -> bool {
        self.rules.iter().any(|rule| rule.role == role && rule.ou == ou)
    }

    pub(crate) fn have_admin(&self) -> bool {
        self.rules.iter().any(|rule| rule.role == Role::Admin)
    }

    /// Returns the roles of a member with these units: empty if roles are not distinguished, else
    /// the role of its one role unit (Fabric: msp/mspimplvalidate.go, `validateIdentityOUsV142`).
    /// There are several roles only if the configuration uses one unit for several.
    pub(crate) fn roles(
        &self,
        ous: &[String],
        certifiers: &[u8; 32],
    ) -> Result<Vec<Role>, Refusal> {
        if !self.are_enforced() {
            return Ok(Vec::new());
        }
        let mut role_ous = Vec::new();
        for ou in ous {
            // If a unit has several rules, the last one is used, as in Fabric's map.
            let Some(rule) = self.rules.iter().rev().find(|rule| rule.ou == *ou) else { continue };
            if rule.certifiers.is_some_and(|wanted| wanted != *certifiers) {
                return Err(Refusal::Certifier { ou: ou.clone() });
            }
            role_ous.push(ou);
        }
        match role_ous[..] {
            [] => Err(Refusal::NoRole { ous: ous.to_vec() }),
            [ou] => Ok(self.rules.iter().filter(|rule| rule.ou == *ou).map(|r| r.role).collect()),
            _ => Err(Refusal::ManyRoles { ous: ous.to_vec() }),
        }
    }
}
