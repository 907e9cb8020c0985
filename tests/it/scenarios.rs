//! What `tributary test` says is what a mesh does: the payloads of the shipped scenarios, tracked for real, give the same
//! answers, profiles, sessions and derived events, step by step.

use std::{collections::BTreeSet, path::Path};

use serde_json::{Value, json};
use tributary::scenario::{PlayedStep, play};
use tributary_config::{Config, Scenario};
use tributary_model::TenantId;
use tributary_proto::{
    convert::time_to_wire,
    v1::{GetSessionRequest, TrackResponse},
};
use tributary_testkit::ServersOptions;

use crate::world::{World, quick};

/// Those that neither begin with a profile nor wait for what only the clock of receipt brings.
const SCENARIOS: [&str; 7] = [
    "a-late-event-finds-its-place",
    "a-value-that-is-text-is-converted-or-marked",
    "an-event-that-does-not-fit-its-schema",
    "page-views-and-visits",
    "purchases-in-one-payload",
    "third-purchase-makes-loyal",
    "welcome-a-student",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_scenario_says_what_a_mesh_does() -> anyhow::Result<()> {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/example");
    let config = Config::load(&example)?;
    let world = World::start_with(ServersOptions::default(), quick(example)).await?;
    let tenant = TenantId::new("demo")?;
    for name in SCENARIOS {
        let shipped = config.tenants[&tenant].scenarios.iter().find(|scenario| scenario.name == name);
        let shipped = shipped.ok_or_else(|| anyhow::anyhow!("the example has no scenario {name}"))?;
        let scenario = apart(shipped.clone());
        let mut profiles = BTreeSet::new();
        let mut derived = Vec::new();
        for (step, written) in play(&config, &tenant, &scenario).steps.iter().zip(&scenario.steps) {
            let place = format!("{name}, {}", step.name);
            let Some(source) = written.payload.as_ref().map(|payload| payload.source.as_str()) else {
                continue;
            };
            let answer = track(&world, step, source).await?;
            world.settled().await;

            assert_eq!(results(&answer), of_client(&step.actual["events"]), "{place}");
            let profile = answer.profile.map(|profile| profile.id).unwrap_or_default();
            assert_eq!(world.fields(&profile).await?, step.actual["profile"], "{place}");
            if let Some(session) = &answer.session {
                assert_eq!(session_fields(&world, &session.id).await?, step.actual["session"], "{place}");
            }
            derived.extend(step.actual["derived"].as_array().into_iter().flatten().map(made));
            profiles.insert(profile);
        }
        derived.sort();
        assert_eq!(stored(&world, profiles).await?, derived, "{name}");
    }
    Ok(())
}

/// All scenarios meet in one mesh, so each has profiles, sessions and ids of its own.
fn apart(mut scenario: Scenario) -> Scenario {
    let name = scenario.name.clone();
    let mut number = 0;
    for payload in scenario.steps.iter_mut().filter_map(|step| step.payload.as_mut()) {
        for id in [&mut payload.profile_id, &mut payload.session_id] {
            if !id.is_empty() {
                *id = format!("{name}-{id}");
            }
        }
        for event in &mut payload.events {
            number += 1;
            event.id = Some(format!("{name}-event-{number}"));
        }
    }
    scenario
}

/// Sends what the step sent. The mesh's clock shows another time, so each event says its own.
async fn track(world: &World, step: &PlayedStep, source: &str) -> anyhow::Result<TrackResponse> {
    let mut request = step.sent.clone().unwrap_or_default();
    for (index, event) in (0..).zip(&mut request.events) {
        let arrival = step.time.plus(std::time::Duration::from_micros(index));
        event.time.get_or_insert_with(|| time_to_wire(arrival));
    }
    let key = world.mesh.secret(&format!("TRIBUTARY_WRITE_KEY_{}", source.to_uppercase()));
    Ok(world.mesh.ingest(key).track(request).await?.into_inner())
}

/// Id, status and warnings of each event.
fn results(answer: &TrackResponse) -> Value {
    let result = |event: &tributary_proto::v1::EventResult| {
        let warnings: Vec<&str> = event.warnings.iter().map(|warning| warning.code().as_str_name()).collect();
        json!([event.event_id, event.status().as_str_name(), warnings])
    };
    answer.events.iter().map(result).collect()
}

/// The same, of what a scenario tells.
fn of_client(events: &Value) -> Value {
    let name = |prefix: &str, name: &Value| format!("{prefix}{}", name.as_str().unwrap_or_default());
    let result = |event: &Value| {
        let warnings = event["warnings"].as_array().into_iter().flatten();
        let warnings: Vec<String> = warnings.map(|code| name("WARNING_CODE_", code)).collect();
        json!([event["id"], name("EVENT_STATUS_", &event["status"]), warnings])
    };
    events.as_array().into_iter().flatten().map(result).collect()
}

async fn session_fields(world: &World, session: &str) -> anyhow::Result<Value> {
    let asked = GetSessionRequest { session_id: session.to_owned() };
    let session = world.mesh.profiles().get_session(asked).await?.into_inner().session;
    Ok(session.unwrap_or_default().fields.unwrap_or_default().to_object()?.into())
}

/// Type, cause, depth and properties of an event that the mesh made.
type Made = (String, String, i32, String);

fn made(event: &Value) -> Made {
    let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
    let depth = event["depth"].as_i64().and_then(|depth| i32::try_from(depth).ok());
    (text("type"), text("cause"), depth.unwrap_or_default(), event["properties"].to_string())
}

/// What is stored of those, sorted.
async fn stored(world: &World, profiles: BTreeSet<String>) -> anyhow::Result<Vec<Made>> {
    let profiles: Vec<String> = profiles.into_iter().collect();
    let rows: Vec<(String, String, i32, Option<Value>)> = sqlx::query_as(
        "SELECT type, cause, depth, properties FROM events WHERE tenant = 'demo' AND profile_id = ANY($1) AND depth > 0",
    )
    .bind(profiles)
    .fetch_all(&world.database)
    .await?;
    let row = |(event_type, cause, depth, properties): (String, String, i32, Option<Value>)| {
        (event_type, cause, depth, properties.unwrap_or_else(|| json!({})).to_string())
    };
    let mut made: Vec<Made> = rows.into_iter().map(row).collect();
    made.sort();
    Ok(made)
}
