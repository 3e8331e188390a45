//! Regular expressions of selectors: found anywhere in a string, in time linear in its length.
//!
//! They are run as lazily built automata, a byte at a time, so that each byte and each new state of
//! the automaton can be charged to the transaction.
//!
//! Invariant: the expressions of one selector take no more memory together than they may.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::error::Error;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use regex_automata::Input;
use regex_automata::hybrid::dfa::Cache;
use regex_automata::hybrid::dfa::DFA;
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;

use crate::ledger::rich::pcre;
use crate::ledger::rich::work::REGEX_BYTE;
use crate::ledger::rich::work::Work;
use crate::types::Exhausted;

/// Longest expression, in bytes.
const MAX_BYTES: usize = 4096;
/// Memory of a compiled one, in bytes.
const MAX_COMPILED: usize = 1 << 20;
/// Memory for the states of its automaton, in bytes; more where a few do not fit into it.
const CACHE: usize = 64 << 10;
/// Parentheses within each other.
const MAX_NESTED: u32 = 50;
/// Bytes of a string after which the work is charged.
const CHUNK: usize = 1024;
/// Units for a new state of an automaton, and for each state of the program that it may stand for.
const STATE: u64 = 500;
const PROGRAM_STATE: u64 = 8;

/// A compiled expression. Copies share it.
#[derive(Clone, Debug)]
pub(super) struct Regular {
    automaton: Arc<Automaton>,
}

#[derive(Debug)]
struct Automaton {
    dfa: DFA,
    cache: Mutex<Cache>,
    /// Units for a new state.
    state_cost: u64,
}

/// The expressions of one selector, each compiled once.
pub(super) struct Regulars {
    known: HashMap<String, Regular>,
    limit: usize,
    used: usize,
}

impl Regulars {
    /// None yet, and not more than this many bytes of them.
    pub(super) fn up_to(limit: usize) -> Self {
        Self { known: HashMap::new(), limit, used: 0 }
    }

    /// The memory of all of them.
    pub(super) fn bytes(&self) -> usize {
        self.used
    }

    /// The expression for a pattern; the error is a reason for people.
    pub(super) fn get(&mut self, pattern: &str) -> Result<Regular, String> {
        match self.known.entry(pattern.to_owned()) {
            Entry::Occupied(known) => Ok(known.get().clone()),
            Entry::Vacant(vacant) => {
                let (regular, bytes) = Regular::new(pattern)?;
                self.used += bytes;
                if self.used > self.limit {
                    let limit = self.limit;
                    return Err(format!(
                        "the expressions of a selector take more than {limit} bytes when compiled"
                    ));
                }
                Ok(vacant.insert(regular).clone())
            }
        }
    }
}

impl Regular {
    /// Compiles; says how much memory it takes.
    fn new(pattern: &str) -> Result<(Self, usize), String> {
        if pattern.len() > MAX_BYTES {
            return Err(format!("it has {} bytes, more than {MAX_BYTES}", pattern.len()));
        }
        let pattern = pcre::translate(pattern)?;
        let program = thompson::Compiler::new()
            .syntax(syntax::Config::new().utf8(false).nest_limit(MAX_NESTED))
            .configure(
                thompson::Config::new()
                    .utf8(false)
                    .nfa_size_limit(Some(MAX_COMPILED))
                    .which_captures(thompson::WhichCaptures::None),
            )
            .build(&pattern);
        let program = program.map_err(|error| reason(&error))?;
        let config = DFA::config().cache_capacity(CACHE).skip_cache_capacity_check(true);
        let least = config.get_minimum_cache_capacity(&program).map_err(|e| e.to_string())?;
        let (states, bytes) = (program.states().len(), program.memory_usage() + least.max(CACHE));
        let dfa = DFA::builder().configure(config).build_from_nfa(program);
        let dfa = dfa.map_err(|error| error.to_string())?;
        let cache = Mutex::new(dfa.create_cache());
        let state_cost = STATE + PROGRAM_STATE * states as u64;
        Ok((Self { automaton: Arc::new(Automaton { dfa, cache, state_cost }) }, bytes))
    }

    /// Whether it is found in a string.
    pub(super) fn is_match(&self, text: &str, work: &mut Work<'_>) -> Result<bool, Exhausted> {
        let Automaton { dfa, cache, state_cost } = &*self.automaton;
        let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
        if work.is_limited() {
            cache.reset(dfa);
        }
        work.spend(*state_cost)?;
        // An automaton fails only on bytes that it was told to give up on, or if its cache may not
        // be emptied; neither is so here.
        let Ok(mut state) = dfa.start_state_forward(&mut cache, &Input::new(text)) else {
            return Ok(false);
        };
        for chunk in text.as_bytes().chunks(CHUNK) {
            work.spend(REGEX_BYTE * chunk.len() as u64)?;
            for byte in chunk {
                let mut next = dfa.next_state_untagged(&cache, state, *byte);
                if next.is_unknown() {
                    work.spend(*state_cost)?;
                    let Ok(made) = dfa.next_state(&mut cache, state, *byte) else {
                        return Ok(false);
                    };
                    next = made;
                }
                if next.is_tagged() {
                    // All but a match is a dead end.
                    return Ok(next.is_match());
                }
                state = next;
            }
        }
        work.spend(*state_cost)?;
        let end = dfa.next_eoi_state(&mut cache, state);
        Ok(end.is_ok_and(|end| end.is_match()))
    }
}

/// What is wrong with an expression. The parser draws the place over several lines; the last one
/// says what it is.
fn reason(error: &thompson::BuildError) -> String {
    if let Some(limit) = error.size_limit() {
        return format!("it takes more than {limit} bytes when compiled");
    }
    let text = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    text.lines().last().unwrap_or_default().to_owned()
}
