//! Counts the instances that a component makes of its parts, and their needs. Nested components are
//! compiled once for each instantiation, and modules may be instantiated often. So a file of a few
//! hundred bytes could need more memory than any machine has.

use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind,
    ComponentTypeRef, Encoding, Instance, Payload,
};

use crate::admission::{AdmissionError, invalid};

/// Limit on the core and component instances of one component; the pool allows as many core
/// instances.
pub(crate) const MAX_INSTANCES: u64 = 64;

/// Limit on [`Needs::state_bytes`]. Real components, including interpreters, need a few hundredths
/// of it. The pool limits the memory that is really needed, but there may be no pool.
const MAX_STATE_BYTES: u64 = 16 << 20;

/// Bytes that the process keeps of an instance for each function, global, table, memory or import:
/// at most a reference to a function and its target, six pointers.
const ITEM_BYTES: u64 = 48;

/// Bytes that the process keeps of an instance without any of these.
const INSTANCE_BYTES: u64 = 1 << 10;

/// The needs of one instantiation of a component.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Core and component instances.
    pub instances: u64,
    /// Linear memories.
    pub memories: u64,
    /// Tables.
    pub tables: u64,
    /// Upper bound of the bytes that the host needs for it, without memories and tables.
    pub state_bytes: u64,
}

impl Needs {
    /// The needs of an instance, without those of its module or component.
    const INSTANCE: Self =
        Self { instances: 1, memories: 0, tables: 0, state_bytes: INSTANCE_BYTES };
    /// The needs of an unknown component.
    const UNKNOWN: Self = Self { instances: u64::MAX, memories: 0, tables: 0, state_bytes: 0 };

    fn and(self, other: Self) -> Self {
        Self {
            instances: self.instances.saturating_add(other.instances),
            memories: self.memories.saturating_add(other.memories),
            tables: self.tables.saturating_add(other.tables),
            state_bytes: self.state_bytes.saturating_add(other.state_bytes),
        }
    }

    /// Returns the larger value of each field.
    fn or(self, other: Self) -> Self {
        Self {
            instances: self.instances.max(other.instances),
            memories: self.memories.max(other.memories),
            tables: self.tables.max(other.tables),
            state_bytes: self.state_bytes.max(other.state_bytes),
        }
    }
}

/// Reads a component's sections and counts. Nested parts count as often as they are instantiated.
#[derive(Default)]
pub(crate) struct InstanceCount {
    open: Vec<Scope>,
    /// The largest module so far; used for a module whose position in the file is unknown.
    largest: Needs,
    /// The needs of the whole file; set at its end.
    whole: Needs,
}

/// A module or component whose end was not read yet.
#[derive(Default)]
struct Scope {
    is_component: bool,
    /// The needs of one instantiation of each module, and of each component, by index in this
    /// scope.
    modules: Vec<Needs>,
    components: Vec<Needs>,
    /// The needs of one instantiation of this scope.
    needs: Needs,
}

impl InstanceCount {
    /// Returns the needs of one instantiation of the file.
    pub(crate) fn whole(&self) -> Needs {
        self.whole
    }

