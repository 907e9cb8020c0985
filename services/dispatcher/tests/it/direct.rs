//! What workflows send by themselves, and what whoever waits for a delivery finds.

use serde_json::{Value, json};
use tributary_streams::Delivered;
use tributary_testkit::{Receiver, Request, eventually};

use crate::stage::{Running, SOON, destination};

const QUICK: &str =
    "  profiles: {quiet: 50ms, longest_wait: 10s}\n  retry: {attempts: 2, first: 50ms, longest: 100ms}\n";

async fn requests(receiver: &Receiver, count: usize) -> Vec<Request> {
    eventually(SOON, async || match receiver.requests() {
        requests if requests.len() >= count => Ok(requests),
        requests => Err(format!("{} requests", requests.len())),
    })
    .await
}

async fn mark(stage: &Running, profile: &str, name: &str) -> Delivered {
    eventually(SOON, async || {
        let marks = stage.delivered(profile).await;
        marks.get(name).copied().ok_or(format!("{marks:?}"))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_workflow_sends_is_sent_as_it_is_with_its_key_until_it_is_taken() {
    let receiver = Receiver::start().await.unwrap();
    receiver.script([503]);
    let stage = Running::start(&[destination("crm", &receiver, QUICK)]).await;
    stage.send("p", "crm", "e-1/welcome/greet", &json!({"text": "hello"}).to_string()).await;
    let sent = requests(&receiver, 2).await;
    let expected = json!({
        "type": "direct", "tenant": "t", "destination": "crm", "key": "e-1/welcome/greet",
        "profile_id": "p", "body": {"text": "hello"},
    });
    for request in &sent {
        assert_eq!(request.json, expected);
        assert_eq!(request.header("idempotency-key"), Some("t/e-1/welcome/greet"));
        assert_eq!(request.header("content-type"), Some("application/json"));
    }
    let taken = mark(&stage, "p", "e-1/welcome/greet").await;
    assert!(!taken.dead);
    assert_eq!(receiver.requests().len(), 2, "once it was taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_up_on_is_marked_as_that_and_its_dead_letter_keeps_what_was_to_be_sent() {
    let receiver = Receiver::start().await.unwrap();
    receiver.always(400);
    let stage = Running::start(&[destination("crm", &receiver, QUICK)]).await;
    stage.send("p", "crm", "e-1/w/n", &json!({"text": "hello"}).to_string()).await;
    stage.send("p", "crm", "e-1/w/broken", "no JSON").await;
    for key in ["e-1/w/n", "e-1/w/broken"] {
        assert!(mark(&stage, "p", key).await.dead);
    }
    let letters = stage.letters().await;
    let kept = |reason: &str| {
        let letter = letters.iter().find(|letter| letter.reason == reason).unwrap();
        assert_eq!((letter.subject.as_str(), letter.destination.as_str()), ("p", "crm"));
        letter.data.to_vec()
    };
    let rejected: Value = serde_json::from_slice(&kept("REJECTED")).unwrap();
    assert_eq!((&rejected["key"], &rejected["body"]["text"]), (&"e-1/w/n".into(), &"hello".into()));
    assert_eq!(kept("UNREADABLE"), b"no JSON");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivered_profile_is_marked_with_its_version_by_each_destination_whether_taken_or_given_up_on() {
    let (taking, refusing) = (Receiver::start().await.unwrap(), Receiver::start().await.unwrap());
    refusing.script([410]);
    let destinations = [destination("crm", &taking, QUICK), destination("mail", &refusing, QUICK)];
    let stage = Running::start(&destinations).await;
    let first = stage.publish("p", "Berlin").await;
    assert_eq!(mark(&stage, "p", "crm").await, Delivered { version: first, dead: false });
    assert_eq!(mark(&stage, "p", "mail").await, Delivered { version: first, dead: true });

    // Published twice, sent once: what it has already, the destination has.
    let second = stage.publish("p", "Rome").await;
    for name in ["crm", "mail"] {
        eventually(SOON, async || match mark(&stage, "p", name).await {
            mark if mark == (Delivered { version: second, dead: false }) => Ok(()),
            mark => Err(format!("{mark:?}")),
        })
        .await;
    }
    assert_eq!(taking.requests().len(), 2);
}
