//! A deployment through `_lifecycle`: installs the package, approves the definition for every
//! organization with a peer here, and commits it.

use anyhow::{Context, Result, bail};
use prost::Message;
use serde_json::{Value, json};

use crate::deploy::Deploy;
use crate::hint::Asked;
use crate::progress::Progress;
use crate::session::Session;
use crate::target::open_network;
use wasmcc_client::lifecycle::{self, ChaincodeDefinition};
use wasmcc_client::{ProposalBuilder, lscc, next_version};
use wasmcc_peer::chaincode::{
    COMPONENT_FILE, CONNECTION_FILE, Description, Files, pack_lifecycle_package, package_id,
};
use wasmcc_types::proto::common::SignaturePolicyEnvelope;
use wasmcc_types::proto::lifecycle::QueryChaincodeDefinitionResult;
use wasmcc_types::proto::protos::application_policy::Type as PolicyType;
use wasmcc_types::proto::protos::{ApplicationPolicy, CollectionConfigPackage};
use wasmcc_types::{LIFECYCLE, LSCC};

/// The gateway's error for an organization without a peer there.
const NO_PEER: &str = "failed to find any endorsing peers for org(s)";

/// The outcome of a deployment.
pub(crate) struct Done {
    /// The version that now runs.
    pub(crate) version: String,
    /// The sequence of its definition.
    pub(crate) sequence: i64,
    /// The package that was approved.
    pub(crate) package_id: String,
    /// The version that ran before.
    pub(super) replaced: Option<String>,
    pub(super) tx_id: String,
    pub(super) block: u64,
    /// Whether the chaincode must be called as init before anything else.
    pub(super) needs_init: bool,
}

/// Returns the channel's definition of a chaincode; None if `_lifecycle` has none.
pub(super) async fn committed(
    session: &Session,
    channel: &str,
    name: &str,
) -> Result<Option<QueryChaincodeDefinitionResult>> {
    let asked = asked(channel);
    let answer = session.process(lifecycle::query_committed(channel, name), asked).await?;
    let text = answer.response().message;
    // A channel from before Fabric 2.0 has no `_lifecycle`.
    if text.contains("is not defined") || text.contains("cannot use new lifecycle") {
        return Ok(None);
    }
    let payload = answer.content(asked)?.payload;
    let found = QueryChaincodeDefinitionResult::decode(payload.as_slice());
    found.context("cannot read the peer's answer").map(Some)
}

/// Returns LSCC's policy and collections of a chaincode that is new to `_lifecycle`, as a
/// definition without a sequence: the new definition keeps them.
async fn defined_by_lscc(
    verb: &Deploy,
    session: &Session,
) -> Result<Option<QueryChaincodeDefinitionResult>> {
    let Some(data) = verb.current(session).await? else { return Ok(None) };
    let policy = match &verb.policy {
        // Given anew.
        Some(_) => Vec::new(),
        None => {
            let policy = SignaturePolicyEnvelope::decode(data.policy.as_slice());
            let policy = policy.context("the policy in force cannot be read: give --policy")?;
            let policy = PolicyType::SignaturePolicy(policy);
            ApplicationPolicy { r#type: Some(policy) }.encode_to_vec()
        }
    };
    let asked = Asked { channel: &verb.channel, chaincode: LSCC };
    let answer =
        session.process(lscc::collections_config(&verb.channel, &verb.name), asked).await?;
    let collections = match answer.response().message.contains("collections config not defined") {
        true => None,
        false => {
            let payload = answer.content(asked)?.payload;
            let package = CollectionConfigPackage::decode(payload.as_slice());
            Some(package.context("cannot read the peer's answer")?)
        }
    };
    Ok(Some(QueryChaincodeDefinitionResult {
        version: data.version,
        validation_parameter: policy,
        collections,
        ..QueryChaincodeDefinitionResult::default()
    }))
}

/// Installs, approves and commits. Arguments that are not given keep the values of `current`.
pub(super) async fn deploy(
    verb: &Deploy,
    session: &Session,
    current: Option<QueryChaincodeDefinitionResult>,
    progress: &Progress,
) -> Result<Done> {
    let current = match current {
        None => defined_by_lscc(verb, session).await?,
        known => known,
    };
    let is_new = current.is_none();
    let current = current.unwrap_or_default();
    let version = match (&verb.version, is_new) {
        (Some(wanted), _) => wanted.clone(),
        (None, true) => next_version([]),
        (None, false) => next_version([current.version.as_str()]),
    };
    let package = package(verb, &version)?;
    let id = package_id(&package).map_err(anyhow::Error::msg)?;
    // Read all input files before the first change on the peer.
    let definition = definition(verb, &current, &version)?;
    progress.step(&format!("installing {id}"));
    install(session, package).await?;
    let endorsers = approve(verb, session, (&definition, &id), progress).await?;
    progress.step(&format!("committing {} {version} on {}", verb.name, verb.channel));
    let (sequence, init) = (definition.sequence, definition.init_required);
    let proposal = lifecycle::commit(definition);
    let outcome = session.submit(proposal, &endorsers, asked(&verb.channel), progress).await?;
    outcome.check().with_context(|| {
        format!(
            "{} have approved it; if others must, too, they do so with `wasmcc lifecycle \
             chaincode approveformyorg --package-id {id}`",
            endorsers.join(" and ")
        )
    })?;
    let needs_init = init && (is_new || version != current.version);
    let (tx_id, block) = (outcome.tx_id, outcome.block_number);
    let replaced = (!is_new).then_some(current.version);
    Ok(Done { version, sequence, package_id: id, replaced, tx_id, block, needs_init })
}

fn asked(channel: &str) -> Asked<'_> {
    Asked { channel, chaincode: LIFECYCLE }
}

