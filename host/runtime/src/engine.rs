//! The configuration of wasmtime. Everything that can change a result or a fuel count is set here
//! by name, so that an upgrade of wasmtime does not change it.

use std::fs;
use std::num::NonZeroUsize;
use std::sync::Arc;

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, OperatorCost, OptLevel,
    PoolingAllocationConfig, VariableOperatorCost,
};

use crate::ahead;
use crate::instance_count::Needs;
use crate::limits::Limits;
use crate::parts::Parts;
use crate::resident::KEPT_BYTES;

/// Changes whenever [`operator_cost`] does; part of the key of compiled code in the cache.
pub(crate) const COST_TABLE: &str = "cost-1";

/// Limit on the core instances, and on the tables, of one component.
const MAX_PARTS: u32 = 64;

/// Tables and memories of the pool for each slot. Components of all languages fit: QuickJS has two
/// of both, the others one memory. A component with more takes several slots.
const TABLES: u32 = 3;
const MEMORIES: u32 = 2;
/// Limit on the memories of one component.
const MAX_MEMORIES: u32 = 4;

/// Limit on the frames of a whole stack. A frame has at least 16 bytes, so the default stack size
/// fits.
const MAX_FRAMES: NonZeroUsize = NonZeroUsize::new(1 << 15).expect("it is not zero");

/// The part of a guest's stack for host functions, in bytes.
const HOST_STACK_BYTES: usize = 2 << 20;

/// The settings that compiled code depends on, in addition to this file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CodeShape {
    /// Size of the guest's stack, in bytes.
    pub(crate) stack_bytes: usize,
    /// True if the code has a map to the instructions that it was compiled from.
    pub(crate) has_places: bool,
}

/// An engine that runs guests.
pub(crate) struct RunningEngine {
    pub(crate) engine: Engine,
    /// True if only the written pages of memories are reset.
    pub(crate) resets_pages: bool,
}

/// Makes an engine for `limits`: with a pool where the address space allows it, else allocating on
/// demand (containers with a limit on virtual memory). With `whole_stacks`, backtraces have all
/// frames, not only the innermost ones.
pub(crate) fn engine(
    limits: &Limits,
    shape: CodeShape,
    whole_stacks: bool,
) -> wasmtime::Result<RunningEngine> {
    let mut config = base_config(shape);
    if whole_stacks {
        config.wasm_backtrace_max_frames(Some(MAX_FRAMES));
    }
    // An older kernel or a container may not allow the scan for written pages.
    let swaps = fs::read_to_string("/proc/swaps").unwrap_or_default();
    for resets_pages in [true, false] {
        if resets_pages && has_swap_space(&swaps) {
            continue;
        }
        let pool = InstanceAllocationStrategy::Pooling(pool(limits, resets_pages));
        match Engine::new(config.allocation_strategy(pool)) {
            Ok(engine) => return Ok(RunningEngine { engine, resets_pages }),
            Err(error) if resets_pages => tracing::debug!("memory is reset whole: {error:#}"),
            Err(error) => {
                let error = format!("{error:#}");
                tracing::warn!(error, "no instance pool, allocating on demand");
            }
        }
    }
    let engine = Engine::new(config.allocation_strategy(InstanceAllocationStrategy::OnDemand))?;
    Ok(RunningEngine { engine, resets_pages: false })
}

/// Makes an engine that compiles for [`engine`] and runs nothing, so it takes no address space for
/// instances. If `parts` is given, it reuses functions from there and adds new ones.
pub(crate) fn compiling_engine(
    shape: CodeShape,
    parts: Option<Arc<Parts>>,
) -> wasmtime::Result<Engine> {
    let mut config = base_config(shape);
    config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
    if let Some(parts) = parts {
        config.enable_incremental_compilation(parts)?;
    }
    Engine::new(&config)
}

fn base_config(shape: CodeShape) -> Config {
    let CodeShape { stack_bytes, has_places } = shape;
    let mut config = Config::new();
    config
        // Concurrent calls in one instance would double the cost of a host call.
        .concurrency_support(false)
        .consume_fuel(true)
        .operator_cost(operator_cost())
        .epoch_interruption(true)
        .cranelift_nan_canonicalization(true)
        .cranelift_opt_level(OptLevel::Speed)
        .wasm_simd(true)
        .wasm_bulk_memory(true)
        .wasm_multi_value(true)
        .wasm_relaxed_simd(false)
        .relaxed_simd_deterministic(true)
        .wasm_memory64(false)
        // Deterministic: an instruction selects one of several memories by an index in the file,
        // and all of them grow under one limit (`MemoryLimiter`). wasmtime itself needs this to
        // copy text from one nested component to another.
        .wasm_multi_memory(true)
        // Deterministic: sums and products of integers wrap the same on every processor.
        .wasm_extended_const(true)
        // Deterministic: a jump that takes no stack. It costs the fuel of a call, and a function
        // checks fuel and time when it is entered. Small builds of QuickJS consist of such calls.
        .wasm_tail_call(true)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false)
        .max_wasm_stack(stack_bytes)
        // Host functions run on the guest's stack.
        .async_stack_size(stack_bytes.saturating_add(HOST_STACK_BYTES))
        .memory_init_cow(true)
        .native_unwind_info(false)
        .generate_address_map(has_places)
        .wasm_backtrace_max_frames(None);
    config
}

