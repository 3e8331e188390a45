//! The certificate authorities of one organization, and their revocations.
//!
//! Invariant: does not use the clock. Certificates are judged one second after their own start, as
//! in Fabric (msp/mspimplvalidate.go, `getValidityOptsForCert`): a transaction must not become
//! invalid because a certificate has expired since.

use std::collections::{HashMap, HashSet};

use crate::certificate::MemberCertificate;
use crate::error::MspError;
use crate::revocation_list::RevocationList;
use crate::setup_limits::Checks;
use wasmcc_types::proto::msp::FabricMspConfig;
use wasmcc_types::{sha256, sha256_all};

/// The limit of Go's crypto/x509: hostile sets of cross-signed CAs have exponentially many chains.
const MAX_SIGNATURE_CHECKS: u32 = 100;

/// Root and intermediate CAs, and the serial numbers that they revoked.
///
/// Hostile organizations have many CAs with one name, one key or one key identifier. Therefore
/// these are compared only once, when a CA is added, and are represented by numbers.
#[derive(Debug)]
pub(crate) struct Trust {
    msp_id: String,
    authorities: Vec<TrustedAuthority>,
    /// Indexes of the CAs by the SHA-256 of their certificates.
    places: HashMap<[u8; 32], usize>,
    /// The numbers that represent names, keys and key identifiers.
    numbers: HashMap<Vec<u8>, usize>,
    /// Indexes of the CAs by subject, ascending.
    by_subject: HashMap<usize, Vec<usize>>,
    /// By key identifier, the index of one CA for each key.
    by_key_id: HashMap<usize, Vec<usize>>,
    /// Revoked serial numbers by key identifier and key of the CA.
    revoked: HashMap<(usize, usize), HashSet<Vec<u8>>>,
}

#[derive(Debug)]
struct TrustedAuthority {
    certificate: MemberCertificate,
    is_root: bool,
    /// True if another CA of the organization is below this one; it may then not issue identities.
    is_inner: bool,
    subject: usize,
    issuer: usize,
    key: usize,
    key_id: usize,
}

/// The CAs above a certificate: its issuer first, a root last. Never empty.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AuthorityChain(Vec<usize>);

impl Trust {
    /// Reads PEM certificates, and revocation lists in PEM or DER. Follows msp/mspimplsetup.go,
    /// `setupCAs`, `finalizeSetupCAs` and `setupCRLs`.
    pub(crate) fn new(config: &FabricMspConfig, checks: &mut Checks) -> Result<Self, MspError> {
        let msp_id = config.name.as_str();
        let mut trust = Self::empty(msp_id);
        for (pems, is_root) in [(&config.root_certs, true), (&config.intermediate_certs, false)] {
            for pem in pems {
                let part = if is_root { "root certificate" } else { "intermediate certificate" };
                trust.read(pem, is_root, checks).map_err(|error| error.in_part(msp_id, part))?;
            }
        }
        let mut known = HashSet::new();
        for list in config.revocation_list.iter().filter(|list| known.insert(*list)) {
            trust.revoke(list, checks).map_err(|error| error.in_part(msp_id, "revocation list"))?;
        }
        trust
            .mark_inner(checks)
            .map_err(|error| error.in_part(msp_id, "intermediate certificate"))?;
        Ok(trust)
    }

    /// Makes a trust without CAs.
    pub(crate) fn empty(msp_id: &str) -> Self {
        Self {
            msp_id: msp_id.to_owned(),
            authorities: Vec::new(),
            places: HashMap::new(),
            numbers: HashMap::new(),
            by_subject: HashMap::new(),
            by_key_id: HashMap::new(),
            revoked: HashMap::new(),
        }
    }

    fn read(&mut self, pem: &[u8], is_root: bool, checks: &mut Checks) -> Result<(), MspError> {
        let certificate = MemberCertificate::from_pem(pem)?;
        check_authority(&certificate)?;
        // Fabric does not check RSA signatures of roots (msp/mspimpl.go, `sanitizeCert`).
        if is_root && certificate.has_ecdsa_signature() {
            checks.count(certificate.signed_len());
            checks.verdict()?;
            let obstacle = match certificate.usage.cert_sign {
                false => Some("has a key usage that does not allow to sign certificates"),
                true if certificate.is_signed_by(&certificate) => None,
                true => Some("is not signed by itself"),
            };
            if let Some(what) = obstacle {
                return Err(MspError::Unsupported { subject: certificate.subject, what });
            }
        }
        self.add(certificate, is_root)
    }

