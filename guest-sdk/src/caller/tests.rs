//! Tests of typed clients: for a contract in the same crate, and for one that a trait describes.

use serde::{Deserialize, Serialize};

use crate::testing::MockLedger;
use crate::{Context, DataType, Error, Result};
use wasmcc_sdk_macros::{client, contract};

#[derive(Clone, Debug, PartialEq, DataType, Serialize, Deserialize)]
struct Asset {
    id: String,
    tags: Vec<String>,
    price: Option<u64>,
}

struct Assets;

#[contract(client)]
impl Assets {
    /// Writes an asset.
    #[transaction]
    fn create(&self, ctx: &Context, asset: &Asset, note: Option<String>) -> Result<bool> {
        ctx.put(&asset.id, asset)?;
        Ok(note.is_some())
    }

    #[transaction(evaluate, name = "find")]
    fn read(&self, ctx: &Context, id: &str) -> Result<Asset> {
        ctx.get(id)?.ok_or_else(|| Error::not_found(format!("no asset {id}")))
    }

    #[transaction(evaluate)]
    fn join(&self, _ctx: &Context, parts: &[String], bytes: &[u8], sign: i32) -> Result<String> {
        Ok(format!("{}{}{sign}", parts.join(""), bytes.len()))
    }

    #[transaction]
    fn peek(&self, ctx: &Context, id: String) -> Result<()> {
        ctx.put_state(&format!("seen {id}"), b"1")
    }
}

/// The same contract, as another chaincode sees it.
#[client(contract = "Assets")]
trait Remote {
    #[transaction(evaluate, name = "find")]
    fn look_up(&self, id: String) -> Result<Asset>;
    #[transaction(evaluate, name = "find")]
    fn mistaken(&self, id: &str) -> Result<u64>;
    fn missing(&self) -> Result<()>;
}

struct Shop;

#[contract(client = "Customer")]
impl Shop {
    #[transaction(evaluate)]
    fn price(&self, ctx: &Context, id: &str) -> Result<u64> {
        let mut assets = RemoteClient::new(ctx.chaincode("assets"));
        assets.look_up(id.to_owned())?.price.ok_or_else(|| Error::not_found("not for sale"))
    }

    #[transaction(evaluate)]
    fn try_all(&self, ctx: &Context) -> Result<Vec<String>> {
        let errors = [
            RemoteClient::new(ctx.chaincode("assets")).mistaken("a1").unwrap_err(),
            RemoteClient::new(ctx.chaincode("assets")).missing().unwrap_err(),
            RemoteClient::new(ctx.chaincode("nowhere")).missing().unwrap_err(),
            RemoteClient::new(ctx.chaincode("assets").on_channel("far")).missing().unwrap_err(),
        ];
        Ok(errors.iter().map(|error| error.message().to_owned()).collect())
    }
}

fn asset() -> Asset {
    Asset { id: "a1".into(), tags: vec!["x".into()], price: Some(7) }
}

#[test]
fn a_client_calls_each_transaction_with_what_its_parameters_become() {
    let mut ledger = MockLedger::new(vec![&Assets]);
    let mut assets = AssetsClient::new(&mut ledger);
    assert_eq!(assets.create(&asset(), None), Ok(false));
    assert_eq!(assets.create(&asset(), Some("new".into())), Ok(true));
    assert_eq!(assets.read("a1"), Ok(asset()));
    assert_eq!(assets.read("a2").unwrap_err(), Error::not_found("no asset a2"));
    assert_eq!(assets.join(&["a".into(), "b".into()], b"123", -4).unwrap(), "ab3-4");
    assert_eq!(assets.peek("a1".into()), Ok(()));
    assert_eq!(ledger.get_state("seen a1"), Some(b"1".as_slice()));
}

#[test]
fn a_chaincode_calls_another_one_by_a_client() {
    let mut ledger = MockLedger::new(vec![&Shop]);
    ledger.install("assets", crate::Contracts::new(vec![&Assets]));
    let create = crate::args![asset()];
    ledger.submit_to("assets", "Create", create).unwrap();
    let mut customer = Customer::new(&mut ledger);
    assert_eq!(customer.price("a1"), Ok(7));
    assert_eq!(customer.price("a2").unwrap_err().message(), "no asset a2");
    let errors = customer.try_all().unwrap();
    assert!(errors[0].starts_with("the payload of Assets:Find: "), "{errors:?}");
    assert_eq!(errors[1], "Function Missing not found in contract Assets");
    assert!(errors[2].ends_with("chaincode nowhere not found"), "{errors:?}");
    assert!(errors[3].ends_with("channel [far]"), "{errors:?}");
}
