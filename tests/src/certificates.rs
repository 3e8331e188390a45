//! Certificates for TLS, valid and invalid.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256,
    date_time_ymd,
};
use wasmcc_types::{ClientIdentity, ClientTls, ServerTls};

/// A certificate authority.
pub struct Authority {
    certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its private key, as PEM text.
pub type Credentials = (String, String);

impl Authority {
    /// Makes an authority with a name and its own key.
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = key();
        let certificate = params.self_signed(&key).expect("all is set").pem();
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    /// Returns its certificate as PEM text.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Issues a certificate for a server of these names, or for a client.
    pub fn issue(&self, names: &[&str]) -> Credentials {
        self.sign(names, |_| {})
    }

    /// Issues a certificate for a client of this common name.
    pub fn issue_named(&self, common_name: &str) -> Credentials {
        self.sign(&[], |params| {
            params.distinguished_name.push(DnType::CommonName, common_name);
        })
    }

    /// As [`issue`](Self::issue), but the certificate expired in 2021.
    pub fn issue_expired(&self, names: &[&str]) -> Credentials {
        self.sign(names, |params| {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        })
    }

    fn sign(&self, names: &[&str], adjust: impl FnOnce(&mut CertificateParams)) -> Credentials {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("they are names");
        adjust(&mut params);
        let key = key();
        let certificate = params.signed_by(&key, &self.issuer).expect("all is set");
        (certificate.pem(), key.serialize_pem())
    }

    /// Returns a client that trusts servers of this authority.
    pub fn client(&self, identity: Option<Credentials>) -> ClientTls {
        let identity = identity.map(|(certificate, key)| ClientIdentity { certificate, key });
        ClientTls { root: self.certificate.clone(), identity, domain: None }
    }
}

/// Returns a server that may require its clients to have certificates of an authority.
pub fn server((certificate, key): Credentials, clients: Option<&Authority>) -> ServerTls {
    let client_ca = clients.map(|authority| authority.certificate.clone());
    ServerTls { certificate, key, client_ca, client_auth_required: true }
}

fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("there is randomness")
}
