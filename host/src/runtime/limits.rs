//! What a guest may use. Every limit is the same on all endorsers of a channel, or they disagree.

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
    /// All linear memories of an instance together.
    pub memory_bytes: usize,
    /// Elements of one table.
    pub table_elements: usize,
    /// The guest's stack.
    pub stack_bytes: usize,
    /// One transaction's work: about one unit an instruction, see `engine::operator_cost`.
    pub fuel: u64,
    /// Calls from the guest to the peer.
    pub host_calls: u64,
    /// Data that one call carries from the guest to the peer.
    pub host_call_bytes: usize,
    /// Rows of one batch of a query, in bytes.
    pub query_batch_bytes: usize,
    /// Iterators that are open at the same time.
    pub open_iterators: u32,
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
            memory_bytes: 64 << 20,
            table_elements: 20_000,
            stack_bytes: 512 << 10,
            fuel: 10_000_000_000,
            host_calls: 1_000_000,
            host_call_bytes: 16 << 20,
            query_batch_bytes: 1 << 20,
            open_iterators: 100,
            response_bytes: 10 << 20,
            event_bytes: 1 << 20,
            output_bytes: 64 << 10,
            log_lines: 1_000,
            log_line_bytes: 16 << 10,
            instances: 1_024,
        }
    }
}
