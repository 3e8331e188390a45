//! Limits of guests. They must be the same on all endorsers of a channel, or the results differ.

use std::time::Duration;

use crate::backend::{CARRIED_BYTES, RESULT_BYTES};
use crate::code_limits::CodeLimits;

/// Limits of components and of each transaction. Where a Go chaincode is limited only by the size
/// of its messages, the default is that size. Exceeding a limit ends the transaction with an error
/// that names it. Limits on fuel, memory and counts are deterministic. The wall clock is not, so a
/// transaction that it stops is never endorsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Size of a component file.
    pub component_bytes: usize,
    /// Functions in all core modules of a component.
    pub functions: u32,
    /// Size of one function's body, which bounds the time to compile it.
    pub function_bytes: usize,
    /// Further limits that bound the time to compile a component.
    pub code: CodeLimits,
    /// All linear memories of an instance together.
    pub memory_bytes: usize,
    /// Elements of one table.
    pub table_elements: usize,
    /// The guest's stack.
    pub stack_bytes: usize,
    /// One transaction's work: about one unit per instruction, see `engine::operator_cost`.
    pub fuel: u64,
    /// Calls from the guest to the peer. They cost fuel, so this is needed only for a lower limit.
    pub host_calls: u64,
    /// Data that one call carries from the guest to the peer.
    pub host_call_bytes: usize,
    /// Rows of one batch of a query, in bytes.
    pub query_batch_bytes: usize,
    /// Iterators that are open at the same time, not counting those whose last row the peer has
    /// sent.
    pub open_iterators: u32,
    /// Keys and values that all iterators of a call hold for the guest.
    pub iterator_bytes: usize,
    /// Size of one written value.
    pub value_bytes: usize,
    /// Message and payload of a response.
    pub response_bytes: usize,
    /// Name and payload of an event.
    pub event_bytes: usize,
    /// Bytes of standard output, and of standard error, that are kept.
    pub output_bytes: usize,
    /// Lines that `log` writes.
    pub log_lines: u32,
    /// Bytes of one line that `log` writes.
    pub log_line_bytes: usize,
    /// Instances alive at the same time in one runtime.
    pub instances: u32,
}

/// The largest limit on a component file, in bytes. Its package fits into a message, and its
/// compilation into the limits of the compiler's process.
pub const MAX_COMPONENT_BYTES: usize = 64 << 20;

impl Default for Limits {
    fn default() -> Self {
        Self {
            component_bytes: 32 << 20,
            functions: 100_000,
            function_bytes: 1 << 20,
            code: CodeLimits::default(),
            // Two messages of the largest size fit, and the data that they are made from.
            memory_bytes: 256 << 20,
            table_elements: 100_000,
            stack_bytes: 512 << 10,
            fuel: 10_000_000_000,
            host_calls: u64::MAX,
            host_call_bytes: CARRIED_BYTES,
            query_batch_bytes: 1 << 20,
            open_iterators: 100,
            iterator_bytes: 2 * RESULT_BYTES,
            value_bytes: CARRIED_BYTES,
            response_bytes: CARRIED_BYTES,
            event_bytes: CARRIED_BYTES,
            output_bytes: 64 << 10,
            log_lines: 1_000,
            log_line_bytes: 16 << 10,
            instances: 1_024,
        }
    }
}

/// Narrower limits that a chaincode's package requests. All except the time affect the results of
/// transactions, so they are part of the package that all peers agree on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackageLimits {
    /// All linear memories of an instance together.
    pub memory_bytes: Option<usize>,
    /// Work of one transaction.
    pub fuel: Option<u64>,
    /// Size of one written value.
    pub value_bytes: Option<usize>,
    /// Message and payload of a response.
    pub response_bytes: Option<usize>,
    /// Name and payload of an event.
    pub event_bytes: Option<usize>,
    /// Data that one call sends to the peer.
    pub host_call_bytes: Option<usize>,
    /// The wall-clock backstop for one transaction; the shorter of this and the peer's own limit
    /// counts.
    pub timeout: Option<Duration>,
}

/// The package requests more than its peer allows. A peer that silently allowed less would endorse
/// other results than a peer that allows all of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the package asks for {asked} {unit}, this peer allows {given}")]
pub struct BeyondLimits {
    /// Requested units.
    pub asked: u64,
    /// Allowed units.
    pub given: u64,
    /// Name of the units.
    pub unit: &'static str,
}

/// Caps a limit on the contents of a message at what fits into a message.
pub fn carried_bytes(bytes: usize) -> usize {
    bytes.min(CARRIED_BYTES)
}

impl PackageLimits {
    /// Returns true if it requests a limit that affects results.
    pub fn is_narrower(&self) -> bool {
        *self != Self { timeout: self.timeout, ..Self::default() }
    }
}

