//! The metadata of a chaincode, the answer to `org.hyperledger.fabric:GetMetadata`.
//!
//! It has the form of Fabric's contract API: `info`, `contracts` with their transactions, and in
//! `components.schemas` the structs that their types use.
//!
//! Invariant: it depends only on the contracts' code, not on the ledger.

use crate::Contract;
use crate::schema::{Object, Schema, Writer, insert, list};

/// The system contract, which every chaincode has.
pub(crate) const SYSTEM_CONTRACT: &str = "org.hyperledger.fabric";

/// The URL of the document's schema, as Fabric's libraries write it.
const SCHEMA: &str =
    "https://hyperledger.github.io/fabric-chaincode-node/release-2.1/api/contract-schema.json";

/// One parameter of a transaction.
#[derive(Clone, Copy, Debug)]
pub struct ParameterMetadata {
    /// The name in the contract's code.
    pub name: &'static str,
    /// Its doc comment; may be empty.
    pub description: &'static str,
    /// True if a call needs it.
    pub required: bool,
    /// Schema of the argument.
    pub schema: &'static Schema,
}

/// One transaction of a contract.
#[derive(Clone, Copy, Debug)]
pub struct TransactionMetadata {
    /// The name that clients use.
    pub name: &'static str,
    /// Its doc comment; may be empty.
    pub description: &'static str,
    /// True if it only reads, so that a client need not submit it.
    pub evaluate: bool,
    /// In the order of the arguments.
    pub parameters: &'static [ParameterMetadata],
    /// Schema of the result.
    pub returns: &'static Schema,
}

/// The metadata of one contract.
struct Described<'a> {
    name: &'a str,
    version: &'a str,
    description: &'a str,
    is_default: bool,
    transactions: &'static [TransactionMetadata],
}

/// The system contract.
const SYSTEM: Described<'_> = Described {
    name: SYSTEM_CONTRACT,
    version: env!("CARGO_PKG_VERSION"),
    description: "",
    is_default: false,
    transactions: &[TransactionMetadata {
        name: "GetMetadata",
        description: "",
        evaluate: true,
        parameters: &[],
        returns: &Schema::Text { format: "" },
    }],
};

/// Returns the metadata of a chaincode as JSON, with members ordered by name. Title and version are
/// those of the first contract, which is the default.
pub(crate) fn describe(contracts: &[&dyn Contract]) -> String {
    let described = contracts.iter().enumerate().map(|(index, contract)| Described {
        name: contract.name(),
        version: contract.version(),
        description: contract.description(),
        is_default: index == 0,
        transactions: contract.describe(),
    });
    let mut sorted: Vec<Described<'_>> = Vec::new();
    for contract in described.chain([SYSTEM]) {
        insert(&mut sorted, contract, |contract| contract.name);
    }
    // Writing the contracts finds the types; these come first in the document.
    let mut schemas = Writer::default();
    let mut by_name = String::new();
    let mut members = Object::begin(&mut by_name);
    for contract in &sorted {
        contract.write(&mut schemas, members.member(contract.name));
    }
    members.end();

    let mut json = String::new();
    let mut whole = Object::begin(&mut json);
    whole.text("$schema", SCHEMA);
    let mut components = Object::begin(whole.member("components"));
    schemas.components(components.member("schemas"));
    components.end();
    whole.member("contracts").push_str(&by_name);
    let (title, version) =
        contracts.first().map_or(("", ""), |first| (first.name(), first.version()));
    info(whole.member("info"), title, version, "");
    whole.end();
    json
}

impl Described<'_> {
    fn write(&self, schemas: &mut Writer, json: &mut String) {
        let mut contract = Object::begin(json);
        contract.boolean("default", self.is_default);
        info(contract.member("info"), self.name, self.version, self.description);
        contract.text("name", self.name);
        list(contract.member("transactions"), self.transactions, |json, transaction| {
            transaction.write(schemas, json);
        });
        contract.end();
    }
}

impl TransactionMetadata {
    fn write(&self, schemas: &mut Writer, json: &mut String) {
        let mut transaction = Object::begin(json);
        transaction.description(self.description);
        transaction.text("name", self.name);
        if !self.parameters.is_empty() {
            list(transaction.member("parameters"), self.parameters, |json, parameter| {
                let mut object = Object::begin(json);
                object.description(parameter.description);
                object.text("name", parameter.name);
                object.boolean("required", parameter.required);
                schemas.schema(object.member("schema"), parameter.schema, "");
                object.end();
            });
        }
        if !matches!(self.returns, Schema::Nothing) {
            schemas.schema(transaction.member("returns"), self.returns, "");
        }
        let tag = match self.evaluate {
            true => r#"["evaluate","EVALUATE"]"#,
            false => r#"["submit","SUBMIT"]"#,
        };
        transaction.member("tag").push_str(tag);
        transaction.end();
    }
}

fn info(json: &mut String, title: &str, version: &str, description: &str) {
    let mut info = Object::begin(json);
    info.description(description);
    info.text("title", title);
    info.text("version", version);
    info.end();
}

#[cfg(test)]
mod tests;
