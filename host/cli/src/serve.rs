//! `wasmcc serve`: serves components as chaincode services for Fabric peers.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, anyhow, bail};
use prost::Message as _;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::addresses::to_listen;
use crate::compiler::runtime_config;
use crate::limits::{self, LimitArgs};
use crate::operations::OperationsArgs;
use crate::serve_condition::ServeCondition;
use crate::serve_target::{Place, ServeTarget};
use crate::served_package::ServedPackage;
use crate::signal::told_to_end;
use crate::tls::read_pem;
use crate::usage::wrong;
use crate::{duration, file, output};
use wasmcc_bridge::{
    ChaincodeServer, MessageBudget, Program, ProgramConfig, ServerConfig, Stop, StopHandle,
};
use wasmcc_msp::has_expired;
use wasmcc_runtime::{Limits, Runtime, RuntimeConfig};
use wasmcc_tls::{Acceptor, Part, UnusableTls};
use wasmcc_types::ServerTls;
use wasmcc_types::proto::msp::SerializedIdentity;

const EXAMPLES: &str = "\
Examples:
  wasmcc serve basic.wasm --chaincode-id basic_1.0:6f98c4bb29414771 --address 0.0.0.0:9999
  CHAINCODE_ID=basic_1.0:6f98c4bb CHAINCODE_SERVER_ADDRESS=0.0.0.0:9999 wasmcc serve basic.wasm
  wasmcc serve basic.wasm=basic_1.0:6f98c4bb@0.0.0.0:9999 token.wasm=token:11aa22bb@0.0.0.0:9998
  wasmcc serve basic.wasm --package basic_1.0.tgz --address 0.0.0.0:9999

`wasmcc package --type ccaas` and `peer lifecycle chaincode queryinstalled` print the id. A peer
does not name the chaincode when it connects, so each chaincode needs an address of its own. TLS is
used if a key is given, unless CHAINCODE_TLS_DISABLED is true. It serves until it gets SIGTERM or
SIGINT, and then waits for running transactions; a second signal ends it at once.";

/// Serve components to Fabric peers as chaincode services (chaincode-as-a-service).
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Serve {
    /// The component; several components need each its package id and address.
    #[arg(value_name = "FILE[=PACKAGE_ID@HOST:PORT]", required = true)]
    targets: Vec<ServeTarget>,
    /// The package id [env: CHAINCODE_ID, or CORE_CHAINCODE_ID_NAME].
    #[arg(long, value_name = "ID", value_parser = package_id)]
    chaincode_id: Option<String>,
    /// The install package of a chaincode: the source of its id and of its limits (limits.json).
    /// Repeat it for further chaincodes.
    #[arg(long = "package", env = "WASMCC_PACKAGE", value_name = "FILE")]
    packages: Vec<PathBuf>,
    /// The address to listen on; port 0 takes any free port.
    #[arg(long, env = "CHAINCODE_SERVER_ADDRESS", value_name = "HOST:PORT")]
    #[arg(value_parser = to_listen)]
    address: Option<String>,
    #[command(flatten)]
    tls: Tls,
    /// The MSP id of the peer's organization, for contracts that query it.
    #[arg(long, env = "CORE_PEER_LOCALMSPID", value_name = "MSPID", default_value = "")]
    peer_msp_id: String,
    /// The folder for compiled code [default: none].
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Time limit of a transaction; a peer's own limit is 30 s by default.
    #[arg(long, env = "WASMCC_EXECUTE_TIMEOUT", default_value = "30s")]
    #[arg(value_parser = duration::positive, value_name = "TIME")]
    execute_timeout: Duration,
    /// Most transactions that each chaincode runs at the same time.
    #[arg(long, default_value_t = 16, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1024))]
    transactions: u16,
    /// Most transactions of each chaincode that may wait to run.
    #[arg(long, default_value_t = 1000, value_name = "N")]
    queue: u16,
    /// Limit on the messages that transactions hold, in MiB, over all chaincodes. At the limit,
    /// further transactions are refused.
    #[arg(long, default_value_t = 512, value_name = "MIB")]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    message_mib: u16,
    /// Time limit for running transactions when the server stops.
    #[arg(long, default_value = "10s", value_parser = duration::positive, value_name = "TIME")]
    grace: Duration,
    #[command(flatten)]
    operations: OperationsArgs,
    #[command(flatten)]
    limits: LimitArgs,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "TLS")]
