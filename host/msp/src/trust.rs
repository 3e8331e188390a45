//! The certificate authorities of one organization, and their revocations.
//!
//! Invariant: no clock. Certificates are judged one second after their own start, as in Fabric
//! (msp/mspimplvalidate.go, `getValidityOptsForCert`): a transaction must not become invalid
//! because a certificate has expired since.

use std::collections::HashSet;

use x509_parser::error::X509Error;
use x509_parser::extensions::ParsedExtension;
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;

use crate::certificate::{MemberCertificate, significant};
use crate::error::MspError;
use crate::public_key::CaAlgorithm;
use wasmcc_types::sha256_all;

/// As in Go's crypto/x509: hostile sets of cross-signed CAs have exponentially many chains.
const MAX_SIGNATURE_CHECKS: u32 = 100;

/// Root and intermediate CAs, and the serial numbers that they revoked.
#[derive(Debug)]
pub(crate) struct Trust {
    msp_id: String,
    authorities: Vec<TrustedAuthority>,
}

#[derive(Debug)]
struct TrustedAuthority {
    certificate: MemberCertificate,
    is_root: bool,
    /// True if another CA of the organization is below this one; then it may not issue identities.
    is_inner: bool,
    revoked: HashSet<Vec<u8>>,
}

/// The CAs above a certificate: its issuer first, a root last. Never empty.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AuthorityChain(Vec<usize>);

impl Trust {
    /// Reads PEM certificates, and revocation lists in PEM or DER. Follows msp/mspimplsetup.go,
    /// `setupCAs`, `finalizeSetupCAs` and `setupCRLs`.
    pub(crate) fn new(
        msp_id: &str,
        roots: &[Vec<u8>],
        intermediates: &[Vec<u8>],
        revocation_lists: &[Vec<u8>],
    ) -> Result<Self, MspError> {
        let mut trust = Self { msp_id: msp_id.to_owned(), authorities: Vec::new() };
        for (pems, is_root) in [(roots, true), (intermediates, false)] {
            for pem in pems {
                let part = if is_root { "root certificate" } else { "intermediate certificate" };
                trust.add(pem, is_root).map_err(|error| error.in_part(msp_id, part))?;
            }
        }
        for list in revocation_lists {
            trust.revoke(list).map_err(|error| error.in_part(msp_id, "revocation list"))?;
        }
        trust.mark_inner().map_err(|error| error.in_part(msp_id, "intermediate certificate"))?;
        Ok(trust)
    }

    fn add(&mut self, pem: &[u8], is_root: bool) -> Result<(), MspError> {
        let certificate = MemberCertificate::from_pem(pem)?;
        let unsupported =
            |what| MspError::Unsupported { subject: certificate.subject.clone(), what };
        if !certificate.usage.is_ca {
            return Err(unsupported("is not a CA certificate"));
        }
        if certificate.usage.key_id.is_none() {
            return Err(unsupported("has no subject key identifier"));
        }
        if is_root && !certificate.is_signed_by(&certificate) {
            return Err(unsupported("is not signed by itself"));
        }
        if !self.authorities.iter().any(|known| known.certificate.der == certificate.der) {
            let revoked = HashSet::new();
            self.authorities.push(TrustedAuthority {
                certificate,
                is_root,
                is_inner: false,
                revoked,
            });
        }
        Ok(())
    }

    /// Adds a revocation list. One that none of these CAs signed has no effect.
    fn revoke(&mut self, list: &[u8]) -> Result<(), MspError> {
        let pem = parse_x509_pem(list).ok().map(|(_, block)| block.contents);
        let der = pem.as_deref().unwrap_or(list);
        let (_, list) = CertificateRevocationList::from_der(der)
            .map_err(|error| MspError::X509(error.into()))?;
        let key_id =
            list.extensions().iter().find_map(|extension| match extension.parsed_extension() {
                ParsedExtension::AuthorityKeyIdentifier(id) => id.key_identifier.as_ref(),
                _ => None,
            });
        let key_id = key_id.ok_or(MspError::X509(X509Error::InvalidExtensions))?.0;
        let algorithm = CaAlgorithm::of(&list.signature_algorithm)
            .ok_or(MspError::X509(X509Error::SignatureUnsupportedAlgorithm))?;
        let (signed, signature) = (list.tbs_cert_list.as_ref(), &list.signature_value.data);
        for authority in &mut self.authorities {
            let certificate = &authority.certificate;
            let is_signed = || certificate.key.has_signed(algorithm, signed, signature);
            if certificate.usage.key_id.as_deref() == Some(key_id) && is_signed() {
                let serials = list.iter_revoked_certificates();
                authority.revoked.extend(serials.map(|entry| significant(entry.raw_serial())));
            }
        }
        Ok(())
    }

    fn mark_inner(&mut self) -> Result<(), MspError> {
        let intermediates = self.authorities.iter().filter(|authority| !authority.is_root);
        let mut inner = Vec::new();
        for authority in intermediates {
            let chain = self.chain(&authority.certificate)?;
            if self.is_revoked(&authority.certificate, &chain) {
                let subject = authority.certificate.subject.clone();
                return Err(MspError::Unsupported { subject, what: "has been revoked" });
            }
            inner.extend(chain.0);
        }
        for index in inner {
            self.authorities[index].is_inner = true;
        }
        Ok(())
    }

