//! What the caller is told. Pure.

use crate::payload::{AcceptedEvent, Payload, RefusedEvent, warning};
use crate::plan::{Marked, Plan, Planned, PlannedEvent};
use crate::process::Walk;
use crate::start::Named;
use crate::waiting::levels::to_wire;
use crate::waiting::{Expected, Waited};
use tributary_config::WaitFor;
use tributary_model::{Change, EventId, Members, ProfileId, StreamId, deltas_as};
use tributary_proto::convert::{deltas_to_wire, profile_to_wire, session_to_wire};
use tributary_proto::v1;
use tributary_streams::{AppendedEvent, Reading};

/// What became of a payload.
pub(crate) struct Outcome {
    /// Where its events were appended.
    pub(crate) at: ProfileId,
    /// What was known before.
    pub(crate) before: Reading,
    /// What was planned on that.
    pub(crate) plan: Plan,
    /// What the slot answered, one for each planned event.
    pub(crate) events: Vec<AppendedEvent>,
    /// How far those events have come that were waited for, in their order; see [`Outcome::expected`].
    pub(crate) waited: Vec<Waited>,
    /// Something was appended between the read and this append.
    pub(crate) overtaken: bool,
    /// What is known now, read again because some events were duplicates or another call came between.
    pub(crate) reread: Option<Reading>,
    /// The session's members at the profile that it is bound to, if that is another one.
    pub(crate) elsewhere: Members,
}

impl Outcome {
    pub(crate) fn has_duplicates(&self) -> bool {
        self.events.iter().any(|event| matches!(event, AppendedEvent::Duplicate { .. }))
    }

    /// Whether workflows may have changed the profile meanwhile.
    pub(crate) fn has_waited(&self) -> bool {
        !self.waited.is_empty()
    }

    /// What is to be waited for, in the order of the planned events.
    pub(crate) fn expected(&self, payload: &Payload) -> Vec<Expected> {
        let planned = self.plan.events.iter().zip(&self.events);
        let expected = planned.filter_map(|(planned, appended)| {
            let event = is_waited_for(payload, planned)?;
            let (entry, version, last_change) = self.place(&event.id, appended);
            Some(Expected { event: event.id.clone(), entry, level: event.wait_for, version, last_change })
        });
        expected.collect()
    }

    /// Where an event lies, the profile's version with it, and its last change.
    fn place(&self, id: &EventId, appended: &AppendedEvent) -> (StreamId, StreamId, StreamId) {
        match appended {
            AppendedEvent::Accepted { entry, profile_version, last_change, .. } => {
                (*entry, *profile_version, *last_change)
            }
            // The entries of one event are stored together: its session's changes with those of the profile.
            AppendedEvent::Duplicate { entry, version } if *entry != StreamId::default() => {
                (*entry, *version, *version)
            }
            // The same id twice in one payload: the first one was appended by this very call.
            AppendedEvent::Duplicate { .. } => {
                let mut planned = self.plan.events.iter().zip(&self.events);
                let first = planned.find(|(planned, appended)| {
                    planned.event.unit.id == *id && matches!(appended, AppendedEvent::Accepted { .. })
                });
                first.map(|(_, first)| self.place(id, first)).unwrap_or_default()
            }
        }
    }

    /// The units that were written, in the order of the stream.
    fn written(&self) -> Vec<&Planned> {
        let mut written = Vec::new();
        for (planned, appended) in self.plan.events.iter().zip(&self.events) {
            let AppendedEvent::Accepted { created_profile, opened_visit, .. } = appended else { continue };
            written.extend(self.plan.created.iter().filter(|_| *created_profile));
            written.extend(planned.visit_started.iter().filter(|_| *opened_visit));
            written.push(&planned.event);
        }
        written
    }

    /// The last entries of the profile and, where there is one, of the session.
    fn versions(&self) -> Option<(StreamId, StreamId)> {
        self.events.iter().rev().find_map(|event| match event {
            AppendedEvent::Accepted { profile_version, last_change, .. } => {
                Some((*profile_version, *last_change))
            }
            AppendedEvent::Duplicate { .. } => None,
        })
    }
}

/// The event behind a planned one, if its call waits for it.
fn is_waited_for<'p>(payload: &'p Payload, planned: &PlannedEvent) -> Option<&'p AcceptedEvent> {
    let event = payload.events.get(planned.index)?.as_ref().ok()?;
    (event.wait_for > WaitFor::Accepted).then_some(event)
}

/// The answer to a payload of which no event can be accepted: nothing was written, and nobody is told of.
pub(crate) fn nothing_accepted(
    payload: &Payload,
    durability: v1::Durability,
    revision: &str,
) -> v1::TrackResponse {
    v1::TrackResponse {
        events: results(payload, &Plan::default(), &[]),
        durability: durability.into(),
        revision: revision.to_owned(),
        ..v1::TrackResponse::default()
    }
}

