//! LSCC: installs chaincodes on the peer, and instantiates and upgrades them on a channel
//! (fabric 1.x `core/scc/lscc`). State: the chaincode's name, `protos.ChaincodeData`, and
//! `name~collection`, `protos.CollectionConfigPackage`.

mod collections;

use std::sync::Arc;

use prost::Message;

use crate::chaincode::{
    AccessControl, Description, Files, LsccPackage, NativeChaincode, PackageError, PackageStore,
    Stub, check_name, check_version, create_indexes,
};
use crate::syscc::policies;
use wasmcc_channel::{Channels, Holders};
use wasmcc_ledger::Ledger;
use wasmcc_types::proto::protos;
use wasmcc_types::{ChannelId, ESCC, LSCC, Response, SYSTEM_CHAINCODES, VSCC};

/// Arguments: function, then what the function takes.
pub struct Lscc {
    packages: Arc<PackageStore>,
    channels: Arc<Channels>,
    access: Arc<dyn AccessControl>,
    holders: Arc<Holders>,
}

type Answer = Result<Vec<u8>, String>;

impl Lscc {
    /// Works on the peer's packages and channels; `holders` knows whose packages they are.
    pub fn new(
        packages: Arc<PackageStore>,
        channels: Arc<Channels>,
        access: Arc<dyn AccessControl>,
        holders: Arc<Holders>,
    ) -> Self {
        Self { packages, channels, access, holders }
    }

