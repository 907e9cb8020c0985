//! What happened in one step, as expectations speak of it.

use prost::Message as _;
use serde_json::{Map, Value, json};
use tributary_engine::{Ending, NodeRecord, NotTriggered, RunOutcome};
use tributary_proto::{convert::time_from_wire, v1};
use tributary_runtime::Problem;

/// Everything that came of a step, as far as it can be compared.
#[derive(Debug, Default)]
pub(super) struct Happened {
    refused: Option<String>,
    events: Option<Vec<Value>>,
    warnings: Option<Vec<Value>>,
    derived: Vec<Value>,
    dead_letters: Vec<Value>,
    response: Map<String, Value>,
    /// What workflows called.
    pub(super) calls: Vec<Value>,
    /// The calls that the scenario has no answer to: nobody knows what would come of them.
    pub(super) unanswered: Vec<String>,
    /// What destinations were sent.
    pub(super) deliveries: Vec<Value>,
    /// What cannot be compared, and explains why something is not as expected.
    pub(super) notes: Vec<String>,
}

impl Happened {
    /// As one document, with what profile and session show now.
    pub(super) fn document(
        &self,
        profile: Option<Map<String, Value>>,
        session: Option<Map<String, Value>>,
    ) -> Value {
        json!({
            "refused": self.refused,
            "events": self.events,
            "warnings": self.warnings,
            "profile": profile,
            "session": session,
            "response": (!self.response.is_empty()).then_some(&self.response),
            "calls": self.calls,
            "derived": self.derived,
            "deliveries": self.deliveries,
            "dead_letters": self.dead_letters,
        })
    }

    /// What the client is told.
    pub(super) fn answer(&mut self, answer: &v1::TrackResponse) {
        let mut notes = Vec::new();
        let event = |event: &v1::EventResult| {
            let violations: Vec<&str> =
                event.violations.iter().map(|violation| violation.reason.as_str()).collect();
            for violation in &event.violations {
                let v1::Violation { path, reason, description } = violation;
                notes.push(format!("{path}: {reason}: {description}"));
            }
            for v1::Warning { path, message, .. } in &event.warnings {
                notes.push(format!("{path}: {message}"));
            }
            json!({
                "id": event.event_id,
                "status": bare(event.status().as_str_name(), "EVENT_STATUS_"),
                "violations": violations,
                "warnings": codes(&event.warnings),
                "problems": [],
                "invalid": false,
            })
        };
        self.events = Some(answer.events.iter().map(event).collect());
        notes.into_iter().for_each(|note| self.note(note));
        self.warnings = Some(codes(&answer.warnings));
    }

    /// The client is told that the payload is refused as a whole.
    pub(super) fn refused(&mut self, problem: &Problem) {
        self.refused = Some(problem.reason.to_owned());
        self.note(problem.message.clone());
    }

    /// An event as it is kept: what was found wrong with a client's, and all of one that the mesh made.
    pub(super) fn stored(&mut self, event: &v1::Event) {
        let problem = |problem: &v1::EventProblem| {
            let v1::EventProblem { document, path, reason, .. } = problem;
            json!({"document": document, "path": path, "reason": reason})
        };
        let problems: Value = event.problems.iter().map(problem).collect();
        let Some(derivation) = &event.derivation else {
            // The warnings of the answer explain them.
            let of_client = self.events.iter_mut().flatten();
            for told in of_client.filter(|told| told["id"] == event.id && told["status"] == "ACCEPTED") {
                told["problems"] = problems.clone();
                told["invalid"] = event.invalid.into();
            }
            return;
        };
        for v1::EventProblem { document, path, reason, description } in &event.problems {
            self.note(format!("{}: {document}, {path}: {reason}: {description}", event.r#type));
        }
        let properties = event.properties.as_ref().and_then(|raw| raw.to_object().ok()).unwrap_or_default();
        let time = event.time.as_ref().and_then(|time| time_from_wire(time, "time").ok());
        self.derived.push(json!({
            "type": event.r#type,
            "time": time.map(|time| time.to_string()),
            "profile": event.profile_id,
            "session": Some(&event.session_id).filter(|id| !id.is_empty()),
            "cause": derivation.cause_event_id,
            "depth": derivation.depth,
            "properties": properties,
            "problems": problems,
            "invalid": event.invalid,
        }));
    }

    /// What workflows answer to an event of the payload, beside what they answered to those before it.
    pub(super) fn responded(&mut self, response: Map<String, Value>) {
        self.response.extend(response);
    }

    /// What workflows could not do. It harms nothing else, so nobody is told but whoever looks.
    pub(super) fn runs(&mut self, runs: &[RunOutcome]) {
        for run in runs {
            let workflow = &run.workflow;
            if let Ending::Failed(reason) = &run.ending {
                self.note(format!("workflow {workflow} failed: {reason}"));
            }
            for record in &run.records {
                self.record(workflow, record);
            }
        }
    }

    /// Workflows that mean the event and do not run for it.
    pub(super) fn not_triggered(&mut self, passed: &[NotTriggered]) {
        for NotTriggered { workflow, why } in passed {
            self.note(format!("workflow {workflow}: not triggered: {why}"));
        }
    }

    fn record(&mut self, workflow: &str, record: &NodeRecord) {
        let NodeRecord { node, port, why, missing, refused, .. } = record;
        let left = match port {
            Some(port) => format!("left by {port}"),
            None => "not left".to_owned(),
        };
        for refused in refused {
            self.note(format!("workflow {workflow}, node {node}: {refused}"));
        }
        let error = why.as_ref().filter(|_| port.as_deref() == Some("error"));
        // An error that says which path is missing says it with more.
        let says = |path: &str| error.is_some_and(|why| why.ends_with(&format!("{path} is missing")));
        for path in missing.iter().filter(|path| !says(path)) {
            self.note(format!("workflow {workflow}, node {node}: {left}, {path} is missing"));
        }
        if let Some(why) = error {
            self.note(format!("workflow {workflow}, node {node}: {left}, {why}"));
        }
    }

    /// A call that the scenario has no answer to.
    pub(super) fn unanswered(&mut self, node: &str) {
        let told =
            format!("{node} called somebody, and the scenario has no answer: write one under `answers`");
        if !self.unanswered.contains(&told) {
            self.unanswered.push(told);
        }
    }

    /// A derived event that is given up on: an encoded `DeadLetter` with what was to be handed on.
    pub(super) fn dead_letter(&mut self, letter: &[u8]) {
        let letter = v1::DeadLetter::decode(letter).expect("the stages write what they can read");
        let request = v1::ProcessRequest::decode(letter.data).ok();
        let payload = request.and_then(|request| request.payload).unwrap_or_default();
        let event_type = payload.events.first().map(|event| event.r#type.as_str()).unwrap_or_default();
        self.dead(&letter.reason, event_type);
        self.note(letter.message);
    }

    /// An event that is given up on.
    pub(super) fn dead(&mut self, reason: &str, event_type: &str) {
        self.dead_letters.push(json!({"reason": reason, "type": event_type}));
    }

    /// Each once: a node that asks and is answered has looked twice.
    pub(super) fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

fn codes(warnings: &[v1::Warning]) -> Vec<Value> {
    let code = |warning: &v1::Warning| bare(warning.code().as_str_name(), "WARNING_CODE_").into();
    warnings.iter().map(code).collect()
}

fn bare<'n>(name: &'n str, prefix: &str) -> &'n str {
    name.strip_prefix(prefix).unwrap_or(name)
}