/// Packs the code that the arguments name.
fn package(verb: &Deploy, version: &str) -> Result<Vec<u8>> {
    let program = verb.program()?;
    let (kind, file) = match Description::of(&program)? {
        None => ("wasm", COMPONENT_FILE),
        Some(Description::Serves(_)) => ("ccaas", CONNECTION_FILE),
        Some(Description::Connects(_)) => bail!(
            "_lifecycle has no chaincodes that connect by themselves (--external): give --ccaas, \
             or another --name, which LSCC defines"
        ),
    };
    let mut code: Files = vec![(file.to_owned(), program)];
    code.extend(verb.meta_inf()?);
    pack_lifecycle_package(kind, &format!("{}_{version}", verb.name), &code).context("cannot pack")
}

/// Installs a package; succeeds if it is installed already.
async fn install(session: &Session, package: Vec<u8>) -> Result<()> {
    let answer = session.process(lifecycle::install(package), asked("")).await?;
    match answer.response().message.contains("chaincode already successfully installed") {
        true => Ok(()),
        false => answer.content(asked("")).map(drop),
    }
}

fn definition(
    verb: &Deploy,
    current: &QueryChaincodeDefinitionResult,
    version: &str,
) -> Result<ChaincodeDefinition> {
    let validation_parameter = match &verb.policy {
        None => current.validation_parameter.clone(),
        Some(policy) => {
            let policy = PolicyType::SignaturePolicy(policy.envelope().clone());
            ApplicationPolicy { r#type: Some(policy) }.encode_to_vec()
        }
    };
    let collections = match verb.collections()? {
        None => current.collections.clone().filter(|package| !package.config.is_empty()),
        given => given,
    };
    Ok(ChaincodeDefinition {
        channel_id: verb.channel.clone(),
        name: verb.name.clone(),
        version: version.to_owned(),
        sequence: current.sequence + 1,
        validation_parameter,
        collections,
        // Arguments for an init that the definition does not require could not be passed.
        init_required: current.init_required || verb.input.is_some(),
        endorsement_plugin: current.endorsement_plugin.clone(),
        validation_plugin: current.validation_plugin.clone(),
    })
}

pub(super) fn agrees_with(verb: &Deploy, current: &QueryChaincodeDefinitionResult) -> Result<bool> {
    let next = definition(verb, current, &current.version)?;
    let collections = |package: &Option<CollectionConfigPackage>| {
        package.as_ref().map_or_else(Vec::new, |package| package.config.clone())
    };
    Ok(next.validation_parameter == current.validation_parameter
        && collections(&next.collections) == collections(&current.collections))
}

/// Approves for the signer's organization, and for others with a peer that the gateway knows and an
/// admin in the network folder. Returns the organizations.
async fn approve(
    verb: &Deploy,
    session: &Session,
    (definition, package_id): (&ChaincodeDefinition, &str),
    progress: &Progress,
) -> Result<Vec<String>> {
    let proposal = || lifecycle::approve(definition.clone(), Some(package_id));
    let own = session.signer().msp_id();
    if !approve_by(session, proposal(), &verb.channel, progress).await? {
        bail!(
            "{own} has no peer at {}: name that of its peer with --peer, or another organization \
             with --org",
            verb.target.peer()?
        );
    }
    let mut approved = vec![own.to_owned()];
    let Some(network) = verb.target.optional_network()? else { return Ok(approved) };
    let network = open_network(&network)?;
    let others = network.orgs().iter().filter(|org| org.msp_id() != own);
    for admin in others.filter_map(|org| org.admin().ok()) {
        let org = admin.msp_id().to_owned();
        let session = session.signed_by(admin);
        if approve_by(&session, proposal(), &verb.channel, progress).await? {
            approved.push(org);
        }
    }
    Ok(approved)
}

/// Approves for the signer's organization. Returns false if it has no peer there.
async fn approve_by(
    session: &Session,
    proposal: ProposalBuilder,
    channel: &str,
    progress: &Progress,
) -> Result<bool> {
    let org = session.signer().msp_id();
    progress.step(&format!("approving for {org}"));
    let endorsers = [org.to_owned()];
    match session.submit(proposal, &endorsers, asked(channel), progress).await {
        Ok(outcome) => outcome.check().map(|()| true),
        Err(error) => {
            let text = format!("{error:#}");
            // An interrupted deployment may have approved already.
            if text.contains("with unchanged content") {
                return Ok(true);
            }
            match text.contains(NO_PEER) {
                true => Ok(false),
                false => Err(error.context(format!("{org} does not approve"))),
            }
        }
    }
}

impl Done {
    pub(super) fn json(&self) -> Value {
        json!({
            "version": self.version,
            "sequence": self.sequence,
            "package_id": self.package_id,
            "tx_id": self.tx_id,
            "block": self.block,
        })
    }
}
