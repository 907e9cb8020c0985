//! What is wrong is refused, with a reason for programs and the place for people, and costs its neighbours nothing.

use prost_types::Timestamp;
use serde_json::json;
use tonic::{Code, Status};
use tributary_proto::v1::{
    EventInput, EventResult, EventStatus, GetProfileRequest, TrackRequest, TrackResponse, WarningCode,
    ingest_service_client::IngestServiceClient, profile_service_client::ProfileServiceClient,
};
use tributary_testkit::{Bearer, Stage};

use crate::{
    payloads::{about, event, in_session, refusal},
    world::World,
};

/// No event of this type may ever be stored.
const REFUSED: &str = "refused";
const SHOP: &str = "TRIBUTARY_WRITE_KEY_CDNOW";
const WEBSITE: &str = "TRIBUTARY_WRITE_KEY_WEBSITE";
const NEIGHBOUR: &str = "TRIBUTARY_WRITE_KEY_BLOG";

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_with_reason_and_place_and_never_stored() -> anyhow::Result<()> {
    let world = World::start().await?;
    payloads_that_fail_as_a_whole(&world).await;
    credentials_that_do_not_fit(&world).await;
    profiles_of_others(&world).await?;
    events_that_are_invalid(&world).await?;
    what_is_accepted_with_a_warning(&world).await?;

    world.settled().await;
    let stored: Vec<(String, String)> = sqlx::query_as(
        "SELECT type, id FROM events WHERE type NOT IN ('profile-created', 'visit-started') ORDER BY id",
    )
    .fetch_all(&world.database)
    .await?;
    let expected = ["from-the-future", "good-0", "good-2", "known", "theirs", "unknown"];
    let mut expected = expected.map(|id| ("good".to_owned(), id.to_owned())).to_vec();
    expected.push(("purchase".to_owned(), "wordy".to_owned()));
    assert_eq!(stored, expected);
    let marks: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT id, problem->>'document', problem->>'reason' FROM events, jsonb_array_elements(problems) AS problem \
         ORDER BY id",
    )
    .fetch_all(&world.database)
    .await?;
    let mark = ("wordy".to_owned(), "Mapping purchase".to_owned(), "NOT_A_NUMBER".to_owned());
    assert_eq!(marks, [mark]);
    Ok(())
}

async fn payloads_that_fail_as_a_whole(world: &World) {
    let invalid =
        |reason: &str, path: &str| (Code::InvalidArgument, reason.to_owned(), vec![path.to_owned()]);
    let none = about("p", []);
    assert_eq!(refused(world, none).await, invalid("NO_EVENTS", "events"));
    let many = about("p", (0..101).map(|number| event(&format!("many-{number}"), REFUSED, json!({}))));
    assert_eq!(refused(world, many).await, invalid("TOO_MANY_EVENTS", "events"));
    let large = about("p", [event("large", REFUSED, json!({"text": "x".repeat(20 << 20)}))]);
    assert_eq!(refused(world, large).await, invalid("PAYLOAD_TOO_LARGE", ""));
    let nested = (0..1000).fold(json!(1), |inner, _| json!({"deeper": inner}));
    let nested = about("p", [event("beside", REFUSED, json!({})), event("nested", REFUSED, nested)]);
    assert_eq!(refused(world, nested).await, invalid("NESTING_TOO_DEEP", "events[1].properties"));
}

async fn credentials_that_do_not_fit(world: &World) {
    let one = || about("p", [event("unwelcome", REFUSED, json!({}))]);
    let elsewhere = TrackRequest { source: "nowhere".into(), ..one() };
    assert_eq!(
        refused(world, elsewhere).await,
        (Code::NotFound, "SOURCE_UNKNOWN".into(), vec!["source".into()])
    );
    let other = TrackRequest { source: "website".into(), ..one() };
    assert_eq!(
        refused(world, other).await,
        (Code::PermissionDenied, "SOURCE_NOT_ALLOWED".into(), vec!["source".into()])
    );
    let wrong = world.mesh.ingest("a-key-that-nobody-has").track(one()).await;
    assert_eq!(status(wrong), (Code::Unauthenticated, "WRITE_KEY_INVALID".into(), vec![]));
    let mut anonymous = IngestServiceClient::new(world.mesh.channel(Stage::Ingest));
    let missing = anonymous.track(one()).await;
    assert_eq!(status(missing), (Code::Unauthenticated, "WRITE_KEY_MISSING".into(), vec![]));
}

/// A profile that the mesh made for the neighbour.
async fn profiles_of_others(world: &World) -> anyhow::Result<()> {
    let theirs = track(world, NEIGHBOUR, in_session("s", [event("theirs", "good", json!({}))])).await;
    let theirs = theirs.map(|answer| answer.profile.unwrap_or_default().id)?;
    let reach = |profile: &str| about(profile, [event("reaching", REFUSED, json!({}))]);
    for key in [SHOP, WEBSITE] {
        let status = track(world, key, reach(&theirs)).await.map(drop).expect_err("of another tenant");
        let expected = (Code::NotFound, "PROFILE_NOT_FOUND".to_owned(), vec!["profile_id".to_owned()]);
        assert_eq!(refusal(&status), expected, "by {key}");
    }
    let asked = world.mesh.profiles().get_profile(GetProfileRequest { profile_id: theirs.clone() }).await;
    assert_eq!(status(asked), (Code::NotFound, "PROFILE_NOT_FOUND".into(), vec![]));

    let key = Bearer::new(world.mesh.admin_key("neighbour"));
    let mut owner = ProfileServiceClient::with_interceptor(world.mesh.channel(Stage::Collector), key);
    let own = owner.get_profile(GetProfileRequest { profile_id: theirs.clone() }).await?.into_inner();
    assert_eq!(own.profile.unwrap_or_default().id, theirs);
    Ok(())
}

