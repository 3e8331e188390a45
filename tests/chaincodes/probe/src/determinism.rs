//! Nondeterministic values that a careless author may use.
//!
//! Invariant: on a peer that guarantees determinism, two endorsers get the same text.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::{Instant, SystemTime};

use wasmcc_sdk::{Context, Result};

/// Returns the order of a `HashMap`, two clocks and a random number as text, and writes it to
/// `hashmap`.
pub(crate) fn probe(ctx: &Context) -> Result<Vec<u8>> {
    let map: HashMap<u32, ()> = (0..16).map(|key| (key, ())).collect();
    let order: Vec<String> = map.keys().map(u32::to_string).collect();
    let clock = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let text = format!(
        "order={}\nclock={}.{:09}\nelapsed={}\nrandom={}\n",
        order.join(","),
        clock.as_secs(),
        clock.subsec_nanos(),
        Instant::now().elapsed().as_nanos(),
        RandomState::new().hash_one(1),
    );
    ctx.put_state("hashmap", text.as_bytes())?;
    Ok(text.into_bytes())
}
