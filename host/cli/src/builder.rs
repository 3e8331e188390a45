//! `wasmcc builder`: Fabric's external builder for packages of type wasm.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clap::Subcommand;
use serde::Deserialize;

use crate::compiler::runtime_config;
use crate::limits::{self, LimitArgs};
use crate::serve::{leave, load, stop_on_signal};
use crate::{builder_script, duration, file, output};
use wasmcc_bridge::{PeerAddress, PeerClient, Program, ProgramConfig, Stop};
use wasmcc_peer::chaincode::{COMPONENT_FILE, LIMITS_FILE, LimitsFile, META_INF, is_hidden};
use wasmcc_runtime::{Limits, Runtime, RuntimeConfig};
use wasmcc_types::{ClientIdentity, ClientTls, go_json};

/// The folder of compiled code in the folder that `build` fills.
const COMPILED: &str = "compiled";
/// A peer sends SIGKILL 5 s after SIGTERM.
const GRACE: Duration = Duration::from_secs(4);
const EXAMPLES: &str = "\
Examples:
  wasmcc builder install /opt/wasmcc-builder

Do this once on each peer. Then write into the peer's core.yaml:
  chaincode:
    externalBuilders:
      - name: wasmcc
        path: /opt/wasmcc-builder
        propagateEnvironment: [RUST_LOG, WASMCC_EXECUTE_TIMEOUT, WASMCC_FUEL, WASMCC_MEMORY_MIB,
          WASMCC_VALUE_MIB, WASMCC_RESPONSE_MIB, WASMCC_EVENT_MIB, WASMCC_CALL_MIB,
          WASMCC_COMPONENT_MIB]

The peer then runs packages of `wasmcc package` without Docker. It calls the other commands itself,
with the variables of this list that it has. The programs in DIR/bin look for wasmcc at its present
path, at its present path relative to them, and in PATH.";

/// Run packages of type wasm on a Fabric peer, as its external builder.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Builder {
    #[command(subcommand)]
    step: Step,
}

#[derive(Debug, Subcommand)]
enum Step {
    /// Write the four programs that a peer looks for into DIR/bin.
    Install {
        /// The builder's folder, `path` in core.yaml.
        #[arg(value_name = "DIR")]
        dir: PathBuf,
    },
    /// Exit code 0 if the package is of type wasm.
    Detect {
        /// The unpacked code.
        source: PathBuf,
        /// The folder of metadata.json.
        metadata: PathBuf,
    },
    /// Check the component and compile it.
    Build {
        /// The unpacked code.
        source: PathBuf,
        /// The folder of metadata.json.
        metadata: PathBuf,
        /// The folder for the files that `run` needs.
        output: PathBuf,
        #[command(flatten)]
        limits: LimitArgs,
    },
    /// Copy the package's indexes for the peer.
    Release {
        /// The folder that `build` filled.
        output: PathBuf,
        /// The folder in which the peer looks for indexes.
        release: PathBuf,
    },
    /// Connect to the peer and serve until SIGTERM.
    Run(Run),
}

#[derive(Debug, clap::Args)]
struct Run {
    /// The folder that `build` filled.
    output: PathBuf,
    /// The folder of chaincode.json.
    metadata: PathBuf,
    /// Time limit of a transaction; a peer's own limit is 30 s by default.
    #[arg(long, env = "WASMCC_EXECUTE_TIMEOUT", default_value = "30s")]
    #[arg(value_parser = duration::positive, value_name = "TIME")]
    execute_timeout: Duration,
    #[command(flatten)]
    limits: LimitArgs,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    r#type: String,
}

/// The peer's description of the chaincode to run.
#[derive(Deserialize)]
struct ChaincodeJson {
    chaincode_id: String,
    peer_address: String,
    #[serde(default)]
    client_cert: String,
    #[serde(default)]
    client_key: String,
    #[serde(default)]
    root_cert: String,
    #[serde(default)]
    mspid: String,
}

impl Builder {
    /// Runs one step.
    pub(crate) fn run(self) -> Result<()> {
        match self.step {
            Step::Install { dir } => install(&dir),
            Step::Detect { metadata, .. } => detect(&metadata),
            Step::Build { source, output, limits, .. } => build(&source, &output, &limits),
            Step::Release { output, release } => give_indexes(&output, &release),
            Step::Run(run) => run.serve(),
        }
    }
}

