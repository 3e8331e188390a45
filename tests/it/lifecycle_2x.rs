//! `_lifecycle` on a channel of one organization: the rules of its functions, and the effects of a
//! definition on the chaincode.

use prost::Message;
use wasmcc_client::lifecycle::{self, ChaincodeDefinition};
use wasmcc_client::{ProposalBuilder, lscc};
use wasmcc_node::sandbox::{CHANNEL, Call, Sandbox};
use wasmcc_tests::{call, guest, package};
use wasmcc_types::proto::lifecycle::{
    CheckCommitReadinessResult, InstallChaincodeResult, QueryApprovedChaincodeDefinitionResult,
    QueryApprovedChaincodeDefinitionsResult, QueryChaincodeDefinitionResult,
    QueryChaincodeDefinitionsResult, QueryInstalledChaincodeResult,
};
use wasmcc_types::proto::protos::TxValidationCode;
use wasmcc_types::{Response, sha256};

const APPROVE: &str = "ApproveChaincodeDefinitionForMyOrg";
const COMMIT: &str = "CommitChaincodeDefinition";

fn definition(version: &str, sequence: i64) -> ChaincodeDefinition {
    ChaincodeDefinition {
        channel_id: CHANNEL.into(),
        name: "probe".into(),
        version: version.into(),
        sequence,
        ..ChaincodeDefinition::default()
    }
}

/// Returns the response to `user` for a proposal; nothing is committed.
fn ask_as(sandbox: &Sandbox, user: &str, proposal: ProposalBuilder) -> Response {
    let signer = sandbox.identity(user).unwrap();
    sandbox.endorse_as(proposal, &signer).unwrap().response
}

fn query<M: Message + Default>(sandbox: &Sandbox, proposal: ProposalBuilder) -> M {
    let response = ask_as(sandbox, "Admin", proposal);
    assert_eq!(response.status, 200, "{}", response.message);
    M::decode(response.payload.as_slice()).unwrap()
}

/// Returns the text of a refusal without the common prefix of a function's refusals.
fn refusal(sandbox: &Sandbox, function: &str, proposal: ProposalBuilder) -> String {
    let Response { status, message, .. } = ask_as(sandbox, "Admin", proposal);
    assert_eq!(status, 500, "{message}");
    let beginning = format!("failed to invoke backing implementation of '{function}': ");
    message.strip_prefix(&beginning).unwrap_or_else(|| panic!("{message}")).to_owned()
}

fn submit(sandbox: &Sandbox, proposal: ProposalBuilder) {
    let admin = sandbox.identity("Admin").unwrap();
    let endorsed = sandbox.endorse_as(proposal, &admin).unwrap().accepted().unwrap();
    assert_eq!(sandbox.commit(vec![endorsed]).unwrap()[0].code, TxValidationCode::Valid);
}

fn install(sandbox: &Sandbox, package: &[u8]) -> String {
    let result: InstallChaincodeResult = query(sandbox, lifecycle::install(package.to_vec()));
    result.package_id
}

/// Approves and commits.
fn define(sandbox: &Sandbox, definition: &ChaincodeDefinition, package_id: Option<&str>) {
    submit(sandbox, lifecycle::approve(definition.clone(), package_id));
    submit(sandbox, lifecycle::commit(definition.clone()));
}

/// Returns the text of a failed call.
fn failure(sandbox: &Sandbox, line: &str) -> String {
    let Response { status, message, .. } = sandbox.endorse(call("probe", line)).unwrap().response;
    assert_eq!(status, 500, "{message}");
    message
}

fn get(sandbox: &Sandbox, key: &str) -> String {
    sandbox.evaluate(call("probe", &format!("get {key}"))).unwrap().text()
}

