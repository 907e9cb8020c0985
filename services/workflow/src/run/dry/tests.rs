use super::*;
use crate::run::answers::Answers;
use futures::FutureExt as _;
use tributary_config::Config;
use tributary_proto::raw::RawStruct;

const NOW: Time = Time::from_micros(1_700_000_000_000_000);
const DOCUMENTS: &str = "
kind: Source
name: web
spec: {write_keys: [{env: KEY}]}
---
kind: Fields
name: loyalty
spec: {fields: {loyalty.points: counter, loyalty.last: max, greeted: counter}}
---
kind: Workflow
name: greet
spec:
  trigger: {events: [profile-created]}
  steps: [{then: [{path: greeted, op: increment, value: 1}]}]
---
kind: Workflow
name: points
spec:
  trigger: {events: [purchase]}
  nodes:
    - name: ask
      if: event.properties.value > 10.0 && profile.greeted == 1.0
      to: {yes: count}
    - name: count
      change: [{path: loyalty.points, op: increment, value: 5}]
      to: tell
    - name: tell
      emit: {type: became-loyal}
      to: answer
    - name: answer
      respond: {points: {expr: profile.loyalty.points}}
---
kind: Workflow
name: bulk
spec:
  trigger: {events: [repurchase], condition: event.properties.pieces > 100}
  steps: [{then: [{path: loyalty.points, op: increment, value: 1}]}]
---
kind: Workflow
name: last
spec:
  trigger: {events: [purchase]}
  steps: [{then: [{path: loyalty.last, op: max, from: time}]}]
";

fn event(id: &str, event_type: &str) -> v1::Event {
    let properties = serde_json::json!({"value": 20.5});
    v1::Event {
        tenant: "default".into(),
        id: id.into(),
        r#type: event_type.into(),
        profile_id: "ann".into(),
        properties: properties.as_object().map(RawStruct::from_object),
        ..v1::Event::default()
    }
}

/// Of a profile that is new.
fn preview() -> v1::PreviewResponse {
    let member =
        v1::Member { origin: "ann".into(), state: Some(v1::State::default()), ..v1::Member::default() };
    let profile = v1::Profile {
        tenant: "default".into(),
        id: "ann".into(),
        members: vec![member],
        ..v1::Profile::default()
    };
    let result = v1::EventResult { status: v1::EventStatus::Accepted.into(), ..v1::EventResult::default() };
    let answer = v1::TrackResponse {
        profile: Some(profile),
        events: vec![result],
        revision: "7-00000000".into(),
        ..v1::TrackResponse::default()
    };
    v1::PreviewResponse {
        answer: Some(answer),
        events: vec![event("created", "profile-created"), event("e", "purchase")],
    }
}

fn rehearse(preview: v1::PreviewResponse) -> Result<v1::RunResponse, RunError> {
    let config = config();
    let tenant = config.tenant(&TenantId::new("default").unwrap()).unwrap();
    Ok(performed(Rehearsal::of(preview)?, tenant))
}

/// Nothing is asked for that would have to be waited for.
fn performed(rehearsal: Rehearsal, tenant: &Tenant) -> v1::RunResponse {
    let answering = Answering { answers: &Answers::default(), past: None };
    rehearsal.perform(tenant, &answering, NOW).now_or_never().unwrap()
}

fn config() -> Config {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("all.yaml"), DOCUMENTS).unwrap();
    Config::load(folder.path()).unwrap_or_else(|errors| panic!("{errors}"))
}

fn names(answer: &v1::RunResponse) -> Vec<(&str, &str)> {
    answer.runs.iter().map(|run| (run.event_type.as_str(), run.workflow.as_str())).collect()
}

fn fields(answer: v1::RunResponse) -> serde_json::Value {
    answer.profile.unwrap().fields.unwrap().to_object().unwrap().into()
}

#[test]
fn workflows_run_for_what_the_mesh_makes_along_and_then_for_the_event_on_what_those_changed() {
    let answer = rehearse(preview()).unwrap();
    assert_eq!((answer.state(), answer.event_id.as_str()), (v1::RunState::Dry, ""));
    assert_eq!(names(&answer), [("profile-created", "greet"), ("purchase", "last"), ("purchase", "points")]);
    let points = &answer.runs[2];
    assert_eq!(points.emits, ["became-loyal"]);
    assert_eq!((points.nodes[0].node.as_str(), points.nodes[0].port.as_str()), ("ask", "yes"));
    assert_eq!(answer.revision, "7-00000000");
    assert_eq!(answer.response.clone().unwrap().to_object().unwrap()["points"], 5);
    let fields = fields(answer);
    assert_eq!((&fields["loyalty"]["points"], &fields["greeted"]), (&5.into(), &1.into()));
}

