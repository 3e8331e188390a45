//! Tests that written structures can be read, and that errors name the damaged field.

use std::collections::BTreeMap;
use std::convert::Infallible;

use prost::Message;

use crate::definition::keys::{
    COLLECTIONS, ENDORSEMENT_INFO, SEQUENCE, VALIDATION_INFO, field_key,
};
use crate::definition::{
    CHAINCODE_SOURCES, Definition, Fields, NAMESPACES, Parameters, ReadError, ReadableState,
    WritableState, implicit_collection, implicit_org, local_package, metadata,
    name_in_sequence_key, read_package_id, sequence, sequence_key,
};
use wasmcc_types::proto::lifecycle::state_data::Type;
use wasmcc_types::proto::lifecycle::{ChaincodeEndorsementInfo, StateData, StateMetadata};

/// Rows, and the keys that were read.
#[derive(Debug, Default)]
struct Rows {
    rows: BTreeMap<String, Vec<u8>>,
    asked: Vec<String>,
}

impl ReadableState for Rows {
    type Error = Infallible;

    fn get(&mut self, key: &str) -> Result<Option<Vec<u8>>, Infallible> {
        self.asked.push(key.to_owned());
        Ok(self.rows.get(key).cloned())
    }
}

impl WritableState for Rows {
    fn put(&mut self, key: &str, value: Vec<u8>) -> Result<(), Infallible> {
        self.rows.insert(key.to_owned(), value);
        Ok(())
    }

    fn delete(&mut self, key: &str) -> Result<(), Infallible> {
        self.rows.remove(key);
        Ok(())
    }
}

fn definition() -> Definition {
    let endorsement_info =
        ChaincodeEndorsementInfo { version: "1.0".into(), ..ChaincodeEndorsementInfo::default() };
    Definition { sequence: 3, parameters: Parameters { endorsement_info, ..Parameters::default() } }
}

/// The rows of [`definition`] under the name `cc`.
fn stored() -> Rows {
    let mut rows = Rows::default();
    definition().stored().write(NAMESPACES, "cc", &mut rows).unwrap();
    rows.asked.clear();
    rows
}

fn field(name: &str) -> String {
    field_key(NAMESPACES, "cc", name)
}

#[test]
fn what_is_written_is_read() {
    let mut rows = stored();
    assert_eq!(Definition::find("cc", &mut rows), Ok(Some(definition())));
    assert_eq!(Definition::find("other", &mut rows), Ok(None));
    assert_eq!(sequence("cc", &mut rows), Ok(3));
    assert_eq!(sequence("other", &mut rows), Ok(0));
    definition().parameters.stored().write(NAMESPACES, "cc#3", &mut rows).unwrap();
    assert_eq!(Parameters::read("cc#3", &mut rows), Ok(definition().parameters));
    local_package("label:hash").write(CHAINCODE_SOURCES, "cc#3", &mut rows).unwrap();
    assert_eq!(read_package_id("cc#3", &mut rows), Ok("label:hash".into()));
}

#[test]
fn a_field_is_read_alone_and_collections_after_all_others() {
    let mut rows = stored();
    let metadata = "namespaces/metadata/cc".to_owned();
    let mut fields = Fields::of_chaincode("cc", &mut rows).unwrap().unwrap();
    fields.validation_info().unwrap();
    assert_eq!(rows.asked, [metadata.clone(), field(VALIDATION_INFO)]);
    rows.asked.clear();
    // Damaged fields beside the collections are read but not decoded.
    rows.rows.insert(field(ENDORSEMENT_INFO), vec![0xff]);
    let fields = Fields::of_chaincode("cc", &mut rows).unwrap().unwrap();
    fields.collections_of_whole().unwrap();
    let all = [SEQUENCE, ENDORSEMENT_INFO, VALIDATION_INFO, COLLECTIONS].map(field);
    assert_eq!(rows.asked, [&[metadata][..], &all].concat());
}

#[test]
fn damage_is_told_with_its_key() {
    let data = |value| StateData { r#type: Some(value) }.encode_to_vec();
    let metadata = |datatype: &str| {
        StateMetadata { datatype: datatype.into(), fields: vec![] }.encode_to_vec()
    };
    let beginning = "could not deserialize chaincode definition for chaincode cc: ";
    for (key, value, text) in [
        (
            field(SEQUENCE),
            data(Type::Bytes(vec![])),
            "expected key namespaces/fields/cc/Sequence to encode a value of type Int64, but was \
             []byte",
        ),
        (
            field(ENDORSEMENT_INFO),
            vec![0xff],
            "could not unmarshal state for key namespaces/fields/cc/EndorsementInfo: ",
        ),
        (
            field(VALIDATION_INFO),
            data(Type::Bytes(vec![0xff])),
            "could not unmarshal key namespaces/fields/cc/ValidationInfo to its message: ",
        ),
        (
            field(COLLECTIONS),
            data(Type::String("x".into())),
            "expected key namespaces/fields/cc/Collections to encode a value of type []byte, but \
             was String",
        ),
    ] {
        let mut rows = stored();
        rows.rows.insert(key, value);
        let found = Definition::find("cc", &mut rows).unwrap_err().to_string();
        let found = found.strip_prefix(beginning).unwrap();
        assert!(found.starts_with(text), "{found}");
    }
    for (value, text) in [
        (vec![0xff], "could not unmarshal metadata for namespace namespaces/cc: "),
        (metadata("Other"), "not a chaincode type: Other"),
    ] {
        let mut rows = stored();
        rows.rows.insert("namespaces/metadata/cc".into(), value);
        let found = Fields::of_chaincode("cc", &mut rows).unwrap_err().to_string();
        assert!(found.starts_with(text), "{found}");
    }
}

#[test]
fn a_state_that_cannot_be_read_is_no_damage() {
    let mut state = |_: &str| Err("the disk is gone");
    let error = sequence("cc", &mut state).unwrap_err();
    let text = "could not get state for key namespaces/fields/cc/Sequence: the disk is gone";
    assert_eq!(error.to_string(), text);
    assert!(matches!(error, ReadError::State { error: "the disk is gone", .. }));
    let error = metadata(NAMESPACES, "cc", &mut state).unwrap_err();
    let text = "could not query metadata for namespace namespaces/cc: the disk is gone";
    assert_eq!(error.to_string(), text);
}

#[test]
fn names_are_found_in_keys() {
    assert_eq!(name_in_sequence_key(&sequence_key("cc")), Some("cc"));
    for other in [field(COLLECTIONS).as_str(), "namespaces/metadata/cc", "Sequence", "/Sequence"] {
        assert_eq!(name_in_sequence_key(other), None, "{other}");
    }
    assert_eq!(implicit_org(&implicit_collection("Org1MSP")), Some("Org1MSP"));
    assert_eq!(implicit_org("Org1MSP"), None);
}
