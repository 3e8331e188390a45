//! LSCC: installs chaincodes on the peer, and instantiates and upgrades them on a channel (fabric
//! 1.x `core/scc/lscc`). Its state has the keys NAME, `protos.ChaincodeData`, and
//! `NAME~collection`, `protos.CollectionConfigPackage`.

mod collections;
mod error;

use std::sync::Arc;

use prost::Message;

use crate::chaincode::{
    AccessControl, Files, LsccPackage, NativeChaincode, NativeError, PackageError, PackageStore,
    Stub, check_name, check_version, create_indexes,
};
use crate::syscc::lscc::error::LsccError;
use crate::syscc::policies;
use wasmcc_channel::{Channel, Channels, Holders};
use wasmcc_ledger::Ledger;
use wasmcc_types::proto::protos;
use wasmcc_types::{
    ChannelId, DEFINITION_FIELDS, ESCC, LSCC, SYSTEM_CHAINCODES, VSCC, decode_bounded,
};

/// Arguments: function, then those of the function.
pub struct Lscc {
    packages: Arc<PackageStore>,
    channels: Arc<Channels>,
    access: Arc<dyn AccessControl>,
    holders: Arc<Holders>,
}

type LsccResult = Result<Vec<u8>, LsccError>;

impl Lscc {
    /// Makes LSCC for the packages and channels of a peer; `holders` records the owners of
    /// packages.
    pub fn new(
        packages: Arc<PackageStore>,
        channels: Arc<Channels>,
        access: Arc<dyn AccessControl>,
        holders: Arc<Holders>,
    ) -> Self {
        Self { packages, channels, access, holders }
    }

    fn call(&self, stub: &mut Stub<'_>) -> LsccResult {
        let function = stub.function();
        let count = stub.args.len();
        let takes = |allowed: std::ops::RangeInclusive<usize>| {
            if allowed.contains(&count) { Ok(()) } else { Err(LsccError::Arguments(count)) }
        };
        let is_lookup = |f: &str| {
            matches!(f, "getid" | "ChaincodeExists" | "getccdata" | "GetChaincodeData")
                || matches!(f, "GetCollectionsConfig" | "getcollectionsconfig")
        };
        // The other functions change this peer, or return facts that may differ between peers.
        if stub.called_by_chaincode && !is_lookup(&function) {
            return Err(LsccError::CalledByChaincode(function));
        }
        match function.as_str() {
            "" => Err(LsccError::Arguments(count)),
            "install" => takes(2..=2).and_then(|()| self.install(stub)),
            "deploy" => takes(3..=7).and_then(|()| self.deploy(stub)),
            "upgrade" => takes(3..=7).and_then(|()| self.upgrade(stub)),
            "getid" | "ChaincodeExists" | "getdepspec" | "GetDeploymentSpec" | "getccdata"
            | "GetChaincodeData" => {
                takes(3..=3)?;
                self.one(stub, &function)
            }
            "getchaincodes" | "GetChaincodes" => {
                takes(1..=1).and_then(|()| self.instantiated(stub))
            }
            "getinstalledchaincodes" | "GetInstalledChaincodes" => {
                takes(1..=1)?;
                self.installed(stub)
            }
            "GetCollectionsConfig" | "getcollectionsconfig" => {
                takes(2..=2)?;
                let channel = stub.channel_id.to_owned();
                self.authorize(stub, "lscc/GetCollectionsConfig", &channel)?;
                collections::get(stub)
            }
            _ => Err(LsccError::UnknownFunction(function)),
        }
    }

    fn authorize(&self, stub: &Stub<'_>, resource: &str, channel: &str) -> Result<(), LsccError> {
        self.access.check(resource, channel, stub.peer_msp_id, stub.proposal).map_err(|error| {
            let (function, channel) = (stub.function(), channel.to_owned());
            match channel.is_empty() {
                true => LsccError::Denied { function, error },
                false => LsccError::ChannelDenied { function, channel, error },
            }
        })
    }

    fn install(&self, stub: &Stub<'_>) -> LsccResult {
        self.authorize(stub, "lscc/Install", "")?;
        let bytes = &stub.args[1];
        let package = LsccPackage::parse(bytes)?;
        if SYSTEM_CHAINCODES.contains(&package.id.name.as_str()) {
            return Err(LsccError::SystemName(package.id.name));
        }
        let (org, ccid) = (stub.peer_msp_id, package.ccid());
        let stored = || self.packages.get(&package.id.name, &package.id.version);
        let of_another =
            || !self.holders.holds(org, &ccid) && stored().ok().as_ref() == Some(&package);
        let belongs = || self.holders.set(org, &ccid);
        match self.packages.install_lscc(&package, bytes, stub.lent.waiter(), belongs) {
            Err(PackageError::Exists(_)) if of_another() => {
                self.holders.add(org, &ccid).map_err(PackageError::from)?;
            }
            installed => self.create_indexes(&package.id, &installed?.meta_inf),
        }
        tracing::info!(chaincode = %ccid, "installed");
        Ok(b"OK".to_vec())
    }