#[test]
fn a_chaincode_is_installed_approved_committed_called_and_upgraded() {
    let sandbox = Sandbox::new().unwrap();
    let one = package("probe", "probe_1", &[]);
    let id = install(&sandbox, &one);
    let hash: String = sha256(&one).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(id, format!("probe_1:{hash}"));
    assert!(failure(&sandbox, "noop").ends_with("try again: chaincode probe not found"));

    let first = definition("1.0", 1);
    submit(&sandbox, lifecycle::approve(first.clone(), Some(&id)));
    let ready: CheckCommitReadinessResult =
        query(&sandbox, lifecycle::check_commit_readiness(first.clone()));
    assert_eq!(ready.approvals, [("Org1MSP".to_owned(), true)].into());
    assert!(ready.mismatches.is_empty());
    submit(&sandbox, lifecycle::commit(first));
    sandbox.submit(call("probe", "put k v")).unwrap();
    assert_eq!(get(&sandbox, "k"), "v");

    // The next definition has another package and version; the state remains.
    let two = install(&sandbox, &package("probe", "probe_2", &[]));
    define(&sandbox, &definition("2.0", 2), Some(&two));
    let called = sandbox.endorse(call("probe", "get k")).unwrap();
    assert_eq!(called.text(), "v");
    assert_eq!([&id, &two].map(|id| sandbox.peer().support().is_launched(id)), [false, true]);
    let found: QueryChaincodeDefinitionResult =
        query(&sandbox, lifecycle::query_committed(CHANNEL, "probe"));
    assert_eq!((found.sequence, found.version.as_str()), (2, "2.0"));
    assert_eq!(
        (found.endorsement_plugin.as_str(), found.validation_plugin.as_str()),
        ("escc", "vscc")
    );
    assert_eq!(found.approvals, [("Org1MSP".to_owned(), true)].into());
    let references = |id: &str| -> Vec<(String, String)> {
        let found: QueryInstalledChaincodeResult = query(&sandbox, lifecycle::query_installed(id));
        let channels = found.references.into_values().flat_map(|channel| channel.chaincodes);
        channels.map(|chaincode| (chaincode.name, chaincode.version)).collect()
    };
    assert_eq!(references(&two), [("probe".to_owned(), "2.0".to_owned())]);
    assert_eq!(references(&id), []);
}

#[test]
fn only_what_the_organization_approved_is_committed() {
    let sandbox = Sandbox::new().unwrap();
    let first = definition("1.0", 1);
    let not_agreed = "chaincode definition not agreed to by this org (Org1MSP)";
    assert_eq!(refusal(&sandbox, COMMIT, lifecycle::commit(first.clone())), not_agreed);
    submit(&sandbox, lifecycle::approve(first.clone(), None));
    let others = [
        ("EndorsementInfo", definition("1.1", 1)),
        ("EndorsementInfo", ChaincodeDefinition { init_required: true, ..first.clone() }),
        ("ValidationInfo", ChaincodeDefinition { validation_parameter: vec![1], ..first.clone() }),
    ];
    for (item, other) in others {
        let proposal = lifecycle::check_commit_readiness(other.clone());
        let ready: CheckCommitReadinessResult = query(&sandbox, proposal);
        assert_eq!(ready.approvals, [("Org1MSP".to_owned(), false)].into());
        assert_eq!(ready.mismatches["Org1MSP"].items, [item]);
        assert_eq!(refusal(&sandbox, COMMIT, lifecycle::commit(other)), not_agreed);
    }
    submit(&sandbox, lifecycle::commit(first));
}

#[test]
fn sequences_count_one_by_one() {
    let sandbox = Sandbox::new().unwrap();
    let approve = |version: &str, sequence| lifecycle::approve(definition(version, sequence), None);
    let commit = |sequence| lifecycle::commit(definition("1.0", sequence));
    for (sequence, text) in [
        (0, "requested sequence is 0, but first definable sequence number is 1"),
        (2, "requested sequence 2 is larger than the next available sequence number 1"),
        (-1, "currently defined sequence 0 is larger than requested sequence -1"),
    ] {
        assert_eq!(refusal(&sandbox, APPROVE, approve("1.0", sequence)), text);
    }
    let text = "requested sequence is 2, but new definition must be sequence 1";
    assert_eq!(refusal(&sandbox, COMMIT, commit(2)), text);
    define(&sandbox, &definition("1.0", 1), None);
    let text = "requested sequence is 1, but new definition must be sequence 2";
    assert_eq!(refusal(&sandbox, COMMIT, commit(1)), text);
    let text = "attempted to redefine the current committed sequence (1) for namespace probe with \
                different parameters: expected Version '1.0' does not match passed Version '1.1'";
    assert_eq!(refusal(&sandbox, APPROVE, approve("1.1", 1)), text);
    define(&sandbox, &definition("2.0", 2), None);
    let text = "currently defined sequence 2 is larger than requested sequence 1";
    assert_eq!(refusal(&sandbox, APPROVE, approve("1.0", 1)), text);
}

