use std::collections::BTreeSet;

use tributary_config::plan_for;
use tributary_runtime::ServiceError as _;

use super::*;

fn document(tenant: &str, kind: &str, name: &str, spec: &str) -> Document {
    let text = format!("kind: {kind}\nname: {name}\ntenant: {tenant}\nspec: {spec}\n");
    Document {
        tenant: tenant.to_owned(),
        kind: kind.to_owned(),
        name: name.to_owned(),
        file: format!("{name}.yaml"),
        line: 1,
        text,
    }
}

fn source(tenant: &str, key: &str) -> Document {
    document(tenant, "Source", "website", &format!("{{write_keys: [{{env: {key}}}]}}"))
}

fn destination(tenant: &str, secret: &str) -> Document {
    let spec = format!("{{webhook: {{url: 'https://x.example', headers: {{Authorization: {secret}}}}}}}");
    document(tenant, "Destination", "crm", &spec)
}

fn mapping(tenant: &str, name: &str, op: &str) -> Document {
    let spec = format!("{{events: [a], changes: [{{path: x, op: {op}, value: 1}}]}}");
    document(tenant, "Mapping", name, &spec)
}

fn judged(current: &[Document], wanted: &[Document], prune: bool) -> Result<(), Vec<Wrong>> {
    let tenants: BTreeSet<String> = wanted.iter().map(|document| document.tenant.clone()).collect();
    let current = Kept { number: 1, id: "1-a".to_owned(), documents: current.to_vec() };
    let plan = plan_for(&tenants, &current.documents, wanted, prune);
    let intent = Intent {
        tenants,
        documents: wanted.to_vec(),
        prune,
        dry_run: false,
        base: String::new(),
        note: String::new(),
    };
    match judge(&current, &intent, &plan) {
        Ok(()) => Ok(()),
        Err(ConfigurationError::Invalid(wrong)) => Err(wrong),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn errors_have_the_places_of_the_callers_files_and_mark_what_is_not_among_them() {
    let current = [source("demo", "KEY_A"), mapping("demo", "old", "increment")];
    // Right as a counter and wrong without the declaration, which this takes away.
    let fields = document("demo", "Fields", "f", "{fields: {x: counter}}");
    let before = [&current[..], &[fields]].concat();
    let after = document("demo", "Fields", "f", "{fields: {y: counter}}");
    let wrong = judged(&before, &[after, mapping("demo", "new", "mni")], false).unwrap_err();
    assert!(wrong.iter().any(|wrong| wrong.place.starts_with("new.yaml:4:")), "{wrong:?}");
    assert!(wrong.iter().any(|wrong| wrong.what.starts_with("Mapping new: ")), "{wrong:?}");
    let configured = wrong.iter().find(|wrong| wrong.place.starts_with("(configured) old.yaml:4:"));
    assert!(configured.is_some(), "{wrong:?}");
}

#[test]
fn what_is_wrong_with_another_tenants_documents_hinders_nobody() {
    let current = [source("other", "KEY_B"), mapping("other", "bad", "gone")];
    judged(&current, &[source("demo", "KEY_A")], true).unwrap();
}

#[test]
fn a_scenario_is_refused_also_where_nothing_else_changes() {
    let current = [source("demo", "KEY_A")];
    let scenario = document("demo", "Scenario", "buys", "{}");
    let wrong = judged(&current, &[current[0].clone(), scenario], false).unwrap_err();
    assert_eq!((wrong.len(), wrong[0].place.as_str()), (1, "buys.yaml:1:1"));
}

#[test]
fn a_document_that_is_another_one_than_it_says_is_refused() {
    let mut smuggled = mapping("other", "m", "set");
    smuggled.tenant = "demo".to_owned();
    assert!(judged(&[], &[source("demo", "KEY_A"), smuggled], false).is_err());
    let mut two = source("demo", "KEY_A");
    two.text.push_str("---\nkind: Source\nname: second\ntenant: other\nspec: {write_keys: [{env: KEY_B}]}\n");
    assert!(judged(&[], &[two], false).is_err());
}

#[test]
fn secrets_of_the_mesh_and_of_others_cannot_be_named() {
    let foreign = [source("other", "KEY_B"), destination("other", "{env: CRM_TOKEN}")];
    let own = source("demo", "KEY_A");
    for secret in ["{env: TRIBUTARY_ADMIN_KEYS}", "{env: PGPASSWORD}", "{env: KEY_B}", "{env: CRM_TOKEN}"] {
        let wrong = judged(&foreign, &[own.clone(), destination("demo", secret)], false).unwrap_err();
        assert!(wrong[0].what.starts_with("Destination crm: "), "{secret}: {wrong:?}");
    }
    assert!(judged(&foreign, &[source("demo", "KEY_B")], false).is_err());
    judged(&foreign, &[own.clone(), destination("demo", "{env: DEMO_TOKEN}")], false).unwrap();
}

fn source_of(tenant: &str, name: &str, key: &str) -> Document {
    document(tenant, "Source", name, &format!("{{write_keys: [{key}]}}"))
}

#[test]
fn another_tenants_secret_is_theirs_however_it_is_written() {
    let foreign = [source_of("other", "web", "{file: app/key}"), destination("other", "{env: CRM_TOKEN}")];
    for (secret, written) in [
        ("{file: app/key}", "app/key"),
        ("{file: app//key}", "app//key"),
        ("{file: /run/secrets/app/key}", "/run/secrets/app/key"),
        ("{file: CRM_TOKEN}", "CRM_TOKEN"),
        ("{file: /run//secrets/CRM_TOKEN}", "/run//secrets/CRM_TOKEN"),
    ] {
        let wrong = judged(&foreign, &[source_of("demo", "web", secret)], false).unwrap_err();
        let told = &wrong[0].what;
        assert!(
            told.starts_with(&format!("Source web: {written} ")) && told.contains("another tenant"),
            "{told}"
        );
    }
    judged(&foreign, &[source_of("demo", "web", "{file: app/other}")], false).unwrap();
}

/// A workflow whose one node, of the kind that is given, may be the body of a for-each.
fn workflow(tenant: &str, node: &str, repeated: bool) -> Document {
    let node = format!("{{name: ask, {node}}}");
    let node = if repeated {
        format!("{{name: each, for_each: {{items: event.properties.items, nodes: [{node}]}}}}")
    } else {
        node
    };
    document(tenant, "Workflow", "asks", &format!("{{trigger: {{events: a}}, nodes: [{node}]}}"))
}

fn asking(tenant: &str, secret: &str, repeated: bool) -> Document {
    let node = format!(
        "http: {{url: 'https://x.example', headers: {{X-First: {{value: a}}, Authorization: {secret}}}}}"
    );
    workflow(tenant, &node, repeated)
}

#[test]
fn another_tenants_secret_is_not_sent_by_a_workflow_and_what_workflows_send_is_theirs_as_well() {
    let own = source("demo", "KEY_A");
    for repeated in [false, true] {
        let takes = |foreign: &[Document], document: Document| {
            let wrong = judged(foreign, &[own.clone(), document], false).unwrap_err();
            assert!(wrong[0].what.contains(" belongs to another tenant"), "{wrong:?}");
        };
        let with_destination = [source("other", "KEY_B"), destination("other", "{env: CRM_TOKEN}")];
        let with_workflow = [source("other", "KEY_B"), asking("other", "{env: CRM_TOKEN}", repeated)];
        takes(&with_destination, asking("demo", "{env: CRM_TOKEN}", repeated));
        takes(&with_destination, asking("demo", "{file: /run//secrets/CRM_TOKEN}", repeated));
        takes(&with_destination, asking("demo", "{env: KEY_B}", repeated));
        takes(&with_workflow, destination("demo", "{env: CRM_TOKEN}"));
        takes(&with_workflow, asking("demo", "{env: CRM_TOKEN}", !repeated));
        takes(&with_workflow, source_of("demo", "second", "{env: CRM_TOKEN}"));
        let mine = [own.clone(), asking("demo", "{env: DEMO_TOKEN}", repeated)];
        judged(&with_workflow, &mine, false).unwrap();
        let kept = [&with_workflow[..], &mine].concat();
        judged(&kept, &[destination("demo", "{env: DEMO_TOKEN}")], false).unwrap();
        let meshs = asking("demo", "{env: TRIBUTARY_ADMIN_KEYS}", repeated);
        assert!(judged(&[], &[own.clone(), meshs], false).is_err());
    }
}

#[test]
fn headers_that_are_written_by_reference_to_another_place_of_the_document_are_found() {
    let shared = "&all {Authorization: {env: CRM_TOKEN}}";
    let nodes = format!(
        "[{{name: a, http: {{url: 'https://x.example', headers: {shared}}}, to: b}}, \
          {{name: b, http: &whole {{url: 'https://x.example', headers: *all}}, to: c}}, \
          {{name: c, http: {{<<: *whole, retries: 0}}}}]"
    );
    let document =
        document("demo", "Workflow", "asks", &format!("{{trigger: {{events: a}}, nodes: {nodes}}}"));
    assert_eq!(crate::configuration::secrets::identities(&document), ["CRM_TOKEN"; 3]);
}

#[test]
fn what_a_workflow_emits_or_answers_is_no_secret_however_it_looks() {
    let foreign = [source("other", "KEY_B")];
    for node in [
        "emit: {type: b, properties: {headers: {env: KEY_B}, http: {headers: {x: {env: KEY_B}}}}}",
        "respond: {headers: {x: {env: KEY_B}}}",
        "http: {url: 'https://x.example', body: {headers: {env: KEY_B}}}",
    ] {
        judged(&foreign, &[source("demo", "KEY_A"), workflow("demo", node, false)], false).unwrap();
    }
}

#[test]
fn what_this_release_would_refuse_protects_its_secrets_all_the_same() {
    // Of a kind, and with fields, that only a newer release knows.
    let newer =
        document("other", "Lookup", "crm", "{calls: [{headers: {Authorization: {env: CRM_TOKEN, ttl: 5}}}]}");
    let broken = document("other", "Source", "web", "{keys: {first: {file: /s//key}, second: {env: true}}}");
    let foreign = [newer, broken];
    let own = source("demo", "KEY_A");
    let wrong = judged(&foreign, &[own.clone(), destination("demo", "{env: CRM_TOKEN}")], false).unwrap_err();
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    let references: Vec<String> =
        foreign.iter().flat_map(crate::configuration::secrets::identities).collect();
    assert_eq!(references, ["CRM_TOKEN", "/s/key", "true"]);
}

#[test]
fn values_that_only_look_like_references_to_secrets_are_nobodys() {
    let example = "{event: a, examples: [{env: production}]}";
    let foreign = [source("other", "KEY_B"), document("other", "Schema", "s", example)];
    judged(&foreign, &[source("demo", "production")], false).unwrap();
}

#[test]
fn tenants_may_share_a_secret_that_both_administer_but_never_a_write_key() {
    let own = source("demo", "KEY_A");
    // Both keys were shown once; after that each tenant may be applied by itself.
    let shared = [
        own.clone(),
        source("other", "KEY_B"),
        destination("demo", "{env: T}"),
        destination("other", "{env: T}"),
    ];
    judged(&[], &shared, false).unwrap();
    judged(&shared, &[mapping("demo", "m", "set")], false).unwrap();
    // To make a write key of it is for the one who does so first.
    judged(&shared, &[source_of("demo", "second", "{env: T}")], false).unwrap();
    let with_key = [&shared[..], &[source_of("demo", "second", "{env: T}")]].concat();
    let wrong = judged(&with_key, &[source_of("other", "second", "{env: T}")], false).unwrap_err();
    assert!(wrong[0].what.contains("write key of another tenant"), "{wrong:?}");
}

#[test]
fn many_small_requests_do_not_add_up_to_more_than_a_tenant_may_have() {
    let big = "x".repeat(600 * 1024);
    let padded = |name: &str| {
        let mut mapping = mapping("demo", name, "set");
        mapping.text.push_str(&format!("# {big}\n"));
        mapping
    };
    let current =
        Kept { number: 1, id: "1-a".to_owned(), documents: vec![source("demo", "KEY_A"), padded("a")] };
    let intent = Intent {
        tenants: BTreeSet::from(["demo".to_owned()]),
        documents: vec![padded("b")],
        prune: false,
        dry_run: false,
        base: String::new(),
        note: String::new(),
    };
    let plan = plan_for(&intent.tenants, &current.documents, &intent.documents, false);
    let error = judge(&current, &intent, &plan).unwrap_err();
    assert_eq!(error.problem().reason, "CONFIG_TOO_LARGE");
}

#[test]
fn a_tenant_may_be_left_without_any_document() {
    let current = Kept { number: 1, id: "1-a".to_owned(), documents: vec![source("demo", "KEY_A")] };
    let intent = Intent {
        tenants: BTreeSet::from(["demo".to_owned()]),
        documents: Vec::new(),
        prune: true,
        dry_run: false,
        base: String::new(),
        note: String::new(),
    };
    let plan = plan_for(&intent.tenants, &current.documents, &[], true);
    assert_eq!((plan.changes.len(), plan.documents.len()), (1, 0));
    judge(&current, &intent, &plan).unwrap();
}