struct Tls {
    /// Serve without TLS even if a key is given.
    #[arg(long, env = "CHAINCODE_TLS_DISABLED", value_name = "BOOL")]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    tls_disabled: Option<bool>,
    /// The server's private key, a PEM file.
    #[arg(long, env = "CHAINCODE_TLS_KEY", value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// The server's certificate, a PEM file.
    #[arg(long, env = "CHAINCODE_TLS_CERT", value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// The CA of peers that may connect, a PEM file [default: all peers may].
    #[arg(long, env = "CHAINCODE_CLIENT_CA_CERT", value_name = "FILE")]
    client_ca_cert: Option<PathBuf>,
}

impl Serve {
    /// Serves until SIGINT or SIGTERM.
    pub(crate) fn run(self) -> Result<()> {
        self.tls.check()?;
        let packages: Result<Vec<_>> =
            self.packages.iter().map(|file| ServedPackage::read(file)).collect();
        let packages = packages?;
        let places = self.places(&packages)?;
        let config =
            ServerConfig { tls: self.tls.read()?, grace: self.grace, ..Default::default() };
        // A peer has one stream to each chaincode, which keeps one task busy. With more threads
        // than tasks, each message would wake another thread.
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = places.len().clamp(1, cores);
        let mut tokio = match threads {
            1 => tokio::runtime::Builder::new_current_thread(),
            _ => tokio::runtime::Builder::new_multi_thread(),
        };
        let tokio = tokio.worker_threads(threads).enable_all().build();
        let tokio = tokio.context("cannot start the server")?;
        let components = read_all(&places, &packages)?;
        // Bind before components are compiled and cached: after a failure no files are left.
        let listeners = tokio.block_on(listen(&places))?;
        let operations = tokio.block_on(self.operations.bind())?;
        let limits = self.limits.apply(Limits::default());
        let runtime = RuntimeConfig { limits, cache_dir: self.cache.clone(), ..runtime_config()? };
        let runtime = Arc::new(Runtime::new(runtime)?);
        let budget = MessageBudget::new(usize::from(self.message_mib) << 20);
        let mut programs = Vec::new();
        let all = places.into_iter().zip(components).zip(listeners);
        for (((file, Place { id, .. }), wasm), listener) in all {
            let package = packages.iter().find(|package| package.id == id);
            let config = self.program_config(runtime.limits(), package)?;
            let limits = config.limits.as_deref().unwrap_or(runtime.limits());
            tracing::info!(chaincode = id, "a transaction has {}", limits::as_text(limits));
            let program = admit(&file, &wasm, &id, &runtime, config)?;
            let program = program.with_budget(Arc::clone(&budget));
            programs.push((listener, Arc::new(program)));
        }
        if let Some(operations) = operations {
            let disk = self.operations.disk(self.cache.as_deref());
            let condition = ServeCondition { runtime: Arc::clone(&runtime), disk };
            tokio.block_on(async { operations.serve(Arc::new(condition)) })?;
        }
        let served = tokio.block_on(serve(programs, config));
        leave(tokio);
        served
    }

    fn program_config(
        &self,
        usual: &Limits,
        package: Option<&ServedPackage>,
    ) -> Result<ProgramConfig> {
        let asked = package.map(|package| package.limits.clone()).unwrap_or_default();
        let limits = limits::narrowed(usual, &asked).with_context(|| {
            let file = package.map(|package| package.file.display().to_string());
            format!("{} cannot be served with these limits", file.unwrap_or_default())
        })?;
        let time = self.execute_timeout;
        Ok(ProgramConfig {
            execute_timeout: asked.timeout.map_or(time, |shorter| shorter.min(time)),
            peer_msp_id: self.peer_msp_id.clone(),
            transactions: self.transactions.into(),
            queue: self.queue.into(),
            limits,
        })
    }