#[test]
fn an_approval_may_change_and_be_repeated_once_it_is_committed() {
    let sandbox = Sandbox::new().unwrap();
    let first = definition("1.0", 1);
    let approve = |id: Option<&str>| lifecycle::approve(first.clone(), id);
    submit(&sandbox, approve(None));
    let text = "attempted to redefine uncommitted sequence (1) for namespace probe with unchanged \
                content";
    assert_eq!(refusal(&sandbox, APPROVE, approve(None)), text);
    submit(&sandbox, lifecycle::approve(definition("0.9", 1), None));
    submit(&sandbox, approve(None));
    submit(&sandbox, lifecycle::commit(first.clone()));
    let not_installed = "chaincode definition for 'probe' exists, but chaincode is not installed";
    assert!(failure(&sandbox, "noop").ends_with(not_installed));

    // An organization may always change its package.
    let id = install(&sandbox, &package("probe", "probe_1", &[]));
    submit(&sandbox, approve(Some(&id)));
    assert_eq!(get(&sandbox, "k"), "");
    submit(&sandbox, approve(Some(&id)));
    assert_eq!(get(&sandbox, "k"), "");
    submit(&sandbox, approve(None));
    assert!(failure(&sandbox, "noop").ends_with(not_installed));
}

#[test]
fn an_approval_can_be_asked_for() {
    let sandbox = Sandbox::new().unwrap();
    let ask = |sequence| lifecycle::query_approved(CHANNEL, "probe", sequence);
    let missing = |sequence: i64| {
        format!(
            "could not fetch approved chaincode definition (name: 'probe', sequence: '{sequence}') \
             on channel 'mychannel'"
        )
    };
    let function = "QueryApprovedChaincodeDefinition";
    assert_eq!(refusal(&sandbox, function, ask(0)), missing(0));
    define(&sandbox, &definition("1.0", 1), Some("basic:ab"));
    submit(&sandbox, lifecycle::approve(definition("2.0", 2), None));
    let found = |sequence| -> (i64, String, bool) {
        let found: QueryApprovedChaincodeDefinitionResult = query(&sandbox, ask(sequence));
        let source = found.source.unwrap().encode_to_vec();
        let named = String::from_utf8_lossy(&source).contains("basic:ab");
        (found.sequence, found.version, named)
    };
    assert_eq!(found(1), (1, "1.0".into(), true));
    assert_eq!(found(2), (2, "2.0".into(), false));
    assert_eq!(found(0), (2, "2.0".into(), false));
    assert_eq!(refusal(&sandbox, function, ask(3)), missing(3));
    let all: QueryApprovedChaincodeDefinitionsResult =
        query(&sandbox, lifecycle::query_all_approved(CHANNEL));
    let all = all.approved_chaincode_definitions.into_iter();
    let all: Vec<_> = all.map(|found| (found.name, found.sequence, found.version)).collect();
    assert_eq!(all, [("probe".into(), 1, "1.0".into()), ("probe".into(), 2, "2.0".into())]);
}

