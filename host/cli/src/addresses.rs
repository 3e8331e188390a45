//! Options for the organizations of a process and the addresses of its peers and orderer.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, Ipv6Addr, UdpSocket};

use anyhow::{Context, Result, bail};

use crate::target::org;
use crate::tls::PeerTls;
use wasmcc_api::{Listener, Role, Server};
use wasmcc_msp::Network;
use wasmcc_msp::network::Org;
use wasmcc_types::is_host_port;

const FORM: &str = "it must be HOST:PORT or MSPID=HOST:PORT";

/// The organizations of a process, and its addresses.
#[derive(Debug, clap::Args)]
pub(crate) struct Addresses {
    /// The peer's organization [default: the network's first]. Repeat it to run the peers of
    /// further organizations in this process, each with its own identity and private data.
    #[arg(long = "org", env = "WASMCC_ORG", value_delimiter = ',', value_name = "MSPID")]
    orgs: Vec<String>,
    /// The address to listen on; port 0 takes any free port. Repeat it for further organizations,
    /// in their order or by name. An organization without an address shares the first one. A name
    /// adds its organization, as --org does.
    #[arg(long, default_value = "127.0.0.1:7051", value_name = "[MSPID=]HOST:PORT")]
    #[arg(value_parser = Address::to_listen)]
    listen: Vec<Address>,
    /// The address at which clients reach the peer, as errors name it [default: the name in its
    /// certificate, with the port]. Repeat it for further organizations, in their order or by name,
    /// and for the orderer by its organization's name.
    #[arg(long, env = "CORE_PEER_GOSSIP_EXTERNALENDPOINT", value_name = "[MSPID=]HOST:PORT")]
    #[arg(value_delimiter = ',', value_parser = Address::to_dial)]
    advertise: Vec<Address>,
    /// A further address for the orderer alone, with its certificate if there is TLS [default: the
    /// orderer answers at the peers' addresses only].
    #[arg(long, value_name = "HOST:PORT", value_parser = to_listen)]
    orderer_listen: Option<String>,
    /// The address of the orderer's administration: the channel participation API of osnadmin.
    #[arg(long, value_name = "HOST:PORT", value_parser = to_listen)]
    orderer_admin_listen: Option<String>,
}

/// An address, optionally of a named organization.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Address {
    msp_id: Option<String>,
    address: String,
}

/// Completes an address to listen on. `:PORT` means that port on all addresses, as in Go's
/// `net.Listen`: IPv6 and IPv4 where one socket of the machine accepts both.
pub(crate) fn to_listen(text: &str) -> Result<String, Infallible> {
    Ok(match text.starts_with(':') && !text.starts_with("::") {
        true => format!("{}{text}", if accepts_both() { "[::]" } else { "0.0.0.0" }),
        false => text.to_owned(),
    })
}

/// True if an IPv6 socket on all addresses also accepts IPv4: its port is then taken on IPv4. A
/// machine with IPv6 may be configured otherwise (`net.ipv6.bindv6only`).
fn accepts_both() -> bool {
    let all = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0));
    let port = all.as_ref().ok().and_then(|all| all.local_addr().ok()).map(|at| at.port());
    port.is_some_and(|port| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).is_err())
}

impl Address {
    fn to_listen(text: &str) -> Result<Self, String> {
        let Self { msp_id, address } = Self::parse(text)?;
        let Ok(address) = to_listen(&address);
        Ok(Self { msp_id, address })
    }

    fn to_dial(text: &str) -> Result<Self, String> {
        Self::parse(text).and_then(|parsed| match is_host_port(&parsed.address) {
            true => Ok(parsed),
            false => Err(FORM.to_owned()),
        })
    }

    fn parse(text: &str) -> Result<Self, String> {
        let (msp_id, address) = match text.split_once('=') {
            Some((msp_id, address)) => (Some(msp_id.to_owned()), address),
            None => (None, text),
        };
        if msp_id.as_deref() == Some("") || address.is_empty() {
            return Err(FORM.to_owned());
        }
        Ok(Self { msp_id, address: address.to_owned() })
    }
}

