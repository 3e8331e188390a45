//! The part of a channel's configuration that discovery returns: its organizations, and the
//! addresses of its orderers. Fabric: `discovery/support/config/support.go`.

use std::collections::BTreeMap;

use prost::Message;

use crate::discovery::Addresses;
use wasmcc_types::proto::common::{Config, ConfigGroup, OrdererAddresses};
use wasmcc_types::proto::discovery::{ConfigResult, Endpoint, Endpoints};
use wasmcc_types::proto::msp::{FabricMspConfig, MspConfig};

/// The type of an MSP with X.509 certificates.
const FABRIC: i32 = 0;

/// Returns the MSPs and the orderers' addresses: those of their organizations, otherwise those of
/// the channel. If the configuration has none, this process orders itself, and its own address is
/// returned. Returns None if the configuration has no group of orderers or of organizations.
pub(super) fn config_result(config: &Config, addresses: &Addresses) -> Option<ConfigResult> {
    let channel = config.channel_group.as_ref()?;
    let (orderer, application) =
        (channel.groups.get("Orderer")?, channel.groups.get("Application")?);
    let mut msps = BTreeMap::new();
    for org in orderer.groups.values().chain(application.groups.values()) {
        if let Some(msp) = msp(org) {
            msps.entry(msp.name.clone()).or_insert(msp);
        }
    }
    let of_orgs = orderer.groups.values();
    let of_orgs = of_orgs.filter_map(|org| Some((msp(org)?.name, endpoints(org, "Endpoints"))));
    let mut orderers: BTreeMap<String, Endpoints> = of_orgs.collect();
    if orderers.values().all(|of_org| of_org.endpoint.is_empty()) {
        let of_channel = endpoints(channel, "OrdererAddresses");
        for (msp_id, of_org) in &mut orderers {
            *of_org = match of_channel.endpoint.is_empty() {
                false => of_channel.clone(),
                true => parse([addresses.of(msp_id).to_owned()]),
            };
        }
    }
    Some(ConfigResult { msps, orderers })
}

fn msp(org: &ConfigGroup) -> Option<FabricMspConfig> {
    let config = MspConfig::decode(org.values.get("MSP")?.value.as_slice()).ok()?;
    if config.r#type != FABRIC {
        return None;
    }
    FabricMspConfig::decode(config.config.as_slice()).ok()
}

fn endpoints(group: &ConfigGroup, value: &str) -> Endpoints {
    let value = group.values.get(value);
    let read = value.and_then(|value| OrdererAddresses::decode(value.value.as_slice()).ok());
    parse(read.unwrap_or_default().addresses)
}

/// Parses addresses; those that are not HOST:PORT are left out.
fn parse(addresses: impl IntoIterator<Item = String>) -> Endpoints {
    let endpoint = |address: String| {
        let (host, port) = address.rsplit_once(':')?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Some(Endpoint { host, port: port.parse::<u16>().ok()?.into() })
    };
    Endpoints { endpoint: addresses.into_iter().filter_map(endpoint).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_host_and_a_port() {
        let parsed =
            parse(["orderer.example.com:7050", "[::1]:7051", "none", "a:99999"].map(Into::into));
        let pairs: Vec<_> = parsed.endpoint.iter().map(|e| (e.host.as_str(), e.port)).collect();
        assert_eq!(pairs, [("orderer.example.com", 7050), ("::1", 7051)]);
    }
}
