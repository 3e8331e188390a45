//! Programs that embed the host, using only names of the crate `wasmcc`.

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::sync::{Arc, LazyLock, mpsc};
use std::time::Duration;

use wasmcc::{
    Backend, BackendError, BindError, Call, Component, Definition, Entry, ErrorKind, Failure,
    Invocation, KeyModification, KeyValue, Limits, Listener, Meter, Network, NetworkSpec, Outcome,
    PageRequest, Peer, PeerConfig, ProposalBuilder, ProposalContext, QueryBatch, Reply, Response,
    Runtime, RuntimeConfig, Sandbox, Server, ServerConfig, ServerTls, SigningIdentity, Timestamp,
    TxId, TxValidationCode, Workers, client,
};
use wasmcc_tests::{TextComponent, guest};

/// What the crate exports. A change of this list is a change for programs that embed the host.
const ROOT: &str = "\
    AdmissionError Backend BackendError BatchLimits BindError CHANNEL Call ChaincodeEvent \
    Channel ChannelError ChannelId Channels Check Checked Checks ChildCompiler Client \
    ClientError ClientProposal CodeLimits CollectionRwSet CommitError CommittedBlock \
    CommittedTx Committer Compiler Component Conflict CreateChannelError Credentials \
    DataFolderError Definition DeliverConfig Deployment Divergence Endorsed Entry Envelope \
    ErrorKind Exhausted ExternalConfig Failure Function FunctionKind GenesisSpec Height \
    HostCall Identity Interruption InvalidId Invocation KeyModification KeyValue Ledger \
    LedgerConfig LedgerError Limits Listener LoadError LocalOrgsError Meter MspError Needs \
    Network NetworkError NetworkSpec NewestRow NoEndorsers Notifier NsRwSet Observer OpenError \
    OrderError Ordered OrdererSpec Org OrgSpec Outcome OwnRead PackagesError PageRequest \
    Patience Peer PeerConfig PolicyError Processed Profile Profiling ProposalBuilder \
    ProposalContext ProposalPart ProposalResponse QueryBatch QueryLimits Recording Rejected \
    Reply Report Response Role Runtime RuntimeConfig RuntimeError Sandbox SandboxBuilder \
    SandboxError Seen Server ServerConfig ServerTls SetupError Share SharedMemory Shares \
    SignedProposal SigningIdentity SnapshotRefusal Solo SoloConfig StackedCall Submitted \
    Subscription SupportConfig Timestamp TlsFiles TxId TxRwSet TxValidationCode TxVerdict \
    UnpackedProposal Variation Waiter Watch Workers WorkersError build client sandbox";
const HOUR: Duration = Duration::from_secs(3_600);
/// Long enough for a call to begin.
const SHORT: Duration = Duration::from_millis(50);

/// The answers of a backend.
#[derive(Clone, Copy)]
enum Way {
    Soundly,
    /// Batches of queries are empty, and there are always more.
    WithoutRows,
    /// Batches have one empty row, and there are always more.
    WithoutEnd,
    Never,
}

struct Own {
    state: BTreeMap<String, Vec<u8>>,
    way: Way,
}

impl Own {
    fn answer<'a, T: Send + 'a>(&self, answer: T) -> Reply<'a, T> {
        match self.way {
            Way::Never => Reply::later(pending()),
            Way::Soundly | Way::WithoutRows | Way::WithoutEnd => Reply::now(Ok(answer)),
        }
    }

    fn batch<'a, Row: Clone + Send + 'a>(
        &self,
        row: Row,
        first: bool,
    ) -> Reply<'a, QueryBatch<Row>> {
        let rows = match self.way {
            Way::WithoutRows if !first => Vec::new(),
            _ => vec![row],
        };
        let has_more = !matches!(self.way, Way::Soundly);
        self.answer(QueryBatch { rows, has_more, id: "1".into(), bookmark: None })
    }

    fn rows<'a>(&self, first: bool) -> Reply<'a, QueryBatch<KeyValue>> {
        self.batch(KeyValue { key: String::new(), value: Vec::new() }, first)
    }

    fn changes<'a>(&self, first: bool) -> Reply<'a, QueryBatch<KeyModification>> {
        let timestamp = Timestamp { seconds: 0, nanos: 0 };
        let (tx_id, value) = ("tx".into(), b"v".to_vec());
        self.batch(KeyModification { tx_id, value, timestamp, is_delete: false }, first)
    }
}

