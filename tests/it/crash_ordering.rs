//! Accepted transactions that are in no block when a peer is killed.

use std::sync::Arc;

use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tonic::transport::{Channel, Endpoint};
use wasmcc_client::lifecycle::{self, ChaincodeDefinition};
use wasmcc_client::{ClientProposal, sign_envelope};
use wasmcc_ledger::{LedgerConfig, Ledgers};
use wasmcc_msp::{Network, SigningIdentity};
use wasmcc_tests::program::{NETWORK, Peer, Site};
use wasmcc_types::proto::gateway::gateway_client::GatewayClient;
use wasmcc_types::proto::gateway::{EndorseRequest, SubmitRequest};
use wasmcc_types::proto::protos::TxValidationCode;

const CHANNEL: &str = "mychannel";
const TRANSACTIONS: usize = 32;

/// Starts a peer whose blocks wait for an hour.
fn start(site: &Site) -> Peer<'_> {
    site.try_peer(&["--data", "data", "--batch-timeout", "1h"]).unwrap()
}

fn kill(peer: Peer<'_>) {
    peer.signal("KILL");
    assert_eq!(peer.end().code, None);
}

fn approval(number: usize, admin: &SigningIdentity) -> ClientProposal {
    let definition = ChaincodeDefinition {
        channel_id: CHANNEL.into(),
        name: format!("cc{number}"),
        version: "1".into(),
        sequence: 1,
        ..Default::default()
    };
    lifecycle::approve(definition, None).sign(admin)
}

/// Returns when the transaction is accepted.
async fn submit(
    mut gateway: GatewayClient<Channel>,
    proposal: ClientProposal,
    signer: Arc<SigningIdentity>,
) -> String {
    let (transaction_id, channel_id) = (proposal.tx_id.to_string(), CHANNEL.to_owned());
    let request = EndorseRequest {
        transaction_id: transaction_id.clone(),
        channel_id: channel_id.clone(),
        proposed_transaction: Some(proposal.signed),
        endorsing_organizations: Vec::new(),
    };
    let endorsed = gateway.endorse(request).await.unwrap().into_inner();
    let envelope = sign_envelope(endorsed.prepared_transaction.unwrap(), &signer);
    let tx_id = transaction_id.clone();
    let prepared_transaction = Some(envelope);
    let request = SubmitRequest { transaction_id, channel_id, prepared_transaction };
    gateway.submit(request).await.unwrap();
    tx_id
}

fn submit_all(peer: &Peer<'_>, network: &Network) -> Vec<String> {
    let admin = Arc::new(network.orgs()[0].admin().unwrap());
    let tokio = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    tokio.block_on(async {
        let endpoint = Endpoint::from_shared(format!("http://{}", peer.address())).unwrap();
        let gateway = GatewayClient::new(endpoint.connect().await.unwrap());
        let mut all = JoinSet::new();
        for number in 0..TRANSACTIONS {
            let proposal = approval(number, &admin);
            all.spawn(submit(gateway.clone(), proposal, Arc::clone(&admin)));
        }
        all.join_all().await
    })
}

#[test]
fn what_was_accepted_survives_kills_and_is_committed_once() {
    let site = Site::new();
    let peer = start(&site);
    let network = Network::open(&site.path(NETWORK)).unwrap();
    let tx_ids = submit_all(&peer, &network);
    kill(peer);
    // Once more, with the transactions accepted before.
    kill(start(&site));
    // A peer that ends cuts the waiting transactions into a block.
    start(&site).terminate().ok();
    let open = || Ledgers::open(&site.path("data/ledger"), LedgerConfig::default()).unwrap();
    let check = || {
        let ledgers = open();
        let ledger = ledgers.get(CHANNEL).unwrap();
        for tx_id in &tx_ids {
            let verdict = ledger.tx_validation(tx_id).unwrap();
            assert_eq!(verdict, Some((TxValidationCode::Valid, 1)));
        }
        assert_eq!(ledger.height(), 2);
    };
    check();
    // Nothing is left to order again.
    start(&site).terminate().ok();
    check();
    site.run(&["ledger", "verify", "--data", "data"]).ok();
}
