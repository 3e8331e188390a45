//! Limits of a transaction: the options of all verbs that run or check components.
//!
//! Invariant: names, environment variables and units are the same for all verbs.

use std::sync::Arc;

use serde_json::{Value, json};

use wasmcc_peer::chaincode::LimitsFile;
use wasmcc_runtime::{BeyondLimits, Limits, MAX_COMPONENT_BYTES, PackageLimits, carried_bytes};

/// The largest message between a peer and a chaincode, in MiB.
const MESSAGE_MIB: i64 = 100;
/// The largest component, in MiB.
const COMPONENT_MIB: i64 = (MAX_COMPONENT_BYTES >> 20) as i64;

/// Options for the limits of transactions. Without an option, the default applies.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Limits of a transaction (use the same on all endorsing peers)")]
pub(crate) struct LimitArgs {
    /// Fuel of a guest, and work of the peer, for one transaction: about one unit per instruction
    /// [default: 10000000000].
    #[arg(long, env = "WASMCC_FUEL", value_name = "UNITS")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    fuel: Option<u64>,
    /// Memory of a guest [default: 256].
    #[arg(long, env = "WASMCC_MEMORY_MIB", value_name = "MIB")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=4096))]
    memory_mib: Option<u32>,
    /// The largest value that a transaction writes [default: 100, a whole message].
    #[arg(long, env = "WASMCC_VALUE_MIB", value_name = "MIB")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=MESSAGE_MIB))]
    value_mib: Option<u32>,
    /// The largest response [default: 100, a whole message].
    #[arg(long, env = "WASMCC_RESPONSE_MIB", value_name = "MIB")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=MESSAGE_MIB))]
    response_mib: Option<u32>,
    /// The largest event [default: 100, a whole message].
    #[arg(long, env = "WASMCC_EVENT_MIB", value_name = "MIB")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=MESSAGE_MIB))]
    event_mib: Option<u32>,
    /// Data that one call passes to the peer [default: 100, a whole message].
    #[arg(long, env = "WASMCC_CALL_MIB", value_name = "MIB")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=MESSAGE_MIB))]
    call_mib: Option<u32>,
    #[command(flatten)]
    component: ComponentArgs,
}

/// The option for the limit on component files.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(crate) struct ComponentArgs {
    /// The largest component file, at most 64; its code may have three quarters of it
    /// [default: 32].
    #[arg(long, env = "WASMCC_COMPONENT_MIB", value_name = "MIB")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=COMPONENT_MIB))]
    component_mib: Option<u32>,
}

impl ComponentArgs {
    /// Returns `usual` with the given limit.
    pub(crate) fn apply(self, usual: Limits) -> Limits {
        match self.component_mib {
            Some(mib) => usual.admitting((mib as usize) << 20),
            None => usual,
        }
    }
}

impl LimitArgs {
    /// Returns `usual` with the given limits.
    pub(crate) fn apply(&self, usual: Limits) -> Limits {
        let bytes = |mib: Option<u32>| mib.map(|mib| (mib as usize) << 20);
        let carried = |mib, usual| bytes(mib).map_or(usual, carried_bytes);
        Limits {
            fuel: self.fuel.unwrap_or(usual.fuel),
            memory_bytes: bytes(self.memory_mib).unwrap_or(usual.memory_bytes),
            value_bytes: carried(self.value_mib, usual.value_bytes),
            response_bytes: carried(self.response_mib, usual.response_bytes),
            event_bytes: carried(self.event_mib, usual.event_bytes),
            host_call_bytes: carried(self.call_mib, usual.host_call_bytes),
            ..self.component.apply(usual)
        }
    }

    /// Returns `usual` with the limit on component files alone, which no package changes.
    pub(crate) fn apply_component(&self, usual: Limits) -> Limits {
        self.component.apply(usual)
    }