    /// Creates indexes on the channels whose definitions already use the package.
    fn create_indexes(&self, id: &protos::ChaincodeId, meta_inf: &Files) {
        for channel in self.channels.ids().iter().filter_map(|id| self.channels.get(id)) {
            if defined_version(channel.ledger(), &id.name).as_deref() == Some(&id.version) {
                create_indexes(channel.ledger(), &id.name, meta_inf);
            }
        }
    }

    fn deploy(&self, stub: &mut Stub<'_>) -> LsccResult {
        let request = DeployRequest::parse(stub)?;
        if stub.get_state(&request.name)?.is_some() {
            return Err(LsccError::Exists(request.name));
        }
        let data = self.definition(&request)?;
        self.check_instantiation_policy(stub, &request.channel, &data.instantiation_policy)?;
        let written = write(stub, data)?;
        self.put_collections(stub, &request, false)?;
        Ok(written)
    }

    fn upgrade(&self, stub: &mut Stub<'_>) -> LsccResult {
        let request = DeployRequest::parse(stub)?;
        let stored = stub.get_state(&request.name)?;
        let stored = stored.ok_or_else(|| LsccError::NotFound(request.name.clone()))?;
        let current = protos::ChaincodeData::decode(stored.as_slice())?;
        if current.version == request.version {
            return Err(LsccError::VersionExists(request.name));
        }
        if current.instantiation_policy.is_empty() {
            return Err(LsccError::NoInstantiationPolicy);
        }
        self.check_instantiation_policy(stub, &request.channel, &current.instantiation_policy)?;
        let data = self.definition(&request)?;
        self.check_instantiation_policy(stub, &request.channel, &data.instantiation_policy)?;
        let written = write(stub, data)?;
        self.put_collections(stub, &request, true)?;
        let event = protos::LifecycleEvent { chaincode_name: request.name };
        stub.set_event("upgrade", event.encode_to_vec());
        Ok(written)
    }

    fn put_collections(
        &self,
        stub: &mut Stub<'_>,
        request: &DeployRequest,
        is_upgrade: bool,
    ) -> Result<(), LsccError> {
        let channel = self.channel(&request.channel)?;
        let DeployRequest { name, collections, .. } = request;
        collections::put(stub, name, collections, &channel.config(), is_upgrade)
    }

    fn channel(&self, name: &str) -> Result<Arc<Channel>, LsccError> {
        self.channels.get(name).ok_or_else(|| LsccError::UnknownChannel(name.to_owned()))
    }

    /// Makes the definition for a request, with defaults filled in.
    fn definition(&self, request: &DeployRequest) -> Result<protos::ChaincodeData, LsccError> {
        let DeployRequest { name, version, .. } = request;
        let package = self.packages.get(name, version).map_err(|error| {
            let (name, version, error) = (name.clone(), version.clone(), Box::new(error));
            LsccError::NoPackage { name, version, error }
        })?;
        let config = self.channel(&request.channel)?.config();
        let orgs = || policies::application_orgs(&config);
        let policy = match &request.policy {
            Some(policy) => policy.clone(),
            None => policies::any_member(orgs()),
        };
        let instantiation_policy = if package.instantiation_policy.is_empty() {
            policies::any_admin(orgs())
        } else {
            package.instantiation_policy.clone()
        };
        Ok(protos::ChaincodeData {
            name: name.clone(),
            version: version.clone(),
            escc: request.escc.clone(),
            vscc: request.vscc.clone(),
            policy,
            data: package.fingerprint().encode_to_vec(),
            id: package.hash(),
            instantiation_policy,
        })
    }

    fn check_instantiation_policy(
        &self,
        stub: &Stub<'_>,
        channel: &str,
        policy: &[u8],
    ) -> Result<(), LsccError> {
        let config = self.channel(channel)?.config();
        policies::creator_satisfies(policy, &stub.proposal.creator, &config)
            .map_err(LsccError::InstantiationPolicy)
    }

    /// Runs `getid`, `getdepspec` and `getccdata`.
    fn one(&self, stub: &mut Stub<'_>, function: &str) -> LsccResult {
        let channel = stub.text_arg(1).unwrap_or_default();
        let name = stub.text_arg(2).unwrap_or_default();
        let resource = match function {
            "getid" | "ChaincodeExists" => "lscc/ChaincodeExists",
            "getdepspec" | "GetDeploymentSpec" => "lscc/GetDeploymentSpec",
            _ => "lscc/GetChaincodeData",
        };
        self.authorize(stub, resource, &channel)?;
        check_channel(stub, &channel)?;
        let stored = stub.get_state(&name)?.ok_or(LsccError::NotFound(name))?;
        let data = protos::ChaincodeData::decode(stored.as_slice())?;
        match resource {
            "lscc/ChaincodeExists" => Ok(data.name.into_bytes()),
            "lscc/GetDeploymentSpec" => {
                let package = self.packages.get(&data.name, &data.version)?;
                if package.description()?.is_some_and(|description| description.has_key()) {
                    return Err(LsccError::HasKey(package.ccid()));
                }
                Ok(package.spec.encode_to_vec())
            }
            _ => Ok(stored),
        }
    }

