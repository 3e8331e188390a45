//! Valid and invalid certificates of every kind, for the other tests.

use rcgen::{
    CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    SignatureAlgorithm,
};

use wasmcc_types::proto::msp::FabricMspConfig;

/// A CA under test.
pub(crate) struct Authority {
    pub(crate) issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
    name: String,
}

/// The parameters of a CA, unless a test changes them.
pub(crate) fn ca_params(name: &str) -> CertificateParams {
    let mut params = member_params(name, &[]);
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// The parameters of a member, unless a test changes them. rcgen writes at most one unit.
pub(crate) fn member_params(name: &str, ous: &[&str]) -> CertificateParams {
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
    pub(crate) fn root(name: &str) -> Self {
        Self::root_with(ca_params(name))
    }

    pub(crate) fn root_with(params: CertificateParams) -> Self {
        Self::root_of(params, new_key(&PKCS_ECDSA_P256_SHA256))
    }

    pub(crate) fn root_of(params: CertificateParams, key: KeyPair) -> Self {
        let pem = params.self_signed(&key).expect("a certificate can be made").pem();
        let name = common_name(&params);
        Self { issuer: Issuer::new(params, key), pem, name }
    }

    pub(crate) fn below(&self, params: CertificateParams) -> Self {
        let key = new_key(&PKCS_ECDSA_P256_SHA256);
        let pem = params.signed_by(&key, &self.issuer).expect("a certificate can be made").pem();
        let name = common_name(&params);
        Self { issuer: Issuer::new(params, key), pem, name }
    }

    /// Issues a member's certificate and key.
    pub(crate) fn issue(&self, params: CertificateParams) -> (String, String) {
        self.issue_for(params, &PKCS_ECDSA_P256_SHA256)
    }

    pub(crate) fn issue_for(
        &self,
        params: CertificateParams,
        algorithm: &'static SignatureAlgorithm,
    ) -> (String, String) {
        let key = new_key(algorithm);
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate can be made");
        (certificate.pem(), key.serialize_pem())
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

fn common_name(params: &CertificateParams) -> String {
    match params.distinguished_name.get(&DnType::CommonName) {
        Some(rcgen::DnValue::Utf8String(name)) => name.clone(),
        other => panic!("{other:?}"),
    }
}

/// Configures an organization without NodeOUs; the `admin` completes it.
pub(crate) fn config(roots: &[&Authority], inner: &[&Authority], admin: &str) -> FabricMspConfig {
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