    /// Returns the limit on a value, if it is given.
    pub(crate) fn value_bytes(&self) -> Option<usize> {
        self.value_mib.map(|_| self.apply(Limits::default()).value_bytes)
    }

    /// Returns the limits in the form of a package's `limits.json`.
    pub(crate) fn file(&self, timeout: Option<String>) -> LimitsFile {
        let Self { fuel, memory_mib, value_mib, response_mib, event_mib, call_mib, .. } = *self;
        LimitsFile { memory_mib, fuel, value_mib, response_mib, event_mib, call_mib, timeout }
    }
}

/// Returns the limits that a package sets; None if it sets none.
pub(crate) fn narrowed(
    limits: &Limits,
    asked: &PackageLimits,
) -> Result<Option<Arc<Limits>>, BeyondLimits> {
    let narrowed = limits.narrowed(asked)?;
    Ok(asked.is_narrower().then(|| narrowed.into()))
}

/// Returns the limits as text.
pub(crate) fn as_text(limits: &Limits) -> String {
    let size = |bytes: usize| match bytes % (1 << 20) {
        0 => format!("{} MiB", bytes >> 20),
        // A whole message less its header.
        _ => format!("{bytes} bytes"),
    };
    format!(
        "fuel {}, memory {}, a value {}, a response {}, an event {}, a call {}",
        limits.fuel,
        size(limits.memory_bytes),
        size(limits.value_bytes),
        size(limits.response_bytes),
        size(limits.event_bytes),
        size(limits.host_call_bytes),
    )
}

/// Returns the limits as JSON.
pub(crate) fn as_json(limits: &Limits) -> Value {
    json!({
        "fuel": limits.fuel,
        "memory_bytes": limits.memory_bytes,
        "value_bytes": limits.value_bytes,
        "response_bytes": limits.response_bytes,
        "event_bytes": limits.event_bytes,
        "call_bytes": limits.host_call_bytes,
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use wasmcc_runtime::CARRIED_BYTES;

    #[derive(Parser)]
    struct Words {
        #[command(flatten)]
        limits: LimitArgs,
    }

    fn limits(words: &[&str]) -> LimitArgs {
        Words::try_parse_from([&["x"], words].concat()).unwrap().limits
    }

    #[test]
    fn what_is_given_counts_and_the_rest_is_usual() {
        assert_eq!(limits(&[]).apply(Limits::default()), Limits::default());
        let given = ["--fuel=7", "--memory-mib=8", "--value-mib=1", "--response-mib=100"];
        let given = limits(&[&given[..], &["--event-mib=2", "--call-mib=3"]].concat());
        let expected = Limits {
            fuel: 7,
            memory_bytes: 8 << 20,
            value_bytes: 1 << 20,
            response_bytes: CARRIED_BYTES,
            event_bytes: 2 << 20,
            host_call_bytes: 3 << 20,
            ..Limits::default()
        };
        assert_eq!(given.apply(Limits::default()), expected);
        let large = limits(&["--component-mib=64"]);
        assert_eq!(large.apply(Limits::default()), Limits::default().admitting(64 << 20));
        assert!(large.file(None).is_empty());
        assert_eq!((given.value_bytes(), limits(&[]).value_bytes()), (Some(1 << 20), None));
        let text = "fuel 7, memory 8 MiB, a value 1 MiB, a response 104856576 bytes, an event 2 \
                    MiB, a call 3 MiB";
        assert_eq!(as_text(&expected), text);
        let asked = given.file(None).limits().unwrap();
        assert_eq!(narrowed(&Limits::default(), &asked).unwrap().as_deref(), Some(&expected));
        assert_eq!(narrowed(&expected, &PackageLimits::default()), Ok(None));
        let bad = ["--fuel=0", "--memory-mib=4097", "--value-mib=101", "--call-mib=0"];
        for bad in bad.into_iter().chain(["--component-mib=0", "--component-mib=65"]) {
            assert!(Words::try_parse_from(["x", bad]).is_err(), "{bad}");
        }
    }
}
