//! A package of LSCC: a deployment specification whose code is a component, or a description of the
//! chaincode's location.
//!
//! Does not know which packages are installed.

use crate::chaincode::package::description::Description;
use crate::chaincode::package::error::{InvalidSpec, PackageError};
use crate::chaincode::package::program_bundle::ProgramBundle;
use wasmcc_channel::definition::{is_legacy_name, is_legacy_version};
use wasmcc_types::proto::protos;
use wasmcc_types::{DEFINITION_FIELDS, decode_bounded, sha256, sha256_all};

/// The package that a client installs through LSCC, in the format of Fabric 1.x: a serialized
/// `ChaincodeDeploymentSpec`, signed by owners or not.
#[derive(Clone, Debug, PartialEq)]
pub struct LsccPackage {
    /// Name, version and path.
    pub id: protos::ChaincodeId,
    /// The policy for its instantiation, a serialized `common.SignaturePolicyEnvelope`; empty if
    /// its owners set none.
    pub instantiation_policy: Vec<u8>,
    /// The specification as installed; [`ProgramBundle`] describes its code package.
    pub spec: protos::ChaincodeDeploymentSpec,
}

impl LsccPackage {
    /// Reads a serialized `ChaincodeDeploymentSpec` or `SignedChaincodeDeploymentSpec`.
    pub fn parse(bytes: &[u8]) -> Result<Self, PackageError> {
        let open = decode_bounded::<protos::ChaincodeDeploymentSpec>;
        let plain = open(bytes, DEFINITION_FIELDS);
        let open_signed = decode_bounded::<protos::SignedChaincodeDeploymentSpec>;
        // A deployment specification without code can be read as a signed one, so the plain one is
        // tried first.
        if !plain.as_ref().is_ok_and(|spec| named(spec).is_some())
            && let Ok(signed) = open_signed(bytes, DEFINITION_FIELDS)
            && !signed.chaincode_deployment_spec.is_empty()
        {
            let spec = open(signed.chaincode_deployment_spec.as_slice(), DEFINITION_FIELDS);
            let spec = spec.map_err(InvalidSpec::Encoding)?;
            return Self::from_spec(spec, signed.instantiation_policy);
        }
        Self::from_spec(plain.map_err(InvalidSpec::Encoding)?, Vec::new())
    }

    fn from_spec(
        spec: protos::ChaincodeDeploymentSpec,
        instantiation_policy: Vec<u8>,
    ) -> Result<Self, PackageError> {
        let id = named(&spec).cloned().ok_or(InvalidSpec::NoChaincode)?;
        check_name(&id.name)?;
        check_version(&id.version)?;
        if spec.code_package.is_empty() {
            return Err(InvalidSpec::NoCode.into());
        }
        Ok(Self { id, instantiation_policy, spec })
    }

    /// Returns the program and its META-INF. Unpacks the code package.
    pub fn bundle(&self) -> Result<ProgramBundle<'_>, InvalidSpec> {
        Ok(ProgramBundle::read(&self.spec.code_package)?)
    }

    /// Returns the location of the chaincode; None if the package contains the component. Unpacks
    /// the code package.
    pub fn description(&self) -> Result<Option<Description>, InvalidSpec> {
        Ok(Description::of(&self.bundle()?.program)?)
    }

    /// Returns "name:version".
    pub fn ccid(&self) -> String {
        ccid(&self.id.name, &self.id.version)
    }

    /// Returns the `CDSData` by which a definition on a channel refers to this package.
    pub fn fingerprint(&self) -> protos::CdsData {
        let hash = sha256(&self.spec.code_package).to_vec();
        let names = [self.id.name.as_bytes(), self.id.version.as_bytes()];
        protos::CdsData { hash, metadatahash: sha256_all(names).to_vec() }
    }

    /// Returns the value of `ChaincodeData.id`: a hash of the fingerprint.
    pub fn hash(&self) -> Vec<u8> {
        let protos::CdsData { hash, metadatahash } = self.fingerprint();
        sha256_all([hash.as_slice(), metadatahash.as_slice()]).to_vec()
    }
}

fn named(spec: &protos::ChaincodeDeploymentSpec) -> Option<&protos::ChaincodeId> {
    spec.chaincode_spec.as_ref()?.chaincode_id.as_ref()
}

/// Returns the name under which a legacy chaincode registers: "name:version".
pub fn ccid(name: &str, version: &str) -> String {
    format!("{name}:{version}")
}

/// Checks `[A-Za-z0-9_-]+`, the rule of LSCC.
pub fn check_name(name: &str) -> Result<(), PackageError> {
    if is_legacy_name(name) { Ok(()) } else { Err(PackageError::Name(name.to_owned())) }
}

/// Checks `[A-Za-z0-9_.+-]+`.
pub fn check_version(version: &str) -> Result<(), PackageError> {
    if is_legacy_version(version) { Ok(()) } else { Err(PackageError::Version(version.to_owned())) }
}
