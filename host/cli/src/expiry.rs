//! Watches the certificates of this process for their expiry. Fabric:
//! `common/crypto/expiration.go`, `TrackExpiration`.
//!
//! Does not stop anything: the readers of an expired certificate decide whether to accept it.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use wasmcc_api::{Listener, Role};
use wasmcc_msp::Expiry;
use wasmcc_msp::network::Org;

/// How long before the expiry the warning is logged, as in Fabric.
const AHEAD: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Interval of checks. The clock may be set and machines sleep, so one long timer would be wrong.
const LOOK: Duration = Duration::from_secs(60 * 60);

/// A watched certificate.
pub(crate) struct Certificate {
    /// A description: the owner and the file.
    what: String,
    expiry: Expiry,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Valid,
    ExpiresSoon,
    Expired,
}

impl Certificate {
    /// Reads the first certificate in a PEM text; None if it cannot be read.
    pub(crate) fn of_pem(what: String, pem: &[u8]) -> Option<Self> {
        Some(Self { what, expiry: Expiry::of_pem(pem)? })
    }

    fn standing(&self, now: SystemTime) -> Standing {
        match self.expiry.left(now) {
            None => Standing::Expired,
            Some(left) if left < AHEAD => Standing::ExpiresSoon,
            Some(_) => Standing::Valid,
        }
    }

    /// Returns the line for the log.
    fn text(&self, now: SystemTime) -> String {
        let Self { what, expiry } = self;
        let Some(left) = self.expiry.left(now) else {
            return format!("{what} has expired on {expiry}: renew it, and start again");
        };
        let hours = left.as_secs() / 3600;
        let (days, hours) = (hours / 24, hours % 24);
        format!("{what} expires on {expiry}, in {days} days and {hours} hours: renew it in time")
    }

    fn log(&self, now: SystemTime) {
        match self.standing(now) {
            Standing::Valid => tracing::debug!("{} expires on {}", self.what, self.expiry),
            _ => tracing::warn!("{}", self.text(now)),
        }
    }
}

/// Returns the certificates of the peers and the orderer of a process: for signatures and for TLS.
pub(crate) fn of_peers(
    orgs: &[&Org],
    orderer: Option<&Org>,
    listeners: &[Listener],
) -> Vec<Certificate> {
    let signers = orgs.iter().copied().chain(orderer).filter_map(|org| {
        let name = org.peer_name()?;
        let place = org.peer_folder().map(|folder| folder.join("msp").join("signcerts"));
        let place = place.map(|place| format!(" in {}", place.display())).unwrap_or_default();
        let what = format!("the certificate of {name} ({}){place}", org.msp_id());
        Some(Certificate { what, expiry: org.peer().ok()?.expiry() })
    });
    let mut seen = BTreeSet::new();
    let of_tls = listeners.iter().filter_map(|listener| {
        let tls = listener.tls.as_ref()?;
        // Several addresses may share a certificate.
        if !seen.insert(tls.certificate.as_str()) {
            return None;
        }
        let whose = match &listener.role {
            Role::Peer(Some(msp_id)) => format!("the peer of {msp_id}"),
            Role::Peer(None) => "the peer".to_owned(),
            Role::Orderer | Role::OrdererAdmin => "the orderer".to_owned(),
        };
        Certificate::of_pem(format!("the TLS certificate of {whose}"), tls.certificate.as_bytes())
    });
    signers.chain(of_tls).collect()
}

/// Warns of certificates that have expired or will within a week: now, and whenever that changes
/// while tokio runs.
pub(crate) fn watch(certificates: Vec<Certificate>) {
    let mut now = SystemTime::now();
    certificates.iter().for_each(|certificate| certificate.log(now));
    if certificates.is_empty() {
        return;
    }
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(LOOK).await;
            let before = std::mem::replace(&mut now, SystemTime::now());
            let is_new = |it: &&Certificate| it.standing(before) != it.standing(now);
            certificates.iter().filter(is_new).for_each(|certificate| certificate.log(now));
        }
    });
}

#[cfg(test)]
mod tests {
    use wasmcc_msp::{Network, NetworkSpec};
    use wasmcc_types::ServerTls;

    use super::*;

    #[test]
    fn a_certificate_is_named_a_week_before_its_end_and_after_it() {
        let network = Network::in_memory(&NetworkSpec::default()).unwrap();
        let peer = network.org("Org1MSP").unwrap().identity("peer0").unwrap();
        let what = "the certificate of peer0".to_owned();
        let certificate = Certificate::of_pem(what, peer.certificate.as_bytes()).unwrap();
        let end = SystemTime::now() + certificate.expiry.left(SystemTime::now()).unwrap();
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        // The clock advances, so allow a second.
        let (week, day) = (hours(7 * 24), hours(24));
        assert_eq!(certificate.standing(end - week - hours(1)), Standing::Valid);
        assert_eq!(certificate.standing(end - week + hours(1)), Standing::ExpiresSoon);
        assert_eq!(certificate.standing(end + hours(1)), Standing::Expired);
        let text = certificate.text(end - day - hours(5) - Duration::from_secs(60));
        let date = certificate.expiry;
        let expected = format!("the certificate of peer0 expires on {date}, in 1 days and 5 hours");
        assert!(text.starts_with(&expected), "{text}");
        let text = certificate.text(end + day);
        assert!(text.starts_with(&format!("the certificate of peer0 has expired on {date}")));
    }

    #[test]
    fn every_certificate_of_a_process_is_watched_once() {
        let network = Network::in_memory(&NetworkSpec::with_orgs(2)).unwrap();
        let orgs: Vec<&Org> = network.orgs().iter().collect();
        let listener = |org: &Org, role| {
            let own = org.peer_tls().unwrap();
            let (certificate, key) = (own.certificate.clone(), own.key.clone());
            let (client_ca, client_auth_required) = (None, true);
            let tls = Some(ServerTls { certificate, key, client_ca, client_auth_required });
            Listener { address: "127.0.0.1:0".to_owned(), tls, role }
        };
        let orderer = network.orderer().unwrap();
        let listeners = [
            listener(orgs[0], Role::Peer(Some("Org1MSP".to_owned()))),
            listener(orgs[1], Role::Peer(Some("Org2MSP".to_owned()))),
            listener(orderer, Role::Orderer),
            listener(orderer, Role::OrdererAdmin),
        ];
        let found = of_peers(&orgs, Some(orderer), &listeners);
        let found: Vec<&str> = found.iter().map(|certificate| certificate.what.as_str()).collect();
        assert_eq!(
            found,
            [
                "the certificate of peer0.org1.example.com (Org1MSP)",
                "the certificate of peer0.org2.example.com (Org2MSP)",
                "the certificate of orderer.example.com (OrdererMSP)",
                "the TLS certificate of the peer of Org1MSP",
                "the TLS certificate of the peer of Org2MSP",
                "the TLS certificate of the orderer",
            ]
        );
    }
}
