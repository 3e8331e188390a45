//! Tests that certificates are accepted and refused as in Go's `crypto/x509`, which Fabric's peers
//! use.

use rcgen::string::{BmpString, TeletexString};
use rcgen::{CustomExtension, DnType, DnValue, IsCa, SanType};

use crate::{Msp, Role};
use wasmcc_types::proto::msp::{FabricMspConfig, FabricOuIdentifier};

use super::authorities::{Authority, ca_params, config, member_params};
use super::validation::{check, node_ous, reason, simple};

/// The type of units, as a custom type: rcgen writes each type only once.
const UNIT: &[u64] = &[2, 5, 4, 11];

fn with_units() -> (Authority, FabricMspConfig) {
    let (root, mut config) = simple();
    config.admins.clear();
    config.fabric_node_ous = Some(node_ous(&root));
    (root, config)
}

fn teletex(text: &str) -> DnValue {
    DnValue::TeletexString(TeletexString::try_from(text).unwrap())
}

fn bmp(text: &str) -> DnValue {
    DnValue::BmpString(BmpString::try_from(text).unwrap())
}

#[test]
fn units_count_in_every_kind_of_text() {
    let (root, config) = with_units();
    let msp = Msp::from_config(&config).unwrap();
    for value in [teletex, bmp] {
        let mut params = member_params("member", &[]);
        params.distinguished_name.push(DnType::CustomDnType(UNIT.to_vec()), value("client"));
        let (member, _) = root.issue(params);
        assert!(msp.identity(member.as_bytes()).unwrap().has_role(Role::Client));
        // A member that is both a client and a peer.
        let mut params = member_params("member", &["client"]);
        params.distinguished_name.push(DnType::CustomDnType(UNIT.to_vec()), value("peer"));
        let (member, _) = root.issue(params);
        assert!(check(&config, &member).contains("more than one organizational unit"));
    }
}

#[test]
fn extensions_are_judged_as_in_go() {
    const NAME: u64 = 17;
    // The last number of the identifier, critical or not, the content, and a part of the refusal.
    let cases: [(u64, bool, &[u8], &str); 30] = [
        (NAME, true, b"\x30\x04\x88\x02\x2a\x03", "critical extension that is not understood"),
        (NAME, false, b"\x30\x04\x88\x02\x2a\x03", ""),
        (NAME, true, b"\x30\x05\x82\x03a.b", ""),
        (NAME, false, b"\x30\x05\x87\x03\x01\x02\x03", "cannot parse IP address"),
        (NAME, false, b"\x30\x04\x82\x02\xc3\xbc", "SAN dNSName is malformed"),
        (NAME, false, b"\x30\x0b\x86\x09http://[a", "cannot parse URI"),
        (NAME, false, b"\x30\x0a\x86\x08http://a", ""),
        (14, true, b"\x04\x01\x07", "incorrectly marked critical"),
        (15, false, b"\x03\x02\x07\x81", "invalid key usage"),
        (19, true, b"\x30\x03\x01\x01\x01", "invalid basic constraints"),
        (19, true, b"\x30\x03\x01\x01\x00", ""),
        (19, true, b"\x30\x03\x02\x01\xff", "invalid basic constraints"),
        // The name constraints of a member have no effect.
        (30, true, b"\x30\x07\xa0\x05\x30\x03\x82\x01a", ""),
        (30, true, b"\x30\x07\xa0\x05\x30\x03\x88\x01*", "critical extension"),
        (30, false, b"\x30\x00", "empty name constraints"),
        (30, false, b"\x30\x0b\xa0\x09\x30\x07\x81\x05a.b@c", ""),
        (30, false, b"\x30\x0c\xa0\x0a\x30\x08\x81\x06a..b@c", "invalid constraint value"),
        (18, false, b"\x05\x00", ""),
        (18, true, b"\x30\x03\x82\x01a", "critical extension"),
        (31, false, b"\x05\x00", "invalid CRL distribution points"),
        (32, false, b"\x30\x06\x30\x04\x06\x02\x2a\x03", ""),
        (32, false, b"\x30\x0c\x30\x04\x06\x02\x2a\x03\x30\x04\x06\x02\x2a\x03", "policies"),
        (33, true, b"\x30\x08\x30\x06\x06\x01\x2a\x06\x01\x2b", ""),
        (35, true, b"\x30\x00", "incorrectly marked critical"),
        (36, true, b"\x30\x03\x80\x01\x00", "requires a policy and has none"),
        (36, true, b"\x30\x03\x80\x01\x01", ""),
        (37, false, b"\x30\x00", ""),
        (37, false, b"\x30\x02\x06\x00", "invalid extended key usages"),
        (54, true, b"\x02\x01\x00", ""),
        (54, true, b"\x05\x00", "invalid inhibit any policy"),
    ];
    let (root, config) = simple();
    let msp = Msp::from_config(&config).unwrap();
    for (number, is_critical, content, refusal) in cases {
        let mut extension =
            CustomExtension::from_oid_content(&[2, 5, 29, number], content.to_vec());
        extension.set_criticality(is_critical);
        let mut params = member_params("member", &[]);
        params.custom_extensions = vec![extension];
        let (member, _) = root.issue(params);
        match (msp.identity(member.as_bytes()), refusal) {
            (Ok(_), "") => {}
            (Ok(_), _) => panic!("{number} {content:02x?} was accepted"),
            (verdict, _) => {
                let text = reason(verdict);
                assert!(!refusal.is_empty() && text.contains(refusal), "{number}: {text}");
            }
        }
    }
}