impl Backend for Own {
    fn get_state(&mut self, _: &str, key: &str) -> Reply<'_, Option<Vec<u8>>> {
        self.answer(self.state.get(key).cloned())
    }
    fn put_state(&mut self, _: &str, key: &str, value: Vec<u8>) -> Reply<'_, ()> {
        self.state.insert(key.into(), value);
        self.answer(())
    }
    fn del_state(&mut self, _: &str, key: &str) -> Reply<'_, ()> {
        self.state.remove(key);
        self.answer(())
    }
    fn purge_private_data(&mut self, _: &str, _: &str) -> Reply<'_, ()> {
        self.answer(())
    }
    fn get_private_data_hash(&mut self, _: &str, _: &str) -> Reply<'_, Option<Vec<u8>>> {
        self.answer(None)
    }
    fn get_state_metadata(&mut self, _: &str, _: &str) -> Reply<'_, Vec<(String, Vec<u8>)>> {
        self.answer(Vec::new())
    }
    fn put_state_metadata(&mut self, _: &str, _: &str, _: &str, _: Vec<u8>) -> Reply<'_, ()> {
        let kind = ErrorKind::Unsupported;
        Reply::now(Err(BackendError::new(kind, "no metadata")))
    }
    fn get_state_by_range(
        &mut self,
        _: &str,
        _: &str,
        _: &str,
        _: Option<&PageRequest>,
    ) -> Reply<'_, QueryBatch<KeyValue>> {
        self.rows(true)
    }
    fn get_query_result(
        &mut self,
        _: &str,
        _: &str,
        _: Option<&PageRequest>,
    ) -> Reply<'_, QueryBatch<KeyValue>> {
        self.rows(true)
    }
    fn get_history_for_key(&mut self, _: &str) -> Reply<'_, QueryBatch<KeyModification>> {
        self.changes(true)
    }
    fn query_next(&mut self, _: &str) -> Reply<'_, QueryBatch<KeyValue>> {
        self.rows(false)
    }
    fn history_next(&mut self, _: &str) -> Reply<'_, QueryBatch<KeyModification>> {
        self.changes(false)
    }
    fn query_close(&mut self, _: &str) -> Reply<'_, ()> {
        self.answer(())
    }
    fn invoke_chaincode(&mut self, _: &str, _: Vec<Vec<u8>>) -> Reply<'_, Response> {
        self.answer(Response::success("called"))
    }
}

fn runtime(limits: Limits) -> Runtime {
    let limits = Limits { instances: 8, ..limits };
    Runtime::new(RuntimeConfig { limits, ..RuntimeConfig::default() }).unwrap()
}

/// Returns the probe, compiled once for all tests.
fn probe() -> &'static (Runtime, Arc<Component>) {
    static PROBE: LazyLock<(Runtime, Arc<Component>)> = LazyLock::new(|| {
        let runtime = runtime(Limits::default());
        let probe = runtime.load(&guest("probe")).unwrap();
        (runtime, probe)
    });
    &PROBE
}

/// Calls a component; all calls of its backend are answered by `way`.
fn invoke(
    runtime: &Runtime,
    component: &Component,
    args: &[&str],
    (way, timeout): (Way, Duration),
) -> Result<Outcome, Failure> {
    let invocation = Invocation {
        entry: Entry::Invoke,
        chaincode: "own".into(),
        channel_id: "mychannel".into(),
        tx_id: TxId::parse("1").unwrap(),
        args: args.iter().map(|arg| arg.as_bytes().to_vec()).collect(),
        decorations: BTreeMap::new(),
        proposal: Arc::new(ProposalContext::default()),
        peer_msp_id: "Org1MSP".into(),
        timeout,
        meter: Arc::new(Meter::unlimited(Duration::MAX)),
        share: Arc::default(),
        limits: None,
    };
    let state = BTreeMap::from([("k".to_owned(), b"value".to_vec())]);
    runtime.invoke(component, invocation, Box::new(Own { state, way }))
}

