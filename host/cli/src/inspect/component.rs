//! `wasmcc inspect FILE`: prints a report on a component, with the metadata of its contract.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::Value;

use crate::compiler::runtime_config;
use crate::limits::LimitArgs;
use crate::{check, file, output};
use wasmcc_audit::on_deep_stack;
use wasmcc_runtime::{
    Backend, BackendError, Component, ErrorKind, Invocation, KeyModification, KeyValue, Limits,
    PageRequest, QueryBatch, Reply, Runtime, RuntimeConfig,
};
use wasmcc_types::{Entry, Meter, Response, TxId};

/// Time limit for the contract's call.
const PATIENCE: Duration = Duration::from_secs(10);
/// The function of Fabric's contract API that returns a contract's metadata.
pub(crate) const METADATA: &str = "org.hyperledger.fabric:GetMetadata";

/// Reads and checks the component, calls the contract, and prints.
pub(super) fn run(file: &Path, limits: &LimitArgs, is_json: bool) -> Result<()> {
    let shown = file.display().to_string();
    let wasm = match file::read(file) {
        Ok(wasm) => wasm,
        Err(error) => bail!(
            "cannot read {shown}: {error}; besides a file, these can be inspected: chain, block, \
             tx, rwset, state, history, private, chaincode"
        ),
    };
    let limits = Limits { instances: 1, ..limits.apply(Limits::default()) };
    let runtime = Runtime::new(RuntimeConfig { limits, ..runtime_config()? })?;
    let component = match runtime.load(&wasm) {
        Ok(component) => component,
        Err(why) => bail!("{shown} is refused: {why}"),
    };
    let metadata = on_deep_stack(|| metadata(&runtime, &component))?;
    let (report, limits) = (component.report(), runtime.limits());
    if is_json {
        let mut all = check::as_json(&shown, report, limits);
        all["metadata"] = metadata.as_ref().map_or(Value::Null, Value::clone);
        return output::json(&all);
    }
    output::line(&check::as_text(&shown, report, limits))?;
    match metadata {
        Ok(metadata) => output::line(&functions(&metadata)),
        Err(why) => output::line(&format!("metadata          none: {}", output::shown(&why))),
    }
}

/// Returns the contract's metadata, read without a ledger. Needs a thread with a deep stack: see
/// [`on_deep_stack`].
pub(crate) fn metadata(runtime: &Runtime, component: &Arc<Component>) -> Result<Value, String> {
    let invocation = Invocation {
        entry: Entry::Invoke,
        chaincode: "inspected".into(),
        channel_id: "inspected".into(),
        tx_id: TxId::parse(&"0".repeat(64)).map_err(|error| error.to_string())?,
        args: vec![METADATA.into()],
        decorations: Default::default(),
        proposal: Arc::default(),
        peer_msp_id: String::new(),
        timeout: PATIENCE,
        meter: Arc::new(Meter::unlimited(PATIENCE)),
        share: Arc::default(),
        limits: None,
    };
    let outcome = runtime.invoke(component, invocation, Box::new(NoPeer));
    let response = outcome.map_err(|failure| failure.to_string())?.response;
    if response.status >= Response::ERROR_THRESHOLD {
        return Err(format!("it answers {}: {}", response.status, response.message));
    }
    serde_json::from_slice(&response.payload)
        .map_err(|_| "its answer is not the metadata of a contract".into())
}

/// Returns the transaction functions, one a line.
fn functions(metadata: &Value) -> String {
    let mut lines = Vec::new();
    let contracts = metadata["contracts"].as_object();
    for (contract, described) in contracts.into_iter().flatten() {
        let transactions = described["transactions"].as_array();
        for transaction in transactions.map_or(&[][..], Vec::as_slice) {
            let name = transaction["name"].as_str().unwrap_or_default();
            let parameters = transaction["parameters"].as_array();
            let parameters = parameters.map_or(&[][..], Vec::as_slice).iter();
            let names = parameters.map(|it| it["name"].as_str().unwrap_or_default().to_owned());
            let names = names.collect::<Vec<_>>().join(", ");
            lines.push(output::shown(&format!("{contract}:{name}({names})")));
        }
    }
    match lines.is_empty() {
        true => "functions         none are described".to_owned(),
        false => format!("transactions      {}", lines.join("\n                  ")),
    }
}

/// Refuses all calls: there is no ledger.
struct NoPeer;

fn refused<'a, T>() -> Reply<'a, T> {
    let text = "there is no peer: the component is only being inspected";
    Reply::now(Err(BackendError::new(ErrorKind::Unsupported, text)))
}

impl Backend for NoPeer {
    fn get_state(&mut self, _: &str, _: &str) -> Reply<'_, Option<Vec<u8>>> {
        refused()
    }

    fn put_state(&mut self, _: &str, _: &str, _: Vec<u8>) -> Reply<'_, ()> {
        refused()
    }

    fn del_state(&mut self, _: &str, _: &str) -> Reply<'_, ()> {
        refused()
    }

    fn purge_private_data(&mut self, _: &str, _: &str) -> Reply<'_, ()> {
        refused()
    }

    fn get_private_data_hash(&mut self, _: &str, _: &str) -> Reply<'_, Option<Vec<u8>>> {
        refused()
    }

    fn get_state_metadata(&mut self, _: &str, _: &str) -> Reply<'_, Vec<(String, Vec<u8>)>> {
        refused()
    }

    fn put_state_metadata(&mut self, _: &str, _: &str, _: &str, _: Vec<u8>) -> Reply<'_, ()> {
        refused()
    }

    fn get_state_by_range(
        &mut self,
        _: &str,
        _: &str,
        _: &str,
        _: Option<&PageRequest>,
    ) -> Reply<'_, QueryBatch<KeyValue>> {
        refused()
    }

    fn get_query_result(
        &mut self,
        _: &str,
        _: &str,
        _: Option<&PageRequest>,
    ) -> Reply<'_, QueryBatch<KeyValue>> {
        refused()
    }

    fn get_history_for_key(&mut self, _: &str) -> Reply<'_, QueryBatch<KeyModification>> {
        refused()
    }

    fn query_next(&mut self, _: &str) -> Reply<'_, QueryBatch<KeyValue>> {
        refused()
    }

    fn history_next(&mut self, _: &str) -> Reply<'_, QueryBatch<KeyModification>> {
        refused()
    }

    fn query_close(&mut self, _: &str) -> Reply<'_, ()> {
        Reply::now(Ok(()))
    }

    fn invoke_chaincode(&mut self, _: &str, _: Vec<Vec<u8>>) -> Reply<'_, Response> {
        refused()
    }
}
