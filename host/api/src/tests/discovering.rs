//! `discovery.Discovery`, and the services that describe an address.

use std::str::FromStr;

use http_body::Body as _;
use tonic::body::Body;
use tonic::codegen::{Service, http};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::{v1, v1alpha};
use wasmcc_types::proto::discovery::discovery_client::DiscoveryClient;
use wasmcc_types::proto::discovery::query::Query as Wanted;
use wasmcc_types::proto::discovery::query_result::Result as Found;
use wasmcc_types::proto::discovery::{
    self, AuthInfo, ChaincodeQuery, ConfigQuery, LocalPeerQuery, PeerMembershipQuery, Query,
    SignedRequest,
};
use wasmcc_types::proto::gossip::GossipMessage;
use wasmcc_types::proto::gossip::gossip_message::Content;
use wasmcc_types::proto::protos::{ChaincodeCall, ChaincodeInterest};

use super::*;

fn three() -> Fake {
    let ok = || -> Box<Says> { Box::new(|| Ok(golden_response("ok"))) };
    Fake { others: vec![ok(), ok()], ..Fake::default() }
}

fn query(channel: &str, query: Wanted) -> Query {
    Query { channel: channel.to_owned(), query: Some(query) }
}

fn interest(names: &[&str]) -> ChaincodeInterest {
    let call = |name: &&str| ChaincodeCall { name: (*name).to_owned(), ..Default::default() };
    ChaincodeInterest { chaincodes: names.iter().map(call).collect() }
}

async fn ask(served: &Served, queries: Vec<Query>, signature: &[u8]) -> Result<Vec<Found>, Status> {
    let identity = AuthInfo { client_identity: b"me".to_vec(), ..Default::default() };
    let payload = discovery::Request { authentication: Some(identity), queries }.encode_to_vec();
    let request = SignedRequest { payload, signature: signature.to_vec() };
    let answer = DiscoveryClient::new(served.channel.clone()).discover(request).await?;
    Ok(answer.into_inner().results.into_iter().map(|result| result.result.unwrap()).collect())
}

fn refusal(found: &Found) -> &str {
    let Found::Error(error) = found else { panic!("{found:?}") };
    &error.content
}

async fn serve(peer: Fake) -> Served {
    let named = |org: &str, host: &str| (org.to_owned(), format!("{host}:7051"));
    let advertised = [
        named("Org1MSP", "peer0.one"),
        named("Org2MSP", "peer0.two"),
        named("OrdererMSP", "orderer"),
    ];
    let config = ServerConfig { advertised: advertised.into(), ..ServerConfig::default() };
    Served::with(peer, Workers::new(1, 8).unwrap(), config).await
}

#[tokio::test]
async fn a_channels_configuration_and_peers_are_discovered() {
    let served = serve(three()).await;
    let queries = vec![
        query("mychannel", Wanted::ConfigQuery(ConfigQuery {})),
        query("mychannel", Wanted::PeerQuery(PeerMembershipQuery::default())),
    ];
    let found = ask(&served, queries, b"good").await.unwrap();
    let [Found::ConfigResult(config), Found::Members(members)] = &found[..] else {
        panic!("{found:?}")
    };
    let names: Vec<&String> = config.msps.keys().collect();
    assert_eq!(names, ["OrdererMSP", "Org1MSP", "Org2MSP"]);
    // The configuration has no orderer address, so the process's own is returned.
    let orderer = &config.orderers["OrdererMSP"].endpoint[0];
    assert_eq!((orderer.host.as_str(), orderer.port), ("orderer", 7051));

    let peer = &members.peers_by_org["Org2MSP"].peers[0];
    assert_eq!(peer.identity, b"peer of Org2MSP");
    let membership = peer.membership_info.as_ref().unwrap();
    assert_eq!(membership.signature, b"Org2MSP", "the peer signs it");
    let alive = GossipMessage::decode(membership.payload.as_slice()).unwrap();
    let Some(Content::AliveMsg(alive)) = alive.content else { panic!("{alive:?}") };
    assert_eq!(alive.membership.unwrap().endpoint, "peer0.two:7051");
    let state = peer.state_info.as_ref().unwrap();
    let state = GossipMessage::decode(state.payload.as_slice()).unwrap();
    let Some(Content::StateInfo(state)) = state.content else { panic!("{state:?}") };
    let properties = state.properties.unwrap();
    assert_eq!((properties.ledger_height, properties.chaincodes[0].name.as_str()), (7, "basic"));
}

