use std::time::Duration;

use tributary_model::TraceContext;
use tributary_testkit::{Answer, Receiver, Request, eventually};

use crate::stage::{Running, SOON, city, destination, neighbour};

const QUICK: &str =
    "  profiles: {quiet: 100ms, longest_wait: 10s}\n  retry: {attempts: 5, first: 50ms, longest: 200ms}\n";

async fn requests(receiver: &Receiver, count: usize) -> Vec<Request> {
    eventually(SOON, async || match receiver.requests() {
        requests if requests.len() >= count => Ok(requests),
        requests => Err(format!("{} requests", requests.len())),
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_is_delivered_once_when_it_is_quiet_and_as_it_is_then() {
    let receiver = Receiver::start().await.unwrap();
    let quiet = "  profiles: {quiet: 700ms, longest_wait: 10s}\n";
    let stage = Running::start(&[destination("crm", &receiver, quiet)]).await;
    stage.publish("p", "Berlin").await;
    stage.publish("p", "Paris").await;
    let last = stage.publish("p", "Rome").await;
    let sent = requests(&receiver, 1).await;
    // A second profile's delivery would come after a repetition of the first one's.
    stage.publish("q", "Oslo").await;
    let all = requests(&receiver, 2).await;
    assert_eq!(all.iter().map(city).collect::<Vec<_>>(), ["Rome", "Oslo"]);

    let request = &sent[0];
    assert_eq!((request.method.as_str(), &request.json["type"]), ("POST", &"profile".into()));
    assert_eq!(request.json["destination"], "crm");
    assert_eq!(request.json["profile"]["id"], "p");
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("idempotency-key"), Some(format!("t/crm/p/{}", last.sortable()).as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_repeated_with_the_same_key_until_it_is_taken() {
    let receiver = Receiver::start().await.unwrap();
    receiver.script([503, 429, 302]);
    let stage = Running::start(&[destination("crm", &receiver, QUICK)]).await;
    stage.publish("p", "Berlin").await;
    let sent = requests(&receiver, 4).await;
    assert!(
        sent.iter().all(|request| request.header("idempotency-key") == sent[0].header("idempotency-key"))
    );
    assert_eq!(sent.iter().map(city).collect::<Vec<_>>(), ["Berlin"; 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_comes_during_a_delivery_is_delivered_after_it() {
    let receiver = Receiver::start().await.unwrap();
    receiver.script([Answer { delay: Duration::from_secs(3), ..Answer::from(200) }]);
    let stage = Running::start(&[destination("crm", &receiver, QUICK)]).await;
    stage.publish("p", "Berlin").await;
    requests(&receiver, 1).await;
    stage.publish("p", "Paris").await;
    // Due after it, and yet before it, because nothing of its own is under way.
    stage.publish(&neighbour("p"), "Oslo").await;
    let sent = requests(&receiver, 3).await;
    assert_eq!(sent.iter().map(city).collect::<Vec<_>>(), ["Berlin", "Oslo", "Paris"]);
    assert_ne!(sent[0].header("idempotency-key"), sent[2].header("idempotency-key"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_hangs_holds_up_no_other() {
    let (hanging, well) = (Receiver::start().await.unwrap(), Receiver::start().await.unwrap());
    hanging.always(Answer { delay: Duration::from_secs(3600), ..Answer::from(200) });
    let one = format!("{QUICK}  concurrency: 1\n");
    let stage =
        Running::start(&[destination("hanging", &hanging, &one), destination("well", &well, &one)]).await;
    for number in 0..30 {
        stage.publish(&format!("p{number}"), "Berlin").await;
    }
    requests(&well, 30).await;
    assert!(hanging.requests().len() < 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_delivered_before_a_restart_is_delivered_after_it() {
    let receiver = Receiver::start().await.unwrap();
    let quiet = "  profiles: {quiet: 1s, longest_wait: 10s}\n";
    let mut stage = Running::start(&[destination("crm", &receiver, quiet)]).await;
    stage.publish("p", "Berlin").await;
    stage.restart().await;
    assert_eq!(city(&requests(&receiver, 1).await[0]), "Berlin");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_carries_on_the_trace_of_the_newest_version() {
    let receiver = Receiver::start().await.unwrap();
    let stage = Running::start(&[destination("crm", &receiver, QUICK)]).await;
    let trace = TraceContext {
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into(),
        tracestate: "vendor=1".into(),
    };
    stage.publish_traced("p", "Berlin", trace.clone()).await;
    let sent = requests(&receiver, 1).await;
    // Without telemetry in this process the entry's own context travels on.
    assert_eq!(sent[0].header("traceparent"), Some(trace.traceparent.as_str()));
    assert_eq!(sent[0].header("tracestate"), Some("vendor=1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_being_away_is_no_failure_of_the_destination() {
    let receiver = Receiver::start().await.unwrap();
    let one_attempt = "  profiles: {quiet: 50ms, longest_wait: 10s}\n  retry: {attempts: 1}\n";
    let stage = Running::start(&[destination("crm", &receiver, one_attempt)]).await;
    // Published, but not in Redis: it would have to be read from Postgres.
    let version = stage.next_version();
    stage.announce("cold", version, TraceContext::default()).await;
    stage.publish("hot", "Oslo").await;
    assert_eq!(city(&requests(&receiver, 1).await[0]), "Oslo");
    stage.fold("cold", "Berlin", stage.next_version()).await;
    assert_eq!(city(&requests(&receiver, 2).await[1]), "Berlin");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_delivers_nothing_until_something_happens_and_then_the_whole_profile() {
    let receiver = Receiver::start().await.unwrap();
    let stage = Running::start(&[destination("crm", &receiver, QUICK)]).await;
    let version = stage.next_version();
    stage.fold("p", "Berlin", version).await;
    stage.announce_import("p", version).await;
    // What comes behind it in its partition is delivered, and it is not.
    stage.publish(&neighbour("p"), "Oslo").await;
    assert_eq!(requests(&receiver, 1).await.iter().map(city).collect::<Vec<_>>(), ["Oslo"]);
    stage.publish("p", "Paris").await;
    stage.publish(&neighbour("p"), "Bergen").await;
    let all = requests(&receiver, 3).await;
    let mut cities: Vec<_> = all.iter().map(city).collect();
    cities.sort_unstable();
    assert_eq!(cities, ["Bergen", "Oslo", "Paris"], "nothing of the import came late");
}
