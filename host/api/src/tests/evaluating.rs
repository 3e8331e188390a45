//! Queries that more than one organization can answer.

use super::*;
use crate::tests::fake::HERE;

fn says(message: String) -> Box<Says> {
    Box::new(move || {
        let response =
            protos::Response { status: 500, message: message.clone(), ..Default::default() };
        Ok(protos::ProposalResponse { response: Some(response), ..Default::default() })
    })
}

/// A failure that another peer may not have.
fn fails(text: &str) -> Box<Says> {
    says(format!("{HERE}{text}"))
}

fn answers() -> Box<Says> {
    Box::new(|| Ok(golden_response("ok")))
}

fn of(answer: Box<Says>, others: Vec<Box<Says>>) -> Fake {
    Fake { answer, others, ..Fake::default() }
}

/// Returns the organizations whose peers failed, with their reasons.
fn said(status: &Status) -> Vec<(String, String)> {
    details(status).into_iter().map(|detail| (detail.msp_id, detail.message)).collect()
}

fn named(orgs: &[&str]) -> gateway::EvaluateRequest {
    let target_organizations = orgs.iter().map(|org| (*org).to_owned()).collect();
    gateway::EvaluateRequest { target_organizations, ..evaluate_request() }
}

#[tokio::test]
async fn the_next_organization_evaluates_if_the_peer_of_one_fails() {
    let served = Served::start(of(fails("one"), vec![fails("two"), answers()])).await;
    let answer = served.gateway().evaluate(evaluate_request()).await.unwrap();
    assert_eq!(Receipt::read_all(answer.metadata())[0].msp_id, "Org3MSP");
    assert_eq!(answer.into_inner().result.unwrap().status, 200);
    let answer = served.gateway().evaluate(named(&["Org3MSP", "Org1MSP"])).await.unwrap();
    assert_eq!(Receipt::read_all(answer.metadata())[0].msp_id, "Org3MSP");

    let standings = [("Org2MSP", Standing::Elsewhere)].into();
    let peer = Fake { standings, ..of(fails("one"), vec![answers(), answers()]) };
    let served = Served::start(peer).await;
    let answer = served.gateway().evaluate(evaluate_request()).await.unwrap();
    assert_eq!(Receipt::read_all(answer.metadata())[0].msp_id, "Org3MSP");
}

#[tokio::test]
async fn if_all_fail_the_client_gets_the_reason_of_each() {
    let all = "failed to evaluate transaction, see attached details for more info";
    let reason = |org: &str, text: &str| (org.to_owned(), format!("{HERE}{text}"));
    let (one, two) = (reason("Org1MSP", "one"), reason("Org2MSP", "two"));
    let served = Served::start(of(fails("one"), vec![fails("two")])).await;
    let status = served.gateway().evaluate(evaluate_request()).await.unwrap_err();
    assert_eq!(shape(&status), (Code::Aborted, all));
    assert_eq!(said(&status), [one.clone(), two]);
    let status = served.gateway().evaluate(named(&["Org1MSP"])).await.unwrap_err();
    assert_eq!(said(&status), std::slice::from_ref(&one));

    let refuses: Box<Says> = Box::new(|| Err(Rejected::new("access denied")));
    let served = Served::start(of(fails("one"), vec![refuses, answers()])).await;
    let status = served.gateway().evaluate(evaluate_request()).await.unwrap_err();
    let text = "evaluate call to endorser returned error: access denied";
    assert_eq!(shape(&status), (Code::FailedPrecondition, text));
    assert_eq!(said(&status), [one, ("Org2MSP".to_owned(), "access denied".to_owned())]);
}

#[tokio::test]
async fn nobody_else_is_asked_for_what_every_peer_comes_to() {
    let served = Served::start(of(says("chaincode trapped".into()), vec![answers()])).await;
    let status = served.gateway().evaluate(evaluate_request()).await.unwrap_err();
    assert_eq!(status.code(), Code::Aborted);
    assert_eq!(said(&status), [("Org1MSP".to_owned(), "chaincode trapped".to_owned())]);
}

#[tokio::test]
async fn transient_data_stays_here_also_if_this_peer_fails() {
    let served = Served::start(of(fails("one"), vec![answers()])).await;
    let secret = || edited(|parts| drop(parts.payload.transient_map.insert("k".into(), vec![1])));
    let request =
        gateway::EvaluateRequest { proposed_transaction: Some(secret()), ..Default::default() };
    let status = served.gateway().evaluate(request).await.unwrap_err();
    assert_eq!(said(&status).len(), 1);
    let request = gateway::EvaluateRequest {
        proposed_transaction: Some(secret()),
        ..named(&["Org1MSP", "Org2MSP"])
    };
    served.gateway().evaluate(request).await.unwrap();
}
