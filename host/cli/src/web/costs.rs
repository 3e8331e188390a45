//! The cost of the contracts' functions since this process started.
//!
//! Invariant: the table is bounded, whatever functions clients name.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::dev::grouped;
use crate::output;

/// Limit on the functions with a row of their own; the others share one.
const FUNCTIONS: usize = 500;
/// The name of the shared row.
const OTHERS: &str = "(others)";

/// The cost table.
#[derive(Default)]
pub(super) struct Costs(BTreeMap<(String, String), Cost>);

#[derive(Default)]
struct Cost {
    runs: u64,
    /// Runs with known fuel and calls.
    measured: u64,
    refused: u64,
    evaluated: u64,
    valid: u64,
    invalid: u64,
    fuel: u64,
    most_fuel: u64,
    host_calls: u64,
    elapsed: Duration,
}

/// The outcome of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Refused,
    Evaluated,
    Valid,
    Invalid,
}

impl Costs {
    /// Counts a run; `used` is its fuel and its calls to the peer, if known.
    pub(super) fn ran(
        &mut self,
        chaincode: &str,
        function: &str,
        used: Option<(u64, u64)>,
        elapsed: Duration,
    ) {
        let cost = self.of(chaincode, function);
        cost.runs += 1;
        cost.elapsed = cost.elapsed.saturating_add(elapsed);
        let Some((fuel, host_calls)) = used else { return };
        cost.measured += 1;
        cost.fuel = cost.fuel.saturating_add(fuel);
        cost.most_fuel = cost.most_fuel.max(fuel);
        cost.host_calls = cost.host_calls.saturating_add(host_calls);
    }

    /// Counts the outcome of a transaction.
    pub(super) fn ended(&mut self, chaincode: &str, function: &str, end: End) {
        let cost = self.of(chaincode, function);
        match end {
            End::Refused => cost.refused += 1,
            End::Evaluated => cost.evaluated += 1,
            End::Valid => cost.valid += 1,
            End::Invalid => cost.invalid += 1,
        }
    }

    fn of(&mut self, chaincode: &str, function: &str) -> &mut Cost {
        let key = (chaincode.to_owned(), function.to_owned());
        let is_full = self.0.len() >= FUNCTIONS && !self.0.contains_key(&key);
        let key = if is_full { (OTHERS.to_owned(), OTHERS.to_owned()) } else { key };
        self.0.entry(key).or_default()
    }

    /// Returns a line for each function.
    pub(super) fn as_text(&self) -> Vec<String> {
        let ran = self.0.iter().filter(|(_, cost)| cost.runs > 0);
        let line = |((chaincode, function), cost): (&(String, String), &Cost)| {
            let (runs, name) = (cost.runs, output::shown(&format!("{chaincode}.{function}")));
            let Some(average) = cost.fuel.checked_div(cost.measured) else {
                return format!("  {name}  runs {runs}  fuel not known");
            };
            let (average, most) = (grouped(average), grouped(cost.most_fuel));
            let unknown = match cost.runs - cost.measured {
                0 => String::new(),
                unknown => format!(" (not known of {unknown})"),
            };
            format!("  {name}  runs {runs}  fuel {average} on average, {most} at most{unknown}")
        };
        ran.map(line).collect()
    }

    /// Returns the rows by chaincode and function.
    pub(super) fn as_json(&self) -> Value {
        let row = |((chaincode, function), cost): (&(String, String), &Cost)| {
            json!({
                "chaincode": chaincode,
                "function": function,
                "runs": cost.runs,
                "measured": cost.measured,
                "refused": cost.refused,
                "evaluated": cost.evaluated,
                "valid": cost.valid,
                "invalid": cost.invalid,
                "fuel": cost.fuel,
                "most_fuel": cost.most_fuel,
                "host_calls": cost.host_calls,
                "ms": cost.elapsed.as_secs_f64() * 1e3,
            })
        };
        self.0.iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_ends_add_up_by_function() {
        let mut costs = Costs::default();
        for fuel in [100, 300] {
            costs.ran("basic", "Read", Some((fuel, 2)), Duration::from_millis(1));
            costs.ended("basic", "Read", End::Evaluated);
        }
        costs.ended("basic", "Move", End::Invalid);
        let rows = costs.as_json();
        assert_eq!((&rows[0]["function"], &rows[0]["invalid"]), (&json!("Move"), &json!(1)));
        let read = &rows[1];
        assert_eq!((&read["runs"], &read["evaluated"]), (&json!(2), &json!(2)));
        assert_eq!((&read["fuel"], &read["most_fuel"]), (&json!(400), &json!(300)));
        assert_eq!((&read["host_calls"], &read["ms"]), (&json!(4), &json!(2.0)));
        let line = "  basic.Read  runs 2  fuel 200 on average, 300 at most";
        assert_eq!(costs.as_text(), [line]);
    }

    #[test]
    fn runs_of_unknown_fuel_are_not_part_of_averages() {
        let mut costs = Costs::default();
        costs.ran("basic", "Loop", None, Duration::from_millis(1));
        assert_eq!(costs.as_text(), ["  basic.Loop  runs 1  fuel not known"]);
        costs.ran("basic", "Loop", Some((300, 1)), Duration::from_millis(1));
        let line = "  basic.Loop  runs 2  fuel 300 on average, 300 at most (not known of 1)";
        assert_eq!(costs.as_text(), [line]);
        let rows = costs.as_json();
        assert_eq!((&rows[0]["runs"], &rows[0]["measured"]), (&json!(2), &json!(1)));
        assert_eq!((&rows[0]["fuel"], &rows[0]["ms"]), (&json!(300), &json!(2.0)));
    }

    #[test]
    fn functions_are_bounded() {
        let mut costs = Costs::default();
        for number in 0..FUNCTIONS + 5 {
            costs.ended("cc", &number.to_string(), End::Refused);
        }
        let rows = costs.as_json();
        assert_eq!(rows.as_array().unwrap().len(), FUNCTIONS + 1);
        assert_eq!((&rows[0]["function"], &rows[0]["refused"]), (&json!(OTHERS), &json!(5)));
    }
}
