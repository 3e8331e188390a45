//! Commercial paper: a company borrows money by issuing a paper, others trade it, and at maturity
//! the issuer redeems it.
//!
//! Names, JSON and messages are those of the JavaScript contract of `commercial-paper` in
//! fabric-samples.
//!
//! Invariant: a paper is stored under its issuer and number, and has one owner.

mod paper;

use paper::{LIST, PENDING, REDEEMED, TRADING, key};
use serde::{Deserialize, Serialize};
use wasmcc_sdk::{Context, DataType, Error, Result, StateIterator, contract};

pub use paper::{CommercialPaper, PaperHistory};

/// A paper that a query found.
#[derive(Clone, Debug, PartialEq, DataType, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Found {
    /// Its key on the ledger.
    pub key: String,
    /// The paper, or its requested fields.
    pub record: serde_json::Value,
}

/// The contract.
pub struct PaperContract;

#[contract(name = "org.papernet.commercialpaper", version = "1.0.0")]
impl PaperContract {
    /// Does nothing: no setup is needed.
    #[transaction(name = "instantiate")]
    fn instantiate(&self, _ctx: &Context) -> Result<()> {
        Ok(())
    }

    /// Issues a paper of the client's organization.
    #[transaction(name = "issue")]
    fn issue(
        &self,
        ctx: &Context,
        issuer: String,
        paper_number: String,
        issue_date_time: String,
        maturity_date_time: String,
        face_value: i64,
    ) -> Result<CommercialPaper> {
        let mspid = ctx.client_identity()?.msp_id().to_owned();
        let paper = CommercialPaper::new(issuer, paper_number, &mspid);
        CommercialPaper { issue_date_time, maturity_date_time, face_value, ..paper }.write(ctx)
    }

    /// Buys a paper from its current owner for the client's organization. The transaction contains
    /// price and time, the paper does not.
    #[transaction(name = "buy")]
    #[expect(clippy::too_many_arguments, reason = "applications pass these arguments")]
    fn buy(
        &self,
        ctx: &Context,
        issuer: &str,
        paper_number: &str,
        current_owner: &str,
        new_owner: String,
        _price: &str,
        _purchase_date_time: &str,
    ) -> Result<CommercialPaper> {
        let mut paper = CommercialPaper::read(ctx, issuer, paper_number)?;
        if paper.owner != current_owner {
            return Err(paper.refused(&format!(" is not owned by {current_owner}")));
        }
        if matches!(paper.current_state, PENDING | REDEEMED) {
            let state = paper.current_state;
            return Err(paper.refused(&format!(" is not trading. Current state = {state}")));
        }
        paper.current_state = TRADING;
        paper.owner = new_owner;
        paper.mspid = ctx.client_identity()?.msp_id().to_owned();
        paper.write(ctx)
    }

    /// Requests to buy a paper: unlike with `buy`, its owner's organization then transfers it.
    #[transaction(name = "buy_request")]
    #[expect(clippy::too_many_arguments, reason = "applications pass these arguments")]
    fn buy_request(
        &self,
        ctx: &Context,
        issuer: &str,
        paper_number: &str,
        current_owner: &str,
        _new_owner: &str,
        _price: &str,
        _purchase_date_time: &str,
    ) -> Result<CommercialPaper> {
        let mut paper = CommercialPaper::read(ctx, issuer, paper_number)?;
        if paper.owner != current_owner {
            // The misspelling is fabric-samples' own.
            let why = format!(" is not owned by {current_owner} provided as a paraneter");
            return Err(paper.refused(&why));
        }
        paper.current_state = PENDING;
        paper.write(ctx)
    }

    /// Transfers a paper with a request to buy. Only for clients of its owner's organization.
    #[transaction(name = "transfer")]
    fn transfer(
        &self,
        ctx: &Context,
        issuer: &str,
        paper_number: &str,
        new_owner: String,
        new_owner_msp: String,
        confirm_date_time: String,
    ) -> Result<CommercialPaper> {
        let mut paper = CommercialPaper::read(ctx, issuer, paper_number)?;
        if paper.mspid != ctx.client_identity()?.msp_id() {
            return Err(paper.refused(
                " is not owned by the current invoking Organisation, and not authorised to \
                 transfer",
            ));
        }
        if paper.current_state != PENDING {
            return Err(paper.refused(
                " is not currently in state: PENDING for transfer to occur: \n must run \
                 buy_request transaction first",
            ));
        }
        paper.owner = new_owner;
        paper.mspid = new_owner_msp;
        paper.current_state = TRADING;
        paper.confirm_date_time = Some(confirm_date_time);
        paper.write(ctx)
    }

