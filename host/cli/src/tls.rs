//! TLS between clients and the embedded peer, set by options or by the environment variables of
//! Fabric's peer and command line.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::settings::{TLS_ROOT_FILE, is_set_to};
use crate::usage::wrong;
use wasmcc_msp::network::Org;
use wasmcc_tls::Acceptor;
use wasmcc_types::{ClientIdentity, ClientTls, ServerTls};

/// TLS options of a peer.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "TLS")]
pub(crate) struct PeerTls {
    /// Serve with TLS [default: if there is a certificate]. Without a certificate, that of the
    /// network folder is used.
    #[arg(long, env = "CORE_PEER_TLS_ENABLED", value_name = "BOOL")]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    tls: Option<bool>,
    /// The peer's certificate, a PEM file. Repeat it for the further organizations' peers, in their
    /// order; a single one is for all of them.
    #[arg(long, env = "CORE_PEER_TLS_CERT_FILE", value_name = "FILE")]
    tls_cert: Vec<PathBuf>,
    /// Its private key, a PEM file; repeat it like the certificate.
    #[arg(long, env = "CORE_PEER_TLS_KEY_FILE", value_name = "FILE")]
    tls_key: Vec<PathBuf>,
    /// The orderer's certificate, a PEM file [default: the network's own].
    #[arg(long, value_name = "FILE", requires = "orderer_tls_key")]
    orderer_tls_cert: Option<PathBuf>,
    /// Its private key, a PEM file.
    #[arg(long, value_name = "FILE", requires = "orderer_tls_cert")]
    orderer_tls_key: Option<PathBuf>,
    /// The CA of clients that may administrate the orderer, a PEM file; with TLS they need a
    /// certificate [default: the orderer organization's CA for TLS].
    #[arg(long, value_name = "FILE")]
    orderer_admin_client_ca: Option<PathBuf>,
    /// A CA of clients, a PEM file; may be repeated, or separated by blanks. Its clients may
    /// connect, and its certificates identify chaincodes [default: all clients may connect].
    #[arg(long, env = "CORE_PEER_TLS_CLIENTROOTCAS_FILES", value_name = "FILE")]
    tls_client_ca: Vec<PathBuf>,
    /// Whether clients must have a certificate of these CAs [default: if there are any]. With
    /// false, all clients may connect.
    #[arg(long, env = "CORE_PEER_TLS_CLIENTAUTHREQUIRED", value_name = "BOOL")]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    tls_client_auth: Option<bool>,
}

/// TLS options of a client.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "TLS")]
pub(crate) struct TargetTls {
    /// Use TLS [default: if there is a CA]. Without a CA, that of the network folder is used.
    #[arg(long, env = "CORE_PEER_TLS_ENABLED", value_name = "BOOL")]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    tls: Option<bool>,
    /// The CA of the peer's certificate, a PEM file.
    #[arg(long, env = TLS_ROOT_FILE, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// The client's certificate for peers that ask for one, a PEM file.
    #[arg(long, env = "CORE_PEER_TLS_CLIENTCERT_FILE", value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// Its private key, a PEM file.
    #[arg(long, env = "CORE_PEER_TLS_CLIENTKEY_FILE", value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// The name in the peer's certificate, if it is not that of the address.
    #[arg(long, env = "CORE_PEER_TLS_SERVERHOSTOVERRIDE", value_name = "NAME")]
    tls_domain: Option<String>,
}

impl PeerTls {
    /// Checks that there are at most as many certificates as peers, and a key for each.
    pub(crate) fn check(&self, peers: usize) -> Result<()> {
        let (certificates, keys) = (self.tls_cert.len(), self.tls_key.len());
        if certificates != keys {
            bail!(
                "TLS needs a certificate and its key: give --tls-cert and --tls-key, or set \
                 CORE_PEER_TLS_CERT_FILE and CORE_PEER_TLS_KEY_FILE"
            );
        }
        // Variables of Fabric's peer may be set while TLS is off.
        let asks_clients = self.tls_client_auth == Some(true) || !self.tls_client_ca.is_empty();
        if asks_clients && self.tls.is_none() && !self.has_certificate() {
            bail!(
                "clients can show certificates only with TLS: give --tls, or --tls-cert and \
                 --tls-key (--tls=false serves without TLS, open to all clients)"
            );
        }
        if certificates > peers.max(1) {
            bail!(
                "{certificates} certificates by --tls-cert, but {peers} organizations: add --org"
            );
        }
        Ok(())
    }

