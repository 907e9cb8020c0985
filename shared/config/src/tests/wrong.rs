//! The exact words for what is wrong.

use super::{SOURCE, load};
use crate::{Config, required_env};

/// What is said about `document` when it stands beside a source, in `a.yaml`.
fn said_of(document: &str) -> String {
    load(&[("a.yaml", document), ("source.yaml", SOURCE)]).expect_err("it is wrong").to_string()
}

#[test]
fn a_directory_that_is_missing_or_empty_is_said_plainly() {
    let missing = Config::load(std::path::Path::new("no/such/place")).unwrap_err();
    assert_eq!(missing.to_string(), "no/such/place: no such directory");
    let dir = super::directory(&[("readme.txt", "nothing")]);
    let shown = dir.path().display();
    assert_eq!(
        Config::load(dir.path()).unwrap_err().to_string(),
        format!("{shown}: no *.yaml or *.yml file in this directory")
    );
    assert!(required_env(dir.path()).is_err());
    let dir = super::directory(&[("a.yaml", "# nothing yet\n---\n")]);
    let shown = dir.path().display();
    assert_eq!(
        Config::load(dir.path()).unwrap_err().to_string(),
        format!("{shown}: the files hold no documents")
    );
}

#[test]
fn broken_yaml_says_where_and_the_next_document_is_read_all_the_same() {
    let said = said_of("kind: Source\nname: [a\nspec: {}\n---\nkind: Sauce\nname: b\nspec: {}\n");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 2, "{said}");
    assert!(lines[0].starts_with("a.yaml:"), "{said}");
    assert_eq!(
        lines[1],
        "a.yaml:5:7: unknown kind \"Sauce\"; the kinds are Source, Fields, Schema, Mapping, Workflow, Destination, Scenario; did you \
         mean Source?"
    );
}

#[test]
fn an_unknown_field_is_told_with_the_ones_there_are() {
    assert_eq!(
        said_of("kind: Source\nname: shop\nspec:\n  write_keys: [{env: A}]\n  trusted: true\n"),
        "a.yaml:5:3: Source shop: unknown field `trusted`; there are write_keys, trust_profile_ids, waive_ids, wait_for"
    );
}

#[test]
fn what_answers_wait_for_is_one_of_four_words() {
    assert_eq!(
        said_of("kind: Source\nname: shop\nspec:\n  write_keys: [{env: A}]\n  wait_for: deliverd\n"),
        "a.yaml:5:13: Source shop: unknown wait_for `deliverd`; there are accepted, workflow, stored, delivered; did you \
         mean delivered?"
    );
}

#[test]
fn names_are_lowercase_words_with_hyphens() {
    assert_eq!(
        said_of("kind: Source\nname: My_Shop\nspec:\n  write_keys: [{env: A}]\n"),
        "a.yaml:2:7: Source My_Shop: the name \"My_Shop\" must be lowercase letters, digits and single hyphens, \
         start with a letter, and have at most 64 characters"
    );
}

#[test]
fn the_same_document_twice_is_told_with_the_place_of_the_first() {
    let again = format!("# a copy\n{SOURCE}");
    assert_eq!(
        load(&[("a.yaml", SOURCE), ("b.yaml", &again)]).unwrap_err().to_string(),
        "b.yaml:3:7: Source web: tenant default has a Source web already, at a.yaml:2"
    );
}

#[test]
fn a_directory_is_read_with_its_headings_checked_and_its_specs_not() {
    let again = format!("# a copy\n{SOURCE}");
    let dir = super::directory(&[
        ("a.yaml", SOURCE),
        ("b.yaml", &again),
        ("c.yaml", "kind: Mapping\nname: B\nspec: {}\n---\nkind: Mapping\nname: m\nspec: {wrong: all}\n"),
    ]);
    assert_eq!(
        crate::read_directory(dir.path()).unwrap_err().to_string(),
        "b.yaml:3:7: Source web: tenant default has a Source web already, at a.yaml:2\n\
         c.yaml:2:7: Mapping B: the name \"B\" must be lowercase letters, digits and single hyphens, start with a \
         letter, and have at most 64 characters"
    );
}

