//! Collection configurations in the JSON form of Fabric's tools (fabric
//! `internal/peer/chaincode/common.go`, `getCollectionConfigFromBytes`).

use serde::Deserialize;

use crate::collections::error::CollectionsJsonError;
use wasmcc_msp::SignaturePolicy;
use wasmcc_types::go_json;
use wasmcc_types::proto::protos::application_policy::Type as PolicyType;
use wasmcc_types::proto::protos::collection_config::Payload;
use wasmcc_types::proto::protos::collection_policy_config::Payload as PolicyPayload;
use wasmcc_types::proto::protos::{
    ApplicationPolicy, CollectionConfig, CollectionConfigPackage, CollectionPolicyConfig,
    StaticCollectionConfig,
};

/// The JSON names of the members of a collection and of its endorsement policy.
const NAMES: &[&str] = &[
    "name",
    "policy",
    "requiredPeerCount",
    "maxPeerCount",
    "blockToLive",
    "memberOnlyRead",
    "memberOnlyWrite",
    "endorsementPolicy",
    "signaturePolicy",
    "channelConfigPolicy",
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CollectionEntry {
    name: String,
    policy: String,
    #[serde(default)]
    required_peer_count: Option<i32>,
    #[serde(default)]
    max_peer_count: Option<i32>,
    #[serde(default)]
    block_to_live: u64,
    #[serde(default)]
    member_only_read: bool,
    #[serde(default)]
    member_only_write: bool,
    #[serde(default)]
    endorsement_policy: Option<EndorsementPolicy>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct EndorsementPolicy {
    signature_policy: String,
    channel_config_policy: String,
}

/// Parses a JSON array of collections.
pub fn package_from_json(json: &str) -> Result<CollectionConfigPackage, CollectionsJsonError> {
    let entries: Vec<CollectionEntry> = go_json::from_slice(json.as_bytes(), NAMES)
        .map_err(|error| CollectionsJsonError::Json(error.to_string()))?;
    let config = entries.into_iter().map(|entry| {
        let payload = Some(Payload::StaticCollectionConfig(entry.read()?));
        Ok(CollectionConfig { payload })
    });
    Ok(CollectionConfigPackage { config: config.collect::<Result<_, CollectionsJsonError>>()? })
}

impl CollectionEntry {
    fn read(self) -> Result<StaticCollectionConfig, CollectionsJsonError> {
        let members = SignaturePolicy::from_text(&self.policy).map_err(|error| {
            CollectionsJsonError::MemberPolicy { policy: self.policy.clone(), error }
        })?;
        let payload = Some(PolicyPayload::SignaturePolicy(members.envelope().clone()));
        let endorsement_policy = match self.endorsement_policy {
            Some(policy) => policy.read(&self.name)?,
            None => None,
        };
        Ok(StaticCollectionConfig {
            name: self.name,
            member_orgs_policy: Some(CollectionPolicyConfig { payload }),
            required_peer_count: self.required_peer_count.unwrap_or(0),
            maximum_peer_count: self.max_peer_count.unwrap_or(1),
            block_to_live: self.block_to_live,
            member_only_read: self.member_only_read,
            member_only_write: self.member_only_write,
            endorsement_policy,
        })
    }
}

impl EndorsementPolicy {
    fn read(self, name: &str) -> Result<Option<ApplicationPolicy>, CollectionsJsonError> {
        let policy = match (self.signature_policy.as_str(), self.channel_config_policy.as_str()) {
            ("", "") => return Ok(None),
            ("", _) => PolicyType::ChannelConfigPolicyReference(self.channel_config_policy),
            (text, "") => {
                let policy = SignaturePolicy::from_text(text).map_err(|error| {
                    let (name, policy) = (name.to_owned(), text.to_owned());
                    CollectionsJsonError::EndorsementPolicy { name, policy, error }
                })?;
                PolicyType::SignaturePolicy(policy.envelope().clone())
            }
            _ => {
                let name = name.to_owned();
                return Err(CollectionsJsonError::TwoEndorsementPolicies { name });
            }
        };
        Ok(Some(ApplicationPolicy { r#type: Some(policy) }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collections::{check_against_committed, check_package};

    fn package(json: &str) -> CollectionConfigPackage {
        package_from_json(json).unwrap()
    }

    fn refusal(json: &str) -> String {
        check_package(&package(json), None).unwrap_err().to_string()
    }

    #[test]
    fn all_fields_are_read_and_have_fabrics_defaults() {
        let package = package(
            r#"[{"name":"a","policy":"OR('Org1MSP.member')"},
                {"name":"b","policy":"OR('Org1MSP.member','Org2MSP.peer')","requiredPeerCount":1,
                 "maxPeerCount":3,"blockToLive":9,"memberOnlyRead":true,"memberOnlyWrite":true,
                 "endorsementPolicy":{"signaturePolicy":"OR('Org1MSP.peer')"}},
                {"name":"c","policy":"OR('Org1MSP.member')",
                 "endorsementPolicy":{"channelConfigPolicy":"/Channel/Application/Readers"}}]"#,
        );
        let configs = check_package(&package, None).unwrap();
        let [a, b, c] = configs.as_slice() else { panic!("{configs:?}") };
        assert_eq!((a.required_peer_count, a.maximum_peer_count, a.block_to_live), (0, 1, 0));
        assert!(!a.member_only_read && !a.member_only_write && a.endorsement_policy.is_none());
        assert_eq!((b.required_peer_count, b.maximum_peer_count, b.block_to_live), (1, 3, 9));
        assert!(b.member_only_read && b.member_only_write);
        let policy = |config: &StaticCollectionConfig| {
            config.endorsement_policy.clone().and_then(|policy| policy.r#type)
        };
        assert!(matches!(policy(b), Some(PolicyType::SignaturePolicy(_))));
        let name = "/Channel/Application/Readers".to_owned();
        assert_eq!(policy(c), Some(PolicyType::ChannelConfigPolicyReference(name)));
    }

    #[test]
    fn files_that_are_not_collections_are_refused() {
        for (json, text) in [
            ("{}", "could not parse the collection configuration"),
            (r#"[{"name":"a"}]"#, "missing field `policy`"),
            (r#"[{"name":"a","policy":"MAYBE('A.member')"}]"#, "invalid policy MAYBE"),
            (
                r#"[{"name":"a","policy":"OR('A.member')","endorsementPolicy":
                    {"signaturePolicy":"OR('A.peer')","channelConfigPolicy":"x"}}]"#,
                "invalid endorsement policy of a: it has both",
            ),
        ] {
            let error = package_from_json(json).unwrap_err().to_string();
            assert!(error.contains(text), "{error}");
        }
    }

    #[test]
    fn definitions_keep_fabrics_rules() {
        let one = |name: &str, rest: &str| {
            format!(r#"[{{"name":"{name}","policy":"OR('A.member')"{rest}}}]"#)
        };
        for name in ["_a", "", "a.b", "é"] {
            assert!(refusal(&one(name, "")).starts_with("invalid collection name"), "{name}");
        }
        for name in ["a", "-a", "a-_b9", "0_"] {
            check_package(&package(&one(name, "")), None).unwrap();
        }
        let text = "collection-name: a -- maximum peer count (1) cannot be less than the required \
                    peer count (2)";
        assert_eq!(refusal(&one("a", r#","requiredPeerCount":2"#)), text);
        let text = "collection-name: a -- requiredPeerCount (-1) cannot be less than zero";
        assert_eq!(refusal(&one("a", r#","requiredPeerCount":-1"#)), text);
        let twice =
            r#"[{"name":"a","policy":"OR('A.member')"},{"name":"a","policy":"OR('A.member')"}]"#;
        let text = "collection-name: a -- found duplicate in collection configuration";
        assert_eq!(refusal(twice), text);
        let mut empty = package(&one("_a", ""));
        empty.config.push(CollectionConfig::default());
        let text = "collection config contains unexpected payload type: <nil>";
        assert_eq!(check_package(&empty, None).unwrap_err().to_string(), text);
        let both = r#"[{"name":"a","policy":"OR('A.member',AND('B.member','C.member'))"}]"#;
        let text = "collection-name: a -- error in member org policy: signature policy is not an \
                    OR concatenation, NOutOf 2";
        assert_eq!(refusal(both), text);
    }

    #[test]
    fn an_upgrade_keeps_collections_and_their_time_to_live() {
        let text = |name: &str, live: u64| {
            let policy = "OR('A.member')";
            format!(r#"[{{"name":"{name}","policy":"{policy}","blockToLive":{live}}}]"#)
        };
        let committed = package(&text("a", 3));
        let check = |json: &str| {
            let proposed = package(json);
            check_against_committed(&check_package(&proposed, None).unwrap(), &committed)
        };
        check(&text("a", 3)).unwrap();
        let missing = "existing collection [a] missing in the proposed collection configuration";
        assert_eq!(check(&text("b", 3)).unwrap_err().to_string(), missing);
        let changed = "the BlockToLive in an existing collection [a] modified. Existing value [3]";
        assert_eq!(check(&text("a", 4)).unwrap_err().to_string(), changed);
        let none = "the proposed collection config does not contain previously defined collections";
        assert_eq!(check("[]").unwrap_err().to_string(), none);
    }
}