    /// Returns a paper to its issuer. Only for clients of its owner's organization.
    #[transaction(name = "redeem")]
    fn redeem(
        &self,
        ctx: &Context,
        issuer: &str,
        paper_number: &str,
        redeeming_owner: &str,
        issuing_owner_msp: String,
        redeem_date_time: String,
    ) -> Result<CommercialPaper> {
        let mut paper = CommercialPaper::read(ctx, issuer, paper_number)?;
        if paper.current_state == REDEEMED {
            return Err(paper.refused(" has already been redeemed"));
        }
        let client = ctx.client_identity()?;
        let client = client.msp_id();
        if paper.mspid != client {
            return Err(paper.refused(&format!(
                " cannot be redeemed by {client}, as it is not the authorised owning Organisation"
            )));
        }
        if paper.owner != redeeming_owner {
            return Err(Error::internal(format!(
                "\nRedeeming owner: {redeeming_owner} organisation does not currently own paper: \
                 {issuer}{paper_number}"
            )));
        }
        paper.owner.clone_from(&paper.issuer);
        paper.mspid = issuing_owner_msp;
        paper.current_state = REDEEMED;
        paper.redeem_date_time = Some(redeem_date_time);
        paper.write(ctx)
    }

    /// Returns all states of a paper, newest first.
    #[transaction(evaluate, name = "queryHistory")]
    fn query_history(
        &self,
        ctx: &Context,
        issuer: &str,
        paper_number: &str,
    ) -> Result<Vec<PaperHistory>> {
        let changes = ctx.get_history_for_key(&key(ctx, issuer, paper_number)?)?;
        changes.map(|change| PaperHistory::of(change?)).collect()
    }

    /// Returns the papers of an owner. Needs a state database with rich queries.
    #[transaction(evaluate, name = "queryOwner")]
    fn query_owner(&self, ctx: &Context, owner: &str) -> Result<Vec<Found>> {
        let query = serde_json::json!({ "selector": { "owner": owner } });
        found(ctx.get_query_result(&query.to_string())?)
    }

    /// Returns the papers of an issuer.
    #[transaction(evaluate, name = "queryPartial")]
    fn query_partial(&self, ctx: &Context, prefix: &str) -> Result<Vec<Found>> {
        found(ctx.get_state_by_partial_composite_key(LIST, &[prefix])?)
    }

    /// Returns the papers that match a CouchDB query. Needs a state database with rich queries.
    #[transaction(evaluate, name = "queryAdhoc")]
    fn query_adhoc(&self, ctx: &Context, query_string: &str) -> Result<Vec<Found>> {
        found(ctx.get_query_result(query_string)?)
    }

    /// Returns the papers that match a named query: `redeemed`, `trading`, or `value` (more than
    /// 4,000,000). Needs a state database with rich queries.
    #[transaction(evaluate, name = "queryNamed")]
    fn query_named(&self, ctx: &Context, queryname: &str) -> Result<Vec<Found>> {
        let query = match queryname {
            "redeemed" => r#"{"selector":{"currentState":4}}"#,
            "trading" => r#"{"selector":{"currentState":3}}"#,
            "value" => r#"{"selector":{"faceValue":{"$gt":4000000}}}"#,
            unknown => {
                return Err(Error::internal(format!(
                    "invalid named query supplied: {unknown}- please try again "
                )));
            }
        };
        found(ctx.get_query_result(query)?)
    }
}

fn found(rows: StateIterator) -> Result<Vec<Found>> {
    rows.map(|row| {
        let row = row?;
        Ok(Found { record: row.json()?, key: row.key })
    })
    .collect()
}

wasmcc_sdk::chaincode!(PaperContract);

#[cfg(test)]
mod tests {
    use super::*;
    use wasmcc_sdk::args;
    use wasmcc_sdk::testing::{Answer, MockLedger};

    /// Returns a ledger with a paper. MagnetoCorp is in Org2MSP and issues, DigiBank is in Org1MSP
    /// and buys.
    fn issued() -> MockLedger {
        let mut ledger = MockLedger::new(vec![&PaperContract]);
        let args = args!["MagnetoCorp", "00001", "2020-05-31", "2020-11-30", 5_000_000];
        as_org(&mut ledger, "Org2MSP", "issue", args).unwrap();
        ledger
    }

    fn as_org(
        ledger: &mut MockLedger,
        org: &str,
        function: &str,
        args: Vec<Vec<u8>>,
    ) -> Result<Answer> {
        ledger.as_client(org, "user", &[]).submit(function, args)
    }

    fn buy(ledger: &mut MockLedger, function: &str, from: &str) -> Result<Answer> {
        let args = args!["MagnetoCorp", "00001", from, "DigiBank", "4900000", "2020-05-31"];
        as_org(ledger, "Org1MSP", function, args)
    }

    fn redeem(ledger: &mut MockLedger, org: &str, owner: &str) -> Result<Answer> {
        let args = args!["MagnetoCorp", "00001", owner, "Org2MSP", "2020-11-30"];
        as_org(ledger, org, "redeem", args)
    }

    fn transfer(ledger: &mut MockLedger, org: &str) -> Result<Answer> {
        let args = args!["MagnetoCorp", "00001", "DigiBank", "Org1MSP", "2020-06-01"];
        as_org(ledger, org, "transfer", args)
    }