    fn call(&self, stub: &mut Stub<'_>) -> Answer {
        let function = stub.function();
        let count = stub.args.len();
        let takes = |allowed: std::ops::RangeInclusive<usize>| {
            if allowed.contains(&count) {
                Ok(())
            } else {
                Err(format!("invalid number of arguments to lscc: {count}"))
            }
        };
        let is_lookup = |f: &str| {
            matches!(f, "getid" | "ChaincodeExists" | "getccdata" | "GetChaincodeData")
                || matches!(f, "GetCollectionsConfig" | "getcollectionsconfig")
        };
        // The rest changes this peer, or tells of it what other peers need not agree with.
        if stub.called_by_chaincode && !is_lookup(&function) {
            return Err(format!("a chaincode may not call {function} of lscc"));
        }
        match function.as_str() {
            "" => Err(format!("invalid number of arguments to lscc: {count}")),
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
                self.authorize(stub, &function, "lscc/GetCollectionsConfig", &channel)?;
                collections::get(stub)
            }
            _ => Err(format!("invalid function to lscc: {function}")),
        }
    }

    fn authorize(
        &self,
        stub: &Stub<'_>,
        function: &str,
        resource: &str,
        channel: &str,
    ) -> Result<(), String> {
        self.access.check(resource, channel, stub.peer_msp_id, stub.proposal).map_err(|why| {
            if channel.is_empty() {
                format!("access denied for [{function}]: {why}")
            } else {
                format!("access denied for [{function}][{channel}]: {why}")
            }
        })
    }

    fn install(&self, stub: &Stub<'_>) -> Answer {
        self.authorize(stub, "install", "lscc/Install", "")?;
        let bytes = &stub.args[1];
        let package = LsccPackage::parse(bytes).map_err(|e| e.to_string())?;
        if SYSTEM_CHAINCODES.contains(&package.id.name.as_str()) {
            let name = package.id.name;
            return Err(format!("cannot install: {name} is the name of a system chaincode"));
        }
        let (org, ccid) = (stub.peer_msp_id, package.ccid());
        let stored = || self.packages.get(&package.id.name, &package.id.version);
        let of_another =
            || !self.holders.holds(org, &ccid) && stored().ok().as_ref() == Some(&package);
        let held = match self.packages.install_lscc(&package, bytes) {
            Err(PackageError::Exists(_)) if of_another() => self.holders.add(org, &ccid),
            installed => {
                let bundle = installed.map_err(|e| e.to_string())?;
                self.create_indexes(&package.id, &bundle.meta_inf);
                self.holders.set(org, &ccid)
            }
        };
        held.map_err(|e| e.to_string())?;
        tracing::info!(chaincode = %ccid, "installed");
        Ok(b"OK".to_vec())
    }

    /// For the channels that run a package before it is installed here.
    fn create_indexes(&self, id: &protos::ChaincodeId, meta_inf: &Files) {
        for channel in self.channels.ids().iter().filter_map(|id| self.channels.get(id)) {
            if defined_version(channel.ledger(), &id.name).as_deref() == Some(&id.version) {
                create_indexes(channel.ledger(), &id.name, meta_inf);
            }
        }
    }

    fn deploy(&self, stub: &mut Stub<'_>) -> Answer {
        let request = Request::parse(stub)?;
        if stub.get_state(&request.name).map_err(|e| e.to_string())?.is_some() {
            return Err(format!("chaincode exists {}", request.name));
        }
        let data = self.definition(&request)?;
        self.check_instantiation_policy(stub, &request.channel, &data.instantiation_policy)?;
        let written = write(stub, data)?;
        self.put_collections(stub, &request, false)?;
        Ok(written)
    }

    fn upgrade(&self, stub: &mut Stub<'_>) -> Answer {
        let request = Request::parse(stub)?;
        let stored = stub.get_state(&request.name).map_err(|e| e.to_string())?;
        let stored = stored
            .ok_or_else(|| format!("could not find chaincode with name '{}'", request.name))?;
        let current =
            protos::ChaincodeData::decode(stored.as_slice()).map_err(|e| e.to_string())?;
        if current.version == request.version {
            return Err(format!(
                "version already exists for chaincode with name '{}'",
                request.name
            ));
        }
        if current.instantiation_policy.is_empty() {
            return Err("instantiation policy missing".into());
        }
        self.check_instantiation_policy(stub, &request.channel, &current.instantiation_policy)?;
        let data = self.definition(&request)?;
        self.check_instantiation_policy(stub, &request.channel, &data.instantiation_policy)?;
        let written = write(stub, data)?;
        self.put_collections(stub, &request, true)?;
        Ok(written)
    }

    fn put_collections(
        &self,
        stub: &mut Stub<'_>,
        request: &Request,
        is_upgrade: bool,
    ) -> Result<(), String> {
        let channel = self.channels.get(&request.channel);
        let channel =
            channel.ok_or_else(|| format!("could not retrieve channel {}", request.channel))?;
        let Request { name, collections, .. } = request;
        collections::put(stub, name, collections, &channel.config(), is_upgrade)
    }

    /// What goes to the ledger for a request, with defaults filled in.
    fn definition(&self, request: &Request) -> Result<protos::ChaincodeData, String> {
        let Request { name, version, .. } = request;
        let package = self.packages.get(name, version).map_err(|e| {
            format!(
                "cannot get package for the chaincode to be instantiated ({name}:{version})-{e}"
            )
        })?;
        let channel = self
            .channels
            .get(&request.channel)
            .ok_or_else(|| format!("could not retrieve channel {}", request.channel))?;
        let config = channel.config();
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
    ) -> Result<(), String> {
        let found = self.channels.get(channel);
        let found = found.ok_or_else(|| format!("could not retrieve channel {channel}"))?;
        policies::creator_satisfies(policy, &stub.proposal.creator, &found.config())
            .map_err(|why| format!("chaincode instantiation policy violated({why})"))
    }

    /// `getid`, `getdepspec` and `getccdata`.
    fn one(&self, stub: &mut Stub<'_>, function: &str) -> Answer {
        let channel = stub.text_arg(1).unwrap_or_default();
        let name = stub.text_arg(2).unwrap_or_default();
        let resource = match function {
            "getid" | "ChaincodeExists" => "lscc/ChaincodeExists",
            "getdepspec" | "GetDeploymentSpec" => "lscc/GetDeploymentSpec",
            _ => "lscc/GetChaincodeData",
        };
        self.authorize(stub, function, resource, &channel)?;
        check_channel(stub, &channel)?;
        let stored = stub.get_state(&name).map_err(|e| e.to_string())?;
        let stored =
            stored.ok_or_else(|| format!("could not find chaincode with name '{name}'"))?;
        let data = protos::ChaincodeData::decode(stored.as_slice()).map_err(|e| e.to_string())?;
        match resource {
            "lscc/ChaincodeExists" => Ok(data.name.into_bytes()),
            "lscc/GetDeploymentSpec" => {
                let package = self.packages.get(&data.name, &data.version);
                let package = package.map_err(|e| e.to_string())?;
                let description = package.description().map_err(|e| e.to_string())?;
                check_leaves(&package.ccid(), description.as_ref())?;
                Ok(package.spec.encode_to_vec())
            }
            _ => Ok(stored),
        }
    }

    fn instantiated(&self, stub: &mut Stub<'_>) -> Answer {
        let channel = stub.channel_id.to_owned();
        self.authorize(stub, "getchaincodes", "lscc/GetInstantiatedChaincodes", &channel)?;
        let rows = stub.range("", "").map_err(|e| e.to_string())?;
        let mut chaincodes = Vec::new();
        for (key, value) in rows {
            // `name~collection` holds a chaincode's collections.
            if key.contains('~') {
                continue;
            }
            let data =
                protos::ChaincodeData::decode(value.as_slice()).map_err(|e| e.to_string())?;
            let package = self.packages.get(&data.name, &data.version).ok();
            chaincodes.push(info(package.as_ref(), data));
        }
        Ok(protos::ChaincodeQueryResponse { chaincodes }.encode_to_vec())
    }

    fn installed(&self, stub: &Stub<'_>) -> Answer {
        let resource = "lscc/GetInstalledChaincodes";
        self.authorize(stub, "getinstalledchaincodes", resource, "")?;
        let packages = self.packages.list().map_err(|e| e.to_string())?;
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
    fn invoke(&self, stub: &mut Stub<'_>) -> Response {
        match self.call(stub) {
            Ok(payload) => Response::success(payload),
            Err(text) => Response::error(text),
        }
    }
}

