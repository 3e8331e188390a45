//! Failures: a guest that ended without a response.

use wasmtime::{OutOfMemory, PoolConcurrencyLimitError, Trap};

use crate::limits::Limits;

/// The reason why a transaction's guest returned no response. The text names the limit or the trap,
/// and contains the guest's standard error, so that a panic's message reaches the client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Deterministic: every endorser stops at the same instruction.
    #[error("chaincode used up its fuel of {limit} units")]
    OutOfFuel {
        /// The limit.
        limit: u64,
    },
    /// Not deterministic: the transaction's time ran out before its fuel.
    #[error("timeout expired while executing transaction")]
    Timeout,
    /// The guest trapped, panicked or called `exit`.
    #[error("chaincode trapped: {trap}{}", stderr_suffix(stderr))]
    Trapped {
        /// Describes the trap.
        trap: String,
        /// The end of the guest's standard error.
        stderr: String,
    },
    /// A limit other than fuel.
    #[error("chaincode passed a limit: {0}")]
    Limit(String),
    /// Not deterministic: the possible depth of a recursion depends on the compiler and the
    /// processor.
    #[error("chaincode passed a limit: call stack exhausted (recursion too deep)")]
    StackExhausted,
    /// The peer's side of the transaction ended first.
    #[error("{0}")]
    TransactionOver(String),
    /// Not deterministic: the host could not start the guest (no free instance, memory or address
    /// space), or could not finish it.
    #[error("cannot run chaincode: {0}")]
    Host(String),
}

impl Failure {
    /// Returns true if every endorser would get this failure. If not, a calling chaincode must not
    /// get it as an answer.
    pub fn is_deterministic(&self) -> bool {
        match self {
            Self::OutOfFuel { .. } | Self::Trapped { .. } | Self::Limit(_) => true,
            Self::Timeout | Self::StackExhausted | Self::TransactionOver(_) | Self::Host(_) => {
                false
            }
        }
    }

    /// Returns true if the text of a failure in another process is that of one that is not
    /// deterministic. If another text looks like one, the only consequence is that the transaction
    /// is not endorsed.
    pub fn is_text_of_one_host(text: &str) -> bool {
        text == Self::Timeout.to_string()
            || text == Self::StackExhausted.to_string()
            || text.starts_with(&Self::Host(String::new()).to_string())
    }
}

fn stderr_suffix(stderr: &str) -> String {
    // Rust's hint about an environment variable; guests have none.
    let is_advice = |line: &&str| line.starts_with("note: run with `RUST_BACKTRACE=1`");
    let lines: Vec<&str> = stderr.lines().filter(|line| !is_advice(line)).collect();
    match lines.join("\n").trim() {
        "" => String::new(),
        text => format!(": {text}"),
    }
}

/// An error that a host function raises to end the guest.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Stop(pub Failure);

/// Classifies an error that wasmtime reports. An unknown error counts as the guest's fault: a guest
/// can break the rules of the component model, and wasmtime has no error types for that.
pub(crate) fn classify(error: &wasmtime::Error, limits: &Limits, stderr: String) -> Failure {
    known(error, limits, &stderr)
        .unwrap_or_else(|| Failure::Trapped { trap: format!("{error:#}"), stderr })
}

/// As [`classify`], for an error while the instance is made. An unknown error counts as a failure
/// of this machine: hardly any code of the guest runs then, and it is safe not to endorse.
pub(crate) fn classify_start(error: &wasmtime::Error, limits: &Limits, stderr: String) -> Failure {
    known(error, limits, &stderr).unwrap_or_else(|| Failure::Host(format!("{error:#}")))
}

/// Returns the failure for an error whose cause is certain.
fn known(error: &wasmtime::Error, limits: &Limits, stderr: &str) -> Option<Failure> {
    let trapped = |trap| Failure::Trapped { trap, stderr: stderr.to_owned() };
    if let Some(Stop(failure)) = error.downcast_ref::<Stop>() {
        return Some(match failure.clone() {
            Failure::Trapped { trap, .. } => trapped(trap),
            failure => failure,
        });
    }
    if let Some(exit) = error.downcast_ref::<wasmtime_wasi::I32Exit>() {
        return Some(trapped(format!("exit with status {}", exit.0)));
    }
    Some(match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => Failure::OutOfFuel { limit: limits.fuel },
        Some(Trap::Interrupt) => Failure::Timeout,
        Some(Trap::StackOverflow) => Failure::StackExhausted,
        Some(trap) => trapped(trap_name(*trap)),
        None if carried_too_much(error) => {
            let limit = limits.host_call_bytes;
            Failure::Limit(format!(
                "more than {limit} bytes in one call between chaincode and peer"
            ))
        }
        None if is_of_this_machine(error) => Failure::Host(format!("{error:#}")),
        None => return None,
    })
}

