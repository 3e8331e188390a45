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

/// Changes whenever [`operator_cost`] does; part of the compiled cache's key.
pub(crate) const COST_TABLE: &str = "cost-1";

/// Core instances, and tables, of one component.
const MAX_PARTS: u32 = 64;

/// For each place, the pool has so many tables and memories. Components of all languages fit:
/// QuickJS has two of both, the others one memory. One that has more takes several places.
const TABLES: u32 = 3;
const MEMORIES: u32 = 2;
/// Most memories of one component.
const MAX_MEMORIES: u32 = 4;

/// Frames of a whole stack. One has at least 16 bytes, so the default limit has room for as many.
const MAX_FRAMES: NonZeroUsize = NonZeroUsize::new(1 << 15).expect("it is not zero");

/// The part of a guest's stack for host functions, in bytes.
const HOST_STACK_BYTES: usize = 2 << 20;

/// What compiled code depends on, beside this file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CodeShape {
    /// The guest's stack.
    pub(crate) stack_bytes: usize,
    /// Whether the code has a map to the instructions that it was compiled from.
    pub(crate) has_places: bool,
}

/// An engine for `limits`. Pooled where the address space allows it, on demand where it does not
/// (containers with a limit on virtual memory). With `whole_stacks`, a backtrace that is asked for
/// has all frames, not only the innermost.
pub(crate) fn engine(
    limits: &Limits,
    shape: CodeShape,
    whole_stacks: bool,
) -> wasmtime::Result<Engine> {
    let mut config = base_config(shape);
    if whole_stacks {
        config.wasm_backtrace_max_frames(Some(MAX_FRAMES));
    }
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(limits)));
    match Engine::new(&config) {
        Ok(engine) => Ok(engine),
        Err(error) => {
            tracing::warn!(error = %format!("{error:#}"), "no instance pool, allocating on demand");
            config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
            Engine::new(&config)
        }
    }
}

/// An engine that compiles for [`engine`] and runs nothing, so it takes no address space for
/// instances. It takes functions of `parts` and adds others, if there are any.
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
        // No concurrent calls in one instance: that would double the cost of a host call.
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
        // Deterministic: an instruction names one of several memories by an index that the file
        // has, and all of them grow under one limit (`MemoryLimiter`). wasmtime itself needs that
        // to copy text from one nested component to another.
        .wasm_multi_memory(true)
        // Deterministic: sums and products of integers, which wrap the same on every processor.
        .wasm_extended_const(true)
        // Deterministic: a jump that takes no stack. It costs the fuel of a call, and a function
        // asks for fuel and time when it is entered. Small builds of QuickJS are made of them.
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

/// How many places of the pool an instance takes.
pub(crate) fn places_of(needs: Needs) -> usize {
    let by_memories = needs.memories.div_ceil(MEMORIES.into());
    let by_tables = needs.tables.div_ceil(TABLES.into());
    usize::try_from(by_memories.max(by_tables).max(1)).unwrap_or(usize::MAX)
}

/// The pool. `linear_memory_keep_resident` pays only together with `pagemap_scan`, which resets
/// just the pages that a transaction touched.
///
/// The scan does not see a page that the kernel has moved to swap space meanwhile: the next
/// transaction would find what the last one wrote. So where there is swap space, memory is given
/// back to the kernel instead.
fn pool(limits: &Limits) -> PoolingAllocationConfig {
    // Those that are ready before a transaction needs one have their own places, so a transaction
    // that has a place finds an instance.
    let places = limits.instances.saturating_add(ahead::places(limits.instances));
    let swaps = fs::read_to_string("/proc/swaps").unwrap_or_default();
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(places)
        // They are counted and take no address space.
        .total_core_instances(places.saturating_mul(MAX_PARTS))
        // One component with the most of them finds room however few places there are.
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
        .linear_memory_keep_resident(1 << 20)
        .table_keep_resident(64 << 10)
        .pagemap_scan(if has_swap_space(&swaps) { Enabled::No } else { Enabled::Auto });
    pool
}

/// Whether the machine has swap space, by the text of `/proc/swaps`: a head, and a line for each.
fn has_swap_space(swaps: &str) -> bool {
    swaps.lines().count() != 1
}

/// What each instruction costs. The flat costs are wasmtime's defaults (one unit, nothing for what
/// makes no code), pinned by a test; costs by size are written out here.
pub(crate) fn operator_cost() -> OperatorCost {
    let mut cost = OperatorCost::new();
    cost.variable = VariableOperatorCost {
        memory_copy_per_byte: 1,
        memory_fill_per_byte: 1,
        memory_init_per_byte: 1,
        // The kernel clears a page of 64 KiB; about what 200 instructions take.
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
        // versions: set the changed operators back here, or give COST_TABLE a new name.
        let table = format!("{:?}", operator_cost());
        let hash: String = sha256(table.as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!((COST_TABLE, &hash[..16]), ("cost-1", "ba1648ef2c1e92fe"), "{table}");
    }
}