#[test]
fn a_document_that_is_not_what_it_was_given_as_is_refused() {
    let dir = super::directory(&[("a.yaml", &format!("# first\n---\n# mine\n{SOURCE}"))]);
    let mut documents = crate::read_directory(dir.path()).unwrap();
    assert_eq!(documents[0].line, 3);
    documents[0].tenant = "victim".into();
    assert_eq!(
        Config::from_documents(&documents).unwrap_err().to_string(),
        "a.yaml:5:7: Source web: was given as Source web of tenant victim, which it does not say it is"
    );
    documents[0].line = u64::MAX;
    assert!(Config::from_documents(&documents).is_err());
}

#[test]
fn an_operation_of_another_kind_is_refused_with_advice() {
    assert_eq!(
        said_of(
            "kind: Mapping\nname: purchase\nspec:\n  events: [purchase]\n  changes:\n    \
             - {path: purchases.count, op: increment, value: 1}\n    \
             - {path: segments.loyal, op: set, value: 1}\n    \
             - {path: metrics.x, op: set, value: 1}\n"
        ),
        "a.yaml:6:14: Mapping purchase: `increment` does not work on `purchases.count`, which is a register; use set, \
         unset, set_if_absent or replace; or declare the kind of `purchases.count` in a Fields document\n\
         a.yaml:7:14: Mapping purchase: `set` does not work on `segments.loyal`, which is a flag; use grant, revoke, \
         enter or leave\n\
         a.yaml:8:14: Mapping purchase: `metrics.x`: metrics cannot be changed by events yet; use another path"
    );
}

#[test]
fn operands_are_checked_against_their_operation() {
    assert_eq!(
        said_of(
            "kind: Mapping\nname: m\nspec:\n  events: [a]\n  changes:\n    \
             - {path: interests.jazz, op: increment, value: many}\n    \
             - {path: interests.jazz, op: increment}\n    \
             - {path: segments.x, op: enter, value: 1}\n    \
             - {path: a, op: set, value: 1, from: id}\n    \
             - {path: a, op: set, value: null}\n    \
             - {path: a, op: set, from: property.x}\n    \
             - {path: a, op: set, expr: profile.type}\n    \
             - {path: a..b, op: set, value: 1}\n"
        ),
        "a.yaml:6:14: Mapping m: `interests.jazz` takes a number; send a JSON number, not text or a boolean\n\
         a.yaml:7:34: Mapping m: increment needs a value\n\
         a.yaml:8:30: Mapping m: enter takes no value\n\
         a.yaml:9:14: Mapping m: a: give one of value, from, each, template and expr\n\
         a.yaml:10:21: Mapping m: set needs a value\n\
         a.yaml:11:32: Mapping m: cannot take a value from \"property.x\": write properties.<path>, context.<path>, id, \
         type, time, received, source or session_id; did you mean properties.x?\n\
         a.yaml:12:32: Mapping m: expr: profile cannot be used here: a mapping sees the event only; decide about profiles in a workflow\n\
         a.yaml:13:14: Mapping m: every part of a path needs a name"
    );
}

#[test]
fn an_unknown_operation_is_told_with_the_ones_there_are() {
    assert_eq!(
        said_of("kind: Mapping\nname: m\nspec:\n  events: [a]\n  changes: [{path: a, op: put, value: 1}]\n"),
        "a.yaml:5:27: Mapping m: unknown operation `put`; there are set, unset, set_if_absent, replace, increment, \
         decrement, reset, min, max, add_to_set, remove_from_set, clear, append, grant, revoke, enter, leave"
    );
}

