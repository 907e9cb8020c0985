//! What a right configuration says.

use std::path::Path;

use serde_json::{Map, Value, json};
use tributary_model::{IntentOp, Kind, TenantId, Time};

use super::{SOURCE, directory, load};
use crate::{Config, EventView, Events, Revision, Sight, Target, WaitFor, read_directory, required_env};

fn example() -> Config {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/example");
    Config::load(&dir).unwrap_or_else(|errors| panic!("{errors}"))
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn view<'a>(
    event_type: &'a str,
    properties: &'a Map<String, Value>,
    context: &'a Map<String, Value>,
) -> EventView<'a> {
    let time: Time = "1997-01-01T00:00:00Z".parse().unwrap();
    EventView {
        id: "e1",
        event_type,
        time,
        received: time,
        source: "cdnow",
        session_id: None,
        properties,
        context,
    }
}

#[test]
fn the_example_is_right() {
    let config = example();
    let tenant = config.tenant(&TenantId::new("demo").unwrap()).unwrap();
    assert_eq!(config.tenants.len(), 1);
    assert!(config.tenant(&TenantId::new("other").unwrap()).is_none());
    assert_eq!(tenant.sources.len(), 2);
    let trusted: Vec<bool> = tenant.sources.values().map(|source| source.trust_profile_ids).collect();
    assert_eq!(trusted, [true, false]);
    assert_eq!(tenant.kinds.kind_of(&tributary_model::Path::new("purchases.first").unwrap()), Ok(Kind::Min));
    let workflows: Vec<&str> = tenant.workflows.iter().map(|workflow| workflow.name.as_str()).collect();
    let expected = [
        "abandoned-basket",
        "big-spender",
        "lead-score",
        "loyal-customer",
        "loyalty-points",
        "loyalty-tiers",
        "page-content",
        "payment-velocity",
        "welcome",
        "welcome-series",
    ];
    assert_eq!(workflows, expected);
    assert!(tenant.destinations.is_empty());
    assert_eq!((config.number, &config.revision[..2], config.revision.len()), (0, "0-", 10));
}

#[test]
fn the_example_destination_is_right_too() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/example");
    let destination = std::fs::read_to_string(example.join("destinations.yaml.example")).unwrap();
    let sources = std::fs::read_to_string(example.join("sources.yaml")).unwrap();
    let dir = directory(&[("d.yaml", &destination), ("s.yaml", &sources)]);
    assert_eq!(
        required_env(dir.path()).unwrap(),
        ["CRM_TOKEN", "TRIBUTARY_WRITE_KEY_CDNOW", "TRIBUTARY_WRITE_KEY_WEBSITE"]
    );
    let config = Config::load(dir.path()).unwrap();
    assert_eq!(config.header_env(), ["CRM_TOKEN"]);
    assert_eq!(config.write_key_env(), ["TRIBUTARY_WRITE_KEY_CDNOW", "TRIBUTARY_WRITE_KEY_WEBSITE"]);
}

#[test]
fn a_variable_that_a_header_shares_with_a_write_key_counts_as_the_headers() {
    let header = "kind: Destination\nname: d\nspec:\n  webhook: {url: \"http://localhost:1/x\", headers: {x: {env: KEY}}}\n";
    let dir = directory(&[("s.yaml", SOURCE), ("d.yaml", header)]);
    let config = Config::load(dir.path()).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!((config.write_key_env(), config.header_env()), (vec![], vec!["KEY".to_owned()]));
    assert_eq!(required_env(dir.path()).unwrap(), ["KEY"]);
}

#[test]
fn the_examples_of_the_documentation_are_right() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let pages = ["configuration.md", "scenarios.md"];
    let text: String = pages.iter().map(|page| std::fs::read_to_string(docs.join(page)).unwrap()).collect();
    let examples: Vec<&str> = text
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .filter(|example| !example.contains("  ...\n"))
        .collect();
    assert_eq!(examples.len(), crate::documents::KINDS.len() + 1, "one for each kind, and two workflows");
    // The scenario's source is the one of the example in deploy/example.
    let more = "kind: Source\nname: cdnow\nspec: {write_keys: [{env: KEY}]}\n";
    let all = [examples.join("---\n"), more.to_string()].join("---\n").replace("tenant: demo\n", "");
    let config = load(&[("docs.yaml", &all)]).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(config.tenants.len(), 1);
}