    /// Returns where each component is served. Refuses packages that are not served: a Fabric peer
    /// hangs if a service has an unexpected id.
    fn places(&self, packages: &[ServedPackage]) -> Result<Vec<(PathBuf, Place)>> {
        let places = self.unchecked_places(packages)?;
        let is_served = |id: &str| places.iter().any(|(_, place)| place.id == id);
        match packages.iter().find(|package| !is_served(&package.id)) {
            None => Ok(places),
            Some(ServedPackage { file, id, .. }) => {
                let ids: Vec<&str> = places.iter().map(|(_, place)| place.id.as_str()).collect();
                let (file, ids) = (file.display(), ids.join(" and "));
                Err(anyhow!("{file} has the package id {id}, but the served ids are {ids}"))
            }
        }
    }

    /// Returns the component's places. Only a single file may get its id and address from options.
    fn unchecked_places(&self, packages: &[ServedPackage]) -> Result<Vec<(PathBuf, Place)>> {
        if let [ServeTarget { file, place: None }] = self.targets.as_slice() {
            let id = self.chaincode_id.clone().or_else(id_from_environment);
            let id = id.or_else(|| Some(packages.first()?.id.clone())).ok_or_else(|| {
                wrong("no package id: give --chaincode-id or --package, or set CHAINCODE_ID")
            })?;
            let address = self.address.clone().ok_or_else(|| {
                wrong("no address: give --address, or set CHAINCODE_SERVER_ADDRESS")
            })?;
            return Ok(vec![(file.clone(), Place { id, address })]);
        }
        let place = |target: &ServeTarget| match &target.place {
            Some(place) => Ok((target.file.clone(), place.clone())),
            None => Err(wrong(format!(
                "{0} has no address: several files must each be given as \
                 {0}=PACKAGE_ID@HOST:PORT",
                target.file.display()
            ))),
        };
        self.targets.iter().map(place).collect()
    }
}

/// Refuses an empty id: a peer would wait for a chaincode that never registers under its id.
fn package_id(text: &str) -> Result<String, String> {
    match text {
        "" => Err("it is empty: give the id that `wasmcc package` printed, LABEL:HASH".into()),
        text => Ok(text.to_owned()),
    }
}

fn id_from_environment() -> Option<String> {
    let set = |name| std::env::var(name).ok().filter(|id| !id.is_empty());
    set("CHAINCODE_ID").or_else(|| set("CORE_CHAINCODE_ID_NAME"))
}

impl Tls {
    /// Checks that the TLS options are complete.
    fn check(&self) -> Result<()> {
        // Variables of Fabric's samples may be set while TLS is off.
        let asks_clients = self.client_ca_cert.is_some();
        let is_wanted = self.tls_disabled.map_or(self.is_given() || asks_clients, |off| !off);
        let of_key = self.tls_key.is_none().then_some("--tls-key (CHAINCODE_TLS_KEY)");
        let of_certificate = self.tls_cert.is_none().then_some("--tls-cert (CHAINCODE_TLS_CERT)");
        let missing: Vec<&str> = of_key.into_iter().chain(of_certificate).collect();
        if !is_wanted || missing.is_empty() {
            return Ok(());
        }
        let why = match asks_clients {
            true => "--client-ca-cert needs TLS: without it, every client may connect",
            false => "TLS needs a key and a certificate",
        };
        Err(wrong(format!(
            "{why}. Give {} as well, or --tls-disabled (CHAINCODE_TLS_DISABLED=true) to serve \
             without TLS",
            missing.join(" and ")
        )))
    }

    fn is_given(&self) -> bool {
        self.tls_key.is_some() || self.tls_cert.is_some()
    }

    /// Reads the files; None if TLS is off. The options must have passed [`check`](Self::check).
    fn read(&self) -> Result<Option<ServerTls>> {
        let (Some(key), Some(certificate)) = (&self.tls_key, &self.tls_cert) else {
            return Ok(None);
        };
        if self.tls_disabled == Some(true) {
            return Ok(None);
        }
        let client_ca = self.client_ca_cert.as_deref().map(read_pem).transpose()?;
        let (certificate_pem, key_pem) = (read_pem(certificate)?, read_pem(key)?);
        let tls = ServerTls {
            certificate: certificate_pem,
            key: key_pem,
            client_ca,
            client_auth_required: true,
        };
        if let Err(UnusableTls { part, why }) = Acceptor::new(&tls) {
            let (option, file) = match part {
                Part::Key => ("--tls-key", Some(key)),
                Part::Certificate => ("--tls-cert", Some(certificate)),
                Part::ClientCa => ("--client-ca-cert", self.client_ca_cert.as_ref()),
            };
            let file = file.map(|file| file.display().to_string()).unwrap_or_default();
            bail!("{file} cannot be used as {part} ({option}): {why}");
        }
        let identity = SerializedIdentity {
            id_bytes: tls.certificate.clone().into(),
            ..SerializedIdentity::default()
        };
        if has_expired(&identity.encode_to_vec(), SystemTime::now()) {
            tracing::warn!(
                file = %certificate.display(),
                "the server's certificate has expired, so peers refuse to connect"
            );
        }
        Ok(Some(tls))
    }
}

