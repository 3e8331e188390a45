//! The members that every organization has: names, roles and certificates.

use std::collections::BTreeMap;

use crate::network::NetworkError;
use crate::network::authority::SigningAuthority;
use crate::network::org::{Member, OrgKind};
use crate::node_ous::Role;

/// Returns the names and roles of the users, Admin first.
pub(super) fn with_admin<'a>(
    users: impl IntoIterator<Item = &'a str>,
) -> impl Iterator<Item = (&'a str, Role)> {
    let users = users.into_iter().map(|user| (user, Role::Client));
    std::iter::once(("Admin", Role::Admin)).chain(users)
}

/// Issues the certificates of the node with the usual name.
pub(super) fn issue_node(
    kind: OrgKind,
    domain: &str,
    ca: &SigningAuthority,
    tls_ca: &SigningAuthority,
) -> Result<Member, NetworkError> {
    let host = kind.node_host();
    let name = format!("{host}.{domain}");
    let hosts = [&name, host, "localhost", "127.0.0.1"].map(str::to_owned);
    Ok(Member {
        identity: ca.issue_identity(&name, kind.node_role(), &BTreeMap::new())?,
        tls: Some(tls_ca.issue_tls(&name, &hosts)?),
        tls_files: None,
        name,
    })
}

/// Issues the certificates of a user; the name includes the domain.
pub(super) fn issue_user(
    name: String,
    role: Role,
    ca: &SigningAuthority,
    tls_ca: &SigningAuthority,
) -> Result<Member, NetworkError> {
    Ok(Member {
        identity: ca.issue_identity(&name, role, &BTreeMap::new())?,
        tls: Some(tls_ca.issue_tls(&name, &[])?),
        tls_files: None,
        name,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::{Msp, Network, NetworkSpec};

    #[test]
    fn missing_members_are_made_with_the_keys_of_the_cas_and_others_stay() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("organizations");
        let spec = NetworkSpec::with_orgs(1);
        let first = Network::generate(&path, &spec).unwrap();
        let org = path.join("peerOrganizations/org1.example.com");
        let orderers = path.join("ordererOrganizations/example.com/orderers");
        for folder in ["peers", "users/Admin@org1.example.com", "users/User1@org1.example.com"] {
            fs::remove_dir_all(org.join(folder)).unwrap();
        }
        fs::remove_dir_all(&orderers).unwrap();
        let network = Network::complete(&path, &spec).unwrap();
        let [made] = network.orgs() else { panic!("one organization") };
        let msp = Msp::from_config(first.orgs()[0].msp_config()).unwrap();
        for signer in [made.peer(), made.admin(), made.user("User1")] {
            msp.deserialize(signer.unwrap().serialized()).unwrap();
        }
        assert!(made.peer_tls().is_some() && network.orderer().unwrap().peer_tls().is_some());
        let user = |network: &Network| network.orgs()[0].identity("User2").unwrap().clone();
        assert!(user(&first) == user(&network), "what is there stays");

        // Without the key of the CA, members are not made.
        fs::remove_dir_all(org.join("users/User1@org1.example.com")).unwrap();
        fs::remove_file(org.join("ca/priv_sk")).unwrap();
        let network = Network::complete(&path, &spec).unwrap();
        assert!(network.orgs()[0].user("User1").is_err() && network.orgs()[0].admin().is_ok());
    }
}
