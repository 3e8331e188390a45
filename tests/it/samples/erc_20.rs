//! The sample `token-erc-20`: a minter of Org1 and a recipient of Org2.

use serde_json::json;
use wasmcc_tests::guest;
use xtask::node_components;

use super::{ORG1, ORG2, call, refusal, submit, text, two_organizations};

#[test]
fn erc_20_tokens_are_minted_transferred_approved_and_burned() {
    erc_20(&guest("token-erc-20"));
}

#[test]
fn erc_20_tokens_in_typescript_do_the_same() {
    erc_20(&node_components::sample("token-erc-20").unwrap());
}

fn erc_20(component: &[u8]) {
    let sandbox = two_organizations();
    sandbox.deploy_by_lifecycle("token_erc20", component, None).unwrap();
    let erc20 = |org: &str, function: &str, args: &[&str]| call("token_erc20", org, function, args);
    let initialize = || erc20(ORG1, "Initialize", &["some name", "some symbol", "2"]);
    assert_eq!(submit(&sandbox, initialize()).text(), "true");
    let twice = refusal(&sandbox, initialize());
    let expected = "contract options are already set, client is not authorized to change them";
    assert_eq!(twice, expected);
    assert_eq!(text(&sandbox, erc20(ORG2, "Symbol", &[])), "some symbol");
    submit(&sandbox, erc20(ORG1, "Mint", &["5000"]));
    let poor = refusal(&sandbox, erc20(ORG2, "Mint", &["1"]));
    assert_eq!(poor, "client is not authorized to mint new tokens");
    let minter = text(&sandbox, erc20(ORG1, "ClientAccountID", &[]));
    let recipient = text(&sandbox, erc20(ORG2, "ClientAccountID", &[]));
    let moved = submit(&sandbox, erc20(ORG1, "Transfer", &[&recipient, "100"])).event.unwrap();
    let payload: serde_json::Value = serde_json::from_slice(&moved.payload).unwrap();
    let expected = json!({ "from": minter, "to": recipient, "value": 100 });
    assert_eq!((moved.name.as_str(), payload), ("Transfer", expected));
    assert_eq!(text(&sandbox, erc20(ORG2, "ClientAccountBalance", &[])), "100");

    // The spender is another client of Org2.
    let spender = text(&sandbox, erc20(ORG2, "ClientAccountID", &[]).user("User2"));
    submit(&sandbox, erc20(ORG1, "Approve", &[&spender, "500"]));
    let spend =
        |amount: &str| erc20(ORG2, "TransferFrom", &[&minter, &recipient, amount]).user("User2");
    submit(&sandbox, spend("200"));
    assert_eq!(text(&sandbox, erc20(ORG1, "Allowance", &[&minter, &spender])), "300");
    let much = refusal(&sandbox, spend("301"));
    assert_eq!(much, "spender does not have enough allowance for transfer");
    submit(&sandbox, erc20(ORG1, "Burn", &["700"]));
    assert_eq!(text(&sandbox, erc20(ORG2, "TotalSupply", &[])), "4300");
    assert_eq!(text(&sandbox, erc20(ORG2, "BalanceOf", &[&minter])), "4000");
    assert_eq!(text(&sandbox, erc20(ORG2, "Decimals", &[])), "2");
}
