//! The organizations on the channel of a sandbox.

use serde_json::{Value, json};

/// The organizations of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkSpec {
    /// Organizations with one peer each, at least one.
    pub orgs: Vec<OrgSpec>,
    /// The organization with the orderer.
    pub orderer: Option<OrdererSpec>,
}

/// An organization with a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrgSpec {
    /// Letters, digits, '.' and '-'.
    pub msp_id: String,
    /// Lower-case letters, digits, '.' and '-'.
    pub domain: String,
    /// Names of clients. `Admin` always exists in addition.
    pub users: Vec<String>,
}

/// An organization with an orderer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrdererSpec {
    /// Letters, digits, '.' and '-'.
    pub msp_id: String,
    /// Lower-case letters, digits, '.' and '-'.
    pub domain: String,
}

impl Default for NetworkSpec {
    /// Returns Org1MSP at org1.example.com with User1 and User2, and OrdererMSP at example.com.
    fn default() -> Self {
        Self::with_orgs(1)
    }
}

impl NetworkSpec {
    /// Returns Org1MSP to OrgNMSP with User1 and User2 each, and OrdererMSP at example.com.
    pub fn with_orgs(count: usize) -> Self {
        let org = |number| OrgSpec {
            msp_id: format!("Org{number}MSP"),
            domain: format!("org{number}.example.com"),
            users: vec!["User1".to_owned(), "User2".to_owned()],
        };
        let orderer =
            OrdererSpec { msp_id: "OrdererMSP".to_owned(), domain: "example.com".to_owned() };
        Self { orgs: (1..=count).map(org).collect(), orderer: Some(orderer) }
    }

    /// Returns the network as part of a request.
    pub(crate) fn to_json(&self) -> Value {
        let org = |org: &OrgSpec| {
            let OrgSpec { msp_id, domain, users } = org;
            json!({ "msp_id": msp_id, "domain": domain, "users": users })
        };
        let orderer = |org: &OrdererSpec| json!({ "msp_id": org.msp_id, "domain": org.domain });
        json!({
            "orgs": self.orgs.iter().map(org).collect::<Vec<_>>(),
            "orderer": self.orderer.as_ref().map(orderer),
        })
    }
}