/// A package without indexes is fine; one that was not built is an error.
fn give_indexes(output: &Path, release: &Path) -> Result<()> {
    if !output.is_dir() {
        bail!("{} is no folder that `build` has filled", output.display());
    }
    let statedb = output.join(META_INF).join("statedb");
    if statedb.is_dir() { copy(&statedb, &release.join("statedb")) } else { Ok(()) }
}

fn install(dir: &Path) -> Result<()> {
    let program = std::env::current_exe().context("cannot find this program's file")?;
    let bin = dir.join("bin");
    let failed = || format!("cannot make {}", bin.display());
    std::fs::create_dir_all(&bin).with_context(failed)?;
    let here = bin.canonicalize().with_context(failed)?;
    for step in ["detect", "build", "release", "run"] {
        let path = bin.join(step);
        std::fs::write(&path, builder_script::script(step, &here, &program)?)
            .and_then(|()| make_executable(&path))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    output::line(&format!("installed in {}", dir.display()))
}

#[cfg(unix)]
fn make_executable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_executable(_: &Path) -> std::io::Result<()> {
    Ok(())
}

fn detect(metadata: &Path) -> Result<()> {
    let path = metadata.join("metadata.json");
    let text = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let read: Metadata = go_json::from_slice(&text, &["type"])
        .with_context(|| format!("{} is not usable", path.display()))?;
    let kind = read.r#type;
    ensure!(kind.eq_ignore_ascii_case("wasm"), "the package is of type '{kind}', not 'wasm'");
    Ok(())
}

fn build(source: &Path, output: &Path, limits: &LimitArgs) -> Result<()> {
    let component = only_component(source)?;
    let wasm =
        file::read(&component).with_context(|| format!("cannot read {}", component.display()))?;
    let name = component.strip_prefix(source).unwrap_or(&component).display().to_string();
    let runtime = runtime(output, limits)?;
    runtime.load(&wasm).with_context(|| format!("{name} is refused"))?;
    let target = output.join(COMPONENT_FILE);
    std::fs::write(&target, wasm).with_context(|| format!("cannot write {}", target.display()))?;
    let limits = source.join(LIMITS_FILE);
    if limits.is_file() {
        // Read now, so that an unusable package already fails at install.
        own_limits(source, &runtime)?;
        let target = output.join(LIMITS_FILE);
        std::fs::copy(&limits, &target)
            .with_context(|| format!("cannot write {}", target.display()))?;
    }
    let meta_inf = source.join(META_INF);
    if meta_inf.is_dir() { copy(&meta_inf, &output.join(META_INF)) } else { Ok(()) }
}

/// Keeps compiled code beside the component; code that is there is not compiled again.
fn runtime(output: &Path, limits: &LimitArgs) -> Result<Arc<Runtime>> {
    let cache_dir = Some(output.join(COMPILED));
    let limits = limits.apply(Limits::default());
    Ok(Arc::new(Runtime::new(RuntimeConfig { limits, cache_dir, ..runtime_config()? })?))
}

/// Returns the limits that the package requests, if any.
fn own_limits(folder: &Path, runtime: &Runtime) -> Result<(Option<Arc<Limits>>, Option<Duration>)> {
    let path = folder.join(LIMITS_FILE);
    if !path.is_file() {
        return Ok((None, None));
    }
    let json = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let asked = LimitsFile::parse(&json)?;
    Ok((limits::narrowed(runtime.limits(), &asked)?, asked.timeout))
}

fn only_component(source: &Path) -> Result<PathBuf> {
    let mut found = Vec::new();
    visit(source, &mut |path| {
        if path.extension().is_some_and(|extension| extension == "wasm") {
            found.push(path.to_owned());
        }
        Ok(())
    })?;
    match found.as_slice() {
        [component] => Ok(component.clone()),
        [] => bail!("the package holds no .wasm file: it must hold exactly one component"),
        many => {
            let name =
                |path: &PathBuf| path.strip_prefix(source).unwrap_or(path).display().to_string();
            let mut names: Vec<_> = many.iter().map(name).collect();
            names.sort();
            bail!(
                "the package holds {} .wasm files: {}; it must hold exactly one component",
                names.len(),
                names.join(", ")
            )
        }
    }
}

/// Calls `each` for every regular file below `folder`. Does not follow links; skips hidden files
/// with a warning.
fn visit(folder: &Path, each: &mut dyn FnMut(&Path) -> Result<()>) -> Result<()> {
    let unreadable = || format!("cannot read {}", folder.display());
    for entry in std::fs::read_dir(folder).with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?;
        let kind = entry.file_type().with_context(unreadable)?;
        if is_hidden(&entry.file_name().to_string_lossy()) {
            let path = entry.path();
            tracing::warn!(file = %path.display(), "skipped a hidden file of the package");
        } else if kind.is_dir() {
            visit(&entry.path(), each)?;
        } else if kind.is_file() {
            each(&entry.path())?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    visit(from, &mut |path| {
        let target = to.join(path.strip_prefix(from)?);
        let failed = || format!("cannot write {}", target.display());
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder).with_context(failed)?;
        }
        std::fs::copy(path, &target).with_context(failed).map(drop)
    })
}

