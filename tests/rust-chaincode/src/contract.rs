//! The calls of the chaincode; `tests/chaincodes/probe` and `tests/chaincodes/transfer` are the
//! same as components.
//!
//! Invariant: a call makes exactly the ledger calls of its operation, in order.

use fabric_shim::{ChaincodeStub, Error, Response};
use serde::{Deserialize, Serialize};

/// A refusal: the text of a response with status 500.
type Refusal = String;

#[derive(Serialize, Deserialize)]
struct Account {
    owner: String,
    balance: u64,
}

/// Writes its arguments, joined by blanks, to the key `init`, if there are any; fails if the first
/// one is `fail`.
pub async fn init(stub: &ChaincodeStub) -> Response {
    let args = stub.get_string_args();
    if args.first().is_some_and(|first| first == "fail") {
        return Response::error("init failed");
    }
    if args.is_empty() {
        return Response::success_empty();
    }
    match stub.put_state("init", args.join(" ")).await {
        Ok(()) => Response::success_empty(),
        Err(error) => Response::error(words(error)),
    }
}

/// Runs the operation in the first argument.
pub async fn invoke(stub: &ChaincodeStub) -> Response {
    let (operation, args) = stub.get_function_and_args();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    if let ("status", [status, rest @ ..]) = (operation.as_str(), args.as_slice()) {
        let words = |index: usize| rest.get(index).copied().unwrap_or_default().to_owned();
        let status = status.parse().unwrap_or(500);
        return Response { status, message: words(0), payload: words(1).into_bytes() };
    }
    match run(stub, &operation, &args).await {
        Ok(payload) => Response::success(payload),
        Err(refusal) => Response::error(refusal),
    }
}

async fn run(stub: &ChaincodeStub, operation: &str, args: &[&str]) -> Result<Vec<u8>, Refusal> {
    match (operation, args) {
        ("noop", _) => {}
        ("put", [key, value]) => stub.put_state(key, *value).await.map_err(words)?,
        ("get", [key]) => return stub.get_state(key).await.map_err(words),
        ("del", [key]) => stub.del_state(key).await.map_err(words)?,
        ("mput", [prefix, count]) => {
            for index in 0..number(count)? {
                let key = format!("{prefix}{index:05}");
                stub.put_state(&key, index.to_string()).await.map_err(words)?;
            }
        }
        ("range", [start, end]) => return range(stub, start, end, None).await,
        ("range", [start, end, limit]) => {
            return range(stub, start, end, Some(number(limit)?)).await;
        }
        ("event", [name, payload]) => stub.set_event(name, *payload).map_err(words)?,
        ("cc2cc", [name, args @ ..]) => {
            let args = args.iter().map(|arg| arg.as_bytes().to_vec()).collect();
            let response = stub.invoke_chaincode(name, args, "").await.map_err(words)?;
            return if response.is_error() { Err(response.message) } else { Ok(response.payload) };
        }
        ("open", [owner, amount]) => {
            let account = Account { owner: (*owner).to_owned(), balance: balance(amount)? };
            store(stub, &account).await?;
        }
        ("transfer", [from, to, amount]) => transfer(stub, from, to, balance(amount)?).await?,
        _ => return Err(format!("no function {operation} with {} arguments", args.len())),
    }
    Ok(Vec::new())
}

async fn range(
    stub: &ChaincodeStub,
    start: &str,
    end: &str,
    limit: Option<usize>,
) -> Result<Vec<u8>, Refusal> {
    let mut rows = stub.get_state_by_range(start, end).await.map_err(words)?;
    let (mut text, mut count) = (String::new(), 0);
    while limit.is_none_or(|limit| count < limit) {
        let Some(row) = rows.next().await.map_err(words)? else { break };
        text.push_str(&format!("{}={}\n", row.key, String::from_utf8_lossy(&row.value)));
        count += 1;
    }
    rows.close().await.map_err(words)?;
    Ok(text.into_bytes())
}

async fn transfer(stub: &ChaincodeStub, from: &str, to: &str, amount: u64) -> Result<(), Refusal> {
    if from == to {
        return Err(format!("{from} cannot pay itself"));
    }
    let mut payer = load(stub, from).await?;
    let mut payee = load(stub, to).await?;
    payer.balance =
        payer.balance.checked_sub(amount).ok_or_else(|| format!("{from} has too little"))?;
    payee.balance =
        payee.balance.checked_add(amount).ok_or_else(|| format!("{to} has too much"))?;
    store(stub, &payer).await?;
    store(stub, &payee).await
}

async fn load(stub: &ChaincodeStub, name: &str) -> Result<Account, Refusal> {
    let record = stub.get_state(name).await.map_err(words)?;
    // The crate returns an empty value for a missing one.
    if record.is_empty() {
        return Err(format!("no account {name}"));
    }
    serde_json::from_slice(&record).map_err(|error| format!("account {name}: {error}"))
}

async fn store(stub: &ChaincodeStub, account: &Account) -> Result<(), Refusal> {
    let record = serde_json::to_vec(account).map_err(|error| error.to_string())?;
    stub.put_state(&account.owner, record).await.map_err(words)
}

fn balance(amount: &str) -> Result<u64, Refusal> {
    amount.parse().map_err(|error| format!("amount {amount}: {error}"))
}

fn number(text: &str) -> Result<usize, Refusal> {
    text.parse().map_err(|error| format!("{text}: {error}"))
}

/// Returns the peer's own text, without the crate's.
fn words(error: Error) -> Refusal {
    match error {
        Error::Peer(text) => text,
        other => other.to_string(),
    }
}
