//! Encodes and decodes a policy as the message `common.SignaturePolicyEnvelope`.
//!
//! Invariant: bytes from outside never cause a panic. Decoded policies nest no deeper than encoded
//! ones.

use crate::policy::{Policy, Role, Rule};
use crate::wire;
use crate::wire::Field;

pub(super) fn encode(rule: &Rule) -> Vec<u8> {
    let mut identities = Vec::new();
    let rule = match rule {
        // An envelope's outermost rule is a gate.
        Rule::SignedBy(..) => encode_rule(&Rule::OutOf(1, vec![rule.clone()]), &mut identities),
        gate => encode_rule(gate, &mut identities),
    };
    let mut envelope = Vec::new();
    wire::put_bytes(&mut envelope, 2, &rule);
    for identity in identities {
        wire::put_bytes(&mut envelope, 3, &identity);
    }
    envelope
}

/// Encodes a `common.SignaturePolicy`. The principals of inner gates come first, because Fabric
/// evaluates a gate's arguments before the gate.
fn encode_rule(rule: &Rule, identities: &mut Vec<Vec<u8>>) -> Vec<u8> {
    let mut message = Vec::new();
    match rule {
        Rule::SignedBy(role, msp_id) => {
            wire::put_number(&mut message, 1, identities.len() as u64);
            identities.push(principal(*role, msp_id));
        }
        Rule::OutOf(n, rules) => {
            let is_gate = |rule: &&Rule| matches!(rule, Rule::OutOf(..));
            let gates: Vec<_> =
                rules.iter().filter(is_gate).map(|gate| encode_rule(gate, identities)).collect();
            let mut gates = gates.into_iter();
            let mut gate = Vec::new();
            if *n > 0 {
                wire::put_number(&mut gate, 1, *n as u64);
            }
            for rule in rules {
                let inner = match is_gate(&rule) {
                    true => gates.next().unwrap_or_default(),
                    false => encode_rule(rule, identities),
                };
                wire::put_bytes(&mut gate, 2, &inner);
            }
            wire::put_bytes(&mut message, 2, &gate);
        }
    }
    message
}

/// A `common.MSPPrincipal` of the classification ROLE.
fn principal(role: Role, msp_id: &str) -> Vec<u8> {
    let mut of_role = Vec::new();
    wire::put_bytes(&mut of_role, 1, msp_id.as_bytes());
    if role != Role::Member {
        wire::put_number(&mut of_role, 2, role as u64);
    }
    let mut principal = Vec::new();
    wire::put_bytes(&mut principal, 2, &of_role);
    principal
}

pub(super) fn decode(envelope: &[u8]) -> Option<Rule> {
    let (mut rule, mut identities) = (None, Vec::new());
    for field in wire::fields(envelope)? {
        match field {
            (1, Field::Number(version)) if version != 0 => return None,
            (2, Field::Bytes(message)) => rule = Some(message),
            (3, Field::Bytes(principal)) => identities.push(decode_principal(principal)?),
            _ => {}
        }
    }
    decode_rule(rule?, &identities, 0)
}

fn decode_rule(message: &[u8], identities: &[(Role, String)], depth: usize) -> Option<Rule> {
    let mut rule = None;
    for field in wire::fields(message)? {
        match field {
            (1, Field::Number(index)) => {
                let (role, msp_id) = identities.get(usize::try_from(index).ok()?)?;
                rule = Some(Rule::SignedBy(*role, msp_id.clone()));
            }
            (2, Field::Bytes(gate)) if depth < Policy::DEPTH => {
                rule = Some(decode_gate(gate, identities, depth + 1)?);
            }
            _ => return None,
        }
    }
    rule
}

fn decode_gate(gate: &[u8], identities: &[(Role, String)], depth: usize) -> Option<Rule> {
    let (mut n, mut rules) = (0, Vec::new());
    for field in wire::fields(gate)? {
        match field {
            (1, Field::Number(number)) => n = usize::try_from(number).ok()?,
            (2, Field::Bytes(rule)) => rules.push(decode_rule(rule, identities, depth)?),
            _ => return None,
        }
    }
    (n <= rules.len()).then_some(Rule::OutOf(n, rules))
}

fn decode_principal(principal: &[u8]) -> Option<(Role, String)> {
    let mut of_role = None;
    for field in wire::fields(principal)? {
        match field {
            (1, Field::Number(0)) => {}
            (2, Field::Bytes(message)) => of_role = Some(message),
            _ => return None,
        }
    }
    let (mut role, mut msp_id) = (Role::Member, String::new());
    for field in wire::fields(of_role?)? {
        match field {
            (1, Field::Bytes(id)) => msp_id = String::from_utf8(id.to_vec()).ok()?,
            (2, Field::Number(number)) => role = *Role::ALL.get(usize::try_from(number).ok()?)?,
            _ => return None,
        }
    }
    Some((role, msp_id))
}
