//! Tests signatures made here: low S, minimal DER, and keys of both encodings.

use std::collections::HashSet;

use prost::Message;
use x509_parser::pem::parse_x509_pem;

use crate::curve::Curve;
use crate::signature::Signature;
use crate::{Msp, MspError, Network, NetworkSpec, SigningIdentity};
use wasmcc_types::proto::msp::SerializedIdentity;

use super::authorities::{Authority, member_params};

/// Returns the DER of a SEQUENCE of version 1, the private number, and the curve.
fn sec1(pkcs8_pem: &str) -> Vec<u8> {
    let der = parse_x509_pem(pkcs8_pem.as_bytes()).unwrap().1.contents;
    // In P-256 PKCS#8 the ECPrivateKey is the last element, in an OCTET STRING with a short header.
    let start = der.windows(5).position(|bytes| bytes == [0x02, 0x01, 0x01, 0x04, 0x20]).unwrap();
    der[start - 2..].to_vec()
}

pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in der.chunks(3) {
        let mut bytes = [0; 4];
        bytes[1..=chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes(bytes);
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place)) as usize & 63];
            text.push(if place <= chunk.len() { digit as char } else { '=' });
        }
    }
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

#[test]
fn signatures_verify_and_have_a_low_s() {
    let network = Network::in_memory(&NetworkSpec::default()).unwrap();
    let org = network.org("Org1MSP").unwrap();
    let msp = Msp::from_config(org.msp_config()).unwrap();
    let user = org.user("User1").unwrap();
    let identity = msp.deserialize(user.serialized()).unwrap();
    let mut lengths = HashSet::new();
    for number in 0..200_u32 {
        let message = number.to_be_bytes();
        let signature = user.sign(&message);
        identity.verify(&message, &signature).unwrap();
        let parsed = Signature::from_der(&signature).unwrap();
        assert!(parsed.is_low_s(Curve::P256));
        assert_eq!(parsed.to_der(), signature);
        lengths.insert(signature.len());
        assert!(identity.verify(b"another message", &signature).is_err());
    }
    // R has a leading zero byte at times, S never. Shorter numbers are rare.
    assert!(lengths.contains(&70) && lengths.contains(&71) && !lengths.contains(&72));
}

#[test]
fn both_high_and_low_s_occur_before_normalisation() {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};

    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let random = SystemRandom::new();
    let is_low = |_| {
        let signature = key.sign(&random, b"message").unwrap();
        let signature = Signature::from_der(signature.as_ref()).unwrap();
        assert!(signature.into_low_s(Curve::P256).is_low_s(Curve::P256));
        signature.is_low_s(Curve::P256)
    };
    let (low, high): (Vec<bool>, Vec<bool>) = (0..100).map(is_low).partition(|is_low| *is_low);
    assert!(!low.is_empty() && !high.is_empty());
}

#[test]
fn serialized_identity_keeps_the_text_of_the_file() {
    let ca = Authority::root("ca");
    let (certificate, key) = ca.issue(member_params("member", &[]));
    // Text around the block and line ends are kept; clients send the file unchanged.
    let text = format!("a comment\n{}", certificate.replace('\n', "\r\n"));
    let signer = SigningIdentity::from_pem("TestMSP", text.as_bytes(), key.as_bytes()).unwrap();
    let identity = SerializedIdentity::decode(signer.serialized()).unwrap();
    assert_eq!(identity.mspid, "TestMSP");
    assert_eq!(identity.id_bytes, text.as_bytes());
    assert!(!format!("{signer:?}").contains("BEGIN"));
}

#[test]
fn sec1_keys_are_read() {
    let ca = Authority::root("ca");
    let (certificate, key) = ca.issue(member_params("member", &[]));
    let sec1 = sec1(&key);
    // rcgen leaves the curve out of the inner structure; a SEC 1 file has it after the number.
    let mut with_curve = sec1[2..39].to_vec();
    with_curve.extend([0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]);
    with_curve.extend(&sec1[39..]);
    let mut der = vec![0x30, with_curve.len() as u8];
    der.append(&mut with_curve);
    let curve = pem("EC PARAMETERS", &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]);
    let key = format!("{curve}{}", pem("EC PRIVATE KEY", &der));
    let signer =
        SigningIdentity::from_pem("TestMSP", certificate.as_bytes(), key.as_bytes()).unwrap();
    assert!(!signer.sign(b"message").is_empty());
}

#[test]
fn unusable_keys_are_named() {
    let ca = Authority::root("ca");
    let (certificate, key) = ca.issue(member_params("member", &[]));
    let (_, p384_key) = ca.issue_for(member_params("member", &[]), &rcgen::PKCS_ECDSA_P384_SHA384);
    let (edwards, edwards_key) = ca.issue_for(member_params("member", &[]), &rcgen::PKCS_ED25519);
    let (_, other_key) = ca.issue(member_params("other", &[]));
    let make = |certificate: &str, key: &str| {
        let made = SigningIdentity::from_pem("TestMSP", certificate.as_bytes(), key.as_bytes());
        made.unwrap_err().to_string()
    };
    assert!(make(&certificate, &other_key).contains("does not belong to the certificate"));
    assert!(make(&certificate, &p384_key).contains("not an ECDSA key on the curve of the"));
    assert!(make(&edwards, &edwards_key).contains("neither ECDSA on P-256, P-384 or P-521"));
    assert!(make(&certificate, &certificate).contains("no PEM block PRIVATE KEY"));
    assert!(make(&key, &key).contains("X.509"));
    assert!(matches!(SigningIdentity::from_pem("TestMSP", b"", b""), Err(MspError::Pem)));
}
