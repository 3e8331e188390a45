//! Reasons for different results: information that a transaction used and that no block contains.

use std::fmt;

/// A reason why the results of a transaction may differ although nothing is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// It read the transient data of its proposal.
    Transient,
    /// It read transient data that the caller supplied for this run. Nothing proves that they are
    /// those of its proposal.
    OfferedTransient {
        /// The names of these data.
        names: Vec<String>,
    },
    /// It read the signed proposal: blocks hold neither its signature nor its transient data.
    SignedProposal,
    /// It read private data that are missing here.
    PrivateData {
        /// The chaincode.
        chaincode: String,
        /// The collection.
        collection: String,
    },
    /// It queried private data; such a query is not recorded.
    PrivateQuery {
        /// The chaincode.
        chaincode: String,
        /// The collection.
        collection: String,
    },
    /// It made a rich query. Its rows are recorded, but not that there were no others.
    RichQuery {
        /// The chaincode.
        chaincode: String,
        /// The query.
        query: String,
    },
    /// It read the history of a key, which is not recorded.
    History {
        /// The chaincode.
        chaincode: String,
        /// The key.
        key: String,
    },
    /// It called a chaincode on another channel, whose state is not here.
    OtherChannel {
        /// The name that was called.
        name: String,
    },
    /// It queried a system chaincode; the response is not recorded.
    SystemChaincode {
        /// Its name.
        name: String,
    },
    /// It called a chaincode that cannot run here.
    NoComponent {
        /// Its name.
        name: String,
    },
    /// A limit of this program refused a call. The endorsing peers may have had another limit, or
    /// an earlier version of it.
    Limit {
        /// The text of the refusal.
        refusal: String,
    },
}

impl Reason {
    /// The kind, in a few words, for statistics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Transient => "transient data",
            Self::OfferedTransient { .. } => "offered transient data",
            Self::SignedProposal => "signed proposal",
            Self::PrivateData { .. } => "private data",
            Self::PrivateQuery { .. } => "query of private data",
            Self::RichQuery { .. } => "rich query",
            Self::History { .. } => "history of a key",
            Self::OtherChannel { .. } => "other channel",
            Self::SystemChaincode { .. } => "system chaincode",
            Self::NoComponent { .. } => "called chaincode without component",
            Self::Limit { .. } => "limit of this version",
        }
    }

    /// True if another height may lead to the recorded results.
    pub(crate) fn depends_on_height(&self) -> bool {
        matches!(self, Self::RichQuery { .. } | Self::History { .. } | Self::PrivateQuery { .. })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Transient => write!(f, "it reads transient data, which no block holds"),
            Self::OfferedTransient { names } => write!(
                f,
                "it reads transient data that were offered, not recorded: {}",
                names.join(", ")
            ),
            Self::SignedProposal => {
                write!(f, "it reads its signed proposal, whose signature no block holds")
            }
            Self::PrivateData { chaincode, collection } => {
                write!(f, "it reads private data of {chaincode}/{collection} that are missing here")
            }
            Self::PrivateQuery { chaincode, collection } => {
                write!(f, "it queries the private data of {chaincode}/{collection}, unrecorded")
            }
            Self::RichQuery { chaincode, query } => {
                write!(f, "it makes a rich query in {chaincode}, unrecorded: {query}")
            }
            Self::History { chaincode, key } => {
                let key = key.replace('\0', "\\0");
                write!(f, "it reads the history of key {key} of {chaincode}, unrecorded")
            }
            Self::OtherChannel { name } => {
                write!(f, "it calls {name}, on a channel whose state is not available")
            }
            Self::SystemChaincode { name } => {
                write!(f, "it calls the system chaincode {name}, unrecorded")
            }
            Self::NoComponent { name } => {
                write!(f, "it calls chaincode {name}, which cannot run here: it has no component")
            }
            Self::Limit { refusal } => write!(
                f,
                "a limit of this version refuses what its endorsers may have allowed: {refusal}"
            ),
        }
    }
}
