//! What the checks between documents must let through.

use tributary_config::Config;

const SOURCES: &str = "kind: Source\nname: web\nspec: {write_keys: [{env: WEB_KEY}]}\n---\n\
                       kind: Source\nname: app\nspec: {write_keys: [{env: APP_KEY}]}\n---\n";

/// Nothing is said about `documents`.
#[track_caller]
fn is_right(documents: &str) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.yaml"), format!("{SOURCES}{documents}")).unwrap();
    if let Err(errors) = Config::load(dir.path()) {
        panic!("{errors}");
    }
}

/// A workflow of purchases with this condition.
fn deciding(condition: &str) -> String {
    format!(
        "kind: Workflow\nname: w\nspec:\n  trigger:\n    events: [purchase]\n    condition: {condition:?}\n  steps:\n    \
         - then: [{{path: segments.x, op: enter}}]\n---\n"
    )
}

const PURCHASE: &str = "kind: Schema\nname: purchase\nspec:\n  events: purchase\n  properties: {type: object}\n  \
                        examples:\n    - properties: {value: 10, name: Lamp}\n---\n";

#[test]
fn a_path_is_known_when_it_is_written_declared_or_the_meshs_own() {
    let writing = "kind: Mapping\nname: m\nspec:\n  events: [sign-up]\n  changes:\n    \
                   - {path: traits, op: set, from: properties.traits}\n    - {path: a.b.c, op: set, from: id}\n---\n\
                   kind: Fields\nname: f\nspec: {fields: {imported.orders: counter}}\n---\n";
    let condition = "profile.traits.any.depth == 1 && has(profile.a.b) && profile.imported.orders > 1 && \
                     profile.stats.visits.count > 1 && session.lows.first_event < session.highs.last_event && \
                     session.context.ip == '' && session.stats.counters.events > 1 && profile.segments.x";
    is_right(&format!("{writing}{}", deciding(condition)));
}

#[test]
fn a_part_of_the_event_may_be_missing_where_that_is_taken_care_of() {
    for condition in [
        "has(event.properties.gift) && event.properties.gift.startsWith('y')",
        "event.properties.?gift.orValue('no') == 'yes'",
        "event.properties.value > 100 && event.properties.gift == 'yes'",
    ] {
        is_right(&format!("{PURCHASE}{}", deciding(condition)));
    }
    let mapping = "kind: Mapping\nname: m\nspec:\n  events: [purchase]\n  changes:\n    \
                   - {path: a, op: set, from: properties.gift, default: no}\n    \
                   - {path: b, op: set, from: properties.gift, when: has(event.properties.gift)}\n    \
                   - {path: c, op: set, from: [properties.gift, properties.name]}\n    \
                   - {path: d, op: set, template: \"{{ event.properties.gift | default('none') }}\"}\n";
    is_right(&format!("{PURCHASE}{mapping}"));
}

#[test]
fn what_no_example_speaks_of_is_not_judged() {
    let without_examples = deciding("event.properties.gift == 'yes'");
    is_right(&without_examples);
    let other_type = "kind: Mapping\nname: m\nspec:\n  events: [purchase, refund]\n  changes:\n    \
                      - {path: a, op: set, from: properties.reason}\n";
    is_right(&format!("{PURCHASE}{other_type}"));
    let every_type = "kind: Mapping\nname: m\nspec:\n  events: \"*\"\n  changes:\n    \
                      - {path: a, op: set, from: properties.reason}\n    - {path: b, op: set, from: context.ip}\n";
    is_right(&format!("{PURCHASE}{every_type}"));
    is_right(&format!("{PURCHASE}{}", deciding("event.context.ip == '::1'")));
}

#[test]
fn a_profile_is_only_a_sample_and_decides_nothing() {
    let documents = "kind: Fields\nname: f\nspec: {fields: {count: counter, first: min}}\n---\n";
    is_right(&format!("{PURCHASE}{documents}{}", deciding("profile.first > 3 || profile.count > 3")));
    is_right(&format!("{PURCHASE}{documents}{}", deciding("profile.first < '2020' || profile.count > 3")));
}

#[test]
fn what_sources_keep_apart_does_not_clash() {
    let of = |source: &str| {
        format!(
            "kind: Schema\nname: {source}\nspec:\n  events: purchase\n  sources: [{source}]\n  properties: {{type: object}}\n---\n\
             kind: Mapping\nname: {source}\nspec:\n  events: [purchase]\n  sources: [{source}]\n  changes:\n    \
             - {{path: a, op: set, from: properties.{source}}}\n---\n"
        )
    };
    is_right(&format!("{}{}", of("web"), of("app")));
    let circle = |source: &str, from: &str, to: &str| {
        format!(
            "kind: Workflow\nname: {source}\nspec:\n  trigger: {{events: [{from}], sources: [{source}]}}\n  steps:\n    \
             - emit: [{{type: {to}}}]\n---\n"
        )
    };
    is_right(&format!("{}{}", circle("web", "a", "b"), circle("app", "b", "a")));
}

#[test]
fn changes_that_combine_or_have_a_condition_do_not_clash() {
    let mapping = |name: &str, change: &str| {
        format!("kind: Mapping\nname: {name}\nspec:\n  events: [purchase]\n  changes:\n    - {change}\n---\n")
    };
    for (one, other) in [
        ("{path: interests.x, op: increment, value: 1}", "{path: interests.x, op: increment, value: 2}"),
        ("{path: a, op: set, from: id}", "{path: a, op: set_if_absent, value: none}"),
        ("{path: a, op: set, from: id}", "{path: a, op: set, from: type, when: event.properties.value > 1}"),
    ] {
        is_right(&format!("{}{}", mapping("one", one), mapping("other", other)));
    }
}

#[test]
fn a_schema_with_openings_allows_other_properties() {
    for opening in
        ["patternProperties: {'^x': {}}", "allOf: [{properties: {gift: {}}}]", "additionalProperties: true"]
    {
        let schema = format!(
            "kind: Schema\nname: s\nspec:\n  events: purchase\n  properties: {{type: object, properties: {{value: {{}}}}, \
             {opening}}}\n---\n"
        );
        is_right(&format!("{schema}{}", deciding("event.properties.gift == 'yes'")));
    }
    let of_the_app = "kind: Schema\nname: s\nspec:\n  events: purchase\n  sources: [app]\n  properties: \
                      {additionalProperties: false, properties: {value: {}}}\n---\n";
    is_right(&format!("{of_the_app}{}", deciding("event.properties.gift == 'yes'")));
}
