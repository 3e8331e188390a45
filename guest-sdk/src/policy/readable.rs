//! Checks whether a peer accepts a key's policy.
//!
//! Invariant: accepts the same policies as the host, with the host's error texts.

use crate::wire;
use crate::wire::Field;

/// Maximum nesting of rules.
const MAX_DEPTH: usize = 48;
/// Maximum number of rules in a policy, inner ones included.
const MAX_RULES: usize = 4096;
/// Maximum number of principals in a policy.
const MAX_PRINCIPALS: usize = 4096;

/// Checks a serialized `common.SignaturePolicyEnvelope` before it becomes a key's policy. All kinds
/// of principals are accepted. An empty policy removes the key's policy.
pub(crate) fn check_key_policy(policy: &[u8]) -> Result<(), String> {
    if policy.is_empty() || is_readable(policy).is_some() {
        return Ok(());
    }
    Err("the endorsement policy is not a serialized common.SignaturePolicyEnvelope that peers can \
         read: nobody could change the key any more"
        .to_owned())
}

fn is_readable(policy: &[u8]) -> Option<()> {
    let (mut rule, mut identities) = (None, 0);
    for field in wire::fields(policy)? {
        match field {
            (2, Field::Bytes(message)) => rule = Some(message),
            (3, Field::Bytes(principal)) => {
                check_principal(principal)?;
                identities += 1;
            }
            (1, Field::Bytes(_)) | (2 | 3, Field::Number(_)) => return None,
            _ => {}
        }
    }
    let mut left = MAX_RULES;
    (identities <= MAX_PRINCIPALS).then_some(())?;
    check_rule(rule?, identities, &mut left, 0)
}

fn check_principal(principal: &[u8]) -> Option<()> {
    let is_wrong =
        |(number, field)| matches!((number, field), (1, Field::Bytes(_)) | (2, Field::Number(_)));
    (!wire::fields(principal)?.into_iter().any(is_wrong)).then_some(())
}

/// Checks that the rule and its inner rules name existing signers.
fn check_rule(rule: &[u8], identities: usize, left: &mut usize, depth: usize) -> Option<()> {
    *left = left.checked_sub(1).filter(|_| depth <= MAX_DEPTH)?;
    let mut kind = None;
    for field in wire::fields(rule)? {
        if matches!(field, (1 | 2, _)) {
            kind = Some(field);
        }
    }
    match kind? {
        (1, Field::Number(index)) => {
            let index = usize::try_from(index as i32).ok()?;
            (index < identities).then_some(())
        }
        (2, Field::Bytes(gate)) => {
            for field in wire::fields(gate)? {
                match field {
                    (2, Field::Bytes(rule)) => check_rule(rule, identities, left, depth + 1)?,
                    (1, Field::Bytes(_)) | (2, Field::Number(_)) => return None,
                    _ => {}
                }
            }
            Some(())
        }
        _ => None,
    }
}
