//! `wasmcc chaincodes`: the chaincodes of a channel, or those installed on the peer.

use anyhow::{Context, Result};
use prost::Message;
use serde_json::{Value, json};

use crate::hint::Asked;
use crate::output;
use crate::session::Session;
use crate::target::Target;
use wasmcc_client::{lifecycle, lscc};
use wasmcc_types::proto::lifecycle::query_chaincode_definitions_result::ChaincodeDefinition;
use wasmcc_types::proto::lifecycle::{
    QueryChaincodeDefinitionsResult, QueryInstalledChaincodeResult, QueryInstalledChaincodesResult,
};
use wasmcc_types::proto::protos::{ChaincodeInfo, ChaincodeQueryResponse};
use wasmcc_types::{LIFECYCLE, LSCC};

const EXAMPLES: &str = "\
Examples:
  wasmcc chaincodes --network net -C mychannel
  wasmcc chaincodes --network net --installed --json";

/// List the chaincodes of a channel, or all that are installed on the peer, of both lifecycles.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Chaincodes {
    /// The channel.
    #[arg(short = 'C', long, visible_alias = "channelID", env = "WASMCC_CHANNEL")]
    #[arg(default_value = "mychannel", value_name = "CHANNEL")]
    channel: String,
    /// List the chaincodes installed on the peer instead, in all versions; needs an admin.
    #[arg(long)]
    installed: bool,
    /// Print the list as JSON.
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    target: Target,
}

impl Chaincodes {
    /// Queries both lifecycles and prints the list.
    pub(crate) async fn run(self) -> Result<()> {
        let usual = if self.installed { "Admin" } else { "User1" };
        let session = Session::open(&self.target, usual).await?;
        let entries = match self.installed {
            true => installed(&session).await?,
            false => defined(&session, &self.channel).await?,
        };
        if self.json {
            return output::json(&entries.iter().map(Listed::json).collect::<Vec<_>>());
        }
        entries.iter().try_for_each(|entry| output::line(&entry.line()))
    }
}

/// One chaincode or package.
enum Listed {
    /// A chaincode of LSCC, on a channel or a peer.
    Lscc(ChaincodeInfo),
    /// A definition of `_lifecycle`.
    Defined(ChaincodeDefinition),
    /// A package of `_lifecycle`.
    Installed(QueryInstalledChaincodeResult),
}

/// Lists a channel's chaincodes. If both lifecycles have a name, `_lifecycle`'s definition counts.
async fn defined(session: &Session, channel: &str) -> Result<Vec<Listed>> {
    let asked = Asked { channel, chaincode: LIFECYCLE };
    let answer = session.process(lifecycle::query_all_committed(channel), asked).await?;
    // A channel from before Fabric 2.0 has no `_lifecycle`.
    let definitions = match answer.response().message.contains("cannot use new lifecycle") {
        true => Vec::new(),
        false => {
            let payload = answer.content(asked)?.payload;
            let result = QueryChaincodeDefinitionsResult::decode(payload.as_slice());
            result.context("cannot read the peer's answer")?.chaincode_definitions
        }
    };
    let asked = Asked { channel, chaincode: LSCC };
    let answer = session.query_message(lscc::instantiated(channel), asked).await?;
    let ChaincodeQueryResponse { mut chaincodes } = answer;
    chaincodes.retain(|info| definitions.iter().all(|found| found.name != info.name));
    let legacy = chaincodes.into_iter().map(Listed::Lscc);
    let mut entries: Vec<Listed> =
        definitions.into_iter().map(Listed::Defined).chain(legacy).collect();
    entries.sort_by(|one, other| one.name().cmp(other.name()));
    Ok(entries)
}

/// Lists all chaincodes installed on the peer, in all versions.
async fn installed(session: &Session) -> Result<Vec<Listed>> {
    let asked = Asked { channel: "", chaincode: LSCC };
    let answer = session.query_message(lscc::installed(), asked).await?;
    let ChaincodeQueryResponse { chaincodes } = answer;
    let asked = Asked { channel: "", chaincode: LIFECYCLE };
    let answer = session.query_message(lifecycle::query_all_installed(), asked).await?;
    let QueryInstalledChaincodesResult { installed_chaincodes } = answer;
    let packages = installed_chaincodes.into_iter().map(Listed::Installed);
    Ok(chaincodes.into_iter().map(Listed::Lscc).chain(packages).collect())
}

impl Listed {
    fn name(&self) -> &str {
        match self {
            Self::Lscc(info) => &info.name,
            Self::Defined(found) => &found.name,
            Self::Installed(package) => &package.label,
        }
    }

    fn line(&self) -> String {
        match self {
            Self::Lscc(info) => format!("{} {}", info.name, info.version),
            Self::Defined(found) => {
                format!("{} {} sequence {}", found.name, found.version, found.sequence)
            }
            Self::Installed(package) => package.package_id.clone(),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Lscc(info) => {
                let id = output::hex(&info.id);
                json!({
                    "name": info.name, "version": info.version, "id": id, "lifecycle": LSCC,
                })
            }
            Self::Defined(found) => json!({
                "name": found.name,
                "version": found.version,
                "sequence": found.sequence,
                "init_required": found.init_required,
                "lifecycle": LIFECYCLE,
            }),
            Self::Installed(package) => json!({
                "name": package.label, "id": package.package_id, "lifecycle": LIFECYCLE,
            }),
        }
    }
}
