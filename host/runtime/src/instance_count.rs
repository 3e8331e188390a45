//! Counts the instances that a component makes of its parts, and what they take. Nested components
//! are compiled once for each instantiation, and modules may be instantiated often, so a few
//! hundred bytes could need more memory than any machine has.

use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind,
    ComponentTypeRef, Encoding, Instance, Payload,
};

use crate::admission::{AdmissionError, invalid};

/// Core and component instances of one component; the pool has room for as many core instances.
pub(crate) const MAX_INSTANCES: u64 = 64;

/// Most bytes of [`Needs::state_bytes`]. Real components, interpreters too, have a few hundredths
/// of it. The pool has its own limit, of what is really needed, but there may be none.
const MAX_STATE_BYTES: u64 = 16 << 20;

/// What the process keeps of an instance for each function, global, table, memory or import: at
/// most a reference to a function and what it leads to, six pointers.
const ITEM_BYTES: u64 = 48;

/// What it keeps of an instance that has none.
const INSTANCE_BYTES: u64 = 1 << 10;

/// What one instantiation of a component takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Core and component instances.
    pub instances: u64,
    /// Linear memories.
    pub memories: u64,
    /// Tables.
    pub tables: u64,
    /// Bytes that the host needs for it beside memories and tables, at most.
    pub state_bytes: u64,
}

impl Needs {
    /// One of the module or component around an instance.
    const INSTANCE: Self =
        Self { instances: 1, memories: 0, tables: 0, state_bytes: INSTANCE_BYTES };
    /// Of a component of which nothing is known.
    const UNKNOWN: Self = Self { instances: u64::MAX, memories: 0, tables: 0, state_bytes: 0 };

    fn and(self, other: Self) -> Self {
        Self {
            instances: self.instances.saturating_add(other.instances),
            memories: self.memories.saturating_add(other.memories),
            tables: self.tables.saturating_add(other.tables),
            state_bytes: self.state_bytes.saturating_add(other.state_bytes),
        }
    }

    /// The larger of both, in each respect.
    fn or(self, other: Self) -> Self {
        Self {
            instances: self.instances.max(other.instances),
            memories: self.memories.max(other.memories),
            tables: self.tables.max(other.tables),
            state_bytes: self.state_bytes.max(other.state_bytes),
        }
    }
}

/// Follows a component's sections and counts, nested ones as often as they are instantiated.
#[derive(Default)]
pub(crate) struct InstanceCount {
    open: Vec<Scope>,
    /// The largest module so far, for one whose place in the file is not known here.
    largest: Needs,
    /// The whole file, when its end was seen.
    whole: Needs,
}

/// A module or component that is still open.
#[derive(Default)]
struct Scope {
    is_component: bool,
    /// For each module, and each component, that can be named here: what one instantiation takes.
    modules: Vec<Needs>,
    components: Vec<Needs>,
    /// What one instantiation of this takes.
    needs: Needs,
}

impl InstanceCount {
    /// What one instantiation of the file takes.
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

    /// A module or component that ends can be named by the component around it.
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

    /// Gives a component the next index.
    fn name(&mut self, needs: Needs) {
        if let Some(scope) = self.open.last_mut() {
            scope.components.push(needs);
        }
    }

    /// Gives a module the next index.
    fn name_module(&mut self, needs: Needs) {
        if let Some(scope) = self.open.last_mut() {
            scope.modules.push(needs);
        }
    }

    /// What a component takes, `levels` outwards. One from outside is unknown and counts as too
    /// much.
    fn component(&self, levels: usize, index: u32) -> Needs {
        let found = self.scope(levels).and_then(|scope| scope.components.get(index as usize));
        found.copied().unwrap_or(Needs::UNKNOWN)
    }

    /// What a module takes, `levels` outwards.
    fn module(&self, levels: usize, index: u32) -> Needs {
        let found = self.scope(levels).and_then(|scope| scope.modules.get(index as usize));
        found.copied().unwrap_or(self.largest)
    }

    fn scope(&self, levels: usize) -> Option<&Scope> {
        self.open.len().checked_sub(levels + 1).and_then(|at| self.open.get(at))
    }

    /// What is open has so many of something, each of which needs this.
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
