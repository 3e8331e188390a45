//! Endorsement policies of keys, from typed parts or from text.
//!
//! The bytes are equal to those of Fabric's tools and libraries for the same policy (fabric,
//! common/policydsl; fabric-chaincode-go, pkg/statebased).
//!
//! Invariant: every policy can be satisfied: no gate requires more endorsements than it has
//! members.

mod message;
#[cfg(not(target_family = "wasm"))]
mod readable;
#[cfg(not(target_family = "wasm"))]
mod satisfied;
mod text;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::{Error, Result};
#[cfg(not(target_family = "wasm"))]
pub(crate) use readable::check_key_policy;

/// The role of a signer in its organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Any identity of the organization.
    Member,
    /// An administrator.
    Admin,
    /// A client.
    Client,
    /// A peer.
    Peer,
    /// An orderer.
    Orderer,
}

/// The endorsements that a change of a key requires, for
/// [`Context::set_state_validation_parameter`](crate::Context::set_state_validation_parameter).
///
/// ```
/// use wasmcc_sdk::{Context, Policy, Result, Role};
///
/// fn lock(ctx: &Context, key: &str, owner: &str) -> Result<()> {
///     let policy = Policy::any_of([
///         Policy::signed_by(Role::Peer, owner),
///         Policy::organizations(Role::Peer, ["Org1MSP", "Org2MSP"]),
///     ])?;
///     ctx.set_state_validation_parameter(key, &policy.to_bytes())
/// }
///
/// let policy: Policy = "OR('Org1MSP.peer', AND('Org2MSP.member', 'Org3MSP.admin'))".parse()?;
/// assert_eq!(policy.to_string(), "OR('Org1MSP.peer', AND('Org2MSP.member', 'Org3MSP.admin'))");
/// # Ok::<(), wasmcc_sdk::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy(Rule);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Rule {
    SignedBy(Role, String),
    OutOf(usize, Vec<Rule>),
}

impl Policy {
    /// Maximum depth of gates. A peer decodes 50 levels of messages.
    const DEPTH: usize = 48;

    /// Requires one signer of this role in this organization.
    pub fn signed_by(role: Role, msp_id: impl Into<String>) -> Self {
        Self(Rule::SignedBy(role, msp_id.into()))
    }

    /// Requires one signer of this role in each of these organizations, ordered by id, as Fabric's
    /// Go package `statebased` writes it.
    pub fn organizations<T: Into<String>>(
        role: Role,
        msp_ids: impl IntoIterator<Item = T>,
    ) -> Self {
        let sorted: BTreeSet<String> = msp_ids.into_iter().map(Into::into).collect();
        let rules: Vec<Rule> = sorted.into_iter().map(|id| Rule::SignedBy(role, id)).collect();
        Self(Rule::OutOf(rules.len(), rules))
    }

    /// Requires all of these.
    ///
    /// # Errors
    /// There are no policies, or the gates are nested too deep.
    pub fn all_of(policies: impl IntoIterator<Item = Self>) -> Result<Self> {
        let rules = rules(policies);
        Self::gate(rules.len(), rules)
    }

    /// Requires any one of these.
    ///
    /// # Errors
    /// There are no policies, or the gates are nested too deep.
    pub fn any_of(policies: impl IntoIterator<Item = Self>) -> Result<Self> {
        Self::gate(1, rules(policies))
    }

    /// Requires any `n` of these.
    ///
    /// # Errors
    /// There are fewer than `n` policies, or the gates are nested too deep.
    pub fn out_of(n: usize, policies: impl IntoIterator<Item = Self>) -> Result<Self> {
        Self::gate(n, rules(policies))
    }

    /// Returns the serialized `common.SignaturePolicyEnvelope`.
    pub fn to_bytes(&self) -> Vec<u8> {
        message::encode(&self.0)
    }

    /// Parses a serialized envelope, as
    /// [`Context::get_state_validation_parameter`](crate::Context::get_state_validation_parameter)
    /// returns it.
    ///
    /// # Errors
    /// The bytes are not a policy, or this type cannot express it: it has signers without role and
    /// organization, or it cannot be satisfied.
    pub fn from_bytes(envelope: &[u8]) -> Result<Self> {
        message::decode(envelope).map(Self).ok_or_else(|| {
            Error::internal("the endorsement policy is not one of roles in organizations")
        })
    }

    /// Returns the ids of the organizations in the policy, in their order.
    pub fn msp_ids(&self) -> Vec<&str> {
        let mut msp_ids = BTreeSet::new();
        self.0.collect(&mut msp_ids);
        msp_ids.into_iter().collect()
    }

    fn gate(n: usize, rules: Vec<Rule>) -> Result<Self> {
        if rules.is_empty() || n > rules.len() {
            let length = rules.len();
            return Err(Error::bad_request(format!(
                "{n} out of {length} rules cannot be asked for"
            )));
        }
        let gate = Rule::OutOf(n, rules);
        match gate.depth() > Self::DEPTH {
            true => Err(Error::bad_request(format!("gates nest deeper than {}", Self::DEPTH))),
            false => Ok(Self(gate)),
        }
    }
}

fn rules(policies: impl IntoIterator<Item = Policy>) -> Vec<Rule> {
    policies.into_iter().map(|policy| policy.0).collect()
}

impl Rule {
    fn collect<'a>(&'a self, msp_ids: &mut BTreeSet<&'a str>) {
        match self {
            Self::SignedBy(_, msp_id) => {
                msp_ids.insert(msp_id);
            }
            Self::OutOf(_, rules) => rules.iter().for_each(|rule| rule.collect(msp_ids)),
        }
    }

    fn depth(&self) -> usize {
        match self {
            Self::SignedBy(..) => 0,
            Self::OutOf(_, rules) => 1 + rules.iter().map(Self::depth).max().unwrap_or_default(),
        }
    }
}

/// Fails with status 400 for a text that is not a policy; the message has the position.
impl FromStr for Policy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        text::parse(text)
    }
}

/// The text form of Fabric's tools.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (n, rules) = match self {
            Self::SignedBy(role, msp_id) => return write!(f, "'{msp_id}.{}'", role.name()),
            Self::OutOf(n, rules) => (*n, rules),
        };
        match n {
            1 => f.write_str("OR(")?,
            _ if n == rules.len() => f.write_str("AND(")?,
            _ => write!(f, "OutOf({n}, ")?,
        }
        for (index, rule) in rules.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(f, "{comma}{rule}")?;
        }
        f.write_str(")")
    }
}

impl Role {
    const ALL: [Self; 5] = [Self::Member, Self::Admin, Self::Client, Self::Peer, Self::Orderer];

    fn name(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Client => "client",
            Self::Peer => "peer",
            Self::Orderer => "orderer",
        }
    }
}

#[cfg(test)]
mod tests;
