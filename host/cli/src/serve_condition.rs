//! Health checks and gauges of `wasmcc serve`.

use std::sync::Arc;

use crate::operations::{Disk, FailedCheck, Subject};
use wasmcc_runtime::Runtime;

/// The condition of a process that serves components.
pub(crate) struct ServeCondition {
    pub(crate) runtime: Arc<Runtime>,
    /// None if compiled code is not cached.
    pub(crate) disk: Option<Disk>,
}

impl Subject for ServeCondition {
    fn failed_checks(&self) -> Vec<FailedCheck> {
        let disk = self.disk.as_ref().and_then(Disk::check);
        disk.map(|reason| FailedCheck { component: "cache".into(), reason }).into_iter().collect()
    }

    fn measure(&self) {
        let process = &wasmcc_metrics::get().process;
        let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let memory = self.runtime.shared_memory();
        process.guest_memory_bytes.set(number(memory.used));
        process.guest_memory_limit_bytes.set(number(memory.limit));
        process.components.set(number(self.runtime.components()));
        if let Some(disk) = &self.disk {
            disk.measure();
        }
    }
}
