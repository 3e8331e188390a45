//! Checks the TLS CAs that an organization of a channel names (Fabric: msp/mspimplsetup.go,
//! `setupTLSCAs`).
//!
//! Does not keep them: the TLS CAs of a channel's configuration are not used for connections.

use crate::certificate::MemberCertificate;
use crate::error::MspError;
use crate::setup_limits::Checks;
use crate::trust::Trust;
use wasmcc_types::proto::msp::FabricMspConfig;

/// Checks that the certificates are CAs, and that each intermediate one has a chain to a root. A
/// root need not be self-signed.
///
/// Does not judge certificates with algorithms or extensions that members cannot have; chains are
/// not checked then, either. Fabric accepts any that Go knows.
pub(crate) fn check(config: &FabricMspConfig, checks: &mut Checks) -> Result<(), MspError> {
    const INTERMEDIATE: &str = "intermediate certificate of TLS";
    let lists = [
        (&config.tls_root_certs, "root certificate of TLS"),
        (&config.tls_intermediate_certs, INTERMEDIATE),
    ];
    let mut trust = Trust::empty(&config.name);
    let mut are_known = true;
    for (pems, part) in lists {
        for pem in pems {
            let is_root = part != INTERMEDIATE;
            let added = match MemberCertificate::from_pem(pem) {
                Ok(certificate) => trust.add(certificate, is_root),
                Err(error @ (MspError::Pem | MspError::X509(_))) => Err(error),
                Err(_) => {
                    are_known = false;
                    Ok(())
                }
            };
            added.map_err(|error| error.in_part(&config.name, part))?;
        }
    }
    match are_known {
        true => trust.mark_inner(checks).map_err(|e| e.in_part(&config.name, INTERMEDIATE)),
        false => Ok(()),
    }
}
