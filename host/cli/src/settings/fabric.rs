//! The variables of Fabric's `peer` command for its client and its peer.
//!
//! Invariant: flags and variables of this program override them.

use std::ffi::OsStr;

use clap::ArgMatches;
use clap::parser::ValueSource;

use crate::settings::is_given;

/// The peer's address.
pub(crate) const PEER_ADDRESS: &str = "CORE_PEER_ADDRESS";
/// The MSP id of the client.
pub(crate) const LOCAL_MSP_ID: &str = "CORE_PEER_LOCALMSPID";
/// The MSP folder of the client.
pub(crate) const MSP_CONFIG_PATH: &str = "CORE_PEER_MSPCONFIGPATH";
/// The CA of the peer's certificate.
pub(crate) const TLS_ROOT_FILE: &str = "CORE_PEER_TLS_ROOTCERT_FILE";

/// True if a variable has this value, whichever option has set the value.
pub(crate) fn is_set_to(name: &str, value: impl AsRef<OsStr>) -> bool {
    std::env::var_os(name).is_some_and(|set| set == value.as_ref())
}

/// Returns the option of the MSP folder if its value must be ignored: it comes from the variable,
/// and the options name another organization than the variables. `matches` has the values of flags
/// and variables.
pub(super) fn folder_of_another_org(matches: &ArgMatches) -> Option<&'static str> {
    const FOLDER: &str = "msp";
    let of_variable = is_given(matches, FOLDER) == Some(ValueSource::EnvVariable)
        && matches.get_raw(FOLDER)?.all(|folder| is_set_to(MSP_CONFIG_PATH, folder));
    let names_org = std::env::var_os(LOCAL_MSP_ID).is_some_and(|msp_id| !msp_id.is_empty());
    let mut org = matches.try_get_raw("org").ok().flatten()?;
    (of_variable && names_org && org.any(|org| !is_set_to(LOCAL_MSP_ID, org))).then_some(FOLDER)
}
