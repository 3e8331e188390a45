//! Tests the contract as a real component on peers of two organizations: the central banker is a
//! client of Org1, the recipient one of Org2. An output is spent once. The tests in `src/lib.rs`
//! are faster.

use std::sync::OnceLock;

use token_utxo::Utxo;
use wasmcc_test::{Call, NetworkSpec, Sandbox, SandboxError, TxValidationCode, build};

type Result<T> = std::result::Result<T, SandboxError>;

const BANKER: &str = "Org1MSP";
const RECIPIENT: &str = "Org2MSP";

/// The component, built once for all tests.
fn component() -> &'static [u8] {
    static COMPONENT: OnceLock<Vec<u8>> = OnceLock::new();
    COMPONENT.get_or_init(|| build(env!("CARGO_MANIFEST_DIR")).expect("the contract builds"))
}

/// Returns a channel of two organizations, either of which endorses, and an output of 5000 of the
/// banker.
fn sandbox() -> Result<(Sandbox, Utxo)> {
    let builder = Sandbox::builder().network(NetworkSpec::with_orgs(2));
    let sandbox = builder.orgs([BANKER, RECIPIENT]).build()?;
    let either = Some("OR('Org1MSP.peer','Org2MSP.peer')");
    sandbox.deploy_by_lifecycle("token_utxo", component(), either)?;
    sandbox.submit(call(BANKER, "Initialize", ["some name", "some symbol"]))?;
    let minted = sandbox.submit(call(BANKER, "Mint", ["5000"]))?.endorsed;
    let output: Utxo = serde_json::from_slice(&minted.response.payload).expect("it is JSON");
    assert_eq!((output.key, output.amount), (format!("{}.0", minted.tx_id), 5000));
    let minted = serde_json::from_slice(&minted.response.payload).expect("it is JSON");
    Ok((sandbox, minted))
}

fn call<const N: usize>(org: &str, function: &str, args: [&str; N]) -> Call {
    Call::new("token_utxo", function).args(args).org(org)
}

/// Returns a call of `org` that splits an output between recipient and banker.
fn spend(sandbox: &Sandbox, org: &str, input: &Utxo, amounts: [i64; 2]) -> Result<Call> {
    let recipient = sandbox.evaluate(call(RECIPIENT, "ClientID", []))?.text();
    let [given, kept] = amounts;
    let outputs = serde_json::json!([
        { "utxo_key": "", "owner": recipient, "amount": given },
        { "utxo_key": "", "owner": input.owner, "amount": kept },
    ]);
    let inputs = serde_json::json!([input.key]);
    Ok(call(org, "Transfer", [&inputs.to_string(), &outputs.to_string()]))
}

/// Returns the amounts of a client's outputs.
fn amounts(sandbox: &Sandbox, org: &str) -> Result<Vec<i64>> {
    let answer = sandbox.evaluate(call(org, "ClientUTXOs", []))?;
    let outputs: Vec<Utxo> =
        serde_json::from_slice(&answer.response.payload).expect("it answers in JSON");
    Ok(outputs.iter().map(|output| output.amount).collect())
}

#[test]
fn a_transfer_spends_an_output_and_returns_the_change() -> Result<()> {
    let (sandbox, minted) = sandbox()?;
    let spent = sandbox.submit(spend(&sandbox, BANKER, &minted, [100, 4900])?)?.endorsed;
    assert_eq!(amounts(&sandbox, BANKER)?, [4900]);
    assert_eq!(amounts(&sandbox, RECIPIENT)?, [100]);
    let rwset = spent.rwset.expect("it was endorsed");
    let writes = &rwset.namespaces["token_utxo"].writes;
    let deleted = writes.iter().filter(|write| write.is_delete);
    let keys: Vec<&str> = deleted.map(|write| write.key.as_str()).collect();
    assert_eq!(keys, [format!("\0utxo\0{}\0{}\0", minted.owner, minted.key)]);
    assert_eq!(writes.len(), 3, "one output is spent, two are new");
    Ok(())
}

#[test]
fn of_two_transfers_of_an_output_in_a_block_the_second_is_not_valid() -> Result<()> {
    let (sandbox, minted) = sandbox()?;
    let one = sandbox.endorse(spend(&sandbox, BANKER, &minted, [100, 4900])?)?;
    let two = sandbox.endorse(spend(&sandbox, BANKER, &minted, [200, 4800])?)?;
    let committed = sandbox.commit(vec![one, two])?;
    let codes = [committed[0].code, committed[1].code];
    assert_eq!(codes, [TxValidationCode::Valid, TxValidationCode::MvccReadConflict]);
    assert_eq!(amounts(&sandbox, RECIPIENT)?, [100]);
    let late = sandbox.submit(spend(&sandbox, BANKER, &minted, [200, 4800])?).unwrap_err();
    let (key, client) = (&minted.key, &minted.owner);
    let words = format!("status 500: utxoInput {key} not found for client {client}");
    assert_eq!(late.to_string(), words);
    Ok(())
}

#[test]
fn inputs_and_outputs_have_the_same_sum() -> Result<()> {
    let (sandbox, minted) = sandbox()?;
    let more = sandbox.submit(spend(&sandbox, BANKER, &minted, [101, 4900])?).unwrap_err();
    let words = "total utxoInput amount 5000 does not equal total utxoOutput amount 5001";
    assert_eq!(more.to_string(), format!("status 500: {words}"));
    let negative = sandbox.submit(spend(&sandbox, BANKER, &minted, [5001, -1])?).unwrap_err();
    let words = "status 500: utxo output amount must be a positive integer";
    assert_eq!(negative.to_string(), words);
    assert_eq!(amounts(&sandbox, BANKER)?, [5000]);
    Ok(())
}

#[test]
fn only_its_owner_spends_an_output_and_only_the_banker_mints() -> Result<()> {
    let (sandbox, minted) = sandbox()?;
    let recipient = sandbox.evaluate(call(RECIPIENT, "ClientID", []))?.text();
    let thief = sandbox.submit(spend(&sandbox, RECIPIENT, &minted, [100, 4900])?).unwrap_err();
    let words = format!("utxoInput {} not found for client {recipient}", minted.key);
    assert_eq!(thief.to_string(), format!("status 500: {words}"));
    let other = sandbox.submit(call(RECIPIENT, "Mint", ["1"])).unwrap_err();
    let words = "status 500: client is not authorized to mint new tokens";
    assert_eq!(other.to_string(), words);
    Ok(())
}
