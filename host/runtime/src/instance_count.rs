//! Counts the instances that a component makes of its parts. Nested components are compiled once
//! for each instantiation, so a few hundred bytes could need more memory than any machine has.

use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind,
    ComponentTypeRef, Encoding, Instance, Payload,
};

use crate::admission::AdmissionError;

/// Core and component instances of one component; the pool has room for as many core instances.
pub(crate) const MAX_INSTANCES: u64 = 64;

/// Follows a component's sections and counts, nested ones as often as they are instantiated.
#[derive(Default)]
pub(crate) struct InstanceCount {
    open: Vec<Scope>,
}

/// A module or component that is still open.
struct Scope {
    is_component: bool,
    /// For each component that can be named here: the instances that one instantiation makes.
    components: Vec<u64>,
    instances: u64,
}

impl InstanceCount {
    /// Reads the next part of the file.
    pub(crate) fn see(&mut self, payload: &Payload<'_>) -> Result<(), AdmissionError> {
        let invalid = |e: wasmparser::BinaryReaderError| AdmissionError::Invalid(e.to_string());
        match payload {
            Payload::Version { encoding, .. } => {
                let is_component = *encoding == Encoding::Component;
                self.open.push(Scope { is_component, components: Vec::new(), instances: 0 });
            }
            Payload::End(_) => self.close(),
            Payload::InstanceSection(section) => {
                for instance in section.clone() {
                    if let Instance::Instantiate { .. } = instance.map_err(invalid)? {
                        self.add(1)?;
                    }
                }
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in section.clone() {
                    let instance = instance.map_err(invalid)?;
                    if let ComponentInstance::Instantiate { component_index, .. } = instance {
                        let inner = self.component(0, component_index);
                        self.add(inner.saturating_add(1))?;
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
                    if let ComponentTypeRef::Component(_) = import.map_err(invalid)?.ty {
                        self.name(u64::MAX);
                    }
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section.clone() {
                    let export = export.map_err(invalid)?;
                    if export.kind == ComponentExternalKind::Component {
                        self.name(self.component(0, export.index));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A component that ends can be named by the one around it.
    fn close(&mut self) {
        if let Some(scope) = self.open.pop()
            && scope.is_component
        {
            self.name(scope.instances);
        }
    }

    fn alias(&mut self, alias: &ComponentAlias<'_>) {
        match *alias {
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Component, .. } => {
                self.name(u64::MAX);
            }
            ComponentAlias::Outer { kind: ComponentOuterAliasKind::Component, count, index } => {
                self.name(self.component(count as usize, index));
            }
            _ => {}
        }
    }

    /// Gives a component the next index.
    fn name(&mut self, instances: u64) {
        if let Some(scope) = self.open.last_mut() {
            scope.components.push(instances);
        }
    }

    /// The count of a component, `levels` outwards. One from outside is unknown and counts as too
    /// many.
    fn component(&self, levels: usize, index: u32) -> u64 {
        let scope = self.open.len().checked_sub(levels + 1).and_then(|at| self.open.get(at));
        let found = scope.and_then(|scope| scope.components.get(index as usize));
        found.copied().unwrap_or(u64::MAX)
    }

    fn add(&mut self, instances: u64) -> Result<(), AdmissionError> {
        let Some(scope) = self.open.last_mut() else { return Ok(()) };
        scope.instances = scope.instances.saturating_add(instances);
        if scope.instances > MAX_INSTANCES {
            let what = format!("more than {MAX_INSTANCES} instances, counting nested ones");
            return Err(AdmissionError::Limit { what, limit: MAX_INSTANCES });
        }
        Ok(())
    }
}
