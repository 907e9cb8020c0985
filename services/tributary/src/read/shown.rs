//! Profiles, sessions and events as documents for programs and as tables for people.

use anyhow::Context as _;
use serde_json::{Map, Value, json};
use tributary_config::BOOKKEEPING;
use tributary_proto::{convert::time_from_wire, raw::RawStruct, v1};

use crate::out::{Table, leaves};

/// A profile, for programs.
pub(crate) fn profile(profile: &v1::Profile) -> anyhow::Result<Value> {
    let fields = fields(profile.fields.as_ref())?;
    Ok(json!({"id": profile.id, "tenant": profile.tenant, "version": profile.version, "fields": fields}))
}

/// A profile, for people: without what workflows remember for themselves.
pub(crate) fn profile_text(profile: &v1::Profile) -> anyhow::Result<Table> {
    let mut table = Table::plain();
    // A profile that is only described has neither.
    for (name, value) in [("id", &profile.id), ("version", &profile.version)] {
        if !value.is_empty() {
            table.row([name.to_owned(), value.clone()]);
        }
    }
    let mut fields = fields(profile.fields.as_ref())?;
    fields.remove(BOOKKEEPING);
    add_leaves(&mut table, &fields);
    Ok(table)
}

/// A session, for programs.
pub(super) fn session(session: &v1::Session) -> anyhow::Result<Value> {
    let fields = fields(session.fields.as_ref())?;
    Ok(json!({
        "id": session.id,
        "tenant": session.tenant,
        "profile_id": session.profile_id,
        "version": session.version,
        "fields": fields,
    }))
}

/// A session, for people.
pub(super) fn session_text(session: &v1::Session) -> anyhow::Result<Table> {
    let mut table = Table::plain();
    table.row(["id".into(), session.id.clone()]);
    table.row(["profile".into(), session.profile_id.clone()]);
    table.row(["version".into(), session.version.clone()]);
    add_leaves(&mut table, &fields(session.fields.as_ref())?);
    Ok(table)
}

/// An event, for programs.
pub(super) fn event(event: &v1::Event) -> anyhow::Result<Value> {
    let problem = |problem: &v1::EventProblem| {
        json!({
            "document": problem.document,
            "path": problem.path,
            "reason": problem.reason,
            "description": problem.description,
        })
    };
    Ok(json!({
        "id": event.id,
        "type": event.r#type,
        "tenant": event.tenant,
        "source": event.source,
        "profile_id": event.profile_id,
        "session_id": event.session_id,
        "time": time(event.time.as_ref()),
        "received": time(event.received.as_ref()),
        "properties": fields(event.properties.as_ref())?,
        "context": fields(event.context.as_ref())?,
        "revision": event.revision,
        "request_id": event.request_id,
        "cause_event_id": event.derivation.as_ref().map(|derivation| &derivation.cause_event_id),
        "depth": event.derivation.as_ref().map_or(0, |derivation| derivation.depth),
        "problems": event.problems.iter().map(problem).collect::<Vec<_>>(),
        "invalid": event.invalid,
        "historical": event.historical,
    }))
}

/// RFC 3339; empty where there is none.
pub(crate) fn time(timestamp: Option<&prost_types::Timestamp>) -> String {
    let time = timestamp.and_then(|timestamp| time_from_wire(timestamp, "time").ok());
    time.map(|time| time.to_string()).unwrap_or_default()
}

/// A document's fields; none where it is absent.
pub(super) fn fields(document: Option<&RawStruct>) -> anyhow::Result<Map<String, Value>> {
    let fields =
        document.map(RawStruct::to_object).transpose().context("what the mesh answered cannot be read")?;
    Ok(fields.unwrap_or_default())
}

fn add_leaves(table: &mut Table, fields: &Map<String, Value>) {
    for (path, value) in leaves(fields) {
        table.row([path, value]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_workflows_remember_for_themselves_is_shown_to_programs_alone() {
        let fields = json!({"traits": {"city": "Berlin"}, "workflows": {"passes": {"w": {"limit": 1}}}});
        let profile = v1::Profile {
            id: "0001".into(),
            fields: fields.as_object().map(RawStruct::from_object),
            ..v1::Profile::default()
        };
        let text = profile_text(&profile).unwrap().to_string();
        assert!(text.contains("traits.city") && !text.contains("workflows"), "{text}");
        assert_eq!(self::profile(&profile).unwrap()["fields"], fields);
    }
}
