//! The samples `token-erc-20`, `token-erc-721` and `token-utxo`: a minter of Org1 and a recipient
//! of Org2.

use serde_json::{Value, json};
use wasmcc_node::sandbox::Sandbox;
use wasmcc_tests::guest;
use wasmcc_types::proto::protos::TxValidationCode;
use xtask::node_components;

use super::{ORG1, ORG2, call, json as query, refusal, submit, text, two_organizations_with};

/// A token whose minter is Org1's `User1`; its name and symbol are set.
fn token(component: &[u8], name: &str, more: &[&str]) -> Sandbox {
    let sandbox = two_organizations_with(component, name, None);
    let options = [&["some name", "some symbol"], more].concat();
    let set = submit(&sandbox, call(name, ORG1, "Initialize", &options));
    assert_eq!(set.text(), "true");
    let refused = refusal(&sandbox, call(name, ORG1, "Initialize", &options));
    let expected = "contract options are already set, client is not authorized to change them";
    assert_eq!(refused, expected);
    assert_eq!(text(&sandbox, call(name, ORG2, "Symbol", &[])), "some symbol");
    sandbox
}

fn event(endorsed: wasmcc_node::sandbox::Endorsed) -> (String, Value) {
    let event = endorsed.event.unwrap();
    (event.name, serde_json::from_slice(&event.payload).unwrap())
}

#[test]
fn erc_20_tokens_are_minted_transferred_approved_and_burned() {
    erc_20(&guest("token-erc-20"));
}

#[test]
fn erc_20_tokens_in_typescript_do_the_same() {
    erc_20(&node_components::sample("token-erc-20").unwrap());
}

fn erc_20(component: &[u8]) {
    let sandbox = token(component, "token_erc20", &["2"]);
    let erc20 = |org: &str, function: &str, args: &[&str]| call("token_erc20", org, function, args);
    submit(&sandbox, erc20(ORG1, "Mint", &["5000"]));
    let poor = refusal(&sandbox, erc20(ORG2, "Mint", &["1"]));
    assert_eq!(poor, "client is not authorized to mint new tokens");
    let minter = text(&sandbox, erc20(ORG1, "ClientAccountID", &[]));
    let recipient = text(&sandbox, erc20(ORG2, "ClientAccountID", &[]));
    let (name, moved) = event(submit(&sandbox, erc20(ORG1, "Transfer", &[&recipient, "100"])));
    let expected = json!({ "from": minter, "to": recipient, "value": 100 });
    assert_eq!((name.as_str(), moved), ("Transfer", expected));
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

#[test]
fn erc_721_tokens_are_minted_transferred_by_operators_and_burned() {
    let sandbox = token(&guest("token-erc-721"), "token_erc721", &[]);
    let erc721 =
        |org: &str, function: &str, args: &[&str]| call("token_erc721", org, function, args);
    let mint =
        |id: &str| erc721(ORG1, "MintWithTokenURI", &[id, "https://example.com/nft101.json"]);
    submit(&sandbox, mint("101"));
    submit(&sandbox, mint("102"));
    assert_eq!(refusal(&sandbox, mint("101")), "the token 101 is already minted.");
    let minter = text(&sandbox, erc721(ORG1, "ClientAccountID", &[]));
    let recipient = text(&sandbox, erc721(ORG2, "ClientAccountID", &[]));
    assert!(minter.starts_with("x509::CN=User1@org1.example.com"), "{minter}");
    let transfer = |org: &str, id: &str| erc721(org, "TransferFrom", &[&minter, &recipient, id]);
    let thief = refusal(&sandbox, transfer(ORG2, "101"));
    assert_eq!(thief, "the sender is not the current owner nor an authorized operator");
    let (name, moved) = event(submit(&sandbox, transfer(ORG1, "101")));
    let expected = json!({ "from": minter, "to": recipient, "tokenId": "101" });
    assert_eq!((name.as_str(), moved), ("Transfer", expected));
    assert_eq!(text(&sandbox, erc721(ORG1, "OwnerOf", &["101"])), recipient);

    submit(&sandbox, erc721(ORG1, "SetApprovalForAll", &[&recipient, "true"]));
    submit(&sandbox, transfer(ORG2, "102"));
    assert_eq!(text(&sandbox, erc721(ORG1, "BalanceOf", &[&recipient])), "2");
    submit(&sandbox, erc721(ORG2, "Burn", &["101"]));
    assert_eq!(text(&sandbox, erc721(ORG1, "TotalSupply", &[])), "1");
    let gone = refusal(&sandbox, erc721(ORG1, "OwnerOf", &["101"]));
    assert!(gone.ends_with("The tokenId 101 is invalid. It does not exist"), "{gone}");
}

#[test]
fn utxo_tokens_are_spent_once() {
    let sandbox = token(&guest("token-utxo"), "token_utxo", &[]);
    let utxo = |org: &str, function: &str, args: &[&str]| call("token_utxo", org, function, args);
    let minted = submit(&sandbox, utxo(ORG1, "Mint", &["5000"]));
    let key = format!("{}.0", minted.tx_id);
    let minted: Value = serde_json::from_str(&minted.text()).unwrap();
    assert_eq!((&minted["utxo_key"], &minted["amount"]), (&json!(key), &json!(5000)));
    let owned = |org: &str| query(&sandbox, utxo(org, "ClientUTXOs", &[]));
    assert_eq!(owned(ORG1), json!([minted]));

    let recipient = text(&sandbox, utxo(ORG2, "ClientID", &[]));
    let outputs = json!([
        { "utxo_key": "", "owner": recipient, "amount": 100 },
        { "utxo_key": "", "owner": minted["owner"], "amount": 4900 },
    ]);
    let inputs = json!([key]).to_string();
    let transfer =
        |org: &str, outputs: &Value| utxo(org, "Transfer", &[&inputs, &outputs.to_string()]);
    let mut more = outputs.clone();
    more[0]["amount"] = 101.into();
    let said = refusal(&sandbox, transfer(ORG1, &more));
    assert_eq!(said, "total utxoInput amount 5000 does not equal total utxoOutput amount 5001");
    let thief = refusal(&sandbox, transfer(ORG2, &outputs));
    assert_eq!(thief, format!("utxoInput {key} not found for client {recipient}"));
    // Two transfers of the same output in one block: one of them is valid.
    let twice = [(); 2].map(|()| {
        let mut endorsed = sandbox.endorse(transfer(ORG1, &outputs)).unwrap();
        sandbox.endorse_also(ORG2, &mut endorsed).unwrap();
        endorsed
    });
    let codes = sandbox.commit(twice.into()).unwrap();
    let codes: Vec<TxValidationCode> = codes.iter().map(|done| done.code).collect();
    assert_eq!(codes, [TxValidationCode::Valid, TxValidationCode::MvccReadConflict]);
    assert_eq!((&owned(ORG1)[0]["amount"], &owned(ORG2)[0]["amount"]), (&json!(4900), &json!(100)));
}
