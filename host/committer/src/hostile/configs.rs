//! Configurations: those that follow from the one in force, and those that only claim to.
//!
//! Invariant: the signatures are valid; the dice decide who signs.

use std::sync::Arc;

use prost::Message;

use crate::hostile::dice::Dice;
use crate::hostile::{CHANNEL, World};
use wasmcc_channel::configtx::{add_signature, compute_update, new_update, propose, wrap};
use wasmcc_types::proto::common::{
    ChannelHeader, ConfigEnvelope, ConfigGroup, ConfigValue, Envelope, HeaderType,
};

impl World<'_> {
    /// An envelope with a configuration.
    pub(crate) fn config(&mut self, dice: &mut Dice<'_>) -> Envelope {
        let nonce = self.next_nonce();
        let current = self.channel.config();
        let mut updated = current.config().clone();
        if let Some(root) = &mut updated.channel_group {
            edit(dice, root);
        }
        let update = compute_update(CHANNEL, current.config(), &updated);
        let mut update = new_update(&update.unwrap_or_default());
        dice.spoil_one_in(8, &mut update.payload);
        for signer in &self.hostile.signers {
            if dice.one_in(4) {
                continue;
            }
            let signed = add_signature(&update, signer, nonce.clone(), Default::default());
            update = signed.unwrap_or(update);
        }
        let proposed = propose(&current, &update);
        let mut envelope = match proposed {
            Ok(proposed) => proposed.envelope,
            Err(_) => {
                updated.sequence = current.sequence().saturating_add(1);
                ConfigEnvelope { config: Some(updated), last_update: Some(update) }
            }
        };
        if dice.one_in(8) {
            envelope.config = envelope.config.map(|mut config| {
                config.sequence = dice.number();
                config
            });
        }
        let mut data = envelope.encode_to_vec();
        dice.spoil_one_in(8, &mut data);
        let header = ChannelHeader {
            r#type: HeaderType::Config.into(),
            channel_id: CHANNEL.to_owned(),
            tx_id: if dice.one_in(4) { "id".to_owned() } else { String::new() },
            ..ChannelHeader::default()
        };
        let signer = Arc::clone(self.signer(dice));
        wrap(header, data, &signer, nonce)
    }
}

/// A value that identifies a group, and another value that the group may have.
const VALUES: [(&str, &str); 4] = [
    ("MSP", "AnchorPeers"),
    ("BatchSize", "ChannelRestrictions"),
    ("HashingAlgorithm", "Consortium"),
    ("Capabilities", "ACLs"),
];

/// Changes one element of a group or of a group below it.
fn edit(dice: &mut Dice<'_>, group: &mut ConfigGroup) {
    if !group.groups.is_empty() && !dice.one_in(3) {
        let at = dice.below(group.groups.len());
        if let Some(below) = group.groups.values_mut().nth(at) {
            return edit(dice, below);
        }
    }
    match dice.below(8) {
        0..2 => {
            let at = dice.below(group.values.len().max(1));
            if let Some(value) = group.values.values_mut().nth(at) {
                dice.spoil(&mut value.value);
            }
        }
        2 => {
            let at = dice.below(group.policies.len().max(1));
            let policy = group.policies.values_mut().nth(at);
            if let Some(policy) = policy.and_then(|policy| policy.policy.as_mut()) {
                dice.spoil(&mut policy.value);
            }
        }
        3..6 => {
            let value = if dice.one_in(2) { dice.bytes() } else { Vec::new() };
            let mod_policy = if dice.one_in(4) { "" } else { "Admins" }.to_owned();
            let value = ConfigValue { value, mod_policy, version: 0 };
            let known = VALUES.iter().find(|(beside, _)| group.values.contains_key(*beside));
            let name = known.filter(|_| !dice.one_in(4)).map_or("New", |(_, name)| name);
            group.values.insert(name.to_owned(), value);
        }
        6 => drop(group.values.pop_first()),
        _ => group.mod_policy = if dice.one_in(2) { "Readers" } else { "Nobody" }.to_owned(),
    }
}
