//! Tests which identities are valid members of an organization.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rcgen::{
    CertificateRevocationListParams, CustomExtension, ExtendedKeyUsagePurpose, KeyUsagePurpose,
    RevokedCertParams, SerialNumber,
};
use time::OffsetDateTime;

use crate::{Msp, MspError, Role};
use wasmcc_types::proto::msp::{FabricMspConfig, FabricNodeOUs, FabricOuIdentifier};

use super::authorities::{Authority, ca_params, config, member_params};

/// A root with an admin, and their organization.
pub(crate) fn simple() -> (Authority, FabricMspConfig) {
    let root = Authority::root("root");
    let (admin, _) = root.issue(member_params("admin", &[]));
    let config = config(&[&root], &[], &admin);
    (root, config)
}

pub(crate) fn reason(result: Result<impl Sized, MspError>) -> String {
    let Err(error) = result else { panic!("it was accepted") };
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(error) = source {
        text.push_str(&format!(": {error}"));
        source = error.source();
    }
    text
}

pub(crate) fn check(config: &FabricMspConfig, pem: &str) -> String {
    reason(Msp::from_config(config).unwrap().identity(pem.as_bytes()))
}

#[test]
fn a_member_of_the_root_is_valid() {
    let (root, config) = simple();
    let (member, _) = root.issue(member_params("member", &["sales"]));
    let identity = Msp::from_config(&config).unwrap().identity(member.as_bytes()).unwrap();
    assert_eq!(identity.msp_id(), "TestMSP");
    assert_eq!(identity.ous(), ["sales"]);
    assert!(identity.subject().contains("member"));
    assert!(!identity.has_role(Role::Admin));
}

#[test]
fn expiry_is_only_told_on_request() {
    let (root, config) = simple();
    let mut params = member_params("member", &[]);
    params.not_before = OffsetDateTime::UNIX_EPOCH + time::Duration::days(3650);
    params.not_after = params.not_before + time::Duration::days(1);
    let (member, _) = root.issue(params);
    let identity = Msp::from_config(&config).unwrap().identity(member.as_bytes()).unwrap();
    let end = UNIX_EPOCH + Duration::from_secs(3651 * 24 * 3600);
    assert!(identity.is_expired(SystemTime::now()));
    assert!(identity.is_expired(end + Duration::from_secs(1)));
    assert!(!identity.is_expired(end));
}

#[test]
fn a_stranger_with_the_same_issuer_name_is_refused() {
    let (_, config) = simple();
    let impostor = Authority::root("root");
    let (member, _) = impostor.issue(member_params("member", &[]));
    assert!(check(&config, &member).contains("its issuer did not sign it"));
    let (member, _) = Authority::root("another").issue(member_params("member", &[]));
    assert!(check(&config, &member).contains("issuer is not a CA of the organization"));
}

#[test]
fn a_ca_is_not_an_identity() {
    let (root, config) = simple();
    let inner = root.below(ca_params("inner"));
    for pem in [&root.pem, &inner.pem] {
        let result = Msp::from_config(&config).unwrap().identity(pem.as_bytes());
        assert_eq!(result.as_ref().unwrap_err().refused_by(), Some("TestMSP"));
        assert!(reason(result).contains("CA certificate cannot be used"));
    }
    let foreign = Authority::root("foreign");
    assert!(check(&config, &foreign.pem).contains("not a CA of the organization"));
}

#[test]
fn intermediate_cas_carry_their_members() {
    let root = Authority::root("root");
    let inner = root.below(ca_params("inner"));
    let (admin, _) = inner.issue(member_params("admin", &[]));
    let config = config(&[&root], &[&inner], &admin);
    let msp = Msp::from_config(&config).unwrap();
    assert!(msp.identity(admin.as_bytes()).unwrap().has_role(Role::Admin));
    // Once the root has a CA below it, it may not issue members itself.
    let (member, _) = root.issue(member_params("member", &[]));
    assert!(check(&config, &member).contains("has other CAs below it"));
}