#[test]
fn a_mapping_makes_intents_of_its_events_only() {
    let config = example();
    let tenant = config.tenant(&TenantId::new("demo").unwrap()).unwrap();
    let mapping = tenant.mappings.iter().find(|mapping| mapping.name == "purchase").unwrap();
    let (properties, context) = (object(json!({"value": 29.33, "cds": null})), Map::new());
    let intents = mapping.make(&Sight::of_event(view("purchase", &properties, &context))).intents;
    let seen: Vec<(&str, IntentOp, Option<Value>)> =
        intents.iter().map(|intent| (intent.path.as_str(), intent.op, intent.value.clone())).collect();
    assert_eq!(
        seen,
        [
            ("purchases.count", IntentOp::Increment, Some(json!(1))),
            ("purchases.total", IntentOp::Increment, Some(json!(29.33))),
            ("purchases.first", IntentOp::Min, Some(json!("1997-01-01T00:00:00Z"))),
            ("purchases.last", IntentOp::Max, Some(json!("1997-01-01T00:00:00Z"))),
            ("purchases.largest", IntentOp::Max, Some(json!(29.33))),
        ],
        "a null property is no change"
    );
    assert!(mapping.make(&Sight::of_event(view("page-view", &properties, &context))).intents.is_empty());
}

#[test]
fn a_value_can_come_from_any_part_of_the_event() {
    let config = load(&[
        ("s.yml", SOURCE),
        (
            "deep/m.yaml",
            "kind: Mapping\nname: m\nspec:\n  events: \"*\"\n  target: session\n  changes:\n    \
             - {path: a, op: set, from: properties.address.city}\n    - {path: b, op: set, from: context.ip}\n    \
             - {path: c, op: set, from: id}\n    - {path: d, op: set, from: type}\n    \
             - {path: e, op: set, from: received}\n    - {path: f, op: set, from: source}\n    \
             - {path: g, op: set, from: session_id}\n    - {path: h, op: set, from: properties.address}\n    \
             - {path: i, op: set, from: properties.address.city.name}\n    - {path: j, op: set, value: {x: [1]}}\n",
        ),
    ])
    .unwrap_or_else(|errors| panic!("{errors}"));
    let mapping = &config.tenant(&TenantId::new("default").unwrap()).unwrap().mappings[0];
    assert_eq!((mapping.target, &mapping.events), (Target::Session, &Events::Any));
    let properties = object(json!({"address": {"city": "Oslo"}}));
    let context = object(json!({"ip": "::1"}));
    let values: Vec<(String, Value)> = mapping
        .make(&Sight::of_event(view("any", &properties, &context)))
        .intents
        .into_iter()
        .map(|intent| (intent.path.to_string(), intent.value.unwrap()))
        .collect();
    let expected = [
        ("a", json!("Oslo")),
        ("b", json!("::1")),
        ("c", json!("e1")),
        ("d", json!("any")),
        ("e", json!("1997-01-01T00:00:00Z")),
        ("f", json!("cdnow")),
        ("h", json!({"city": "Oslo"})),
        ("j", json!({"x": [1]})),
    ];
    assert_eq!(values, expected.map(|(path, value)| (path.to_string(), value)));
}

#[test]
fn the_revision_names_what_the_documents_say_wherever_they_stand() {
    let revision = |files: &[(&str, &str)]| load(files).unwrap_or_else(|errors| panic!("{errors}")).revision;
    let with_comment = format!("{SOURCE}# later\n");
    let base = revision(&[("a.yaml", SOURCE)]);
    assert_eq!(base, revision(&[("a.yaml", SOURCE), ("notes.md", "x"), (".hidden.yaml", "x: [")]));
    assert_eq!(base, revision(&[("b.yaml", SOURCE)]));
    assert_eq!(base, revision(&[("a.yaml", &with_comment)]));
    assert_ne!(base, revision(&[("a.yaml", &SOURCE.replace("KEY", "OTHER_KEY"))]));
}