#[test]
fn a_contract_runs_on_a_backend_of_the_programs_own() {
    let (runtime, probe) = probe();
    // Also without a time limit.
    for timeout in [HOUR, Duration::MAX] {
        let outcome = invoke(runtime, probe, &["get", "k"], (Way::Soundly, timeout)).unwrap();
        assert_eq!(outcome.response.payload, b"value");
    }
}

#[test]
fn a_query_that_has_neither_rows_nor_an_end_ends_the_transaction() {
    let (runtime, probe) = probe();
    let over = "the peer sent a batch of a query without rows and says that there are more";
    for args in [
        &["range", "a", "b"][..],
        &["query", "{}"],
        &["history", "k"],
        &["page", "a", "b", "10", ""],
        &["querypage", "{}", "10", ""],
    ] {
        let ended = invoke(runtime, probe, args, (Way::WithoutRows, HOUR)).unwrap_err();
        assert_eq!(ended, Failure::TransactionOver(over.into()), "{args:?}");
    }
    let page = ["page", "a", "b", "10", ""];
    let ended = invoke(runtime, probe, &page, (Way::WithoutEnd, SHORT)).unwrap_err();
    assert_eq!(ended, Failure::Timeout);
}

#[test]
fn a_backend_that_never_answers_is_waited_for_until_the_time_is_up() {
    let (runtime, probe) = probe();
    for _ in 0..20 {
        let ended = invoke(runtime, probe, &["get", "k"], (Way::Never, SHORT)).unwrap_err();
        assert_eq!(ended, Failure::Timeout);
    }
    let outcome = invoke(runtime, probe, &["noop"], (Way::Never, HOUR)).unwrap();
    assert_eq!(outcome.response.status, 200, "no instance is lost");
}

