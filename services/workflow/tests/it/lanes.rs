//! What waits keeps out nobody who does not: of lanes, tenants, timers, and of the next owner.

use std::time::Duration;

use serde_json::json;
use tributary_model::TenantId;
use tributary_streams::{Ending, Progress};
use tributary_testkit::{Answer, Receiver, eventually};
use tributary_workflow::{CallSettings, Settings};

use crate::stage::{Event, NO_DATABASE, Running, SOON, event, neighbour, neighbours, partition, workflow};

/// More than one read brings: of those, all begin.
const MANY: usize = 70;

fn few(lanes: usize, waiting: usize) -> Settings {
    let calls = CallSettings { concurrency: 1000, ..CallSettings::default() };
    Settings { lanes, waiting, calls, ..Settings::default() }
}

fn ask(receiver: &Receiver, name: &str, to: &str) -> String {
    let url = receiver.url();
    format!("{{name: {name}, http: {{url: '{url}{name}', timeout: 25s, retries: 0}}, to: {{done: {to}}}}}")
}

async fn asked(receiver: &Receiver, times: usize) {
    eventually(SOON, async || {
        let requests = receiver.requests().len();
        if requests == times { Ok(()) } else { Err(format!("{requests} were asked")) }
    })
    .await;
}

const COUNT: &str = "{name: count, increment: {count: 1}}";

#[tokio::test]
async fn events_and_timers_that_wait_for_answers_keep_out_no_others() {
    let receiver = Receiver::start().await.unwrap();
    let asking = ask(&receiver, "ask", "count");
    let documents = [
        workflow("asks", "buy", &[&asking, COUNT]),
        workflow("asks-later", "soon", &["{name: wait, pause: 1s, to: ask}", &asking, COUNT]),
        workflow("pauses", "pause", &["{name: wait, pause: 1s, to: count}", COUNT]),
        workflow("counts", "look", &[COUNT]),
    ];
    let stage = Running::start_as(&documents.concat(), NO_DATABASE, few(4, 1024)).await;
    receiver.hold();
    let slow: Vec<String> = neighbours("slow", "t").take(2 * MANY).collect();
    for profile in &slow[..MANY] {
        stage.append(event(&format!("buy-{profile}"), "buy", profile)).await;
    }
    for profile in &slow[MANY..] {
        stage.append(event(&format!("soon-{profile}"), "soon", profile)).await;
    }
    asked(&receiver, 2 * MANY).await;
    let mut others = neighbours("slow", "t").skip(2 * MANY);
    let (one, other) = (others.next().unwrap(), others.next().unwrap());
    stage.append(event("look", "look", &one)).await;
    stage.append(event("pause", "pause", &other)).await;
    stage.handled(&one, "look").await;
    stage.handled(&other, "pause").await;
    stage.eventually_shows(&other, "/count", json!(1)).await;
    for profile in &slow {
        assert_eq!(stage.shows(profile).await, json!({}), "nothing was answered yet");
    }
    receiver.release();
    for profile in &slow {
        stage.eventually_shows(profile, "/count", json!(1)).await;
    }
}

/// Of eight lanes, one tenant has four; three of its profiles' first events are read and wait in line, and all second ones.
#[tokio::test]
async fn a_tenant_that_has_its_share_of_lanes_waits_in_line_in_order_and_others_do_not() {
    let receiver = Receiver::start().await.unwrap();
    let asking = ask(&receiver, "ask", "note");
    let note = "{name: note, append: {seen: {expr: event.properties.number}}}";
    let fields = "---\nkind: Fields\nname: more\ntenant: t\nspec:\n  fields: {seen: list}\n";
    let source = "---\nkind: Source\nname: web\ntenant: u\nspec:\n  write_keys: [{env: OTHER_KEY}]\n";
    let other =
        workflow("counts", "look", &["{name: note, set: {last: 1}}"]).replace("tenant: t", "tenant: u");
    let documents = format!("{}{fields}{source}{other}", workflow("asks", "buy", &[&asking, note]));
    let stage = Running::start_as(&documents, NO_DATABASE, few(2, 6)).await;
    receiver.hold();
    let slow: Vec<String> = neighbours("slow", "t").take(MANY).collect();
    for number in [1, 2] {
        for profile in &slow {
            let id = format!("{profile}-{number}");
            let properties = json!({"number": number});
            stage.append(Event { properties, ..event(&id, "buy", profile) }).await;
        }
    }
    asked(&receiver, 4).await;
    let quick = neighbours("slow", "u").next().unwrap();
    stage.append(Event { tenant: "u", ..event("look", "look", &quick) }).await;
    let tenant = TenantId::new("u").unwrap();
    eventually(SOON, async || match stage.progress_of(&tenant, &quick, "look").await {
        Progress::Ended { ending: Ending::Done, .. } => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    assert_eq!(receiver.requests().len(), 4, "and no more of the first one's lanes have begun");
    receiver.release();
    for profile in &slow {
        stage.handled(profile, &format!("{profile}-2")).await;
        assert_eq!(stage.shows(profile).await["seen"], json!([1, 2]), "{profile}");
    }
    assert_eq!(receiver.requests().len(), 2 * MANY, "each once");
}

#[tokio::test]
async fn whoever_is_owner_next_waits_once_for_calls_under_way_however_many_would_follow() {
    let receiver = Receiver::start().await.unwrap();
    let nodes: Vec<String> =
        (0..6).map(|number| ask(&receiver, &format!("n{number}"), &format!("n{}", number + 1))).collect();
    let mut nodes: Vec<&str> = nodes.iter().map(String::as_str).collect();
    nodes.push("{name: n6, increment: {count: 1}}");
    let settings = Settings { finish: Duration::from_secs(1), ..few(4, 4) };
    let mut stage = Running::start_as(&workflow("w", "buy", &nodes), NO_DATABASE, settings).await;
    receiver.always(Answer { delay: Duration::from_millis(700), ..Answer::from(200) });
    stage.append(event("e", "buy", "ann")).await;
    asked(&receiver, 1).await;
    // One or two are answered by then, and one is broken off; each of them within its own second.
    stage.restart().await;
    stage.handled("ann", "e").await;
    assert_eq!(stage.shows("ann").await["count"], 1);
    assert_eq!(receiver.requests().len(), 7, "one was broken off, and asked again");
}

#[tokio::test]
async fn a_profile_whose_keys_are_damaged_waits_alone() {
    let receiver = Receiver::start().await.unwrap();
    let documents = [
        workflow("asks", "buy", &[&ask(&receiver, "ask", "count"), COUNT]),
        workflow("pauses", "pause", &["{name: wait, wait_for: {event: buy, within: 1h}}"]),
    ];
    let stage = Running::start_as(&documents.concat(), NO_DATABASE, few(4, 4)).await;
    let key = format!("{{{}}}:paused:t:ann", partition("ann").0);
    stage.raw(&["SET", &key, "no list"]).await;
    stage.append(event("e", "buy", "ann")).await;
    // Whatever would break off the work on the partition would break this off.
    receiver.always(Answer { delay: Duration::from_secs(2), ..Answer::from(200) });
    let other = neighbour("ann");
    stage.append(event("beside", "buy", &other)).await;
    stage.handled(&other, "beside").await;
    assert_eq!(receiver.requests().len(), 1, "in one go");
    assert!(!matches!(stage.progress("ann", "e").await, Progress::Ended { .. }));
    stage.raw(&["DEL", &key]).await;
    stage.handled("ann", "e").await;
}
