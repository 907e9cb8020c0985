use tonic::{Code, Request};
use tributary_proto::v1::{
    DeadLetter, ListDeadLettersRequest, dispatch_service_client::DispatchServiceClient,
};
use tributary_runtime::reason_of;
use tributary_testkit::{Receiver, eventually};

use crate::stage::{Running, SOON, destination};

const QUICK: &str =
    "  profiles: {quiet: 50ms, longest_wait: 10s}\n  retry: {attempts: 3, first: 20ms, longest: 50ms}\n";

fn page(page_size: u32, page_token: &str) -> Request<ListDeadLettersRequest> {
    Request::new(ListDeadLettersRequest { page_size, page_token: page_token.to_owned() })
}

async fn letters(stage: &Running, count: usize) -> Vec<DeadLetter> {
    eventually(SOON, async || {
        let answer =
            stage.client().list_dead_letters(page(0, "")).await.map_err(|status| status.to_string())?;
        let letters = answer.into_inner().dead_letters;
        if letters.len() >= count { Ok(letters) } else { Err(format!("{} dead letters", letters.len())) }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_that_never_succeeds_is_a_dead_letter_after_its_attempts() {
    let receiver = Receiver::start().await.unwrap();
    receiver.always(500);
    let stage = Running::start(&[destination("crm", &receiver, QUICK)]).await;
    stage.publish("p", "Berlin").await;
    let letters = letters(&stage, 1).await;
    assert_eq!(receiver.requests().len(), 3);
    let letter = &letters[0];
    assert_eq!((letter.stage.as_str(), letter.kind.as_str()), ("dispatcher", "delivery"));
    assert_eq!((letter.subject.as_str(), letter.destination.as_str()), ("p", "crm"));
    assert_eq!((letter.reason.as_str(), letter.attempts), ("ATTEMPTS_EXHAUSTED", 3));
    assert!(letter.message.contains("500") && letter.time.is_some());
    let others = stage.stranger().list_dead_letters(page(0, "")).await.unwrap().into_inner();
    assert!(others.dead_letters.is_empty(), "another tenant's letters are nobody's business");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_delivery_is_a_dead_letter_at_once_and_the_next_version_has_all_its_attempts() {
    let receiver = Receiver::start().await.unwrap();
    receiver.script([422]);
    let stage = Running::start(&[destination("crm", &receiver, QUICK)]).await;
    stage.publish("p", "Berlin").await;
    let letters = letters(&stage, 1).await;
    assert_eq!(receiver.requests().len(), 1);
    assert_eq!((letters[0].reason.as_str(), letters[0].attempts), ("REJECTED", 1));
    receiver.script([500, 500]);
    stage.publish("p", "Paris").await;
    let requests = eventually(SOON, async || match receiver.requests() {
        requests if requests.len() == 4 => Ok(requests),
        requests => Err(format!("{} requests", requests.len())),
    })
    .await;
    assert_eq!(crate::stage::city(&requests[3]), "Paris");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_listening_is_a_failure_like_any_other() {
    let receiver = Receiver::start().await.unwrap();
    let document = destination("crm", &receiver, QUICK);
    drop(receiver);
    let stage = Running::start(&[document]).await;
    stage.publish("p", "Berlin").await;
    assert_eq!(letters(&stage, 1).await[0].reason, "ATTEMPTS_EXHAUSTED");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_go_through_all_partitions_without_a_gap_or_a_repetition() {
    let receiver = Receiver::start().await.unwrap();
    receiver.always(400);
    let stage = Running::start(&[destination("crm", &receiver, QUICK)]).await;
    for number in 0..40 {
        stage.publish(&format!("p{number}"), "Berlin").await;
    }
    let all = letters(&stage, 40).await;
    let (mut paged, mut token) = (Vec::new(), String::new());
    loop {
        let answer = stage.client().list_dead_letters(page(7, &token)).await.unwrap().into_inner();
        assert!(answer.dead_letters.len() <= 7);
        paged.extend(answer.dead_letters);
        token = answer.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(paged, all);
    let position = |letter: &DeadLetter| {
        letter.id.split_once(':').unwrap().1.parse::<tributary_model::StreamId>().unwrap()
    };
    assert!(all.windows(2).all(|two| position(&two[0]) <= position(&two[1])), "oldest first");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_without_a_key_or_with_a_wrong_page_are_refused() {
    let stage = Running::start(&[]).await;
    let refused = async |request| {
        let status = stage.client().list_dead_letters(request).await.unwrap_err();
        (status.code(), reason_of(&status).unwrap_or_default())
    };
    assert_eq!(refused(page(1001, "")).await, (Code::InvalidArgument, "PAGE_SIZE_INVALID".into()));
    assert_eq!(refused(page(0, "nonsense")).await, (Code::InvalidArgument, "PAGE_TOKEN_INVALID".into()));
    let mut anonymous = DispatchServiceClient::new(stage.channel());
    let status = anonymous.list_dead_letters(page(0, "")).await.unwrap_err();
    assert_eq!(reason_of(&status).as_deref(), Some("CREDENTIAL_MISSING"));
}
