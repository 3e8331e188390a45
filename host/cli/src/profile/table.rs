//! The functions of a profile, sorted by fuel.

use serde_json::{Value, json};

use crate::dev::grouped;
use crate::output;
use wasmcc_runtime::{Function, FunctionKind, Profile};

/// Functions that the text shows; JSON and the files have all.
const SHOWN: usize = 20;

/// A function, summed over its calls.
struct FunctionRow<'a> {
    function: &'a Function,
    /// Its own units.
    own: u64,
    /// Its units and those of its callees. Of recursive calls, only the outermost one counts.
    total: u64,
}

fn rows(profile: &Profile) -> Vec<FunctionRow<'_>> {
    let row = |function| FunctionRow { function, own: 0, total: 0 };
    let mut rows: Vec<FunctionRow<'_>> = profile.functions.iter().map(row).collect();
    let totals = profile.totals();
    for call in &profile.calls {
        rows[call.function].own += call.fuel;
    }
    for call in outermost(profile) {
        rows[profile.calls[call].function].total += totals[call];
    }
    rows.sort_by(|one, other| {
        let fuel = (other.own, other.total).cmp(&(one.own, one.total));
        fuel.then_with(|| one.function.name.cmp(&other.function.name))
    });
    rows
}

/// Returns the calls whose function is not among their callers.
fn outermost(profile: &Profile) -> Vec<usize> {
    let mut callees: Vec<Vec<usize>> = vec![Vec::new(); profile.calls.len()];
    let mut todo = Vec::new();
    for (number, call) in profile.calls.iter().enumerate() {
        match call.caller {
            Some(caller) => callees[caller].push(number),
            None => todo.push(Step::Enter(number)),
        }
    }
    let mut open = vec![0_u32; profile.functions.len()];
    let mut found = Vec::new();
    while let Some(step) = todo.pop() {
        match step {
            Step::Leave(call) => open[profile.calls[call].function] -= 1,
            Step::Enter(call) => {
                let open = &mut open[profile.calls[call].function];
                if *open == 0 {
                    found.push(call);
                }
                *open += 1;
                todo.push(Step::Leave(call));
                todo.extend(callees[call].iter().copied().map(Step::Enter));
            }
        }
    }
    found
}

enum Step {
    Enter(usize),
    Leave(usize),
}

/// The rows as a table.
pub(super) fn text(profile: &Profile) -> String {
    let (rows, whole) = (rows(profile), profile.fuel());
    let mut lines =
        vec![format!("{:>15} {:>7} {:>15}  {}", "fuel", "%", "with callees", "function")];
    for row in rows.iter().filter(|row| row.own > 0).take(SHOWN) {
        let share = row.own as f64 / whole.max(1) as f64 * 100.0;
        let (own, total) = (grouped(row.own), grouped(row.total));
        let name = output::shown(&row.function.name);
        lines.push(format!("{own:>15} {share:>7.2} {total:>15}  {name}"));
    }
    let more = rows.iter().filter(|row| row.own > 0).count().saturating_sub(SHOWN);
    if more > 0 {
        lines.push(format!("{:>15} {:>7} {:>15}  {more} more functions", "", "", ""));
    }
    lines.push(format!("{:>15} {:>7} {:>15}  the whole call", grouped(whole), "100.00", ""));
    lines.join("\n")
}

/// All rows.
pub(super) fn as_json(profile: &Profile) -> Value {
    let kind = |kind| match kind {
        FunctionKind::Named | FunctionKind::Unnamed => "function",
        FunctionKind::Import => "import",
    };
    let rows = rows(profile).into_iter().map(|row| {
        json!({
            "function": row.function.name,
            "kind": kind(row.function.kind),
            "fuel": row.own,
            "fuel_with_callees": row.total,
        })
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmcc_runtime::StackedCall;

    #[test]
    fn a_function_that_calls_itself_counts_once() {
        let named = |name: &str| Function { name: name.into(), kind: FunctionKind::Named };
        let call = |function, caller, fuel| StackedCall { function, caller, fuel };
        // main -> count -> count -> main, and main -> a function that costs nothing itself.
        let profile = Profile {
            functions: vec![named("main"), named("count"), named("idle")],
            calls: vec![
                call(0, None, 1),
                call(1, Some(0), 10),
                call(1, Some(1), 100),
                call(0, Some(2), 1_000),
                call(2, Some(0), 0),
            ],
            steps: Vec::new(),
        };
        let rows = rows(&profile);
        let all = rows.iter().map(|row| (row.function.name.as_str(), row.own, row.total));
        assert!(all.eq([("main", 1_001, 1_111), ("count", 110, 1_110), ("idle", 0, 0)]));
        let text = text(&profile);
        let lines: Vec<Vec<&str>> =
            text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[1], ["1,001", "90.10", "1,111", "main"]);
        assert_eq!(lines[3], ["1,111", "100.00", "the", "whole", "call"]);
        assert_eq!(lines.len(), 4);
    }
}