#[test]
fn extensions_that_go_does_not_know_are_not_looked_at() {
    let (root, config) = simple();
    let mut params = member_params("member", &[]);
    // Bytes that are not valid signed certificate timestamps.
    let scts = [1, 3, 6, 1, 4, 1, 11129, 2, 4, 2];
    params.custom_extensions = vec![CustomExtension::from_oid_content(&scts, vec![5, 0])];
    params.subject_alt_names = vec![SanType::Rfc822Name("a@b".try_into().unwrap())];
    let (member, _) = root.issue(params);
    assert!(Msp::from_config(&config).unwrap().identity(member.as_bytes()).is_ok());
}

#[test]
fn name_constraints_of_a_ca_are_refused_by_name() {
    let (_, mut config) = simple();
    let mut params = ca_params("other");
    let content = b"\x30\x07\xa0\x05\x30\x03\x82\x01a".to_vec();
    params.custom_extensions = vec![CustomExtension::from_oid_content(&[2, 5, 29, 30], content)];
    config.root_certs.push(Authority::root_with(params).pem.into_bytes());
    assert!(reason(Msp::from_config(&config)).contains("name constraints, which are not"));
}

#[test]
fn pem_is_read_as_in_go() {
    let (root, config) = simple();
    let msp = Msp::from_config(&config).unwrap();
    let (member, _) = root.issue(member_params("member", &[]));
    let accepted = [
        member.replace("CERTIFICATE", "ANYTHING"),
        member.replacen("-----\n", "-----\nKey: value\n\n", 1),
        member.replacen("\nM", "\n\tM ", 1),
        format!("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n{member}"),
        format!("{member}anything"),
    ];
    for text in accepted {
        msp.identity(text.as_bytes()).unwrap();
    }
    for text in [member.replace("END CERTIFICATE", "END FOO"), member.replace("-----\n", "----\n")]
    {
        let text = reason(msp.identity(text.as_bytes()));
        assert_eq!(text, "could not decode the PEM structure");
    }
}

