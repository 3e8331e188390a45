//! What a chaincode offers, as `org.hyperledger.fabric:GetMetadata` answers it.
//!
//! The shape is the one of Fabric's contract API: `info`, `contracts` with their transactions, and
//! the structs among their types in `components.schemas`.
//!
//! Invariant: it depends on the contracts' code only, not on the ledger.

use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::Contract;

/// The contract that every chaincode has.
pub(crate) const SYSTEM_CONTRACT: &str = "org.hyperledger.fabric";

/// One transaction of a contract.
pub struct TransactionMetadata {
    /// The name that clients use.
    pub name: &'static str,
    /// It only reads: a client need not submit it.
    pub evaluate: bool,
    /// Name and schema of each parameter.
    pub parameters: Vec<(&'static str, Value)>,
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
            json["parameters"] = parameters
                .map(|(name, schema)| json!({ "name": name, "schema": schema }))
                .collect();
        }
        if !self.returns.is_null() {
            json["returns"] = self.returns;
        }
        json
    }
}

/// The structs that were met while describing a chaincode.
#[derive(Default)]
pub struct Schemas {
    components: Map<String, Value>,
    depth: usize,
}

impl Schemas {
    /// Refers to a type by name; `describe` gives its schema where it is met for the first time.
    pub fn refer(&mut self, name: &str, describe: impl FnOnce(&mut Self) -> Value) -> Value {
        if !self.components.contains_key(name) {
            // A type that contains itself is met again while it is described.
            self.components.insert(name.to_owned(), Value::Null);
            self.depth += 1;
            let schema = describe(self);
            self.depth -= 1;
            self.components.insert(name.to_owned(), schema);
        }
        // Fabric's convention: inside of components the bare name, elsewhere the path.
        match self.depth {
            0 => json!({ "$ref": format!("#/components/schemas/{name}") }),
            _ => json!({ "$ref": name }),
        }
    }

    /// The schema of a struct from name, schema and optionality of its fields.
    pub fn object(name: &str, fields: Vec<(&str, Value, bool)>) -> Value {
        let required: Vec<&str> =
            fields.iter().filter(|(_, _, optional)| !optional).map(|(name, ..)| *name).collect();
        let mut json = json!({ "$id": name, "additionalProperties": false, "type": "object" });
        if !required.is_empty() {
            json["required"] = json!(required);
        }
        let properties = fields.into_iter().map(|(name, schema, _)| (name.to_owned(), schema));
        json["properties"] = properties.collect::<Map<_, _>>().into();
        json
    }
}

/// The metadata of a chaincode; the first contract is the default and gives title and version.
pub(crate) fn describe(contracts: &[&dyn Contract]) -> Value {
    let mut schemas = Schemas::default();
    let mut described = Map::new();
    for (index, contract) in contracts.iter().enumerate() {
        let transactions = contract.describe(&mut schemas);
        let json = json!({
            "name": contract.name(),
            "info": { "title": contract.name(), "version": contract.version() },
            "default": index == 0,
            "transactions":
                transactions.into_iter().map(TransactionMetadata::into_json).collect::<Vec<_>>(),
        });
        described.insert(contract.name().to_owned(), json);
    }
    let system = TransactionMetadata {
        name: "GetMetadata",
        evaluate: true,
        parameters: Vec::new(),
        returns: json!({ "type": "string" }),
    };
    described.insert(
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
        "info": { "title": title, "version": version },
        "contracts": described,
        "components": { "schemas": schemas.components },
    })
}
