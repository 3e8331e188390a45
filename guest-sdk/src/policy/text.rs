//! The text form of policies, as the peer command line accepts it (fabric, common/policydsl,
//! `FromString`).

use crate::policy::{Policy, Role};
use crate::{Error, Result};

/// Parses `GATE(P, P, ...)`: a gate is AND, OR or OutOf(n, ...), and P is a principal
/// `'MSPID.role'` or a gate.
pub(super) fn parse(text: &str) -> Result<Policy> {
    let mut parser = Parser { text, rest: text };
    let policy = parser.gate(0)?;
    match parser.trimmed().is_empty() {
        true => Ok(policy),
        false => Err(parser.fault("expected nothing behind the policy")),
    }
}

struct Parser<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn gate(&mut self, depth: usize) -> Result<Policy> {
        let name = self.trimmed();
        let length = name.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(name.len());
        let (name, rest) = name.split_at_checked(length).unwrap_or_default();
        let is_all = match name {
            "AND" | "And" | "and" => Some(true),
            "OR" | "Or" | "or" => Some(false),
            "OutOf" | "OUTOF" | "outof" => None,
            _ => return Err(self.fault("expected AND(...), OR(...) or OutOf(n, ...)")),
        };
        if depth == Policy::DEPTH {
            return Err(self.fault("gates nest too deep"));
        }
        let start = self.rest;
        self.rest = rest;
        self.expect('(')?;
        let mut n = match is_all {
            None => {
                let n = self.count()?;
                self.expect(',')?;
                n
            }
            Some(_) => 1,
        };
        let mut policies = vec![self.argument(depth)?];
        while !self.eat(')') {
            self.expect(',')?;
            policies.push(self.argument(depth)?);
        }
        if is_all == Some(true) {
            n = policies.len();
        }
        Policy::out_of(n, policies).map_err(|error| {
            self.rest = start;
            self.fault(error.message())
        })
    }

    fn argument(&mut self, depth: usize) -> Result<Policy> {
        let start = self.trimmed();
        let Some(quoted) = self.quoted()? else { return self.gate(depth + 1) };
        principal(quoted).ok_or_else(|| {
            self.rest = start;
            self.fault(
                "expected a principal 'MSPID.role', its role member, admin, client, peer or \
                 orderer",
            )
        })
    }

    /// Reads the first argument of OutOf, which Fabric also accepts in quotes.
    fn count(&mut self) -> Result<usize> {
        let start = self.trimmed();
        let digits = match self.quoted()? {
            Some(quoted) => quoted,
            None => {
                let length = start.find(|c: char| !c.is_ascii_digit()).unwrap_or(start.len());
                let (digits, rest) = start.split_at_checked(length).unwrap_or_default();
                self.rest = rest;
                digits
            }
        };
        let count = digits.parse().ok().filter(|_| !digits.starts_with('+'));
        count.ok_or_else(|| {
            self.rest = start;
            self.fault("expected how many of the rules have to hold")
        })
    }

    /// Reads a quoted text, if one is next.
    fn quoted(&mut self) -> Result<Option<&'a str>> {
        let start = self.trimmed();
        let Some(quote) = start.chars().next().filter(|c| matches!(c, '\'' | '"')) else {
            return Ok(None);
        };
        let parts = start.get(1..).and_then(|rest| rest.split_once(quote));
        let (quoted, rest) = parts.ok_or_else(|| self.fault("the quote is not closed"))?;
        self.rest = rest;
        Ok(Some(quoted))
    }

    fn trimmed(&mut self) -> &'a str {
        self.rest = self.rest.trim_start();
        self.rest
    }

    fn eat(&mut self, wanted: char) -> bool {
        let rest = self.trimmed().strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, wanted: char) -> Result<()> {
        match self.eat(wanted) {
            true => Ok(()),
            false => Err(self.fault(&format!("expected '{wanted}'"))),
        }
    }

    fn fault(&self, reason: &str) -> Error {
        let read = self.text.len() - self.rest.len();
        let column = self.text.get(..read).unwrap_or_default().chars().count() + 1;
        Error::bad_request(format!("endorsement policy, column {column}: {reason}"))
    }
}

fn principal(text: &str) -> Option<Policy> {
    let (msp_id, role) = text.rsplit_once('.')?;
    let is_id = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    let role = Role::ALL.into_iter().find(|known| known.name() == role)?;
    (!msp_id.is_empty() && msp_id.chars().all(is_id)).then(|| Policy::signed_by(role, msp_id))
}