#[test]
fn limits_of_cas_are_kept() {
    let no_signing = |params: &mut rcgen::CertificateParams| {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    };
    let mut params = ca_params("root");
    no_signing(&mut params);
    let root = Authority::root_with(params);
    let (admin, _) = root.issue(member_params("admin", &[]));
    let error = reason(Msp::from_config(&config(&[&root], &[], &admin)));
    assert!(error.contains("does not allow to sign certificates"), "{error}");

    let mut params = ca_params("root");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
    let root = Authority::root_with(params);
    let inner = root.below(ca_params("inner"));
    let (admin, _) = inner.issue(member_params("admin", &[]));
    let error = reason(Msp::from_config(&config(&[&root], &[&inner], &admin)));
    assert!(error.contains("path length"), "{error}");
}

#[test]
fn extended_key_usage_must_allow_servers_as_in_go() {
    let (root, config) = simple();
    let mut params = member_params("member", &[]);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let (member, _) = root.issue(params.clone());
    assert!(check(&config, &member).contains("extended key usage"));
    params.extended_key_usages.push(ExtendedKeyUsagePurpose::ServerAuth);
    let (member, _) = root.issue(params);
    assert!(Msp::from_config(&config).unwrap().identity(member.as_bytes()).is_ok());
}

#[test]
fn unknown_critical_extensions_are_refused() {
    let (root, config) = simple();
    let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
    let mut params = member_params("member", &[]);
    params.custom_extensions = vec![extension.clone()];
    let (member, _) = root.issue(params.clone());
    assert!(Msp::from_config(&config).unwrap().identity(member.as_bytes()).is_ok());
    extension.set_criticality(true);
    params.custom_extensions = vec![extension];
    let (member, _) = root.issue(params);
    assert!(check(&config, &member).contains("critical extension"));
}

#[test]
fn other_keys_are_refused() {
    let (root, config) = simple();
    let (member, _) = root.issue_for(member_params("member", &[]), &rcgen::PKCS_ED25519);
    assert!(check(&config, &member).contains("neither ECDSA on P-256, P-384 or P-521 nor RSA"));
}

/// Makes a revocation list of a CA with these serial numbers.
pub(crate) fn revocations(
    authority: &Authority,
    serials: &[u64],
) -> rcgen::CertificateRevocationList {
    let now = OffsetDateTime::now_utc();
    let revoked = |serial: &u64| RevokedCertParams {
        serial_number: SerialNumber::from(*serial),
        revocation_time: now,
        reason_code: None,
        invalidity_date: None,
    };
    let list = CertificateRevocationListParams {
        this_update: now,
        next_update: now + time::Duration::days(1),
        crl_number: SerialNumber::from(1_u64),
        issuing_distribution_point: None,
        revoked_certs: serials.iter().map(revoked).collect(),
        key_identifier_method: rcgen::KeyIdMethod::Sha256,
    };
    list.signed_by(&authority.issuer).unwrap()
}

#[test]
fn a_revoked_serial_is_refused() {
    let (root, mut config) = simple();
    let mut params = member_params("member", &[]);
    params.serial_number = Some(SerialNumber::from(0x8001_u64));
    let (member, _) = root.issue(params.clone());
    params.serial_number = Some(SerialNumber::from(0x8002_u64));
    let (other, _) = root.issue(params);
    let list = |authority: &Authority| revocations(authority, &[0x8001]);
    // A list of another CA with the same name has no effect.
    let impostor = Authority::root(root.name());
    config.revocation_list = vec![list(&impostor).pem().unwrap().into_bytes()];
    assert!(Msp::from_config(&config).unwrap().identity(member.as_bytes()).is_ok());
    for bytes in [list(&root).pem().unwrap().into_bytes(), list(&root).der().to_vec()] {
        config.revocation_list = vec![bytes];
        let msp = Msp::from_config(&config).unwrap();
        assert!(reason(msp.identity(member.as_bytes())).contains("revoked"));
        assert!(msp.identity(other.as_bytes()).is_ok());
    }
    config.revocation_list = vec![b"garbage".to_vec()];
    assert!(reason(Msp::from_config(&config)).contains("revocation list"));
}

pub(crate) fn node_ous(authority: &Authority) -> FabricNodeOUs {
    let unit = |ou: &str| {
        let certificate = authority.pem.clone().into_bytes();
        Some(FabricOuIdentifier { certificate, organizational_unit_identifier: ou.to_owned() })
    };
    FabricNodeOUs {
        enable: true,
        client_ou_identifier: unit("client"),
        peer_ou_identifier: unit("peer"),
        admin_ou_identifier: unit("admin"),
        orderer_ou_identifier: unit("orderer"),
    }
}