impl Addresses {
    /// Returns the organizations whose peers run; the first is the process's main one.
    pub(crate) fn orgs<'a>(&self, network: &'a Network) -> Result<Vec<&'a Org>> {
        let with_address = self.listen.iter().chain(&self.advertise);
        let of_orderer = network.orderer().map(Org::msp_id);
        let with_address = with_address.filter_map(|address| address.msp_id.as_ref());
        // An advertised address of the orderer does not add a peer.
        let with_address = with_address.filter(|msp_id| Some(msp_id.as_str()) != of_orderer);
        let mut orgs: Vec<&Org> = Vec::new();
        if self.orgs.is_empty() && self.listen.iter().any(|address| address.msp_id.is_none()) {
            orgs.push(org(network, None)?);
        }
        for name in self.orgs.iter().chain(with_address) {
            let found = org(network, Some(name))?;
            let is_known = orgs.iter().any(|org| org.msp_id() == found.msp_id());
            // A name that --org has twice is refused later.
            if !is_known || orgs.len() < self.orgs.len() {
                orgs.push(found);
            }
        }
        Ok(orgs)
    }

    /// Returns the listeners, with TLS if it is configured.
    pub(crate) fn listeners(
        &self,
        network: &Network,
        orgs: &[&Org],
        tls: &PeerTls,
    ) -> Result<Vec<Listener>> {
        tls.check(orgs.len())?;
        let mut listeners = Vec::new();
        for (number, address) in assign(&self.listen, orgs, "to listen on")? {
            let org = orgs.get(number).context("no organization")?;
            let role = Role::Peer(Some(org.msp_id().to_owned()));
            listeners.push(Listener { address, tls: tls.of_peer(org, number)?, role });
        }
        if let Some(address) = self.orderer_listen.clone() {
            let tls = tls.of_orderer(network.orderer())?;
            listeners.push(Listener { address, tls, role: Role::Orderer });
        }
        if let Some(address) = self.orderer_admin_listen.clone() {
            let tls = tls.of_orderer_admin(network.orderer())?;
            listeners.push(Listener { address, tls, role: Role::OrdererAdmin });
        }
        Ok(listeners)
    }

    /// Returns the addresses at which clients reach each organization's peer and the orderer, by
    /// MSP id. An organization without an address of its own is reached through the first one.
    pub(crate) fn advertised(
        &self,
        network: &Network,
        orgs: &[&Org],
        server: &Server,
    ) -> Result<BTreeMap<String, String>> {
        let mut advertised = BTreeMap::new();
        let (mut of_peers, orderer) = (self.advertise.clone(), network.orderer());
        if let Some(orderer) = orderer {
            let own = server.addresses().find(|(role, _)| **role == Role::Orderer);
            let port = own.map_or_else(|| server.address(), |(_, address)| address).port();
            let is_its =
                |address: &mut Address| address.msp_id.as_deref() == Some(orderer.msp_id());
            let given = of_peers.extract_if(.., is_its).next().map(|address| address.address);
            let usual = || Some(format!("{}:{port}", orderer.peer_name()?));
            let named = given.or_else(usual).map(|address| (orderer.msp_id().to_owned(), address));
            advertised.extend(named);
        }
        let given: BTreeMap<usize, String> =
            assign(&of_peers, orgs, "by --advertise")?.into_iter().collect();
        for (number, org) in orgs.iter().enumerate() {
            let own = |role: &Role| matches!(role, Role::Peer(Some(own)) if own == org.msp_id());
            let own = server.addresses().find(|(role, _)| own(role));
            let port = own.map_or_else(|| server.address(), |(_, address)| address).port();
            let usual = || Some(format!("{}:{port}", org.peer_name()?));
            if let Some(address) = given.get(&number).cloned().or_else(usual) {
                advertised.insert(org.msp_id().to_owned(), address);
            }
        }
        Ok(advertised)
    }
}

