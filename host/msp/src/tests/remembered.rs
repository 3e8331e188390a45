//! Tests that signatures are computed only once, and that similar signatures are still checked.

use std::sync::Arc;

use crate::known_signatures::{KNOWN, SignatureEntry};
use crate::signature::Signature;
use crate::{Identity, Msp, MspManager, Network, NetworkSpec, SigningIdentity};
use wasmcc_types::sha256;

const MESSAGE: &[u8] = b"transfer 1 from alice to bob";

/// Users of an organization that no other test uses, with their verifying identities.
struct Members {
    network: Network,
    msps: MspManager,
}

impl Members {
    fn new() -> Self {
        let network = Network::in_memory(&NetworkSpec::default()).unwrap();
        let msp = Msp::from_config(network.org("Org1MSP").unwrap().msp_config()).unwrap();
        Self { network, msps: MspManager::new([msp]) }
    }

    fn user(&self, name: &str) -> (SigningIdentity, Arc<Identity>) {
        let user = self.network.org("Org1MSP").unwrap().user(name).unwrap();
        let identity = self.msps.deserialize(user.serialized()).unwrap();
        (user, identity)
    }
}

fn flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut forged = bytes.to_vec();
    forged[bit / 8] ^= 1 << (bit % 8);
    forged
}

#[test]
fn a_signature_is_computed_once_a_process() {
    let members = Members::new();
    let (user, identity) = members.user("User1");
    let signature = user.sign(MESSAGE);
    for _ in 0..5 {
        identity.verify(MESSAGE, &signature).unwrap();
        identity.verify_digest(&sha256(MESSAGE), &signature).unwrap();
    }
    assert_eq!(identity.verifications(), 1);
    // Nor when the identity is read again, for instance with another configuration.
    let again =
        MspManager::new([
            Msp::from_config(members.network.org("Org1MSP").unwrap().msp_config()).unwrap()
        ]);
    let again = again.deserialize(user.serialized()).unwrap();
    again.verify(MESSAGE, &signature).unwrap();
    assert_eq!(again.verifications(), 0);
}

#[test]
fn what_a_peer_signs_itself_is_known_to_hold() {
    let members = Members::new();
    let peer = members.network.org("Org1MSP").unwrap().peer().unwrap().remembering();
    let identity = members.msps.deserialize(peer.serialized()).unwrap();
    identity.verify(MESSAGE, &peer.sign(MESSAGE)).unwrap();
    assert_eq!(identity.verifications(), 0);
    assert!(identity.verify(b"another message", &peer.sign(MESSAGE)).is_err());
    // Signatures of a client in the same process are verified like any other.
    let (user, identity) = members.user("User1");
    identity.verify(MESSAGE, &user.sign(MESSAGE)).unwrap();
    assert_eq!(identity.verifications(), 1);
}

#[test]
fn neighbours_of_a_remembered_signature_do_not_hold() {
    let members = Members::new();
    let (user, identity) = members.user("User1");
    let signature = user.sign(MESSAGE);
    identity.verify(MESSAGE, &signature).unwrap();
    for bit in 0..MESSAGE.len() * 8 {
        assert!(identity.verify(&flipped(MESSAGE, bit), &signature).is_err(), "message, {bit}");
    }
    for bit in 0..signature.len() * 8 {
        assert!(identity.verify(MESSAGE, &flipped(&signature, bit)).is_err(), "signature, {bit}");
    }
    for cut in 0..MESSAGE.len() {
        assert!(identity.verify(&MESSAGE[..cut], &signature).is_err(), "message of {cut}");
    }
    let (_, other) = members.user("User2");
    assert!(other.verify(MESSAGE, &signature).is_err(), "another key");
    // The signature itself is still valid.
    identity.verify(MESSAGE, &signature).unwrap();
}

#[test]
fn no_bit_of_key_digest_or_signature_is_left_out_of_an_entry() {
    let members = Members::new();
    let (user, identity) = members.user("User1");
    let signature = user.sign(MESSAGE);
    identity.verify(MESSAGE, &signature).unwrap();
    let (digest, signature) = (sha256(MESSAGE), Signature::from_der(&signature).unwrap());
    let key = [4; 65];
    let entry = SignatureEntry::new(&key, &digest, &signature);
    for bit in 0..key.len() * 8 {
        assert_ne!(SignatureEntry::new(&flipped(&key, bit), &digest, &signature), entry);
    }
    for bit in 0..256 {
        let digest = flipped(&digest, bit).try_into().unwrap();
        assert_ne!(SignatureEntry::new(&key, &digest, &signature), entry);
    }
    for length in 0..key.len() {
        assert_ne!(SignatureEntry::new(&key[..length], &digest, &signature), entry);
    }
    assert!(!KNOWN.contains(&entry), "the key is not the one that signed");
}

#[test]
fn a_signature_that_does_not_hold_is_not_remembered() {
    let members = Members::new();
    let (user, identity) = members.user("User1");
    let signature = user.sign(MESSAGE);
    for count in 1..4 {
        assert!(identity.verify(b"another message", &signature).is_err());
        assert_eq!(identity.verifications(), count);
    }
    identity.verify(MESSAGE, &signature).unwrap();
    assert!(identity.verify(b"another message", &signature).is_err());
}
