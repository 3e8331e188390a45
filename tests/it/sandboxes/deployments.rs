// Cases of deployments on channels of two organizations. The names are those of `cases.rs`, which
// is included before.

/// Returns a builder for two organizations with a peer each.
fn two() -> api::SandboxBuilder {
    builder().network(NetworkSpec::with_orgs(2)).orgs(["Org1MSP", "Org2MSP"])
}

/// Deploys a component as `probe` with collections, an index and a policy that requires both.
fn deploy_whole(sandbox: &Sandbox, component: &[u8], by_lifecycle: bool) {
    let deployment = sandbox
        .deployment("probe", component)
        .collections(COLLECTIONS)
        .indexes([BY_SIZE])
        .policy("AND('Org1MSP.peer','Org2MSP.peer')");
    let deployment = if by_lifecycle { deployment.lifecycle() } else { deployment };
    deployment.deploy().unwrap();
}

/// Returns the verdict on a call that one organization endorses.
fn alone(sandbox: &Sandbox, line: &str) -> TxValidationCode {
    let endorsed = sandbox.endorse(call(line)).unwrap();
    sandbox.commit(vec![endorsed]).unwrap()[0].code
}

#[test]
fn collections_indexes_and_a_policy_go_together_by_either_lifecycle() {
    for by_lifecycle in [false, true] {
        let sandbox = two().build().unwrap();
        deploy_whole(&sandbox, &guest("probe"), by_lifecycle);
        submit(&sandbox, r#"put a {"size":2}"#);
        submit(&sandbox, r#"put b {"size":1}"#);
        let rows = text(&sandbox, r#"query {"selector":{"size":{"$gt":0}},"sort":["size"]}"#);
        assert_eq!(rows.lines().map(|row| &row[..1]).collect::<String>(), "ba");
        submit(&sandbox, "pput open k v");
        assert_eq!(text(&sandbox, "pget open k"), "v");
        assert_eq!(alone(&sandbox, "put k v"), TxValidationCode::EndorsementPolicyFailure);
        let implicit = sandbox.evaluate(call("pput _implicit_org_Org1MSP k v"));
        assert_eq!(implicit.is_ok(), by_lifecycle);
    }
}

#[test]
fn a_collection_of_the_lifecycle_has_its_own_policy() {
    let sandbox = two().build().unwrap();
    let collections = r#"[{"name":"theirs","policy":"OR('Org1MSP.member','Org2MSP.member')",
        "endorsementPolicy":{"signaturePolicy":"OR('Org2MSP.peer')"}}]"#;
    let component = guest("probe");
    let deployment = sandbox.deployment("probe", &component).collections(collections);
    let either = "OR('Org1MSP.peer','Org2MSP.peer')";
    deployment.policy(either).lifecycle().deploy().unwrap();
    assert_eq!(alone(&sandbox, "put k v"), TxValidationCode::Valid);
    let refused = TxValidationCode::EndorsementPolicyFailure;
    assert_eq!(alone(&sandbox, "pput theirs k v"), refused);
    submit(&sandbox, "pput theirs k v");
}

#[test]
fn a_second_deploy_upgrades_and_what_is_not_given_again_stays() {
    for by_lifecycle in [false, true] {
        let sandbox = two().build().unwrap();
        deploy_whole(&sandbox, &guest("transfer"), by_lifecycle);
        submit(&sandbox, "open alice 100");
        // By the lifecycle that defined the name.
        sandbox.deploy("probe", &guest("probe")).unwrap();
        assert_eq!(text(&sandbox, "get alice"), r#"{"owner":"alice","balance":100}"#);
        submit(&sandbox, "pput open k v");
        assert_eq!(text(&sandbox, "pget open k"), "v");
        assert_eq!(alone(&sandbox, "put k v"), TxValidationCode::EndorsementPolicyFailure);
        let implicit = sandbox.evaluate(call("pput _implicit_org_Org1MSP k v"));
        assert_eq!(implicit.is_ok(), by_lifecycle);
        // New settings replace the old ones.
        let either = "OR('Org1MSP.peer','Org2MSP.peer')";
        sandbox.deploy_with_policy("probe", &guest("probe"), either).unwrap();
        assert_eq!(alone(&sandbox, "put k v"), TxValidationCode::Valid);
        assert_eq!(text(&sandbox, "pget open k"), "v");
    }
}

#[test]
fn a_chaincode_of_lscc_goes_over_to_the_lifecycle() {
    let sandbox = with_probe(two());
    submit(&sandbox, "put k v");
    sandbox.deploy_by_lifecycle("probe", &guest("probe"), None).unwrap();
    assert_eq!(text(&sandbox, "get k"), "v");
    submit(&sandbox, "pput _implicit_org_Org1MSP k v");
}

#[test]
fn a_chaincode_of_the_lifecycle_has_implicit_collections() {
    let sandbox = two().build().unwrap();
    let either = Some("OR('Org1MSP.peer','Org2MSP.peer')");
    let deployed = sandbox.deploy_by_lifecycle("probe", &guest("probe"), either).unwrap();
    assert_eq!((deployed.block, deployed.code), (3, TxValidationCode::Valid));
    submit(&sandbox, "pput _implicit_org_Org1MSP k v");
    assert_eq!(text(&sandbox, "pget _implicit_org_Org1MSP k"), "v");
    let again = sandbox.deploy_by_lifecycle("probe", &guest("probe"), None).unwrap();
    assert_eq!((again.block, again.code), (7, TxValidationCode::Valid));
    let broken = sandbox.deploy_by_lifecycle("other", &guest("probe"), Some("OR(")).unwrap_err();
    assert!(broken.to_string().starts_with("cannot deploy other: "), "{broken}");
    let refused = sandbox.deploy_by_lifecycle("other", b"no component", None).unwrap_err();
    assert!(matches!(refused, SandboxError::Refused(_)), "{refused}");

    // Without a policy a majority endorses, and LSCC's chaincodes have no implicit collections.
    let sandbox = two().build().unwrap();
    sandbox.deploy_by_lifecycle("probe", &guest("probe"), None).unwrap();
    let alone = sandbox.endorse(call("put k v")).unwrap();
    let done = sandbox.commit(vec![alone]).unwrap();
    assert_eq!(done[0].code, TxValidationCode::EndorsementPolicyFailure);
    submit(&sandbox, "put k v");
    let sandbox = with_probe(two());
    assert!(sandbox.evaluate(call("pput _implicit_org_Org1MSP k v")).is_err());
}

#[test]
fn a_policy_of_two_organizations_wants_both() {
    let sandbox = two().build().unwrap();
    let policy = "AND('Org1MSP.peer','Org2MSP.peer')";
    sandbox.deploy_with_policy("probe", &guest("probe"), policy).unwrap();
    // As many endorsements as it needs.
    submit(&sandbox, "put k v");
    let alone = sandbox.endorse(call("put k alone")).unwrap();
    let mut both = sandbox.endorse(call("put k both").org("Org2MSP")).unwrap();
    sandbox.endorse_also("Org1MSP", &mut both).unwrap();
    let done = sandbox.commit(vec![alone, both]).unwrap();
    assert_eq!(done[0].code, TxValidationCode::EndorsementPolicyFailure);
    assert_eq!(done[1].code, TxValidationCode::Valid);
    assert_eq!(text(&sandbox, "get k"), "both");
    let refused = sandbox.deploy_with_policy("other", &guest("probe"), "AND(").unwrap_err();
    assert!(matches!(refused, SandboxError::Deployment { .. }), "{refused}");
}

#[test]
fn a_transaction_that_one_organization_cannot_endorse_is_invalid() {
    let sandbox = builder().network(NetworkSpec::with_orgs(2)).build().unwrap();
    let policy = "AND('Org1MSP.peer','Org2MSP.peer')";
    sandbox.deploy_with_policy("probe", &guest("probe"), policy).unwrap();
    let refused = sandbox.submit(call("put k v")).unwrap_err();
    let words = refused.to_string();
    let SandboxError::Invalid { tx_id, code, reason, .. } = refused else { panic!("{words}") };
    assert_eq!(code, TxValidationCode::EndorsementPolicyFailure);
    let reason = reason.unwrap();
    assert!(reason.contains("; Org2MSP has no peer in this sandbox"), "{reason}");
    let expected = format!("transaction {tx_id} is invalid: ENDORSEMENT_POLICY_FAILURE ({reason})");
    assert_eq!(words, expected);
}
