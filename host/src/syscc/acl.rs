//! Who may use which resource of the peer: channel policies and roles of the local MSP.

use std::sync::Arc;

use crate::chaincode::AccessControl;
use crate::channel::Channels;
use crate::msp::acl::check_local_identity;
use crate::msp::{Msp, MspManager};
use crate::types::ProposalContext;

/// The peer's access control.
pub struct Acl {
    channels: Arc<Channels>,
    local: Arc<Msp>,
    local_manager: Arc<MspManager>,
}

impl Acl {
    /// For the peer's channels, and its own organization for resources of the peer itself.
    pub fn new(channels: Arc<Channels>, local: Arc<Msp>, local_manager: Arc<MspManager>) -> Self {
        Self { channels, local, local_manager }
    }
}

impl AccessControl for Acl {
    fn check(
        &self,
        resource: &str,
        channel: &str,
        proposal: &ProposalContext,
    ) -> Result<(), String> {
        if channel.is_empty() {
            let creator =
                self.local_manager.deserialize(&proposal.creator).map_err(|e| e.to_string())?;
            return check_local_identity(resource, &creator, &self.local)
                .map_err(|e| e.to_string());
        }
        let found = self.channels.get(channel);
        let config = found.ok_or_else(|| format!("channel '{channel}' not found"))?.config();
        let creator = config.msps().deserialize(&proposal.creator).map_err(|e| e.to_string())?;
        config.check_acl_for(resource, &creator).map_err(|e| e.to_string())
    }
}
