//! The sample `asset-transfer-sbe`: who has to endorse depends on who owns the asset.

use wasmcc_node::sandbox::{Call, Sandbox};

use super::{ORG1, ORG2, call, json, refusal, submit, submit_by, two_organizations};

fn sbe(org: &str, function: &str, args: &[&str]) -> Call {
    call("sbe", org, function, args)
}

/// Value and organization of the asset, as both organizations see it.
#[track_caller]
fn assert_asset(sandbox: &Sandbox, value: i64, owner_org: &str) {
    for org in [ORG1, ORG2] {
        let asset = json(sandbox, sbe(org, "ReadAsset", &["asset1"]));
        assert_eq!((&asset["Value"], &asset["OwnerOrg"]), (&value.into(), &owner_org.into()));
    }
}

#[test]
fn only_the_organization_of_the_owner_endorses_changes_of_an_asset() {
    let sandbox = two_organizations("asset-transfer-sbe", "sbe", None);
    let failed = Some("ENDORSEMENT_POLICY_FAILURE");
    // A new asset needs both organizations, since it has no policy of its own yet.
    let create = || sbe(ORG1, "CreateAsset", &["asset1", "100", "Tom"]);
    assert_eq!(submit_by(&sandbox, create()), failed);
    submit(&sandbox, create());
    assert_asset(&sandbox, 100, ORG1);

    assert_eq!(submit_by(&sandbox, sbe(ORG1, "UpdateAsset", &["asset1", "200"])), None);
    assert_asset(&sandbox, 200, ORG1);
    assert_eq!(submit_by(&sandbox, sbe(ORG2, "UpdateAsset", &["asset1", "300"])), failed);
    // A client of another organization may ask; the owner's peer endorses.
    submit(&sandbox, sbe(ORG2, "UpdateAsset", &["asset1", "400"]));
    assert_asset(&sandbox, 400, ORG1);

    let transfer = ["asset1", "Henry", ORG2];
    assert_eq!(submit_by(&sandbox, sbe(ORG2, "TransferAsset", &transfer)), failed);
    assert_eq!(submit_by(&sandbox, sbe(ORG1, "TransferAsset", &transfer)), None);
    assert_asset(&sandbox, 400, ORG2);
    assert_eq!(submit_by(&sandbox, sbe(ORG2, "UpdateAsset", &["asset1", "600"])), None);
    assert_eq!(submit_by(&sandbox, sbe(ORG1, "UpdateAsset", &["asset1", "700"])), failed);
    assert_asset(&sandbox, 600, ORG2);
    assert_eq!(submit_by(&sandbox, sbe(ORG1, "DeleteAsset", &["asset1"])), failed);
    assert_eq!(submit_by(&sandbox, sbe(ORG2, "DeleteAsset", &["asset1"])), None);
    let gone = refusal(&sandbox, sbe(ORG1, "ReadAsset", &["asset1"]));
    assert_eq!(gone, "The asset asset1 does not exist");
}
