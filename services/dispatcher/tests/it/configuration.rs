//! Destinations follow the configuration while the stage runs.

use std::time::Duration;

use tributary_testkit::{Answer, Receiver, Request, eventually};

use crate::stage::{Running, SOON, city, destination};

const QUICK: &str =
    "  profiles: {quiet: 50ms, longest_wait: 10s}\n  retry: {attempts: 100, first: 50ms, longest: 100ms}\n";

const TWICE: &str =
    "  profiles: {quiet: 50ms, longest_wait: 10s}\n  retry: {attempts: 2, first: 50ms, longest: 100ms}\n";
const LATER: &str = "  profiles: {quiet: 500ms, longest_wait: 10s}\n";

async fn first(receiver: &Receiver) -> Request {
    eventually(SOON, async || receiver.requests().into_iter().next().ok_or_else(|| "no request yet".into()))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_destination_begins_and_a_removed_one_ends() {
    let (old, new) = (Receiver::start().await.unwrap(), Receiver::start().await.unwrap());
    let stage = Running::start(&[destination("old", &old, QUICK)]).await;
    stage.publish("p", "Berlin").await;
    first(&old).await;
    stage.configure(2, &[destination("new", &new, QUICK)]).await;
    stage.reports(2, "").await;
    stage.publish("p", "Paris").await;
    assert_eq!(city(&first(&new).await), "Paris");
    assert_eq!(old.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_destination_applies_to_the_next_attempt() {
    let (wrong, right) = (Receiver::start().await.unwrap(), Receiver::start().await.unwrap());
    wrong.always(503);
    let stage = Running::start(&[destination("crm", &wrong, QUICK)]).await;
    stage.publish("p", "Berlin").await;
    let failed = first(&wrong).await;
    stage.configure(2, &[destination("crm", &right, QUICK)]).await;
    let taken = first(&right).await;
    assert_eq!(city(&taken), "Berlin");
    assert_eq!(taken.header("idempotency-key"), failed.header("idempotency-key"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_counts_under_the_next_revision_too() {
    let (hanging, well) = (Receiver::start().await.unwrap(), Receiver::start().await.unwrap());
    hanging.always(Answer { delay: Duration::from_secs(3600), ..Answer::from(200) });
    let one = format!("{QUICK}  concurrency: 1\n");
    let stage = Running::start(&[destination("hanging", &hanging, &one)]).await;
    stage.publish("p", "Berlin").await;
    first(&hanging).await;
    stage.configure(2, &[destination("hanging", &hanging, &one), destination("well", &well, &one)]).await;
    stage.reports(2, "").await;
    stage.publish("q", "Oslo").await;
    assert_eq!(city(&first(&well).await), "Oslo");
    assert_eq!(hanging.requests().len(), 1, "its only permit is still out");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_without_its_secret_waits_is_named_and_hinders_no_other() {
    let (crm, mail) = (Receiver::start().await.unwrap(), Receiver::start().await.unwrap());
    // The second attempt is the last: had the wait counted as one there would be none left.
    crm.script([503]);
    let secret = format!(
        "---\nkind: Destination\nname: crm\ntenant: t\nspec:\n  webhook: {{url: '{}', \
         headers: {{x: {{env: NOBODY_SETS_THIS}}}}}}\n{TWICE}",
        crm.url()
    );
    let stage = Running::start(&[secret, destination("mail", &mail, LATER)]).await;
    stage.reports(1, "t: Destination crm: environment variable NOBODY_SETS_THIS is not set").await;
    stage.publish("p", "Berlin").await;
    assert_eq!(city(&first(&mail).await), "Berlin");
    // Its own timer came up before that one.
    assert_eq!(crm.requests().len(), 0);
    stage.configure(2, &[destination("crm", &crm, TWICE), destination("mail", &mail, LATER)]).await;
    let taken = eventually(SOON, async || match crm.requests().as_slice() {
        [_, second] => Ok(second.clone()),
        others => Err(format!("{} requests", others.len())),
    });
    assert_eq!(city(&taken.await), "Berlin");
    stage.reports(2, "").await;
}
