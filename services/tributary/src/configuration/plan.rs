//! What changes, as a diff for people and as a document for programs.

use anyhow::Context as _;
use serde_json::{Value, json};
use tributary_proto::{raw::RawValue, v1};

use crate::out::{Style, short};

/// The documents that change, each with its fields; empty without any. Tenants are named where there are several.
pub(super) fn text(changes: &[v1::DocumentChange], style: Style) -> anyhow::Result<String> {
    let several = changes.iter().any(|change| change.tenant != changes[0].tenant);
    let mut lines = Vec::new();
    for change in changes {
        lines.push(heading(change, several, style));
        for field in &change.fields {
            lines.push(format!("    {}", style.dim(&field.path)));
            if let Some(before) = value(field.before.as_ref())? {
                lines.extend(sides("-", &before).map(|line| style.red(line)));
            }
            if let Some(after) = value(field.after.as_ref())? {
                lines.extend(sides("+", &after).map(|line| style.green(line)));
            }
        }
    }
    Ok(lines.join("\n"))
}

/// In one line, the first few documents.
pub(super) fn in_short(changes: &[v1::DocumentChange]) -> String {
    const SHOWN: usize = 3;
    let first = changes.iter().take(SHOWN).map(|change| {
        let (sign, _) = action(change);
        format!("{sign} {} {}", change.kind, change.name)
    });
    let mut text = first.collect::<Vec<_>>().join(", ");
    if changes.len() > SHOWN {
        text.push_str(&format!(" and {} more", changes.len() - SHOWN));
    }
    text
}

/// How many documents are new, change and go; in words.
pub(super) fn counts(changes: &[v1::DocumentChange]) -> String {
    let of = |wanted: v1::DocumentAction| changes.iter().filter(|change| change.action() == wanted).count();
    let counts = [
        (of(v1::DocumentAction::Create), "created"),
        (of(v1::DocumentAction::Change), "changed"),
        (of(v1::DocumentAction::Delete), "deleted"),
    ];
    let told = counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    told.collect::<Vec<_>>().join(", ")
}

/// For programs.
pub(super) fn for_programs(changes: &[v1::DocumentChange]) -> anyhow::Result<Value> {
    let mut all = Vec::new();
    for change in changes {
        let mut fields = Vec::new();
        for field in &change.fields {
            let (before, after) = (value(field.before.as_ref())?, value(field.after.as_ref())?);
            let mut shown = json!({"path": field.path});
            // Null is a value: what is absent has no field.
            before.into_iter().for_each(|before| shown["before"] = before);
            after.into_iter().for_each(|after| shown["after"] = after);
            fields.push(shown);
        }
        let (_, action) = action(change);
        all.push(json!({
            "tenant": change.tenant,
            "kind": change.kind,
            "name": change.name,
            "action": action,
            "fields": fields,
        }));
    }
    Ok(Value::Array(all))
}

fn heading(change: &v1::DocumentChange, several_tenants: bool, style: Style) -> String {
    let (sign, _) = action(change);
    let mut line = format!("{sign} {} {}", change.kind, change.name);
    if several_tenants {
        line.push_str(&format!(" of tenant {}", change.tenant));
    }
    match change.action() {
        v1::DocumentAction::Create => style.green(line),
        v1::DocumentAction::Delete => style.red(line),
        v1::DocumentAction::Change | v1::DocumentAction::Unspecified => style.yellow(line),
    }
}

fn action(change: &v1::DocumentChange) -> (char, &'static str) {
    match change.action() {
        v1::DocumentAction::Create => ('+', "create"),
        v1::DocumentAction::Change => ('~', "change"),
        v1::DocumentAction::Delete => ('-', "delete"),
        v1::DocumentAction::Unspecified => ('?', "unknown"),
    }
}

/// A text of several lines keeps them, so that it can be read.
fn sides(sign: &'static str, value: &Value) -> impl Iterator<Item = String> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let lines: Vec<String> =
        text.lines().map(|line| format!("    {sign} {}", short(line, usize::MAX))).collect();
    // An empty text is a value too.
    if lines.is_empty() { vec![format!("    {sign} \"\"")] } else { lines }.into_iter()
}

fn value(value: Option<&RawValue>) -> anyhow::Result<Option<Value>> {
    value.map(RawValue::to_json).transpose().context("what the mesh answered cannot be read")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::out::Color;

    pub(in crate::configuration) fn change(name: &str, action: v1::DocumentAction) -> v1::DocumentChange {
        v1::DocumentChange {
            tenant: "demo".into(),
            kind: "Mapping".into(),
            name: name.into(),
            action: action.into(),
            fields: Vec::new(),
        }
    }

    fn field(path: &str, before: Option<Value>, after: Option<Value>) -> v1::FieldChange {
        let raw = |value: Option<Value>| value.as_ref().map(RawValue::from_json);
        v1::FieldChange { path: path.into(), before: raw(before), after: raw(after) }
    }

    #[test]
    fn a_plan_reads_like_a_diff() {
        let mut changed = change("purchase", v1::DocumentAction::Change);
        changed.fields = vec![
            field("spec.changes[1].from", Some(json!("properties.value")), Some(json!("properties.amount"))),
            field("spec.changes[2]", None, Some(json!({"op": "set"}))),
            field("spec.note", Some(json!("")), None),
        ];
        let changes =
            [change("app", v1::DocumentAction::Create), changed, change("old", v1::DocumentAction::Delete)];
        let plain = Style::new(Color::Never, false);
        assert_eq!(
            text(&changes, plain).unwrap(),
            "+ Mapping app
~ Mapping purchase
    spec.changes[1].from
    - properties.value
    + properties.amount
    spec.changes[2]
    + {\"op\":\"set\"}
    spec.note
    - \"\"
- Mapping old"
        );
        assert_eq!(counts(&changes), "1 created, 1 changed, 1 deleted");
        assert_eq!(in_short(&changes), "+ Mapping app, ~ Mapping purchase, - Mapping old");
    }

    #[test]
    fn tenants_are_named_where_there_are_several() {
        let mut other = change("b", v1::DocumentAction::Create);
        other.tenant = "blog".into();
        let shown =
            text(&[change("a", v1::DocumentAction::Create), other], Style::new(Color::Never, false)).unwrap();
        assert_eq!(shown, "+ Mapping a of tenant demo\n+ Mapping b of tenant blog");
    }

    #[test]
    fn for_programs_an_absent_side_is_absent_and_null_is_null() {
        let mut changed = change("m", v1::DocumentAction::Change);
        changed.fields = vec![field("spec.x", Some(json!(null)), None)];
        let shown = for_programs(&[changed]).unwrap();
        assert_eq!(shown[0]["fields"], json!([{"path": "spec.x", "before": null}]));
        assert_eq!(shown[0]["action"], "change");
    }
}
