//! Network functions that end the transaction, for components that import but do not need them.
//!
//! A component of shared libraries, for example from componentize-py, contains its whole C library.
//! Its imports are those of the library, even if the chaincode does not use them. Such a component
//! may import `wasi:sockets`, but a call of it ends the transaction and names the function.
//!
//! Does not open a socket.

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker, LinkerInstance, ResourceType};

use crate::failure::{Failure, Stop};
use crate::tx_state::TxState;

const PACKAGE: &str = "wasi:sockets/";

/// The type of all network handles; no value is ever made.
struct Never;

/// Returns true if an import, as written, is an interface of the network.
pub(crate) fn is_network(import: &str) -> bool {
    import.strip_prefix(PACKAGE).is_some_and(|name| name.contains("@0.2."))
}

/// Returns `linker` with all network functions that `component` imports; each ends the transaction.
pub(crate) fn with_refusals(
    linker: &Linker<TxState>,
    component: &Component,
) -> wasmtime::Result<Linker<TxState>> {
    let (mut linker, engine) = (linker.clone(), component.engine());
    // Interfaces also name resources of other interfaces; each is linked at its first occurrence.
    let mut resources = Vec::new();
    for (name, import) in component.component_type().imports(engine) {
        let ComponentItem::ComponentInstance(instance) = import.ty else { continue };
        let mut network = match is_network(name) {
            true => Some(linker.instance(name)?),
            false => None,
        };
        for (item, export) in instance.exports(engine) {
            match (export.ty, &mut network) {
                (ComponentItem::Resource(resource), _) if resources.contains(&resource) => {}
                (ComponentItem::Resource(resource), network) => {
                    resources.push(resource);
                    if let Some(network) = network {
                        network.resource(item, ResourceType::host::<Never>(), |_, _| Ok(()))?;
                    }
                }
                (ComponentItem::ComponentFunc(_), Some(network)) => refuse(network, name, item)?,
                _ => {}
            }
        }
    }
    Ok(linker)
}

fn refuse(
    linked: &mut LinkerInstance<'_, TxState>,
    interface: &str,
    function: &str,
) -> wasmtime::Result<()> {
    let trap = format!("it called {interface}#{function}, but a chaincode has no network");
    linked.func_new(function, move |_, _, _, _| {
        Err(Stop(Failure::Trapped { trap: trap.clone(), stderr: String::new() }).into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_are_network_and_http_is_not() {
        assert!(is_network("wasi:sockets/tcp@0.2.9"));
        for other in ["wasi:sockets/tcp@0.3.0", "wasi:http/types@0.2.9", "wasi:sockets-of/x@0.2.1"]
        {
            assert!(!is_network(other), "{other}");
        }
    }
}
