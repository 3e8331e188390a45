//! What a guest may use. Every limit is the same on all endorsers of a channel, or they disagree.

use std::time::Duration;

use crate::runtime::code_limits::CodeLimits;

/// Limits of components and of each transaction. A limit that is passed gives a clear error; those
/// on fuel, memory and counts are deterministic, the wall clock is not and is never endorsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A component file.
    pub component_bytes: usize,
    /// Functions in all core modules of a component.
    pub functions: u32,
    /// One function's body, which bounds the time to compile it.
    pub function_bytes: usize,
    /// What else bounds the time to compile a component.
    pub code: CodeLimits,
    /// All linear memories of an instance together.
    pub memory_bytes: usize,
    /// Elements of one table.
    pub table_elements: usize,
    /// The guest's stack.
    pub stack_bytes: usize,
    /// One transaction's work: about one unit an instruction, see `engine::operator_cost`.
    pub fuel: u64,
    /// Calls from the guest to the peer. They cost fuel, so this is needed only to allow less.
    pub host_calls: u64,
    /// Data that one call carries from the guest to the peer.
    pub host_call_bytes: usize,
    /// Rows of one batch of a query, in bytes.
    pub query_batch_bytes: usize,
    /// Iterators that are open at the same time.
    pub open_iterators: u32,
    /// Keys and values that the iterators of a call hold for the guest, all together.
    pub iterator_bytes: usize,
    /// Message and payload of a response.
    pub response_bytes: usize,
    /// Name and payload of an event.
    pub event_bytes: usize,
    /// What is kept of standard output, and of standard error.
    pub output_bytes: usize,
    /// Lines that `log` passes on.
    pub log_lines: u32,
    /// What `log` passes on of one line.
    pub log_line_bytes: usize,
    /// Instances that may be alive at once in one runtime.
    pub instances: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            component_bytes: 32 << 20,
            functions: 100_000,
            function_bytes: 1 << 20,
            code: CodeLimits::default(),
            memory_bytes: 64 << 20,
            table_elements: 20_000,
            stack_bytes: 512 << 10,
            fuel: 10_000_000_000,
            host_calls: u64::MAX,
            host_call_bytes: 16 << 20,
            query_batch_bytes: 1 << 20,
            open_iterators: 100,
            // Twice what one batch may have.
            iterator_bytes: 128 << 20,
            response_bytes: 10 << 20,
            event_bytes: 1 << 20,
            output_bytes: 64 << 10,
            log_lines: 1_000,
            log_line_bytes: 16 << 10,
            instances: 1_024,
        }
    }
}

/// What a chaincode's package asks for less of than its peers would give. Fuel and memory decide
/// what a transaction comes to, so they are part of the package that all peers agree on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackageLimits {
    /// All linear memories of an instance together.
    pub memory_bytes: Option<usize>,
    /// One transaction's work.
    pub fuel: Option<u64>,
    /// The wall clock's backstop for one transaction; the shorter of this and the peer's own
    /// counts.
    pub timeout: Option<Duration>,
}

/// A package may not ask for more than its peer gives: a peer that gave less without a word would
/// endorse other results than one that gives all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the package asks for {asked} {unit}, this peer gives {given}")]
pub struct BeyondLimits {
    /// Units that were asked for.
    pub asked: u64,
    /// Units that there are.
    pub given: u64,
    /// Bytes of memory, or units of fuel.
    pub unit: &'static str,
}

impl Limits {
    /// These limits, made narrower by what a package asks for.
    pub fn narrowed(&self, asked: &PackageLimits) -> Result<Self, BeyondLimits> {
        let mut limits = self.clone();
        if let Some(bytes) = asked.memory_bytes {
            if bytes > self.memory_bytes {
                let (asked, given) = (bytes as u64, self.memory_bytes as u64);
                return Err(BeyondLimits { asked, given, unit: "bytes of memory" });
            }
            limits.memory_bytes = bytes;
        }
        if let Some(fuel) = asked.fuel {
            if fuel > self.fuel {
                let given = self.fuel;
                return Err(BeyondLimits { asked: fuel, given, unit: "units of fuel" });
            }
            limits.fuel = fuel;
        }
        Ok(limits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_gets_what_it_asks_for_and_no_more_than_there_is() {
        let peer = Limits { memory_bytes: 100, fuel: 10, ..Limits::default() };
        assert_eq!(peer.narrowed(&PackageLimits::default()), Ok(peer.clone()));
        let all = PackageLimits { memory_bytes: Some(100), fuel: Some(10), timeout: None };
        assert_eq!(peer.narrowed(&all), Ok(peer.clone()));
        let less = PackageLimits { memory_bytes: Some(99), fuel: Some(9), timeout: None };
        let narrow = peer.narrowed(&less).unwrap();
        assert_eq!((narrow.memory_bytes, narrow.fuel), (99, 9));
        let more = PackageLimits { memory_bytes: Some(101), ..PackageLimits::default() };
        let text = "the package asks for 101 bytes of memory, this peer gives 100";
        assert_eq!(peer.narrowed(&more).unwrap_err().to_string(), text);
        let more = PackageLimits { fuel: Some(11), ..PackageLimits::default() };
        let text = "the package asks for 11 units of fuel, this peer gives 10";
        assert_eq!(peer.narrowed(&more).unwrap_err().to_string(), text);
    }
}