#[test]
fn a_directory_its_documents_and_their_revision_are_one_configuration() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/example");
    let documents = read_directory(&dir).unwrap_or_else(|errors| panic!("{errors}"));
    let first = &documents[0];
    assert_eq!((&*first.tenant, &*first.kind, &*first.name), ("demo", "Fields", "basket"));
    let second = documents.iter().find(|document| document.name == "page-view").unwrap();
    let line = usize::try_from(second.line).unwrap();
    let file = std::fs::read_to_string(dir.join(&second.file)).unwrap();
    assert_eq!(file.lines().nth(line - 1), second.text.lines().next());

    let loaded = example();
    let mut backwards = documents.clone();
    backwards.reverse();
    let read = Config::from_documents(&backwards).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!((read.number, &read.revision), (0, &loaded.revision));
    assert_eq!(format!("{:?}", read.tenants), format!("{:?}", loaded.tenants));
    let revision = Revision::new(12, documents);
    let config = Config::of(&revision).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!((config.number, &config.revision), (12, &revision.id()));
    assert_eq!(config.revision.replace("12-", "0-"), loaded.revision);
}

#[test]
fn defaults_are_those_of_the_documentation() {
    let config = load(&[
        ("a.yaml", SOURCE),
        ("b.yaml", "kind: Destination\nname: d\nspec:\n  webhook: {url: \"http://localhost:1/x\"}\n"),
    ])
    .unwrap_or_else(|errors| panic!("{errors}"));
    let tenant = config.tenant(&TenantId::new("default").unwrap()).unwrap();
    let source = tenant.sources.values().next().unwrap();
    assert!(!source.trust_profile_ids && !source.waive_ids);
    assert_eq!(source.wait_for, WaitFor::Accepted);
    let destination = &tenant.destinations[0];
    assert_eq!(destination.webhook.timeout.as_secs(), 10);
    assert_eq!((destination.profiles.quiet.as_secs(), destination.profiles.longest_wait.as_secs()), (2, 30));
    assert_eq!(destination.retry.attempts, 5);
    assert_eq!((destination.retry.first.as_secs(), destination.retry.longest.as_secs()), (1, 300));
    assert_eq!(destination.concurrency, 8);
}

/// A workflow that reads what nothing writes, beside an example that its condition fails on.
const FAULTY: &str = "kind: Workflow\nname: w\nspec:\n  trigger: {events: [seen], condition: profile.gone > 1 && event.properties.value > 1}\n  \
                      steps: [{then: [{path: traits.a, op: set, value: 1}]}]\n---\nkind: Schema\nname: seen\nspec:\n  events: seen\n  \
                      properties: {type: object, required: [value]}\n  examples: [{properties: {}}]\n";

#[test]
fn a_published_revision_is_taken_whatever_is_found_wrong_with_examples_and_paths() {
    let folder = directory(&[("web.yaml", SOURCE), ("a.yaml", FAULTY)]);
    let documents = read_directory(folder.path()).unwrap();
    let errors = Config::from_documents(&documents).unwrap_err().to_string();
    assert!(errors.contains("the example does not fit"), "{errors}");
    let revision = Revision::new(3, documents);
    let config = Config::of(&revision).unwrap();
    let published = Config::from_bytes(&revision.to_bytes()).unwrap();
    for config in [config, published] {
        let tenant = config.tenant(&TenantId::new("default").unwrap()).unwrap();
        assert_eq!((config.number, tenant.workflows.len(), tenant.schemas[0].examples.len()), (3, 1, 0));
    }
}

#[test]
fn a_published_revision_that_cannot_be_run_is_refused() {
    let folder = directory(&[("web.yaml", SOURCE), ("a.yaml", &FAULTY.replace("traits.a", "interests.a"))]);
    let revision = Revision::new(3, read_directory(folder.path()).unwrap());
    let errors = Config::of(&revision).unwrap_err().to_string();
    assert!(errors.contains("`set` does not work on `interests.a`"), "{errors}");
}
