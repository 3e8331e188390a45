//! The membership service provider: one organization's rules for its members.
//!
//! Does not read files (`msp_dir` does) and has no cache (`manager` has one).

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use prost::Message;

use crate::certificate::MemberCertificate;
use crate::error::{MspError, Refusal};
use crate::identity::Identity;
use crate::msp_dir;
use crate::node_ous::{NodeOu, NodeOus, Role};
use crate::setup_limits::Checks;
use crate::trust::Trust;
use wasmcc_types::proto::msp::{
    FabricMspConfig, FabricNodeOUs, FabricOuIdentifier, SerializedIdentity,
};

/// The rules of an organization, which follow from the capabilities of the channel (Fabric:
/// msp/msp.go, `MSPVersion`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum MspVersion {
    /// Roles are not distinguished.
    #[default]
    V1_0,
    /// Organizational units name clients and peers.
    V1_1,
    /// Compound principals exist.
    V1_3,
    /// Organizational units name admins and orderers, too.
    V1_4_3,
}

/// One organization: its CAs, revocations, roles and admins.
#[derive(Debug)]
pub struct Msp {
    id: Arc<str>,
    version: MspVersion,
    trust: Trust,
    node_ous: NodeOus,
    /// If not empty, an identity needs at least one of these units, issued under the unit's chain.
    required_ous: Vec<(String, [u8; 32])>,
    /// Certificates of the admins that the configuration lists.
    admins: HashSet<Vec<u8>>,
    setup_checks: u64,
}

impl Msp {
    /// Makes an organization from its channel configuration, with the newest rules.
    pub fn from_config(config: &FabricMspConfig) -> Result<Self, MspError> {
        Self::set_up(config, MspVersion::V1_4_3, &mut Checks::unlimited())
    }

    /// As [`from_config`](Self::from_config), with the rules of a channel and a limit on the checks
    /// of signatures (Fabric: msp/mspimplsetup.go, `setupV1`, `setupV11` and `setupV142`).
    pub(crate) fn set_up(
        config: &FabricMspConfig,
        version: MspVersion,
        checks: &mut Checks,
    ) -> Result<Self, MspError> {
        let id = config.name.as_str();
        let broken = |rule: &str| MspError::Config { msp_id: id.into(), rule: rule.into() };
        if id.is_empty() {
            return Err(broken("it has no name"));
        }
        if config.root_certs.is_empty() {
            return Err(broken("expected at least one CA certificate"));
        }
        if let Some(crypto) = &config.crypto_config {
            let hash_family = crypto.signature_hash_family.as_str();
            let id_hash = crypto.identity_identifier_hash_function.as_str();
            if !matches!(hash_family, "" | "SHA2") || !matches!(id_hash, "" | "SHA256") {
                return Err(broken("only SHA2 signatures and SHA256 identifiers are supported"));
            }
        }
        let trust = Trust::new(config, checks)?;
        let node_ous = match &config.fabric_node_ous {
            Some(node_ous) if version > MspVersion::V1_0 => {
                check_units(node_ous, version).map_err(broken)?;
                let read = read_node_ous(&trust, node_ous, version, checks)
                    .map_err(|error| error.in_part(id, "certificate of a NodeOU"))?;
                // Disabled units must be valid, too.
                if node_ous.enable { read } else { NodeOus::default() }
            }
            _ => NodeOus::default(),
        };
        let mut required_ous = Vec::new();
        for unit in &config.organizational_unit_identifiers {
            let certifiers = trust
                .certifiers_identifier(&unit.certificate, checks)
                .map_err(|error| error.in_part(id, "certificate of an organizational unit"))?;
            required_ous.push((unit.organizational_unit_identifier.clone(), certifiers));
        }
        let admins = HashSet::new();
        let mut msp =
            Self { id: id.into(), version, trust, node_ous, required_ous, admins, setup_checks: 0 };
        msp.add_admins(&config.admins, checks)?;
        msp.setup_checks = checks.taken();
        Ok(msp)
    }

    /// Reads an MSP folder in the layout of cryptogen: `cacerts`, `intermediatecerts`,
    /// `admincerts`, `crls` and the NodeOUs of `config.yaml`.
    pub fn from_dir(dir: &Path, msp_id: &str) -> Result<Self, MspError> {
        Self::from_config(&msp_dir::read(dir, msp_id)?)
    }

    /// The id of the MSP, for example `Org1MSP`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// True if a PEM certificate belongs to one of the organization's CAs.
    pub fn has_authority(&self, pem: &[u8]) -> bool {
        MemberCertificate::from_pem(pem).is_ok_and(|found| self.trust.contains(&found))
    }

    /// Number of signature checks that setting up took.
    pub(crate) fn setup_checks(&self) -> u64 {
        self.setup_checks
    }

    /// Reads and validates a serialized identity, which must claim this MSP.
    pub fn deserialize(&self, serialized: &[u8]) -> Result<Identity, MspError> {
        let serialized = SerializedIdentity::decode(serialized).map_err(MspError::Serialized)?;
        if serialized.mspid != *self.id {
            let (expected, received) = (self.id.to_string(), serialized.mspid);
            return Err(MspError::OtherMsp { expected, received });
        }
        self.identity(&serialized.id_bytes)
    }

    /// Reads and validates a PEM certificate.
    pub fn identity(&self, pem: &[u8]) -> Result<Identity, MspError> {
        self.judge(pem, &mut Checks::unlimited())
    }