#[tokio::test]
async fn endorsers_are_sets_of_peers_that_are_enough() {
    let served = serve(three()).await;
    let interests = vec![interest(&["basic"])];
    let basic = query("mychannel", Wanted::CcQuery(ChaincodeQuery { interests }));
    let interests = vec![interest(&["basic", "other"])];
    let other = query("mychannel", Wanted::CcQuery(ChaincodeQuery { interests }));
    let none = query("mychannel", Wanted::CcQuery(ChaincodeQuery::default()));
    let found = ask(&served, vec![basic, other, none], b"good").await.unwrap();
    let Found::CcQueryRes(endorsers) = &found[0] else { panic!("{found:?}") };
    let endorsers = &endorsers.content[0];
    assert_eq!(endorsers.chaincode, "basic");
    let layouts = endorsers.layouts.iter();
    let layouts: Vec<Vec<(&str, u32)>> = layouts
        .map(|one| one.quantities_by_group.iter().map(|(g, n)| (g.as_str(), *n)).collect())
        .collect();
    let pairs = [[("G0", 1), ("G1", 1)], [("G0", 1), ("G2", 1)], [("G1", 1), ("G2", 1)]];
    assert_eq!(layouts, pairs);
    let groups: Vec<&[u8]> = endorsers
        .endorsers_by_groups
        .values()
        .map(|peers| peers.peers[0].identity.as_slice())
        .collect();
    assert_eq!(groups, [b"peer of Org1MSP", b"peer of Org2MSP", b"peer of Org3MSP"]);
    let text = "failed constructing descriptor for chaincodes:{name:\"basic\"} \
                chaincodes:{name:\"other\"}";
    assert_eq!(refusal(&found[1]), text);
    let text = "chaincode query must have at least one chaincode interest";
    assert_eq!(refusal(&found[2]), text);
}

#[tokio::test]
async fn only_those_who_may_ask_are_answered() {
    let served = serve(three()).await;
    let config = || query("mychannel", Wanted::ConfigQuery(ConfigQuery {}));
    let local = || query("", Wanted::LocalPeers(LocalPeerQuery {}));
    let found = ask(&served, vec![config(), local()], b"bad").await.unwrap();
    assert_eq!([refusal(&found[0]), refusal(&found[1])], ["access denied"; 2]);
    // Members may query the channel, admins the peer itself.
    let found = ask(&served, vec![config(), local()], b"good").await.unwrap();
    assert!(matches!(found[0], Found::ConfigResult(_)) && refusal(&found[1]) == "access denied");
    let misplaced = query("", Wanted::ConfigQuery(ConfigQuery {}));
    let found = ask(&served, vec![local(), misplaced], b"admin").await.unwrap();
    let Found::Members(members) = &found[0] else { panic!("{found:?}") };
    assert!(members.peers_by_org["Org1MSP"].peers[0].state_info.is_none());
    assert_eq!(refusal(&found[1]), "unknown or missing request type");

    let mut client = DiscoveryClient::new(served.channel.clone());
    let nobody = discovery::Request::default().encode_to_vec();
    let request = SignedRequest { payload: nobody, signature: b"good".to_vec() };
    let refused = client.discover(request).await.unwrap_err();
    let text = "access denied, no authentication info in request";
    assert_eq!(shape(&refused), (Code::Unknown, text));
    let many = vec![config(); 1_001];
    let refused = ask(&served, many, b"good").await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");

    let off = Fake { standings: [("Org1MSP", Standing::NoChannel)].into(), ..three() };
    let found = ask(&serve(off).await, vec![config()], b"good").await.unwrap();
    assert_eq!(refusal(&found[0]), "access denied");
}

#[tokio::test]
async fn health_is_told_and_watched_until_the_server_stops() {
    let served = Served::start(Fake::default()).await;
    let mut health = HealthClient::new(served.channel.clone());
    let of = |service: &str| HealthCheckRequest { service: service.to_owned() };
    for service in ["", "gateway.Gateway", "orderer.AtomicBroadcast", "protos.Snapshot"] {
        let answer = health.check(of(service)).await.unwrap().into_inner();
        assert_eq!(answer.status, 1, "{service} serves");
    }
    let unknown = health.check(of("protos.Unknown")).await.unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    let mut watched = health.watch(of("gateway.Gateway")).await.unwrap().into_inner();
    assert_eq!(watched.message().await.unwrap().unwrap().status, 1);
    let Served { stop, serving, channel, .. } = served;
    stop.send(()).unwrap();
    assert_eq!(watched.message().await.unwrap_err().code(), Code::Unavailable);
    drop((channel, health, watched));
    let ended = tokio::time::timeout(Duration::from_secs(5), serving).await;
    ended.expect("the server ends before its grace does").unwrap();
}

