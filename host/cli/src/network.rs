//! `wasmcc network`: identities for development.

use std::path::PathBuf;

use anyhow::Result;

use crate::output;
use wasmcc_msp::Network as Members;
use wasmcc_msp::NetworkSpec;
use wasmcc_msp::network::{Org, OrgSpec};

const EXAMPLES: &str = "\
Examples:
  wasmcc network net
  wasmcc network net --org Org1MSP:org1.example.com --org Org2MSP:org2.example.com --users 3";

/// Make a network folder: organizations with certificate authorities, a peer, an admin and users.
///
/// It has cryptogen's layout, so that Fabric's tools can read it. For development only: it contains
/// the private keys of the authorities.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Network {
    /// The folder, which must not exist.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// An organization, by MSP id and domain; may be repeated [default: Org1MSP:org1.example.com].
    #[arg(long = "org", value_name = "MSPID:DOMAIN", value_parser = parse_org)]
    orgs: Vec<(String, String)>,
    /// How many users each organization has, beside Admin: User1, User2 and so on.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=1000))]
    users: u16,
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
    /// Makes the folder.
    pub(crate) fn run(self) -> Result<()> {
        let mut spec = NetworkSpec::default();
        let users: Vec<String> = (1..=self.users).map(|number| format!("User{number}")).collect();
        if !self.orgs.is_empty() {
            let org = |(msp_id, domain)| OrgSpec { msp_id, domain, users: Vec::new() };
            spec.orgs = self.orgs.into_iter().map(org).collect();
        }
        for org in &mut spec.orgs {
            org.users.clone_from(&users);
        }
        let network = Members::generate(&self.folder, &spec)?;
        for org in network.orgs() {
            output::line(&describe(org))?;
        }
        let folder = self.folder.display();
        output::line(&format!("{folder} is ready: wasmcc peer --network {folder}"))
    }
}

fn describe(org: &Org) -> String {
    let users: Vec<&str> = org.users().collect();
    format!("{} ({}): peer0, {}", org.msp_id(), org.domain(), users.join(", "))
}
