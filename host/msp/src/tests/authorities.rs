//! Certificates of every kind, right and wrong, for the other tests.

use rcgen::CertificateParams;
use rcgen::DnType;
use rcgen::IsCa;
use rcgen::Issuer;
use rcgen::KeyPair;
use rcgen::KeyUsagePurpose;
use rcgen::PKCS_ECDSA_P256_SHA256;
use rcgen::SignatureAlgorithm;

use wasmcc_types::proto::msp::FabricMspConfig;

/// A CA under test.
pub(super) struct Authority {
    pub(super) issuer: Issuer<'static, KeyPair>,
    pub(super) pem: String,
    name: String,
}

/// What a CA is like unless a test changes it.
pub(super) fn ca_params(name: &str) -> CertificateParams {
    let mut params = member_params(name, &[]);
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// What a member is like unless a test changes it. rcgen writes one unit at most.
pub(super) fn member_params(name: &str, ous: &[&str]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    for ou in ous {
        params.distinguished_name.push(DnType::OrganizationalUnitName, *ou);
    }
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn new_key(algorithm: &'static SignatureAlgorithm) -> KeyPair {
    KeyPair::generate_for(algorithm).expect("keys can be made")
}

impl Authority {
    pub(super) fn root(name: &str) -> Self {
        Self::root_with(ca_params(name))
    }

    pub(super) fn root_with(params: CertificateParams) -> Self {
        let key = new_key(&PKCS_ECDSA_P256_SHA256);
        let pem = params.self_signed(&key).expect("a certificate can be made").pem();
        let name = common_name(&params);
        Self { issuer: Issuer::new(params, key), pem, name }
    }

    pub(super) fn below(&self, params: CertificateParams) -> Self {
        let key = new_key(&PKCS_ECDSA_P256_SHA256);
        let pem = params.signed_by(&key, &self.issuer).expect("a certificate can be made").pem();
        let name = common_name(&params);
        Self { issuer: Issuer::new(params, key), pem, name }
    }

    /// A member's certificate and key.
    pub(super) fn issue(&self, params: CertificateParams) -> (String, String) {
        self.issue_for(params, &PKCS_ECDSA_P256_SHA256)
    }

    pub(super) fn issue_for(
        &self,
        params: CertificateParams,
        algorithm: &'static SignatureAlgorithm,
    ) -> (String, String) {
        let key = new_key(algorithm);
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate can be made");
        (certificate.pem(), key.serialize_pem())
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

fn common_name(params: &CertificateParams) -> String {
    match params.distinguished_name.get(&DnType::CommonName) {
        Some(rcgen::DnValue::Utf8String(name)) => name.clone(),
        other => panic!("{other:?}"),
    }
}

/// An organization without NodeOUs; `admin` makes it complete.
pub(super) fn config(roots: &[&Authority], inner: &[&Authority], admin: &str) -> FabricMspConfig {
    let pems = |authorities: &[&Authority]| {
        authorities.iter().map(|authority| authority.pem.clone().into_bytes()).collect()
    };
    FabricMspConfig {
        name: "TestMSP".to_owned(),
        root_certs: pems(roots),
        intermediate_certs: pems(inner),
        admins: vec![admin.as_bytes().to_vec()],
        ..FabricMspConfig::default()
    }
}
