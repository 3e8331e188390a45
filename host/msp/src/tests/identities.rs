//! Tests identities: matching principals, other encodings, and the manager's cache.

use crate::certificate::MemberCertificate;
use crate::signature::{Signature, twin_of};
use crate::{Msp, MspManager, Principal, Role};
use prost::Message;
use rcgen::CustomExtension;
use wasmcc_types::proto::common::msp_principal::Classification;
use wasmcc_types::proto::common::{MspPrincipal, OrganizationUnit};
use wasmcc_types::proto::msp::SerializedIdentity;
use wasmcc_types::sha256_all;

use super::authorities::{Authority, member_params};
use super::validation::simple;

#[test]
fn organization_units_are_matched_under_their_chain() {
    let (root, config) = simple();
    let (member, _) = root.issue(member_params("member", &["sales"]));
    let identity = Msp::from_config(&config).unwrap().identity(member.as_bytes()).unwrap();
    // The root may have a high S, so the normalized form is hashed.
    let root = MemberCertificate::from_pem(root.pem.as_bytes()).unwrap();
    let certifiers = sha256_all([root.der.as_slice()]).to_vec();
    let principal = |ou: &str, certifiers: &[u8]| MspPrincipal {
        principal_classification: Classification::OrganizationUnit.into(),
        principal: OrganizationUnit {
            msp_identifier: "TestMSP".to_owned(),
            organizational_unit_identifier: ou.to_owned(),
            certifiers_identifier: certifiers.to_vec(),
        }
        .encode_to_vec(),
    };
    assert!(identity.satisfies(&principal("sales", &certifiers)));
    assert!(!identity.satisfies(&principal("sales", &[])));
    assert!(!identity.satisfies(&principal("other", &certifiers)));
}

/// The certificate with the other S.
fn twin_certificate(pem: &str) -> Vec<u8> {
    let der = x509_parser::pem::parse_x509_pem(pem.as_bytes()).unwrap().1.contents;
    let start = (1..der.len()).rev().find(|&at| {
        der[at] == 0x30 && at >= 3 && der[at - 3] == 0x03 && Signature::from_der(&der[at..]).is_ok()
    });
    let start = start.unwrap();
    let twin = twin_of(&der[start..]);
    let mut content = der[4..start - 3].to_vec();
    content.extend([0x03, twin.len() as u8 + 1, 0]);
    content.extend(twin);
    let length = (content.len() as u16).to_be_bytes();
    let mut result = vec![0x30, 0x82, length[0], length[1]];
    result.append(&mut content);
    result
}

#[test]
fn a_certificate_and_its_twin_are_one_identity() {
    let mut params = member_params("member", &[]);
    // Long enough for two bytes of length, so that the test need not build both forms.
    params.custom_extensions = vec![CustomExtension::from_oid_content(&[1, 2, 3], vec![4; 100])];
    let root = Authority::root("root");
    let (member, _) = root.issue(params);
    let one = MemberCertificate::from_pem(member.as_bytes()).unwrap();
    let twin = twin_certificate(&member);
    let other = MemberCertificate::from_der(&twin).unwrap();
    assert_eq!(one.der, other.der);
    // Bytes after a signature do not make another member: Go refuses such a signature of the CA.
    let mut longer = twin;
    let end = longer.len();
    longer.push(0);
    let start = (0..end).rev().find(|&at| Signature::from_der(&longer[at..]).is_ok()).unwrap();
    longer[start - 2] += 1;
    let length = u16::from_be_bytes([longer[2], longer[3]]) + 1;
    longer[2..4].copy_from_slice(&length.to_be_bytes());
    let longer = MemberCertificate::from_der(&longer).unwrap();
    let ca = MemberCertificate::from_pem(root.pem.as_bytes()).unwrap();
    assert!(one.is_signed_by(&ca) && other.is_signed_by(&ca) && !longer.is_signed_by(&ca));
}

#[test]
fn identity_principals_name_one_certificate() {
    let (root, config) = simple();
    let msps = MspManager::new([Msp::from_config(&config).unwrap()]);
    let serialize = |pem: String| {
        let (mspid, id_bytes) = ("TestMSP".to_owned(), pem.into_bytes());
        SerializedIdentity { mspid, id_bytes }.encode_to_vec()
    };
    let one = serialize(root.issue(member_params("one", &[])).0);
    let two = serialize(root.issue(member_params("two", &[])).0);
    let principal = MspPrincipal {
        principal_classification: Classification::Identity.into(),
        principal: one.clone(),
    };
    assert!(msps.deserialize(&one).unwrap().satisfies(&principal));
    assert!(!msps.deserialize(&two).unwrap().satisfies(&principal));
}