    /// Adds a CA, unless it is known already. Does not check the CA's own signature.
    pub(crate) fn add(
        &mut self,
        certificate: MemberCertificate,
        is_root: bool,
    ) -> Result<(), MspError> {
        let key_id = check_authority(&certificate)?;
        if is_root && let Some(what) = obstacle_of_root(&certificate) {
            return Err(MspError::Unsupported { subject: certificate.subject, what });
        }
        let place = self.authorities.len();
        let hash = sha256(&certificate.der);
        if self.places.contains_key(&hash) {
            return Ok(());
        }
        self.places.insert(hash, place);
        let parts: [&[u8]; 4] =
            [&certificate.raw_subject, &certificate.raw_issuer, certificate.key.bytes(), key_id];
        let [subject, issuer, key, key_id] = parts.map(|part| number(&mut self.numbers, part));
        self.by_subject.entry(subject).or_default().push(place);
        let signers = self.by_key_id.entry(key_id).or_default();
        if signers.iter().all(|&place| self.authorities[place].key != key) {
            signers.push(place);
        }
        let is_inner = false;
        let authority =
            TrustedAuthority { certificate, is_root, is_inner, subject, issuer, key, key_id };
        self.authorities.push(authority);
        Ok(())
    }

    /// Adds a revocation list. A list that none of these CAs signed has no effect.
    fn revoke(&mut self, list: &[u8], checks: &mut Checks) -> Result<(), MspError> {
        let list = RevocationList::read(list)?;
        let Some(key_id) = self.numbers.get(&list.key_id) else { return Ok(()) };
        for &place in self.by_key_id.get(key_id).into_iter().flatten() {
            let TrustedAuthority { certificate, key, .. } = &self.authorities[place];
            checks.count(list.signed_len());
            checks.verdict()?;
            if list.is_signed_by(&certificate.key) {
                let revoked = self.revoked.entry((*key_id, *key)).or_default();
                revoked.extend(list.serials.iter().cloned());
            }
        }
        Ok(())
    }

    /// Finds the chain of each intermediate CA, and marks the CAs on it. Fails if a CA has no
    /// chain.
    pub(crate) fn mark_inner(&mut self, checks: &mut Checks) -> Result<(), MspError> {
        let intermediates = self.authorities.iter().filter(|authority| !authority.is_root);
        let mut inner = HashSet::new();
        for authority in intermediates {
            let chain = self.chain(&authority.certificate, checks)?;
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
        checks: &mut Checks,
    ) -> Result<AuthorityChain, MspError> {
        let number = |part: &[u8]| self.numbers.get(part).copied();
        let mut search = ChainSearch {
            leaf: certificate,
            leaf_issuer: number(&certificate.raw_issuer),
            leaf_owner: number(&certificate.raw_subject).zip(number(certificate.key.bytes())),
            trust: self,
            chain: Vec::new(),
            found: Vec::new(),
            checks_left: MAX_SIGNATURE_CHECKS,
            checks,
            obstacle: "its issuer is not a CA of the organization",
        };
        search.extend();
        search.checks.verdict()?;
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
        checks: &mut Checks,
    ) -> Result<AuthorityChain, MspError> {
        let chain = self.chain(certificate, checks)?;
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
        let issuer = self.issuer(chain);
        let revoked = self.revoked.get(&(issuer.key_id, issuer.key));
        revoked.is_some_and(|serials| serials.contains(&certificate.serial))
    }

    /// The SHA-256 of the chain's certificates: Fabric's certifiers identifier.
    pub(crate) fn identifier(&self, chain: &AuthorityChain) -> [u8; 32] {
        let certificates = chain.0.iter().map(|&index| &self.authorities[index].certificate);
        sha256_all(certificates.map(|certificate| certificate.der.as_slice()))
    }

    /// The identifier of a CA of this organization and the chain above it. The CA is given as PEM
    /// (Fabric: msp/mspimplsetup.go, `getCertifiersIdentifier`).
    pub(crate) fn certifiers_identifier(
        &self,
        pem: &[u8],
        checks: &mut Checks,
    ) -> Result<[u8; 32], MspError> {
        let wanted = MemberCertificate::from_pem(pem)?;
        let Some(&index) = self.places.get(&sha256(&wanted.der)) else {
            let what = "is not a CA of the organization";
            return Err(MspError::Unsupported { subject: wanted.subject, what });
        };
        let mut chain = AuthorityChain(vec![index]);
        let authority = &self.authorities[index];
        if !authority.is_root {
            if authority.is_inner {
                let what = "has other CAs below it";
                return Err(MspError::Unsupported { subject: wanted.subject, what });
            }
            chain.0.extend(self.chain(&wanted, checks)?.0);
        }
        Ok(self.identifier(&chain))
    }

    /// True if the certificate belongs to one of the CAs.
    pub(crate) fn contains(&self, certificate: &MemberCertificate) -> bool {
        self.places.contains_key(&sha256(&certificate.der))
    }

    fn issuer(&self, chain: &AuthorityChain) -> &TrustedAuthority {
        &self.authorities[chain.0[0]]
    }
}

/// Returns the key identifier of a certificate. Fails if it cannot be a CA's.
fn check_authority(certificate: &MemberCertificate) -> Result<&[u8], MspError> {
    let unsupported = |what| MspError::Unsupported { subject: certificate.subject.clone(), what };
    if !certificate.usage.is_ca {
        return Err(unsupported("is not a CA certificate"));
    }
    let key_id = certificate.usage.key_id.as_deref();
    key_id.ok_or_else(|| unsupported("has no subject key identifier"))
}

/// Returns why Go's `Certificate.Verify` refuses a root as the verified certificate.
fn obstacle_of_root(certificate: &MemberCertificate) -> Option<&'static str> {
    if !certificate.is_valid_at(certificate.not_before.saturating_add(1)) {
        return Some("expired before it started");
    }
    let is_compatible = certificate.usage.server_auth;
    (!is_compatible).then_some("has an extended key usage that is not compatible")
}

