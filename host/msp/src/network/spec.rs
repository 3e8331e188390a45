//! The specification of a network.
//!
//! Contains only names. They become paths and certificate subjects, so they are checked here.

use std::collections::HashSet;

use crate::network::NetworkError;

/// The longest common name that X.509 allows, in characters (RFC 5280, `ub-common-name`).
const MAX_COMMON_NAME: usize = 64;

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
    /// Names of clients. Admin always exists in addition.
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
    /// The default network: Org1MSP at org1.example.com with User1 and User2, and OrdererMSP at
    /// example.com.
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

    pub(crate) fn check(&self) -> Result<(), NetworkError> {
        if self.orgs.is_empty() {
            return Err(NetworkError::Spec("it has no organization".to_owned()));
        }
        let mut ids = HashSet::new();
        let mut domains = HashSet::new();
        let orderer = self.orderer.iter().map(|org| (&org.msp_id, &org.domain));
        for (msp_id, domain) in
            self.orgs.iter().map(|org| (&org.msp_id, &org.domain)).chain(orderer)
        {
            name("MSP id", msp_id, char::is_ascii_alphanumeric)?;
            let in_domain = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit();
            name("domain", domain, in_domain)?;
            unique("MSP id", msp_id, &mut ids)?;
            unique("domain", domain, &mut domains)?;
        }
        let domains = domains.into_iter();
        for domain in domains {
            common_name(domain, "orderer.".len() + domain.len())?;
        }
        for org in &self.orgs {
            let mut users = HashSet::from(["Admin"]);
            for user in &org.users {
                check_user(user, &org.domain)?;
                unique("user", user, &mut users)?;
            }
        }
        Ok(())
    }
}

/// Checks that the name can be a user of the organization.
pub(super) fn check_user(user: &str, domain: &str) -> Result<(), NetworkError> {
    name("user", user, char::is_ascii_alphanumeric)?;
    common_name(user, user.len() + 1 + domain.len())
}

fn common_name(name: &str, length: usize) -> Result<(), NetworkError> {
    if length <= MAX_COMMON_NAME {
        return Ok(());
    }
    let rule = format!("'{name}' makes a common name longer than {MAX_COMMON_NAME} characters");
    Err(NetworkError::Spec(rule))
}

/// Refuses a value that is not a valid file name or, for an MSP id, is not allowed in a policy.
fn name(what: &str, value: &str, letter: impl Fn(&char) -> bool) -> Result<(), NetworkError> {
    let is_valid = |c: char| letter(&c) || c == '.' || c == '-';
    let starts_well = value.chars().next().is_some_and(|c| letter(&c));
    if starts_well && value.chars().all(is_valid) {
        return Ok(());
    }
    let shown: String = value.chars().take(64).collect();
    Err(NetworkError::Spec(format!("'{shown}' is not a {what}")))
}

fn unique<'a>(what: &str, value: &'a str, seen: &mut HashSet<&'a str>) -> Result<(), NetworkError> {
    match seen.insert(value) {
        true => Ok(()),
        false => Err(NetworkError::Spec(format!("the {what} '{value}' occurs twice"))),
    }
}