#[test]
fn init_is_called_once_in_each_version_that_requires_it() {
    let sandbox = Sandbox::new().unwrap();
    let id = install(&sandbox, &package("probe", "probe_1", &[]));
    let init = |args: &[&str]| {
        let proposal = ProposalBuilder::new(CHANNEL, "probe").args(args.iter().copied());
        proposal.init(true)
    };
    let refused = |proposal: ProposalBuilder| {
        let Response { status, message, .. } = ask_as(&sandbox, "User1", proposal);
        assert_eq!(status, 500);
        let (beginning, text) = message.split_once("invalid invocation: ").unwrap();
        assert!(beginning.starts_with("error in simulation: failed to execute transaction "));
        text.to_owned()
    };
    define(&sandbox, &definition("1.0", 1), Some(&id));
    let text = "chaincode 'probe' does not require initialization but called as init";
    assert_eq!(refused(init(&["x"])), text);

    let with_init = |version, sequence| ChaincodeDefinition {
        init_required: true,
        ..definition(version, sequence)
    };
    define(&sandbox, &with_init("2.0", 2), Some(&id));
    let first = "chaincode 'probe' has not been initialized for this version, must call as init \
                 first";
    let noop = || ProposalBuilder::new(CHANNEL, "probe").args(["noop"]);
    assert_eq!(refused(noop()), first);
    // A failed init does not count.
    let failed = ask_as(&sandbox, "User1", init(&["fail"]));
    assert!(failed.message.ends_with("init failed"), "{}", failed.message);
    submit(&sandbox, init(&["hello", "init"]));
    assert_eq!(get(&sandbox, "init"), "hello init");
    let text = "chaincode 'probe' is already initialized but called as init";
    assert_eq!(refused(init(&["x"])), text);

    // The same version is already initialized; another one is not.
    define(&sandbox, &with_init("2.0", 3), Some(&id));
    assert_eq!(get(&sandbox, "init"), "hello init");
    define(&sandbox, &with_init("3.0", 4), Some(&id));
    assert_eq!(refused(noop()), first);
    submit(&sandbox, init(&["again"]));
    let endorsed = sandbox.evaluate(call("probe", "noop")).unwrap();
    let reads = &endorsed.rwset.unwrap().namespaces["probe"].reads;
    assert_eq!(reads[0].key, "\u{0}\u{10FFFF}initialized");

    // A call by another chaincode finds the same state.
    sandbox.deploy("caller", &guest("probe")).unwrap();
    sandbox.evaluate(call("caller", "cc2cc probe noop")).unwrap();
    define(&sandbox, &with_init("4.0", 5), Some(&id));
    let refused = sandbox.endorse(call("caller", "cc2cc probe noop")).unwrap().response;
    let text = format!("execute failed: invalid invocation: {first}");
    let said = [refused.message, String::from_utf8_lossy(&refused.payload).into_owned()].concat();
    assert!(said.ends_with(&text), "{said}");
}

#[test]
fn lifecycle_takes_over_from_lscc_for_good() {
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("probe", &guest("probe")).unwrap();
    sandbox.submit(call("probe", "put k v")).unwrap();
    let upgrade = lscc::Definition {
        channel_id: CHANNEL.into(),
        name: "probe".into(),
        version: "2.0".into(),
        ..Default::default()
    };
    sandbox.install(&upgrade, &guest("probe")).unwrap();
    // Endorsed before the definition is committed, ordered after it.
    let admin = sandbox.identity("Admin").unwrap();
    let late = sandbox.endorse_as(lscc::upgrade(upgrade.clone()), &admin).unwrap();
    let late = late.accepted().unwrap();

    let id = install(&sandbox, &package("probe", "probe_1", &[]));
    define(&sandbox, &definition("1.0", 1), Some(&id));
    assert_eq!(get(&sandbox, "k"), "v");
    let endorsed = sandbox.evaluate(call("probe", "noop")).unwrap();
    assert!(!endorsed.rwset.unwrap().namespaces.contains_key("lscc"));
    let refused = ask_as(&sandbox, "Admin", lscc::upgrade(upgrade));
    let text = "chaincode probe is defined by _lifecycle on channel mychannel: lscc can no longer \
                deploy or upgrade it";
    assert!(refused.message.ends_with(text), "{}", refused.message);
    let code = sandbox.commit(vec![late]).unwrap()[0].code;
    assert_eq!(code, TxValidationCode::EndorsementPolicyFailure);
}

#[test]
fn packages_are_installed_once_and_come_back_as_they_went_in() {
    let sandbox = Sandbox::new().unwrap();
    let package = package("probe", "probe_1", &[]);
    let id = install(&sandbox, &package);
    let again = refusal(&sandbox, "InstallChaincode", lifecycle::install(package.clone()));
    assert_eq!(again, format!("chaincode already successfully installed (package ID '{id}')"));
    let result: wasmcc_types::proto::lifecycle::GetInstalledChaincodePackageResult =
        query(&sandbox, lifecycle::installed_package(&id));
    assert!(result.chaincode_install_package == package);
    let text =
        refusal(&sandbox, "GetInstalledChaincodePackage", lifecycle::installed_package("no:1"));
    let missing = "could not load cc install package: chaincode install package 'no:1' not found";
    assert_eq!(text, missing);
    let text = refusal(&sandbox, "QueryInstalledChaincode", lifecycle::query_installed("no:1"));
    assert_eq!(text, "could not find chaincode with package id 'no:1'");
    let text = refusal(&sandbox, "InstallChaincode", lifecycle::install(b"no package".to_vec()));
    let beginning = "could not parse as a chaincode install package: error reading as gzip stream";
    assert!(text.starts_with(beginning), "{text}");
}