    /// Returns the TLS files of an organization's peer, by its index. `org` supplies files that are
    /// not given.
    pub(crate) fn of_peer(&self, org: &Org, place: usize) -> Result<Option<ServerTls>> {
        let given = |files: &[PathBuf]| match files {
            [all] => Some(all.clone()),
            files => files.get(place).cloned(),
        };
        self.read(given(&self.tls_cert).zip(given(&self.tls_key)), || {
            own_files(Some(org), || {
                let org = org.msp_id();
                format!("the network has no TLS certificate for the peer of {org}: give --tls-cert")
            })
        })
    }

    /// Returns the TLS files of the orderer's own address. `org` supplies files that are not given.
    pub(crate) fn of_orderer(&self, org: Option<&Org>) -> Result<Option<ServerTls>> {
        let given = self.orderer_tls_cert.clone().zip(self.orderer_tls_key.clone());
        self.read(given, || {
            own_files(org, || {
                "the network has no TLS certificate for the orderer: give --orderer-tls-cert and \
                 --orderer-tls-key"
                    .to_owned()
            })
        })
    }

    /// Returns the TLS files of the orderer's administration. Clients always need a certificate of
    /// its CA.
    pub(crate) fn of_orderer_admin(&self, org: Option<&Org>) -> Result<Option<ServerTls>> {
        let Some(tls) = self.of_orderer(org)? else { return Ok(None) };
        let client_ca = match (&self.orderer_admin_client_ca, org) {
            (Some(file), _) => read_certificates(file)?,
            (None, Some(org)) => org.tls_ca_certificate().to_owned(),
            (None, None) => {
                bail!("the orderer's administrators need a CA: give --orderer-admin-client-ca")
            }
        };
        let tls = ServerTls { client_ca: Some(client_ca), client_auth_required: true, ..tls };
        Acceptor::new(&tls).context("the CA of the orderer's administrators cannot be used")?;
        Ok(Some(tls))
    }

    fn read(
        &self,
        given: Option<(PathBuf, PathBuf)>,
        own: impl FnOnce() -> Result<(String, String)>,
    ) -> Result<Option<ServerTls>> {
        if !self.tls.unwrap_or(self.has_certificate()) {
            return Ok(None);
        }
        let (certificate, key) = match given {
            Some((certificate, key)) => (read_pem(&certificate)?, read_pem(&key)?),
            None => own()?,
        };
        let client_auth_required = self.tls_client_auth != Some(false);
        let tls = ServerTls { certificate, key, client_ca: None, client_auth_required };
        let usable = |tls: ServerTls| {
            Acceptor::new(&tls).context("the TLS key and certificates cannot be used")?;
            Ok(Some(tls))
        };
        let with_clients = |client_ca| usable(ServerTls { client_ca, ..tls.clone() });
        match self.client_ca().and_then(with_clients) {
            // A Fabric peer does not read the files then: chaincodes need another proof.
            Err(error) if self.tls_client_auth == Some(false) => {
                let without = usable(tls)?;
                tracing::warn!("client certificates prove nothing: {error:#}");
                Ok(without)
            }
            with_clients => with_clients,
        }
    }

    fn has_certificate(&self) -> bool {
        !self.tls_cert.is_empty() || self.orderer_tls_cert.is_some()
    }

    /// Returns the joined CA certificates of clients.
    fn client_ca(&self) -> Result<Option<String>> {
        match (self.tls_client_auth, self.tls_client_ca.as_slice()) {
            (Some(true), []) => bail!(
                "clients need a certificate, but no CA is given: give --tls-client-ca, or set \
                 CORE_PEER_TLS_CLIENTROOTCAS_FILES"
            ),
            (_, files) => read_cas(files),
        }
    }
}

impl TargetTls {
    /// Uses TLS with the CA of the network folder.
    pub(crate) fn on() -> Self {
        let (tls_ca, tls_cert, tls_key, tls_domain) = (None, None, None, None);
        Self { tls: Some(true), tls_ca, tls_cert, tls_key, tls_domain }
    }