#[test]
fn a_root_is_looked_at_as_the_certificates_below_it() {
    let (root, good) = simple();
    let refusal = |edit: fn(&mut rcgen::CertificateParams)| {
        let mut params = ca_params("other");
        edit(&mut params);
        let mut config = good.clone();
        config.root_certs.push(Authority::root_with(params).pem.into_bytes());
        reason(Msp::from_config(&config))
    };
    let text = refusal(|params| params.key_usages = vec![rcgen::KeyUsagePurpose::CrlSign]);
    assert!(text.contains("has a key usage that does not allow to sign certificates"), "{text}");
    let text = refusal(|params| {
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    });
    assert!(text.contains("has an extended key usage that is not compatible"), "{text}");
    let text = refusal(|params| params.not_after = params.not_before);
    assert!(text.contains("expired before it started"), "{text}");
    let text = refusal(|params| params.is_ca = IsCa::ExplicitNoCa);
    assert!(text.contains("is not a CA certificate"), "{text}");
    drop(root);
}

#[test]
fn units_belong_to_cas_without_others_below_them() {
    let root = Authority::root("root");
    let inner = root.below(ca_params("inner"));
    let last = inner.below(ca_params("last"));
    let (admin, _) = last.issue(member_params("admin", &["client"]));
    let mut config = config(&[&root], &[&inner, &last], &admin);
    let unit = |authority: &Authority| FabricOuIdentifier {
        certificate: authority.pem.clone().into_bytes(),
        organizational_unit_identifier: "client".to_owned(),
    };
    config.organizational_unit_identifiers = vec![unit(&last)];
    Msp::from_config(&config).unwrap();
    config.organizational_unit_identifiers.push(unit(&inner));
    assert!(reason(Msp::from_config(&config)).contains("has other CAs below it"));
    config.organizational_unit_identifiers.clear();
    // Disabled units must be valid, too.
    let mut units = node_ous(&last);
    units.enable = false;
    config.fabric_node_ous = Some(units.clone());
    Msp::from_config(&config).unwrap();
    units.peer_ou_identifier = Some(unit(&inner));
    config.fabric_node_ous = Some(units);
    assert!(reason(Msp::from_config(&config)).contains("certificate of a NodeOU"));
}

#[test]
fn a_revocation_list_says_whose_it_is() {
    let (root, mut config) = simple();
    let mut list = super::validation::revocations(&root, &[]).der().to_vec();
    // Replaces the identifier of the authority key identifier by another one.
    let oid = [6, 3, 0x55, 0x1d, 35];
    let at = list.windows(oid.len()).position(|bytes| bytes == oid).unwrap();
    list[at + 4] = 99;
    config.revocation_list = vec![list];
    let text = reason(Msp::from_config(&config));
    let expected = "could not obtain Authority Key Identifier for crl: authorityKeyIdentifier not \
                    found in certificate";
    assert!(text.ends_with(expected), "{text}");
}

#[test]
fn a_listed_admin_may_be_revoked_where_units_name_roles() {
    let (root, mut config) = with_units();
    let mut params = member_params("admin", &["client"]);
    params.serial_number = Some(0x77_u64.into());
    let (admin, _) = root.issue(params);
    config.admins = vec![admin.clone().into_bytes()];
    let admin_of = |config: &FabricMspConfig| {
        Msp::from_config(config)
            .unwrap()
            .identity(admin.as_bytes())
            .map(|it| it.has_role(Role::Admin))
    };
    assert!(admin_of(&config).unwrap());
    config.revocation_list = vec![super::validation::revocations(&root, &[0x77]).der().to_vec()];
    assert!(reason(admin_of(&config)).contains("has been revoked"));
    // The units that members need are not required of a listed admin either.
    config.organizational_unit_identifiers = vec![FabricOuIdentifier {
        certificate: root.pem.clone().into_bytes(),
        organizational_unit_identifier: "sales".to_owned(),
    }];
    assert!(reason(admin_of(&config)).contains("has been revoked"));
    config.fabric_node_ous = None;
    assert!(reason(Msp::from_config(&config)).contains("certificate of an admin"));
}