/// Returns true if this machine lacks a resource. A call needs a stack and memory of its host.
fn is_of_this_machine(error: &wasmtime::Error) -> bool {
    error.is::<PoolConcurrencyLimitError>()
        || error.is::<OutOfMemory>()
        // An error of the operating system. Its type depends on the crate that made the system
        // call.
        || error.root_cause().to_string().contains("(os error ")
}

/// The type of this error is private to wasmtime. An integration test provokes the error.
fn carried_too_much(error: &wasmtime::Error) -> bool {
    error.root_cause().to_string().ends_with("fuel allocated for hostcalls has been exhausted")
}

/// Our own texts for the traps that contract authors see most; wasmtime's for the rest.
fn trap_name(trap: Trap) -> String {
    match trap {
        Trap::UnreachableCodeReached => "unreachable code (a panic or an abort)".into(),
        Trap::MemoryOutOfBounds => "memory access out of bounds".into(),
        Trap::IntegerDivisionByZero => "integer division by zero".into(),
        Trap::IntegerOverflow => "integer overflow".into(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trap_has_a_class() {
        // For each new trap of a new wasmtime, decide whether it is deterministic.
        let limits = Limits { fuel: 7, ..Limits::default() };
        let known = (0..=u8::MAX).filter_map(Trap::from_u8).count();
        assert_eq!(known, 50);
        for trap in (0..=u8::MAX).filter_map(Trap::from_u8) {
            let failure = classify(&wasmtime::Error::from(trap), &limits, String::new());
            let expected = match trap {
                Trap::OutOfFuel => matches!(failure, Failure::OutOfFuel { limit: 7 }),
                Trap::Interrupt => failure == Failure::Timeout,
                Trap::StackOverflow => failure == Failure::StackExhausted,
                _ => matches!(failure, Failure::Trapped { .. }),
            };
            assert!(expected, "{trap:?}: {failure:?}");
        }
    }

    #[test]
    fn what_this_machine_lacks_is_not_the_guests_failure() {
        let limits = Limits::default();
        let no_memory = || {
            wasmtime::Error::from(std::io::Error::from_raw_os_error(12))
                .context("mmap failed to reserve 0x104000000 bytes")
        };
        let of_guest = || wasmtime::Error::msg("pointer out of bounds of memory");
        let of_host = || wasmtime::Error::msg("cross-`Engine` usage is not supported");
        for (failure, is_host) in [
            (classify(&no_memory(), &limits, String::new()), true),
            (classify(&OutOfMemory::new(64).into(), &limits, String::new()), true),
            (classify(&of_guest(), &limits, String::new()), false),
            (classify_start(&no_memory(), &limits, String::new()), true),
            (classify_start(&of_host(), &limits, String::new()), true),
            (classify_start(&Trap::MemoryOutOfBounds.into(), &limits, String::new()), false),
        ] {
            assert_eq!(matches!(failure, Failure::Host(_)), is_host, "{failure:?}");
            assert_eq!(failure.is_deterministic(), !is_host, "{failure:?}");
        }
    }

    #[test]
    fn stderr_is_part_of_the_text() {
        let failure = Failure::Trapped {
            trap: "unreachable".into(),
            stderr: "boom\nnote: run with `RUST_BACKTRACE=1` to\n".into(),
        };
        assert_eq!(failure.to_string(), "chaincode trapped: unreachable: boom");
    }

    #[test]
    fn who_is_stopped_by_the_host_has_its_stderr_told_too() {
        let stop = Failure::Trapped { trap: "it tried to sleep".into(), stderr: String::new() };
        let failure = classify(&Stop(stop).into(), &Limits::default(), "words".into());
        assert_eq!(failure.to_string(), "chaincode trapped: it tried to sleep: words");
    }

    #[test]
    fn texts_of_one_host_are_known() {
        let trapped = Failure::Trapped { trap: "cannot run chaincode".into(), stderr: "".into() };
        for failure in [
            Failure::OutOfFuel { limit: 7 },
            Failure::Timeout,
            trapped,
            Failure::Limit("cannot run chaincode: x".into()),
            Failure::StackExhausted,
            Failure::Host("no instance is free".into()),
        ] {
            let text = failure.to_string();
            assert_eq!(Failure::is_text_of_one_host(&text), !failure.is_deterministic(), "{text}");
        }
    }
}
