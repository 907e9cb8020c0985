//! A run that waits, as it is kept with its timer: everything that it needs to go on, wherever and under whatever version of
//! the mesh.

use std::collections::HashMap;

use prost::Message as _;
use tributary_engine::{PausedRun, RunState};
use tributary_model::{StreamId, TraceContext};
use tributary_streams::timer_id;

use crate::subject::{Documents, Subject};

/// A paused run.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The event that it is for.
    pub event: Subject,
    /// Where that lies in `{p}:events`: an id that is used again is another event there.
    pub entry: StreamId,
    /// Its workflow's name.
    pub workflow: String,
    /// The revision of the configuration that it started on, and finishes on.
    pub revision: String,
    /// How far it has come.
    pub state: RunState,
    /// The trace of its event.
    pub trace: TraceContext,
}

impl Kept {
    /// The id of its timer: one for each pause of a run, and no other run's, also where the event's id is used again.
    #[must_use]
    pub fn timer(&self) -> String {
        let (entry, pause) = (self.entry.to_string(), self.state.pauses.to_string());
        let Subject { tenant, id, profile, .. } = &self.event;
        timer_id("workflow", tenant, &[profile.as_str(), id.as_str(), &self.workflow, &entry, &pause])
    }

    /// As its timer carries it.
    #[must_use]
    pub fn fields(&self) -> Vec<(&'static str, Vec<u8>)> {
        let state = serde_json::to_vec(&self.state).expect("names, texts and numbers are always JSON");
        vec![
            ("event", self.event.message.encode_to_vec()),
            ("entry", self.entry.to_string().into_bytes()),
            ("workflow", self.workflow.clone().into_bytes()),
            ("revision", self.revision.clone().into_bytes()),
            ("state", state),
            ("event_traceparent", self.trace.traceparent.clone().into_bytes()),
            ("event_tracestate", self.trace.tracestate.clone().into_bytes()),
        ]
    }

    /// Reads what [`Kept::fields`] made; `None` where it is something else.
    #[must_use]
    pub fn from_fields(fields: &HashMap<String, Vec<u8>>) -> Option<Kept> {
        let text = |name: &str| String::from_utf8(fields.get(name)?.clone()).ok();
        let trace = TraceContext {
            traceparent: text("event_traceparent").unwrap_or_default(),
            tracestate: text("event_tracestate").unwrap_or_default(),
        };
        Some(Kept {
            event: Subject::decode(fields.get("event")?)?,
            entry: text("entry")?.parse().ok()?,
            workflow: text("workflow")?,
            revision: text("revision")?,
            state: serde_json::from_slice(fields.get("state")?).ok()?,
            trace,
        })
    }

    /// As the engine takes it. `workflow` is the one of its own revision; `documents` are its event's.
    #[must_use]
    pub fn run<'a>(
        &'a self,
        timer: &str,
        graph: &'a tributary_engine::Graph,
        documents: &'a Documents,
    ) -> PausedRun<'a> {
        PausedRun {
            timer: timer.to_owned(),
            workflow: &self.workflow,
            graph,
            event_id: self.event.id.clone(),
            event: self.event.view(documents),
            state: self.state.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use tributary_proto::v1;

    fn kept() -> Kept {
        let message = v1::Event {
            tenant: "t".to_owned(),
            id: "e:1".to_owned(),
            profile_id: "p".to_owned(),
            r#type: "purchase".to_owned(),
            ..v1::Event::default()
        };
        let memory = json!({"ask": {"status": 200}}).as_object().unwrap().clone();
        Kept {
            event: Subject::of(message).unwrap(),
            entry: StreamId::new(7, 1),
            workflow: "basket".to_owned(),
            revision: "12-3fa9c1d2".to_owned(),
            state: RunState { memory, pauses: 2, ..RunState::default() },
            trace: TraceContext { traceparent: "00-a-b-01".to_owned(), tracestate: String::new() },
        }
    }

    #[test]
    fn what_is_kept_is_what_goes_on() {
        let kept = kept();
        let fields = kept.fields().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let read = Kept::from_fields(&fields).unwrap();
        assert_eq!(read.event.message, kept.event.message);
        assert_eq!(
            (read.entry, read.workflow, read.revision, read.state, read.trace),
            (kept.entry, kept.workflow, kept.revision, kept.state, kept.trace)
        );
    }

    #[test]
    fn what_is_no_run_is_told_apart() {
        for name in ["event", "entry", "workflow", "revision", "state"] {
            let mut fields: HashMap<_, _> =
                kept().fields().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            fields.insert(name.to_owned(), vec![0xff, 0xff]);
            assert!(Kept::from_fields(&fields).is_none(), "{name}");
            fields.remove(name);
            assert!(Kept::from_fields(&fields).is_none(), "{name}");
        }
    }

    #[test]
    fn each_pause_has_a_timer_of_its_own_also_where_an_id_is_used_again() {
        let first = kept();
        let mut second = kept();
        second.state.pauses += 1;
        assert_eq!(first.timer(), "workflow:t:p:e%3a1:basket:7-1:2");
        assert_ne!(first.timer(), second.timer());
        assert_ne!(first.timer(), Kept { entry: StreamId::new(9, 0), ..kept() }.timer());
    }
}