#[test]
fn combined_principals_hold_together() {
    let (root, config) = simple();
    let (member, _) = root.issue(member_params("member", &[]));
    let identity = Msp::from_config(&config).unwrap().identity(member.as_bytes()).unwrap();
    let member = Principal::Member { msp_id: "TestMSP".to_owned() }.to_message().unwrap();
    let admin = Principal::Role { msp_id: "TestMSP".to_owned(), role: Role::Admin };
    let admin = admin.to_message().unwrap();
    let combined = |parts: &[&MspPrincipal]| {
        let mut principal = Vec::new();
        for part in parts {
            let part = part.encode_to_vec();
            principal.extend([0x0a, part.len() as u8]);
            principal.extend(part);
        }
        let principal_classification = Classification::Combined.into();
        MspPrincipal { principal_classification, principal }
    };
    assert!(identity.satisfies(&member) && !identity.satisfies(&admin));
    assert!(identity.satisfies(&combined(&[&member, &member])));
    assert!(!identity.satisfies(&combined(&[&member, &admin])));
    assert!(!identity.satisfies(&combined(&[])));
    let mut nested = member;
    for _ in 0..20 {
        nested = combined(&[&nested]);
    }
    assert_eq!(Principal::parse(&nested), Principal::Nobody);
    let anonymity = Classification::Anonymity.into();
    let anonymous = |principal| MspPrincipal { principal_classification: anonymity, principal };
    assert!(identity.satisfies(&anonymous(vec![])));
    assert!(!identity.satisfies(&anonymous(vec![8, 1])));
}

#[test]
fn the_manager_remembers_identities_within_bounds() {
    let (root, config) = simple();
    let msps = MspManager::new([Msp::from_config(&config).unwrap()]);
    assert_eq!(msps.msp_ids().collect::<Vec<_>>(), ["TestMSP"]);
    let (member, _) = root.issue(member_params("member", &[]));
    let serialize = |mspid: &str, number: usize| {
        let id_bytes = format!("{number}\n{member}").into_bytes();
        SerializedIdentity { mspid: mspid.to_owned(), id_bytes }.encode_to_vec()
    };
    let first = msps.deserialize(&serialize("TestMSP", 0)).unwrap();
    for number in 0..1500 {
        msps.deserialize(&serialize("TestMSP", number)).unwrap();
        // An identity in constant use stays in the cache.
        let again = msps.deserialize(&serialize("TestMSP", 0)).unwrap();
        assert!(std::sync::Arc::ptr_eq(&first, &again));
    }
    let unknown = msps.deserialize(&serialize("OtherMSP", 0)).unwrap_err();
    assert_eq!(unknown.to_string(), "MSP OtherMSP is unknown");
}

#[test]
fn a_combined_principal_has_so_many_parts() {
    let combine = |parts: &[MspPrincipal]| {
        let field = |part: &MspPrincipal| {
            let bytes = part.encode_to_vec();
            let mut field = vec![0x0a];
            prost::encode_length_delimiter(bytes.len(), &mut field).unwrap();
            [field, bytes].concat()
        };
        MspPrincipal {
            principal_classification: Classification::Combined.into(),
            principal: parts.iter().flat_map(field).collect(),
        }
    };
    let member = Principal::Member { msp_id: "TestMSP".to_owned() };
    let part = member.to_message().unwrap();
    let flat = |count: usize| combine(&vec![part.clone(); count]);
    assert_eq!(Principal::parse(&flat(100)), Principal::All(vec![member; 100]));
    assert_eq!(Principal::parse(&flat(101)), Principal::Nobody);
    assert_eq!(Principal::parse(&flat(5_000)), Principal::Nobody);
    // Two principals, and their parts.
    assert_eq!(Principal::parse(&combine(&[flat(49), flat(49)])).parts(), 101);
    assert_eq!(Principal::parse(&combine(&[flat(50), flat(49)])), Principal::Nobody);
}