/// Checks and compiles a component, to be served under `id`.
pub(crate) fn load(
    file: &Path,
    id: &str,
    runtime: &Arc<Runtime>,
    config: ProgramConfig,
) -> Result<Program> {
    admit(file, &read(file)?, id, runtime, config)
}

/// Reads the components and compares each with that of its package.
fn read_all(places: &[(PathBuf, Place)], packages: &[ServedPackage]) -> Result<Vec<Vec<u8>>> {
    let checked = |(file, Place { id, .. }): &(PathBuf, Place)| {
        let wasm = read(file)?;
        let mut own = packages.iter().filter(|package| package.id == *id);
        own.try_for_each(|package| package.check(file, &wasm))?;
        Ok(wasm)
    };
    places.iter().map(checked).collect()
}

fn read(file: &Path) -> Result<Vec<u8>> {
    file::read(file).with_context(|| format!("cannot read {}", file.display()))
}

fn admit(
    file: &Path,
    wasm: &[u8],
    id: &str,
    runtime: &Arc<Runtime>,
    config: ProgramConfig,
) -> Result<Program> {
    let component = runtime.load(wasm);
    let component = component.with_context(|| format!("{} is refused", file.display()))?;
    Ok(Program::new(id, component, Arc::clone(runtime), config))
}

/// Keeps a runtime until the process ends, without waiting for guests that still run. Shutting it
/// down would make them panic, since they use its timers.
pub(crate) fn leave(runtime: tokio::runtime::Runtime) {
    std::mem::forget(runtime);
}

/// Stops `stop` at the first signal, from now on.
pub(crate) fn stop_on_signal(stop: Arc<StopHandle>) -> Result<()> {
    let told = told_to_end()?;
    tokio::spawn(async move {
        told.await;
        stop.stop();
    });
    Ok(())
}

async fn listen(places: &[(PathBuf, Place)]) -> Result<Vec<TcpListener>> {
    let mut listeners = Vec::with_capacity(places.len());
    for (_, Place { address, .. }) in places {
        let listener = TcpListener::bind(address).await;
        listeners.push(listener.with_context(|| format!("cannot listen on {address}"))?);
    }
    Ok(listeners)
}

