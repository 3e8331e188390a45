//! Deploys contracts on the network of this process, as a client of its first peer.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tokio::sync::Mutex;

use crate::build;
use crate::deploy::Deploy;
use crate::dev::contract::{Contract, Source};
use crate::dev::events::{Event, Events};
use crate::dev::place::{Deployed, Place};
use crate::session::Session;
use crate::target::Target;
use wasmcc_peer::chaincode::META_INF;

/// The file of a contract's collections in its folder, as in Fabric's samples.
const COLLECTIONS: &str = "collections_config.json";

/// A larger component takes seconds to compile, in bytes.
const LARGE: u64 = 4 << 20;

/// Deploys one contract at a time.
pub(super) struct Deployer {
    target: Target,
    channel: String,
    place: Place,
    events: Events,
    session: Session,
    turn: Mutex<()>,
}

impl Deployer {
    /// Connects to the peer of `target`.
    pub(super) async fn open(
        target: Target,
        channel: &str,
        place: Place,
        events: Events,
    ) -> Result<Self> {
        let session = Session::open(&target, "Admin").await?.patient();
        let (channel, turn) = (channel.to_owned(), Mutex::default());
        Ok(Self { target, channel, place, events, session, turn })
    }

    /// Deploys a contract with the code in `file`, if it has one, and reports it. Does nothing if
    /// the channel already runs the same.
    pub(super) async fn deploy(&self, contract: &Contract, file: Option<&Path>) -> Result<()> {
        let _turn = self.turn.lock().await;
        self.events.tell_surely(Event::Deploying(true));
        let deployed = self.deploy_in_turn(contract, file).await;
        self.events.tell_surely(Event::Deploying(false));
        self.events.say(deployed?);
        Ok(())
    }

    async fn deploy_in_turn(&self, contract: &Contract, file: Option<&Path>) -> Result<String> {
        let started = std::time::Instant::now();
        let name = &contract.name;
        let verb = self.verb(contract, file);
        let hash = verb.code_hash()?;
        let current = verb.committed(&self.session).await?;
        let known = self.place.deployed()?.remove(name);
        if let (Some(current), Some(known)) = (&current, &known)
            && known.hash == hash
            && known.sequence == current.sequence
            && verb.agrees_with(current)?
        {
            return Ok(format!("{name} {} runs already, unchanged", current.version));
        }
        let bytes = file.and_then(|file| std::fs::metadata(file).ok()).map_or(0, |file| file.len());
        if bytes > LARGE {
            let mib = bytes >> 20;
            self.events.say(format!("installing {name}: {mib} MiB, which take seconds to compile"));
        }
        let is_new = current.is_none();
        let done = verb.deploy_quietly(&self.session, current).await?;
        let (version, sequence) = (done.version, done.sequence);
        self.place.write_deployed(name, Deployed { hash, sequence })?;
        let what = if is_new { "is deployed" } else { "is upgraded" };
        let ms = started.elapsed().as_millis();
        let from = contract.describe();
        if let Source::Service(address) = &contract.source {
            let id = done.package_id;
            return Ok(format!(
                "{name} {what} to {version} (sequence {sequence}); the server at {address} has to \
                 say that it is {id} (CHAINCODE_ID)"
            ));
        }
        Ok(format!("{name} {what} to {version} (sequence {sequence}) from {from}, {ms} ms"))
    }

    fn verb(&self, contract: &Contract, file: Option<&Path>) -> Deploy {
        let there = |name: &str| {
            let path = contract.folder()?.join(name);
            path.exists().then_some(path)
        };
        let address = match &contract.source {
            Source::Service(address) => Some(address.clone()),
            Source::Component(_) | Source::Project(_) => None,
        };
        let collections = contract.collections.clone().or_else(|| there(COLLECTIONS));
        Deploy::on(&self.channel, contract.name.clone(), self.target.clone())
            .code(file.map(Path::to_owned), address)
            .with(there(META_INF), collections)
            .endorsed_by(contract.policy.clone())
    }
}

/// Builds the project if necessary and returns the component's path; None for a server.
pub(super) async fn build(contract: &Contract) -> Result<Option<PathBuf>> {
    match &contract.source {
        Source::Service(_) => Ok(None),
        Source::Component(path) => Ok(Some(path.clone())),
        Source::Project(folder) => {
            let folder = folder.clone();
            let order = build::Order::default();
            let built = tokio::task::spawn_blocking(move || build::component(&folder, &order));
            Ok(Some(built.await.context("the build panicked")??))
        }
    }
}