fn read_json<T: for<'a> Deserialize<'a>>(path: &Path) -> Result<T> {
    let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{} is not usable", path.display()))
}

impl Run {
    fn serve(self) -> Result<()> {
        let chaincode: ChaincodeJson = read_json(&self.metadata.join("chaincode.json"))?;
        let runtime = runtime(&self.output, &self.limits)?;
        let (limits, timeout) = own_limits(&self.output, &runtime)?;
        let usual = self.execute_timeout;
        let config = ProgramConfig {
            execute_timeout: timeout.map_or(usual, |shorter| shorter.min(usual)),
            peer_msp_id: chaincode.mspid.clone(),
            limits,
            ..Default::default()
        };
        let file = self.output.join(COMPONENT_FILE);
        let program = load(&file, &chaincode.chaincode_id, &runtime, config)?;
        // One stream keeps one task busy.
        let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let tokio = tokio.context("cannot start the client")?;
        let served = tokio.block_on(serve(&chaincode.peer(), Arc::new(program)));
        leave(tokio);
        served
    }
}

impl ChaincodeJson {
    /// Converts it; a peer without TLS sends no root certificate.
    fn peer(&self) -> PeerAddress {
        let given = |text: &String| !text.is_empty();
        let identity = (given(&self.client_cert) && given(&self.client_key)).then(|| {
            ClientIdentity { certificate: self.client_cert.clone(), key: self.client_key.clone() }
        });
        let root = self.root_cert.clone();
        let tls = given(&root).then_some(ClientTls { root, identity, domain: None });
        PeerAddress { address: self.peer_address.clone(), tls }
    }
}

async fn serve(peer: &PeerAddress, program: Arc<Program>) -> Result<()> {
    let (handle, mut stop) = Stop::new();
    stop_on_signal(Arc::clone(&handle))?;
    let client = tokio::select! {
        client = PeerClient::connect(peer) => client?,
        () = stop.wait() => return Ok(()),
    };
    Ok(client.serve(program, stop, GRACE).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_says_with_its_root_certificate_that_it_wants_tls() {
        let parse = |text: &str| serde_json::from_str::<ChaincodeJson>(text).unwrap().peer();
        let plain = parse(r#"{"chaincode_id":"x:1","peer_address":"h:1","mspid":"Org1MSP"}"#);
        assert_eq!(plain, PeerAddress { address: "h:1".into(), tls: None });
        let tls = parse(
            r#"{"chaincode_id":"x:1","peer_address":"h:1","root_cert":"r","client_cert":"c",
                "client_key":"k"}"#,
        );
        let identity = Some(ClientIdentity { certificate: "c".into(), key: "k".into() });
        let expected = ClientTls { root: "r".into(), identity, domain: None };
        assert_eq!(tls.tls, Some(expected));
    }

    #[test]
    fn a_package_holds_one_component() {
        let folder = tempfile::tempdir().unwrap();
        let refused = || only_component(folder.path()).unwrap_err().to_string();
        assert!(refused().contains("no .wasm file"));
        std::fs::create_dir(folder.path().join("sub")).unwrap();
        std::fs::write(folder.path().join("sub/b.wasm"), b"").unwrap();
        assert!(only_component(folder.path()).unwrap().ends_with("sub/b.wasm"));
        std::fs::write(folder.path().join("a.wasm"), b"").unwrap();
        let expected = format!("2 .wasm files: a.wasm, {}", Path::new("sub/b.wasm").display());
        assert!(refused().contains(&expected), "{}", refused());
    }
}
