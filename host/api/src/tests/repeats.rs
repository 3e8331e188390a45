//! Organizations that a client names more than once.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

#[tokio::test]
async fn an_organization_endorses_once_however_often_it_is_named() {
    let asked: [_; 2] = std::array::from_fn(|_| Arc::new(AtomicUsize::new(0)));
    let [first, second] = asked.clone().map(|count| -> Box<Says> {
        Box::new(move || {
            count.fetch_add(1, Ordering::Relaxed);
            Ok(golden_response("ok"))
        })
    });
    let served =
        Served::start(Fake { answer: first, others: vec![second], ..Fake::default() }).await;
    let mut request = endorse_request();
    let names = ["Org2MSP", "Org1MSP", "Org2MSP"].repeat(10_000);
    request.endorsing_organizations = names.into_iter().map(str::to_owned).collect();
    let endorsed = served.gateway().endorse(request).await.unwrap();
    assert_eq!(asked.map(|count| count.load(Ordering::Relaxed)), [1, 1]);
    assert_eq!(Receipt::read_all(endorsed.metadata()).len(), 2);

    let mut request = endorse_request();
    request.endorsing_organizations = vec!["Org9MSP".to_owned(); 3];
    let status = served.gateway().endorse(request).await.unwrap_err();
    let text = "failed to find any endorsing peers for org(s): Org9MSP";
    assert_eq!(shape(&status), (Code::Unavailable, text));
}