/// Returns the slots of the pool that an instance takes.
pub(crate) fn places_of(needs: Needs) -> usize {
    let by_memories = needs.memories.div_ceil(MEMORIES.into());
    let by_tables = needs.tables.div_ceil(TABLES.into());
    usize::try_from(by_memories.max(by_tables).max(1)).unwrap_or(usize::MAX)
}

/// The pool. With `resets_pages`, `pagemap_scan` finds the pages that a transaction wrote, and only
/// these are reset. Without it, the first bytes of each memory are reset, written or not.
///
/// The scan does not see a page that the kernel has moved to swap space: the next transaction would
/// find the data of the last one. So where there is swap space, the memory is returned to the
/// kernel instead.
fn pool(limits: &Limits, resets_pages: bool) -> PoolingAllocationConfig {
    // Ready instances have their own slots, so a transaction that was admitted always finds one.
    let places = limits.instances.saturating_add(ahead::places(limits.instances));
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(places)
        // Core instances are only counted; they take no address space.
        .total_core_instances(places.saturating_mul(MAX_PARTS))
        // A single component with the most memories and tables fits, however small the pool is.
        .total_memories(places.saturating_mul(MEMORIES).saturating_add(MAX_MEMORIES))
        .total_tables(places.saturating_mul(TABLES).saturating_add(MAX_PARTS))
        .total_stacks(places)
        .max_core_instances_per_component(MAX_PARTS)
        .max_memories_per_component(MAX_MEMORIES)
        .max_tables_per_component(MAX_PARTS)
        .max_component_instance_size(4 << 20)
        .max_core_instance_size(4 << 20)
        .max_memory_size(limits.memory_bytes)
        .table_elements(limits.table_elements)
        .linear_memory_keep_resident(if resets_pages { KEPT_BYTES } else { 64 << 10 })
        .table_keep_resident(64 << 10)
        .pagemap_scan(if resets_pages { Enabled::Yes } else { Enabled::No });
    pool
}

/// Returns true if the machine has swap space; `swaps` is the text of `/proc/swaps`: a heading, and
/// one line for each space.
fn has_swap_space(swaps: &str) -> bool {
    swaps.lines().count() != 1
}

/// Returns the cost of each instruction. The flat costs are wasmtime's defaults (one unit; none for
/// instructions without machine code), pinned by a test. Costs by size are written out here.
pub(crate) fn operator_cost() -> OperatorCost {
    let mut cost = OperatorCost::new();
    cost.variable = VariableOperatorCost {
        memory_copy_per_byte: 1,
        memory_fill_per_byte: 1,
        memory_init_per_byte: 1,
        // The kernel clears a page of 64 KiB, which takes about as long as 200 instructions.
        memory_grow_per_page: 200,
        table_copy_per_element: 1,
        table_fill_per_element: 1,
        table_init_per_element: 1,
        table_grow_per_element: 1,
        array_copy_per_element: 1,
        array_fill_per_element: 1,
        array_new_data_per_element: 1,
        array_init_data_per_element: 1,
        array_new_elem_per_element: 1,
        array_init_elem_per_element: 1,
        array_new_default_per_element: 1,
        array_new_per_element: 1,
    };
    cost
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmcc_types::sha256;

    #[test]
    fn swap_space_is_seen() {
        let head = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
        assert!(!has_swap_space(head));
        assert!(has_swap_space(&format!("{head}/dev/sda2 partition 8388604 0 -2\n")));
        assert!(has_swap_space(""), "nothing is known");
    }

    #[test]
    fn cost_table_is_pinned() {
        // If this fails after an upgrade of wasmtime, fuel would differ between peers of different
        // versions. Set the changed operators back here, or change COST_TABLE.
        let table = format!("{:?}", operator_cost());
        let hash: String = sha256(table.as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!((COST_TABLE, &hash[..16]), ("cost-1", "ba1648ef2c1e92fe"), "{table}");
    }
}
