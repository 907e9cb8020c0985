//! A call that waits is answered with what the workflows say, once and the same for every attempt, whoever dies on the way.

use std::{fs, time::Duration};

use serde_json::{Value, json};
use tempfile::TempDir;
use tonic::{Request, Status};
use tributary_proto::v1::{
    EventResult, EventStatus, TrackOptions, TrackRequest, TrackResponse, WaitFor, WaitOutcome,
};
use tributary_testkit::{Receiver, ServersOptions, Signal, Stage, eventually};

use crate::{
    payloads::{about, event},
    world::{SOON, Stored, World, fields, quick},
};

const KEY: &str = "TRIBUTARY_WRITE_KEY_SHOP";

/// A visit asks a server what to show, counts, and answers both; `look` answers without asking anybody.
fn documents(receiver: &Receiver) -> anyhow::Result<TempDir> {
    let url = receiver.url();
    let text = format!(
        "kind: Source
name: shop
tenant: demo
spec:
  write_keys: [{{env: {KEY}}}]
  trust_profile_ids: true
---
kind: Fields
name: shop
tenant: demo
spec:
  fields: {{shown.count: counter, looked.count: counter}}
---
kind: Workflow
name: content
tenant: demo
spec:
  trigger: {{events: [visit]}}
  nodes:
    - name: ask
      http: {{url: '{url}content', body: {{who: {{expr: event.properties.who}}}}, timeout: 20s, retries: 5}}
      to: {{done: count}}
    - name: count
      increment: {{shown.count: 1}}
      to: answer
    - name: answer
      respond:
        content: {{expr: memory.ask.body.content}}
        number: {{expr: profile.shown.count}}
---
kind: Workflow
name: looking
tenant: demo
spec:
  trigger: {{events: [look]}}
  nodes:
    - name: count
      increment: {{looked.count: 1}}
      to: answer
    - name: answer
      respond: {{number: {{expr: profile.looked.count}}}}
"
    );
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("all.yaml"), text)?;
    Ok(folder)
}

/// The folder is to outlive the mesh: a process that starts again looks for it.
async fn shop(receiver: &Receiver, destination: bool) -> anyhow::Result<(World, TempDir)> {
    let folder = documents(receiver)?;
    if destination {
        let url = receiver.url();
        let document = format!(
            "kind: Destination\nname: crm\ntenant: demo\nspec:\n  webhook: {{url: '{url}crm', timeout: 5s}}\n  \
             profiles: {{quiet: 100ms, longest_wait: 1s}}\n  retry: {{attempts: 3, first: 100ms, longest: 200ms}}\n"
        );
        fs::write(folder.path().join("destination.yaml"), document)?;
    }
    let allowed = format!("127.0.0.1:{}", receiver.port());
    let mut options =
        quick(folder.path()).stage_env(Stage::Workflow, "TRIBUTARY_WORKFLOW__CALLS__ALLOWED_HOSTS", allowed);
    options.tenants = vec!["demo".into()];
    Ok((World::start_with(ServersOptions::default(), options).await?, folder))
}

fn waiting(mut payload: TrackRequest, level: WaitFor) -> TrackRequest {
    payload.options = Some(TrackOptions { wait_for: level.into(), ..TrackOptions::default() });
    payload
}

fn visit(id: &str, who: &str) -> TrackRequest {
    waiting(about(who, [event(id, "visit", json!({"who": who}))]), WaitFor::Workflow)
}

async fn track(world: &World, payload: TrackRequest, patience: Duration) -> Result<TrackResponse, Status> {
    let mut request = Request::new(payload);
    request.set_timeout(patience);
    Ok(world.mesh.ingest(world.mesh.secret(KEY)).track(request).await?.into_inner())
}