#[test]
fn what_the_host_cannot_run_is_not_the_guests_failure() {
    let text = TextComponent::default().build();
    let own = runtime(Limits::default());
    let of_another = runtime(Limits::default()).load(&text).unwrap();
    let no_stack = runtime(Limits { stack_bytes: usize::MAX, ..Limits::default() });
    let without_stack = no_stack.load(&text).unwrap();
    for (runtime, component) in [(&own, &of_another), (&no_stack, &without_stack)] {
        let failed = invoke(runtime, component, &[], (Way::Soundly, HOUR)).unwrap_err();
        assert!(matches!(failed, Failure::Host(_)), "{failed:?}");
        assert!(!failed.is_deterministic());
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}

#[test]
fn a_sandbox_works_in_asynchronous_code() {
    let height = block_on(async {
        let sandbox = Sandbox::builder().execute_timeout(Duration::MAX).build().unwrap();
        sandbox.deploy("probe", &guest("probe")).unwrap();
        sandbox.submit(Call::new("probe", "put").args(["k", "v"])).unwrap();
        let read = sandbox.evaluate(Call::new("probe", "get").args(["k"])).unwrap();
        assert_eq!(read.text(), "v");
        sandbox.height().unwrap()
    });
    assert_eq!(height, 3);
}

#[test]
fn a_sandbox_has_as_few_instances_as_it_is_told() {
    let instances = |instances: u32| {
        let limits = Limits { instances, ..Limits::default() };
        let sandbox = Sandbox::builder().limits(limits).build().unwrap();
        sandbox.peer().runtime().limits().instances
    };
    assert_eq!([2, 1_024].map(instances), [2, 128]);
}

/// Signs a transaction, has it endorsed and ordered, and waits for its verdict.
fn submit(peer: &Peer, user: &SigningIdentity, call: ProposalBuilder) -> TxValidationCode {
    let call = call.sign(user);
    let endorsed = peer.process(call.signed.clone()).unwrap().response;
    let envelope = client::transaction(&call.signed, &[endorsed]).unwrap();
    let committer = peer.committer("mychannel").unwrap();
    let (send, verdict) = mpsc::channel();
    let tell = move |verdict| {
        // The test may have stopped waiting.
        let _ = send.send(verdict);
    };
    let _watch = committer.notifier().watch_tx(call.tx_id.as_str(), tell).unwrap();
    let orderer = peer.orderer("mychannel").unwrap().unwrap();
    orderer.order(client::sign_envelope(envelope, user)).unwrap();
    verdict.recv().unwrap().unwrap().0
}

#[test]
fn a_program_deploys_submits_and_opens_its_peer_again() {
    let network = Network::in_memory(&NetworkSpec::default()).unwrap();
    let org = network.org("Org1MSP").unwrap();
    let (admin, user) = (org.admin().unwrap(), org.user("User1").unwrap());
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        let mut config = PeerConfig::new(network.clone(), "Org1MSP");
        config.data = Some(folder.path().to_owned());
        Peer::open(config).unwrap()
    };
    let peer = open();
    peer.create_channel("mychannel").unwrap();
    let install = client::lscc::install("probe", "1.0", guest("probe")).sign(&admin);
    peer.process(install.signed).unwrap();
    let definition = Definition {
        channel_id: "mychannel".into(),
        name: "probe".into(),
        version: "1.0".into(),
        ..Definition::default()
    };
    let code = submit(&peer, &admin, client::lscc::deploy(definition));
    assert_eq!(code, TxValidationCode::Valid);
    let put = ProposalBuilder::new("mychannel", "probe").args(["put", "k", "v"]);
    assert_eq!(submit(&peer, &user, put), TxValidationCode::Valid);
    drop(peer);

    let get = ProposalBuilder::new("mychannel", "probe").args(["get", "k"]).sign(&user);
    let answer = open().process(get.signed).unwrap().response.response.unwrap();
    assert_eq!(answer.payload, b"v");
}

#[test]
fn a_peer_takes_extreme_limits() {
    let network = Network::in_memory(&NetworkSpec::default()).unwrap();
    let mut config = PeerConfig::new(network, "Org1MSP");
    config.support.execute_timeout = Duration::MAX;
    config.support.startup_timeout = Duration::MAX;
    config.ledger.cache_bytes = 0;
    let peer = Peer::open(config).unwrap();
    peer.create_channel("mychannel").unwrap();
    let workers = Workers::new(1, usize::MAX).unwrap();
    assert_eq!(workers.run_blocking(|| 7), Ok(7));
}

#[test]
fn a_server_may_have_tls() {
    let none = || "no certificate".to_owned();
    let (certificate, key) = (none(), none());
    let tls = ServerTls { certificate, key, client_ca: None, client_auth_required: true };
    let listener = Listener { tls: Some(tls), ..Listener::peer("127.0.0.1:0") };
    let bound = block_on(Server::bind([listener], ServerConfig::default()));
    let Err(BindError { address, .. }) = bound else { panic!("it has no certificate") };
    assert_eq!(address, "127.0.0.1:0");
}

/// The names of a file's `pub use` statements.
fn exported(source: &str) -> BTreeSet<&str> {
    let statements = source.split("\npub use ").skip(1).filter_map(|rest| rest.split(';').next());
    let names = statements.flat_map(|statement| {
        let (path, names) = statement.split_once("::{").unwrap_or(("", statement));
        names.trim_end_matches('}').split(',').map(move |name| match name.trim() {
            "self" => path.rsplit("::").next().unwrap_or_default(),
            name => name.rsplit([':', ' ']).next().unwrap_or_default(),
        })
    });
    names.filter(|name| !name.is_empty()).collect()
}

#[test]
fn the_root_has_these_names_and_no_others() {
    let source = std::fs::read_to_string(xtask::root().join("host/src/lib.rs")).unwrap();
    assert_eq!(exported(&source), ROOT.split(' ').collect());
}