async fn events_that_are_invalid(world: &World) -> anyhow::Result<()> {
    let broken = Timestamp { seconds: i64::MAX, nanos: 0 };
    let events = [
        event("good-0", "good", json!({})),
        event("", REFUSED, json!({})),
        event("good-2", "good", json!({})),
        event("without-type", "", json!({})),
        event("too-large", REFUSED, json!({"order": {"amount": 1_u64 << 60}})),
        EventInput { time: Some(broken), ..event("no-time", REFUSED, json!({})) },
        event(&"x".repeat(129), REFUSED, json!({})),
    ];
    let answer = track(world, SHOP, about("p", events.clone())).await?;
    let results: Vec<_> = answer.events.iter().map(result).collect();
    let ids: Vec<&str> = answer.events.iter().map(|event| event.event_id.as_str()).collect();
    assert_eq!(ids, ["good-0", "", "good-2", "without-type", "too-large", "no-time", ""]);
    let invalid = |path: &str, reason: &str| (EventStatus::Invalid, vec![(path.into(), reason.into())]);
    let expected = [
        (EventStatus::Accepted, vec![]),
        invalid("events[1].id", "EVENT_ID_REQUIRED"),
        (EventStatus::Accepted, vec![]),
        invalid("events[3].type", "EVENT_TYPE_REQUIRED"),
        invalid("events[4].properties.order.amount", "NUMBER_TOO_LARGE"),
        invalid("events[5].time", "INVALID_TIME"),
        invalid("events[6].id", "INVALID_ID"),
    ];
    assert_eq!(results, expected);

    let alone = track(world, SHOP, about("q", [events[1].clone()])).await?;
    assert_eq!(
        alone.events.iter().map(result).collect::<Vec<_>>(),
        [invalid("events[0].id", "EVENT_ID_REQUIRED")]
    );
    assert_eq!(alone.profile, None, "nothing was recorded of anyone");
    let asked = world.mesh.profiles().get_profile(GetProfileRequest { profile_id: "q".into() }).await;
    assert_eq!(asked.map(drop).expect_err("nobody").code(), Code::NotFound);
    Ok(())
}

async fn what_is_accepted_with_a_warning(world: &World) -> anyhow::Result<()> {
    // The year 2999.
    let future = Timestamp { seconds: 32_472_144_000, nanos: 0 };
    let future = EventInput { time: Some(future), ..event("from-the-future", "good", json!({})) };
    let answer = track(world, SHOP, about("p", [future])).await?;
    assert_eq!(result(&answer.events[0]), (EventStatus::Accepted, vec![]));
    let warning = &answer.events[0].warnings[0];
    assert_eq!((warning.code(), warning.path.as_str()), (WarningCode::TimeClamped, "events[0].time"));
    world.settled().await;
    let clamped = "SELECT time = received FROM events WHERE id = 'from-the-future'";
    assert!(sqlx::query_scalar::<_, bool>(clamped).fetch_one(&world.database).await?);

    let wordy = event("wordy", "purchase", json!({"value": "much"}));
    let answer = track(world, SHOP, about("wordy", [wordy])).await?;
    assert_eq!(
        result(&answer.events[0]),
        (EventStatus::Accepted, vec![]),
        "it counts, without what cannot be had"
    );
    let warnings: Vec<_> =
        answer.events[0].warnings.iter().map(|warning| (warning.code(), warning.path.as_str())).collect();
    assert_eq!(warnings, [(WarningCode::MappingFailed, "events[0]")]);

    let unknown = || about("made-up-by-the-client", [event("unknown", "good", json!({}))]);
    let answer = track(world, WEBSITE, unknown()).await?;
    assert_eq!(result(&answer.events[0]), (EventStatus::Accepted, vec![]));
    let warning = &answer.warnings[0];
    assert_eq!((warning.code(), warning.path.as_str()), (WarningCode::ProfileReplaced, "profile_id"));
    let given = answer.profile.unwrap_or_default().id;
    assert_ne!(given, "made-up-by-the-client");

    let retried = track(world, WEBSITE, unknown()).await?;
    assert_eq!(retried.events[0].status(), EventStatus::Duplicate);
    assert_eq!(retried.profile.unwrap_or_default().id, given, "a retry is given the same");
    let used = track(world, WEBSITE, about(&given, [event("known", "good", json!({}))])).await?;
    assert_eq!((used.warnings.len(), used.profile.unwrap_or_default().id), (0, given));
    Ok(())
}

async fn track(world: &World, key: &str, payload: TrackRequest) -> Result<TrackResponse, Status> {
    let answer = world.mesh.ingest(world.mesh.secret(key)).track(payload).await;
    answer.map(tonic::Response::into_inner)
}

async fn refused(world: &World, payload: TrackRequest) -> (Code, String, Vec<String>) {
    let status = track(world, SHOP, payload).await.map(drop).expect_err("it has to be refused");
    refusal(&status)
}

fn status<T>(outcome: Result<T, Status>) -> (Code, String, Vec<String>) {
    refusal(&outcome.map(drop).expect_err("it has to be refused"))
}

fn result(result: &EventResult) -> (EventStatus, Vec<(String, String)>) {
    let violations = result.violations.iter();
    let violations = violations.map(|violation| (violation.path.clone(), violation.reason.clone()));
    (result.status(), violations.collect())
}
