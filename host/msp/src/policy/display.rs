//! Signature policies as text, for tools and logs.
//!
//! Invariant: the text of a policy of roles parses as the same policy. Principals that have no text
//! form are shown in angle brackets and do not parse.

use std::fmt;

use crate::node_ous::Role;
use crate::policy::signature_policy::{CompiledRule, SignaturePolicy};
use crate::principal::Principal;

impl fmt::Display for SignaturePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_rule(f, self.rule(), self.principals())
    }
}

fn write_rule(f: &mut fmt::Formatter<'_>, rule: &CompiledRule, all: &[Principal]) -> fmt::Result {
    match rule {
        CompiledRule::SignedBy(index) => match all.get(*index) {
            Some(principal) => write!(f, "{principal}"),
            None => f.write_str("<nobody>"),
        },
        CompiledRule::OutOf(n, rules) => {
            match usize::try_from(*n) {
                Ok(1) => f.write_str("OR(")?,
                Ok(n) if n == rules.len() && n > 0 => f.write_str("AND(")?,
                _ if rules.is_empty() => write!(f, "OutOf({n}")?,
                _ => write!(f, "OutOf({n}, ")?,
            }
            for (index, rule) in rules.iter().enumerate() {
                if index > 0 {
                    f.write_str(", ")?;
                }
                write_rule(f, rule, all)?;
            }
            f.write_str(")")
        }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member { msp_id } => write!(f, "'{msp_id}.member'"),
            Self::Role { msp_id, role } => write!(f, "'{msp_id}.{role}'"),
            Self::OrganizationUnit { msp_id, ou, .. } => write!(f, "<unit {ou} of {msp_id}>"),
            Self::Identity { msp_id, .. } => write!(f, "<one identity of {msp_id}>"),
            Self::All(principals) => {
                f.write_str("<all of")?;
                for principal in principals {
                    write!(f, " {principal}")?;
                }
                f.write_str(">")
            }
            Self::Anyone => f.write_str("<anyone>"),
            Self::Nobody => f.write_str("<nobody>"),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "client",
            Self::Peer => "peer",
            Self::Admin => "admin",
            Self::Orderer => "orderer",
        })
    }
}
