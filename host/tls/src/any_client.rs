//! Accepts clients whose certificate is optional. Fabric requests one nevertheless
//! (`internal/pkg/comm`, `tls.RequestClientCert`), and some of its clients present a self-signed
//! one.

use std::sync::Arc;

use tokio_rustls::rustls::client::danger::HandshakeSignatureValid;
use tokio_rustls::rustls::pki_types::{CertificateDer, UnixTime};
use tokio_rustls::rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio_rustls::rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

/// Accepts every client that proves it has the private key of its certificate. The issuer is
/// checked later, by the caller.
#[derive(Debug)]
pub(crate) struct AnyClient(pub(crate) Arc<dyn ClientCertVerifier>);

/// True if the first certificate was issued by the verifier's CAs.
pub(crate) fn is_known(verifier: &dyn ClientCertVerifier, chain: &[CertificateDer<'_>]) -> bool {
    chain.split_first().is_some_and(|(own, others)| {
        verifier.verify_client_cert(own, others, UnixTime::now()).is_ok()
    })
}

impl ClientCertVerifier for AnyClient {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, cert, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, cert, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