async fn serve(programs: Vec<(TcpListener, Arc<Program>)>, config: ServerConfig) -> Result<()> {
    let (handle, stop) = Stop::new();
    // First install the signal handlers: an early signal must not interrupt transactions.
    stop_on_signal(Arc::clone(&handle))?;
    let mut servers = Vec::new();
    for (listener, program) in programs {
        servers.push(ChaincodeServer::on(listener, program, config.clone())?);
    }
    let mut serving = JoinSet::new();
    for server in servers {
        output::line(&format!("serving {} on {}", server.program().id(), server.address()))?;
        serving.spawn(server.serve(stop.clone()));
    }
    let mut outcome = Ok(());
    while let Some(served) = serving.join_next().await {
        // If one listener fails, the process cannot do its task and stops the others.
        handle.stop();
        let served = served.context("a server panicked").and_then(|served| Ok(served?));
        outcome = outcome.and(served);
    }
    outcome
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::usage::WrongArguments;
    use wasmcc_runtime::PackageLimits;

    #[derive(Debug, Parser)]
    struct Words {
        #[command(flatten)]
        serve: Serve,
    }

    fn serve(words: &[&str]) -> Serve {
        Words::try_parse_from([&["serve"], words].concat()).unwrap().serve
    }

    #[test]
    fn one_file_takes_its_place_from_the_options() {
        let one = serve(&["x.wasm", "--chaincode-id", "x:1", "--address", "h:1"]);
        let place = Place { id: "x:1".into(), address: "h:1".into() };
        assert_eq!(one.places(&[]).unwrap(), [("x.wasm".into(), place)]);
        let two = serve(&["x.wasm=x:1@h:1", "y.wasm=y:1@h:2"]);
        assert_eq!(two.places(&[]).unwrap().len(), 2);
        let error = serve(&["x.wasm=x:1@h:1", "y.wasm"]).places(&[]).unwrap_err().to_string();
        assert!(error.contains("y.wasm=PACKAGE_ID@HOST:PORT"), "{error}");
    }

    #[test]
    fn a_package_says_the_id_and_what_transactions_may_use() {
        let asked = PackageLimits {
            fuel: Some(7),
            timeout: Some(Duration::from_secs(2)),
            ..PackageLimits::default()
        };
        let (file, id) = ("x.tgz".into(), "x:2".into());
        let package = ServedPackage { file, id, limits: asked, component: None };
        let usual = Limits::default();
        let one = serve(&["x.wasm", "--address", "h:1"]);
        let packages = [package];
        assert_eq!(one.places(&packages).unwrap()[0].1.id, "x:2");
        let config = one.program_config(&usual, packages.first()).unwrap();
        assert_eq!(config.execute_timeout, Duration::from_secs(2));
        assert_eq!(config.limits.as_deref(), Some(&Limits { fuel: 7, ..usual }));
        let less = Limits { fuel: 6, ..Limits::default() };
        let error = format!("{:#}", one.program_config(&less, packages.first()).unwrap_err());
        let text = "x.tgz cannot be served with these limits: the package asks for 7 units of \
                    fuel, this peer allows 6";
        assert_eq!(error, text);
        let other = serve(&["x.wasm", "--chaincode-id", "x:1", "--address", "h:1"]);
        let error = other.places(&packages).unwrap_err().to_string();
        assert_eq!(error, "x.tgz has the package id x:2, but the served ids are x:1");
    }

    #[test]
    fn tls_needs_both_parts_and_may_be_turned_off() {
        let tls = |words: &[&str]| serve(&[&["x=x:1@h:1"], words].concat()).tls;
        let off = |words: &[&str]| {
            let tls = tls(words);
            tls.check().unwrap();
            assert!(tls.read().unwrap().is_none(), "{words:?}");
        };
        off(&[]);
        off(&["--tls-disabled"]);
        off(&["--tls-key", "k", "--tls-disabled"]);
        off(&["--tls-key", "no", "--tls-cert", "no", "--client-ca-cert", "no", "--tls-disabled"]);
        off(&["--client-ca-cert", "no", "--tls-disabled"]);
        let refused = |words: &[&str]| {
            let error = tls(words).check().unwrap_err();
            assert!(error.is::<WrongArguments>());
            error.to_string()
        };
        let both = "Give --tls-key (CHAINCODE_TLS_KEY) and --tls-cert (CHAINCODE_TLS_CERT) as well";
        assert!(refused(&["--tls-disabled=false"]).contains(both));
        for more in [&[][..], &["--tls-disabled=false"]] {
            let error = refused(&[&["--client-ca-cert", "ca"], more].concat());
            assert!(
                error.contains("--client-ca-cert needs TLS") && error.contains(both),
                "{error}"
            );
        }
        for (given, missing) in [("--tls-key", "--tls-cert"), ("--tls-cert", "--tls-key")] {
            for more in [&[][..], &["--client-ca-cert", "ca"]] {
                let error = refused(&[&[given, "x"], more].concat());
                assert!(error.contains(&format!("Give {missing} (")), "{error}");
            }
        }
        let all = tls(&["--tls-key", "no", "--tls-cert", "no", "--client-ca-cert", "no"]);
        all.check().unwrap();
        assert!(all.read().is_err());
    }

    #[test]
    fn an_empty_package_id_is_refused() {
        let words = ["serve", "x.wasm", "--chaincode-id", "", "--address", "h:1"];
        let error = Words::try_parse_from(words).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("LABEL:HASH"), "{error}");
    }
}
