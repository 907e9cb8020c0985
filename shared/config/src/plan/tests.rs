use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::json;

use super::*;

fn document(tenant: &str, name: &str, spec: &str) -> Document {
    Document {
        tenant: tenant.into(),
        kind: "Mapping".into(),
        name: name.into(),
        file: "a.yaml".into(),
        line: 1,
        text: format!("kind: Mapping\nname: {name}\ntenant: {tenant}\nspec: {spec}\n"),
    }
}

fn shown(plan: &Plan) -> Vec<(Action, String)> {
    plan.changes.iter().map(|change| (change.action, format!("{}/{}", change.tenant, change.name))).collect()
}

#[test]
fn what_is_new_changed_or_gone_is_told_and_the_rest_counted() {
    let current = [
        document("t", "same", "{a: 1}"),
        document("t", "changed", "{a: 1}"),
        document("t", "left", "{}"),
        document("u", "other", "{}"),
    ];
    let wanted = [
        document("t", "new", "{}"),
        document("t", "changed", "{a: 2}"),
        document("t", "same", "{ a: 1 } # x"),
    ];
    let kept = plan(&current, &wanted, false);
    assert_eq!(shown(&kept), [(Action::Change, "t/changed".into()), (Action::Create, "t/new".into())]);
    assert_eq!((kept.unchanged, kept.kept, kept.documents.len()), (1, 1, 5));
    let pruned = plan(&current, &wanted, true);
    let expected = [(Action::Change, "t/changed"), (Action::Delete, "t/left"), (Action::Create, "t/new")];
    assert_eq!(shown(&pruned), expected.map(|(action, name)| (action, name.to_string())));
    assert_eq!((pruned.unchanged, pruned.kept, pruned.documents.len()), (1, 0, 4));
}

#[test]
fn a_tenant_that_wants_nothing_loses_all_it_has_when_it_is_named() {
    let current = [document("t", "a", "{}"), document("u", "b", "{}")];
    assert!(plan(&current, &[], true).changes.is_empty());
    let pruned = plan_for(&BTreeSet::from(["t".to_string()]), &current, &[], true);
    assert_eq!(shown(&pruned), [(Action::Delete, "t/a".to_string())]);
    assert_eq!(pruned.documents, [document("u", "b", "{}")]);
}

#[test]
fn a_change_names_the_fields_that_differ() {
    let before =
        document("t", "m", "{events: [a], changes: [{path: x, op: set}, {path: y}], f: {\"p.q\": 1}}");
    let after =
        document("t", "m", "{events: \"*\", changes: [{path: x, op: unset, value: null}], f: {\"p.q\": 2}}");
    let plan = plan(&[before], &[after], false);
    let fields: Vec<(&str, Option<Value>, Option<Value>)> = plan.changes[0]
        .fields
        .iter()
        .map(|field| (field.path.as_str(), field.before.clone(), field.after.clone()))
        .collect();
    assert_eq!(
        fields,
        [
            ("spec.changes[0].op", Some(json!("set")), Some(json!("unset"))),
            ("spec.changes[0].value", None, Some(Value::Null)),
            ("spec.changes[1]", Some(json!({"path": "y"})), None),
            ("spec.events", Some(json!(["a"])), Some(json!("*"))),
            ("spec.f.\"p.q\"", Some(json!(1)), Some(json!(2))),
        ]
    );
    let told = serde_json::to_string(&plan.changes[0]).unwrap();
    assert_eq!(serde_json::from_str::<DocumentChange>(&told).unwrap(), plan.changes[0]);
}

#[test]
fn a_document_that_is_wanted_twice_stays_twice_for_the_check_to_tell() {
    let twice = [document("t", "a", "{}"), document("t", "a", "{}")];
    assert_eq!(plan(&[], &twice, false).documents.len(), 2);
}

/// Some documents of two tenants, each identity at most once.
fn some_documents() -> impl Strategy<Value = Vec<Document>> {
    let specs = ["{}", "{a: 1}", "{a: [1, {b: 2}]}", "{a: [1, {b: 3}, 4]}", "{\"x.y\": {a: null}}", "text"];
    btree_map((select(vec!["t", "u"]), select(vec!["a", "b", "c"])), select(specs.to_vec()), 0..6)
        .prop_map(|of| of.into_iter().map(|((tenant, name), spec)| document(tenant, name, spec)).collect())
}

proptest! {
    #[test]
    fn what_was_planned_and_done_is_not_planned_again(
        current in some_documents(), wanted in some_documents(), prune: bool,
    ) {
        let first = plan(&current, &wanted, prune);
        let again = plan(&first.documents, &wanted, prune);
        prop_assert!(again.changes.is_empty());
        prop_assert_eq!(again.unchanged, wanted.len());
        prop_assert_eq!(again.documents, first.documents);
    }

    #[test]
    fn the_order_of_documents_does_not_matter(
        current in some_documents(), wanted in some_documents(), prune: bool, swaps in vec((any::<Index>(), any::<Index>()), 6),
    ) {
        let shuffled = |documents: &[Document]| {
            let mut documents = documents.to_vec();
            for (a, b) in swaps.iter().filter(|_| !documents.is_empty()).collect::<Vec<_>>() {
                let (a, b) = (a.index(documents.len()), b.index(documents.len()));
                documents.swap(a, b);
            }
            documents
        };
        prop_assert_eq!(plan(&shuffled(&current), &shuffled(&wanted), prune), plan(&current, &wanted, prune));
    }
}
