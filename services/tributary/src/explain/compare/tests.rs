use prost::Message as _;
use serde_json::json;
use tributary_proto::{raw::RawStruct, v1};
use tributary_workflow::subject::Subject;

use super::{fetch::Known, *};
use crate::{
    fake::{Fake, Script},
    out::{Color, Style},
};

const SHOP: &str = "kind: Source
name: shop
tenant: t
spec: {write_keys: [{env: KEY}], trust_profile_ids: true}
---
kind: Fields
name: shop
tenant: t
spec: {fields: {points: counter}}
";

fn workflow(condition: &str, amount: u32) -> String {
    format!(
        "---
kind: Workflow
name: points
tenant: t
spec:
  trigger: {{events: [purchase]}}
  nodes:
    - name: enough
      if: {condition}
      to: {{yes: give}}
    - name: give
      increment: {{points: {amount}}}
"
    )
}

fn config(more: &str) -> Config {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("all.yaml"), format!("{SHOP}{more}")).unwrap();
    Config::load(folder.path()).unwrap_or_else(|errors| panic!("{errors}"))
}

fn purchase(number: u32, value: u32) -> Subject {
    let properties = RawStruct::from_object(json!({"value": value}).as_object().unwrap());
    let message = v1::Event {
        id: format!("e{number}"),
        tenant: "t".into(),
        profile_id: "p".into(),
        source: "shop".into(),
        r#type: "purchase".into(),
        time: Some(prost_types::Timestamp { seconds: number.into(), nanos: 0 }),
        properties: Some(properties),
        ..v1::Event::default()
    };
    Subject::decode(&message.encode_to_vec()).unwrap()
}

fn tallied(running: &Config, changed: &Config, events: &[Subject], known: &Known) -> Tally {
    let tenant = TenantId::new("t").unwrap();
    let side = |config| Side { tenant: Config::tenant(config, &tenant).unwrap() };
    let (running, changed) = (side(running), side(changed));
    let mut past = Past::default();
    events.iter().for_each(|event| past.add(&event.profile, &event.message));
    let mut tally = Tally::default();
    for event in events {
        let known = known.of(event);
        tally.add(event, running.did(event, &known, &past, None), changed.did(event, &known, &past, None));
    }
    tally
}

fn asked(directory: &Path) -> Asked<'_> {
    Asked { directory, event_type: "purchase", workflow: None, profile: None, limit: 10 }
}

#[test]
fn ways_and_results_are_counted_side_by_side_with_the_events_that_differ() {
    let running = config(&workflow("event.properties.value >= 10", 1));
    let changed = config(&workflow("event.properties.value >= 20", 1));
    let mut events: Vec<Subject> = (1..=4).map(|number| purchase(number, number * 8)).collect();
    events.push(purchase(5, 100));
    events[4].message.historical = true;
    let known = Known::default();
    let tally = tallied(&running, &changed, &events, &known);
    let yes = &tally.paths[&("points".to_owned(), "enough:yes give:done".to_owned())];
    assert_eq!((yes.running, yes.changed, yes.difference()), (3, 2, -1));
    let no = &tally.paths[&("points".to_owned(), "enough:no".to_owned())];
    assert_eq!((no.running, no.changed), (1, 2));
    let points = &tally.results[&("points".to_owned(), "points increment".to_owned())];
    assert_eq!((points.running, points.changed), (3, 2));
    assert_eq!((tally.differ, tally.left_out), (1, 1));
    let samples: Vec<&str> = yes.samples().iter().map(|sample| sample.event_id.as_str()).collect();
    assert_eq!(samples, ["e2"], "16 is enough for one of them only");

    let asked = asked(Path::new("shop"));
    let told = Told { asked: &asked, revision: "3-aa".into(), events, profiles: 1, tally };
    let text = told.text(Style::new(Color::Never, false));
    for part in [
        "5 events of purchase",
        "in force is revision 3-aa, compared with shop",
        "1 event that no workflow sees",
        "points    enough:no",
        "they differ for 1 of 5 events",
        "profiles and sessions are as they are now",
    ] {
        assert!(text.contains(part), "`{part}` is missing in: {text}");
    }
    let shown = told.for_programs();
    assert_eq!(shown["paths"][1]["difference"], json!(-1));
    assert_eq!(shown["results"][0]["samples"][0], json!({"event_id": "e2", "profile_id": "p"}));
}

