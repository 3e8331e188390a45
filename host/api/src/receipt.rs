//! The cost of an endorsement. It is sent in metadata, since Fabric's messages have no field for
//! it.

use serde::{Deserialize, Serialize};
use tonic::metadata::{AsciiMetadataValue, MetadataMap};

use wasmcc_peer::endorser::Processed;
use wasmcc_types::grpc_metadata;

/// Limit for all receipts of an answer, in bytes: clients accept 8 KiB of headers, or a little
/// more.
const HEADER_BYTES: usize = 4 << 10;
/// Maximum size of a receipt without its MSP id.
const FRAME_BYTES: usize = 80;

/// The cost of one organization's endorsement or evaluation. Chaincodes in other processes and
/// system chaincodes have no receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// The organization of the peer.
    pub msp_id: String,
    /// Units of work of the chaincode, without those of the chaincodes that it called.
    pub fuel: u64,
    /// Number of its calls to the peer.
    pub host_calls: u64,
}

impl Receipt {
    /// Returns the receipt for a proposal that an organization's peer processed; None if no
    /// component ran.
    pub(super) fn of(msp_id: &str, processed: &Processed) -> Option<Self> {
        let Processed { fuel, host_calls, .. } = *processed;
        (fuel > 0).then(|| Self { msp_id: msp_id.to_owned(), fuel, host_calls })
    }

    /// Adds the receipts of an answer, up to the limit of its headers.
    pub(super) fn add_all(receipts: &[Self], metadata: &mut MetadataMap) {
        let mut bytes = 0;
        for receipt in receipts {
            bytes += grpc_metadata::RECEIPT.len() + receipt.msp_id.len() + FRAME_BYTES;
            if bytes > HEADER_BYTES {
                return;
            }
            receipt.add_to(metadata);
        }
    }

    /// Adds the receipt to the metadata, besides earlier ones.
    pub(super) fn add_to(&self, metadata: &mut MetadataMap) {
        let json = serde_json::to_string(self).map(|json| ascii(&json));
        let value = json.ok().and_then(|json| AsciiMetadataValue::try_from(json).ok());
        if let Some(value) = value {
            metadata.append(grpc_metadata::RECEIPT, value);
        }
    }

    /// Returns all receipts of an answer or an error.
    pub fn read_all(metadata: &MetadataMap) -> Vec<Self> {
        let values = metadata.get_all(grpc_metadata::RECEIPT).into_iter();
        values.filter_map(|value| serde_json::from_slice(value.as_bytes()).ok()).collect()
    }
}

/// Returns the same JSON in ASCII. Other characters occur only in strings, where they are escaped.
fn ascii(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() {
            text.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            text.push_str(&format!("\\u{unit:04x}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_travel_as_ascii() {
        let of = |msp_id: &str| Receipt { msp_id: msp_id.into(), fuel: u64::MAX, host_calls: 3 };
        let receipts = [of("Org1MSP"), of("\u{e9} \u{1f600} \"MSP\"")];
        let mut metadata = MetadataMap::new();
        receipts.iter().for_each(|receipt| receipt.add_to(&mut metadata));
        assert_eq!(Receipt::read_all(&metadata), receipts);
        let first = metadata.get(grpc_metadata::RECEIPT).unwrap().to_str().unwrap();
        assert_eq!(first, format!(r#"{{"mspId":"Org1MSP","fuel":{},"hostCalls":3}}"#, u64::MAX));
        assert!(Receipt::read_all(&MetadataMap::new()).is_empty());
    }

    #[test]
    fn an_answer_has_as_many_receipts_as_a_client_takes() {
        let of = |n| Receipt { msp_id: format!("Org{n:04}MSP"), fuel: u64::MAX, host_calls: n };
        let receipts: Vec<_> = (0..1_000).map(of).collect();
        let mut metadata = MetadataMap::new();
        Receipt::add_all(&receipts[..20], &mut metadata);
        assert_eq!(Receipt::read_all(&metadata), receipts[..20]);
        let mut metadata = MetadataMap::new();
        Receipt::add_all(&receipts, &mut metadata);
        let all = metadata.get_all(grpc_metadata::RECEIPT).iter();
        let bytes: usize = all.map(|value| grpc_metadata::RECEIPT.len() + value.len()).sum();
        assert!((HEADER_BYTES / 2..=HEADER_BYTES).contains(&bytes), "{bytes}");
    }
}