fn response(result: &EventResult) -> anyhow::Result<Value> {
    let response = result.response.as_ref().map(|response| response.to_object()).transpose()?;
    Ok(response.map_or(Value::Null, Value::Object))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_waits_is_answered_with_the_workflows_content_and_so_is_its_repetition()
-> anyhow::Result<()> {
    let receiver = Receiver::start().await?;
    receiver.always(json!({"content": "shoes"}));
    let (world, _folder) = shop(&receiver, false).await?;

    let first = track(&world, visit("e-1", "ann"), SOON).await?;
    let result = &first.events[0];
    assert_eq!((result.status(), result.wait()), (EventStatus::Accepted, WaitOutcome::Reached));
    assert_eq!(result.reached(), WaitFor::Workflow);
    assert_eq!(response(result)?, json!({"content": "shoes", "number": 1}));
    let profile = first.profile.ok_or_else(|| anyhow::anyhow!("no profile"))?;
    assert_eq!(fields(&profile)?["shown"]["count"], 1, "the profile shows what the workflow did");

    // The next one has its own answer; the first one's repetition has the first one's.
    let second = track(&world, visit("e-2", "ann"), SOON).await?;
    assert_eq!(response(&second.events[0])?, json!({"content": "shoes", "number": 2}));
    receiver.always(json!({"content": "hats"}));
    let again = track(&world, visit("e-1", "ann"), SOON).await?;
    assert_eq!(
        (again.events[0].status(), again.events[0].wait()),
        (EventStatus::Duplicate, WaitOutcome::Reached)
    );
    assert_eq!(response(&again.events[0])?, json!({"content": "shoes", "number": 1}));

    // Several events, of which one waits for nothing.
    let mut payload = about("bob", [event("m-1", "look", json!({})), event("m-2", "look", json!({}))]);
    payload.events[1].wait_for = WaitFor::Workflow.into();
    let mixed = track(&world, payload, SOON).await?;
    assert_eq!(mixed.events[0].wait(), WaitOutcome::Unspecified);
    assert_eq!(response(&mixed.events[1])?, json!({"number": 2}));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_reached_in_time_is_said_and_happens_once_all_the_same() -> anyhow::Result<()> {
    let receiver = Receiver::start().await?;
    receiver.always(json!({"content": "shoes"}));
    receiver.hold();
    let (world, _folder) = shop(&receiver, false).await?;

    let late = track(&world, visit("e-1", "ann"), Duration::from_secs(2)).await?;
    let result = &late.events[0];
    assert_eq!((result.status(), result.wait()), (EventStatus::Accepted, WaitOutcome::TimedOut));
    assert_eq!((result.reached(), response(result)?), (WaitFor::Accepted, Value::Null));

    receiver.release();
    let again = track(&world, visit("e-1", "ann"), SOON).await?;
    assert_eq!(
        (again.events[0].status(), again.events[0].wait()),
        (EventStatus::Duplicate, WaitOutcome::Reached)
    );
    assert_eq!(response(&again.events[0])?, json!({"content": "shoes", "number": 1}));
    world.settled().await;
    assert_eq!(world.fields("ann").await?["shown"]["count"], 1);
    assert_eq!(receiver.requests().len(), 1, "asked once");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_may_wait_until_everything_is_stored_or_delivered() -> anyhow::Result<()> {
    let receiver = Receiver::start().await?;
    let (world, _folder) = shop(&receiver, true).await?;
    let look = |id: &str, level| waiting(about("ann", [event(id, "look", json!({}))]), level);

    let stored = track(&world, look("e-1", WaitFor::Stored), SOON).await?;
    assert_eq!(
        (stored.events[0].reached(), stored.events[0].wait()),
        (WaitFor::Stored, WaitOutcome::Reached)
    );
    assert_eq!(world.stored_events("look").await?.rows, 1, "there when the answer comes");
    assert_eq!(world.stored_fields("ann").await?["looked"]["count"], 1, "with what its workflow changed");

    let delivered = track(&world, look("e-2", WaitFor::Delivered), SOON).await?;
    let result = &delivered.events[0];
    assert_eq!((result.reached(), result.wait()), (WaitFor::Delivered, WaitOutcome::Reached));
    let sent = receiver.requests();
    let last = sent.last().ok_or_else(|| anyhow::anyhow!("nothing was sent"))?;
    assert_eq!(last.json["profile"]["fields"]["looked"]["count"], 2, "{:?}", last.json);

    // Nobody stores while the collector is away.
    world.mesh.signal(Stage::Collector, Signal::SIGSTOP);
    let waits = track(&world, look("e-3", WaitFor::Stored), Duration::from_secs(2)).await?;
    assert_eq!(
        (waits.events[0].reached(), waits.events[0].wait()),
        (WaitFor::Workflow, WaitOutcome::TimedOut)
    );
    world.mesh.signal(Stage::Collector, Signal::SIGCONT);
    let again = track(&world, look("e-3", WaitFor::Delivered), SOON).await?;
    assert_eq!(
        (again.events[0].reached(), again.events[0].wait()),
        (WaitFor::Delivered, WaitOutcome::Reached)
    );

    // What a destination does not take is given up on, and that is said.
    receiver.script([400]);
    let refused = track(&world, look("e-4", WaitFor::Delivered), SOON).await?;
    assert_eq!(refused.events[0].wait(), WaitOutcome::Dead);
    Ok(())
}

/// Each stage dies while the call waits for a workflow that waits for a server, or as that server answers. The client tries
/// again until it has its answer.
#[tokio::test(flavor = "multi_thread")]
async fn an_awaited_call_has_one_effect_and_one_response_whoever_is_killed_at_whatever_step()
-> anyhow::Result<()> {
    let receiver = Receiver::start().await?;
    let (world, _folder) = shop(&receiver, false).await?;
    let steps = Stage::ALL.into_iter().flat_map(|stage| Moment::ALL.map(|moment| (stage, moment)));
    for (number, (stage, moment)) in steps.enumerate() {
        let (id, who) = (format!("e-{number}"), format!("p-{number}"));
        let place = format!("{} killed {moment:?}", stage.name());
        // Each question has an answer of its own, so that a second run would answer otherwise.
        let before = receiver.requests().len();
        receiver.always(json!({"content": format!("{number}, first")}));
        receiver.hold();
        if moment == Moment::BeforeItIsSent {
            world.mesh.kill(stage);
        }
        let asked = async {
            if moment == Moment::BeforeItIsSent {
                world.mesh.restart(stage).await?;
            }
            asked(&receiver, before + 1).await;
            if moment == Moment::WhileItIsAsked {
                world.mesh.kill(stage);
                world.mesh.restart(stage).await?;
            }
            receiver.release();
            receiver.always(json!({"content": format!("{number}, later")}));
            if moment == Moment::AsItIsAnswered {
                world.mesh.kill(stage);
                world.mesh.restart(stage).await?;
            }
            anyhow::Ok(())
        };
        let (answer, done) = tokio::join!(until_answered(&world, &id, &who), asked);
        done?;
        for _ in 0..2 {
            let again = track(&world, visit(&id, &who), SOON).await?;
            assert_eq!(response(&again.events[0])?, answer, "{place}: one response");
        }
        assert_eq!(answer["number"], 1, "{place}: {answer}");
        let keys: Vec<_> = receiver.requests().split_off(before);
        let keys: Vec<_> =
            keys.iter().map(|request| request.header("idempotency-key").map(str::to_owned)).collect();
        assert!(keys.iter().all(|key| key.is_some() && *key == keys[0]), "{place}: {keys:?}");
    }
    world.settled().await;
    let events = i64::try_from(Stage::ALL.len() * Moment::ALL.len())?;
    assert_eq!(world.stored_events("visit").await?, Stored { rows: events, ids: events, profiles: events });
    for number in 0..events {
        let shown = &world.fields(&format!("p-{number}")).await?["shown"]["count"];
        assert_eq!(*shown, 1, "p-{number}: one effect");
    }
    Ok(())
}

/// When a stage is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    BeforeItIsSent,
    WhileItIsAsked,
    AsItIsAnswered,
}

impl Moment {
    const ALL: [Moment; 3] = [Moment::BeforeItIsSent, Moment::WhileItIsAsked, Moment::AsItIsAnswered];
}

async fn asked(receiver: &Receiver, requests: usize) {
    eventually(SOON, async || match receiver.requests().len() {
        enough if enough >= requests => Ok(()),
        fewer => Err(format!("{fewer} requests")),
    })
    .await;
}

/// As a client does it: the same call again after every failure, and while it is not reached.
async fn until_answered(world: &World, id: &str, who: &str) -> Value {
    eventually(SOON, async || {
        let answer = track(world, visit(id, who), Duration::from_secs(5)).await;
        let answer = answer.map_err(|status| status.to_string())?;
        match answer.events[0].wait() {
            WaitOutcome::Reached => response(&answer.events[0]).map_err(|error| error.to_string()),
            other => Err(format!("{other:?}")),
        }
    })
    .await
}