#[test]
fn with_node_ous_exactly_one_role_is_needed() {
    let (root, mut config) = simple();
    config.admins.clear();
    config.fabric_node_ous = Some(node_ous(&root));
    let msp = Msp::from_config(&config).unwrap();
    for (ou, role) in [
        ("client", Role::Client),
        ("peer", Role::Peer),
        ("admin", Role::Admin),
        ("orderer", Role::Orderer),
    ] {
        let (member, _) = root.issue(member_params("member", &[ou]));
        let identity = msp.identity(member.as_bytes()).unwrap();
        let roles = [Role::Client, Role::Peer, Role::Admin, Role::Orderer];
        let held: Vec<Role> = roles.into_iter().filter(|role| identity.has_role(*role)).collect();
        assert_eq!(held, [role]);
    }
    let (member, _) = root.issue(member_params("member", &["sales"]));
    assert!(check(&config, &member).contains("is the client, peer, admin or orderer role"));
    // rcgen writes only one unit, so two roles are tested with the rule itself.
    let ous = ["peer".to_owned(), "client".to_owned()];
    let rules = crate::node_ous::NodeOus::new(
        [(Role::Client, "client"), (Role::Peer, "peer")]
            .map(|(role, ou)| crate::node_ous::NodeOu { role, ou: ou.to_owned(), certifiers: None })
            .into(),
    );
    let refusal = rules.roles(&ous, &[0; 32]).unwrap_err();
    assert!(matches!(refusal, crate::Refusal::ManyRoles { .. }));
}

#[test]
fn a_role_counts_only_under_its_ca() {
    let root = Authority::root("root");
    let (one, two) = (root.below(ca_params("one")), root.below(ca_params("two")));
    let mut config = config(&[&root], &[&one, &two], "");
    config.admins.clear();
    config.fabric_node_ous = Some(node_ous(&one));
    let msp = Msp::from_config(&config).unwrap();
    let (member, _) = one.issue(member_params("member", &["peer"]));
    assert!(msp.identity(member.as_bytes()).is_ok());
    let (member, _) = two.issue(member_params("member", &["peer"]));
    assert!(check(&config, &member).contains("'peer' is not valid under the CA"));
}

#[test]
fn without_an_admin_there_is_no_organization() {
    let (root, mut config) = simple();
    config.admins.clear();
    assert!(reason(Msp::from_config(&config)).contains("administrators must be declared"));
    let mut units = node_ous(&root);
    units.admin_ou_identifier = None;
    config.fabric_node_ous = Some(units);
    assert!(reason(Msp::from_config(&config)).contains("administrators must be declared"));
    let (admin, _) = root.issue(member_params("admin", &["peer"]));
    config.admins = vec![admin.into_bytes()];
    assert!(reason(Msp::from_config(&config)).contains("neither client nor admin"));
    let (admin, _) = root.issue(member_params("admin", &["client"]));
    config.admins = vec![admin.clone().into_bytes()];
    let msp = Msp::from_config(&config).unwrap();
    let admin = msp.identity(admin.as_bytes()).unwrap();
    assert!(admin.has_role(Role::Admin) && admin.has_role(Role::Client));
}

#[test]
fn configurations_without_sense_are_refused() {
    let (root, good) = simple();
    let mut config = good.clone();
    config.name.clear();
    assert!(reason(Msp::from_config(&config)).contains("no name"));
    config = good.clone();
    config.root_certs.clear();
    assert!(reason(Msp::from_config(&config)).contains("at least one CA certificate"));
    config = good.clone();
    let (member, _) = root.issue(member_params("member", &[]));
    config.root_certs = vec![member.into_bytes()];
    assert!(reason(Msp::from_config(&config)).contains("not a CA certificate"));
    config = good.clone();
    config.root_certs = vec![root.below(ca_params("inner")).pem.into_bytes()];
    assert!(reason(Msp::from_config(&config)).contains("not signed by itself"));
    config = good;
    let required = FabricOuIdentifier {
        certificate: root.pem.clone().into_bytes(),
        organizational_unit_identifier: "sales".to_owned(),
    };
    config.organizational_unit_identifiers = vec![required];
    assert!(reason(Msp::from_config(&config)).contains("none of its organizational units"));
}