    /// Reads the next part of the file.
    pub(crate) fn see(&mut self, payload: &Payload<'_>) -> Result<(), AdmissionError> {
        match payload {
            Payload::Version { encoding, .. } => {
                let is_component = *encoding == Encoding::Component;
                let needs = if is_component { Needs::default() } else { Needs::INSTANCE };
                self.open.push(Scope { is_component, needs, ..Scope::default() });
            }
            Payload::End(_) => self.close(),
            Payload::ImportSection(section) => self.has(section.count(), Needs::default())?,
            Payload::FunctionSection(section) => self.has(section.count(), Needs::default())?,
            Payload::GlobalSection(section) => self.has(section.count(), Needs::default())?,
            Payload::ComponentCanonicalSection(section) => {
                self.has(section.count(), Needs::default())?;
            }
            Payload::MemorySection(section) => {
                self.has(section.count(), Needs { memories: 1, ..Needs::default() })?;
            }
            Payload::TableSection(section) => {
                self.has(section.count(), Needs { tables: 1, ..Needs::default() })?;
            }
            Payload::InstanceSection(section) => {
                for instance in section.clone() {
                    if let Instance::Instantiate { module_index, .. } = instance.map_err(invalid)? {
                        self.add(self.module(0, module_index))?;
                    }
                }
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in section.clone() {
                    let instance = instance.map_err(invalid)?;
                    if let ComponentInstance::Instantiate { component_index, .. } = instance {
                        let inner = self.component(0, component_index);
                        self.add(inner.and(Needs::INSTANCE))?;
                    }
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section.clone() {
                    self.alias(&alias.map_err(invalid)?);
                }
            }
            Payload::ComponentImportSection(section) => {
                for import in section.clone() {
                    match import.map_err(invalid)?.ty {
                        ComponentTypeRef::Component(_) => self.name(Needs::UNKNOWN),
                        ComponentTypeRef::Module(_) => self.name_module(self.largest),
                        _ => {}
                    }
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section.clone() {
                    let export = export.map_err(invalid)?;
                    match export.kind {
                        ComponentExternalKind::Component => {
                            self.name(self.component(0, export.index));
                        }
                        ComponentExternalKind::Module => {
                            self.name_module(self.module(0, export.index));
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Ends a module or component; the enclosing component can instantiate it from here on.
    fn close(&mut self) {
        let Some(Scope { is_component, needs, .. }) = self.open.pop() else { return };
        self.whole = needs;
        if is_component {
            self.name(needs);
        } else {
            self.largest = self.largest.or(needs);
            self.name_module(needs);
        }
    }

    fn alias(&mut self, alias: &ComponentAlias<'_>) {
        match *alias {
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Component, .. } => {
                self.name(Needs::UNKNOWN);
            }
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Module, .. } => {
                self.name_module(self.largest);
            }
            ComponentAlias::Outer { kind, count, index } => match kind {
                ComponentOuterAliasKind::Component => {
                    self.name(self.component(count as usize, index));
                }
                ComponentOuterAliasKind::CoreModule => {
                    self.name_module(self.module(count as usize, index));
                }
                _ => {}
            },
            _ => {}
        }
    }

    /// Assigns the next index to a component.
    fn name(&mut self, needs: Needs) {
        if let Some(scope) = self.open.last_mut() {
            scope.components.push(needs);
        }
    }

    /// Assigns the next index to a module.
    fn name_module(&mut self, needs: Needs) {
        if let Some(scope) = self.open.last_mut() {
            scope.modules.push(needs);
        }
    }

    /// Returns the needs of the component with this index, `levels` outwards. One from outside of
    /// the file is unknown and counts as too much.
    fn component(&self, levels: usize, index: u32) -> Needs {
        let found = self.scope(levels).and_then(|scope| scope.components.get(index as usize));
        found.copied().unwrap_or(Needs::UNKNOWN)
    }

    /// Returns the needs of the module with this index, `levels` outwards.
    fn module(&self, levels: usize, index: u32) -> Needs {
        let found = self.scope(levels).and_then(|scope| scope.modules.get(index as usize));
        found.copied().unwrap_or(self.largest)
    }

    fn scope(&self, levels: usize) -> Option<&Scope> {
        self.open.len().checked_sub(levels + 1).and_then(|at| self.open.get(at))
    }

    /// Adds `count` items to the open scope; each needs `each`.
    fn has(&mut self, count: u32, each: Needs) -> Result<(), AdmissionError> {
        let count = u64::from(count);
        self.add(Needs {
            instances: 0,
            memories: each.memories.saturating_mul(count),
            tables: each.tables.saturating_mul(count),
            state_bytes: ITEM_BYTES.saturating_mul(count),
        })
    }

    fn add(&mut self, needs: Needs) -> Result<(), AdmissionError> {
        let Some(scope) = self.open.last_mut() else { return Ok(()) };
        scope.needs = scope.needs.and(needs);
        if scope.needs.instances > MAX_INSTANCES {
            let what = format!("more than {MAX_INSTANCES} instances, counting nested ones");
            return Err(AdmissionError::Limit { what, limit: MAX_INSTANCES });
        }
        if scope.needs.state_bytes > MAX_STATE_BYTES {
            let what = format!(
                "instances whose functions, globals and imports take {} bytes",
                scope.needs.state_bytes
            );
            return Err(AdmissionError::Limit { what, limit: MAX_STATE_BYTES });
        }
        Ok(())
    }
}