impl Limits {
    /// Returns limits that admit component files of this size. If they are larger than usual, so
    /// may be their code.
    pub fn admitting(self, component_bytes: usize) -> Self {
        let usual = Self::default();
        let times = |limit: u64| {
            let larger = u128::from(limit) * component_bytes as u128;
            let larger = larger / usual.component_bytes as u128;
            u64::try_from(larger).unwrap_or(u64::MAX).max(limit)
        };
        let code_bytes = times(usual.code.code_bytes as u64);
        let code = CodeLimits {
            code_bytes: usize::try_from(code_bytes).unwrap_or(usize::MAX),
            all_merges: times(usual.code.all_merges),
            ..self.code
        };
        Self { component_bytes, code, ..self }
    }

    /// Returns limits that admit a component of these limits after probes were added.
    pub fn with_probes(self) -> Self {
        // Probes add at most three bytes for each two bytes of a call, and loops without branches.
        let code = CodeLimits {
            code_bytes: self.code.code_bytes.saturating_mul(3),
            branches: u64::MAX,
            merges: u64::MAX,
            all_merges: u64::MAX,
            ..self.code
        };
        let component_bytes = self.component_bytes.saturating_mul(3);
        let function_bytes = self.function_bytes.saturating_mul(3);
        Self { component_bytes, function_bytes, code, ..self }
    }

    /// Returns these limits, narrowed by the requests of a package.
    pub fn narrowed(&self, asked: &PackageLimits) -> Result<Self, BeyondLimits> {
        let mut limits = self.clone();
        for (limit, asked, unit) in [
            (&mut limits.memory_bytes, asked.memory_bytes, "bytes of memory"),
            (&mut limits.value_bytes, asked.value_bytes, "bytes a value"),
            (&mut limits.response_bytes, asked.response_bytes, "bytes a response"),
            (&mut limits.event_bytes, asked.event_bytes, "bytes an event"),
            (&mut limits.host_call_bytes, asked.host_call_bytes, "bytes a call of the peer"),
        ] {
            let asked = asked.unwrap_or(*limit);
            if asked > *limit {
                let (asked, given) = (asked as u64, *limit as u64);
                return Err(BeyondLimits { asked, given, unit });
            }
            *limit = asked;
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
    fn larger_components_may_have_more_code() {
        let usual = Limits::default();
        assert_eq!(usual.clone().admitting(usual.component_bytes), usual);
        let double = usual.clone().admitting(64 << 20);
        assert_eq!((double.component_bytes, double.code.code_bytes), (64 << 20, 48 << 20));
        assert_eq!(double.code.all_merges, 2 * usual.code.all_merges);
        let small = usual.clone().admitting(1 << 20);
        assert_eq!(small, Limits { component_bytes: 1 << 20, ..usual });
    }

    #[test]
    fn a_package_gets_what_it_asks_for_and_no_more_than_there_is() {
        let none = PackageLimits::default();
        let peer = Limits { memory_bytes: 100, fuel: 10, event_bytes: 7, ..Limits::default() };
        assert_eq!(peer.narrowed(&none), Ok(peer.clone()));
        let all = PackageLimits { memory_bytes: Some(100), fuel: Some(10), ..none.clone() };
        assert_eq!(peer.narrowed(&all), Ok(peer.clone()));
        let less = PackageLimits { memory_bytes: Some(99), fuel: Some(9), ..none.clone() };
        let narrow = peer.narrowed(&less).unwrap();
        assert_eq!((narrow.memory_bytes, narrow.fuel), (99, 9));
        let more = PackageLimits { memory_bytes: Some(101), ..none.clone() };
        let text = "the package asks for 101 bytes of memory, this peer allows 100";
        assert_eq!(peer.narrowed(&more).unwrap_err().to_string(), text);
        let more = PackageLimits { fuel: Some(11), ..none.clone() };
        let text = "the package asks for 11 units of fuel, this peer allows 10";
        assert_eq!(peer.narrowed(&more).unwrap_err().to_string(), text);
        let more = PackageLimits { event_bytes: Some(8), ..none.clone() };
        let text = "the package asks for 8 bytes an event, this peer allows 7";
        assert_eq!(peer.narrowed(&more).unwrap_err().to_string(), text);
        let small = Some(3);
        let less = PackageLimits {
            value_bytes: small,
            response_bytes: small,
            event_bytes: small,
            host_call_bytes: small,
            ..none.clone()
        };
        let narrow = peer.narrowed(&less).unwrap();
        let Limits { value_bytes, response_bytes, event_bytes, host_call_bytes, .. } = narrow;
        assert_eq!([value_bytes, response_bytes, event_bytes, host_call_bytes], [3; 4]);
        let time = PackageLimits { timeout: Some(Duration::from_secs(1)), ..none };
        assert!(less.is_narrower() && !time.is_narrower());
    }
}