#[test]
fn wrong_cel_is_told_at_its_place() {
    assert_eq!(
        said_of(
            "kind: Workflow\nname: w\nspec:\n  trigger:\n    events: [a]\n    condition: profle.count > 1\n  steps:\n    \
             - when: lower(event.type) == 'a'\n      then:\n        - {path: a, op: set, expr: 1 +}\n      \
             emit: [{type: made, properties: {x: {expr: nothing}}}]\n    - name: idle\n    \
             - otherwise: [{path: b, op: set, value: 1}]\n"
        )
        .lines()
        .filter(|line| !line.contains("not a CEL expression"))
        .collect::<Vec<_>>()
        .join("\n"),
        "a.yaml:6:16: Workflow w: condition: unknown name profle: an expression can use event, profile, session and \
         now; did you mean profile?\n\
         a.yaml:8:13: Workflow w: when: unknown function lower\n\
         a.yaml:11:43: Workflow w: x: expr: unknown name nothing: an expression can use event, profile, session, memory \
         and now\n\
         a.yaml:12:7: Workflow w: a step without then, otherwise and emit does nothing\n\
         a.yaml:13:7: Workflow w: otherwise needs a when: without one the step is always taken"
    );
}

#[test]
fn fields_that_contradict_each_other_are_told_at_the_later_one() {
    assert_eq!(
        said_of(
            "kind: Fields\nname: f\nspec:\n  fields:\n    a.b: counter\n    a.b.c: set\n    segments.x: counter\n    \
             x: many\n"
        ),
        "a.yaml:8:8: Fields f: unknown kind `many`; there are register, counter, min, max, set, list, flag, \
         visits"
    );
    assert_eq!(
        said_of(
            "kind: Fields\nname: f\nspec:\n  fields:\n    a.b: counter\n    a.b.c: set\n    segments.x: counter\n---\n\
             kind: Fields\nname: g\nspec:\n  fields:\n    a.b: set\n"
        ),
        "a.yaml:6:5: Fields f: `a.b.c` lies below `a.b`, which is declared as another kind; kinds do not mix\n\
         a.yaml:7:5: Fields f: `segments.x` lies in the namespace `segments`, which has a kind of its own; declare a \
         path elsewhere\n\
         a.yaml:13:5: Fields g: a.b is declared by Fields f already"
    );
}

#[test]
fn a_destination_that_could_not_work_is_told_in_full() {
    assert_eq!(
        said_of(
            "kind: Destination\nname: crm\nspec:\n  webhook:\n    url: ftp://crm.example.com\n    headers:\n      \
             A b: {value: x}\n      Key: {env: 1KEY}\n    timeout: 0s\n  profiles: {quiet: 1m, longest_wait: 30s}\n  \
             retry: {attempts: 0, first: soon}\n  concurrency: 1000\n"
        ),
        "a.yaml:5:10: Destination crm: the url's scheme is ftp, only http and https can be delivered to\n\
         a.yaml:7:12: Destination crm: \"A b\" cannot be the name of a header\n\
         a.yaml:8:12: Destination crm: Key: env: this cannot be the name of an environment variable: letters, digits and underscores\n\
         a.yaml:9:14: Destination crm: timeout must be between 1ms and 5m\n\
         a.yaml:10:13: Destination crm: quiet is longer than longest_wait, so it would never be reached\n\
         a.yaml:11:21: Destination crm: attempts must be between 1 and 100\n\
         a.yaml:11:31: Destination crm: first: \"soon\" is not a duration like 500ms, 10s or 5m\n\
         a.yaml:12:16: Destination crm: concurrency must be between 1 and 256"
    );
}

#[test]
fn a_tenant_that_no_event_can_reach_is_told() {
    assert_eq!(
        said_of("kind: Fields\nname: f\ntenant: dmeo\nspec:\n  fields: {a: counter}\n"),
        "a.yaml:2:7: Fields f: tenant dmeo has no Source, so no event could ever reach it"
    );
}

#[test]
fn events_are_named_or_all() {
    assert_eq!(
        said_of("kind: Mapping\nname: m\nspec:\n  events: []\n  changes: [{path: a, op: unset}]\n"),
        "a.yaml:4:11: Mapping m: events is empty: name the event types, or write \"*\" for all"
    );
    assert_eq!(
        said_of("kind: Mapping\nname: m\nspec:\n  events: [\"*\", a]\n  changes: [{path: a, op: unset}]\n"),
        "a.yaml:4:11: Mapping m: event type *: * stands alone, for all types"
    );
}
