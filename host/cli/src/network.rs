//! `wasmcc network`: makes identities for development.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::target::{open_network, org};
use crate::{dev, output};
use wasmcc_msp::network::{Org, OrgSpec};
use wasmcc_msp::{Network as Members, NetworkSpec};

const EXAMPLES: &str = "\
Examples:
  wasmcc network net
  wasmcc network net --org Org1MSP:org1.example.com --org Org2MSP:org2.example.com --users 3
  wasmcc network user add alice --network net --attr role=auditor";

/// Make a network folder: organizations with certificate authorities, a peer, an admin and users.
///
/// It has cryptogen's layout, so Fabric's tools can read it. For development only: it contains the
/// private keys of the authorities.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES, subcommand_negates_reqs = true)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Network {
    #[command(subcommand)]
    of_users: Option<OfUsers>,
    /// The folder, which must not exist.
    #[arg(value_name = "DIR", required = true)]
    folder: Option<PathBuf>,
    /// An organization, by MSP id and domain; may be repeated [default: Org1MSP:org1.example.com].
    #[arg(long = "org", value_name = "MSPID:DOMAIN", value_parser = parse_org)]
    orgs: Vec<(String, String)>,
    /// The number of users of each organization beside Admin: User1, User2 and so on.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=1000))]
    users: u16,
}

#[derive(Debug, clap::Subcommand)]
enum OfUsers {
    /// Change the users of an existing network.
    #[command(subcommand)]
    User(User),
}

#[derive(Debug, clap::Subcommand)]
enum User {
    Add(Add),
}

/// Add a user to an organization, with a certificate of its CA.
#[derive(Debug, clap::Args)]
struct Add {
    /// The user's name, without the domain.
    #[arg(value_name = "NAME")]
    name: String,
    /// An attribute for chaincodes, in the form of fabric-ca; may be repeated.
    #[arg(long = "attr", value_name = "NAME=VALUE", value_parser = parse_attribute)]
    attributes: Vec<(String, String)>,
    /// The network folder [default: that of `wasmcc dev` in this folder].
    #[arg(long, env = "WASMCC_NETWORK", value_name = "DIR")]
    network: Option<PathBuf>,
    /// The organization [default: the network's first].
    #[arg(long, env = "WASMCC_ORG", value_name = "MSPID")]
    org: Option<String>,
}

impl Add {
    fn run(self) -> Result<()> {
        let network = open_network(&dev::network_folder(self.network)?)?;
        let msp_id = org(&network, self.org.as_deref())?.msp_id().to_owned();
        let attributes: BTreeMap<String, String> = self.attributes.into_iter().collect();
        let folder = network.add_user(&msp_id, &self.name, &attributes)?;
        output::line(&format!("{} of {msp_id}: {}", self.name, folder.display()))
    }
}

/// Parses an attribute; its value may contain equals signs.
fn parse_attribute(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected a name and a value: role=auditor".into()),
    }
}

fn parse_org(text: &str) -> Result<(String, String), String> {
    match text.split_once(':') {
        Some((msp_id, domain)) if !msp_id.is_empty() && !domain.is_empty() => {
            Ok((msp_id.to_owned(), domain.to_owned()))
        }
        _ => Err("expected an MSP id and a domain: Org1MSP:org1.example.com".into()),
    }
}

impl Network {
    pub(crate) fn run(self) -> Result<()> {
        if let Some(OfUsers::User(User::Add(add))) = self.of_users {
            return add.run();
        }
        let folder = self.folder.context("no folder is named")?;
        let mut spec = NetworkSpec::default();
        let users: Vec<String> = (1..=self.users).map(|number| format!("User{number}")).collect();
        if !self.orgs.is_empty() {
            let org = |(msp_id, domain)| OrgSpec { msp_id, domain, users: Vec::new() };
            spec.orgs = self.orgs.into_iter().map(org).collect();
        }
        for org in &mut spec.orgs {
            org.users.clone_from(&users);
        }
        let network = Members::generate(&folder, &spec)?;
        for org in network.orgs() {
            output::line(&describe(org))?;
        }
        let folder = folder.display();
        output::line(&format!("{folder} is ready: wasmcc peer --network {folder}"))
    }
}

fn describe(org: &Org) -> String {
    let users: Vec<&str> = org.users().collect();
    format!("{} ({}): peer0, {}", org.msp_id(), org.domain(), users.join(", "))
}