    /// Returns the option or variable for the CA.
    pub(crate) fn ca_option(&self) -> &'static str {
        match self.tls_ca.as_ref().is_some_and(|file| is_set_to(TLS_ROOT_FILE, file)) {
            true => "CORE_PEER_TLS_ROOTCERT_FILE (--tls-ca names another)",
            false => "--tls-ca",
        }
    }

    /// Returns the same options with the CA of another peer.
    pub(crate) fn with_ca(&self, file: &Path) -> Self {
        Self { tls_ca: Some(file.to_owned()), ..self.clone() }
    }

    /// Returns the given files, completed from `org`; None without TLS. `wanted`: the address
    /// requires TLS.
    pub(crate) fn read(
        &self,
        org: impl FnOnce() -> Result<String>,
        wanted: bool,
    ) -> Result<Option<ClientTls>> {
        if !self.tls.unwrap_or(wanted || self.tls_ca.is_some()) {
            return Ok(None);
        }
        let root = match &self.tls_ca {
            Some(ca) => read_certificates(ca)?,
            None => org()?,
        };
        let identity = match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => {
                let (certificate, key) = (read_pem(certificate)?, read_pem(key)?);
                Some(ClientIdentity { certificate, key })
            }
            (None, None) => None,
            _ => {
                let text =
                    "a client's TLS certificate needs its key: give --tls-cert and --tls-key";
                return Err(wrong(text));
            }
        };
        Ok(Some(ClientTls { root, identity, domain: self.tls_domain.clone() }))
    }
}

/// Returns the certificate and key of the organization's node. If there are none, an error of its
/// signing identity is reported first.
fn own_files(org: Option<&Org>, missing: impl FnOnce() -> String) -> Result<(String, String)> {
    if let Some(own) = org.and_then(Org::peer_tls) {
        return Ok((own.certificate.clone(), own.key.clone()));
    }
    if let Some(org) = org
        && org.peer_folder().is_some_and(|folder| folder.is_dir())
    {
        org.peer()?;
    }
    bail!(missing())
}

