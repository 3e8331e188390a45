//! Reads profiles of valgrind's callgrind: instructions of functions, and of the calls between them
//! (valgrind's manual, "Callgrind Format Specification").
//!
//! Does not read compressed names and positions: `counts` turns compression off.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result};

/// The prefix of the line with a profile's name.
const TRIGGER: &str = "desc: Trigger: Client Request: ";

/// One profile.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// The name that the program gave the profile.
    pub name: String,
    /// Instructions of all threads.
    pub instructions: u64,
    /// Instructions in calls of functions that were left out.
    pub left_out: u64,
}

/// Instructions in the calls of one function by another: caller, then callee.
type Calls<'a> = HashMap<(&'a str, &'a str), u64>;

impl Profile {
    /// Reads a profile. Adds up separately the instructions in calls of functions that
    /// `is_left_out` accepts. Functions that only such functions call are included.
    ///
    /// # Errors
    /// A line has no number where one is required.
    pub fn read(text: &str, is_left_out: impl Fn(&str) -> bool) -> Result<Self> {
        let mut profile = Self::default();
        let mut calls = Calls::new();
        let (mut caller, mut callee, mut is_call) = ("", "", false);
        for line in text.lines() {
            if let Some(name) = line.strip_prefix("fn=") {
                caller = name;
            } else if let Some(name) = line.strip_prefix("cfn=") {
                callee = name;
            } else if line.starts_with("calls=") {
                is_call = true;
            } else if let Some(name) = line.strip_prefix(TRIGGER) {
                name.clone_into(&mut profile.name);
            } else if line.starts_with(|first: char| first.is_ascii_digit()) {
                let cost = line.split(' ').nth(1).and_then(|cost| cost.parse::<u64>().ok());
                let cost = cost.with_context(|| format!("callgrind wrote {line:?}"))?;
                match std::mem::take(&mut is_call) {
                    true => *calls.entry((caller, callee)).or_default() += cost,
                    false => profile.instructions += cost,
                }
            }
        }
        let left_out = closed(&calls, is_left_out);
        let entries = calls.iter().filter(|((caller, callee), _)| {
            left_out.contains(callee) && !left_out.contains(caller)
        });
        profile.left_out = entries.map(|(_, cost)| cost).sum();
        Ok(profile)
    }

    /// Returns the instructions that were not left out.
    pub fn own(&self) -> u64 {
        self.instructions.saturating_sub(self.left_out)
    }
}

/// Returns the called functions that are left out, and functions that only these call.
fn closed<'a>(calls: &Calls<'a>, is_left_out: impl Fn(&str) -> bool) -> HashSet<&'a str> {
    let mut callers: HashMap<&str, Vec<&str>> = HashMap::new();
    for (caller, callee) in calls.keys().filter(|(caller, callee)| caller != callee) {
        callers.entry(callee).or_default().push(caller);
    }
    let mut left_out: HashSet<&str> =
        callers.keys().copied().filter(|name| is_left_out(name)).collect();
    loop {
        let is_next = |(name, callers): &(&&'a str, &Vec<&'a str>)| {
            !left_out.contains(*name) && callers.iter().all(|caller| left_out.contains(caller))
        };
        let next: Vec<&str> = callers.iter().filter(is_next).map(|(name, _)| *name).collect();
        if next.is_empty() {
            return left_out;
        }
        left_out.extend(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILE: &str = "\
version: 1
desc: Trigger: Client Request: endorse
positions: line
events: Ir

ob=/bin/counts
fl=???
fn=verify
0 100
cfn=aws_lc_verify
calls=2 0
0 7020
cfn=memcpy
calls=1 0
0 20

fn=aws_lc_verify
0 1000
cfn=add
calls=9 0
0 6000
cfn=memcpy
calls=1 0
0 20

fn=add
0 5000
cfn=aws_lc_carry
calls=9 0
0 1000

fn=aws_lc_carry
0 1000

fn=memcpy
0 40

totals: 7140
";

    #[test]
    fn what_is_called_from_elsewhere_is_left_out_once_with_all_below_it() {
        let profile = Profile::read(PROFILE, |name| name.starts_with("aws_lc_")).unwrap();
        let expected = Profile { name: "endorse".into(), instructions: 7_140, left_out: 7_020 };
        assert_eq!(profile, expected);
        assert_eq!(profile.own(), 120);
        assert_eq!(Profile::read(PROFILE, |_| false).unwrap().own(), 7_140);
    }

    #[test]
    fn a_line_without_its_number_is_an_error() {
        assert!(Profile::read("fn=a\n0\n", |_| false).is_err());
        assert!(Profile::read("fn=a\n0 many\n", |_| false).is_err());
    }
}
