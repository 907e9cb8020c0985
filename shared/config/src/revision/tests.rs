use super::*;

fn document(tenant: &str, kind: &str, name: &str, spec: &str) -> Document {
    let text = format!("kind: {kind}\nname: {name}\ntenant: {tenant}\nspec: {spec}\n");
    Document {
        tenant: tenant.into(),
        kind: kind.into(),
        name: name.into(),
        file: "a.yaml".into(),
        line: 1,
        text,
    }
}

#[test]
fn the_name_says_what_documents_say_and_not_how() {
    let a = document("t", "Mapping", "a", "{x: 1, y: [2, {z: null}]}");
    let b = document("t", "Mapping", "b", "{}");
    let rewritten = Document {
        text: "# why\nname: a\nkind: Mapping\ntenant: t\nspec:\n  y:\n    - 2\n    - z:\n  x: 1 # one\n"
            .into(),
        file: "other/b.yaml".into(),
        line: 70,
        ..a.clone()
    };
    let id = Revision::new(12, vec![a.clone(), b.clone()]).id();
    assert_eq!(id, Revision::new(12, vec![b.clone(), rewritten]).id());
    assert!(id.starts_with("12-") && id.len() == 11, "{id}");
    let changed = document("t", "Mapping", "a", "{x: 1, y: [2, {z: 0}]}");
    assert_ne!(id, Revision::new(12, vec![changed, b.clone()]).id());
    assert_ne!(id, Revision::new(12, vec![a.clone()]).id());
    assert_ne!(id, Revision::new(12, vec![Document { tenant: "u".into(), ..a.clone() }, b]).id());
}

#[test]
fn what_is_tested_and_never_applied_is_not_part_of_it() {
    let mapping = document("t", "Mapping", "a", "{}");
    let scenario = document("t", "Scenario", "a", "{}");
    let revision = Revision::new(1, vec![scenario, mapping.clone()]);
    assert_eq!(revision.documents, [mapping]);
}

#[test]
fn a_revision_is_read_back_as_it_was_written() {
    let revision = Revision::new(7, vec![document("t", "Mapping", "a", "{}")]);
    assert_eq!(Revision::from_bytes(&revision.to_bytes()), Ok(revision));
    assert_eq!(Revision::from_bytes(b"{\"number\": 1}").unwrap_err(), "not a revision: line 1, column 13");
}

#[test]
fn a_number_is_read_from_a_revisions_name_or_stands_alone() {
    assert_eq!(number_of("12-3fa9c1d2"), Some(12));
    assert_eq!(number_of("12"), Some(12));
    for wrong in ["", "-", "12-", "-1", "+1", "x-3fa9c1d2", "12-x", "12 ", "1-2-3"] {
        assert_eq!(number_of(wrong), None, "{wrong:?}");
    }
}
