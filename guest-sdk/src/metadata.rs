//! The metadata of a chaincode, the answer to `org.hyperledger.fabric:GetMetadata`.
//!
//! It has the form of Fabric's contract API: `info`, `contracts` with their transactions, and the
//! structs among their types in `components.schemas`.
//!
//! Invariant: it depends on the contracts' code only, not on the ledger.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::Contract;
use crate::schemas::Schemas;

/// The contract that every chaincode has.
pub(crate) const SYSTEM_CONTRACT: &str = "org.hyperledger.fabric";

/// The URL of the document's schema, as Fabric's libraries write it.
const SCHEMA: &str =
    "https://hyperledger.github.io/fabric-chaincode-node/release-2.1/api/contract-schema.json";

/// One parameter of a transaction.
pub struct ParameterMetadata {
    /// The name in the contract's code.
    pub name: &'static str,
    /// Its doc comment; may be empty.
    pub description: &'static str,
    /// True if a call needs it.
    pub required: bool,
    /// Schema of the argument.
    pub schema: Value,
}

impl ParameterMetadata {
    fn into_json(self) -> Value {
        let Self { name, description, required, schema } = self;
        let json = json!({ "name": name, "required": required, "schema": schema });
        described(json, description)
    }
}

/// One transaction of a contract.
pub struct TransactionMetadata {
    /// The name that clients use.
    pub name: &'static str,
    /// Its doc comment; may be empty.
    pub description: &'static str,
    /// True if it only reads, so that a client need not submit it.
    pub evaluate: bool,
    /// In the order of the arguments.
    pub parameters: Vec<ParameterMetadata>,
    /// Schema of the result; `null` if there is none.
    pub returns: Value,
}

impl TransactionMetadata {
    fn into_json(self) -> Value {
        let tag = match self.evaluate {
            true => ["evaluate", "EVALUATE"],
            false => ["submit", "SUBMIT"],
        };
        let mut json = json!({ "name": self.name, "tag": tag });
        if !self.parameters.is_empty() {
            let parameters = self.parameters.into_iter();
            json["parameters"] = parameters.map(ParameterMetadata::into_json).collect();
        }
        if !self.returns.is_null() {
            json["returns"] = self.returns;
        }
        described(json, self.description)
    }
}

/// The metadata of a chaincode; the first contract is the default and gives title and version.
pub(crate) fn describe(contracts: &[&dyn Contract]) -> Value {
    let mut schemas = Schemas::default();
    let mut by_name = Map::new();
    for (index, contract) in contracts.iter().enumerate() {
        let transactions = contract.describe(&mut schemas);
        let info = json!({ "title": contract.name(), "version": contract.version() });
        let json = json!({
            "name": contract.name(),
            "info": described(info, contract.description()),
            "default": index == 0,
            "transactions":
                transactions.into_iter().map(TransactionMetadata::into_json).collect::<Vec<_>>(),
        });
        by_name.insert(contract.name().to_owned(), json);
    }
    let system = TransactionMetadata {
        name: "GetMetadata",
        description: "",
        evaluate: true,
        parameters: Vec::new(),
        returns: json!({ "type": "string" }),
    };
    by_name.insert(
        SYSTEM_CONTRACT.to_owned(),
        json!({
            "name": SYSTEM_CONTRACT,
            "info": { "title": SYSTEM_CONTRACT, "version": env!("CARGO_PKG_VERSION") },
            "default": false,
            "transactions": [system.into_json()],
        }),
    );
    let (title, version) =
        contracts.first().map_or(("", ""), |first| (first.name(), first.version()));
    json!({
        "$schema": SCHEMA,
        "info": { "title": title, "version": version },
        "contracts": by_name,
        "components": { "schemas": schemas.components },
    })
}

fn described(mut json: Value, words: &str) -> Value {
    if !words.is_empty() {
        json["description"] = json!(words);
    }
    json
}

#[cfg(test)]
mod tests;
