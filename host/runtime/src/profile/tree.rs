//! The calls of a transaction as a tree, each with its own fuel.

use std::collections::HashMap;

/// Limit on different stacks. Fuel of further ones counts for their callers.
const MAX_CALLS: usize = 1 << 20;
/// Limit on [`Profile::steps`].
const MAX_STEPS: usize = 1 << 18;

/// The fuel of a transaction by function: exact, and the same for the same call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// Functions, by their numbers.
    pub functions: Vec<Function>,
    /// Calls with the same stack are merged. A caller comes before the functions that it calls.
    pub calls: Vec<StackedCall>,
    /// Indexes of calls in the order of execution, each with a part of its fuel; empty if there
    /// were too many.
    pub steps: Vec<(usize, u64)>,
}

/// A function of a profile.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Function {
    /// Its name as in the source, its WIT name, or its number in its module.
    pub name: String,
    /// Its kind.
    pub kind: FunctionKind,
}

/// Kinds of functions in a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FunctionKind {
    /// A function of the component.
    Named,
    /// A function of the component without a name.
    Unnamed,
    /// An import: its fuel is the price of its calls and of the data that they carry.
    Import,
}

/// A function with its callers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackedCall {
    /// Index of the function.
    pub function: usize,
    /// Index of the caller's call; None if the host called it.
    pub caller: Option<usize>,
    /// Units of fuel, without those of the functions that it called.
    pub fuel: u64,
}

impl Profile {
    /// Returns the fuel of all calls.
    pub fn fuel(&self) -> u64 {
        self.calls.iter().map(|call| call.fuel).sum()
    }

    /// Returns the fuel of functions without names.
    pub fn unnamed_fuel(&self) -> u64 {
        let kind = |call: &&StackedCall| self.functions[call.function].kind;
        let unnamed = self.calls.iter().filter(|call| kind(call) == FunctionKind::Unnamed);
        unnamed.map(|call| call.fuel).sum()
    }

    /// Returns the fuel of each call, including all calls that it made.
    pub fn totals(&self) -> Vec<u64> {
        let mut totals: Vec<u64> = self.calls.iter().map(|call| call.fuel).collect();
        for (number, call) in self.calls.iter().enumerate().rev() {
            if let Some(caller) = call.caller {
                totals[caller] += totals[number];
            }
        }
        totals
    }
}

/// A profile under construction.
#[derive(Debug, Default)]
pub(super) struct CallTree {
    profile: Profile,
    function_numbers: HashMap<Function, usize>,
    call_numbers: HashMap<(Option<usize>, usize), usize>,
    has_too_many_steps: bool,
}

impl CallTree {
    /// Returns the index of the call of a function by `caller`; adds it if it is new.
    pub(super) fn call(&mut self, caller: Option<usize>, function: Function) -> usize {
        let functions = &mut self.profile.functions;
        let number = self.function_numbers.get(&function).copied().unwrap_or_else(|| {
            functions.push(function.clone());
            self.function_numbers.insert(function, functions.len() - 1);
            functions.len() - 1
        });
        if let Some(call) = self.call_numbers.get(&(caller, number)) {
            return *call;
        }
        if let (Some(caller), true) = (caller, self.profile.calls.len() >= MAX_CALLS) {
            return caller;
        }
        self.profile.calls.push(StackedCall { function: number, caller, fuel: 0 });
        self.call_numbers.insert((caller, number), self.profile.calls.len() - 1);
        self.profile.calls.len() - 1
    }

    /// Adds fuel to a call.
    pub(super) fn add(&mut self, call: usize, fuel: u64) {
        if fuel == 0 {
            return;
        }
        self.profile.calls[call].fuel += fuel;
        let steps = &mut self.profile.steps;
        let is_full = steps.len() >= MAX_STEPS;
        match steps.last_mut() {
            Some((last, sum)) if *last == call => *sum += fuel,
            _ if self.has_too_many_steps => {}
            _ if is_full => {
                self.has_too_many_steps = true;
                *steps = Vec::new();
            }
            _ => steps.push((call, fuel)),
        }
    }

    /// Returns true if a call is that of an import.
    pub(super) fn is_import(&self, call: usize) -> bool {
        let function = self.profile.calls[call].function;
        self.profile.functions[function].kind == FunctionKind::Import
    }

    pub(super) fn profile(&self) -> &Profile {
        &self.profile
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(name: &str) -> Function {
        Function { name: name.into(), kind: FunctionKind::Named }
    }

    #[test]
    fn calls_with_the_same_stack_are_one() {
        let mut tree = CallTree::default();
        let main = tree.call(None, function("a::main"));
        let help = tree.call(Some(main), function("a::help"));
        let again = tree.call(Some(help), function("a::help"));
        assert_eq!(tree.call(Some(main), function("a::help")), help);
        assert_ne!(again, help);
        for (call, fuel) in [(main, 1), (help, 2), (help, 3), (again, 4), (main, 0), (help, 5)] {
            tree.add(call, fuel);
        }
        let profile = tree.profile();
        assert_eq!((profile.fuel(), profile.totals()), (15, vec![15, 14, 4]));
        assert_eq!(profile.steps, [(main, 1), (help, 5), (again, 4), (help, 5)]);
        assert_eq!(profile.functions.len(), 2);
        assert_eq!(profile.unnamed_fuel(), 0);
    }

    #[test]
    fn too_many_steps_are_none_and_the_sum_stays() {
        let mut tree = CallTree::default();
        let main = tree.call(None, function("main"));
        let unnamed = Function { name: "function 5".into(), kind: FunctionKind::Unnamed };
        let help = tree.call(Some(main), unnamed);
        for _ in 0..MAX_STEPS {
            tree.add(main, 1);
            tree.add(help, 2);
        }
        let profile = tree.profile();
        assert_eq!((profile.fuel(), profile.steps.len()), (3 * MAX_STEPS as u64, 0));
        assert_eq!(profile.unnamed_fuel(), 2 * MAX_STEPS as u64);
    }
}
