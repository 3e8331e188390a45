//! The text form of signature policies, as used by the peer's command line.
//!
//! Does not evaluate policies.
//!
//! Invariant: the result is byte for byte the message of Fabric's tools.

use crate::node_ous::Role;
use crate::policy::error::PolicyError;
use crate::policy::signature_policy::{n_out_of, signed_by};
use crate::principal::Principal;
use wasmcc_types::proto::common::{MspPrincipal, SignaturePolicy, SignaturePolicyEnvelope};
use wasmcc_types::{POLICY_DEPTH, POLICY_RULES};

/// Parses `GATE(P, P, ...)`, where a gate is AND, OR or OutOf(n, ...) and P is a principal
/// `'MSPID.role'` or a gate; both may have parentheses around them (Fabric:
/// common/policydsl/policyparser.go, `FromString`).
pub(crate) fn parse(text: &str) -> Result<SignaturePolicyEnvelope, PolicyError> {
    let mut parser = PolicyParser { text, at: 0, rules: 0 };
    let opened = parser.open();
    let gate = parser.gate(0)?;
    parser.close(opened)?;
    parser.skip_spaces();
    if parser.at < text.len() {
        return Err(parser.fault("expected nothing behind the policy"));
    }
    let mut identities = Vec::new();
    let rule = number(gate, &mut identities);
    Ok(SignaturePolicyEnvelope { version: 0, rule: Some(rule), identities })
}

struct Gate {
    n: i32,
    arguments: Vec<Argument>,
}

enum Argument {
    Principal(MspPrincipal),
    Gate(Gate),
}

/// Assigns indexes to principals: those of inner gates first, in the order of the text, because
/// Fabric evaluates arguments before their gate.
fn number(gate: Gate, identities: &mut Vec<MspPrincipal>) -> SignaturePolicy {
    enum Half {
        Principal(MspPrincipal),
        Rule(SignaturePolicy),
    }
    let mut halves = Vec::with_capacity(gate.arguments.len());
    for argument in gate.arguments {
        halves.push(match argument {
            Argument::Principal(principal) => Half::Principal(principal),
            Argument::Gate(gate) => Half::Rule(number(gate, identities)),
        });
    }
    let rules = halves.into_iter().map(|half| match half {
        Half::Rule(rule) => rule,
        Half::Principal(principal) => {
            identities.push(principal);
            signed_by(identities.len() as i32 - 1)
        }
    });
    let rules = rules.collect();
    n_out_of(gate.n, rules)
}

struct PolicyParser<'a> {
    text: &'a str,
    /// Position in bytes, always between characters.
    at: usize,
    rules: usize,
}