/// Reads a PEM file.
pub(crate) fn read_pem(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Reads and joins the certificates of all CAs; None without files. A name may be a list of files,
/// separated by blanks, as in variables of Fabric.
pub(crate) fn read_cas(names: &[PathBuf]) -> Result<Option<String>> {
    let files = names.iter().flat_map(|name| match name.to_str() {
        // The name of a file may contain blanks.
        Some(list) if !name.exists() => list.split_whitespace().map(PathBuf::from).collect(),
        _ => vec![name.clone()],
    });
    let read: Vec<String> = files.map(|file| read_certificates(&file)).collect::<Result<_>>()?;
    Ok(if read.is_empty() { None } else { Some(read.join("\n")) })
}

/// Reads a PEM file that must contain certificates.
fn read_certificates(path: &Path) -> Result<String> {
    let pem = read_pem(path)?;
    if !pem.contains("-----BEGIN CERTIFICATE-----") {
        bail!("{} has no certificate in PEM form", path.display());
    }
    Ok(pem)
}

#[cfg(test)]
mod tests {
    use clap::{Args, Command, FromArgMatches};

    use super::*;
    use wasmcc_msp::{Network, NetworkSpec};

    #[test]
    fn the_environment_is_fabrics() {
        let names = |command: Command| {
            let of = |arg: &clap::Arg| {
                let env = arg.get_env().map(|name| name.to_string_lossy().into_owned());
                env.and_then(|name| name.strip_prefix("CORE_PEER_TLS_").map(str::to_owned))
            };
            command.get_arguments().map(|arg| of(arg).unwrap_or_default()).collect::<Vec<_>>()
        };
        let peer = names(PeerTls::augment_args(Command::new("peer")));
        let expected =
            ["ENABLED", "CERT_FILE", "KEY_FILE", "CLIENTROOTCAS_FILES", "CLIENTAUTHREQUIRED"];
        assert_eq!(peer.iter().filter(|name| !name.is_empty()).collect::<Vec<_>>(), expected);
        let client = names(TargetTls::augment_args(Command::new("client")));
        let expected =
            ["ENABLED", "ROOTCERT_FILE", "CLIENTCERT_FILE", "CLIENTKEY_FILE", "SERVERHOSTOVERRIDE"];
        assert_eq!(client, expected);
    }

    #[test]
    fn clients_are_asked_for_certificates_only_with_tls() {
        let checked = |args: &[&str]| {
            let command = PeerTls::augment_args(Command::new("peer"));
            let matches = command.get_matches_from([&["peer"], args].concat());
            PeerTls::from_arg_matches(&matches).unwrap().check(1)
        };
        for asks in ["--tls-client-auth", "--tls-client-ca=ca.pem"] {
            let error = checked(&[asks]).unwrap_err();
            assert!(error.to_string().starts_with("clients can show certificates only with TLS"));
            checked(&[asks, "--tls"]).unwrap();
            checked(&[asks, "--tls=false"]).unwrap();
            checked(&[asks, "--tls-cert=c.pem", "--tls-key=k.pem"]).unwrap();
        }
        checked(&["--tls-client-auth=false"]).unwrap();
    }

    #[test]
    fn a_ca_of_clients_that_need_no_certificate_may_be_unusable() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("network");
        let network = Network::generate(&root, &NetworkSpec::default()).unwrap();
        let file = folder.path().join("ca.pem");
        let given = format!("--tls-client-ca={}", file.display());
        let read = |auth: &str| {
            let command = PeerTls::augment_args(Command::new("peer"));
            let matches = command.get_matches_from(["peer", "--tls", &given, auth]);
            let options = PeerTls::from_arg_matches(&matches).unwrap();
            options.of_peer(&network.orgs()[0], 0)
        };
        for bad in [None, Some("-----BEGIN CERTIFICATE-----\nxx\n-----END CERTIFICATE-----\n")] {
            bad.into_iter().for_each(|bad| std::fs::write(&file, bad).unwrap());
            assert_eq!(read("--tls-client-auth=false").unwrap().unwrap().client_ca, None);
            let error = format!("{:#}", read("--tls-client-auth").err().unwrap());
            let expected = bad.map_or("cannot read", |_| "the CA of clients");
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_peer_that_cannot_sign_does_not_lack_a_tls_certificate() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("network");
        Network::generate(&root, &NetworkSpec::default()).unwrap();
        let peers = root.join("peerOrganizations/org1.example.com/peers/peer0.org1.example.com");
        let command = PeerTls::augment_args(Command::new("peer"));
        let matches = command.get_matches_from(["peer", "--tls"]);
        let options = PeerTls::from_arg_matches(&matches).unwrap();
        let read = || options.of_peer(&Network::open(&root).unwrap().orgs()[0], 0);
        assert!(read().unwrap().is_some());
        std::fs::remove_dir_all(peers.join("msp/keystore")).unwrap();
        let error = read().unwrap_err().to_string();
        let expected = "MSP 'Org1MSP' has no member peer0.org1.example.com that can sign: ";
        assert!(error.starts_with(expected), "{error}");
        std::fs::remove_dir_all(peers).unwrap();
        let error = read().unwrap_err().to_string();
        assert!(error.ends_with("for the peer of Org1MSP: give --tls-cert"), "{error}");
    }

    #[test]
    fn cas_are_in_several_files() {
        let folder = tempfile::tempdir().unwrap();
        let written = ["a.pem", "b c.pem", "d.pem"].map(|name| {
            let file = folder.path().join(name);
            std::fs::write(&file, format!("-----BEGIN CERTIFICATE-----{name}")).unwrap();
            file
        });
        let [a, with_blank, d] = &written;
        let list = PathBuf::from(format!("{}  {}", a.display(), d.display()));
        let read = read_cas(&[list.clone(), with_blank.clone()]).unwrap().unwrap();
        let names: Vec<&str> = read.lines().filter_map(|line| line.rsplit('-').next()).collect();
        assert_eq!(names, ["a.pem", "d.pem", "b c.pem"]);
        assert_eq!(read_cas(&[]).unwrap(), None);
        std::fs::remove_file(d).unwrap();
        let error = read_cas(&[list]).unwrap_err().to_string();
        assert_eq!(error, format!("cannot read {}", d.display()));
    }

    #[test]
    fn a_ca_is_a_file_with_certificates() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = read_certificates(file.path()).unwrap_err();
        assert!(error.to_string().ends_with("has no certificate in PEM form"), "{error}");
    }
}
