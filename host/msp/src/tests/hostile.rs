//! Tests that hostile input is answered with an error and never with a panic.

use std::sync::LazyLock;

use proptest::prelude::*;
use prost::Message;

use crate::certificate::MemberCertificate;
use crate::{ChannelConfig, Msp, MspManager, SignaturePolicy, SigningIdentity};
use wasmcc_types::proto::common::{Block, SignaturePolicyEnvelope};
use wasmcc_types::proto::msp::{FabricMspConfig, SerializedIdentity};

use super::authorities::{Authority, config, member_params};
use super::golden;

struct World {
    msps: MspManager,
    config: FabricMspConfig,
    identity: Vec<u8>,
    certificate: Vec<u8>,
    key: String,
    genesis: Vec<u8>,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let root = Authority::root("root");
    let (pem, key) = root.issue(member_params("member", &["unit"]));
    let config = config(&[&root], &[], &pem);
    let certificate = MemberCertificate::from_pem(pem.as_bytes()).unwrap().der;
    let identity = SerializedIdentity { mspid: "TestMSP".to_owned(), id_bytes: pem.into_bytes() };
    World {
        msps: MspManager::new([Msp::from_config(&config).unwrap()]),
        config,
        identity: identity.encode_to_vec(),
        certificate,
        key,
        genesis: golden("mychannel.genesis.block"),
    }
});

#[test]
fn every_truncation_of_an_identity_is_refused() {
    let world = &*WORLD;
    let end = world.identity.len();
    assert!(world.msps.deserialize(&world.identity).is_ok());
    for length in 0..end {
        assert!(world.msps.deserialize(&world.identity[..length]).is_err(), "{length}");
    }
    for length in 0..world.certificate.len() {
        assert!(MemberCertificate::from_der(&world.certificate[..length]).is_err(), "{length}");
    }
}

#[test]
fn nonsense_in_place_of_certificates_is_refused() {
    let identity = |id_bytes: &[u8]| {
        let (mspid, id_bytes) = ("TestMSP".to_owned(), id_bytes.to_vec());
        SerializedIdentity { mspid, id_bytes }.encode_to_vec()
    };
    let bad: [&[u8]; 6] = [
        b"",
        b"garbage",
        b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\n\xff\xfe\n-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----",
    ];
    for bytes in bad {
        assert!(WORLD.msps.deserialize(&identity(bytes)).is_err(), "{bytes:?}");
    }
    let mut trailing = WORLD.certificate.clone();
    trailing.push(0);
    assert!(MemberCertificate::from_der(&trailing).is_err());
}

#[test]
fn every_truncation_of_a_genesis_block_is_refused() {
    let genesis = &WORLD.genesis;
    let read = |bytes: &[u8]| {
        Block::decode(bytes).is_ok_and(|block| ChannelConfig::from_genesis_block(&block).is_ok())
    };
    assert!(read(genesis));
    // The metadata at the end is not part of the configuration.
    for length in (0..genesis.len() - 16).step_by(97) {
        assert!(!read(&genesis[..length]), "{length}");
    }
}

proptest! {
    #[test]
    fn changed_certificates_never_panic(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut der = WORLD.certificate.clone();
        let at = at.index(der.len());
        der[at] = byte;
        if let Ok(certificate) = MemberCertificate::from_der(&der) {
            // Only certificates signed by the CA are accepted, which can be checked here.
            let trusted = Msp::from_config(&WORLD.config).unwrap();
            let pem = pem(&certificate.der);
            prop_assert_eq!(trusted.identity(&pem).is_ok(), certificate.der == WORLD.certificate);
        }
    }

    #[test]
    fn any_bytes_are_no_identity(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(WORLD.msps.deserialize(&bytes).is_err());
    }

    #[test]
    fn changed_identities_never_panic(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut identity = WORLD.identity.clone();
        let at = at.index(identity.len());
        identity[at] = byte;
        let _ = WORLD.msps.deserialize(&identity);
    }

    #[test]
    fn changed_blocks_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = WORLD.genesis.clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(block) = Block::decode(bytes.as_slice()) {
            let _ = ChannelConfig::from_genesis_block(&block);
        }
    }

    #[test]
    fn any_policy_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let envelope = SignaturePolicyEnvelope::decode(bytes.as_slice());
        if let Ok(Ok(policy)) = envelope.map(|envelope| SignaturePolicy::from_envelope(&envelope)) {
            let _ = policy.evaluate_identities(&[]);
        }
    }

    #[test]
    fn changed_keys_never_panic(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut key = WORLD.key.clone().into_bytes();
        let at = at.index(key.len());
        key[at] = byte;
        let certificate = pem(&WORLD.certificate);
        let _ = SigningIdentity::from_pem("TestMSP", &certificate, &key);
    }
}

fn pem(der: &[u8]) -> Vec<u8> {
    super::signing::pem("CERTIFICATE", der).into_bytes()
}