    fn judge(&self, pem: &[u8], checks: &mut Checks) -> Result<Identity, MspError> {
        let certificate = MemberCertificate::from_pem(pem)?;
        let refused = |refusal| MspError::Refused {
            msp_id: self.id.to_string(),
            subject: certificate.subject.clone(),
            refusal,
        };
        if certificate.usage.is_ca {
            // Other CAs must have a chain to this organization; else the error is a missing chain.
            if !self.trust.contains(&certificate) {
                self.trust.chain(&certificate, checks)?;
            }
            return Err(refused(Refusal::Authority));
        }
        if certificate.key.curve().is_none() {
            let what = "has an RSA key, but members sign with ECDSA";
            return Err(MspError::Unsupported { subject: certificate.subject, what });
        }
        let chain = self.trust.identity_chain(&certificate, checks)?;
        if self.trust.is_revoked(&certificate, &chain) {
            return Err(refused(Refusal::Revoked));
        }
        let certifiers = self.trust.identifier(&chain);
        let ous = &certificate.ous;
        let is_known = |ou: &String| {
            self.required_ous.iter().any(|(known, under)| known == ou && *under == certifiers)
        };
        if !self.required_ous.is_empty() && !ous.iter().any(is_known) {
            return Err(refused(Refusal::UnknownOu { ous: ous.clone() }));
        }
        let roles = self.node_ous.roles(ous, &certifiers).map_err(refused)?;
        let is_named_admin = self.admins.contains(&certificate.der);
        let has_compound = self.version >= MspVersion::V1_3;
        let of = (self.id.clone(), has_compound);
        Ok(Identity::new(of, certificate, roles, is_named_admin, certifiers))
    }

    fn add_admins(&mut self, pems: &[Vec<u8>], checks: &mut Checks) -> Result<(), MspError> {
        for pem in pems {
            let admin = self
                .read_admin(pem, checks)
                .map_err(|error| error.in_part(&self.id, "certificate of an admin"))?;
            self.admins.insert(admin);
        }
        let needs_admin = self.version == MspVersion::V1_4_3 && !self.node_ous.have_admin();
        if self.admins.is_empty() && needs_admin {
            let rule = "administrators must be declared when no admin ou classification is set";
            return Err(MspError::Config { msp_id: self.id.to_string(), rule: rule.to_owned() });
        }
        Ok(())
    }

    /// Returns the certificate of a listed admin. If units name roles, an admin needs the unit of
    /// clients or admins. It may have been revoked since it was listed (Fabric: `postSetupV142`);
    /// it is then refused only as an identity.
    fn read_admin(&self, pem: &[u8], checks: &mut Checks) -> Result<Vec<u8>, MspError> {
        let neither = |subject: &str| {
            let rule = format!("the admin '{subject}' is neither client nor admin");
            MspError::Config { msp_id: self.id.to_string(), rule }
        };
        if !self.node_ous.are_enforced() || self.version < MspVersion::V1_4_3 {
            let admin = self.judge(pem, checks)?;
            if self.node_ous.are_enforced() && !admin.has_role(Role::Client) {
                return Err(neither(admin.subject()));
            }
            return Ok(admin.certificate().to_vec());
        }
        let certificate = MemberCertificate::from_pem(pem)?;
        if certificate.usage.is_ca {
            return Err(neither(&certificate.subject));
        }
        self.trust.identity_chain(&certificate, checks)?;
        let is_one =
            |ou: &String| [Role::Client, Role::Admin].iter().any(|r| self.node_ous.is_of(ou, *r));
        match certificate.ous.iter().any(is_one) {
            true => Ok(certificate.der),
            false => Err(neither(&certificate.subject)),
        }
    }
}

/// Before V1_4_3, the units of clients and peers are required (Fabric: `setupNodeOUs`).
fn check_units(config: &FabricNodeOUs, version: MspVersion) -> Result<(), &'static str> {
    let is_named = |unit: &Option<FabricOuIdentifier>| {
        unit.as_ref().is_some_and(|unit| !unit.organizational_unit_identifier.is_empty())
    };
    if version == MspVersion::V1_4_3 {
        return Ok(());
    }
    if !is_named(&config.client_ou_identifier) {
        return Err("Failed setting up NodeOUs. ClientOU must be different from nil.");
    }
    if !is_named(&config.peer_ou_identifier) {
        return Err("Failed setting up NodeOUs. PeerOU must be different from nil.");
    }
    Ok(())
}

fn read_node_ous(
    trust: &Trust,
    config: &FabricNodeOUs,
    version: MspVersion,
    checks: &mut Checks,
) -> Result<NodeOus, MspError> {
    let client = (Role::Client, &config.client_ou_identifier);
    let peer = (Role::Peer, &config.peer_ou_identifier);
    let admin = (Role::Admin, &config.admin_ou_identifier);
    let orderer = (Role::Orderer, &config.orderer_ou_identifier);
    // If two roles have the same unit, the last one here determines the CA under which it is valid.
    let units = match version {
        MspVersion::V1_4_3 => vec![client, peer, admin, orderer],
        _ => vec![peer, client],
    };
    let mut rules = Vec::new();
    for (role, unit) in units {
        let Some(unit) = unit else { continue };
        let certifiers = match unit.certificate.is_empty() {
            true => None,
            false => Some(trust.certifiers_identifier(&unit.certificate, checks)?),
        };
        let ou = unit.organizational_unit_identifier.clone();
        rules.push(NodeOu { role, ou, certifiers });
    }
    Ok(NodeOus::new(rules))
}