    /// Returns the chain from the issuer of `certificate` to a root.
    pub(crate) fn chain(
        &self,
        certificate: &MemberCertificate,
    ) -> Result<AuthorityChain, MspError> {
        let mut search = ChainSearch {
            leaf: certificate,
            authorities: &self.authorities,
            chain: Vec::new(),
            found: Vec::new(),
            checks_left: MAX_SIGNATURE_CHECKS,
            obstacle: "its issuer is not a CA of the organization",
        };
        search.extend();
        let obstacle = match search.found.len() {
            1 if certificate.usage.server_auth => {
                return Ok(AuthorityChain(search.found.remove(0)));
            }
            0 => search.obstacle,
            1 => "its extended key usage is not compatible",
            _ => "there is more than one chain",
        };
        Err(MspError::Chain {
            msp_id: self.msp_id.clone(),
            subject: certificate.subject.clone(),
            reason: obstacle,
        })
    }

    /// Returns the chain of an identity, whose issuer must have no CA below it (Fabric:
    /// msp/mspimpl.go, `getValidationChain`).
    pub(crate) fn identity_chain(
        &self,
        certificate: &MemberCertificate,
    ) -> Result<AuthorityChain, MspError> {
        let chain = self.chain(certificate)?;
        if self.issuer(&chain).is_inner {
            return Err(MspError::Chain {
                msp_id: self.msp_id.clone(),
                subject: certificate.subject.clone(),
                reason: "its issuer has other CAs below it",
            });
        }
        Ok(chain)
    }

    pub(crate) fn is_revoked(
        &self,
        certificate: &MemberCertificate,
        chain: &AuthorityChain,
    ) -> bool {
        self.issuer(chain).revoked.contains(&certificate.serial)
    }

    /// SHA-256 of the chain's certificates, Fabric's certifiers identifier.
    pub(crate) fn identifier(&self, chain: &AuthorityChain) -> [u8; 32] {
        let certificates = chain.0.iter().map(|&index| &self.authorities[index].certificate);
        sha256_all(certificates.map(|certificate| certificate.der.as_slice()))
    }

    /// The identifier of a CA of this organization with the chain above it; the CA is given as PEM
    /// (Fabric: msp/mspimplsetup.go, `getCertifiersIdentifier`).
    pub(crate) fn certifiers_identifier(&self, pem: &[u8]) -> Result<[u8; 32], MspError> {
        let wanted = MemberCertificate::from_pem(pem)?;
        let same = |authority: &TrustedAuthority| authority.certificate.der == wanted.der;
        let Some(index) = self.authorities.iter().position(same) else {
            let what = "is not a CA of the organization";
            return Err(MspError::Unsupported { subject: wanted.subject, what });
        };
        let mut chain = AuthorityChain(vec![index]);
        if !self.authorities[index].is_root {
            chain.0.extend(self.chain(&wanted)?.0);
        }
        Ok(self.identifier(&chain))
    }

    /// True if the certificate is that of one of the CAs.
    pub(crate) fn contains(&self, certificate: &MemberCertificate) -> bool {
        self.authorities.iter().any(|authority| authority.certificate.der == certificate.der)
    }

    fn issuer(&self, chain: &AuthorityChain) -> &TrustedAuthority {
        &self.authorities[chain.0[0]]
    }
}

/// A depth-first search over all chains, with the rules of Go's crypto/x509 `Certificate.Verify`.
struct ChainSearch<'a> {
    leaf: &'a MemberCertificate,
    authorities: &'a [TrustedAuthority],
    chain: Vec<usize>,
    found: Vec<Vec<usize>>,
    checks_left: u32,
    obstacle: &'static str,
}

impl ChainSearch<'_> {
    fn extend(&mut self) {
        let child = match self.chain.last() {
            Some(&index) => &self.authorities[index].certificate,
            None => self.leaf,
        };
        for (index, authority) in self.authorities.iter().enumerate() {
            let candidate = &authority.certificate;
            if candidate.raw_subject != child.raw_issuer || self.is_in_chain(candidate) {
                continue;
            }
            if let Some(obstacle) = self.obstacle_of(child, candidate) {
                self.obstacle = obstacle;
                continue;
            }
            self.chain.push(index);
            if authority.is_root {
                self.found.push(self.chain.clone());
            } else {
                self.extend();
            }
            self.chain.pop();
        }
    }

    fn is_in_chain(&self, candidate: &MemberCertificate) -> bool {
        let same = |other: &MemberCertificate| {
            other.raw_subject == candidate.raw_subject && other.key.bytes() == candidate.key.bytes()
        };
        same(self.leaf)
            || self.chain.iter().any(|&index| same(&self.authorities[index].certificate))
    }

    fn obstacle_of(
        &mut self,
        child: &MemberCertificate,
        issuer: &MemberCertificate,
    ) -> Option<&'static str> {
        let length = u32::try_from(self.chain.len()).unwrap_or(u32::MAX);
        if self.checks_left == 0 {
            return Some("there are too many possible chains");
        }
        if !issuer.usage.cert_sign {
            return Some("the key usage of its issuer does not allow to sign certificates");
        }
        if !issuer.usage.server_auth {
            return Some("the extended key usage of its issuer is not compatible");
        }
        if issuer.usage.path_length.is_some_and(|limit| length > limit) {
            return Some("the path length of its issuer is exceeded");
        }
        if !issuer.is_valid_at(self.leaf.not_before.saturating_add(1)) {
            return Some("its issuer was not valid when it was issued");
        }
        if !self.leaf.is_valid_at(self.leaf.not_before.saturating_add(1)) {
            return Some("it expired before it started");
        }
        self.checks_left -= 1;
        (!child.is_signed_by(issuer)).then_some("its issuer did not sign it")
    }
}
