//! Tests that signatures of real clients and peers verify, and changed ones do not.

use prost::Message;

use crate::signature::twin_of;
use crate::{ChannelConfig, Msp, MspError, MspManager, Role, SignatureFault};
use wasmcc_types::proto::common::{Envelope, Header, Payload, SignatureHeader};
use wasmcc_types::proto::msp::{FabricMspConfig, FabricNodeOUs, FabricOuIdentifier};
use wasmcc_types::proto::protos::{
    ChaincodeActionPayload, Proposal, ProposalResponse, SignedProposal, Transaction,
};

use super::{golden, golden_block, golden_files};

const SETS: [&str; 2] = ["proposals/go-noinit", "proposals/node-low"];

fn channel(block: &str) -> ChannelConfig {
    ChannelConfig::from_genesis_block(&golden_block(block)).unwrap()
}

/// Returns the signed bytes, the signature and the creator; None if the proposal does not parse.
fn proposal(bytes: &[u8]) -> Option<(Vec<u8>, Vec<u8>, Vec<u8>)> {
    let signed = SignedProposal::decode(bytes).ok()?;
    let proposal = Proposal::decode(signed.proposal_bytes.as_slice()).ok()?;
    let header = Header::decode(proposal.header.as_slice()).ok()?;
    let header = SignatureHeader::decode(header.signature_header.as_slice()).ok()?;
    Some((signed.proposal_bytes, signed.signature, header.creator))
}

#[test]
fn clients_of_both_chaincodes_verify() {
    let config = channel("mychannel.genesis.block");
    for (name, bytes) in SETS.iter().flat_map(|set| golden_files(set, ".signed_proposal.bin")) {
        let parts = proposal(&bytes);
        if name.starts_with("x-garbage") {
            assert!(parts.is_none_or(|(_, _, creator)| creator.is_empty()), "{name}");
            continue;
        }
        let (message, signature, creator) = parts.expect(&name);
        let identity = config.msps().deserialize(&creator).expect(&name);
        assert_eq!(identity.msp_id(), "Org1MSP");
        let verdict = identity.verify(&message, &signature);
        assert_eq!(verdict.is_ok(), !name.starts_with("x-bad-signature"), "{name}: {verdict:?}");
    }
}

#[test]
fn clients_of_the_recorded_channel_verify() {
    let config = channel("channel/b000.block");
    for (name, bytes) in golden_files("channel", ".signedproposal") {
        let (message, signature, creator) = proposal(&bytes).expect(&name);
        let identity = config.msps().deserialize(&creator).expect(&name);
        identity.verify(&message, &signature).expect(&name);
        // The twin is valid for the same key and message, so only the rule of the low S refuses it.
        let verdict = identity.verify(&message, &twin_of(&signature));
        let refused = matches!(verdict, Err(MspError::Signature(SignatureFault::HighS)));
        assert!(refused, "{name}: {verdict:?}");
    }
}

#[test]
fn endorsements_verify() {
    let sets = [
        ("mychannel.genesis.block", SETS[0], ".proposal_response.bin"),
        ("mychannel.genesis.block", SETS[1], ".proposal_response.bin"),
        ("channel/b000.block", "channel", ".proposalresponse"),
    ];
    let mut count = 0;
    for (block, folder, ending) in sets {
        let config = channel(block);
        for (name, bytes) in golden_files(folder, ending) {
            let response = ProposalResponse::decode(bytes.as_slice()).expect(&name);
            let Some(endorsement) = response.endorsement else { continue };
            let endorser = config.msps().deserialize(&endorsement.endorser).expect(&name);
            assert!(endorser.has_role(Role::Peer), "{name}");
            let message = [response.payload, endorsement.endorser].concat();
            endorser.verify(&message, &endorsement.signature).expect(&name);
            count += 1;
        }
    }
    assert!(count > 50, "only {count} endorsements");
}

#[test]
fn every_signature_in_the_recorded_blocks_verifies() {
    let config = channel("channel/b000.block");
    let mut count = 0;
    for (name, _) in golden_files("channel", ".block").into_iter().skip(1) {
        for entry in golden_block(&format!("channel/{name}")).data.unwrap().data {
            let envelope = Envelope::decode(&entry[..]).unwrap();
            let payload = Payload::decode(envelope.payload.as_slice()).unwrap();
            let header = payload.header.unwrap().signature_header;
            let creator = SignatureHeader::decode(header.as_slice()).unwrap().creator;
            let creator = config.msps().deserialize(&creator).expect(&name);
            creator.verify(&envelope.payload, &envelope.signature).expect(&name);
            let Ok(transaction) = Transaction::decode(payload.data.as_slice()) else { continue };
            for action in transaction.actions {
                let action = ChaincodeActionPayload::decode(action.payload.as_slice()).unwrap();
                let action = action.action.unwrap();
                for endorsement in action.endorsements {
                    let endorser = config.msps().deserialize(&endorsement.endorser).expect(&name);
                    let payload = action.proposal_response_payload.clone();
                    let message = [payload, endorsement.endorser].concat();
                    endorser.verify(&message, &endorsement.signature).expect(&name);
                    count += 1;
                }
            }
        }
    }
    assert!(count > 40, "only {count} endorsements");
}

#[test]
fn creators_of_one_network_are_strangers_to_the_other() {
    let config = channel("mychannel.genesis.block");
    let (_, bytes) = golden_files("channel", ".signedproposal").remove(0);
    let (_, _, creator) = proposal(&bytes).unwrap();
    let error = config.msps().deserialize(&creator).unwrap_err();
    assert!(matches!(error, MspError::Chain { .. }), "{error}");
    assert_eq!(error.refused_by(), None);
}

#[test]
fn the_ca_certificate_alone_makes_the_organization() {
    let ca = golden("certs/ca.org1.test-cert.pem");
    let unit = |ou: &str| {
        let organizational_unit_identifier = ou.to_owned();
        Some(FabricOuIdentifier { certificate: ca.clone(), organizational_unit_identifier })
    };
    let msp = Msp::from_config(&FabricMspConfig {
        name: "Org1MSP".to_owned(),
        root_certs: vec![ca.clone()],
        fabric_node_ous: Some(FabricNodeOUs {
            enable: true,
            client_ou_identifier: unit("client"),
            peer_ou_identifier: unit("peer"),
            admin_ou_identifier: unit("admin"),
            orderer_ou_identifier: unit("orderer"),
        }),
        ..FabricMspConfig::default()
    });
    let msps = MspManager::new([msp.unwrap()]);
    let msp = msps.msp("Org1MSP").unwrap();
    for (file, role) in [
        ("User1@org1.test", Role::Client),
        ("Admin@org1.test", Role::Admin),
        ("peer0.org1.test", Role::Peer),
    ] {
        let identity = msp.identity(&golden(&format!("certs/{file}-cert.pem"))).unwrap();
        assert!(identity.has_role(role), "{file}");
        assert!(identity.subject().contains(file), "{}", identity.subject());
    }
    let error = msp.identity(&ca).unwrap_err();
    assert_eq!(error.refused_by(), Some("Org1MSP"), "{error}");
}