#[tokio::test]
async fn services_and_messages_are_reflected() {
    let served = Served::start(Fake::default()).await;
    use v1::server_reflection_request::MessageRequest;
    use v1::server_reflection_response::MessageResponse;
    let mut client =
        v1::server_reflection_client::ServerReflectionClient::new(served.channel.clone());
    let request = |message| v1::ServerReflectionRequest {
        message_request: Some(message),
        ..Default::default()
    };
    let symbol = MessageRequest::FileContainingSymbol("gateway.EndorseRequest".into());
    let list = MessageRequest::ListServices(String::new());
    let requests = tokio_stream::iter([request(list), request(symbol)]);
    let mut answers = client.server_reflection_info(requests).await.unwrap().into_inner();
    let mut next = async || answers.message().await.unwrap().unwrap().message_response.unwrap();
    let MessageResponse::ListServicesResponse(list) = next().await else { panic!() };
    let names: Vec<String> = list.service.into_iter().map(|service| service.name).collect();
    for name in
        ["gateway.Gateway", "discovery.Discovery", "grpc.reflection.v1alpha.ServerReflection"]
    {
        assert!(names.iter().any(|one| one == name), "{name}: {names:?}");
    }
    let MessageResponse::FileDescriptorResponse(file) = next().await else { panic!() };
    assert!(!file.file_descriptor_proto.is_empty());

    let orderer = Listener::orderer("127.0.0.1:0");
    let workers = Workers::new(1, 1).unwrap();
    let served = Served::at(orderer, Fake::default(), workers, ServerConfig::default()).await;
    let mut client =
        v1alpha::server_reflection_client::ServerReflectionClient::new(served.channel.clone());
    let list = v1alpha::server_reflection_request::MessageRequest::ListServices(String::new());
    let request =
        v1alpha::ServerReflectionRequest { message_request: Some(list), ..Default::default() };
    let requests = tokio_stream::iter([request]);
    let mut answers = client.server_reflection_info(requests).await.unwrap().into_inner();
    let answer = answers.message().await.unwrap().unwrap();
    let said = format!("{answer:?}");
    assert!(
        said.contains("orderer.AtomicBroadcast") && !said.contains("gateway.Gateway"),
        "{said}"
    );
}

#[tokio::test]
async fn what_is_no_call_is_answered_as_http_demands() {
    let served = Served::start(Fake::default()).await;
    let ask = async |method: &str, path: &str, kind: &str| {
        let mut request = http::Request::new(Body::empty());
        *request.method_mut() = http::Method::from_str(method).unwrap();
        *request.uri_mut() = path.parse().unwrap();
        if !kind.is_empty() {
            request.headers_mut().insert("content-type", kind.parse().unwrap());
        }
        let mut channel = served.channel.clone();
        std::future::poll_fn(|cx| Service::poll_ready(&mut channel, cx)).await.unwrap();
        let response = Service::call(&mut channel, request).await.unwrap();
        let status = response.headers().get("grpc-status").map(|s| s.to_str().unwrap().to_owned());
        assert!(response.body().is_end_stream() || response.status() == 200);
        (response.status().as_u16(), status)
    };
    let grpc = "application/grpc+proto";
    for (method, path, kind, expected) in [
        ("GET", "/", "", 404),
        ("GET", "/healthz", "", 404),
        ("POST", "/no.Service/Method", "application/json", 404),
        ("GET", "/gateway.Gateway/Evaluate", "", 405),
        ("POST", "/gateway.Gateway/Evaluate", "application/json", 415),
        ("POST", "/gateway.Gateway/Evaluate", "application/grpcweb", 415),
    ] {
        assert_eq!(ask(method, path, kind).await, (expected, None), "{method} {path} {kind}");
    }
    let unimplemented = Some((Code::Unimplemented as i32).to_string());
    for path in ["/no.Service/Method", "/gateway.Gateway/Nothing", "/"] {
        assert_eq!(ask("POST", path, grpc).await, (200, unimplemented.clone()), "{path}");
    }
}