/// The answer to a payload that was appended.
pub(crate) fn encode(
    outcome: &Outcome,
    payload: &Payload,
    named: &Named,
    walk: &Walk<'_>,
    durability: v1::Durability,
    revision: &str,
) -> v1::TrackResponse {
    let (now, kinds) = (walk.received(), walk.kinds());
    let written = outcome.written();
    let profile_changes: Vec<Change> = written.iter().flat_map(|unit| unit.profile_changes.clone()).collect();
    let versions = outcome.versions();

    let before = &outcome.before.profile;
    let (after, profile_deltas) = deltas_as(&before.state, &profile_changes, kinds, now);
    let version = versions.map_or(before.version, |(profile, _)| profile);
    let profile_deltas = deltas_to_wire(before.version, version, &profile_deltas);
    let (known_version, known) = match &outcome.reread {
        Some(reading) => (reading.profile.version, &reading.profile.state),
        None => (version, &after),
    };
    let profile = Members::one(outcome.at.clone(), known_version, known.clone());

    let (session, session_deltas) = match walk.session() {
        None => (None, None),
        Some((session, bound)) => {
            let changes: Vec<Change> = written.iter().flat_map(|unit| unit.session_changes.clone()).collect();
            let (version, state) = outcome
                .before
                .session
                .get(&outcome.at)
                .map(|(version, state)| (version, state.clone()))
                .unwrap_or_default();
            let (after, session_deltas) = deltas_as(&state, &changes, kinds, now);
            let version_after = versions.map_or(version, |(_, last)| last);
            let mut members = match &outcome.reread {
                Some(reading) => reading.session.clone(),
                None => {
                    let mut members = outcome.before.session.clone();
                    members.insert(outcome.at.clone(), version_after, after);
                    members
                }
            };
            members.join(outcome.elsewhere.clone());
            let view = members.total().view_as(kinds, now);
            let session = session_to_wire(walk.tenant_id(), session, bound, &members, &view);
            (Some(session), Some(deltas_to_wire(version, version_after, &session_deltas)))
        }
    };

    let mut events = results(payload, &outcome.plan, &outcome.events);
    let awaited = outcome.plan.events.iter().filter(|planned| is_waited_for(payload, planned).is_some());
    for (planned, waited) in awaited.zip(&outcome.waited) {
        tell(waited, walk.with_runs(), &mut events[planned.index]);
    }
    let mut warnings = Vec::new();
    if let Named::Untrusted(_) = named {
        let text = "this id is not one the mesh made; use the profile id of the answer from now on";
        warnings.push(warning(v1::WarningCode::ProfileReplaced, "profile_id", text));
    }
    v1::TrackResponse {
        receipt: receipt(&outcome.events),
        profile: Some(profile_to_wire(
            walk.tenant_id(),
            &outcome.at,
            &profile,
            &profile.total().view_as(kinds, now),
        )),
        session,
        profile_deltas: Some(profile_deltas),
        session_deltas,
        events,
        warnings,
        durability: durability.into(),
        revision: revision.to_owned(),
    }
}

/// The place of the first accepted event; empty where all were known.
fn receipt(events: &[AppendedEvent]) -> String {
    let first = events.iter().find_map(|event| match event {
        AppendedEvent::Accepted { entry, .. } => Some(entry.to_string()),
        AppendedEvent::Duplicate { .. } => None,
    });
    first.unwrap_or_default()
}

fn results(payload: &Payload, plan: &Plan, appended: &[AppendedEvent]) -> Vec<v1::EventResult> {
    let mut results: Vec<v1::EventResult> = payload.events.iter().map(|event| result(event, None)).collect();
    for (planned, appended) in plan.events.iter().zip(appended) {
        let result_of = &mut results[planned.index];
        *result_of = result(&payload.events[planned.index], Some(appended));
        // What was found wrong with a duplicate stands on the event that was accepted.
        if let AppendedEvent::Accepted { .. } = appended {
            result_of.warnings.extend(marks(planned.index, &planned.event.marked));
        }
    }
    results
}

/// What came of waiting for an event.
fn tell(waited: &Waited, with_runs: bool, result: &mut v1::EventResult) {
    result.reached = to_wire(waited.reached).into();
    result.wait = waited.wait.unwrap_or_default().into();
    if let Some(outcome) = &waited.outcome {
        result.response.clone_from(&outcome.response);
        if with_runs {
            result.runs.clone_from(&outcome.runs);
            result.not_triggered.clone_from(&outcome.not_triggered);
        }
    }
}

/// What is marked on an event, as warnings.
fn marks(index: usize, marked: &Marked) -> impl Iterator<Item = v1::Warning> {
    marked.problems.iter().map(move |problem| {
        let v1::EventProblem { document, path, reason, description } = problem;
        // Misfits name a part of the event, failed changes a path of the profile.
        if reason == "SCHEMA_VIOLATED" {
            let at = format!("events[{index}].{path}");
            return warning(v1::WarningCode::SchemaViolated, at, format!("{document}: {description}"));
        }
        let said = [document, path, description].map(String::as_str);
        let said: Vec<&str> = said.into_iter().filter(|part| !part.is_empty()).collect();
        warning(v1::WarningCode::MappingFailed, format!("events[{index}]"), said.join(": "))
    })
}

fn result(event: &Result<AcceptedEvent, RefusedEvent>, appended: Option<&AppendedEvent>) -> v1::EventResult {
    let status = match appended {
        Some(AppendedEvent::Accepted { .. }) => v1::EventStatus::Accepted,
        Some(AppendedEvent::Duplicate { .. }) => v1::EventStatus::Duplicate,
        None => v1::EventStatus::Invalid,
    };
    match event {
        Ok(event) => v1::EventResult {
            event_id: event.id.to_string(),
            status: status.into(),
            violations: Vec::new(),
            warnings: event.warnings.clone(),
            reached: v1::WaitFor::Accepted.into(),
            ..v1::EventResult::default()
        },
        Err(refused) => v1::EventResult {
            event_id: refused.id.as_ref().map(EventId::to_string).unwrap_or_default(),
            status: v1::EventStatus::Invalid.into(),
            violations: refused.violations.clone(),
            warnings: Vec::new(),
            ..v1::EventResult::default()
        },
    }
}

#[cfg(test)]
mod tests;
