use super::*;

#[test]
fn warnings_are_counted_by_their_code_and_what_is_not_in_the_mesh_is_a_complaint() {
    let warning = |code: v1::WarningCode| v1::Warning { code: code.into(), ..v1::Warning::default() };
    let event = |status: v1::EventStatus| v1::EventResult {
        status: status.into(),
        warnings: vec![warning(v1::WarningCode::MappingFailed)],
        ..v1::EventResult::default()
    };
    let answer = v1::TrackResponse {
        events: vec![event(v1::EventStatus::Accepted), event(v1::EventStatus::Invalid)],
        warnings: vec![warning(v1::WarningCode::ProfileReplaced)],
        ..v1::TrackResponse::default()
    };
    let mut summary = Summary::default();
    assert_eq!(summary.complaint(), None);
    summary.answered(&answer, 1, 0, Duration::from_millis(5));
    let mut other = Summary::default();
    other.answered(&answer, 2, 3, Duration::from_millis(5));
    summary.add(other);
    summary.skipped = 1;
    let shown = summary.text(Duration::from_secs(1));
    assert!(shown.contains("accepted 2  duplicate 0  invalid 2  failed 0  retries 3"), "{shown}");
    assert!(shown.contains("warnings: MAPPING_FAILED 4, PROFILE_REPLACED 2"), "{shown}");
    assert_eq!(summary.complaint().unwrap(), "2 events are not in the mesh, 1 line was left out");
}

#[test]
fn a_payload_that_is_refused_as_a_whole_is_a_complaint_although_it_has_no_events() {
    let mut summary = Summary::default();
    summary.failed(0, 0, "NO_EVENTS".to_owned(), "line 1: there are no events (NO_EVENTS)");
    assert_eq!(summary.complaint().unwrap(), "1 payload was refused");
    let report: serde_json::Value = serde_json::from_str(&summary.json(Duration::from_secs(1))).unwrap();
    assert_eq!(report["payloads_failed"], 1);
    assert_eq!(report["problems"], serde_json::json!({"NO_EVENTS": 1}));
    assert_eq!(report["first_problem"], "line 1: there are no events (NO_EVENTS)");
    let shown = summary.text(Duration::from_secs(1));
    assert!(shown.contains("refused") && !shown.contains("p50"), "there is nothing to measure: {shown}");
}

#[test]
fn where_a_profile_was_replaced_it_is_said_which_one_it_is_now() {
    let warning = v1::Warning { code: v1::WarningCode::ProfileReplaced.into(), ..v1::Warning::default() };
    let answer = v1::TrackResponse {
        profile: Some(v1::Profile { id: "prf_1".into(), ..v1::Profile::default() }),
        warnings: vec![warning],
        ..v1::TrackResponse::default()
    };
    let mut summary = Summary::default();
    summary.answered(&answer, 7, 0, Duration::from_millis(5));
    let shown = summary.text(Duration::from_secs(1));
    assert!(shown.contains("that of line 7 is now prf_1"), "{shown}");
}

#[test]
fn an_empty_file_is_nothing_to_send() {
    assert!(Summary::default().text(Duration::from_secs(1)).starts_with("nothing to send"));
}

#[test]
fn of_a_single_payload_it_is_told_what_came_of_waiting_and_what_fell_short_is_a_complaint() {
    use serde_json::json;
    use tributary_proto::raw::RawStruct;

    let event = |id: &str, wait: v1::WaitOutcome| v1::EventResult {
        event_id: id.into(),
        status: v1::EventStatus::Accepted.into(),
        reached: v1::WaitFor::Workflow.into(),
        wait: wait.into(),
        response: json!({"banner": id}).as_object().map(RawStruct::from_object),
        ..v1::EventResult::default()
    };
    let answer = |events: Vec<v1::EventResult>| v1::TrackResponse { events, ..v1::TrackResponse::default() };
    let mut summary = Summary::default();
    let took = Duration::from_millis(5);
    summary.answered(&answer(vec![event("e-1", v1::WaitOutcome::Reached)]), 1, 0, took);
    let shown = summary.text(took);
    assert!(shown.contains("\ne-1  reached workflow, answers {\"banner\":\"e-1\"}"), "{shown}");
    assert_eq!(summary.complaint(), None);

    summary.answered(&answer(vec![event("e-2", v1::WaitOutcome::TimedOut)]), 2, 0, took);
    assert!(!summary.text(took).contains("e-1"), "of several payloads only the sums are told");
    let complaint = "1 event had not come as far as was waited for (line 2, e-2: TIMED_OUT)";
    assert_eq!(summary.complaint().unwrap(), complaint);
    let report: serde_json::Value = serde_json::from_str(&summary.json(took)).unwrap();
    assert_eq!((&report["not_reached"], &report["first_response"]["banner"]), (&json!(1), &json!("e-1")));
    assert_eq!(report["first_not_reached"], "line 2, e-2: TIMED_OUT");
}
