//! Native tests of the contract on the mock ledger: minting, transfers and approvals.

use super::*;
use wasmcc_sdk::args;
use wasmcc_sdk::testing::MockLedger;

const MINTER: &str = "x509::CN=minter,OU=client::CN=ca";
const RECIPIENT: &str = "x509::CN=recipient,OU=client::CN=ca";
const OPERATOR: &str = "x509::CN=operator,OU=client::CN=ca";

/// Returns a ledger with the token 101 of `minter`, the submitting client.
fn minted() -> MockLedger {
    let mut ledger = MockLedger::new(vec![&TokenErc721]);
    submit_as(&mut ledger, MINTER, "Initialize", args!["some name", "some symbol"]).unwrap();
    submit_as(&mut ledger, MINTER, "MintWithTokenURI", args!["101", "https://example.com/nft"])
        .unwrap();
    ledger
}

/// Submits a call as the client of an account.
fn submit_as(
    ledger: &mut MockLedger,
    account: &str,
    function: &str,
    args: Vec<Vec<u8>>,
) -> Result<wasmcc_sdk::testing::Answer> {
    let name = account.trim_start_matches("x509::CN=").split(',').next().unwrap();
    let org = if account == MINTER { "Org1MSP" } else { "Org2MSP" };
    ledger.as_client(org, name, &[]).submit(function, args)
}

fn text(ledger: &mut MockLedger, function: &str, args: Vec<Vec<u8>>) -> String {
    ledger.evaluate(function, args).unwrap().text()
}

#[test]
fn nothing_works_before_the_contract_is_initialized() {
    let mut ledger = MockLedger::new(vec![&TokenErc721]);
    let calls = [
        ("MintWithTokenURI", args!["101", "uri"]),
        ("Burn", args!["101"]),
        ("TransferFrom", args!["a", "b", "101"]),
        ("Approve", args!["a", "101"]),
        ("SetApprovalForAll", args!["a", true]),
        ("IsApprovedForAll", args!["a", "b"]),
        ("GetApproved", args!["101"]),
        ("OwnerOf", args!["101"]),
        ("TokenURI", args!["101"]),
        ("BalanceOf", args!["a"]),
        ("ClientAccountBalance", args![]),
        ("ClientAccountID", args![]),
        ("TotalSupply", args![]),
        ("Name", args![]),
        ("Symbol", args![]),
    ];
    for (function, args) in calls {
        let refused = submit_as(&mut ledger, MINTER, function, args).unwrap_err();
        let expected = "contract options need to be set before calling any function, call \
                        Initialize() to initialize contract";
        assert_eq!(refused.message(), expected, "{function}");
    }
}

