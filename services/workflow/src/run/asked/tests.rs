use super::*;
use tributary_runtime::ServiceError;

fn request() -> v1::RunRequest {
    v1::RunRequest {
        request_id: "call-1".into(),
        source: "website".into(),
        event_type: "purchase".into(),
        profile_id: "ann".into(),
        ..v1::RunRequest::default()
    }
}

fn asked(request: v1::RunRequest) -> Result<Asked, RunError> {
    Asked::of(TenantId::new("demo").unwrap(), request)
}

fn document(value: serde_json::Value) -> Option<RawStruct> {
    value.as_object().map(RawStruct::from_object)
}

#[test]
fn a_recorded_run_becomes_the_payload_of_one_event_named_by_its_call() {
    let asked = asked(v1::RunRequest { session_id: "s".into(), ..request() }).unwrap();
    let call = EventId::new("call-1").unwrap();
    assert_eq!(asked.how, How::Recorded { request_id: call.clone() });
    let source = asked.source(None).unwrap();
    let payload = asked.payload(&source, &call);
    assert_eq!((payload.request_id.as_str(), payload.session_id.as_str()), ("call-1", "s"));
    assert_eq!((payload.events.len(), payload.events[0].id.as_str()), (1, ""));
}

#[test]
fn what_is_missing_or_cannot_be_is_named() {
    let long = "x".repeat(129);
    let dry = v1::RunRequest { dry_run: true, ..request() };
    for (request, reason, path) in [
        (v1::RunRequest { request_id: String::new(), ..request() }, "REQUEST_ID_REQUIRED", "request_id"),
        (v1::RunRequest { request_id: long.clone(), ..request() }, "INVALID_ID", "request_id"),
        (v1::RunRequest { event_type: long, ..request() }, "INVALID_TYPE", "event_type"),
        (v1::RunRequest { event_type: "a\nb".into(), ..request() }, "INVALID_TYPE", "event_type"),
        (v1::RunRequest { event_type: String::new(), ..request() }, "EVENT_TYPE_REQUIRED", "event_type"),
        (v1::RunRequest { profile_id: String::new(), ..request() }, "PROFILE_REQUIRED", "profile_id"),
        (v1::RunRequest { answers: document(serde_json::json!({})), ..request() }, "DRY_RUN_ONLY", "answers"),
        (
            v1::RunRequest { answers: document(serde_json::json!({"a": 1})), ..dry },
            "INVALID_ANSWER",
            "answers.a",
        ),
    ] {
        let problem = asked(request).unwrap_err().problem();
        assert_eq!((problem.reason, problem.violations[0].0.as_str()), (reason, path));
    }
}

#[test]
fn a_workflow_alone_is_run_for_an_event_of_a_type_of_its_own() {
    let request = v1::RunRequest { event_type: String::new(), workflow: "greet".into(), ..request() };
    let asked = asked(request).unwrap();
    let payload = asked.payload(&asked.source(None).unwrap(), &EventId::new("call-1").unwrap());
    assert_eq!(payload.events[0].r#type, "workflow-run");
}

#[test]
fn a_stored_event_fills_in_what_is_not_said_anew() {
    let stored = v1::Event {
        r#type: "purchase".into(),
        profile_id: "bob".into(),
        session_id: "s-bob".into(),
        source: "till".into(),
        properties: document(serde_json::json!({"value": 1})),
        ..v1::Event::default()
    };
    let by_id =
        v1::RunRequest { request_id: "call-1".into(), event_id: "e".into(), ..v1::RunRequest::default() };
    let payload = |request| {
        let mut asked = asked(request).unwrap();
        asked.take_over(&stored);
        asked.payload(&asked.source(None).unwrap(), &EventId::new("call-1").unwrap())
    };
    let whole = payload(by_id.clone());
    assert_eq!(
        (whole.profile_id.as_str(), whole.session_id.as_str(), whole.source.as_str()),
        ("bob", "s-bob", "till")
    );
    assert_eq!(
        (whole.events[0].r#type.as_str(), &whole.events[0].properties),
        ("purchase", &stored.properties)
    );
    let anew = payload(v1::RunRequest {
        profile_id: "ann".into(),
        properties: document(serde_json::json!({"value": 2})),
        ..by_id
    });
    assert_eq!(
        (anew.profile_id.as_str(), anew.session_id.as_str()),
        ("ann", ""),
        "the session is another profile's"
    );
    assert_ne!(anew.events[0].properties, stored.properties);
}

#[test]
fn a_dry_run_needs_no_id_no_source_where_there_is_only_one_and_no_profile_where_one_is_given() {
    let open = v1::RunRequest {
        request_id: String::new(),
        source: String::new(),
        profile_id: String::new(),
        profile: document(serde_json::json!({"loyalty": {"points": 3}})),
        ..request()
    };
    let dry = asked(v1::RunRequest { dry_run: true, ..open }).unwrap();
    let How::Dry { request_id: None, inline: Some(fields), .. } = &dry.how else { panic!("{:?}", dry.how) };
    assert_eq!(fields["loyalty"]["points"], 3);
    let tenant = |sources: &[&str]| {
        let document =
            |name| format!("kind: Source\nname: {name}\nspec: {{write_keys: [{{env: {name}}}]}}\n");
        let text: Vec<String> = sources.iter().map(document).collect();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("all.yaml"), text.join("---\n")).unwrap();
        tributary_config::Config::load(folder.path()).unwrap()
    };
    let source = |sources: &[&str]| {
        let config = tenant(sources);
        let source = dry.source(config.tenant(&TenantId::new("default").unwrap()));
        source.map(|source| source.to_string()).map_err(|error| error.problem())
    };
    assert_eq!(source(&["till"]).unwrap(), "till");
    let which = source(&["till", "web"]).unwrap_err();
    assert_eq!((which.reason, which.violations[0].0.as_str()), ("SOURCE_REQUIRED", "source"));
    assert!(which.violations[0].1.contains("till, web"), "{:?}", which.violations);
    assert_eq!(dry.source(None).unwrap_err().problem().reason, "SOURCE_UNKNOWN");
}