#[test]
fn a_workflow_that_means_the_event_and_would_not_run_is_told_with_why() {
    let mut twice = preview();
    twice.events[0].r#type = "repurchase".into();
    let answer = rehearse(twice).unwrap();
    let told: Vec<_> = answer
        .not_triggered
        .iter()
        .map(|passed| {
            (
                passed.workflow.as_str(),
                passed.event_type.as_str(),
                passed.event_id.as_str(),
                passed.why.as_str(),
            )
        })
        .collect();
    assert_eq!(told, [("bulk", "repurchase", "created", "event.properties.pieces is missing")]);
}

#[test]
fn an_event_for_one_workflow_runs_that_one_whatever_its_trigger_is_about() {
    let mut only = preview();
    only.events[1].r#type = "something-else".into();
    only.events[1].workflow = "last".into();
    let answer = rehearse(only).unwrap();
    assert_eq!(names(&answer), [("profile-created", "greet"), ("something-else", "last")]);
    assert_eq!(fields(answer)["loyalty"].get("points"), None);
}

#[test]
fn a_profile_that_is_given_is_what_workflows_find() {
    let config = config();
    let tenant = config.tenant(&TenantId::new("default").unwrap()).unwrap();
    let inline = |given: serde_json::Value| {
        Rehearsal::inline(event("e", "purchase"), given.as_object().unwrap(), tenant)
    };
    let rehearsal = inline(serde_json::json!({"greeted": 1, "loyalty": {"points": 7}})).unwrap();
    let answer = performed(rehearsal, tenant);
    assert_eq!(names(&answer), [("purchase", "last"), ("purchase", "points")]);
    assert_eq!(fields(answer)["loyalty"]["points"], 12);
    let Err(RunError::Inline(wrong)) = inline(serde_json::json!({"segments": {"a": 1}})) else { panic!() };
    assert_eq!(wrong.len(), 1);
}

#[test]
fn no_workflow_runs_for_an_event_that_does_not_fit_and_the_warnings_say_so() {
    let mut misfit = preview();
    misfit.events[1].invalid = true;
    let answer = misfit.answer.as_mut().unwrap();
    let warning = |code: v1::WarningCode, path: &str| v1::Warning {
        code: code.into(),
        path: path.into(),
        message: String::new(),
    };
    answer.events[0].warnings = vec![
        warning(v1::WarningCode::SchemaViolated, "events[0].properties.value"),
        warning(v1::WarningCode::MappingFailed, "events[0]"),
    ];
    answer.warnings = vec![warning(v1::WarningCode::ProfileReplaced, "profile_id")];
    let answer = rehearse(misfit).unwrap();
    assert_eq!(names(&answer), [("profile-created", "greet")]);
    let told: Vec<_> = answer.warnings.iter().map(|warning| warning.path.as_str()).collect();
    assert_eq!(told, ["profile_id", "properties.value", ""]);
}

#[test]
fn an_event_that_cannot_be_recorded_is_refused_as_if_it_were_to_be() {
    let mut broken = preview();
    let result = &mut broken.answer.as_mut().unwrap().events[0];
    result.status = v1::EventStatus::Invalid.into();
    result.violations = vec![v1::Violation { path: "events[0].time".into(), ..v1::Violation::default() }];
    assert!(matches!(rehearse(broken), Err(RunError::Invalid(violations)) if violations.len() == 1));
}

#[test]
fn what_a_session_recorded_elsewhere_is_not_what_workflows_read() {
    let member = |origin: &str| v1::Member {
        origin: origin.into(),
        state: Some(v1::State::default()),
        ..v1::Member::default()
    };
    let read = |bound: &str| {
        let session = v1::Session {
            profile_id: bound.into(),
            members: vec![member("ann"), member("bob"), member("an-alias")],
            ..v1::Session::default()
        };
        let profile = preview().answer.unwrap().profile.unwrap();
        let reading = known(&profile, Some(&session)).unwrap();
        reading.session.iter().map(|(origin, ..)| origin.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(read("bob"), ["an-alias", "ann"]);
    assert_eq!(read("ann"), ["an-alias", "ann", "bob"]);
}
