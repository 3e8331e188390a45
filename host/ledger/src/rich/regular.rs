//! Regular expressions of selectors: searched anywhere in a string, in linear time.
//!
//! They run as lazily built automata, byte by byte, so that each byte and each new state can be
//! charged to the transaction.
//!
//! Invariant: the memory of a selector's expressions is bounded.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use regex_automata::Input;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;

use crate::rich::pattern_error::PatternError;
use crate::rich::pcre;
use crate::rich::work::{QueryWork, REGEX_BYTE};
use wasmcc_types::Exhausted;

/// Longest expression, in bytes.
const MAX_BYTES: usize = 4096;
/// Limit on the memory of a compiled expression, in bytes.
const MAX_COMPILED: usize = 1 << 20;
/// Memory for the states of an automaton, in bytes; more if a few states do not fit.
const CACHE: usize = 64 << 10;
/// Limit on the depth of parentheses.
const MAX_NESTED: u32 = 50;
/// Bytes of a string between two charges.
const CHUNK: usize = 1024;
/// The cost of a new state of an automaton (`STATE`), and of each program state that it may
/// represent (`PROGRAM_STATE`), in units of work.
const STATE: u64 = 500;
const PROGRAM_STATE: u64 = 8;

/// A compiled expression. Copies share it.
#[derive(Clone, Debug)]
pub(crate) struct Regular {
    automaton: Arc<Automaton>,
}

#[derive(Debug)]
struct Automaton {
    dfa: DFA,
    cache: Mutex<Cache>,
    /// The cost of a new state, in units of work.
    state_cost: u64,
}

/// The expressions of one selector, each compiled once.
pub(crate) struct Regulars {
    known: HashMap<String, Regular>,
    limit: usize,
    used: usize,
}

impl Regulars {
    /// Makes an empty set with a limit in bytes.
    pub(crate) fn up_to(limit: usize) -> Self {
        Self { known: HashMap::new(), limit, used: 0 }
    }

    /// The memory of all expressions, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.used
    }

    /// Returns the expression of a pattern, compiled if it is new.
    pub(crate) fn get(&mut self, pattern: &str) -> Result<Regular, PatternError> {
        match self.known.entry(pattern.to_owned()) {
            Entry::Occupied(known) => Ok(known.get().clone()),
            Entry::Vacant(vacant) => {
                let (regular, bytes) = Regular::new(pattern)?;
                self.used += bytes;
                if self.used > self.limit {
                    let limit = self.limit;
                    return Err(PatternError::TooLarge { limit });
                }
                Ok(vacant.insert(regular).clone())
            }
        }
    }
}

impl Regular {
    /// Compiles a pattern; also returns the memory of the expression.
    fn new(pattern: &str) -> Result<(Self, usize), PatternError> {
        if pattern.len() > MAX_BYTES {
            return Err(PatternError::TooLong { bytes: pattern.len(), limit: MAX_BYTES });
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
        let program = program.map_err(|error| engine(reason(&error)))?;
        let config = DFA::config().cache_capacity(CACHE).skip_cache_capacity_check(true);
        let least = config.get_minimum_cache_capacity(&program).map_err(engine)?;
        let (states, bytes) = (program.states().len(), program.memory_usage() + least.max(CACHE));
        let dfa = DFA::builder().configure(config).build_from_nfa(program);
        let dfa = dfa.map_err(engine)?;
        let cache = Mutex::new(dfa.create_cache());
        let state_cost = STATE + PROGRAM_STATE * states as u64;
        Ok((Self { automaton: Arc::new(Automaton { dfa, cache, state_cost }) }, bytes))
    }

    /// True if the expression matches anywhere in the text.
    pub(crate) fn is_match(&self, text: &str, work: &mut QueryWork<'_>) -> Result<bool, Exhausted> {
        let Automaton { dfa, cache, state_cost } = &*self.automaton;
        let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
        if work.is_limited() {
            cache.reset(dfa);
        }
        work.spend(*state_cost)?;
        // An automaton fails only on quit bytes, or if its cache cannot be cleared; neither is
        // configured here.
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
                    // A match or a dead end: further bytes cannot change the result.
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

fn engine(reason: impl ToString) -> PatternError {
    PatternError::Engine { reason: reason.to_string() }
}

/// Returns the reason why an expression does not parse: the last line of the parser's text. The
/// lines before it point to the position.
fn reason(error: &thompson::BuildError) -> String {
    if let Some(limit) = error.size_limit() {
        return format!("it takes more than {limit} bytes when compiled");
    }
    let text = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    text.lines().last().unwrap_or_default().to_owned()
}