/// Returns the number of a name, key or key identifier; assigns one if it is new.
fn number(numbers: &mut HashMap<Vec<u8>, usize>, part: &[u8]) -> usize {
    if let Some(&number) = numbers.get(part) {
        return number;
    }
    let number = numbers.len();
    numbers.insert(part.to_vec(), number);
    number
}

/// A depth-first search over all chains, with the rules of Go's crypto/x509 `Certificate.Verify`.
struct ChainSearch<'a> {
    leaf: &'a MemberCertificate,
    /// The number of the issuer's name; None if no CA has it.
    leaf_issuer: Option<usize>,
    /// The numbers of subject and key; None if no CA has one of them.
    leaf_owner: Option<(usize, usize)>,
    trust: &'a Trust,
    chain: Vec<usize>,
    found: Vec<Vec<usize>>,
    checks_left: u32,
    checks: &'a mut Checks,
    obstacle: &'static str,
}

impl<'a> ChainSearch<'a> {
    fn extend(&mut self) {
        let trust: &'a Trust = self.trust;
        let (child, issuer) = match self.chain.last().map(|&index| &trust.authorities[index]) {
            Some(authority) => (&authority.certificate, Some(authority.issuer)),
            None => (self.leaf, self.leaf_issuer),
        };
        let candidates = issuer.and_then(|issuer| trust.by_subject.get(&issuer));
        for &index in candidates.into_iter().flatten() {
            let authority = &trust.authorities[index];
            if self.is_in_chain(authority) {
                continue;
            }
            if let Some(obstacle) = self.obstacle_of(child, &authority.certificate) {
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

    fn is_in_chain(&self, candidate: &TrustedAuthority) -> bool {
        let owner = |authority: &TrustedAuthority| (authority.subject, authority.key);
        let wanted = owner(candidate);
        let is_same = |&index: &usize| owner(&self.trust.authorities[index]) == wanted;
        self.leaf_owner == Some(wanted) || self.chain.iter().any(is_same)
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
        if !child.has_known_signature() {
            return Some("it is not signed with ECDSA or RSA and SHA-2");
        }
        self.checks_left -= 1;
        self.checks.count(child.signed_len());
        (!child.is_signed_by(issuer)).then_some("its issuer did not sign it")
    }
}
