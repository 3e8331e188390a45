//! The versions of the WIT package that this host supports at the same time. Their imports share
//! one implementation; `imports::v0_1` converts.
//!
//! Invariant: a version that a release has supported stays supported.

use wasmtime::Store;
use wasmtime::component::InstancePre;
use wasmtime::component::types::{ComponentFunc, ComponentItem, Field, Type};

use crate::bindings::fabric::chaincode::types::Response;
use crate::bindings::{Chaincode, ChaincodePre, v0_1};
use crate::resident::{Located, ResidentPages};
use crate::tx_state::TxState;
use wasmcc_types::Entry;

/// The WIT package of components.
pub(crate) const PACKAGE: &str = "fabric:chaincode";

/// A version of the WIT package that components may be built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    V0_2,
    V0_1,
}

impl Version {
    /// The newest first: if a component exports several contracts, the newest one is called.
    pub(crate) const ALL: [Self; 2] = [Self::V0_2, Self::V0_1];

    /// Returns the export that makes a component a chaincode.
    pub(crate) fn contract(self) -> &'static str {
        match self {
            Self::V0_2 => "fabric:chaincode/contract@0.2.0",
            Self::V0_1 => "fabric:chaincode/contract@0.1.0",
        }
    }

    /// Returns the common beginning of the numbers of all compatible versions.
    pub(crate) fn line(self) -> &'static str {
        match self {
            Self::V0_2 => "0.2.",
            Self::V0_1 => "0.1.",
        }
    }

    /// Returns the interfaces that components may import.
    pub(crate) fn interfaces(self) -> &'static [&'static str] {
        /// Interfaces of 0.1 come first.
        const INTERFACES: &[&str] = &[
            "types",
            "transaction",
            "state",
            "query",
            "private-data",
            "invocation",
            "event",
            "log",
            "rows",
        ];
        match self {
            Self::V0_2 => INTERFACES,
            Self::V0_1 => &INTERFACES[..8],
        }
    }

    /// Returns the version whose interface `name` is; None if this host does not support it.
    pub(crate) fn of(name: &str) -> Option<Self> {
        let (_, number) = name.split_once('@')?;
        Self::ALL.into_iter().find(|version| number.starts_with(version.line()))
    }
}

/// The functions of a contract. Their types are the same in all versions.
const FUNCTIONS: [&str; 2] = ["init", "invoke"];

/// Returns true if a component exports this function of the contract with a type that the host
/// cannot call. wasmtime compares the types only when it makes an instance.
fn has_other_type(version: Version, pre: &InstancePre<TxState>, name: &str) -> bool {
    let (engine, component) = (pre.engine(), pre.component().component_type());
    let contract = component.get_export(engine, version.contract()).map(|export| export.ty);
    let Some(ComponentItem::ComponentInstance(contract)) = contract else { return false };
    match contract.get_export(engine, name).map(|export| export.ty) {
        Some(ComponentItem::ComponentFunc(function)) => !returns_response(&function),
        _ => false,
    }
}

fn returns_response(function: &ComponentFunc) -> bool {
    let mut results = function.results();
    let (Some(Type::Record(response)), None) = (results.next(), results.next()) else {
        return false;
    };
    let is_known = |(number, field): (usize, Field<'_>)| match (number, field.name, field.ty) {
        (0, "status", Type::S32) | (1, "message", Type::String) => true,
        (2, "payload", Type::List(bytes)) => bytes.ty() == Type::U8,
        _ => false,
    };
    let fields = response.fields();
    function.params().len() == 0 && fields.len() == 3 && fields.enumerate().all(is_known)
}

/// A linked component, by the version of its contract.
pub(crate) enum ContractPre {
    V0_2(ChaincodePre<TxState>),
    V0_1(v0_1::ChaincodePre<TxState>),
}

impl ContractPre {
    /// Finds the functions of the contract, and checks their types.
    pub(crate) fn new(version: Version, pre: InstancePre<TxState>) -> wasmtime::Result<Self> {
        let wrong = FUNCTIONS.into_iter().find(|name| has_other_type(version, &pre, name));
        let found = match version {
            Version::V0_2 => Self::V0_2(ChaincodePre::new(pre)?),
            Version::V0_1 => Self::V0_1(v0_1::ChaincodePre::new(pre)?),
        };
        match wrong {
            Some(name) => wasmtime::bail!(
                "`{name}` of {} is not `func() -> response`, where `response` is a record of \
                 `status: s32`, `message: string` and `payload: list<u8>`; build it with the WIT \
                 of this version",
                version.contract(),
            ),
            None => Ok(found),
        }
    }

    /// Makes an instance, which may already run code of the guest.
    pub(crate) async fn instantiate(
        &self,
        store: &mut Store<TxState>,
    ) -> wasmtime::Result<Contract> {
        Ok(match self {
            Self::V0_2(pre) => Contract::V0_2(pre.instantiate_async(store).await?),
            Self::V0_1(pre) => Contract::V0_1(pre.instantiate_async(store).await?),
        })
    }
}

/// The contract of an instance.
pub(crate) enum Contract {
    V0_2(Chaincode),
    V0_1(v0_1::Chaincode),
}

impl Contract {
    /// Calls a function of the contract.
    pub(crate) async fn call(
        &self,
        store: &mut Store<TxState>,
        entry: Entry,
        pages: &ResidentPages,
    ) -> wasmtime::Result<Response> {
        let function = match (self, entry) {
            (Self::V0_2(instance), Entry::Init) => instance.fabric_chaincode_contract().func_init(),
            (Self::V0_2(instance), Entry::Invoke) => {
                instance.fabric_chaincode_contract().func_invoke()
            }
            (Self::V0_1(instance), Entry::Init) => instance.fabric_chaincode_contract().func_init(),
            (Self::V0_1(instance), Entry::Invoke) => {
                instance.fabric_chaincode_contract().func_invoke()
            }
        };
        if !pages.concern(store.data_mut().memory().sizes().memories) {
            return Ok(function.call_async(store, ()).await?.0);
        }
        let function = function.func().typed::<(), (Located<Response>,)>(&*store)?;
        let (Located { value, memory },) = function.call_async(&mut *store, ()).await?;
        pages.after(memory);
        Ok(value)
    }
}
