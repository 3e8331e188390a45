//! The sample `asset-transfer-abac`, with clients whose certificates have attributes.

use wasmcc_node::sandbox::{Call, Sandbox};
use wasmcc_tests::guest;

use super::{json, refusal, submit, text};

fn abac(user: &str, function: &str, args: &[&str]) -> Call {
    Call::new("abac", function).args(args.iter().copied()).user(user)
}

#[test]
fn only_a_creator_creates_assets_and_only_their_owners_change_them() {
    let sandbox = Sandbox::builder()
        .client("Org1MSP", "creator1", &[("abac.creator", "true")])
        .client("Org1MSP", "other", &[("abac.creator", "false"), ("department", "sales")])
        .build()
        .unwrap();
    sandbox.deploy("abac", &guest("asset-transfer-abac")).unwrap();
    let create = ["Asset1", "blue", "20", "100"];
    for user in ["User1", "other"] {
        let said = refusal(&sandbox, abac(user, "CreateAsset", &create));
        let expected = "submitting client not authorized to create asset, does not have \
                        abac.creator role";
        assert_eq!(said, expected, "{user}");
    }
    submit(&sandbox, abac("creator1", "CreateAsset", &create));
    let creator = text(&sandbox, abac("creator1", "GetSubmittingClientIdentity", &[]));
    assert!(creator.starts_with("x509::CN=creator1@org1.example.com,OU=client"), "{creator}");
    let asset = json(&sandbox, abac("User1", "ReadAsset", &["Asset1"]));
    assert_eq!(asset["owner"], creator);

    let user1 = text(&sandbox, abac("User1", "GetSubmittingClientIdentity", &[]));
    let said = refusal(&sandbox, abac("User1", "TransferAsset", &["Asset1", &user1]));
    assert_eq!(said, "submitting client not authorized to update asset, does not own asset");
    submit(&sandbox, abac("creator1", "TransferAsset", &["Asset1", &user1]));
    submit(&sandbox, abac("User1", "UpdateAsset", &["Asset1", "green", "21", "101"]));
    let all = json(&sandbox, abac("User1", "GetAllAssets", &[]));
    assert_eq!((&all[0]["color"], &all[0]["owner"]), (&"green".into(), &user1.as_str().into()));
    submit(&sandbox, abac("User1", "DeleteAsset", &["Asset1"]));
    assert_eq!(text(&sandbox, abac("User1", "AssetExists", &["Asset1"])), "false");
}
