//! The organizations that the Gateway asks for endorsements of private data.

use std::collections::BTreeMap;

use prost::Message;
use tonic::{Code, Status};
use wasmcc_api::{Listener, ServerConfig};
use wasmcc_client::ProposalBuilder;
use wasmcc_msp::NetworkSpec;
use wasmcc_node::sandbox::{CHANNEL, Sandbox, SandboxError};
use wasmcc_tests::{Served, call, guest};
use wasmcc_types::Opened;
use wasmcc_types::proto::gateway::EndorseRequest;
use wasmcc_types::proto::gateway::gateway_client::GatewayClient;
use wasmcc_types::proto::msp::SerializedIdentity;
use wasmcc_workers::Workers;

const ORGS: [&str; 3] = ["Org1MSP", "Org2MSP", "Org3MSP"];
const ANY_TWO: &str = "OutOf(2,'Org1MSP.peer','Org2MSP.peer','Org3MSP.peer')";
const COLLECTIONS: &str = r#"[
    {"name":"one","policy":"OR('Org1MSP.member')"},
    {"name":"others","policy":"OR('Org2MSP.member','Org3MSP.member')"}]"#;

/// Three organizations, each with a peer and a gateway.
struct Site {
    sandbox: Sandbox,
    served: Served,
}

impl Site {
    fn new() -> Self {
        let builder = Sandbox::builder().network(NetworkSpec::with_orgs(3));
        let sandbox = builder.orgs(ORGS).build().unwrap();
        let component = guest("probe");
        let deployment = sandbox.deployment("probe", &component).policy(ANY_TWO);
        deployment.collections(COLLECTIONS).deploy().unwrap();
        let listeners = ORGS.map(|org| Listener::peer_of("127.0.0.1:0", org)).to_vec();
        let workers = Workers::new(1, 8).unwrap();
        let peer = sandbox.peer().clone();
        let served = Served::at(listeners, peer, ServerConfig::default(), workers);
        Self { sandbox, served }
    }

    /// Returns the organizations whose endorsements are in the transaction that a gateway prepares.
    fn endorsers(
        &self,
        gateway: usize,
        line: &str,
        transient: &[&str],
    ) -> Result<Vec<String>, Status> {
        let user = self.sandbox.identity_of(ORGS[gateway], "User1").unwrap();
        let transient = transient.iter().map(|name| ((*name).to_owned(), b"100".to_vec()));
        let proposal = ProposalBuilder::new(CHANNEL, "probe").args(line.split(' '));
        let proposal = proposal.transient(transient.collect::<BTreeMap<_, _>>()).sign(&user);
        let request = EndorseRequest {
            transaction_id: proposal.tx_id.to_string(),
            channel_id: CHANNEL.to_owned(),
            proposed_transaction: Some(proposal.signed),
            endorsing_organizations: Vec::new(),
        };
        let mut gateway = GatewayClient::new(self.served.connect_to(gateway));
        let answer = self.served.wait(gateway.endorse(request))?.into_inner();
        let envelope = answer.prepared_transaction.unwrap().encode_to_vec();
        let opened = Opened::open(envelope.into()).unwrap();
        let endorsements = opened.endorsed().unwrap().endorsements.iter();
        let mut msp_ids: Vec<String> = endorsements
            .map(|entry| SerializedIdentity::decode(entry.endorser.as_ref()).unwrap().mspid)
            .collect();
        msp_ids.sort();
        Ok(msp_ids)
    }
}

#[test]
fn only_members_endorse_private_reads_and_transient_data() {
    let site = Site::new();
    let [one, two, three] = ORGS;
    let put_price = |collection: &str| format!("pput-transient {collection} k price");
    // The gateway's own organization is asked first, member or not. A member's endorsement counts.
    for gateway in [0, 1] {
        let found = site.endorsers(gateway, &put_price("others"), &["price"]).unwrap();
        assert_eq!(found, [two, three], "at {}", ORGS[gateway]);
    }
    assert_eq!(site.endorsers(0, "pget others nothing", &[]).unwrap(), [two, three]);
    // Public data may be endorsed by any organization.
    assert_eq!(site.endorsers(1, "pput one k v", &[]).unwrap(), [one, two]);
}

#[test]
fn an_endorsement_that_the_policy_does_not_count_is_in_no_transaction() {
    let site = Site::new();
    let third = guest("probe");
    let deployment = site.sandbox.deployment("probe", &third);
    deployment.policy("OR('Org3MSP.peer')").deploy().unwrap();
    assert_eq!(site.endorsers(0, "put k v", &[]).unwrap(), [ORGS[2]]);
}

#[test]
fn transient_data_stays_with_members_even_if_they_are_too_few() {
    let site = Site::new();
    let refused = |gateway, line: &str| {
        let status = site.endorsers(gateway, line, &["price"]).unwrap_err();
        assert_eq!(status.code(), Code::FailedPrecondition, "{status}");
        status.message().to_owned()
    };
    let text = "requires endorsement from organisation(s) that are not in the distribution policy \
                of the private data collection(s): [one]; retry specifying trusted endorsing \
                organizations to protect transient data";
    let line = "pput-transient one k price";
    for (gateway, org) in ORGS.into_iter().enumerate() {
        assert_eq!(refused(gateway, line), text);
        // The sandbox refuses like the Gateway.
        let input = call("probe", line).transient("price", "100").org(org);
        let Err(SandboxError::Rejected(why)) = site.sandbox.submit(input) else { panic!("{org}") };
        assert_eq!(why.to_string(), text);
    }
    // Naming the organizations would not help: too few can read the data.
    assert_eq!(
        refused(0, "then pget one nothing ; pput-transient others k price"),
        "no combination of peers can be derived which satisfy the endorsement policy: no peer \
         combination can satisfy the endorsement policy"
    );
}
