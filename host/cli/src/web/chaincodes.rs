//! Answers about the chaincodes of a channel: definitions, packages, limits and capabilities,
//! metadata.

use serde_json::{Value, json};

use crate::check;
use crate::inspect::chaincode::{describe, names};
use crate::inspect::component;
use crate::web::bounded::cut;
use crate::web::failure::Failure;
use crate::web::params::Params;
use crate::web::site::{Answer, Site};
use wasmcc_audit::on_deep_stack;
use wasmcc_channel::Channel;
use wasmcc_peer::chaincode::{Code, Guest};
use wasmcc_types::{LIFECYCLE, LSCC};

/// Answers with all chaincodes, and the namespaces with state.
pub(super) fn all(site: &Site, params: &mut Params) -> Result<Answer, Failure> {
    let channel = site.channel(params)?;
    let snapshot = channel.ledger().snapshot();
    let mut chaincodes = Vec::new();
    for name in names(&snapshot)? {
        // A damaged definition becomes a row with the error.
        let mut shown = match describe(&name, &snapshot) {
            Ok(Some(shown)) => shown,
            Ok(None) => continue,
            Err(error) => json!({ "name": name, "error": format!("{error:#}") }),
        };
        let indexes = channel.ledger().indexes_of(&name).into_iter();
        let indexes = indexes.map(|index| {
            json!({ "collection": index.collection, "name": index.name, "built": index.is_built })
        });
        shown["indexes"] = indexes.collect();
        shown["packages"] = packages(site, &channel, &name);
        chaincodes.push(shown);
    }
    let mut namespaces: Vec<&str> =
        chaincodes.iter().filter_map(|chaincode| chaincode["name"].as_str()).collect();
    namespaces.extend([LIFECYCLE, LSCC]);
    let namespaces = json!(namespaces);
    Ok(cut(json!({ "chaincodes": chaincodes, "namespaces": namespaces })).into())
}

/// Describes the packages of a chaincode on this peer.
fn packages(site: &Site, channel: &Channel, name: &str) -> Value {
    let ids = match site.peer.packages_of(channel, name) {
        Ok(ids) => ids,
        Err(error) => return json!([{ "error": error.to_string() }]),
    };
    ids.iter().map(|id| site.describe(&format!("package {id}"), || package(site, id))).collect()
}

fn package(site: &Site, id: &str) -> Value {
    match site.peer.packages().code(id) {
        Ok(Code::Component { .. }) => match guest(site, id) {
            Ok(Guest { component, limits, .. }) => {
                let usual = site.peer.runtime().limits();
                let limits = limits.as_deref().unwrap_or(usual);
                let mut shown = check::as_json(id, component.report(), limits);
                shown["id"] = json!(id);
                shown
            }
            Err(why) => json!({ "id": id, "error": why }),
        },
        Ok(Code::Elsewhere { .. }) => json!({ "id": id, "elsewhere": true }),
        Err(error) => json!({ "id": id, "error": error.to_string() }),
    }
}

/// Returns the component of a package.
fn guest(site: &Site, id: &str) -> Result<Guest, String> {
    let packages = site.peer.packages();
    match packages.code(id).map_err(|error| error.to_string())? {
        Code::Component { wasm, limits } => {
            packages.guest(id, &wasm, &limits).map_err(|error| error.to_string())
        }
        Code::Elsewhere { .. } => Err("it runs in a process of its own".to_owned()),
    }
}

/// Answers with a contract's metadata. A component is asked without a transaction.
pub(super) fn metadata(site: &Site, params: &mut Params) -> Result<Answer, Failure> {
    let channel = site.channel(params)?;
    let name = params.text("chaincode")?;
    let ids = site.peer.packages_of(&channel, &name)?;
    let Some(id) = ids.first() else {
        let why = "this peer has no package of it";
        return Ok(json!({ "metadata": null, "why": why, "elsewhere": true }).into());
    };
    if let Ok(Code::Elsewhere { .. }) = site.peer.packages().code(id) {
        let why = "it runs in a process of its own";
        return Ok(json!({ "metadata": null, "why": why, "elsewhere": true }).into());
    }
    let ask = || {
        let guest = guest(site, id)?;
        let asked = on_deep_stack(|| component::metadata(site.peer.runtime(), &guest.component));
        asked.map_err(|error| error.to_string())?
    };
    let mut failed = None;
    let metadata = site.describe(&format!("metadata {id}"), || {
        ask().unwrap_or_else(|why: String| {
            failed = Some(why);
            Value::Null
        })
    });
    if let Some(why) = failed {
        return Ok(json!({ "metadata": null, "why": why, "elsewhere": false }).into());
    }
    Ok(cut(json!({ "metadata": metadata, "why": null, "elsewhere": false })).into())
}