impl PolicyParser<'_> {
    fn gate(&mut self, depth: usize) -> Result<Gate, PolicyError> {
        self.skip_spaces();
        let start = self.at;
        let name = self.take_while(|c| c.is_ascii_alphanumeric() || c == '_').to_owned();
        let fixed_n = match name.as_str() {
            "AND" | "And" | "and" | "OR" | "Or" | "or" => true,
            "OutOf" | "OUTOF" | "outof" => false,
            _ => {
                self.at = start;
                return Err(self.fault("expected AND(...), OR(...) or OutOf(n, ...)"));
            }
        };
        if depth == POLICY_DEPTH {
            return Err(self.fault(&format!("gates nest deeper than {POLICY_DEPTH} levels")));
        }
        self.expect('(', "expected '('")?;
        let n = if fixed_n { None } else { Some(self.count()?) };
        let mut arguments = Vec::new();
        loop {
            if n.is_none() && arguments.is_empty() {
                arguments.push(self.argument(depth)?);
                continue;
            }
            self.skip_spaces();
            if self.eat(')') {
                break;
            }
            self.expect(',', "expected ',' or ')'")?;
            arguments.push(self.argument(depth)?);
        }
        let length = arguments.len();
        let n = match (n, name.to_ascii_lowercase().as_str()) {
            (None, "and") => length,
            (None, _) => 1,
            (Some(n), _) => n,
        };
        // Fabric allows one more than there are rules: such a policy is never satisfied.
        if arguments.is_empty() || n > length + 1 {
            self.at = start;
            let reason = format!("{n} out of {length} rules cannot be asked for");
            return Err(self.fault(&reason));
        }
        // The count is at most POLICY_RULES + 1.
        Ok(Gate { n: n as i32, arguments })
    }

    fn argument(&mut self, depth: usize) -> Result<Argument, PolicyError> {
        self.skip_spaces();
        self.rules += 1;
        if self.rules >= POLICY_RULES {
            return Err(self.fault(&format!("the policy has more than {POLICY_RULES} rules")));
        }
        let opened = self.open();
        let start = self.at;
        let argument = match self.quoted()? {
            None => Argument::Gate(self.gate(depth + 1)?),
            Some(text) => Argument::Principal(principal(&text).map_err(|reason| {
                self.at = start;
                self.fault(reason)
            })?),
        };
        self.close(opened)?;
        Ok(argument)
    }

    /// Skips parentheses before an argument or the whole policy, and returns their number.
    fn open(&mut self) -> usize {
        let mut opened = 0;
        loop {
            self.skip_spaces();
            if !self.eat('(') {
                return opened;
            }
            opened += 1;
        }
    }

    fn close(&mut self, opened: usize) -> Result<(), PolicyError> {
        (0..opened).try_for_each(|_| self.expect(')', "expected ')'"))
    }

    /// Reads the first argument of OutOf, which Fabric also accepts in quotes.
    fn count(&mut self) -> Result<usize, PolicyError> {
        self.skip_spaces();
        let start = self.at;
        let digits = match self.quoted()? {
            Some(text) => text,
            None => self.take_while(|c| c.is_ascii_digit()).to_owned(),
        };
        let count = digits.parse().ok().filter(|_| digits.bytes().all(|c| c.is_ascii_digit()));
        count.ok_or_else(|| {
            self.at = start;
            self.fault("expected how many of the rules have to hold")
        })
    }

    /// Reads a quoted text, if one starts here.
    fn quoted(&mut self) -> Result<Option<String>, PolicyError> {
        let quote = match self.rest().chars().next() {
            Some(quote @ ('\'' | '"')) => quote,
            _ => return Ok(None),
        };
        let rest = &self.rest()[1..];
        let Some(length) = rest.find(quote) else {
            return Err(self.fault("the quote is not closed"));
        };
        let content = rest[..length].to_owned();
        self.at += length + 2;
        Ok(Some(content))
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn take_while(&mut self, keep: impl Fn(char) -> bool) -> &str {
        let rest = &self.text[self.at..];
        let length = rest.find(|c| !keep(c)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn skip_spaces(&mut self) {
        self.take_while(char::is_whitespace);
    }

    fn eat(&mut self, wanted: char) -> bool {
        let found = self.rest().starts_with(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    fn expect(&mut self, wanted: char, reason: &str) -> Result<(), PolicyError> {
        self.skip_spaces();
        if self.eat(wanted) { Ok(()) } else { Err(self.fault(reason)) }
    }

    fn fault(&self, reason: &str) -> PolicyError {
        let column = self.text[..self.at].chars().count() + 1;
        PolicyError::Syntax { column, reason: reason.to_owned() }
    }
}

/// Parses `MSPID.role`.
fn principal(text: &str) -> Result<MspPrincipal, &'static str> {
    let shape = "expected a principal 'MSPID.role' with letters, digits, '.' and '-' in the MSP id";
    let (msp_id, role) = text.rsplit_once('.').ok_or(shape)?;
    let is_id = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    if msp_id.is_empty() || !msp_id.chars().all(is_id) {
        return Err(shape);
    }
    let msp_id = msp_id.to_owned();
    let principal = match role {
        "member" => Principal::Member { msp_id },
        "admin" => Principal::Role { msp_id, role: Role::Admin },
        "client" => Principal::Role { msp_id, role: Role::Client },
        "peer" => Principal::Role { msp_id, role: Role::Peer },
        "orderer" => Principal::Role { msp_id, role: Role::Orderer },
        _ => return Err("expected the role member, admin, client, peer or orderer"),
    };
    principal.to_message().ok_or(shape)
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
