//! `wasmcc dev`: runs a network for development in one process, and deploys contracts again when
//! their files change.
//!
//! Does not have rules of its own: the network is that of `wasmcc peer`, and deployments are those
//! of `wasmcc deploy --lifecycle`.

mod contract;
mod definitions;
mod deploying;
mod down;
mod events;
mod follow;
mod guest_log;
mod journal;
mod logs;
mod made;
mod network;
mod place;
mod profile;
mod reporter;
mod serving;
mod stamps;
mod tx_line;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::dev::contract::Contract;
use crate::dev::definitions::Definitions;
use crate::dev::deploying::Deployer;
use crate::dev::journal::Journal;
use crate::dev::network::Members;
use crate::dev::place::Place;
use crate::dev::serving::{Ports, Run, Serving};
use crate::dev::watch::Watch;
use crate::limits::ComponentArgs;
use crate::signal::{Deadline, told_to_end};
use crate::target::Target;
use crate::web::{DevWebArgs, Feed};
use crate::{build, doors};

pub(crate) use down::{Down, Reset};
pub(crate) use events::{Events, Logged, Processed};
pub(crate) use follow::Follower;
pub(crate) use guest_log::GuestLog;
pub(crate) use logs::Logs;
pub(crate) use place::Record;
pub(crate) use reporter::{Outputs, Reporter};
pub(crate) use tx_line::{TxLine, grouped};

const EXAMPLES: &str = "\
Examples:
  wasmcc dev
  wasmcc dev basic=target/wasm32-wasip2/release/asset_transfer_basic.wasm
  wasmcc dev basic=contracts/basic
  wasmcc dev node=127.0.0.1:9999 -v
  wasmcc dev basic=contracts/basic --twice
  wasmcc dev basic=basic.wasm --policy \"basic=OR('Org1MSP.peer','Org2MSP.peer')\"
  wasmcc dev assets=assets.wasm --collections-config assets=collections.json

  wasmcc invoke -n basic -c '{\"Args\":[\"InitLedger\"]}'    # in another terminal
  wasmcc logs -n basic -f

Ports, names and files are those of Fabric's test network, so its applications connect unchanged:
they find identities and connection-org1.json in the folder organizations. A contract's file or
folder is watched: when it is saved, it is built and the channel upgraded. Ctrl-C ends the network;
the next `wasmcc dev` continues it.";

/// Time limit for a stop: the process ends within a second.
const CLOSING: Duration = Duration::from_millis(900);
/// Time limit for printing the remaining lines.
const FLUSH: Duration = Duration::from_millis(100);
/// Time limit for an answer of the network's own peer.
const ANSWER: Duration = Duration::from_secs(60);

/// Run a network for development: two organizations, an orderer, the channel mychannel.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Dev {
    /// A contract to deploy and to watch: a component, the folder of a project, or a chaincode
    /// server. The default name is that of the file or folder.
    #[arg(value_name = "[NAME=]FILE|DIR|HOST:PORT")]
    contracts: Vec<Contract>,
    /// Start with a new ledger, without deployments. Identities are kept.
    #[arg(long)]
    fresh: bool,
    /// The folder of the identities, in the layout of Fabric's test network. Existing identities
    /// are used, missing ones are made.
    #[arg(long, default_value = "organizations", value_name = "DIR")]
    organizations: PathBuf,
    /// Run each transaction several times, with other random numbers, clocks and memory, and show
    /// the first call to the peer that differs: other hosts of the contract might differ there.
    #[arg(long)]
    twice: bool,
    #[command(flatten)]
    component: ComponentArgs,
    #[command(flatten)]
    definitions: Definitions,
    #[command(flatten)]
    ports: Ports,
    #[command(flatten)]
    web: DevWebArgs,
}