/// Whether a package may be handed out: the key with which a peer proves to a chaincode server who
/// it is stays here. Fabric's peers do hand it out.
pub(super) fn check_leaves(id: &str, description: Option<&Description>) -> Result<(), String> {
    match description {
        Some(description) if description.has_key() => Err(format!(
            "the package of {id} holds a private key (client_key), which does not leave this peer"
        )),
        _ => Ok(()),
    }
}

/// The version of a chaincode that a channel runs; None if it runs none of this name.
pub fn defined_version(ledger: &Arc<Ledger>, name: &str) -> Option<String> {
    let stored = ledger.snapshot().get(LSCC, name).ok()??;
    let data = protos::ChaincodeData::decode(stored.value.as_slice()).ok()?;
    Some(data.version)
}

/// The arguments of `deploy` and `upgrade`.
struct Request {
    channel: String,
    name: String,
    version: String,
    policy: Option<Vec<u8>>,
    escc: String,
    vscc: String,
    /// Empty: none given.
    collections: Vec<u8>,
}

impl Request {
    fn parse(stub: &Stub<'_>) -> Result<Self, String> {
        let args = stub.args;
        let text = |index: usize, default: &str| match args.get(index) {
            Some(arg) if !arg.is_empty() => String::from_utf8_lossy(arg).into_owned(),
            _ => default.to_owned(),
        };
        let channel = text(1, "");
        ChannelId::parse(&channel).map_err(|_| format!("invalid channel name: {channel}"))?;
        // What is written goes to the proposal's channel, so its policies are the ones to satisfy.
        check_channel(stub, &channel)?;
        let spec = args.get(2).map_or(&[][..], Vec::as_slice);
        let id = protos::ChaincodeDeploymentSpec::decode(spec)
            .map_err(|e| format!("invalid deployment spec: {e}"))?
            .chaincode_spec
            .and_then(|spec| spec.chaincode_id)
            .ok_or("invalid deployment spec: it names no chaincode")?;
        check_name(&id.name).map_err(|e| e.to_string())?;
        check_version(&id.version).map_err(|e| e.to_string())?;
        let policy = args.get(3).filter(|policy| !policy.is_empty()).cloned();
        if let Some(policy) = &policy {
            policies::check(policy).map_err(|e| format!("invalid endorsement policy: {e}"))?;
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

fn check_channel(stub: &Stub<'_>, channel: &str) -> Result<(), String> {
    if channel == stub.channel_id {
        return Ok(());
    }
    Err(format!("channel '{channel}' is not that of the proposal, '{}'", stub.channel_id))
}

fn write(stub: &mut Stub<'_>, data: protos::ChaincodeData) -> Answer {
    let bytes = data.encode_to_vec();
    stub.put_state(&data.name, bytes.clone()).map_err(|e| e.to_string())?;
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