#[test]
fn definitions_are_checked_in_fabrics_words() {
    let sandbox = Sandbox::new().unwrap();
    let named = |name: &str| ChaincodeDefinition { name: name.into(), ..definition("1", 1) };
    for (definition, text) in [
        (
            named("_probe"),
            "invalid chaincode name '_probe'. Names can only consist of alphanumerics, '_', and \
             '-' and can only begin with alphanumerics",
        ),
        (named("lscc"), "chaincode name 'lscc' is the name of a system chaincode"),
        (
            definition("1/2", 1),
            "invalid chaincode version '1/2'. Versions can only consist of alphanumerics, '_', \
             '-', '+', and '.'",
        ),
    ] {
        let expected = format!("error validating chaincode definition: {text}");
        let approve = lifecycle::approve(definition.clone(), None);
        assert_eq!(refusal(&sandbox, APPROVE, approve), expected);
        assert_eq!(refusal(&sandbox, COMMIT, lifecycle::commit(definition)), expected);
    }
}

#[test]
fn calls_are_of_two_arguments_and_for_those_who_may() {
    let sandbox = Sandbox::new().unwrap();
    let ask = |args: &[&str]| {
        let proposal = ProposalBuilder::new(CHANNEL, "_lifecycle").args(args.iter().copied());
        ask_as(&sandbox, "User1", proposal)
    };
    let text = "lifecycle scc operations require exactly two arguments but received 1";
    assert_eq!(ask(&["QueryChaincodeDefinitions"]).message, text);
    assert_eq!(ask(&[]).message, "lifecycle scc must be invoked with arguments");
    let text = "Failed to authorize invocation due to failed ACL check: Unmapped policy for \
                _lifecycle/Nothing";
    assert_eq!(ask(&["Nothing", ""]).message, text);
    let not_an_admin = "The identity is not an admin under this MSP [Org1MSP]";
    for function in ["InstallChaincode", APPROVE, "QueryApprovedChaincodeDefinition"] {
        let text = ask(&[function, ""]).message;
        let beginning = "Failed to authorize invocation due to failed ACL check: ";
        assert!(text.starts_with(beginning) && text.contains(not_an_admin), "{text}");
    }
    let bad = ask(&["QueryChaincodeDefinition", "\u{7f}"]).message;
    assert!(bad.contains("could not decode input arg for"), "{bad}");
    let Response { status, message, .. } =
        ask_as(&sandbox, "User1", lifecycle::query_committed(CHANNEL, "probe"));
    assert_eq!((status, message.as_str()), (404, "namespace probe is not defined"));
    let all: QueryChaincodeDefinitionsResult =
        query(&sandbox, lifecycle::query_all_committed(CHANNEL));
    assert!(all.chaincode_definitions.is_empty());
    define(&sandbox, &definition("1", 1), None);
    let all: QueryChaincodeDefinitionsResult =
        query(&sandbox, lifecycle::query_all_committed(CHANNEL));
    assert_eq!(all.chaincode_definitions[0].name, "probe");
}

#[test]
fn a_chaincode_may_ask_for_definitions_but_not_install() {
    let sandbox = Sandbox::new().unwrap();
    sandbox.deploy("probe", &guest("probe")).unwrap();
    let ask = |function: &str| {
        let call = Call::new("probe", "cc2cc").args(["_lifecycle", function, ""]);
        let response = sandbox.endorse(call).unwrap().response;
        [response.message, String::from_utf8_lossy(&response.payload).into_owned()].concat()
    };
    assert_eq!(ask("QueryChaincodeDefinitions"), "");
    let text = ask("InstallChaincode");
    assert!(text.contains("a chaincode may not call InstallChaincode of _lifecycle"), "{text}");
}