impl Dev {
    /// Serves until SIGINT, SIGTERM or `wasmcc down`. `verbose` shows read-write sets, events and
    /// log lines.
    pub(crate) fn run(mut self, verbose: bool) -> Result<()> {
        self.check_names()?;
        std::mem::take(&mut self.definitions).give_to(&mut self.contracts)?;
        let folder = std::env::current_dir().context("cannot find the current folder")?;
        if folder.to_str().is_none() {
            bail!("the path of this folder is not UTF-8, so no file could name it: {folder:?}");
        }
        let place = Place::new(&folder);
        let _in_use = place.take()?;
        let deadline = Deadline::new(CLOSING)?;
        let runtime = doors::runtime().context("cannot start the server")?;
        // First install the signal handlers: an early signal must not interrupt the start.
        let signal = runtime.block_on(async { told_to_end() })?;
        // Then check the ports: if one is in use, no identities are created.
        runtime.block_on(self.ports.check())?;
        let page = runtime.block_on(self.web.bind())?;
        if self.fresh {
            place.forget()?;
        }
        let members = Members::complete(&place, &self.organizations)?;
        let (events, to_report) = Events::start();
        let feed = Arc::new(Feed::default());
        let journal = Some(Journal::open(&place.log())?);
        let outputs = Outputs { journal, terminal: Some(verbose), feed: Some(Arc::clone(&feed)) };
        let reporter = Reporter::new(events.clone(), outputs);
        let reporter = move || reporter.run(&to_report);
        let thread = std::thread::Builder::new().name("wasmcc-reporter".into()).spawn(reporter);
        thread.context("cannot start a thread")?;
        let url = page.as_ref().map(|(door, _)| door.url());
        let run = Run { twice: self.twice, component: self.component };
        let ports = (&self.ports, run);
        let serving = Serving::open(&runtime, members, ports, (&place, &events), url)?;
        if let Some((door, note)) = page {
            let note = note.or(door.warning().map(str::to_owned));
            let note = note.map(|note| format!(" ({note})")).unwrap_or_default();
            events.say(format!("page on {}{note}", door.url()));
            let site = serving.site(Arc::clone(&feed), &place);
            runtime.block_on(async { door.serve(site) });
        }
        let ended = runtime.block_on(self.serve(serving, (&place, &events), (signal, &deadline)));
        deadline.begin();
        let costs = feed.costs_text();
        if !costs.is_empty() {
            events.say(format!("what functions have cost:\n{}", costs.join("\n")));
        }
        events.flush(FLUSH);
        build::end_builds();
        // Does not wait for calls that still run.
        runtime.shutdown_background();
        ended
    }

    async fn serve(
        self,
        serving: Serving,
        (place, events): (&Place, &Events),
        (signal, deadline): (impl Future<Output = ()>, &Deadline),
    ) -> Result<()> {
        let record = serving.record().clone();
        let (stop, mut served) = serving.serve();
        let begun = async {
            let peer = record.peers.values().next().cloned().context("there is no peer")?;
            let target = Target::of_dev(peer.clone(), record.organizations.clone(), ANSWER);
            let (place, events) = (place.clone(), events.clone());
            let deployer = Deployer::open(target, &record.channel, place, events.clone()).await?;
            let deployer = Arc::new(deployer);
            let mut watches = Vec::new();
            for contract in self.contracts {
                let (deployer, events) = (Arc::clone(&deployer), events.clone());
                let mut watch = Watch::new(contract, deployer, events);
                watch.deploy().await;
                watches.push(watch);
            }
            events.say(format!("ready on {peer}; Ctrl-C ends it"));
            for watch in watches {
                tokio::spawn(watch.run());
            }
            std::future::pending::<Result<()>>().await
        };
        let failed = tokio::select! {
            () = signal => {
                deadline.begin();
                events.say("stopping");
                None
            }
            failed = begun => Some(failed),
            failed = &mut served => Some(failed.context("the server panicked")?),
        };
        drop(stop);
        match failed {
            Some(failed) => failed,
            None => served.await.context("the server panicked")?,
        }
    }

    fn check_names(&self) -> Result<()> {
        for (index, contract) in self.contracts.iter().enumerate() {
            let name = &contract.name;
            if self.contracts[..index].iter().any(|earlier| earlier.name == *name) {
                bail!("two contracts are called {name}: name one of them NAME=...");
            }
        }
        Ok(())
    }
}

/// Returns the given network folder, or that of `wasmcc dev` in this folder or above.
pub(crate) fn network_folder(given: Option<PathBuf>) -> Result<PathBuf> {
    if let Some(given) = given {
        return Ok(given);
    }
    let record = Record::nearest()?.map(|record| record.organizations);
    record.context(
        "no network folder is given: name it with --network, or work in the folder of a `wasmcc \
         dev`",
    )
}