#[test]
fn the_profile_counts_as_it_is_now_without_what_nodes_remember() {
    let more = "---
kind: Workflow
name: once
tenant: t
spec:
  trigger: {events: [purchase]}
  nodes:
    - {name: first-time, run_once: {}, to: {first: enough}}
    - {name: enough, if: profile.points >= 5, to: {yes: tell}}
    - {name: tell, emit: {type: told}}
";
    let config = config(more);
    let shown = json!({"points": 7, "stats": {"visits": {"count": 3}}, "workflows": {"times": {"once": {"first-time": 1}}}});
    let profile = tributary_model::ProfileId::new("p").unwrap();
    let profiles = [(profile, shown.as_object().unwrap().clone())].into_iter().collect();
    let known = Known { profiles, ..Known::default() };
    let tally = tallied(&config, &config, &[purchase(1, 1)], &known);
    let ways: Vec<&str> = tally.paths.keys().map(|(_, path)| path.as_str()).collect();
    assert_eq!(ways, ["first-time:first enough:yes tell:done"]);
    assert_eq!(tally.results.keys().map(|(_, what)| what.as_str()).collect::<Vec<_>>(), ["emits told"]);
    assert_eq!(tally.differ, 0);
}

#[test]
fn a_step_is_told_with_which_of_its_two_ways_was_taken() {
    let steps = "---
kind: Workflow
name: big
tenant: t
spec:
  trigger: {events: [purchase]}
  steps:
    - name: announce
      when: event.properties.value > 10
      then: [{path: points, op: increment, value: 2}]
      otherwise: [{path: points, op: increment, value: 1}]
    - {name: always, emit: [{type: bought}]}
";
    let config = config(steps);
    let tally = tallied(&config, &config, &[purchase(1, 11), purchase(2, 1)], &Known::default());
    let ways: Vec<&str> = tally.paths.keys().map(|(_, path)| path.as_str()).collect();
    assert_eq!(ways, ["announce:otherwise always:done", "announce:then always:done"]);
}

#[test]
fn what_is_configured_and_not_in_the_directory_stays() {
    let document = |kind: &str, name: &str, tenant: &str, text: &str| Document {
        tenant: tenant.into(),
        kind: kind.into(),
        name: name.into(),
        file: "f.yaml".into(),
        line: 1,
        text: text.into(),
    };
    let configured = [document("Source", "shop", "t", "old"), document("Workflow", "w", "t", "old")];
    let own = vec![
        document("Workflow", "w", "t", "new"),
        document("Scenario", "s", "t", "new"),
        document("Workflow", "w", "another", "new"),
    ];
    let all = overlaid(&configured, own);
    let told: Vec<(&str, &str)> = all.iter().map(|one| (one.kind.as_str(), one.text.as_str())).collect();
    assert_eq!(told, [("Source", "old"), ("Workflow", "new")]);
}

#[tokio::test]
async fn all_pages_are_read_and_every_profile_once() {
    let document = |kind: &str, name: &str, text: &str| v1::Document {
        tenant: "t".into(),
        kind: kind.into(),
        name: name.into(),
        file: "all.yaml".into(),
        line: 1,
        text: text.into(),
    };
    let running = workflow("event.properties.value >= 10", 1);
    let parts: Vec<&str> = SHOP.split("---\n").collect();
    let script = Script {
        documents: vec![
            document("Source", "shop", parts[0]),
            document("Fields", "shop", parts[1]),
            document("Workflow", "points", running.trim_start_matches("---\n")),
        ],
        // Newest first.
        events: (1..=5).rev().map(|number| purchase(number, number * 8).message).collect(),
        profiles: vec![v1::Profile { id: "p".into(), ..v1::Profile::default() }],
        ..Script::default()
    };
    let fake = Fake::start(script);
    let mesh = Mesh::with(&[("TRIBUTARY_PROFILES_URL", &fake.url()), ("TRIBUTARY_ADMIN_KEY", "key")]);
    let folder = tempfile::tempdir().unwrap();
    let changed = workflow("event.properties.value >= 20", 1);
    std::fs::write(folder.path().join("w.yaml"), changed.trim_start_matches("---\n")).unwrap();
    let globals = Globals { tenant: None, color: Color::Never };

    let few = Asked { limit: 3, ..asked(folder.path()) };
    let told = told(&mesh, &few, &globals).await.unwrap().for_programs();
    assert_eq!((&told["events"], &told["profiles"]), (&json!(3), &json!(1)), "the newest three: {told}");
    assert_eq!(told["from"], "1970-01-01T00:00:03Z");
    let all = asked(folder.path());
    let told = super::told(&mesh, &all, &globals).await.unwrap().for_programs();
    assert_eq!((&told["events"], &told["differ"], &told["revision"]), (&json!(5), &json!(1), &json!("3-aa")));
    let other = Asked { workflow: Some("pionts"), ..asked(folder.path()) };
    let said = super::told(&mesh, &other, &globals).await.err().unwrap().to_string();
    assert!(said.starts_with("there is no workflow pionts"), "{said}");
    let none = Asked { event_type: "unheard-of", ..asked(folder.path()) };
    let said = super::told(&mesh, &none, &globals).await.err().unwrap().to_string();
    assert_eq!(said, "no events of type unheard-of are stored");
}