    fn instantiated(&self, stub: &mut Stub<'_>) -> LsccResult {
        let channel = stub.channel_id.to_owned();
        self.authorize(stub, "lscc/GetInstantiatedChaincodes", &channel)?;
        let rows = stub.range("", "")?;
        let mut chaincodes = Vec::new();
        for (key, value) in rows {
            // The key `name~collection` contains a chaincode's collections.
            if key.contains('~') {
                continue;
            }
            let data = protos::ChaincodeData::decode(value.as_slice())?;
            let package = self.packages.get(&data.name, &data.version).ok();
            chaincodes.push(info(package.as_ref(), data));
        }
        Ok(protos::ChaincodeQueryResponse { chaincodes }.encode_to_vec())
    }

    fn installed(&self, stub: &Stub<'_>) -> LsccResult {
        let resource = "lscc/GetInstalledChaincodes";
        self.authorize(stub, resource, "")?;
        let packages = self.packages.list()?;
        let is_own = |package: &&LsccPackage| self.holders.holds(stub.peer_msp_id, &package.ccid());
        let chaincodes = packages.iter().filter(is_own).map(|package| protos::ChaincodeInfo {
            name: package.id.name.clone(),
            version: package.id.version.clone(),
            path: package.id.path.clone(),
            id: package.hash(),
            ..Default::default()
        });
        Ok(protos::ChaincodeQueryResponse { chaincodes: chaincodes.collect() }.encode_to_vec())
    }
}

impl NativeChaincode for Lscc {
    fn invoke(&self, stub: &mut Stub<'_>) -> Result<Vec<u8>, NativeError> {
        Ok(self.call(stub)?)
    }
}

/// Returns the version of a chaincode that LSCC defines on a channel; None if it does not define
/// the name.
pub fn defined_version(ledger: &Arc<Ledger>, name: &str) -> Option<String> {
    let stored = ledger.snapshot().get(LSCC, name).ok()??;
    let data = protos::ChaincodeData::decode(stored.value.as_slice()).ok()?;
    Some(data.version)
}

/// The arguments of `deploy` and `upgrade`.
struct DeployRequest {
    channel: String,
    name: String,
    version: String,
    policy: Option<Vec<u8>>,
    escc: String,
    vscc: String,
    /// Empty if none were given.
    collections: Vec<u8>,
}

impl DeployRequest {
    fn parse(stub: &Stub<'_>) -> Result<Self, LsccError> {
        let args = stub.args;
        let text = |index: usize, default: &str| match args.get(index) {
            Some(arg) if !arg.is_empty() => String::from_utf8_lossy(arg).into_owned(),
            _ => default.to_owned(),
        };
        let channel = text(1, "");
        ChannelId::parse(&channel).map_err(|_| LsccError::ChannelName(channel.clone()))?;
        // Writes go to the proposal's channel, so its policies must be satisfied.
        check_channel(stub, &channel)?;
        let spec = args.get(2).map_or(&[][..], Vec::as_slice);
        let spec = decode_bounded::<protos::ChaincodeDeploymentSpec>(spec, DEFINITION_FIELDS);
        let id = spec
            .map_err(LsccError::SpecEncoding)?
            .chaincode_spec
            .and_then(|spec| spec.chaincode_id)
            .ok_or(LsccError::SpecWithoutName)?;
        check_name(&id.name)?;
        check_version(&id.version)?;
        let policy = args.get(3).filter(|policy| !policy.is_empty()).cloned();
        if let Some(policy) = &policy {
            policies::check(policy).map_err(LsccError::EndorsementPolicy)?;
        }
        Ok(Self {
            channel,
            name: id.name,
            version: id.version,
            policy,
            escc: text(4, ESCC),
            vscc: text(5, VSCC),
            collections: args.get(6).cloned().unwrap_or_default(),
        })
    }
}

fn check_channel(stub: &Stub<'_>, channel: &str) -> Result<(), LsccError> {
    if channel == stub.channel_id {
        return Ok(());
    }
    let (named, own) = (channel.to_owned(), stub.channel_id.to_owned());
    Err(LsccError::OtherChannel { named, own })
}

fn write(stub: &mut Stub<'_>, data: protos::ChaincodeData) -> LsccResult {
    let bytes = data.encode_to_vec();
    stub.put_state(&data.name, bytes.clone())?;
    Ok(bytes)
}

fn info(package: Option<&LsccPackage>, data: protos::ChaincodeData) -> protos::ChaincodeInfo {
    let spec = package.and_then(|package| package.spec.chaincode_spec.as_ref());
    let path = spec.and_then(|spec| spec.chaincode_id.as_ref()).map(|id| id.path.clone());
    protos::ChaincodeInfo {
        name: data.name,
        version: data.version,
        path: path.unwrap_or_default(),
        input: String::new(),
        escc: data.escc,
        vscc: data.vscc,
        id: data.id,
    }
}