#[test]
fn the_issuer_mints_each_token_once() {
    let mut ledger = minted();
    let rest = r#""tokenURI":"https://example.com/nft","approved":"""#;
    let json = format!(r#"{{"tokenId":"101","owner":"{MINTER}",{rest}}}"#);
    assert_eq!(ledger.get_state("\0nft\x00101\0"), Some(json.as_bytes()));
    let balance = format!("\0balance\0{MINTER}\x00101\0");
    assert_eq!(ledger.get_state(&balance), Some([0].as_slice()));
    let mint = || args!["101", "uri"];
    let again = submit_as(&mut ledger, MINTER, "MintWithTokenURI", mint()).unwrap_err();
    assert_eq!(again.message(), "the token 101 is already minted.");
    for (function, args) in [("MintWithTokenURI", mint()), ("Initialize", args!["n", "s"])] {
        let other = submit_as(&mut ledger, RECIPIENT, function, args).unwrap_err();
        let expected = "client is not authorized to set the name and symbol of the token";
        assert_eq!(other.message(), expected);
    }
    let again = submit_as(&mut ledger, MINTER, "Initialize", args!["n", "s"]).unwrap_err();
    let expected = "contract options are already set, client is not authorized to change them";
    assert_eq!(again.message(), expected);
    let options = ["Name", "Symbol"].map(|name| text(&mut ledger, name, args![]));
    assert_eq!(options, ["some name", "some symbol"]);
    assert_eq!(text(&mut ledger, "TokenURI", args!["101"]), "https://example.com/nft");
    assert_eq!(text(&mut ledger, "ClientAccountID", args![]), MINTER);
}

#[test]
fn a_token_goes_from_its_owner_to_another_client() {
    let mut ledger = minted();
    let args = args![MINTER, RECIPIENT, "101"];
    let sent = submit_as(&mut ledger, MINTER, "TransferFrom", args.clone()).unwrap();
    let event = format!(r#"{{"from":"{MINTER}","to":"{RECIPIENT}","tokenId":"101"}}"#);
    assert_eq!(
        (sent.text().as_str(), sent.event),
        ("true", Some(("Transfer".into(), event.into())))
    );
    assert_eq!(text(&mut ledger, "OwnerOf", args!["101"]), RECIPIENT);
    assert_eq!(text(&mut ledger, "BalanceOf", args![MINTER]), "0");
    assert_eq!(text(&mut ledger, "BalanceOf", args![RECIPIENT]), "1");
    assert_eq!(text(&mut ledger, "TotalSupply", args![]), "1");

    let again = submit_as(&mut ledger, MINTER, "TransferFrom", args.clone()).unwrap_err();
    let expected = "the sender is not the current owner nor an authorized operator";
    assert_eq!(again.message(), expected);
    let wrong = submit_as(&mut ledger, RECIPIENT, "TransferFrom", args).unwrap_err();
    assert_eq!(wrong.message(), "the from is not the current owner");
}

#[test]
fn who_is_approved_for_a_token_transfers_it_once() {
    let mut ledger = minted();
    submit_as(&mut ledger, MINTER, "Approve", args![OPERATOR, "101"]).unwrap();
    assert_eq!(text(&mut ledger, "GetApproved", args!["101"]), OPERATOR);
    let thief = submit_as(&mut ledger, RECIPIENT, "Approve", args![RECIPIENT, "101"]).unwrap_err();
    let expected = "the sender is not the current owner nor an authorized operator";
    assert_eq!(thief.message(), expected);
    let args = args![MINTER, RECIPIENT, "101"];
    submit_as(&mut ledger, OPERATOR, "TransferFrom", args).unwrap();
    assert_eq!(text(&mut ledger, "GetApproved", args!["101"]), "");
    let args = args![RECIPIENT, MINTER, "101"];
    let again = submit_as(&mut ledger, OPERATOR, "TransferFrom", args).unwrap_err();
    assert_eq!(again.message(), expected);
}

#[test]
fn an_operator_transfers_all_tokens_of_an_owner_until_it_is_revoked() {
    let mut ledger = minted();
    let approve = |approved: bool| args![OPERATOR, approved];
    let given = submit_as(&mut ledger, MINTER, "SetApprovalForAll", approve(true)).unwrap();
    let event = format!(r#"{{"owner":"{MINTER}","operator":"{OPERATOR}","approved":true}}"#);
    assert_eq!(given.event, Some(("ApprovalForAll".into(), event.into())));
    assert_eq!(text(&mut ledger, "IsApprovedForAll", args![MINTER, OPERATOR]), "true");
    assert_eq!(text(&mut ledger, "IsApprovedForAll", args![OPERATOR, MINTER]), "false");
    let transfer = args![MINTER, RECIPIENT, "101"];
    submit_as(&mut ledger, MINTER, "SetApprovalForAll", approve(false)).unwrap();
    let refused = submit_as(&mut ledger, OPERATOR, "TransferFrom", transfer.clone()).unwrap_err();
    let expected = "the sender is not the current owner nor an authorized operator";
    assert_eq!(refused.message(), expected);
    submit_as(&mut ledger, MINTER, "SetApprovalForAll", approve(true)).unwrap();
    submit_as(&mut ledger, OPERATOR, "TransferFrom", transfer).unwrap();
}

#[test]
fn a_burned_token_does_not_exist() {
    let mut ledger = minted();
    let other = submit_as(&mut ledger, RECIPIENT, "Burn", args!["101"]).unwrap_err();
    let expected = format!("non-fungible token 101 is not owned by {RECIPIENT}");
    assert_eq!(other.message(), expected);
    submit_as(&mut ledger, MINTER, "Burn", args!["101"]).unwrap();
    assert_eq!(text(&mut ledger, "ClientAccountBalance", args![]), "0");
    assert_eq!(text(&mut ledger, "TotalSupply", args![]), "0");
    let gone = "The tokenId 101 is invalid. It does not exist";
    for (function, args, before) in [
        ("OwnerOf", args!["101"], "could not process OwnerOf for tokenId: "),
        ("TokenURI", args!["101"], "failed to get TokenURI: "),
        ("GetApproved", args!["101"], "failed GetApproved for tokenId : "),
        ("Burn", args!["101"], "failed to _readNFT nft : "),
        ("Approve", args![OPERATOR, "101"], "failed to _readNFT: "),
        ("TransferFrom", args![MINTER, RECIPIENT, "101"], "failed to _readNFT : "),
    ] {
        let refused = ledger.submit(function, args).unwrap_err();
        assert_eq!(refused.message(), format!("{before}{gone}"), "{function}");
    }
}