/// Returns the index of the organization for each address. Unnamed addresses belong to the unnamed
/// organizations, in order.
fn assign(addresses: &[Address], orgs: &[&Org], what: &str) -> Result<Vec<(usize, String)>> {
    let is_named = |org: &&Org| {
        addresses.iter().any(|address| address.msp_id.as_deref() == Some(org.msp_id()))
    };
    let mut unnamed = orgs.iter().enumerate().filter(|(_, org)| !is_named(org));
    let mut assigned = Vec::new();
    for Address { msp_id, address } in addresses {
        let number = match msp_id {
            Some(msp_id) => orgs.iter().position(|org| org.msp_id() == msp_id),
            None => unnamed.next().map(|(number, _)| number),
        };
        let Some(number) = number else {
            bail!(
                "{} addresses {what}, but {} organizations: add --org, or name the organization: \
                 MSPID={address}",
                addresses.len(),
                orgs.len()
            );
        };
        assigned.push((number, address.clone()));
    }
    Ok(assigned)
}

#[cfg(test)]
mod tests {
    use wasmcc_msp::NetworkSpec;

    use super::*;

    fn assigned(orgs: usize, given: &[&str]) -> Result<Vec<(usize, String)>, String> {
        let network = Network::in_memory(&NetworkSpec::with_orgs(orgs)).unwrap();
        let given: Vec<Address> = given.iter().map(|text| Address::parse(text).unwrap()).collect();
        let orgs: Vec<&Org> = network.orgs().iter().collect();
        assign(&given, &orgs, "to listen on").map_err(|error| error.to_string())
    }

    #[test]
    fn addresses_are_of_organizations_by_name_or_by_place() {
        let of = |orgs, given: &[&str]| {
            let numbers = assigned(orgs, given).unwrap();
            numbers.into_iter().map(|(number, _)| number).collect::<Vec<_>>()
        };
        assert_eq!(of(2, &["a:1", "b:2"]), [0, 1]);
        assert_eq!(of(2, &["Org2MSP=a:1", "b:2"]), [1, 0]);
        assert_eq!(of(2, &["Org2MSP=a:1", "Org2MSP=b:2"]), [1, 1], "two addresses of one");
        let refused = assigned(2, &["Org2MSP=a:1", "b:2", "c:3"]).unwrap_err();
        assert!(refused.starts_with("3 addresses to listen on, but 2 organizations"), "{refused}");
    }

    #[test]
    fn a_port_without_a_host_is_that_of_all_addresses() {
        let listen = |text: &str| Address::to_listen(text).unwrap().address;
        let all = if accepts_both() { "[::]:7051" } else { "0.0.0.0:7051" };
        assert_eq!(listen(":7051"), all);
        assert_eq!(listen("Org1MSP=:7051"), all);
        for text in ["h:7051", "[::1]:7051", "[::]:0", "::1"] {
            assert_eq!(listen(text), text);
        }
    }

    #[test]
    fn only_what_clients_can_dial_is_advertised() {
        for text in ["peer0.org1.example.com:7051", "[::1]:7051", "Org1MSP=10.0.0.1:7051"] {
            assert!(Address::to_dial(text).is_ok(), "{text}");
        }
        for text in ["nonsense", "Org1MSP=nonsense", ":7051", "h:0", "h:x", "grpc://h:7051", "::1"]
        {
            assert_eq!(Address::to_dial(text).unwrap_err(), FORM, "{text}");
        }
    }

    #[test]
    fn an_address_has_a_host_and_may_have_a_name() {
        assert_eq!(Address::parse("[::1]:7051").unwrap().msp_id, None);
        let named = Address::parse("Org1MSP=localhost:7051").unwrap();
        assert_eq!((named.msp_id.as_deref(), &*named.address), (Some("Org1MSP"), "localhost:7051"));
        for text in ["", "=localhost:7051", "Org1MSP="] {
            assert!(Address::parse(text).unwrap_err().contains("MSPID=HOST:PORT"), "{text}");
        }
    }
}