    #[test]
    fn a_paper_is_issued_bought_and_redeemed() {
        let mut ledger = issued();
        let json = concat!(
            r#"{"class":"org.papernet.commercialpaper","currentState":1,"issuer":"MagnetoCorp","#,
            r#""paperNumber":"00001","issueDateTime":"2020-05-31","#,
            r#""maturityDateTime":"2020-11-30","faceValue":5000000,"mspid":"Org2MSP","#,
            r#""owner":"MagnetoCorp"}"#
        );
        let key = "\0org.papernet.paper\0MagnetoCorp\x0000001\0";
        assert_eq!(ledger.get_state(key), Some(json.as_bytes()));
        let bought: CommercialPaper = buy(&mut ledger, "buy", "MagnetoCorp").unwrap().json();
        assert_eq!((bought.owner.as_str(), bought.mspid.as_str()), ("DigiBank", "Org1MSP"));
        let redeemed = redeem(&mut ledger, "Org1MSP", "DigiBank").unwrap().text();
        let expected =
            json.replace(":1,", ":4,").replace('}', r#","redeemDateTime":"2020-11-30"}"#);
        assert_eq!(redeemed, expected);
        let again = redeem(&mut ledger, "Org2MSP", "MagnetoCorp").unwrap_err();
        assert_eq!(again.message(), "\nPaper MagnetoCorp00001 has already been redeemed");
        let late = buy(&mut ledger, "buy", "MagnetoCorp").unwrap_err();
        let expected = "\nPaper MagnetoCorp00001 is not trading. Current state = 4";
        assert_eq!(late.message(), expected);
    }

    #[test]
    fn a_requested_paper_is_transferred_by_its_owner() {
        let mut ledger = issued();
        let early = transfer(&mut ledger, "Org2MSP").unwrap_err();
        let expected = "\nPaper MagnetoCorp00001 is not currently in state: PENDING for transfer \
                        to occur: \n must run buy_request transaction first";
        assert_eq!(early.message(), expected);
        buy(&mut ledger, "buy_request", "MagnetoCorp").unwrap();
        let thief = transfer(&mut ledger, "Org1MSP").unwrap_err();
        let expected = "\nPaper MagnetoCorp00001 is not owned by the current invoking \
                        Organisation, and not authorised to transfer";
        assert_eq!(thief.message(), expected);
        let transferred = transfer(&mut ledger, "Org2MSP").unwrap();
        let transferred: CommercialPaper = transferred.json();
        assert_eq!((transferred.current_state, transferred.mspid.as_str()), (3, "Org1MSP"));
        assert_eq!(transferred.confirm_date_time.as_deref(), Some("2020-06-01"));
    }

    #[test]
    fn who_does_not_own_a_paper_neither_sells_nor_redeems_it() {
        let mut ledger = issued();
        for (function, expected) in [
            ("buy", "\nPaper MagnetoCorp00001 is not owned by Nobody"),
            (
                "buy_request",
                "\nPaper MagnetoCorp00001 is not owned by Nobody provided as a paraneter",
            ),
        ] {
            let refused = buy(&mut ledger, function, "Nobody").unwrap_err();
            assert_eq!(refused.message(), expected);
        }
        let refused = redeem(&mut ledger, "Org1MSP", "MagnetoCorp").unwrap_err();
        let expected = "\nPaper MagnetoCorp00001 cannot be redeemed by Org1MSP, as it is not the \
                        authorised owning Organisation";
        assert_eq!(refused.message(), expected);
        let refused = redeem(&mut ledger, "Org2MSP", "DigiBank").unwrap_err();
        let expected = "\nRedeeming owner: DigiBank organisation does not currently own paper: \
                        MagnetoCorp00001";
        assert_eq!(refused.message(), expected);
        let none = as_org(&mut ledger, "Org1MSP", "redeem", args!["M", "2", "D", "O", "t"]);
        assert_eq!(none.unwrap_err().message(), "\nPaper M2 does not exist");
    }

    #[test]
    fn the_history_has_states_in_words_and_the_list_has_keys() {
        let mut ledger = issued();
        buy(&mut ledger, "buy", "MagnetoCorp").unwrap();
        let args = args!["MagnetoCorp", "00001"];
        let history: Vec<PaperHistory> = ledger.evaluate("queryHistory", args).unwrap().json();
        let states: Vec<&str> =
            history.iter().filter_map(|past| past.value["currentState"].as_str()).collect();
        assert_eq!(states, ["TRADING", "ISSUED"]);
        assert_eq!(history[1].timestamp, "2025-01-01T00:00:00.000Z");
        let found: Vec<Found> =
            ledger.evaluate("queryPartial", args!["MagnetoCorp"]).unwrap().json();
        assert_eq!(found[0].key, "\0org.papernet.paper\0MagnetoCorp\x0000001\0");
        assert_eq!(found[0].record["currentState"], 3);
        let unknown = ledger.evaluate("queryNamed", args!["pending"]).unwrap_err();
        let expected = "invalid named query supplied: pending- please try again ";
        assert_eq!(unknown.message(), expected);
        ledger.submit("org.papernet.commercialpaper:instantiate", args![]).unwrap();
    }
}
